//! Mandates: given for a school by who may, dated where somebody audits, ended before their time.

use serde_json::{Value, json};

use super::{send, settle};
use crate::scene::{SCHOOL, Scene};

#[tokio::test]
async fn whoever_audits_has_a_last_day_and_a_decision() {
    let (mut scene, person) = registered().await;
    let path = format!("/people/{person}/mandates");
    for mandate in ["auditor", "data-protection"] {
        let undated = json!({ "mandate": mandate, "from": "2026-11-20" });
        assert_eq!(scene.refused("POST", &path, undated).await, "422 mandate-not-dated");
    }
    let backwards = json!({ "mandate": "auditor", "from": "2026-11-20", "until": "2026-11-19",
        "document": "2026/117" });
    let refused = scene.refused("POST", &path, backwards).await;
    assert_eq!(refused, "422 mandate-ends-before-it-begins");
    let technical = json!({ "mandate": "administrator", "from": "2026-11-20" });
    scene.post(&path, technical.clone()).await.ok();
    let head = scene.head().await;
    scene.post(&path, technical).await.ok();
    assert_eq!(scene.head().await, head, "given once");
}

#[tokio::test]
async fn a_mandate_ends_before_its_last_day() {
    let (mut scene, person) = registered().await;
    let given = json!({ "mandate": "auditor", "from": "2026-11-16", "until": "2027-01-31",
        "document": "2026/117" });
    scene.post(&format!("/people/{person}/mandates"), given).await.ok();
    let token = settle(&mut scene, &person).await;
    let end = |mandate: &str| format!("/people/{person}/mandates/{mandate}/end");
    scene.post(&end("auditor"), json!({ "on": "2026-11-20" })).await.ok();
    let own = send(&mut scene, "GET", "/account", Some(&token), Value::Null).await.ok();
    assert_eq!(own["mandates"][0]["until"], "2026-11-20");
    let refused = scene.refused("POST", &end("administrator"), json!({ "on": "2026-11-20" })).await;
    assert_eq!(refused, "422 not-mandated");
    let nothing = scene.refused("POST", &end("caretaker"), json!({ "on": "2026-11-20" })).await;
    assert_eq!(nothing, "404 no-such-address");
}

#[tokio::test]
async fn nobody_gives_themself_a_mandate() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let token = settle(&mut scene, &teacher).await;
    let path = format!("/schools/{SCHOOL}/people/{teacher}/mandates");
    let mandate = json!({ "mandate": "administrator", "from": "2026-11-20" });
    let refused = send(&mut scene, "POST", &path, Some(&token), mandate).await;
    assert_eq!(refused.refusal(), "403 forbidden");
}

async fn registered() -> (Scene, String) {
    let mut scene = Scene::school().await;
    let name = json!({ "name": { "family": "Perlorron", "given": "Léa" } });
    let person = scene.post("/people", name).await.id();
    (scene, person)
}
