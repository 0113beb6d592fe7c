//! `preau import` as a secretary types it: its flags, how it ends, and the bar on a terminal.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{Files, SCHOOL, siecle, sts, without_student};
use crate::demo::binary;

#[test]
fn an_import_ends_with_0_if_it_was_taken_with_1_if_refused_and_with_2_if_not_understood() {
    let desk = Desk::empty();
    let sts = desk.save(&sts());
    assert_eq!(desk.import("sts", &["--dry-run"], &sts).code(), 0);
    assert_eq!(desk.import("sts", &["--school", "0670001A"], &sts).code(), 1);
    assert_eq!(desk.import("siecle", &[], &desk.save(&siecle())).code(), 1, "it is not open yet");
    assert_eq!(desk.import("sts", &["--school", SCHOOL], &sts).code(), 0);
    assert_eq!(desk.import("sts", &["--quickly"], &sts).code(), 2);
    assert_eq!(desk.import("sts", &["--school", "nowhere"], &sts).code(), 2);
    assert_eq!(desk.import("sts", &[], &[]).code(), 2);
    assert_eq!(desk.import("aaf", &[], &sts).code(), 2);
    let nowhere = vec![desk.folder.path().join("nowhere.xml")];
    let missing = desk.import("sts", &[], &nowhere);
    assert_eq!(missing.code(), 1);
    assert!(missing.said().contains("nowhere.xml"), "{}", missing.said());
}

#[test]
fn what_is_only_tried_is_told_whole_and_written_when_it_is_meant() {
    let desk = Desk::empty();
    let sts = desk.save(&sts());
    let tried = desk.import("sts", &["--dry-run"], &sts);
    assert!(tried.printed().contains("Essai : rien n'a été écrit."), "{}", tried.printed());
    let tried = desk.import("sts", &["--dry-run", "--json"], &sts).report();
    assert_eq!((&tried["dry_run"], tried["events_appended"].as_u64()), (&true.into(), Some(0)));
    let done = desk.import("sts", &["--json"], &sts).report();
    assert_eq!((&done["added"], &done["school"]), (&tried["added"], &SCHOOL.into()));
    assert!(done["events_appended"].as_u64().unwrap() > 0);
    let again = desk.import("sts", &[], &sts);
    assert!(again.printed().contains("Import fait : rien n'a changé."), "{}", again.printed());
}

#[test]
fn departures_are_confirmed_by_a_flag_and_many_by_two() {
    let desk = Desk::empty();
    desk.import("sts", &[], &desk.save(&sts()));
    desk.import("siecle", &[], &desk.save(&siecle()));
    let numbers = (500_010..500_022).map(|number| number.to_string());
    let without = numbers.fold(siecle(), |files, number| without_student(&files, &number));
    let without = desk.save(&without);
    let refused = desk.import("siecle", &["--confirm-departures"], &without);
    assert_eq!(refused.code(), 1);
    assert!(refused.printed().contains("confirmez avec --force"), "{}", refused.printed());
    let insisted =
        desk.import("siecle", &["--confirm-departures", "--force", "--json"], &without).report();
    let mut missing = insisted["missing"].as_array().unwrap().iter();
    assert!(missing.all(|told| told["code"] == "let-go"), "{insisted}");
    let again = desk.import("siecle", &["--confirm-departures", "--json"], &without).report();
    assert_eq!(again["events_appended"], 0);
}

#[test]
fn a_bar_is_drawn_on_a_terminal_and_nowhere_else() {
    let desk = Desk::empty();
    let files = desk.save(&sts());
    let elsewhere = desk.import("sts", &["--dry-run"], &files);
    assert!(!elsewhere.said().contains("changes"), "{}", elsewhere.said());
    let line = desk.command("sts", &[], &files);
    let line = format!("stty cols 120 rows 40; {line:?}");
    let terminal = Command::new("script").args(["-qec", &line, "/dev/null"]).output();
    let Ok(terminal) = terminal else {
        eprintln!("not tested: no script here, and so no terminal to draw a bar on");
        return;
    };
    let drawn = String::from_utf8_lossy(&terminal.stdout);
    assert!(terminal.status.success(), "{drawn}");
    assert!(drawn.contains(" changes, "), "{drawn}");
    assert!(drawn.contains("Import fait"), "{drawn}");
}

/// A data folder, and files to bring into it.
struct Desk {
    folder: TempDir,
    binary: String,
}

impl Desk {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::write(folder.path().join("preau.toml"), format!("data = {data:?}\n")).unwrap();
        Self { folder, binary: binary() }
    }

    fn save(&self, files: &Files) -> Vec<PathBuf> {
        let save = |(name, bytes): &(String, Vec<u8>)| {
            let path = self.folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        files.iter().map(save).collect()
    }

    fn command(&self, base: &str, flags: &[&str], files: &[PathBuf]) -> Command {
        let mut command = Command::new(&self.binary);
        let config: &Path = &self.folder.path().join("preau.toml");
        command.arg("--config").arg(config).args(["import", base]).args(flags).args(files);
        command
    }

    fn import(&self, base: &str, flags: &[&str], files: &[PathBuf]) -> Done {
        Done(self.command(base, flags, files).output().unwrap())
    }
}

/// How an import ended and what it said.
struct Done(Output);

impl Done {
    fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    fn printed(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn said(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    fn report(&self) -> Value {
        serde_json::from_str(&self.printed()).unwrap()
    }
}
