//! What one process does for all that share a log: it takes the duty for a while, and whatever it
//! then writes under it goes after its own last word.
//!
//! A claim is a page of a stream that everybody knows, appended after the last one that was read:
//! of two who ask at once, one is refused. The revision of the claim is the fence: whoever stood still
//! until another took over is refused by it as soon as they go on. Clocks decide only when another
//! may try, never who is right. A claim is written when there is something to do, and not renewed to
//! no purpose: the log keeps all of them.

use chrono::TimeDelta;
use domain::{
    AccountId, Event, Recorded, RunId, Stream,
    access::{AccessEvent, Duty, Entry, What},
};

use super::writer;
use crate::{Journal, log::AppendError};

/// A duty that this process has taken.
#[derive(Debug)]
pub struct Held {
    journal: Journal,
    duty: Duty,
    run: RunId,
    lasts: TimeDelta,
    /// The revision of the last word: another's word after it takes the duty away.
    fence: Option<u64>,
}

/// Another process has taken the duty since: what was under way is theirs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another node has taken this over")]
pub struct TakenOver;

impl Held {
    /// Takes a duty; none when another has it.
    pub(super) async fn take(
        journal: &Journal,
        duty: Duty,
        run: RunId,
        lasts: TimeDelta,
    ) -> anyhow::Result<Option<Self>> {
        let (last, fence) = last_word(journal, duty).await?;
        let now = journal.clock().now();
        if matches!(last, Some(What::DutyTaken { until, .. }) if until > now) {
            return Ok(None);
        }
        let mut held = Self { journal: journal.clone(), duty, run, lasts, fence };
        match held.go_on().await {
            Ok(()) => Ok(Some(held)),
            // Another was faster.
            Err(error) if error.is::<TakenOver>() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes on with it, for as long again: to be asked before each step that another must not
    /// take too.
    ///
    /// # Errors
    /// [`TakenOver`] when it is another's by now; or when the log cannot be written.
    pub async fn go_on(&mut self) -> anyhow::Result<()> {
        let until = self.journal.clock().now() + self.lasts;
        self.say(What::DutyTaken { duty: self.duty, run: self.run, until }).await
    }

    /// Says what was done, and lets go.
    ///
    /// # Errors
    /// As [`Held::go_on`].
    pub async fn end(mut self, done: What) -> anyhow::Result<()> {
        self.say(done).await
    }

    async fn say(&mut self, what: What) -> anyhow::Result<()> {
        let at = self.journal.clock().now();
        let entries = vec![Entry { at, account: Some(AccountId::PREAU), what }];
        let (stream, page) = (self.duty.stream(), AccessEvent::AccessRecorded { entries });
        let appended = writer::append(&self.journal, (stream, self.fence), at, &[page]).await;
        let taken_over = |error: &AppendError| matches!(error, AppendError::Conflict { .. });
        match appended {
            Ok(appended) => {
                self.fence = Some(appended.revision);
                Ok(())
            }
            Err(error) if error.downcast_ref().is_some_and(taken_over) => Err(TakenOver.into()),
            Err(error) => Err(error),
        }
    }
}

/// The last word about a duty, if it can be read, and its revision.
async fn last_word(journal: &Journal, duty: Duty) -> anyhow::Result<(Option<What>, Option<u64>)> {
    let stream = Stream::Access(duty.stream());
    let (mut word, mut last) = (None, None);
    loop {
        let next = last.map_or(0, |last| last + 1);
        let (page, more) = journal.history_page(stream, next).await?;
        for entry in page {
            let Recorded { header, event, .. } = entry?;
            last = Some(header.revision);
            // One whose key was destroyed is older than all that counts.
            word = None;
            if let Event::Access(_, AccessEvent::AccessRecorded { mut entries }) = event {
                word = entries.pop().map(|entry| entry.what);
            }
        }
        if !more {
            return Ok((word, last));
        }
    }
}
