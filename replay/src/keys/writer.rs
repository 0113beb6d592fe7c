//! The one task that writes the vault: it makes and destroys keys and changes secrets, all of one
//! kind that is asked at one time in one commit.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use domain::{Dossier, KeyId};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    VaultError,
    secrets::Change,
    shelf::Shelf,
    store::{NewKey, Row, Writing},
    unwrap, wrap,
};
use crate::seal::Key;

const JOBS_MAX: usize = 500;

pub(super) type Reply<T> = oneshot::Sender<Result<T, VaultError>>;

type Live = (KeyId, Arc<Key>);
/// What each dossier's askers are told, in order.
type Answers<T> = Vec<Result<T, VaultError>>;
type Waiting<T> = BTreeMap<Dossier, Vec<Reply<T>>>;

pub(super) enum Job {
    KeyFor(Dossier, Reply<Live>),
    Erase(Dossier, Reply<Option<KeyId>>),
    Change(Change, Reply<Row>),
}

pub(super) struct Writer {
    store: Writing,
    master: Arc<Key>,
    shelf: Arc<Shelf>,
}

impl Writer {
    pub(super) fn new(store: Writing, master: Arc<Key>, shelf: Arc<Shelf>) -> Self {
        Self { store, master, shelf }
    }

    /// Works until nobody can ask any more.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut jobs = Vec::new();
        while queue.recv_many(&mut jobs, JOBS_MAX).await > 0 {
            let (mut wanted, mut due) = (Waiting::new(), Waiting::new());
            let (mut changes, mut replies) = (Vec::new(), Vec::new());
            for job in jobs.drain(..) {
                match job {
                    Job::KeyFor(dossier, reply) => wanted.entry(dossier).or_default().push(reply),
                    Job::Erase(dossier, reply) => due.entry(dossier).or_default().push(reply),
                    Job::Change(change, reply) => {
                        changes.push(change);
                        replies.push(reply);
                    }
                }
            }
            if !wanted.is_empty() {
                let dossiers: Vec<_> = wanted.keys().copied().collect();
                answer(wanted, self.keys_for(&dossiers).await);
            }
            if !due.is_empty() {
                let dossiers: Vec<_> = due.keys().copied().collect();
                answer(due, self.erase(&dossiers).await);
            }
            if !changes.is_empty() {
                let answers = self.change(changes).await;
                let answers = answers.unwrap_or_else(|error| vec![Err(error); replies.len()]);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _gone = reply.send(answer);
                }
            }
        }
        self.store.close().await;
    }

    /// The live key of each dossier, in order; those that had none have one now.
    async fn keys_for(&mut self, dossiers: &[Dossier]) -> Result<Answers<Live>, VaultError> {
        let mut transaction = self.store.begin().await?;
        let mut live: BTreeMap<usize, Result<Live, VaultError>> = BTreeMap::new();
        for (place, id, wrapped) in transaction.live(dossiers).await? {
            live.insert(place, unwrap(&self.master, id, &wrapped).map(|key| (id, key)));
        }
        let mut new = Vec::new();
        for (place, dossier) in dossiers.iter().enumerate() {
            if let Entry::Vacant(none) = live.entry(place) {
                let (id, key) = (KeyId(Uuid::now_v7()), Arc::new(Key::random()?));
                new.push(NewKey { id, dossier: *dossier, wrapped: wrap(&self.master, id, &key)? });
                none.insert(Ok((id, key)));
            }
        }
        if new.is_empty() {
            drop(transaction);
        } else {
            transaction.put_keys(&new).await?;
            transaction.commit().await?;
            self.store.tidy().await;
        }
        let live: Vec<_> = live.into_values().collect();
        for (dossier, answer) in dossiers.iter().zip(&live) {
            if let Ok((id, key)) = answer {
                self.shelf.put_live(*dossier, *id, key);
            }
        }
        Ok(live)
    }

    /// The key of each dossier that had one, in order, destroyed.
    async fn erase(&mut self, dossiers: &[Dossier]) -> Result<Answers<Option<KeyId>>, VaultError> {
        let mut transaction = self.store.begin().await?;
        let mut erased = vec![None; dossiers.len()];
        for (place, id, _) in transaction.live(dossiers).await? {
            transaction.destroy_key(id).await?;
            erased[place] = Some(id);
        }
        transaction.commit().await?;
        let gone =
            dossiers.iter().zip(&erased).filter_map(|(dossier, id)| Some((*dossier, (*id)?)));
        self.shelf.drop_erased(&gone.collect::<Vec<_>>());
        self.store.wipe().await?;
        Ok(erased.into_iter().map(Ok).collect())
    }

    /// Changes secrets, in the order of asking. One that cannot be done takes no other with it,
    /// unless it is the store that fails.
    async fn change(&mut self, changes: Vec<Change>) -> Result<Answers<Row>, VaultError> {
        let forgetting: Vec<_> = changes.iter().map(Change::forgets).collect();
        let mut transaction = self.store.begin().await?;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            match change.perform(&mut transaction, &self.master).await {
                Err(error @ VaultError::Store(_)) => return Err(error),
                answer => answers.push(answer),
            }
        }
        transaction.commit().await?;
        if !forgetting.contains(&true) {
            self.store.tidy().await;
        } else if let Err(error) = self.store.wipe().await {
            for (answer, _) in answers.iter_mut().zip(&forgetting).filter(|(_, forgot)| **forgot) {
                *answer = Err(error.clone());
            }
        }
        Ok(answers)
    }
}

/// Answers each dossier's askers, who may have gone.
fn answer<T: Clone>(waiting: Waiting<T>, outcome: Result<Answers<T>, VaultError>) {
    let answers = outcome.unwrap_or_else(|error| vec![Err(error); waiting.len()]);
    for (replies, answer) in waiting.into_values().zip(answers) {
        for reply in replies {
            let _gone = reply.send(answer.clone());
        }
    }
}
