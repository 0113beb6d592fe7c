//! Whether a node is well: its tables and reactions reach the end of its log within seconds, and
//! every event can be read.

use axum::{Json, extract::State, http::StatusCode};
use chrono::TimeDelta;
use serde::Serialize;

use crate::{App, Source, error::ApiError};

/// A dispatcher that has not looked for so long has stopped.
const HEART_STOPS_AFTER: TimeDelta = TimeDelta::seconds(60);

/// How a node is.
#[derive(Serialize)]
pub(crate) struct Health {
    /// The position of the last event.
    head: u64,
    /// The position that the tables show.
    folded: Option<u64>,
    /// The position whose consequences are in the log.
    reacted: Option<u64>,
    /// How many seconds ago the dispatcher last looked at the alerts; nothing where none runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatched_seconds_ago: Option<i64>,
    /// Events that cannot be read, and those that wait behind them.
    parked: usize,
    /// Those of them that a later version of the program wrote: this node is to be upgraded.
    later: usize,
}

pub(crate) async fn health(State(app): State<App>) -> Result<(StatusCode, Json<Health>), ApiError> {
    let head = app.journal().log().head().await?;
    let keeps_up = match &app.source {
        Source::Live(node) => node.reach(head).await.is_ok(),
        Source::Past(_) => true,
    };
    let (db, folded, reacted) = match &app.source {
        Source::Live(node) => (node.db(), Some(node.folded()), Some(node.reacted().upto)),
        Source::Past(past) => (past.db.clone(), None, None),
    };
    let parked = projections::files::parked(&db).await?;
    let later = parked.iter().filter(|parked| parked.later).count();
    let now = app.journal().clock().now();
    let dispatched = app.heartbeat.as_ref().and_then(|heartbeat| heartbeat.age(now));
    let beats = dispatched.is_none_or(|age| age <= HEART_STOPS_AFTER);
    let dispatched_seconds_ago = dispatched.map(|age| age.num_seconds());
    let status = if keeps_up && beats { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((
        status,
        Json(Health { head, folded, reacted, dispatched_seconds_ago, parked: parked.len(), later }),
    ))
}
