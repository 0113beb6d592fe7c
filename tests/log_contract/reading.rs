//! Reading page by page, over old events and new ones, is reading everything once.

use replay::log::{Expected, Filter, Log, StoredEvent, StreamAppend};

use super::harness::{Store, append, event, person};

/// Enough for the oldest to be packed and the newest not.
pub(super) const EVENTS: u64 = 8_300;

const STREAMS: u128 = 7;

#[tokio::test]
async fn pages_of_any_size_together_are_one_big_read() {
    for store in Store::all() {
        let log = store.open().await;
        write(&log).await;
        let before = pages(&log, 0, usize::MAX >> 1, Filter::default()).await;
        assert_eq!(before.len() as u64, EVENTS);

        store.pack(&log).await;
        for max in [1, 7, 999, 1_000, 2_500, 100_000] {
            // Few events on many pages, where a page takes long.
            let begin = if max > 7 || store.answers_at_once() { 0 } else { before.len() - 60 };
            let after = begin.checked_sub(1).map_or(0, |last| before[last].position);
            let paged = pages(&log, after, max, Filter::default()).await;
            assert!(paged == before[begin..], "{max} events a page");
        }
        let middle = before[1_234].position;
        assert!(pages(&log, middle, 500, Filter::default()).await == before[1_235..]);
        log.close().await;

        let log = store.open().await;
        assert!(pages(&log, 0, 700, Filter::default()).await == before, "after a restart");
        log.close().await;
    }
}

#[tokio::test]
async fn a_stream_is_read_across_old_events_and_new_ones() {
    for store in Store::all() {
        let log = store.open().await;
        write(&log).await;
        let before = log.read_stream(person(3), 0, usize::MAX >> 1).await.unwrap();
        store.pack(&log).await;
        for max in [1, 100, 1_000, 100_000] {
            let begin = if max > 1 || store.answers_at_once() { 0 } else { before.len() - 60 };
            let mut paged = before[..begin].to_vec();
            loop {
                let from = paged.len() as u64;
                let page = log.read_stream(person(3), from, max).await.unwrap();
                assert!(page.len() <= max);
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert!(paged == before, "{max} events a page");
        }
        log.close().await;
    }
}

#[tokio::test]
async fn a_retry_is_known_as_such_when_its_events_are_old() {
    for store in Store::all() {
        let log = store.open().await;
        let first = log.append(append(99, Expected::NoStream, 2, "old")).await.unwrap();
        write(&log).await;
        store.pack(&log).await;
        log.close().await;

        let log = store.open().await;
        let again = log.append(append(99, Expected::NoStream, 2, "old")).await.unwrap();
        assert_eq!((again.position, again.deduplicated), (first.position, true));
        let more = log.append(append(99, Expected::Revision(1), 1, "new")).await.unwrap();
        assert_eq!(more.revision, 2);
        assert_eq!(log.read_stream(person(99), 0, 9).await.unwrap().len(), 3);
        log.close().await;
    }
}

#[tokio::test]
async fn a_school_reads_its_own_events_and_passes_over_the_others() {
    for store in Store::all() {
        let log = store.open().await;
        for who in 0..300 {
            let school = if who % 3 == 0 { "0670001A" } else { "0540001B" };
            let events = vec![event(who, 0, school, "")];
            let part = StreamAppend { stream: person(who), expected: Expected::NoStream, events };
            log.append(part).await.unwrap();
        }
        let filter = Filter { school: Some("0670001A".parse().unwrap()) };
        let own = pages(&log, 0, 10, filter).await;
        let all = pages(&log, 0, 10, Filter::default()).await;
        let expected: Vec<_> = all.into_iter().step_by(3).collect();
        assert_eq!(own, expected);

        let nothing = Filter { school: Some("0990001C".parse().unwrap()) };
        let page = log.read_all(0, 10, nothing).await.unwrap();
        assert!(page.events.is_empty() && page.next > 0 && !page.caught_up);
        log.close().await;
    }
}

#[tokio::test]
async fn an_empty_log_and_a_stream_that_never_was_have_nothing_to_read() {
    for store in Store::all() {
        let log = store.open().await;
        let page = log.read_all(0, 10, Filter::default()).await.unwrap();
        assert_eq!((page.events.len(), page.next, page.caught_up), (0, 0, true));
        assert_eq!(log.read_stream(person(1), 0, 10).await.unwrap(), []);
        assert_eq!(log.head().await.unwrap(), 0);
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_while_old_events_are_packed() {
    for store in Store::all() {
        let log = store.open().await;
        write(&log).await;
        let before = pages(&log, 0, usize::MAX >> 1, Filter::default()).await;
        let stream = log.read_stream(person(3), 0, usize::MAX >> 1).await.unwrap();
        let reader = {
            let (log, before) = (log.clone(), before.clone());
            tokio::spawn(async move {
                for max in [300, 1_000, 150, 700, 5_000, 90] {
                    let now = pages(&log, 0, max, Filter::default()).await;
                    assert!(now[..before.len()] == before, "{max} events a page");
                    let now = log.read_stream(person(3), 0, stream.len()).await.unwrap();
                    assert!(now == stream);
                }
            })
        };
        for who in 500..520 {
            log.append(append(who, Expected::NoStream, 100, "more")).await.unwrap();
            store.pack(&log).await;
        }
        reader.await.unwrap();
        log.close().await;
    }
}

#[tokio::test]
async fn a_log_with_nothing_to_do_packs_its_old_events_by_itself() {
    for store in Store::all() {
        let log = store.open().await;
        for who in 0..40 {
            log.append(append(who, Expected::NoStream, 500, "content")).await.unwrap();
        }
        let before = pages(&log, 0, usize::MAX >> 1, Filter::default()).await;
        store.until_packed().await;
        assert!(pages(&log, 0, 500, Filter::default()).await == before);
        log.close().await;
    }
}

/// Reads to the end and says that pages follow each other.
pub(super) async fn pages(log: &Log, after: u64, max: usize, filter: Filter) -> Vec<StoredEvent> {
    let (mut events, mut after) = (Vec::new(), after);
    loop {
        let page = log.read_all(after, max, filter).await.unwrap();
        assert!(page.events.iter().all(|event| event.position > after));
        assert!(page.events.is_sorted_by_key(|event| event.position));
        assert!(page.next > after || page.caught_up);
        events.extend(page.events);
        after = page.next;
        if page.caught_up {
            return events;
        }
    }
}

/// Writes [`EVENTS`] events to [`STREAMS`] streams in turn, a hundred at a time.
pub(super) async fn write(log: &Log) {
    for round in 0..EVENTS / 100 {
        let (who, turn) = (u128::from(round) % STREAMS, round / STREAMS as u64);
        let expected = (turn * 100).checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        log.append(append(who, expected, 100, "content")).await.unwrap();
    }
}
