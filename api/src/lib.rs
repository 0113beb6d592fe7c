//! The school over HTTP: JSON under `/api/v1`, described by OpenAPI.
//!
//! One file per feature, named as in `domain`. Who asks is told by [`caller`], how a question reads
//! by [`reading`], how a request writes by [`writing`], how a refusal sounds by [`error`].

mod attendance;
mod caller;
mod classes;
pub mod demo;
mod description;
mod error;
mod families;
mod health;
mod history;
mod people;
mod reading;
mod rollcalls;
mod schools;
mod timetable;
mod writing;

use std::time::Duration;

use axum::{
    Json, Router, extract::DefaultBodyLimit, http::StatusCode, response::IntoResponse, routing::get,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{SchoolYear, Uai, schools::SchoolSheet};
use replay::{Journal, Node};
use sqlx::SqlitePool;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use caller::{Token, TokenTooShort, Tokens};

use description::describe;
use error::{ApiError, Refusal};
use reading::PastDays;

/// The largest body of a request: far more than a roll call, far less than an attack.
const BODY_MAX_BYTES: usize = 256 * 1024;

/// How long a request may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct App {
    source: Source,
    tokens: Tokens,
    past_days: PastDays,
}

/// Where answers come from, and where commands go.
#[derive(Clone)]
pub enum Source {
    /// A node that follows its log.
    Live(Node),
    /// A past day; only read.
    Past(Past),
}

/// The schools as they stood at an instant.
#[derive(Clone)]
pub struct Past {
    /// The log that the tables were folded from.
    pub journal: Journal,
    /// The tables as they stood.
    pub db: SqlitePool,
    /// The instant.
    pub instant: DateTime<Utc>,
}

impl App {
    /// The school over HTTP, for whoever has one of the tokens.
    pub fn new(source: Source, tokens: Tokens) -> Self {
        Self { source, tokens, past_days: PastDays::default() }
    }

    fn journal(&self) -> &Journal {
        match &self.source {
            Source::Live(node) => node.journal(),
            Source::Past(past) => &past.journal,
        }
    }
}

/// Every route of the school.
pub fn router(app: App) -> Router {
    let (routes, description) = routes().split_for_parts();
    let description = describe(description);
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_MAX);
    routes
        .route("/api/v1/openapi.json", get(async move || Json(description)))
        .route("/health", get(health::health))
        .fallback(async || ApiError::from(Refusal::NoSuchAddress))
        .method_not_allowed_fallback(async || ApiError::from(Refusal::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(timeout)
        .layer(axum::middleware::map_response(tell_timeout))
        .layer(CatchPanicLayer::custom(tell_panic))
        .with_state(app)
}

/// The description of the API, as it is served at `/api/v1/openapi.json`.
pub fn description() -> OpenApi {
    describe(routes().into_openapi())
}

fn routes() -> OpenApiRouter<App> {
    let features = OpenApiRouter::new()
        .merge(schools::routes())
        .merge(people::routes())
        .merge(families::routes())
        .merge(classes::routes())
        .merge(timetable::routes())
        .merge(rollcalls::routes())
        .merge(attendance::routes())
        .merge(history::routes());
    OpenApiRouter::new().nest("/api/v1", features)
}

/// A handler that panicked is told like every other failure. The panic's own words are not logged
/// again: they may quote what was asked.
fn tell_panic(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    ApiError::Internal(anyhow::anyhow!("a handler panicked")).into_response()
}

/// A request that took too long is told like every other refusal.
async fn tell_timeout(response: axum::response::Response) -> axum::response::Response {
    let timed_out = response.status() == StatusCode::REQUEST_TIMEOUT;
    let told = response.headers().contains_key(axum::http::header::CONTENT_TYPE);
    if timed_out && !told {
        ApiError::from(Refusal::RequestTimeout).into_response()
    } else {
        response
    }
}

/// The sheet of a school that is open here.
async fn open_school(db: &SqlitePool, school: Uai) -> Result<SchoolSheet, ApiError> {
    projections::schools::sheet(db, school).await?.ok_or(Refusal::UnknownSchool.into())
}

/// Why something was not found in a school: perhaps the school itself is not here.
async fn missing(db: &SqlitePool, school: Uai, refusal: Refusal) -> ApiError {
    open_school(db, school).await.err().unwrap_or(refusal.into())
}

/// The school year that a day belongs to.
fn year_of(sheet: &SchoolSheet, date: NaiveDate) -> Result<SchoolYear, ApiError> {
    let told = || ApiError::told(Refusal::DateOutsideSchoolYear, date.to_string());
    sheet.year_of(date).map(|(year, _)| year).ok_or_else(told)
}
