//! What carries messages to families, against providers of every kind: whatever they do, the answer is what
//! is known, and nothing else is asked, kept or logged.

mod folder;
mod mail;
mod settings;
mod sms;

use std::path::Path;

use api::channels::{Channel, Channels, Message};
use chrono::{DateTime, Utc};
use replay::Clock;
use serde_json::Value;
use uuid::Uuid;

/// The channels of such settings.
fn channels(settings: &Value, clock: &Clock) -> Channels {
    let settings = serde_json::from_value(settings.clone()).unwrap();
    Channels::new(&settings, Path::new("/nowhere"), clock).unwrap()
}

/// A message; its key is this number.
fn message(key: u128, to: &str) -> Message {
    Message {
        key: Uuid::from_u128(key),
        to: to.to_owned(),
        subject: "Absence de ce matin, à expliquer".to_owned(),
        text: "Bonjour,\n\nune élève était absente.\n.\n..\nÀ bientôt".to_owned(),
        written_at: morning(),
    }
}

fn morning() -> DateTime<Utc> {
    "2026-11-20T07:14:00Z".parse().unwrap()
}

/// Both channels.
const BOTH: [Channel; 2] = [Channel::Mail, Channel::Sms];
