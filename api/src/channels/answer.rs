//! What is known of a message after one attempt to send it.

use serde::{Deserialize, Serialize};

/// What is known after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The provider has said that it took the message.
    Accepted {
        /// What the provider calls it, to ask about it.
        reference: Option<String>,
    },
    /// The provider does not have it. Another attempt may succeed.
    Later {
        /// Why not now.
        why: Why,
    },
    /// The provider does not have it, and will never take it.
    Undeliverable {
        /// Why not.
        why: Why,
    },
    /// The provider may have it.
    Uncertain {
        /// Why nobody knows.
        why: Why,
    },
}

/// Why a message was not accepted. The names stand in records: they are not changed.
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
    strum::IntoStaticStr,
    strum::VariantNames,
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

impl Answer {
    /// Why it was not accepted.
    pub fn why(&self) -> Option<Why> {
        match self {
            Self::Accepted { .. } => None,
            Self::Later { why } | Self::Undeliverable { why } | Self::Uncertain { why } => {
                Some(*why)
            }
        }
    }
}

impl Why {
    /// Whether any other message would have fared the same: it is not about this one.
    pub(super) fn is_of_provider(self) -> bool {
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
}

#[cfg(test)]
mod tests {
    use strum::VariantNames;

    use super::*;

    #[test]
    fn a_reason_reads_the_same_in_a_record_and_in_the_log() {
        for name in Why::VARIANTS {
            let why: Why = serde_json::from_value(serde_json::json!(name)).unwrap();
            assert_eq!(<&str>::from(why), *name);
        }
        assert!(Why::VARIANTS.contains(&"malformed-address"));
    }
}
