//! The access log of a node: who signed in, what was refused, who read what, and the sessions that
//! follow from it.
//!
//! The second log, `access.log`, beside that of the schools and under the same vault. Whoever
//! answers a question hands entries in with [`AccessLog::record`] and answers once they are on the
//! disk; one task writes what many hand in as one sealed page ([`writer`]). Sessions and recent
//! refusals are a fold of these pages, kept in memory ([`sessions`]). Pages are destroyed when they
//! are twelve months old, and so are the keys of their years, by one node of all ([`duty`]).
//!
//! Who may do what is decided elsewhere (`domain::access`); what an auditor asks is in [`asked`].

mod asked;
mod duty;
mod following;
mod keeping;
mod sessions;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context;
use chrono::{DateTime, Months, TimeDelta, Utc};
use domain::{
    AccountId, SessionId, Uai,
    access::{Duty, Entry, What},
};
use tokio::sync::{mpsc, oneshot};

pub use asked::{About, Asked, Found, Noted};
pub use duty::{Held, TakenOver};
pub use sessions::{
    IDLE_MAX_OWN, IDLE_MAX_SHARED, LONGEST_OWN, LONGEST_SHARED, NotATokenHash, REFUSALS_WINDOW,
    Session, TokenHash,
};

use crate::{
    Journal,
    log::{Log, LogName},
    place::LogUrl,
};
use following::Following;
use sessions::Sessions;
use writer::{Job, Writer};

/// How long entries are kept unless a setting says otherwise (CNIL, délibération 2021-122: six to
/// twelve months).
pub const KEPT: Months = Months::new(12);

/// Callers who may wait for the writer; more of them wait for a place in the queue.
const QUEUE_MAX: usize = 1_024;

/// The access log of a node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessLog {
    journal: Journal,
    queue: mpsc::Sender<Job>,
    sessions: Arc<RwLock<Sessions>>,
    /// None where nobody else writes.
    following: Option<Following>,
}

/// Entries are not in the log: what they tell of must not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRecorded {
    /// The log was closed, or is only there to be read.
    #[error("the access log takes no entries")]
    Closed,
    /// Sealing or writing failed. It may be that the entries were written all the same.
    #[error("the access log could not be written")]
    Store(#[source] Arc<anyhow::Error>),
}

impl AccessLog {
    /// Opens the access log of a data folder beside the log of the schools, makes it at first, and
    /// folds the sessions that may still be open. From now on pages older than `kept` are destroyed,
    /// once a day.
    ///
    /// # Errors
    /// When it cannot be opened or read, or another process has it open.
    pub async fn open(url: &LogUrl, schools: &Journal, kept: Months) -> anyhow::Result<Self> {
        let log = Log::open(url, LogName::Access).await.context("opening the access log")?;
        let journal = schools.beside(log);
        let folded = Sessions::fold(&journal).await.context("reading the access log")?;
        let (sessions, upto, last) = folded;
        let sessions = Arc::new(RwLock::new(sessions));
        let following = Following::new(&journal, &sessions, upto);
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = Writer::new(journal.clone(), Arc::clone(&sessions), last, kept);
        tokio::spawn(writer.run(jobs));
        Ok(Self { journal, queue, sessions, following })
    }

    /// Opens the access log of a data folder only to ask it, up to where it is now, beside a node
    /// that may be running on it. It knows no sessions.
    ///
    /// # Errors
    /// When it is not there, or cannot be opened.
    pub async fn open_to_read(url: &LogUrl, schools: &Journal) -> anyhow::Result<Self> {
        let log = Log::open_to_read(url, LogName::Access).await;
        let journal = schools.beside(log.context("opening the access log")?);
        // Nobody takes from this queue: every entry is refused.
        let (queue, _) = mpsc::channel(1);
        Ok(Self { journal, queue, sessions: Arc::default(), following: None })
    }

    /// Writes entries down, and answers with a position once they are on the disk. A session that
    /// they open is then known, one that they end is not any more.
    ///
    /// # Errors
    /// See [`NotRecorded`].
    pub async fn record(&self, entries: Vec<Entry>) -> Result<u64, NotRecorded> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Record { entries, reply };
        self.queue.send(job).await.map_err(|_| NotRecorded::Closed)?;
        answer.await.map_err(|_| NotRecorded::Closed)?
    }

    /// Makes sure that what other nodes have written down before is known here. What follows is up to
    /// date by itself within a second; who must not miss a word asks for it.
    ///
    /// # Errors
    /// When the log or the vault cannot be read.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        match &self.following {
            Some(following) => following.catch_up().await,
            None => Ok(()),
        }
    }

    /// The session of a token, unless it has ended or expired.
    pub fn session(&self, token: &TokenHash, now: DateTime<Utc>) -> Option<Session> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).of_token(token, now)
    }

    /// The open sessions of an account, the oldest first.
    pub fn sessions_of(&self, account: AccountId, now: DateTime<Utc>) -> Vec<Session> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).of_account(account, now)
    }

    /// Says that a session is being used. That is written down now and then only, so that a restart
    /// knows who is idle: at most some minutes, or a day on one's own device, are forgotten by it.
    ///
    /// # Errors
    /// See [`NotRecorded`].
    pub async fn seen(&self, session: SessionId, now: DateTime<Utc>) -> Result<(), NotRecorded> {
        let due = self.sessions.read().unwrap_or_else(PoisonError::into_inner).seen(session, now);
        let Some(account) = due else { return Ok(()) };
        let what = What::SessionSeen { session };
        self.record(vec![Entry { at: now, account: Some(account), what }]).await.map(|_| ())
    }

    /// How many guesses at an account's password, code or second factor were refused since then; no
    /// further back than [`REFUSALS_WINDOW`].
    pub fn refusals_since(&self, account: AccountId, since: DateTime<Utc>) -> usize {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).refusals(account, since)
    }

    /// Entries of some days, the newest last; for auditors.
    ///
    /// # Errors
    /// When the log or the vault cannot be read. Pages whose key was destroyed are counted.
    pub async fn entries(&self, asked: &Asked) -> anyhow::Result<Found> {
        asked::find(&self.journal, asked, None).await
    }

    /// Answers of what concerns a school, and of nothing else.
    ///
    /// # Errors
    /// As [`AccessLog::entries`].
    pub async fn entries_of(&self, school: Uai, asked: &Asked) -> anyhow::Result<Found> {
        asked::find(&self.journal, asked, Some(school)).await
    }

    /// Destroys the pages written before an instant, and the keys of the school years that lie
    /// wholly before it; unless another node is about to.
    ///
    /// # Errors
    /// When not all could be destroyed; then ask again.
    pub async fn prune(&self, before: DateTime<Utc>) -> anyhow::Result<()> {
        keeping::prune(&self.journal, writer::new_run(), before).await
    }

    /// Takes a duty for a while, as one process of all that share the log; none when another has it.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub async fn take(&self, duty: Duty, lasts: TimeDelta) -> anyhow::Result<Option<Held>> {
        Held::take(&self.journal, duty, writer::new_run(), lasts).await
    }

    /// The log itself: its head, its bytes.
    pub fn log(&self) -> &Log {
        self.journal.log()
    }

    /// Writes what was handed in, then closes the file.
    pub async fn close(&self) {
        let (reply, written) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_ok() {
            // No answer means that the writer is gone, which is what was asked for.
            let _gone = written.await;
        }
        self.journal.log().close().await;
    }
}
