//! What only a server far away can do to a log: to be down, to move, to be torn away in the middle of an
//! answer, to hold the records of others in between.
//!
//! The server is a double of EventStoreDB, which fails when it is told to.

use std::{
    collections::HashMap,
    env,
    process::{Command, Stdio},
    time::Duration,
};

use futures_util::future::join_all;
use replay::{
    header,
    log::{AppendError, Expected, Filter, Log, LogName, StoreError},
    place::LogUrl,
};
use tokio::{sync::oneshot, task::JoinSet, time::timeout};

use super::{
    harness::{Store, append, event, person, positions},
    reading::pages,
};
use tests::esdb_double::Double;

const LOGS: u128 = 4;
const WRITERS_EACH: u128 = 8;
const APPENDS_EACH: usize = 25;

/// Streams that all write to.
const SHARED: u128 = 4;

/// How often a server is torn away under many writers.
const CUTS: usize = 20;

/// Where a process finds the server that it is to write to.
const URL: &str = "PREAU_TEST_ESDB_URL";

/// `EX_IOERR` of sysexits.h.
const EX_IOERR: i32 = 74;

/// Longer than anybody waits for a server.
const LATE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn several_logs_of_one_server_see_one_order_through_conflicts_and_torn_connections() {
    let double = Double::start();
    let url = url(&double);
    let logs = join_all((0..LOGS).map(|_| open(&url))).await;
    let mut writers = JoinSet::new();
    for (n, log) in (0..).zip(&logs) {
        for writer in 0..WRITERS_EACH {
            let who = SHARED + n * WRITERS_EACH + writer;
            writers.spawn(write(log.clone(), who));
        }
    }
    let reader = open(&url).await;
    let (done, mut all_written) = oneshot::channel();
    let passed = tokio::spawn(async move {
        let (mut passed, mut after) = (Vec::new(), 0);
        loop {
            let last_round = all_written.try_recv().is_ok() || all_written.is_terminated();
            let page = reader.read_all(after, 37, Filter::default()).await.unwrap();
            passed.extend(page.events.iter().map(|event| event.position));
            after = page.next;
            if page.caught_up && last_round {
                return passed;
            }
        }
    });
    for _ in 0..CUTS {
        double.cut_after_commit();
        double.cut_before_commit();
        tokio::task::yield_now().await;
    }
    let mut written = writers.join_all().await.concat();
    done.send(()).unwrap();
    let passed = timeout(LATE, passed).await.unwrap().unwrap();

    written.sort_unstable();
    assert!(written.is_sorted_by(|a, b| a < b), "every append has a position of its own");
    assert_eq!(written.len() as u128, LOGS * WRITERS_EACH * APPENDS_EACH as u128);
    assert_eq!(passed, written, "nothing came late, nothing is there twice");
    for log in logs {
        assert_eq!(positions(&log).await, passed);
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_restarts_of_the_server_lose_nothing_and_repeat_nothing() {
    let mut double = Double::start();
    let log = open(&url(&double)).await;
    let mut writers = JoinSet::new();
    for who in SHARED..SHARED + 32 {
        writers.spawn(write(log.clone(), who));
    }
    for _ in 0..CUTS {
        double.cut_after_commit();
        double.down().await;
        double.up();
        let before = log.head().await.unwrap();
        let mut wake = log.wake();
        // Whoever is still writing goes on.
        if !writers.is_empty() {
            let moved = wake.wait_for(|head| *head > before);
            let _all_written = timeout(Duration::from_millis(500), moved).await;
        }
    }
    let mut written = timeout(LATE, writers.join_all()).await.unwrap().concat();
    written.sort_unstable();
    assert_eq!(positions(&log).await, written, "all that was acknowledged, and each once");
    log.close().await;
}

#[tokio::test]
async fn a_log_is_opened_once_its_server_is_there() {
    let mut double = Double::start();
    let url = url(&double);
    double.down().await;
    let nobody = timeout(LATE, Log::open(&url, LogName::School)).await.unwrap();
    let told = "the EventStoreDB server cannot be reached: \
        nobody answers there as an EventStoreDB server does";
    assert_eq!(nobody.unwrap_err().to_string(), told);
    double.up();
    let log = open(&url).await;
    log.append(append(1, Expected::NoStream, 1, "")).await.unwrap();
    log.close().await;
}

#[tokio::test]
async fn whoever_writes_while_the_server_is_gone_waits_a_while_and_goes_on_when_it_is_back() {
    let mut double = Double::start();
    let log = open(&url(&double)).await;
    log.append(append(1, Expected::NoStream, 1, "")).await.unwrap();
    double.down().await;
    let gone = timeout(LATE, log.append(append(1, Expected::Revision(0), 1, ""))).await.unwrap();
    assert!(matches!(gone, Err(AppendError::Unknown | AppendError::Store(_))), "{gone:?}");

    let back = log.append(append(1, Expected::Revision(0), 1, ""));
    let (back, ()) = tokio::join!(back, async { double.up() });
    assert_eq!(back.unwrap().revision, 1);
    assert_eq!(log.read_stream(person(1), 0, 9).await.unwrap().len(), 2);
    log.close().await;
}

#[tokio::test]
async fn a_server_that_was_put_back_stops_whoever_knew_more() {
    if let Ok(url) = env::var(URL) {
        let log = open(&url.parse().unwrap()).await;
        for who in 0.. {
            // What becomes of it is no matter: it ends all the same.
            let _answer = log.append(append(who, Expected::NoStream, 1, "")).await;
        }
    }
    let double = Double::start();
    let name = "log_contract::esdb::a_server_that_was_put_back_stops_whoever_knew_more";
    let mut child = Command::new(env::current_exe().unwrap())
        .args([name, "--exact"])
        .env(URL, double.url())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let written = async {
        while double.stored().len() < 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LATE, written).await.unwrap();
    double.put_back(20);
    assert_eq!(child.wait().unwrap().code(), Some(EX_IOERR));
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_there_once_and_is_answered() {
    let double = Double::start();
    let log = open(&url(&double)).await;
    double.cut_after_commit();
    let written = log.append(append(1, Expected::NoStream, 2, "")).await.unwrap();
    assert_eq!((written.revision, written.deduplicated), (1, false));
    let again = log.append(append(1, Expected::NoStream, 2, "")).await.unwrap();
    assert_eq!((again.position, again.deduplicated), (written.position, true));
    assert_eq!(positions(&log).await.len(), 2);
    log.close().await;
}

#[tokio::test]
async fn a_log_follows_its_leader() {
    let mut double = Double::cluster();
    let log = open(&url(&double)).await;
    let mut last = 0;
    for (revision, leader) in [0, 1, 2, 0, 2].into_iter().enumerate() {
        double.lead(leader);
        let expected = (revision as u64).checked_sub(1);
        let expected = expected.map_or(Expected::NoStream, Expected::Revision);
        let written = log.append(append(1, expected, 1, "")).await.unwrap();
        assert!(written.position > last);
        last = written.position;
        assert_eq!(log.head().await.unwrap(), last);
    }
    double.node_down(2).await;
    double.lead(1);
    let written = log.append(append(1, Expected::Revision(4), 1, "")).await.unwrap();
    assert_eq!(written.revision, 5);
    assert_eq!(log.read_stream(person(1), 0, 9).await.unwrap().len(), 6);
    log.close().await;
}

#[tokio::test]
async fn an_append_that_somebody_was_faster_than_takes_no_other_with_it() {
    let double = Double::start();
    let (here, there) = (open(&url(&double)).await, open(&url(&double)).await);
    for n in 0..10 {
        // The other does not know yet what was written here.
        here.append(append(n, Expected::NoStream, 1, "here")).await.unwrap();
        let late = there.append(append(n, Expected::NoStream, 1, "there"));
        let others =
            (0..20).map(|who| there.append(append(100 * n + who + 100, Expected::NoStream, 1, "")));
        let (late, others) = tokio::join!(late, join_all(others));
        let told = matches!(late, Err(AppendError::Conflict { actual: Some(0), .. }));
        assert!(told, "{late:?}");
        for other in others {
            assert!(!other.unwrap().deduplicated);
        }
    }
    assert_eq!(positions(&here).await.len(), 10 + 200);
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn an_append_larger_than_the_server_takes_is_refused_and_harms_nobody() {
    let double = Double::start();
    let log = open(&url(&double)).await;
    let large = log.append(append(1, Expected::NoStream, 1, &"x".repeat(1_100_000))).await;
    assert!(matches!(large, Err(AppendError::Store(StoreError::TooLarge { .. }))), "{large:?}");
    let largest = log.append(append(1, Expected::NoStream, 1, &"x".repeat(990_000))).await;
    assert_eq!(largest.unwrap().revision, 0);
    log.close().await;
}

#[tokio::test]
async fn a_position_that_nobody_was_told_is_refused_by_name() {
    let double = Double::start();
    let log = open(&url(&double)).await;
    let written = log.append(append(1, Expected::NoStream, 3, "")).await.unwrap();
    for wrong in [1, written.position - 1, written.position + 1, u64::MAX] {
        let refused = log.read_all(wrong, 10, Filter::default()).await;
        assert!(matches!(refused, Err(StoreError::NoSuchPosition(_))), "{wrong}: {refused:?}");
    }
    // Nobody else was harmed.
    log.append(append(1, Expected::Revision(2), 1, "")).await.unwrap();
    log.close().await;
}

#[tokio::test]
async fn events_are_found_by_what_is_older_wherever_they_are() {
    for store in Store::all() {
        let log = store.open_named(LogName::Access).await.unwrap();
        for who in 0..9 {
            log.append(append(who, Expected::NoStream, 100, "")).await.unwrap();
        }
        let whole = pages(&log, 0, 1_000, Filter::default()).await;
        for old in [0, 1, 199, 200, 201, 500, 899, 900] {
            let is_old =
                |envelope: &[u8]| whole[..old].iter().any(|event| event.header == envelope);
            let last = old.checked_sub(1).map_or(0, |last| whole[last].position);
            assert_eq!(log.last_older(is_old).await.unwrap(), last, "{old} are older");
        }
        log.prune(whole[299].position).await.unwrap();
        let is_old = |envelope: &[u8]| whole[..500].iter().any(|event| event.header == envelope);
        assert_eq!(log.last_older(is_old).await.unwrap(), whole[499].position);
        log.close().await;
    }
}

#[tokio::test]
async fn an_event_lies_on_the_server_as_its_own_tools_know_it() {
    let double = Double::start();
    let log = open(&url(&double)).await;
    let asked = event(1, 0, super::harness::SCHOOL, "content");
    log.append(append(1, Expected::NoStream, 1, "content")).await.unwrap();
    let stored = double.stored();
    let own = stored.iter().find(|stored| !stored.stream.starts_with('$')).unwrap();
    assert_eq!(&*own.stream, format!("preau_school.{}", person(1)));
    assert_eq!((own.event.kind.as_str(), &own.event.data), ("PersonRenamed", &asked.payload));
    let said: serde_json::Value = serde_json::from_slice(&own.event.metadata).unwrap();
    let command = header::decode(&asked.header).unwrap().command;
    assert_eq!(said["$correlationId"], command.0.to_string());
    let read = log.read_stream(person(1), 0, 1).await.unwrap();
    assert_eq!(read[0].header, asked.header, "byte for byte");
    log.close().await;
}

#[tokio::test]
async fn logs_of_other_names_share_a_server_and_know_nothing_of_each_other() {
    let double = Double::start();
    let other: LogUrl = format!("{}&preauPrefix=rehearsal", double.url()).parse().unwrap();
    let (own, other) = (open(&url(&double)).await, open(&other).await);
    for revision in 0..50_u64 {
        let expected = revision.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        other.append(append(1, expected, 1, "")).await.unwrap();
    }
    let written = own.append(append(1, Expected::NoStream, 2, "")).await.unwrap();
    assert_eq!((written.revision, written.deduplicated), (1, false));
    assert_eq!(own.head().await.unwrap(), written.position);
    assert_eq!((positions(&own).await.len(), positions(&other).await.len()), (2, 50));
    own.close().await;
    other.close().await;
}

/// Appends to a stream of its own and to one that all share; answers where each append is.
async fn write(log: Log, who: u128) -> Vec<u64> {
    let mut ends = HashMap::new();
    let mut written = Vec::new();
    while written.len() < APPENDS_EACH {
        let stream = if written.len().is_multiple_of(4) { who % SHARED } else { who };
        let end = ends.entry(stream).or_insert(Expected::NoStream);
        let content = format!("{who} {}", written.len());
        match log.append(append(stream, *end, 1, &content)).await {
            Ok(appended) => {
                *end = Expected::Revision(appended.revision);
                written.push(appended.position);
            }
            Err(AppendError::Conflict { actual, .. }) => {
                *end = actual.map_or(Expected::NoStream, Expected::Revision);
            }
            // The same again.
            Err(AppendError::Unknown | AppendError::Store(_)) => {}
            Err(error @ AppendError::OtherContent { .. }) => panic!("{error}"),
        }
    }
    written
}

async fn open(url: &LogUrl) -> Log {
    Log::open(url, LogName::School).await.unwrap()
}

fn url(double: &Double) -> LogUrl {
    double.url().parse().unwrap()
}
