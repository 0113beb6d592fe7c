//! Roll calls over HTTP: the sheet of a lesson, taking it, correcting it.

use std::collections::BTreeSet;

use axum::Json;
use chrono::NaiveDate;
use domain::{
    CourseId, StudentId, Uai,
    access::Action,
    people::Name,
    rollcalls::{Late, Mark, Marked, RollCall, RollCallCommand, RollCallError},
    timetable::{Place, lessons::Lesson},
};
use projections::{
    classes::{members, students_on},
    rollcalls::{RollCallRow, of_lesson, of_school_on},
    timetable::{lessons, of_school},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    error::{ApiError, Problem},
    reading::{Asked, At, ReadQuery, Reading},
    timetable::lesson_of,
    writing::{Receipt, Write},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_roll_call, take_roll_call, correct_roll_call))
        .routes(routes!(list_roll_calls))
}

/// The sheet of a lesson: who is expected, and what the roll call says of them if it was taken.
#[derive(Serialize, ToSchema)]
struct Sheet {
    /// The lesson.
    lesson: Lesson,
    /// Everybody who is in the class on that day.
    students: Vec<Expected>,
    /// The roll call, once it was taken.
    taken: Option<RollCallRow>,
}

/// A student who is expected in a lesson.
#[derive(Serialize, ToSchema)]
struct Expected {
    /// Who.
    student: StudentId,
    /// Their names, unless they were erased.
    name: Option<Name>,
    /// What the roll call says of them, once it was taken.
    #[serde(flatten)]
    mark: Option<Mark>,
}

/// The sheet of a lesson: who is expected, and what the roll call says of them if it was taken.
#[utoipa::path(get, path = "/schools/{school}/courses/{course}/lessons/{date}/{slot}/roll-call",
    tag = "rollcalls",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path),
        ("date" = NaiveDate, Path), ("slot" = u8, Path), ReadQuery),
    responses((status = 200, body = Sheet), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn show_roll_call(
    At((school, course, date, slot)): At<(Uai, CourseId, NaiveDate, u8)>,
    reading: Reading,
) -> Result<Json<Sheet>, ApiError> {
    let granted = reading.guard.course(school, course, Action::ReadRollCall).await?;
    let lesson = lesson_of(&granted, Place { date, slot })?;
    let db = reading.db().await?;
    let taken = of_lesson(&db, lesson.lesson).await?;
    let mark_of = |student| {
        let mut marks = taken.iter().flat_map(RollCallRow::marks);
        marks.find(|(marked, _)| *marked == student).map(|(_, mark)| mark)
    };
    let in_class = members(&db, lesson.class).await?;
    let expected = in_class.into_iter().filter(|member| member.member.is_in_on(lesson.place.date));
    let mut students: Vec<_> = expected
        .map(|member| Expected {
            student: member.member.student,
            name: member.person.map(|person| person.name),
            mark: mark_of(member.member.student),
        })
        .collect();
    students.sort_by(|one, other| sort_key(one).cmp(&sort_key(other)));
    Ok(Json(Sheet { lesson, students, taken }))
}

/// Who is not simply present.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeRollCall {
    /// Who was not seen.
    #[serde(default)]
    absent: Vec<StudentId>,
    /// Who came late.
    #[serde(default)]
    late: Vec<Late>,
}

/// Calls the roll: everybody of the class is present but those who are named.
///
/// What becomes of it in the students' files shows with `min_position` of the answer.
#[utoipa::path(put, path = "/schools/{school}/courses/{course}/lessons/{date}/{slot}/roll-call",
    tag = "rollcalls",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path),
        ("date" = NaiveDate, Path), ("slot" = u8, Path)),
    request_body = TakeRollCall,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn take_roll_call(
    At((school, course, date, slot)): At<(Uai, CourseId, NaiveDate, u8)>,
    write: Write<TakeRollCall>,
) -> Result<Receipt, ApiError> {
    let TakeRollCall { absent, late } = write.body.clone();
    let named: BTreeSet<_> = absent.iter().copied().chain(late.iter().map(|l| l.student)).collect();
    let (lesson, class) = facts(&write, (school, course), Place { date, slot }, &named).await?;
    let id = lesson.lesson;
    let command = RollCallCommand::TakeRollCall { lesson: Box::new(lesson), class, absent, late };
    write.execute::<RollCall>(school, id, command).await
}

/// What is right where a roll call was wrong.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CorrectRollCall {
    /// What is right.
    marks: Vec<Marked>,
}

/// Corrects what a roll call says of some students.
#[utoipa::path(patch, path = "/schools/{school}/courses/{course}/lessons/{date}/{slot}/roll-call",
    tag = "rollcalls",
    params(("school" = String, Path), ("course" = uuid::Uuid, Path),
        ("date" = NaiveDate, Path), ("slot" = u8, Path)),
    request_body = CorrectRollCall,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn correct_roll_call(
    At((school, course, date, slot)): At<(Uai, CourseId, NaiveDate, u8)>,
    write: Write<CorrectRollCall>,
) -> Result<Receipt, ApiError> {
    let marks = write.body.marks.clone();
    let named: BTreeSet<_> = marks.iter().map(|marked| marked.student).collect();
    let (lesson, class) = facts(&write, (school, course), Place { date, slot }, &named).await?;
    let id = lesson.lesson;
    let command = RollCallCommand::CorrectRollCall { lesson: Box::new(lesson), class, marks };
    write.execute::<RollCall>(school, id, command).await
}

/// A lesson of a day and its roll call, if it was taken.
#[derive(Serialize, ToSchema)]
struct LessonOfDay {
    /// The lesson.
    #[serde(flatten)]
    lesson: Lesson,
    /// Whether its roll was called.
    called: bool,
    /// How many were not seen.
    absent: usize,
    /// How many came late.
    late: usize,
}

/// A day.
#[derive(Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DayQuery {
    /// Which day.
    date: NaiveDate,
}

/// All lessons of a school's day, with whether their roll was called.
#[utoipa::path(get, path = "/schools/{school}/roll-calls", tag = "rollcalls",
    params(("school" = String, Path), DayQuery, ReadQuery),
    responses((status = 200, body = Vec<LessonOfDay>), (status = 404, body = Problem)))]
async fn list_roll_calls(
    At(school): At<Uai>,
    Asked(DayQuery { date }): Asked<DayQuery>,
    reading: Reading,
) -> Result<Json<Vec<LessonOfDay>>, ApiError> {
    let sheet = reading.guard.school(school, Action::ListRollCalls).await?.sheet;
    let db = reading.db().await?;
    let courses = of_school(&db, school).await?;
    let lessons = lessons(&courses, &sheet, &[date]);
    // A roll call is kept under the day its lesson was planned on, wherever that was moved.
    let planned: BTreeSet<_> = lessons.iter().map(|lesson| lesson.planned.date).collect();
    let mut roll_calls = Vec::new();
    for day in planned {
        roll_calls.extend(of_school_on(&db, school, day).await?);
    }
    let of_day = |lesson: Lesson| {
        let taken = roll_calls.iter().find(|roll_call| roll_call.lesson == lesson.lesson);
        LessonOfDay {
            called: taken.is_some(),
            absent: taken.map_or(0, |taken| taken.absent.len()),
            late: taken.map_or(0, |taken| taken.late.len()),
            lesson,
        }
    };
    Ok(Json(lessons.into_iter().map(of_day).collect()))
}

/// The lesson, and everybody who is in its class on that day or was when its roll was called. That
/// a named student is not among them is refused here already, so that it is read again: they may
/// have joined a moment ago.
async fn facts<T>(
    write: &Write<T>,
    (school, course): (Uai, CourseId),
    planned: Place,
    named: &BTreeSet<StudentId>,
) -> Result<(Lesson, BTreeSet<StudentId>), ApiError> {
    let facts = write.check(move |guard| async move {
        let granted = guard.course(school, course, Action::TakeRollCall).await?;
        let lesson = lesson_of(&granted, planned)?;
        let taken = of_lesson(&guard.db, lesson.lesson).await?;
        let mut class = students_on(&guard.db, lesson.class, lesson.place.date).await?;
        class.extend(taken.iter().flat_map(RollCallRow::marks).map(|(student, _)| student));
        if named.is_subset(&class) {
            Ok((lesson, class))
        } else {
            Err(RollCallError::StudentNotInClass.into())
        }
    });
    facts.await
}

fn sort_key(expected: &Expected) -> (Option<(&str, &str)>, StudentId) {
    let name = expected.name.as_ref().map(|name| (name.family.as_str(), name.given.as_str()));
    (name, expected.student)
}
