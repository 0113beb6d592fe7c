//! The one task of a process that writes: it takes what is queued, commits it as one, and answers.
//!
//! It owns one connection. When that breaks before a commit was asked for, nothing was written and
//! all is tried again on another; when it breaks while the commit is under way, nobody knows, and
//! that is the answer.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use domain::Stream;
use moka::sync::Cache;
use sqlx::{Connection, PgConnection, PgTransaction, postgres::PgConnectOptions};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    listening::{publish, stop_if_lost},
    reader, rows,
};
use crate::log::{
    AppendError, Appended, LogName,
    group::{Accepted, Append, Group, Head, first_revision, refuse},
    queue::{Queue, Request},
};

/// Streams whose heads are kept in memory, about 150 bytes each.
const HEADS_MAX: u64 = 200_000;

/// How long appends wait for a database that is not there, within the time that a request has.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long one attempt to reach the database takes at most.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// How long it waits between two attempts.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Nothing but writing is asked of this writer.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoChore {}

/// The writer and all it knows.
pub(super) struct Writer {
    options: PgConnectOptions,
    name: LogName,
    queue: Queue<NoChore>,
    head: watch::Sender<u64>,
    store: Option<PgConnection>,
    heads: Cache<Stream, Head>,
    /// The position that the heads in memory belong to.
    known: u64,
}

/// Why a group was not committed.
enum Failed {
    /// Not even begun, or the database is not to be had: it was not written.
    Before(sqlx::Error),
    /// A statement of this group failed: it was not written.
    Writing(sqlx::Error),
    /// The commit was asked for and not answered.
    Committing(sqlx::Error),
}

impl Writer {
    pub(super) fn new(
        options: PgConnectOptions,
        name: LogName,
        requests: mpsc::Receiver<Request<NoChore>>,
        head: watch::Sender<u64>,
    ) -> Self {
        let (queue, heads) = (Queue::new(requests), Cache::new(HEADS_MAX));
        Self { options, name, queue, head, store: None, heads, known: 0 }
    }

    /// Writes until the last handle is gone or one of them closes the log; then `listening` ends too.
    pub(super) async fn run(mut self, listening: JoinHandle<()>) {
        let mut closing = Vec::new();
        while let Some(request) = self.queue.next().await {
            match request {
                Request::Append(first) => {
                    let appends = self.queue.gather(first).await;
                    self.write(appends).await;
                }
                Request::Chore(chore) => match chore {},
                Request::Close(reply) => {
                    self.queue.close();
                    closing.push(reply);
                }
            }
        }
        listening.abort();
        // Aborted, or over by itself: either way it asks nothing more.
        let _ended = listening.await;
        if let Some(store) = self.store.take() {
            // The server notices by itself when nobody says good-bye.
            let _gone = store.close().await;
        }
        for reply in closing {
            let _gone = reply.send(());
        }
    }

    /// Commits all appends that can be and answers all of them. When a statement fails each append
    /// is tried alone, so that one that cannot be written does not take others with it.
    async fn write(&mut self, appends: Vec<Append>) {
        let until = Instant::now() + PATIENCE;
        let mut work = VecDeque::from([appends]);
        while let Some(mut appends) = work.pop_front() {
            match self.commit(&mut appends, &mut work).await {
                Ok(()) => {}
                Err(Failed::Before(error)) if Instant::now() < until => {
                    tracing::warn!(%error, "the log's database cannot be written to, trying again");
                    self.forget();
                    sleep(RETRY_AFTER).await;
                    work.push_front(appends);
                }
                Err(Failed::Before(error)) => {
                    self.forget();
                    refuse(appends, error.into());
                }
                Err(Failed::Writing(error)) if appends.len() == 1 => refuse(appends, error.into()),
                Err(Failed::Writing(error)) => {
                    tracing::warn!(%error, "a group failed, its appends are tried one by one");
                    appends.into_iter().rev().for_each(|one| work.push_front(vec![one]));
                }
                Err(Failed::Committing(error)) => {
                    tracing::warn!(%error, "it is not known whether a group was committed");
                    self.forget();
                    for append in appends {
                        append.answer(Err(AppendError::Unknown));
                    }
                }
            }
        }
    }

    /// Writes what can be of `appends` in one transaction, and answers it. What has to wait for that
    /// goes into `later`; what is left in `appends` was not answered.
    async fn commit(
        &mut self,
        appends: &mut Vec<Append>,
        later: &mut VecDeque<Vec<Append>>,
    ) -> Result<(), Failed> {
        let mut store = self.connected().await.map_err(Failed::Before)?;
        let name = self.name;
        let mut writing = store.begin_with(rows::BEGIN).await.map_err(Failed::Before)?;
        let ends = rows::lock(&mut writing, name).await.map_err(Failed::Before)?;
        stop_if_lost(*self.head.borrow(), ends.position);
        let heads = self.heads_for(appends, ends.position, &mut writing).await;
        let heads = heads.map_err(Failed::Before)?;
        let mut group = Group::form(std::mem::take(appends), heads, ends);
        let judged = judge(&mut writing, name, &mut group).await;
        if let Err(error) = judged {
            appends.extend(group.into_appends());
            return Err(Failed::Before(error));
        }
        if !group.accepted.is_empty()
            && let Err(error) = rows::write(&mut writing, name, &group).await
        {
            // A broken connection is found broken by the next group.
            let _undone = writing.rollback().await;
            self.store = Some(store);
            let lost = error.as_database_error().is_none();
            appends.extend(group.into_appends());
            return Err(if lost { Failed::Before(error) } else { Failed::Writing(error) });
        }
        if let Err(error) = writing.commit().await {
            appends.extend(group.into_appends());
            return Err(Failed::Committing(error));
        }
        self.store = Some(store);
        self.known = group.ends.position;
        for (stream, head) in group.heads {
            self.heads.insert(stream, head);
        }
        publish(&self.head, self.known);
        for Accepted { append, answer } in group.accepted {
            append.answer(Ok(answer));
        }
        if !group.deferred.is_empty() {
            later.push_front(group.deferred);
        }
        Ok(())
    }

    /// The connection, taken out: whoever gives it back found it whole.
    async fn connected(&mut self) -> Result<PgConnection, sqlx::Error> {
        match self.store.take() {
            Some(store) => Ok(store),
            None => match timeout(CONNECT_MAX, PgConnection::connect_with(&self.options)).await {
                Ok(connected) => connected,
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            },
        }
    }

    /// Where the streams of the appends stand, from memory or from the store. To be asked with the
    /// log locked, when it ends at `position`.
    async fn heads_for(
        &mut self,
        appends: &[Append],
        position: u64,
        store: &mut PgConnection,
    ) -> Result<HashMap<Stream, Head>, sqlx::Error> {
        if position != self.known {
            // Others have written: what is in memory may be of before.
            self.heads.invalidate_all();
        }
        self.known = position;
        let mut heads = HashMap::new();
        let mut unknown = Vec::new();
        for stream in appends.iter().map(|append| append.asked.stream) {
            match self.heads.get(&stream) {
                Some(head) => {
                    heads.insert(stream, head);
                }
                None => unknown.push(stream),
            }
        }
        if !unknown.is_empty() {
            heads.extend(rows::heads_of(store, self.name, &unknown).await?);
        }
        Ok(heads)
    }

    /// Lets go of a connection that may be broken, and of all that was known through it.
    fn forget(&mut self) {
        self.store = None;
        self.heads.invalidate_all();
        self.known = 0;
    }
}

/// Answers the appends that are not where their stream stands.
async fn judge(
    writing: &mut PgTransaction<'_>,
    name: LogName,
    group: &mut Group,
) -> Result<(), sqlx::Error> {
    let mut judged: Vec<Result<Appended, AppendError>> = Vec::new();
    for Append { asked, .. } in &group.doubtful {
        let (first, many) = (first_revision(asked.expected), asked.events.len());
        let found = reader::of_stream(writing, name, asked.stream, first, many).await?;
        judged.push(group.judge(asked, &found));
    }
    for (append, answer) in std::mem::take(&mut group.doubtful).into_iter().zip(judged) {
        append.answer(answer);
    }
    Ok(())
}
