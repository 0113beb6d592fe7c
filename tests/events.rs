//! Every event ever written can still be read: `events/` keeps at least one of each.
//!
//! An example is the file `<Kind>.json`, or `<Kind>.<what is special>.json`. It is never edited: a
//! shape that grows gets a new example beside the old one. Names, mails and telephones are invented.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use domain::{
    Event, Stream,
    access::AccessEvent,
    accounts::AccountEvent,
    alerts::AlertEvent,
    attendance::{AttendanceEvent, documents::DocumentEvent},
    classes::ClassEvent,
    families::FamilyEvent,
    followups::FollowUpEvent,
    people::PersonEvent,
    rollcalls::RollCallEvent,
    schools::SchoolEvent,
    timetable::TimetableEvent,
};
use serde_json::Value;
use strum::VariantNames;

/// The names of the events, feature by feature.
pub(crate) const EVENTS: [&[&str]; 12] = [
    AccessEvent::VARIANTS,
    AccountEvent::VARIANTS,
    AlertEvent::VARIANTS,
    AttendanceEvent::VARIANTS,
    ClassEvent::VARIANTS,
    DocumentEvent::VARIANTS,
    FamilyEvent::VARIANTS,
    FollowUpEvent::VARIANTS,
    PersonEvent::VARIANTS,
    RollCallEvent::VARIANTS,
    SchoolEvent::VARIANTS,
    TimetableEvent::VARIANTS,
];

#[test]
fn every_event_has_an_example() {
    for kind in EVENTS.concat() {
        assert!(
            folder().join(format!("{kind}.json")).exists(),
            "tests/events/{kind}.json is missing"
        );
    }
}

#[test]
fn no_example_is_of_an_event_that_does_not_exist() {
    let known: BTreeSet<&str> = EVENTS.concat().into_iter().collect();
    for path in examples() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (kind, _) = name.split_once('.').unwrap();
        assert!(known.contains(kind), "{name} is no example of an event that exists");
        let payload = read(&path)["payload"].clone();
        let kinds: Vec<_> = payload.as_object().unwrap().keys().collect();
        assert_eq!(kinds, [kind], "{name} holds another event");
    }
}

#[test]
fn an_example_read_and_written_again_says_the_same() {
    for path in examples() {
        let example = read(&path);
        let name = path.display();
        let stream: Stream = example["stream"].as_str().unwrap().parse().unwrap();
        let payload = serde_json::to_vec(&example["payload"]).unwrap();
        let event = Event::read(stream, &payload).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(event.stream(), stream, "{name}");
        let again: Value = serde_json::from_slice(&event.payload().unwrap()).unwrap();
        assert_eq!(again, example["payload"], "{name}: a field was lost, or appeared");
    }
}

#[test]
fn an_example_says_which_version_of_its_shape_it_is() {
    for path in examples() {
        let version = read(&path)["version"].as_u64();
        assert!(version.is_some_and(|version| version >= 1), "{}", path.display());
    }
}

fn examples() -> Vec<PathBuf> {
    fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}
