//! An event of ours as one of the server, and the other way round.
//!
//! Its type is the kind, its data the payload, its metadata the envelope, byte for byte, and beside it what
//! the server's own tools know of: from which request it comes, and from which event.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::Stream;
use kurrentdb::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{LogName, Placed, StoreError};
use crate::{
    header,
    log::{NewEvent, StoredEvent},
    place::EsdbUrl,
};

/// Bytes of one append at most. The server takes 1 MiB, its own additions included.
pub(super) const APPEND_MAX_BYTES: usize = 1_000_000;

/// How the streams of a log are named on the server, so that other logs and other programs have room there.
#[derive(Clone, Debug)]
pub(super) struct Names(String);

impl Names {
    pub(super) fn new(url: &EsdbUrl, name: LogName) -> Self {
        let name = match name {
            LogName::School => "school",
            LogName::Access => "access",
        };
        Self(format!("{}_{name}", url.prefix()))
    }

    /// What the names of all streams of the log begin with.
    pub(super) fn prefix(&self) -> String {
        format!("{}.", self.0)
    }

    /// A stream of the log.
    pub(super) fn of(&self, stream: Stream) -> String {
        format!("{}.{stream}", self.0)
    }

    /// Where it is written down up to where the log was pruned: no stream of the log itself.
    pub(super) fn pruned(&self) -> String {
        format!("{}-pruned", self.0)
    }

    /// What a stream of the log is called here; none of another.
    pub(super) fn own<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(self.0.as_str())?.strip_prefix('.')
    }
}

/// What the metadata of an event say.
#[derive(Deserialize, Serialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    header: Cow<'a, str>,
    #[serde(rename = "$correlationId", default)]
    correlation: Uuid,
    #[serde(rename = "$causationId", default, skip_serializing_if = "Option::is_none")]
    causation: Option<Uuid>,
}

/// Events as the server takes them.
///
/// # Errors
/// When an envelope cannot be read, or it would not take so much.
pub(super) fn proposed(events: &[NewEvent]) -> Result<Vec<EventData>, StoreError> {
    let (mut proposed, mut bytes) = (Vec::with_capacity(events.len()), 0);
    for event in events {
        let header = header::decode(&event.header)?;
        let metadata = Metadata {
            header: STANDARD.encode(&event.header).into(),
            correlation: header.correlation.0,
            causation: header.causation.map(|id| id.0),
        };
        let metadata = serde_json::to_vec(&metadata).unwrap_or_default();
        // The server counts two bytes a letter of the kind.
        bytes += event.payload.len() + metadata.len() + 2 * header.kind.len();
        let event = EventData::binary(header.kind, event.payload.clone()).id(id(event));
        proposed.push(event.metadata(metadata.into()));
    }
    match bytes {
        0..=APPEND_MAX_BYTES => Ok(proposed),
        _ => Err(StoreError::TooLarge { bytes, max: APPEND_MAX_BYTES }),
    }
}

/// An event as it was read of a log of all streams.
pub(super) fn stored(event: RecordedEvent) -> StoredEvent {
    StoredEvent {
        position: event.position.commit,
        header: envelope(&event.custom_metadata),
        payload: event.data,
    }
}

/// An event as it was read of its stream. Without a readable envelope it has nobody's id.
pub(super) fn placed(event: RecordedEvent) -> Placed {
    let (revision, StoredEvent { position, header, payload }) = (event.revision, stored(event));
    let id = header::decode(&header).map_or(Uuid::nil(), |header| header.id.0).into_bytes();
    Placed { position, stream: 0, revision, id, header, payload }
}

/// The envelope; of an event that is not ours, whatever is there, which nobody can read.
fn envelope(metadata: &Bytes) -> Bytes {
    let said: Option<Metadata<'_>> = serde_json::from_slice(metadata).ok();
    let header = said.and_then(|said| STANDARD.decode(said.header.as_bytes()).ok());
    header.map_or_else(|| metadata.clone(), Bytes::from)
}

/// The id that the server knows an event by. It follows from all of it: the server takes a retry for one by
/// its ids alone, whatever it says.
fn id(event: &NewEvent) -> Uuid {
    let length = (event.header.len() as u64).to_be_bytes();
    Uuid::new_v5(&event.id.0, &[&length, &event.header[..], &event.payload[..]].concat())
}

#[cfg(test)]
mod tests {
    use domain::{AccountId, CommandId, EventId, Header, PersonId};

    use super::*;

    #[test]
    fn another_content_under_the_same_id_is_another_event_to_the_server() {
        let (one, other) = (event("one"), event("other"));
        assert_eq!(id(&one), id(&event("one")));
        assert_ne!(id(&one), id(&other));
    }

    #[test]
    fn an_append_larger_than_the_server_takes_is_refused_before_it_is_sent() {
        let large = event(&"x".repeat(APPEND_MAX_BYTES));
        let refused = proposed(&[event("small"), large]);
        assert!(matches!(refused, Err(StoreError::TooLarge { max: APPEND_MAX_BYTES, .. })));
        assert_eq!(proposed(&[event("small"), event("smaller")]).unwrap().len(), 2);
    }

    #[test]
    fn names_of_one_log_are_not_those_of_another() {
        let url: EsdbUrl = "esdb://db.example?tls=false".parse().unwrap();
        let names = Names::new(&url, LogName::School);
        let stream = Stream::Person(PersonId(Uuid::nil()));
        assert_eq!(names.own(&names.of(stream)), Some(stream.to_string().as_str()));
        assert_eq!(names.own(&Names::new(&url, LogName::Access).of(stream)), None);
        for other in ["$$preau_school.person-1", "preau_school-pruned", "preau_schools.x", ""] {
            assert_eq!(names.own(other), None, "{other}");
        }
    }

    fn event(payload: &str) -> NewEvent {
        let (id, command) = (EventId(Uuid::from_u128(1)), CommandId(Uuid::from_u128(2)));
        let header = Header {
            stream: Stream::Person(PersonId(Uuid::nil())),
            revision: 0,
            id,
            kind: "PersonRenamed".to_owned(),
            version: 1,
            school: "0549998Z".parse().unwrap(),
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            occurred_at: chrono::DateTime::UNIX_EPOCH,
            actor: AccountId(Uuid::nil()),
            command,
            correlation: command,
            causation: None,
            key: None,
        };
        let header = header::encode(&header).unwrap();
        NewEvent { id, header, payload: payload.to_owned().into_bytes().into() }
    }
}
