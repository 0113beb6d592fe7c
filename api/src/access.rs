//! Who may see and do what, over HTTP: every address asks a [`Guard`] before it answers, and a layer
//! ([`decided`]) lets no success out for which nobody decided.
//!
//! Here is also where an auditor reads what was written down of it. What is decided, by which rule,
//! is `domain::access`; what a decision rests on is `projections::access`. Signing in is in
//! [`crate::accounts`].

mod decisions;
mod guard;

use axum::{Json, extract::State};
use chrono::NaiveTime;
use domain::{AccountId, PersonId, Uai, access::Action, schools::SchoolSheet};
use replay::{
    access::{About, Asked as AskedOfLog, Found, Noted},
    log::StoreError,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Source,
    error::{ApiError, Problem, Refusal},
    reading::{Asked, At, DaysQuery, ReadQuery, Reading},
};

pub(crate) use decisions::{Decisions, decided};
pub(crate) use guard::{Granted, Guard, Somebody};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_access_log))
}

/// An answer has about so many entries.
const ENTRIES_MAX: usize = 500;

/// About whom, and which part of a long answer.
#[derive(Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AboutQuery {
    /// What was read of this person or refused about them, and what they did themselves.
    person: Option<PersonId>,
    /// What was done with this account; a person's, or a program's.
    account: Option<AccountId>,
    /// Where the page before this one said to read on.
    cursor: Option<u64>,
}

/// A page of the access log.
#[derive(Serialize, ToSchema)]
struct AccessLogPage {
    /// The entries, the newest last.
    entries: Vec<Noted>,
    /// The cursor to read on with, if there may be more.
    next: Option<u64>,
    /// Pages of these days that nobody can read any more: their key was destroyed.
    unreadable: u64,
}

/// Who signed in, what was refused and who read what, as far as it concerns the school. Somebody's
/// sign-ins are of no school: they are told where one person is asked about.
#[utoipa::path(get, path = "/schools/{school}/access-log", tag = "access",
    params(("school" = String, Path), AboutQuery, DaysQuery, ReadQuery),
    responses((status = 200, body = AccessLogPage), (status = 404, body = Problem)))]
async fn show_access_log(
    State(app): State<App>,
    At(school): At<Uai>,
    Asked(about): Asked<AboutQuery>,
    Asked(days): Asked<DaysQuery>,
    reading: Reading,
) -> Result<Json<AccessLogPage>, ApiError> {
    let Source::Live(node) = &app.source else { return Err(Refusal::NoSuchAddress.into()) };
    let sheet = may_audit(&reading.guard, school, about.person).await?;
    let days = days.days()?;
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Err(Refusal::TooManyDays.into());
    };
    let midnight = |day| sheet.instant(day, NaiveTime::MIN);
    let asked = AskedOfLog {
        about: match about {
            AboutQuery { person: Some(person), .. } => About::Person(person),
            AboutQuery { account: Some(account), .. } => About::Account(account),
            AboutQuery { person: None, account: None, .. } => About::All,
        },
        from: midnight(*first),
        until: midnight(last.succ_opt().ok_or(Refusal::MalformedQuery)?),
        after: about.cursor.unwrap_or(0),
        max: ENTRIES_MAX,
    };
    let found = node.access().entries_of(school, &asked).await.map_err(of_cursor)?;
    let Found { entries, next, unreadable } = found;
    Ok(Json(AccessLogPage { entries, next, unreadable }))
}

/// Some engines can tell that a cursor is none that they gave out.
fn of_cursor(error: anyhow::Error) -> ApiError {
    let is_unknown = |error: &(dyn std::error::Error + 'static)| {
        matches!(error.downcast_ref(), Some(StoreError::NoSuchPosition(_)))
    };
    if error.chain().any(is_unknown) { Refusal::MalformedQuery.into() } else { error.into() }
}

/// Whether the caller may read the log of the school, or what it says of one of its people.
async fn may_audit(
    guard: &Guard,
    school: Uai,
    person: Option<PersonId>,
) -> Result<SchoolSheet, ApiError> {
    let action = Action::ReadAccessLog;
    match person {
        Some(person) => Ok(guard.somebody(school, person, action).await?.sheet),
        None => Ok(guard.school(school, action).await?.sheet),
    }
}
