//! The faults of the double, through the client: each happens when the test says so, and at no other time.

use bytes::Bytes;
use kurrentdb::{Client, Error, ReadStreamOptions, StreamState};
use tokio::time::{Duration, timeout};
use uuid::Uuid;

use super::{
    Double,
    client::{append, batches, client, client_at, event, ids},
    records::Proposed,
};

#[tokio::test]
async fn whoever_was_cut_off_after_the_commit_asks_again_and_there_is_one_record() {
    let double = Double::start();
    double.cut_after_commit();
    let batch = batches(&client(&double)).await;
    append(&batch, "roll", StreamState::NoStream, &[1, 2]).await.unwrap_err();
    assert_eq!(ids(&double, "roll"), [1, 2]);
    let batch = batches(&client(&double)).await;
    let again = append(&batch, "roll", StreamState::NoStream, &[1, 2]).await.unwrap();
    assert_eq!(again.current_revision(), Some(1));
    assert_eq!(ids(&double, "roll"), [1, 2]);
}

#[tokio::test]
async fn whoever_was_cut_off_before_the_commit_has_written_nothing() {
    let double = Double::start();
    double.cut_before_commit();
    let batch = batches(&client(&double)).await;
    append(&batch, "roll", StreamState::NoStream, &[1]).await.unwrap_err();
    assert_eq!(ids(&double, "roll"), [] as [u128; 0]);
    let batch = batches(&client(&double)).await;
    append(&batch, "roll", StreamState::NoStream, &[1]).await.unwrap();
    assert_eq!(ids(&double, "roll"), [1]);
}

#[tokio::test]
async fn somebody_else_writes_first() {
    let double = Double::start();
    let client = client(&double);
    double.write_before_next(vec![proposed(9)]);
    double.write_before_next(Vec::new());
    for _ in 0..2 {
        let batch = batches(&client).await;
        let refused = append(&batch, "roll", StreamState::NoStream, &[1]).await.unwrap_err();
        assert!(matches!(refused, Error::Grpc { code, .. } if code as i32 == 6), "{refused:?}");
    }
    append(&batches(&client).await, "roll", StreamState::StreamRevision(0), &[1]).await.unwrap();
    assert_eq!(ids(&double, "roll"), [9, 1]);
}

#[tokio::test]
async fn what_is_marked_is_refused_and_nothing_else() {
    let double = Double::start();
    let client = client(&double);
    double.refuse(r#"{"said":"bad"}"#);
    let bad = vec![event(1, "good"), event(2, "bad")];
    let refused = batches(&client).await.append_to_stream("roll", StreamState::Any, bad).await;
    assert!(matches!(refused, Err(Error::Grpc { code, .. }) if code as i32 == 13));
    let good = vec![event(1, "good")];
    batches(&client).await.append_to_stream("roll", StreamState::Any, good).await.unwrap();
    assert_eq!(ids(&double, "roll"), [1]);
}

#[tokio::test]
async fn nobody_writes_while_writes_are_held() {
    let double = Double::start();
    let batch = batches(&client(&double)).await;
    let held = double.hold_writes();
    let writing = tokio::spawn(async move {
        append(&batch, "roll", StreamState::NoStream, &[1]).await.unwrap();
    });
    held.waiting(1).await;
    assert_eq!(ids(&double, "roll"), [] as [u128; 0]);
    drop(held);
    writing.await.unwrap();
    assert_eq!(ids(&double, "roll"), [1]);
}

#[tokio::test]
async fn what_was_written_is_told_late_while_answers_are_held() {
    let double = Double::start();
    let client = client(&double);
    let batch = std::sync::Arc::new(batches(&client).await);
    let held = double.hold_answers();
    let [one, other] = ["one", "other"].map(|stream| {
        let batch = batch.clone();
        tokio::spawn(async move { append(&batch, stream, StreamState::NoStream, &[1]).await })
    });
    held.waiting(2).await;
    let read = tokio::spawn(async move { count(&client, "one").await });
    held.waiting(3).await;
    assert_eq!((ids(&double, "one"), ids(&double, "other")), (vec![1], vec![1]));
    assert!(!one.is_finished() && !other.is_finished() && !read.is_finished());
    drop(held);
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    read.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_stored_survives_a_restart_on_the_same_port_or_another() {
    let mut double = Double::start();
    let url = double.url();
    let before = client(&double);
    let batch = batches(&before).await;
    append(&batch, "roll", StreamState::NoStream, &[1]).await.unwrap();
    double.down().await;
    append(&batch, "roll", StreamState::StreamRevision(0), &[2]).await.unwrap_err();
    count(&client_at(&url), "roll").await.unwrap_err();

    double.up();
    assert_eq!(double.url(), url);
    assert_eq!(count(&client_at(&url), "roll").await.unwrap(), 1);

    double.move_elsewhere().await;
    assert_ne!(double.url(), url);
    count(&client_at(&url), "roll").await.unwrap_err();
    let batch = batches(&client(&double)).await;
    append(&batch, "roll", StreamState::StreamRevision(0), &[2]).await.unwrap();
    assert_eq!(ids(&double, "roll"), [1, 2]);
}

#[tokio::test]
async fn a_follower_names_the_leader_to_whoever_wants_none_but_it() {
    let mut double = Double::cluster();
    // Clients want the leader, unless they are told otherwise.
    let by_follower = client_at(&double.url_of(2));
    let refused = append(&batches(&by_follower).await, "roll", StreamState::NoStream, &[1]).await;
    let Err(Error::NotLeaderException(leader)) = refused else { panic!("{refused:?}") };
    assert!(double.url_of(0).contains(&format!("{}:{}?", leader.host, leader.port)));
    let by_leader = client_at(&double.url_of(0));
    append(&batches(&by_leader).await, "roll", StreamState::NoStream, &[1]).await.unwrap();
    // Whoever does not want it is served by handing on.
    let anybody = client_at(&format!("{}&nodePreference=random", double.url_of(1)));
    append(&batches(&anybody).await, "roll", StreamState::StreamRevision(0), &[2]).await.unwrap();

    let by_gossip = client(&double);
    append(&batches(&by_gossip).await, "roll", StreamState::StreamRevision(1), &[3]).await.unwrap();
    double.lead(1);
    double.node_down(0).await;
    let by_gossip = client(&double);
    append(&batches(&by_gossip).await, "roll", StreamState::StreamRevision(2), &[4]).await.unwrap();
    assert_eq!(ids(&double, "roll"), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_leader_may_lose_its_place_between_two_appends() {
    let double = Double::start();
    let client = client(&double);
    double.not_leader();
    let refused = append(&batches(&client).await, "roll", StreamState::NoStream, &[1]).await;
    assert!(matches!(refused, Err(Error::NotLeaderException(_))), "{refused:?}");
    append(&batches(&client).await, "roll", StreamState::NoStream, &[1]).await.unwrap();
}

/// How many events a stream has, unless that is not told: but somebody must answer, or refuse.
async fn count(client: &Client, stream: &str) -> kurrentdb::Result<usize> {
    let asked = async {
        let mut events = client.read_stream(stream, &ReadStreamOptions::default()).await?;
        let mut count = 0;
        while events.next().await?.is_some() {
            count += 1;
        }
        Ok(count)
    };
    timeout(Duration::from_secs(30), asked).await.unwrap()
}

fn proposed(id: u128) -> Proposed {
    Proposed {
        id: Uuid::from_u128(id),
        kind: "Counted".to_owned(),
        content_type: "application/json".to_owned(),
        metadata: Bytes::new(),
        data: Bytes::from_static(b"{}"),
    }
}
