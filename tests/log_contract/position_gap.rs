//! The law of positions on a database that four processes write to: what a reader has passed never
//! changes, though commits are slow and some are undone at the last moment.
//!
//! A process is this test program, started again for itself alone.

use std::{
    collections::HashMap,
    env,
    fs::{File, read_to_string},
    io::{Write as _, stdout},
    process::{Child, Command},
};

use futures_util::future::join_all;
use replay::log::{AppendError, Expected, Filter, Log, LogName};
use sqlx::{Connection, PgConnection};

use super::harness::append;
use tests::postgres::Server;

const PROCESSES: u64 = 4;
const WRITERS_EACH: u64 = 8;
const EVENTS_AT_ONCE: u64 = 20;
const APPENDS_EACH: u64 = 320;
const APPENDS: u64 = PROCESSES * WRITERS_EACH * APPENDS_EACH;

/// 204 800.
const EVENTS: u64 = APPENDS * EVENTS_AT_ONCE;

/// Streams that all processes write to.
const SHARED: u64 = 4;

const URL: &str = "PREAU_TEST_URL";
const PROCESS: &str = "PREAU_TEST_PROCESS";

/// Commits wait now and then, and one of a hundred fails when all that precedes it has gone well.
const FAULTS: &str = "create function stumble() returns trigger language plpgsql as $$ begin
        if random() < 0.01 then raise 'a fault made by a test'; end if;
        if random() < 0.05 then perform pg_sleep(random() * 0.02); end if;
        return null;
    end $$;
    create constraint trigger stumble after update on preau.head deferrable initially deferred
        for each row execute function stumble();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn position_gap() {
    if let (Ok(url), Ok(process)) = (env::var(URL), env::var(PROCESS)) {
        return write(&url, process.parse().unwrap()).await;
    }
    let Some(server) = Server::shared() else { return };
    let url = server.database();
    let log = Log::open(&url.parse().unwrap(), LogName::School).await.unwrap();
    let mut own = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(FAULTS).execute(&mut own).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let told = |process: u64| folder.path().join(process.to_string());
    let mut processes: Vec<Child> = (0..PROCESSES)
        .map(|process| {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["log_contract::position_gap::position_gap", "--exact", "--nocapture"]);
            command.env(URL, &url).env(PROCESS, process.to_string());
            command.stdout(File::create(told(process)).unwrap()).spawn().unwrap()
        })
        .collect();
    let passed = pass(&log, &mut processes).await;

    assert!(passed.iter().copied().eq(1..=EVENTS), "dense, each once, none came late");
    let told: String = (0..PROCESSES).map(|n| read_to_string(told(n)).unwrap()).collect();
    let told = told.lines().filter_map(|line| line.strip_prefix("wrote up to "));
    let mut ends: Vec<u64> = told.map(|end| end.parse().unwrap()).collect();
    ends.sort_unstable();
    assert!(ends.into_iter().eq((1..=APPENDS).map(|n| n * EVENTS_AT_ONCE)));
    log.close().await;
}

/// Reads on and on, at the end of what can be read, until all processes have written all.
async fn pass(log: &Log, processes: &mut [Child]) -> Vec<u64> {
    let (mut passed, mut after) = (Vec::new(), 0);
    loop {
        // Asked before the page: what they wrote until then is in it, if it is the last one.
        let ended = processes.iter_mut().filter_map(|child| child.try_wait().unwrap());
        let ended: Vec<bool> = ended.map(|status| status.success()).collect();
        assert!(!ended.contains(&false), "a process failed");
        let page = log.read_all(after, 500, Filter::default()).await.unwrap();
        passed.extend(page.events.iter().map(|event| event.position));
        after = page.next;
        if ended.len() == processes.len() && page.events.is_empty() {
            return passed;
        }
    }
}

/// What one process does.
async fn write(url: &str, process: u64) {
    let log = Log::open(&url.parse().unwrap(), LogName::School).await.unwrap();
    let writers = (0..WRITERS_EACH).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut ends = HashMap::new();
            for n in 0..APPENDS_EACH {
                let own = SHARED + process * WRITERS_EACH + writer;
                let who = if n.is_multiple_of(4) { writer % SHARED } else { own };
                let content = format!("{process} {writer} {n}");
                let end = written(&log, &mut ends, u128::from(who), &content).await;
                let mut told = stdout();
                writeln!(told, "wrote up to {end}").unwrap();
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    log.close().await;
}

/// Writes some events at the end of a stream, however often that must be tried. `ends` says where the
/// writer believes streams to end; a conflict tells better.
async fn written(log: &Log, ends: &mut HashMap<u128, Expected>, who: u128, content: &str) -> u64 {
    let end = ends.entry(who).or_insert(Expected::NoStream);
    loop {
        match log.append(append(who, *end, EVENTS_AT_ONCE, content)).await {
            Ok(appended) => {
                *end = Expected::Revision(appended.revision);
                return appended.position;
            }
            Err(AppendError::Conflict { actual, .. }) => {
                *end = actual.map_or(Expected::NoStream, Expected::Revision);
            }
            // Nobody knows, or it was undone: the same again.
            Err(AppendError::Unknown | AppendError::Store(_)) => {}
            Err(error @ AppendError::OtherContent { .. }) => panic!("{error}"),
        }
    }
}
