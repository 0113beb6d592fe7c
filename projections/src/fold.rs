//! How a table is folded from events: the engine that every feature's tables share.
//!
//! A table is a fold: for each event, the keys it touches and the pure function that makes the new
//! row from the old one. The same function serves the live tables, a rebuild, and a past day. No
//! clock, no query and no I/O inside.
//!
//! A row is one JSON document, beside copies of the columns that it is found by. What costs in
//! SQLite through sqlx is the statement and the row crossing the driver, so a page of events loads
//! the rows it touches with one statement per table, folds in memory, and writes with one more.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use domain::Recorded;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{AssertSqlSafe, SqliteConnection};

/// Rows written by one statement: more make no statement cheaper.
const ROWS_PER_STATEMENT: usize = 128;

/// Keys of one statement, which takes them as JSON.
const KEYS_PER_STATEMENT: usize = 5_000;

/// A table and the fold that fills it.
pub(crate) trait Table: Send + Sync + 'static {
    /// What a row is found by: a tuple of the first columns.
    type Key: Clone + Eq + Hash + Ord + Serialize + Send + Sync;
    /// A row.
    type Row: Serialize + DeserializeOwned + Send + Sync;

    /// Its name in SQL.
    const NAME: &'static str;
    /// The columns kept beside the document.
    const COLUMNS: &'static [&'static str];
    /// How many of them are the key: the first ones.
    const KEY: usize;

    /// The keys of the rows that an event touches.
    fn touched(recorded: &Recorded, touch: &mut dyn FnMut(Self::Key));

    /// The key of a row.
    fn key(row: &Self::Row) -> Self::Key;

    /// What stands in [`Table::COLUMNS`], as text.
    fn columns(row: &Self::Row) -> Vec<String>;

    /// The new row from the old one; none where there shall be none.
    fn fold(old: Option<Self::Row>, key: &Self::Key, recorded: &Recorded) -> Option<Self::Row>;
}

/// Rows of one table in memory, with what is known of the file.
pub(crate) struct Rows<T: Table> {
    rows: HashMap<T::Key, Slot<T::Row>>,
    touched: Vec<(usize, T::Key)>,
    /// The keys of the rows that were changed since they were last written.
    changed: Vec<T::Key>,
    /// Whether all rows of the file are in memory: nothing needs to be loaded.
    whole: bool,
}

struct Slot<R> {
    row: Option<R>,
    changed: bool,
}

/// A table whose types are hidden, so that all of them stand in one list.
pub(crate) trait Folded: Send + Sync {
    /// Takes note of what a page touches. Answers the keys whose rows are not in memory, as JSON.
    fn touch(&mut self, page: &[&Recorded]) -> serde_json::Result<Option<String>>;

    /// Takes in rows of the file.
    fn take_in(&mut self, documents: &[String]) -> serde_json::Result<()>;

    /// Folds the page that was last touched.
    fn fold(&mut self, page: &[&Recorded]);

    /// The rows changed since the last call, by key, as JSON arrays of bounded length.
    fn changes(&mut self) -> serde_json::Result<Changes>;

    /// How many rows are in memory.
    fn len(&self) -> usize;

    /// Whether they are all there are.
    fn is_whole(&self) -> bool;

    /// How many of them are to be written.
    fn changed(&self) -> usize;

    /// Forgets the rows in memory, all of them written.
    fn forget(&mut self);

    /// What is known about the table in SQL.
    fn sql(&self) -> Sql;
}

/// What a table has to write.
pub(crate) struct Changes {
    upserts: Vec<Upsert>,
    deletes: Vec<String>,
}

/// A row to write.
struct Upsert {
    columns: Vec<String>,
    document: String,
}

/// A table in SQL.
#[derive(Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) name: &'static str,
    columns: &'static [&'static str],
    key: usize,
}

/// A table of this kind, for the list of all tables.
pub(crate) fn table<T: Table>(empty: bool) -> Box<dyn Folded> {
    Box::new(Rows::<T> {
        rows: HashMap::new(),
        touched: Vec::new(),
        changed: Vec::new(),
        whole: empty,
    })
}

impl<T: Table> Folded for Rows<T> {
    fn touch(&mut self, page: &[&Recorded]) -> serde_json::Result<Option<String>> {
        self.touched.clear();
        for (index, recorded) in page.iter().enumerate() {
            T::touched(recorded, &mut |key| self.touched.push((index, key)));
        }
        if self.whole {
            return Ok(None);
        }
        let unknown = self.touched.iter().map(|(_, key)| key);
        let unknown: BTreeSet<_> = unknown.filter(|key| !self.rows.contains_key(*key)).collect();
        if unknown.is_empty() { Ok(None) } else { serde_json::to_string(&unknown).map(Some) }
    }

    fn take_in(&mut self, documents: &[String]) -> serde_json::Result<()> {
        for document in documents {
            let row: T::Row = serde_json::from_str(document)?;
            self.rows.insert(T::key(&row), Slot { row: Some(row), changed: false });
        }
        Ok(())
    }

    fn fold(&mut self, page: &[&Recorded]) {
        for (index, key) in self.touched.drain(..) {
            let slot = self.rows.entry(key.clone()).or_insert(Slot { row: None, changed: false });
            let existed = slot.row.is_some();
            slot.row = T::fold(slot.row.take(), &key, page[index]);
            if !slot.changed && (existed || slot.row.is_some()) {
                slot.changed = true;
                self.changed.push(key);
            }
        }
    }

    fn changes(&mut self) -> serde_json::Result<Changes> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        let (mut upserts, mut gone) = (Vec::new(), Vec::new());
        for key in changed {
            let Some(slot) = self.rows.get_mut(&key) else { continue };
            slot.changed = false;
            match &slot.row {
                Some(row) => {
                    let (columns, document) = (T::columns(row), serde_json::to_string(row)?);
                    upserts.push(Upsert { columns, document });
                }
                None => gone.push(key),
            }
        }
        let deletes = gone.chunks(KEYS_PER_STATEMENT).map(serde_json::to_string);
        Ok(Changes { upserts, deletes: deletes.collect::<Result<_, _>>()? })
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn is_whole(&self) -> bool {
        self.whole
    }

    fn changed(&self) -> usize {
        self.changed.len()
    }

    fn forget(&mut self) {
        self.whole &= self.rows.is_empty();
        self.rows.clear();
    }

    fn sql(&self) -> Sql {
        Sql { name: T::NAME, columns: T::COLUMNS, key: T::KEY }
    }
}

/// Folds a page of events into one table, in memory. `db` is where rows are that are not there yet;
/// a table that is whole needs none.
pub(crate) async fn fold(
    table: &mut dyn Folded,
    page: &[&Recorded],
    db: Option<&mut SqliteConnection>,
) -> Result<(), FoldError> {
    if let (Some(keys), Some(db)) = (table.touch(page)?, db) {
        let load = sqlx::query_scalar(AssertSqlSafe(table.sql().load())).bind(keys);
        let documents: Vec<String> = load.fetch_all(db).await?;
        table.take_in(&documents)?;
    }
    table.fold(page);
    Ok(())
}

/// Writes what changed in one table.
pub(crate) async fn write(
    sql: Sql,
    changes: Changes,
    db: &mut SqliteConnection,
) -> Result<(), FoldError> {
    for keys in changes.deletes {
        sqlx::query(AssertSqlSafe(sql.delete())).bind(keys).execute(&mut *db).await?;
    }
    let mut rows = changes.upserts.into_iter();
    while rows.len() > 0 {
        // Runs of 128, 64, 32…: few statements to prepare, and none with places left empty.
        let run = 1 << rows.len().min(ROWS_PER_STATEMENT).ilog2();
        let mut upsert = sqlx::query(AssertSqlSafe(sql.upsert(run)));
        for Upsert { columns, document } in rows.by_ref().take(run) {
            for column in columns {
                upsert = upsert.bind(column);
            }
            upsert = upsert.bind(document);
        }
        upsert.execute(&mut *db).await?;
    }
    Ok(())
}

impl Sql {
    fn load(&self) -> String {
        let parts: Vec<_> = self.columns[..self.key]
            .iter()
            .enumerate()
            .map(|(n, column)| format!("t.{column} = k.value ->> {n}"))
            .collect();
        let (name, on) = (self.name, parts.join(" and "));
        format!("select t.row from json_each(?1) k cross join {name} t on {on}")
    }

    fn upsert(&self, rows: usize) -> String {
        let row = format!("({}?)", "?, ".repeat(self.columns.len()));
        let (name, columns, rows) =
            (self.name, self.columns.join(", "), vec![row; rows].join(", "));
        format!("insert or replace into {name} ({columns}, row) values {rows}")
    }

    fn delete(&self) -> String {
        let values: Vec<_> = (0..self.key).map(|n| format!("value ->> {n}")).collect();
        let (name, values) = (self.name, values.join(", "));
        let key = self.columns[..self.key].join(", ");
        format!("delete from {name} where ({key}) in (select {values} from json_each(?1))")
    }
}

/// Why a page could not be folded. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The file could not be read or written.
    #[error("the read model could not be read or written")]
    Store(#[from] sqlx::Error),
    /// A row of the file is not one of this version of the program, or cannot be written.
    #[error("a row of the read model could not be understood")]
    Row,
    /// The task that wrote is gone.
    #[error("the task that wrote the read model is gone")]
    Lost,
    /// The tables could not be created.
    #[error("the tables of the read model could not be created")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl From<serde_json::Error> for FoldError {
    /// Without the parser's own words, which may quote the row.
    fn from(_: serde_json::Error) -> Self {
        Self::Row
    }
}
