//! What holds for every address alike, read from the description of the API itself: a new address
//! is covered the day that it is described. What an address is for is told in its feature's file.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use axum::{
    body::Body,
    http::{Request, request::Builder},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{Answer, SCHOOL, Scene, TOKEN};

/// One byte more than a body may have.
const TOO_LARGE_BYTES: usize = 256 * 1024 + 1;

/// A method and an address that the description lists.
struct Operation {
    method: String,
    address: String,
    /// Whether it is there for those who are not signed in.
    is_a_door: bool,
    /// Whether it can be sent again under a key.
    takes_a_key: bool,
}

#[test]
fn the_description_in_the_docs_is_that_of_the_code() {
    let told = format!("{}\n", serde_json::to_string_pretty(&api::description()).unwrap());
    let path = docs().join("openapi.json");
    if env::var_os("PREAU_UPDATE").is_some() {
        fs::write(&path, &told).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let first = kept.lines().zip(told.lines()).position(|(kept, told)| kept != told);
    assert!(
        kept == told,
        "docs/openapi.json is not the description of the code from line {} on: \
         PREAU_UPDATE=1 cargo test -p tests the_description writes it anew",
        first.unwrap_or_else(|| kept.lines().count().min(told.lines().count())) + 1
    );
}

#[tokio::test]
async fn the_description_that_is_served_is_that_of_the_code() {
    let mut scene = Scene::empty().await;
    let served = scene.send_to("GET", "/openapi.json", None, &[]).await.ok();
    assert_eq!(served, description());
}

#[test]
fn every_refusal_and_no_other_is_explained_in_the_docs() {
    let page = fs::read_to_string(docs().join("api.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows = rows.filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    let explained: BTreeSet<String> = rows.map(|(code, _)| code.to_owned()).collect();
    let codes = description()["components"]["schemas"]["Problem"]["properties"]["code"].clone();
    let codes = codes["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap());
    let codes: BTreeSet<String> = codes.map(str::to_owned).collect();
    assert_eq!(explained, codes, "docs/api.md has one row for each refusal");
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut known = BTreeSet::new();
    for (_, methods) in description()["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(known.insert(name.clone()), "two operations are called {name}");
        }
    }
}

#[tokio::test]
async fn nobody_is_answered_without_a_token() {
    let mut scene = Scene::empty().await;
    for operation in operations().into_iter().filter(|operation| !operation.is_a_door) {
        for sent in [None, Some("Bearer a-token-of-somebody-else"), Some(TOKEN), Some("Basic QQ==")]
        {
            let mut request = operation.request();
            if let Some(sent) = sent {
                request = request.header("authorization", sent);
            }
            let answer = scene.raw(request.body("{}".into()).unwrap()).await;
            operation.assert_refused(&answer, "401 not-signed-in");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[test]
fn every_write_takes_a_key_and_every_operation_may_be_refused() {
    for (address, methods) in description()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let names = operation["parameters"].as_array().into_iter().flatten();
            let keyed = names.into_iter().any(|taken| taken["name"] == "Idempotency-Key");
            let tags = operation["tags"].as_array().unwrap();
            let keyless = tags.iter().any(|tag| tag == "secrets" || tag == "imports");
            assert_eq!(keyed, method != "get" && !keyless, "{method} {address}");
            let refusal = &operation["responses"]["default"]["content"];
            assert!(refusal["application/problem+json"].is_object(), "{method} {address}");
        }
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_and_leaves_nothing() {
    let mut scene = Scene::empty().await;
    for operation in writes() {
        let mut send = async |body: Body| {
            let request = operation.request().header("authorization", format!("Bearer {TOKEN}"));
            scene.raw(request.body(body).unwrap()).await
        };
        let torn = send("{\n  \"name\": ".into()).await;
        operation.assert_refused(&torn, "400 malformed-body");
        let detail = torn.body["detail"].as_str().unwrap();
        assert!(detail.contains(" at line ") && detail.contains(" column "), "{detail}");
        let large = send(" ".repeat(TOO_LARGE_BYTES).into()).await;
        operation.assert_refused(&large, "413 body-too-large");
    }
    assert_eq!(scene.head().await, 0);
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_refused_and_leaves_nothing() {
    let mut scene = Scene::empty().await;
    let long = "x".repeat(201);
    for operation in writes().into_iter().filter(|operation| operation.takes_a_key) {
        for (name, value, refusal) in [
            ("idempotency-key", "", "400 malformed-idempotency-key"),
            ("idempotency-key", &long, "400 malformed-idempotency-key"),
            ("idempotency-key", "clé", "400 malformed-idempotency-key"),
            ("occurred-at", "yesterday", "400 malformed-occurred-at"),
            ("occurred-at", "2026-11-20T07:05:01Z", "400 malformed-occurred-at"),
        ] {
            let request = operation.request().header("authorization", format!("Bearer {TOKEN}"));
            let request = request.header(name, value.as_bytes());
            let answer = scene.raw(request.body("{}".into()).unwrap()).await;
            operation.assert_refused(&answer, refusal);
        }
    }
    assert_eq!(scene.head().await, 0);
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_refused() {
    let mut scene = Scene::school().await;
    let reads = operations().into_iter().filter(|asked| asked.method == "GET" && !asked.is_a_door);
    for operation in reads {
        for wrong in ["min_position=soon", "as_of=yesterday"] {
            let request = Request::get(format!("{}&{wrong}", operation.address));
            let request = request.header("authorization", format!("Bearer {TOKEN}"));
            let answer = scene.raw(request.body(Body::empty()).unwrap()).await;
            operation.assert_refused(&answer, "400 malformed-query");
        }
    }
}

#[tokio::test]
async fn an_address_says_which_methods_it_takes() {
    let mut scene = Scene::empty().await;
    for operation in operations() {
        let request = Request::trace(&operation.address).body(Body::empty()).unwrap();
        let answer = scene.raw(request).await;
        operation.assert_refused(&answer, "405 method-not-allowed");
        let taken = answer.header("allow");
        assert!(taken.split(',').any(|method| method == operation.method), "{taken}");
    }
}

#[tokio::test]
async fn there_is_nothing_at_other_addresses() {
    let mut scene = Scene::empty().await;
    for address in [
        "/".to_owned(),
        "/api/v2/schools".to_owned(),
        "/api/v1/canteens".to_owned(),
        "/api/v1/schools/".to_owned(),
        "/api/v1/schools/tilleuls".to_owned(),
        format!("/api/v1/schools/{SCHOOL}/people/salma"),
    ] {
        let request = Request::get(&address).header("authorization", format!("Bearer {TOKEN}"));
        let answer = scene.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.refusal(), "404 no-such-address", "{address}");
    }
}

impl Operation {
    fn request(&self) -> Builder {
        Request::builder().method(self.method.as_str()).uri(&self.address)
    }

    #[track_caller]
    fn assert_refused(&self, answer: &Answer, refusal: &str) {
        assert_eq!(answer.refusal(), refusal, "{} {}", self.method, self.address);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["type"], format!("urn:preau:problem:{}", &refusal[4..]));
    }
}

/// Every operation of the description, at an address with plausible parameters.
fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (template, methods) in description()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut address = format!("{template}?");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                if parameter["in"] == "path" {
                    address = address.replace(&format!("{{{name}}}"), &plausible(name));
                } else if parameter["required"] == true {
                    address = format!("{address}&{name}={}", plausible(name));
                }
            }
            let named = operation["parameters"].as_array().into_iter().flatten();
            let takes_a_key = named.into_iter().any(|taken| taken["name"] == "Idempotency-Key");
            let (method, is_a_door) = (method.to_uppercase(), operation["security"] == json!([{}]));
            operations.push(Operation { method, address, is_a_door, takes_a_key });
        }
    }
    assert!(operations.len() > 40, "the description lists its operations");
    operations
}

/// Those that change something, but for imports: what they send is no JSON.
fn writes() -> Vec<Operation> {
    let writes = operations().into_iter().filter(|operation| operation.method != "GET");
    writes.filter(|operation| !operation.address.contains("/imports/")).collect()
}

fn plausible(parameter: &str) -> String {
    match parameter {
        "school" => SCHOOL.to_owned(),
        "year" => "2026".to_owned(),
        "date" | "from" => "2026-11-20".to_owned(),
        "slot" => "1".to_owned(),
        "half" => "morning".to_owned(),
        "step" => "four-half-days".to_owned(),
        "mandate" => "auditor".to_owned(),
        _ => Uuid::nil().to_string(),
    }
}

fn description() -> Value {
    serde_json::to_value(api::description()).unwrap()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}
