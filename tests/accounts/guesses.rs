//! Guesses: nobody learns from a refusal, and nobody may guess for long.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::extract::ConnectInfo;
use chrono::{DateTime, Utc};
use domain::{AccountId, PersonId};
use replay::access::{About, Asked};
use serde_json::{Value, json};

use super::{PASSWORD, activate, invite, request, send, settle, sign_in};
use crate::scene::{Answer, Scene};

#[tokio::test]
async fn after_five_errors_even_the_right_password_waits_a_quarter_of_an_hour() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    for minute in 1..=5 {
        scene.now(&format!("2026-11-20T07:0{minute}:00Z"));
        let wrong = sign_in(&mut scene, "lea.perlorron", "brumes-du-84-matins").await;
        assert_eq!(wrong.refusal(), "401 sign-in-refused");
    }
    scene.now("2026-11-20T07:15:59Z");
    let locked = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(locked.refusal(), "401 sign-in-refused");
    let mut expected = vec!["wrong-password"; 5];
    expected.push("locked-out");
    assert_eq!(reasons(&scene).await, expected);

    let mut scene = scene.restarted().await;
    let still = sign_in(&mut scene, "lea.perlorron", PASSWORD).await;
    assert_eq!(still.refusal(), "401 sign-in-refused", "a restart forgives nothing");
    scene.now("2026-11-20T07:16:01Z");
    assert_eq!(sign_in(&mut scene, "lea.perlorron", PASSWORD).await.status, "201 Created");
}

#[tokio::test]
async fn nothing_tells_an_account_from_none() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    let invited = scene.person("Garnier", "Inès", "staff").await;
    invite(&mut scene, &invited).await;

    let known = sign_in(&mut scene, "lea.perlorron", "brumes-du-84-matins").await;
    let opened_by_nobody = sign_in(&mut scene, "ines.garnier", PASSWORD).await;
    let unknown = sign_in(&mut scene, "nina.personne", PASSWORD).await;
    assert_eq!(known.refusal(), "401 sign-in-refused");
    for other in [&opened_by_nobody, &unknown] {
        assert_eq!((&other.status, &other.body), (&known.status, &known.body));
    }
    assert_eq!(reasons(&scene).await, ["wrong-password", "wrong-password", "unknown-login"]);

    let wrong = json!({ "login": "ines.garnier", "code": "0000-0000-0000" });
    let nobodys = json!({ "login": "nina.personne", "code": "0000-0000-0000" });
    let wrong = activate(&mut scene, &wrong, PASSWORD).await;
    let nobodys = activate(&mut scene, &nobodys, PASSWORD).await;
    assert_eq!(wrong.refusal(), "401 wrong-code");
    assert_eq!((&wrong.status, &wrong.body), (&nobodys.status, &nobodys.body));
}

/// A difference of a tenth would be seen over a network in a few hundred questions; without the hash
/// for nobody it is a hundredfold.
#[tokio::test]
async fn a_login_that_nobody_has_is_refused_no_sooner() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..9 {
        // Each round is an hour later, so that nothing is locked.
        scene.now(&format!("2026-11-20T{:02}:00:00Z", round + 8));
        known.push(time(&mut scene, "lea.perlorron").await);
        unknown.push(time(&mut scene, "nina.personne").await);
    }
    // Whatever else the machine does only adds to them.
    let (known, unknown) = (known.iter().min().unwrap(), unknown.iter().min().unwrap());
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{known:?} for somebody, {unknown:?} for nobody");
}

#[tokio::test]
async fn an_address_of_fifty_errors_waits_and_others_do_not() {
    let mut scene = Scene::school().await;
    let attempt = json!({ "login": "nina.personne", "code": "0000-0000-0000",
        "password": PASSWORD });
    let mut from = async |address: &str| {
        let mut request = request("POST", "/activation", None, &attempt);
        let address: SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        scene.raw(request).await
    };
    for n in 0..50 {
        let answer = from(&format!("192.0.2.7:{}", 40_000 + n)).await;
        assert_eq!(answer.refusal(), "401 wrong-code");
    }
    let waiting = from("192.0.2.7:50000").await;
    assert_eq!(waiting.refusal(), "429 too-many-refusals");
    assert_eq!(waiting.header("retry-after"), "900");
    assert_eq!(from("192.0.2.8:50000").await.refusal(), "401 wrong-code");
}

#[tokio::test]
async fn a_page_of_another_site_signs_nobody_in() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    let body = json!({ "login": "lea.perlorron", "password": PASSWORD, "device": "own" });
    for (site, expected) in [
        ("cross-site", "403 Forbidden"),
        ("same-site", "403 Forbidden"),
        ("same-origin", "201 Created"),
    ] {
        let mut request = request("POST", "/sessions", None, &body);
        request.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
        assert_eq!(scene.raw(request).await.status, expected, "{site}");
    }
}

#[tokio::test]
async fn what_pages_of_other_sites_send_keeps_no_school_waiting_and_fills_no_log() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    for _ in 0..100 {
        let mut request = request("POST", "/sessions", None, &json!({}));
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(scene.raw(request).await.refusal(), "403 cross-site");
    }
    assert_eq!(reasons(&scene).await, ["cross-site"; 60]);
    sign_in(&mut scene, "lea.perlorron", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_text_too_long_to_be_a_login_is_nobodys() {
    let mut scene = Scene::school().await;
    let endless = "a.".repeat(50_000);
    let body = json!({ "login": endless, "code": "0000-0000-0000", "password": PASSWORD });
    let refused = send(&mut scene, "POST", "/activation", None, body).await;
    assert_eq!(refused.refusal(), "401 wrong-code");
    let refused = sign_in(&mut scene, &endless, PASSWORD).await;
    assert_eq!(refused.refusal(), "401 sign-in-refused");
    assert_eq!(reasons(&scene).await, ["unknown-login"; 2]);
}

#[tokio::test]
async fn a_token_that_is_none_opens_nothing_and_is_written_down() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let token = settle(&mut scene, &teacher).await;
    let mut altered = token.clone().into_bytes();
    altered[20] = if altered[20] == b'A' { b'B' } else { b'A' };
    let of_nobody = "A".repeat(43);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJsZWEucGVybG9ycm9uIn0.";
    let forged = [&String::from_utf8(altered).unwrap(), &of_nobody, unsigned, &token[..42], " "];
    for forged in forged {
        let answer = send(&mut scene, "GET", "/account", Some(forged), Value::Null).await;
        assert_eq!(answer.refusal(), "401 not-signed-in");
    }
    assert_eq!(reasons(&scene).await, ["unknown-session"; 5]);
    assert_eq!(own(&mut scene, &token).await.status, "200 OK");

    send(&mut scene, "DELETE", "/account/session", Some(&token), Value::Null).await.ok();
    assert_eq!(own(&mut scene, &token).await.refusal(), "401 not-signed-in", "replayed");
}

#[tokio::test]
async fn guesses_at_one_moment_are_no_more_than_five() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    let body = json!({ "login": "lea.perlorron", "password": "brumes-du-84-matins",
        "device": "shared" });
    let attempts = (0..12).map(|_| {
        let (router, request) = (scene.router(), request("POST", "/sessions", None, &body));
        async move { tower::ServiceExt::oneshot(router, request).await.unwrap().status().as_u16() }
    });
    let answers = futures_util::future::join_all(attempts).await;
    assert!(answers.iter().all(|status| [401, 408].contains(status)), "{answers:?}");
    let reasons = reasons(&scene).await;
    let tried = reasons.iter().filter(|why| *why == "wrong-password").count();
    assert!(tried <= 5, "{reasons:?}");
}

#[tokio::test]
async fn whoever_was_refused_is_named_by_the_account_and_by_nothing_else() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    settle(&mut scene, &teacher).await;
    sign_in(&mut scene, "lea.perlorron", "brumes-du-84-matins").await;
    let refused = entries(&scene).await.pop().unwrap();
    let account = AccountId::of(teacher.parse::<PersonId>().unwrap());
    let expected = json!({ "at": "2026-11-20T07:00:00Z", "account": account,
        "what": "sign-in-refused", "why": "wrong-password" });
    assert_eq!(refused, expected);
}

async fn time(scene: &mut Scene, login: &str) -> Duration {
    let begun = Instant::now();
    let answer = sign_in(scene, login, "brumes-du-84-matins").await;
    assert_eq!(answer.refusal(), "401 sign-in-refused");
    begun.elapsed()
}

async fn own(scene: &mut Scene, token: &str) -> Answer {
    send(scene, "GET", "/account", Some(token), Value::Null).await
}

/// Why sign-ins were refused, in the order of the access log.
pub(super) async fn reasons(scene: &Scene) -> Vec<String> {
    let entries = entries(scene).await;
    let refused = entries.iter().filter_map(|entry| entry["why"].as_str());
    refused.map(str::to_owned).collect()
}

/// All of the access log.
pub(super) async fn entries(scene: &Scene) -> Vec<Value> {
    let (from, until) = (DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC);
    let asked = Asked { about: About::All, from, until, after: 0, max: 10_000 };
    let found = scene.node.access().entries(&asked).await.unwrap();
    found.entries.iter().map(|noted| serde_json::to_value(&noted.entry).unwrap()).collect()
}
