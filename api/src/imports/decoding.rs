//! A file as UTF-8 text, piece by piece: never more of it in memory than a few kilobytes.
//!
//! The encoding is the declared one. Without a declaration a file is UTF-8 until a byte says
//! otherwise, and ISO-8859-15 from there. A declaration that the bytes contradict is an error, for
//! a name once misread is a name misspelt for years. What the text means is read in [`super::xml`].

use std::io::{self, BufRead, Read};

use encoding_rs::{Encoding, ISO_8859_15, UTF_8, WINDOWS_1252};

use super::problem::FileFault;

/// How much is read at a time.
const READ_BYTES: usize = 16 * 1024;

/// A declaration lies within this much.
const DECLARATION_MAX_BYTES: usize = 1024;

/// The longest tag, comment or text between two tags: more is no export of a school.
const PIECE_MAX_BYTES: usize = 64 * 1024;

/// What some programs begin a UTF-8 file with; and, in either order, one of sixteen-bit characters.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const WIDE_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// The bytes of a file, decoded as they are asked for.
pub(super) struct Decoding<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    raw: Vec<u8>,
    coding: Coding,
    text: Vec<u8>,
    at: usize,
    line: u32,
    piece_left: usize,
    ended: bool,
    /// What the text after `text` is refused for, with its line.
    fault: Option<(FileFault, u32)>,
}

/// How bytes become text.
enum Coding {
    /// The beginning is not read yet.
    Unknown,
    /// UTF-8, because it says so.
    Utf8,
    /// UTF-8, because nothing says otherwise so far.
    Utf8Perhaps { beyond_ascii: bool },
    /// One byte a character.
    Single { encoding: &'static Encoding, resembles: Resembles },
}

/// Whether a file that says it is ISO-8859-15 is in truth UTF-8.
enum Resembles {
    /// Nothing but ASCII so far.
    Either,
    /// All beyond ASCII would be UTF-8; it began at this line.
    Utf8(u32),
    /// Something would not be UTF-8.
    Single,
}

impl<'a> Decoding<'a> {
    pub(super) fn new(bytes: Box<dyn Read + Send + 'a>) -> Self {
        Self {
            bytes,
            raw: Vec::with_capacity(READ_BYTES),
            coding: Coding::Unknown,
            text: Vec::new(),
            at: 0,
            line: 1,
            piece_left: PIECE_MAX_BYTES,
            ended: false,
            fault: None,
        }
    }

    /// The line that is read next, from 1.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Allows for another tag, comment or text.
    pub(super) fn begin_piece(&mut self) {
        self.piece_left = PIECE_MAX_BYTES;
    }

    /// Whether all was read.
    pub(super) fn at_end(&self) -> bool {
        self.ended && self.at == self.text.len()
    }

    /// Why reading failed, and at which line.
    pub(super) fn fault(&mut self) -> (FileFault, u32) {
        self.fault.take().unwrap_or((FileFault::FileUnreadable, self.line))
    }

    /// Decodes the next bytes; all text before is used up.
    fn refill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.at = 0;
        if self.fault.is_some() {
            return Err(refused());
        }
        let begins = matches!(self.coding, Coding::Unknown);
        self.read_bytes(if begins { DECLARATION_MAX_BYTES } else { 1 })?;
        if begins {
            match coding_of(&mut self.raw) {
                Ok(coding) => self.coding = coding,
                Err(fault) => self.refuse_rest(fault),
            }
        }
        match self.coding {
            Coding::Unknown => {}
            Coding::Utf8 | Coding::Utf8Perhaps { .. } => self.decode_utf8(),
            Coding::Single { .. } => self.decode_single(),
        }
        self.find_forbidden();
        if self.text.is_empty() && self.fault.is_some() { Err(refused()) } else { Ok(()) }
    }

    /// Reads until there are this many bytes more, or none left.
    fn read_bytes(&mut self, wanted: usize) -> io::Result<()> {
        let enough = self.raw.len() + wanted;
        while !self.ended && self.raw.len() < enough {
            let from = self.raw.len();
            self.raw.resize(READ_BYTES, 0);
            let read = self.bytes.read(&mut self.raw[from..]);
            self.raw.truncate(from + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn decode_utf8(&mut self) {
        let (valid, cut) = match std::str::from_utf8(&self.raw) {
            Ok(_) => (self.raw.len(), true),
            Err(error) => (error.valid_up_to(), error.error_len().is_none()),
        };
        self.text.extend_from_slice(&self.raw[..valid]);
        self.raw.drain(..valid);
        if let Coding::Utf8Perhaps { beyond_ascii } = &mut self.coding {
            *beyond_ascii |= !self.text.is_ascii();
        }
        let goes_on = cut && !self.ended;
        if self.raw.is_empty() || goes_on {
            return;
        }
        if matches!(self.coding, Coding::Utf8Perhaps { beyond_ascii: false }) {
            let resembles = Resembles::Single;
            self.coding = Coding::Single { encoding: ISO_8859_15, resembles };
            self.decode_single();
        } else {
            let fault =
                if cut { FileFault::FileTruncated } else { FileFault::EncodingContradicted };
            self.refuse_rest(fault);
        }
    }

    fn decode_single(&mut self) {
        let Coding::Single { encoding, resembles } = &mut self.coding else { return };
        resembles.look_at(&self.raw, self.line);
        // From 80 to 9F are controls in ISO-8859-15, and letters in the encoding of Windows.
        let control = |byte: &u8| *encoding == ISO_8859_15 && (0x80..=0x9F).contains(byte);
        let sound = self.raw.iter().position(control).unwrap_or(self.raw.len());
        let (text, _) = encoding.decode_without_bom_handling(&self.raw[..sound]);
        self.text.extend_from_slice(text.as_bytes());
        match *resembles {
            _ if sound < self.raw.len() => self.refuse_rest(FileFault::EncodingContradicted),
            Resembles::Utf8(line) if self.ended => {
                self.fault = Some((FileFault::EncodingContradicted, line));
            }
            Resembles::Either | Resembles::Utf8(_) | Resembles::Single => {}
        }
        self.raw.clear();
    }

    /// Ends the text before the first character that XML forbids.
    fn find_forbidden(&mut self) {
        let forbidden = |byte: &u8| *byte < b' ' && !matches!(*byte, b'\t' | b'\n' | b'\r');
        let mut at = self.text.iter().position(forbidden);
        if self.text.contains(&0xEF) {
            let noncharacter = |three: &[u8]| three == b"\xEF\xBF\xBE" || three == b"\xEF\xBF\xBF";
            at = at.into_iter().chain(self.text.windows(3).position(noncharacter)).min();
        }
        if let Some(at) = at {
            self.text.truncate(at);
            self.refuse_rest(FileFault::CharacterForbidden);
        }
    }

    /// Refuses what comes after the text that is decoded so far.
    fn refuse_rest(&mut self, fault: FileFault) {
        self.fault = Some((fault, self.line + lines(&self.text)));
    }
}

impl BufRead for Decoding<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.text.len() && !self.ended {
            self.refill()?;
        }
        if self.at == self.text.len() && self.fault.is_some() {
            return Err(refused());
        }
        if self.piece_left == 0 && self.at < self.text.len() {
            self.fault = Some((FileFault::TextTooLong, self.line));
            return Err(refused());
        }
        let end = self.text.len().min(self.at + self.piece_left);
        Ok(&self.text[self.at..end])
    }

    fn consume(&mut self, amount: usize) {
        let end = self.text.len().min(self.at + amount);
        self.line += lines(&self.text[self.at..end]);
        self.at = end;
        self.piece_left = self.piece_left.saturating_sub(amount);
    }
}

impl Read for Decoding<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl Resembles {
    /// Takes more bytes of the file into account; they begin at this line.
    fn look_at(&mut self, raw: &[u8], line: u32) {
        let Some(first) = raw.iter().position(|byte| !byte.is_ascii()) else { return };
        // What the bytes before began may go on here.
        let goes_on = raw.iter().take(3).take_while(|byte| (0x80..0xC0).contains(*byte)).count();
        let utf8 = match std::str::from_utf8(&raw[goes_on..]) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        match self {
            Self::Either if utf8 => *self = Self::Utf8(line + lines(&raw[..first])),
            Self::Utf8(_) if utf8 => {}
            Self::Either | Self::Utf8(_) | Self::Single => *self = Self::Single,
        }
    }
}

/// How the bytes of a file that begins with these become text; takes a byte order mark off.
fn coding_of(raw: &mut Vec<u8>) -> Result<Coding, FileFault> {
    let marked = raw.starts_with(BYTE_ORDER_MARK);
    if marked {
        raw.drain(..BYTE_ORDER_MARK.len());
    }
    if WIDE_MARKS.iter().any(|mark| raw.starts_with(mark)) {
        return Err(FileFault::EncodingUnknown);
    }
    let encoding = match declared(raw) {
        None if marked => return Ok(Coding::Utf8),
        None => return Ok(Coding::Utf8Perhaps { beyond_ascii: false }),
        Some(label) => Encoding::for_label(label).ok_or(FileFault::EncodingUnknown)?,
    };
    if encoding == UTF_8 {
        Ok(Coding::Utf8)
    } else if encoding != ISO_8859_15 && encoding != WINDOWS_1252 {
        Err(FileFault::EncodingUnknown)
    } else if marked {
        Err(FileFault::EncodingContradicted)
    } else {
        Ok(Coding::Single { encoding, resembles: Resembles::Either })
    }
}

/// The encoding that the XML declaration names, if there is one.
fn declared(raw: &[u8]) -> Option<&[u8]> {
    let raw = raw.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = raw.windows(2).position(|two| two == b"?>")?;
    let name = raw[..end].windows(8).position(|eight| eight == b"encoding")?;
    let value = raw[name + 8..end].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let close = value.iter().position(|byte| byte == quote)?;
    Some(&value[..close])
}

fn lines(text: &[u8]) -> u32 {
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// The reason is in [`Decoding::fault`].
fn refused() -> io::Error {
    io::Error::other("the text is refused")
}
