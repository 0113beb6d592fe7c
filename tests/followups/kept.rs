//! What is kept of a follow-up: what the school did, the papers, and who may see it.

use std::fs;

use domain::{Category, Dossier, PersonId, SchoolYear, Subject};
use serde_json::{Value, json};

use super::Tilleuls;
use crate::{access::house::House, scene::SCHOOL};

#[tokio::test]
async fn the_dossier_says_what_was_done_and_what_the_law_asks_next() {
    let mut school = Tilleuls::new().await;
    school.misses(3).await;
    school.away("2026-11-20T08:00:00+01:00", "2026-11-20T08:55:00+01:00").await;
    let path = school.path("four-half-days");
    let asks = |dossier: &Value| dossier["asks"].clone();
    let dossier = school.scene.get(&path).await.ok();
    let four = ["dialogue", "commission-educative", "plan-signed", "dasen-informed"];
    assert_eq!(asks(&dossier), json!(four));
    let measure = json!({ "measure": "dialogue", "on": "2026-11-20" });
    school.scene.post(&format!("{path}/measures"), measure).await.ok();
    let spoken = json!({ "with": school.lea, "way": "meeting", "at": "2026-11-20T14:00:00Z",
        "outcome": "spoken" });
    school.scene.post(&format!("{path}/contacts"), spoken).await.ok();
    let dossier = school.scene.get(&path).await.ok();
    assert_eq!(asks(&dossier), json!(["commission-educative", "plan-signed", "dasen-informed"]));
    assert_eq!(dossier["contacts"][0]["with"], school.lea.as_str());
    assert_eq!(dossier["half_days"]["unjustified_percent"], 400);
    assert_eq!(dossier["lines"].as_array().unwrap().len(), 4);
    assert_eq!(
        dossier["alerts"].as_array().unwrap().len(),
        1,
        "nobody is told of days that are over"
    );
    assert_eq!(dossier["as_of"], "2026-11-20T17:00:00Z");
    school.scene.post(&format!("{path}/closing"), json!({ "because": "attends-again" })).await.ok();
    assert_eq!(school.open().await, [""; 0]);
    let measure = json!({ "measure": "plan-signed", "on": "2026-11-20" });
    let refused = school.scene.refused("POST", &format!("{path}/measures"), measure).await;
    assert_eq!(refused, "422 follow-up-already-closed");
}

#[tokio::test]
async fn only_what_has_happened_is_noted_and_only_with_the_family() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let path = school.path("four-half-days");
    let tomorrow = json!({ "measure": "dialogue", "on": "2026-11-21" });
    let refused = school.scene.refused("POST", &format!("{path}/measures"), tomorrow).await;
    assert_eq!(refused, "422 not-happened-yet");
    let stranger = school.scene.person("Klein", "Paul", "students").await;
    let spoken = json!({ "with": stranger, "way": "telephone", "at": "2026-11-20T14:00:00Z",
        "outcome": "no-answer" });
    let refused = school.scene.refused("POST", &format!("{path}/contacts"), spoken).await;
    assert_eq!(refused, "404 unknown-person");
    let ten = school.path("ten-half-days");
    let close = json!({ "because": "handed-on" });
    let refused = school.scene.refused("POST", &format!("{ten}/closing"), close).await;
    assert_eq!(refused, "404 no-such-follow-up");
}

#[tokio::test]
async fn both_homes_get_a_letter_and_whom_a_judgment_keeps_from_it_gets_none() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    school.answers("Salma", "first").await;
    let father = school.answers("Karim", "second").await;
    let path = school.path("four-half-days") + "/letters";
    let page = school.scene.get(&path).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'; style-src 'sha256-"), "{policy}");
    for said in ["Salma Perlorron", "Karim Perlorron", "2 novembre 2026, matin", "R131-7"] {
        assert!(page.text().contains(said), "{said} is not in {}", page.text());
    }
    let judgment = json!({ "from": "2026-11-01", "document": "TJ Strasbourg 26/114" });
    let restriction = format!("/students/{}/guardians/{father}/restriction", school.lea);
    school.scene.post(&restriction, judgment).await.ok();
    let page = school.scene.get(&path).await;
    assert!(page.text().contains("Salma") && !page.text().contains("Karim"), "{}", page.text());
}

#[tokio::test]
async fn the_dossier_is_printed_and_reveals_neither_health_nor_religion() {
    let mut school = Tilleuls::new().await;
    let lines = school.misses(5).await;
    school.judges(&lines[0], "acceptance").await;
    let path = school.path("four-half-days");
    let page = school.scene.get(&format!("{path}/page")).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'; style-src 'sha256-"), "{policy}");
    for said in ["Léa Muller", "5e A", "Raison personnelle", "lessons-missed, version 1"] {
        assert!(page.text().contains(said), "{said} is not in {}", page.text());
    }
    let dossier = school.scene.get(&path).await.ok().to_string();
    for hidden in ["Maladie", "illness"] {
        assert!(!page.text().contains(hidden) && !dossier.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn a_log_that_is_read_again_opens_nothing_more() {
    let mut school = Tilleuls::new().await;
    let lines = school.misses(4).await;
    school.judges(&lines[0], "acceptance").await;
    school.judges(&lines[0], "refusal").await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
    let head = school.scene.head().await;
    school.reads_the_log_again("2026-11-20T18:00:00Z").await;
    assert_eq!(school.scene.head().await, head);
}

#[tokio::test]
async fn months_that_are_long_over_are_not_acted_on_when_the_log_is_read_again() {
    let mut school = Tilleuls::new().await;
    school.is_late("2026-11-02").await;
    school.is_late("2026-11-03").await;
    assert_eq!(school.open().await, [""; 0]);
    school.scene.post("/settings", json!({ "latenesses-per-month": 2 })).await.ok();
    school.scene.now("2027-02-01T08:00:00Z");
    school.reads_the_log_again("2027-02-01T09:00:00Z").await;
    assert_eq!(school.open().await, [""; 0]);
}

#[tokio::test]
async fn an_erased_file_takes_its_follow_ups_along_and_nothing_fails() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let dossier = Dossier {
        subject: Subject::Person(PersonId(school.lea.parse().unwrap())),
        category: Category::Attendance,
        year: SchoolYear(2026),
    };
    school.open().await;
    school.scene.node.journal().erase(dossier).await.unwrap();
    school.changes("2026-11-02", 1, json!({ "change": "cancel" })).await;
    school.scene.get("/follow-ups").await.ok();
    let path = school.path("four-half-days");
    let measure = json!({ "measure": "dialogue", "on": "2026-11-20" });
    let refused = school.scene.refused("POST", &format!("{path}/measures"), measure).await;
    assert_eq!(refused, "410 follow-up-erased");
}

#[tokio::test]
async fn the_office_follows_up_an_assistant_knows_of_it_and_families_and_teachers_do_not() {
    let mut house = House::open().await;
    let setting = json!({ "departures-per-month": 1 });
    house.post(SCHOOL, "/settings", setting).await.ok();
    let left = json!({ "student": house.id("léa"), "from": "2026-11-20T06:30:00Z",
        "to": "2026-11-20T07:55:00Z" });
    house.post(SCHOOL, "/departures", left).await.ok();
    let path = "/students/{léa}/follow-ups/2026-11-01/departures";
    let measure = json!({ "measure": "dialogue", "on": "2026-11-20" });
    let measures = format!("{path}/measures");
    assert_eq!(house.does("cpe", "POST", &measures, Some(measure.clone())).await.status, "200 OK");
    for who in ["head", "cpe"] {
        let dossier = house.asks(who, path).await.ok();
        assert_eq!(dossier["measures"][0]["measure"], "dialogue", "{who}");
        assert_eq!(house.asks(who, "/follow-ups").await.ok()[0]["measures"][0]["on"], "2026-11-20");
    }
    let outline = house.asks("assistant", "/follow-ups").await.ok();
    assert_eq!((&outline[0]["step"], &outline[0]["measures"]), (&json!("departures"), &json!([])));
    house.asks("assistant", "/thresholds").await.ok();
    for who in ["assistant", "anna", "nurse", "léa", "léa's mother", "tom's mother"] {
        let refused = house.asks(who, path).await.refusal();
        assert!(["403 forbidden", "404 unknown-student"].contains(&&*refused), "{who}: {refused}");
        let refused = house.does(who, "POST", &measures, Some(measure.clone())).await.refusal();
        assert!(["403 forbidden", "404 unknown-student"].contains(&&*refused), "{who}: {refused}");
    }
    for who in ["anna", "nurse", "léa's mother", "the other cpe"] {
        let refused = house.asks(who, "/follow-ups").await.refusal();
        assert!(["403 forbidden", "404 unknown-school"].contains(&&*refused), "{who}: {refused}");
    }
}

impl Tilleuls {
    /// Somebody who answers for her, in one of her homes.
    async fn answers(&mut self, given: &str, home: &str) -> String {
        let name = json!({ "name": { "family": "Perlorron", "given": given } });
        let guardian = self.scene.post("/people", name).await.id();
        let terms = json!({ "link": "other", "authority": "exercised", "home": home,
            "contact_order": 1, "from": "2026-09-01" });
        let path = format!("/students/{}/guardians/{guardian}", self.lea);
        self.scene.put(&path, terms).await.ok();
        guardian
    }

    /// A server that has forgotten how far it reacted reacts to everything again.
    async fn reads_the_log_again(&mut self, instant: &str) {
        let empty = crate::scene::Scene::empty().await;
        let scene = std::mem::replace(&mut self.scene, empty);
        scene.node.reach(scene.head().await).await.unwrap();
        fs::remove_file(scene.folder.path().join("reactions.position")).unwrap();
        self.scene = scene.restarted().await;
        self.scene.now(instant);
        self.scene.node.reach(self.scene.head().await).await.unwrap();
    }
}
