//! Knowing that others have written: the server's log is looked at every few milliseconds, record by record,
//! from where one stopped looking.
//!
//! All records are passed, those of others too: asked for our own alone, the server would look through all
//! that the others have written since, again and again. A subscription is not used: the client turns in
//! circles when the server ends one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kurrentdb::RecordedEvent;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{
    event::Names,
    known::Known,
    pruning, reader,
    reader::From,
    server::{PATIENCE, Server, stop_if_lost},
};
use crate::log::StoreError;

/// How often one looks without having been called.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Records looked at in one question; some are large.
const PAGE_RECORDS: usize = 500;

/// Whoever looks at what is new. One round at a time; those who wait for it share the next.
pub(super) struct Following {
    server: Arc<Server>,
    names: Names,
    known: Arc<Known>,
    begun: AtomicU64,
    ended: Mutex<u64>,
}

impl Following {
    /// Begins at the end of the server's log, and finds out where the last event of ours is.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn begin(
        server: &Arc<Server>,
        names: &Names,
        known: &Arc<Known>,
    ) -> Result<Self, StoreError> {
        let end = server.ask(|client| async move { reader::end(&client).await }).await?;
        let own = names.prefix();
        let last = server
            .ask(|client| {
                let own = Some(own.clone());
                async move { reader::backwards(&client, own, None, 1).await }
            })
            .await?;
        known.prune(pruning::upto(server, names).await?);
        // All of ours up to the end are known to be none after the last.
        last.iter().for_each(|last| known.reached(last.position.commit));
        known.pass(end);
        let (server, names, known) = (Arc::clone(server), names.clone(), Arc::clone(known));
        Ok(Self { server, names, known, begun: AtomicU64::new(0), ended: Mutex::new(0) })
    }

    /// Looks again and again.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            match self.look().await {
                Ok(_) => {}
                Err(StoreError::Stopped) => return,
                Err(error) => {
                    tracing::warn!(%error, "the log's server does not tell where the log ends");
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Passes all that was written before this was asked, and says where the log ends.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn look(&self) -> Result<u64, StoreError> {
        let begun = self.begun.load(Ordering::Acquire);
        let Ok(mut ended) = timeout(PATIENCE, self.ended.lock()).await else {
            return Err(StoreError::Unreachable("others wait for it already".to_owned()));
        };
        if *ended > begun {
            // Somebody else has looked since.
            return Ok(self.known.head());
        }
        let round = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        while !self.step().await? {}
        *ended = round;
        Ok(self.known.head())
    }

    /// Passes some records. Says whether there was nothing more.
    async fn step(&self) -> Result<bool, StoreError> {
        let passed = self.known.passed();
        let from = passed.map_or(From::Start, From::At);
        let read = self
            .server
            .ask(|client| async move { reader::forwards(&client, None, from, PAGE_RECORDS).await });
        let records = read.await?;
        let first = records.first().map(|first| first.position);
        if passed.is_some() && first != passed {
            // The last one is not there any more: it was destroyed, or the server has lost more than that.
            return self.begin_again(records).await;
        }
        Ok(self.pass(&records))
    }

    async fn begin_again(&self, records: Vec<RecordedEvent>) -> Result<bool, StoreError> {
        let known = Arc::clone(&self.known);
        let end = self.server.ask(|client| {
            let known = Arc::clone(&known);
            async move { stop_if_lost(&known, &client).await }
        });
        let end = end.await?;
        if records.is_empty() {
            self.known.pass(end);
            return Ok(true);
        }
        Ok(self.pass(&records))
    }

    fn pass(&self, records: &[RecordedEvent]) -> bool {
        let last = records.last().map(|last| last.position);
        records.iter().for_each(|record| self.note(record));
        if last.is_some() {
            self.known.pass(last);
        }
        records.len() < PAGE_RECORDS
    }

    /// What a record tells.
    fn note(&self, record: &RecordedEvent) {
        let name = record.stream_id();
        if name == self.names.pruned() {
            self.known.prune(pruning::said(&record.data));
        } else if let Some(own) = self.names.own(name) {
            if let Ok(stream) = own.parse() {
                self.known.has(stream, record.revision);
            }
            self.known.reached(record.position.commit);
        }
    }
}
