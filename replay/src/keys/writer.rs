//! The one task that writes the vault: it makes and destroys keys and changes secrets, all of one
//! kind that is asked at one time in one commit.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use chrono::Utc;
use domain::{Dossier, KeyId, Subject};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteTransaction};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    VaultError, hex, key_id,
    secrets::{Change, Row},
    shelf::Shelf,
    unwrap, wrap,
};
use crate::{fatal::storage_failed, seal::Key};

const JOBS_MAX: usize = 500;
const COMMITS_PER_CHECKPOINT: u32 = 1_000;

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
    connection: SqliteConnection,
    master: Arc<Key>,
    shelf: Arc<Shelf>,
    commits: u32,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, master: Arc<Key>, shelf: Arc<Shelf>) -> Self {
        Self { connection, master, shelf, commits: 0 }
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
        // What it leaves behind, the next start reads.
        let _unfinished = self.connection.close().await;
    }

    /// The live key of each dossier, in order; those that had none have one now.
    async fn keys_for(&mut self, dossiers: &[Dossier]) -> Result<Answers<Live>, VaultError> {
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        let mut live: BTreeMap<usize, Result<Live, VaultError>> = BTreeMap::new();
        for (place, id, wrapped) in select_live(&mut transaction, dossiers).await? {
            live.insert(place, unwrap(&self.master, id, &wrapped).map(|key| (id, key)));
        }
        let mut rows = Vec::new();
        for (place, dossier) in dossiers.iter().enumerate() {
            if let Entry::Vacant(none) = live.entry(place) {
                let (id, key) = (KeyId(Uuid::now_v7()), Arc::new(Key::random()?));
                let wrapped = hex::write(&wrap(&self.master, id, &key)?);
                let (subject, category, year) = columns(dossier);
                rows.push((id.0.simple().to_string(), subject, category, year, wrapped));
                none.insert(Ok((id, key)));
            }
        }
        if rows.is_empty() {
            transaction.rollback().await?;
        } else {
            let insert = "insert into sealing_key (key_id, subject, category, year, wrapped) \
                select unhex(value->>0), value->>1, value->>2, value->>3, unhex(value->>4) \
                from json_each(?)";
            let insert = sqlx::query(insert).bind(serde_json::json!(rows).to_string());
            insert.execute(&mut *transaction).await?;
            commit(transaction).await;
            self.checkpoint_at_times().await;
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
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        let mut erased = vec![None; dossiers.len()];
        for (place, id, _) in select_live(&mut transaction, dossiers).await? {
            let destroy = sqlx::query(
                "update sealing_key set wrapped = null, erased_at = ? where key_id = ?",
            )
            .bind(Utc::now().timestamp_micros())
            .bind(id.0.as_bytes().as_slice());
            destroy.execute(&mut *transaction).await?;
            erased[place] = Some(id);
        }
        commit(transaction).await;
        let gone =
            dossiers.iter().zip(&erased).filter_map(|(dossier, id)| Some((*dossier, (*id)?)));
        self.shelf.drop_erased(&gone.collect::<Vec<_>>());
        self.empty_wal().await?;
        Ok(erased.into_iter().map(Ok).collect())
    }

    /// Changes secrets, in the order of asking. One that cannot be done takes no other with it,
    /// unless it is the file that fails.
    async fn change(&mut self, changes: Vec<Change>) -> Result<Answers<Row>, VaultError> {
        let forgetting: Vec<_> = changes.iter().map(Change::forgets).collect();
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            match change.perform(&mut transaction, &self.master).await {
                Err(error @ VaultError::Store(_)) => return Err(error),
                answer => answers.push(answer),
            }
        }
        commit(transaction).await;
        if !forgetting.contains(&true) {
            self.checkpoint_at_times().await;
        } else if let Err(error) = self.empty_wal().await {
            for (answer, _) in answers.iter_mut().zip(&forgetting).filter(|(_, forgot)| **forgot) {
                *answer = Err(error.clone());
            }
        }
        Ok(answers)
    }

    /// Moves what was committed into the main file, where secure deletion has wiped the old bytes,
    /// and empties the write-ahead log, which still holds them.
    async fn empty_wal(&mut self) -> Result<(), VaultError> {
        match self.checkpoint("pragma wal_checkpoint(truncate)").await {
            0 => Ok(()),
            _ => Err(VaultError::InUse),
        }
    }

    async fn checkpoint_at_times(&mut self) {
        self.commits += 1;
        if self.commits >= COMMITS_PER_CHECKPOINT {
            self.checkpoint("pragma wal_checkpoint(passive)").await;
            self.commits = 0;
        }
    }

    /// Whether readers were in the way. After a checkpoint that failed nobody can trust the file.
    async fn checkpoint(&mut self, pragma: &'static str) -> i64 {
        let busy = sqlx::query_scalar(pragma).fetch_one(&mut self.connection).await;
        busy.unwrap_or_else(|error| storage_failed("the vault", &error))
    }
}

async fn commit(transaction: SqliteTransaction<'_>) {
    let committed = transaction.commit().await;
    committed.unwrap_or_else(|error| storage_failed("the vault", &error));
}

/// The wrapped keys that live, with the place of their dossier in the list.
async fn select_live(
    transaction: &mut SqliteTransaction<'_>,
    dossiers: &[Dossier],
) -> Result<Vec<(usize, KeyId, Vec<u8>)>, VaultError> {
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

/// A dossier as the file knows it.
pub(super) fn columns(dossier: &Dossier) -> (String, domain::Category, u16) {
    let subject = match dossier.subject {
        Subject::Person(id) => format!("person-{id}"),
        Subject::School(uai) => format!("school-{uai}"),
    };
    (subject, dossier.category, dossier.year.0)
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
