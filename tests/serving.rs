//! Serving: nothing that was acknowledged is lost when the server stops, the past is only read, and
//! a request that arrives a hundred times has one effect.
//!
//! Over real connections where the network is part of the promise. The signal that tells the server
//! to stop is the binary's business and not tried here.

use std::collections::BTreeMap;

use api::{App, Past, Source, Token, Tokens, router};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use domain::{AccountId, PersonId, Stream};
use replay::{Clock, Journal, keys::MasterKey, log::Filter, rebuild};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt;
use uuid::Uuid;

use crate::scene::{SCHOOL, Scene, TOKEN};

const CLIENTS: usize = 32;

/// Writes that are acknowledged before the server is told to stop.
const WRITES: usize = 200;

#[tokio::test]
async fn a_server_that_stops_while_all_are_writing_loses_nothing_it_acknowledged() {
    let school = Scene::school().await;
    let server = Server::start(school.router()).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    for client in 0..CLIENTS {
        tokio::spawn(register_until_the_end(server.port, client, tell.clone()));
    }
    drop(tell);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < WRITES {
        acknowledged.push(told.recv().await.unwrap());
    }
    server.stop().await;
    while let Some(one) = told.recv().await {
        acknowledged.push(one);
    }
    let folder = school.stop().await;

    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let journal = Journal::open(folder.path(), master, Clock::System).await.unwrap();
    let mut kept = BTreeMap::new();
    let mut pages = journal.pages(0, Filter::default());
    while let Some(page) = pages.next().await.unwrap() {
        for recorded in page.entries {
            let recorded = recorded.unwrap();
            kept.insert(recorded.position, recorded.event.stream());
        }
    }
    for (position, person) in acknowledged {
        assert_eq!(kept.get(&position), Some(&Stream::Person(person)), "position {position}");
    }
    journal.log().close().await;
}

#[tokio::test]
async fn a_roll_call_that_arrives_a_hundred_times_at_once_is_taken_once() {
    let mut school = Scene::school().await;
    let adele = school.person("Muller", "Adèle", "students").await;
    let teacher = school.person("Weber", "Anne", "staff").await;
    let class = school.class("6e B", &[&adele]).await;
    let course = school.course(&class, &teacher, "Mathématiques", &[("Fri", 1)]).await;
    let head = school.head().await;
    let server = Server::start(school.router()).await;

    let roll_call = format!("/courses/{course}/lessons/2026-11-20/1/roll-call");
    let body = json!({ "absent": [adele] });
    let mut copies = JoinSet::new();
    for _ in 0..100 {
        let (port, path, body) = (server.port, roll_call.clone(), body.to_string());
        copies.spawn(async move {
            let mut connection = Connection::open(port).await;
            connection.send("PUT", &path, "the-teacher-tapped-once", &body).await.unwrap()
        });
    }
    let answers = copies.join_all().await;
    let taken = (200, json!({ "position": head + 1 }));
    assert!(answers.iter().all(|answer| *answer == taken), "{answers:?}");
    school.node.reach(head + 1).await.unwrap();
    assert_eq!(school.head().await, head + 3, "the roll call, the absence and its alert");
    server.stop().await;
}

#[tokio::test]
async fn a_past_day_is_only_read() {
    let mut school = Scene::school().await;
    school.now("2026-11-21T07:00:00Z");
    let later = school.person("Muller", "Adèle", "students").await;
    let (journal, scratch) = (school.node.journal().clone(), tempfile::tempdir().unwrap());
    let instant = "2026-11-20T18:00:00Z".parse().unwrap();
    let db = rebuild::as_of(&journal, scratch.path(), instant).await.unwrap();
    let account = AccountId(Uuid::from_u128(1));
    let tokens = Tokens::new(vec![Token::of_everything(TOKEN, account)]).unwrap();
    let past = router(App::new(Source::Past(Past { journal, db, instant }), tokens));

    let (status, sheet) = ask(&past, "GET", "", json!(null)).await;
    assert_eq!((status, &sheet["name"]), (200, &json!("Collège des Tilleuls")));
    let (status, _) = ask(&past, "GET", &format!("/people/{later}"), json!(null)).await;
    assert_eq!(status, 404, "she came on Saturday");

    let head = school.head().await;
    for (method, path, body) in [
        ("PUT", "/reasons".to_owned(), json!([])),
        ("POST", "/people".to_owned(), json!({ "name": { "family": "Roth", "given": "Max" } })),
        ("PUT", format!("/people/{later}/language"), json!("fr")),
        ("POST", "/absences".to_owned(), json!("not even understood")),
    ] {
        let (status, problem) = ask(&past, method, &path, body).await;
        assert_eq!((status, &problem["code"]), (405, &json!("read-only")), "{method} {path}");
    }
    assert_eq!(school.head().await, head);
}

#[tokio::test]
async fn before_its_first_event_there_is_no_school() {
    let mut school = Scene::school().await;
    let before = "2026-11-20T06:59:59Z";
    for path in ["", "/classes", "/students", "/roll-calls?date=2026-11-20"] {
        let refusal = school.get_as_of(path, before).await.refusal();
        assert_eq!(refusal, "404 unknown-school", "{path}");
    }
    let opened = school.get_as_of("", "2026-11-20T07:00:00Z").await.ok();
    assert_eq!(opened["name"], "Collège des Tilleuls");
}

#[tokio::test]
async fn an_instant_still_to_come_is_not_remembered_as_it_stands_now() {
    let mut school = Scene::school().await;
    let tomorrow = "2026-11-21T07:00:00Z";
    assert_eq!(school.get_as_of("/students", tomorrow).await.ok(), json!([]));
    school.person("Muller", "Adèle", "students").await;
    let students = school.get_as_of("/students", tomorrow).await.ok();
    assert_eq!(students.as_array().unwrap().len(), 1);
}

/// A server on a port of this machine.
pub(crate) struct Server {
    pub(crate) port: u16,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves these addresses.
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, told) = oneshot::channel();
        let told = async move { told.await.unwrap() };
        let serving = axum::serve(listener, router).with_graceful_shutdown(told);
        Self { port, stop, serving: tokio::spawn(serving.into_future()) }
    }

    /// Takes no request any more, and waits until those under way are answered.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }
}

/// A connection that is kept open from one request to the next.
struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn open(port: u16) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()))
    }

    /// Sends a request; its status and body, or nothing if the connection is closed before.
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        key: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let head = format!(
            "{method} /api/v1/schools/{SCHOOL}{path} HTTP/1.1\r\nhost: localhost\r\n\
             authorization: Bearer {TOKEN}\r\nidempotency-key: {key}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
        let status = self.line().await?;
        let status = status.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap()))
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }
}

/// Registers one person after the other, and tells each that was acknowledged.
async fn register_until_the_end(
    port: u16,
    client: usize,
    tell: mpsc::UnboundedSender<(u64, PersonId)>,
) {
    let mut connection = Connection::open(port).await;
    for n in 0_u32.. {
        let (key, given) = (format!("client-{client}-{n}"), format!("{client}-{n}"));
        let person = json!({ "name": { "family": "Roth", "given": given } }).to_string();
        let Some((status, answer)) = connection.send("POST", "/people", &key, &person).await else {
            return;
        };
        assert_eq!(status, 201, "{answer}");
        let person = answer["id"].as_str().unwrap().parse().unwrap();
        tell.send((answer["position"].as_u64().unwrap(), person)).unwrap();
    }
}

async fn ask(router: &Router, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/schools/{SCHOOL}{path}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::from(body.to_string()));
    let response = router.clone().oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}
