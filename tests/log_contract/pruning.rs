//! A log that is not kept for ever loses its oldest events, and nothing else.

use domain::Stream;
use replay::{
    header,
    log::{Expected, Filter, Log, LogName, PruneError, StoredEvent},
};

use super::{
    harness::{Store, append, person, positions},
    reading::{EVENTS, pages, write},
};

#[tokio::test]
async fn what_is_younger_is_read_as_before_at_whatever_position_a_log_is_pruned() {
    for store in Store::all() {
        let log = access(&store).await;
        write(&log).await;
        store.pack(&log).await;
        let whole = pages(&log, 0, usize::MAX >> 1, Filter::default()).await;
        for upto in [1, 700, 999, 1_000, 1_001, 2_500, 3_300, 3_301, 8_000, EVENTS - 1] {
            let (old, left) = whole.split_at(usize::try_from(upto).unwrap());
            log.prune(old.last().unwrap().position).await.unwrap();
            for max in [1_000, 100_000] {
                let read = pages(&log, 0, max, Filter::default()).await;
                assert!(read == left, "pruned {upto} events, {max} events a page");
            }
            let read = log.read_stream(person(3), 0, usize::MAX >> 1).await.unwrap();
            assert!(read == of(left, person(3)), "the stream, {upto} events pruned");
        }
        log.close().await;
    }
}

#[tokio::test]
async fn positions_and_revisions_go_on_when_nothing_is_left() {
    for store in Store::all() {
        let log = access(&store).await;
        let last = log.append(append(1, Expected::NoStream, 80, "")).await.unwrap().position;
        log.prune(u64::MAX).await.unwrap();
        let nothing = log.read_all(0, 10, Filter::default()).await.unwrap();
        assert_eq!((nothing.events.len(), nothing.next, nothing.caught_up), (0, last, true));
        log.close().await;

        let log = access(&store).await;
        assert_eq!(log.head().await.unwrap(), last);
        let anew = log.append(append(1, Expected::NoStream, 1, "anew")).await;
        assert!(anew.is_err(), "the stream exists");
        let next = log.append(append(1, Expected::Revision(79), 1, "")).await.unwrap();
        assert_eq!(next.revision, 80);
        assert!(if store.is_dense() { next.position == 81 } else { next.position > last });
        assert_eq!(positions(&log).await, [next.position]);
        log.close().await;
    }
}

#[tokio::test]
async fn pruning_again_or_less_far_changes_nothing() {
    for store in Store::all() {
        let log = access(&store).await;
        log.append(append(1, Expected::NoStream, 80, "")).await.unwrap();
        let whole = positions(&log).await;
        for upto in [whole[49], whole[49], whole[19], 0] {
            log.prune(upto).await.unwrap();
            assert_eq!(positions(&log).await, whole[50..]);
        }
        log.close().await;
    }
}

#[tokio::test]
async fn the_room_of_what_was_pruned_is_used_again() {
    for store in Store::all() {
        let log = access(&store).await;
        for who in 0..20 {
            log.append(append(who, Expected::NoStream, 500, &"content".repeat(100))).await.unwrap();
        }
        log.close().await;
        let Some(before) = store.bytes().await else { continue };

        let log = access(&store).await;
        log.prune(9_900).await.unwrap();
        for who in 20..39 {
            log.append(append(who, Expected::NoStream, 500, &"content".repeat(100))).await.unwrap();
        }
        log.close().await;
        let after = store.bytes().await.unwrap();
        assert!(after < before + before / 10, "{before} bytes have become {after}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_and_reading_go_on_while_a_log_is_pruned() {
    for store in Store::all() {
        let log = access(&store).await;
        write(&log).await;
        store.pack(&log).await;
        let whole = pages(&log, 0, usize::MAX >> 1, Filter::default()).await;
        let (pruning, left) = (log.clone(), whole[5_000..].to_vec());
        let steps: Vec<u64> = whole[..5_000].chunks(250).map(|old| old[249].position).collect();
        let last = steps[steps.len() - 1];
        let pruning = tokio::spawn(async move {
            for upto in steps {
                pruning.prune(upto).await.unwrap();
            }
        });
        for who in 500..540 {
            log.append(append(who, Expected::NoStream, 10, "more")).await.unwrap();
            let read = pages(&log, last, 700, Filter::default()).await;
            assert!(read[..left.len()] == left, "what is younger is always there");
        }
        pruning.await.unwrap();
        let read = pages(&log, 0, 700, Filter::default()).await;
        assert_eq!(read.len() as u64, EVENTS - 5_000 + 400);
        assert_eq!(read[0].position, left[0].position);
        log.close().await;
    }
}

#[tokio::test]
async fn what_happened_in_the_schools_is_never_pruned() {
    for store in Store::all() {
        let log = store.open().await;
        log.append(append(1, Expected::NoStream, 2, "")).await.unwrap();
        let whole = positions(&log).await;
        assert!(matches!(log.prune(whole[0]).await, Err(PruneError::NotThisLog)));
        assert_eq!((positions(&log).await.as_slice(), whole.len()), (whole.as_slice(), 2));
        log.close().await;
    }
}

async fn access(store: &Store) -> Log {
    store.open_named(LogName::Access).await.unwrap()
}

fn of(events: &[StoredEvent], stream: Stream) -> Vec<StoredEvent> {
    let own = |event: &&StoredEvent| header::decode(&event.header).unwrap().stream == stream;
    events.iter().filter(own).cloned().collect()
}
