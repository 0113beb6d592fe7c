//! Read models as files: which of them may be served, how they are opened, how two differ.
//!
//! A data folder holds generations, `tables-1.db`, `tables-2.db`…: a rebuild fills the next one
//! beside the one that serves. The newest that is whole and of these folds is the one to serve.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use crate::{FOLDS, FoldError, all_sql, writer::Parked};

/// Connections that read at once: on SQLite more than the cores only queue.
const READERS_MAX: u32 = 8;

/// A row that is not the same in two read models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which table.
    pub table: &'static str,
    /// `left` or `right`: the one that has this row.
    pub only_in: &'static str,
    /// The row.
    pub row: String,
}

/// The file of a generation.
pub fn path(folder: &Path, generation: u32) -> PathBuf {
    folder.join(format!("tables-{generation}.db"))
}

/// The generations in a folder, the newest last.
///
/// # Errors
/// When the folder cannot be read.
pub fn generations(folder: &Path) -> std::io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("tables-"));
        found
            .extend(number.and_then(|n| n.strip_suffix(".db")).and_then(|n| n.parse::<u32>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Deletes a generation's files.
///
/// # Errors
/// When one of them is there and cannot be deleted.
pub fn delete(folder: &Path, generation: u32) -> std::io::Result<()> {
    let file = path(folder, generation);
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.clone().into_os_string();
        name.push(suffix);
        match std::fs::remove_file(name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether a file is a read model that was filled to the end, by whichever folds.
pub async fn is_complete(path: &Path) -> bool {
    completed_by(path).await.is_some()
}

/// Whether a file is a read model that may be served: filled to the end, by these folds.
pub async fn is_whole(path: &Path) -> bool {
    completed_by(path).await.is_some_and(|folds| folds == FOLDS)
}

/// The folds that filled a file to the end.
async fn completed_by(path: &Path) -> Option<String> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut db = options.connect().await.ok()?;
    let question = sqlx::query_scalar("select folds from checkpoint where complete");
    question.fetch_optional(&mut db).await.ok()?
}

/// The position that a file goes up to which was filled to the end, by whatever folds.
pub async fn folded_to(path: &Path) -> Option<u64> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut db = options.connect().await.ok()?;
    let question = sqlx::query_scalar("select position from checkpoint where complete");
    let position: Option<i64> = question.fetch_optional(&mut db).await.ok()?;
    position.map(i64::cast_unsigned)
}

/// The newest generation of a folder that may be served.
///
/// # Errors
/// When the folder cannot be read.
pub async fn newest_whole(folder: &Path) -> std::io::Result<Option<u32>> {
    for generation in generations(folder)?.into_iter().rev() {
        if is_whole(&path(folder, generation)).await {
            return Ok(Some(generation));
        }
    }
    Ok(None)
}

/// Opens a read model to ask it.
///
/// # Errors
/// When the file is not there or not a read model.
pub async fn open(path: &Path) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .statement_cache_capacity(200)
        .pragma("mmap_size", "1073741824")
        .pragma("cache_size", "-16000");
    SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options).await
}

/// Copies a read model as it stands at one instant, while others write it. Answers the position
/// that the copy goes up to.
///
/// # Errors
/// When the file cannot be read or the copy not written.
pub async fn copy(path: &Path, to: &Path) -> sqlx::Result<u64> {
    let mut db = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    sqlx::query("vacuum into ?1").bind(to.to_string_lossy().into_owned()).execute(&mut db).await?;
    let mut copy = SqliteConnectOptions::new().filename(to).read_only(true).connect().await?;
    let position: i64 =
        sqlx::query_scalar("select position from checkpoint").fetch_one(&mut copy).await?;
    Ok(u64::try_from(position).unwrap_or_default())
}

/// The events that could not be read, and those that wait behind them.
///
/// # Errors
/// When the read model cannot be read.
pub async fn parked(db: &SqlitePool) -> sqlx::Result<Vec<Parked>> {
    sqlx::query_as("select position, stream, reason, later from parked order by position")
        .fetch_all(db)
        .await
}

/// The rows in which two read models differ, table by table, at most `max` of each side of a table.
///
/// # Errors
/// When one of them cannot be read.
pub async fn differences(
    left: &Path,
    right: &Path,
    max: u32,
) -> Result<Vec<Difference>, FoldError> {
    let mut db = SqliteConnection::connect_with(&SqliteConnectOptions::new()).await?;
    for (name, path) in [("left", left), ("right", right)] {
        let attach = sqlx::AssertSqlSafe(format!("attach ?1 as {name}_side"));
        sqlx::query(attach).bind(path.to_string_lossy().into_owned()).execute(&mut db).await?;
    }
    let mut found = Vec::new();
    for table in all_sql() {
        for (only_in, other) in [("left", "right"), ("right", "left")] {
            let question = format!(
                "select row from {only_in}_side.{name} except select row from {other}_side.{name}
                 order by row limit {max}",
                name = table.name
            );
            let rows: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(question)).fetch_all(&mut db).await?;
            found.extend(rows.into_iter().map(|row| Difference {
                table: table.name,
                only_in,
                row,
            }));
        }
    }
    Ok(found)
}

/// How many rows there are in all tables.
///
/// # Errors
/// When the read model cannot be read.
pub async fn count(db: &SqlitePool) -> sqlx::Result<u64> {
    let mut total = 0;
    for table in all_sql() {
        let question = format!("select count(*) from {}", table.name);
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(question)).fetch_one(db).await?;
        total += u64::try_from(rows).unwrap_or_default();
    }
    Ok(total)
}
