//! Transactions whose end is certain: committed and on the disk, or the process is over.
//!
//! After a failed fsync the system may drop what it could not write and call the next one a
//! success. SQLite carries on; Préau does not ([`crate::fatal`]).

use futures_util::StreamExt;
use sqlx::{Executor, Row, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::fatal::storage_failed;

/// Frames of the write-ahead log after which a checkpoint makes readers finish first: 200 MB.
const FRAMES_MAX: i64 = 50_000;

/// SQLite's primary codes of a checkpoint that did not take place and harmed nothing: busy,
/// locked, disk full.
const CODES_HARMLESS: [i64; 3] = [5, 6, 13];

/// SQLite's primary code of a `rollback` without a transaction.
const CODE_NOTHING_BEGUN: i64 = 1;

/// What a text asks for, step by step. Each text is one way to the thread of the connection and
/// back, which costs more than a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// Whether `begin immediate` is its first.
    pub(super) begins: bool,
    /// How many statements write.
    pub(super) inserts: usize,
    /// Whether `commit` is its last.
    pub(super) commits: bool,
}

/// Why a transaction was not written.
#[derive(Debug)]
pub(super) enum Failed {
    /// Another program holds the file. No transaction is open.
    ToBegin(sqlx::Error),
    /// A statement failed. The transaction is to be rolled back.
    ToWrite(sqlx::Error),
}

/// Runs a text with its values. When it commits, comes back `Ok` only once the transaction is on
/// the disk, and does not come back when that cannot be known.
///
/// # Errors
/// See [`Failed`]; never for a commit.
pub(super) async fn run(
    store: &mut SqliteConnection,
    text: Query<'_, Sqlite, SqliteArguments>,
    steps: Steps,
) -> Result<(), Failed> {
    let last = usize::from(steps.begins) + steps.inserts + usize::from(steps.commits) - 1;
    let mut results = store.execute_many(text);
    for step in 0..=last {
        // No result where there should be one: the connection's thread is gone.
        let result = results.next().await.unwrap_or(Err(sqlx::Error::WorkerCrashed));
        let Err(error) = result else { continue };
        let thread_is_gone = matches!(error, sqlx::Error::WorkerCrashed);
        if steps.commits && (step == last || thread_is_gone) {
            storage_failed("commit to the log", &error);
        }
        return Err(if steps.begins && step == 0 {
            Failed::ToBegin(error)
        } else {
            Failed::ToWrite(error)
        });
    }
    Ok(())
}

/// Begins to write.
///
/// # Errors
/// When another program holds the file for too long. No transaction is open then.
pub(super) async fn begin(store: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("begin immediate").execute(store).await?;
    Ok(())
}

/// Commits. Comes back only when the transaction is on the disk.
pub(super) async fn commit(store: &mut SqliteConnection) {
    if let Err(error) = sqlx::query("commit").execute(store).await {
        storage_failed("commit to the log", &error);
    }
}

/// Undoes what was begun. SQLite does so by itself after some errors, and then says that nothing
/// is begun; any other error leaves a transaction that nobody can end.
pub(super) async fn rollback(store: &mut SqliteConnection) {
    match sqlx::query("rollback").execute(store).await {
        Ok(_) => {}
        Err(error) if code(&error) == Some(CODE_NOTHING_BEGUN) => {}
        Err(error) => storage_failed("roll back in the log", &error),
    }
}

/// Moves the write-ahead log into the file. `frames` is what the last call answered: how many the
/// log has.
pub(super) async fn checkpoint(store: &mut SqliteConnection, frames: i64) -> i64 {
    let pragma = if frames > FRAMES_MAX {
        "pragma wal_checkpoint(restart)"
    } else {
        "pragma wal_checkpoint(passive)"
    };
    let answer = sqlx::query(pragma).fetch_one(store).await.and_then(|row| row.try_get(1));
    match answer {
        Ok(frames) => frames,
        Err(error) if code(&error).is_some_and(|code| CODES_HARMLESS.contains(&code)) => {
            tracing::warn!(%error, "the write-ahead log could not be moved into the file yet");
            frames
        }
        Err(error) => storage_failed("checkpoint of the log", &error),
    }
}

/// SQLite's primary code of an error.
fn code(error: &sqlx::Error) -> Option<i64> {
    let code = error.as_database_error().and_then(|error| error.code())?;
    code.parse::<i64>().ok().map(|code| code & 0xff)
}
