//! The law of positions while many write, commits are slow and some are rolled back.

use std::time::Duration;

use futures_util::future::join_all;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use replay::log::{AppendError, Expected, Filter, Log, StoredEvent, StreamAppend};
use tokio::{
    sync::oneshot,
    task::{JoinSet, unconstrained},
};

use super::harness::{MARK, Store, append, positions};

const WRITERS: u64 = 32;
const APPENDS_EACH: usize = 25;
const SLOW_COMMITS: usize = 60;
const SLOW_MS_MAX: u32 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_reader_has_passed_never_changes_while_many_write() {
    for store in Store::all_that_fail() {
        let log = store.open().await;
        store.refuse_marked().await;
        let mut writers = JoinSet::new();
        for seed in 0..WRITERS {
            writers.spawn(write(log.clone(), seed));
        }
        let (done, all_written) = oneshot::channel();
        let reader = tokio::spawn(read(log.clone(), all_written));
        slow_down(&store).await;
        let mut written = writers.join_all().await.concat();
        done.send(()).unwrap();
        let read = reader.await.unwrap();

        written.sort_unstable();
        assert!(written.is_sorted_by(|a, b| a < b), "every append has a position of its own");
        assert_eq!(written.len(), WRITERS as usize * APPENDS_EACH);
        assert_eq!(positions(&log).await, read, "nothing came late");
        if store.is_dense() {
            assert!(read.iter().copied().eq(1..=read.len() as u64), "positions are dense");
        }
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_asks_for_at_once_is_in_the_log_in_the_order_of_asking_as_far_as_is_promised() {
    for store in Store::all() {
        let log = store.open().await;
        for turn in 0..3 {
            let who = (0..log.kept_in_order() as u128).map(|n| turn * 10_000 + n);
            let asked = who.map(|who| log.append(append(who, Expected::NoStream, 1, "")));
            let answers = unconstrained(join_all(asked)).await;
            assert!(answers.into_iter().map(|answer| answer.unwrap().position).is_sorted());
        }
        log.close().await;
    }
}

/// Appends to a stream of its own or to one shared by all; some of it cannot be written.
/// Answers the position of each append that was.
async fn write(log: Log, seed: u64) -> Vec<u64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (own, shared) = (u128::from(seed) + 1_000, u128::from(seed % 4));
    let mut written = Vec::new();
    while written.len() < APPENDS_EACH {
        let content = if random.next_u32() % 8 == 0 { MARK } else { "" };
        let content =
            if content.is_empty() { format!("{seed}-{}", written.len()) } else { content.into() };
        let who = if random.next_u32().is_multiple_of(2) { own } else { shared };
        match log.append(due(&log, who, &content).await).await {
            Ok(answer) => {
                assert_ne!(content, MARK);
                assert!(!answer.deduplicated);
                written.push(answer.position);
            }
            Err(AppendError::Store(_)) => assert_eq!(content, MARK),
            // Another was faster on the shared stream.
            Err(AppendError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    written
}

async fn due(log: &Log, who: u128, content: &str) -> StreamAppend {
    let stream = super::harness::person(who);
    let many = log.read_stream(stream, 0, usize::MAX >> 1).await.unwrap().len() as u64;
    append(who, many.checked_sub(1).map_or(Expected::NoStream, Expected::Revision), 1, content)
}

/// Pages without pause until all is written and there is no more.
async fn read(log: Log, mut all_written: oneshot::Receiver<()>) -> Vec<u64> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let last_round = all_written.try_recv().is_ok() || all_written.is_terminated();
        let max = 1 + random.next_u32() as usize % 50;
        let page = log.read_all(after, max, Filter::default()).await.unwrap();
        let ordered = |a: &StoredEvent, b: &StoredEvent| a.position < b.position;
        assert!(page.events.is_sorted_by(ordered));
        assert!(page.events.first().is_none_or(|first| first.position > after));
        seen.extend(page.events.iter().map(|event| event.position));
        after = page.next;
        if page.caught_up && last_round {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

/// Holds commits back again and again for a short while, as a slow disk does.
async fn slow_down(store: &Store) {
    let mut random = ChaCha8Rng::seed_from_u64(99);
    for _ in 0..SLOW_COMMITS {
        let pause = store.hold_writes().await;
        let slow = Duration::from_millis(u64::from(random.next_u32() % SLOW_MS_MAX));
        tokio::time::sleep(slow).await;
        pause.end().await;
        tokio::task::yield_now().await;
    }
}
