//! The demo, as a newcomer meets it: the real binary, its printed lines pasted into a shell.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread::{JoinHandle, spawn},
};

use serde_json::Value;

use crate::canaries::BYTES_MIN;

#[test]
fn the_printed_lines_work_when_pasted_in_order() {
    let mut demo = Demo::start();
    let answers = demo.paste();
    let [classes, sheet, first, second, page, history, evening_before] = &answers[..] else {
        panic!("seven answers: {answers:#?}");
    };
    assert!(classes.as_array().unwrap().len() > 20);
    assert!(sheet["taken"].is_null() && sheet["students"].as_array().unwrap().len() > 20);
    let lesson = &sheet["lesson"]["lesson"];
    assert_eq!(lines_of(first, lesson), ["absence"]);
    assert_eq!(lines_of(second, lesson), ["absence"]);
    let child = page.as_str().unwrap().replace("<bdi>", "").replace("</bdi>", "");
    let mut students = sheet["students"].as_array().unwrap().iter();
    assert!(students.any(|known| known["name"]["given"] == child.as_str()), "{child}");
    let history = history.as_array().unwrap();
    assert_eq!(history[0]["kind"], "PersonRegistered");
    let of_file = |event: &&Value| event["stream"].as_str().unwrap().starts_with("attendance-");
    let kinds: Vec<_> = history.iter().filter(of_file).map(|event| &event["kind"]).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["AbsenceRecorded", "LineWithdrawn"]);
    assert_eq!(lines_of(evening_before, lesson), [""; 0]);
    let said = demo.stop();
    let students = sheet["students"].as_array().unwrap().iter();
    let families = students.map(|student| student["name"]["family"].as_str().unwrap());
    for family in families.filter(|family| family.len() >= BYTES_MIN) {
        assert!(!said.contains(family), "{family} is in what the demo has printed and logged");
    }
}

/// What kinds of lines a file has of a lesson.
fn lines_of<'a>(file: &'a Value, lesson: &Value) -> Vec<&'a str> {
    let lines = file.as_array().unwrap().iter().filter(|line| line["lesson"] == *lesson);
    lines.map(|line| line["kind"].as_str().unwrap()).collect()
}

/// A running demo and what it printed.
struct Demo {
    server: Child,
    lines: String,
    /// What it prints from then on, and what it logs.
    said: Option<[JoinHandle<String>; 2]>,
}

impl Demo {
    fn start() -> Self {
        let mut server = Command::new(binary())
            .args(["demo", "--listen", "127.0.0.1:0"])
            .env("PREAU_TRACING", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = rest_of(server.stderr.take().unwrap());
        let mut printed = BufReader::new(server.stdout.take().unwrap());
        let mut greeting = String::new();
        printed.read_line(&mut greeting).unwrap();
        assert!(greeting.starts_with("Préau: http://127.0.0.1:"), "{greeting}");
        let mut lines = String::new();
        // The last line looks at the evening before.
        while !lines.contains("as_of=") {
            assert!(printed.read_line(&mut lines).unwrap() > 0, "the demo has ended: {lines}");
        }
        // Whoever prints and is not read any more ends.
        let rest = rest_of(printed);
        Self { server, lines, said: Some([rest, log]) }
    }

    /// The answers that a shell prints, one a line, but for the message that it shows.
    fn paste(&self) -> Vec<Value> {
        let told = "this test pastes into bash, with curl: apt-get install curl";
        let shell = Command::new("bash").args(["-ec", &self.lines]).output();
        let shell = shell.unwrap_or_else(|error| panic!("{told}: {error}"));
        let printed = String::from_utf8(shell.stdout).unwrap();
        let (ended, told) = (shell.status, String::from_utf8_lossy(&shell.stderr));
        assert!(ended.success(), "{ended} after {} lines: {told}", printed.lines().count());
        let answers = printed.lines().filter(|line| !line.starts_with('#'));
        answers.map(|answer| serde_json::from_str(answer).unwrap()).collect()
    }

    /// Asks it to stop; it ends well, and by itself. What it has printed and logged.
    fn stop(&mut self) -> String {
        let id = self.server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.server.wait().unwrap().success());
        let [rest, log] = self.said.take().unwrap().map(|said| said.join().unwrap());
        format!("{}{rest}{log}", self.lines)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Nothing to do where it has ended already.
        let _ended = self.server.kill();
    }
}

/// All that comes out of a pipe, read as it comes.
fn rest_of(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    spawn(move || {
        let mut rest = String::new();
        pipe.read_to_string(&mut rest).unwrap();
        rest
    })
}

/// The path of the binary, built as the tests are: with all packages, so that features are the same
/// and nothing is compiled twice.
pub(crate) fn binary() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--workspace", "--bin", "preau"])
        .args(["--message-format", "json-render-diagnostics"])
        .args(if cfg!(debug_assertions) { &[][..] } else { &["--release"][..] })
        .stdout(Stdio::piped());
    // What cargo tells this program of its package would have some dependencies built anew.
    for (name, _) in env::vars_os() {
        let begins = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
        let of_package = |name: &str| begins.iter().any(|begin| name.starts_with(begin));
        if name.to_str().is_some_and(of_package) {
            cargo.env_remove(name);
        }
    }
    let mut cargo = cargo.spawn().unwrap();
    let mut messages = String::new();
    cargo.stdout.take().unwrap().read_to_string(&mut messages).unwrap();
    assert!(cargo.wait().unwrap().success());
    let mut messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let built = messages.find_map(|message| message["executable"].as_str().map(str::to_owned));
    built.unwrap()
}
