//! Sessions: how long they last, who ends them, and what a restart leaves of them.

use axum::body::Body;
use serde_json::{Value, json};

use super::{PASSWORD, request, send, settle, sign_in};
use crate::scene::{Answer, SCHOOL, Scene, TOKEN};

#[tokio::test]
async fn a_shared_device_signs_out_after_half_an_hour_of_silence_also_over_a_restart() {
    let (mut scene, _, token) = signed_in().await;
    scene.now("2026-11-20T07:29:59Z");
    assert_eq!(own(&mut scene, &token).await.status, "200 OK");
    let mut scene = scene.restarted().await;
    scene.now("2026-11-20T07:54:00Z");
    assert_eq!(own(&mut scene, &token).await.status, "200 OK");
    scene.now("2026-11-20T08:24:00Z");
    assert_eq!(own(&mut scene, &token).await.refusal(), "401 not-signed-in");
}

#[tokio::test]
async fn ones_own_device_stays_signed_in_for_ninety_days() {
    let (mut scene, _, _) = signed_in().await;
    let body = json!({ "login": "lea.perlorron", "password": PASSWORD, "device": "own" });
    let answer = send(&mut scene, "POST", "/sessions", None, body).await;
    assert!(answer.header("set-cookie").ends_with("; Max-Age=7776000"));
    let token = answer.ok()["token"].as_str().unwrap().to_owned();
    scene.now("2027-02-18T06:59:59Z");
    assert_eq!(own(&mut scene, &token).await.status, "200 OK");
    scene.now("2027-02-18T07:00:00Z");
    assert_eq!(own(&mut scene, &token).await.refusal(), "401 not-signed-in");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let (mut scene, _, first) = signed_in().await;
    scene.now("2026-11-20T07:01:00Z");
    let second = another(&mut scene).await;
    let listed = send(&mut scene, "GET", "/account/sessions", Some(&second), Value::Null).await;
    let listed = listed.ok();
    let current: Vec<_> = listed.as_array().unwrap().iter().map(|s| &s["current"]).collect();
    assert_eq!(current, [false, true]);
    assert!(!listed.to_string().contains(&first), "a list opens nothing");

    let path = format!("/account/sessions/{}", listed[0]["session"].as_str().unwrap());
    let ended = send(&mut scene, "DELETE", &path, Some(&second), Value::Null).await;
    assert_eq!(ended.status, "204 No Content");
    assert_eq!(own(&mut scene, &first).await.refusal(), "401 not-signed-in");
    let again = send(&mut scene, "DELETE", &path, Some(&second), Value::Null).await;
    assert_eq!(again.refusal(), "404 unknown-session");
}

#[tokio::test]
async fn of_more_than_twenty_sessions_the_oldest_end() {
    let (mut scene, _, first) = signed_in().await;
    scene.now("2026-11-20T07:01:00Z");
    let second = another(&mut scene).await;
    scene.now("2026-11-20T07:02:00Z");
    for _ in 0..18 {
        another(&mut scene).await;
    }
    assert_eq!(own(&mut scene, &first).await.status, "200 OK");
    another(&mut scene).await;
    assert_eq!(own(&mut scene, &first).await.refusal(), "401 not-signed-in");
    let listed = send(&mut scene, "GET", "/account/sessions", Some(&second), Value::Null).await;
    assert_eq!(listed.ok().as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn nobody_ends_the_session_of_another() {
    let (mut scene, _, token) = signed_in().await;
    let other = scene.person("Garnier", "Inès", "staff").await;
    let others = settle(&mut scene, &other).await;
    let listed = send(&mut scene, "GET", "/account/sessions", Some(&others), Value::Null).await;
    let path = format!("/account/sessions/{}", listed.ok()[0]["session"].as_str().unwrap());
    let refused = send(&mut scene, "DELETE", &path, Some(&token), Value::Null).await;
    assert_eq!(refused.refusal(), "404 unknown-session");
    let office = format!("/schools/{SCHOOL}/people/{other}/sessions");
    let refused = send(&mut scene, "DELETE", &office, Some(&token), Value::Null).await;
    assert_eq!(refused.refusal(), "403 forbidden");
    assert_eq!(own(&mut scene, &others).await.status, "200 OK");
}

#[tokio::test]
async fn the_office_ends_all_sessions_of_somebody() {
    let (mut scene, teacher, first) = signed_in().await;
    let second = another(&mut scene).await;
    let path = format!("/schools/{SCHOOL}/people/{teacher}/sessions");
    send(&mut scene, "DELETE", &path, Some(TOKEN), Value::Null).await;
    let mut scene = scene.restarted().await;
    for token in [first, second] {
        assert_eq!(own(&mut scene, &token).await.refusal(), "401 not-signed-in");
    }
}

#[tokio::test]
async fn whoever_signs_out_leaves_nothing_in_the_browser() {
    let (mut scene, _, token) = signed_in().await;
    let answer = send(&mut scene, "DELETE", "/account/session", Some(&token), Value::Null).await;
    assert_eq!(answer.status, "204 No Content");
    assert_eq!(answer.header("clear-site-data"), r#""cache", "storage""#);
    assert!(answer.header("set-cookie").starts_with("__Host-preau=; "));
    assert!(answer.header("set-cookie").ends_with("; Max-Age=0"));
    assert_eq!(own(&mut scene, &token).await.refusal(), "401 not-signed-in");
}

#[tokio::test]
async fn a_password_that_is_changed_ends_the_other_sessions() {
    let (mut scene, _, first) = signed_in().await;
    let second = another(&mut scene).await;
    let new = "soirs-du-bord-de-Moder";
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    for (body, refusal) in [
        (change("brumes-du-84-matins", new), "403 wrong-password"),
        (change(PASSWORD, "lea.perlorron1"), "422 password-too-common"),
    ] {
        let refused = send(&mut scene, "PUT", "/account/password", Some(&second), body).await;
        assert_eq!(refused.refusal(), refusal);
    }
    let body = change(PASSWORD, new);
    let changed = send(&mut scene, "PUT", "/account/password", Some(&second), body).await;
    assert_eq!(changed.status, "204 No Content");
    assert_eq!(own(&mut scene, &first).await.refusal(), "401 not-signed-in");
    assert_eq!(own(&mut scene, &second).await.status, "200 OK");
    let old = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(old.refusal(), "401 sign-in-refused");
    assert_eq!(sign_in(&mut scene, "lea.perlorron", new).await.status, "201 Created");
}

#[tokio::test]
async fn a_browser_writes_by_its_cookie_from_pages_of_this_site_only() {
    let (mut scene, _, token) = signed_in().await;
    let mut with = async |method: &str, site: Option<&str>| {
        let mut request = request(method, "/account/sessions", None, &Value::Null);
        let cookie = format!("other=1; __Host-preau={token}");
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        if let Some(site) = site {
            request.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
        }
        if method == "DELETE" {
            *request.uri_mut() = "/api/v1/account/session".parse().unwrap();
            *request.body_mut() = Body::empty();
        }
        scene.raw(request).await.status
    };
    assert_eq!(with("GET", None).await, "200 OK");
    for site in [None, Some("cross-site"), Some("same-site")] {
        assert_eq!(with("DELETE", site).await, "403 Forbidden", "{site:?}");
    }
    assert_eq!(with("DELETE", Some("same-origin")).await, "204 No Content");
}

#[tokio::test]
async fn whoever_signs_in_anew_in_a_browser_has_one_session_there() {
    let (mut scene, _, first) = signed_in().await;
    let body = json!({ "login": "lea.perlorron", "password": PASSWORD, "device": "shared" });
    let mut request = request("POST", "/sessions", None, &body);
    let cookie = format!("__Host-preau={first}");
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let second = scene.raw(request).await.ok()["token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(own(&mut scene, &first).await.refusal(), "401 not-signed-in");
    assert_eq!(own(&mut scene, &second).await.status, "200 OK");
}

/// A teacher who has signed in: the school, who it is, and the token.
async fn signed_in() -> (Scene, String, String) {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let token = settle(&mut scene, &teacher).await;
    (scene, teacher, token)
}

async fn another(scene: &mut Scene) -> String {
    let answer = sign_in(scene, "lea.perlorron", PASSWORD).await.ok();
    answer["token"].as_str().unwrap().to_owned()
}

async fn own(scene: &mut Scene, token: &str) -> Answer {
    send(scene, "GET", "/account", Some(token), Value::Null).await
}
