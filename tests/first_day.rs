//! A school's first day with the real binary: its national files, its letters, a roll call, a look at
//! the past; and the search for names where none may be.
//!
//! The files name people whom nobody else is called like: whatever they say of them is a canary.

use std::path::PathBuf;

use chrono::{SecondsFormat, Utc};
use replay::{
    log::{Filter, Log, LogName},
    place::LogUrl,
};
use serde_json::{Value, json};

use crate::{
    canaries,
    data_folder::first_leak,
    preau::{Preau, Server, of_set},
    scene::TOKEN,
};

const SCHOOL: &str = "/schools/0549998Z";
const PASSWORD: &str = "un préau sous la pluie";
const STS: [&str; 1] = ["sts_emp_0549998Z_2026.xml"];
const SIECLE: [&str; 3] =
    ["ElevesAvecAdresses.xml", "ResponsablesAvecAdresses.xml", "Nomenclature.xml"];

#[tokio::test]
async fn a_teacher_of_the_files_calls_the_roll_and_no_name_leaks() {
    let mut preau = Preau::with("");
    assert_eq!(import(&mut preau, "sts", &STS)["refused"], json!([]));
    assert_eq!(import(&mut preau, "sts", &STS)["events_appended"], 0);

    let server = preau.serve(&["serve"]);
    let siecle: Vec<PathBuf> = SIECLE.iter().map(|name| of_set(name)).collect();
    let imports = format!("{SCHOOL}/imports/siecle");
    server.upload(&format!("{imports}?dry_run=true"), &siecle);
    assert!(server.upload(&imports, &siecle)["events_appended"].as_u64().unwrap() > 1_000);
    let (class, teacher) = class_with_teacher(&server, "6A");
    let lesson = lesson(&server, &class, &teacher);
    let session = sign_in(&server, &teacher);
    let sheet = server.ask("GET", &lesson, None, &session);
    let students = sheet["students"].as_array().unwrap();
    assert!(students.len() > 20, "{sheet}");
    let absent = students[0]["student"].as_str().unwrap();
    let taken = server.ask("PUT", &lesson, Some(json!({ "absent": [absent] })), &session);
    let then = format!("{lesson}?min_position={}", taken["position"]);
    let taken = server.ask("GET", &then, None, &session);
    assert_eq!(taken["taken"]["absent"], json!([absent]));

    print_letters(&server, &class);
    look_back(&server, absent);
    ask_what_is_refused(&server);
    replay(&mut preau, absent, &teacher);
    assert_eq!(first_leak(preau.folder.path()), None, "while the server runs");
    preau.stop(server);
    assert_eq!(import(&mut preau, "siecle", &SIECLE)["events_appended"], 0);

    preau.has_named_nobody();
    no_event_names_anybody(&preau).await;
}

/// Imports files of the set as a secretary would: first to see what it would do.
fn import(preau: &mut Preau, base: &str, names: &[&str]) -> Value {
    let files: Vec<String> = names.iter().map(|name| of_set(name).display().to_string()).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    preau.tell(&[&["import", base, "--dry-run"], &files[..]].concat());
    let report = preau.tell(&[&["import", base, "--json"], &files[..]].concat());
    serde_json::from_str(&report).unwrap()
}

/// A class by its name, and one of its teachers.
fn class_with_teacher(server: &Server, name: &str) -> (String, String) {
    let classes = server.ask("GET", &format!("{SCHOOL}/classes"), None, TOKEN);
    let classes = classes.as_array().unwrap();
    let class = classes.iter().find(|class| class["name"] == name).unwrap();
    let class = class["class"].as_str().unwrap();
    let whole = server.ask("GET", &format!("{SCHOOL}/classes/{class}"), None, TOKEN);
    let teacher = whole["teachers"][0]["teacher"].as_str().unwrap();
    (class.to_owned(), teacher.to_owned())
}

/// The address of a lesson's roll call, in a course of an hour on Fridays.
fn lesson(server: &Server, class: &str, teacher: &str) -> String {
    let slots = json!([{ "name": "M1", "starts": "08:00:00", "ends": "08:55:00" }]);
    let bells = json!({ "slots": slots, "half_day_limit": "13:00:00", "closed": [] });
    server.ask("PUT", &format!("{SCHOOL}/bell-schedules/2026-09-01"), Some(bells), TOKEN);
    let course = json!({ "class": class, "subject": "Vie de classe", "teachers": [teacher],
        "first_day": "2026-09-01", "last_day": "2027-07-02",
        "meetings": [{ "weekday": "Fri", "slot": 1, "room": "7" }] });
    let made = server.ask("POST", &format!("{SCHOOL}/courses"), Some(course), TOKEN);
    let course = made["id"].as_str().unwrap();
    format!("{SCHOOL}/courses/{course}/lessons/2026-10-09/1/roll-call")
}

/// Opens the account of a person with a letter's code, and signs in; the session's token.
fn sign_in(server: &Server, person: &str) -> String {
    let path = format!("{SCHOOL}/people/{person}/activation-code");
    let letter = server.ask("POST", &path, None, TOKEN);
    let open = json!({ "login": letter["login"], "code": letter["code"], "password": PASSWORD });
    server.ask("POST", "/activation", Some(open), "");
    let sign_in = json!({ "login": letter["login"], "password": PASSWORD, "device": "own" });
    let session = server.ask("POST", "/sessions", Some(sign_in), "");
    session["token"].as_str().unwrap().to_owned()
}

/// Prints the letters of the class and of the staff.
fn print_letters(server: &Server, class: &str) {
    for path in [format!("{SCHOOL}/classes/{class}/letters"), format!("{SCHOOL}/staff/letters")] {
        let page = server.ask("POST", &path, None, TOKEN);
        let named = canaries::first_in(page.as_str().unwrap().as_bytes());
        assert!(named.is_some(), "letters have addressees: {page}");
    }
}

/// Looks at the school as it stood, and at what happened to a student.
fn look_back(server: &Server, student: &str) {
    let students = format!("{SCHOOL}/students?as_of={}", instant());
    let students = server.ask("GET", &students, None, TOKEN);
    assert!(students.as_array().unwrap().len() > 20, "{students}");
    let history = server.ask("GET", &format!("{SCHOOL}/students/{student}/history"), None, TOKEN);
    assert_eq!(history[0]["kind"], "PersonRegistered");
    assert!(canaries::first_in(history.to_string().as_bytes()).is_some(), "{history}");
}

/// Says what is known of people wherever a request can say it, each time in one that is refused.
fn ask_what_is_refused(server: &Server) {
    let said = ["NAUTORVILLE", "O'MÉRION", "Anaïs", "p200402@example.org", "+33639980403"];
    for said in said.into_iter().chain(["999000200AB", "79 RUE DES ESSAIS"]) {
        assert!(canaries::first_in(said.as_bytes()).is_some(), "{said} is searched for");
        let encoded: String = said.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let person = json!({ "name": { "family": said } }).to_string();
        let sign_in = json!({ "login": said, "password": said, "device": "own" }).to_string();
        let begun = format!("{{\"{said}\": ");
        for (method, path, body, token) in [
            ("POST", format!("{SCHOOL}/people"), Some(&*person), TOKEN),
            ("POST", format!("{SCHOOL}/people"), Some(&*begun), TOKEN),
            ("GET", format!("{SCHOOL}/people/{encoded}"), None, TOKEN),
            ("GET", format!("{SCHOOL}/students?cursor={encoded}"), None, TOKEN),
            ("GET", format!("{SCHOOL}/students?as_of={encoded}"), None, TOKEN),
            ("GET", format!("/{encoded}"), None, TOKEN),
            ("GET", SCHOOL.to_owned(), None, said),
            ("POST", "/sessions".to_owned(), Some(&*sign_in), ""),
        ] {
            let (status, _) = server.try_to(method, &path, body, token);
            assert!(status.starts_with('4'), "{method} {path}: {status}");
        }
    }
}

/// Does with the log all that an auditor can, beside the server.
fn replay(preau: &mut Preau, student: &str, teacher: &str) {
    preau.tell(&["replay", "rebuild"]);
    preau.tell(&["replay", "diff"]);
    for of in [student, teacher] {
        assert!(!preau.tell(&["replay", "access", of]).is_empty());
    }
    let history = preau.tell_of_people(&["replay", "history", student]);
    assert!(canaries::first_in(history.as_bytes()).is_some(), "{history}");
    let past = preau.serve(&["replay", "as-of", &instant()]);
    let path = format!("{SCHOOL}/students/{student}/attendance");
    assert_eq!(past.ask("GET", &path, None, TOKEN).as_array().unwrap().len(), 1);
    preau.stop(past);
}

/// Opens the packs of old events too: what is in clear in the logs, and what is sealed.
async fn no_event_names_anybody(preau: &Preau) {
    for name in [LogName::School, LogName::Access] {
        let url = LogUrl::Sqlite(preau.folder.path().into());
        let log = Log::open_to_read(&url, name).await.unwrap();
        let (mut after, mut read) = (0, 0);
        loop {
            let page = log.read_all(after, 1_000, Filter::default()).await.unwrap();
            for event in &page.events {
                for bytes in [&event.header, &event.payload] {
                    let found = canaries::first_in(bytes);
                    assert_eq!(found, None, "in {name:?}, at {}", event.position);
                }
            }
            read += page.events.len();
            after = page.next;
            if page.caught_up {
                break;
            }
        }
        assert!(read > 10, "{read} events of {name:?}");
        log.close().await;
    }
}

/// Now, as an address writes it.
fn instant() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}
