//! Those who are of another school too, or of another one by now: what a school may still do, and that
//! a head who takes somebody on by an act of their own does not come by what they are elsewhere.

use serde_json::{Value, json};

use super::house::{House, OTHER};
use crate::{
    accounts::{PASSWORD, activate},
    scene::{Answer, SCHOOL},
};

#[tokio::test]
async fn a_head_who_takes_a_head_of_another_school_on_is_not_handed_their_account() {
    let mut house = House::open().await;
    house.works_there("léa's mother", "head").await;
    let post = json!({ "person": "{léa's mother}", "function": "administration",
        "from": "2026-11-20" });
    house.does("head", "POST", "/staff", Some(post)).await.ok();
    for (method, path) in [
        ("POST", "/people/{léa's mother}/activation-code"),
        ("DELETE", "/people/{léa's mother}/second-factor"),
        ("DELETE", "/people/{léa's mother}/sessions"),
    ] {
        let refused = house.does("head", method, path, None).await;
        assert_eq!(refused.refusal(), "403 forbidden", "{method} {path}");
    }
}

#[tokio::test]
async fn whoever_is_of_another_school_only_is_not_taken_on_or_in() {
    let mut house = House::open().await;
    house.leaves("anna").await;
    house.works_there("anna", "cpe").await;
    house.moves_away("léa").await;
    let post = json!({ "person": "{anna}", "function": "teacher", "from": "2026-11-20" });
    let taken_on = house.does("head", "POST", "/staff", Some(post)).await;
    assert_eq!(taken_on.refusal(), "403 forbidden");
    let enrolment = json!({ "person": "{léa}", "from": "2026-11-20" });
    let taken_in = house.does("head", "POST", "/students", Some(enrolment)).await;
    assert_eq!(taken_in.refusal(), "403 forbidden");
}

#[tokio::test]
async fn a_teacher_of_two_schools_is_invited_by_either_until_the_account_is_open() {
    let mut house = House::open().await;
    house.works_there("anna", "teacher").await;
    let path = "/people/{anna}/activation-code";
    let invited = house.does("head", "POST", path, None).await.ok();
    let opened = activate(&mut house.scene, &invited, PASSWORD).await;
    assert_eq!(opened.status, "204 No Content");
    house.scene.node.reach(house.scene.head().await).await.unwrap();
    assert_eq!(house.does("head", "POST", path, None).await.refusal(), "403 forbidden");
}

#[tokio::test]
async fn a_school_that_a_student_has_left_says_nothing_more_of_the_family() {
    let mut house = House::open().await;
    house.moves_away("léa").await;
    let terms = json!({ "link": "other", "authority": "exercised", "home": "first",
        "contact_order": 1, "from": "2026-09-01" });
    let judgment = json!({ "from": "2026-11-21", "document": "TJ Strasbourg 26/114" });
    let name = json!({ "family": "Garnier", "given": "Léo" });
    let guardians = "/students/{léa}/guardians";
    for (method, path, body) in [
        ("PUT", format!("{guardians}/{{head}}"), terms),
        ("POST", format!("{guardians}/{{léa's father}}/restriction"), judgment.clone()),
        ("POST", format!("{guardians}/{{léa's father}}/restoration"), judgment),
        ("POST", format!("{guardians}/{{léa's mother}}/end"), json!({ "on": "2026-11-20" })),
        ("PUT", "/people/{léa}/name".to_owned(), name),
    ] {
        let refused = house.does("head", method, &path, Some(body)).await;
        assert_eq!(refused.refusal(), "403 forbidden", "{method} {path}");
    }
}

#[tokio::test]
async fn a_school_that_a_student_has_left_is_told_of_no_change_in_the_family() {
    let mut house = House::open().await;
    house.moves_away("léa").await;
    let before = house.asks("head", "/students/{léa}/guardians").await.ok();
    assert_eq!(before.as_array().unwrap().len(), 3);
    house.registers(OTHER, "léa's uncle").await;
    let terms = json!({ "link": "other-family", "authority": "in-charge", "home": "first",
        "contact_order": 1, "from": "2026-11-21" });
    house.there("PUT", "/students/{léa}/guardians/{léa's uncle}", terms).await;
    let judgment = json!({ "from": "2026-11-23", "document": "TJ Strasbourg 26/114" });
    house.there("POST", "/students/{léa}/guardians/{léa's father}/restriction", judgment).await;
    let ended = json!({ "on": "2026-11-22" });
    house.there("POST", "/students/{léa}/guardians/{léa's aunt}/end", ended).await;
    house.scene.now("2026-11-24T07:00:00Z");
    for who in ["head", "cpe", "nurse"] {
        let told = house.asks(who, "/students/{léa}/guardians").await.ok();
        assert_eq!(told, before, "{who}");
        let children = house.asks(who, "/people/{léa's father}/children").await;
        assert!(!children.whole().contains("TJ Strasbourg"), "{who}");
    }
}

#[tokio::test]
async fn a_past_day_does_not_give_back_how_to_reach_those_who_have_left() {
    let mut house = House::open().await;
    let details = json!({ "address": "12 RUE DES ESSAIS" });
    house.office("PUT", "/people/{léa}/contact-details", details).await;
    house.scene.now("2026-11-24T07:00:00Z");
    house.moves_away("léa").await;
    let past = "?as_of=2026-11-20T12:00:00Z";
    for path in ["/students", "/students/{léa}/guardians", "/classes/{6e A}", "/people/{léa}"] {
        for day in ["", past] {
            let told = house.sees("head", &format!("{path}{day}")).await;
            assert!(!told.contains("12 RUE DES ESSAIS"), "{path}{day}: {told}");
            assert!(!told.contains("at léa's mother's"), "{path}{day}: {told}");
        }
    }
    let others = house.sees("head", &format!("/students/{{tom}}/guardians{past}")).await;
    assert!(others.contains("at tom's mother's"), "{others}");
}

impl House {
    /// What somebody reads in the first school, on whichever day.
    async fn sees(&mut self, name: &str, path: &str) -> String {
        let token = self.scene.signed_in(self.id(name), false).await;
        let path = format!("/schools/{SCHOOL}{}", self.path(path));
        self.scene.node.reach(self.scene.head().await).await.unwrap();
        let bearer = format!("Bearer {token}");
        let told = self.scene.send_to("GET", &path, None, &[("authorization", &bearer)]).await;
        told.ok().to_string()
    }

    /// Somebody works in the other school too.
    async fn works_there(&mut self, name: &str, function: &str) {
        let post = json!({ "person": format!("{{{name}}}"), "function": function,
            "from": "2026-09-01" });
        self.there("POST", "/staff", post).await;
    }

    /// Somebody leaves the first school the day before today.
    async fn leaves(&mut self, name: &str) {
        let path = format!("/people/{{{name}}}/departure");
        self.office("POST", &path, json!({ "on": "2026-11-19" })).await;
    }

    /// A student learns in the other school from today on, and no more in the first.
    async fn moves_away(&mut self, name: &str) {
        self.leaves(name).await;
        let enrolment = json!({ "person": format!("{{{name}}}"), "from": "2026-11-20" });
        self.there("POST", "/students", enrolment).await;
    }

    /// The region's program writes something in the other school.
    async fn there(&mut self, method: &str, path: &str, body: Value) {
        let body = serde_json::from_str(&self.path(&body.to_string())).unwrap();
        let path = format!("/schools/{OTHER}{}", self.path(path));
        let written: Answer = self.scene.send_to(method, &path, Some(body), &[]).await;
        written.ok();
    }
}
