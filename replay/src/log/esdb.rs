//! The log on an EventStoreDB (`KurrentDB`) server or cluster: several nodes, and copies that the servers keep
//! of each other.
//!
//! Each stream of the log is a stream of the server, under a name of its own ([`event`]), and the position of
//! an event is its place among all that the server holds: growing, and anything but dense. The server keeps
//! the law of positions and knows retries; what is left to do here is to tell them ([`writer`]), to know where
//! the log ends ([`following`]), and to come back when the leader goes ([`server`]).

mod event;
mod following;
mod known;
mod pruning;
mod reader;
mod server;
mod writer;

use std::{fmt, sync::Arc};

use domain::Stream;
use kurrentdb::Error;
use tokio::{sync::watch, task::AbortHandle};

use super::{
    AppendError, Appended, Filter, LogName, Page, StoreError, StoredEvent, StreamAppend,
    group::Placed,
};
use crate::{header, place::EsdbUrl};
use event::Names;
use following::Following;
use known::Known;
use reader::From;
use server::{Server, codes};
use writer::Writer;

/// Events that are read together while one looks for an instant; each may hold 100 KB.
const PAGE_EVENTS: usize = 200;

/// A log on a server. Cheap to clone.
#[derive(Clone)]
pub struct EsdbLog(Arc<Inner>);

struct Inner {
    name: LogName,
    names: Names,
    known: Arc<Known>,
    server: Arc<Server>,
    following: Arc<Following>,
    writer: Writer,
    /// Held, not asked.
    tasks: Vec<Task>,
}

/// A task that ends with whoever started it.
struct Task(AbortHandle);

impl EsdbLog {
    /// Opens one of the two logs of a server.
    ///
    /// # Errors
    /// When the server cannot be reached within some seconds.
    pub async fn open(url: &EsdbUrl, name: LogName) -> Result<Self, StoreError> {
        let mut inner = Inner::open(url, name).await?;
        inner.tasks.push(Task::spawn(Arc::clone(&inner.following).run()));
        Ok(Self(Arc::new(inner)))
    }

    /// Opens a log that is there only to read it, up to where it is now.
    ///
    /// # Errors
    /// When the server cannot be reached within some seconds.
    pub async fn open_to_read(url: &EsdbUrl, name: LogName) -> Result<Self, StoreError> {
        let inner = Inner::open(url, name).await?;
        inner.writer.close_now();
        Ok(Self(Arc::new(inner)))
    }

    /// Appends all events or none; answers once most servers of the cluster have them.
    ///
    /// # Errors
    /// See [`AppendError`]: only after `Unknown` may the events be in the log.
    pub async fn append(&self, asked: StreamAppend) -> Result<Appended, AppendError> {
        self.0.writer.append(asked).await
    }

    /// Which log it is.
    pub(super) fn name(&self) -> LogName {
        self.0.name
    }

    /// At most `max` events of a stream, from revision `from` on.
    ///
    /// # Errors
    /// When the server cannot be read.
    pub async fn read_stream(
        &self,
        stream: Stream,
        from: u64,
        max: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let Inner { server, names, known, .. } = &*self.0;
        let read = server.ask(|client| {
            let name = names.of(stream);
            async move { reader::of_stream(&client, name, from, max).await }
        });
        let found = read.await?;
        if let Some(last) = found.last {
            known.has(stream, last);
        }
        let pruned = known.pruned();
        let kept = found.events.into_iter().filter(|event| event.position > pruned);
        Ok(kept.map(StoredEvent::from).collect())
    }

    /// Events after a position that was told, in log order.
    ///
    /// # Errors
    /// When the server cannot be read, or no event is at that position.
    pub async fn read_all(
        &self,
        after: u64,
        max: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        let known = &self.0.known;
        loop {
            let pruned = known.pruned();
            let after = after.max(pruned);
            if after > known.head() && after > self.head().await? {
                return Err(StoreError::NoSuchPosition(after));
            }
            // In this order: of ours, none that is not known by now is before the last record passed.
            let (passed, head) = (known.passed(), known.head());
            let from = match passed {
                Some(passed) if after >= head && passed.commit > after => From::At(passed),
                Some(_) | None => From::own(after),
            };
            // The one that it begins at is read again, to know that it is one.
            let mut events = self.read(from, max.saturating_add(1), after).await?;
            let first = events.first().map(|first| first.position);
            if from == From::own(after) && after > pruned && first != Some(after) {
                return Err(StoreError::NoSuchPosition(after));
            }
            events.retain(|event| event.position > after);
            let full = events.len() >= max;
            events.truncate(max);
            let next = events.last().map_or(after.max(head), |last| last.position);
            known.reached(next);
            let caught_up = !full && next >= known.head();
            if events.is_empty() && next == after && !caught_up {
                // The first one since was written while one looked.
                continue;
            }
            let passes = |event: &StoredEvent| {
                filter.school.is_none_or(|school| header::is_of_school(&event.header, school))
            };
            let events = events.into_iter().filter(passes).collect();
            return Ok(Page { events, next, caught_up });
        }
    }

    /// The position of the last event, 0 while there is none, as the server has it now.
    ///
    /// # Errors
    /// When the server cannot be read.
    pub async fn head(&self) -> Result<u64, StoreError> {
        self.0.following.look().await
    }

    /// As [`super::Log::last_older`]. What is looked for may be near either end: from both it is looked for
    /// in turn, since nothing between can be asked for.
    ///
    /// # Errors
    /// When the server cannot be read.
    pub(super) async fn last_older(
        &self,
        older: impl Fn(&[u8]) -> bool,
    ) -> Result<u64, StoreError> {
        let (mut last, mut before) = (self.0.known.pruned(), None);
        loop {
            let page = self.read_all(last, PAGE_EVENTS, Filter::default()).await?;
            for event in &page.events {
                if !older(&event.header) {
                    return Ok(last);
                }
                last = event.position;
            }
            if page.caught_up {
                return Ok(last);
            }
            for event in self.back(before).await? {
                if event.position <= last {
                    return Ok(last);
                }
                if older(&event.header) {
                    return Ok(event.position);
                }
                before = Some(event.position);
            }
        }
    }

    /// The head as far as it is known here, and whoever waits for it to move.
    pub fn wake(&self) -> watch::Receiver<u64> {
        self.0.known.wake()
    }

    /// Shows no event up to a position any more, a bounded number at a time. Positions and revisions go on
    /// as if they were there.
    ///
    /// # Errors
    /// When the server failed; what is not shown any more stays so.
    pub(super) async fn prune(&self, upto: u64) -> Result<(), StoreError> {
        let Inner { server, names, known, .. } = &*self.0;
        while pruning::prune(server, names, known, upto).await? {}
        Ok(())
    }

    /// Waits for the appends that are on the way, then lets the server go.
    pub async fn close(&self) {
        self.0.writer.close().await;
        self.0.server.close();
    }

    /// Some events from a record on, itself included.
    async fn read(
        &self,
        from: From,
        max: usize,
        after: u64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let read = self.0.server.ask(|client| {
            let own = Some(self.0.names.prefix());
            async move { reader::forwards(&client, own, from, max).await }
        });
        match read.await {
            Ok(records) => Ok(records.into_iter().map(event::stored).collect()),
            Err(StoreError::EventStore(Error::Grpc { code, .. }))
                if [codes::INVALID, codes::OUT_OF_RANGE].contains(&(code as i32)) =>
            {
                Err(StoreError::NoSuchPosition(after))
            }
            Err(error) => Err(error),
        }
    }

    /// Some events before one of them, or before the end; the last one first.
    async fn back(&self, before: Option<u64>) -> Result<Vec<StoredEvent>, StoreError> {
        let read = self.0.server.ask(|client| {
            let own = Some(self.0.names.prefix());
            async move { reader::backwards(&client, own, before, PAGE_EVENTS).await }
        });
        let events = read.await?.into_iter().map(event::stored);
        Ok(events.filter(|event| before.is_none_or(|before| event.position < before)).collect())
    }
}

impl fmt::Debug for EsdbLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EsdbLog").field("names", &self.0.names).finish_non_exhaustive()
    }
}

impl Inner {
    async fn open(url: &EsdbUrl, name: LogName) -> Result<Self, StoreError> {
        let (names, known) = (Names::new(url, name), Arc::new(Known::default()));
        let server = Arc::new(Server::reach(url, &known).await?);
        let keeping = Task::spawn(Arc::clone(&server).keep(url.clone(), Arc::clone(&known)));
        let following = Arc::new(Following::begin(&server, &names, &known).await?);
        let writer = Writer::new(&server, &names, &known);
        Ok(Self { name, names, known, server, following, writer, tasks: vec![keeping] })
    }
}

impl Task {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task).abort_handle())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
