//! What is known of the streams that were lately decided on: their state, how far it goes, and the
//! latest requests they have answered.

use std::{
    any::{Any, TypeId},
    collections::VecDeque,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{bail, ensure};
use chrono::{DateTime, Utc};
use domain::{CommandId, Event, Recorded, Stream, Streamed};
use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::sync::Mutex;

use super::Done;
use crate::command_id::have_one_key;

const STREAMS_MAX: u64 = 50_000;
const REQUESTS_MAX: usize = 32;

type Slot<A> = Arc<Mutex<Known<A>>>;

/// One slot a stream, bounded; a slot that is locked serialises the commands of its stream.
#[derive(Debug)]
pub(crate) struct States {
    slots: Cache<(Stream, TypeId), Arc<dyn Any + Send + Sync>>,
    erasures: AtomicU64,
}

/// What is known of one stream.
#[derive(Debug, Default)]
pub(super) struct Known<A> {
    pub(super) state: A,
    pub(super) revision: Option<u64>,
    pub(super) recorded_at: DateTime<Utc>,
    position: u64,
    requests: VecDeque<Request>,
}

/// A request that left events in the stream, and the last of them.
#[derive(Clone, Copy, Debug)]
struct Request {
    command: CommandId,
    position: u64,
    revision: u64,
}

/// Whether a request has been answered.
pub(super) enum Answered {
    /// Not that is known.
    Never,
    /// Like this.
    Before(Done),
    /// Its caller gave the same key to another request.
    ForOtherRequest,
}

impl Default for States {
    fn default() -> Self {
        // Least recently used: a slot that is in use stays, even if its stream is new here.
        let lru = EvictionPolicy::lru();
        let slots = Cache::builder().max_capacity(STREAMS_MAX).eviction_policy(lru).build();
        Self { slots, erasures: AtomicU64::default() }
    }
}

impl States {
    pub(super) fn slot<A: Streamed + 'static>(&self, stream: Stream) -> Slot<A> {
        let empty = || -> Arc<dyn Any + Send + Sync> { Slot::<A>::default() };
        let slot = self.slots.get_with((stream, TypeId::of::<A>()), empty);
        slot.downcast().unwrap_or_default()
    }

    /// Forgets all streams, unless they were met after the last of so many erasures. A command on
    /// the way may end on what it knew.
    pub(crate) fn forget_before(&self, erasures: u64) {
        if self.erasures.swap(erasures, Ordering::Relaxed) != erasures {
            self.slots.invalidate_all();
            // Otherwise the states stay in memory until the cache's next housekeeping.
            self.slots.run_pending_tasks();
        }
    }
}

impl<A: Streamed> Known<A> {
    pub(super) fn next_revision(&self) -> u64 {
        self.revision.map_or(0, |revision| revision + 1)
    }

    pub(super) fn answered(&self, command: CommandId) -> Answered {
        for request in &self.requests {
            if request.command == command {
                return Answered::Before(Done {
                    position: request.position,
                    revision: Some(request.revision),
                    changed: true,
                    repeated: true,
                    appended: 0,
                });
            }
            if have_one_key(request.command, command) {
                return Answered::ForOtherRequest;
            }
        }
        Answered::Never
    }

    pub(super) fn unchanged(&self) -> Done {
        let Self { position, revision, .. } = *self;
        Done { position, revision, changed: false, repeated: false, appended: 0 }
    }

    /// The next event of the stream, as it was read.
    pub(super) fn follow(&mut self, recorded: Recorded) -> anyhow::Result<()> {
        let Recorded { position, header, event } = recorded;
        let due = self.next_revision();
        ensure!(header.revision == due, "revision {} instead of {due}", header.revision);
        if let Event::Erased(_) = event {
            self.state = mem::take(&mut self.state).forget();
        } else if let Some(own) = A::own(event) {
            self.state.apply(own);
        } else {
            bail!("the event at position {position} belongs to another kind of stream");
        }
        self.note(header.command, position, header.revision, header.recorded_at);
        Ok(())
    }

    /// The events that were just appended; `position` is that of the last one.
    pub(super) fn advance(
        &mut self,
        events: Vec<A::Event>,
        command: CommandId,
        position: u64,
        recorded_at: DateTime<Utc>,
    ) -> Done {
        let appended = events.len();
        for event in events {
            let revision = self.next_revision();
            self.state.apply(event);
            self.note(command, position, revision, recorded_at);
        }
        Done { changed: true, appended, ..self.unchanged() }
    }

    fn note(
        &mut self,
        command: CommandId,
        position: u64,
        revision: u64,
        recorded_at: DateTime<Utc>,
    ) {
        (self.position, self.revision, self.recorded_at) = (position, Some(revision), recorded_at);
        let request = Request { command, position, revision };
        match self.requests.back_mut() {
            Some(last) if last.command == command => *last = request,
            Some(_) | None => {
                if self.requests.len() == REQUESTS_MAX {
                    self.requests.pop_front();
                }
                self.requests.push_back(request);
            }
        }
    }
}
