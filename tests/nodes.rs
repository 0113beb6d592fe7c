//! Several nodes on one log and one vault: each folds tables of its own, and what holds on one holds on all.
//! Once the log is in the database of the vault, once on a (double of a) server of EventStoreDB.

use chrono::{DateTime, Utc};
use domain::{
    AccountId, Category, CommandId, Dossier, PersonId, SchoolYear, SessionId, Stream, Subject,
    access::{Device, Entry, Means, What, WhyRefused},
    people::{Language, Name, Person, PersonCommand},
};
use futures_util::future::join_all;
use replay::{
    Act, Clock, Done, Node, Place, Running, access::TokenHash, clock::SetClock, keys::MasterKey,
    keys::Opening, log::Filter, new_command_id,
};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use tests::{esdb_double::Double, postgres::Server};

const ADA: PersonId = PersonId(Uuid::from_u128(0xADA));
const SESSION: SessionId = SessionId(Uuid::from_u128(7));

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_command() {
    for nodes in Nodes::on_all_engines().await {
        let asked = act();
        let ask = |n: usize| {
            let (journal, asked) = (nodes.all[n % 2].0.journal().clone(), asked);
            tokio::spawn(async move { journal.execute::<Person>(ADA, register(), &asked).await })
        };
        let answers = join_all((0..100).map(ask)).await;
        let done: Vec<Done> = answers.into_iter().map(|done| done.unwrap().unwrap()).collect();
        let position = done[0].position;
        let as_first = |d: &Done| (d.position, d.revision, d.changed) == (position, Some(0), true);
        assert!(done.iter().all(as_first));
        assert_eq!(done.iter().filter(|done| !done.repeated).count(), 1);
        assert_eq!(nodes.all[0].0.journal().log().head().await.unwrap(), position);
        let log = nodes.all[1].0.journal().log().read_all(0, 10, Filter::default()).await.unwrap();
        assert_eq!(log.events.len(), 1);
        nodes.stop().await;
    }
}

#[tokio::test]
async fn what_was_written_on_one_node_is_read_on_the_other_by_its_position() {
    for nodes in Nodes::on_all_engines().await {
        let [(here, _), (there, _)] = &nodes.all;
        let done = here.journal().execute::<Person>(ADA, register(), &act()).await.unwrap();
        there.reach(done.position).await.unwrap();
        let known = projections::people::person(&there.db(), ADA).await.unwrap();
        assert_eq!(known.unwrap().name.family, "Lovelace");
        nodes.stop().await;
    }
}

#[tokio::test]
async fn a_session_is_opened_and_ended_on_all_nodes() {
    for nodes in Nodes::on_all_engines().await {
        let [(here, _), (there, _)] = &nodes.all;
        let (token, at) = (TokenHash::of("a token"), now());
        let person = ADA;
        let opened = What::SessionOpened {
            session: SESSION,
            person,
            token: token.to_string(),
            device: Device::Own,
            means: Means::Password,
            second_factor: false,
        };
        here.access().record(vec![entry(opened)]).await.unwrap();
        there.access().catch_up().await.unwrap();
        assert_eq!(there.access().session(&token, at).map(|session| session.id), Some(SESSION));

        there.access().record(vec![entry(What::SessionEnded { session: SESSION })]).await.unwrap();
        here.access().catch_up().await.unwrap();
        assert_eq!(here.access().session(&token, at), None);
        // The page that opened it is of this node: met again in the log, it opens nothing again.
        there.access().catch_up().await.unwrap();
        assert_eq!(there.access().session(&token, at), None);
        nodes.stop().await;
    }
}

#[tokio::test]
async fn what_ends_on_one_node_is_known_on_the_other_without_its_asking() {
    for nodes in Nodes::on_all_engines().await {
        let [(here, _), (there, _)] = &nodes.all;
        let refused = What::SignInRefused { why: WhyRefused::WrongPassword };
        here.access().record(vec![entry(refused)]).await.unwrap();
        let counted = async {
            while there.access().refusals_since(AccountId::of(ADA), now()) == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(std::time::Duration::from_secs(10), counted).await.unwrap();
        nodes.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_key_is_dropped_on_all_nodes_within_a_minute() {
    let Some(nodes) = Nodes::start().await else { return };
    let [(here, _), (there, _)] = &nodes.all;
    let asked = act();
    here.journal().execute::<Person>(ADA, register(), &asked).await.unwrap();
    there.journal().history(Stream::Person(ADA)).await.unwrap();
    let year = SchoolYear::containing(asked.occurred_at.date_naive());
    let dossier = Dossier { subject: Subject::Person(ADA), category: Category::Identity, year };
    let key = here.journal().erase(dossier).await.unwrap().unwrap();

    let dropped = async {
        while !matches!(there.journal().vault().opening(key).await, Ok(Opening::Erased)) {
            tokio::task::yield_now().await;
        }
    };
    timeout(std::time::Duration::from_secs(60), dropped).await.unwrap();
    let (again, _) = there.journal().vault().key_for(dossier).await.unwrap();
    assert_ne!(again, key);
    nodes.stop().await;
}

#[tokio::test]
async fn two_nodes_do_not_share_a_data_folder() {
    let Some(nodes) = Nodes::start().await else { return };
    let refused = nodes.start_in(0).await.unwrap_err();
    assert!(refused.to_string().contains("the data folder is already open elsewhere"));
    nodes.stop().await;
}

#[tokio::test]
async fn tables_of_another_log_are_made_anew() {
    let Some(server) = Server::shared() else { return };
    let folders = tempfile::tempdir().unwrap();
    for family in ["Lovelace", "Byron", "King"] {
        // Each time another, new database, and the folder of the one before.
        let place = place(&server.database(), &folders, 0);
        let (node, running) = Node::start(place, master(&folders), clock()).await.unwrap();
        let command = PersonCommand::RegisterPerson {
            name: Name { family: family.to_owned(), given: "Ada".to_owned(), usage: None },
            birth_date: None,
            language: Language::French,
        };
        let done = node.journal().execute::<Person>(ADA, command, &act()).await.unwrap();
        node.reach(done.position).await.unwrap();
        let known = projections::people::person(&node.db(), ADA).await.unwrap();
        assert_eq!(known.unwrap().name.family, family);
        node.stop(running).await;
    }
}

/// Two nodes on one new log and one new vault, each with a folder of its own.
struct Nodes {
    all: [(Node, Running); 2],
    url: String,
    folders: TempDir,
    /// Where the log is, if not in the database of the vault.
    _log: Option<Double>,
}

impl Nodes {
    async fn on_all_engines() -> Vec<Self> {
        let mut nodes = Vec::from_iter(Self::start().await);
        if !nodes.is_empty() {
            nodes.extend(Self::start_on(Some(Double::start())).await);
        }
        nodes
    }

    async fn start() -> Option<Self> {
        Self::start_on(None).await
    }

    async fn start_on(log: Option<Double>) -> Option<Self> {
        let (url, folders) = (Server::shared()?.database(), tempfile::tempdir().unwrap());
        let start = async |n| {
            let mut place = place(&url, &folders, n);
            if let Some(double) = &log {
                place.log = double.url().parse().unwrap();
            }
            Node::start(place, master(&folders), clock()).await
        };
        let all = [start(0).await.unwrap(), start(1).await.unwrap()];
        Some(Self { all, url, folders, _log: log })
    }

    async fn start_in(&self, n: u32) -> anyhow::Result<(Node, Running)> {
        Node::start(place(&self.url, &self.folders, n), master(&self.folders), clock()).await
    }

    async fn stop(self) {
        for (node, running) in self.all {
            node.stop(running).await;
        }
    }
}

fn place(url: &str, folders: &TempDir, n: u32) -> Place {
    let mut place = Place::from(folders.path().join(n.to_string()).as_path());
    (place.log, place.keys) = (url.parse().unwrap(), url.parse().unwrap());
    place
}

fn master(folders: &TempDir) -> MasterKey {
    MasterKey::load_or_create(&folders.path().join("master.key")).unwrap()
}

fn clock() -> Clock {
    Clock::Set(SetClock::at(now()))
}

fn now() -> DateTime<Utc> {
    "2026-11-20T07:14:00Z".parse().unwrap()
}

fn entry(what: What) -> Entry {
    Entry { at: now(), account: Some(AccountId::of(ADA)), what }
}

fn act() -> Act {
    let command: CommandId = new_command_id();
    Act::new("0549998Z".parse().unwrap(), AccountId(Uuid::from_u128(9)), command, now())
}

fn register() -> PersonCommand {
    let name = Name { family: "Lovelace".to_owned(), given: "Ada".to_owned(), usage: None };
    PersonCommand::RegisterPerson { name, birth_date: None, language: Language::French }
}
