//! A family is told inside Préau too: one list over all children and schools, and a stream that tells when to
//! read it again. Of each alert they see what is theirs.

use domain::accounts::Mandate;
use serde_json::{Value, json};

use super::{changes::Changes, tilleuls::Tilleuls};
use crate::{
    access::house::{House, OTHER},
    scene::{SCHOOL, Scene, TOKEN},
    serving::Server,
};

const LIST: &str = "/account/alerts";
const CHANGES: &str = "/account/alerts/changes";

#[tokio::test]
async fn a_parent_is_told_says_seen_by_one_tap_and_is_told_when_it_is_over() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    let token = school.scene.signed_in(&mother, false).await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut changes = Changes::open_at(server.port, CHANGES, &token, "").await;
    changes.next().await.unwrap();
    assert_eq!(list(&mut school.scene, &token).await, json!([]));

    school.roll(1, &[&lea]).await;
    let raised = changes.next().await.unwrap();
    let path = format!("{LIST}?min_position={raised}");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let alerts = school.scene.send_to("GET", &path, None, &headers).await.ok();
    let alert = &alerts[0];
    assert_eq!((&alert["student"], &alert["first_name"]), (&json!(lea), &json!("Léa")));
    assert_eq!(alert["school_name"], "Collège des Tilleuls");
    assert_eq!((&alert["date"], &alert["half"]), (&json!("2026-11-20"), &json!("morning")));
    assert_eq!((&alert["seen"], &alert["cancelled"]), (&json!(false), &Value::Null));

    let path =
        format!("/schools/{SCHOOL}/students/{lea}/alerts/2026-11-20/morning/acknowledgement");
    school.scene.send_as(&token, "POST", &path, None).await.ok();
    changes.next().await.unwrap();
    assert_eq!(list(&mut school.scene, &token).await[0]["seen"], true);

    school.was_there(1, &lea).await;
    changes.next().await.unwrap();
    assert_eq!(list(&mut school.scene, &token).await[0]["cancelled"], "not-absent");
    for line in &changes.lines {
        assert!(!line.contains("Léa") && !line.contains(&lea), "{line}");
    }
}

#[tokio::test]
async fn all_children_and_schools_are_in_one_list_and_nobody_elses_child() {
    let mut house = House::open().await;
    let terms = json!({ "link": "mother", "authority": "exercised", "home": "first",
        "contact_order": 1, "from": "2026-09-01" });
    let path = house.path("/students/{nora}/guardians/{léa's mother}");
    house.put(OTHER, &path, terms).await;
    let roll = house.path("/courses/{maths Z}/lessons/2026-11-20/1/roll-call");
    let absent = json!({ "absent": [house.id("nora")] });
    house.put(OTHER, &roll, absent).await;
    let alerts = house.does_anywhere("léa's mother", "GET", LIST, None).await.ok();
    let told = |alerts: &Value| -> Vec<(String, String)> {
        let text = |alert: &Value, field: &str| alert[field].as_str().unwrap().to_owned();
        let alerts = alerts.as_array().unwrap().iter();
        let mut told: Vec<_> =
            alerts.map(|alert| (text(alert, "first_name"), text(alert, "school_name"))).collect();
        told.sort();
        told
    };
    let named = |child: &str, school: &str| (child.to_owned(), school.to_owned());
    let both = [named("léa", "Collège des Tilleuls"), named("nora", "Lycée des Ormes")];
    assert_eq!(told(&alerts), both);
    let of_tom = house.does_anywhere("tom's mother", "GET", LIST, None).await.ok();
    assert_eq!(told(&of_tom), [named("tom", "Collège des Tilleuls")]);
    for nobody in ["léa", "anna", "cpe", "zoé's mother", "léa's aunt"] {
        let alerts = house.does_anywhere(nobody, "GET", LIST, None).await.ok();
        assert_eq!(alerts, json!([]), "{nobody}");
    }
    for nobody in ["léa", "cpe", "léa's aunt"] {
        let refused = house.does_anywhere(nobody, "GET", CHANGES, None).await;
        assert_eq!(refused.refusal(), "403 forbidden", "{nobody}");
    }
}

#[tokio::test]
async fn what_a_family_reads_is_in_the_access_log_under_each_child() {
    let mut house = House::open().await;
    house.does_anywhere("léa's mother", "GET", LIST, None).await.ok();
    house.mandates("auditor", Mandate::Auditor, "2026-12-31").await;
    let log = house.asks("auditor", "/access-log?from=2026-11-20").await.ok();
    let entries = log["entries"].as_array().unwrap().iter();
    let reads: Vec<&Value> = entries.filter(|entry| entry["action"] == "read-alerts").collect();
    assert_eq!(reads.len(), 1, "{log}");
    assert_eq!(reads[0]["subject"], house.id("léa"));
    assert_eq!(reads[0]["rule"], "guardian");
}

#[tokio::test]
async fn the_other_home_neither_sees_nor_hears_what_this_one_was_told_or_does() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    let father = school.guardian("Max", ("fr", "second"), &[&lea], mail("max")).await;
    let (mother, father) = (
        school.scene.signed_in(&mother, false).await,
        school.scene.signed_in(&father, false).await,
    );
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut heard = Changes::open_at(server.port, CHANGES, &father, "").await;
    heard.next().await.unwrap();
    let before = list(&mut school.scene, &father).await;
    assert_eq!(before[0]["messages"].as_object().unwrap().len(), 1, "his own");

    let path =
        format!("/schools/{SCHOOL}/students/{lea}/alerts/2026-11-20/morning/acknowledgement");
    school.scene.send_as(&mother, "POST", &path, None).await.ok();
    assert_eq!(list(&mut school.scene, &mother).await[0]["seen"], true);
    assert_eq!(list(&mut school.scene, &father).await, before, "he sees nothing of hers");
    let header = format!("last-event-id: {}\r\n", heard.last_id());
    let mut again = Changes::open_at(server.port, CHANGES, &father, &header).await;
    school.was_there(1, &lea).await;
    let told = heard.next().await.unwrap();
    assert!(told >= again.next().await.unwrap().min(told));
    assert_eq!(list(&mut school.scene, &father).await[0]["cancelled"], "not-absent");
    let ids = |changes: &Changes| changes.lines.iter().filter(|l| l.starts_with("id: ")).count();
    assert_eq!((ids(&heard), ids(&again)), (2, 1), "neither was told that she has seen it");
}

#[tokio::test]
async fn a_judgment_ends_what_a_parent_hears_and_sees_before_it_and_after() {
    let mut school = Tilleuls::new().await;
    let (lea, max) = (school.lea.clone(), school.max.clone());
    let father = school.guardian("Max", ("fr", "second"), &[&lea, &max], mail("max")).await;
    let token = school.scene.signed_in(&father, false).await;
    school.roll(1, &[&lea, &max]).await;
    school.at("2026-11-20T07:10:00Z").await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut changes = Changes::open_at(server.port, CHANGES, &token, "").await;
    changes.next().await.unwrap();
    assert_eq!(list(&mut school.scene, &token).await.as_array().unwrap().len(), 2);

    judged(&mut school, &lea, &father).await;
    changes.next().await.unwrap();
    let left = list(&mut school.scene, &token).await;
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["student"], json!(max), "what was raised before it is gone too");

    judged(&mut school, &max, &father).await;
    assert_eq!(changes.next().await, None, "nobody is left");
    school.roll(5, &[&lea, &max]).await;
    assert_eq!(list(&mut school.scene, &token).await, json!([]));
    let past = format!("{LIST}?as_of=2026-11-20T07:05:00Z");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let past = school.scene.send_to("GET", &past, None, &headers).await.ok();
    assert_eq!(past, json!([]), "looking back gives no right back");
    let refused = school.scene.send_to("GET", CHANGES, None, &headers).await;
    assert_eq!(refused.refusal(), "403 forbidden");
}

#[tokio::test]
async fn whoever_signs_out_hears_nothing_more_and_a_program_has_no_alerts_of_its_own() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    let token = school.scene.signed_in(&mother, false).await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut changes = Changes::open_at(server.port, CHANGES, &token, "").await;
    changes.next().await.unwrap();
    school.scene.send_as(&token, "DELETE", "/account/session", None).await.ok();
    school.roll(1, &[&lea]).await;
    assert_eq!(changes.next().await, None);
    for path in [LIST, CHANGES] {
        let refused = school.scene.send_as(TOKEN, "GET", path, None).await;
        assert_eq!(refused.refusal(), "404 unknown-person", "{path}");
    }
}

#[tokio::test]
async fn a_student_of_age_hears_of_themself_and_a_minor_does_not() {
    let mut house = House::open().await;
    house.born("awa", "2008-11-20").await;
    house.born("ilan", "2008-11-21").await;
    for student in ["awa", "ilan"] {
        let away = json!({ "student": house.id(student), "from": "2026-11-20T08:00:00+01:00",
            "to": "2026-11-20T11:00:00+01:00" });
        house.office("POST", "/absences", away).await;
    }
    let alerts = house.does_anywhere("awa", "GET", LIST, None).await.ok();
    assert_eq!(alerts[0]["student"], house.id("awa"));
    let alerts = house.does_anywhere("ilan", "GET", LIST, None).await.ok();
    assert_eq!(alerts, json!([]));
}

async fn list(scene: &mut Scene, token: &str) -> Value {
    scene.send_as(token, "GET", LIST, None).await.ok()
}

async fn judged(school: &mut Tilleuls, student: &str, guardian: &str) {
    let judgment = json!({ "from": "2026-11-20", "document": "JAF 26/4" });
    let path = format!("/students/{student}/guardians/{guardian}/restriction");
    school.scene.post(&path, judgment).await.ok();
}

fn mail(name: &str) -> Value {
    json!({ "mail": format!("{name}@example.org"), "accepts_sms": false })
}
