//! The vault in a PostgreSQL database: several nodes, which ask again and again what was destroyed.
//!
//! Whoever writes holds a lock of the database till the end of the transaction, so that two nodes do
//! not make two keys for one dossier. Each statement is in a transaction, and none is prepared for
//! later: see [`crate::log::postgres`]. Of a destroyed key the database itself keeps the old bytes,
//! still under the master key, until it reuses their place: docs/operations.md.

pub(super) mod whole;

use std::time::Duration;

use domain::{AccountId, Dossier, KeyId, SchoolYear};
use sqlx::{
    Connection, PgConnection, PgPool, PgTransaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::{
    VaultError,
    secrets::SecretKind,
    store::{KeyRow, NewKey, READERS_MAX, Row, columns},
};
use crate::{log::postgres::schema, place::PostgresUrl};

/// How long a question waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);

const BEGIN_TO_READ: &str = "begin isolation level read committed read only; \
    set local statement_timeout = '10s'; set local idle_in_transaction_session_timeout = '5s'";

/// Takes the lock in the statement that begins: it is this process's before any key is read.
const BEGIN_TO_WRITE: &str = "begin isolation level read committed; \
    set local statement_timeout = '8s'; set local idle_in_transaction_session_timeout = '5s'; \
    select pg_advisory_xact_lock(hashtext('preau_vault'))";

/// How far back destroyed keys are asked for: several times the pause between two questions, and the
/// time that a transaction which destroys may take to commit.
const ERASED_WITHIN: &str = "5 minutes";

/// The connection that writes; none while the database is not to be had.
pub(super) struct Writing {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

/// Opens the vault of a database, and makes its tables at first.
pub(super) async fn open(url: &PostgresUrl) -> Result<(PgPool, Writing), VaultError> {
    let options = url.options()?;
    schema::make(&options, schema::vault()).await?;
    Ok((open_readers(options.clone()).await?, Writing { options, connection: None }))
}

/// Opens the vault of a database that is there only to be read.
pub(super) async fn open_to_read(url: &PostgresUrl) -> Result<PgPool, VaultError> {
    Ok(open_readers(url.options()?).await?)
}

async fn open_readers(options: PgConnectOptions) -> sqlx::Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(READERS_MAX).acquire_timeout(ACQUIRE_MAX);
    pool.connect_with(options).await
}

/// The text under the master key, if there is one yet.
pub(super) async fn master_check(readers: &PgPool) -> sqlx::Result<Row> {
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let select = sqlx::query_scalar("select wrapped from preau_vault.master_check");
    let found = select.persistent(false).fetch_optional(&mut *reading).await?;
    reading.commit().await?;
    Ok(found)
}

/// The keys of these ids.
pub(super) async fn keys(readers: &PgPool, ids: &[KeyId]) -> sqlx::Result<Vec<KeyRow>> {
    let list: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let found: Vec<(Uuid, Row)> = sqlx::query_as(
        "select key_id, wrapped from preau_vault.sealing_key where key_id = any($1)",
    )
    .persistent(false)
    .bind(list)
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok(key_rows(found))
}

/// The keys made last.
pub(super) async fn newest_keys(readers: &PgPool, max: u64) -> sqlx::Result<Vec<KeyRow>> {
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let found: Vec<(Uuid, Row)> = sqlx::query_as(
        "select key_id, wrapped from preau_vault.sealing_key where wrapped is not null
            order by key_id desc limit $1",
    )
    .persistent(false)
    .bind(max.cast_signed())
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok(key_rows(found))
}

/// The keys that were destroyed lately.
pub(super) async fn erased_lately(readers: &PgPool) -> sqlx::Result<Vec<KeyId>> {
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let found: Vec<Uuid> = sqlx::query_scalar(
        "select key_id from preau_vault.sealing_key where erased_at > now() - $1::interval",
    )
    .persistent(false)
    .bind(ERASED_WITHIN)
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok(found.into_iter().map(KeyId).collect())
}

/// The years before that of a dossier in which its subject has a key of the same category.
pub(super) async fn live_years_before(
    readers: &PgPool,
    dossier: &Dossier,
) -> sqlx::Result<Vec<SchoolYear>> {
    let (subject, category, year) = columns(dossier);
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let years: Vec<i32> = sqlx::query_scalar(
        "select year from preau_vault.sealing_key
            where subject = $1 and category = $2 and year < $3 and erased_at is null order by year",
    )
    .persistent(false)
    .bind(subject)
    .bind(category)
    .bind(i32::from(year))
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok(years.into_iter().filter_map(|year| u16::try_from(year).ok()).map(SchoolYear).collect())
}

/// A secret of an account.
pub(super) async fn secret(
    readers: &PgPool,
    account: AccountId,
    kind: SecretKind,
) -> sqlx::Result<Row> {
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let found = own_secret(&mut reading, account, kind).await?;
    reading.commit().await?;
    Ok(found)
}

/// The login name with this digest.
pub(super) async fn login_of_digest(readers: &PgPool, digest: Vec<u8>) -> sqlx::Result<Row> {
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let select = sqlx::query_scalar("select wrapped from preau_vault.login where digest = $1");
    let found = select.persistent(false).bind(digest).fetch_optional(&mut *reading).await?;
    reading.commit().await?;
    Ok(found)
}

/// The login name of an account.
pub(super) async fn login_of_account(readers: &PgPool, account: AccountId) -> sqlx::Result<Row> {
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let found = own_login(&mut reading, account).await?;
    reading.commit().await?;
    Ok(found)
}

impl Writing {
    /// Begins to write, on another connection if the one there was is lost.
    pub(super) async fn begin(&mut self) -> sqlx::Result<PgTransaction<'_>> {
        let lost = match &mut self.connection {
            Some(connection) => connection.ping().await.is_err(),
            None => true,
        };
        if lost {
            self.connection = None;
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options).await?,
        };
        self.connection.insert(connection).begin_with(BEGIN_TO_WRITE).await
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.connection {
            // The server notices by itself when nobody says good-bye.
            let _gone = connection.close().await;
        }
    }
}

/// Keeps the text under the master key.
pub(super) async fn put_master_check(
    transaction: &mut PgTransaction<'_>,
    wrapped: Vec<u8>,
) -> sqlx::Result<()> {
    let insert = "insert into preau_vault.master_check (id, wrapped) values (1, $1)
        on conflict do nothing";
    let insert = sqlx::query(insert).persistent(false).bind(wrapped);
    insert.execute(&mut **transaction).await.map(drop)
}

/// The wrapped keys that live, with the place of their dossier in the list.
pub(super) async fn live(
    transaction: &mut PgTransaction<'_>,
    dossiers: &[Dossier],
) -> sqlx::Result<Vec<(usize, KeyId, Vec<u8>)>> {
    let (mut subjects, mut categories, mut years) = (Vec::new(), Vec::new(), Vec::new());
    for (subject, category, year) in dossiers.iter().map(columns) {
        subjects.push(subject);
        categories.push(category);
        years.push(i32::from(year));
    }
    let rows: Vec<(i64, Uuid, Vec<u8>)> = sqlx::query_as(
        "select asked.place, key_id, wrapped
        from unnest($1::text[], $2::text[], $3::integer[]) with ordinality
            as asked (subject, category, year, place)
        join preau_vault.sealing_key using (subject, category, year)
        where erased_at is null",
    )
    .persistent(false)
    .bind(subjects)
    .bind(categories)
    .bind(years)
    .fetch_all(&mut **transaction)
    .await?;
    // PostgreSQL counts from 1.
    let placed = |(place, id, wrapped): (i64, Uuid, _)| {
        Some((usize::try_from(place - 1).ok()?, KeyId(id), wrapped))
    };
    Ok(rows.into_iter().filter_map(placed).collect())
}

/// Keeps new keys.
pub(super) async fn put_keys(
    transaction: &mut PgTransaction<'_>,
    keys: &[NewKey],
) -> sqlx::Result<()> {
    let columns: Vec<_> = keys.iter().map(|key| columns(&key.dossier)).collect();
    sqlx::query(
        "insert into preau_vault.sealing_key (key_id, subject, category, year, wrapped)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bytea[])",
    )
    .persistent(false)
    .bind(keys.iter().map(|key| key.id.0).collect::<Vec<_>>())
    .bind(columns.iter().map(|(subject, ..)| subject.clone()).collect::<Vec<_>>())
    .bind(columns.iter().map(|(_, category, _)| category.clone()).collect::<Vec<_>>())
    .bind(columns.iter().map(|(.., year)| i32::from(*year)).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| &key.wrapped[..]).collect::<Vec<_>>())
    .execute(&mut **transaction)
    .await
    .map(drop)
}

/// Destroys a key, at the database's own time: nodes ask by it.
pub(super) async fn destroy_key(
    transaction: &mut PgTransaction<'_>,
    id: KeyId,
) -> sqlx::Result<()> {
    let destroy = "update preau_vault.sealing_key
        set wrapped = null, erased_at = clock_timestamp() where key_id = $1";
    let destroy = sqlx::query(destroy).persistent(false).bind(id.0);
    destroy.execute(&mut **transaction).await.map(drop)
}

/// A secret of an account, as this transaction has it.
pub(super) async fn own_secret(
    transaction: &mut PgTransaction<'_>,
    account: AccountId,
    kind: SecretKind,
) -> sqlx::Result<Row> {
    let select = "select wrapped from preau_vault.secret where account = $1 and kind = $2";
    let select = sqlx::query_scalar(select).persistent(false).bind(account.0).bind(kind.name());
    select.fetch_optional(&mut **transaction).await
}

/// Keeps a secret in place of the one before.
pub(super) async fn put_secret(
    transaction: &mut PgTransaction<'_>,
    account: AccountId,
    kind: SecretKind,
    wrapped: Vec<u8>,
) -> sqlx::Result<()> {
    let insert = "insert into preau_vault.secret (account, kind, wrapped) values ($1, $2, $3)
        on conflict (account, kind) do update set wrapped = excluded.wrapped";
    let insert = sqlx::query(insert).persistent(false).bind(account.0).bind(kind.name());
    insert.bind(wrapped).execute(&mut **transaction).await.map(drop)
}

/// Takes a secret out.
pub(super) async fn take_secret(
    transaction: &mut PgTransaction<'_>,
    account: AccountId,
    kind: SecretKind,
) -> sqlx::Result<Row> {
    let delete =
        "delete from preau_vault.secret where account = $1 and kind = $2 returning wrapped";
    let delete = sqlx::query_scalar(delete).persistent(false).bind(account.0).bind(kind.name());
    delete.fetch_optional(&mut **transaction).await
}

/// Takes all of an account out.
pub(super) async fn forget(
    transaction: &mut PgTransaction<'_>,
    account: AccountId,
) -> sqlx::Result<()> {
    for delete in [
        "delete from preau_vault.secret where account = $1",
        "delete from preau_vault.login where account = $1",
    ] {
        let delete = sqlx::query(delete).persistent(false).bind(account.0);
        delete.execute(&mut **transaction).await?;
    }
    Ok(())
}

/// The login name of an account, as this transaction has it.
pub(super) async fn own_login(
    transaction: &mut PgTransaction<'_>,
    account: AccountId,
) -> sqlx::Result<Row> {
    let select = sqlx::query_scalar("select wrapped from preau_vault.login where account = $1");
    select.persistent(false).bind(account.0).fetch_optional(&mut **transaction).await
}

/// Gives a login name, unless another has it. Says whether it was given.
pub(super) async fn put_login(
    transaction: &mut PgTransaction<'_>,
    account: AccountId,
    digest: Vec<u8>,
    wrapped: &[u8],
) -> sqlx::Result<bool> {
    let insert = "insert into preau_vault.login (digest, account, wrapped) values ($1, $2, $3)
        on conflict (digest) do nothing";
    let insert = sqlx::query(insert).persistent(false).bind(digest).bind(account.0).bind(wrapped);
    Ok(insert.execute(&mut **transaction).await?.rows_affected() == 1)
}

fn key_rows(rows: Vec<(Uuid, Row)>) -> Vec<KeyRow> {
    rows.into_iter().map(|(id, wrapped)| (KeyId(id), wrapped)).collect()
}
