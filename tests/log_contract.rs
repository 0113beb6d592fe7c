//! The contract of the log, the same for every engine.
//!
//! A law is written once and tried on each engine of [`Store::all`]. What happens when many write
//! at once, or when the disk or the process fails, is in the files of `log_contract/`.

mod crashes;
mod cut;
mod esdb;
mod harness;
mod many_writers;
mod position_gap;
mod pruning;
mod reading;

use futures_util::future::join_all;
use replay::log::{AppendError, Expected, LogName};

use harness::{Store, append, person, positions};

#[tokio::test]
async fn revisions_are_dense_in_a_stream_and_positions_grow_over_all() {
    for store in Store::all() {
        let log = store.open().await;
        let mut last = 0;
        for revision in 0..4 {
            for who in [1, 2] {
                let expected = after(revision);
                let written = log.append(append(who, expected, 1, "")).await.unwrap();
                assert_eq!(written.revision, revision);
                assert!(written.position > last && !written.deduplicated);
                last = written.position;
            }
        }
        assert_eq!(log.head().await.unwrap(), last);
        log.close().await;
    }
}

#[tokio::test]
async fn the_events_of_an_append_are_written_together_or_not_at_all() {
    for store in Store::all() {
        let log = store.open().await;
        let written = log.append(append(1, Expected::NoStream, 3, "")).await.unwrap();
        assert_eq!(written.revision, 2);

        let wrong = log.append(append(1, Expected::Revision(1), 3, "other")).await;
        assert!(conflicts(&wrong, 1, Some(2)), "{wrong:?}");
        assert_eq!(log.head().await.unwrap(), written.position);
        assert_eq!(log.read_stream(person(1), 0, 9).await.unwrap().len(), 3);
        log.close().await;
    }
}

#[tokio::test]
async fn a_writer_who_is_wrong_about_a_stream_is_told_where_it_is() {
    for store in Store::all() {
        let log = store.open().await;
        let ahead = log.append(append(1, Expected::Revision(0), 1, "")).await;
        assert!(conflicts(&ahead, 1, None), "{ahead:?}");

        log.append(append(1, Expected::NoStream, 3, "")).await.unwrap();
        for wrong in [Expected::NoStream, Expected::Revision(1), Expected::Revision(7)] {
            let refused = log.append(append(1, wrong, 1, "other")).await;
            assert!(conflicts(&refused, 1, Some(2)), "{wrong:?}: {refused:?}");
        }
        log.close().await;
    }
}

#[tokio::test]
async fn an_append_asked_again_is_answered_as_at_first() {
    for store in Store::all() {
        let log = store.open().await;
        let two = append(1, Expected::NoStream, 2, "");
        let first = log.append(two.clone()).await.unwrap();
        log.append(append(1, Expected::Revision(1), 1, "")).await.unwrap();

        let again = log.append(two).await.unwrap();
        assert!(again.deduplicated);
        assert_eq!((again.position, again.revision), (first.position, first.revision));
        assert_eq!(log.read_stream(person(1), 0, 9).await.unwrap().len(), 3);
        log.close().await;
    }
}

#[tokio::test]
async fn an_append_asked_again_with_other_content_is_refused() {
    for store in Store::all() {
        let log = store.open().await;
        let mut two = append(1, Expected::NoStream, 2, "");
        log.append(two.clone()).await.unwrap();
        two.events[1].payload = "altered".into();
        let refused = log.append(two).await;
        let told =
            matches!(&refused, Err(AppendError::OtherContent { stream }) if *stream == person(1));
        assert!(told, "{refused:?}");
        log.close().await;
    }
}

#[tokio::test]
async fn an_append_of_which_only_a_part_was_written_is_a_conflict() {
    for store in Store::all() {
        let log = store.open().await;
        log.append(append(1, Expected::NoStream, 2, "")).await.unwrap();

        let longer = log.append(append(1, Expected::NoStream, 3, "")).await;
        assert!(conflicts(&longer, 1, Some(1)), "{longer:?}");
        log.close().await;
    }
}

#[tokio::test]
async fn the_same_append_asked_many_times_at_once_is_written_once() {
    for store in Store::all_that_fail() {
        let log = store.open().await;
        let pause = store.hold_writes().await;
        let same = (0..20).map(|_| log.append(append(1, Expected::NoStream, 2, "")));
        let others = (0..20).map(|n| log.append(append(1, Expected::NoStream, 2, &n.to_string())));
        let release = async { pause.end().await };
        let (same, others, ()) = tokio::join!(join_all(same), join_all(others), release);

        let first = same[0].as_ref().unwrap();
        assert!(!first.deduplicated);
        for again in &same[1..] {
            let again = again.as_ref().unwrap();
            assert_eq!((again.position, again.deduplicated), (first.position, true));
        }
        assert!(others.iter().all(|other| conflicts(other, 1, Some(1))), "{others:?}");
        assert_eq!(positions(&log).await.len(), 2);
        log.close().await;
    }
}

#[tokio::test]
async fn an_append_of_nothing_is_refused() {
    for store in Store::all() {
        let log = store.open().await;
        let nothing = log.append(append(1, Expected::NoStream, 0, "")).await;
        assert!(matches!(nothing, Err(AppendError::Store(_))));
        assert_eq!(log.head().await.unwrap(), 0);
        log.close().await;
    }
}

#[tokio::test]
async fn an_append_that_cannot_be_written_takes_no_other_with_it() {
    for store in Store::all_that_fail() {
        let log = store.open().await;
        store.refuse_marked().await;
        let pause = store.hold_writes().await;
        let good = (0..20).map(|who| log.append(append(who, Expected::NoStream, 2, "")));
        let bad = log.append(append(99, Expected::NoStream, 1, harness::MARK));
        let late = log.append(append(0, Expected::Revision(1), 1, ""));
        let release = async { pause.end().await };
        let (good, bad, late, ()) = tokio::join!(join_all(good), bad, late, release);

        assert!(good.iter().all(Result::is_ok), "{good:?}");
        assert!(matches!(bad, Err(AppendError::Store(_))), "{bad:?}");
        assert_eq!(late.unwrap().revision, 2);
        let positions = positions(&log).await;
        assert_eq!(positions.len(), 41);
        assert!(positions.is_sorted());
        log.close().await;
    }
}

#[tokio::test]
async fn a_log_opened_again_goes_on_where_it_was() {
    for store in Store::all() {
        let log = store.open().await;
        let before = log.append(append(1, Expected::NoStream, 3, "")).await.unwrap();
        log.close().await;
        let late = log.append(append(1, Expected::Revision(2), 1, "")).await;
        assert!(matches!(late, Err(AppendError::Store(_))), "{late:?}");

        let log = store.open().await;
        assert_eq!(log.head().await.unwrap(), before.position);
        assert!(log.append(append(1, Expected::NoStream, 3, "")).await.unwrap().deduplicated);
        log.close().await;

        let log = store.open().await;
        let refused = log.append(append(1, Expected::NoStream, 1, "other")).await;
        assert!(conflicts(&refused, 1, Some(2)), "{refused:?}");
        let known = log.append(append(1, Expected::Revision(2), 1, "")).await.unwrap();
        let new = log.append(append(2, Expected::NoStream, 1, "")).await.unwrap();
        assert!(before.position < known.position && known.position < new.position);
        assert_eq!(log.read_stream(person(2), 0, 9).await.unwrap().len(), 1);
        log.close().await;
    }
}

#[tokio::test]
async fn two_logs_of_one_folder_have_positions_of_their_own() {
    for store in Store::all() {
        let (school, access) =
            (store.open().await, store.open_named(LogName::Access).await.unwrap());
        school.append(append(1, Expected::NoStream, 5, "")).await.unwrap();
        let first = access.append(append(1, Expected::NoStream, 1, "")).await.unwrap();
        assert_eq!(first.revision, 0);
        assert_eq!((positions(&school).await.len(), positions(&access).await.len()), (5, 1));
        school.close().await;
        access.close().await;
    }
}

#[tokio::test]
async fn a_folder_that_is_written_by_one_is_refused_to_another() {
    for store in Store::all().into_iter().filter(Store::has_one_writer) {
        let log = store.open().await;
        let second = store.open_named(LogName::School).await;
        assert!(second.unwrap_err().to_string().contains("already open elsewhere"));
        log.close().await;
        store.open().await.close().await;
    }
}

#[tokio::test]
async fn whoever_waits_for_the_log_is_woken_by_an_append() {
    for store in Store::all() {
        let log = store.open().await;
        let mut wake = log.wake();
        let written = log.append(append(1, Expected::NoStream, 1, "")).await.unwrap();
        wake.changed().await.unwrap();
        assert_eq!(*wake.borrow(), written.position);
        log.close().await;
    }
}

fn after(revision: u64) -> Expected {
    revision.checked_sub(1).map_or(Expected::NoStream, Expected::Revision)
}

fn conflicts<T>(answer: &Result<T, AppendError>, who: u128, at: Option<u64>) -> bool {
    matches!(answer, Err(AppendError::Conflict { stream, actual })
        if *stream == person(who) && *actual == at)
}
