//! People over HTTP.

use axum::Json;
use chrono::NaiveDate;
use domain::{
    PersonId, StudentId, Uai,
    access::{Action, Mask},
    people::{ContactDetails, Function, Identifier, Language, Name, Person, PersonCommand, Scheme},
};
use projections::people::{
    EnrolmentRow, MemberOfSchool, Part, PersonRow, enrolment, identified, of_school,
};
use serde::Deserialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::{Granted, Guard, Somebody},
    error::{ApiError, Problem, Refusal},
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
    may_manage(school, &write).await?;
    let id = write.new_id();
    let RegisterPerson { name, birth_date, language } = &write.body;
    let (name, birth_date, language) = (name.clone(), *birth_date, *language);
    let command = PersonCommand::RegisterPerson { name, birth_date, language };
    Ok(write.execute::<Person>(school, PersonId(id), command).await?.made(id))
}

/// A person.
#[utoipa::path(get, path = "/schools/{school}/people/{person}", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Somebody), (status = 404, body = Problem)))]
async fn show_person(
    At((school, id)): At<(Uai, PersonId)>,
    reading: Reading,
) -> Result<Json<Somebody>, ApiError> {
    let granted = reading.guard.somebody(school, id, Action::ReadPerson).await?;
    let (mut shown, mask) = (granted.thing, granted.mask);
    leave_out(mask, &mut shown.person, shown.enrolment.as_mut());
    Ok(Json(shown))
}

/// Changes or corrects somebody's names.
#[utoipa::path(put, path = "/schools/{school}/people/{person}/name", tag = "people",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)), request_body = Name,
    responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
async fn rename_person(
    At((school, id)): At<(Uai, PersonId)>,
    write: Write<Name>,
) -> Result<Receipt, ApiError> {
    may_change((school, id), Action::ManagePeople, &write).await?;
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
    may_change((school, id), Action::ManageContacts, &write).await?;
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
    may_change((school, id), Action::ManageContacts, &write).await?;
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
    let EnrolStudent { person, ine, from } = &write.body;
    write
        .check(move |guard| async move {
            guard.may_take_in(school, *person).await?;
            is_not_of_another(&guard.db, *person, ine.as_deref()).await
        })
        .await?;
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
    let granted = reading.guard.school(school, Action::ListStudents).await?;
    list_members((school, Part::Student), &page, &reading, &granted).await
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
    let AppointStaff { person, function, from } = write.body;
    write.check(move |guard| async move { guard.may_take_in(school, person).await }).await?;
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
    let granted = reading.guard.school(school, Action::ListStaff).await?;
    list_members((school, Part::Staff), &page, &reading, &granted).await
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
    may_change((school, id), Action::ManagePeople, &write).await?;
    let command = PersonCommand::LeaveSchool { school, on: write.body.on };
    write.execute::<Person>(school, id, command).await
}

async fn list_members(
    (school, part): (Uai, Part),
    page: &PageQuery,
    reading: &Reading,
    granted: &Granted<()>,
) -> Result<Json<Vec<MemberOfSchool>>, ApiError> {
    let db = reading.db().await?;
    let mut members = of_school(&db, school, part, page.after()?, page.limit()).await?;
    for member in &mut members {
        let left = has_left((school, granted.today), &member.person, reading).await?;
        leave_out(granted.mask, &mut member.person, Some(&mut member.enrolment));
        // How to reach those who have left is no longer the school's to know.
        leave_out_contacts(Mask { contacts: left, ..granted.mask }, &mut member.person);
    }
    Ok(Json(members))
}

/// Whether somebody has left the school by today, on whichever day they are looked at.
pub(crate) async fn has_left(
    (school, today): (Uai, NaiveDate),
    person: &PersonRow,
    reading: &Reading,
) -> Result<bool, ApiError> {
    let enrolled = enrolment(&reading.guard.db, school, person.person).await?;
    Ok(enrolled.and_then(|enrolled| enrolled.until).is_some_and(|until| until < today))
}

async fn may_manage<T>(school: Uai, write: &Write<T>) -> Result<(), ApiError> {
    let may = move |guard: Guard| async move { guard.school(school, Action::ManagePeople).await };
    write.check(may).await.map(|_| ())
}

async fn may_change<T>(
    (school, person): (Uai, PersonId),
    action: Action,
    write: &Write<T>,
) -> Result<(), ApiError> {
    let may = move |guard: Guard| async move { guard.somebody(school, person, action).await };
    write.check(may).await.map(|_| ())
}

/// A national number names one person: whoever signs in by it elsewhere is that one.
async fn is_not_of_another(
    db: &SqlitePool,
    person: PersonId,
    ine: Option<&str>,
) -> Result<(), ApiError> {
    let Some(value) = ine.map(str::to_owned) else { return Ok(()) };
    let number = Identifier { scheme: Scheme::Ine, school: None, value };
    match identified(db, &number).await? {
        Some(other) if other != person => Err(Refusal::NumberTaken.into()),
        Some(_) | None => Ok(()),
    }
}

/// Leaves out what whoever asks need not know of somebody of the school: how to reach them, with a
/// student's national number and a colleague's birth date; an address that may be the other home's.
fn leave_out(mask: Mask, person: &mut PersonRow, enrolment: Option<&mut EnrolmentRow>) {
    if mask.other_home {
        person.details.address = None;
    }
    match enrolment {
        Some(enrolment) if enrolment.part == Part::Student => {
            leave_out_contacts(mask, person);
            enrolment.ine = enrolment.ine.take().filter(|_| !mask.contacts);
        }
        Some(_) | None => leave_out_of_adult(mask, person),
    }
}

/// Leaves out how to reach somebody, for whoever need not know.
pub(crate) fn leave_out_contacts(mask: Mask, person: &mut PersonRow) {
    if mask.contacts {
        person.details = ContactDetails::default();
    }
}

/// The same of a grown-up, with when they were born: of students that tells their age, of others
/// nothing that anybody at school works with.
pub(crate) fn leave_out_of_adult(mask: Mask, person: &mut PersonRow) {
    leave_out_contacts(mask, person);
    person.birth_date = person.birth_date.filter(|_| !mask.contacts);
}

/// A student of the school, or one who was.
pub(crate) async fn student_of(
    db: &SqlitePool,
    school: Uai,
    student: StudentId,
) -> Result<EnrolmentRow, ApiError> {
    match enrolment(db, school, student.person()).await? {
        Some(enrolment) if enrolment.part == Part::Student => Ok(enrolment),
        Some(_) | None => Err(Refusal::UnknownStudent.into()),
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
        Some(_) | None => Err(Refusal::UnknownStaff.into()),
    }
}
