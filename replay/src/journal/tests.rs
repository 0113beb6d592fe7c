//! Reading, over real files.

use domain::{
    AccountId, CommandId, Event, EventId, Header, PersonId, Uai,
    people::{Language, PersonEvent},
};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    header,
    log::{Expected, NewEvent, StreamAppend},
    seal,
};

const HERE: &str = "0549998Z";
const ELSEWHERE: &str = "0750655E";

#[tokio::test(flavor = "multi_thread")]
async fn pages_bring_every_event_once_and_in_order() {
    let (_folder, journal) = journal().await;
    let events_max = 2 * u64::try_from(PAGE_EVENTS).unwrap() + 500;
    append(&journal, events_max, |_| {}).await;

    let mut pages = journal.pages(0, Filter::default());
    let (mut positions, mut last) = (Vec::new(), None);
    while let Some(page) = pages.next().await.unwrap() {
        positions.extend(page.entries.into_iter().map(|entry| entry.unwrap().position));
        last = Some(page.caught_up);
    }
    assert_eq!(positions, (1..=events_max).collect::<Vec<_>>());
    assert_eq!(last, Some(true));

    let history = journal.history(Stream::Person(person())).await.unwrap();
    assert_eq!(history.len(), positions.len());
}

#[tokio::test]
async fn a_school_can_be_read_alone() {
    let (_folder, journal) = journal().await;
    append(&journal, 3, |event| {
        if event.header.revision == 1 {
            event.header.school = ELSEWHERE.parse().unwrap();
        }
    })
    .await;
    let filter = Filter { school: Some(ELSEWHERE.parse::<Uai>().unwrap()) };
    let page = journal.read_all(0, 10, filter).await.unwrap();
    let positions: Vec<_> =
        page.entries.iter().map(|entry| entry.as_ref().unwrap().position).collect();
    assert_eq!((positions, page.next, page.caught_up), (vec![2], 3, true));
}

#[tokio::test]
async fn an_unreadable_event_says_why_and_hides_no_other() {
    let (_folder, journal) = journal().await;
    append(&journal, 6, |event| match event.header.revision {
        1 => event.header.version = 2,
        2 => event.content = br#"{"PersonEaten":{"name":"Ada"}}"#.to_vec(),
        3 => event.unknown_key = true,
        4 => event.broken = true,
        _ => {}
    })
    .await;
    let page = journal.read_all(0, 10, Filter::default()).await.unwrap();
    let told = page.entries.into_iter().map(|entry| match entry {
        Ok(recorded) => recorded.header.kind,
        Err(Unreadable { stream, why, .. }) => {
            assert_eq!(stream, Some(Stream::Person(person())));
            why.to_string()
        }
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "LanguageChosen",
            "LanguageChosen has version 2, which this version of the program cannot read",
            "its content is no LanguageChosen that this version of the program can read",
            "its key 00000000-0000-0000-0000-000000000001 is not in the vault",
            "its seal is broken",
            "LanguageChosen",
        ]
    );
}

#[tokio::test]
async fn an_envelope_of_a_later_format_is_an_entry_without_a_stream() {
    let (_folder, journal) = journal().await;
    append(&journal, 1, |_| {}).await;
    let mut stored = journal.log().read_all(0, 10, Filter::default()).await.unwrap().events;
    stored[0].header = vec![9].into();
    let entries = journal.decode(stored).await.unwrap();
    let [Err(unreadable)] = &entries[..] else { panic!("one entry: {entries:?}") };
    assert_eq!((unreadable.position, unreadable.stream), (1, None));
    assert!(matches!(unreadable.why, WhyUnreadable::Envelope(_)));
}

#[tokio::test]
async fn the_sealed_events_of_a_dossier_read_as_erased_and_the_others_as_they_were() {
    let (_folder, journal) = journal().await;
    append(&journal, 3, |event| event.sealed = event.header.revision != 1).await;
    let year = domain::SchoolYear(2026);
    let dossier = event().dossier(HERE.parse().unwrap(), year).unwrap();
    journal.erase(dossier).await.unwrap();
    let page = journal.read_all(0, 10, Filter::default()).await.unwrap();
    let events: Vec<_> = page.entries.into_iter().map(|entry| entry.unwrap().event).collect();
    let erased = Event::Erased(Stream::Person(person()));
    assert_eq!(events, [erased.clone(), event(), erased]);
}

/// An event on its way into the log, to be spoilt.
struct Draft {
    header: Header,
    content: Vec<u8>,
    sealed: bool,
    unknown_key: bool,
    broken: bool,
}

async fn append(journal: &Journal, events: u64, spoil: impl Fn(&mut Draft)) {
    let dossier = event().dossier(HERE.parse().unwrap(), domain::SchoolYear(2026)).unwrap();
    let (key_id, key) = journal.vault().key_for(dossier).await.unwrap();
    let mut written = Vec::new();
    for revision in 0..events {
        let content = event().payload().unwrap();
        let mut draft = Draft {
            header: header_of(revision),
            content,
            sealed: true,
            unknown_key: false,
            broken: false,
        };
        spoil(&mut draft);
        if draft.sealed {
            draft.header.key = Some(key_id);
        }
        if draft.unknown_key {
            draft.header.key = Some(KeyId(Uuid::from_u128(1)));
        }
        let bytes = header::encode(&draft.header).unwrap();
        let bound: &[u8] = if draft.broken { b"another envelope" } else { &bytes };
        let sealed = seal::seal(&key, bound, &draft.content).unwrap();
        let payload = if draft.sealed { sealed } else { draft.content.into() };
        written.push(NewEvent { id: draft.header.id, header: bytes, payload });
    }
    let mut expected = Expected::NoStream;
    let mut revision = 0;
    for events in written.chunks(400) {
        let append =
            StreamAppend { stream: Stream::Person(person()), expected, events: events.to_vec() };
        journal.log().append(append).await.unwrap();
        revision += u64::try_from(events.len()).unwrap();
        expected = Expected::Revision(revision - 1);
    }
}

fn header_of(revision: u64) -> Header {
    let command = CommandId(Uuid::from_u128(u128::from(revision) + 100));
    Header {
        stream: Stream::Person(person()),
        revision,
        id: EventId::of(command, 0),
        kind: "LanguageChosen".to_owned(),
        version: 1,
        school: HERE.parse().unwrap(),
        recorded_at: "2026-11-20T07:14:00Z".parse().unwrap(),
        occurred_at: "2026-11-20T07:14:00Z".parse().unwrap(),
        actor: AccountId::PREAU,
        command,
        correlation: command,
        causation: None,
        key: None,
    }
}

fn event() -> Event {
    Event::Person(person(), PersonEvent::LanguageChosen { language: Language::French })
}

fn person() -> PersonId {
    PersonId(Uuid::from_u128(0xADA))
}

async fn journal() -> (TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let journal = Journal::open(folder.path(), master, Clock::System).await.unwrap();
    (folder, journal)
}
