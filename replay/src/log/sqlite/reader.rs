//! Reading the log: rows at its head, segments of old events before them.
//!
//! Events move from rows to segments, never back, and always the oldest first. Every question is
//! therefore asked of the rows first and of the segments second: what has moved in between is found
//! in its new place, and nothing is missed without a transaction.

use domain::Stream;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{place, segments};
use crate::log::group::Placed;

const STREAM_ROWS: &str = "select position, stream, revision, id, header, payload from event
    where stream = (select stream from stream where name = $1) and revision >= $2
    order by revision limit $3";

/// One segment for each stretch of the stream, oldest first.
const STREAM_SEGMENTS: &str = "select stretch.stream, data
    from segment_stream as stretch join segment on last_position = stretch.segment
    where stretch.stream = (select stream from stream where name = $1) and last_revision >= $2
    order by stretch.segment limit 1";

const ALL_ROWS: &str = "select position, stream, revision, id, header, payload from event
    where position > $1 order by position limit $2";

const ALL_SEGMENTS: &str =
    "select data from segment where last_position > $1 order by last_position limit $2";

/// At most `max` events of a stream, from revision `from` on.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn of_stream(
    store: &mut SqliteConnection,
    stream: Stream,
    mut from: u64,
    max: usize,
) -> Result<Vec<Placed>, sqlx::Error> {
    let name = stream.to_string();
    let rows = sqlx::query(STREAM_ROWS)
        .bind(&name)
        .bind(place(from))
        .bind(max as i64)
        .fetch_all(&mut *store)
        .await?;
    let rows = rows.iter().map(placed).collect::<Result<Vec<_>, _>>()?;
    let until = rows.first().map_or(u64::MAX, |row| row.revision);
    let mut events = Vec::new();
    while from < until && events.len() < max {
        let found = sqlx::query(STREAM_SEGMENTS)
            .bind(&name)
            .bind(place(from))
            .fetch_optional(&mut *store)
            .await?;
        let Some(found) = found else { break };
        let number: i64 = found.try_get(0)?;
        let mut stretch = segments::unpack(found.try_get(1)?)?;
        stretch.retain(|event| event.stream == number && (from..until).contains(&event.revision));
        let Some(last) = stretch.last() else { break };
        from = last.revision + 1;
        events.append(&mut stretch);
    }
    events.extend(rows);
    events.truncate(max);
    Ok(events)
}

/// Old events after a position, up to about `max`. None when they are all in rows.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn packed_after(
    store: &mut SqliteConnection,
    after: u64,
    max: usize,
) -> Result<Vec<Placed>, sqlx::Error> {
    let many = (max / segments::EVENTS_MAX).max(1);
    let found =
        sqlx::query(ALL_SEGMENTS).bind(place(after)).bind(many as i64).fetch_all(store).await?;
    let mut events = Vec::new();
    for segment in &found {
        events.append(&mut segments::unpack(segment.try_get(0)?)?);
    }
    events.retain(|event| event.position > after);
    Ok(events)
}

/// At most `max` events after a position that are still in rows.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn unpacked_after(
    store: &mut SqliteConnection,
    after: u64,
    max: usize,
) -> Result<Vec<Placed>, sqlx::Error> {
    let query = sqlx::query(ALL_ROWS).bind(place(after)).bind(max as i64);
    query.fetch_all(store).await?.iter().map(placed).collect()
}

/// The event of a row with all columns, in the order of [`Placed`].
///
/// # Errors
/// When the row is not of that form.
pub(super) fn placed(row: &SqliteRow) -> Result<Placed, sqlx::Error> {
    let id: &[u8] = row.try_get(3)?;
    Ok(Placed {
        position: row.try_get::<i64, _>(0)?.cast_unsigned(),
        stream: row.try_get(1)?,
        revision: row.try_get::<i64, _>(2)?.cast_unsigned(),
        id: id.try_into().map_err(|wrong| sqlx::Error::Decode(Box::new(wrong)))?,
        header: row.try_get::<Vec<u8>, _>(4)?.into(),
        payload: row.try_get::<Vec<u8>, _>(5)?.into(),
    })
}
