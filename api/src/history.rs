//! History over HTTP: what happened to a student, event by event, with when, who and what.

use axum::{Json, extract::State};
use chrono::NaiveDate;
use domain::{Stream, StudentId, Uai, access::Action, schools::SchoolSheet};
use replay::history::{Happened, of_student};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::Granted,
    error::{ApiError, Problem},
    reading::{At, ReadQuery, Reading},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_history))
}

/// What tells that there was a judgment, even to those who read only that something happened.
const JUDGMENTS: [&str; 2] = ["GuardianshipRestricted", "GuardianshipRestored"];

/// What happened to a student, as far as it concerns the school: identity, family, attendance files,
/// alerts and follow-ups, in the order of the log.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/history", tag = "history",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<Happened>), (status = 404, body = Problem)))]
async fn list_history(
    State(app): State<App>,
    At((school, student)): At<(Uai, StudentId)>,
    reading: Reading,
) -> Result<Json<Vec<Happened>>, ApiError> {
    let Granted { sheet, mask, until, .. } =
        reading.guard.student(school, student, Action::ReadHistory).await?;
    let mut history = of_student(app.journal(), Some(&reading.guard.db), student).await?;
    history.retain(|event| concerns((school, &sheet), until, event));
    if let Some(instant) = reading.as_of {
        history.retain(|event| event.recorded_at.is_none_or(|at| at <= instant));
    }
    if mask.judgments {
        history
            .retain(|event| !event.kind.as_deref().is_some_and(|kind| JUDGMENTS.contains(&kind)));
    }
    if mask.content {
        history.iter_mut().for_each(|event| event.content = None);
    }
    Ok(Json(history))
}

/// A school is told what happened in its own life; of the person and the family, what happened
/// before the student left it too; of attendance files, alerts and follow-ups, nothing that is another
/// school's.
fn concerns(
    (school, sheet): (Uai, &SchoolSheet),
    until: Option<NaiveDate>,
    event: &Happened,
) -> bool {
    let stream = event.stream.as_deref().and_then(|stream| stream.parse().ok());
    let shared =
        !matches!(stream, Some(Stream::Attendance(..) | Stream::Alert(_) | Stream::FollowUp(_)));
    let (Some(of), Some(at)) = (event.school, event.recorded_at) else { return true };
    of == school || (shared && until.is_none_or(|until| sheet.local_date(at) <= until))
}
