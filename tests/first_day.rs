//! A school's first day with the real binary: its national files, a letter, a roll call; and the
//! search for names where none may be.
//!
//! The files name people whom nobody else is called like, so that every family name is a canary.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use aho_corasick::AhoCorasick;
use serde_json::{Value, json};

use crate::demo::binary;

const SCHOOL: &str = "0549998Z";
const TOKEN: &str = "a-token-for-the-first-day";
const PASSWORD: &str = "un préau sous la pluie";

#[test]
fn a_teacher_of_the_files_calls_the_roll_and_no_name_leaks() {
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day::begin(folder.path());
    assert_eq!(day.import("sts", &["sts_emp_0549998Z_2026.xml"])["refused"], json!([]));
    let siecle = ["ElevesAvecAdresses.xml", "ResponsablesAvecAdresses.xml", "Nomenclature.xml"];
    assert!(day.import("siecle", &siecle)["events_appended"].as_u64().unwrap() > 1_000);
    assert_eq!(day.import("sts", &["sts_emp_0549998Z_2026.xml"])["events_appended"], 0);
    assert_eq!(day.import("siecle", &siecle)["events_appended"], 0);

    let server = day.serve();
    let (class, teacher) = server.class_with_teacher("6A");
    let lesson = server.lesson(&class, &teacher);
    let session = server.sign_in(&teacher);
    let sheet = server.ask("GET", &lesson, None, &session);
    let students = sheet["students"].as_array().unwrap();
    assert!(students.len() > 20, "{sheet}");
    let absent = students[0]["student"].as_str().unwrap();
    server.ask("PUT", &lesson, Some(json!({ "absent": [absent] })), &session);
    let taken = server.ask("GET", &lesson, None, &session);
    assert_eq!(taken["taken"]["absent"], json!([absent]));
    let canary = sheet["students"][0]["name"]["family"].as_str().unwrap().to_owned();
    server.ask_what_is_refused(&canary);
    day.outputs += &server.stop();

    let canaries = day.canaries();
    assert!(canaries.len() > 100 && canaries.contains(&canary), "{}", canaries.len());
    assert_eq!(first_of(&canaries, day.outputs.as_bytes()), None, "in what was printed");
    for file in files_below(folder.path()) {
        let found = first_of(&canaries, &fs::read(&file).unwrap());
        let is_table = file.to_string_lossy().contains("tables-");
        assert!(is_table || found.is_none(), "{} holds {found:?}", file.display());
    }
}

/// A data folder, and all that was printed about it.
struct Day {
    binary: String,
    folder: PathBuf,
    outputs: String,
}

/// A server of the folder.
struct Server {
    process: Child,
    log: JoinHandle<String>,
    address: String,
}

impl Day {
    fn begin(folder: &Path) -> Self {
        let settings = format!(
            "data = {folder:?}\nlisten = \"127.0.0.1:0\"\n\n[[tokens]]\ntoken = {TOKEN:?}\n\
             account = \"8c6f4f0e-6a4e-4c43-9a53-6f2f6f1f6a01\"\nscopes = [\"everything\"]\n"
        );
        fs::write(folder.join("preau.toml"), settings).unwrap();
        Self { binary: binary(), folder: folder.to_owned(), outputs: String::new() }
    }

    fn preau(&self) -> Command {
        let mut preau = Command::new(&self.binary);
        preau.arg("--config").arg(self.folder.join("preau.toml")).env("PREAU_TRACING", "trace");
        preau
    }

    /// Imports files of the set as a secretary would: first to see what it would do.
    fn import(&mut self, base: &str, names: &[&str]) -> Value {
        let files: Vec<_> = names.iter().map(|name| set().join(name)).collect();
        let mut run = |flag| {
            let told = self.preau().args(["import", base, flag]).args(&files).output().unwrap();
            let (printed, logged) =
                (String::from_utf8(told.stdout), String::from_utf8(told.stderr));
            let printed = printed.unwrap();
            assert!(told.status.success(), "{printed}");
            self.outputs += &(logged.unwrap() + &printed);
            printed
        };
        run("--dry-run");
        serde_json::from_str(&run("--json")).unwrap()
    }

    fn serve(&self) -> Server {
        let mut process = self.preau().arg("serve").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the server ended: {log}");
            log += &line;
            let said: Value = serde_json::from_str(&line).unwrap();
            if said["fields"]["message"] == "serving" {
                break said["fields"]["address"].as_str().unwrap().to_owned();
            }
        };
        let log = std::thread::spawn(move || {
            lines.read_to_string(&mut log).unwrap();
            log
        });
        Server { process, log, address }
    }

    /// Every family name and mail address of the set, in the two ways that bytes could write them.
    fn canaries(&self) -> BTreeSet<String> {
        let mut canaries = BTreeSet::new();
        for name in ["ElevesAvecAdresses.xml", "ResponsablesAvecAdresses.xml"] {
            let bytes = fs::read(set().join(name)).unwrap();
            // Latin letters of one byte each; the names searched for are those of plain letters.
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            for line in text.lines() {
                let line = line.trim();
                let value = line.strip_prefix("<NOM_DE_FAMILLE>").or(line.strip_prefix("<MEL>"));
                let value = value.and_then(|value| value.split('<').next()).unwrap_or_default();
                if value.len() > 7 && value.is_ascii() {
                    canaries.insert(value.to_owned());
                }
            }
        }
        canaries
    }
}

impl Server {
    /// Asks, with a token or a session's; the body of a success.
    fn ask(&self, method: &str, path: &str, body: Option<Value>, token: &str) -> Value {
        let (status, body) = self.curl(method, path, body.map(|body| body.to_string()), token);
        assert!(status.starts_with('2'), "{method} {path}: {status} {body}");
        body
    }

    fn curl(&self, method: &str, path: &str, body: Option<String>, token: &str) -> (String, Value) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-w", "\n%{http_code}", "-X", method])
            .args(["-H", &format!("Authorization: Bearer {token}")])
            .args(["-H", "Content-Type: application/json"])
            .arg(format!("http://{}/api/v1{path}", self.address));
        if let Some(body) = body {
            curl.args(["-d", &body]);
        }
        let told = "this test needs curl: apt-get install curl";
        let answer = curl.output().unwrap_or_else(|error| panic!("{told}: {error}"));
        let answer = String::from_utf8(answer.stdout).unwrap();
        let (body, status) = answer.rsplit_once('\n').unwrap();
        (status.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A class by its name, and one of its teachers.
    fn class_with_teacher(&self, name: &str) -> (String, String) {
        let classes = self.ask("GET", &format!("/schools/{SCHOOL}/classes"), None, TOKEN);
        let classes = classes.as_array().unwrap();
        let class = classes.iter().find(|class| class["name"] == name).unwrap();
        let class = class["class"].as_str().unwrap();
        let whole = self.ask("GET", &format!("/schools/{SCHOOL}/classes/{class}"), None, TOKEN);
        let teacher = whole["teachers"][0]["teacher"].as_str().unwrap();
        (class.to_owned(), teacher.to_owned())
    }

    /// The address of a lesson's roll call, in a course of an hour on Fridays.
    fn lesson(&self, class: &str, teacher: &str) -> String {
        let slots = json!([{ "name": "M1", "starts": "08:00:00", "ends": "08:55:00" }]);
        let bells = json!({ "slots": slots, "half_day_limit": "13:00:00", "closed": [] });
        self.ask(
            "PUT",
            &format!("/schools/{SCHOOL}/bell-schedules/2026-09-01"),
            Some(bells),
            TOKEN,
        );
        let course = json!({ "class": class, "subject": "Vie de classe", "teachers": [teacher],
            "first_day": "2026-09-01", "last_day": "2027-07-02",
            "meetings": [{ "weekday": "Fri", "slot": 1, "room": "7" }] });
        let made = self.ask("POST", &format!("/schools/{SCHOOL}/courses"), Some(course), TOKEN);
        let course = made["id"].as_str().unwrap();
        format!("/schools/{SCHOOL}/courses/{course}/lessons/2026-10-09/1/roll-call")
    }

    /// Opens the account of a person with a letter's code, and signs in; the session's token.
    fn sign_in(&self, person: &str) -> String {
        let path = format!("/schools/{SCHOOL}/people/{person}/activation-code");
        let letter = self.ask("POST", &path, None, TOKEN);
        let open = json!({ "login": letter["login"], "code": letter["code"],
            "password": PASSWORD });
        self.ask("POST", "/activation", Some(open), "");
        let sign_in = json!({ "login": letter["login"], "password": PASSWORD, "device": "own" });
        let session = self.ask("POST", "/sessions", Some(sign_in), "");
        session["token"].as_str().unwrap().to_owned()
    }

    /// Says a name wherever a request can say one, each time in a request that is refused.
    fn ask_what_is_refused(&self, name: &str) {
        let school = format!("/schools/{SCHOOL}");
        let person = json!({ "name": { "family": name } }).to_string();
        let sign_in = json!({ "login": name, "password": name, "device": "own" }).to_string();
        for (method, path, body, token) in [
            ("POST", format!("{school}/people"), Some(person), TOKEN),
            ("POST", format!("{school}/people"), Some(format!("{{\"{name}\": ")), TOKEN),
            ("GET", format!("{school}/people/{name}"), None, TOKEN),
            ("GET", format!("{school}/students?cursor={name}"), None, TOKEN),
            ("GET", format!("{school}/students?as_of={name}"), None, TOKEN),
            ("GET", format!("/{name}"), None, TOKEN),
            ("GET", school.clone(), None, name),
            ("POST", "/sessions".to_owned(), Some(sign_in), ""),
        ] {
            let (status, _) = self.curl(method, &path, body, token);
            assert!(status.starts_with('4'), "{method}: {status}");
        }
    }

    /// Stops the server; what it has logged.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        self.log.join().unwrap()
    }
}

fn set() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("siecle")
}

/// The first name that is found, however it is written.
fn first_of(canaries: &BTreeSet<String>, bytes: &[u8]) -> Option<String> {
    let search = AhoCorasick::builder().ascii_case_insensitive(true).build(canaries).unwrap();
    let found = search.find(bytes)?;
    Some(String::from_utf8_lossy(&bytes[found.range()]).into_owned())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
