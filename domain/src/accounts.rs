//! Accounts: how a person signs in, and the mandates that are given to them.
//!
//! Every person may have one account, for the whole region. No secret is ever in an event: logins,
//! passwords, codes and second factors lie in the vault; here stands that they were set. What
//! somebody may do follows from facts of other features (teaches, is a guardian of, works at) and
//! from the mandates given here; it is decided in [`crate::access`]. Nobody closes an account: it is
//! open while its person belongs to a school or a family of it, see [`span`].

pub mod span;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray, VariantNames};
use utoipa::ToSchema;

use crate::{Event, PersonId, Stream, Streamed, Uai, version_of};

/// What happened. All of it is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum AccountEvent {
    /// A one-time code was made, to open the account or to set a new password.
    ActivationCodeIssued {
        /// Until when it can be used.
        expires_at: DateTime<Utc>,
        /// How it reaches the person.
        channel: Channel,
    },
    /// The person used the code and chose a password.
    AccountActivated {},
    /// The password was changed.
    PasswordChanged {
        /// Whether by a new code, the old password being lost.
        reset: bool,
    },
    /// From now on signing in takes a second factor.
    SecondFactorEnrolled {},
    /// It no longer does.
    SecondFactorRemoved {},
    /// The person may sign in through an identity provider.
    IdentityLinked {
        /// The provider, by its name in the settings.
        provider: String,
        /// What the provider calls them.
        subject: String,
    },
    /// They no longer may.
    IdentityUnlinked {
        /// The provider.
        provider: String,
        /// What it called them.
        subject: String,
    },
    /// Somebody was given a mandate.
    MandateGiven {
        /// Which one.
        mandate: Mandate,
        /// For which school; for all of them if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        school: Option<Uai>,
        /// The first day.
        from: NaiveDate,
        /// The last day.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<NaiveDate>,
        /// The reference of the decision that gives it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    /// A mandate ended before its last day.
    MandateEnded {
        /// Which one.
        mandate: Mandate,
        /// For which school it was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        school: Option<Uai>,
        /// The day it had begun.
        since: NaiveDate,
        /// The last day.
        on: NaiveDate,
    },
}

/// How a code reaches a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A letter, handed over or posted.
    Letter,
    /// A mail.
    Mail,
}

/// What somebody is mandated to do, beside what they are in the school.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mandate {
    /// Technical administrator: settings, files, accounts; no student's data.
    Administrator,
    /// Auditor: replays, proofs and the access log, for a time.
    Auditor,
    /// Data-protection officer (RGPD, article 39), for a time.
    DataProtection,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum AccountCommand {
    /// Note that a one-time code was made.
    IssueActivationCode {
        /// Until when it can be used.
        expires_at: DateTime<Utc>,
        /// How it reaches the person.
        channel: Channel,
    },
    /// Use the code: it was checked against the vault before.
    UseActivationCode {
        /// When.
        at: DateTime<Utc>,
    },
    /// Note that the person changed their password, knowing the old one.
    ChangePassword,
    /// Note that a second factor is set.
    EnrolSecondFactor,
    /// Note that it is taken away.
    RemoveSecondFactor,
    /// Link the account with what an identity provider has verified.
    LinkIdentity {
        /// The provider.
        provider: String,
        /// What it calls the person.
        subject: String,
    },
    /// Take the link away.
    UnlinkIdentity {
        /// The provider.
        provider: String,
    },
    /// Give a mandate.
    GiveMandate {
        /// Which one.
        mandate: Mandate,
        /// For which school.
        school: Option<Uai>,
        /// The first day.
        from: NaiveDate,
        /// The last day.
        until: Option<NaiveDate>,
        /// The reference of the decision that gives it.
        document: Option<String>,
    },
    /// End a mandate before its last day.
    EndMandate {
        /// Which one.
        mandate: Mandate,
        /// For which school it was given.
        school: Option<Uai>,
        /// The last day.
        on: NaiveDate,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum AccountError {
    /// Only a code that was made and not used opens an account.
    #[error("this code was used, or none was made: ask the school for a new one")]
    NotInvited,
    /// A code is good for a time.
    #[error("this code has expired: ask the school for a new one")]
    CodeExpired,
    /// Only an active account has a password and a second factor.
    #[error("this account is not active")]
    AccountNotActive,
    /// A second factor is set once; to set another, remove it first.
    #[error("this account already has a second factor")]
    SecondFactorAlreadyEnrolled,
    /// Only what is set is taken away.
    #[error("this account has no second factor")]
    SecondFactorNotEnrolled,
    /// A provider knows a person by one name.
    #[error("this account is already linked with another identity of this provider")]
    IdentityAlreadyLinked,
    /// Only what is linked is unlinked.
    #[error("this account is not linked with this provider")]
    IdentityNotLinked,
    /// Whoever audits does so for a time, by a decision.
    #[error("this mandate needs a last day and the reference of the decision that gives it")]
    MandateNotDated,
    /// A mandate ends after it begins.
    #[error("the mandate ends before it begins")]
    MandateEndsBeforeItBegins,
    /// A mandate is given once at a time.
    #[error("this mandate is already given, with other dates: end it first")]
    AlreadyMandated,
    /// Only what was given ends.
    #[error("this mandate was not given")]
    NotMandated,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    active: bool,
    /// Until when the last code can be used, while it was not.
    code_expires_at: Option<DateTime<Utc>>,
    second_factor: bool,
    identities: BTreeMap<String, String>,
    mandates: BTreeMap<(Mandate, Option<Uai>), (NaiveDate, Option<NaiveDate>)>,
}

impl Account {
    /// The rules: what happens when `command` is given to this account.
    pub fn decide(&self, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
        use AccountCommand as C;
        use AccountError as Error;
        use AccountEvent as E;
        let event = match command {
            C::IssueActivationCode { expires_at, channel } => {
                E::ActivationCodeIssued { expires_at, channel }
            }
            C::UseActivationCode { at } => match self.code_expires_at {
                None => return Err(Error::NotInvited),
                Some(expires_at) if expires_at <= at => return Err(Error::CodeExpired),
                Some(_) if self.active => return Ok(self.reset()),
                Some(_) => E::AccountActivated {},
            },
            C::ChangePassword if self.active => E::PasswordChanged { reset: false },
            C::EnrolSecondFactor if self.second_factor => {
                return Err(Error::SecondFactorAlreadyEnrolled);
            }
            C::EnrolSecondFactor if self.active => E::SecondFactorEnrolled {},
            C::ChangePassword | C::EnrolSecondFactor => return Err(Error::AccountNotActive),
            C::RemoveSecondFactor if self.second_factor => E::SecondFactorRemoved {},
            C::RemoveSecondFactor => return Err(Error::SecondFactorNotEnrolled),
            C::LinkIdentity { provider, subject } => match self.identities.get(&provider) {
                None => E::IdentityLinked { provider, subject },
                Some(known) if *known == subject => return Ok(vec![]),
                Some(_) => return Err(Error::IdentityAlreadyLinked),
            },
            C::UnlinkIdentity { provider } => match self.identities.get(&provider).cloned() {
                Some(subject) => E::IdentityUnlinked { provider, subject },
                None => return Err(Error::IdentityNotLinked),
            },
            C::GiveMandate { mandate, school, from, until, document } => {
                return self.give((mandate, school), (from, until), document);
            }
            C::EndMandate { mandate, school, on } => {
                let given = self.mandates.get(&(mandate, school));
                let (since, until) = *given.ok_or(Error::NotMandated)?;
                if on < since {
                    return Err(Error::MandateEndsBeforeItBegins);
                }
                if until.is_some_and(|until| until <= on) {
                    return Ok(vec![]);
                }
                E::MandateEnded { mandate, school, since, on }
            }
        };
        Ok(vec![event])
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(mut self, event: AccountEvent) -> Self {
        use AccountEvent as E;
        match event {
            E::ActivationCodeIssued { expires_at, .. } => self.code_expires_at = Some(expires_at),
            E::AccountActivated {} => (self.active, self.code_expires_at) = (true, None),
            E::PasswordChanged { reset: true } => self.code_expires_at = None,
            E::PasswordChanged { reset: false } => {}
            E::SecondFactorEnrolled {} => self.second_factor = true,
            E::SecondFactorRemoved {} => self.second_factor = false,
            E::IdentityLinked { provider, subject } => {
                self.identities.insert(provider, subject);
            }
            E::IdentityUnlinked { provider, .. } => {
                self.identities.remove(&provider);
            }
            E::MandateGiven { mandate, school, from, until, .. } => {
                self.mandates.insert((mandate, school), (from, until));
            }
            E::MandateEnded { mandate, school, since, on } => {
                self.mandates.insert((mandate, school), (since, Some(on)));
            }
        }
        self
    }

    /// A password that was lost is set anew. Whoever knew it may have linked the account with an
    /// identity of theirs: no link outlives it.
    fn reset(&self) -> Vec<AccountEvent> {
        let links = self.identities.clone().into_iter();
        let unlinked =
            links.map(|(provider, subject)| AccountEvent::IdentityUnlinked { provider, subject });
        [AccountEvent::PasswordChanged { reset: true }].into_iter().chain(unlinked).collect()
    }

    fn give(
        &self,
        (mandate, school): (Mandate, Option<Uai>),
        (from, until): (NaiveDate, Option<NaiveDate>),
        document: Option<String>,
    ) -> Result<Vec<AccountEvent>, AccountError> {
        let document = document.filter(|reference| !reference.trim().is_empty());
        if until.is_some_and(|until| until < from) {
            return Err(AccountError::MandateEndsBeforeItBegins);
        }
        if mandate.is_dated() && (until.is_none() || document.is_none()) {
            return Err(AccountError::MandateNotDated);
        }
        match self.mandates.get(&(mandate, school)) {
            Some(given) if *given == (from, until) => Ok(vec![]),
            Some((_, last)) if last.is_none_or(|last| from <= last) => {
                Err(AccountError::AlreadyMandated)
            }
            Some(_) | None => {
                Ok(vec![AccountEvent::MandateGiven { mandate, school, from, until, document }])
            }
        }
    }
}

impl Mandate {
    /// Whether it is given for a time only, by a decision with a reference.
    pub fn is_dated(self) -> bool {
        match self {
            Self::Administrator => false,
            Self::Auditor | Self::DataProtection => true,
        }
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Error = AccountError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AccountCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AccountError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for Account {
    type Id = PersonId;

    fn stream(id: PersonId) -> Stream {
        Stream::Account(id)
    }

    fn event(id: PersonId, event: AccountEvent) -> Event {
        Event::Account(id, event)
    }

    fn own(event: Event) -> Option<AccountEvent> {
        if let Event::Account(_, event) = event { Some(event) } else { None }
    }

    /// An erased account is no account: whoever comes back is invited anew.
    fn forget(self) -> Self {
        Self::default()
    }
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "accounts/tests.rs"]
mod tests;
