//! Follow-ups over HTTP: which students are near a step of the law's ladder or across it, what the school
//! did about it, and the papers that go to families and to the academy.

mod dossier;
mod papers;

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    PersonId, StudentId, Uai,
    access::{Action, Mask},
    followups::{
        Closing, Contact, ContactOutcome, FollowUp, FollowUpCommand, FollowUpId, Measure, Step, Way,
    },
    schools::SchoolSheet,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use projections::followups::{
    FollowUpRow, MonthCounts, may_be_near, of_student, open_in_school, tally,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use strum::VariantArray;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::{Granted, Guard},
    error::{ApiError, Problem, Refusal},
    reading::{Asked, At, DayQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
};

/// Students who are counted at once.
const COUNTED_AT_ONCE: usize = 8;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_follow_ups))
        .routes(routes!(list_thresholds))
        .routes(routes!(show_follow_ups))
        .routes(routes!(dossier::show_follow_up))
        .routes(routes!(papers::print_follow_up))
        .routes(routes!(papers::print_follow_up_letters))
        .routes(routes!(note_measure))
        .routes(routes!(note_contact))
        .routes(routes!(close_follow_up))
}

/// The follow-ups of a school that stand, the newest first.
#[utoipa::path(get, path = "/schools/{school}/follow-ups", tag = "follow-ups",
    params(("school" = String, Path), ReadQuery),
    responses((status = 200, body = Vec<FollowUpRow>), (status = 404, body = Problem)))]
async fn list_follow_ups(
    At(school): At<Uai>,
    reading: Reading,
) -> Result<Json<Vec<FollowUpRow>>, ApiError> {
    let Granted { mask, .. } = reading.guard.school(school, Action::ListFollowUps).await?;
    let mut open = open_in_school(&reading.db().await?, school).await?;
    open.iter_mut().for_each(|row| leave_out_acts(mask, row));
    Ok(Json(open))
}

/// A student who is one short of a step, or has reached one.
#[derive(Serialize, ToSchema)]
pub(crate) struct StudentNear {
    /// Who.
    pub(crate) student: StudentId,
    /// What counts, in both kinds of months.
    #[serde(flatten)]
    counts: MonthCounts,
    /// The steps that are reached in one of them.
    reached: Vec<Step>,
    /// The steps that the next half-day, lateness or departure reaches.
    pub(crate) near: Vec<Step>,
}

/// The students who are near a step of the ladder on a day, or across it.
#[utoipa::path(get, path = "/schools/{school}/thresholds", tag = "follow-ups",
    params(("school" = String, Path), DayQuery, ReadQuery),
    responses((status = 200, body = Vec<StudentNear>), (status = 404, body = Problem)))]
async fn list_thresholds(
    At(school): At<Uai>,
    Asked(day): Asked<DayQuery>,
    reading: Reading,
) -> Result<Json<Vec<StudentNear>>, ApiError> {
    let sheet = reading.guard.school(school, Action::ListFollowUps).await?.sheet;
    let day = day.or(sheet.local_date(reading.now))?;
    Ok(Json(all_near(&reading.db().await?, (school, &sheet), day).await?))
}

/// All who are near a step on a day, or across it.
pub(crate) async fn all_near(
    db: &SqlitePool,
    school: (Uai, &SchoolSheet),
    day: NaiveDate,
) -> sqlx::Result<Vec<StudentNear>> {
    let students = may_be_near(db, school, MonthCounts::days(day)).await?;
    let mut each = Vec::with_capacity(students.len());
    for student in students {
        each.push(near(db, student, school, day));
    }
    let all: Vec<_> = stream::iter(each).buffered(COUNTED_AT_ONCE).try_collect().await?;
    Ok(all.into_iter().flatten().collect())
}

async fn near(
    db: &SqlitePool,
    student: StudentId,
    school: (Uai, &SchoolSheet),
    day: NaiveDate,
) -> sqlx::Result<Option<StudentNear>> {
    let (tally, _) = tally(db, student, school, MonthCounts::days(day)).await?;
    let counts = MonthCounts::of(&tally, day);
    let months = [counts.calendar.month, counts.sliding.month];
    let missed = |step| months.map(|month| tally.percent(step, month)).into_iter().max();
    let (mut reached, mut near) = (Vec::new(), Vec::new());
    for step in Step::VARIANTS {
        match (step.threshold(&school.1.settings), missed(*step)) {
            (Some(threshold), Some(missed)) if missed >= threshold => reached.push(*step),
            // The first lateness is not near two latenesses only because none is missing but one.
            (Some(threshold), Some(missed)) if missed > 0 && missed + 100 >= threshold => {
                near.push(*step);
            }
            (Some(_) | None, _) => {}
        }
    }
    let told = !reached.is_empty() || !near.is_empty();
    Ok(told.then_some(StudentNear { student, counts, reached, near }))
}

/// All follow-ups of a student, in the order of time.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/follow-ups", tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<FollowUpRow>), (status = 404, body = Problem)))]
async fn show_follow_ups(
    At((school, student)): At<(Uai, StudentId)>,
    reading: Reading,
) -> Result<Json<Vec<FollowUpRow>>, ApiError> {
    reading.guard.student(school, student, Action::ReadFollowUp).await?;
    Ok(Json(of_student(&reading.db().await?, school, student).await?))
}

type FollowUpPath = At<(Uai, StudentId, NaiveDate, Step)>;

/// What the school did, and when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteMeasure {
    /// What.
    measure: Measure,
    /// On which day.
    on: NaiveDate,
}

/// Notes that the school did something that the law asks for.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/follow-ups/{date}/{step}/measures",
    tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("step" = Step, Path)),
    request_body = NoteMeasure,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn note_measure(
    At(path): FollowUpPath,
    write: Write<NoteMeasure>,
) -> Result<Receipt, ApiError> {
    let today = asked(path, &write).await?.local_date(write.node.journal().clock().now());
    let NoteMeasure { measure, on } = write.body;
    let command = FollowUpCommand::NoteMeasure { measure, on, today };
    write.execute::<FollowUp>(path.0, id(path), command).await
}

/// That somebody of the school spoke with the student or the family.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteContact {
    /// With whom: the student, or who answers for them.
    with: PersonId,
    /// How.
    way: Way,
    /// When.
    at: DateTime<Utc>,
    /// What came of it.
    outcome: ContactOutcome,
}

/// Notes that the caller spoke with the student or with who answers for them, or tried to.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/follow-ups/{date}/{step}/contacts",
    tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("step" = Step, Path)),
    request_body = NoteContact,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn note_contact(
    At(path): FollowUpPath,
    write: Write<NoteContact>,
) -> Result<Receipt, ApiError> {
    let (school, student, ..) = path;
    let NoteContact { with, way, at, outcome } = write.body;
    let may = move |guard: Guard| async move {
        let sheet = guard.student(school, student, Action::NoteFollowUp).await?.sheet;
        let family = projections::families::of_student(&guard.db, student).await?;
        let on = sheet.local_date(at);
        let answers = family
            .iter()
            .any(|known| known.guardian.guardian == with && known.guardian.answers_on(on));
        let is_meant = answers || with == student.person();
        if is_meant { Ok(()) } else { Err(Refusal::UnknownPerson.into()) }
    };
    write.check(may).await?;
    let contact = Contact { by: write.caller.account, with, way, at, outcome };
    let now = write.node.journal().clock().now();
    let command = FollowUpCommand::NoteContact { contact, now };
    write.execute::<FollowUp>(school, id(path), command).await
}

/// Why nothing more is to be done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseFollowUp {
    /// Why.
    because: Closing,
}

/// Says that nothing more is to be done.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/follow-ups/{date}/{step}/closing",
    tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("step" = Step, Path)),
    request_body = CloseFollowUp,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn close_follow_up(
    At(path): FollowUpPath,
    write: Write<CloseFollowUp>,
) -> Result<Receipt, ApiError> {
    asked(path, &write).await?;
    let because = write.body.because;
    write.execute::<FollowUp>(path.0, id(path), FollowUpCommand::Close { because }).await
}

/// Whether the caller may write into a student's follow-ups; what the school has decided.
async fn asked<T>(
    (school, student, ..): (Uai, StudentId, NaiveDate, Step),
    write: &Write<T>,
) -> Result<SchoolSheet, ApiError> {
    let may = move |guard: Guard| async move {
        Ok(guard.student(school, student, Action::NoteFollowUp).await?.sheet)
    };
    write.check(may).await
}

fn id((school, student, day, step): (Uai, StudentId, NaiveDate, Step)) -> FollowUpId {
    FollowUpId { school, student, day, step }
}

/// That a student is followed up is told to whoever greets them in the morning; with whom the school
/// spoke and what it did about a family is not.
fn leave_out_acts(mask: Mask, row: &mut FollowUpRow) {
    if mask.contacts {
        row.sheet.contacts.clear();
    }
    if mask.judgments {
        (row.sheet.measures, row.sheet.closed_because) = (Vec::new(), None);
    }
}
