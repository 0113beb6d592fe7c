//! Accounts: activation, sign-in, sessions, second factors and mandates, over HTTP.
//!
//! What is asked here is asked as people do: with a login, a code from a letter, a password, and
//! then a session's token. The office is a program with a token of the settings.

mod browser;
mod cas;
mod closing;
mod ent;
mod guesses;
mod hostile;
mod letters;
mod linking;
mod mandates;
mod oidc;
mod real_providers;
mod second_factor;
mod secrets;
mod sessions;

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::scene::{Answer, SCHOOL, Scene, TOKEN};

/// A password that nobody tries first.
pub(crate) const PASSWORD: &str = "brumes-du-83-matins";

#[tokio::test]
async fn a_teacher_is_invited_opens_the_account_signs_in_and_calls_the_roll() {
    let mut scene = Scene::school().await;
    let student = scene.person("Perlorron", "Léa", "students").await;
    let teacher = scene.person("Œuvreçaux", "Zoé", "staff").await;
    let class = scene.class("5e B", &[&student]).await;
    let course = scene.course(&class, &teacher, "Mathématiques", &[("Fri", 1)]).await;

    let invited = invite(&mut scene, &teacher).await;
    assert_eq!(invited["login"], "zoe.oeuvrecaux");
    assert_eq!(invited["expires_at"], "2026-12-20T07:00:00Z");
    let activation = json!({ "login": "Zoé.Œuvreçaux", "code": invited["code"],
        "password": PASSWORD });
    let opened = send(&mut scene, "POST", "/activation", None, activation.clone()).await;
    assert_eq!(opened.status, "204 No Content");
    let again = send(&mut scene, "POST", "/activation", None, activation).await;
    assert_eq!(again.refusal(), "401 wrong-code");

    let answer = sign_in(&mut scene, "zoe.oeuvrecaux", PASSWORD).await;
    assert_eq!(answer.status, "201 Created");
    assert_eq!(answer.body["expires_at"], "2026-11-20T07:30:00Z");
    assert_eq!(answer.body["second_factor"], false);
    let token = answer.body["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 43, "256 bits");
    let cookie = format!("__Host-preau={token}; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(answer.header("set-cookie"), cookie, "gone with the browser");
    assert_eq!(answer.header("cache-control"), "no-store");

    let roll = json!({ "absent": [student] });
    let path = format!("/schools/{SCHOOL}/courses/{course}/lessons/2026-11-20/1/roll-call");
    let taken = send(&mut scene, "PUT", &path, Some(&token), roll).await;
    assert!(taken.status.starts_with('2'), "{} {}", taken.status, taken.body);
}

#[tokio::test]
async fn an_account_says_who_one_is_for_whom_and_until_when() {
    let mut scene = Scene::school().await;
    let student = scene.person("Perlorron", "Léa", "students").await;
    let name = json!({ "name": { "family": "Perlorron", "given": "Salma" } });
    let mother = scene.post("/people", name).await.id();
    let terms = json!({ "link": "mother", "authority": "exercised", "home": "first",
        "contact_order": 1, "from": "2026-09-01" });
    scene.put(&format!("/students/{student}/guardians/{mother}"), terms).await.ok();
    let departure = json!({ "on": "2027-07-02" });
    scene.post(&format!("/people/{student}/departure"), departure).await.ok();
    let token = settle(&mut scene, &mother).await;

    let account = send(&mut scene, "GET", "/account", Some(&token), Value::Null).await;
    let account = account.named(&[(&student, "Léa"), (&mother, "Salma")]);
    insta::assert_json_snapshot!(account, @r#"
    {
      "children": [
        {
          "name": {
            "family": "Perlorron",
            "given": "Léa"
          },
          "schools": [
            {
              "from": "2026-09-01",
              "name": "Collège des Tilleuls",
              "part": "student",
              "school": "0670001A",
              "until": "2027-07-02"
            }
          ],
          "student": "Léa"
        }
      ],
      "closes_on": "2027-07-02",
      "data_due_on": "2027-10-02",
      "language": "fr",
      "login": "salma.perlorron",
      "mandates": [],
      "name": {
        "family": "Perlorron",
        "given": "Salma"
      },
      "person": "Salma",
      "providers": [],
      "schools": [],
      "second_factor": false
    }
    "#);
}

#[tokio::test]
async fn a_program_has_no_account_of_its_own() {
    let mut scene = Scene::school().await;
    let answer = send(&mut scene, "GET", "/account", Some(TOKEN), Value::Null).await;
    assert_eq!(answer.refusal(), "404 unknown-person");
}

#[tokio::test]
async fn of_twenty_who_use_a_code_at_once_one_opens_the_account() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let invited = invite(&mut scene, &teacher).await;
    let activation = |n: u32| {
        let body = json!({ "login": "lea.perlorron", "code": invited["code"],
            "password": format!("{PASSWORD}-{n}") });
        request("POST", "/activation", None, &body)
    };
    let attempts = (0..20).map(|n| {
        let router = scene.router();
        async move { tower::ServiceExt::oneshot(router, activation(n)).await.unwrap().status() }
    });
    let answers = futures_util::future::join_all(attempts).await;
    let winners = (0..20).filter(|n| answers[*n].is_success()).collect::<Vec<_>>();
    let [winner] = winners[..] else { panic!("{winners:?} have each opened the account") };
    scene.now("2026-11-20T07:20:00Z");
    let signed_in = sign_in(&mut scene, "lea.perlorron", &format!("{PASSWORD}-{winner}")).await;
    assert_eq!(signed_in.status, "201 Created");
}

#[tokio::test]
async fn a_lost_password_is_made_good_by_a_new_code_and_ends_what_was_open() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let token = settle(&mut scene, &teacher).await;
    let first = invite(&mut scene, &teacher).await;
    let second = invite(&mut scene, &teacher).await;
    let other = "soirs-du-bord-de-Moder";
    let old = activate(&mut scene, &first, other).await;
    assert_eq!(old.refusal(), "401 wrong-code", "a new code takes the place of the old");
    activate(&mut scene, &second, other).await.ok();
    let own = send(&mut scene, "GET", "/account", Some(&token), Value::Null).await;
    assert_eq!(own.refusal(), "401 not-signed-in");
    let refused = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(refused.refusal(), "401 sign-in-refused");
    sign_in(&mut scene, "lea.perlorron", other).await.ok();
}

#[tokio::test]
async fn a_code_expires_and_a_password_has_its_rules() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let invited = invite(&mut scene, &teacher).await;
    for (password, refusal) in [
        ("brumes-83", "422 password-length"),
        ("PerlorronLea2026", "422 password-too-common"),
        ("motdepasse2026", "422 password-too-common"),
    ] {
        assert_eq!(activate(&mut scene, &invited, password).await.refusal(), refusal);
    }
    scene.now("2026-12-20T07:00:00Z");
    let expired = activate(&mut scene, &invited, PASSWORD).await;
    assert_eq!(expired.refusal(), "401 wrong-code");
    scene.now("2026-12-20T06:59:59Z");
    assert_eq!(activate(&mut scene, &invited, PASSWORD).await.status, "204 No Content");
}

/// A code for somebody, made by the office.
pub(crate) async fn invite(scene: &mut Scene, person: &str) -> Value {
    let path = format!("/schools/{SCHOOL}/people/{person}/activation-code");
    send(scene, "POST", &path, Some(TOKEN), Value::Null).await.ok()
}

/// Uses a code.
pub(crate) async fn activate(scene: &mut Scene, invited: &Value, password: &str) -> Answer {
    let body = json!({ "login": invited["login"], "code": invited["code"], "password": password });
    send(scene, "POST", "/activation", None, body).await
}

/// Signs in on a shared device.
pub(crate) async fn sign_in(scene: &mut Scene, login: &str, password: &str) -> Answer {
    let body = json!({ "login": login, "password": password, "device": "shared" });
    send(scene, "POST", "/sessions", None, body).await
}

/// The token of somebody who was invited, has opened their account and signed in.
pub(crate) async fn settle(scene: &mut Scene, person: &str) -> String {
    let invited = invite(scene, person).await;
    assert_eq!(activate(scene, &invited, PASSWORD).await.status, "204 No Content");
    let login = invited["login"].as_str().unwrap().to_owned();
    let session = sign_in(scene, &login, PASSWORD).await.ok();
    session["token"].as_str().unwrap().to_owned()
}

/// Sends a request with a bearer token, or with none; null is an empty body.
pub(crate) async fn send(
    scene: &mut Scene,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Value,
) -> Answer {
    if method == "GET" {
        scene.node.reach(scene.head().await).await.unwrap();
    }
    scene.raw(request(method, path, token, &body)).await
}

/// A request below `/api/v1`.
pub(crate) fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Request<Body> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() { Body::empty() } else { body.to_string().into() };
    request.body(body).unwrap()
}
