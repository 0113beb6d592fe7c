//! A process that is killed at any instant loses nothing that it has acknowledged.

use std::{path::Path, time::Duration};

use replay::{Clock, Journal, Node, keys::MasterKey, rebuild};

use super::{
    Writer,
    ledger::{Ack, Ledger},
};
use crate::{data_folder::DataFolder, scene::reach};

const KILLS: u32 = 200;
const KILLS_PER_LOOK: u32 = 25;
const SEED: u64 = 0x5052_4541_5500_0009;

/// A run is killed after fewer acknowledgements than these, and so many microseconds.
const ACKS_MAX: u64 = 40;
const KILL_WITHIN_US: u64 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_that_was_acknowledged() {
    let folder = DataFolder::new();
    let mut ledger = Ledger::default();
    for kill in 1..=KILLS {
        write_until_killed(folder.path(), kill).into_iter().for_each(|ack| ledger.note(ack));
        if kill.is_multiple_of(KILLS_PER_LOOK) {
            let journal = Journal::open(folder.path(), master(folder.path()), Clock::System);
            let journal = journal.await.unwrap();
            ledger.verify(&journal).await;
            journal.log().close().await;
        }
    }
    the_tables_catch_up_and_equal_a_rebuild(folder.path(), ledger.verified).await;
}

/// One run: what was acknowledged before a kill, at whatever it did some acknowledgements later.
fn write_until_killed(folder: &Path, run: u32) -> Vec<Ack> {
    let random = random(run);
    let (acks, and) =
        (random % ACKS_MAX, Duration::from_micros(random / ACKS_MAX % KILL_WITHIN_US));
    let writer = Writer::start(folder, run, |_| ());
    let told = writer.killed_after(1 + usize::try_from(acks).unwrap(), and);
    told.iter().map(|line| Ack::read(line)).collect()
}

async fn the_tables_catch_up_and_equal_a_rebuild(folder: &Path, head: u64) {
    let (node, running) = Node::start(folder, master(folder), Clock::System).await.unwrap();
    reach(&node, head).await;
    let scratch = tempfile::tempdir().unwrap();
    let differences = rebuild::diff(node.journal(), folder, scratch.path(), &mut |_| ()).await;
    assert_eq!(differences.unwrap(), []);
    assert!(projections::files::count(&node.db()).await.unwrap() > u64::from(KILLS));
    node.stop(running).await;
}

fn master(folder: &Path) -> MasterKey {
    MasterKey::load_or_create(&folder.join("master.key")).unwrap()
}

/// The number that belongs to a run (splitmix64).
fn random(run: u32) -> u64 {
    let mut z = SEED.wrapping_add(u64::from(run).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
