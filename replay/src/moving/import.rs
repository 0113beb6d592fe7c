//! Bringing the logs of a file into a place, on any engine, in the order that they had.
//!
//! Three times the file is read: with what is in the target beside it, before anything is written;
//! while the rest is appended; and with the whole target beside it. A target that is no beginning of
//! the file is refused and left as it is. Whatever ends an import, the next one goes on.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    vec,
};

use anyhow::{Context, bail, ensure};
use domain::{Header, Stream};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::{
    sync::mpsc::{self, Receiver},
    task::{JoinHandle, spawn_blocking, unconstrained},
};

use super::{
    BOTH, Progress, called,
    form::{Broken, Chain, LogEnd, Reader, Tally},
};
use crate::{
    Place, header,
    lock::Lock,
    log::{AppendError, Expected, Filter, Log, LogName, NewEvent, StoredEvent, StreamAppend},
};

const PAGE_EVENTS: usize = 2_000;
const BUFFER_BYTES: usize = 1 << 20;

/// Events that are asked for before the ones before are acknowledged.
const BATCH_EVENTS: usize = 2_000;

/// Events of one append, and about how many bytes: engines have limits.
const APPEND_EVENTS_MAX: usize = 100;
const APPEND_BYTES_MAX: usize = 256 * 1_024;

/// How often the file is read.
const PASSES: u64 = 3;

/// What is in the target now: the file, event by event.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// Of the log of the schools.
    pub school: ImportedLog,
    /// Of the access log.
    pub access: ImportedLog,
    /// The last link of the file's chain.
    pub chain: String,
}

/// What is in one log now.
#[derive(Debug, Serialize)]
pub struct ImportedLog {
    /// The whole log, at its own positions.
    #[serde(flatten)]
    pub end: LogEnd,
    /// How many events were there before.
    pub found: u64,
    /// How many were written now.
    pub written: u64,
}

/// Some events of the file, and up to which byte they go.
struct Piece {
    events: Vec<(LogName, StoredEvent)>,
    upto: u64,
    /// Once it was read to its end.
    whole: Option<Chain>,
}

/// Brings the logs of a file into a place that has none of it, or a beginning.
///
/// # Errors
/// When the file is broken or the target holds anything else, and nothing was written; when the target
/// fails on the way, and the next import goes on; when somebody else has written meanwhile.
pub async fn import(file: &Path, place: &Place, tell: Progress<'_>) -> anyhow::Result<Imported> {
    // Before a target is made: a file that is none leaves nothing behind.
    Reader::begin(BufReader::new(File::open(file)?))?;
    std::fs::create_dir_all(&place.folder)?;
    let _lock = Lock::take("the data folder", &place.folder.join("node.lock"))?;
    let logs = [open(place, LogName::School).await?, open(place, LogName::Access).await?];
    let imported = import_into(file, &logs, tell).await;
    for log in logs {
        log.close().await;
    }
    imported
}

async fn open(place: &Place, name: LogName) -> anyhow::Result<Log> {
    let told = || {
        let (called, log) = (called(name), &place.log);
        format!("opening the {called} in {log}; if a server runs on it, stop it first")
    };
    Log::open(&place.log, name).await.with_context(told)
}

async fn import_into(file: &Path, logs: &[Log; 2], tell: Progress<'_>) -> anyhow::Result<Imported> {
    let length = file.metadata()?.len();
    let before = compare(file, logs, &mut |upto| tell(upto, PASSES * length)).await;
    let before = before.context("nothing was written")?;
    let found = before.found.each_ref().map(|found| found.events);
    append_rest(file, logs, found, &mut |upto| tell(length + upto, PASSES * length)).await?;

    let after = compare(file, logs, &mut |upto| tell(2 * length + upto, PASSES * length)).await;
    let after =
        after.context("the target is not what was written there: was a server started on it?")?;
    let (ends, [school, access]) = (after.chain.ends(), [0, 1].map(|n| after.found[n].end()));
    for (name, end) in BOTH.into_iter().zip([&school, &access]) {
        let of_file = ends.of(name);
        let same = (end.events, &end.sha256) == (of_file.events, &of_file.sha256);
        ensure!(same, "the {} of the target is not that of the file", called(name));
    }
    let imported = |end: LogEnd, found| ImportedLog { written: end.events - found, found, end };
    let (school, access) = (imported(school, found[0]), imported(access, found[1]));
    Ok(Imported { school, access, chain: after.chain.shown() })
}

/// The file with what is in the target beside it.
struct Compared {
    chain: Chain,
    /// What both have.
    found: [Tally; 2],
}

/// Reads the whole file and the whole target. The target has the events of the file in the same order,
/// all of them or the first.
async fn compare(
    file: &Path,
    logs: &[Log; 2],
    tell: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<Compared> {
    let [school, access] = logs;
    let mut sides = [Side::new(LogName::School, school), Side::new(LogName::Access, access)];
    let mut pieces = read(file.to_owned());
    while let Some(piece) = pieces.recv().await {
        let piece = piece?;
        for (name, event) in &piece.events {
            sides[place_of(*name)].meet(event).await?;
        }
        tell(piece.upto);
        if let Some(chain) = piece.whole {
            for side in &mut sides {
                side.ends().await?;
            }
            return Ok(Compared { chain, found: sides.map(|side| side.found) });
        }
    }
    bail!("the file could not be read to its end")
}

/// A log of the target, read beside the file.
struct Side<'l> {
    name: LogName,
    log: &'l Log,
    page: vec::IntoIter<StoredEvent>,
    next: u64,
    over: bool,
    found: Tally,
}

impl<'l> Side<'l> {
    fn new(name: LogName, log: &'l Log) -> Self {
        let page = Vec::new().into_iter();
        Self { name, log, page, next: 0, over: false, found: Tally::new() }
    }

    /// Meets the next event of the file: the target has the same, or has come to its end.
    async fn meet(&mut self, of_file: &StoredEvent) -> anyhow::Result<()> {
        let name = called(self.name);
        let Some(event) = self.next().await? else {
            let told = || format!("the event at position {} of the {name}", of_file.position);
            // Told before anything is written, and not when its turn comes.
            return header::decode(&of_file.header).map(drop).with_context(told);
        };
        ensure!(
            (&event.header, &event.payload) == (&of_file.header, &of_file.payload),
            "the {name} of the target is another one: its event number {} (position {}) is not the \
             one of the file (position {} where it comes from); name an empty target",
            self.found.events + 1,
            event.position,
            of_file.position
        );
        self.found.add(event.position, &event.header, &event.payload);
        Ok(())
    }

    /// Meets the end of the file: the target has nothing more either.
    async fn ends(&mut self) -> anyhow::Result<()> {
        // Asked again: it may have grown since it was over.
        self.over = false;
        if let Some(more) = self.next().await? {
            bail!(
                "the {} of the target goes on after the end of the file, at position {}: somebody \
                 has written there, or the file is older than the target",
                called(self.name),
                more.position
            );
        }
        Ok(())
    }

    async fn next(&mut self) -> anyhow::Result<Option<StoredEvent>> {
        while self.page.len() == 0 && !self.over {
            let page = self.log.read_all(self.next, PAGE_EVENTS, Filter::default()).await?;
            (self.next, self.over, self.page) =
                (page.next, page.caught_up, page.events.into_iter());
        }
        Ok(self.page.next())
    }
}

/// Appends what the target has not yet.
async fn append_rest(
    file: &Path,
    logs: &[Log; 2],
    found: [u64; 2],
    tell: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<()> {
    let [school, access] = logs;
    let mut hands = [
        Hand::new(LogName::School, school, found[0]),
        Hand::new(LogName::Access, access, found[1]),
    ];
    let mut pieces = read(file.to_owned());
    while let Some(piece) = pieces.recv().await {
        let Piece { events, upto, .. } = piece?;
        for (name, event) in events {
            hands[place_of(name)].take(event).await?;
        }
        tell(upto);
    }
    for hand in &mut hands {
        hand.send().await?;
        hand.wait().await?;
    }
    Ok(())
}

/// Appends the events of one log, many at a time, in their order.
struct Hand<'l> {
    name: LogName,
    log: &'l Log,
    /// How many of the next events are there already.
    found: u64,
    /// Of the access log, the revision that each stream begins with: older pages were destroyed.
    firsts: HashMap<Stream, u64>,
    batch: Vec<StreamAppend>,
    events: usize,
    /// Bytes of the last append of the batch.
    bytes: usize,
    on_its_way: Option<JoinHandle<Result<(), AppendError>>>,
}

impl<'l> Hand<'l> {
    fn new(name: LogName, log: &'l Log, found: u64) -> Self {
        let (firsts, batch) = (HashMap::new(), Vec::new());
        Self { name, log, found, firsts, batch, events: 0, bytes: 0, on_its_way: None }
    }

    /// Takes the next event of the file.
    async fn take(&mut self, event: StoredEvent) -> anyhow::Result<()> {
        let StoredEvent { position, header: bytes, payload } = event;
        let told = || format!("the event at position {position} of the {}", called(self.name));
        let header = header::decode(&bytes).with_context(told)?;
        let expected = self.expected(&header)?;
        if self.found > 0 {
            self.found -= 1;
            return Ok(());
        }
        let length = bytes.len() + payload.len();
        let event = NewEvent { id: header.id, header: bytes, payload };
        let full = self.bytes + length > APPEND_BYTES_MAX;
        match self.batch.last_mut().filter(|last| last.stream == header.stream && !full) {
            Some(last) if last.events.len() < APPEND_EVENTS_MAX => {
                last.events.push(event);
                self.bytes += length;
            }
            Some(_) | None => {
                let full = self.batch.len() >= self.log.kept_in_order();
                if full || self.events >= BATCH_EVENTS {
                    self.send().await?;
                }
                let (stream, events) = (header.stream, vec![event]);
                self.batch.push(StreamAppend { stream, expected, events });
                self.bytes = length;
            }
        }
        self.events += 1;
        Ok(())
    }

    /// Where the event's stream stands in the target. A stream whose beginning was destroyed begins
    /// with what is left of it: nobody appends to the pages of an earlier run.
    fn expected(&mut self, header: &Header) -> anyhow::Result<Expected> {
        let first = match self.name {
            LogName::School => 0,
            LogName::Access => match self.firsts.entry(header.stream) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(header.revision),
            },
        };
        let place = header.revision.checked_sub(first);
        let place =
            place.with_context(|| format!("the events of {} have no order", header.stream))?;
        Ok(place.checked_sub(1).map_or(Expected::NoStream, Expected::Revision))
    }

    /// Sends the batch off, once the one before has arrived: two on their way could change places.
    async fn send(&mut self) -> anyhow::Result<()> {
        self.wait().await?;
        let (log, batch) = (self.log.clone(), std::mem::take(&mut self.batch));
        self.events = 0;
        self.on_its_way = Some(tokio::spawn(append(log, batch)));
        Ok(())
    }

    /// Waits until what was sent off is in the log.
    async fn wait(&mut self) -> anyhow::Result<()> {
        let Some(sent) = self.on_its_way.take() else { return Ok(()) };
        let name = called(self.name);
        match sent.await? {
            Ok(()) => Ok(()),
            Err(error @ (AppendError::Conflict { .. } | AppendError::OtherContent { .. })) => {
                Err(error)
                    .with_context(|| format!("somebody else writes in the {name} of the target"))
            }
            Err(error @ (AppendError::Unknown | AppendError::Store(_))) => {
                let told = "could not be written to its end; import again, it goes on where it is";
                Err(error).with_context(|| format!("the {name} of the target {told}"))
            }
        }
    }
}

/// Asks for appends in their order.
async fn append(log: Log, batch: Vec<StreamAppend>) -> Result<(), AppendError> {
    let appends = batch.into_iter().map(|append| log.append(append));
    // The runtime would interrupt who asks for much, and the rest would be asked for in another turn.
    for answer in unconstrained(join_all(appends)).await {
        answer?;
    }
    Ok(())
}

/// Reads a file to its end on a thread of its own, ahead of whoever takes the pieces.
fn read(file: PathBuf) -> Receiver<Result<Piece, Broken>> {
    let (hand, pieces) = mpsc::channel(2);
    spawn_blocking(move || {
        let hand_over = |piece| hand.blocking_send(piece).is_ok();
        if let Err(broken) = read_pieces(&file, hand_over) {
            // Whoever waits no more has another reason to stop.
            let _gone = hand.blocking_send(Err(broken));
        }
    });
    pieces
}

fn read_pieces(
    file: &Path,
    hand_over: impl Fn(Result<Piece, Broken>) -> bool,
) -> Result<(), Broken> {
    let file = BufReader::with_capacity(BUFFER_BYTES, File::open(file)?);
    let mut reader = Reader::begin(file)?;
    let mut going = true;
    while going {
        let mut events = Vec::new();
        let whole = loop {
            match reader.next()? {
                Some(event) => events.push(event),
                None => break Some(reader.chain().clone()),
            }
            if events.len() >= PAGE_EVENTS {
                break None;
            }
        };
        going = whole.is_none();
        going &= hand_over(Ok(Piece { events, upto: reader.chain().at, whole }));
    }
    Ok(())
}

fn place_of(name: LogName) -> usize {
    match name {
        LogName::School => 0,
        LogName::Access => 1,
    }
}
