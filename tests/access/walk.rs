//! No address is without its guard: each operation of the description is asked by somebody who may
//! not, and each has written down that it refused them.
//!
//! The layer around all addresses withholds an answer that nobody decided on; it cannot undo what was
//! done before. What asks nobody is listed here, so that one door more is seen.

use std::{collections::BTreeSet, fs, path::Path};

use chrono::{DateTime, Utc};
use replay::access::{About, Asked};
use serde_json::{Value, json};

use super::{
    house::House,
    other_family::{Operation, of_family, operations},
};

/// What asks nobody who they are.
const DOORS: [&str; 4] = ["activate", "come_back", "go_to_provider", "sign_in"];

/// What stands beside the operations of the description, and asks nobody either.
const BESIDE: [&str; 3] = ["/api/v1/openapi.json", "/health", "/metrics"];

#[tokio::test]
async fn every_operation_of_a_school_asks_before_it_answers() {
    let mut house = House::open().await;
    house.scene.node.reach(house.scene.head().await).await.unwrap();
    let (head, mut asked) = (house.scene.head().await, 0);
    let of_school = |operation: &Operation| operation.address.starts_with("/schools/");
    for operation in operations().into_iter().filter(of_school) {
        let written = house.what_it_writes_down("yves", &operation).await;
        let refused = written.iter().any(|entry| entry["what"] == "refused");
        assert!(refused, "{} {} asks nobody", operation.method, operation.address);
        asked += 1;
    }
    assert!(asked > 40, "{asked} operations only");
    assert_eq!(house.scene.head().await, head, "somebody of another school has written something");
}

#[tokio::test]
async fn every_operation_of_ones_own_asks_before_it_answers() {
    let mut house = House::open().await;
    let head = house.scene.head().await;
    let own: Vec<_> = described().into_iter().filter(|of| of.is_own()).collect();
    assert!(own.len() > 10, "{} operations only", own.len());
    for Described { method, address, name, .. } in own {
        let operation = Operation { method, address, body: body(&name) };
        let written = house.what_it_writes_down("nobody", &operation).await;
        let closed = written.iter().any(|entry| entry["why"] == "account-closed");
        assert!(closed, "{name} asks nobody: {written:?}");
    }
    assert_eq!(house.scene.head().await, head, "somebody without any tie has written something");
}

#[test]
fn whatever_asks_nobody_is_known() {
    let doors = described().into_iter().filter(|of| of.is_door).map(|of| of.name);
    assert_eq!(doors.collect::<BTreeSet<_>>(), DOORS.map(str::to_owned).into());
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/lib.rs");
    let lib = fs::read_to_string(lib).unwrap();
    let beside = lib.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    assert_eq!(beside.collect::<Vec<_>>(), BESIDE);
    let ways = lib.matches(".route(").count() + lib.matches(".nest(").count();
    assert_eq!(ways, BESIDE.len() + 1, "an address is added in another way");
}

/// An operation as the description has it.
struct Described {
    method: String,
    address: String,
    name: String,
    is_door: bool,
}

impl Described {
    fn is_own(&self) -> bool {
        !self.is_door && !self.address.contains("/schools/")
    }
}

fn described() -> Vec<Described> {
    let description = serde_json::to_value(api::description()).unwrap();
    let mut all = Vec::new();
    for (template, methods) in description["paths"].as_object().unwrap() {
        for (method, told) in methods.as_object().unwrap() {
            all.push(Described {
                method: method.to_uppercase(),
                address: template.replace("/api/v1", "").replace("{provider}", "ent"),
                name: told["operationId"].as_str().unwrap().to_owned(),
                is_door: told["security"] == json!([{}]),
            });
        }
    }
    all
}

/// What an operation on one's own takes.
fn body(operation: &str) -> Option<Value> {
    match operation {
        "change_password" => Some(json!({ "current": "brumes-du-83", "new": "brumes-du-84" })),
        "enrol_second_factor" | "remove_second_factor" => Some(json!({ "code": "287082" })),
        "link_identity" | "offer_second_factor" => Some(json!({ "password": "brumes-du-83" })),
        _ => None,
    }
}

impl House {
    /// What is in the access log once somebody was refused an operation on what is of others.
    async fn what_it_writes_down(&mut self, who: &str, operation: &Operation) -> Vec<Value> {
        let own = of_family().own;
        let fill = |text: String| {
            let text = text.replace("{session}", self.id("tom's session"));
            own.iter().fold(text, |text, (place, name)| {
                let id = if *place == "school" { *name } else { self.id(name) };
                text.replace(&format!("{{{place}}}"), id)
            })
        };
        let address = fill(operation.address.clone());
        let body = operation.body.as_ref().map(|body| fill(body.to_string()));
        let body = body.map(|body| serde_json::from_str(&body).unwrap());
        let before = self.written_down().await.len();
        let answer = self.does_anywhere(who, &operation.method, &address, body).await;
        let Operation { method, .. } = operation;
        assert!(answer.status.starts_with('4'), "{who}: {method} {address}: {}", answer.status);
        self.written_down().await.split_off(before)
    }

    /// All of the access log.
    async fn written_down(&self) -> Vec<Value> {
        let (from, until) = (DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC);
        let asked = Asked { about: About::All, from, until, after: 0, max: usize::MAX };
        let found = self.scene.node.access().entries(&asked).await.unwrap();
        found.entries.iter().map(|noted| serde_json::to_value(&noted.entry).unwrap()).collect()
    }
}
