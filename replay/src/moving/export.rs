//! Writing both logs of a place into a file, and going on with a file that is there.
//!
//! It reads beside a server that may be running, up to where the logs were when it began. A file that is
//! there is read whole before anything is added; what an export that was killed has left half
//! written at its end is cut off.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, bail, ensure};
use domain::EventId;
use serde::Serialize;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::spawn_blocking,
};

use super::{
    BOTH, Progress, called,
    form::{Broken, Chain, LogEnd, Reader, Writer},
};
use crate::{
    header,
    lock::Lock,
    log::{Filter, Log, LogName, StoredEvent},
    place::LogUrl,
};

const PAGE_EVENTS: usize = 2_000;
const BUFFER_BYTES: usize = 1 << 20;

/// Where an export goes.
#[derive(Clone, Copy, Debug)]
pub enum To<'f> {
    /// A file, new or to be gone on with.
    File(&'f Path),
    /// Standard output.
    Stdout,
}

/// What is in a file now.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// Of the log of the schools.
    pub school: LogEnd,
    /// Of the access log.
    pub access: LogEnd,
    /// Events of both that were in the file before.
    pub found: u64,
    /// Events of both that were written now.
    pub written: u64,
    /// The last link of the file's chain.
    pub chain: String,
}

/// Some events of a log, on their way into the file.
type Handed = (LogName, Vec<StoredEvent>);

/// The last event of each log in a file, to be found in the log again.
type Last = [Option<StoredEvent>; 2];

/// Writes both logs as they are now, or what is not in the file yet.
///
/// # Errors
/// When a log cannot be read or the file not be written, or the file is broken or of another log.
pub async fn export(log: &LogUrl, to: To<'_>, tell: Progress<'_>) -> anyhow::Result<Exported> {
    let logs = [open(log, LogName::School).await?, open(log, LogName::Access).await?];
    let heads = [logs[0].head().await?, logs[1].head().await?];
    let first = logs[0].read_all(0, 1, Filter::default()).await?;
    let first = first.events.first().context("nothing has happened there yet")?;
    let first = header::decode(&first.header).context("reading the first event of the log")?.id;

    let (output, begun) = match to {
        To::Stdout => (Output::Stdout(io::stdout()), None),
        To::File(path) => {
            let path = path.to_owned();
            let told = format!("opening {}", path.display());
            let opened = spawn_blocking(move || open_file(&path, first)).await?;
            opened.context(told)?
        }
    };
    let (chain, last) = begun.map_or((None, Last::default()), |(chain, last)| (Some(chain), last));
    for (log, last) in logs.iter().zip(last.into_iter().flatten()) {
        is_there(log, &last).await?;
    }
    let found = chain.as_ref().map_or(0, Chain::events);
    let after = BOTH.map(|name| chain.as_ref().map_or(0, |chain| chain.position(name)));

    let (hand, handed) = mpsc::channel(2);
    let writing = spawn_blocking(move || write(output, first, chain, handed));
    let read = read(&logs, after, heads, (hand, tell)).await;
    // Where the file cannot be written, that is what is to be told.
    let chain = writing.await?.context("writing the file")?;
    read?;
    for log in logs {
        log.close().await;
    }
    let (ends, written) = (chain.ends(), chain.events() - found);
    let [school, access] = BOTH.map(|name| ends.of(name).clone());
    Ok(Exported { school, access, found, written, chain: chain.shown() })
}

async fn open(log: &LogUrl, name: LogName) -> anyhow::Result<Log> {
    let told = || format!("opening the {} in {log}", called(name));
    Log::open_to_read(log, name).await.with_context(told)
}

/// Hands over what comes after these positions, up to those.
async fn read(
    logs: &[Log; 2],
    after: [u64; 2],
    heads: [u64; 2],
    (hand, tell): (Sender<Handed>, Progress<'_>),
) -> anyhow::Result<()> {
    let (all, mut done) = (heads.iter().sum(), 0);
    for (name, ((log, head), mut after)) in BOTH.into_iter().zip(logs.iter().zip(heads).zip(after))
    {
        while after < head {
            let page = log.read_all(after, PAGE_EVENTS, Filter::default()).await?;
            let mut events = page.events;
            events.retain(|event| event.position <= head);
            after = page.next.min(head);
            tell(done + after, all);
            if hand.send((name, events)).await.is_err() {
                // Whoever writes has failed, and says why.
                return Ok(());
            }
        }
        done += head;
    }
    Ok(())
}

/// Writes what is handed over, until nothing more is.
fn write(
    output: Output,
    first: EventId,
    chain: Option<Chain>,
    mut handed: Receiver<Handed>,
) -> io::Result<Chain> {
    let output = BufWriter::with_capacity(BUFFER_BYTES, output);
    let mut writer = match chain {
        Some(chain) => Writer::go_on(output, chain),
        None => Writer::begin(output, first)?,
    };
    while let Some((name, events)) = handed.blocking_recv() {
        for event in &events {
            writer.event(name, event)?;
        }
    }
    let (output, chain) = writer.end()?;
    output.into_inner().map_err(io::IntoInnerError::into_error)?.keep()?;
    Ok(chain)
}

/// Opens a file for this export alone, and reads what is in it. What is half written is cut off.
fn open_file(path: &Path, first: EventId) -> anyhow::Result<(Output, Option<(Chain, Last)>)> {
    let options = OpenOptions::new().read(true).write(true).create(true).mode(0o600).clone();
    let mut file = options.open(path)?;
    let lock = Lock::on(file.try_clone()?).map_err(io::Error::from);
    let lock = lock.context("another export writes it")?;
    let nothing_whole = |broken: &Broken| matches!(broken, Broken::Cut { at: 0, .. });
    let mut reader = match Reader::begin(BufReader::with_capacity(BUFFER_BYTES, &file)) {
        // Killed before it had written anything that is whole.
        Err(broken) if nothing_whole(&broken) => {
            file.set_len(0)?;
            file.rewind()?;
            return Ok((Output::File { file, _lock: lock }, None));
        }
        reader => reader?,
    };
    let mut last = Last::default();
    loop {
        match reader.next() {
            Ok(Some((LogName::School, event))) => last[0] = Some(event),
            Ok(Some((LogName::Access, event))) => last[1] = Some(event),
            Ok(None) | Err(Broken::Cut { .. } | Broken::NoEnd { .. }) => break,
            Err(broken) => return Err(broken.into()),
        }
    }
    let chain = reader.chain().clone();
    if chain.first != first {
        bail!("this file is of another log: name another file");
    }
    file.set_len(chain.at)?;
    file.seek(SeekFrom::End(0))?;
    Ok((Output::File { file, _lock: lock }, Some((chain, last))))
}

/// Whether an event that a file has is where it was: the log has neither lost its end nor, in between,
/// what the file has not.
async fn is_there(log: &Log, last: &StoredEvent) -> anyhow::Result<()> {
    let told = || format!("reading the envelope of the event at position {}", last.position);
    // Asked of its stream: what comes before a position is no position everywhere.
    let header = header::decode(&last.header).with_context(told)?;
    let there = log.read_stream(header.stream, header.revision, 1).await?;
    ensure!(
        there.first() == Some(last),
        "the last event of the file, at position {}, is not in the log any more: the log was restored \
         to an earlier state, or old pages were destroyed since; export into another file",
        last.position
    );
    Ok(())
}

/// What is written to.
enum Output {
    /// A file, and that no other export has it.
    File {
        file: File,
        _lock: Lock,
    },
    Stdout(io::Stdout),
}

impl Output {
    /// Makes sure that it is there to stay.
    fn keep(self) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.sync_all(),
            Self::Stdout(mut output) => output.flush(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Stdout(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.flush(),
            Self::Stdout(output) => output.flush(),
        }
    }
}
