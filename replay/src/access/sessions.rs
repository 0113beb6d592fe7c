//! Sessions and recent refusals, folded from the access log.
//!
//! Nothing here decides: when a session is over is computed from its entries and the instant that
//! the caller names. The token itself is never here, only its digest: since whoever asks has to find
//! it by the digest of what they hold, the time that it takes tells nothing about a token.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, Event, PersonId, Recorded, RunId, SessionId,
    access::{AccessEvent, Device, Entry, Means, What, WhyRefused},
};

use super::keeping;
use crate::{Journal, keys::hex, log::Filter};

/// How long a session on a shared device may be idle.
pub const IDLE_MAX_SHARED: TimeDelta = TimeDelta::minutes(30);

/// How long a session on one's own device may be idle.
pub const IDLE_MAX_OWN: TimeDelta = TimeDelta::days(90);

/// How long a session on a shared device may last: a day at school.
pub const LONGEST_SHARED: TimeDelta = TimeDelta::hours(12);

/// How long a session on one's own device may last.
pub const LONGEST_OWN: TimeDelta = TimeDelta::days(90);

/// How far back refusals are counted.
pub const REFUSALS_WINDOW: TimeDelta = TimeDelta::minutes(15);

/// How often the use of a session is written down.
const SEEN_EVERY_SHARED: TimeDelta = TimeDelta::minutes(5);
const SEEN_EVERY_OWN: TimeDelta = TimeDelta::days(1);

/// Days of the log that the fold begins with: nothing older can be open.
const FOLDED: TimeDelta = TimeDelta::days(91);

/// Pages that are in memory together while the log is folded; one may hold 100 KB.
pub(super) const PAGES_AT_ONCE: usize = 200;

/// How long one knows that a session has ended: longer than pages of two nodes can be apart.
const ENDED_KEPT: TimeDelta = TimeDelta::days(1);

/// Refusals kept of one account: more than any limit that is set on them.
const REFUSALS_MAX: usize = 64;

/// The digest (SHA-256) of a session's token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// The text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the digest of a token has 64 hexadecimal digits")]
pub struct NotATokenHash;

/// A session that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, which opens nothing.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// Who that is.
    pub person: PersonId,
    /// On which kind of device.
    pub device: Device,
    /// How they signed in.
    pub means: Means,
    /// Whether they gave a second factor.
    pub second_factor: bool,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
    /// When it is over if nobody uses it.
    pub expires_at: DateTime<Utc>,
}

/// All sessions that may be open, and refusals of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_id: HashMap<SessionId, Opened>,
    by_token: HashMap<TokenHash, SessionId>,
    by_account: BTreeSet<(AccountId, SessionId)>,
    refusals: HashMap<AccountId, VecDeque<DateTime<Utc>>>,
    swept: usize,
    /// Sessions that ended lately: where several nodes write, the page that opens one may be folded
    /// after the page that ends it.
    ended: HashMap<SessionId, DateTime<Utc>>,
    /// The last page folded of each run of a process: of this one its writer folds them, and whoever
    /// follows the log meets them again.
    folded: HashMap<RunId, u64>,
}

#[derive(Debug)]
struct Opened {
    account: AccountId,
    person: PersonId,
    token: TokenHash,
    device: Device,
    means: Means,
    second_factor: bool,
    opened_at: DateTime<Utc>,
    /// Microseconds since 1970, as the last use was told and as it was last written down.
    seen_at: AtomicI64,
    noted_at: AtomicI64,
}

impl Sessions {
    /// Folds the days of the log in which a session that is open can have begun. Says how far it
    /// went, and when the last page was written.
    ///
    /// # Errors
    /// When the log or the vault cannot be read.
    pub(super) async fn fold(journal: &Journal) -> anyhow::Result<(Self, u64, DateTime<Utc>)> {
        let now = journal.clock().now();
        let (mut sessions, mut last) = (Self::default(), DateTime::UNIX_EPOCH);
        let mut upto = keeping::last_before(journal.log(), now - FOLDED).await?;
        let mut pages = journal.pages_of(PAGES_AT_ONCE, upto, Filter::default());
        while let Some(page) = pages.next().await? {
            for entry in page.entries {
                last = entry.as_ref().map_or(last, |page| last.max(page.header.recorded_at));
                sessions.take(entry);
            }
            upto = page.next;
        }
        sessions.sweep(now);
        Ok((sessions, upto, last))
    }

    /// Folds a page as it was read, unless it was folded before.
    pub(super) fn take(&mut self, page: crate::Entry) {
        let Recorded { header, event, .. } = match page {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::error!(%error, why = %error.why, "a page of the access log is lost");
                return self.forget();
            }
        };
        let Event::Access(run, AccessEvent::AccessRecorded { entries }) = event else {
            // Its key was destroyed.
            return self.forget();
        };
        self.follow_page(run, header.revision, &entries);
    }

    /// Folds a page, unless it was folded before.
    pub(super) fn follow_page(&mut self, run: RunId, revision: u64, entries: &[Entry]) {
        if self.folded.get(&run).is_none_or(|last| *last < revision) {
            self.folded.insert(run, revision);
            entries.iter().for_each(|entry| self.follow(entry));
        }
    }

    /// A page that cannot be read may have ended any session: none that began before it is open.
    fn forget(&mut self) {
        self.by_id.clear();
        self.by_token.clear();
        self.by_account.clear();
    }

    /// What follows of an entry.
    fn follow(&mut self, entry: &Entry) {
        match &entry.what {
            What::SessionOpened { session, person, token, device, means, second_factor } => {
                let Ok(token) = token.parse() else { return };
                if self.ended.contains_key(session) {
                    return;
                }
                let account = entry.account.unwrap_or_else(|| AccountId::of(*person));
                let at = entry.at.timestamp_micros();
                let opened = Opened {
                    account,
                    person: *person,
                    token,
                    device: *device,
                    means: *means,
                    second_factor: *second_factor,
                    opened_at: entry.at,
                    seen_at: at.into(),
                    noted_at: at.into(),
                };
                self.by_token.insert(token, *session);
                self.by_account.insert((account, *session));
                self.by_id.insert(*session, opened);
            }
            What::SessionSeen { session } => {
                if let Some(opened) = self.by_id.get(session) {
                    let at = entry.at.timestamp_micros();
                    opened.seen_at.fetch_max(at, Ordering::Relaxed);
                    opened.noted_at.fetch_max(at, Ordering::Relaxed);
                }
            }
            What::SessionEnded { session } => {
                self.end(*session);
                self.ended.insert(*session, entry.at);
            }
            What::SignInRefused { why } => {
                if let Some(account) = entry.account.filter(|_| is_a_guess(*why)) {
                    self.refuse(account, entry.at);
                }
            }
            What::Read { .. }
            | What::Refused { .. }
            | What::DutyTaken { .. }
            | What::PagesDestroyed { .. } => {}
        }
    }

    /// The session of a token, if it is open.
    pub(super) fn of_token(&self, token: &TokenHash, now: DateTime<Utc>) -> Option<Session> {
        let id = self.by_token.get(token)?;
        self.by_id.get(id)?.session(*id, now)
    }

    /// The open sessions of an account, the oldest first.
    pub(super) fn of_account(&self, account: AccountId, now: DateTime<Utc>) -> Vec<Session> {
        let (first, last) = (SessionId(uuid::Uuid::nil()), SessionId(uuid::Uuid::max()));
        let own = self.by_account.range((account, first)..=(account, last));
        let session = |(_, id): &(_, SessionId)| self.by_id.get(id)?.session(*id, now);
        let mut sessions: Vec<_> = own.filter_map(session).collect();
        sessions.sort_by_key(|session| session.opened_at);
        sessions
    }

    /// Notes the use of a session. Whose it is, when that is to be written down: to one caller only.
    pub(super) fn seen(&self, session: SessionId, now: DateTime<Utc>) -> Option<AccountId> {
        let opened = self.by_id.get(&session)?;
        let now = now.timestamp_micros();
        opened.seen_at.fetch_max(now, Ordering::Relaxed);
        let every = match opened.device {
            Device::Shared => SEEN_EVERY_SHARED,
            Device::Own => SEEN_EVERY_OWN,
        };
        let noted = opened.noted_at.load(Ordering::Relaxed);
        let due = TimeDelta::microseconds(now.saturating_sub(noted)) >= every;
        let claimed = due
            && (opened.noted_at)
                .compare_exchange(noted, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        claimed.then_some(opened.account)
    }

    /// How many guesses at an account were refused since then.
    pub(super) fn refusals(&self, account: AccountId, since: DateTime<Utc>) -> usize {
        let refusals = self.refusals.get(&account);
        refusals.map_or(0, |at| at.iter().filter(|at| **at >= since).count())
    }

    /// Lets go of what is over.
    pub(super) fn sweep(&mut self, now: DateTime<Utc>) {
        let over = self.by_id.iter().filter(|(id, opened)| opened.session(**id, now).is_none());
        let over: Vec<_> = over.map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.end(id));
        self.ended.retain(|_, at| *at + ENDED_KEPT >= now);
        self.forget_refusals(now);
    }

    fn end(&mut self, session: SessionId) {
        if let Some(opened) = self.by_id.remove(&session) {
            self.by_token.remove(&opened.token);
            self.by_account.remove(&(opened.account, session));
        }
    }

    fn refuse(&mut self, account: AccountId, at: DateTime<Utc>) {
        let refusals = self.refusals.entry(account).or_default();
        if refusals.len() == REFUSALS_MAX {
            refusals.pop_front();
        }
        refusals.push_back(at);
        // Whoever tries many accounts must not fill the memory.
        if self.refusals.len() > 2 * self.swept + REFUSALS_MAX {
            self.forget_refusals(at);
        }
    }

    fn forget_refusals(&mut self, now: DateTime<Utc>) {
        self.refusals.retain(|_, at| at.back().is_some_and(|at| *at + REFUSALS_WINDOW >= now));
        self.swept = self.refusals.len();
    }
}

impl Opened {
    fn session(&self, id: SessionId, now: DateTime<Utc>) -> Option<Session> {
        let seen_at = self.seen_at.load(Ordering::Relaxed);
        let seen_at = DateTime::from_timestamp_micros(seen_at).unwrap_or(self.opened_at);
        let (idle, longest) = match self.device {
            Device::Shared => (IDLE_MAX_SHARED, LONGEST_SHARED),
            Device::Own => (IDLE_MAX_OWN, LONGEST_OWN),
        };
        let expires_at = (seen_at + idle).min(self.opened_at + longest);
        let Self { account, person, device, means, second_factor, opened_at, .. } = *self;
        (now < expires_at).then_some(Session {
            id,
            account,
            person,
            device,
            means,
            second_factor,
            opened_at,
            seen_at,
            expires_at,
        })
    }
}

impl TokenHash {
    /// The digest of a token as its holder sends it.
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::write(&self.0))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

impl FromStr for TokenHash {
    type Err = NotATokenHash;

    fn from_str(digits: &str) -> Result<Self, NotATokenHash> {
        let bytes = hex::read(digits.as_bytes()).ok_or(NotATokenHash)?;
        bytes.try_into().map(Self).map_err(|_| NotATokenHash)
    }
}

/// Whether somebody may have been trying a secret out. The others are no reason to keep the owner
/// of an account away from it, least of all a refusal for too many refusals.
fn is_a_guess(why: WhyRefused) -> bool {
    match why {
        WhyRefused::WrongPassword
        | WhyRefused::WrongSecondFactor
        | WhyRefused::WrongCode
        | WhyRefused::AccountClosed => true,
        WhyRefused::UnknownLogin
        | WhyRefused::SecondFactorNeeded
        | WhyRefused::LockedOut
        | WhyRefused::UnknownSession
        | WhyRefused::CrossSite
        | WhyRefused::IdentityRefused => false,
    }
}
