//! The envelope of an event as bytes.
//!
//! These bytes are stored as they are and are the associated data of the seal: whoever changes one
//! of them opens nothing any more. Their form is therefore fixed: one byte of format, then the
//! fields of [`Stored`] in postcard. Another form would be another first byte, read beside this one.
//! The position is not in them: the log gives it after the seal is set.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{AccountId, CommandId, EventId, Header, KeyId, Uai};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const FORMAT: u8 = 1;

/// What is wrong with bytes that should be an envelope.
#[derive(Debug, thiserror::Error)]
pub enum NotAHeader {
    /// Written in a format that this program does not know.
    #[error("the envelope has format {0:?}, which this version of the program cannot read")]
    UnknownFormat(Option<u8>),
    /// The bytes end too early or hold impossible values.
    #[error("the envelope is damaged")]
    Damaged(#[from] postcard::Error),
    /// It names a stream of a kind that this program does not know.
    #[error("{0} is a kind of stream that this version of the program does not know")]
    UnknownStream(String),
    /// A field has a value that cannot be.
    #[error("the envelope is damaged: {0}")]
    Impossible(&'static str),
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    stream: &'a str,
    revision: u64,
    id: Uuid,
    kind: &'a str,
    version: u16,
    school: &'a str,
    recorded_at: i64,
    occurred_at: i64,
    actor: Uuid,
    command: Uuid,
    correlation: Uuid,
    causation: Option<Uuid>,
    key: Option<Uuid>,
}

/// The bytes of an envelope. Times keep microseconds.
///
/// # Errors
/// None in practice: every envelope has bytes.
pub fn encode(header: &Header) -> Result<Bytes, postcard::Error> {
    let stored = Stored {
        stream: &header.stream.to_string(),
        revision: header.revision,
        id: header.id.0,
        kind: &header.kind,
        version: header.version,
        school: header.school.as_str(),
        recorded_at: header.recorded_at.timestamp_micros(),
        occurred_at: header.occurred_at.timestamp_micros(),
        actor: header.actor.0,
        command: header.command.0,
        correlation: header.correlation.0,
        causation: header.causation.map(|id| id.0),
        key: header.key.map(|id| id.0),
    };
    Ok(postcard::to_extend(&stored, vec![FORMAT])?.into())
}

/// Reads an envelope.
///
/// # Errors
/// When the bytes are none, or of a later format.
pub fn decode(bytes: &[u8]) -> Result<Header, NotAHeader> {
    let stored = read(bytes)?;
    let unknown = |_| NotAHeader::UnknownStream(stored.stream.to_owned());
    Ok(Header {
        stream: stored.stream.parse().map_err(unknown)?,
        revision: stored.revision,
        id: EventId(stored.id),
        kind: stored.kind.to_owned(),
        version: stored.version,
        school: stored.school.parse().map_err(|_| NotAHeader::Impossible("the school's UAI"))?,
        recorded_at: instant(stored.recorded_at)?,
        occurred_at: instant(stored.occurred_at)?,
        actor: AccountId(stored.actor),
        command: CommandId(stored.command),
        correlation: CommandId(stored.correlation),
        causation: stored.causation.map(EventId),
        key: stored.key.map(KeyId),
    })
}

/// Whether the envelope names this school, read without the rest.
pub(crate) fn is_of_school(bytes: &[u8], school: Uai) -> bool {
    read(bytes).is_ok_and(|stored| stored.school == school.as_str())
}

fn read(bytes: &[u8]) -> Result<Stored<'_>, NotAHeader> {
    match bytes.split_first() {
        Some((&FORMAT, fields)) => Ok(postcard::from_bytes(fields)?),
        other => Err(NotAHeader::UnknownFormat(other.map(|(format, _)| *format))),
    }
}

fn instant(micros: i64) -> Result<DateTime<Utc>, NotAHeader> {
    DateTime::from_timestamp_micros(micros).ok_or(NotAHeader::Impossible("an instant"))
}

#[cfg(test)]
mod tests {
    use domain::{PersonId, Stream};

    use super::*;

    #[test]
    fn an_envelope_reads_back_as_it_was_written() {
        let header = header();
        assert_eq!(decode(&encode(&header).unwrap()).unwrap(), header);
    }

    #[test]
    fn an_envelope_of_a_later_format_is_named_as_such() {
        let mut bytes = encode(&header()).unwrap().to_vec();
        bytes[0] = 9;
        assert!(matches!(decode(&bytes), Err(NotAHeader::UnknownFormat(Some(9)))));
    }

    #[test]
    fn an_envelope_of_an_unknown_kind_of_stream_is_told_from_a_damaged_one() {
        let mut bytes = encode(&header()).unwrap().to_vec();
        let kind = bytes.windows(7).position(|seven| seven == b"person-").unwrap();
        bytes[kind..kind + 7].copy_from_slice(b"canteen");
        assert!(matches!(decode(&bytes), Err(NotAHeader::UnknownStream(_))));
    }

    #[test]
    fn a_cut_envelope_is_an_error_at_every_byte() {
        let bytes = encode(&header()).unwrap();
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    fn header() -> Header {
        let id = Uuid::from_u128;
        Header {
            stream: Stream::Person(PersonId(id(1))),
            revision: 3,
            id: EventId(id(2)),
            kind: "PersonRenamed".to_owned(),
            version: 1,
            school: "0549998Z".parse().unwrap(),
            recorded_at: DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap(),
            occurred_at: DateTime::from_timestamp_micros(1_794_000_000_000_000).unwrap(),
            actor: AccountId(id(4)),
            command: CommandId(id(5)),
            correlation: CommandId(id(6)),
            causation: Some(EventId(id(7))),
            key: Some(KeyId(id(8))),
        }
    }
}
