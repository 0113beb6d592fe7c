//! The vault: the keys of dossiers, wrapped by the master key, and what is left of destroyed ones.
//!
//! A SQLite file of its own, `vault/vault.db` in the data folder, never part of the log: to destroy
//! a key is to make every event under it unreadable, in the log and in all its copies. A key's id
//! says nothing about its dossier. Deciding that a dossier is due is not told here. The same file
//! keeps what people sign in with ([`secrets`], [`logins`]).
//!
//! Keys that were used lately stay in memory. One task writes, so that commands that need new keys
//! at the same time share a commit.

pub(crate) mod hex;
mod logins;
mod master;
mod secrets;
mod shelf;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{Dossier, KeyId, SchoolYear};
use sqlx::{
    AssertSqlSafe, ConnectOptions, SqlitePool,
    sqlite::{
        SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};
use uuid::Uuid;
use zeroize::Zeroizing;

pub use logins::login_of_names;
pub use master::{MasterKey, MasterKeyError};
pub use secrets::SecretKind;

use crate::seal::{Key, NotSealed};
use shelf::Shelf;
use writer::{Job, Reply, Writer};

const READERS_MAX: u32 = 4;
const KNOWN_TEXT: &[u8] = b"the master key of this vault";

/// The keys of a node's dossiers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    master: Arc<Key>,
    shelf: Arc<Shelf>,
    readers: SqlitePool,
    jobs: mpsc::UnboundedSender<Job>,
}

/// What the vault has under the id of a key.
#[derive(Clone, Debug)]
pub enum Opening {
    /// The key.
    Key(Arc<Key>),
    /// It was destroyed, with all that it sealed.
    Erased,
}

/// Why the vault does not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault was made under another master key.
    #[error("this is not the master key of this vault")]
    WrongMasterKey,
    /// Nothing was ever sealed with such a key here: the log and the vault are not of one node.
    #[error("this vault never held the key {0}")]
    UnknownKey(KeyId),
    /// What is stored does not open under the master key.
    #[error("the stored key {0} is damaged")]
    Damaged(KeyId),
    /// What is stored for an account does not open under the master key.
    #[error("a stored secret is damaged")]
    DamagedSecret,
    /// A key could not be made.
    #[error("a key could not be made")]
    NotMade(#[from] NotSealed),
    /// The key is destroyed, but a reader keeps its old bytes in the file. Erase it again.
    #[error("the vault's file is in use and still holds bytes of the destroyed key")]
    InUse,
    /// The vault has stopped.
    #[error("the vault has stopped")]
    Stopped,
    /// The folder cannot be made.
    #[error("the vault's folder cannot be made")]
    Folder(#[source] Arc<io::Error>),
    /// The file cannot be read or written.
    #[error("the vault cannot be read or written")]
    Store(#[source] Arc<sqlx::Error>),
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl Vault {
    /// Opens the vault of a data folder, and makes it at first.
    ///
    /// # Errors
    /// When the master key is not the one it was made with, or the file cannot be opened.
    pub async fn open(folder: &Path, master: MasterKey) -> Result<Self, VaultError> {
        let file = make_folder(folder).map_err(|error| VaultError::Folder(Arc::new(error)))?;
        let options = SqliteConnectOptions::new().filename(file.join("vault.db"));
        // No checkpoint behind the writer's back: SQLite would not say that it failed.
        let mut connection = (options.clone().create_if_missing(true))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .pragma("wal_autocheckpoint", "0")
            .connect()
            .await?;
        let migrated = sqlx::migrate!("./migrations_vault").run(&mut connection).await;
        migrated.map_err(sqlx::Error::from)?;
        let MasterKey(master) = master;
        let (master, shelf) = (Arc::new(master), Arc::new(Shelf::default()));
        check_master(&mut connection, &master).await?;
        let readers = open_readers(options).await?;
        let (jobs, queue) = mpsc::unbounded_channel();
        let writer = Writer::new(connection, master.clone(), shelf.clone());
        tokio::spawn(writer.run(queue));
        Ok(Self { master, shelf, readers, jobs })
    }

    /// Opens a vault that is there only to open events with its keys, beside whoever writes it.
    ///
    /// # Errors
    /// When there is no vault in the folder, or the master key is not the one it was made with.
    pub async fn open_to_read(folder: &Path, master: MasterKey) -> Result<Self, VaultError> {
        let file = folder.join("vault").join("vault.db");
        let readers = open_readers(SqliteConnectOptions::new().filename(file)).await?;
        let MasterKey(master) = master;
        let (master, shelf) = (Arc::new(master), Arc::new(Shelf::default()));
        let mut connection = readers.acquire().await?;
        check_master(&mut connection, &master).await?;
        drop(connection);
        // Nobody takes from this queue: making and erasing keys is refused.
        let (jobs, _) = mpsc::unbounded_channel();
        Ok(Self { master, shelf, readers, jobs })
    }

    /// The key that seals what is written into a dossier now. It is made when there is none, and is
    /// on the disk before this answers. An erased dossier that goes on gets a new key.
    ///
    /// # Errors
    /// When a new key cannot be made or stored.
    pub async fn key_for(&self, dossier: Dossier) -> Result<(KeyId, Arc<Key>), VaultError> {
        match self.shelf.of_dossier(&dossier) {
            Some(found) => Ok(found),
            None => self.ask(|reply| Job::KeyFor(dossier, reply)).await,
        }
    }

    /// What opens the events that were sealed under a key.
    ///
    /// # Errors
    /// When the vault never held such a key, or cannot be read.
    pub async fn opening(&self, key: KeyId) -> Result<Opening, VaultError> {
        if let Some(opening) = self.shelf.opening(key) {
            return Ok(opening);
        }
        let mut found = self.openings(&[key]).await?;
        found.pop().map_or(Err(VaultError::UnknownKey(key)), |(_, opening)| opening)
    }

    /// What opens the events that were sealed under these keys, read in one go. Keys that the vault
    /// never held are not in the answer.
    ///
    /// # Errors
    /// When the vault cannot be read; a damaged key is an error of that key only.
    pub async fn openings(
        &self,
        keys: &[KeyId],
    ) -> Result<Vec<(KeyId, Result<Opening, VaultError>)>, VaultError> {
        const THESE: &str = "key_id in (select unhex(value) from json_each(?))";
        let list: Vec<_> = keys.iter().map(|key| key.0.simple().to_string()).collect();
        let list = serde_json::json!(list).to_string();
        self.read(THESE, list).await
    }

    /// What opens an event, when it is in memory.
    pub(crate) fn at_hand(&self, key: KeyId) -> Option<Opening> {
        self.shelf.opening(key)
    }

    /// Brings the newest keys into memory, as many as stay there, before the log is replayed.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub async fn warm(&self) -> Result<(), VaultError> {
        const NEWEST: &str = "wrapped is not null order by key_id desc limit ?";
        self.read(NEWEST, shelf::KEYS_MAX.to_string()).await?;
        Ok(())
    }

    /// Destroys the key of a dossier, on the disk and in memory, and says which one it was. Where
    /// there is none any more, only makes sure that nothing is left of it in the file.
    ///
    /// # Errors
    /// When the key could not be destroyed, or not yet all of its bytes: then ask again.
    pub async fn erase(&self, dossier: Dossier) -> Result<Option<KeyId>, VaultError> {
        self.ask(|reply| Job::Erase(dossier, reply)).await
    }

    /// The years before that of a dossier in which its subject has one of the same category, with its
    /// key.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub(crate) async fn live_years_before(
        &self,
        dossier: Dossier,
    ) -> Result<Vec<SchoolYear>, VaultError> {
        let select = "select year from json_each(?) asked cross join sealing_key \
            on subject = asked.value->>0 and category = asked.value->>1 \
            and year < asked.value->>2 and erased_at is null order by year";
        let asked = serde_json::json!([writer::columns(&dossier)]).to_string();
        let years = sqlx::query_scalar(select).bind(asked);
        let years: Vec<u16> = years.fetch_all(&self.readers).await?;
        Ok(years.into_iter().map(SchoolYear).collect())
    }

    /// A key of the node itself, for what leaves it and comes back: the same on every node with this
    /// master key.
    pub fn key_of(&self, purpose: &str) -> Key {
        self.master.derived(purpose)
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, VaultError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).map_err(|_| VaultError::Stopped)?;
        answer.await.map_err(|_| VaultError::Stopped)?
    }

    /// Reads keys, unwraps them away from the runtime, and puts them on the shelf.
    async fn read(
        &self,
        which: &'static str,
        argument: String,
    ) -> Result<Vec<(KeyId, Result<Opening, VaultError>)>, VaultError> {
        let erasures = self.shelf.erasures();
        let select = format!("select key_id, wrapped from sealing_key where {which}");
        let rows = sqlx::query_as(AssertSqlSafe(select)).bind(argument);
        let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = rows.fetch_all(&self.readers).await?;
        let (master, shelf) = (self.master.clone(), self.shelf.clone());
        let read = spawn_blocking(move || {
            let unwrapped = |(id, wrapped): (Vec<u8>, Option<_>)| {
                let id = key_id(&id)?;
                let key = |wrapped: Vec<u8>| unwrap(&master, id, &wrapped).map(Opening::Key);
                Some((id, wrapped.map_or(Ok(Opening::Erased), key)))
            };
            let keys: Vec<_> = rows.into_iter().filter_map(unwrapped).collect();
            shelf.put(&keys, erasures);
            keys
        });
        read.await.map_err(|_| VaultError::Stopped)
    }
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

async fn check_master(connection: &mut SqliteConnection, master: &Key) -> Result<(), VaultError> {
    let known = sqlx::query_scalar("select wrapped from master_check");
    let known: Option<Vec<u8>> = known.fetch_optional(&mut *connection).await?;
    if let Some(known) = known {
        let mut room = Vec::new();
        let opened = master.open(b"master_check", &known, &mut room);
        return opened.map(|_| ()).map_err(|_| VaultError::WrongMasterKey);
    }
    let known = master.close(b"master_check", KNOWN_TEXT.to_vec())?;
    let insert = sqlx::query("insert into master_check (id, wrapped) values (1, ?)").bind(known);
    insert.execute(connection).await?;
    Ok(())
}

/// The id in a row; rows are only written with one.
fn key_id(column: &[u8]) -> Option<KeyId> {
    Uuid::from_slice(column).ok().map(KeyId)
}

fn wrap(master: &Key, id: KeyId, key: &Key) -> Result<Vec<u8>, NotSealed> {
    master.close(id.0.as_bytes(), key.bytes().to_vec())
}

fn unwrap(master: &Key, id: KeyId, wrapped: &[u8]) -> Result<Arc<Key>, VaultError> {
    let mut room = Zeroizing::new(Vec::new());
    let opened = master.open(id.0.as_bytes(), wrapped, &mut room);
    let key = opened.ok().and_then(Key::from_bytes);
    key.map(Arc::new).ok_or(VaultError::Damaged(id))
}
