//! The access log of a node: what it remembers of sign-ins and reads, and for how long.
//!
//! What it writes, page by page, is tested beside its code; who may read it is told in `access.rs`.

#[path = "access_log/command.rs"]
mod command;

use std::path::Path;

use chrono::{DateTime, Months, Utc};
use domain::{
    AccountId, PersonId, SessionId,
    access::{Action, Device, Entry, Means, Rule, What},
};
use replay::{
    Clock, Node, Running,
    access::{About, Asked, Found, TokenHash},
    clock::SetClock,
    keys::MasterKey,
    rebuild,
};
use uuid::Uuid;

use crate::{data_folder::DataFolder, scene::Scene};

const LEA: PersonId = PersonId(Uuid::from_u128(0x1EA));

#[tokio::test]
async fn a_node_that_is_started_again_knows_who_is_signed_in() {
    let (folder, clock) = (DataFolder::new(), clock());
    let (node, running) = start(folder.path(), &clock).await;
    node.access().record(vec![signed_in(clock.now())]).await.unwrap();
    node.stop(running).await;
    let (node, running) = start(folder.path(), &clock).await;
    let session = node.access().session(&TokenHash::of("token"), clock.now()).unwrap();
    assert_eq!((session.person, session.means), (LEA, Means::Password));
    node.stop(running).await;
}

#[tokio::test]
async fn a_node_destroys_by_itself_what_is_older_than_twelve_months() {
    let (folder, clock) = (DataFolder::new(), clock());
    let (node, running) = start(folder.path(), &clock).await;
    node.access().record(vec![read(clock.now())]).await.unwrap();
    node.stop(running).await;

    clock.set(clock.now() + Months::new(12));
    let (node, running) = start(folder.path(), &clock).await;
    assert_eq!(found(&node).await.entries.len(), 1, "not yet");
    node.stop(running).await;

    clock.set(clock.now() + chrono::TimeDelta::seconds(1));
    let (node, running) = start(folder.path(), &clock).await;
    while !found(&node).await.entries.is_empty() {
        tokio::task::yield_now().await;
    }
    let position = node.access().record(vec![read(clock.now())]).await.unwrap();
    let found = found(&node).await;
    assert_eq!((found.entries[0].position, found.unreadable), (position, 0));
    assert!(position > 1, "positions go on");
    node.stop(running).await;
}

#[tokio::test]
async fn a_node_keeps_its_access_log_for_as_many_months_as_it_is_told() {
    for months in [1, 36].map(Months::new) {
        let (folder, clock) = (DataFolder::new(), clock());
        let start = async || {
            let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
            let clock = Clock::Set(clock.clone());
            Node::start_keeping(months, folder.path(), master, clock).await.unwrap()
        };
        let (node, running) = start().await;
        node.access().record(vec![read(clock.now())]).await.unwrap();
        node.stop(running).await;

        clock.set(clock.now() + months);
        let (node, running) = start().await;
        assert_eq!(found(&node).await.entries.len(), 1, "not yet after {months:?}");
        node.stop(running).await;

        clock.set(clock.now() + chrono::TimeDelta::seconds(1));
        let (node, running) = start().await;
        while !found(&node).await.entries.is_empty() {
            tokio::task::yield_now().await;
        }
        node.stop(running).await;
    }
}

#[tokio::test]
async fn what_is_read_is_no_part_of_the_life_of_a_school() {
    let scene = Scene::school().await;
    let before = scene.node.journal().log().head().await.unwrap();
    for _ in 0..3 {
        scene.node.access().record(vec![read(scene.clock.now())]).await.unwrap();
    }
    assert_eq!(scene.node.journal().log().head().await.unwrap(), before);
    let scratch = tempfile::tempdir().unwrap();
    let (journal, folder) = (scene.node.journal(), scene.folder.path());
    let differences = rebuild::diff(journal, folder, scratch.path(), &mut |_| ()).await.unwrap();
    assert_eq!(differences, []);
}

async fn start(folder: &Path, clock: &SetClock) -> (Node, Running) {
    let master = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    Node::start(folder, master, Clock::Set(clock.clone())).await.unwrap()
}

/// What is written down about Léa.
async fn found(node: &Node) -> Found {
    let (from, until) = (DateTime::UNIX_EPOCH, node.journal().clock().now() + Months::new(1));
    let asked = Asked { about: About::Person(LEA), from, until, after: 0, max: 1_000 };
    node.access().entries(&asked).await.unwrap()
}

fn clock() -> SetClock {
    SetClock::at("2026-11-20T07:14:00Z".parse().unwrap())
}

fn signed_in(at: DateTime<Utc>) -> Entry {
    let what = What::SessionOpened {
        session: SessionId(Uuid::from_u128(1)),
        person: LEA,
        token: TokenHash::of("token").to_string(),
        device: Device::Own,
        means: Means::Password,
        second_factor: false,
    };
    Entry { at, account: Some(AccountId::of(LEA)), what }
}

fn read(at: DateTime<Utc>) -> Entry {
    let what = What::Read {
        school: "0670001A".parse().unwrap(),
        subject: Some(LEA),
        action: Action::ReadAttendance,
        rule: Rule::Own,
    };
    Entry { at, account: Some(AccountId::of(LEA)), what }
}
