//! The log in one SQLite file: one machine, no server to install.
//!
//! One task writes ([`writer`]), a few read-only connections read. Writers' appends are committed in
//! groups, because a durable commit costs the same for one event as for hundreds. Old events are
//! packed ([`segments`]), and those of a log that is not kept for ever destroyed ([`pruning`]).

mod durable;
mod pruning;
mod reader;
mod rows;
mod segments;
mod writer;

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::Stream;
use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    AppendError, Appended, Filter, LogName, Page, StoreError, StoredEvent, StreamAppend,
    group::{Append, Placed},
    queue::QUEUE_MAX,
};
use crate::{header, lock::Lock};
use writer::{Chore, Request, Writer};

/// Connections that read at the same time; more than that wait for their turn.
const READERS_MAX: u32 = 4;

/// How long a statement waits for a lock that another program holds on the file (a backup, `sqlite3`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The page cache of the writer, in KiB as SQLite counts it: the inner pages of both indexes fit.
const WRITER_CACHE: &str = "-65536";

/// A log in a file of the data folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SqliteLog {
    name: LogName,
    queue: mpsc::Sender<Request>,
    readers: SqlitePool,
    head: watch::Receiver<u64>,
    packed: Arc<AtomicU64>,
}

impl SqliteLog {
    /// Opens the file `school.log` or `access.log` of the folder, and creates both at first.
    ///
    /// # Errors
    /// When the folder or the file cannot be opened or is not a log, or when another process, or
    /// another handle of this one, has it open.
    pub async fn open(folder: &Path, name: LogName) -> Result<Self, sqlx::Error> {
        fs::create_dir_all(folder)?;
        let lock = Lock::take("the log", &folder.join(format!("{}.lock", file_name(name))))?;
        let options = options(folder, name);
        let mut store = open_store(options.clone()).await?;
        let (head, packed, last_stream) = ends(&mut store).await?;
        let readers = open_readers(options).await?;
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        let packed = Arc::new(AtomicU64::new(packed));
        let (publish, head) = watch::channel(head);
        let writer = Writer::new(store, requests, publish, Arc::clone(&packed), last_stream);
        tokio::spawn(writer.run(lock));
        Ok(Self { name, queue, readers, head, packed })
    }

    /// Opens a log that is there only to read it, up to where it is now, beside whoever writes it.
    ///
    /// # Errors
    /// When there is no log in the folder, or it cannot be opened.
    pub async fn open_to_read(folder: &Path, name: LogName) -> Result<Self, sqlx::Error> {
        let readers = open_readers(options(folder, name)).await?;
        let mut store = readers.acquire().await?;
        let (head, packed, _) = ends(&mut store).await?;
        drop(store);
        // Nobody takes from this queue: every append is refused.
        let (queue, _) = mpsc::channel(1);
        let (_, head) = watch::channel(head);
        Ok(Self { name, queue, readers, head, packed: Arc::new(AtomicU64::new(packed)) })
    }

    /// Appends all events or none; answers once they are on the disk.
    ///
    /// # Errors
    /// See [`AppendError`]: only after `Unknown` may the events be in the log.
    pub async fn append(&self, asked: StreamAppend) -> Result<Appended, AppendError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Append(Append { asked, reply });
        if self.queue.send(request).await.is_err() {
            return Err(StoreError::Stopped.into());
        }
        answer.await.unwrap_or(Err(AppendError::Unknown))
    }

    /// Which log it is.
    pub(super) fn name(&self) -> LogName {
        self.name
    }

    /// At most `max` events of a stream, from revision `from` on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read_stream(
        &self,
        stream: Stream,
        from: u64,
        max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut store = self.readers.acquire().await?;
        let events = reader::of_stream(&mut store, stream, from, max).await?;
        Ok(events.into_iter().map(StoredEvent::from).collect())
    }

    /// Events after a position, in log order. Packed events come a thousand at a time or more,
    /// however few are asked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read_all(
        &self,
        after: u64,
        max: usize,
        filter: Filter,
    ) -> Result<Page, sqlx::Error> {
        let head = *self.head.borrow();
        let events = self.after(after, max).await?;
        // Where nothing is found, whatever there was up to the head has been destroyed.
        let next = events.last().map_or(after.max(head), |last| last.position);
        let passes = |event: &Placed| {
            filter.school.is_none_or(|school| header::is_of_school(&event.header, school))
        };
        let events = events.into_iter().filter(passes).map(StoredEvent::from).collect();
        Ok(Page { events, next, caught_up: next >= *self.head.borrow() })
    }

    /// The position of the last event, 0 while there is none. Asks no one: the writer tells it.
    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// The head, and whoever waits for it to move.
    pub fn wake(&self) -> watch::Receiver<u64> {
        let mut head = self.head.clone();
        head.mark_unchanged();
        head
    }

    /// Packs every old event that can be packed now, instead of when the writer has time for it.
    ///
    /// # Errors
    /// When a statement failed; what was packed before stays packed.
    pub async fn pack(&self) -> Result<(), sqlx::Error> {
        let (reply, answer) = oneshot::channel();
        let asked = self.queue.send(Request::Chore(Chore::Pack(reply))).await;
        asked.map_err(|_| sqlx::Error::PoolClosed)?;
        answer.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }

    /// Destroys every event up to a position, a bounded number at a time, so that appends in between
    /// do not wait long. Positions and revisions go on as if they were there.
    ///
    /// # Errors
    /// When a statement failed; what was destroyed before stays destroyed.
    pub(super) async fn prune(&self, upto: u64) -> Result<(), sqlx::Error> {
        let upto = upto.min(*self.head.borrow());
        let mut reached = 0;
        while reached < upto {
            let (reply, answer) = oneshot::channel();
            let asked = self.queue.send(Request::Chore(Chore::Prune(upto, reply))).await;
            asked.map_err(|_| sqlx::Error::PoolClosed)?;
            reached = answer.await.unwrap_or(Err(sqlx::Error::PoolClosed))?;
        }
        Ok(())
    }

    /// Commits what is queued, then closes the file. Later appends are refused, by every clone.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        self.readers.close().await;
        if self.queue.send(Request::Close(reply)).await.is_ok() {
            // No answer means that the writer is gone, which is what was asked for.
            let _gone = closed.await;
        }
    }

    async fn after(&self, after: u64, max: usize) -> Result<Vec<Placed>, sqlx::Error> {
        let mut store = self.readers.acquire().await?;
        if after < self.packed.load(Ordering::Acquire) {
            let old = reader::packed_after(&mut store, after, max).await?;
            if !old.is_empty() {
                return Ok(old);
            }
        }
        let rows = reader::unpacked_after(&mut store, after, max).await?;
        if rows.first().is_some_and(|first| first.position == after + 1) {
            return Ok(rows);
        }
        // The rows before them were packed since `packed` was read, or were destroyed long ago.
        let moved = reader::packed_after(&mut store, after, max).await?;
        Ok(if moved.is_empty() { rows } else { moved })
    }
}

/// A number as SQLite keeps it. What is too large for it is larger than anything it holds.
fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn file_name(name: LogName) -> &'static str {
    match name {
        LogName::School => "school",
        LogName::Access => "access",
    }
}

fn options(folder: &Path, name: LogName) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join(format!("{}.log", file_name(name))))
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

async fn open_readers(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await
}

async fn open_store(options: SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut store = options
        .create_if_missing(true)
        .statement_cache_capacity(rows::TEXTS_MAX)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        // SQLite would ignore errors of its own checkpoints; the writer makes them.
        .pragma("wal_autocheckpoint", "0")
        .connect()
        .await?;
    sqlx::migrate!("migrations/sqlite_log").run(&mut store).await?;
    Ok(store)
}

/// The last position, the last packed one, and the last number given to a stream.
async fn ends(store: &mut SqliteConnection) -> Result<(u64, u64, i64), sqlx::Error> {
    let (head, first, packed, pruned, stream): (i64, Option<i64>, i64, i64, i64) = sqlx::query_as(
        "select coalesce((select max(position) from event), 0),
            (select min(position) from event),
            coalesce((select max(last_position) from segment), 0),
            coalesce((select position from pruned), 0),
            coalesce((select max(stream) from stream), 0)",
    )
    .fetch_one(store)
    .await?;
    let packed = first.map_or(packed, |first| packed.max(first - 1)).max(pruned);
    Ok((head.max(packed).cast_unsigned(), packed.cast_unsigned(), stream))
}
