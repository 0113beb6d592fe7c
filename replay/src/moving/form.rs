//! The form of the file that carries logs: what its bytes are, and what is wrong with those of another.
//!
//! One line of JSON says what it is and of which log; its SHA-256 follows. Then comes record after
//! record: a head of seventeen bytes (the kind, the position, two lengths; little endian), an envelope
//! and a content as the log stores them, and a link: the SHA-256 of the link before and of this whole
//! record. Nothing can be changed, left out or put elsewhere without breaking the chain there. Each
//! export ends with a record that tells of each log how many events there are up to here, the last
//! position, and the SHA-256 of all their envelopes and contents, which is the same on every engine.
//!
//! The chain proves that the file is what was written, not who wrote it: whoever wants that notes the
//! last link, which both commands print.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use domain::EventId;
use serde::{Deserialize, Serialize};

use crate::{
    keys::hex,
    log::{LogName, StoredEvent},
};

const VERSION: u32 = 1;
const TITLE_MAX_BYTES: u64 = 4_096;
const HEAD_BYTES: usize = 17;
const LINK_BYTES: usize = 32;

/// More than any envelope has.
const HEADER_MAX_BYTES: u32 = 64 * 1_024;

/// More than any content has.
const PAYLOAD_MAX_BYTES: u32 = 64 * 1_024 * 1_024;

const SCHOOL: u8 = 1;
const ACCESS: u8 = 2;
const END: u8 = 3;

type Link = [u8; LINK_BYTES];

/// What is wrong with a file, and where.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The system cannot read or write it.
    #[error("the file cannot be read or written")]
    File(#[from] io::Error),
    /// It is something else.
    #[error("this is no file that `preau export` has written")]
    NotOurs,
    /// A later version of the program wrote it.
    #[error("the file has form {0}, which this version of the program cannot read")]
    Later(u32),
    /// It ends too early.
    #[error(
        "the file is cut: it ends within what begins at byte {at}, after {events} events; run the \
         export again with the same file, it goes on from there"
    )]
    Cut {
        /// Where the first thing begins that is not whole.
        at: u64,
        /// How many events are before it.
        events: u64,
    },
    /// It ends after a whole event, and not with an end.
    #[error(
        "the file has no end: the export stopped at byte {at}, after {events} events; run it again \
         with the same file, it goes on from there"
    )]
    NoEnd {
        /// Where the file ends.
        at: u64,
        /// How many events it has.
        events: u64,
    },
    /// A byte is not what was written.
    #[error(
        "the file was altered: what begins at byte {at}, after {events} whole events, is not what was \
         written; copy the file again from where it was exported, or export into another one"
    )]
    Altered {
        /// Where the altered record begins.
        at: u64,
        /// How many events are before it.
        events: u64,
    },
}

/// What a file says of itself at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Title {
    format: Format,
    version: u32,
    /// The first event of the log of the schools: no other log has it.
    first: EventId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "preau-logs")]
    Logs,
}

/// A log as far as a file or an engine has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEnd {
    /// How many events there are.
    pub events: u64,
    /// The position of the last, 0 while there is none.
    pub position: u64,
    /// The SHA-256 of all envelopes and contents in their order, the same on every engine.
    pub sha256: String,
}

/// Both logs as far as a file has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ends {
    school: LogEnd,
    access: LogEnd,
}

impl Ends {
    pub(super) fn of(&self, name: LogName) -> &LogEnd {
        match name {
            LogName::School => &self.school,
            LogName::Access => &self.access,
        }
    }
}

/// Counts the events of a log and digests their bytes.
#[derive(Clone)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) position: u64,
    content: Context,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { events: 0, position: 0, content: Context::new(&SHA256) }
    }

    /// Takes the next event in.
    pub(super) fn add(&mut self, position: u64, header: &[u8], payload: &[u8]) {
        self.events += 1;
        self.position = position;
        for part in [header, payload] {
            // Lengths are part of it: a byte that changes sides is another content.
            self.content.update(&(part.len() as u64).to_le_bytes());
            self.content.update(part);
        }
    }

    /// What was counted so far.
    pub(super) fn end(&self) -> LogEnd {
        let sha256 = hex::write(self.content.clone().finish().as_ref());
        LogEnd { events: self.events, position: self.position, sha256 }
    }
}

/// What stands between a title and what comes next: the last link, and what it stands for.
#[derive(Clone)]
pub(super) struct Chain {
    /// Which log it is: its first event.
    pub(super) first: EventId,
    /// Where the next record begins.
    pub(super) at: u64,
    /// Whether the last record was an end.
    pub(super) ended: bool,
    link: Link,
    school: Tally,
    access: Tally,
}

impl Chain {
    /// How many events there are so far.
    pub(super) fn events(&self) -> u64 {
        self.school.events + self.access.events
    }

    /// What there is of both logs so far.
    pub(super) fn ends(&self) -> Ends {
        Ends { school: self.school.end(), access: self.access.end() }
    }

    /// The position up to which a log is in the file.
    pub(super) fn position(&self, name: LogName) -> u64 {
        match name {
            LogName::School => self.school.position,
            LogName::Access => self.access.position,
        }
    }

    /// The last link, to be noted by whoever wants to recognise the file.
    pub(super) fn shown(&self) -> String {
        hex::write(&self.link)
    }

    fn begin(title: &Title) -> serde_json::Result<(Self, Vec<u8>)> {
        let mut line = serde_json::to_vec(title)?;
        line.push(b'\n');
        let link = link_of(&[&line]);
        line.extend_from_slice(&link);
        let (at, school, access) = (line.len() as u64, Tally::new(), Tally::new());
        let first = title.first;
        Ok((Self { first, at, ended: false, link, school, access }, line))
    }

    /// The link of a record that would come next.
    fn next_link(&self, head: &[u8], header: &[u8], payload: &[u8]) -> Link {
        link_of(&[&self.link, head, header, payload])
    }

    /// Takes a record in.
    fn advance(&mut self, link: Link, kind: u8, (position, header, payload): (u64, &[u8], &[u8])) {
        self.link = link;
        self.at += (HEAD_BYTES + header.len() + payload.len() + LINK_BYTES) as u64;
        self.ended = kind == END;
        match kind {
            SCHOOL => self.school.add(position, header, payload),
            ACCESS => self.access.add(position, header, payload),
            _ => {}
        }
    }

    fn cut(&self) -> Broken {
        Broken::Cut { at: self.at, events: self.events() }
    }

    fn altered(&self) -> Broken {
        Broken::Altered { at: self.at, events: self.events() }
    }
}

/// Writes a file, or what comes after the end of one.
pub(super) struct Writer<W> {
    output: W,
    chain: Chain,
}

impl<W: Write> Writer<W> {
    /// Begins a file of the log that begins with this event.
    pub(super) fn begin(mut output: W, first: EventId) -> io::Result<Self> {
        let title = Title { format: Format::Logs, version: VERSION, first };
        let (chain, line) = Chain::begin(&title)?;
        output.write_all(&line)?;
        Ok(Self { output, chain })
    }

    /// Goes on with a file that was read up to here.
    pub(super) fn go_on(output: W, chain: Chain) -> Self {
        Self { output, chain }
    }

    /// Writes an event of a log.
    pub(super) fn event(&mut self, name: LogName, event: &StoredEvent) -> io::Result<()> {
        let kind = match name {
            LogName::School => SCHOOL,
            LogName::Access => ACCESS,
        };
        self.record(kind, event.position, &event.header, &event.payload)
    }

    /// Writes the end of this export, unless it is there already, and hands the output back.
    pub(super) fn end(mut self) -> io::Result<(W, Chain)> {
        if !self.chain.ended {
            let ends = serde_json::to_vec(&self.chain.ends())?;
            self.record(END, 0, &ends, &[])?;
        }
        self.output.flush()?;
        Ok((self.output, self.chain))
    }

    fn record(&mut self, kind: u8, at: u64, header: &[u8], payload: &[u8]) -> io::Result<()> {
        let length = |part: &[u8], max| {
            let length = u32::try_from(part.len()).ok().filter(|length| *length <= max);
            length.ok_or_else(|| io::Error::other("an event is too large for the file"))
        };
        let mut head = [kind; HEAD_BYTES];
        head[1..9].copy_from_slice(&at.to_le_bytes());
        head[9..13].copy_from_slice(&length(header, HEADER_MAX_BYTES)?.to_le_bytes());
        head[13..].copy_from_slice(&length(payload, PAYLOAD_MAX_BYTES)?.to_le_bytes());
        let link = self.chain.next_link(&head, header, payload);
        for part in [&head[..], header, payload, &link] {
            self.output.write_all(part)?;
        }
        self.chain.advance(link, kind, (at, header, payload));
        Ok(())
    }
}

/// Reads a file, and believes nothing that its chain does not say.
pub(super) struct Reader<R> {
    input: R,
    chain: Chain,
}

impl<R: BufRead> Reader<R> {
    /// Begins to read.
    pub(super) fn begin(mut input: R) -> Result<Self, Broken> {
        let mut line = Vec::new();
        input.by_ref().take(TITLE_MAX_BYTES).read_until(b'\n', &mut line)?;
        let cut = Broken::Cut { at: 0, events: 0 };
        if line.last() != Some(&b'\n') {
            return Err(
                if b"{\"format\":\"preau-logs\"".starts_with(&line[..line.len().min(22)]) {
                    cut
                } else {
                    Broken::NotOurs
                },
            );
        }
        // A later form may say more of itself.
        let version = serde_json::from_slice::<serde_json::Value>(&line).ok();
        let version = version.filter(|said| said["format"] == "preau-logs");
        let version = version.and_then(|said| u32::try_from(said["version"].as_u64()?).ok());
        match version {
            None => return Err(Broken::NotOurs),
            Some(VERSION) => {}
            Some(later) => return Err(Broken::Later(later)),
        }
        let altered = Broken::Altered { at: 0, events: 0 };
        let Ok(title) = serde_json::from_slice::<Title>(&line) else { return Err(altered) };
        let (chain, written) = Chain::begin(&title).map_err(io::Error::from)?;
        let Some(link) = taken::<LINK_BYTES>(&mut input)? else { return Err(cut) };
        if written != [line.as_slice(), &link].concat() {
            return Err(altered);
        }
        Ok(Self { input, chain })
    }

    /// What was read so far.
    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The next event, and of which log it is; none after an end that nothing follows.
    pub(super) fn next(&mut self) -> Result<Option<(LogName, StoredEvent)>, Broken> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                let (at, events) = (self.chain.at, self.chain.events());
                return if self.chain.ended { Ok(None) } else { Err(Broken::NoEnd { at, events }) };
            }
            match self.record()? {
                (SCHOOL, event) => return Ok(Some((LogName::School, event))),
                (ACCESS, event) => return Ok(Some((LogName::Access, event))),
                (_, _) => {}
            }
        }
    }

    /// The next record. What an end has to tell is where the header of an event is.
    fn record(&mut self) -> Result<(u8, StoredEvent), Broken> {
        let cut = || self.chain.cut();
        let head = taken::<HEAD_BYTES>(&mut self.input)?.ok_or_else(cut)?;
        let (kind, position) = (head[0], number(&head[1..9]));
        let (header, payload) = (number(&head[9..13]), number(&head[13..]));
        let possible = header <= u64::from(HEADER_MAX_BYTES)
            && payload <= u64::from(PAYLOAD_MAX_BYTES)
            && (SCHOOL..=END).contains(&kind);
        if !possible {
            return Err(self.chain.altered());
        }
        let (mut bytes, length) = (Vec::new(), header + payload);
        if self.input.by_ref().take(length).read_to_end(&mut bytes)? as u64 != length {
            return Err(self.chain.cut());
        }
        let bytes = Bytes::from(bytes);
        let (header, payload) = (bytes.slice(..header as usize), bytes.slice(header as usize..));
        let link = taken::<LINK_BYTES>(&mut self.input)?.ok_or_else(|| self.chain.cut())?;
        let told =
            || serde_json::from_slice(&header).is_ok_and(|ends: Ends| ends == self.chain.ends());
        if link != self.chain.next_link(&head, &header, &payload) || (kind == END && !told()) {
            return Err(self.chain.altered());
        }
        self.chain.advance(link, kind, (position, &header, &payload));
        Ok((kind, StoredEvent { position, header, payload }))
    }
}

/// The next bytes; none where the input ends before.
fn taken<const N: usize>(input: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// A number of at most eight bytes, the smallest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn link_of(parts: &[&[u8]]) -> Link {
    let mut digest = Context::new(&SHA256);
    parts.iter().for_each(|part| digest.update(part));
    let mut link = [0; LINK_BYTES];
    link.copy_from_slice(digest.finish().as_ref());
    link
}
