//! What the access log costs: the entry of a read over HTTP, and the start of a node.
//!
//! Readers ask for a student's attendance file, one question after the other: of a live school, which
//! writes each read down before it answers, and of the same tables as a past day, which writes nothing
//! down. All else is the same: router, guard, queries, answer. The two take turns, because disks and
//! neighbours are noisy; what is told is the median, of reads a second and of the processor time that
//! each took, which neighbours disturb less. The start is the fold of a log of many entries, beside a
//! bare scan of the same file.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use api::{App, Past, Source, Token, Tokens, router};
use axum::{Router, body::Body, body::to_bytes, http::Request};
use chrono::{DateTime, Utc};
use domain::{
    AccountId, PersonId, SessionId,
    access::{Action, Device, Entry, Means, Rule, What},
};
use futures_util::{TryStreamExt, future::try_join_all};
use replay::{
    AccessLog, Clock, Journal, Node,
    access::{KEPT, TokenHash},
    keys::MasterKey,
    place::LogUrl,
};
use sqlx::{ConnectOptions, Row, sqlite::SqliteConnectOptions};
use tokio::task::JoinSet;
use tower::ServiceExt;
use uuid::Uuid;

use super::{Measure, median, school::School, year};

/// Readers at the same time.
const READERS: [usize; 3] = [1, 64, 256];

/// Events of the school that is read.
const EVENTS: u64 = 20_000;

/// One entry in so many is a sign-in.
const SIGN_INS_EVERY: u64 = 20;

const TOKEN: &str = "a-token-for-the-bench";

/// One of the hundred ticks of a second, as Linux tells them.
const TICK_MICROS: f64 = 10_000.0;

/// How long to measure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Effort {
    /// Turns of each side.
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Milliseconds of each turn.
    #[arg(long, default_value_t = 500)]
    turn_ms: u64,
    /// Entries of the log that a node starts with.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Entries of each of its pages.
    #[arg(long, default_value_t = 500)]
    page: u64,
}

/// Measures in a folder of its own within `folder`.
pub(super) async fn run(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut measures = reads(&folder.path().join("year"), effort).await?;
    measures.push(start(&folder.path().join("start"), effort).await?);
    Ok(measures)
}

async fn reads(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    year::write(folder, EVENTS).await?;
    let master = MasterKey::load_or_create(&folder.join("master.key"))?;
    let (node, running) = Node::start(folder, master, Clock::System).await?;
    let account = AccountId(Uuid::from_u128(1));
    let tokens = Tokens::new(vec![Token::of_everything(TOKEN, account)])?;
    let past = Past { journal: node.journal().clone(), db: node.db(), instant: Utc::now() };
    let reader = Reader {
        noted: router(App::new(Source::Live(node.clone()), tokens.clone())),
        bare: router(App::new(Source::Past(past), tokens)),
        log: node.access().clone(),
        school: School::new(0)?,
    };
    let turn = Duration::from_millis(effort.turn_ms);
    let mut measures = Vec::new();
    for readers in READERS {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for round in 0..effort.rounds {
            // Each side begins as often as the other.
            for noted in [round.is_multiple_of(2), !round.is_multiple_of(2)] {
                let side = if noted { &mut with } else { &mut without };
                side.push(reader.together(readers, turn, noted).await?);
            }
        }
        let told = format!("read, {readers} readers, written down");
        let rate: fn(&Turn) -> f64 = |turn| turn.reads_a_second;
        measures.push(beside(told.clone(), "reads/s", &with, &without, rate));
        let cost: fn(&Turn) -> f64 = |turn| turn.micros_a_read;
        measures.push(beside(told, "µs of processor", &with, &without, cost));
    }
    node.stop(running).await;
    Ok(measures)
}

/// What readers did in one turn.
struct Turn {
    reads_a_second: f64,
    micros_a_read: f64,
}

fn beside(
    name: String,
    unit: &'static str,
    with: &[Turn],
    without: &[Turn],
    told: fn(&Turn) -> f64,
) -> Measure {
    let ratios = with.iter().zip(without).map(|(with, without)| told(with) / told(without));
    Measure {
        name,
        value: median(with.iter().map(told).collect()),
        unit,
        against: median(without.iter().map(told).collect()),
        ratio: median(ratios.collect()),
    }
}

/// One of those who read at the same time.
#[derive(Clone)]
struct Reader {
    noted: Router,
    bare: Router,
    log: AccessLog,
    school: School,
}

impl Reader {
    async fn together(&self, readers: usize, turn: Duration, noted: bool) -> anyhow::Result<Turn> {
        let head = self.log.log().head().await?;
        let (begin, used) = (Instant::now(), processor_ticks()?);
        let mut tasks = JoinSet::new();
        for number in 0..readers {
            let reader = self.clone();
            tasks.spawn(async move {
                let mut reads = 0;
                while begin.elapsed() < turn {
                    reader.read(number + reads * readers, noted).await?;
                    reads += 1;
                }
                anyhow::Ok(reads)
            });
        }
        let reads: Vec<usize> = tasks.join_all().await.into_iter().collect::<Result<_, _>>()?;
        let (seconds, used) = (begin.elapsed().as_secs_f64(), processor_ticks()? - used);
        let reads = reads.into_iter().sum::<usize>() as f64;
        ensure!(
            noted == (self.log.log().head().await? > head),
            "what is written down is the other"
        );
        Ok(Turn { reads_a_second: reads / seconds, micros_a_read: used * TICK_MICROS / reads })
    }

    async fn read(&self, number: usize, noted: bool) -> anyhow::Result<()> {
        let student = self.school.student_id(number as u64);
        let path = format!("/api/v1/schools/{}/students/{student}/attendance", self.school.uai);
        let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        let router = if noted { &self.noted } else { &self.bare };
        let answer = router.clone().oneshot(request.body(Body::empty())?).await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        to_bytes(answer.into_body(), usize::MAX).await?;
        Ok(())
    }
}

/// The processor time of this process, in the kernel's ticks: user and system, fields 14 and 15.
fn processor_ticks() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()?)
}

async fn start(folder: &Path, effort: Effort) -> anyhow::Result<Measure> {
    std::fs::create_dir_all(folder)?;
    let schools = year::open(folder).await?;
    let log = AccessLog::open(&LogUrl::Sqlite(folder.into()), &schools, KEPT).await?;
    let pages = (0..effort.entries).step_by(effort.page as usize);
    let now = Utc::now();
    for numbers in Vec::from_iter(pages).chunks(16) {
        let page = |first: &u64| (*first..*first + effort.page).map(|n| entry(n, now)).collect();
        try_join_all(numbers.iter().map(|first| log.record(page(first)))).await?;
    }
    log.close().await;
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.rounds.min(3) {
        let value = opened(folder, &schools, effort.entries).await?;
        let against = scanned(folder, effort.entries).await?;
        ours.push(value);
        bare.push(against);
        ratios.push(value / against);
    }
    let name = format!("start with {} entries, against a bare scan", effort.entries);
    let (value, against, ratio) = (median(ours), median(bare), median(ratios));
    Ok(Measure { name, value, unit: "entries/s", against, ratio })
}

async fn opened(folder: &Path, schools: &Journal, entries: u64) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let log = AccessLog::open(&LogUrl::Sqlite(folder.into()), schools, KEPT).await?;
    let seconds = begin.elapsed().as_secs_f64();
    ensure!(log.session(&token(0), Utc::now()).is_some(), "the sessions are not there");
    log.close().await;
    Ok(entries as f64 / seconds)
}

async fn scanned(folder: &Path, entries: u64) -> anyhow::Result<f64> {
    let options = SqliteConnectOptions::new().filename(folder.join("access.log"));
    let mut store = options.read_only(true).connect().await?;
    let begin = Instant::now();
    let mut bytes = 0;
    for select in ["select data from segment", "select payload from event"] {
        let mut rows = sqlx::query(select).fetch(&mut store);
        while let Some(row) = rows.try_next().await? {
            bytes += row.try_get::<&[u8], _>(0)?.len();
        }
    }
    ensure!(bytes > 0, "the log is empty");
    Ok(entries as f64 / begin.elapsed().as_secs_f64())
}

fn entry(number: u64, at: DateTime<Utc>) -> Entry {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes());
    let what = if number.is_multiple_of(SIGN_INS_EVERY) {
        What::SessionOpened {
            session: SessionId(id),
            person: PersonId(id),
            token: token(number).to_string(),
            device: Device::Own,
            means: Means::Password,
            second_factor: false,
        }
    } else {
        What::Read {
            school: domain::Uai::REGION,
            subject: Some(PersonId(id)),
            action: Action::ReadAttendance,
            rule: Rule::Guardian,
        }
    };
    Entry { at, account: Some(AccountId::of(PersonId(id))), what }
}

fn token(number: u64) -> TokenHash {
    TokenHash::of(&number.to_string())
}
