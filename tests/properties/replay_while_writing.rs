//! A rebuild while everybody writes and reads: nobody notices, and nothing is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    AccountId, CommandId, PersonId,
    people::{Language, Name, Person, PersonCommand},
};
use projections::files;
use replay::{Act, Clock, Node, keys::MasterKey, rebuild};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{data_folder::DataFolder, scene::reach};

const WRITERS: u64 = 8;

/// What there is to rebuild before it begins.
const PEOPLE: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_rebuilt_while_others_write_and_read() {
    let folder = DataFolder::new();
    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let (node, running) = Node::start(folder.path(), master, Clock::System).await.unwrap();
    for n in 0..PEOPLE {
        register(&node, n).await;
    }
    let over = Arc::new(AtomicBool::new(false));
    let mut busy = JoinSet::new();
    for writer in 1..=WRITERS {
        busy.spawn(write_until(node.clone(), writer << 32, Arc::clone(&over)));
    }
    busy.spawn(read_until(node.clone(), Arc::clone(&over)));

    let journal = node.journal();
    let rebuilt = rebuild::next_generation(journal, folder.path(), &mut |_| ()).await.unwrap();
    // Only what is written makes the follower look: the writers do not rest until it has taken over.
    let mut n = PEOPLE;
    while files::generations(folder.path()).unwrap() != [rebuilt] {
        let position = register(&node, n).await;
        reach(&node, position).await;
        n += 1;
    }
    over.store(true, Ordering::Relaxed);
    let done: u64 = busy.join_all().await.into_iter().sum();
    assert!(done > 0);

    let head = node.journal().log().head().await.unwrap();
    reach(&node, head).await;
    let scratch = tempfile::tempdir().unwrap();
    let differences = rebuild::diff(journal, folder.path(), scratch.path(), &mut |_| ()).await;
    assert_eq!(differences.unwrap(), []);
    node.stop(running).await;
}

async fn write_until(node: Node, first: u64, over: Arc<AtomicBool>) -> u64 {
    let mut n = first;
    while !over.load(Ordering::Relaxed) {
        // Nobody writes faster than the tables are folded for long.
        let position = register(&node, n).await;
        reach(&node, position).await;
        n += 1;
    }
    n - first
}

/// Asks for somebody who is there from the beginning, again and again.
async fn read_until(node: Node, over: Arc<AtomicBool>) -> u64 {
    while !over.load(Ordering::Relaxed) {
        let found = projections::people::person(&node.db(), person(0)).await;
        assert!(found.unwrap().is_some());
    }
    1
}

async fn register(node: &Node, n: u64) -> u64 {
    let name = Name { family: format!("Schmitt-{n}"), given: "Lou".to_owned(), usage: None };
    let (birth_date, language) = (None, Language::French);
    let command = PersonCommand::RegisterPerson { name, birth_date, language };
    let id = CommandId(person(n).0);
    let (school, at) = ("0670001A".parse().unwrap(), "2026-09-07T06:00:00Z".parse().unwrap());
    let act = Act::new(school, AccountId::PREAU, id, at);
    node.journal().execute::<Person>(person(n), command, &act).await.unwrap().position
}

fn person(n: u64) -> PersonId {
    PersonId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &n.to_be_bytes()))
}
