//! The file of a read model while it is written: a connection that is idle, or busy with a write
//! while its owner goes on folding.

use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinHandle;

use crate::{
    fold::{self, Changes, FoldError, Sql},
    writer::Parked,
};

/// A connection, or the task that has it.
pub(crate) enum Store {
    /// Nothing is being written.
    Idle(SqliteConnection),
    /// A transaction is being written.
    Busy(JoinHandle<(SqliteConnection, Result<(), FoldError>)>),
    /// The task that had it is gone.
    Lost,
}

impl Store {
    /// The connection, once what is being written is on the file. Where that failed, the connection
    /// stays here for the next write.
    pub(crate) async fn take(&mut self) -> Result<SqliteConnection, FoldError> {
        match std::mem::replace(self, Self::Lost) {
            Self::Idle(db) => Ok(db),
            Self::Busy(write) => {
                let (db, written) = write.await.map_err(|_| FoldError::Lost)?;
                if let Err(error) = written {
                    *self = Self::Idle(db);
                    return Err(error);
                }
                Ok(db)
            }
            Self::Lost => Err(FoldError::Lost),
        }
    }

    /// The connection, kept here.
    pub(crate) async fn idle(&mut self) -> Result<&mut SqliteConnection, FoldError> {
        *self = Self::Idle(self.take().await?);
        match self {
            Self::Idle(db) => Ok(db),
            Self::Busy(_) | Self::Lost => Err(FoldError::Lost),
        }
    }

    /// Begins to write rows, with the events that could not be read and the position that all of it
    /// goes up to, in one transaction.
    pub(crate) async fn write(
        &mut self,
        changes: Vec<(Sql, Changes)>,
        parked: Vec<Parked>,
        position: u64,
    ) -> Result<(), FoldError> {
        let mut db = self.take().await?;
        *self = Self::Busy(tokio::spawn(async move {
            let written = write(&mut db, changes, parked, position).await;
            (db, written)
        }));
        Ok(())
    }
}

async fn write(
    db: &mut SqliteConnection,
    changes: Vec<(Sql, Changes)>,
    parked: Vec<Parked>,
    position: u64,
) -> Result<(), FoldError> {
    let mut transaction = db.begin().await?;
    for (sql, changes) in changes {
        fold::write(sql, changes, &mut transaction).await?;
    }
    for Parked { position, stream, reason, later } in parked {
        sqlx::query("insert or replace into parked values (?, ?, ?, ?)")
            .bind(place(position))
            .bind(stream)
            .bind(reason)
            .bind(later)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query("update checkpoint set position = ?1")
        .bind(place(position))
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// A position as SQLite keeps it.
fn place(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
