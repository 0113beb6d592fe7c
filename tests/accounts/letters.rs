//! Letters: one each for who has no account yet, by who may invite them.

use serde_json::{Value, json};

use super::{PASSWORD, activate, send, settle};
use crate::scene::{SCHOOL, Scene, TOKEN};

#[tokio::test]
async fn the_letters_of_a_class_bring_each_student_and_guardian_one_code() {
    let mut scene = Scene::school().await;
    let lea = scene.person("Perlorron", "Léa", "students").await;
    let noe = scene.person("Perlorron", "Noé", "students").await;
    let ada = scene.person("<script>alert(1)</script>", "Ada", "students").await;
    let class = scene.class("5e B", &[&lea, &noe, &ada]).await;
    let salma = guardian(&mut scene, "Salma", "exercised", &[&lea, &noe]).await;
    guardian(&mut scene, "Karim", "contact", &[&lea]).await;

    let path = format!("/schools/{SCHOOL}/classes/{class}/letters");
    let page = send(&mut scene, "POST", &path, Some(TOKEN), Value::Null).await;
    assert_eq!(page.status, "200 OK");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let page = page.text();
    let logins = said(page, "<dt>Identifiant</dt><dd>");
    let expected = ["ada.scriptalert1script", "lea.perlorron", "salma.perlorron", "noe.perlorron"];
    assert_eq!(logins, expected, "by the students' names, their guardians behind them");
    assert!(page.contains("<bdi>Léa Perlorron</bdi>, <bdi>Noé Perlorron</bdi>"));
    assert!(!page.contains("<script") && !page.contains("http"), "no script, no other site");
    assert!(page.contains("jusqu’au <b>19 décembre 2026</b>"));

    let code = said(page, "<dt>Code</dt><dd>")[2].to_owned();
    let invited = json!({ "login": "salma.perlorron", "code": code });
    assert_eq!(activate(&mut scene, &invited, PASSWORD).await.status, "204 No Content");
    let page = send(&mut scene, "POST", &path, Some(TOKEN), Value::Null).await;
    let logins = said(page.text(), "<dt>Identifiant</dt><dd>");
    assert!(!logins.contains(&"salma.perlorron"), "whoever has an account gets no letter");
    assert!(!page.text().contains(&salma), "no id on paper");
}

#[tokio::test]
async fn the_letters_of_the_staff_are_for_who_works_here_now() {
    let mut scene = Scene::school().await;
    scene.person("Perlorron", "Léa", "staff").await;
    let gone = scene.person("Garnier", "Inès", "staff").await;
    let departure = json!({ "on": "2026-11-19" });
    scene.post(&format!("/people/{gone}/departure"), departure).await.ok();
    scene.get("/staff").await.ok();
    let path = format!("/schools/{SCHOOL}/staff/letters");
    let page = send(&mut scene, "POST", &path, Some(TOKEN), Value::Null).await;
    assert_eq!(said(page.text(), "<dt>Identifiant</dt><dd>"), ["lea.perlorron"]);
}

#[tokio::test]
async fn a_parent_whom_the_cpe_may_not_invite_keeps_no_letter_from_the_class() {
    let mut scene = Scene::school().await;
    let student = scene.person("Perlorron", "Noé", "students").await;
    let class = scene.class("5e B", &[&student]).await;
    let salma = guardian(&mut scene, "Salma", "exercised", &[&student]).await;
    let name = json!({ "name": { "family": "Weber", "given": "Ève" } });
    let eve = scene.post("/people", name).await.id();
    for (person, function) in [(&eve, "cpe"), (&salma, "teacher")] {
        let appointed = json!({ "person": person, "function": function, "from": "2026-09-01" });
        scene.post("/staff", appointed).await.ok();
    }
    let cpe = settle(&mut scene, &eve).await;
    let path = format!("/schools/{SCHOOL}/classes/{class}/letters");
    let page = send(&mut scene, "POST", &path, Some(&cpe), Value::Null).await;
    assert_eq!(said(page.text(), "<dt>Identifiant</dt><dd>"), ["noe.perlorron"]);
}

#[tokio::test]
async fn letters_are_printed_by_who_may_invite() {
    let mut scene = Scene::school().await;
    let student = scene.person("Perlorron", "Noé", "students").await;
    let class = scene.class("5e B", &[&student]).await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    scene.course(&class, &teacher, "Mathématiques", &[("Fri", 1)]).await;
    let teacher = settle(&mut scene, &teacher).await;
    let cpe = scene.post("/people", json!({ "name": { "family": "Weber", "given": "Ève" } })).await;
    let cpe = cpe.id();
    let appointed = json!({ "person": cpe, "function": "cpe", "from": "2026-09-01" });
    scene.post("/staff", appointed).await.ok();
    let cpe = settle(&mut scene, &cpe).await;
    let class = format!("/schools/{SCHOOL}/classes/{class}/letters");
    let staff = format!("/schools/{SCHOOL}/staff/letters");
    for (token, path, status) in [
        (&teacher, &class, "403 Forbidden"),
        (&teacher, &staff, "403 Forbidden"),
        (&cpe, &class, "200 OK"),
        (&cpe, &staff, "403 Forbidden"),
    ] {
        let answer = send(&mut scene, "POST", path, Some(token), Value::Null).await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
    }
}

async fn guardian(scene: &mut Scene, given: &str, authority: &str, of: &[&str]) -> String {
    let name = json!({ "name": { "family": "Perlorron", "given": given } });
    let guardian = scene.post("/people", name).await.id();
    for student in of {
        let terms = json!({ "link": "mother", "authority": authority, "home": "first",
            "contact_order": 1, "from": "2026-09-01" });
        scene.put(&format!("/students/{student}/guardians/{guardian}"), terms).await.ok();
    }
    guardian
}

/// What stands behind each of these words, up to the next tag.
fn said<'p>(page: &'p str, before: &str) -> Vec<&'p str> {
    page.split(before).skip(1).map(|rest| rest.split('<').next().unwrap()).collect()
}
