//! A process that is killed at any instant loses nothing that it has acknowledged.

use std::{
    path::Path,
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use replay::{Clock, Journal, Node, keys::MasterKey, rebuild};

use super::{
    Writer,
    ledger::{Ack, Ledger},
};
use crate::data_folder::DataFolder;

const KILLS: u32 = 200;
const KILLS_PER_LOOK: u32 = 25;
const SEED: u64 = 0x5052_4541_5500_0009;

/// How long a start may take before the first acknowledgement.
const START_MAX: Duration = Duration::from_secs(30);

/// How often the tables are given five seconds more to catch up.
const PATIENCE: u32 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_that_was_acknowledged() {
    let folder = DataFolder::new();
    let (mut ledger, mut acknowledged) = (Ledger::default(), 0);
    for kill in 1..=KILLS {
        let acks = write_until_killed(folder.path(), kill);
        acknowledged += acks.len();
        acks.into_iter().for_each(|ack| ledger.note(ack));
        if kill.is_multiple_of(KILLS_PER_LOOK) {
            let journal = Journal::open(folder.path(), master(folder.path()), Clock::System);
            let journal = journal.await.unwrap();
            ledger.verify(&journal).await;
            journal.log().close().await;
        }
    }
    assert!(acknowledged > 20 * KILLS as usize, "{acknowledged} are too few to tell");
    the_tables_catch_up_and_equal_a_rebuild(folder.path(), ledger.verified).await;
}

/// One run: what was acknowledged before a kill, 5 to 60 milliseconds after the first of it.
fn write_until_killed(folder: &Path, run: u32) -> Vec<Ack> {
    let mut writer = Writer::start(folder, run, |_| ());
    let first = writer.lines.recv_timeout(START_MAX).unwrap();
    let deadline = Instant::now() + Duration::from_micros(5_000 + random(run) % 55_000);
    let mut acks = vec![Ack::read(&first)];
    loop {
        match writer.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => acks.push(Ack::read(&line)),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("run {run} ended by itself"),
        }
    }
    writer.child.kill().unwrap();
    writer.child.wait().unwrap();
    acks.extend(writer.lines.iter().map(|line| Ack::read(&line)));
    acks
}

async fn the_tables_catch_up_and_equal_a_rebuild(folder: &Path, head: u64) {
    let (node, running) = Node::start(folder, master(folder), Clock::System).await.unwrap();
    let mut reached = node.reach(head).await;
    for _ in 0..PATIENCE {
        if reached.is_ok() {
            break;
        }
        reached = node.reach(head).await;
    }
    reached.unwrap();
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
