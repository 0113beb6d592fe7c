//! Families over HTTP.

use axum::Json;
use chrono::NaiveDate;
use domain::{
    PersonId, StudentId, Uai,
    families::{Authority, Family, FamilyCommand, Home, Link, Terms},
};
use projections::{
    families::{GuardianOfStudent, GuardianRow, of_guardian, of_student},
    people::{Part, enrolment, person},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    error::{ApiError, Problem, Refusal},
    open_school,
    people::student_of,
    reading::{At, ReadQuery, Reading},
    writing::{Receipt, Write},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_guardians))
        .routes(routes!(list_children))
        .routes(routes!(record_guardianship))
        .routes(routes!(restrict_guardianship))
        .routes(routes!(restore_guardianship))
        .routes(routes!(end_guardianship))
}

/// Everybody who answers or answered for a student, those to call first in front.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/guardians", tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<GuardianOfStudent>), (status = 404, body = Problem)))]
async fn list_guardians(
    At((school, student)): At<(Uai, StudentId)>,
    reading: Reading,
) -> Result<Json<Vec<GuardianOfStudent>>, ApiError> {
    student_of(&reading.db, school, student).await?;
    Ok(Json(of_student(&reading.db, student).await?))
}

/// The students of the school that somebody answers or answered for.
#[utoipa::path(get, path = "/schools/{school}/people/{person}/children", tag = "families",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<GuardianRow>), (status = 404, body = Problem)))]
async fn list_children(
    At((school, guardian)): At<(Uai, PersonId)>,
    reading: Reading,
) -> Result<Json<Vec<GuardianRow>>, ApiError> {
    open_school(&reading.db, school).await?;
    person(&reading.db, guardian).await?.ok_or(Refusal::UnknownPerson)?;
    let mut children = Vec::new();
    for child in of_guardian(&reading.db, guardian).await? {
        let here = enrolment(&reading.db, school, child.student.person()).await?;
        if here.is_some_and(|enrolment| enrolment.part == Part::Student) {
            children.push(child);
        }
    }
    Ok(Json(children))
}

/// The terms on which somebody answers for a student.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecordGuardianship {
    /// What they are to each other.
    link: Link,
    /// What the guardian may decide.
    authority: Authority,
    /// Where the student lives with them.
    home: Home,
    /// Whom to call first: 1, 2, 3…
    contact_order: u8,
    /// The first day.
    from: NaiveDate,
}

/// Records that somebody answers for a student, or on other terms than before.
#[utoipa::path(put, path = "/schools/{school}/students/{student}/guardians/{guardian}",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = RecordGuardianship,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn record_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<RecordGuardianship>,
) -> Result<Receipt, ApiError> {
    write
        .check(move |db| async move {
            student_of(&db, school, student).await?;
            let known = person(&db, guardian).await?;
            known.ok_or(ApiError::from(Refusal::UnknownPerson))
        })
        .await?;
    let RecordGuardianship { link, authority, home, contact_order, from } = write.body;
    let terms = Terms { link, authority, home, contact_order };
    let command = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
    write.execute::<Family>(school, student, command).await
}

/// A judgment that takes rights away or gives them back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Judgment {
    /// The first day it holds.
    from: NaiveDate,
    /// The reference of its document.
    document: String,
}

/// Takes note of a judgment that takes a guardian's rights away.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/guardians/{guardian}/restriction",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = Judgment,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn restrict_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<Judgment>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { student_of(&db, school, student).await }).await?;
    let (from, document) = (write.body.from, write.body.document.clone());
    let command = FamilyCommand::RestrictGuardianship { guardian, from, document };
    write.execute::<Family>(school, student, command).await
}

/// Takes note of a judgment that gives a guardian's rights back.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/guardians/{guardian}/restoration",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = Judgment,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn restore_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<Judgment>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { student_of(&db, school, student).await }).await?;
    let (from, document) = (write.body.from, write.body.document.clone());
    let command = FamilyCommand::RestoreGuardianship { guardian, from, document };
    write.execute::<Family>(school, student, command).await
}

/// The day a link ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndGuardianship {
    /// The last day.
    on: NaiveDate,
}

/// Ends the link between a guardian and a student.
#[utoipa::path(post, path = "/schools/{school}/students/{student}/guardians/{guardian}/end",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = EndGuardianship,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn end_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<EndGuardianship>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { student_of(&db, school, student).await }).await?;
    let command = FamilyCommand::EndGuardianship { guardian, on: write.body.on };
    write.execute::<Family>(school, student, command).await
}
