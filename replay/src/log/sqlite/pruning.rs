//! Destroying the oldest events of a log that is not kept for ever.
//!
//! A step is one transaction of bounded size; between two of them the writer serves others. The
//! pages of the file that become free are used again. Positions and revisions never move back: how
//! far the log was destroyed is in `pruned`, where its streams stood in `pruned_stream`.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::{place, segments};

/// Segments destroyed in one step.
const SEGMENTS_MAX: i64 = 16;

/// Rows destroyed in one step.
const ROWS_MAX: i64 = 5_000;

/// `pruned_stream` rows of one statement.
const STREAMS_MAX: usize = 500;

const OF_SEGMENTS: &str = "insert into pruned_stream (stream, last_revision)
    select stream, max(last_revision) from segment_stream where segment <= $1 group by stream
    on conflict (stream) do update set last_revision = excluded.last_revision";

const OF_ROWS: &str = "insert into pruned_stream (stream, last_revision)
    select stream, max(revision) from event where position <= $1 group by stream
    on conflict (stream) do update set last_revision = excluded.last_revision";

const REACHED: &str = "insert into pruned (id, position) values (1, $1)
    on conflict (id) do update set position = max(position, excluded.position)";

/// Destroys some of the events up to a position, the oldest first, and says up to where none is
/// left. To be called within a transaction, until that is `upto`.
///
/// # Errors
/// When a statement fails.
pub(super) async fn step(store: &mut SqliteConnection, upto: u64) -> Result<u64, sqlx::Error> {
    let reached = match whole_segments(store, place(upto)).await? {
        Some(last) => last,
        None if split_segment(store, upto).await? => place(upto),
        None => rows(store, place(upto)).await?,
    };
    sqlx::query(REACHED).bind(reached).execute(store).await?;
    Ok(reached.cast_unsigned())
}

/// The oldest segments that hold nothing younger.
async fn whole_segments(
    store: &mut SqliteConnection,
    upto: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar(
        "select max(last_position) from (select last_position from segment
            where last_position <= $1 order by last_position limit $2)",
    )
    .bind(upto)
    .bind(SEGMENTS_MAX)
    .fetch_one(&mut *store)
    .await?;
    let Some(last) = last else { return Ok(None) };
    for statement in [
        OF_SEGMENTS,
        "delete from segment_stream where segment <= $1",
        "delete from segment where last_position <= $1",
    ] {
        sqlx::query(statement).bind(last).execute(&mut *store).await?;
    }
    Ok(Some(last))
}

/// The older part of the segment that a position lies in. Says whether there is one.
async fn split_segment(store: &mut SqliteConnection, upto: u64) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("select last_position, data from segment where first_position <= $1")
        .bind(place(upto))
        .fetch_optional(&mut *store)
        .await?;
    let Some(found) = found else { return Ok(false) };
    let last: i64 = found.try_get(0)?;
    let events = segments::unpack(found.try_get(1)?)?;
    let (old, young): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.position <= upto);
    let streams: BTreeMap<i64, u64> =
        old.iter().map(|event| (event.stream, event.revision)).collect();
    for rows in Vec::from_iter(streams).chunks(STREAMS_MAX) {
        QueryBuilder::<Sqlite>::new("insert into pruned_stream (stream, last_revision) ")
            .push_values(rows, |mut row, (stream, revision)| {
                row.push_bind(*stream).push_bind(place(*revision));
            })
            .push(" on conflict (stream) do update set last_revision = excluded.last_revision")
            .build()
            .persistent(false)
            .execute(&mut *store)
            .await?;
    }
    for delete in [
        "delete from segment_stream where segment = $1",
        "delete from segment where last_position = $1",
    ] {
        sqlx::query(delete).bind(last).execute(&mut *store).await?;
    }
    segments::store(store, segments::pack(&young)?).await?;
    Ok(true)
}

/// The oldest rows. Nothing is left up to the position that is answered.
async fn rows(store: &mut SqliteConnection, upto: i64) -> Result<i64, sqlx::Error> {
    let first: Option<i64> =
        sqlx::query_scalar("select min(position) from event").fetch_one(&mut *store).await?;
    let until = first.map_or(upto, |first| upto.min(first + ROWS_MAX - 1));
    for statement in [OF_ROWS, "delete from event where position <= $1"] {
        sqlx::query(statement).bind(until).execute(&mut *store).await?;
    }
    Ok(until)
}
