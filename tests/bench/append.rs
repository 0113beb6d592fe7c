//! Durable appends a second, beside what SQLite itself can commit on the same disk.
//!
//! Both sides write the same rows into the same tables in groups of the same size: one through
//! `Log::append`, with its queue, its checks and its answers, the other with nothing but `begin`,
//! `insert` and `commit`. They take turns, and each is compared with the turn beside it, because
//! disks and neighbours are noisy; what is told is the median. What packing old events costs is
//! not measured here: a turn ends before there are any.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use chrono::DateTime;
use domain::{AccountId, CommandId, EventId, Header, LessonId, Stream};
use replay::{
    header,
    log::{Expected, Log, LogName, NewEvent, StreamAppend},
    place::LogUrl,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Measure, median};

/// Writers that append at the same time, each one event at a time.
const WRITERS: [usize; 4] = [1, 16, 64, 256];

/// One event in so many begins a stream of its own; the others continue their writer's stream.
const NEW_STREAM_EVERY: u64 = 3;

/// A roll call of a class of thirty, sealed.
const PAYLOAD_BYTES: usize = 284;

/// The cache of both sides, in KiB as SQLite counts it.
const CACHE: &str = "-65536";

/// How long to measure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Effort {
    /// Turns of each side.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Milliseconds of each turn.
    #[arg(long, default_value_t = 500)]
    turn_ms: u64,
}

/// Measures every number of writers, in a folder of its own within `folder`.
pub(super) async fn run(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let turn = Duration::from_millis(effort.turn_ms);
    let event = sample()?;
    // Deleted only at the end: the disk would be busy with it during the next turn.
    let folder = tempfile::tempdir_in(folder)?;
    let mut measures = Vec::new();
    for writers in WRITERS {
        let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..effort.rounds {
            let place = |side| folder.path().join(format!("{writers}-{round}-{side}"));
            let log = LogUrl::Sqlite(place("log"));
            let value = through_the_log(&log, writers, turn, &event).await?;
            let against = bare_commits(&place("bare"), writers, turn, &event).await?;
            ours.push(value);
            bare.push(against);
            ratios.push(value / against);
        }
        measures.push(Measure {
            name: format!("append, {writers} writers, against bare group commit"),
            value: median(ours),
            unit: "events/s",
            against: median(bare),
            ratio: median(ratios),
        });
    }
    Ok(measures)
}

/// Events a second that so many writers append to a log in one turn.
pub(super) async fn through_the_log(
    url: &LogUrl,
    writers: usize,
    turn: Duration,
    event: &NewEvent,
) -> anyhow::Result<f64> {
    let log = Log::open(url, LogName::School).await?;
    let all = (0..writers as u64).map(|number| Writer {
        log: log.clone(),
        number,
        turn: 0,
        own: Expected::NoStream,
        event: event.clone(),
    });
    let warm = together(all.collect(), move |turn| turn == warm_up(writers)).await?;
    let begin = Instant::now();
    let done = together(warm, move |_| begin.elapsed() >= turn).await?;
    let written: u64 = done.iter().map(|writer| writer.turn - warm_up(writers)).sum();
    let rate = written as f64 / begin.elapsed().as_secs_f64();
    log.close().await;
    Ok(rate)
}

async fn together(
    writers: Vec<Writer>,
    is_over: impl Fn(u64) -> bool + Copy + Send + 'static,
) -> anyhow::Result<Vec<Writer>> {
    let tasks: JoinSet<_> =
        writers.into_iter().map(|writer| writer.append_until(is_over)).collect();
    tasks.join_all().await.into_iter().collect()
}

/// One of those who append at the same time.
struct Writer {
    log: Log,
    number: u64,
    turn: u64,
    own: Expected,
    event: NewEvent,
}

impl Writer {
    async fn append_until(mut self, is_over: impl Fn(u64) -> bool) -> anyhow::Result<Self> {
        while !is_over(self.turn) {
            let begins = begins(self.number, self.turn);
            let (stream, expected) = if begins {
                (stream(self.number, self.turn + 1), Expected::NoStream)
            } else {
                (stream(self.number, 0), self.own)
            };
            let id = id(self.number, self.turn);
            let events = vec![NewEvent { id, ..self.event.clone() }];
            let answer = self.log.append(StreamAppend { stream, expected, events }).await?;
            if !begins {
                self.own = Expected::Revision(answer.revision);
            }
            self.turn += 1;
        }
        Ok(self)
    }
}

async fn bare_commits(
    folder: &Path,
    writers: usize,
    turn: Duration,
    event: &NewEvent,
) -> anyhow::Result<f64> {
    // The tables are the log's own.
    Log::open(&LogUrl::Sqlite(folder.into()), LogName::School).await?.close().await;
    let mut store = SqliteConnectOptions::new()
        .filename(folder.join("school.log"))
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", CACHE)
        .disable_statement_logging()
        .connect()
        .await?;
    let mut bare = Bare { position: 0, streams: writers as i64, revisions: vec![0; writers] };
    for turn in 0..warm_up(writers) {
        bare.commit(&mut store, turn, event).await?;
    }
    let (begin, before) = (Instant::now(), bare.position);
    for number in warm_up(writers).. {
        if begin.elapsed() >= turn {
            break;
        }
        bare.commit(&mut store, number, event).await?;
    }
    let rate = (bare.position - before) as f64 / begin.elapsed().as_secs_f64();
    store.close().await?;
    Ok(rate)
}

/// Appends of each writer before the clock starts, enough for both sides to have come back to the
/// beginning of their write-ahead log: as long as that file grows, a commit costs twice as much.
fn warm_up(writers: usize) -> u64 {
    2_500 / (4 + writers as u64)
}

/// Whether a writer's event of this turn begins a stream.
pub(super) fn begins(writer: u64, turn: u64) -> bool {
    (writer + turn).is_multiple_of(NEW_STREAM_EVERY)
}

/// What the bare side must count by itself.
struct Bare {
    position: i64,
    streams: i64,
    revisions: Vec<i64>,
}

impl Bare {
    /// One event of each writer in one transaction, sent to SQLite as one text.
    async fn commit(
        &mut self,
        store: &mut SqliteConnection,
        turn: u64,
        event: &NewEvent,
    ) -> Result<(), sqlx::Error> {
        let (mut begun, mut rows) = (Vec::new(), Vec::new());
        for writer in 0..self.revisions.len() {
            let (number, revision) = self.place(writer, turn, &mut begun);
            rows.push((number, revision, id(writer as u64, turn)));
        }
        let streams = insert("stream (stream, name)", "(?, ?)", begun.len());
        let table = "event (position, stream, revision, id, header, payload)";
        let events = insert(table, "(?, ?, ?, ?, ?, ?)", rows.len());
        let text = format!("begin immediate; {streams} {events} commit");
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (number, stream) in begun {
            query = query.bind(number).bind(stream.to_string());
        }
        for (number, revision, id) in rows {
            self.position += 1;
            query = query.bind(self.position).bind(number).bind(revision);
            query = query.bind(id.0.as_bytes().to_vec());
            query = query.bind(event.header.to_vec()).bind(event.payload.to_vec());
        }
        query.execute(store).await?;
        Ok(())
    }

    /// The stream and the revision of a writer's event, as a [`Writer`] chooses them.
    fn place(&mut self, writer: usize, turn: u64, begun: &mut Vec<(i64, Stream)>) -> (i64, i64) {
        if begins(writer as u64, turn) {
            self.streams += 1;
            begun.push((self.streams, stream(writer as u64, turn + 1)));
            return (self.streams, 0);
        }
        let (number, revision) = (writer as i64 + 1, self.revisions[writer]);
        if revision == 0 {
            begun.push((number, stream(writer as u64, 0)));
        }
        self.revisions[writer] += 1;
        (number, revision)
    }
}

fn insert(table: &str, row: &str, rows: usize) -> String {
    if rows == 0 {
        return String::new();
    }
    format!("insert into {table} values {};", vec![row; rows].join(", "))
}

/// An event as they are in the log. The log looks at no byte of it.
pub(super) fn sample() -> anyhow::Result<NewEvent> {
    let at = DateTime::from_timestamp(1_795_000_000, 0).context("an instant")?;
    let header = Header {
        stream: stream(0, 0),
        revision: 0,
        id: id(0, 0),
        kind: "RollCallTaken".to_owned(),
        version: 1,
        school: "0549998Z".parse()?,
        recorded_at: at,
        occurred_at: at,
        actor: AccountId(Uuid::max()),
        command: CommandId(Uuid::max()),
        correlation: CommandId(Uuid::max()),
        causation: Some(id(0, 1)),
        key: None,
    };
    let payload = Vec::from_iter((0..PAYLOAD_BYTES).map(|n| (n * 167 % 251) as u8));
    Ok(NewEvent { id: header.id, header: header::encode(&header)?, payload: payload.into() })
}

/// The stream number `n` of a writer, under names as scattered as in life.
fn stream(writer: u64, n: u64) -> Stream {
    Stream::RollCall(LessonId(scattered(writer, n)))
}

fn id(writer: u64, n: u64) -> EventId {
    EventId(scattered(writer, !n))
}

fn scattered(a: u64, b: u64) -> Uuid {
    let mixed = (u128::from(a) << 64 | u128::from(b))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Uuid::from_u128(mixed ^ mixed >> 64)
}
