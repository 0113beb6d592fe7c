//! Messages: what one person is told by one channel, and what became of it.
//!
//! Nothing of a message's words is kept: they follow from the alert, the person's language and the
//! school, and hold a link that is good for its reader only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray, VariantNames};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AlertId, AlertSheet};
use crate::{MessageId, PersonId, RunId};

/// The namespace of the ids of messages.
const MESSAGES: Uuid = Uuid::from_u128(0x5052_4541_5500_8000_8000_0000_006d_7367);

/// How somebody is written to.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Channel {
    /// Mail.
    Mail,
    /// A text message on a mobile telephone.
    Sms,
}

/// What a message says.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// That the student is away.
    Absence,
    /// That they were there after all.
    Correction,
}

/// What is known after a provider was asked to take a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has taken the message.
    Accepted {
        /// What it knows the message by.
        reference: Option<String>,
    },
    /// It says that the message has arrived.
    Delivered,
    /// It has not taken it for now.
    Later {
        /// Why.
        why: Why,
        /// Not to be tried again before.
        not_before: DateTime<Utc>,
    },
    /// It will not take it, or says that it did not arrive.
    Undeliverable {
        /// Why.
        why: Why,
    },
    /// Nobody knows.
    Uncertain {
        /// What happened.
        why: Why,
        /// Not to be tried again before.
        not_before: DateTime<Utc>,
    },
}

/// Why a message was not accepted. Of a provider's own words none is kept: they may quote an address.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Why {
    /// It is no mail address, or no number of a mobile telephone. Nobody was asked.
    MalformedAddress,
    /// The settings have no such channel. Nobody was asked.
    NoSuchChannel,
    /// The provider has failed too often and is left in peace for a moment. Nobody was asked.
    SwitchedOff,
    /// As many messages as may be are on their way already. Nobody was asked.
    Busy,
    /// The file could not be written.
    NotWritten,
    /// No connection could be had.
    Unreachable,
    /// The connection cannot be made private: no TLS, or a certificate that nothing vouches for.
    Tls,
    /// The time was up.
    Timeout,
    /// The connection ended before an answer.
    NoAnswer,
    /// The answer is none, or came before the question.
    Garbled,
    /// The provider says that it does not work now.
    OutOfService,
    /// The provider does not know Préau by what the settings say, or does not let it send.
    NotAuthenticated,
    /// The provider does not let this sender send.
    SenderRefused,
    /// The provider has had too much of us for now.
    Throttled,
    /// The provider refuses what has nothing to do with the recipient.
    RefusedByProvider,
    /// The recipient cannot be written to for now.
    RecipientDeferred,
    /// The recipient does not exist, or takes no messages.
    UnknownRecipient,
    /// The provider refuses this message.
    MessageRefused,
    /// The provider failed while it had the message.
    ProviderFailed,
    /// The settings do not say what the provider's answer means.
    UnknownAnswer,
}

/// A message as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageSheet {
    /// To whom.
    pub to: PersonId,
    /// By which channel.
    pub channel: Channel,
    /// What it says.
    pub purpose: Purpose,
    /// In which round of the alert.
    pub round: u32,
    /// How often it was claimed.
    pub attempts: u32,
    /// Whether it may have gone out although nobody said so.
    pub maybe_sent: bool,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "fate")]
pub enum Fate {
    /// It is being sent.
    Claimed {
        /// By which run of which process.
        run: RunId,
        /// When the claim runs out.
        until: DateTime<Utc>,
    },
    /// It was not sent, and will be tried again.
    Deferred {
        /// Why.
        why: Why,
        /// Not before.
        not_before: DateTime<Utc>,
    },
    /// Nobody knows whether it was sent; it will be tried again.
    Uncertain {
        /// What happened.
        why: Why,
        /// Not before.
        not_before: DateTime<Utc>,
    },
    /// The provider has taken it: it was sent.
    Accepted,
    /// It has arrived.
    Delivered,
    /// It will not arrive.
    Undeliverable {
        /// Why.
        why: Why,
    },
}

impl Why {
    /// Whether any other message would have fared the same: it is not about this one.
    pub fn is_of_provider(self) -> bool {
        match self {
            Self::NotWritten
            | Self::Unreachable
            | Self::Tls
            | Self::Timeout
            | Self::NoAnswer
            | Self::Garbled
            | Self::OutOfService
            | Self::NotAuthenticated
            | Self::SenderRefused
            | Self::Throttled
            | Self::RefusedByProvider
            | Self::ProviderFailed
            | Self::UnknownAnswer => true,
            Self::MalformedAddress
            | Self::NoSuchChannel
            | Self::SwitchedOff
            | Self::Busy
            | Self::RecipientDeferred
            | Self::UnknownRecipient
            | Self::MessageRefused => false,
        }
    }

    /// Whether it passes without anybody doing anything about this message: it is of the provider, or of
    /// how much it was asked.
    pub(super) fn is_outage(self) -> bool {
        self.is_of_provider() || matches!(self, Self::SwitchedOff | Self::Busy)
    }
}

impl MessageId {
    /// The message that tells somebody of these alerts, each in its round.
    pub fn of(
        to: PersonId,
        channel: Channel,
        purpose: Purpose,
        about: &[(AlertId, &AlertSheet)],
    ) -> Self {
        let mut names: Vec<String> =
            about.iter().map(|(alert, sheet)| format!("{alert}/{}", sheet.round)).collect();
        names.sort_unstable();
        let channel = <&str>::from(channel);
        let purpose = match purpose {
            Purpose::Absence => "absence",
            Purpose::Correction => "correction",
        };
        let name = format!("{to}/{channel}/{purpose}/{}", names.join(","));
        Self(Uuid::new_v5(&MESSAGES, name.as_bytes()))
    }
}

impl MessageSheet {
    pub(super) fn new(to: PersonId, channel: Channel, purpose: Purpose, round: u32) -> Self {
        // Whoever makes it claims it at once.
        let fate = Fate::Claimed { run: RunId(Uuid::nil()), until: DateTime::UNIX_EPOCH };
        Self { to, channel, purpose, round, attempts: 0, maybe_sent: false, fate }
    }

    pub(super) fn is_claimed(&mut self, run: RunId, until: DateTime<Utc>) {
        // Whoever had it before may have sent it, and died before saying so.
        let unsaid = match self.fate {
            Fate::Claimed { .. } => self.attempts > 0,
            Fate::Uncertain { .. } => true,
            Fate::Deferred { .. }
            | Fate::Accepted
            | Fate::Delivered
            | Fate::Undeliverable { .. } => false,
        };
        self.maybe_sent |= unsaid;
        self.attempts += 1;
        self.fate = Fate::Claimed { run, until };
    }

    /// Whether another process is sending it at an instant.
    pub fn is_claimed_by_another(&self, run: RunId, now: DateTime<Utc>) -> bool {
        matches!(self.fate, Fate::Claimed { run: other, until } if other != run && now < until)
    }

    /// Whether the provider has taken it.
    pub fn is_sent(&self) -> bool {
        match self.fate {
            Fate::Accepted | Fate::Delivered => true,
            Fate::Claimed { .. }
            | Fate::Deferred { .. }
            | Fate::Uncertain { .. }
            | Fate::Undeliverable { .. } => false,
        }
    }

    /// Whether its reader may have read it.
    pub(super) fn may_be_read(&self) -> bool {
        self.is_sent() || self.maybe_sent || matches!(self.fate, Fate::Uncertain { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_the_same_in_an_event_and_in_a_log() {
        for name in Why::VARIANTS {
            let why: Why = serde_json::from_value(serde_json::json!(name)).unwrap();
            assert_eq!(<&str>::from(why), *name);
        }
    }
}
