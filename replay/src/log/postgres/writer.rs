//! The one task of a process that writes: it takes what is queued, commits it as one, and answers.
//!
//! It owns one connection. When that breaks before a commit was asked for, nothing was written and
//! all is tried again on another; when it breaks while the commit is under way, nobody knows, and
//! that is the answer.
//!
//! A writer that was alone lately expects to be so again, and writes a group in one statement that does
//! nothing if others have written meanwhile. Then, and whenever something is in doubt, it takes the log
//! for a transaction and looks.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use domain::Stream;
use moka::sync::Cache;
use sqlx::{
    Connection, PgConnection, PgTransaction,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity},
};
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
    AppendError, Appended, Expected, LogName, StreamAppend,
    group::{Accepted, Append, Ends, Group, Head, first_revision, refuse},
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
    /// Where the log ended when the heads in memory were those of its streams.
    known: Option<Ends>,
    /// Whether it ended there still when it was last looked at.
    alone: bool,
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
        Self { options, name, queue, head, store: None, heads, known: None, alone: false }
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
        if let Some(group) = self.expected(appends) {
            match rows::write(&mut store, self.name, &group).await {
                Ok(true) => {
                    self.store = Some(store);
                    self.committed(group, later);
                    return Ok(());
                }
                Err(error) if !is_undone(&error) => {
                    appends.extend(group.into_appends());
                    return Err(Failed::Committing(error));
                }
                // Others have written, or what was taken on trust is not so.
                Ok(false) | Err(_) => appends.extend(group.into_appends()),
            }
        }
        self.commit_locked(store, appends, later).await
    }

    /// The same, with the log taken.
    async fn commit_locked(
        &mut self,
        mut store: PgConnection,
        appends: &mut Vec<Append>,
        later: &mut VecDeque<Vec<Append>>,
    ) -> Result<(), Failed> {
        let name = self.name;
        let mut writing = store.begin_with(rows::BEGIN).await.map_err(Failed::Before)?;
        let ends = rows::lock(&mut writing, name).await.map_err(Failed::Before)?;
        stop_if_lost(*self.head.borrow(), ends.position);
        let heads = self.heads_for(appends, ends, &mut writing).await;
        let heads = heads.map_err(Failed::Before)?;
        let mut group = Group::form(std::mem::take(appends), heads, ends);
        let judged = judge(&mut writing, name, &mut group).await;
        if let Err(error) = judged {
            appends.extend(group.into_appends());
            return Err(Failed::Before(error));
        }
        if !group.accepted.is_empty()
            && let Err(error) = rows::write(&mut writing, name, &group).await.and_then(moved)
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
        self.committed(group, later);
        Ok(())
    }

    /// The group that `appends` make if nobody else has written, and every stream that is said to be new
    /// and is not in memory is: none when that cannot be known, or leaves a doubt.
    fn expected(&self, appends: &mut Vec<Append>) -> Option<Group> {
        let ends = self.known.filter(|_| self.alone)?;
        let mut heads = HashMap::new();
        for StreamAppend { stream, expected, .. } in appends.iter().map(|append| &append.asked) {
            match self.heads.get(stream) {
                Some(head) => {
                    heads.insert(*stream, head);
                }
                None if *expected == Expected::NoStream => {}
                None => return None,
            }
        }
        let group = Group::form(std::mem::take(appends), heads, ends);
        if group.doubtful.is_empty() {
            return Some(group);
        }
        appends.extend(group.into_appends());
        None
    }

    /// Answers what is in the log now.
    fn committed(&mut self, group: Group, later: &mut VecDeque<Vec<Append>>) {
        self.known = Some(group.ends);
        for (stream, head) in group.heads {
            self.heads.insert(stream, head);
        }
        publish(&self.head, group.ends.position);
        for Accepted { append, answer } in group.accepted {
            append.answer(Ok(answer));
        }
        if !group.deferred.is_empty() {
            later.push_front(group.deferred);
        }
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
    /// log locked, when it ends at `ends`.
    async fn heads_for(
        &mut self,
        appends: &[Append],
        ends: Ends,
        store: &mut PgConnection,
    ) -> Result<HashMap<Stream, Head>, sqlx::Error> {
        self.alone = self.known == Some(ends);
        if !self.alone {
            // Others have written: what is in memory may be of before.
            self.heads.invalidate_all();
        }
        self.known = Some(ends);
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
        self.known = None;
    }
}

/// With the log taken nobody else can have moved its end.
fn moved(written: bool) -> Result<(), sqlx::Error> {
    if written { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Whether the server has answered that nothing of a statement was done. One that goes away says so
/// also of what it has committed.
fn is_undone(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref());
    error.is_some_and(|error: &PgDatabaseError| error.severity() == PgSeverity::Error)
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
