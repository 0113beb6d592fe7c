//! The keys that are in memory, bounded, by dossier and by id.
//!
//! **Invariant:** once an erasure has answered, no destroyed key is on the shelf. A reader may have
//! read the key before it was destroyed and come to the shelf after: it names the number of
//! erasures that it knew of, and what it brings is left aside when there were more.
//!
//! Where other nodes destroy keys too, the shelf is trusted until an instant that is moved on each
//! time their erasures were asked for ([`super::erasures`]); past it, it seems empty.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Instant,
};

use domain::{Dossier, KeyId};
use moka::sync::Cache;

use super::{Opening, VaultError};
use crate::seal::Key;

/// About 250 bytes each.
pub(super) const KEYS_MAX: u64 = 250_000;

#[derive(Debug)]
pub(super) struct Shelf {
    by_dossier: Cache<Dossier, (KeyId, Arc<Key>)>,
    by_id: Cache<KeyId, Opening>,
    erasures: Mutex<u64>,
    /// None where nobody else destroys keys.
    trusted_until: RwLock<Option<Instant>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            by_dossier: Cache::new(KEYS_MAX),
            by_id: Cache::new(KEYS_MAX),
            erasures: Mutex::default(),
            trusted_until: RwLock::default(),
        }
    }
}

impl Shelf {
    pub(super) fn of_dossier(&self, dossier: &Dossier) -> Option<(KeyId, Arc<Key>)> {
        self.by_dossier.get(dossier).filter(|_| self.is_trusted())
    }

    pub(super) fn opening(&self, id: KeyId) -> Option<Opening> {
        self.by_id.get(&id).filter(|_| self.is_trusted())
    }

    /// Makes the shelf seem empty from an instant on.
    pub(super) fn trust_until(&self, instant: Instant) {
        *self.trusted_until.write().unwrap_or_else(PoisonError::into_inner) = Some(instant);
    }

    fn is_trusted(&self) -> bool {
        let until = *self.trusted_until.read().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| Instant::now() < until)
    }

    /// How many times keys were destroyed.
    pub(super) fn erasures(&self) -> u64 {
        *self.erasures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a reader found, when it began to read after so many `erasures`.
    pub(super) fn put(&self, found: &[(KeyId, Result<Opening, VaultError>)], erasures: u64) {
        let now = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == erasures {
            for (id, opening) in found {
                if let Ok(opening) = opening {
                    self.by_id.insert(*id, opening.clone());
                }
            }
        }
    }

    /// The live key of a dossier. Only the writer, who also destroys, may say so.
    pub(super) fn put_live(&self, dossier: Dossier, id: KeyId, key: &Arc<Key>) {
        self.by_dossier.insert(dossier, (id, key.clone()));
        self.by_id.insert(id, Opening::Key(key.clone()));
    }

    /// Takes destroyed keys out.
    pub(super) fn drop_erased(&self, erased: &[(Dossier, KeyId)]) {
        let mut erasures = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        *erasures += 1;
        for (dossier, id) in erased {
            self.by_dossier.invalidate(dossier);
            self.by_id.insert(*id, Opening::Erased);
        }
        self.forget_now();
    }

    /// Takes keys out that another node has destroyed; which dossiers they were of, it did not say.
    pub(super) fn drop_erased_elsewhere(&self, erased: &[KeyId]) {
        let is_new = |id: &&KeyId| !matches!(self.by_id.get(*id), Some(Opening::Erased));
        let new: Vec<_> = erased.iter().filter(is_new).collect();
        if new.is_empty() {
            return;
        }
        let mut erasures = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        *erasures += 1;
        self.by_dossier.invalidate_all();
        for id in new {
            self.by_id.insert(*id, Opening::Erased);
        }
        self.forget_now();
    }

    /// Takes everything out: nobody can say what was destroyed.
    pub(super) fn clear(&self) {
        let mut erasures = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        *erasures += 1;
        self.by_dossier.invalidate_all();
        self.by_id.invalidate_all();
        self.forget_now();
    }

    /// Otherwise the old values stay in memory until the cache's next housekeeping.
    fn forget_now(&self) {
        self.by_dossier.run_pending_tasks();
        self.by_id.run_pending_tasks();
    }
}
