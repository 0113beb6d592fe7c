//! National files brought into a school: what becomes of it, and what the second time changes.
//!
//! How files are read is told in [`crate::imports`]. The school of `siecle/` is invented whole.

#[path = "imported/changes.rs"]
mod changes;
#[path = "imported/command.rs"]
mod command;
#[path = "imported/cut.rs"]
mod cut;
#[path = "imported/departures.rs"]
mod departures;
#[path = "imported/elsewhere.rs"]
mod elsewhere;
#[path = "imported/homonyms.rs"]
mod homonyms;
#[path = "imported/http.rs"]
mod http;
#[path = "imported/older.rs"]
mod older;
#[path = "imported/refused.rs"]
mod refused;
#[path = "imported/renumbered.rs"]
mod renumbered;
#[path = "imported/set.rs"]
mod set;
#[path = "imported/weekly.rs"]
mod weekly;

use std::{fs, io::Cursor, path::Path, sync::Arc};

use api::imports::{Base, Import, Progress, Trust, Wish, files::Input, report::Report, run};
use domain::{
    AccountId, PersonId, StudentId, Uai,
    families::{Family, FamilyCommand},
    people::{Identifier, Scheme},
};
use projections::{
    families::{self, GuardianRow},
    people,
};
use replay::{Clock, Node, Running, clock::SetClock, keys::MasterKey};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{data_folder::DataFolder, scene::reach};

/// The school of the set.
const SCHOOL: &str = "0549998Z";

/// A school beside it.
const OTHER: &str = "0549997Y";

/// Files as somebody exported them: names and bytes.
type Files = Vec<(String, Vec<u8>)>;

/// Whoever brings files into a data folder.
struct Office {
    node: Node,
    clock: SetClock,
    running: Running,
    _folder: DataFolder,
}

impl Office {
    /// An empty data folder, on the third day of the school year.
    async fn empty() -> Self {
        let folder = DataFolder::new();
        let clock = SetClock::at("2026-09-03T08:00:00Z".parse().unwrap());
        let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let started = Node::start(folder.path(), master, Clock::Set(clock.clone())).await;
        let (node, running) = started.unwrap();
        Self { node, clock, running, _folder: folder }
    }

    /// A data folder with the school of the set.
    async fn with_set() -> Self {
        let office = Self::empty().await;
        office.bring(Base::Sts, &sts()).await;
        office.bring(Base::Siecle, &siecle()).await;
        office
    }

    /// Whom a number of the school's files names.
    async fn numbered(&self, scheme: Scheme, number: &str) -> Option<PersonId> {
        let identifier = Identifier { scheme, school: Some(school()), value: number.to_owned() };
        people::identified(&self.node.db(), &identifier).await.unwrap()
    }

    /// The student of a number.
    async fn student(&self, number: &str) -> PersonId {
        self.numbered(Scheme::SiecleStudent, number).await.unwrap()
    }

    /// Who answers for the student of a number.
    async fn guardians_of(&self, number: &str) -> Vec<GuardianRow> {
        let student = StudentId::from(self.student(number).await);
        let found = families::of_student(&self.node.db(), student).await.unwrap();
        found.into_iter().map(|found| found.guardian).collect()
    }

    /// The school writes something of the family of the student of a number.
    async fn family(&self, number: &str, command: FamilyCommand) {
        let student = StudentId::from(self.student(number).await);
        let done = self.node.journal().execute::<Family>(student, command, &self.act()).await;
        self.node.reach(done.unwrap().position).await.unwrap();
    }

    /// Who has this number among the guardians, for the student of a number.
    async fn guardian_of(&self, student: &str, guardian: &str) -> GuardianRow {
        let guardian = self.numbered(Scheme::SieclePerson, guardian).await.unwrap();
        let rows = self.guardians_of(student).await;
        rows.into_iter().find(|row| row.guardian == guardian).unwrap()
    }

    /// Brings files in.
    async fn bring(&self, base: Base, files: &Files) -> Report {
        self.import(base, files, |_| {}).await
    }

    /// Brings files in, and lets those go who are not in them.
    async fn bring_and_confirm(&self, base: Base, files: &Files) -> Report {
        let confirm = |import: &mut Import| import.wish.confirm_departures = true;
        self.import(base, files, confirm).await
    }

    /// Brings files in, in a way of their own.
    async fn import(&self, base: Base, files: &Files, how: impl FnOnce(&mut Import)) -> Report {
        let actor = AccountId(Uuid::from_u128(1));
        let (school, wish) = (None, Wish::default());
        let mut import = Import { base, school, actor, trust: Trust::Whole, dry_run: false, wish };
        how(&mut import);
        let progress: Progress = Arc::new(|_, _| {});
        let head = self.head().await;
        let report = run(&self.node, &import, inputs(files), &progress).await.unwrap();
        assert_eq!(self.head().await - head, report.events_appended, "{report}");
        reach(&self.node, report.position).await;
        report
    }

    /// Brings files in, and is killed when half of it is done.
    async fn bring_and_be_killed(&self, base: Base, files: &Files) {
        let (half, told) = mpsc::unbounded_channel();
        let progress: Progress = Arc::new(move |done, all| {
            if done * 2 > all {
                half.send(()).unwrap_or_default();
            }
        });
        let (node, actor) = (self.node.clone(), AccountId(Uuid::from_u128(1)));
        let (school, wish) = (None, Wish::default());
        let import = Import { base, school, actor, trust: Trust::Whole, dry_run: false, wish };
        let inputs = inputs(files);
        let importing = tokio::spawn(async move { run(&node, &import, inputs, &progress).await });
        let mut told = told;
        told.recv().await.unwrap();
        importing.abort();
        assert!(importing.await.is_err_and(|error| error.is_cancelled()));
    }

    /// Every row that a school's office sees.
    async fn tables(&self) -> Vec<String> {
        let position = self.head().await;
        self.node.reach(position).await.unwrap();
        let rows = "select row from school union all select row from person
            union all select row from enrolment union all select row from identifier
            union all select row from guardian union all select row from class
            union all select row from class_member union all select row from class_teacher
            union all select row from course";
        let mut rows: Vec<String> =
            sqlx::query_scalar(rows).fetch_all(&self.node.db()).await.unwrap();
        rows.sort();
        rows
    }

    async fn head(&self) -> u64 {
        self.node.journal().log().head().await.unwrap()
    }

    fn now(&self, instant: &str) {
        self.clock.set(instant.parse().unwrap());
    }

    async fn stop(self) {
        self.node.stop(self.running).await;
    }
}

fn inputs(files: &Files) -> Vec<Input<'static>> {
    let input = |(name, bytes): &(String, Vec<u8>)| Input {
        name: name.clone(),
        bytes: Box::new(Cursor::new(bytes.clone())),
    };
    files.iter().map(input).collect()
}

fn school() -> Uai {
    SCHOOL.parse().unwrap()
}

/// Files of the set.
fn of_set(names: &[&str]) -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("siecle");
    let read = |name: &&str| ((*name).to_owned(), fs::read(folder.join(name)).unwrap());
    names.iter().map(read).collect()
}

fn sts() -> Files {
    of_set(&["sts_emp_0549998Z_2026.xml"])
}

fn siecle() -> Files {
    of_set(&["ElevesAvecAdresses.xml", "ResponsablesAvecAdresses.xml", "Nomenclature.xml"])
}

/// The same files, with the text of one changed. Each is of one byte a character.
fn edited(files: &Files, name: &str, edit: impl Fn(String) -> String) -> Files {
    let of_file = |(of, bytes): &(String, Vec<u8>)| {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let text = if of.starts_with(name) { edit(text) } else { text };
        (of.clone(), text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect())
    };
    files.iter().map(of_file).collect()
}

/// A text in which what stands between `from` and `to`, both included, is changed.
fn between(text: &str, from: &str, to: &str, edit: impl Fn(&str) -> String) -> String {
    let begin = text.find(from).unwrap_or_else(|| panic!("no {from}"));
    let end = begin + text[begin..].find(to).unwrap_or_else(|| panic!("no {to}")) + to.len();
    let part = &text[begin..end];
    let changed = edit(part);
    assert_ne!(changed, part, "nothing changes between {from} and {to}");
    format!("{}{changed}{}", &text[..begin], &text[end..])
}

/// The same files, of the school beside.
fn of_other_school(files: &Files) -> Files {
    edited(files, "", |text| text.replace(SCHOOL, OTHER))
}

/// The same files of SIECLE, exported on another day.
fn exported_on(files: &Files, day: &str) -> Files {
    let date =
        |text: String| text.replace("<DATE_EXPORT>31/08/2026", &format!("<DATE_EXPORT>{day}"));
    edited(&edited(files, "Eleves", date), "Responsables", date)
}

/// The set, where one student's record says something else.
fn with_student(files: &Files, number: &str, edit: impl Fn(&str) -> String) -> Files {
    let from = format!("<ELEVE ELEVE_ID=\"{number}\"");
    edited(files, "Eleves", |text| between(&text, &from, "</ELEVE>", &edit))
}

/// The set without a student.
fn without_student(files: &Files, number: &str) -> Files {
    with_student(files, number, |_| String::new())
}

/// The set, where one link says something else.
fn with_link(files: &Files, student: &str, guardian: &str, edit: impl Fn(&str) -> String) -> Files {
    let from = format!("<ELEVE_ID>{student}</ELEVE_ID>\n        <PERSONNE_ID>{guardian}<");
    edited(files, "Responsables", |text| between(&text, &from, "</RESPONSABLE_ELEVE>", &edit))
}

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

/// The codes of what is told, with the numbers of their records.
fn told(told: &[api::imports::report::Told]) -> Vec<String> {
    let one = |told: &api::imports::report::Told| {
        let number = told.number.as_deref().unwrap_or_default();
        format!("{} {number}", told.code).trim_end().to_owned()
    };
    told.iter().map(one).collect()
}
