//! The vault in a file, `vault/vault.db` of the data folder: one process writes it.
//!
//! A destroyed key leaves no byte: deletion is secure, and the write-ahead log, which still holds
//! what was, is emptied before an erasure answers.

pub(super) mod whole;

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;
use domain::{AccountId, Dossier, KeyId, SchoolYear};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
        SqliteTransaction,
    },
};

use super::{
    VaultError, hex,
    secrets::SecretKind,
    store::{KeyRow, NewKey, READERS_MAX, Row, columns, key_id},
};
use crate::fatal::storage_failed;

const COMMITS_PER_CHECKPOINT: u32 = 1_000;

/// The connection that writes.
pub(super) struct Writing {
    connection: SqliteConnection,
    commits: u32,
}

/// Opens the vault of a folder, and makes it at first.
pub(super) async fn open(folder: &Path) -> Result<(SqlitePool, Writing), VaultError> {
    let vault = make_folder(folder).map_err(|error| VaultError::Folder(Arc::new(error)))?;
    let options = SqliteConnectOptions::new().filename(vault.join("vault.db"));
    // No checkpoint behind the writer's back: SQLite would not say that it failed.
    let mut connection = (options.clone().create_if_missing(true))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .pragma("wal_autocheckpoint", "0")
        .connect()
        .await?;
    let migrated = sqlx::migrate!("./migrations/sqlite_vault").run(&mut connection).await;
    migrated.map_err(sqlx::Error::from)?;
    Ok((open_readers(options).await?, Writing { connection, commits: 0 }))
}

/// Opens the vault of a folder that is there only to be read.
pub(super) async fn open_to_read(folder: &Path) -> Result<SqlitePool, VaultError> {
    let file = folder.join("vault").join("vault.db");
    Ok(open_readers(SqliteConnectOptions::new().filename(file)).await?)
}

async fn open_readers(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await
}

fn make_folder(folder: &Path) -> io::Result<PathBuf> {
    let vault = folder.join("vault");
    DirBuilder::new().recursive(true).mode(0o700).create(&vault)?;
    File::open(folder)?.sync_all()?;
    Ok(vault)
}

/// The text under the master key, if there is one yet.
pub(super) async fn master_check(readers: &SqlitePool) -> sqlx::Result<Row> {
    sqlx::query_scalar("select wrapped from master_check").fetch_optional(readers).await
}

/// The keys of these ids.
pub(super) async fn keys(readers: &SqlitePool, ids: &[KeyId]) -> sqlx::Result<Vec<KeyRow>> {
    const THESE: &str = "select key_id, wrapped from sealing_key \
        where key_id in (select unhex(value) from json_each(?))";
    let list: Vec<_> = ids.iter().map(|id| id.0.simple().to_string()).collect();
    let found = sqlx::query_as(THESE).bind(serde_json::json!(list).to_string());
    Ok(key_rows(found.fetch_all(readers).await?))
}

/// The keys made last.
pub(super) async fn newest_keys(readers: &SqlitePool, max: u64) -> sqlx::Result<Vec<KeyRow>> {
    const NEWEST: &str = "select key_id, wrapped from sealing_key where wrapped is not null \
        order by key_id desc limit ?";
    let found = sqlx::query_as(NEWEST).bind(max.cast_signed());
    Ok(key_rows(found.fetch_all(readers).await?))
}

/// The years before that of a dossier in which its subject has a key of the same category.
pub(super) async fn live_years_before(
    readers: &SqlitePool,
    dossier: &Dossier,
) -> sqlx::Result<Vec<SchoolYear>> {
    let (subject, category, year) = columns(dossier);
    let years = sqlx::query_scalar(
        "select year from sealing_key where subject = ? and category = ? and year < ? \
            and erased_at is null order by year",
    );
    let years: Vec<u16> = years.bind(subject).bind(category).bind(year).fetch_all(readers).await?;
    Ok(years.into_iter().map(SchoolYear).collect())
}

/// A secret of an account.
pub(super) async fn secret(
    readers: &SqlitePool,
    account: AccountId,
    kind: SecretKind,
) -> sqlx::Result<Row> {
    let select = sqlx::query_scalar("select wrapped from secret where account = ? and kind = ?");
    select.bind(bytes(&account)).bind(kind.name()).fetch_optional(readers).await
}

/// The login name with this digest.
pub(super) async fn login_of_digest(readers: &SqlitePool, digest: Vec<u8>) -> sqlx::Result<Row> {
    let select = sqlx::query_scalar("select wrapped from login where digest = ?");
    select.bind(digest).fetch_optional(readers).await
}

/// The login name of an account.
pub(super) async fn login_of_account(
    readers: &SqlitePool,
    account: AccountId,
) -> sqlx::Result<Row> {
    let select = sqlx::query_scalar("select wrapped from login where account = ?");
    select.bind(bytes(&account)).fetch_optional(readers).await
}

impl Writing {
    pub(super) async fn begin(&mut self) -> sqlx::Result<SqliteTransaction<'_>> {
        self.connection.begin_with("begin immediate").await
    }

    /// Moves what was committed into the main file, where secure deletion has wiped the old bytes,
    /// and empties the write-ahead log, which still holds them.
    pub(super) async fn wipe(&mut self) -> Result<(), VaultError> {
        match self.checkpoint("pragma wal_checkpoint(truncate)").await {
            0 => Ok(()),
            _ => Err(VaultError::InUse),
        }
    }

    /// To be called after each commit that wiped nothing.
    pub(super) async fn tidy(&mut self) {
        self.commits += 1;
        if self.commits >= COMMITS_PER_CHECKPOINT {
            self.checkpoint("pragma wal_checkpoint(passive)").await;
            self.commits = 0;
        }
    }

    pub(super) async fn close(self) {
        // What it leaves behind, the next start reads.
        let _unfinished = self.connection.close().await;
    }

    /// Whether readers were in the way. After a checkpoint that failed nobody can trust the file.
    async fn checkpoint(&mut self, pragma: &'static str) -> i64 {
        let busy = sqlx::query_scalar(pragma).fetch_one(&mut self.connection).await;
        busy.unwrap_or_else(|error| storage_failed("the vault", &error))
    }
}

/// Commits. Comes back only when the transaction is on the disk.
pub(super) async fn commit(transaction: SqliteTransaction<'_>) {
    let committed = transaction.commit().await;
    committed.unwrap_or_else(|error| storage_failed("the vault", &error));
}

/// Keeps the text under the master key.
pub(super) async fn put_master_check(
    transaction: &mut SqliteTransaction<'_>,
    wrapped: Vec<u8>,
) -> sqlx::Result<()> {
    let insert = sqlx::query("insert into master_check (id, wrapped) values (1, ?)").bind(wrapped);
    insert.execute(&mut **transaction).await.map(drop)
}

/// The wrapped keys that live, with the place of their dossier in the list.
pub(super) async fn live(
    transaction: &mut SqliteTransaction<'_>,
    dossiers: &[Dossier],
) -> sqlx::Result<Vec<(usize, KeyId, Vec<u8>)>> {
    let list: Vec<_> = dossiers.iter().map(columns).collect();
    let select = "select asked.key, key_id, wrapped from json_each(?) asked cross join sealing_key \
        on subject = asked.value->>0 and category = asked.value->>1 and year = asked.value->>2 \
        and erased_at is null";
    let select = sqlx::query_as(select).bind(serde_json::json!(list).to_string());
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = select.fetch_all(&mut **transaction).await?;
    let placed = |(place, id, wrapped): (_, Vec<u8>, _)| {
        Some((usize::try_from(place).ok()?, key_id(&id)?, wrapped))
    };
    Ok(rows.into_iter().filter_map(placed).collect())
}

/// Keeps new keys.
pub(super) async fn put_keys(
    transaction: &mut SqliteTransaction<'_>,
    keys: &[NewKey],
) -> sqlx::Result<()> {
    let row = |key: &NewKey| {
        let (subject, category, year) = columns(&key.dossier);
        (key.id.0.simple().to_string(), subject, category, year, hex::write(&key.wrapped))
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    let insert = "insert into sealing_key (key_id, subject, category, year, wrapped) \
        select unhex(value->>0), value->>1, value->>2, value->>3, unhex(value->>4) \
        from json_each(?)";
    let insert = sqlx::query(insert).bind(serde_json::json!(rows).to_string());
    insert.execute(&mut **transaction).await.map(drop)
}

/// Destroys a key.
pub(super) async fn destroy_key(
    transaction: &mut SqliteTransaction<'_>,
    id: KeyId,
) -> sqlx::Result<()> {
    let destroy = "update sealing_key set wrapped = null, erased_at = ? where key_id = ?";
    let destroy = sqlx::query(destroy).bind(Utc::now().timestamp_micros());
    let destroy = destroy.bind(id.0.as_bytes().as_slice());
    destroy.execute(&mut **transaction).await.map(drop)
}

/// A secret of an account, as this transaction has it.
pub(super) async fn own_secret(
    transaction: &mut SqliteTransaction<'_>,
    account: AccountId,
    kind: SecretKind,
) -> sqlx::Result<Row> {
    let select = sqlx::query_scalar("select wrapped from secret where account = ? and kind = ?");
    select.bind(bytes(&account)).bind(kind.name()).fetch_optional(&mut **transaction).await
}

/// Keeps a secret in place of the one before.
pub(super) async fn put_secret(
    transaction: &mut SqliteTransaction<'_>,
    account: AccountId,
    kind: SecretKind,
    wrapped: Vec<u8>,
) -> sqlx::Result<()> {
    let insert = "insert into secret (account, kind, wrapped) values (?, ?, ?) \
        on conflict (account, kind) do update set wrapped = excluded.wrapped";
    let insert = sqlx::query(insert).bind(bytes(&account)).bind(kind.name()).bind(wrapped);
    insert.execute(&mut **transaction).await.map(drop)
}

/// Takes a secret out.
pub(super) async fn take_secret(
    transaction: &mut SqliteTransaction<'_>,
    account: AccountId,
    kind: SecretKind,
) -> sqlx::Result<Row> {
    let delete = "delete from secret where account = ? and kind = ? returning wrapped";
    let delete = sqlx::query_scalar(delete).bind(bytes(&account)).bind(kind.name());
    delete.fetch_optional(&mut **transaction).await
}

/// Takes all of an account out.
pub(super) async fn forget(
    transaction: &mut SqliteTransaction<'_>,
    account: AccountId,
) -> sqlx::Result<()> {
    for delete in ["delete from secret where account = ?", "delete from login where account = ?"] {
        sqlx::query(delete).bind(bytes(&account)).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// The login name of an account, as this transaction has it.
pub(super) async fn own_login(
    transaction: &mut SqliteTransaction<'_>,
    account: AccountId,
) -> sqlx::Result<Row> {
    let select = sqlx::query_scalar("select wrapped from login where account = ?");
    select.bind(bytes(&account)).fetch_optional(&mut **transaction).await
}

/// Gives a login name, unless another has it. Says whether it was given.
pub(super) async fn put_login(
    transaction: &mut SqliteTransaction<'_>,
    account: AccountId,
    digest: Vec<u8>,
    wrapped: &[u8],
) -> sqlx::Result<bool> {
    let insert = "insert into login (digest, account, wrapped) values (?, ?, ?) \
        on conflict (digest) do nothing";
    let insert = sqlx::query(insert).bind(digest).bind(bytes(&account)).bind(wrapped);
    Ok(insert.execute(&mut **transaction).await?.rows_affected() == 1)
}

fn key_rows(rows: Vec<(Vec<u8>, Row)>) -> Vec<KeyRow> {
    rows.into_iter().filter_map(|(id, wrapped)| Some((key_id(&id)?, wrapped))).collect()
}

fn bytes(account: &AccountId) -> &[u8] {
    account.0.as_bytes()
}
