//! The log in a PostgreSQL database: several nodes, on a server that the operator already runs.
//!
//! Each process has one task that writes ([`writer`]). Positions come from a row that whoever writes
//! holds locked until the commit: never from a sequence, whose numbers can be seen in another order
//! than they were taken. Every statement is in a transaction that names its own isolation and
//! timeouts, and none is prepared for later, so that nothing depends on which connection of a pooler
//! it goes to.

mod listening;
mod reader;
mod rows;
pub(crate) mod schema;
mod writer;

use std::time::Duration;

use domain::Stream;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    AppendError, Appended, Filter, LogName, Page, StoreError, StoredEvent, StreamAppend,
    group::{Append, Placed},
    queue::{QUEUE_MAX, Request},
};
use crate::{header, place::PostgresUrl};
use writer::{NoChore, Writer};

/// Connections that read at the same time; more than that wait for their turn.
const READERS_MAX: u32 = 4;

/// How long a reader waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);

/// A log in a database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresLog {
    name: LogName,
    queue: mpsc::Sender<Request<NoChore>>,
    readers: PgPool,
    head: watch::Receiver<u64>,
}

impl PostgresLog {
    /// Opens one of the two logs of a database, and makes their tables at first.
    ///
    /// # Errors
    /// When the database cannot be reached, its tables are not ours, or it acknowledges what is not
    /// on the disk.
    pub async fn open(url: &PostgresUrl, name: LogName) -> Result<Self, StoreError> {
        let options = url.options()?;
        schema::make(&options, schema::logs()).await?;
        let (readers, at) = open_readers(options.clone(), name).await?;
        let (publish, head) = watch::channel(at);
        let listening = listening::spawn(readers.clone(), name, publish.clone());
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(Writer::new(options, name, requests, publish).run(listening));
        Ok(Self { name, queue, readers, head })
    }

    /// Opens a log that is there only to read it, up to where it is now.
    ///
    /// # Errors
    /// When there is no log in the database, or it cannot be reached.
    pub async fn open_to_read(url: &PostgresUrl, name: LogName) -> Result<Self, StoreError> {
        let (readers, at) = open_readers(url.options()?, name).await?;
        // Nobody takes from this queue: every append is refused.
        let (queue, _) = mpsc::channel(1);
        let (_, head) = watch::channel(at);
        Ok(Self { name, queue, readers, head })
    }

    /// Appends all events or none; answers once they are on the disk.
    ///
    /// # Errors
    /// See [`AppendError`]: only after `Unknown` may the events be in the log.
    pub async fn append(&self, asked: StreamAppend) -> Result<Appended, AppendError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Append(Append { asked, reply });
        self.queue.send(request).await.map_err(|_| StoreError::Stopped)?;
        answer.await.unwrap_or(Err(AppendError::Unknown))
    }

    /// Which log it is.
    pub(super) fn name(&self) -> LogName {
        self.name
    }

    /// At most `max` events of a stream, from revision `from` on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read_stream(
        &self,
        stream: Stream,
        from: u64,
        max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut reading = self.readers.begin_with(reader::BEGIN).await?;
        let events = reader::of_stream(&mut reading, self.name, stream, from, max).await?;
        reading.commit().await?;
        Ok(events.into_iter().map(StoredEvent::from).collect())
    }

    /// Events after a position, in log order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read_all(
        &self,
        after: u64,
        max: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        // Asked before the events: whatever there was up to here is then found, or was destroyed.
        let head = *self.head.borrow();
        let mut reading = self.readers.begin_with(reader::BEGIN).await?;
        let events = reader::after(&mut reading, self.name, after, max).await?;
        reading.commit().await?;
        let full = events.len() >= max;
        let next = events.last().map_or(after.max(head), |last| last.position);
        let passes = |event: &StoredEvent| {
            filter.school.is_none_or(|school| header::is_of_school(&event.header, school))
        };
        let events = events.into_iter().filter(passes).collect();
        Ok(Page { events, next, caught_up: !full && next >= *self.head.borrow() })
    }

    /// The position of the last event, 0 while there is none, as the database has it now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn head(&self) -> Result<u64, StoreError> {
        Ok(reader::head(&self.readers, self.name).await?)
    }

    /// The head as far as it is known here, and whoever waits for it to move.
    pub fn wake(&self) -> watch::Receiver<u64> {
        let mut head = self.head.clone();
        head.mark_unchanged();
        head
    }

    /// Destroys every event up to a position, a bounded number at a time. Positions and revisions go
    /// on as if they were there.
    ///
    /// # Errors
    /// When a statement failed; what was destroyed before stays destroyed.
    pub(super) async fn prune(&self, upto: u64) -> Result<(), StoreError> {
        while rows::prune(&self.readers, self.name, upto).await? {}
        // So that its room is used again at once.
        sqlx::raw_sql("vacuum preau.event_access").execute(&self.readers).await?;
        Ok(())
    }

    /// Commits what is queued, then closes all connections.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Request::Close(reply)).await.is_ok() {
            // No answer means that the writer is gone, which is what was asked for.
            let _gone = closed.await;
        }
        self.readers.close().await;
    }
}

/// Connections to read with, and where the log ends.
async fn open_readers(
    options: PgConnectOptions,
    name: LogName,
) -> Result<(PgPool, u64), sqlx::Error> {
    let readers = PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(ACQUIRE_MAX)
        .connect_with(options)
        .await?;
    let head = reader::head(&readers, name).await?;
    Ok((readers, head))
}

/// A log as the tables tell it from the other.
fn number(name: LogName) -> i16 {
    match name {
        LogName::School => 1,
        LogName::Access => 2,
    }
}

/// A number as PostgreSQL keeps it. What is too large for it is larger than anything it holds.
fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
