//! Knowing that others have written: PostgreSQL's own calls as a hint, looking now and then behind
//! it. Behind a pooler no call may ever come.

use std::time::Duration;

use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::reader;
use crate::log::LogName;

/// How often one looks without having been called.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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
    let mut calls = PgListener::connect_with(readers).await?;
    calls.listen(CHANNEL).await?;
    loop {
        publish(head, reader::head(readers, name).await?);
        if let Ok(Err(error)) = timeout(LOOK_EVERY, calls.recv()).await {
            return Err(error);
        }
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
