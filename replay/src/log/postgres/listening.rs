//! Knowing that others have written: PostgreSQL's own calls as a hint, looking now and then behind
//! it. Behind a pooler one only looks: there, calls would come to whoever is lent the connection next,
//! in the middle of another's answer.
//!
//! A database that was put back behind what it had acknowledged ends the process: tables and states
//! in memory go further than the log does, and the next start makes them anew.

use std::time::Duration;

use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::reader;
use crate::{fatal::storage_failed, log::LogName};

/// How often one looks without having been called.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often one looks who is never called.
const LOOK_EVERY_POOLED: Duration = Duration::from_millis(50);

/// How often two connections are compared.
const ROUNDS: u32 = 8;

/// How long one waits for a database that does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The channel that writers call on.
pub(super) const CHANNEL: &str = "preau";

/// Publishes where the log ends, until it is told to stop or nobody wants to know.
pub(super) fn spawn(readers: PgPool, name: LogName, head: watch::Sender<u64>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let Err(error) = listen(&readers, name, &head).await;
            if readers.is_closed() {
                return;
            }
            tracing::warn!(%error, "the log's database does not tell where the log ends");
            sleep(RETRY_AFTER).await;
        }
    })
}

async fn listen(
    readers: &PgPool,
    name: LogName,
    head: &watch::Sender<u64>,
) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut calls = None;
    if !is_pooled(readers).await? {
        let mut own = PgListener::connect_with(readers).await?;
        own.listen(CHANNEL).await?;
        calls = Some(own);
    }
    loop {
        let known = *head.borrow();
        let at = reader::head(readers, name).await?;
        stop_if_lost(known, at);
        publish(head, at);
        match &mut calls {
            Some(calls) => {
                if let Ok(Err(error)) = timeout(LOOK_EVERY, calls.recv()).await {
                    return Err(error);
                }
            }
            None => sleep(LOOK_EVERY_POOLED).await,
        }
    }
}

/// Whether there is a pooler between: two connections that are one are lent. That the two were never
/// the same proves nothing, hence some rounds.
async fn is_pooled(readers: &PgPool) -> Result<bool, sqlx::Error> {
    let (mut one, mut other) = (readers.acquire().await?, readers.acquire().await?);
    for _ in 0..ROUNDS {
        if reader::backend(&mut one).await? == reader::backend(&mut other).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was known before the database was asked where the log ends is in its answer, or is lost.
pub(super) fn stop_if_lost(known: u64, at: u64) {
    if at < known {
        let lost = format!("the log ended at {known}, and ends at {at} now");
        storage_failed("the database of the log", &sqlx::Error::Protocol(lost));
    }
}

/// Tells a head that may be older than what is told already.
pub(super) fn publish(head: &watch::Sender<u64>, at: u64) {
    head.send_if_modified(|known| {
        let newer = at > *known;
        *known = at.max(*known);
        newer
    });
}
