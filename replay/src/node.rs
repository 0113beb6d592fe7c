//! A node: a journal, the tables that follow it, the reactions that run on it, and the access log.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::Months;
use sqlx::SqlitePool;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    AccessLog, Clock, Journal, Place, access,
    follow::{Follower, Tables},
    keys::MasterKey,
    lock::Lock,
    react::{Reacted, Reactor},
};

/// How long a reader waits for what it names before it is told to ask again.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// From an event to the last thing that follows from it: a roll call, an absence, an alert or a follow-up.
const CONSEQUENCES_MAX: usize = 2;

/// Everything that runs on a place. Cheap to clone; whoever stops it stops it for all.
#[derive(Clone, Debug)]
pub struct Node {
    journal: Journal,
    access: AccessLog,
    tables: Tables,
    reacted: watch::Receiver<Reacted>,
    stop: watch::Sender<bool>,
    scratch: Arc<Path>,
}

/// The tasks of a node, to be waited for when it stops.
#[derive(Debug)]
pub struct Running {
    follower: JoinHandle<()>,
    reactor: JoinHandle<()>,
    /// The tables of a folder are one node's.
    lock: Lock,
}

/// The tables did not reach the position in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tables have not reached this position yet")]
pub struct NotYet;

impl Node {
    /// Opens a place, fills its tables if need be, and begins to follow and to react.
    ///
    /// # Errors
    /// When the folder, a log, the vault or the tables cannot be opened.
    pub async fn start(
        place: impl Into<Place>,
        master: MasterKey,
        clock: Clock,
    ) -> anyhow::Result<(Self, Running)> {
        Self::start_keeping(access::KEPT, place, master, clock).await
    }

    /// The same, where the access log is kept for another number of months.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn start_keeping(
        kept: Months,
        place: impl Into<Place>,
        master: MasterKey,
        clock: Clock,
    ) -> anyhow::Result<(Self, Running)> {
        let place = place.into();
        let folder = &place.folder;
        std::fs::create_dir_all(folder)?;
        let lock = Lock::take("the data folder", &folder.join("node.lock"))?;
        let journal = Journal::open(place.clone(), master, clock).await?;
        let access = AccessLog::open(&place.log, &journal, kept).await?;
        let (follower, tables) = Follower::open(journal.clone(), folder).await?;
        let (reactor, reacted) = Reactor::open(journal.clone(), tables.clone(), folder).await?;
        let scratch = empty_scratch(folder)?;
        let (stop, stopping) = watch::channel(false);
        let follower = tokio::spawn(follower.run(stopping.clone()));
        let reactor = tokio::spawn(reactor.run(stopping));
        let node = Self { journal, access, tables, reacted, stop, scratch };
        Ok((node, Running { follower, reactor, lock }))
    }

    /// The log and its keys.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Who signed in and who read what.
    pub fn access(&self) -> &AccessLog {
        &self.access
    }

    /// A folder for files that are worth nothing when the node stops. It lies in the data folder:
    /// what is in it is as personal as what is in the tables.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// The tables as they are now.
    pub fn db(&self) -> SqlitePool {
        self.tables.db()
    }

    /// The position that the tables go up to.
    pub fn folded(&self) -> u64 {
        self.tables.folded()
    }

    /// The same, for whoever waits for it to change; it ends with the node.
    pub fn following(&self) -> watch::Receiver<u64> {
        self.tables.following()
    }

    /// How far reactions have run.
    pub fn reacted(&self) -> Reacted {
        *self.reacted.borrow()
    }

    /// Waits until the tables show the event at a position and all that followed from it.
    ///
    /// # Errors
    /// When that takes more than five seconds.
    pub async fn reach(&self, position: u64) -> Result<(), NotYet> {
        let all = async {
            let (mut reacted, mut last) = (self.reacted.clone(), position);
            // What a reaction wrote has consequences of its own: a roll call's absence, and its alert.
            for _ in 0..CONSEQUENCES_MAX {
                let Ok(followed) = reacted.wait_for(|r| r.upto >= last).await.map(|r| *r) else {
                    return std::future::pending().await;
                };
                last = last.max(followed.wrote);
            }
            self.tables.reach(last).await;
        };
        tokio::time::timeout(WAIT_MAX, all).await.map_err(|_| NotYet)
    }

    /// Stops following and reacting, commits what is queued and closes the files.
    pub async fn stop(&self, running: Running) {
        self.stop.send_replace(true);
        // A task that panicked has stopped too; the log is closed all the same.
        let _panicked = tokio::join!(running.reactor, running.follower);
        self.access.close().await;
        self.journal.log().close().await;
        drop(running.lock);
    }
}

fn empty_scratch(folder: &Path) -> std::io::Result<Arc<Path>> {
    let scratch = folder.join("scratch");
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)?;
    }
    std::fs::create_dir(&scratch)?;
    Ok(scratch.into())
}
