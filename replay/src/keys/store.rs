//! Where the vault lies: an enum over engines, as with the log. What a key or a secret means is told
//! above; here they are wrapped bytes.

use domain::{AccountId, Dossier, KeyId, SchoolYear, Subject};
use sqlx::{PgPool, PgTransaction, SqlitePool, sqlite::SqliteTransaction};
use uuid::Uuid;

use super::{
    VaultError, postgres,
    secrets::SecretKind,
    sqlite,
    whole::{Table, WholeRow},
};
use crate::place::KeysUrl;

/// Connections that read at the same time; more than that wait for their turn.
pub(super) const READERS_MAX: u32 = 4;

/// A wrapped secret or login name, when there is one.
pub(super) type Row = Option<Vec<u8>>;

/// A key and its wrapped bytes; none when it was destroyed.
pub(super) type KeyRow = (KeyId, Row);

/// A key that is to be kept.
pub(super) struct NewKey {
    pub(super) id: KeyId,
    pub(super) dossier: Dossier,
    pub(super) wrapped: Vec<u8>,
}

/// Who asks. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Who writes: one a process.
pub(super) enum Writing {
    Sqlite(sqlite::Writing),
    Postgres(Box<postgres::Writing>),
}

/// What is written together.
pub(super) enum Transaction<'w> {
    Sqlite(SqliteTransaction<'w>),
    Postgres(PgTransaction<'w>),
}

/// Opens a vault, and makes it at first.
pub(super) async fn open(url: &KeysUrl) -> Result<(Readers, Writing), VaultError> {
    Ok(match url {
        KeysUrl::Sqlite(folder) => {
            let (readers, writing) = sqlite::open(folder).await?;
            (Readers::Sqlite(readers), Writing::Sqlite(writing))
        }
        KeysUrl::Postgres(url) => {
            let (readers, writing) = postgres::open(url).await?;
            (Readers::Postgres(readers), Writing::Postgres(Box::new(writing)))
        }
    })
}

/// Opens a vault that is there only to be read.
pub(super) async fn open_to_read(url: &KeysUrl) -> Result<Readers, VaultError> {
    Ok(match url {
        KeysUrl::Sqlite(folder) => Readers::Sqlite(sqlite::open_to_read(folder).await?),
        KeysUrl::Postgres(url) => Readers::Postgres(postgres::open_to_read(url).await?),
    })
}

impl Readers {
    pub(super) async fn master_check(&self) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(readers) => sqlite::master_check(readers).await,
            Self::Postgres(readers) => postgres::master_check(readers).await,
        }
    }

    pub(super) async fn keys(&self, ids: &[KeyId]) -> sqlx::Result<Vec<KeyRow>> {
        match self {
            Self::Sqlite(readers) => sqlite::keys(readers, ids).await,
            Self::Postgres(readers) => postgres::keys(readers, ids).await,
        }
    }

    pub(super) async fn newest_keys(&self, max: u64) -> sqlx::Result<Vec<KeyRow>> {
        match self {
            Self::Sqlite(readers) => sqlite::newest_keys(readers, max).await,
            Self::Postgres(readers) => postgres::newest_keys(readers, max).await,
        }
    }

    pub(super) async fn live_years_before(
        &self,
        dossier: &Dossier,
    ) -> sqlx::Result<Vec<SchoolYear>> {
        match self {
            Self::Sqlite(readers) => sqlite::live_years_before(readers, dossier).await,
            Self::Postgres(readers) => postgres::live_years_before(readers, dossier).await,
        }
    }

    pub(super) async fn secret(&self, account: AccountId, kind: SecretKind) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(readers) => sqlite::secret(readers, account, kind).await,
            Self::Postgres(readers) => postgres::secret(readers, account, kind).await,
        }
    }

    pub(super) async fn login_of_digest(&self, digest: Vec<u8>) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(readers) => sqlite::login_of_digest(readers, digest).await,
            Self::Postgres(readers) => postgres::login_of_digest(readers, digest).await,
        }
    }

    pub(super) async fn login_of_account(&self, account: AccountId) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(readers) => sqlite::login_of_account(readers, account).await,
            Self::Postgres(readers) => postgres::login_of_account(readers, account).await,
        }
    }
}

/// For whoever copies.
impl Readers {
    pub(super) async fn rows(&self, table: Table) -> sqlx::Result<u64> {
        match self {
            Self::Sqlite(readers) => sqlite::whole::count(readers, table).await,
            Self::Postgres(readers) => postgres::whole::count(readers, table).await,
        }
    }

    pub(super) async fn page(
        &self,
        table: Table,
        after: Option<&WholeRow>,
        max: u32,
    ) -> sqlx::Result<Vec<WholeRow>> {
        match self {
            Self::Sqlite(readers) => sqlite::whole::page(readers, table, after, max).await,
            Self::Postgres(readers) => postgres::whole::page(readers, table, after, max).await,
        }
    }
}

impl Writing {
    pub(super) async fn begin(&mut self) -> sqlx::Result<Transaction<'_>> {
        Ok(match self {
            Self::Sqlite(writing) => Transaction::Sqlite(writing.begin().await?),
            Self::Postgres(writing) => Transaction::Postgres(writing.begin().await?),
        })
    }

    /// Makes sure, where the engine can, that no byte is left of what was destroyed.
    pub(super) async fn wipe(&mut self) -> Result<(), VaultError> {
        match self {
            Self::Sqlite(writing) => writing.wipe().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// To be called after each commit that wiped nothing.
    pub(super) async fn tidy(&mut self) {
        match self {
            Self::Sqlite(writing) => writing.tidy().await,
            Self::Postgres(_) => {}
        }
    }

    pub(super) async fn close(self) {
        match self {
            Self::Sqlite(writing) => writing.close().await,
            Self::Postgres(writing) => writing.close().await,
        }
    }
}

impl Transaction<'_> {
    /// Commits. A file whose commit fails ends the process; a database that does not answer leaves
    /// open whether it was done, and what was asked may be asked again.
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(transaction) => {
                sqlite::commit(transaction).await;
                Ok(())
            }
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }

    pub(super) async fn put_master_check(&mut self, wrapped: Vec<u8>) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(own) => sqlite::put_master_check(own, wrapped).await,
            Self::Postgres(own) => postgres::put_master_check(own, wrapped).await,
        }
    }

    pub(super) async fn live(
        &mut self,
        dossiers: &[Dossier],
    ) -> sqlx::Result<Vec<(usize, KeyId, Vec<u8>)>> {
        match self {
            Self::Sqlite(own) => sqlite::live(own, dossiers).await,
            Self::Postgres(own) => postgres::live(own, dossiers).await,
        }
    }

    pub(super) async fn put_keys(&mut self, keys: &[NewKey]) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(own) => sqlite::put_keys(own, keys).await,
            Self::Postgres(own) => postgres::put_keys(own, keys).await,
        }
    }

    pub(super) async fn put_rows(&mut self, rows: &[WholeRow]) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(own) => sqlite::whole::put(own, rows).await,
            Self::Postgres(own) => postgres::whole::put(own, rows).await,
        }
    }

    pub(super) async fn destroy_key(&mut self, id: KeyId) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(own) => sqlite::destroy_key(own, id).await,
            Self::Postgres(own) => postgres::destroy_key(own, id).await,
        }
    }

    pub(super) async fn secret(
        &mut self,
        account: AccountId,
        kind: SecretKind,
    ) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(own) => sqlite::own_secret(own, account, kind).await,
            Self::Postgres(own) => postgres::own_secret(own, account, kind).await,
        }
    }

    pub(super) async fn put_secret(
        &mut self,
        account: AccountId,
        kind: SecretKind,
        wrapped: Vec<u8>,
    ) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(own) => sqlite::put_secret(own, account, kind, wrapped).await,
            Self::Postgres(own) => postgres::put_secret(own, account, kind, wrapped).await,
        }
    }

    pub(super) async fn take_secret(
        &mut self,
        account: AccountId,
        kind: SecretKind,
    ) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(own) => sqlite::take_secret(own, account, kind).await,
            Self::Postgres(own) => postgres::take_secret(own, account, kind).await,
        }
    }

    pub(super) async fn forget(&mut self, account: AccountId) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(own) => sqlite::forget(own, account).await,
            Self::Postgres(own) => postgres::forget(own, account).await,
        }
    }

    pub(super) async fn login(&mut self, account: AccountId) -> sqlx::Result<Row> {
        match self {
            Self::Sqlite(own) => sqlite::own_login(own, account).await,
            Self::Postgres(own) => postgres::own_login(own, account).await,
        }
    }

    pub(super) async fn put_login(
        &mut self,
        account: AccountId,
        digest: Vec<u8>,
        wrapped: &[u8],
    ) -> sqlx::Result<bool> {
        match self {
            Self::Sqlite(own) => sqlite::put_login(own, account, digest, wrapped).await,
            Self::Postgres(own) => postgres::put_login(own, account, digest, wrapped).await,
        }
    }
}

/// A dossier as the store knows it.
pub(super) fn columns(dossier: &Dossier) -> (String, String, u16) {
    let subject = match dossier.subject {
        Subject::Person(id) => format!("person-{id}"),
        Subject::School(uai) => format!("school-{uai}"),
    };
    let category = serde_json::json!(dossier.category).to_string();
    (subject, category.trim_matches('"').to_owned(), dossier.year.0)
}

/// The id in a row; rows are only written with one.
pub(super) fn key_id(column: &[u8]) -> Option<KeyId> {
    Uuid::from_slice(column).ok().map(KeyId)
}
