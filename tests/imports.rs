//! National files: what is read of them, what is refused, and what it costs.
//!
//! The school of `siecle/` is invented whole; `gen_siecle.py` beside it makes it, at any size.

#[path = "imports/cost.rs"]
mod cost;
#[path = "imports/encodings.rs"]
mod encodings;
#[path = "imports/guardian_links.rs"]
mod guardian_links;
#[path = "imports/hostile.rs"]
mod hostile;
#[path = "imports/mutated.rs"]
mod mutated;
#[path = "imports/records.rs"]
mod records;
#[path = "imports/refused.rs"]
mod refused;
#[path = "imports/siecle.rs"]
mod siecle;
#[path = "imports/small.rs"]
pub(crate) mod small;
#[path = "imports/sts.rs"]
mod sts;
#[path = "imports/truncated.rs"]
mod truncated;

use std::{
    fs,
    path::{Path, PathBuf},
};

use api::imports::{
    feed::{Feed, GuardianLink, Student},
    files::{Input, read},
    problem::{Problem, Severity},
};

const SET: [&str; 4] = [
    "ElevesAvecAdresses.xml",
    "ResponsablesAvecAdresses.xml",
    "Nomenclature.xml",
    "sts_emp_0549998Z_2026.xml",
];

/// Reads files that are held in memory.
fn read_bytes(files: &[(&str, &[u8])]) -> Result<Feed, Vec<Problem>> {
    let input = |(name, bytes): &(&str, &[u8])| Input {
        name: (*name).to_owned(),
        bytes: Box::new(std::io::Cursor::new(bytes.to_vec())),
    };
    read(files.iter().map(input).collect())
}

/// Reads one file.
fn read_one(text: impl AsRef<[u8]>) -> Result<Feed, Vec<Problem>> {
    read_bytes(&[("fichier.xml", text.as_ref())])
}

/// The school of 200 students, read whole.
fn set() -> Feed {
    let open = |name: &&str| Input {
        name: (*name).to_owned(),
        bytes: Box::new(fs::File::open(set_folder().join(name)).unwrap()),
    };
    read(SET.iter().map(open).collect()).unwrap()
}

fn set_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("siecle")
}

/// A folder of files that are not part of the project; nothing, and a word about it, without them.
pub(crate) fn files_from_elsewhere(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PREAU_FIXTURES").map(PathBuf::from);
    let found = root.map(|root| root.join(folder)).filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("not tested: {folder}; PREAU_FIXTURES says in which folder it is");
    }
    found
}

fn student<'f>(feed: &'f Feed, number: &str) -> &'f Student {
    let students = &feed.students.as_ref().unwrap().people;
    students.iter().find(|student| &*student.number == number).unwrap()
}

fn links_of<'f>(feed: &'f Feed, number: &str) -> Vec<&'f GuardianLink> {
    let links = &feed.guardians.as_ref().unwrap().links;
    links.iter().filter(|link| &*link.student == number).collect()
}

/// The code and the line of what refuses the import.
fn refusal(outcome: Result<Feed, Vec<Problem>>) -> (&'static str, u32) {
    let problems = outcome.unwrap_err();
    let first = problems.first().unwrap();
    assert_eq!(first.fault.severity(), Severity::Import, "{first}");
    (first.fault.code(), first.line)
}

/// Code, line and record of every problem.
fn told(feed: &Feed) -> Vec<(&'static str, u32, String)> {
    let of = |problem: &Problem| {
        let number = problem.record.as_ref().map(|(_, number)| number.to_string());
        (problem.fault.code(), problem.line, number.unwrap_or_default())
    };
    feed.problems.iter().map(of).collect()
}
