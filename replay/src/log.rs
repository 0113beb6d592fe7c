//! The log: where every event is kept, in one order, for ever.
//!
//! An enum over engines, chosen by a URL ([`crate::place`]). An engine stores bytes: what they mean,
//! and who may open them, is told in [`crate::header`] and [`crate::seal`].
//!
//! **The law of positions:** a position is an opaque, growing `u64`; once position p can be read,
//! nothing below p ever appears. Those of SQLite and PostgreSQL are dense, 1, 2, 3…; readers may not
//! count on density. EventStoreDB is not even asked for a position that it has not told before: who
//! makes one up is refused ([`StoreError::NoSuchPosition`]).
//!
//! **The law of retries:** where the events found after the expected revision have the ids of those
//! that are appended, and the same bytes, the append answers as it did the first time
//! (`deduplicated`). The same ids with other bytes are refused. When nobody can say whether a commit
//! reached the disk the answer is [`AppendError::Unknown`], and the same append may be tried again.

mod bisect;
pub mod esdb;
mod group;
pub mod postgres;
mod queue;
pub mod sqlite;

use std::io;

use bytes::Bytes;
use domain::{EventId, Stream, Uai};
use tokio::sync::watch;

use crate::{header::NotAHeader, place::LogUrl};
use esdb::EsdbLog;
use postgres::PostgresLog;
use sqlite::SqliteLog;

/// Which of the two logs of a node: same code, each with positions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogName {
    /// What happened in the schools.
    School,
    /// Who signed in and who read what.
    Access,
}

/// A log, on one of the engines. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Log {
    /// One machine, nothing to install.
    Sqlite(SqliteLog),
    /// Several nodes on one database.
    Postgres(PostgresLog),
    /// Several nodes on a replicated cluster.
    Esdb(EsdbLog),
}

/// Events for one stream.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    /// Where they go.
    pub stream: Stream,
    /// What the writer believes the stream to be.
    pub expected: Expected,
    /// In order, at least one.
    pub events: Vec<NewEvent>,
}

/// What a writer believes a stream to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It has no event yet.
    NoStream,
    /// Its last event has this revision.
    Revision(u64),
}

/// An event as bytes, on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// Its envelope, in clear.
    pub header: Bytes,
    /// Its content, sealed if it is about a person.
    pub payload: Bytes,
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the last of the events.
    pub position: u64,
    /// Its revision.
    pub revision: u64,
    /// Whether the log already held all of them.
    pub deduplicated: bool,
}

/// Why an append did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not what the writer believed.
    #[error("{stream} is at {actual:?}, not where the writer believed")]
    Conflict {
        /// Which stream.
        stream: Stream,
        /// Its last revision, if it exists.
        actual: Option<u64>,
    },
    /// The stream holds events of the same ids, with other bytes.
    #[error("{stream} already holds these event ids with other content")]
    OtherContent {
        /// Which stream.
        stream: Stream,
    },
    /// It may have been written or not. Trying again with the same ids is safe.
    #[error("it is not known whether the append was written")]
    Unknown,
    /// It was not written.
    #[error("the log could not be written")]
    Store(#[from] StoreError),
}

/// Why a store cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says so.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The schema of the database cannot be made or is not ours.
    #[error(transparent)]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] io::Error),
    /// The database answers before its disk does, so that nothing it acknowledges is certain.
    #[error(
        "the database acknowledges what is not on its disk: set synchronous_commit and fsync to on"
    )]
    NotDurable,
    /// The EventStoreDB server says so.
    #[error(transparent)]
    EventStore(#[from] kurrentdb::Error),
    /// The EventStoreDB server does not answer.
    #[error("the EventStoreDB server cannot be reached: {0}")]
    Unreachable(String),
    /// It would not take an append of this size.
    #[error("an append of {bytes} bytes is more than the {max} that EventStoreDB takes")]
    TooLarge {
        /// What it would be.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// Its envelope cannot be read, so that nobody can say of which kind it is.
    #[error("an event without a readable envelope is not written")]
    Envelope(#[from] NotAHeader),
    /// No event is there, and the engine is only asked for places that it has told.
    #[error("no event of this log is at position {0}: read on from one that you were told")]
    NoSuchPosition(u64),
    /// What failed was told to another who had asked for the same.
    #[error("{0}")]
    Told(String),
    /// It was closed, or is only there to be read.
    #[error("the log takes no more events")]
    Stopped,
    /// It says nothing.
    #[error("an append brings at least one event")]
    NothingToAppend,
}

/// Why old events were not destroyed.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// What happened in the schools is kept; its dossiers are erased by their keys.
    #[error("the log of the schools is never pruned")]
    NotThisLog,
    /// Not all of them were.
    #[error("old events of the log could not be destroyed")]
    Store(#[from] StoreError),
}

/// An event as bytes, with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place among all events.
    pub position: u64,
    /// Its envelope, in clear.
    pub header: Bytes,
    /// Its content, sealed if it is about a person.
    pub payload: Bytes,
}

/// Some events in log order, and where to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The events that the filter let pass; may be fewer than were asked for, even none.
    pub events: Vec<StoredEvent>,
    /// The position that this page goes up to: read on after it.
    pub next: u64,
    /// Whether there was nothing more to read at that moment.
    pub caught_up: bool,
}

/// Which events to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this school.
    pub school: Option<Uai>,
}

impl Log {
    /// Opens the log `name` of a place, and creates it at first.
    ///
    /// # Errors
    /// When it cannot be opened or is not a log.
    pub async fn open(url: &LogUrl, name: LogName) -> Result<Self, StoreError> {
        Ok(match url {
            LogUrl::Sqlite(folder) => Self::Sqlite(SqliteLog::open(folder, name).await?),
            LogUrl::Postgres(url) => Self::Postgres(PostgresLog::open(url, name).await?),
            LogUrl::Esdb(url) => Self::Esdb(EsdbLog::open(url, name).await?),
        })
    }

    /// Opens a log that is there only to read it, up to where it is now, beside whoever writes it.
    ///
    /// # Errors
    /// When there is no log, or it cannot be opened.
    pub async fn open_to_read(url: &LogUrl, name: LogName) -> Result<Self, StoreError> {
        Ok(match url {
            LogUrl::Sqlite(folder) => Self::Sqlite(SqliteLog::open_to_read(folder, name).await?),
            LogUrl::Postgres(url) => Self::Postgres(PostgresLog::open_to_read(url, name).await?),
            LogUrl::Esdb(url) => Self::Esdb(EsdbLog::open_to_read(url, name).await?),
        })
    }

    /// Whether other processes may be writing the same log.
    pub fn has_many_writers(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) | Self::Esdb(_) => true,
        }
    }

    /// How many appends whoever is alone with the log may ask for one after the other, before the first
    /// is answered, and have them come into it in this order.
    pub fn kept_in_order(&self) -> usize {
        match self {
            // One task takes them from one queue. Those who wait for a place in it may change theirs.
            Self::Sqlite(_) | Self::Postgres(_) => queue::QUEUE_MAX,
            // What was refused or torn is sent again after what came later.
            Self::Esdb(_) => 1,
        }
    }

    /// Appends all events, or none.
    ///
    /// # Errors
    /// See [`AppendError`]: only after `Unknown` may the events be in the log.
    pub async fn append(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        if append.events.is_empty() {
            return Err(StoreError::NothingToAppend.into());
        }
        match self {
            Self::Sqlite(log) => log.append(append).await,
            Self::Postgres(log) => log.append(append).await,
            Self::Esdb(log) => log.append(append).await,
        }
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
        match self {
            Self::Sqlite(log) => log.read_stream(stream, from, max).await,
            Self::Postgres(log) => log.read_stream(stream, from, max).await,
            Self::Esdb(log) => log.read_stream(stream, from, max).await,
        }
    }

    /// Events after a position, in log order. A page holds about `max` events: old events come in
    /// packs that are handed out whole.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read_all(
        &self,
        after: u64,
        max: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        match self {
            Self::Sqlite(log) => Ok(log.read_all(after, max, filter).await?),
            Self::Postgres(log) => log.read_all(after, max, filter).await,
            Self::Esdb(log) => log.read_all(after, max, filter).await,
        }
    }

    /// The position of the last event, 0 while there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn head(&self) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(log) => Ok(log.head()),
            Self::Postgres(log) => log.head().await,
            Self::Esdb(log) => log.head().await,
        }
    }

    /// The position of the last of the events whose envelopes are `older`, of a log in which these come
    /// before all others; 0 when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_older(&self, older: impl Fn(&[u8]) -> bool) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => bisect::last_older(self, older).await,
            Self::Esdb(log) => log.last_older(older).await,
        }
    }

    /// Changes when there may be something new to read. A hint, never a way of delivery.
    pub fn wake(&self) -> watch::Receiver<u64> {
        match self {
            Self::Sqlite(log) => log.wake(),
            Self::Postgres(log) => log.wake(),
            Self::Esdb(log) => log.wake(),
        }
    }

    /// Destroys every event up to a position. What comes after keeps its position and its revision.
    ///
    /// # Errors
    /// See [`PruneError`]: only the access log may be pruned.
    pub async fn prune(&self, upto: u64) -> Result<(), PruneError> {
        let name = match self {
            Self::Sqlite(log) => log.name(),
            Self::Postgres(log) => log.name(),
            Self::Esdb(log) => log.name(),
        };
        match (name, self) {
            (LogName::School, _) => return Err(PruneError::NotThisLog),
            (LogName::Access, Self::Sqlite(log)) => {
                log.prune(upto).await.map_err(StoreError::from)?
            }
            (LogName::Access, Self::Postgres(log)) => log.prune(upto).await?,
            (LogName::Access, Self::Esdb(log)) => log.prune(upto).await?,
        }
        Ok(())
    }

    /// Commits what is queued, then closes the store.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(log) => log.close().await,
            Self::Postgres(log) => log.close().await,
            Self::Esdb(log) => log.close().await,
        }
    }
}
