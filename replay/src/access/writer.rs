//! The one task that writes the access log: what many hand in at one time is one page, one commit.
//!
//! Each run of a process has a stream of its own, so that it always knows where its stream stands.
//! While a page is being written the next one gathers in the queue: the more people read, the more
//! entries share a commit. Those who were answered together are waited for, for a moment, since they
//! often ask again together; whoever is alone waits for nobody.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Months, Utc};
use cqrs_es::DomainEvent;
use domain::{
    AccountId, Event, EventId, Header, RunId, Stream, Uai,
    access::{AccessEvent, Entry},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, interval, timeout_at},
};
use uuid::Uuid;

use super::{NotRecorded, keeping, sessions::Sessions};
use crate::{
    Journal,
    command_id::new_command_id,
    log::{Appended, Expected, NewEvent, StreamAppend},
};

/// Entries of one page. One that hands in more gets several, usually in one commit.
const ENTRIES_MAX: usize = 500;

/// Bytes of pages that are appended together: less than any engine takes.
const APPEND_BYTES_MAX: usize = 500_000;

/// Callers whose entries share a commit.
const JOBS_MAX: usize = 500;

/// How long a page waits for as many callers as the last one had: less than anybody notices, and a
/// commit costs the processor as much as some whole reads.
const LINGER_MAX: Duration = Duration::from_millis(2);

/// How often old pages are looked for.
const LOOK_EVERY: Duration = Duration::from_hours(24);

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Job {
    /// To write entries, and tell the position.
    Record { entries: Vec<Entry>, reply: oneshot::Sender<Result<u64, NotRecorded>> },
    /// To write what is queued, and end.
    Close(oneshot::Sender<()>),
}

/// The writer, and where its stream stands.
pub(super) struct Writer {
    journal: Journal,
    sessions: Arc<RwLock<Sessions>>,
    run: RunId,
    last: Option<u64>,
    recorded_at: DateTime<Utc>,
    kept: Months,
    last_jobs: usize,
}

impl Writer {
    /// A writer whose pages come after one of `recorded_at`.
    pub(super) fn new(
        journal: Journal,
        sessions: Arc<RwLock<Sessions>>,
        recorded_at: DateTime<Utc>,
        kept: Months,
    ) -> Self {
        Self { journal, sessions, run: new_run(), last: None, recorded_at, kept, last_jobs: 0 }
    }

    /// Writes until the last handle is gone or one of them closes the log.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let (mut jobs, mut closing) = (Vec::new(), Vec::new());
        // The first tick is at once.
        let mut look = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                taken = queue.recv_many(&mut jobs, JOBS_MAX) => if taken == 0 { break },
                _ = look.tick() => self.look_for_old_pages(),
            }
            self.gather(&mut jobs, &mut queue).await;
            let (mut entries, mut replies) = (Vec::new(), Vec::new());
            for job in jobs.drain(..) {
                match job {
                    Job::Record { entries: mut more, reply } => {
                        entries.append(&mut more);
                        replies.push(reply);
                    }
                    Job::Close(reply) => {
                        queue.close();
                        closing.push(reply);
                    }
                }
            }
            if !replies.is_empty() {
                let written = self.write(entries).await;
                for reply in replies {
                    let _gone = reply.send(written.clone());
                }
            }
        }
        for reply in closing {
            let _gone = reply.send(());
        }
    }

    /// Adds to what was queued what comes back within a moment.
    async fn gather(&mut self, jobs: &mut Vec<Job>, queue: &mut mpsc::Receiver<Job>) {
        let deadline = Instant::now() + LINGER_MAX;
        while !jobs.is_empty() && jobs.len() < self.last_jobs {
            let more = queue.recv_many(jobs, JOBS_MAX - jobs.len());
            if !timeout_at(deadline, more).await.is_ok_and(|taken| taken > 0) {
                break;
            }
        }
        self.last_jobs = jobs.len();
    }

    /// Writes entries as pages and folds them. After a failure nobody knows where the stream
    /// stands: the next page begins another.
    async fn write(&mut self, entries: Vec<Entry>) -> Result<u64, NotRecorded> {
        let first = self.last.map_or(0, |last| last + 1);
        let mut pages = Vec::new();
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let entries = entries.by_ref().take(ENTRIES_MAX).collect();
            pages.push(AccessEvent::AccessRecorded { entries });
        }
        let written = match pages.len() {
            0 => self.journal.log().head().await.context("asking for the head"),
            _ => self.append(&pages).await,
        };
        match written {
            Ok(position) => {
                let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
                for (revision, AccessEvent::AccessRecorded { entries }) in (first..).zip(pages) {
                    sessions.follow_page(self.run, revision, &entries);
                }
                Ok(position)
            }
            Err(error) => {
                (self.run, self.last) = (new_run(), None);
                tracing::error!(error = format!("{error:#}"), "the access log cannot be written");
                Err(NotRecorded::Store(Arc::new(error)))
            }
        }
    }

    async fn append(&mut self, pages: &[AccessEvent]) -> anyhow::Result<u64> {
        // Pages are found by their instant: a clock that is put back must not put them out of order.
        self.recorded_at = self.recorded_at.max(self.journal.clock().now());
        let (run, last) = (self.run, self.last);
        let appended = append(&self.journal, (run, last), self.recorded_at, pages).await?;
        self.last = Some(appended.revision);
        Ok(appended.position)
    }

    /// Destroys old pages beside the writing, and forgets the sessions that are over.
    fn look_for_old_pages(&self) {
        let (journal, now) = (self.journal.clone(), self.journal.clock().now());
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).sweep(now);
        let Some(before) = now.checked_sub_months(self.kept) else { return };
        let run = self.run;
        tokio::spawn(async move {
            if let Err(error) = keeping::prune(&journal, run, before).await {
                let error = format!("{error:#}");
                tracing::warn!(error, "old pages of the access log could not be destroyed");
            }
        });
    }
}

/// Appends pages to a stream of the access log, after the revision that it ends with.
pub(super) async fn append(
    journal: &Journal,
    (run, last): (RunId, Option<u64>),
    at: DateTime<Utc>,
    pages: &[AccessEvent],
) -> anyhow::Result<Appended> {
    let (stream, command) = (Stream::Access(run), new_command_id());
    let first = last.map_or(0, |last| last + 1);
    let mut events = Vec::with_capacity(pages.len());
    for (n, page) in pages.iter().enumerate() {
        let header = Header {
            stream,
            revision: first + u64::try_from(n)?,
            id: EventId::of(command, n),
            kind: page.event_type(),
            version: page.event_version().parse()?,
            school: Uai::REGION,
            recorded_at: at,
            occurred_at: at,
            actor: AccountId::PREAU,
            command,
            correlation: command,
            causation: None,
            key: None,
        };
        events.push(journal.sealed(&Event::Access(run, page.clone()), header).await?);
    }
    let mut appended: Option<Appended> = None;
    for events in parts(events) {
        let last = appended.as_ref().map_or(last, |before| Some(before.revision));
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        appended = Some(journal.append(StreamAppend { stream, expected, events }).await?);
    }
    appended.context("no page was handed in")
}

/// Pages in parts that are not too large to be appended.
fn parts(pages: Vec<NewEvent>) -> Vec<Vec<NewEvent>> {
    let (mut parts, mut bytes) = (Vec::<Vec<NewEvent>>::new(), 0);
    for page in pages {
        let size = page.header.len() + page.payload.len();
        bytes += size;
        match parts.last_mut() {
            Some(part) if bytes <= APPEND_BYTES_MAX => part.push(page),
            Some(_) | None => {
                parts.push(vec![page]);
                bytes = size;
            }
        }
    }
    parts
}

pub(super) fn new_run() -> RunId {
    RunId(Uuid::now_v7())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_appended_in_parts_that_no_engine_refuses() {
        let sizes = [100_000, 300_000, 100_001, 400_000, 99_999, 600_000, 1];
        let pages = sizes.map(|size| NewEvent {
            id: EventId(Uuid::nil()),
            header: Vec::new().into(),
            payload: vec![0; size].into(),
        });
        let parts = parts(pages.into());
        let size = |part: &Vec<NewEvent>| part.iter().map(|page| page.payload.len()).sum::<usize>();
        let sizes: Vec<usize> = parts.iter().map(size).collect();
        assert_eq!(sizes, [400_000, 100_001, 499_999, 600_000, 1]);
    }
}
