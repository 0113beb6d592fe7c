//! The vault: the keys of dossiers, wrapped by the master key, and what is left of destroyed ones.
//!
//! A store of its own ([`store`]), a file of the data folder or tables of a database, never part of
//! the log: to destroy a key is to make every event under it unreadable, in the log and in all its
//! copies. A key's id says nothing about its dossier. Deciding that a dossier is due is not told
//! here. The same store keeps what people sign in with ([`secrets`], [`logins`]).
//!
//! Keys that were used lately stay in memory. Where other nodes destroy keys too, memory is trusted
//! for as long as the store was asked for them lately ([`erasures`]). One task writes, so that
//! commands that need new keys at the same time share a commit.

mod copying;
mod erasures;
pub(crate) mod hex;
mod logins;
mod master;
mod postgres;
mod secrets;
mod shelf;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

use std::{io, sync::Arc};

use domain::{Dossier, KeyId, SchoolYear};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};
use zeroize::Zeroizing;

pub use copying::{Copied, copy};
pub use logins::login_of_names;
pub use master::{MasterKey, MasterKeyError};
pub use secrets::SecretKind;

use crate::{
    log::StoreError,
    place::KeysUrl,
    seal::{Key, NotSealed},
};
use shelf::Shelf;
use store::{KeyRow, Readers, Transaction, Writing};
use writer::{Job, Reply, Writer};

const KNOWN_TEXT: &[u8] = b"the master key of this vault";

/// The keys of a node's dossiers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    master: Arc<Key>,
    shelf: Arc<Shelf>,
    readers: Readers,
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
    /// It cannot be read or written.
    #[error("the vault cannot be read or written")]
    Store(#[source] Arc<StoreError>),
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(Arc::new(error.into()))
    }
}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl Vault {
    /// Opens a vault, and makes it at first.
    ///
    /// # Errors
    /// When the master key is not the one it was made with, or it cannot be opened.
    pub async fn open(url: &KeysUrl, master: MasterKey) -> Result<Self, VaultError> {
        let (readers, mut writing) = store::open(url).await?;
        let MasterKey(master) = master;
        let (master, shelf) = (Arc::new(master), Arc::new(Shelf::default()));
        put_master_check(&mut writing, &readers, &master).await?;
        check_master(&readers, &master).await?;
        erasures::follow(&readers, &shelf).await?;
        let (jobs, queue) = mpsc::unbounded_channel();
        tokio::spawn(Writer::new(writing, master.clone(), shelf.clone()).run(queue));
        Ok(Self { master, shelf, readers, jobs })
    }

    /// Opens a vault that is there only to open events with its keys, beside whoever writes it.
    ///
    /// # Errors
    /// When there is no vault, or the master key is not the one it was made with.
    pub async fn open_to_read(url: &KeysUrl, master: MasterKey) -> Result<Self, VaultError> {
        let readers = store::open_to_read(url).await?;
        let MasterKey(master) = master;
        let (master, shelf) = (Arc::new(master), Arc::new(Shelf::default()));
        check_master(&readers, &master).await?;
        erasures::follow(&readers, &shelf).await?;
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
        let erasures = self.shelf.erasures();
        let rows = self.readers.keys(keys).await?;
        self.unwrapped(rows, erasures).await
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
        let erasures = self.shelf.erasures();
        let rows = self.readers.newest_keys(shelf::KEYS_MAX).await?;
        self.unwrapped(rows, erasures).await.map(drop)
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
        Ok(self.readers.live_years_before(&dossier).await?)
    }

    /// How many times keys were destroyed, as far as this node knows: what was made of opened events
    /// before the last time may hold what is gone.
    pub(crate) fn erasures(&self) -> u64 {
        self.shelf.erasures()
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

    /// Unwraps keys away from the runtime, and puts them on the shelf. They were asked for after so
    /// many `erasures`.
    async fn unwrapped(
        &self,
        rows: Vec<KeyRow>,
        erasures: u64,
    ) -> Result<Vec<(KeyId, Result<Opening, VaultError>)>, VaultError> {
        let (master, shelf) = (self.master.clone(), self.shelf.clone());
        let read = spawn_blocking(move || {
            let unwrapped = |(id, wrapped): KeyRow| {
                let key = |wrapped: Vec<u8>| unwrap(&master, id, &wrapped).map(Opening::Key);
                (id, wrapped.map_or(Ok(Opening::Erased), key))
            };
            let keys: Vec<_> = rows.into_iter().map(unwrapped).collect();
            shelf.put(&keys, erasures);
            keys
        });
        read.await.map_err(|_| VaultError::Stopped)
    }
}

/// Keeps a known text under the master key in a vault that is new.
async fn put_master_check(
    writing: &mut Writing,
    readers: &Readers,
    master: &Key,
) -> Result<(), VaultError> {
    if readers.master_check().await?.is_none() {
        let known = master.close(b"master_check", KNOWN_TEXT.to_vec())?;
        let mut transaction: Transaction<'_> = writing.begin().await?;
        transaction.put_master_check(known).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Whether it is the master key that the vault was made with. A vault without the known text was
/// never used.
async fn check_master(readers: &Readers, master: &Key) -> Result<(), VaultError> {
    let Some(known) = readers.master_check().await? else { return Ok(()) };
    let mut room = Vec::new();
    let opened = master.open(b"master_check", &known, &mut room);
    opened.map(drop).map_err(|_| VaultError::WrongMasterKey)
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
