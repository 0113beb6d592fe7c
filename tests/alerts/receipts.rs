//! What a gateway says later of the messages that it took.

use api::{
    channels::{Receipts, SmsSettings},
    router,
};
use axum::{
    body::{Body, to_bytes},
    http::{Method, Request},
};
use serde_json::{Value, json};
use tests::sms_gateway::{Manner, SmsGateway};
use tower::ServiceExt;

use super::hostile::{LONG_SECONDS, MOBILE, Morning, fate, sms};

const SECRET: &str = "the-secret-of-the-receipts-of-these-tests";

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_says_that_a_message_has_arrived_and_is_written_down_once() {
    let mut morning = told(1).await;
    let arrived = "id=0&dlr=1&receiver=%2B33639980099";
    assert_eq!(get(&morning, SECRET, arrived).await, 204);
    assert_eq!(of_sms(&mut morning).await, "delivered");
    let events = morning.events(0).await;
    assert_eq!(get(&morning, SECRET, arrived).await, 204);
    assert_eq!(post(&morning, "id=0&dlr=1").await, 204);
    assert_eq!(post(&morning, "id=0&dlr=2").await, 204, "it has arrived");
    assert_eq!(morning.events(0).await, events);
    let counted = counted(&morning).await;
    let delivered = r#"preau_messages_total{channel="sms",outcome="delivered"} 1"#;
    assert!(counted.lines().any(|line| line == delivered), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_did_not_arrive_after_all_is_followed_by_the_next_channel() {
    let mut morning = told(1).await;
    morning.at(morning.now + chrono::TimeDelta::minutes(5)).await;
    let undeliverable = "id=0&dlr=16";
    assert_eq!(post(&morning, undeliverable).await, 204);
    morning.at(morning.now).await;
    let alert = morning.alert(0).await;
    assert_eq!(fate(&alert, "sms").0, "undeliverable");
    assert_eq!(fate(&alert, "mail"), ("accepted".to_owned(), None, 1, false));
    assert_eq!(alert["call"]["state"], "none");
    let events = morning.events(0).await;
    assert_eq!(post(&morning, undeliverable).await, 204);
    assert_eq!(morning.events(0).await, events);
    let counted = counted(&morning).await;
    let outcome = r#"preau_messages_total{channel="sms",outcome="undeliverable"} 1"#;
    assert!(counted.lines().any(|line| line == outcome), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_no_receipt_of_a_message_of_ours_changes_nothing() {
    let morning = told(1).await;
    let events = morning.events(0).await;
    let forged = "the-secret-of-the-receipts-of-these-testz";
    for (secret, query, status) in [
        (forged, "id=0&dlr=1", 404),
        ("", "id=0&dlr=1", 404),
        ("%ff", "id=0&dlr=1", 404),
        (SECRET, "id=1&dlr=1", 404),
        (SECRET, "id=0&dlr=4", 204),
        (SECRET, "id=&dlr=", 204),
        (SECRET, "", 204),
        (SECRET, "%00%ff&id", 204),
    ] {
        assert_eq!(get(&morning, secret, query).await, status, "{secret} {query}");
    }
    assert_eq!(post(&morning, "{\"id\": [").await, 204);
    assert_eq!(post(&morning, &"a".repeat(20_000)).await, 413);
    assert_eq!(call(&morning, None, Method::GET, (SECRET, "id=0&dlr=1"), "").await, 404);
    assert_eq!(morning.events(0).await, events);
    let counted = counted(&morning).await;
    assert!(counted.lines().any(|line| line == "preau_receipts_unknown_total 1"), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_before_its_message_was_written_down_is_asked_for_again() {
    let (gateway, mut morning) = school(1).await;
    let early = get(&morning, SECRET, "id=0&dlr=1").await;
    assert_eq!(early, 404, "and the gateway comes again");
    let channels = channels(&gateway);
    let app = morning.app();
    let again = tokio::spawn(async move {
        loop {
            let request = Request::get(format!("/receipts/sms/{SECRET}?id=0&dlr=1"));
            let router = router(app.clone().with_receipts(Some(receipts())));
            let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            if answer.status().is_success() {
                break;
            }
        }
    });
    morning.is_away(0, &channels).await;
    again.await.unwrap();
    assert_eq!(of_sms(&mut morning).await, "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_gateway_gives_to_two_messages_says_nothing_of_either() {
    let (gateway, mut morning) = school(2).await;
    gateway.will(Manner::Says(200, r#"{"status":100,"smsIds":["same"]}"#.to_owned()));
    morning.all_are_away(0..2, &channels(&gateway)).await;
    assert_eq!(get(&morning, SECRET, "id=same&dlr=2").await, 404);
    assert_eq!(of_sms(&mut morning).await, "accepted");
}

/// A school of so many families that have a mobile telephone and mail, and its gateway.
async fn school(families: usize) -> (SmsGateway, Morning) {
    let mut morning = Morning::new(families).await;
    for child in 0..families {
        let both = json!({ "mobile": MOBILE, "mail": "family@example.org", "accepts_sms": true });
        morning.guardian(child, ("exercised", "first"), both).await;
    }
    (SmsGateway::start(), morning)
}

/// The same, when the families were told by SMS.
async fn told(families: usize) -> Morning {
    let (gateway, mut morning) = school(families).await;
    morning.all_are_away(0..families, &channels(&gateway)).await;
    assert_eq!(of_sms(&mut morning).await, "accepted");
    morning
}

fn channels(gateway: &SmsGateway) -> Value {
    json!({ "sms": sms(&gateway.url(), LONG_SECONDS), "mail": { "url": "file:outbox" } })
}

async fn of_sms(morning: &mut Morning) -> String {
    fate(&morning.alert(0).await, "sms").0
}

async fn get(morning: &Morning, secret: &str, query: &str) -> u16 {
    call(morning, Some(receipts()), Method::GET, (secret, query), "").await
}

async fn post(morning: &Morning, body: &str) -> u16 {
    call(morning, Some(receipts()), Method::POST, (SECRET, ""), body).await
}

async fn call(
    morning: &Morning,
    receipts: Option<Receipts>,
    method: Method,
    (secret, query): (&str, &str),
    body: &str,
) -> u16 {
    let uri = format!("/receipts/sms/{secret}?{query}");
    let request = Request::builder().method(method).uri(uri).body(Body::from(body.to_owned()));
    let router = router(morning.app().with_receipts(receipts));
    let answer = router.oneshot(request.unwrap()).await.unwrap();
    answer.status().as_u16()
}

/// The gateway's receipts, as the settings describe them.
fn receipts() -> Receipts {
    let settings = json!({ "preset": "ovh", "receipts": { "secret": SECRET } });
    let settings: SmsSettings = serde_json::from_value(settings).unwrap();
    Receipts::of(Some(&settings)).unwrap().unwrap()
}

async fn counted(morning: &Morning) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = router(morning.app()).oneshot(request).await.unwrap();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}
