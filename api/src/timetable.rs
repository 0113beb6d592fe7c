//! The timetable over HTTP.
//!
//! A lesson is addressed by its course and the place it was planned at: its id follows from them.

use axum::Json;
use chrono::NaiveDate;
use domain::{
    ClassId, CourseId, PersonId, StudentId, Uai,
    access::Action,
    timetable::{
        Course, CoursePlan, LessonChange, Meeting, Place, TimetableCommand, TimetableError,
        lessons::{Lesson, week},
    },
};
use projections::timetable::{
    CourseRow, lessons, lessons_of_student, lessons_of_teacher, of_class,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::{Granted, Guard},
    classes::{class_of, in_year},
    error::{ApiError, Problem},
    people::staff_of,
    reading::{Asked, At, DaysQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
    year_of,
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(schedule_course))
        .routes(routes!(reschedule_course))
        .routes(routes!(end_course))
        .routes(routes!(show_lesson, change_lesson))
        .routes(routes!(list_lessons_of_class))
        .routes(routes!(list_lessons_of_teacher))
        .routes(routes!(list_lessons_of_student))
}

/// Plans a course: a class, a subject, its teachers, and when they meet every week.
#[utoipa::path(post, path = "/schools/{school}/courses", tag = "timetable",
    params(("school" = String, Path)), request_body = CoursePlan,
    responses((status = 201, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn schedule_course(
    At(school): At<Uai>,
    write: Write<CoursePlan>,
) -> Result<Receipt, ApiError> {
    let plan = &write.body;
    write
        .check(move |guard| async move {
            let sheet = guard.school(school, Action::ManageTimetable).await?.sheet;
            for teacher in &plan.teachers {
                staff_of(&guard.db, school, *teacher).await?;
            }
            let class = class_of(&guard.db, school, plan.class).await?;
            in_year(&sheet, &class, plan.first_day)?;
            in_year(&sheet, &class, plan.last_day)
        })
        .await?;
    let id = write.new_id();
    let command = TimetableCommand::ScheduleCourse { plan: plan.clone() };
    Ok(write.execute::<Course>(school, CourseId(id), command).await?.made(id))
}

/// Has a course meet at other times from a day on.
#[utoipa::path(put, path = "/schools/{school}/courses/{course}/meetings/{from}",
    tag = "timetable",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path),
        ("from" = NaiveDate, Path)),
    request_body = Vec<Meeting>,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn reschedule_course(
    At((school, course, from)): At<(Uai, CourseId, NaiveDate)>,
    write: Write<Vec<Meeting>>,
) -> Result<Receipt, ApiError> {
    may_manage((school, course), &write).await?;
    let command = TimetableCommand::RescheduleCourse { from, meetings: write.body.clone() };
    write.execute::<Course>(school, course, command).await
}

/// The day a course ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndCourse {
    /// The last day.
    on: NaiveDate,
}

/// Ends a course before its last planned day.
#[utoipa::path(post, path = "/schools/{school}/courses/{course}/end", tag = "timetable",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path)), request_body = EndCourse,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn end_course(
    At((school, course)): At<(Uai, CourseId)>,
    write: Write<EndCourse>,
) -> Result<Receipt, ApiError> {
    may_manage((school, course), &write).await?;
    let command = TimetableCommand::EndCourse { on: write.body.on };
    write.execute::<Course>(school, course, command).await
}

/// A lesson, by the place it was planned at.
#[utoipa::path(get, path = "/schools/{school}/courses/{course}/lessons/{date}/{slot}",
    tag = "timetable",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path),
        ("date" = NaiveDate, Path), ("slot" = u8, Path), ReadQuery),
    responses((status = 200, body = Lesson), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn show_lesson(
    At((school, course, date, slot)): At<(Uai, CourseId, NaiveDate, u8)>,
    reading: Reading,
) -> Result<Json<Lesson>, ApiError> {
    let granted = reading.guard.course(school, course, Action::ReadTimetable).await?;
    Ok(Json(lesson_of(&granted, Place { date, slot })?))
}

/// Cancels a lesson, moves it, has somebody else give it, changes its room, or takes all that back.
#[utoipa::path(patch, path = "/schools/{school}/courses/{course}/lessons/{date}/{slot}",
    tag = "timetable",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path),
        ("date" = NaiveDate, Path), ("slot" = u8, Path)),
    request_body = LessonChange,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn change_lesson(
    At((school, course, date, slot)): At<(Uai, CourseId, NaiveDate, u8)>,
    write: Write<LessonChange>,
) -> Result<Receipt, ApiError> {
    let (planned, change) = (Place { date, slot }, &write.body);
    let week = write
        .check(move |guard| async move {
            let sheet = guard.course(school, course, Action::ManageTimetable).await?.sheet;
            year_of(&sheet, date)?;
            match change {
                LessonChange::Replace { teacher } => {
                    staff_of(&guard.db, school, *teacher).await?;
                }
                LessonChange::Move { to, .. } => {
                    let open = week(&sheet, to.date).and(sheet.slot(to.date, to.slot));
                    open.ok_or(TimetableError::LessonDidNotTakePlace)?;
                }
                LessonChange::Cancel
                | LessonChange::ChangeRoom { .. }
                | LessonChange::Reinstate => {}
            }
            Ok(week(&sheet, date))
        })
        .await?;
    let command = TimetableCommand::ChangeLesson { planned, week, change: change.clone() };
    write.execute::<Course>(school, course, command).await
}

/// The lessons of a class on given days.
#[utoipa::path(get, path = "/schools/{school}/classes/{class}/lessons", tag = "timetable",
    params(("school" = String, Path), ("class" = uuid::Uuid, Path), DaysQuery, ReadQuery),
    responses((status = 200, body = Vec<Lesson>), (status = 404, body = Problem)))]
async fn list_lessons_of_class(
    At((school, class)): At<(Uai, ClassId)>,
    Asked(days): Asked<DaysQuery>,
    reading: Reading,
) -> Result<Json<Vec<Lesson>>, ApiError> {
    let sheet = reading.guard.class(school, class, Action::ReadTimetable).await?.sheet;
    let courses = of_class(&reading.db().await?, class).await?;
    Ok(Json(lessons(&courses, &sheet, &days.days()?)))
}

/// The lessons that somebody gives on given days, as a substitute too.
#[utoipa::path(get, path = "/schools/{school}/staff/{staff}/lessons", tag = "timetable",
    params(("school" = String, Path), ("staff" = uuid::Uuid, Path), DaysQuery, ReadQuery),
    responses((status = 200, body = Vec<Lesson>), (status = 404, body = Problem)))]
async fn list_lessons_of_teacher(
    At((school, teacher)): At<(Uai, PersonId)>,
    Asked(days): Asked<DaysQuery>,
    reading: Reading,
) -> Result<Json<Vec<Lesson>>, ApiError> {
    let sheet = reading.guard.staff(school, teacher, Action::ReadTimetable).await?.sheet;
    let days = days.days()?;
    Ok(Json(lessons_of_teacher(&reading.db().await?, teacher, (school, &sheet), &days).await?))
}

/// The lessons of a student on given days.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/lessons", tag = "timetable",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), DaysQuery, ReadQuery),
    responses((status = 200, body = Vec<Lesson>), (status = 404, body = Problem)))]
async fn list_lessons_of_student(
    At((school, student)): At<(Uai, StudentId)>,
    Asked(days): Asked<DaysQuery>,
    reading: Reading,
) -> Result<Json<Vec<Lesson>>, ApiError> {
    // Where a student is at each hour is told to those only who may see who that is.
    reading.guard.student(school, student, Action::ReadPerson).await?;
    let sheet = reading.guard.student(school, student, Action::ReadTimetable).await?.sheet;
    let days = days.days()?;
    Ok(Json(lessons_of_student(&reading.db().await?, student, (school, &sheet), &days).await?))
}

async fn may_manage<T>(
    (school, course): (Uai, CourseId),
    write: &Write<T>,
) -> Result<(), ApiError> {
    let action = Action::ManageTimetable;
    let may = move |guard: Guard| async move { guard.course(school, course, action).await };
    write.check(may).await.map(|_| ())
}

/// The lesson of a course that was planned at a place.
pub(crate) fn lesson_of(course: &Granted<CourseRow>, planned: Place) -> Result<Lesson, ApiError> {
    let Granted { thing, sheet, .. } = course;
    year_of(sheet, planned.date)?;
    let lesson = thing.sheet.lesson(thing.course, planned, sheet);
    lesson.ok_or(TimetableError::LessonDidNotTakePlace.into())
}
