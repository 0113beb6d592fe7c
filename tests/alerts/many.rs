//! Many families at once: each is told once, by one node or by two.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use api::{Dispatcher, channels::Channels};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{MessageId, PersonId, alerts::message::Fate};
use projections::alerts::{AlertRow, of_school_on};
use replay::{Clock, Node, Place, Running, clock::SetClock, keys::MasterKey};
use serde_json::{Value, json};
use tests::{postgres::Server, sms_gateway::SmsGateway};

use super::crowd::{CLASSES, Crowd};
use crate::{data_folder::DataFolder, scene::reach};

const BEGIN: &str = "2026-11-20T07:00:00Z";

const STUDENTS: u32 = 2_000;

const GRACE_SECONDS: u32 = 600;

/// How often a node that has much to do is given more time to catch up.
const PATIENCE: u32 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_absences_of_a_minute_are_one_message_for_each_who_is_to_be_told() {
    let gateway = SmsGateway::start();
    let (folder, clock) = (DataFolder::new(), SetClock::at(BEGIN.parse().unwrap()));
    let (node, running) = start(folder.path().into(), folder.path(), &clock).await;
    let by_sms = |family: u32| family.is_multiple_of(2);
    let crowd = Crowd::found(node.journal(), (STUDENTS, by_sms), GRACE_SECONDS).await.unwrap();
    for class in 0..CLASSES {
        clock.set(begin() + TimeDelta::seconds(i64::from(class * 59 / CLASSES)));
        crowd.call_roll(node.journal(), class).await.unwrap();
    }
    catch_up(&node).await;
    let mut dispatcher = dispatcher(&node, &channels(&gateway, true), folder.path()).await;
    for seconds in [599, 600, 630, 659, 660] {
        clock.set(begin() + TimeDelta::seconds(seconds));
        settle(&mut dispatcher).await;
        assert!(seconds > 599 || gateway.asked().is_empty(), "before its time");
    }
    let alerts = of_school_on(&node.db(), crowd.school, begin().date_naive()).await.unwrap();
    assert_eq!(alerts.len(), usize::try_from(STUDENTS).unwrap());
    assert!(all_accepted(&alerts));
    let told = told(&alerts);
    assert_eq!(told.len(), usize::try_from(crowd.recipients()).unwrap());
    assert!(told.values().all(|message| message.len() == 1), "one message for all their children");
    let numbers = by_recipient(&gateway);
    assert!(numbers.values().all(|times| *times == 1), "{numbers:?}");
    let letters = fs::read_dir(folder.path().join("outbox")).unwrap().map(|file| {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        text.lines().next().unwrap().to_owned()
    });
    let letters: Vec<String> = letters.collect();
    let mailed = letters.iter().collect::<BTreeSet<_>>().len();
    assert_eq!(mailed, letters.len(), "nobody twice");
    assert_eq!(numbers.len() + mailed, told.len());
    drop(dispatcher);
    node.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_tell_sixty_absences_once_each() {
    let Some(nodes) = Nodes::start().await else { return };
    let gateway = SmsGateway::start();
    let crowd = nodes.are_missing().await;
    let [mut here, mut there] = nodes.dispatchers(&gateway).await;
    let (of_here, of_there) = futures_util::join!(here.settle(), there.settle());
    of_here.unwrap();
    of_there.unwrap();
    let numbers = by_recipient(&gateway);
    assert_eq!(numbers.len(), usize::try_from(crowd.recipients()).unwrap());
    assert!(numbers.values().all(|times| *times == 1), "without any key: {numbers:?}");
    assert!(all_accepted(&nodes.all_are_told(crowd).await));
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_leaves_halfway_the_other_finishes() {
    let Some(nodes) = Nodes::start().await else { return };
    let gateway = SmsGateway::start();
    let crowd = nodes.are_missing().await;
    let [mut here, mut there] = nodes.dispatchers(&gateway).await;
    // Dropped as soon as the gateway has had half of them: what was on the way is given up.
    let half = usize::try_from(crowd.recipients()).unwrap() / 2;
    let wait = tokio::task::spawn_blocking({
        let gateway = gateway.clone();
        move || gateway.wait_for(half)
    });
    tokio::select! {
        settled = here.settle() => settled.unwrap(),
        waited = wait => waited.unwrap(),
    }
    drop(here);
    // The claims have run out; and whoever was overtaken by a last word of the other looks once more.
    for seconds in [61, 6] {
        nodes.clock.set(nodes.clock.now() + TimeDelta::seconds(seconds));
        there.settle().await.unwrap();
    }
    let numbers = by_recipient(&gateway);
    assert_eq!(numbers.len(), usize::try_from(crowd.recipients()).unwrap());
    assert!(numbers.values().all(|times| *times <= 2), "{numbers:?}");
    nodes.all_are_told(crowd).await;
    nodes.stop().await;
}

/// Two nodes on one log, each with a folder of its own.
struct Nodes {
    all: [(Node, Running); 2],
    folder: DataFolder,
    clock: SetClock,
}

impl Nodes {
    async fn start() -> Option<Self> {
        let (url, folder) = (Server::shared()?.database(), DataFolder::new());
        let clock = SetClock::at(begin());
        let start = async |n: &str| {
            let mut place = Place::from(folder.path().join(n).as_path());
            (place.log, place.keys) = (url.parse().unwrap(), url.parse().unwrap());
            start(place, folder.path(), &clock).await
        };
        let all = [start("0").await, start("1").await];
        Some(Self { all, folder, clock })
    }

    /// Sixty students, who are missing since the moment that the families are to be told.
    async fn are_missing(&self) -> Crowd {
        let [(here, _), (there, _)] = &self.all;
        let crowd = Crowd::found(here.journal(), (60, |_| true), GRACE_SECONDS).await.unwrap();
        for class in 0..CLASSES {
            crowd.call_roll(here.journal(), class).await.unwrap();
        }
        catch_up(here).await;
        catch_up(there).await;
        self.clock.set(begin() + TimeDelta::seconds(GRACE_SECONDS.into()));
        crowd
    }

    async fn dispatchers(&self, gateway: &SmsGateway) -> [Dispatcher; 2] {
        let [(here, _), (there, _)] = &self.all;
        let channels = channels(gateway, false);
        let (here, there) = futures_util::join!(
            dispatcher(here, &channels, self.folder.path()),
            dispatcher(there, &channels, self.folder.path())
        );
        [here, there]
    }

    /// Finds everybody told; the alerts as they stand.
    async fn all_are_told(&self, crowd: Crowd) -> Vec<AlertRow> {
        let (node, _) = &self.all[1];
        catch_up(node).await;
        let alerts = of_school_on(&node.db(), crowd.school, begin().date_naive()).await.unwrap();
        assert_eq!(told(&alerts).len(), usize::try_from(crowd.recipients()).unwrap());
        alerts
    }

    async fn stop(self) {
        for (node, running) in self.all {
            node.stop(running).await;
        }
    }
}

/// The accepted messages that each person was told all their children's absences by. Whoever another
/// process meant to tell, and died, was told by one of these.
fn told(alerts: &[AlertRow]) -> BTreeMap<PersonId, BTreeSet<MessageId>> {
    let mut told: BTreeMap<PersonId, BTreeSet<MessageId>> = BTreeMap::new();
    for alert in alerts {
        let messages = &alert.sheet.messages;
        let accepted = messages.iter().filter(|(_, message)| message.fate == Fate::Accepted);
        let knows: BTreeSet<PersonId> = accepted.clone().map(|(_, message)| message.to).collect();
        assert!(messages.values().all(|message| knows.contains(&message.to)), "{messages:?}");
        for (id, message) in accepted {
            told.entry(message.to).or_default().insert(*id);
        }
    }
    told
}

/// Whether nothing is left open about any message.
fn all_accepted(alerts: &[AlertRow]) -> bool {
    let mut messages = alerts.iter().flat_map(|alert| alert.sheet.messages.values());
    messages.all(|message| message.fate == Fate::Accepted)
}

/// How often the gateway was asked to send something to each number.
fn by_recipient(gateway: &SmsGateway) -> BTreeMap<String, usize> {
    let mut numbers = BTreeMap::new();
    for asked in gateway.asked() {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        *numbers.entry(body["to"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    numbers
}

/// A gateway that knows no keys; mail goes into a folder, or there is none.
fn channels(gateway: &SmsGateway, with_mail: bool) -> Value {
    let mut channels = json!({ "sms": { "url": gateway.url(),
        "json": { "to": "{to}", "text": "{text}" },
        "answer": { "pointer": "/status", "accepted": ["100"] } } });
    if with_mail {
        channels["mail"] = json!({ "url": "file:outbox" });
    }
    channels
}

async fn dispatcher(node: &Node, channels: &Value, folder: &Path) -> Dispatcher {
    let settings = serde_json::from_value(channels.clone()).unwrap();
    let channels = Channels::new(&settings, folder, node.journal().clock()).unwrap();
    let public_url = "https://preau.test".parse().unwrap();
    Dispatcher::new(node.clone(), channels, &public_url).await.unwrap()
}

/// Lets a node finish that has more to do than it waits for.
async fn settle(dispatcher: &mut Dispatcher) {
    let mut settled = dispatcher.settle().await;
    for _ in 0..PATIENCE {
        if settled.is_ok() {
            break;
        }
        settled = dispatcher.settle().await;
    }
    settled.unwrap();
}

/// Waits until a node knows what was written, and what followed from it.
async fn catch_up(node: &Node) {
    reach(node, node.journal().log().head().await.unwrap()).await;
}

async fn start(place: Place, folder: &Path, clock: &SetClock) -> (Node, Running) {
    let master = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    Node::start(place, master, Clock::Set(clock.clone())).await.unwrap()
}

fn begin() -> DateTime<Utc> {
    BEGIN.parse().unwrap()
}
