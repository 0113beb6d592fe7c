//! Moving as an operator does it: with the binary, and then with a server at the new place.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    preau::{Preau, of_set},
    scene::TOKEN,
};

#[test]
fn a_school_moves_by_three_commands_and_serves_at_its_new_place() {
    let mut preau = Preau::with("");
    let sts = of_set("sts_emp_0549998Z_2026.xml").display().to_string();
    preau.tell(&["import", "sts", &sts]);
    let elsewhere = tempfile::tempdir().unwrap();
    let path = |name: &str| elsewhere.path().join(name).display().to_string();
    let (file, folder) = (path("logs.preau"), path("new"));
    let exported: Value = serde_json::from_str(&preau.tell(&["export", &file, "--json"])).unwrap();
    let told = preau.tell(&["export", &file]);
    assert!(
        told.starts_with("Exported, as the logs were when this began; 0 events are new"),
        "{told}"
    );

    let url = format!("sqlite:{folder}");
    let there = ["--data", &folder, "--log", &url];
    let imported = preau.tell(&[&["import-log", &file, "--json"], &there[..]].concat());
    let imported: Value = serde_json::from_str(&imported).unwrap();
    assert_eq!(imported["school"]["sha256"], exported["school"]["sha256"]);
    assert_eq!(imported["chain"], exported["chain"]);
    let told = preau.tell(&[&["import-log", &file], &there[..]].concat());
    assert!(
        told.contains("the log is the file") && told.contains("0 events were written now"),
        "{told}"
    );
    let told = preau.tell(&["keys", "copy", "--to", &url]);
    assert!(told.contains("destroy it") && told.contains("shred -u"), "{told}");

    let master = preau.folder.path().join("master.key").display().to_string();
    let server = preau.serve(&["serve", "--data", &folder, "--master-key-file", &master]);
    let classes = server.ask("GET", "/schools/0549998Z/classes", None, TOKEN);
    assert!(!classes.as_array().unwrap().is_empty(), "{classes}");
    preau.stop(server);
    preau.has_named_nobody();
}

#[test]
fn an_export_to_the_standard_output_is_the_file_and_what_is_told_goes_elsewhere() {
    let mut preau = Preau::with("");
    let sts = of_set("sts_emp_0549998Z_2026.xml").display().to_string();
    preau.tell(&["import", "sts", &sts]);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("logs.preau");
    preau.tell(&["export", &file.display().to_string()]);
    let printed = preau.try_to(&["export", "-"]);
    assert!(printed.status.success());
    assert!(printed.stdout == fs::read(file).unwrap());
    assert!(String::from_utf8_lossy(&printed.stderr).contains("Exported, as the logs were"));
}

#[test]
fn a_bar_is_drawn_on_a_terminal_and_nowhere_else() {
    let mut preau = Preau::with("");
    let sts = of_set("sts_emp_0549998Z_2026.xml").display().to_string();
    preau.tell(&["import", "sts", &sts]);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("logs.preau").display().to_string();
    let line = format!("stty cols 120 rows 40; {:?}", preau.command(&["export", &file]));
    let terminal = Command::new("script").args(["-qec", &line, "/dev/null"]).output();
    let Ok(terminal) = terminal else {
        eprintln!("not tested: no script here, and so no terminal to draw a bar on");
        return;
    };
    let drawn = String::from_utf8_lossy(&terminal.stdout);
    assert!(terminal.status.success() && drawn.contains("% done"), "{drawn}");
    let printed = preau.try_to(&["export", &file]);
    assert!(!String::from_utf8_lossy(&printed.stderr).contains("% done"));
}

#[test]
fn a_file_that_is_none_is_refused_and_makes_no_log() {
    let preau = Preau::with("");
    let elsewhere = tempfile::tempdir().unwrap();
    let letter = elsewhere.path().join("letter.txt");
    fs::write(&letter, "a letter\nto the parents\n").unwrap();
    let refused = preau.try_to(&["import-log", &letter.display().to_string()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("this is no file that `preau export` has written"), "{told}");
    assert!(!preau.folder.path().join("school.log").exists());
}
