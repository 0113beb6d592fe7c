//! Every engine of the log in one table: appends with few and many writers, and reading all back;
//! beside them, in the same run and on the same PostgreSQL, what others do there.
//!
//! A plain sequence is what a table of events comes to by itself: `bigserial`, a row a commit. It is
//! quick to write and loses events to readers, since numbers are given in another order than commits
//! are made. The store of cqrs-es is built and run as a program of its own, `tests/peers`. The double
//! of EventStoreDB keeps everything in memory: its figures tell what our side of the engine costs, and
//! nothing about a server; `--event-store` names a real one.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use replay::{
    header,
    log::{Filter, Log, LogName, NewEvent},
    place::LogUrl,
};
use serde_json::Value;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tests::{esdb_double::Double, postgres::Server};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Measure, append, median};

const WRITERS: [usize; 3] = [1, 16, 64];

/// Events that are asked for at once when all are read back.
const PAGE_EVENTS: usize = 10_000;

/// A table of events as one writes it down first.
const PLAIN: [&str; 2] = [
    "drop table if exists plain_event",
    "create table plain_event (position bigserial primary key, stream uuid not null,
        revision bigint not null, header bytea not null, payload bytea not null,
        unique (stream, revision))",
];

/// How long to measure, and where.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Effort {
    /// Turns of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Milliseconds of each turn.
    #[arg(long, default_value_t = 2_000)]
    turn_ms: u64,
    /// A server to write to instead of the double; what is written there stays.
    #[arg(long, value_name = "URL")]
    event_store: Option<LogUrl>,
}

/// Events a second.
#[derive(Clone, Copy)]
struct Rates {
    append: f64,
    replay: f64,
}

/// One side of the comparison, with the rates of its turns.
struct Side {
    name: &'static str,
    turns: Vec<Rates>,
}

/// Measures all sides, turn by turn, in a folder of its own within `folder`.
pub(super) async fn run(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let folder = tempfile::tempdir_in(folder)?;
    let server = Server::start().context("there is no PostgreSQL here")?;
    let event = append::sample()?;
    let mut measures = Vec::new();
    for writers in WRITERS {
        let mut sides = ["SQLite", "PostgreSQL", "EventStoreDB", "a plain sequence", "cqrs-es"]
            .map(|name| Side { name, turns: Vec::new() });
        for round in 0..effort.rounds {
            let double = Double::start();
            let turn =
                Turn { writers, length: Duration::from_millis(effort.turn_ms), event: &event };
            let files = LogUrl::Sqlite(folder.path().join(format!("{writers}-{round}")));
            let event_store = match &effort.event_store {
                Some(url) => url.clone(),
                None => double.url().parse()?,
            };
            let rates = [
                turn.of_log(&files).await?,
                turn.of_log(&server.database().parse()?).await?,
                turn.of_log(&event_store).await?,
                turn.of_plain_sequence(&server.database()).await?,
                turn.of_cqrs_es(&server.database())?,
            ];
            sides.iter_mut().zip(rates).for_each(|(side, rates)| side.turns.push(rates));
        }
        measures.extend(compared(&sides, writers));
    }
    Ok(measures)
}

/// Each engine beside each of the others' ways.
fn compared(sides: &[Side], writers: usize) -> Vec<Measure> {
    let (ours, theirs) = sides.split_at(3);
    let mut measures = Vec::new();
    for (engine, other) in ours.iter().flat_map(|our| theirs.iter().map(move |their| (our, their)))
    {
        for (what, rate) in
            [("append", (|r| r.append) as fn(&Rates) -> f64), ("read", |r| r.replay)]
        {
            let rates = |side: &Side| side.turns.iter().map(rate).collect::<Vec<_>>();
            let (value, against) = (rates(engine), rates(other));
            let ratios = value.iter().zip(&against).map(|(value, against)| value / against);
            measures.push(Measure {
                name: format!("{what}, {writers} writers, {} / {}", engine.name, other.name),
                ratio: median(ratios.collect()),
                value: median(value),
                unit: "events/s",
                against: median(against),
            });
        }
    }
    measures
}

/// What one side does in its turn.
struct Turn<'a> {
    writers: usize,
    length: Duration,
    event: &'a NewEvent,
}

impl Turn<'_> {
    async fn of_log(&self, url: &LogUrl) -> anyhow::Result<Rates> {
        let append = append::through_the_log(url, self.writers, self.length, self.event).await?;
        let log = Log::open(url, LogName::School).await?;
        let (begin, mut read, mut after) = (Instant::now(), 0_u64, 0);
        loop {
            let page = log.read_all(after, PAGE_EVENTS, Filter::default()).await?;
            for event in &page.events {
                header::decode(&event.header)?;
                read += 1;
            }
            if page.caught_up {
                break;
            }
            after = page.next;
        }
        let replay = read as f64 / begin.elapsed().as_secs_f64();
        log.close().await;
        Ok(Rates { append, replay })
    }

    async fn of_plain_sequence(&self, url: &str) -> anyhow::Result<Rates> {
        let connections = u32::try_from(self.writers)?;
        let db = PgPoolOptions::new().max_connections(connections).connect(url).await?;
        for statement in PLAIN {
            sqlx::query(statement).execute(&db).await?;
        }
        let (begin, length) = (Instant::now(), self.length);
        let mut tasks = JoinSet::new();
        for writer in 0..self.writers as u64 {
            let (db, event) = (db.clone(), self.event.clone());
            tasks.spawn(async move {
                let mut n = 0;
                while begin.elapsed() < length {
                    insert(&db, writer, n, &event).await?;
                    n += 1;
                }
                anyhow::Ok(n)
            });
        }
        let mut written = 0;
        for task in tasks.join_all().await {
            written += task?;
        }
        let append = written as f64 / begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let all = "select position, header, payload from plain_event order by position";
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(all).fetch_all(&db).await?;
        for (_, header, _) in &rows {
            header::decode(header)?;
        }
        Ok(Rates { append, replay: rows.len() as f64 / begin.elapsed().as_secs_f64() })
    }

    fn of_cqrs_es(&self, url: &str) -> anyhow::Result<Rates> {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/Cargo.toml");
        let told = Command::new("cargo")
            .args([
                "run",
                "--locked",
                "--quiet",
                "--release",
                "--manifest-path",
                manifest,
                "--",
                url,
            ])
            .args([self.writers.to_string(), self.length.as_millis().to_string()])
            .output()?;
        ensure!(told.status.success(), "tests/peers: {}", String::from_utf8_lossy(&told.stderr));
        let told: Value = serde_json::from_slice(&told.stdout)?;
        let rate = |what: &str| told[what].as_f64().context("tests/peers tells its rates");
        Ok(Rates { append: rate("append")?, replay: rate("replay")? })
    }
}

/// One event in a commit of its own; one in three begins a stream.
async fn insert(db: &PgPool, writer: u64, n: i64, event: &NewEvent) -> anyhow::Result<()> {
    let begins = append::begins(writer, n.cast_unsigned());
    let (stream, revision) =
        if begins { (Uuid::now_v7(), 0) } else { (Uuid::from_u128(writer.into()), n) };
    sqlx::query(
        "insert into plain_event (stream, revision, header, payload) values ($1, $2, $3, $4)",
    )
    .bind(stream)
    .bind(revision)
    .bind(&event.header[..])
    .bind(&event.payload[..])
    .execute(db)
    .await?;
    Ok(())
}
