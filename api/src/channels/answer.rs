//! What is known of a message after one attempt to send it.

use domain::alerts::message::Why;

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
