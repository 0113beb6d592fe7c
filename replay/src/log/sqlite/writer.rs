//! The one task that writes: it takes what is queued, commits it as one, and answers.
//!
//! In its idle moments it packs old events. It owns the only connection that can write; what a
//! commit means when the disk fails is told in [`super::durable`].

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::Stream;
use moka::sync::Cache;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    durable::{self, Failed},
    pruning, reader, rows, segments,
};
use crate::{
    lock::Lock,
    log::{
        AppendError, Appended, Expected, StoreError, StreamAppend,
        group::{Accepted, Append, Ends, Group, Head, first_revision, refuse},
        queue::{self, Queue},
    },
};

/// Streams whose heads are kept in memory, about 150 bytes each.
const HEADS_MAX: u64 = 200_000;

/// The newest events stay in rows: they are what is read one by one.
const UNPACKED_MIN: u64 = 5_000;

/// Unpacked events from which an idle writer packs: 10 000 more than stay in rows anyway.
const UNPACKED_IDLE: u64 = UNPACKED_MIN + 10_000;

/// Unpacked events from which a writer that is never idle packs one segment after each group.
const UNPACKED_MAX: u64 = 100_000;

/// How long nothing must be asked before the writer counts as idle.
const IDLE_MIN: Duration = Duration::from_millis(50);

/// Events written between two checkpoints: some four megabytes of write-ahead log. The file is then
/// overwritten from its start, and a commit that does not make a file longer costs half as much.
const CHECKPOINT_EVENTS: u64 = 1_000;

/// Each group writes some pages whatever its size; counted as this many events.
const CHECKPOINT_EVENTS_PER_GROUP: u64 = 4;

/// What the writer does beside writing.
pub(super) enum Chore {
    /// To pack all old events now.
    Pack(oneshot::Sender<Result<(), sqlx::Error>>),
    /// To destroy some of the events up to a position; answered with the one that was reached.
    Prune(u64, oneshot::Sender<Result<u64, sqlx::Error>>),
}

/// What the writer is asked.
pub(super) type Request = queue::Request<Chore>;

/// How much of what appends say is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// That a stream is new. It nearly always is.
    Trusting,
    /// Nothing.
    Asking,
}

/// The writer and all it knows.
pub(super) struct Writer {
    store: SqliteConnection,
    queue: Queue<Chore>,
    closing: Vec<oneshot::Sender<()>>,
    head: watch::Sender<u64>,
    packed: Arc<AtomicU64>,
    ends: Ends,
    heads: Cache<Stream, Head>,
    since_checkpoint: u64,
    frames: i64,
}

impl Writer {
    /// A writer that goes on after `head` and `last_stream`.
    pub(super) fn new(
        store: SqliteConnection,
        requests: mpsc::Receiver<Request>,
        head: watch::Sender<u64>,
        packed: Arc<AtomicU64>,
        last_stream: i64,
    ) -> Self {
        let ends = Ends { position: *head.borrow(), stream: last_stream };
        Self {
            store,
            queue: Queue::new(requests),
            closing: Vec::new(),
            head,
            packed,
            ends,
            heads: Cache::new(HEADS_MAX),
            since_checkpoint: 0,
            frames: 0,
        }
    }

    /// Writes until the last handle is gone or one of them closes the log. Keeps `lock` till then.
    pub(super) async fn run(mut self, lock: Lock) {
        while let Some(request) = self.next().await {
            match request {
                Request::Append(first) => {
                    let appends = self.queue.gather(first).await;
                    self.write(appends).await;
                    self.tidy().await;
                }
                Request::Chore(Chore::Pack(reply)) => {
                    let _gone = reply.send(self.pack_all().await);
                }
                Request::Chore(Chore::Prune(upto, reply)) => {
                    let _gone = reply.send(self.prune(upto).await);
                    self.tidy().await;
                }
                Request::Close(reply) => {
                    self.queue.close();
                    self.closing.push(reply);
                }
            }
        }
        durable::checkpoint(&mut self.store, self.frames).await;
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the log was not closed properly");
        }
        drop(lock);
        for reply in self.closing {
            let _gone = reply.send(());
        }
    }

    /// The next request; packs while there is none.
    async fn next(&mut self) -> Option<Request> {
        let mut patience = IDLE_MIN;
        while self.unpacked() >= UNPACKED_IDLE {
            if let Ok(request) = self.queue.next_within(patience).await {
                return request;
            }
            if !self.pack_if_possible().await {
                break;
            }
            patience = Duration::ZERO;
        }
        self.queue.next().await
    }

    /// Commits all appends that can be and answers all of them. When a statement fails, what was
    /// taken on trust is asked; when it fails again each append is tried alone, so that one that
    /// cannot be written does not take others with it.
    async fn write(&mut self, appends: Vec<Append>) {
        let mut work = VecDeque::from([(appends, Care::Trusting)]);
        while let Some((appends, care)) = work.pop_front() {
            let heads = match self.heads_of(&appends, care).await {
                Ok(heads) => heads,
                Err(error) => {
                    refuse(appends, error.into());
                    continue;
                }
            };
            let mut group = Group::form(appends, heads, self.ends);
            for append in std::mem::take(&mut group.doubtful) {
                let answer = self.judge(&append.asked, &group).await;
                append.answer(answer);
            }
            let deferred = std::mem::take(&mut group.deferred);
            if let Err((appends, error)) = self.commit(group).await {
                match care {
                    Care::Trusting => work.push_back((appends, Care::Asking)),
                    Care::Asking if appends.len() == 1 => refuse(appends, error.into()),
                    Care::Asking => {
                        tracing::warn!(%error, "a group failed, its appends are tried one by one");
                        work.extend(appends.into_iter().map(|one| (vec![one], Care::Asking)));
                    }
                }
            }
            if !deferred.is_empty() {
                work.push_back((deferred, Care::Trusting));
            }
        }
    }

    /// Writes the accepted appends and answers them; hands them back when a statement fails.
    async fn commit(&mut self, group: Group) -> Result<(), (Vec<Append>, sqlx::Error)> {
        if group.accepted.is_empty() {
            return Ok(());
        }
        let written = rows::write(&mut self.store, &group).await;
        let appends = group.accepted.into_iter();
        match written {
            Ok(()) => {}
            Err(Failed::ToBegin(error)) => {
                refuse(appends.map(|accepted| accepted.append), error.into());
                return Ok(());
            }
            Err(Failed::ToWrite(error)) => {
                durable::rollback(&mut self.store).await;
                return Err((appends.map(|accepted| accepted.append).collect(), error));
            }
        }
        self.since_checkpoint += group.places.len() as u64 + CHECKPOINT_EVENTS_PER_GROUP;
        self.ends = group.ends;
        for (stream, head) in group.heads {
            self.heads.insert(stream, head);
        }
        self.head.send_replace(self.ends.position);
        for Accepted { append, answer } in appends {
            append.answer(Ok(answer));
        }
        Ok(())
    }

    /// What an append that is not where its stream stands is answered.
    async fn judge(
        &mut self,
        asked: &StreamAppend,
        group: &Group,
    ) -> Result<Appended, AppendError> {
        let (first, many) = (first_revision(asked.expected), asked.events.len());
        let found = reader::of_stream(&mut self.store, asked.stream, first, many).await;
        group.judge(asked, &found.map_err(StoreError::from)?)
    }

    /// Where the streams of the appends stand, from memory or from the store. While trusting, a
    /// stream that is said to be new and is not in memory is not looked for: if it exists after
    /// all, its name cannot be written a second time.
    async fn heads_of(
        &mut self,
        appends: &[Append],
        care: Care,
    ) -> Result<HashMap<Stream, Head>, sqlx::Error> {
        let mut heads = HashMap::new();
        let mut unknown = Vec::new();
        for StreamAppend { stream, expected, .. } in appends.iter().map(|append| &append.asked) {
            let trusted = care == Care::Trusting && *expected == Expected::NoStream;
            match self.heads.get(stream) {
                Some(head) => {
                    heads.insert(*stream, head);
                }
                None if trusted => {}
                None => unknown.push(*stream),
            }
        }
        if !unknown.is_empty() {
            heads.extend(rows::heads(&mut self.store, &unknown).await?);
        }
        Ok(heads)
    }

    /// What a group leaves to be done after its writers were answered.
    async fn tidy(&mut self) {
        if self.since_checkpoint >= CHECKPOINT_EVENTS {
            self.frames = durable::checkpoint(&mut self.store, self.frames).await;
            self.since_checkpoint = 0;
        }
        if self.unpacked() >= UNPACKED_MAX {
            self.pack_if_possible().await;
        }
    }

    fn unpacked(&self) -> u64 {
        self.ends.position - self.packed.load(Ordering::Relaxed)
    }

    async fn pack_all(&mut self) -> Result<(), sqlx::Error> {
        while self.pack().await? {}
        Ok(())
    }

    async fn pack_if_possible(&mut self) -> bool {
        self.pack().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "old events could not be packed");
            false
        })
    }

    /// Packs one segment, if there is enough for one.
    async fn pack(&mut self) -> Result<bool, sqlx::Error> {
        let after = self.packed.load(Ordering::Relaxed);
        let until = self.ends.position.saturating_sub(UNPACKED_MIN);
        let Some(segment) = segments::gather(&mut self.store, after, until).await? else {
            return Ok(false);
        };
        let last = segment.last_position;
        durable::begin(&mut self.store).await?;
        if let Err(error) = segments::store(&mut self.store, segment).await {
            durable::rollback(&mut self.store).await;
            return Err(error);
        }
        durable::commit(&mut self.store).await;
        self.packed.store(last, Ordering::Release);
        self.since_checkpoint += segments::EVENTS_MAX as u64;
        Ok(true)
    }

    /// Destroys some of the events up to a position, and says up to where none is left.
    async fn prune(&mut self, upto: u64) -> Result<u64, sqlx::Error> {
        durable::begin(&mut self.store).await?;
        let reached = match pruning::step(&mut self.store, upto).await {
            Ok(reached) => reached,
            Err(error) => {
                durable::rollback(&mut self.store).await;
                return Err(error);
            }
        };
        durable::commit(&mut self.store).await;
        self.packed.fetch_max(reached, Ordering::AcqRel);
        self.since_checkpoint += segments::EVENTS_MAX as u64;
        Ok(reached)
    }
}
