//! Signed links: what a message carries, and opens without an account.
//!
//! A link is the message's id and a tag that only a node with this school's master key can make. It
//! names nobody, says nothing by itself, and is good for its message's reader alone. When it is over is
//! not in it: that follows from the alert.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::MessageId;
use replay::{Journal, seal::Key};
use reqwest::Url;
use std::sync::Arc;
use uuid::Uuid;

/// Where the page behind a link is.
pub(crate) const PATH: &str = "/a";

const ID_BYTES: usize = 16;

/// Nobody guesses 96 bits over a network; and an SMS has 160 letters.
const TAG_BYTES: usize = 12;

/// Makes links, and recognises them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Links {
    key: Arc<Key>,
    public_url: Arc<str>,
}

impl Links {
    /// Links to the server at this address.
    pub(crate) fn new(journal: &Journal, public_url: &Url) -> Self {
        let key = Arc::new(journal.vault().key_of("the links of messages"));
        let public_url = public_url.as_str().trim_end_matches('/').into();
        Self { key, public_url }
    }

    /// The link of a message.
    pub(crate) fn of(&self, message: MessageId) -> String {
        format!("{}{PATH}/{}", self.public_url, token(&self.key, message))
    }
}

/// The message that a link was made for; none if it was not made here.
pub(crate) fn message_of(journal: &Journal, token: &str) -> Option<MessageId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, tag) = bytes.split_at_checked(ID_BYTES)?;
    let message = MessageId(Uuid::from_slice(id).ok()?);
    let due = journal.vault().key_of("the links of messages").tag(id);
    verify_slices_are_equal(&due[..TAG_BYTES], tag).is_ok().then_some(message)
}

fn token(key: &Key, MessageId(id): MessageId) -> String {
    let tag = key.tag(id.as_bytes());
    URL_SAFE_NO_PAD.encode([id.as_bytes().as_slice(), &tag[..TAG_BYTES]].concat())
}
