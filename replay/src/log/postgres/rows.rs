//! The statements of the writer: few for many rows, each a round trip.

use std::collections::HashMap;

use domain::Stream;
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use super::{listening::CHANNEL, number, place};
use crate::log::{
    LogName,
    group::{Ends, Group, Head},
};

/// Begins to write. The isolation is said: each statement after the lock must see what was committed
/// before it. A process that stands still with the lock in its hand is let go by the server, so that
/// it holds up the others for seconds only.
pub(super) const BEGIN: &str = "begin isolation level read committed; \
    set local statement_timeout = '8s'; set local lock_timeout = '8s'; \
    set local idle_in_transaction_session_timeout = '5s'";

/// Events destroyed in one step.
const PRUNED_MAX: i64 = 5_000;

const LOCK: &str = "select position, stream from preau.head where log = $1 for update";

const HEADS: &str = "select name, stream, coalesce(
        (select max(revision) from preau.event
            where event.log = $1 and event.stream = stream.stream),
        pruned_revision, -1) + 1
    from preau.stream where log = $1 and name = any($2)";

/// The positions move on in the same statement that uses them. Where the log ends elsewhere by then
/// nothing is written: whoever waited for the row looks at it again.
const WRITE: &str = "with moved as (
        update preau.head set position = $2, stream = $3 where log = $1 and position = $13
        returning log
    ), begun as (
        insert into preau.stream (log, stream, name)
        select moved.log, begun.* from moved, unnest($4::bigint[], $5::text[]) as begun
    ), written as (
        insert into preau.event (log, position, stream, revision, id, header, payload)
        select moved.log, written.* from moved, unnest($6::bigint[], $7::bigint[], $8::bigint[],
            $9::uuid[], $10::bytea[], $11::bytea[]) as written
    )
    select pg_notify($12, '') from moved";

const OLDEST: &str = "select min(position) from preau.event where log = $1";

const REMEMBER: &str = "update preau.stream set pruned_revision = last.revision
    from (select stream, max(revision) as revision from preau.event
        where log = $1 and position <= $2 group by stream) as last
    where stream.log = $1 and stream.stream = last.stream";

const DESTROY: &str = "delete from preau.event where log = $1 and position <= $2";

/// Takes the log for this transaction, and says where it ends. Waits for who has it.
pub(super) async fn lock(store: &mut PgConnection, name: LogName) -> Result<Ends, sqlx::Error> {
    let (position, stream): (i64, i64) =
        sqlx::query_as(LOCK).persistent(false).bind(number(name)).fetch_one(store).await?;
    Ok(Ends { position: position.cast_unsigned(), stream })
}

/// Where those of the streams stand that exist.
pub(super) async fn heads_of(
    store: &mut PgConnection,
    name: LogName,
    streams: &[Stream],
) -> Result<HashMap<Stream, Head>, sqlx::Error> {
    let names: Vec<_> = streams.iter().map(Stream::to_string).collect();
    let found = sqlx::query(HEADS).persistent(false).bind(number(name)).bind(names);
    let head = |row: PgRow| {
        let name: &str = row.try_get(0)?;
        let stream = name.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let next = row.try_get::<i64, _>(2)?.cast_unsigned();
        Ok((stream, Head { number: row.try_get(1)?, next }))
    };
    found.fetch_all(store).await?.into_iter().map(head).collect()
}

/// Writes the new streams and the events of a group that was formed where the log ends, and moves that
/// end. Says whether the log still ended there.
pub(super) async fn write(
    store: &mut PgConnection,
    name: LogName,
    group: &Group,
) -> Result<bool, sqlx::Error> {
    let (numbers, names): (Vec<_>, Vec<_>) =
        group.begun.iter().map(|(number, stream)| (*number, stream.to_string())).unzip();
    let parts = group.accepted.iter().map(|accepted| &accepted.append.asked);
    let events = || parts.clone().flat_map(|part| &part.events);
    let places = group.places.iter();
    let written = sqlx::query(WRITE)
        .persistent(false)
        .bind(number(name))
        .bind(place(group.ends.position))
        .bind(group.ends.stream)
        .bind(numbers)
        .bind(names)
        .bind(places.clone().map(|at| place(at.position)).collect::<Vec<_>>())
        .bind(places.clone().map(|at| at.stream).collect::<Vec<_>>())
        .bind(places.map(|at| place(at.revision)).collect::<Vec<_>>())
        .bind(events().map(|event| event.id.0).collect::<Vec<Uuid>>())
        .bind(events().map(|event| &event.header[..]).collect::<Vec<_>>())
        .bind(events().map(|event| &event.payload[..]).collect::<Vec<_>>())
        .bind(CHANNEL)
        .bind(place(group.began.position))
        .fetch_optional(store)
        .await?;
    Ok(written.is_some())
}

/// Destroys some of the events up to a position, the oldest first. Says whether any may be left.
pub(super) async fn prune(store: &PgPool, name: LogName, upto: u64) -> Result<bool, sqlx::Error> {
    let mut pruning = store.begin_with(BEGIN).await?;
    let oldest = sqlx::query_scalar(OLDEST).persistent(false).bind(number(name));
    let oldest: Option<i64> = oldest.fetch_one(&mut *pruning).await?;
    let until = oldest.map_or(0, |oldest| place(upto).min(oldest + PRUNED_MAX - 1));
    if oldest.is_none_or(|oldest| oldest > until) {
        return Ok(false);
    }
    for statement in [REMEMBER, DESTROY] {
        let statement = sqlx::query(statement).persistent(false).bind(number(name)).bind(until);
        statement.execute(&mut *pruning).await?;
    }
    pruning.commit().await?;
    Ok(until < place(upto))
}
