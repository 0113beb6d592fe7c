//! The one who writes a read model: pages of events in, tables and checkpoint out, together.
//!
//! A checkpoint moves in the transaction of the rows that it speaks of, so that a read model is
//! never half a page ahead or behind. Which pages there are, and when, is `replay`'s business.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use domain::Recorded;
use serde::Serialize;
use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{
    FOLDS, all_tables,
    fold::{self, FoldError, Folded},
    store::Store,
};

/// Rows kept in memory between pages, some 600 bytes each. When there are more they are forgotten,
/// and loaded again when they are touched.
const ROWS_IN_MEMORY_MAX: usize = 50_000;

/// The same for a rebuild, which touches many rows again and has no readers to leave memory to.
const ROWS_IN_MEMORY_MAX_OF_REBUILD: usize = 1_000_000;

/// Rows that a rebuild writes at a time, while it folds the next ones.
const ROWS_PER_WRITE: usize = 50_000;

/// The page cache of the writer, in KiB as SQLite counts it.
const CACHE: &str = "-16384";

/// The same for a rebuild, which writes all over the file.
const CACHE_OF_REBUILD: &str = "-393216";

/// How a read model is being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Every page is written at once, for those who wait for it.
    Live,
    /// Pages are folded in memory; rows are written by the ten thousand, while folding goes on.
    Rebuild,
}

/// An event that could not be read. Later events of its stream queue behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Parked {
    /// Its place in the log.
    #[sqlx(try_from = "i64")]
    pub position: u64,
    /// The stream that waits; none where not even the envelope could be read.
    pub stream: Option<String>,
    /// Why it could not be read.
    pub reason: String,
    /// Whether a later version of the program wrote it, and can.
    pub later: bool,
}

impl Parked {
    /// Has the stream wait behind the first of its events that could not be read.
    fn note(&self, waiting: &mut HashMap<String, u64>) {
        if let Some(stream) = &self.stream {
            let first = waiting.entry(stream.clone()).or_insert(self.position);
            *first = self.position.min(*first);
        }
    }
}

/// The one writer of a read model.
pub struct Writer {
    file: Store,
    path: PathBuf,
    /// The indexes that a rebuild makes at the end, in SQL: sorting once is cheaper than keeping
    /// them sorted.
    indexes: Vec<String>,
    tables: Vec<Box<dyn Folded>>,
    /// The streams that wait, and the position of the event they wait behind.
    waiting: HashMap<String, u64>,
    folded: u64,
    pace: Pace,
}

impl Writer {
    /// Opens a read model to write it, and creates it at first.
    ///
    /// # Errors
    /// When the file cannot be opened, or is not a read model.
    pub async fn open(path: &Path, pace: Pace) -> Result<Self, FoldError> {
        let (journal, synchronous, cache) = match pace {
            // The log is the truth: what a power cut takes from the tables is folded again.
            Pace::Live => (SqliteJournalMode::Wal, SqliteSynchronous::Normal, CACHE),
            // Nobody reads it yet, and one that is not finished is deleted, not repaired.
            Pace::Rebuild => (SqliteJournalMode::Off, SqliteSynchronous::Off, CACHE_OF_REBUILD),
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .pragma("cache_size", cache)
            .journal_mode(journal)
            .synchronous(synchronous)
            .busy_timeout(std::time::Duration::from_secs(30));
        let mut db = SqliteConnection::connect_with(&options).await?;
        sqlx::migrate!().run_direct(None, &mut db, false).await?;
        sqlx::query("update checkpoint set folds = ?1 where position = 0")
            .bind(FOLDS)
            .execute(&mut db)
            .await?;
        let folded: i64 =
            sqlx::query_scalar("select position from checkpoint").fetch_one(&mut db).await?;
        let parked: Vec<Parked> =
            sqlx::query_as("select position, stream, reason, later from parked")
                .fetch_all(&mut db)
                .await?;
        let mut waiting = HashMap::new();
        parked.iter().for_each(|parked| parked.note(&mut waiting));
        let folded = u64::try_from(folded).unwrap_or_default();
        let indexes = match pace {
            Pace::Rebuild => take_indexes(&mut db).await?,
            Pace::Live => Vec::new(),
        };
        let (file, path, tables) = (Store::Idle(db), path.to_owned(), all_tables(folded == 0));
        Ok(Self { file, path, indexes, tables, waiting, folded, pace })
    }

    /// The position that the tables go up to, some of it perhaps still in memory.
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// Folds a page, and what could not be read of it, up to position `to`.
    ///
    /// # Errors
    /// When the file cannot be read or written. The page is then as if it had not been given; a
    /// rebuild begins again in another file.
    pub async fn apply(
        &mut self,
        page: &[Recorded],
        parked: Vec<Parked>,
        to: u64,
    ) -> Result<(), FoldError> {
        let before = self.folded;
        let done = self.fold_and_write(page, parked, to).await;
        if done.is_err() {
            self.tables = all_tables(false);
            self.folded = before;
        }
        done
    }

    async fn fold_and_write(
        &mut self,
        page: &[Recorded],
        mut parked: Vec<Parked>,
        to: u64,
    ) -> Result<(), FoldError> {
        for Parked { stream, position, reason, later } in &parked {
            if *later {
                let told = "a later version of the program has written here: upgrade this node; \
                    until then the stream stays as it was";
                tracing::warn!(position, stream, reason, "{told}");
            } else {
                let told = "an event cannot be read; its stream waits";
                tracing::error!(position, stream, reason, "{told}");
            }
        }
        parked.iter().for_each(|parked| parked.note(&mut self.waiting));
        let (waiting, page) = self.those_who_wait(page);
        parked.extend(waiting);
        let loads = self.tables.iter().any(|table| !table.is_whole());
        let db = if loads { Some(self.file.idle().await?) } else { None };
        fold_page(&mut self.tables, &page, db).await?;
        self.folded = to;
        let sum = |count: fn(&dyn Folded) -> usize| self.tables.iter().map(|t| count(&**t)).sum();
        let (rows, changed): (usize, usize) = (sum(|table| table.len()), sum(|t| t.changed()));
        let full = rows
            > match self.pace {
                Pace::Live => ROWS_IN_MEMORY_MAX,
                Pace::Rebuild => ROWS_IN_MEMORY_MAX_OF_REBUILD,
            };
        match self.pace {
            Pace::Live => self.write(parked).await?.idle().await.map(|_| ())?,
            Pace::Rebuild if full || changed > ROWS_PER_WRITE || !parked.is_empty() => {
                self.write(parked).await?;
            }
            Pace::Rebuild => {}
        }
        if full {
            self.tables.iter_mut().for_each(|table| table.forget());
        }
        Ok(())
    }

    /// The events of streams that wait behind one that could not be read, and the others.
    fn those_who_wait<'a>(&self, page: &'a [Recorded]) -> (Vec<Parked>, Vec<&'a Recorded>) {
        if self.waiting.is_empty() {
            return (vec![], page.iter().collect());
        }
        let waits = |recorded: &&Recorded| {
            let behind = self.waiting.get(&recorded.header.stream.to_string());
            behind.is_some_and(|position| *position < recorded.position)
        };
        let (waiting, page): (Vec<&Recorded>, Vec<&Recorded>) = page.iter().partition(waits);
        let park = |recorded: &&Recorded| Parked {
            position: recorded.position,
            stream: Some(recorded.header.stream.to_string()),
            reason: "an earlier event of this stream cannot be read".to_owned(),
            later: false,
        };
        (waiting.iter().map(park).collect(), page)
    }

    /// Begins to write what changed, once what was being written is on the file.
    async fn write(&mut self, parked: Vec<Parked>) -> Result<&mut Store, FoldError> {
        let changes = self.tables.iter_mut().map(|table| Ok((table.sql(), table.changes()?)));
        let changes = changes.collect::<Result<Vec<_>, FoldError>>()?;
        self.file.write(changes, parked, self.folded).await?;
        Ok(&mut self.file)
    }

    /// Writes what is still in memory, and marks the read model as whole: it may be served. That
    /// mark is on the disk after all that it speaks of.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn finish(mut self) -> Result<(), FoldError> {
        let indexes = std::mem::take(&mut self.indexes);
        let mut db = self.write(vec![]).await?.take().await?;
        for index in indexes {
            sqlx::query(AssertSqlSafe(index)).execute(&mut db).await?;
        }
        sync(&self.path)?;
        sqlx::query("update checkpoint set complete = true").execute(&mut db).await?;
        db.close().await?;
        sync(&self.path)
    }

    /// Closes the file.
    ///
    /// # Errors
    /// When it cannot be written or closed.
    pub async fn close(mut self) -> Result<(), FoldError> {
        Ok(self.file.take().await?.close().await?)
    }
}

async fn fold_page(
    tables: &mut [Box<dyn Folded>],
    page: &[&Recorded],
    mut db: Option<&mut SqliteConnection>,
) -> Result<(), FoldError> {
    for table in tables {
        fold::fold(&mut **table, page, db.as_deref_mut()).await?;
    }
    Ok(())
}

/// Drops the indexes that are not keys, and answers how to make them.
async fn take_indexes(db: &mut SqliteConnection) -> Result<Vec<String>, FoldError> {
    let question = "select name, sql from sqlite_schema where type = 'index' and sql is not null";
    let indexes: Vec<(String, String)> = sqlx::query_as(question).fetch_all(&mut *db).await?;
    for (name, _) in &indexes {
        sqlx::query(AssertSqlSafe(format!("drop index {name}"))).execute(&mut *db).await?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}

fn sync(path: &Path) -> Result<(), FoldError> {
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| FoldError::Store(error.into()))
}
