//! Following: keeping the tables of a node up to the log, and telling how far they are.
//!
//! One task folds. Readers are told positions on a watch, so that whoever wrote something can wait
//! until it shows. A rebuilt generation that appears in the folder takes the place of the one that
//! serves, which goes on serving until then. What a fold is, is `projections`' business.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use projections::{
    files,
    writer::{Pace, Writer},
};
use sqlx::SqlitePool;
use tokio::{sync::watch, time::Instant};

use crate::{
    Journal, header,
    log::{Filter, StoreError},
    react::CHECKPOINT,
    rebuild::{self, Until, sort_out},
};

/// Events folded in one transaction while following.
const PAGE_EVENTS: usize = 2_000;

/// How often a follower looks by itself: for a wake-up call that was lost, and for a new generation.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a question may go on with tables that were replaced.
const QUESTION_MAX: Duration = Duration::from_secs(60);

/// The file that says of which log the tables of a folder are.
const LOG_NAME: &str = "tables.log";

/// How long it waits after a failure before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The tables of a node, kept up to the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tables {
    db: Arc<RwLock<SqlitePool>>,
    folded: watch::Receiver<u64>,
}

impl Tables {
    /// The tables as they are now; a rebuild may put others in their place at any time.
    pub fn db(&self) -> SqlitePool {
        self.db.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The position that the tables go up to.
    pub fn folded(&self) -> u64 {
        *self.folded.borrow()
    }

    /// The same, for whoever waits for it to change; it ends with the follower.
    pub(crate) fn following(&self) -> watch::Receiver<u64> {
        self.folded.clone()
    }

    /// Waits until the tables go up to a position, for as long as the caller lets it.
    pub async fn reach(&self, position: u64) {
        let mut folded = self.folded.clone();
        if folded.wait_for(|folded| *folded >= position).await.is_err() {
            // The follower has stopped: what is not folded now never will be.
            std::future::pending().await
        }
    }
}

/// Keeps the tables up to the log.
pub(crate) struct Follower {
    journal: Journal,
    folder: PathBuf,
    generation: u32,
    writer: Writer,
    db: Arc<RwLock<SqlitePool>>,
    folded: watch::Sender<u64>,
    /// Whether it is written down of which log these tables are.
    named: bool,
}

impl Follower {
    /// Opens the newest whole generation of the folder. If there is none of these folds, fills one
    /// first, so that nobody is shown what other folds made.
    pub(crate) async fn open(journal: Journal, folder: &Path) -> anyhow::Result<(Self, Tables)> {
        delete_foreign(&journal, folder).await?;
        let generation = match files::newest_whole(folder).await? {
            Some(generation) => generation,
            None => rebuild::first_generation(&journal, folder).await?,
        };
        let path = files::path(folder, generation);
        let writer = Writer::open(&path, Pace::Live).await?;
        let db = Arc::new(RwLock::new(files::open(&path).await?));
        let (publish, folded) = watch::channel(writer.folded());
        let tables = Tables { db: Arc::clone(&db), folded };
        let folder = folder.to_owned();
        let named = folder.join(LOG_NAME).exists();
        let follower = Self { journal, folder, generation, writer, db, folded: publish, named };
        delete_older(&follower.folder, generation)?;
        Ok((follower, tables))
    }

    /// Follows until it is told to stop. A failure is logged and tried again: readers see older
    /// tables meanwhile, writers are not held up.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut wake = self.journal.log().wake();
        let mut looked = Instant::now();
        while !*stop.borrow() {
            let pause = match self.step(&mut looked).await {
                Ok(true) => LOOK_EVERY,
                Ok(false) => continue,
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "the tables cannot be folded");
                    RETRY_AFTER
                }
            };
            tokio::select! {
                woken = wake.changed() => if woken.is_err() { break },
                stopped = stop.changed() => if stopped.is_err() { break },
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = self.writer.close().await {
            tracing::warn!(%error, "the tables could not be closed");
        }
    }

    /// Folds a page, and looks now and then for newer tables. Says whether there was nothing more
    /// to fold.
    async fn step(&mut self, looked: &mut Instant) -> anyhow::Result<bool> {
        let caught_up = follow_page(&self.journal, &mut self.writer).await?;
        self.folded.send_replace(self.writer.folded());
        if !self.named && self.writer.folded() > 0 {
            let name = name_of(&self.journal).await?;
            std::fs::write(self.folder.join(LOG_NAME), name.unwrap_or_default())?;
            self.named = true;
        }
        if looked.elapsed() >= LOOK_EVERY {
            *looked = Instant::now();
            self.take_over_newer().await?;
        }
        Ok(caught_up)
    }

    /// Puts a generation that was rebuilt beside this one in its place.
    async fn take_over_newer(&mut self) -> anyhow::Result<()> {
        let newest = files::newest_whole(&self.folder).await?;
        let Some(newer) = newest.filter(|newest| *newest > self.generation) else { return Ok(()) };
        let path = files::path(&self.folder, newer);
        let mut writer = Writer::open(&path, Pace::Live).await?;
        while writer.folded() < self.writer.folded() {
            follow_page(&self.journal, &mut writer).await?;
        }
        let db = files::open(&path).await?;
        let old = {
            let mut serving = self.db.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *serving, db)
        };
        std::mem::replace(&mut self.writer, writer).close().await?;
        self.generation = newer;
        tracing::info!(generation = newer, "rebuilt tables serve from now on");
        // Whoever has the old tables in hand goes on asking them; their last user closes them.
        drop(old);
        let (folder, generation) = (self.folder.clone(), self.generation);
        tokio::spawn(async move {
            tokio::time::sleep(QUESTION_MAX).await;
            if let Err(error) = delete_older(&folder, generation) {
                tracing::warn!(%error, "older tables could not be deleted");
            }
        });
        Ok(())
    }
}

/// Deletes tables that are not of this log: folded from another one, or from an end that a log which
/// was restored has lost.
async fn delete_foreign(journal: &Journal, folder: &Path) -> anyhow::Result<()> {
    let head = journal.log().head().await?;
    let known = match std::fs::read_to_string(folder.join(LOG_NAME)) {
        Ok(known) => Some(known),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let foreign = known.is_some() && known != name_of(journal).await?;
    for generation in files::generations(folder)? {
        let Some(folded) = files::folded_to(&files::path(folder, generation)).await else {
            continue;
        };
        if foreign || folded > head || !is_told(journal, folded).await? {
            tracing::warn!(generation, "these tables are of another log: they are made anew");
            files::delete(folder, generation)?;
        }
    }
    if foreign {
        // Reactions begin anew with them: how far they had run was said of the other log.
        for file in [CHECKPOINT, LOG_NAME] {
            match std::fs::remove_file(folder.join(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// Whether the log has told this position. Where positions have gaps, one of another log is in a gap.
async fn is_told(journal: &Journal, position: u64) -> Result<bool, StoreError> {
    match journal.log().read_all(position, 1, Filter::default()).await {
        Ok(_) => Ok(true),
        Err(StoreError::NoSuchPosition(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What tells a log from others: its first event and where that is. None while it is empty.
async fn name_of(journal: &Journal) -> anyhow::Result<Option<String>> {
    let page = journal.log().read_all(0, 1, Filter::default()).await?;
    let Some(first) = page.events.first() else { return Ok(None) };
    Ok(Some(format!("{} {}\n", first.position, header::decode(&first.header)?.id.0)))
}

fn delete_older(folder: &Path, generation: u32) -> std::io::Result<()> {
    let older = files::generations(folder)?.into_iter().filter(|older| *older < generation);
    older.into_iter().try_for_each(|older| files::delete(folder, older))
}

async fn follow_page(journal: &Journal, writer: &mut Writer) -> anyhow::Result<bool> {
    let page = journal.read_all(writer.folded(), PAGE_EVENTS, Filter::default()).await?;
    if page.next > writer.folded() {
        let (events, parked) = sort_out(page.entries, &Until::default());
        writer.apply(&events, parked, page.next).await?;
    }
    Ok(page.caught_up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, keys::MasterKey};

    #[tokio::test]
    async fn what_was_said_of_another_log_is_forgotten_and_what_was_said_of_this_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let journal = Journal::open(folder.path(), master, Clock::System).await.unwrap();
        let checkpoint = folder.path().join(CHECKPOINT);
        std::fs::write(&checkpoint, "7").unwrap();
        delete_foreign(&journal, folder.path()).await.unwrap();
        assert!(checkpoint.exists(), "nothing says of which log it is");

        std::fs::write(folder.path().join(LOG_NAME), "1 of another log\n").unwrap();
        delete_foreign(&journal, folder.path()).await.unwrap();
        assert!(!checkpoint.exists() && !folder.path().join(LOG_NAME).exists());
    }
}
