//! The second factor: set in two steps, asked at sign-in, lost and found again.

use chrono::DateTime;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::{PASSWORD, activate, guesses::reasons, invite, send, settle, sign_in};
use crate::scene::{Answer, SCHOOL, Scene, TOKEN};

#[tokio::test]
async fn a_second_factor_is_offered_confirmed_and_then_asked_for() {
    let (mut scene, _, token) = signed_in().await;
    let wrong = json!({ "password": "brumes-du-84-matins" });
    let refused = send(&mut scene, "POST", "/account/second-factor", Some(&token), wrong).await;
    assert_eq!(refused.refusal(), "403 wrong-password");
    let totp = offered(&mut scene, &token).await;
    let wrong = confirm(&mut scene, &token, "000000").await;
    assert_eq!(wrong.refusal(), "422 wrong-second-factor");
    assert_eq!(sign_in(&mut scene, "lea.perlorron", PASSWORD).await.status, "201 Created");

    let code = shown(&totp, "2026-11-20T07:00:00Z");
    let enrolled = confirm(&mut scene, &token, &code).await.ok();
    assert_eq!(enrolled["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(enrolled["second_factor"], true);
    let own = send(&mut scene, "GET", "/account", Some(&token), Value::Null).await;
    assert_eq!(own.refusal(), "401 not-signed-in", "what was open before has ended");
    let token = enrolled["token"].as_str().unwrap();
    let own = send(&mut scene, "GET", "/account", Some(token), Value::Null).await.ok();
    assert_eq!(own["second_factor"], true);

    let needed = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(needed.refusal(), "401 second-factor-needed");
    let unknown = sign_in(&mut scene, "lea.perlorron", "brumes-du-84-matins").await;
    assert_eq!(unknown.refusal(), "401 sign-in-refused", "told after the right password only");
}

#[tokio::test]
async fn a_code_is_taken_once() {
    let (mut scene, _, token) = signed_in().await;
    let (totp, _) = enrolled(&mut scene, &token).await;
    let confirmed = shown(&totp, "2026-11-20T07:00:00Z");
    let replayed = with_factor(&mut scene, &confirmed).await;
    assert_eq!(replayed.refusal(), "401 second-factor-needed", "it confirmed the enrolment");
    scene.now("2026-11-20T07:00:30Z");
    let code = shown(&totp, "2026-11-20T07:00:30Z");
    let opened = with_factor(&mut scene, &code).await.ok();
    assert_eq!(opened["second_factor"], true);
    let replayed = with_factor(&mut scene, &code).await;
    assert_eq!(replayed.refusal(), "401 second-factor-needed");
    let unproven = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(unproven.refusal(), "401 second-factor-needed");
    let expected = ["wrong-second-factor", "wrong-second-factor", "second-factor-needed"];
    assert_eq!(reasons(&scene).await, expected);
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let (mut scene, _, token) = signed_in().await;
    let (_, codes) = enrolled(&mut scene, &token).await;
    let opened = with_factor(&mut scene, &codes[3].to_lowercase()).await.ok();
    assert_eq!(opened["second_factor"], true);
    let again = with_factor(&mut scene, &codes[3]).await;
    assert_eq!(again.refusal(), "401 second-factor-needed");
    with_factor(&mut scene, &codes[4]).await.ok();
}

#[tokio::test]
async fn whoever_has_the_password_does_not_guess_the_code() {
    let (mut scene, _, token) = signed_in().await;
    let (totp, _) = enrolled(&mut scene, &token).await;
    for _ in 0..5 {
        let wrong = with_factor(&mut scene, "000000").await;
        assert_eq!(wrong.refusal(), "401 second-factor-needed");
    }
    scene.now("2026-11-20T07:01:00Z");
    let right = shown(&totp, "2026-11-20T07:01:00Z");
    assert_eq!(with_factor(&mut scene, &right).await.refusal(), "401 sign-in-refused");
}

#[tokio::test]
async fn a_second_factor_is_taken_away_with_a_code_of_it() {
    let (mut scene, _, token) = signed_in().await;
    let (_, codes) = enrolled(&mut scene, &token).await;
    let token = with_factor(&mut scene, &codes[0]).await.ok();
    let token = token["token"].as_str().unwrap();
    let remove = async |scene: &mut Scene, code: &str| {
        let body = json!({ "code": code });
        send(scene, "DELETE", "/account/second-factor", Some(token), body).await
    };
    assert_eq!(remove(&mut scene, "000000").await.refusal(), "422 wrong-second-factor");
    assert_eq!(remove(&mut scene, &codes[0]).await.refusal(), "422 wrong-second-factor");
    let reopened = remove(&mut scene, &codes[1]).await.ok();
    assert_eq!(reopened["second_factor"], false);
    assert_eq!(sign_in(&mut scene, "lea.perlorron", PASSWORD).await.status, "201 Created");
    let used_up = with_factor(&mut scene, &codes[2]).await.ok();
    assert_eq!(used_up["second_factor"], false, "a code of a factor that is gone proves nothing");
}

#[tokio::test]
async fn the_office_helps_whoever_lost_telephone_and_paper() {
    let (mut scene, teacher, token) = signed_in().await;
    enrolled(&mut scene, &token).await;
    scene.now("2026-11-21T07:00:00Z");
    let path = format!("/schools/{SCHOOL}/people/{teacher}/second-factor");
    let removed = send(&mut scene, "DELETE", &path, Some(TOKEN), Value::Null).await;
    assert_eq!(removed.status, "204 No Content");
    let again = send(&mut scene, "DELETE", &path, Some(TOKEN), Value::Null).await;
    assert_eq!(again.refusal(), "422 second-factor-not-enrolled");
    assert_eq!(sign_in(&mut scene, "lea.perlorron", PASSWORD).await.status, "201 Created");
}

#[tokio::test]
async fn whoever_makes_a_code_does_not_take_the_second_factor_away_the_same_day() {
    let (mut scene, teacher, token) = signed_in().await;
    enrolled(&mut scene, &token).await;
    let path = format!("/schools/{SCHOOL}/people/{teacher}/second-factor");
    let remove =
        async |scene: &mut Scene| send(scene, "DELETE", &path, Some(TOKEN), Value::Null).await;
    scene.now("2026-11-22T07:00:00Z");
    let invited = invite(&mut scene, &teacher).await;
    assert_eq!(remove(&mut scene).await.refusal(), "422 code-just-made", "the code is open");
    activate(&mut scene, &invited, "soirs-du-bord-de-Moder").await.ok();
    scene.now("2026-11-23T06:59:59Z");
    assert_eq!(remove(&mut scene).await.refusal(), "422 code-just-made", "it was used yesterday");
    scene.now("2026-11-23T07:00:00Z");
    assert_eq!(remove(&mut scene).await.status, "204 No Content");

    let code = format!("/schools/{SCHOOL}/people/{teacher}/activation-code");
    let refused = send(&mut scene, "POST", &code, Some(TOKEN), Value::Null).await;
    assert_eq!(refused.refusal(), "422 second-factor-just-removed");
    scene.now("2026-11-24T07:00:00Z");
    invite(&mut scene, &teacher).await;
}

#[tokio::test]
async fn a_second_factor_that_is_offered_is_confirmed_within_ten_minutes_and_not_guessed() {
    let (mut scene, _, token) = signed_in().await;
    let totp = offered(&mut scene, &token).await;
    scene.now("2026-11-20T07:10:00Z");
    let late = confirm(&mut scene, &token, &shown(&totp, "2026-11-20T07:10:00Z")).await;
    assert_eq!(late.refusal(), "422 wrong-second-factor");
    let totp = offered(&mut scene, &token).await;
    for _ in 0..4 {
        let wrong = confirm(&mut scene, &token, "000000").await;
        assert_eq!(wrong.refusal(), "422 wrong-second-factor");
    }
    let right = confirm(&mut scene, &token, &shown(&totp, "2026-11-20T07:10:00Z")).await;
    assert_eq!(right.refusal(), "422 wrong-second-factor", "after five errors");
    let last = reasons(&scene).await.pop().unwrap();
    assert_eq!(last, "locked-out");
}

#[tokio::test]
async fn where_staff_need_a_second_factor_they_set_it_first_and_do_nothing_else_before() {
    let mut scene = Scene::school().await;
    scene.post("/settings", json!({ "second-factor-for-staff": true })).await.ok();
    let student = scene.person("Perlorron", "Noé", "students").await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let class = scene.class("5e B", &[&student]).await;
    let course = scene.course(&class, &teacher, "Mathématiques", &[("Fri", 1)]).await;
    let token = settle(&mut scene, &teacher).await;
    let sheet = format!("/schools/{SCHOOL}/courses/{course}/lessons/2026-11-20/1/roll-call");
    let refused = send(&mut scene, "GET", &sheet, Some(&token), Value::Null).await;
    assert_eq!(refused.refusal(), "403 forbidden");
    assert!(refused.body["detail"].as_str().unwrap().ends_with("second-factor-first"));

    let totp = offered(&mut scene, &token).await;
    let code = shown(&totp, "2026-11-20T07:00:00Z");
    let enrolled = confirm(&mut scene, &token, &code).await.ok();
    let token = enrolled["token"].as_str().unwrap();
    let answer = send(&mut scene, "GET", &sheet, Some(token), Value::Null).await;
    assert_eq!(answer.status, "200 OK", "{}", answer.body);
}

async fn signed_in() -> (Scene, String, String) {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let token = settle(&mut scene, &teacher).await;
    (scene, teacher, token)
}

/// What an application makes of the factor that is offered.
async fn offered(scene: &mut Scene, token: &str) -> Totp {
    let body = json!({ "password": PASSWORD });
    let offered = send(scene, "POST", "/account/second-factor", Some(token), body).await.ok();
    let secret = Secret::try_from_base32(offered["secret"].as_str().unwrap()).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

async fn confirm(scene: &mut Scene, token: &str, code: &str) -> Answer {
    let body = json!({ "code": code });
    send(scene, "PUT", "/account/second-factor", Some(token), body).await
}

/// A second factor that is set, and its recovery codes.
async fn enrolled(scene: &mut Scene, token: &str) -> (Totp, Vec<String>) {
    let totp = offered(scene, token).await;
    let code = shown(&totp, "2026-11-20T07:00:00Z");
    let enrolled = confirm(scene, token, &code).await.ok();
    let codes = enrolled["recovery_codes"].as_array().unwrap().iter();
    (totp, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn with_factor(scene: &mut Scene, code: &str) -> Answer {
    let body = json!({ "login": "lea.perlorron", "password": PASSWORD, "device": "shared",
        "second_factor": code });
    send(scene, "POST", "/sessions", None, body).await
}

/// What the application shows at an instant.
fn shown(totp: &Totp, instant: &str) -> String {
    let instant: DateTime<chrono::Utc> = instant.parse().unwrap();
    totp.generate(instant.timestamp().try_into().unwrap()).to_string()
}
