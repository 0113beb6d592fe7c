//! Commands on real features, over real files.

use domain::{
    Category, Dossier, Event, PersonId, Stream, Subject,
    people::{Language, Name, Person, PersonCommand, PersonError, PersonEvent},
};
use futures_util::future::join_all;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    clock::{Clock, SetClock},
    command_id::{command_id, new_command_id},
    keys::MasterKey,
};

const ADA: PersonId = PersonId(Uuid::from_u128(0xADA));
const ACTOR: AccountId = AccountId(Uuid::from_u128(9));

#[tokio::test]
async fn a_command_is_in_the_history_once_it_has_answered() {
    let (_folder, journal) = journal().await;
    let done = journal.execute::<Person>(ADA, register(), &act()).await.unwrap();
    let (position, revision, appended) = (1, Some(0), 1);
    assert_eq!(done, Done { position, revision, changed: true, repeated: false, appended });

    let history = journal.history(Stream::Person(ADA)).await.unwrap();
    let [Ok(recorded)] = &history[..] else { panic!("one event: {history:?}") };
    assert_eq!(recorded.position, 1);
    assert_eq!(recorded.header.kind, "PersonRegistered");
    assert!(recorded.header.key.is_some());
    assert!(matches!(recorded.event, Event::Person(ADA, PersonEvent::PersonRegistered { .. })));
}

#[tokio::test]
async fn a_request_sent_again_is_answered_as_it_was() {
    let (_folder, journal) = journal().await;
    let asked = act();
    let first = journal.execute::<Person>(ADA, register(), &asked).await.unwrap();
    journal.execute::<Person>(ADA, rename("Byron"), &act()).await.unwrap();
    for node in [journal.clone(), journal.other_node()] {
        let again = node.execute::<Person>(ADA, register(), &asked).await.unwrap();
        assert_eq!(again, Done { repeated: true, appended: 0, ..first });
    }
    assert_eq!(journal.log().head().await.unwrap(), 2);
}

#[tokio::test]
async fn a_key_that_names_another_request_is_refused() {
    let (_folder, journal) = journal().await;
    let asked = |request: &[u8]| Act { command: command_id(ACTOR, "tap-17", request), ..act() };
    journal.execute::<Person>(ADA, register(), &asked(b"register")).await.unwrap();
    let reused = journal.execute::<Person>(ADA, rename("Byron"), &asked(b"rename")).await;
    assert!(matches!(reused, Err(ExecuteError::KeyReused)));
}

#[tokio::test]
async fn a_command_that_changes_nothing_names_the_event_that_had_done_it() {
    let (_folder, journal) = journal().await;
    let done = journal.execute::<Person>(ADA, register(), &act()).await.unwrap();
    let nothing = journal.execute::<Person>(ADA, rename("Lovelace"), &act()).await.unwrap();
    assert_eq!(nothing, Done { changed: false, appended: 0, ..done });
}

#[tokio::test]
async fn a_rule_refuses_by_its_name() {
    let (_folder, journal) = journal().await;
    let refused = journal.execute::<Person>(ADA, rename("Byron"), &act()).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(PersonError::PersonNotRegistered))));
    assert_eq!(journal.log().head().await.unwrap(), 0);
}

#[tokio::test]
async fn what_another_node_wrote_is_known_before_a_command_is_refused() {
    let (_folder, here) = journal().await;
    let there = here.other_node();
    let refused = here.execute::<Person>(ADA, rename("Byron"), &act()).await;
    assert!(refused.is_err());
    there.execute::<Person>(ADA, register(), &act()).await.unwrap();
    let renamed = here.execute::<Person>(ADA, rename("Byron"), &act()).await.unwrap();
    assert_eq!(renamed.revision, Some(1));
    let back = there.execute::<Person>(ADA, rename("Lovelace"), &act()).await.unwrap();
    assert!(back.changed, "there, the name seemed to be Lovelace still");
}

#[tokio::test]
async fn a_conflict_with_another_node_is_decided_again() {
    let (_folder, here) = journal().await;
    let there = here.other_node();
    here.execute::<Person>(ADA, register(), &act()).await.unwrap();
    for n in 0..10 {
        let node = if n % 2 == 0 { &there } else { &here };
        let done = node.execute::<Person>(ADA, rename(&format!("Name {n}")), &act()).await.unwrap();
        assert_eq!(done.revision, Some(n + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_one_stream_all_succeed() {
    let (_folder, journal) = journal().await;
    journal.execute::<Person>(ADA, register(), &act()).await.unwrap();
    let writers = (0..64).map(|n| {
        let journal = journal.clone();
        tokio::spawn(async move {
            journal.execute::<Person>(ADA, rename(&format!("Name {n}")), &act()).await.unwrap()
        })
    });
    let done = join_all(writers).await;
    let mut revisions: Vec<_> = done.into_iter().map(|done| done.unwrap().revision).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=64).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_erased_is_not_decided_with() {
    let (_folder, journal) = journal().await;
    journal.execute::<Person>(ADA, register(), &act()).await.unwrap();
    let year = SchoolYear::containing(act().occurred_at.date_naive());
    let dossier = Dossier { subject: Subject::Person(ADA), category: Category::Identity, year };
    assert!(journal.erase(dossier).await.unwrap().is_some());

    let history = journal.history(Stream::Person(ADA)).await.unwrap();
    let [Ok(recorded)] = &history[..] else { panic!("one event: {history:?}") };
    assert_eq!(recorded.event, Event::Erased(Stream::Person(ADA)));
    let refused = journal.execute::<Person>(ADA, rename("Byron"), &act()).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(PersonError::PersonErased))));
}

#[tokio::test]
async fn an_event_is_never_recorded_before_the_one_before_it() {
    let (_folder, journal) = journal().await;
    let Clock::Set(hands) = journal.clock() else { panic!("the tests set the clock") };
    journal.execute::<Person>(ADA, register(), &act()).await.unwrap();
    hands.set(DateTime::UNIX_EPOCH);
    for (node, name) in [(journal.clone(), "Byron"), (journal.other_node(), "King")] {
        node.execute::<Person>(ADA, rename(name), &act()).await.unwrap();
    }
    let history = journal.history(Stream::Person(ADA)).await.unwrap();
    let times = history.into_iter().map(|entry| entry.unwrap().header.recorded_at);
    assert_eq!(times.collect::<Vec<_>>(), [now(), now(), now()]);
}

#[tokio::test]
async fn a_stream_with_an_unreadable_event_is_not_decided_on() {
    let (_folder, journal) = journal().await;
    let event = PersonEvent::LanguageChosen { language: Language::French };
    let mut append = journal.prepare::<Person>(ADA, None, &[event], (&act(), now())).await.unwrap();
    append.events[0].payload = vec![0; 284].into();
    journal.append(append).await.unwrap();
    let failed = journal.execute::<Person>(ADA, register(), &act()).await;
    let Err(ExecuteError::Store(error)) = failed else { panic!("not decided: {failed:?}") };
    assert_eq!(error.to_string(), "the event at position 1 cannot be read");
}

async fn journal() -> (TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let clock = Clock::Set(SetClock::at(now()));
    let journal = Journal::open(folder.path(), master, clock).await.unwrap();
    (folder, journal)
}

fn now() -> DateTime<Utc> {
    "2026-11-20T07:14:00.123456Z".parse().unwrap()
}

fn act() -> Act {
    let command = new_command_id();
    Act::new("0549998Z".parse().unwrap(), ACTOR, command, now())
}

fn register() -> PersonCommand {
    let language = Language::French;
    PersonCommand::RegisterPerson { name: name("Lovelace"), birth_date: None, language }
}

fn rename(family: &str) -> PersonCommand {
    PersonCommand::RenamePerson { name: name(family) }
}

fn name(family: &str) -> Name {
    Name { family: family.to_owned(), given: "Ada".to_owned(), usage: None }
}
