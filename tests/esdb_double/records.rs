//! What the double stores, and the rules of the real server about it: expected revisions, retries that
//! are recognised by the ids of their events, truncated streams, one log over all of them.
//!
//! In memory, and pure: nothing here knows of connections or faults. Nothing is ever scavenged.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

/// An append above this many bytes is refused: what the real server allows when nobody configured it.
pub(super) const APPEND_MAX_BYTES: usize = 1_048_576;

/// The header of a record in the real server's log; that positions grow by uneven steps is what counts.
const HEADER_BYTES: u64 = 89;

/// After so many appends, the server writes something about itself.
const APPENDS_PER_STATISTICS: u64 = 5;

/// An event as it lies in the log.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The name of its stream.
    pub stream: Arc<str>,
    /// Its place in the stream.
    pub revision: u64,
    /// Its place in the log, commit and prepare alike.
    pub position: u64,
    /// When it was written, in steps of 100 ns since 1970.
    pub ticks: u64,
    /// What was written.
    pub event: Proposed,
}

/// An event that somebody wants to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Chosen by whoever writes: a retry brings the same.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// `application/json`, or `application/octet-stream`.
    pub content_type: String,
    /// What is said about it.
    pub metadata: Bytes,
    /// What it says.
    pub data: Bytes,
}

impl Proposed {
    /// What the server counts against [`APPEND_MAX_BYTES`]: names are two bytes a letter there.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.kind.len()
    }
}

/// What the writer believes of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Any,
    NoStream,
    Exists,
    Revision(u64),
}

/// Where the last event of an append is; neither, when nothing was to append to a stream that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) revision: Option<u64>,
    pub(super) position: Option<u64>,
}

/// The stream is not where the writer believed it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongVersion {
    pub(super) actual: Option<u64>,
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Start,
    End,
    At(u64),
}

/// What was read of one stream.
#[derive(Debug)]
pub(super) struct StreamRead {
    pub(super) events: Vec<Arc<Stored>>,
    pub(super) last: u64,
}

/// Nobody's record begins where the reader wants to begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidPosition;

/// Whether an event is asked for.
pub(super) type Wanted = Box<dyn Fn(&Stored) -> bool + Send>;

/// All streams, and the log over all of them.
pub(super) struct Records {
    log: Vec<Arc<Stored>>,
    /// Where the next record begins.
    end: u64,
    streams: HashMap<Arc<str>, Stream>,
    appends: u64,
}

#[derive(Default)]
struct Stream {
    events: Vec<Arc<Stored>>,
    revisions: HashMap<Uuid, u64>,
    truncate_before: u64,
    count_max: Option<u64>,
}

impl Records {
    /// A log as it is when nobody has used it: the server has already written about itself.
    pub(super) fn new() -> Self {
        let mut records = Self { log: Vec::new(), end: 0, streams: HashMap::new(), appends: 0 };
        let metadata = r#"{"$maxCount":99,"$acl":{"$r":"$admins"}}"#;
        records.note("$epoch-information", "$epoch-information", r#"{"epochNumber":0}"#);
        records.note("$$$settings", "$metadata", r#"{"$acl":{"$r":"$admins"}}"#);
        records.note("$settings", "$settings", r#"{"$userStreamAcl":{"$r":"$all"}}"#);
        records.note("$users", "$User", r#"{"loginName":"admin"}"#);
        records.note("$$$stats-127.0.0.1:2113", "$metadata", metadata);
        records
    }

    /// Appends all of them, or none.
    ///
    /// # Errors
    ///
    /// When the stream is not where it was expected to be. Not so when exactly these events, by their ids,
    /// are what follows there: then they are taken for written, whatever they say now.
    pub(super) fn append(
        &mut self,
        stream: &str,
        expected: Expected,
        events: Vec<Proposed>,
    ) -> Result<Written, WrongVersion> {
        let actual = self.last_revision(stream);
        if let Some(before) = self.repeated(stream, expected, &events)? {
            return Ok(before);
        }
        let known = actual.is_some() || self.last_revision(&format!("$${stream}")).is_some();
        let as_expected = match expected {
            Expected::Any => true,
            Expected::Exists => known,
            Expected::NoStream => actual.is_none(),
            Expected::Revision(revision) => actual == Some(revision),
        };
        if !as_expected {
            return Err(WrongVersion { actual });
        }
        let mut written = Written { revision: actual, position: None };
        for event in events {
            written = self.push(stream, event);
        }
        self.appends += 1;
        if self.appends.is_multiple_of(APPENDS_PER_STATISTICS) {
            let told = format!(r#"{{"proc-cpu":{}}}"#, self.appends);
            self.note("$stats-127.0.0.1:2113", "$statsCollected", &told);
        }
        Ok(written)
    }

    /// Where these events are already, if all of them are where they are expected.
    fn repeated(
        &self,
        stream: &str,
        expected: Expected,
        events: &[Proposed],
    ) -> Result<Option<Written>, WrongVersion> {
        let Some(known) = self.streams.get(stream) else { return Ok(None) };
        let at = |revision: u64, event: &Proposed| {
            let there = known.events.get(usize::try_from(revision).ok()?)?;
            (there.event.id == event.id).then_some(revision)
        };
        let places: Vec<Option<u64>> = (0..)
            .zip(events)
            .map(|(n, event)| match expected {
                Expected::Any | Expected::Exists => known.revisions.get(&event.id).copied(),
                Expected::NoStream => at(n, event),
                Expected::Revision(revision) => at(revision.checked_add(n + 1)?, event),
            })
            .collect();
        match places.as_slice() {
            [] | [None, ..] => Ok(None),
            [.., Some(last)] if places.iter().all(Option::is_some) => {
                let position = known.events[*last as usize].position;
                Ok(Some(Written { revision: Some(*last), position: Some(position) }))
            }
            _ => Err(WrongVersion { actual: known.last() }),
        }
    }

    /// Reads a stream, from `from` on and itself included; `None` when there is no such stream.
    pub(super) fn stream(
        &self,
        name: &str,
        from: From,
        forwards: bool,
        count: u64,
    ) -> Option<StreamRead> {
        let stream = self.streams.get(name)?;
        let last = stream.last()?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let first = stream.first();
        let kept = stream.events.iter().skip(first as usize);
        let events = match (from, forwards) {
            (From::End, true) => Vec::new(),
            (From::Start, true) => kept.take(count).cloned().collect(),
            (From::At(at), true) => {
                kept.skip_while(|event| event.revision < at).take(count).cloned().collect()
            }
            (From::Start, false) => {
                kept.take_while(|event| event.revision == 0).take(count).cloned().collect()
            }
            (From::End, false) => kept.rev().take(count).cloned().collect(),
            (From::At(at), false) => {
                let below = kept.rev().skip_while(|event| event.revision > at);
                below.take(count).cloned().collect()
            }
        };
        Some(StreamRead { events, last })
    }

    /// Reads the log, of all streams. Forwards, the event at the position is the first; backwards, as in
    /// the real server, a position is the end of what is read: the event that begins there is not.
    ///
    /// # Errors
    ///
    /// When no record begins there. The real server may notice, or read garbage.
    pub(super) fn all(
        &self,
        from: From,
        forwards: bool,
        count: u64,
        wanted: &Wanted,
    ) -> Result<Vec<Arc<Stored>>, InvalidPosition> {
        let at = match from {
            From::Start => 0,
            From::End => self.log.len(),
            From::At(position) if forwards && position > self.end => self.log.len(),
            From::At(position) if position == self.end => self.log.len(),
            From::At(position) => self
                .log
                .binary_search_by_key(&position, |event| event.position)
                .map_err(|_| InvalidPosition)?,
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (before, after) = self.log.split_at(at);
        let wanted = |event: &&Arc<Stored>| wanted(event);
        Ok(if forwards {
            after.iter().filter(wanted).take(count).cloned().collect()
        } else {
            before.iter().rev().filter(wanted).take(count).cloned().collect()
        })
    }

    /// Only the first ones are left, as after a backup was restored.
    pub(super) fn put_back(&mut self, records: usize) {
        let kept = std::mem::take(&mut self.log);
        (self.end, self.streams) = (0, HashMap::new());
        for record in kept.into_iter().take(records) {
            self.push(&record.stream, record.event.clone());
        }
    }

    /// The whole log, in its order.
    pub(super) fn log(&self) -> &[Arc<Stored>] {
        &self.log
    }

    fn last_revision(&self, stream: &str) -> Option<u64> {
        self.streams.get(stream).and_then(Stream::last)
    }

    fn push(&mut self, stream: &str, event: Proposed) -> Written {
        if let Some(original) = stream.strip_prefix("$$") {
            self.truncate(original, &event.data);
        }
        let stream: Arc<str> = stream.into();
        let of_stream = self.streams.entry(stream.clone()).or_default();
        let revision = of_stream.events.len() as u64;
        of_stream.revisions.insert(event.id, revision);
        let size = HEADER_BYTES + stream.len() as u64 + event.size() as u64;
        let stored =
            Arc::new(Stored { stream, revision, position: self.end, ticks: ticks(), event });
        of_stream.events.push(stored.clone());
        self.log.push(stored);
        let position = self.end;
        self.end += size;
        Written { revision: Some(revision), position: Some(position) }
    }

    /// What the metadata of a stream say of its events that are no longer shown.
    fn truncate(&mut self, stream: &str, metadata: &[u8]) {
        let said: Value = serde_json::from_slice(metadata).unwrap_or_default();
        let of_stream = self.streams.entry(stream.into()).or_default();
        of_stream.truncate_before = said["$tb"].as_u64().unwrap_or_default();
        of_stream.count_max = said["$maxCount"].as_u64();
    }

    /// The server writes about itself.
    fn note(&mut self, stream: &str, kind: &str, data: &str) {
        let id = Uuid::from_u128(self.end.into());
        let (kind, content_type) = (kind.to_owned(), "application/json".to_owned());
        let data = Bytes::copy_from_slice(data.as_bytes());
        self.push(stream, Proposed { id, kind, content_type, metadata: Bytes::new(), data });
    }
}

impl Stream {
    fn last(&self) -> Option<u64> {
        (self.events.len() as u64).checked_sub(1)
    }

    fn first(&self) -> u64 {
        let events = self.events.len() as u64;
        let by_count = self.count_max.map_or(0, |max| events.saturating_sub(max));
        self.truncate_before.max(by_count).min(events)
    }
}

fn ticks() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX)
}
