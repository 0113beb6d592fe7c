//! Transactions whose end is certain: committed and on the disk, or the process is over.
//!
//! After a failed fsync the system may drop what it could not write and call the next one a
//! success. SQLite carries on; Préau does not: it acknowledges nothing more and leaves, so that the
//! file is read again from the disk when it starts anew.

use sqlx::{Row, SqliteConnection};

/// `EX_IOERR` of sysexits.h: an error occurred while doing I/O on some file.
const EX_IOERR: i32 = 74;

/// Frames of the write-ahead log after which a checkpoint makes readers finish first: 200 MB.
const FRAMES_MAX: i64 = 50_000;

/// SQLite's primary codes of a checkpoint that did not take place and harmed nothing: busy,
/// locked, disk full.
const CODES_HARMLESS: [i64; 3] = [5, 6, 13];

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
        stop(&error, "a commit failed");
    }
}

/// Undoes what was begun.
pub(super) async fn rollback(store: &mut SqliteConnection) {
    if let Err(error) = sqlx::query("rollback").execute(store).await {
        // SQLite undoes the transaction by itself on some errors and then has nothing to undo. If
        // it is still open, the next `begin` fails and says so.
        tracing::debug!(%error, "nothing to roll back");
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
        Err(error) if is_harmless(&error) => {
            tracing::warn!(%error, "the write-ahead log could not be moved into the file yet");
            frames
        }
        Err(error) => stop(&error, "a checkpoint failed"),
    }
}

fn is_harmless(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.and_then(|code| code.parse::<i64>().ok());
    code.is_some_and(|code| CODES_HARMLESS.contains(&(code & 0xff)))
}

/// Ends the process: nobody is told that an event was written when it may not be.
fn stop(error: &sqlx::Error, what: &'static str) -> ! {
    tracing::error!(%error, "{what}: the disk cannot be trusted, the process ends");
    std::process::exit(EX_IOERR);
}
