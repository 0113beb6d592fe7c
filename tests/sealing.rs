//! What is said of a person is on the disk only under their key.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use chrono::{DateTime, Utc};
use domain::{
    AccountId, Category, Dossier, Event, PersonId, SchoolYear, Stream, Subject,
    people::{ContactDetails, Language, Name, Person, PersonCommand},
};
use replay::{
    Act, Journal,
    clock::{Clock, SetClock},
    keys::MasterKey,
    new_command_id,
};
use serde_json::json;
use uuid::Uuid;

use crate::{data_folder::DataFolder, scene::Scene};

const PERSON: PersonId = PersonId(Uuid::from_u128(0xADA));
const CANARY: &str = "Serinétoile";

#[tokio::test]
async fn the_bytes_of_a_name_appear_in_no_file_of_the_log() {
    let folder = DataFolder::new();
    let journal = open(folder.path()).await;
    tell_the_canary(&journal).await;
    assert!(says(&journal, CANARY).await, "the journal itself can read it");
    assert!(holds(folder.path(), "PersonRegistered"), "the search finds what is in clear");
    assert!(!holds(folder.path(), CANARY));
    journal.log().close().await;
    assert!(!holds(folder.path(), CANARY));
}

#[tokio::test]
async fn a_name_written_through_the_api_is_in_the_tables_and_in_no_file_of_the_log() {
    let mut scene = Scene::school().await;
    let person = scene.person(CANARY, "Ada", "students").await;
    let details = json!({ "mail": format!("{CANARY}@example.org"), "accepts_sms": false });
    scene.put(&format!("/people/{person}/contact-details"), details).await.ok();
    let folder = scene.stop().await;
    assert!(holds(folder.path(), CANARY), "the tables show it");
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("tables-") {
            fs::remove_file(path).unwrap();
        }
    }
    assert!(!holds(folder.path(), CANARY));
}

#[tokio::test]
async fn an_erased_person_is_still_counted_and_no_more_read_also_after_a_restart() {
    let folder = DataFolder::new();
    let journal = open(folder.path()).await;
    tell_the_canary(&journal).await;
    journal.erase(identity()).await.unwrap();
    assert!(!says(&journal, CANARY).await);
    journal.log().close().await;

    let journal = open(folder.path()).await;
    let history = journal.history(Stream::Person(PERSON)).await.unwrap();
    let events: Vec<_> = history.into_iter().map(|entry| entry.unwrap().event).collect();
    assert_eq!(events, vec![Event::Erased(Stream::Person(PERSON)); 2]);
}

#[tokio::test]
async fn the_master_key_is_for_its_owner_alone() {
    let folder = DataFolder::new();
    open(folder.path()).await;
    let mode = |name| folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("master.key"), 0o600);
    assert_eq!(mode("vault"), 0o700);
}

#[tokio::test]
async fn a_vault_does_not_open_with_the_master_key_of_another_school() {
    let (here, elsewhere) = (DataFolder::new(), DataFolder::new());
    open(here.path()).await.log().close().await;
    let foreign = MasterKey::load_or_create(&elsewhere.path().join("master.key")).unwrap();
    let refused = Journal::open(here.path(), foreign, Clock::System).await.unwrap_err();
    assert_eq!(
        format!("{refused:#}"),
        "opening the vault: this is not the master key of this vault"
    );
}

async fn tell_the_canary(journal: &Journal) {
    let (family, given) = (CANARY.to_owned(), "Ada".to_owned());
    let name = Name { family, given, usage: None };
    let language = Language::French;
    let register = PersonCommand::RegisterPerson { name, birth_date: None, language };
    journal.execute::<Person>(PERSON, register, &act()).await.unwrap();
    let mail = Some(format!("{CANARY}@example.org"));
    let details = ContactDetails { mail, ..ContactDetails::default() };
    let reach = PersonCommand::GiveContactDetails { details };
    journal.execute::<Person>(PERSON, reach, &act()).await.unwrap();
}

async fn says(journal: &Journal, word: &str) -> bool {
    let history = journal.history(Stream::Person(PERSON)).await.unwrap();
    assert_eq!(history.len(), 2);
    format!("{history:?}").contains(word)
}

/// Whether a file in the folder, or below, has these bytes.
/// Whether a file of the folder has this in clear.
pub(crate) fn holds(folder: &Path, word: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, word);
        }
        let bytes = fs::read(path).unwrap();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    })
}

fn identity() -> Dossier {
    let year = SchoolYear::containing(now().date_naive());
    Dossier { subject: Subject::Person(PERSON), category: Category::Identity, year }
}

async fn open(folder: &Path) -> Journal {
    let master = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    Journal::open(folder, master, Clock::Set(SetClock::at(now()))).await.unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-11-20T07:14:00Z".parse().unwrap()
}

fn act() -> Act {
    let command = new_command_id();
    Act::new("0549998Z".parse().unwrap(), AccountId::PREAU, command, now())
}
