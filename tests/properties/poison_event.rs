//! An event that cannot be read stops its own stream and nothing else.

use domain::{
    AccountId, CommandId, EventId, Header, KeyId, PersonId, Stream,
    people::{Language, Name, Person, PersonCommand},
};
use replay::{
    Act, Clock, Node, header,
    keys::MasterKey,
    log::{Expected, NewEvent, StreamAppend},
    rebuild,
};
use uuid::Uuid;

use crate::data_folder::DataFolder;

const POISONED: PersonId = PersonId(Uuid::from_u128(0xADA));
const OTHER: PersonId = PersonId(Uuid::from_u128(0xB0B));

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_parks_its_stream_and_stops_nothing_else() {
    let folder = DataFolder::new();
    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let (node, running) = Node::start(folder.path(), master, Clock::System).await.unwrap();
    register(&node, POISONED).await;
    let poisoned = append(&node, 1, Some(KeyId(Uuid::from_u128(1)))).await;
    let behind = append(&node, 2, None).await;
    let last = register(&node, OTHER).await;
    node.reach(last).await.unwrap();

    let parked = projections::files::parked(&node.db()).await.unwrap();
    let told: Vec<_> = parked.iter().map(|p| (p.position, p.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            (poisoned, "its key 00000000-0000-0000-0000-000000000001 is not in the vault"),
            (behind, "an earlier event of this stream cannot be read"),
        ]
    );
    let stream = Some(Stream::Person(POISONED).to_string());
    assert!(parked.iter().all(|parked| parked.stream == stream));
    for person in [POISONED, OTHER] {
        let row = projections::people::person(&node.db(), person).await.unwrap();
        assert_eq!(row.unwrap().language, Language::French, "as it was before");
    }

    let rebuilt = rebuild::next_generation(node.journal(), folder.path(), &mut |_| ()).await;
    let refused = format!("{:#}", rebuilt.unwrap_err());
    assert!(refused.contains(&format!("the event at position {poisoned} cannot")), "{refused}");
    node.stop(running).await;
}

async fn register(node: &Node, person: PersonId) -> u64 {
    let name = Name { family: "Schmitt".to_owned(), given: "Lou".to_owned(), usage: None };
    let (birth_date, language) = (None, Language::French);
    let command = PersonCommand::RegisterPerson { name, birth_date, language };
    let id = CommandId(person.0);
    let (school, at) = ("0670001A".parse().unwrap(), "2026-09-07T06:00:00Z".parse().unwrap());
    let act = Act::new(school, AccountId::PREAU, id, at);
    node.journal().execute::<Person>(person, command, &act).await.unwrap().position
}

/// An event of the poisoned stream, in clear, said to be sealed under `key`.
async fn append(node: &Node, revision: u64, key: Option<KeyId>) -> u64 {
    let command = CommandId(Uuid::from_u128(revision.into()));
    let at = "2026-09-07T06:00:00Z".parse().unwrap();
    let header = Header {
        stream: Stream::Person(POISONED),
        revision,
        id: EventId::of(command, 0),
        kind: "LanguageChosen".to_owned(),
        version: 1,
        school: "0670001A".parse().unwrap(),
        recorded_at: at,
        occurred_at: at,
        actor: AccountId::PREAU,
        command,
        correlation: command,
        causation: None,
        key,
    };
    let payload = br#"{"LanguageChosen":{"language":"tr"}}"#.as_slice().into();
    let header_bytes = header::encode(&header).unwrap();
    let events = vec![NewEvent { id: header.id, header: header_bytes, payload }];
    let expected = Expected::Revision(revision - 1);
    let append = StreamAppend { stream: header.stream, expected, events };
    node.journal().log().append(append).await.unwrap().position
}
