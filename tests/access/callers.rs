//! Programs and browsers: what a token is good for, what a cookie is not, and what is written down of
//! those who ask.

use api::{App, Source, Token, Tokens, router};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use domain::{
    AccountId,
    access::{Scope, What, WhyRefused},
};
use replay::access::{About, Asked};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use super::house::{House, OTHER};
use crate::scene::{SCHOOL, Scene};

const READER: AccountId = AccountId(Uuid::from_u128(2));

#[tokio::test]
async fn a_program_does_what_its_token_is_good_for_and_where() {
    let house = House::open().await;
    let school = |path: &str| format!("/schools/{SCHOOL}{}", house.path(path));
    let everywhere = programs(&house.scene, &[Scope::Read], None);
    let here = programs(&house.scene, &[Scope::Read], Some(SCHOOL));
    let imports = programs(&house.scene, &[Scope::Import], None);
    for (program, path, expected) in [
        (&everywhere, school("/students/{léa}/attendance"), "200"),
        (&everywhere, format!("/schools/{OTHER}/students"), "200"),
        (&everywhere, school("/students/{léa}/history"), "403 forbidden"),
        (&everywhere, school("/access-log?from=2026-11-20"), "403 forbidden"),
        (&here, school("/students"), "200"),
        (&here, format!("/schools/{OTHER}/students"), "404 unknown-school"),
        (&imports, school(""), "200"),
        (&imports, school("/students"), "403 forbidden"),
        (&imports, school("/people/{léa}"), "404 unknown-person"),
    ] {
        assert_eq!(ask(program, "GET", &path, None).await.0, expected, "{path}");
    }
    let setting = json!({ "lateness-max-minutes": 15 });
    let written = ask(&everywhere, "POST", &school("/settings"), Some(setting)).await;
    assert_eq!(written.0, "403 forbidden");
    let schools = |body: Value| body.as_array().unwrap().len();
    assert_eq!(schools(ask(&everywhere, "GET", "/schools", None).await.1), 2);
    assert_eq!(schools(ask(&here, "GET", "/schools", None).await.1), 1);
    assert_eq!(schools(ask(&imports, "GET", "/schools", None).await.1), 2);
}

#[tokio::test]
async fn what_is_read_of_people_is_written_down_and_so_are_refusals() {
    let house = House::open().await;
    let reader = programs(&house.scene, &[Scope::Read], None);
    let school = |path: &str| format!("/schools/{SCHOOL}{}", house.path(path));
    for path in
        ["", "/calendar?from=2026-11-20", "/classes", "/classes/{6e A}/lessons?from=2026-11-20"]
    {
        ask(&reader, "GET", &school(path), None).await;
    }
    assert_eq!(told(&house.scene).await, Vec::<String>::new(), "a timetable is about nobody");
    ask(&reader, "GET", &school("/students?limit=1"), None).await;
    ask(&reader, "GET", &school("/students/{léa}/attendance"), None).await;
    ask(&reader, "GET", &school("/students/{léa}/history"), None).await;
    ask(&reader, "GET", &school("/students/{léa}/half-days?from=2026-11-20&to=2026-11-01"), None)
        .await;
    assert_eq!(
        told(&house.scene).await,
        [
            "list-students program-scope",
            "read-attendance program-scope of léa",
            "refused read-history no-relation of léa"
        ]
        .map(|line| line.replace("léa", house.id("léa"))),
        "who was refused an answer has read nothing"
    );
}

#[tokio::test]
async fn nothing_is_told_while_the_access_log_cannot_be_written() {
    let mut house = House::open().await;
    house.scene.node.access().close().await;
    let students = house.scene.get("/students").await;
    assert_eq!(students.refusal(), "503 not-recorded");
    assert_eq!(house.scene.get("").await.ok()["name"], "Collège des Tilleuls");
    let hidden = house.scene.get(&house.path("/people/{nora}")).await;
    assert_eq!(
        hidden.refusal(),
        "404 unknown-person",
        "nothing was refused to a token of everything"
    );
}

#[tokio::test]
async fn a_token_that_is_nobodys_is_refused_and_written_down() {
    let mut house = House::open().await;
    for forged in ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJoZWFkIn0.", "the token of nobody at all"] {
        let answer = house.scene.send_as(forged, "GET", "/schools", None).await;
        assert_eq!(answer.refusal(), "401 not-signed-in");
    }
    for _ in 0..100 {
        house.scene.send_as("a token of nobody", "GET", "/schools", None).await;
    }
    let node = &house.scene.node;
    let found = node.access().entries(&today()).await.unwrap().entries;
    let unknown = What::SignInRefused { why: WhyRefused::UnknownSession };
    let written = found.iter().filter(|noted| noted.entry.what == unknown).count();
    assert_eq!(written, 60, "a minute's flood does not fill the log");
}

#[tokio::test]
async fn another_site_cannot_write_with_somebodys_cookie() {
    let mut house = House::open().await;
    let token = house.scene.signed_in(house.id("cpe"), false).await;
    let cookie = format!("theme=dark; __Host-preau={token}");
    let body = || Some(json!({ "lateness-max-minutes": 12 }));
    let path = format!("/schools/{SCHOOL}/settings");
    for site in [None, Some("cross-site"), Some("same-site")] {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(site.map(|site| ("sec-fetch-site", site)));
        let sent = house.scene.send_to("POST", &path, body(), &headers).await;
        assert_eq!(sent.refusal(), "403 cross-site", "{site:?}");
    }
    let own = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let sent = house.scene.send_to("POST", &path, body(), &own).await;
    assert_eq!(sent.refusal(), "403 forbidden", "a CPE does not set the school up");
    let read = house
        .scene
        .send_to("GET", &format!("/schools/{SCHOOL}"), None, &[("cookie", &cookie)])
        .await;
    read.ok();
    let unknown = [("cookie", "__Host-preau=forged"), ("sec-fetch-site", "same-origin")];
    let forged = house.scene.send_to("GET", &path, None, &unknown).await;
    assert_eq!(forged.status, "405 Method Not Allowed");
    let forged = house.scene.send_to("GET", "/schools", None, &unknown).await;
    assert_eq!(forged.refusal(), "401 not-signed-in");
}

/// The school as programs reach it whose token has these scopes.
fn programs(scene: &Scene, scopes: &[Scope], school: Option<&str>) -> Router {
    let token = Token {
        token: READS.to_owned(),
        account: READER,
        scopes: scopes.to_vec(),
        school: school.map(|school| school.parse().unwrap()),
    };
    let tokens = Tokens::new(vec![token]).unwrap();
    router(App::new(Source::Live(scene.node.clone()), tokens))
}

const READS: &str = "a-token-of-a-program";

/// The status, the code of a refusal after it, and the body.
async fn ask(program: &Router, method: &str, path: &str, body: Option<Value>) -> (String, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {READS}"))
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
    let response = program.clone().oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    let code = body["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
    (format!("{status}{code}"), body)
}

/// What the access log tells of the program, a line for each entry.
async fn told(scene: &Scene) -> Vec<String> {
    let asked = Asked { about: About::Account(READER), ..today() };
    let found = scene.node.access().entries(&asked).await.unwrap().entries;
    let of = |subject: &Option<domain::PersonId>| {
        subject.map(|subject| format!(" of {subject}")).unwrap_or_default()
    };
    let line = |what: &What| match what {
        What::Read { subject, action, rule, .. } => {
            format!("{} {}{}", <&str>::from(action), <&str>::from(rule), of(subject))
        }
        What::Refused { subject, action, rule, .. } => {
            format!("refused {} {}{}", <&str>::from(action), <&str>::from(rule), of(subject))
        }
        What::SessionOpened { .. }
        | What::SessionSeen { .. }
        | What::SessionEnded { .. }
        | What::SignInRefused { .. }
        | What::DutyTaken { .. }
        | What::PagesDestroyed { .. } => format!("{what:?}"),
    };
    found.iter().map(|noted| line(&noted.entry.what)).collect()
}

fn today() -> Asked {
    Asked {
        about: About::All,
        from: "2026-11-19T23:00:00Z".parse().unwrap(),
        until: "2026-11-20T23:00:00Z".parse().unwrap(),
        after: 0,
        max: 1_000,
    }
}
