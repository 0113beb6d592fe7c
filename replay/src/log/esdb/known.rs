//! What is known of a log without asking the server: where it ends, where its streams stand, and up to where
//! it was pruned.
//!
//! All of it only grows, and may lag behind the server when others write.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use domain::Stream;
use kurrentdb::Position;
use moka::sync::Cache;
use tokio::sync::watch;

/// Streams that one knows the end of, about 150 bytes each.
const STREAMS_MAX: u64 = 200_000;

/// What is known of one log.
#[derive(Debug)]
pub(super) struct Known {
    head: watch::Sender<u64>,
    pruned: AtomicU64,
    next: Cache<Stream, u64>,
    passed: Mutex<Option<Position>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            head: watch::Sender::new(0),
            pruned: AtomicU64::new(0),
            next: Cache::new(STREAMS_MAX),
            passed: Mutex::new(None),
        }
    }
}

impl Known {
    /// The position of the last event of the log.
    pub(super) fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// The same, and whoever waits for it to move.
    pub(super) fn wake(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// There is an event of the log at this position.
    pub(super) fn reached(&self, position: u64) {
        self.head.send_if_modified(|head| {
            let newer = position > *head;
            *head = position.max(*head);
            newer
        });
    }

    /// The revision that the next event of a stream is to have, at least.
    pub(super) fn next(&self, stream: Stream) -> Option<u64> {
        self.next.get(&stream)
    }

    /// A stream has an event of this revision.
    pub(super) fn has(&self, stream: Stream, revision: u64) {
        if self.next.get(&stream).is_none_or(|next| next <= revision) {
            self.next.insert(stream, revision + 1);
        }
    }

    /// Up to which position nothing is shown.
    pub(super) fn pruned(&self) -> u64 {
        self.pruned.load(Ordering::Acquire)
    }

    /// Nothing up to this position is shown any more.
    pub(super) fn prune(&self, upto: u64) {
        self.pruned.fetch_max(upto, Ordering::AcqRel);
    }

    /// The last record of the server, of whatever stream, that was looked at. All events of the log up to it
    /// were told by [`Known::reached`] before.
    pub(super) fn passed(&self) -> Option<Position> {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All records up to this one were looked at.
    pub(super) fn pass(&self, upto: Option<Position>) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = upto;
    }
}
