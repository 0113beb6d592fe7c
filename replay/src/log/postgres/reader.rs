//! Reading. A statement alone is not safe behind a pooler, which may give its two halves to two
//! servers' connections: each is in a transaction.

use bytes::Bytes;
use domain::Stream;
use sqlx::{Connection, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use super::{Placed, number, place};
use crate::log::{LogName, StoredEvent};

/// Begins to read. Whoever stops in the middle is let go.
pub(super) const BEGIN: &str = "begin isolation level read committed read only; \
    set local statement_timeout = '60s'; set local idle_in_transaction_session_timeout = '10s'";

const HEAD: &str = "select position from preau.head where log = $1";

const OF_STREAM: &str = "select position, stream, revision, id, header, payload from preau.event
    where log = $1 and stream = (select stream from preau.stream where log = $1 and name = $2)
        and revision >= $3
    order by revision limit $4";

const AFTER: &str = "select position, header, payload from preau.event
    where log = $1 and position > $2 order by position limit $3";

/// Where the log ends.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn head(readers: &PgPool, name: LogName) -> Result<u64, sqlx::Error> {
    let mut reading = readers.begin_with(BEGIN).await?;
    let head = sqlx::query_scalar(HEAD).persistent(false).bind(number(name));
    let head: i64 = head.fetch_one(&mut *reading).await?;
    reading.commit().await?;
    Ok(head.cast_unsigned())
}

/// The number of the server's process that a connection is one with.
///
/// # Errors
/// When the database cannot be asked.
pub(super) async fn backend(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let mut reading = connection.begin_with(BEGIN).await?;
    let backend = sqlx::query_scalar("select pg_backend_pid()").persistent(false);
    let backend = backend.fetch_one(&mut *reading).await?;
    reading.commit().await?;
    Ok(backend)
}

/// At most `max` events of a stream, from revision `from` on.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn of_stream(
    reading: &mut PgConnection,
    name: LogName,
    stream: Stream,
    from: u64,
    max: usize,
) -> Result<Vec<Placed>, sqlx::Error> {
    let rows = sqlx::query(OF_STREAM)
        .persistent(false)
        .bind(number(name))
        .bind(stream.to_string())
        .bind(place(from))
        .bind(place(max as u64))
        .fetch_all(reading)
        .await?;
    let placed = |row: &PgRow| {
        Ok(Placed {
            position: row.try_get::<i64, _>(0)?.cast_unsigned(),
            stream: row.try_get(1)?,
            revision: row.try_get::<i64, _>(2)?.cast_unsigned(),
            id: *row.try_get::<Uuid, _>(3)?.as_bytes(),
            header: bytes(row, 4)?,
            payload: bytes(row, 5)?,
        })
    };
    rows.iter().map(placed).collect()
}

/// At most `max` events after a position.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn after(
    reading: &mut PgConnection,
    name: LogName,
    after: u64,
    max: usize,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query(AFTER)
        .persistent(false)
        .bind(number(name))
        .bind(place(after))
        .bind(place(max as u64))
        .fetch_all(reading)
        .await?;
    let stored = |row: &PgRow| {
        let position = row.try_get::<i64, _>(0)?.cast_unsigned();
        Ok(StoredEvent { position, header: bytes(row, 1)?, payload: bytes(row, 2)? })
    };
    rows.iter().map(stored).collect()
}

fn bytes(row: &PgRow, column: usize) -> Result<Bytes, sqlx::Error> {
    Ok(Bytes::copy_from_slice(row.try_get::<&[u8], _>(column)?))
}
