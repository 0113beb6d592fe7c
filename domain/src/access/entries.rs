//! What is written down of sign-ins, refusals and reads: ids, times and rules, no content (CNIL,
//! délibération 2021-122).
//!
//! Entries are written by pages: everything that a process has to tell at one moment is one event of
//! the access log, in a stream of its own for each run of a process. What one process at a time does
//! for all ([`Duty`]) is taken in a stream that all of them know.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Action, Rule};
use crate::{AccountId, PersonId, RunId, SessionId, Uai, version_of};

/// What happened in the access log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum AccessEvent {
    /// A page of entries, in the order in which they happened.
    AccessRecorded {
        /// All of them.
        entries: Vec<Entry>,
    },
}

/// One sign-in, read or refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What an entry tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum What {
    /// Somebody signed in.
    SessionOpened {
        /// The session.
        session: SessionId,
        /// Who they are.
        person: PersonId,
        /// The digest (SHA-256, 64 hexadecimal digits) of the token that the device holds. It is
        /// in the log, and empty in what an auditor is told.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        token: String,
        /// On which kind of device.
        device: Device,
        /// How they proved who they are.
        means: Means,
        /// Whether a second factor was asked and given.
        second_factor: bool,
    },
    /// A session was used; written now and then, so that a restart knows who is idle.
    SessionSeen {
        /// Which one.
        session: SessionId,
    },
    /// Somebody signed out, or a session was ended by whoever the entry names.
    SessionEnded {
        /// Which one.
        session: SessionId,
    },
    /// A sign-in, an activation or a second factor was refused. The entry names the account when the
    /// login is one's.
    SignInRefused {
        /// Why.
        why: WhyRefused,
    },
    /// Data about somebody was read.
    Read {
        /// Of which school.
        #[schema(value_type = String, example = "0549998Z")]
        school: Uai,
        /// About whom; none for a list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<PersonId>,
        /// What was asked.
        action: Action,
        /// Which rule allowed it.
        rule: Rule,
    },
    /// A request was refused.
    Refused {
        /// Of which school, if it named one.
        #[schema(value_type = Option<String>, example = "0549998Z")]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        school: Option<Uai>,
        /// About whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<PersonId>,
        /// What was asked.
        action: Action,
        /// Why.
        rule: Rule,
    },
    /// A run of a process took a duty, or went on with it. Only in the stream of the duty.
    DutyTaken {
        /// Which one.
        duty: Duty,
        /// Who.
        #[schema(value_type = Uuid)]
        run: RunId,
        /// Until when nobody else takes it.
        until: DateTime<Utc>,
    },
    /// Pages of the access log that were too old to be kept were destroyed. Only in the stream of
    /// that duty, which is over with it.
    PagesDestroyed {
        /// All that were written before.
        before: DateTime<Utc>,
    },
}

/// What one process at a time does for all that share a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Duty {
    /// To destroy pages of the access log that are too old to be kept.
    DestroyOldPages,
}

impl Duty {
    /// The stream of the access log in which it is taken, the same for everybody: whoever is first
    /// there has it.
    pub fn stream(self) -> RunId {
        RunId(Uuid::new_v5(&Uuid::NAMESPACE_OID, <&str>::from(self).as_bytes()))
    }
}

/// The device of a session: how long it may stay idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// Used by several people, as in a staff room: half an hour.
    Shared,
    /// One's own: ninety days.
    Own,
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// The password of the account.
    Password,
    /// An `OpenID` provider.
    OpenId,
    /// A CAS server.
    Cas,
}

/// Why a sign-in was refused. Whoever signs in is never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum WhyRefused {
    /// No account has this login.
    UnknownLogin,
    /// The password is another one.
    WrongPassword,
    /// The password was the right one, and the second factor was not given yet.
    SecondFactorNeeded,
    /// The second factor is another one, or was used before.
    WrongSecondFactor,
    /// The code is another one, was used, or has expired.
    WrongCode,
    /// Too many refusals before this one.
    LockedOut,
    /// The person has left, and the account is closed.
    AccountClosed,
    /// A session's token that is none: forged, ended or expired.
    UnknownSession,
    /// Another site sent the request.
    CrossSite,
    /// The answer of an identity provider does not hold.
    IdentityRefused,
}

impl DomainEvent for AccessEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}
