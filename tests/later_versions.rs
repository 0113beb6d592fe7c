//! A node that meets what a later version of the program has written, while nodes are upgraded one
//! after the other: it goes on, says so, and harms nothing that it does not understand.

use axum::{body::Body, http::Request};
use chrono::DateTime;
use domain::{AccountId, CommandId, EventId, Header, PersonId, RunId, Stream};
use replay::{
    header,
    log::{Expected, NewEvent, StreamAppend},
};
use serde_json::json;
use uuid::Uuid;

use crate::scene::{SCHOOL, Scene};

#[tokio::test]
async fn a_stream_with_an_event_of_a_later_version_stays_readable_as_it_was() {
    let mut school = Scene::school().await;
    let adele = school.person("Muller", "Adèle", "students").await;
    let anne = school.person("Weber", "Anne", "students").await;
    let stream = Stream::Person(PersonId(adele.parse().unwrap()));
    let known = school.node.journal().log().read_stream(stream, 0, 100).await.unwrap().len() as u64;
    let later = NewEvent { payload: "{}".into(), ..event(stream, known, 2) };
    let kind_unknown = event(stream, known + 1, 1);
    append(&school, stream, known, vec![later, kind_unknown]).await;

    let path = format!("/people/{adele}");
    let told = school.get(&path).await.ok();
    assert_eq!(told["name"]["given"], "Adèle");
    let name = json!({ "family": "Muller", "given": "Anne" });
    let refused = school.put(&format!("{path}/name"), name.clone()).await;
    assert_eq!(refused.refusal(), "503 later-version");
    assert_eq!(refused.header("retry-after"), "1");
    school.put(&format!("/people/{anne}/name"), name).await.ok();
    assert_eq!(health(&mut school).await, json!([2, 2]));
}

#[tokio::test]
async fn a_kind_of_stream_that_is_not_known_stops_nothing() {
    let mut school = Scene::school().await;
    let stream = Stream::Access(RunId(Uuid::from_u128(7)));
    let mut bytes = event(stream, 0, 1).header.to_vec();
    let kind = bytes.windows(7).position(|seven| seven == b"access-").unwrap();
    bytes[kind..kind + 7].copy_from_slice(b"canteen");
    append(&school, stream, 0, vec![NewEvent { header: bytes.into(), ..event(stream, 0, 1) }])
        .await;

    let adele = school.person("Muller", "Adèle", "students").await;
    assert_eq!(school.get(&format!("/people/{adele}")).await.ok()["name"]["given"], "Adèle");
    assert_eq!(health(&mut school).await, json!([1, 1]));
}

/// How many events a node says it cannot read, and how many of them it was too old for.
async fn health(school: &mut Scene) -> serde_json::Value {
    school.node.reach(school.head().await).await.unwrap();
    let asked = Request::get("/health").body(Body::empty()).unwrap();
    let health = school.raw(asked).await.ok();
    json!([health["parked"], health["later"]])
}

async fn append(school: &Scene, stream: Stream, next: u64, events: Vec<NewEvent>) {
    let expected = next.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
    let append = StreamAppend { stream, expected, events };
    school.node.journal().log().append(append).await.unwrap();
}

/// An event that nobody here has heard of, in clear.
fn event(stream: Stream, revision: u64, version: u16) -> NewEvent {
    let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let command = CommandId(Uuid::from_u128(u128::from(revision)));
    let header = Header {
        stream,
        revision,
        id: EventId::of(command, 0),
        kind: "LunchTaken".to_owned(),
        version,
        school: SCHOOL.parse().unwrap(),
        recorded_at: at,
        occurred_at: at,
        actor: AccountId(Uuid::from_u128(1)),
        command,
        correlation: command,
        causation: None,
        key: None,
    };
    let payload = r#"{"LunchTaken":{}}"#.into();
    NewEvent { id: header.id, header: header::encode(&header).unwrap(), payload }
}
