//! What an auditor asks of the access log: who read what, of whom, and who signed in.
//!
//! Entries are found by reading the pages of the days that are asked for, one after the other; there
//! is no table of them. Who may ask is decided elsewhere.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, Event, PersonId, Recorded, Uai,
    access::{AccessEvent, Entry, What},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{keeping, sessions::PAGES_AT_ONCE};
use crate::{Journal, log::Filter};

/// An entry may have waited this long before it was written.
const WRITTEN_AFTER: TimeDelta = TimeDelta::minutes(5);

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// About whom.
    pub about: About,
    /// From this instant on.
    pub from: DateTime<Utc>,
    /// Until before this one.
    pub until: DateTime<Utc>,
    /// Only what was written after this position: where an answer before ended, or 0.
    pub after: u64,
    /// About so many entries: a page of the log is answered whole.
    pub max: usize,
}

/// About whom the entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What was read or refused about a person, and what they did with their account.
    Person(PersonId),
    /// What was done with an account.
    Account(AccountId),
    /// Either, for whoever has an id and does not know of which kind it is.
    Either(Uuid),
    /// Everybody.
    All,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The entries, the newest last.
    pub entries: Vec<Noted>,
    /// Where to read on, if there may be more.
    pub next: Option<u64>,
    /// Pages of these days that cannot be read: their key was destroyed, or they are damaged.
    pub unreadable: u64,
}

/// An entry, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Noted {
    /// The position of its page in the access log.
    pub position: u64,
    /// What it tells.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Answers from the log; of a school, what concerns it, so that nothing tells how much there is of
/// others.
///
/// # Errors
/// When the log or the vault cannot be read.
pub(super) async fn find(
    journal: &Journal,
    asked: &Asked,
    of: Option<Uai>,
) -> anyhow::Result<Found> {
    let first = keeping::last_before(journal.log(), asked.from).await?;
    let mut pages = journal.pages_of(PAGES_AT_ONCE, first.max(asked.after), Filter::default());
    let mut found = Found::default();
    while let Some(page) = pages.next().await? {
        for recorded in page.entries {
            let Ok(Recorded { position, header, event }) = recorded else {
                found.unreadable += 1;
                continue;
            };
            let waited_until = asked.until.checked_add_signed(WRITTEN_AFTER);
            if waited_until.is_some_and(|until| header.recorded_at >= until) {
                return Ok(found);
            }
            let Event::Access(_, AccessEvent::AccessRecorded { entries }) = event else {
                found.unreadable += 1;
                continue;
            };
            let concerns = |entry: &Entry| of.is_none_or(|of| asked.about.concerns(of, entry));
            let entries = entries.into_iter().filter(|entry| asked.wants(entry) && concerns(entry));
            found.entries.extend(entries.map(|entry| noted(position, entry)));
            if found.entries.len() >= asked.max {
                found.next = Some(position);
                return Ok(found);
            }
        }
    }
    Ok(found)
}

impl Asked {
    fn wants(&self, entry: &Entry) -> bool {
        (self.from..self.until).contains(&entry.at) && self.about.is(entry)
    }
}

impl About {
    fn is(self, entry: &Entry) -> bool {
        let person =
            |id| subject(&entry.what) == Some(id) || entry.account == Some(AccountId::of(id));
        match self {
            Self::Person(id) => person(id),
            Self::Account(id) => entry.account == Some(id),
            Self::Either(id) => person(PersonId(id)) || entry.account == Some(AccountId(id)),
            Self::All => true,
        }
    }
}

impl About {
    /// Whether an entry concerns a school: what was read or refused there. Somebody's sign-ins are of no
    /// school; they are told where one person is asked about.
    fn concerns(self, school: Uai, entry: &Entry) -> bool {
        match &entry.what {
            What::Read { school: of, .. } => *of == school,
            What::Refused { school: of, .. } => *of == Some(school),
            What::SessionOpened { .. }
            | What::SessionSeen { .. }
            | What::SessionEnded { .. }
            | What::SignInRefused { .. } => match self {
                Self::Person(person) => entry.account == Some(AccountId::of(person)),
                Self::Account(_) | Self::Either(_) | Self::All => false,
            },
            What::DutyTaken { .. } | What::PagesDestroyed { .. } => false,
        }
    }
}

/// An entry as it is told, without the digest of a token.
fn noted(position: u64, mut entry: Entry) -> Noted {
    if let What::SessionOpened { token, .. } = &mut entry.what {
        token.clear();
    }
    Noted { position, entry }
}

/// Whom an entry is about.
fn subject(what: &What) -> Option<PersonId> {
    match what {
        What::SessionOpened { person, .. } => Some(*person),
        What::Read { subject, .. } | What::Refused { subject, .. } => *subject,
        What::SessionSeen { .. }
        | What::SessionEnded { .. }
        | What::SignInRefused { .. }
        | What::DutyTaken { .. }
        | What::PagesDestroyed { .. } => None,
    }
}
