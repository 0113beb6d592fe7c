//! A school that tests talk to: a fresh data folder, the whole router, a clock that stands still.
//!
//! What the school is at the beginning is written through the API, as a school's office would.

use api::{App, Source, Token, Tokens, router};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use chrono::DateTime;
use domain::{
    AccountId, PersonId, SessionId,
    access::{Device, Entry, Means, What},
};
use replay::{Clock, Node, Running, access::TokenHash, clock::SetClock, keys::MasterKey};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::data_folder::{DataFolder, would_be_found};

/// The token of the only caller.
pub(crate) const TOKEN: &str = "a-token-for-the-tests";

/// The school's number.
pub(crate) const SCHOOL: &str = "0670001A";

/// The school's telephone, which everybody may know.
pub(crate) const TELEPHONE: &str = "03 88 00 00 00";

/// How often the tables are given five seconds more to catch up.
const PATIENCE: u32 = 60;

/// A school, and whoever talks to it.
pub(crate) struct Scene {
    /// The node behind the router.
    pub(crate) node: Node,
    /// What shows the time; it stands still until it is set.
    pub(crate) clock: SetClock,
    /// The data folder.
    pub(crate) folder: DataFolder,
    running: Running,
    router: Router,
    last_position: u64,
    requests: u32,
}

/// What the school answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// As in `200 OK`.
    pub(crate) status: String,
    /// The body; null if there is none.
    pub(crate) body: Value,
    headers: HeaderMap,
    /// The same as it came.
    pub(crate) bytes: Vec<u8>,
}

impl Scene {
    /// An empty data folder, on Friday 20 November 2026 at eight in the morning, in Strasbourg.
    pub(crate) async fn empty() -> Self {
        let clock = SetClock::at("2026-11-20T07:00:00Z".parse().unwrap());
        Self::on(DataFolder::new(), clock).await
    }

    /// The school of a folder, at an instant.
    pub(crate) async fn of(folder: DataFolder, instant: &str) -> Self {
        Self::on(folder, SetClock::at(instant.parse().unwrap())).await
    }

    async fn on(folder: DataFolder, clock: SetClock) -> Self {
        let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let node = Node::start(folder.path(), master, Clock::Set(clock.clone())).await;
        let (node, running) = node.unwrap();
        let router = router(app(&node));
        Self { node, clock, folder, running, router, last_position: 0, requests: 0 }
    }

    /// A collège in the Bas-Rhin with its year, bells and reasons.
    pub(crate) async fn school() -> Self {
        Self::school_in("67").await
    }

    /// The same collège in another département.
    pub(crate) async fn school_in(department: &str) -> Self {
        let mut scene = Self::empty().await;
        let opened = json!({ "name": "Collège des Tilleuls", "time_zone": "Europe/Paris",
            "department": department });
        scene.put("", opened).await.ok();
        scene.put("/years/2026", year()).await.ok();
        let toussaint = json!([{ "name": "Toussaint", "first_day": "2026-10-17",
            "last_day": "2026-11-01" }]);
        scene.put("/years/2026/holidays", toussaint).await.ok();
        scene.put("/bell-schedules/2026-09-01", bells()).await.ok();
        scene.put("/reasons", reasons()).await.ok();
        scene
    }

    /// Registers somebody who learns (`students`) or works (`staff`) in the school.
    pub(crate) async fn person(&mut self, family: &str, given: &str, part: &str) -> String {
        let name = json!({ "name": { "family": family, "given": given } });
        let person = self.post("/people", name).await.id();
        let mut enrolment = json!({ "person": person, "from": "2026-09-01" });
        if part == "staff" {
            enrolment["function"] = json!("teacher");
        }
        self.post(&format!("/{part}"), enrolment).await.ok();
        person
    }

    /// Forms a class of these students.
    pub(crate) async fn class(&mut self, name: &str, students: &[&str]) -> String {
        let form = json!({ "name": name, "kind": "division", "year": 2026 });
        let class = self.post("/classes", form).await.id();
        for student in students {
            let path = format!("/classes/{class}/students/{student}");
            self.put(&path, json!({ "from": "2026-09-01" })).await.ok();
        }
        class
    }

    /// Plans a course of the whole year, at these weekdays and slots in room 7.
    pub(crate) async fn course(
        &mut self,
        class: &str,
        teacher: &str,
        subject: &str,
        meetings: &[(&str, u8)],
    ) -> String {
        let meetings: Vec<_> = meetings
            .iter()
            .map(|(weekday, slot)| json!({ "weekday": weekday, "slot": slot, "room": "7" }))
            .collect();
        let plan = json!({ "class": class, "subject": subject, "teachers": [teacher],
            "first_day": "2026-09-01", "last_day": "2027-07-02", "meetings": meetings });
        self.post("/courses", plan).await.id()
    }

    /// Asks, as things stand after everything that was written before.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let and = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{and}min_position={}", self.last_position);
        self.send("GET", &path, None, &[]).await
    }

    /// Asks how it stood at an instant.
    pub(crate) async fn get_as_of(&mut self, path: &str, instant: &str) -> Answer {
        let and = if path.contains('?') { '&' } else { '?' };
        self.send("GET", &format!("{path}{and}as_of={instant}"), None, &[]).await
    }

    /// Posts.
    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body), &[]).await
    }

    /// Puts.
    pub(crate) async fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body), &[]).await
    }

    /// Patches.
    pub(crate) async fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body), &[]).await
    }

    /// Sends a request to an address of the school, with a key of its own unless one is among the
    /// headers.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send_to(method, &format!("/schools/{SCHOOL}{path}"), body, headers).await
    }

    /// Sends a request that must be refused and leave nothing in the log; its status and code.
    pub(crate) async fn refused(&mut self, method: &str, path: &str, body: Value) -> String {
        self.refused_at(method, &format!("/schools/{SCHOOL}{path}"), body).await
    }

    /// The same, to any address below `/api/v1`.
    pub(crate) async fn refused_at(&mut self, method: &str, path: &str, body: Value) -> String {
        // What follows from earlier requests is in the log before this one is looked at.
        reach(&self.node, self.last_position).await;
        let head = self.head().await;
        let refusal = self.send_to(method, path, Some(body), &[]).await.refusal();
        assert_eq!(self.head().await, head, "{method} {path} is refused and written all the same");
        refusal
    }

    /// Sends a request to any address below `/api/v1`, with a key of its own unless one is among
    /// the headers.
    pub(crate) async fn send_to(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.requests += 1;
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if !headers.iter().any(|(name, _)| ["authorization", "cookie"].contains(name)) {
            request = request.header("authorization", format!("Bearer {TOKEN}"));
        }
        if !headers.iter().any(|(name, _)| *name == "idempotency-key") {
            request = request.header("idempotency-key", format!("test-{}", self.requests));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        body.iter().for_each(would_all_be_found);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.raw(request.body(body).unwrap()).await
    }

    /// Opens a session for somebody, on a device of theirs, and answers the token that it holds.
    pub(crate) async fn signed_in(&self, person: &str, second_factor: bool) -> String {
        let person = PersonId(person.parse().unwrap());
        let token = format!("the token of {person}");
        let what = What::SessionOpened {
            session: SessionId(Uuid::new_v5(&person.0, b"session")),
            person,
            token: TokenHash::of(&token).to_string(),
            device: Device::Own,
            means: Means::Password,
            second_factor,
        };
        let (at, account) = (self.node.journal().clock().now(), Some(AccountId::of(person)));
        self.node.access().record(vec![Entry { at, account, what }]).await.unwrap();
        token
    }

    /// Sends a request to any address below `/api/v1` as whoever holds a token, as things stand after
    /// everything that was written before: what was taken away a moment ago may still be done while
    /// the tables do not know.
    pub(crate) async fn send_as(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let and = if path.contains('?') { '&' } else { '?' };
        let path = match method {
            "GET" => format!("{path}{and}min_position={}", self.last_position),
            _ => {
                reach(&self.node, self.last_position).await;
                path.to_owned()
            }
        };
        self.send_to(method, &path, body, &[("authorization", &bearer)]).await
    }

    /// Sends a request as it is.
    pub(crate) async fn raw(&mut self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().to_string();
        let headers = response.headers().clone();
        let position = response.headers().get("preau-position");
        let position = position.map(|position| position.to_str().unwrap().parse().unwrap());
        self.last_position = self.last_position.max(position.unwrap_or_default());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, body, headers, bytes: bytes.into() }
    }

    /// The school for another router than the one that this talks to.
    pub(crate) fn app(&self) -> App {
        app(&self.node)
    }

    /// All addresses of the school, for whoever reaches them in another way.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// The position of the last event of the log, once all that follows from what was written is there.
    pub(crate) async fn head(&self) -> u64 {
        let head = || async { self.node.journal().log().head().await.unwrap() };
        reach(&self.node, head().await).await;
        head().await
    }

    /// Moves the clock.
    pub(crate) fn now(&self, instant: &str) {
        self.clock.set(instant.parse::<DateTime<_>>().unwrap());
    }

    /// The same school after its server was stopped and started again.
    pub(crate) async fn restarted(self) -> Self {
        let clock = self.clock.clone();
        Self::on(self.stop().await, clock).await
    }

    /// Stops the node, and leaves the folder.
    pub(crate) async fn stop(self) -> DataFolder {
        self.node.stop(self.running).await;
        self.folder
    }
}

/// Waits until the tables show the event at a position and all that followed from it, however much else the
/// machine has to do.
pub(crate) async fn reach(node: &Node, position: u64) {
    let mut reached = node.reach(position).await;
    for _ in 0..PATIENCE {
        if reached.is_ok() {
            return;
        }
        reached = node.reach(position).await;
    }
    reached.unwrap();
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.starts_with('2'), "{} {}", self.status, self.body);
        self.body
    }

    /// The id of what was made.
    #[track_caller]
    pub(crate) fn id(self) -> String {
        self.ok()["id"].as_str().unwrap().to_owned()
    }

    /// All of it, byte for byte.
    pub(crate) fn whole(&self) -> String {
        format!("{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.bytes))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// A header, as text; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a success, with these names in place of their ids. Other ids are told apart by
    /// the order in which they appear: `id 1`, `id 2`…
    #[track_caller]
    pub(crate) fn named(self, names: &[(&str, &str)]) -> Value {
        let mut names: Vec<_> =
            names.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect();
        let known = names.len();
        with_names(self.ok(), &mut names, known)
    }

    /// The status and code of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        let code = self.body["code"].as_str();
        format!("{} {}", &self.status[..3], code.unwrap_or_else(|| panic!("{}", self.body)))
    }
}

fn app(node: &Node) -> App {
    let account = AccountId(Uuid::from_u128(1));
    let tokens = Tokens::new(vec![Token::of_everything(TOKEN, account)]).unwrap();
    App::new(Source::Live(node.clone()), tokens)
}

/// Whatever is said of people is searched for at the end; given names may be words of a program.
fn would_all_be_found(body: &Value) {
    const SAID: [&str; 8] =
        ["family", "usage", "mail", "mobile", "telephone", "address", "comment", "document"];
    for (field, value) in body.as_object().into_iter().flatten() {
        would_all_be_found(value);
        let said = value.as_str().filter(|said| *said != TELEPHONE);
        let said = said.filter(|_| SAID.contains(&field.as_str()));
        let found = said.is_none_or(would_be_found);
        assert!(found, "{field} {value}: add it to tests/canaries.rs, so that it is searched for");
    }
}

/// The school year 2026–2027, where the week of 16 November is B and its neighbours are A.
pub(crate) fn year() -> Value {
    json!({ "first_day": "2026-09-01", "last_day": "2027-07-02",
        "terms": [{ "name": "1er trimestre", "first_day": "2026-09-01",
            "last_day": "2026-11-27" }],
        "weeks_a": ["2026-11-09", "2026-11-23"] })
}

/// Seven lessons a day, the half-day limit at one, Wednesday afternoon and Saturday closed.
pub(crate) fn bells() -> Value {
    let slot = |(name, starts, ends): (&str, &str, &str)| {
        let (starts, ends) = (format!("{starts}:00"), format!("{ends}:00"));
        json!({ "name": name, "starts": starts, "ends": ends })
    };
    let slots = [
        ("M1", "08:00", "08:55"),
        ("M2", "09:00", "09:55"),
        ("M3", "10:10", "11:05"),
        ("M4", "11:05", "12:00"),
        ("S1", "13:30", "14:25"),
        ("S2", "14:30", "15:25"),
        ("S3", "15:40", "16:35"),
    ];
    let closed = [("Wed", "afternoon"), ("Sat", "morning"), ("Sat", "afternoon")];
    let closed = closed.map(|(weekday, half)| json!({ "weekday": weekday, "half": half }));
    json!({ "slots": slots.map(slot), "half_day_limit": "13:00:00", "closed": closed })
}

/// A few reasons: an illness to judge, a timetable error settled at once, the infirmary, and a
/// closed one.
pub(crate) fn reasons() -> Value {
    json!([
        { "code": "illness", "label": "Maladie", "neutral_label": "Raison personnelle",
            "sensitive": true, "legitimacy": "child-ill", "explains": true },
        { "code": "timetable-error", "label": "Erreur d'emploi du temps",
            "legitimacy": "other-accepted", "explains": true, "receivable": true,
            "regularises": true },
        { "code": "infirmary", "label": "Infirmerie", "neutral_label": "Dans l'établissement",
            "sensitive": true, "legitimacy": "other-accepted", "explains": true,
            "receivable": true, "in_care": true },
        { "code": "old", "label": "Ancien motif", "legitimacy": "unknown", "explains": true,
            "closed": true }
    ])
}

fn with_names(value: Value, names: &mut Vec<(String, String)>, known: usize) -> Value {
    match value {
        Value::String(text) if Uuid::try_parse(&text).is_ok() => {
            if !names.iter().any(|(id, _)| *id == text) {
                names.push((text.clone(), format!("id {}", names.len() + 1 - known)));
            }
            let found = names.iter().find(|(id, _)| *id == text);
            found.map(|(_, name)| name.as_str()).into()
        }
        Value::Array(values) => {
            values.into_iter().map(|value| with_names(value, names, known)).collect()
        }
        Value::Object(fields) => {
            let named = fields.into_iter();
            named.map(|(field, value)| (field, with_names(value, names, known))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
