//! What waits for the one task that writes, taken out in groups: a durable commit costs the same for
//! one event as for hundreds.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

use super::group::Append;

/// Appends that may wait for the writer; further callers wait for a place in the queue.
pub(super) const QUEUE_MAX: usize = 1_024;

/// Events after which a group is full.
const GROUP_EVENTS_MAX: usize = 500;

/// How long a group waits for appends that the last one had.
const LINGER_MAX: Duration = Duration::from_millis(2);

/// What a writer is asked. `Chore` is what its engine has to do beside writing.
pub(super) enum Request<Chore> {
    /// To write events.
    Append(Append),
    /// To do something else.
    Chore(Chore),
    /// To write what is queued and close the store.
    Close(oneshot::Sender<()>),
}

/// The writer's end of the queue.
pub(super) struct Queue<Chore> {
    requests: mpsc::Receiver<Request<Chore>>,
    set_aside: Option<Request<Chore>>,
    last_group: usize,
}

impl<Chore> Queue<Chore> {
    pub(super) fn new(requests: mpsc::Receiver<Request<Chore>>) -> Self {
        Self { requests, set_aside: None, last_group: 0 }
    }

    /// The next request; none when all who could ask are gone, or the queue was closed and is empty.
    pub(super) async fn next(&mut self) -> Option<Request<Chore>> {
        match self.set_aside.take() {
            Some(request) => Some(request),
            None => self.requests.recv().await,
        }
    }

    /// The same, for so long only: `Err` when nothing was asked in that time.
    pub(super) async fn next_within(
        &mut self,
        patience: Duration,
    ) -> Result<Option<Request<Chore>>, Idle> {
        timeout(patience, self.next()).await.map_err(|_| Idle)
    }

    /// What is queued, and what comes back within a moment: writers that were answered together ask
    /// again together. A writer alone waits for nobody.
    pub(super) async fn gather(&mut self, first: Append) -> Vec<Append> {
        let deadline = Instant::now() + LINGER_MAX;
        let mut events = first.asked.events.len();
        let mut group = vec![first];
        while events < GROUP_EVENTS_MAX {
            let request = match self.requests.try_recv() {
                Ok(request) => Some(request),
                Err(_) if group.len() < self.last_group => {
                    timeout_at(deadline, self.requests.recv()).await.ok().flatten()
                }
                Err(_) => None,
            };
            match request {
                Some(Request::Append(append)) => {
                    events += append.asked.events.len();
                    group.push(append);
                }
                Some(other @ (Request::Chore(_) | Request::Close(_))) => {
                    self.set_aside = Some(other);
                    break;
                }
                None => break,
            }
        }
        self.last_group = group.len();
        group
    }

    /// Lets nobody ask any more; what is queued is still taken.
    pub(super) fn close(&mut self) {
        self.requests.close();
    }
}

/// Nothing was asked in time.
pub(super) struct Idle;
