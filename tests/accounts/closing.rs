//! Accounts open and close by themselves, at midnight of the school.

use serde_json::{Value, json};

use super::{PASSWORD, guesses::reasons, send, settle, sign_in};
use crate::scene::{SCHOOL, Scene};

#[tokio::test]
async fn an_account_closes_at_midnight_after_the_last_day_also_for_who_is_signed_in() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let departure = json!({ "on": "2026-11-20" });
    scene.post(&format!("/people/{teacher}/departure"), departure).await.ok();
    scene.head().await;
    settle(&mut scene, &teacher).await;
    scene.now("2026-11-20T22:40:00Z");
    let token = sign_in(&mut scene, "lea.perlorron", PASSWORD).await.ok();
    let token = token["token"].as_str().unwrap();

    scene.now("2026-11-20T22:59:59Z");
    let own = send(&mut scene, "GET", "/account", Some(token), Value::Null).await.ok();
    assert_eq!(
        (&own["closes_on"], &own["data_due_on"]),
        (&json!("2026-11-20"), &json!("2027-02-20"))
    );
    scene.now("2026-11-20T23:00:00Z");
    let timetable = format!("/schools/{SCHOOL}/staff/{teacher}/lessons?from=2026-11-20");
    for path in ["/account", "/account/sessions", "/schools", &timetable] {
        let answer = send(&mut scene, "GET", path, Some(token), Value::Null).await;
        assert_eq!(answer.refusal(), "401 not-signed-in", "{path}");
    }
    let refused = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(refused.refusal(), "401 sign-in-refused");
    assert!(reasons(&scene).await.iter().all(|why| why == "account-closed"));
}

#[tokio::test]
async fn who_comes_back_finds_the_account_as_it_was() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    let departure = json!({ "on": "2026-11-20" });
    scene.post(&format!("/people/{teacher}/departure"), departure).await.ok();
    scene.head().await;
    scene.now("2026-11-23T07:00:00Z");
    let refused = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(refused.refusal(), "401 sign-in-refused");
    let back = json!({ "person": teacher, "function": "cpe", "from": "2026-11-23" });
    scene.post("/staff", back).await.ok();
    assert_eq!(sign_in(&mut scene, "lea.perlorron", PASSWORD).await.status, "201 Created");
}

#[tokio::test]
async fn a_parents_account_is_open_while_the_child_learns_somewhere() {
    let mut scene = Scene::school().await;
    let student = scene.person("Perlorron", "Léa", "students").await;
    let name = json!({ "name": { "family": "Perlorron", "given": "Salma" } });
    let mother = scene.post("/people", name).await.id();
    let terms = json!({ "link": "mother", "authority": "exercised", "home": "first",
        "contact_order": 1, "from": "2026-09-01" });
    scene.put(&format!("/students/{student}/guardians/{mother}"), terms).await.ok();
    settle(&mut scene, &mother).await;
    let departure = json!({ "on": "2026-11-21" });
    scene.post(&format!("/people/{student}/departure"), departure).await.ok();
    scene.head().await;
    scene.now("2026-11-21T22:59:59Z");
    assert_eq!(sign_in(&mut scene, "salma.perlorron", PASSWORD).await.status, "201 Created");
    scene.now("2026-11-21T23:00:00Z");
    let refused = sign_in(&mut scene, "salma.perlorron", PASSWORD).await;
    assert_eq!(refused.refusal(), "401 sign-in-refused");
}

#[tokio::test]
async fn a_mandate_keeps_an_account_open_to_its_last_day() {
    let mut scene = Scene::school().await;
    let name = json!({ "name": { "family": "Perlorron", "given": "Léa" } });
    let auditor = scene.post("/people", name).await.id();
    let mandate = json!({ "mandate": "auditor", "from": "2026-11-16", "until": "2026-11-20",
        "document": "2026/117" });
    scene.post(&format!("/people/{auditor}/mandates"), mandate).await.ok();
    let token = settle(&mut scene, &auditor).await;
    let own = send(&mut scene, "GET", "/account", Some(&token), Value::Null).await.ok();
    assert_eq!(own["closes_on"], "2026-11-20");
    scene.now("2026-11-20T23:00:00Z");
    let refused = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(refused.refusal(), "401 sign-in-refused");
}
