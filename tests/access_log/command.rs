//! The access log as whoever runs a server meets it: asked on the command line while the server runs,
//! and kept for as long as a setting says.

use chrono::{Months, Utc};
use replay::clock::SetClock;
use serde_json::{Value, json};

use super::{LEA, read, start};
use crate::{
    preau::{Preau, Server},
    scene::TOKEN,
};

/// The account that the token acts for.
const OFFICE: &str = "8c6f4f0e-6a4e-4c43-9a53-6f2f6f1f6a01";

const SCHOOL: &str = "/schools/0670001A";

#[test]
fn an_auditor_asks_who_read_what_of_a_student_and_what_an_account_did() {
    let mut preau = Preau::with("");
    let server = preau.serve(&["serve"]);
    let [zoe, lea] = ["Zoé", "Léa"].map(|given| student(&server, given));
    server.ask("GET", &format!("{SCHOOL}/people/{zoe}"), None, TOKEN);
    server.ask("GET", &format!("{SCHOOL}/students/{zoe}/guardians"), None, TOKEN);
    server.ask("GET", &format!("{SCHOOL}/people/{lea}"), None, TOKEN);

    let of_zoe = preau.tell(&["replay", "access", &zoe]);
    let did = ["read-person", "read-family"]
        .map(|did| format!("{OFFICE}  {did} about {zoe} in 0670001A, as program-scope"));
    assert_eq!(without_times(&of_zoe), did);
    let of_office = preau.tell(&["replay", "access", OFFICE]);
    let of_lea = format!("{OFFICE}  read-person about {lea} in 0670001A, as program-scope");
    assert_eq!(without_times(&of_office), [&did[..], &[of_lea]].concat());

    let told: Vec<Value> = preau
        .tell(&["replay", "access", &zoe, "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = json!({ "position": told[0]["position"], "at": told[0]["at"], "account": OFFICE,
        "what": "read", "school": "0670001A", "subject": zoe, "action": "read-person",
        "rule": "program-scope" });
    assert_eq!((told.len(), &told[0]), (2, &first));
    let second = told[1]["at"].as_str().unwrap();
    let since = preau.tell(&["replay", "access", &zoe, "--from", second]);
    assert_eq!(without_times(&since), did[1..]);
    let before = preau.tell(&["replay", "access", &zoe, "--to", second]);
    assert_eq!(without_times(&before), did[..1]);
    let by_account = preau.tell(&["replay", "access", OFFICE, "--json"]);
    assert_eq!(by_account.lines().count(), 3);

    let nobody = preau.try_to(&["replay", "access", &LEA.to_string()]);
    assert!(nobody.status.success() && nobody.stdout.is_empty());
    let told = format!("nothing was written down about {LEA}");
    assert!(String::from_utf8(nobody.stderr).unwrap().contains(&told));
    preau.stop(server);
    preau.has_named_nobody();
}

#[test]
fn the_access_log_is_kept_twelve_months_unless_a_setting_says_one_to_thirty_six() {
    for (setting, months) in
        [("", 12), ("access_log_months = 1", 1), ("access_log_months = 36", 36)]
    {
        let mut preau = Preau::with(setting);
        let shown = preau.tell(&["config"]);
        assert!(shown.contains(&format!("access_log_months = {months}\n")), "{shown}");
        let server = preau.serve(&["serve"]);
        preau.stop(server);
    }
    for months in [0, 37] {
        let preau = Preau::with(&format!("access_log_months = {months}"));
        let refused = preau.try_to(&["serve"]);
        let told = format!("access_log_months is {months}: the access log is kept 1 to 36 months");
        assert!(String::from_utf8(refused.stderr).unwrap().contains(&told));
        assert!(!refused.status.success());
    }
}

#[tokio::test]
async fn no_command_destroys_what_the_setting_keeps_and_a_server_destroys_the_rest() {
    let lea = LEA.to_string();
    for (months, kept) in [(36, true), (12, false)] {
        let mut preau = Preau::with(&format!("access_log_months = {months}"));
        let clock = SetClock::at(Utc::now() - Months::new(20));
        let (node, running) = start(preau.folder.path(), &clock).await;
        node.access().record(vec![read(clock.now())]).await.unwrap();
        node.stop(running).await;

        if kept {
            preau.tell_of_people(&["account", "find", "--school", "0670001A"]);
        }
        let server = preau.serve(&["serve"]);
        while !kept && !preau.tell(&["replay", "access", &lea]).is_empty() {}
        assert_eq!(preau.tell(&["replay", "access", &lea]).lines().count(), usize::from(kept));
        preau.stop(server);
    }
}

/// Opens the school, unless it is, and takes a student in.
fn student(server: &Server, given: &str) -> String {
    let opened = json!({ "name": "Collège des Tilleuls", "time_zone": "Europe/Paris",
        "department": "67" });
    server.ask("PUT", SCHOOL, Some(opened), TOKEN);
    let name = json!({ "name": { "family": "Œuvreçaux", "given": given } });
    let person = server.ask("POST", &format!("{SCHOOL}/people"), Some(name), TOKEN);
    let enrolment = json!({ "person": person["id"], "from": "2026-09-01" });
    server.ask("POST", &format!("{SCHOOL}/students"), Some(enrolment), TOKEN);
    person["id"].as_str().unwrap().to_owned()
}

/// The lines of an answer, without the instant that each begins with.
fn without_times(told: &str) -> Vec<&str> {
    told.lines().map(|line| line.split_once("  ").unwrap().1).collect()
}
