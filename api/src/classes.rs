//! Classes over HTTP.

use axum::Json;
use chrono::NaiveDate;
use domain::{
    ClassId, PersonId, SchoolYear, StudentId, Uai,
    access::{Action, Mask},
    classes::{Class, ClassCommand, ClassKind},
    schools::SchoolSheet,
};
use projections::classes::{
    ClassRow, MemberOfClass, TeacherRow, class, members, of_school, teachers,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::Guard,
    error::{ApiError, Problem, Refusal},
    people::{has_left, leave_out_contacts, staff_of, student_of},
    reading::{Asked, At, PageQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
    year_of,
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(form_class, list_classes))
        .routes(routes!(show_class))
        .routes(routes!(join_class))
        .routes(routes!(leave_class))
        .routes(routes!(assign_teacher))
        .routes(routes!(release_teacher))
}

/// A class to form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FormClass {
    /// As people say it.
    name: String,
    /// Division or group.
    kind: ClassKind,
    /// Its only year.
    year: SchoolYear,
}

/// Forms a class or a group.
#[utoipa::path(post, path = "/schools/{school}/classes", tag = "classes",
    params(("school" = String, Path)), request_body = FormClass,
    responses((status = 201, body = Receipt), (status = 422, body = Problem)))]
async fn form_class(At(school): At<Uai>, write: Write<FormClass>) -> Result<Receipt, ApiError> {
    let may = move |guard: Guard| async move { guard.school(school, Action::ManageClasses).await };
    write.check(may).await?;
    let id = write.new_id();
    let FormClass { name, kind, year } = &write.body;
    let command = ClassCommand::FormClass { name: name.clone(), kind: *kind, year: *year };
    Ok(write.execute::<Class>(school, ClassId(id), command).await?.made(id))
}

/// The classes and groups of a school, in the order of their ids.
#[utoipa::path(get, path = "/schools/{school}/classes", tag = "classes",
    params(("school" = String, Path), PageQuery, ReadQuery),
    responses((status = 200, body = Vec<ClassRow>), (status = 404, body = Problem)))]
async fn list_classes(
    At(school): At<Uai>,
    Asked(page): Asked<PageQuery>,
    reading: Reading,
) -> Result<Json<Vec<ClassRow>>, ApiError> {
    reading.guard.school(school, Action::ListClasses).await?;
    Ok(Json(of_school(&reading.db().await?, school, page.after()?, page.limit()).await?))
}

/// A class with everybody who is or was in it.
#[derive(Serialize, ToSchema)]
struct WholeClass {
    /// The class.
    #[serde(flatten)]
    class: ClassRow,
    /// Who learns.
    students: Vec<MemberOfClass>,
    /// Who teaches.
    teachers: Vec<TeacherRow>,
}

/// A class with everybody who is or was in it.
#[utoipa::path(get, path = "/schools/{school}/classes/{class}", tag = "classes",
    params(("school" = String, Path), ("class" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = WholeClass), (status = 404, body = Problem)))]
async fn show_class(
    At((school, id)): At<(Uai, ClassId)>,
    reading: Reading,
) -> Result<Json<WholeClass>, ApiError> {
    let granted = reading.guard.class(school, id, Action::ReadClass).await?;
    let (class, mask, db) = (granted.thing, granted.mask, reading.db().await?);
    let mut students = members(&db, id).await?;
    for person in students.iter_mut().filter_map(|member| member.person.as_mut()) {
        // How to reach those who have left the school is no longer its to know.
        let contacts = mask.contacts || has_left((school, granted.today), person, &reading).await?;
        leave_out_contacts(Mask { contacts, ..mask }, person);
    }
    let teachers = teachers(&db, id).await?;
    Ok(Json(WholeClass { class, students, teachers }))
}

/// The first day of something.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JoinClass {
    /// The first day.
    from: NaiveDate,
}

/// Takes a student into a class.
#[utoipa::path(put, path = "/schools/{school}/classes/{class}/students/{student}",
    tag = "classes",
    params(("school" = String, Path), ("class" = uuid::Uuid, Path),
        ("student" = uuid::Uuid, Path)),
    request_body = JoinClass,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn join_class(
    At((school, class, student)): At<(Uai, ClassId, StudentId)>,
    write: Write<JoinClass>,
) -> Result<Receipt, ApiError> {
    let from = write.body.from;
    write
        .check(move |guard| async move {
            may_manage(&guard, (school, class), from).await?;
            student_of(&guard.db, school, student).await
        })
        .await?;
    let command = ClassCommand::JoinClass { student, from };
    write.execute::<Class>(school, class, command).await
}

/// The last day of something.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LeaveClass {
    /// The last day.
    on: NaiveDate,
}

/// Lets a student go.
#[utoipa::path(post, path = "/schools/{school}/classes/{class}/students/{student}/departure",
    tag = "classes",
    params(("school" = String, Path), ("class" = uuid::Uuid, Path),
        ("student" = uuid::Uuid, Path)),
    request_body = LeaveClass,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn leave_class(
    At((school, class, student)): At<(Uai, ClassId, StudentId)>,
    write: Write<LeaveClass>,
) -> Result<Receipt, ApiError> {
    let on = write.body.on;
    let may = move |guard: Guard| async move { may_manage(&guard, (school, class), on).await };
    write.check(may).await?;
    write.execute::<Class>(school, class, ClassCommand::LeaveClass { student, on }).await
}

/// A subject, from a day on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Teach {
    /// What.
    subject: String,
    /// The first day.
    from: NaiveDate,
}

/// Has a teacher teach a class a subject.
#[utoipa::path(put, path = "/schools/{school}/classes/{class}/teachers/{teacher}",
    tag = "classes",
    params(("school" = String, Path), ("class" = uuid::Uuid, Path),
        ("teacher" = uuid::Uuid, Path)),
    request_body = Teach,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn assign_teacher(
    At((school, class, teacher)): At<(Uai, ClassId, PersonId)>,
    write: Write<Teach>,
) -> Result<Receipt, ApiError> {
    let (subject, from) = (write.body.subject.clone(), write.body.from);
    write
        .check(move |guard| async move {
            may_manage(&guard, (school, class), from).await?;
            staff_of(&guard.db, school, teacher).await
        })
        .await?;
    let command = ClassCommand::AssignTeacher { teacher, subject, from };
    write.execute::<Class>(school, class, command).await
}

/// A subject, up to a day.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Release {
    /// What.
    subject: String,
    /// The last day.
    on: NaiveDate,
}

/// Has a teacher no longer teach a class a subject.
#[utoipa::path(post, path = "/schools/{school}/classes/{class}/teachers/{teacher}/release",
    tag = "classes",
    params(("school" = String, Path), ("class" = uuid::Uuid, Path),
        ("teacher" = uuid::Uuid, Path)),
    request_body = Release,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn release_teacher(
    At((school, class, teacher)): At<(Uai, ClassId, PersonId)>,
    write: Write<Release>,
) -> Result<Receipt, ApiError> {
    let (subject, on) = (write.body.subject.clone(), write.body.on);
    let may = move |guard: Guard| async move { may_manage(&guard, (school, class), on).await };
    write.check(may).await?;
    let command = ClassCommand::ReleaseTeacher { teacher, subject, on };
    write.execute::<Class>(school, class, command).await
}

/// Whether the caller may change a class, on a day of its year.
async fn may_manage(
    guard: &Guard,
    (school, class): (Uai, ClassId),
    day: NaiveDate,
) -> Result<(), ApiError> {
    let granted = guard.class(school, class, Action::ManageClasses).await?;
    in_year(&granted.sheet, &granted.thing, day)
}

/// A day of the year of a class.
pub(crate) fn in_year(
    sheet: &SchoolSheet,
    class: &ClassRow,
    day: NaiveDate,
) -> Result<(), ApiError> {
    if year_of(sheet, day)? == class.year {
        Ok(())
    } else {
        Err(ApiError::told(Refusal::DateOutsideSchoolYear, day.to_string()))
    }
}

/// A class of the school.
pub(crate) async fn class_of(
    db: &SqlitePool,
    school: Uai,
    id: ClassId,
) -> Result<ClassRow, ApiError> {
    let found = class(db, id).await?;
    found.filter(|class| class.school == school).ok_or(Refusal::UnknownClass.into())
}
