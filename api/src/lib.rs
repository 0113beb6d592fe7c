//! The school over HTTP: JSON under `/api/v1`, described by OpenAPI.
//!
//! One file per feature, named as in `domain`. Who asks is told by [`caller`], how a question reads
//! by [`reading`], how a request writes by [`writing`], how a refusal sounds by [`error`].

mod access;
mod accounts;
mod alerts;
mod attendance;
mod caller;
pub mod channels;
mod classes;
pub mod demo;
mod description;
mod error;
mod families;
mod followups;
mod health;
mod history;
pub mod imports;
mod metrics;
mod people;
mod printed;
mod reading;
mod rollcalls;
mod schools;
mod timetable;
mod writing;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{SchoolYear, schools::SchoolSheet};
use replay::{Journal, Node};
use sqlx::SqlitePool;
use tokio::sync::Mutex;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use accounts::{
    Invited,
    identity::{ClientSecret, LinksBy, Protocol, Provider, ProviderError, Providers, SecondFactor},
    invite,
};
pub use alerts::{Dispatcher, Heartbeat, Streams};
pub use caller::{Token, TokenTooShort, Tokens};
pub use metrics::Counters;

use accounts::Accounts;
use attendance::documents::Uploads;
use caller::Strangers;
use channels::Receipts;
use description::describe;
use error::{ApiError, Refusal};
use reading::PastDays;

/// The largest body of a request: far more than a roll call, far less than an attack.
const BODY_MAX_BYTES: usize = 256 * 1024;

/// How long a request may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// How long one may take that brings files in.
const UPLOAD_MAX: Duration = Duration::from_secs(120);

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct App {
    source: Source,
    tokens: Tokens,
    accounts: Accounts,
    providers: Providers,
    strangers: Strangers,
    past_days: PastDays,
    heartbeat: Option<Heartbeat>,
    counters: Option<Counters>,
    receipts: Option<Receipts>,
    streams: Streams,
    importing: Arc<Mutex<()>>,
    uploads: Uploads,
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
        let (accounts, providers) = (Accounts::default(), Providers::default());
        Self {
            source,
            tokens,
            accounts,
            providers,
            strangers: Strangers::default(),
            past_days: PastDays::default(),
            heartbeat: None,
            counters: None,
            receipts: None,
            streams: Streams::default(),
            importing: Arc::default(),
            uploads: Uploads::default(),
        }
    }

    /// The same behind proxies that are believed when they say for whom they ask.
    #[must_use]
    pub fn behind(self, proxies: &[IpAddr]) -> Self {
        Self { accounts: self.accounts.behind(proxies), ..self }
    }

    /// The same, with identity providers that people may sign in through.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    /// The same, with a dispatcher whose heart is to be seen beating.
    #[must_use]
    pub fn with_heartbeat(self, heartbeat: Heartbeat) -> Self {
        Self { heartbeat: Some(heartbeat), ..self }
    }

    /// The same, with what that dispatcher counts.
    #[must_use]
    pub fn with_counters(self, counters: Counters) -> Self {
        Self { counters: Some(counters), ..self }
    }

    /// The same, for gateways that say later what became of messages.
    #[must_use]
    pub fn with_receipts(self, receipts: Option<Receipts>) -> Self {
        Self { receipts, ..self }
    }

    /// The answers that go on until they are ended: a server that stops has to.
    pub fn streams(&self) -> Streams {
        self.streams.clone()
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
    let description = description();
    let [guarded_routes, doors] = routes().map(Router::from);
    let guarded = axum::middleware::from_fn_with_state(app.clone(), access::decided);
    let pages = alerts::page::pages()
        .layer(at_most(REQUEST_MAX))
        .merge(alerts::page::reasons().layer(at_most(UPLOAD_MAX)));
    guarded_routes
        .merge(pages)
        .layer(guarded)
        .merge(alerts::page::style())
        .merge(doors)
        .merge(alerts::receipts::doors().layer(at_most(REQUEST_MAX)))
        .route("/api/v1/openapi.json", get(async move || Json(description)))
        .route("/health", get(health::health).layer(at_most(REQUEST_MAX)))
        .route("/metrics", get(metrics::metrics).layer(at_most(REQUEST_MAX)))
        .fallback(async || ApiError::from(Refusal::NoSuchAddress))
        .method_not_allowed_fallback(async || ApiError::from(Refusal::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(axum::middleware::map_response(tell_timeout))
        .layer(CatchPanicLayer::custom(tell_panic))
        .layer(axum::middleware::map_response(keep_private))
        .with_state(app)
}

/// The description of the API, as it is served at `/api/v1/openapi.json`.
pub fn description() -> OpenApi {
    let [guarded, doors] = routes();
    describe(guarded.merge(doors).into_openapi())
}

/// The routes behind the guard, and those before it.
fn routes() -> [OpenApiRouter<App>; 2] {
    let features = OpenApiRouter::new()
        .merge(schools::routes())
        .merge(people::routes())
        .merge(families::routes())
        .merge(classes::routes())
        .merge(timetable::routes())
        .merge(rollcalls::routes())
        .merge(attendance::routes())
        .merge(alerts::routes())
        .merge(followups::routes())
        .merge(history::routes())
        .merge(accounts::routes())
        .merge(access::routes())
        .layer(at_most(REQUEST_MAX))
        .merge(imports::routes().layer(at_most(UPLOAD_MAX)));
    let doors = accounts::doors().layer(at_most(REQUEST_MAX));
    [features, doors].map(|routes| OpenApiRouter::new().nest("/api/v1", routes))
}

/// Ends a request that takes longer.
fn at_most(time: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, time)
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

/// What every answer asks of browsers and of what stands between: to keep nothing, to take it for
/// what it says it is, to show it nowhere else, and to come back over TLS only.
async fn keep_private(mut response: axum::response::Response) -> axum::response::Response {
    const ASKED: [(HeaderName, &str); 7] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, asked) in ASKED {
        let asked = HeaderValue::from_static(asked);
        response.headers_mut().entry(name).or_insert(asked);
    }
    response
}

/// The school year that a day belongs to.
fn year_of(sheet: &SchoolSheet, date: NaiveDate) -> Result<SchoolYear, ApiError> {
    let told = || ApiError::told(Refusal::DateOutsideSchoolYear, date.to_string());
    sheet.year_of(date).map(|(year, _)| year).ok_or_else(told)
}
