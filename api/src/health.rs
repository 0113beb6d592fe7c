//! Whether a node is well: its tables and reactions reach the end of its log within seconds, and
//! every event can be read.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{App, Source, error::ApiError};

/// How a node is.
#[derive(Serialize)]
pub(crate) struct Health {
    /// The position of the last event.
    head: u64,
    /// The position that the tables show.
    folded: Option<u64>,
    /// The position whose consequences are in the log.
    reacted: Option<u64>,
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
    let status = if keeps_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(Health { head, folded, reacted, parked: parked.len(), later })))
}
