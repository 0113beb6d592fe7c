//! A process that is killed after a provider took a message and before it has written that down: the next one
//! sends the message again under its key, and none is missing.
//!
//! Each run is a process of its own, `bin/sender.rs`, which raises one alert and is killed the moment the
//! provider has its message. In every second run the provider keeps its answer to itself, so that the kill
//! surely comes before the record; in the others answer, record and kill race.

use std::{
    collections::BTreeMap,
    process::{Child, Command},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Event, StudentId, Uai,
    alerts::{AlertEvent, AlertId},
    schools::Half,
};
use serde_json::{Value, json};
use tests::{
    sms_gateway::{Manner, SmsGateway},
    smtp_server::SmtpServer,
};

use super::tilleuls::answers_for;
use crate::{
    data_folder::DataFolder,
    scene::{SCHOOL, Scene},
};

/// Kills with each provider. Half of them surely fall between answer and record: two hundred in all.
const KILLS: usize = 200;

/// A claim lasts for a minute.
const BETWEEN_RUNS: TimeDelta = TimeDelta::seconds(61);

const BEGIN: &str = "2026-11-20T07:00:00Z";

#[tokio::test]
async fn two_hundred_kills_after_a_mail_server_took_a_letter_miss_no_family_and_repeat_one_letter_each()
 {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let channels = json!({ "mail": { "url": format!("smtp://127.0.0.1:{}", server.port),
        "from": "absences@ecole.example", "ca_file": SmtpServer::ca_file() } });
    let mail = |run: usize| {
        let shy = if is_shy(run) { "shy" } else { "family" };
        json!({ "mail": format!("{shy}-{run}@example.org"), "accepts_sms": false })
    };
    let families = Families::new(mail).await;
    for run in 0..KILLS {
        let mut sender = families.start(run, &channels, true);
        server.wait_for(run + 1);
        sender.kill();
    }
    families.start(KILLS, &channels, false).ends();
    let unrecorded = families.end().await;
    let letters = server.letters();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    letters.iter().for_each(|letter| *times.entry(&letter.key).or_default() += 1);
    assert_eq!(times.len(), KILLS, "a letter for each family");
    assert!(times.values().all(|times| *times <= 2), "{times:?}");
    assert_eq!(letters.len(), KILLS + unrecorded, "one more for each kill before the record");
}

#[tokio::test]
async fn two_hundred_kills_after_a_gateway_took_a_message_miss_no_family_and_repeat_none() {
    let gateway = SmsGateway::start();
    let channels = json!({ "sms": { "url": gateway.url(),
        "headers": { "Idempotency-Key": "{key}" },
        "json": { "to": "{to}", "text": "{text}" },
        "answer": { "pointer": "/status", "accepted": ["100"] } } });
    let families =
        Families::new(|_| json!({ "mobile": "06 39 98 00 99", "accepts_sms": true })).await;
    for run in 0..KILLS {
        gateway.will(if is_shy(run) { Manner::TakesShyly } else { Manner::Takes });
        let mut sender = families.start(run, &channels, true);
        gateway.wait_for(run + 1);
        sender.kill();
    }
    families.start(KILLS, &channels, false).ends();
    let unrecorded = families.end().await;
    assert_eq!(gateway.taken().len(), KILLS, "each message once");
    assert_eq!(gateway.asked().len(), KILLS + unrecorded, "asked again after each such kill");
}

/// Whether the provider keeps its first answer to itself in a run.
fn is_shy(run: usize) -> bool {
    run.is_multiple_of(2)
}

/// Students, each of a family of their own, and the folder that processes run on.
struct Families {
    folder: DataFolder,
    students: Vec<StudentId>,
}

/// A process that tells a family.
struct Sender(Child);

impl Families {
    /// A student for each run, whose mother is reached by these details.
    async fn new(details: impl Fn(usize) -> Value) -> Self {
        let mut scene = Scene::school().await;
        let mut students = Vec::new();
        for run in 0..KILLS {
            let student = scene.person("Muller", "Léa", "students").await;
            let name = json!({ "name": { "family": "Garnier", "given": "Sophie" } });
            let terms = ("exercised", "first");
            answers_for(&mut scene, name, terms, &[&student], details(run)).await;
            students.push(student.parse().unwrap());
        }
        let head = scene.head().await;
        scene.node.reach(head).await.unwrap();
        Self { folder: scene.stop().await, students }
    }

    /// Starts a process that takes up what the ones before have begun, and tells one more family.
    fn start(&self, run: usize, channels: &Value, raises: bool) -> Sender {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sender"));
        command.arg(self.folder.path()).args(["--channels", &channels.to_string()]);
        command.args(["--now", &at(run).to_rfc3339()]);
        if raises {
            command.args(["--alert", &alert(self.students[run]).to_string()]);
        }
        Sender(command.spawn().unwrap())
    }

    /// Finds every family told; how many messages were sent and not written down before a kill.
    async fn end(self) -> usize {
        let scene = Scene::of(self.folder, &at(KILLS).to_rfc3339()).await;
        let mut unrecorded = 0;
        for student in self.students {
            let stream = domain::Stream::Alert(alert(student));
            let history = scene.node.journal().history(stream).await.unwrap();
            let events: Vec<_> = history.into_iter().map(|entry| entry.unwrap().event).collect();
            let count = |wanted: fn(&AlertEvent) -> bool| {
                let wanted = |event: &&Event| matches!(event, Event::Alert(_, e) if wanted(e));
                events.iter().filter(wanted).count()
            };
            let claims = count(|event| matches!(event, AlertEvent::MessageClaimed { .. }));
            let accepted = count(|event| matches!(event, AlertEvent::MessageAccepted { .. }));
            assert!(accepted == 1 && claims <= 2, "{claims} claims, {accepted} accepted");
            assert_eq!(events.len(), 1 + claims + accepted, "nothing else is said of it");
            unrecorded += claims - 1;
        }
        // Half of them cannot be otherwise; of the rest, some.
        assert!(unrecorded > KILLS / 2, "{unrecorded} kills fell between answer and record");
        scene.stop().await;
        unrecorded
    }
}

impl Sender {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn ends(&mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Sender {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn at(run: usize) -> DateTime<Utc> {
    let begin: DateTime<Utc> = BEGIN.parse().unwrap();
    begin + BETWEEN_RUNS * i32::try_from(run).unwrap()
}

fn alert(student: StudentId) -> AlertId {
    let school: Uai = SCHOOL.parse().unwrap();
    AlertId { school, student, date: at(0).date_naive(), half: Half::Morning }
}
