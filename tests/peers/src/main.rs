//! The store of cqrs-es on PostgreSQL, for `bench engines` to stand beside: `peers URL WRITERS TURN_MS`
//! prints how many events a second it appends and how many it streams back.
//!
//! It gets what Préau's log gets: one event at a time from each writer, one in three the first of its
//! stream, each answered once it is committed. Nothing of Préau is used here.

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::Context;
use cqrs_es::{
    Aggregate, DomainEvent,
    event_sink::EventSink,
    persist::{PersistedEventRepository, SerializedEvent},
};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Pool, Postgres, postgres::PgPoolOptions};
use tokio::task::JoinSet;

/// The table as its authors publish it.
const TABLE: &str = "create table events (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint check (sequence >= 0) not null,
    event_type text not null,
    event_version text not null,
    payload json not null,
    metadata json not null,
    primary key (aggregate_type, aggregate_id, sequence))";

/// One event in so many begins a stream of its own.
const NEW_STREAM_EVERY: u64 = 3;

/// The content of a roll call, as long as the sealed one.
const PAYLOAD_BYTES: usize = 284;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, writers, turn] = &arguments[..] else {
        anyhow::bail!("peers URL WRITERS TURN_MS");
    };
    let (writers, turn) = (writers.parse()?, Duration::from_millis(turn.parse()?));
    let db = PgPoolOptions::new().max_connections(writers).connect(url).await?;
    sqlx::query("drop table if exists events").execute(&db).await?;
    sqlx::query(TABLE).execute(&db).await?;
    let appended = append(&db, writers, turn).await?;
    let replayed = replay(&db).await?;
    println!("{}", json!({ "append": appended, "replay": replayed }));
    Ok(())
}

/// Events a second, each persisted by itself.
async fn append(db: &Pool<Postgres>, writers: u32, turn: Duration) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let store = PostgresEventRepository::new(db.clone());
        tasks.spawn(async move {
            let (mut n, mut own) = (0_u64, 0);
            while begin.elapsed() < turn {
                let (stream, sequence) = if (u64::from(writer) + n).is_multiple_of(NEW_STREAM_EVERY)
                {
                    (format!("{writer}-{n}"), 1)
                } else {
                    own += 1;
                    (writer.to_string(), own)
                };
                store.persist::<RollCall>(&[event(stream, sequence)], None).await?;
                n += 1;
            }
            anyhow::Ok(n)
        });
    }
    let mut written = 0;
    for task in tasks.join_all().await {
        written += task?;
    }
    Ok(written as f64 / begin.elapsed().as_secs_f64())
}

/// Events a second, all of them streamed and read.
async fn replay(db: &Pool<Postgres>) -> anyhow::Result<f64> {
    let store = PostgresEventRepository::new(db.clone());
    let begin = Instant::now();
    let mut stream = store.stream_all_events::<RollCall>().await?;
    let mut read = 0_u64;
    while let Some(event) = stream.next::<RollCall>(&[]).await {
        event.context("an event that was written reads back")?;
        read += 1;
    }
    Ok(read as f64 / begin.elapsed().as_secs_f64())
}

fn event(stream: String, sequence: usize) -> SerializedEvent {
    SerializedEvent {
        aggregate_id: stream,
        sequence,
        aggregate_type: RollCall::TYPE.to_owned(),
        event_type: "RollCallTaken".to_owned(),
        event_version: "1".to_owned(),
        payload: json!({ "RollCallTaken": { "content": "x".repeat(PAYLOAD_BYTES) } }),
        metadata: json!({ "actor": "019a0000-0000-7000-8000-00000000000a" }),
    }
}

/// What the store asks of a type that it keeps events of.
#[derive(Debug, Default, Serialize, Deserialize)]
struct RollCall;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum RollCallEvent {
    RollCallTaken { content: String },
}

impl DomainEvent for RollCallEvent {
    fn event_type(&self) -> String {
        "RollCallTaken".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for RollCall {
    const TYPE: &'static str = "roll-call";
    type Command = ();
    type Event = RollCallEvent;
    type Error = std::fmt::Error;
    type Services = ();

    async fn handle(&mut self, _: (), _: &(), _: &EventSink<Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: RollCallEvent) {}
}
