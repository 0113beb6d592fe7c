//! What goes wrong, when a test wants it to.
//!
//! Nothing here waits for time to pass: what is held stays so until the test lets it go.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tokio::sync::watch;

use super::records::Proposed;

/// What is to go wrong at all nodes of a double.
#[derive(Default)]
pub(super) struct Faults {
    /// What happens to the next append, the one after it, and so on.
    next: Mutex<VecDeque<Fault>>,
    marks: Mutex<Vec<Bytes>>,
    pub(super) writes: Arc<Gate>,
    pub(super) answers: Arc<Gate>,
}

/// What happens to one append.
#[derive(Debug)]
pub(super) enum Fault {
    /// These were written to its stream before it. Without any, it is refused all the same.
    WrittenFirst(Vec<Proposed>),
    /// The connection is torn, and nothing was written.
    CutBefore,
    /// It is written; then the connection is torn, before the answer.
    CutAfter,
    /// Another node has begun to lead.
    NotLeader,
}

impl Faults {
    pub(super) fn plan(&self, fault: Fault) {
        self.next.lock().unwrap().push_back(fault);
    }

    /// What happens to the append that has just come.
    pub(super) fn next(&self) -> Option<Fault> {
        self.next.lock().unwrap().pop_front()
    }

    pub(super) fn refuse(&self, mark: Bytes) {
        self.marks.lock().unwrap().push(mark);
    }

    pub(super) fn refused(&self, events: &[Proposed]) -> bool {
        let marks = self.marks.lock().unwrap();
        events.iter().any(|event| marks.contains(&event.data))
    }
}

/// Where requests pass, unless a test holds them there.
#[derive(Default)]
pub(super) struct Gate {
    held: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Gate {
    /// Waits while the gate is held.
    pub(super) async fn pass(&self) {
        let mut held = self.held.subscribe();
        if !*held.borrow() {
            return;
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _gone = Gone(&self.waiting);
        // The gate lasts as long as whoever waits at it.
        let _open = held.wait_for(|held| !held).await;
    }

    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.held.send_replace(true);
        Held(self.clone())
    }
}

/// Somebody who waits no longer, or whose connection is gone.
struct Gone<'a>(&'a watch::Sender<usize>);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

/// Requests are held as long as this is kept.
#[must_use = "what is held is let go at once"]
pub struct Held(Arc<Gate>);

impl Held {
    /// Waits until so many requests are held.
    pub async fn waiting(&self, requests: usize) {
        let mut waiting = self.0.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting >= requests).await.unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.send_replace(false);
    }
}
