//! The rules of `docs/CONVENTIONS.md` that a program can check.
//!
//! What the compiler, clippy or cargo-deny check already is not repeated here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use domain::{
    accounts::AccountError,
    alerts::AlertError,
    attendance::{AttendanceError, documents::DocumentError},
    classes::ClassError,
    families::FamilyError,
    followups::FollowUpError,
    people::PersonError,
    rollcalls::RollCallError,
    schools::SchoolError,
    timetable::TimetableError,
};
use strum::VariantNames;

use crate::events::EVENTS;

/// Every layer, and the layers it may depend on.
const LAYERS: [(&str, &[&str]); 6] = [
    ("domain", &[]),
    ("projections", &["domain"]),
    ("replay", &["domain", "projections"]),
    ("web", &["domain", "projections"]),
    ("api", &["domain", "projections", "replay", "web"]),
    ("tests", &["domain", "projections", "replay", "web", "api"]),
];

const REFUSALS: [&[&str]; 11] = [
    AccountError::VARIANTS,
    AlertError::VARIANTS,
    AttendanceError::VARIANTS,
    ClassError::VARIANTS,
    DocumentError::VARIANTS,
    FamilyError::VARIANTS,
    FollowUpError::VARIANTS,
    PersonError::VARIANTS,
    RollCallError::VARIANTS,
    SchoolError::VARIANTS,
    TimetableError::VARIANTS,
];

#[test]
fn a_layer_depends_only_on_the_layers_before_it() {
    for (layer, before) in LAYERS {
        let used = dependencies(&read(&format!("{layer}/Cargo.toml")), "dependencies]");
        for (other, _) in LAYERS {
            let allowed = before.contains(&other) || !used.contains(other);
            assert!(allowed, "{layer} must not depend on {other}");
        }
    }
}

#[test]
fn every_layer_obeys_the_lints_of_the_house() {
    for (layer, _) in LAYERS {
        let manifest = read(&format!("{layer}/Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{layer} has lints of its own");
    }
}

#[test]
fn a_feature_has_the_same_file_name_in_every_layer() {
    let sisters = |feature: &String| {
        ["domain/src", "projections/src", "api/src", "tests"]
            .map(|folder| format!("{folder}/{feature}.rs"))
    };
    let missing: Vec<String> =
        features().iter().flat_map(sisters).filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "sister files are missing: {missing:#?}");
}

#[test]
fn every_file_says_what_it_is_for_and_fits_in_the_head() {
    let fits = |text: &str| text.starts_with("//! ") && text.lines().count() <= 500;
    let others: Vec<String> =
        sources().into_iter().filter(|(_, text)| !fits(text)).map(|(path, _)| path).collect();
    assert!(others.is_empty(), "no opening //! sentence, or over 500 lines: {others:#?}");
}

#[test]
fn a_file_is_named_after_something() {
    for (path, _) in sources() {
        let stem = Path::new(&path).file_stem().unwrap().to_str().unwrap().to_owned();
        let nothing = ["mod", "utils", "util", "helpers", "helper", "common", "prelude", "misc"];
        assert!(!nothing.contains(&stem.as_str()), "{path} is named after nothing");
    }
}

#[test]
fn nothing_is_ignored_allowed_or_left_to_do() {
    let unwelcome = [
        concat!("#[", "ignore"),
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("#[", "should_panic"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
    ];
    for (path, text) in sources() {
        for (n, line) in text.lines().enumerate() {
            let found = unwelcome.iter().find(|word| line.contains(**word));
            assert_eq!(found, None, "{path}:{}", n + 1);
        }
    }
}

#[test]
fn snapshots_stand_in_the_tests_that_take_them() {
    for path in files() {
        let name = path.to_string_lossy();
        let apart = name.ends_with(".snap") || name.ends_with(".snap.new");
        assert!(!apart, "{name} should be an inline snapshot");
    }
}

#[test]
fn the_domain_depends_on_nothing_that_does_input_or_output() {
    let used = dependencies(&read("domain/Cargo.toml"), "[dependencies]");
    let known = [
        "base64",
        "chrono",
        "chrono-tz",
        "cqrs-es",
        "serde",
        "serde_json",
        "strum",
        "thiserror",
        "utoipa",
        "uuid",
    ];
    assert_eq!(used, known.map(str::to_owned).into());
}

#[test]
fn the_domain_has_neither_clock_nor_randomness() {
    let rules = read("domain/clippy.toml");
    for banned in [
        "chrono::Utc::now",
        "chrono::Local::now",
        "std::time::SystemTime::now",
        "std::time::Instant::now",
        "uuid::Uuid::now_v7",
        "uuid::Uuid::new_v4",
    ] {
        assert!(rules.contains(&format!("path = \"{banned}\"")), "{banned} is not banned");
    }
}

#[test]
fn the_clippy_rules_of_the_domain_repeat_those_of_the_house() {
    let of_domain = read("domain/clippy.toml");
    let of_domain: BTreeSet<&str> = of_domain.lines().collect();
    for line in read("clippy.toml").lines().filter(|line| !line.starts_with('#')) {
        assert!(of_domain.contains(line), "domain/clippy.toml replaces the root's: repeat {line}");
    }
}

#[test]
fn every_feature_has_its_events_and_its_refusals_checked() {
    // Attendance has two kinds of streams: files, and the documents beside them.
    let kinds = features().len() + 1;
    assert_eq!(kinds, EVENTS.len(), "add the feature's events to tests/events.rs");
    // Access refuses by the rules of its own table, not of a stream.
    assert_eq!(kinds, REFUSALS.len() + 1, "add the feature's refusals here");
}

#[test]
fn a_refusal_has_one_code_in_the_whole_school() {
    let mut known = BTreeSet::new();
    for code in REFUSALS.concat() {
        assert!(known.insert(code), "two rules are called {code}");
    }
}

#[test]
fn an_event_has_one_name_in_the_whole_school_and_not_that_of_a_table_row() {
    let mut known = BTreeSet::new();
    for kind in EVENTS.concat() {
        assert!(known.insert(kind), "two events are called {kind}");
        let of_a_row = ["Created", "Updated", "Deleted", "StatusChanged"];
        assert!(!of_a_row.iter().any(|end| kind.ends_with(end)), "{kind}: what happened?");
    }
}

#[test]
fn every_event_is_explained_in_the_docs() {
    let page = read("docs/events.md");
    for kind in EVENTS.concat() {
        assert!(page.contains(&format!("| `{kind}` |")), "docs/events.md does not tell {kind}");
    }
}

#[test]
fn what_must_agree_with_itself_is_linked_once() {
    let lock = read("Cargo.lock");
    for name in ["sqlx", "sqlx-core", "sqlx-sqlite", "libsqlite3-sys", "rustls", "aws-lc-rs"] {
        let copies = lock.matches(&format!("name = \"{name}\"\n")).count();
        assert!(copies <= 1, "{copies} copies of {name}");
    }
}

/// The modules of the domain that anybody may name.
fn features() -> Vec<String> {
    let lib = read("domain/src/lib.rs");
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod "));
    modules.map(|name| name.trim_end_matches(';').to_owned()).collect()
}

/// What a manifest lists in the tables whose heading ends like this.
fn dependencies(manifest: &str, heading: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with(heading);
        } else if let Some(end) = line.find(['.', ' ', '=']).filter(|_| inside) {
            names.insert(line[..end].to_owned());
        }
    }
    names
}

/// Every Rust file of the house, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root()).unwrap().display().to_string(), text)
    })
    .collect()
}

/// Every file of every layer.
fn files() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = LAYERS.map(|(layer, _)| root().join(layer)).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
