//! The elements of a file, one after the other, as a reader of records asks for them.
//!
//! Strict where a file could do harm: no document type, no entities but XML's own, a bound on depth,
//! attributes and length. What nobody asks for is read over, whatever it is.

use quick_xml::{
    Error, Reader, XmlVersion,
    errors::IllFormedError,
    escape::EscapeError,
    events::{BytesRef, BytesStart, Event, attributes::Attribute},
};

use super::{decoding::Decoding, problem::FileFault};

/// Elements within elements; exports have eleven.
const DEPTH_MAX: usize = 64;

/// Attributes of one element; exports have two.
const ATTRIBUTES_MAX: usize = 32;

/// The text of one element, its parts together.
const TEXT_MAX_BYTES: usize = 64 * 1024;

/// Why a file cannot be read on.
#[derive(Debug)]
pub(super) struct Broken {
    /// What is wrong.
    pub(super) fault: FileFault,
    /// The line.
    pub(super) line: u32,
}

/// A file being read.
pub(super) struct Xml<'a> {
    reader: Reader<Decoding<'a>>,
    piece: Vec<u8>,
    depth: usize,
    begun: bool,
}

/// An element that was opened.
#[derive(Debug)]
pub(super) struct Element {
    /// Its name.
    pub(super) name: String,
    /// The line of its tag.
    pub(super) line: u32,
    depth: usize,
    attributes: Vec<(String, String)>,
}

/// What comes next.
enum Step {
    Opened(Element),
    Closed,
    Read,
    Ended,
}

impl Element {
    /// Something wrong with it.
    pub(super) fn broken(&self, fault: FileFault) -> Broken {
        Broken { fault, line: self.line }
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<'a> Xml<'a> {
    pub(super) fn new(bytes: Decoding<'a>) -> Self {
        let mut reader = Reader::from_reader(bytes);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, piece: Vec::new(), depth: 0, begun: false }
    }

    /// The element that all others are in.
    pub(super) fn root(&mut self) -> Result<Element, Broken> {
        loop {
            match self.step(None)? {
                Step::Opened(root) => return Ok(root),
                Step::Closed | Step::Read => {}
                Step::Ended => return Err(self.broken(FileFault::FileTruncated)),
            }
        }
    }

    /// The next element directly in `parent`; none when that ends. What was left of the one before
    /// is read over.
    pub(super) fn next_in(&mut self, parent: &Element) -> Result<Option<Element>, Broken> {
        while self.depth >= parent.depth {
            match self.step(None)? {
                Step::Opened(child) if child.depth == parent.depth + 1 => return Ok(Some(child)),
                Step::Opened(_) | Step::Closed | Step::Read => {}
                Step::Ended => return Err(self.broken(FileFault::FileTruncated)),
            }
        }
        Ok(None)
    }

    /// The next element of one of these names in `ancestor`, however deep; none when that ends.
    pub(super) fn find_in(
        &mut self,
        ancestor: &Element,
        names: &[&str],
    ) -> Result<Option<Element>, Broken> {
        while self.depth >= ancestor.depth {
            match self.step(None)? {
                Step::Opened(found) if names.contains(&found.name.as_str()) => {
                    return Ok(Some(found));
                }
                Step::Opened(_) | Step::Closed | Step::Read => {}
                Step::Ended => return Err(self.broken(FileFault::FileTruncated)),
            }
        }
        Ok(None)
    }

    /// The text directly in `element`, as it stands.
    pub(super) fn text_of(&mut self, element: &Element) -> Result<String, Broken> {
        let mut text = String::new();
        while self.depth >= element.depth {
            let direct = self.depth == element.depth;
            if matches!(self.step(direct.then_some(&mut text))?, Step::Ended) {
                return Err(self.broken(FileFault::FileTruncated));
            }
            if text.len() > TEXT_MAX_BYTES {
                return Err(self.broken(FileFault::TextTooLong));
            }
        }
        Ok(text)
    }

    /// Reads to the end of the file, where nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        loop {
            match self.step(None)? {
                Step::Ended if self.depth == 0 => return Ok(()),
                Step::Ended => return Err(self.broken(FileFault::FileTruncated)),
                Step::Opened(element) if element.depth == 1 => {
                    return Err(self.broken(FileFault::FileNotXml));
                }
                Step::Opened(_) | Step::Closed | Step::Read => {}
            }
        }
    }

    /// Something wrong where reading has come to.
    pub(super) fn broken(&self, fault: FileFault) -> Broken {
        Broken { fault, line: self.reader.get_ref().line() }
    }

    /// Reads one tag, text or comment; text goes into `text`.
    fn step(&mut self, text: Option<&mut String>) -> Result<Step, Broken> {
        let line = self.reader.get_ref().line();
        self.reader.get_mut().begin_piece();
        self.piece.clear();
        let step = match self.reader.read_event_into(&mut self.piece) {
            Ok(Event::Start(tag)) if self.depth < DEPTH_MAX => {
                (self.depth, self.begun) = (self.depth + 1, true);
                opened(&tag, line, self.depth).map(Step::Opened)
            }
            Ok(Event::Start(_)) => Err(FileFault::ElementsTooDeep),
            Ok(Event::End(_)) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Step::Closed)
            }
            Ok(Event::Text(part)) => add(text, &part, self.depth),
            Ok(Event::CData(part)) if self.depth > 0 => add(text, &part, self.depth),
            Ok(Event::GeneralRef(reference)) if self.depth > 0 => referred(&reference)
                .and_then(|char| add(text, char.encode_utf8(&mut [0; 4]), self.depth)),
            Ok(Event::Decl(_)) if !self.begun => Ok(Step::Read),
            Ok(Event::Decl(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Empty(_)) => {
                Err(FileFault::FileNotXml)
            }
            Ok(Event::Comment(_) | Event::PI(_)) => Ok(Step::Read),
            Ok(Event::DocType(_)) => Err(FileFault::DoctypeRefused),
            Ok(Event::Eof) => Ok(Step::Ended),
            Err(error) => return Err(self.failed(&error)),
        };
        step.map_err(|fault| Broken { fault, line })
    }

    /// Why the next piece could not be read.
    fn failed(&mut self, error: &Error) -> Broken {
        if self.piece.len() > 2 && self.piece[..3].eq_ignore_ascii_case(b"<!D") {
            return self.broken(FileFault::DoctypeRefused);
        }
        let ended = self.reader.get_ref().at_end();
        match error {
            Error::Io(_) => {
                let (fault, line) = self.reader.get_mut().fault();
                Broken { fault, line }
            }
            Error::Syntax(_) | Error::IllFormed(IllFormedError::UnclosedReference) if ended => {
                self.broken(FileFault::FileTruncated)
            }
            Error::Syntax(_)
            | Error::IllFormed(_)
            | Error::InvalidAttr(_)
            | Error::Encoding(_)
            | Error::Escape(_)
            | Error::Namespace(_) => self.broken(FileFault::FileNotXml),
        }
    }
}

fn opened(tag: &BytesStart<'_>, line: u32, depth: usize) -> Result<Element, FileFault> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(FileFault::TooManyAttributes);
        }
        let attribute = attribute.map_err(|_| FileFault::FileNotXml)?;
        attributes.push((attribute.key.as_ref().to_owned(), value(&attribute)?));
    }
    Ok(Element { name: tag.name().as_ref().to_owned(), line, depth, attributes })
}

fn value(attribute: &Attribute<'_>) -> Result<String, FileFault> {
    let value =
        attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
            Error::Escape(EscapeError::UnrecognizedEntity(..)) => FileFault::EntityUnknown,
            Error::Io(_)
            | Error::Syntax(_)
            | Error::IllFormed(_)
            | Error::InvalidAttr(_)
            | Error::Encoding(_)
            | Error::Escape(_)
            | Error::Namespace(_) => FileFault::FileNotXml,
        })?;
    let allowed = value.chars().all(is_allowed);
    if allowed { Ok(value.into_owned()) } else { Err(FileFault::CharacterForbidden) }
}

/// Adds text to what is asked for. Outside the root there is none.
fn add(text: Option<&mut String>, part: &str, depth: usize) -> Result<Step, FileFault> {
    if depth == 0 && !part.trim().is_empty() {
        return Err(FileFault::FileNotXml);
    }
    if let Some(text) = text {
        text.push_str(part);
    }
    Ok(Step::Read)
}

/// The character that a reference stands for: by its number, or one of XML's own five.
fn referred(reference: &BytesRef<'_>) -> Result<char, FileFault> {
    let number = reference.resolve_char_ref().map_err(|_| FileFault::CharacterForbidden)?;
    match (number, &**reference) {
        (Some(char), _) if is_allowed(char) => Ok(char),
        (Some(_), _) => Err(FileFault::CharacterForbidden),
        (None, "amp") => Ok('&'),
        (None, "lt") => Ok('<'),
        (None, "gt") => Ok('>'),
        (None, "apos") => Ok('\''),
        (None, "quot") => Ok('"'),
        (None, _) => Err(FileFault::EntityUnknown),
    }
}

/// Whether XML allows this character (XML 1.0, 2.2).
fn is_allowed(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}
