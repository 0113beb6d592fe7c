//! People over HTTP.

use axum::Json;
use chrono::NaiveDate;
use domain::{
    PersonId, StudentId, Uai,
    people::{ContactDetails, Function, Language, Name, Person, PersonCommand},
};
use projections::people::{
    EnrolmentRow, MemberOfSchool, Part, PersonRow, enrolment, of_school, person,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    error::{ApiError, Problem, Refusal},
    missing, open_school,
    reading::{Asked, At, PageQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register_person))
        .routes(routes!(show_person))
        .routes(routes!(rename_person))
        .routes(routes!(give_contact_details))
        .routes(routes!(choose_language))
        .routes(routes!(enrol_student, list_students))
        .routes(routes!(appoint_staff, list_staff))
        .routes(routes!(leave_school))
}

/// Somebody to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterPerson {
    /// Their names.
    name: Name,
    /// When they were born, if it is known.
    birth_date: Option<NaiveDate>,
    /// The language they are written to; French if nothing is said.
    #[serde(default)]
    language: Language,
}

/// Registers somebody: once for the whole region, whatever they are in which school.
#[utoipa::path(post, path = "/schools/{school}/people", tag = "people",
    params(("school" = String, Path)), request_body = RegisterPerson,
    responses((status = 201, body = Receipt), (status = 422, body = Problem)))]
async fn register_person(
    At(school): At<Uai>,
    write: Write<RegisterPerson>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let id = write.new_id();
    let RegisterPerson { name, birth_date, language } = &write.body;
    let (name, birth_date, language) = (name.clone(), *birth_date, *language);
    let command = PersonCommand::RegisterPerson { name, birth_date, language };
    Ok(write.execute::<Person>(school, PersonId(id), command).await?.made(id))
}

/// A person, and what they are in the school.
#[derive(Serialize, ToSchema)]
struct PersonInSchool {
    /// Who they are.
    #[serde(flatten)]
    person: PersonRow,
    /// What they are there; nothing for a guardian.
    enrolment: Option<EnrolmentRow>,
}

/// A person.
#[utoipa::path(get, path = "/schools/{school}/people/{person}", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = PersonInSchool), (status = 404, body = Problem)))]
async fn show_person(
    At((school, id)): At<(Uai, PersonId)>,
    reading: Reading,
) -> Result<Json<PersonInSchool>, ApiError> {
    open_school(&reading.db, school).await?;
    let person = person(&reading.db, id).await?.ok_or(Refusal::UnknownPerson)?;
    let enrolment = enrolment(&reading.db, school, id).await?;
    Ok(Json(PersonInSchool { person, enrolment }))
}

/// Changes or corrects somebody's names.
#[utoipa::path(put, path = "/schools/{school}/people/{person}/name", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)), request_body = Name,
    responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
async fn rename_person(
    At((school, id)): At<(Uai, PersonId)>,
    write: Write<Name>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let command = PersonCommand::RenamePerson { name: write.body.clone() };
    write.execute::<Person>(school, id, command).await
}

/// Says how to reach somebody.
#[utoipa::path(put, path = "/schools/{school}/people/{person}/contact-details", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)),
    request_body = ContactDetails,
    responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
async fn give_contact_details(
    At((school, id)): At<(Uai, PersonId)>,
    write: Write<ContactDetails>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let command = PersonCommand::GiveContactDetails { details: write.body.clone() };
    write.execute::<Person>(school, id, command).await
}

/// Chooses the language somebody is written to.
#[utoipa::path(put, path = "/schools/{school}/people/{person}/language", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)), request_body = Language,
    responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
async fn choose_language(
    At((school, id)): At<(Uai, PersonId)>,
    write: Write<Language>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let command = PersonCommand::ChooseLanguage { language: write.body };
    write.execute::<Person>(school, id, command).await
}

/// A student to take in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnrolStudent {
    /// Who.
    person: PersonId,
    /// Their national number, if the school knows it.
    ine: Option<String>,
    /// The first day.
    from: NaiveDate,
}

/// Takes a registered person in as a student.
#[utoipa::path(post, path = "/schools/{school}/students", tag = "people",
    params(("school" = String, Path)), request_body = EnrolStudent,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn enrol_student(
    At(school): At<Uai>,
    write: Write<EnrolStudent>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let EnrolStudent { person, ine, from } = &write.body;
    let command = PersonCommand::EnrolStudent { school, ine: ine.clone(), from: *from };
    write.execute::<Person>(school, *person, command).await
}

/// The students of a school, those who left too, in the order of their ids.
#[utoipa::path(get, path = "/schools/{school}/students", tag = "people",
    params(("school" = String, Path), PageQuery, ReadQuery),
    responses((status = 200, body = Vec<MemberOfSchool>), (status = 404, body = Problem)))]
async fn list_students(
    At(school): At<Uai>,
    Asked(page): Asked<PageQuery>,
    reading: Reading,
) -> Result<Json<Vec<MemberOfSchool>>, ApiError> {
    list_members(school, Part::Student, &page, &reading.db).await
}

/// A member of staff to take on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppointStaff {
    /// Who.
    person: PersonId,
    /// As what.
    function: Function,
    /// The first day.
    from: NaiveDate,
}

/// Takes a registered person on as staff.
#[utoipa::path(post, path = "/schools/{school}/staff", tag = "people",
    params(("school" = String, Path)), request_body = AppointStaff,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn appoint_staff(
    At(school): At<Uai>,
    write: Write<AppointStaff>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let AppointStaff { person, function, from } = write.body;
    let command = PersonCommand::AppointStaff { school, function, from };
    write.execute::<Person>(school, person, command).await
}

/// The staff of a school, those who left too, in the order of their ids.
#[utoipa::path(get, path = "/schools/{school}/staff", tag = "people",
    params(("school" = String, Path), PageQuery, ReadQuery),
    responses((status = 200, body = Vec<MemberOfSchool>), (status = 404, body = Problem)))]
async fn list_staff(
    At(school): At<Uai>,
    Asked(page): Asked<PageQuery>,
    reading: Reading,
) -> Result<Json<Vec<MemberOfSchool>>, ApiError> {
    list_members(school, Part::Staff, &page, &reading.db).await
}

/// The day somebody leaves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Leave {
    /// The last day.
    on: NaiveDate,
}

/// Notes that somebody leaves the school.
#[utoipa::path(post, path = "/schools/{school}/people/{person}/departure", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)), request_body = Leave,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn leave_school(
    At((school, id)): At<(Uai, PersonId)>,
    write: Write<Leave>,
) -> Result<Receipt, ApiError> {
    write.check(move |db| async move { open_school(&db, school).await }).await?;
    let command = PersonCommand::LeaveSchool { school, on: write.body.on };
    write.execute::<Person>(school, id, command).await
}

async fn list_members(
    school: Uai,
    part: Part,
    page: &PageQuery,
    db: &SqlitePool,
) -> Result<Json<Vec<MemberOfSchool>>, ApiError> {
    open_school(db, school).await?;
    Ok(Json(of_school(db, school, part, page.after()?, page.limit()).await?))
}

/// A student of the school, or one who was.
pub(crate) async fn student_of(
    db: &SqlitePool,
    school: Uai,
    student: StudentId,
) -> Result<EnrolmentRow, ApiError> {
    match enrolment(db, school, student.person()).await? {
        Some(enrolment) if enrolment.part == Part::Student => Ok(enrolment),
        Some(_) | None => Err(missing(db, school, Refusal::UnknownStudent).await),
    }
}

/// A member of the school's staff, or one who was.
pub(crate) async fn staff_of(
    db: &SqlitePool,
    school: Uai,
    staff: PersonId,
) -> Result<EnrolmentRow, ApiError> {
    match enrolment(db, school, staff).await? {
        Some(enrolment) if enrolment.part == Part::Staff => Ok(enrolment),
        Some(_) | None => Err(missing(db, school, Refusal::UnknownStaff).await),
    }
}
