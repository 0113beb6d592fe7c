//! Old events, about a thousand to a row: what history costs is the price of a row, not of a byte.
//!
//! A segment is one byte of format, then each event as [`ENTRY`] bytes of numbers, its envelope and
//! its content; the whole is compressed by zstd. Sealed contents do not shrink, envelopes do.
//! Which streams a segment holds is told beside it, in `segment_stream`.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{place, reader::placed};
use crate::log::group::Placed;

/// The most events of one segment.
pub(super) const EVENTS_MAX: usize = 1_000;

/// A segment ends once it holds this many bytes, so that one with large contents stays readable.
const BYTES_MAX: usize = 4 << 20;

/// Position, stream and revision in eight bytes each, the id in sixteen, two lengths in four each.
const ENTRY: usize = 48;

const FORMAT: u8 = 1;

/// Level 3 packs a thousand events in about three milliseconds; higher ones gain little on seals.
const COMPRESSION_LEVEL: i32 = 3;

/// `segment_stream` rows of one statement, far under SQLite's limit of 32 766 parameters.
const ROWS_MAX: usize = 500;

const OLDEST: &str = "select position, stream, revision, id, header, payload
    from event where position > $1 and position <= $2 order by position limit $3";

/// What is wrong with bytes that should be a segment.
#[derive(Debug, thiserror::Error)]
#[error("a segment of the log is damaged")]
pub(super) struct Damaged;

/// Events taken together, not yet written.
pub(super) struct Segment {
    first_position: u64,
    /// Events up to here are in it.
    pub(super) last_position: u64,
    events: usize,
    data: Vec<u8>,
    streams: BTreeMap<i64, (u64, u64)>,
}

/// The oldest rows after position `after` as a segment, when there are enough of them up to `until`.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn gather(
    store: &mut SqliteConnection,
    after: u64,
    until: u64,
) -> Result<Option<Segment>, sqlx::Error> {
    let mut rows = sqlx::query(OLDEST)
        .bind(place(after))
        .bind(place(until))
        .bind(EVENTS_MAX.cast_signed() as i64)
        .fetch(store);
    let (mut events, mut bytes) = (Vec::with_capacity(EVENTS_MAX), 0);
    while let Some(row) = rows.try_next().await? {
        let event = placed(&row)?;
        bytes += ENTRY + event.header.len() + event.payload.len();
        events.push(event);
        if bytes >= BYTES_MAX {
            break;
        }
    }
    let full = events.len() == EVENTS_MAX || bytes >= BYTES_MAX;
    if full { Ok(Some(pack(&events)?)) } else { Ok(None) }
}

/// Moves the events of a segment out of their rows. To be called within a transaction.
///
/// # Errors
/// When a statement fails.
pub(super) async fn store(
    store: &mut SqliteConnection,
    segment: Segment,
) -> Result<(), sqlx::Error> {
    let last = place(segment.last_position);
    sqlx::query(
        "insert into segment (last_position, first_position, events, data) values ($1, $2, $3, $4)",
    )
    .bind(last)
    .bind(place(segment.first_position))
    .bind(segment.events as i64)
    .bind(segment.data)
    .execute(&mut *store)
    .await?;
    let streams = Vec::from_iter(segment.streams);
    for rows in streams.chunks(ROWS_MAX) {
        QueryBuilder::<Sqlite>::new(
            "insert into segment_stream (stream, segment, first_revision, last_revision) ",
        )
        .push_values(rows, |mut row, (stream, (first, until))| {
            row.push_bind(stream).push_bind(last);
            row.push_bind(place(*first)).push_bind(place(*until));
        })
        .build()
        .persistent(false)
        .execute(&mut *store)
        .await?;
    }
    sqlx::query("delete from event where position <= $1").bind(last).execute(store).await?;
    Ok(())
}

/// The events of a segment's `data`, in order. Envelopes and contents are slices of one block.
///
/// # Errors
/// When the bytes are not those of a segment.
pub(super) fn unpack(data: &[u8]) -> Result<Vec<Placed>, sqlx::Error> {
    let size = zstd::bulk::Decompressor::upper_bound(data).ok_or_else(damaged)?;
    let mut rest = Bytes::from(zstd::bulk::decompress(data, size)?);
    if rest.try_get_u8().ok() != Some(FORMAT) {
        return Err(damaged());
    }
    let mut events = Vec::with_capacity(EVENTS_MAX);
    while !rest.is_empty() {
        events.push(entry(&mut rest).ok_or_else(damaged)?);
    }
    Ok(events)
}

/// Events as a segment; at least one.
///
/// # Errors
/// When there is none, or one is too large.
pub(super) fn pack(events: &[Placed]) -> Result<Segment, sqlx::Error> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Err(damaged());
    };
    let mut bytes = vec![FORMAT];
    let mut streams = BTreeMap::new();
    for event in events {
        bytes.extend(event.position.to_le_bytes());
        bytes.extend(event.stream.to_le_bytes());
        bytes.extend(event.revision.to_le_bytes());
        bytes.extend(event.id);
        bytes.extend(length(&event.header)?.to_le_bytes());
        bytes.extend(length(&event.payload)?.to_le_bytes());
        bytes.extend_from_slice(&event.header);
        bytes.extend_from_slice(&event.payload);
        streams.entry(event.stream).or_insert((event.revision, event.revision)).1 = event.revision;
    }
    Ok(Segment {
        first_position: first.position,
        last_position: last.position,
        events: events.len(),
        data: zstd::bulk::compress(&bytes, COMPRESSION_LEVEL)?,
        streams,
    })
}

fn entry(rest: &mut Bytes) -> Option<Placed> {
    if rest.len() < ENTRY {
        return None;
    }
    let (position, stream) = (rest.get_u64_le(), rest.get_i64_le());
    let revision = rest.get_u64_le();
    let mut id = [0; 16];
    rest.copy_to_slice(&mut id);
    let (header, payload) = (rest.get_u32_le() as usize, rest.get_u32_le() as usize);
    if rest.len() < header.checked_add(payload)? {
        return None;
    }
    let (header, payload) = (rest.split_to(header), rest.split_to(payload));
    Some(Placed { position, stream, revision, id, header, payload })
}

fn length(bytes: &Bytes) -> Result<u32, sqlx::Error> {
    u32::try_from(bytes.len()).map_err(|_| damaged())
}

fn damaged() -> sqlx::Error {
    sqlx::Error::Decode(Box::new(Damaged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_events_come_back_as_they_were() {
        let events = [event(1, b"envelope", b"content"), event(2, b"", b"")];
        assert_eq!(unpack(&pack(&events).unwrap().data).unwrap(), events);
    }

    #[test]
    fn a_segment_cut_short_is_an_error_at_every_byte() {
        let whole = zstd::bulk::decompress(&pack(&[event(1, b"abc", b"de")]).unwrap().data, 99);
        let whole = whole.unwrap();
        for end in (0..whole.len()).filter(|end| *end != 1) {
            let cut = zstd::bulk::compress(&whole[..end], 1).unwrap();
            assert!(unpack(&cut).is_err(), "cut at {end}");
        }
    }

    fn event(position: u64, header: &'static [u8], payload: &'static [u8]) -> Placed {
        let (header, payload) = (Bytes::from_static(header), Bytes::from_static(payload));
        Placed { position, stream: 7, revision: position + 3, id: [9; 16], header, payload }
    }
}
