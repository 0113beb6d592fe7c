//! The readable journal: the log, the keys that open it and the clock, as one thing.
//!
//! Reading turns stored bytes into [`Recorded`] events. What cannot be read is an entry too, an
//! [`Unreadable`]: one bad event never hides the others. Writing is told in [`crate::execute`].

mod decoding;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Context;
use domain::{Dossier, KeyId, Recorded, Stream};
use tokio::{sync::mpsc, task::JoinHandle};

pub use decoding::{Unreadable, WhyUnreadable};

use crate::{
    Place,
    clock::Clock,
    execute::States,
    keys::{MasterKey, Vault, VaultError},
    log::{self, Filter, Log, LogName, StoredEvent},
};

/// Two pages are in memory while a third is worked on: some 5 MB.
const PAGE_EVENTS: usize = 2_000;
const HISTORY_PAGE_EVENTS: usize = 500;

/// The log of the schools, open for reading and deciding. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: Log,
    vault: Vault,
    clock: Clock,
    states: States,
}

/// An event, or what is known of one that cannot be read.
pub type Entry = Result<Recorded, Unreadable>;

/// Some entries in log order, and where to read on.
#[derive(Debug)]
pub struct Page {
    /// The entries that the filter let pass; may be none.
    pub entries: Vec<Entry>,
    /// The position that this page goes up to: read on after it.
    pub next: u64,
    /// Whether there was nothing more to read at that moment.
    pub caught_up: bool,
}

/// Pages one after the other, up to the end of the log; the next two are read and decoded on other
/// cores while one is worked on.
#[derive(Debug)]
pub struct Pages(mpsc::Receiver<JoinHandle<anyhow::Result<Page>>>);

impl Journal {
    /// Opens the log and the vault of a place, and makes them at first.
    ///
    /// # Errors
    /// When one of them cannot be opened, or the master key is not the vault's.
    pub async fn open(
        place: impl Into<Place>,
        master: MasterKey,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let place = place.into();
        // First the log: where no other process can have it open, the vault is then ours too.
        let log = Log::open(&place.log, LogName::School).await.context("opening the log")?;
        let vault = Vault::open(&place.keys, master).await.context("opening the vault")?;
        Ok(Self(Arc::new(Inner { log, vault, clock, states: States::default() })))
    }

    /// Opens the log and the vault of a place only to read them, beside a node that may be running
    /// on it.
    ///
    /// # Errors
    /// When one of them is not there, or the master key is not the vault's.
    pub async fn open_to_read(place: impl Into<Place>, master: MasterKey) -> anyhow::Result<Self> {
        let place = place.into();
        let log = Log::open_to_read(&place.log, LogName::School).await;
        let log = log.context("opening the log")?;
        let vault = Vault::open_to_read(&place.keys, master).await.context("opening the vault")?;
        Ok(Self(Arc::new(Inner { log, vault, clock: Clock::System, states: States::default() })))
    }

    /// Another log of the same node, under the same vault and clock.
    pub(crate) fn beside(&self, log: Log) -> Self {
        let (vault, clock) = (self.vault().clone(), self.clock().clone());
        Self(Arc::new(Inner { log, vault, clock, states: States::default() }))
    }

    /// The log itself: its head, its wake-up calls, its bytes.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The keys of the dossiers.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// The clock that events are recorded by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What was decided on lately; nothing of it from before a key was destroyed.
    pub(crate) fn states(&self) -> &States {
        self.0.states.forget_before(self.vault().erasures());
        &self.0.states
    }

    /// The same log and vault as another node has them: with nothing in memory.
    #[cfg(test)]
    pub(crate) fn other_node(&self) -> Self {
        self.beside(self.log().clone())
    }

    /// Destroys the key of a dossier: from now on its events read as erased, here and in every copy
    /// of the log. Says which key it was, if there was one.
    ///
    /// # Errors
    /// As [`Vault::erase`].
    pub async fn erase(&self, dossier: Dossier) -> Result<Option<KeyId>, VaultError> {
        let erased = self.vault().erase(dossier).await;
        self.states();
        erased
    }

    /// Events after a position, in log order; about `max`, as [`Log::read_all`] says.
    ///
    /// # Errors
    /// When the log or the vault cannot be read.
    pub async fn read_all(&self, after: u64, max: usize, filter: Filter) -> anyhow::Result<Page> {
        self.decode_page(self.log().read_all(after, max, filter).await?).await
    }

    /// All events after a position, page by page, for whoever replays the log.
    pub fn pages(&self, after: u64, filter: Filter) -> Pages {
        self.pages_of(PAGE_EVENTS, after, filter)
    }

    /// The same, of about so many events each, for a log whose events are large.
    pub(crate) fn pages_of(&self, events: usize, after: u64, filter: Filter) -> Pages {
        // One page waits in the channel, one in the hand of the sender.
        let (decoding, pages) = mpsc::channel(1);
        tokio::spawn(self.clone().read_ahead(events, after, filter, decoding));
        Pages(pages)
    }

    /// All events of a stream, in order.
    ///
    /// # Errors
    /// When the log or the vault cannot be read.
    pub async fn history(&self, stream: Stream) -> anyhow::Result<Vec<Entry>> {
        let mut history = Vec::new();
        loop {
            let from = u64::try_from(history.len())?;
            let (mut page, more) = self.history_page(stream, from).await?;
            history.append(&mut page);
            if !more {
                return Ok(history);
            }
        }
    }

    /// Some events of a stream from a revision on, and whether there may be more.
    pub(crate) async fn history_page(
        &self,
        stream: Stream,
        from: u64,
    ) -> anyhow::Result<(Vec<Entry>, bool)> {
        let stored = self.log().read_stream(stream, from, HISTORY_PAGE_EVENTS).await?;
        let more = stored.len() >= HISTORY_PAGE_EVENTS;
        Ok((self.decode(stored).await?, more))
    }

    async fn read_ahead(
        self,
        events: usize,
        mut after: u64,
        filter: Filter,
        decoding: mpsc::Sender<JoinHandle<anyhow::Result<Page>>>,
    ) {
        loop {
            let read = self.log().read_all(after, events, filter).await;
            let last = read.as_ref().map_or(true, |page| page.caught_up);
            after = read.as_ref().map_or(after, |page| page.next);
            let journal = self.clone();
            let page = tokio::spawn(async move { journal.decode_page(read?).await });
            if decoding.send(page).await.is_err() || last {
                return;
            }
        }
    }

    async fn decode_page(&self, page: log::Page) -> anyhow::Result<Page> {
        let log::Page { events, next, caught_up } = page;
        Ok(Page { entries: self.decode(events).await?, next, caught_up })
    }

    async fn decode(&self, events: Vec<StoredEvent>) -> anyhow::Result<Vec<Entry>> {
        Ok(decoding::decode(self.vault(), events).await?)
    }
}

impl Pages {
    /// The next page; `None` after the one that had caught up.
    ///
    /// # Errors
    /// When the log or the vault cannot be read. No page comes after an error.
    pub async fn next(&mut self) -> anyhow::Result<Option<Page>> {
        match self.0.recv().await {
            Some(page) => Ok(Some(page.await.context("decoding a page")??)),
            None => Ok(None),
        }
    }
}
