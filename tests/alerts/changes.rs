//! Whoever looks at the board is told that it has changed: over real connections, and for as long as they
//! may see it.

use std::{
    io::{BufRead as _, BufReader as Lines},
    process::{Command, Stdio},
};

use api::router;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::tilleuls::Tilleuls;
use crate::{
    preau::Preau,
    scene::{SCHOOL, TOKEN},
    serving::Server,
};

#[tokio::test]
async fn a_browser_is_told_that_the_board_has_changed_and_nothing_else() {
    let mut school = Tilleuls::new().await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut changes = Changes::open(server.port, TOKEN, "").await;
    let opened = changes.next().await.unwrap();
    let lea = school.lea.clone();
    school.roll(1, &[&lea]).await;
    let changed = changes.next().await.unwrap();
    assert!(changed > opened, "{changed} is not after {opened}");
    let board = format!("/board?min_position={changed}");
    let board = school.scene.send("GET", &board, None, &[]).await.ok();
    assert_eq!(board["away"][0]["student"], lea.as_str());
    for line in &changes.lines {
        let number = line.strip_prefix("id: ").or_else(|| line.strip_prefix("data: "));
        let is_number = number.is_some_and(|number| number.parse::<u64>().is_ok());
        assert!(is_number || ["event: changed", ""].contains(&line.as_str()), "{line}");
    }
}

#[tokio::test]
async fn a_browser_that_lost_the_connection_is_not_told_again_what_it_knows() {
    let mut school = Tilleuls::new().await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let known = Changes::open(server.port, TOKEN, "").await.next().await.unwrap();
    let header = format!("last-event-id: {known}\r\n");
    let mut again = Changes::open(server.port, TOKEN, &header).await;
    school.roll(1, &[]).await;
    assert!(again.next().await.unwrap() > known);
}

#[tokio::test]
async fn whoever_signs_out_is_told_nothing_more() {
    let mut school = Tilleuls::new().await;
    let (_, cpe) = school.colleague("Anne", "cpe").await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut changes = Changes::open(server.port, &cpe, "").await;
    changes.next().await.unwrap();
    school.scene.send_as(&cpe, "DELETE", "/account/session", None).await.ok();
    school.roll(1, &[]).await;
    assert_eq!(changes.next().await, None);
}

#[tokio::test]
async fn whoever_does_not_work_here_any_more_is_told_nothing_more() {
    let mut school = Tilleuls::new().await;
    let (cpe, token) = school.colleague("Anne", "cpe").await;
    school
        .scene
        .post(&format!("/people/{cpe}/departure"), json!({ "on": "2026-11-20" }))
        .await
        .ok();
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut changes = Changes::open(server.port, &token, "").await;
    changes.next().await.unwrap();
    school.scene.now("2026-11-21T07:00:00Z");
    assert_eq!(changes.next().await, None, "though nothing has happened");
}

#[tokio::test]
async fn a_server_that_stops_ends_what_would_go_on_for_ever() {
    let school = Tilleuls::new().await;
    let app = school.scene.app();
    let streams = app.streams();
    let server = Server::start(router(app)).await;
    let mut changes = Changes::open(server.port, TOKEN, "").await;
    changes.next().await.unwrap();
    streams.end();
    server.stop().await;
    assert_eq!(changes.next().await, None);
}

#[test]
fn the_server_of_the_command_line_ends_streams_as_they_should_when_it_stops() {
    let mut preau = Preau::with("");
    let server = preau.serve(&["serve"]);
    let opened = json!({ "name": "Collège des Tilleuls", "time_zone": "Europe/Paris",
        "department": "67" });
    let opened = server.ask("PUT", &format!("/schools/{SCHOOL}"), Some(opened), TOKEN);
    let changes = format!("/schools/{SCHOOL}/board/changes?min_position={}", opened["position"]);
    let mut listening = Command::new("curl")
        .args(["-s", "-N", "-H", &format!("Authorization: Bearer {TOKEN}")])
        .arg(server.at(&changes))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Lines::new(listening.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "event: changed");
    preau.stop(server);
    assert!(lines.all(|line| line.is_ok()));
    assert!(listening.wait().unwrap().success(), "the stream was torn, and not ended");
}

#[tokio::test]
async fn an_account_that_opens_too_many_streams_is_told_to_wait() {
    let mut school = Tilleuls::new().await;
    school.settled().await;
    let server = Server::start(school.scene.router()).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut changes = Changes::open(server.port, TOKEN, "").await;
        changes.next().await.unwrap();
        open.push(changes);
    }
    let refused = school.scene.send("GET", "/board/changes", None, &[]).await;
    assert_eq!(refused.refusal(), "503 too-busy");
    let answer: Value = school.scene.get("/board").await.ok();
    assert_eq!(answer["calls"], json!([]), "and all else is answered");
}

/// Somebody who listens.
pub(super) struct Changes {
    connection: BufReader<TcpStream>,
    pub(super) lines: Vec<String>,
}

impl Changes {
    /// Opens the stream of the board, with some more headers.
    async fn open(port: u16, token: &str, more: &str) -> Self {
        Self::open_at(port, &format!("/schools/{SCHOOL}/board/changes"), token, more).await
    }

    /// Opens the stream of an address.
    pub(super) async fn open_at(port: u16, path: &str, token: &str, more: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut new = Self { connection: BufReader::new(stream), lines: Vec::new() };
        let asked = format!(
            "GET /api/v1{path} HTTP/1.1\r\nhost: localhost\r\n\
             connection: close\r\nauthorization: Bearer {token}\r\n{more}\r\n"
        );
        new.connection.write_all(asked.as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(new.connection.read_line(&mut head).await.unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        new
    }

    /// The id of the last event.
    pub(super) fn last_id(&self) -> &str {
        let mut ids = self.lines.iter().rev().filter_map(|line| line.strip_prefix("id: "));
        ids.next().unwrap()
    }

    /// The position of the next event; none if the stream has ended.
    pub(super) async fn next(&mut self) -> Option<u64> {
        loop {
            let mut line = String::new();
            if self.connection.read_line(&mut line).await.unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            self.lines.extend(Some(line.to_owned()).filter(|line| !is_of_transport(line)));
            if let Some(position) = line.strip_prefix("data: ") {
                return Some(position.parse().unwrap());
            }
        }
    }
}

/// The length of a piece, between the pieces of an answer whose end is not known yet.
fn is_of_transport(line: &str) -> bool {
    !line.is_empty() && line.chars().all(|c| c.is_ascii_hexdigit())
}
