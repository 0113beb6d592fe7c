//! Documents: what a family shows beside a reason, a certificate or a summons, as it was sent.
//!
//! Its bytes are kept in the log like all that happened, in parts that every engine takes: they move with
//! the log from engine to engine, and are sealed and destroyed with the attendance file that they belong
//! to. Nobody reads a document but through that file.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::{DocumentId, Event, SchoolYear, Stream, Streamed, StudentId, version_of};

/// The largest document, in bytes: a photo of a page as telephones take it.
pub const DOCUMENT_MAX_BYTES: usize = 10 * 1024 * 1024;

/// The largest part, in bytes.
pub const PART_MAX_BYTES: usize = 64 * 1024;

/// So many parts are kept at once, at most: an engine takes less than a megabyte in one append, and what is
/// sealed is a third longer than what was sent.
pub const PARTS_MAX: usize = 8;

/// What happened. All of it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum DocumentEvent {
    /// The next part of the document was kept.
    PartKept {
        /// Its bytes.
        part: Part,
    },
    /// All parts are there.
    DocumentKept {
        /// What its content says that it is.
        kind: DocumentKind,
    },
}

/// Some bytes of a document.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Part(#[serde(with = "base64_text")] pub Vec<u8>);

/// The kinds of documents that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// Pages.
    Pdf,
    /// A photo.
    Jpeg,
    /// An image, such as a telephone makes of its screen.
    Png,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum DocumentCommand {
    /// Keep the next parts.
    KeepParts {
        /// How many were kept before these.
        after: usize,
        /// The parts, in their order.
        parts: Vec<Part>,
    },
    /// Say that all of them are there.
    Finish {
        /// What the content says that it is.
        kind: DocumentKind,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum DocumentError {
    /// A document has no holes, and is not empty.
    #[error("a part of this document is missing")]
    DocumentIncomplete,
    /// A document is at most 10 MiB, and each of its parts at most 64 KiB.
    #[error("this document is too large")]
    DocumentTooLarge,
    /// What is whole stays as it is.
    #[error("this document is kept already")]
    DocumentIsWhole,
    /// What the law has destroyed is not written on.
    #[error("this document was erased")]
    DocumentErased,
}

/// All a decision needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    /// It is being kept.
    Begun {
        /// So many parts are there.
        parts: usize,
        /// So many bytes.
        bytes: usize,
    },
    /// It is whole.
    Whole {
        /// Of so many parts.
        parts: usize,
    },
    /// It was destroyed.
    Erased,
}

impl Default for Document {
    fn default() -> Self {
        Self::Begun { parts: 0, bytes: 0 }
    }
}

impl Document {
    /// The rules: what happens when `command` is given to this document.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub fn decide(self, command: DocumentCommand) -> Result<Vec<DocumentEvent>, DocumentError> {
        use DocumentCommand as C;
        match (self, command) {
            (Self::Erased, _) => Err(DocumentError::DocumentErased),
            (
                Self::Begun { parts: known, .. } | Self::Whole { parts: known },
                C::KeepParts { after, parts },
            ) if after + parts.len() <= known => Ok(vec![]),
            (Self::Whole { .. }, C::KeepParts { .. }) => Err(DocumentError::DocumentIsWhole),
            (Self::Begun { parts: known, .. }, C::KeepParts { after, .. }) if after != known => {
                Err(DocumentError::DocumentIncomplete)
            }
            (Self::Begun { bytes, .. }, C::KeepParts { parts, .. }) => {
                let more: usize = parts.iter().map(|part| part.0.len()).sum();
                let fits = |part: &Part| part.0.len() <= PART_MAX_BYTES;
                if bytes + more > DOCUMENT_MAX_BYTES || !parts.iter().all(fits) {
                    return Err(DocumentError::DocumentTooLarge);
                }
                Ok(parts.into_iter().map(|part| DocumentEvent::PartKept { part }).collect())
            }
            (Self::Begun { bytes: 0, .. }, C::Finish { .. }) => {
                Err(DocumentError::DocumentIncomplete)
            }
            (Self::Begun { .. }, C::Finish { kind }) => {
                Ok(vec![DocumentEvent::DocumentKept { kind }])
            }
            (Self::Whole { .. }, C::Finish { .. }) => Ok(vec![]),
        }
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: &DocumentEvent) -> Self {
        match (self, event) {
            (Self::Begun { parts, bytes }, DocumentEvent::PartKept { part }) => {
                Self::Begun { parts: parts + 1, bytes: bytes + part.0.len() }
            }
            (Self::Begun { parts, .. }, DocumentEvent::DocumentKept { .. }) => {
                Self::Whole { parts }
            }
            (known @ (Self::Whole { .. } | Self::Erased), _) => known,
        }
    }
}

impl DocumentKind {
    /// What browsers call it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// How the name of a file of this kind ends.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// Nobody's certificate is printed by mistake.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} bytes)", self.0.len())
    }
}

impl Aggregate for Document {
    const TYPE: &'static str = "document";
    type Command = DocumentCommand;
    type Event = DocumentEvent;
    type Error = DocumentError;
    type Services = ();

    async fn handle(
        &mut self,
        command: DocumentCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), DocumentError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: DocumentEvent) {
        *self = self.evolve(&event);
    }
}

impl Streamed for Document {
    type Id = (StudentId, SchoolYear, DocumentId);

    fn stream((student, year, document): Self::Id) -> Stream {
        Stream::Document(student, year, document)
    }

    fn event((student, year, document): Self::Id, event: DocumentEvent) -> Event {
        Event::Document(student, year, document, event)
    }

    fn own(event: Event) -> Option<DocumentEvent> {
        if let Event::Document(_, _, _, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        Self::Erased
    }
}

impl DomainEvent for DocumentEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

/// Bytes as text, which an event's content is.
mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_kept_part_by_part_and_then_whole() {
        let mut document = Document::default();
        assert_eq!(keep(&mut document, 0, &[3, 4]), Ok(2));
        assert_eq!(keep(&mut document, 2, &[5]), Ok(1));
        assert_eq!(finish(&mut document), Ok(1));
        assert_eq!(document, Document::Whole { parts: 3 });
    }

    #[test]
    fn what_was_kept_before_is_not_kept_twice() {
        let mut document = Document::default();
        keep(&mut document, 0, &[3, 4]).unwrap();
        assert_eq!(keep(&mut document, 0, &[3, 4]), Ok(0));
        finish(&mut document).unwrap();
        assert_eq!(keep(&mut document, 0, &[3, 4]), Ok(0));
        assert_eq!(finish(&mut document), Ok(0));
    }

    #[test]
    fn a_document_has_no_holes_and_is_not_empty() {
        let mut document = Document::default();
        assert_eq!(finish(&mut document), Err(DocumentError::DocumentIncomplete));
        assert_eq!(keep(&mut document, 1, &[3]), Err(DocumentError::DocumentIncomplete));
    }

    #[test]
    fn nothing_is_added_to_a_whole_document() {
        let mut document = Document::default();
        keep(&mut document, 0, &[3]).unwrap();
        finish(&mut document).unwrap();
        assert_eq!(keep(&mut document, 1, &[3]), Err(DocumentError::DocumentIsWhole));
    }

    #[test]
    fn a_document_of_ten_mebibytes_is_kept_and_one_byte_more_is_not() {
        let mut document = Document::default();
        let all = DOCUMENT_MAX_BYTES / PART_MAX_BYTES;
        for part in 0..all {
            keep(&mut document, part, &[PART_MAX_BYTES]).unwrap();
        }
        assert_eq!(keep(&mut document, all, &[1]), Err(DocumentError::DocumentTooLarge));
        assert_eq!(finish(&mut document), Ok(1));
    }

    #[test]
    fn a_part_is_not_larger_than_every_engine_takes() {
        let mut document = Document::default();
        let too_large = keep(&mut document, 0, &[PART_MAX_BYTES + 1]);
        assert_eq!(too_large, Err(DocumentError::DocumentTooLarge));
    }

    #[test]
    fn an_erased_document_is_not_written_on() {
        let mut document = Document::default().forget();
        assert_eq!(keep(&mut document, 0, &[3]), Err(DocumentError::DocumentErased));
        assert_eq!(finish(&mut document), Err(DocumentError::DocumentErased));
    }

    #[test]
    fn a_part_is_never_printed() {
        assert_eq!(format!("{:?}", Part(b"certificate".to_vec())), "Part(11 bytes)");
    }

    fn keep(
        document: &mut Document,
        after: usize,
        lengths: &[usize],
    ) -> Result<usize, DocumentError> {
        let parts = lengths.iter().map(|length| Part(vec![7; *length])).collect();
        give(document, DocumentCommand::KeepParts { after, parts })
    }

    fn finish(document: &mut Document) -> Result<usize, DocumentError> {
        give(document, DocumentCommand::Finish { kind: DocumentKind::Pdf })
    }

    fn give(document: &mut Document, command: DocumentCommand) -> Result<usize, DocumentError> {
        let events = document.decide(command)?;
        events.iter().for_each(|event| *document = document.evolve(event));
        Ok(events.len())
    }
}
