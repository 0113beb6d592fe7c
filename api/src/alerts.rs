//! Alerts over HTTP: what families were told and what became of it, and the calls that the office is
//! asked for.

mod board;
mod changes;
mod counted;
mod dispatch;
mod letter;
mod links;
mod own;
pub(crate) mod page;
mod queue;
pub(crate) mod receipts;
mod recipients;
mod watched;

use axum::Json;
use chrono::NaiveDate;
use domain::{
    PersonId, StudentId, Uai,
    access::{Action, Mask, Rule},
    alerts::{Alert, AlertCommand, AlertError, AlertId, Call, Outcome},
    schools::Half,
};
use projections::alerts::{AlertRow, of_school_on, of_student};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use changes::Streams;
pub use dispatch::{Dispatcher, Heartbeat};

use crate::{
    App,
    access::{Granted, Guard},
    error::{ApiError, Problem, Refusal},
    reading::{Asked, At, DayQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_alerts))
        .routes(routes!(show_alerts))
        .routes(routes!(acknowledge_alert))
        .routes(routes!(take_on_call))
        .routes(routes!(close_call))
        .routes(routes!(board::show_board))
        .routes(routes!(changes::follow_board))
        .routes(routes!(own::list_own_alerts))
        .routes(routes!(changes::follow_own_alerts))
}

/// The alerts of a school on a day.
#[utoipa::path(get, path = "/schools/{school}/alerts", tag = "alerts",
    params(("school" = String, Path), DayQuery, ReadQuery),
    responses((status = 200, body = Vec<AlertRow>), (status = 404, body = Problem)))]
async fn list_alerts(
    At(school): At<Uai>,
    Asked(day): Asked<DayQuery>,
    reading: Reading,
) -> Result<Json<Vec<AlertRow>>, ApiError> {
    let sheet = reading.guard.school(school, Action::ListAlerts).await?.sheet;
    let date = day.or(sheet.local_date(reading.now))?;
    Ok(Json(of_school_on(&reading.db().await?, school, date).await?))
}

/// What the family of a student was told, in the order of time. A guardian sees their own messages.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/alerts", tag = "alerts",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<AlertRow>), (status = 404, body = Problem)))]
async fn show_alerts(
    At((school, student)): At<(Uai, StudentId)>,
    reading: Reading,
) -> Result<Json<Vec<AlertRow>>, ApiError> {
    let Granted { mask, rule, .. } =
        reading.guard.student(school, student, Action::ReadAlerts).await?;
    let mut alerts = of_student(&reading.db().await?, school, student).await?;
    alerts.retain(|alert| knows_of(rule, reading.guard.person(), alert));
    alerts.iter_mut().for_each(|alert| leave_out_others(mask, &reading.guard, alert));
    Ok(Json(alerts))
}

type AlertPath = At<(Uai, StudentId, NaiveDate, Half)>;

/// Says that one knows.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/alerts/{date}/{half}/acknowledgement",
    tag = "alerts",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("half" = Half, Path)),
    responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
async fn acknowledge_alert(
    At((school, student, date, half)): AlertPath,
    write: Write<()>,
) -> Result<Receipt, ApiError> {
    let alert = AlertId { school, student, date, half };
    let may = move |guard: Guard| async move {
        let asked = guard.student(school, student, Action::AcknowledgeAlert).await?;
        if asked.rule.hears_only_what_it_is_told() {
            let alerts = of_student(&guard.db, school, student).await?;
            let told = |known: &AlertRow| knows_of(asked.rule, guard.person(), known);
            if !alerts.iter().any(|known| known.id() == alert && told(known)) {
                return Err(AlertError::NoSuchAlert.into());
            }
        }
        // A program knows nothing in a family's place.
        guard.person().ok_or_else(|| Refusal::Forbidden.into())
    };
    let by = write.check(may).await?;
    write.execute::<Alert>(school, alert, AlertCommand::Acknowledge { by }).await
}

/// Takes on a call that the office is asked for.
#[utoipa::path(post, path = "/schools/{school}/students/{student}/alerts/{date}/{half}/call",
    tag = "alerts",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("half" = Half, Path)),
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn take_on_call(alert: AlertPath, write: Write<()>) -> Result<Receipt, ApiError> {
    let by = write.caller.account;
    call(alert, &write, AlertCommand::TakeOn { by }).await
}

/// What came of a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Called {
    /// What.
    outcome: Outcome,
}

/// Says what came of a call, which closes it.
#[utoipa::path(put,
    path = "/schools/{school}/students/{student}/alerts/{date}/{half}/call/outcome",
    tag = "alerts",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("half" = Half, Path)),
    request_body = Called,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn close_call(alert: AlertPath, write: Write<Called>) -> Result<Receipt, ApiError> {
    let (by, outcome) = (write.caller.account, write.body.outcome);
    call(alert, &write, AlertCommand::Close { by, outcome }).await
}

async fn call<T>(
    At((school, student, date, half)): AlertPath,
    write: &Write<T>,
    command: AlertCommand,
) -> Result<Receipt, ApiError> {
    let may = move |guard: Guard| async move {
        guard.student(school, student, Action::CallFamily).await.map(|_| ())
    };
    write.check(may).await?;
    write.execute::<Alert>(school, AlertId { school, student, date, half }, command).await
}

/// Whether somebody whom this rule lets in knows of an alert.
fn knows_of(rule: Rule, asks: Option<PersonId>, alert: &AlertRow) -> bool {
    !rule.hears_only_what_it_is_told()
        || alert.sheet.messages.values().any(|message| Some(message.to) == asks)
}

/// What the other home was told, and whether it answered, is the other home's.
fn leave_out_others(mask: Mask, guard: &Guard, alert: &mut AlertRow) {
    if !mask.other_home {
        return;
    }
    let asks = guard.person();
    alert.sheet.messages.retain(|_, message| Some(message.to) == asks);
    alert.sheet.seen_by.retain(|by| Some(*by) == asks);
    // The office is asked to call because a home was not reached: which one is not told.
    alert.sheet.call = Call::None;
    let left = &alert.sheet.messages;
    alert.said_at.retain(|message, _| left.contains_key(message));
}
