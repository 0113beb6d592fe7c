//! What whoever watches over a node sees of it: numbers, and nobody.

use api::router;
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::json;
use tower::ServiceExt;

use super::tilleuls::Tilleuls;
use crate::{canaries, scene::SCHOOL};

#[tokio::test]
async fn a_node_counts_what_its_dispatcher_does() {
    let mut school = Tilleuls::new().await;
    let (lea, noe, max) = (school.lea.clone(), school.noe.clone(), school.max.clone());
    let mail = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    school.guardian("Sophie", ("fr", "first"), &[&lea, &noe], mail).await;
    school.roll(1, &[&lea, &noe, &max]).await;
    school.at("2026-11-20T07:10:00Z").await;
    school.at("2026-11-20T07:10:30Z").await;
    let told = told(&school).await;
    for line in [
        "preau_alerts_raised_total 3",
        r#"preau_messages_total{channel="mail",outcome="accepted"} 1"#,
        "preau_calls_asked_total 1",
        "preau_oldest_unsent_alert_age_seconds 0",
        "preau_dispatcher_heartbeat_age_seconds 0",
        "preau_parked_events 0",
        "# EOF",
    ] {
        assert!(told.lines().any(|known| known == line), "{line} is not in {told}");
    }
    let head = school.scene.head().await;
    for of in ["log_head", "tables_folded", "reactions"] {
        assert!(told.contains(&format!("preau_{of}_position {head}\n")), "{of}, {head}: {told}");
    }
    assert!(!told.contains(SCHOOL) && !told.contains(&lea), "{told}");
    assert_eq!(canaries::first_in(told.as_bytes()), None);
}

#[tokio::test]
async fn an_alert_that_waits_to_be_sent_grows_old_until_the_office_is_asked_to_call() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mail = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail).await;
    let stopped = json!({ "sending-stopped": { "to": "guardians", "stopped": true } });
    school.scene.post("/settings", stopped).await.ok();
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:30Z").await;
    let waits = told(&school).await;
    assert!(waits.contains("preau_oldest_unsent_alert_age_seconds 30\n"), "{waits}");
    school.at("2026-11-20T07:25:00Z").await;
    let called = told(&school).await;
    assert!(called.contains("preau_oldest_unsent_alert_age_seconds 0\n"), "{called}");
}

#[tokio::test]
async fn what_was_counted_once_is_not_counted_again_when_more_is_said_of_it() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let path = format!("/students/{lea}/alerts/2026-11-20/morning/call");
    school.scene.post(&path, json!(null)).await.ok();
    school.was_there(1, &lea).await;
    school.at("2026-11-20T07:12:00Z").await;
    let once = ["preau_alerts_raised_total 1\n", "preau_calls_asked_total 1\n"];
    let seen = told(&school).await;
    assert!(once.iter().all(|line| seen.contains(line)), "{seen}");
    let absent = json!({ "marks": [{ "student": lea, "mark": "absent" }] });
    let lesson = school.lesson(1);
    school.scene.patch(&lesson, absent).await.ok();
    school.at("2026-11-20T07:13:00Z").await;
    assert!(told(&school).await.contains("preau_alerts_raised_total 2\n"), "raised again");
    let school = school.restarted().await;
    let anew = told(&school).await;
    assert!(anew.contains("preau_alerts_raised_total 0\n"), "{anew}");
}

/// What is told of the node and its dispatcher.
async fn told(school: &Tilleuls) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = router(school.watched()).oneshot(request).await.unwrap();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}
