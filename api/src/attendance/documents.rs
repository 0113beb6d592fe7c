//! Documents over HTTP: taken from families beside a reason, shown to those who judge it.
//!
//! What a document is, its content says, not its name nor what its sender calls it. It is handed out as a
//! file to be saved, never as a page of Préau: what is in it came from outside.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use axum::{
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use domain::{
    CommandId, DocumentId, Event, LineId, MessageId, SchoolYear, Stream, StudentId, Uai,
    access::Action,
    attendance::{
        AttendanceError,
        documents::{
            DOCUMENT_MAX_BYTES, Document, DocumentCommand, DocumentError, DocumentEvent,
            DocumentKind, PART_MAX_BYTES, PARTS_MAX, Part,
        },
    },
};
use projections::attendance::file;
use replay::{Act, Journal, command_id};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    App,
    error::{ApiError, Problem, Refusal},
    reading::{At, ReadQuery, Reading},
};

/// What documents may take of the memory while they are received, all together.
const ROOM_BYTES: usize = 256 * 1024 * 1024;

/// What was shown beside the reason of a line, as it was sent: a PDF, a JPEG or a PNG.
#[utoipa::path(get,
    path = "/schools/{school}/students/{student}/attendance/{year}/{line}/document",
    tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("year" = u16, Path),
        ("line" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem), (status = 410, body = Problem)))]
pub(crate) async fn show_document(
    State(app): State<App>,
    At((school, student, year, line)): At<(Uai, StudentId, SchoolYear, LineId)>,
    reading: Reading,
) -> Result<Response, ApiError> {
    reading.guard.student(school, student, Action::ReadDocument).await?;
    let lines = file(&reading.db().await?, student, year).await?;
    let known = lines.into_iter().find(|known| known.line == line && known.school == school);
    let reason = known.ok_or(AttendanceError::UnknownLine)?.reason;
    let document = reason.and_then(|reason| reason.document).ok_or(Refusal::NoDocument)?;
    let (kind, bytes) = kept(app.journal(), Stream::Document(student, year, document)).await?;
    let name = format!("attachment; filename=\"justificatif.{}\"", kind.extension());
    let headers: [(HeaderName, String); 2] =
        [(header::CONTENT_TYPE, kind.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, bytes).into_response())
}

/// A document as it was sent.
async fn kept(journal: &Journal, stream: Stream) -> Result<(DocumentKind, Vec<u8>), ApiError> {
    let mut bytes = Vec::new();
    for entry in journal.history(stream).await? {
        match entry.context("reading a document")?.event {
            Event::Document(_, _, _, DocumentEvent::PartKept { part }) => bytes.extend(part.0),
            Event::Document(_, _, _, DocumentEvent::DocumentKept { kind }) => {
                return Ok((kind, bytes));
            }
            Event::Erased(_) => return Err(DocumentError::DocumentErased.into()),
            Event::School(..)
            | Event::Person(..)
            | Event::Family(..)
            | Event::Class(..)
            | Event::Timetable(..)
            | Event::RollCall(..)
            | Event::Attendance(..)
            | Event::Alert(..)
            | Event::FollowUp(..)
            | Event::Account(..)
            | Event::Access(..) => break,
        }
    }
    Err(Refusal::NoDocument.into())
}

/// A document that is whole, and of a kind that is taken.
pub(crate) struct Received {
    kind: DocumentKind,
    bytes: Vec<u8>,
}

impl Received {
    /// What was received, if its content is of a kind that is taken.
    pub(crate) fn read(bytes: Vec<u8>) -> Option<Self> {
        let kind = if infer::archive::is_pdf(&bytes) {
            DocumentKind::Pdf
        } else if infer::image::is_jpeg(&bytes) {
            DocumentKind::Jpeg
        } else if infer::image::is_png(&bytes) {
            DocumentKind::Png
        } else {
            return None;
        };
        Some(Self { kind, bytes })
    }

    /// Keeps it in the log, beside the file of a student. The same request keeps it once: what a failure
    /// has cut short goes on where it was.
    pub(crate) async fn keep(
        &self,
        journal: &Journal,
        (student, year): (StudentId, SchoolYear),
        act: &Act,
    ) -> Result<DocumentId, ApiError> {
        let CommandId(request) = command_id(act.actor, &act.command.to_string(), &self.bytes);
        let id = DocumentId(request);
        let file = (student, year, id);
        let step = |name: &str| {
            let command = command_id(act.actor, &format!("{id}/{name}"), &[]);
            Act { command, ..*act }
        };
        let parts: Vec<&[u8]> = self.bytes.chunks(PART_MAX_BYTES).collect();
        for (n, some) in parts.chunks(PARTS_MAX).enumerate() {
            let (act, after) = (step(&n.to_string()), n * PARTS_MAX);
            let parts = some.iter().map(|part| Part(part.to_vec())).collect();
            let command = DocumentCommand::KeepParts { after, parts };
            journal.execute::<Document>(file, command, &act).await?;
        }
        let command = DocumentCommand::Finish { kind: self.kind };
        journal.execute::<Document>(file, command, &step("whole")).await?;
        Ok(id)
    }
}

/// The documents that are being received. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Uploads {
    room: Arc<Semaphore>,
    links: Arc<Mutex<HashSet<MessageId>>>,
}

/// A document that is being received: room in the memory, and the turn of its link.
pub(crate) struct Upload {
    uploads: Uploads,
    turn: Option<MessageId>,
    room: Option<OwnedSemaphorePermit>,
    received: Result<Vec<u8>, NotReceived>,
}

/// Why a document was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReceived {
    /// It is larger than may be.
    TooLarge,
    /// Too many are being received, or another one of the same link.
    NoRoom,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(ROOM_BYTES)), links: Arc::default() }
    }
}

impl Uploads {
    /// Begins to receive a document of a link.
    pub(crate) fn begin(&self, link: MessageId) -> Upload {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = links.insert(link).then_some(link);
        let received = if turn.is_some() { Ok(Vec::new()) } else { Err(NotReceived::NoRoom) };
        Upload { uploads: self.clone(), turn, room: None, received }
    }
}

impl Upload {
    /// Takes the next piece. Of a document that is not received the rest is passed over: whoever sends it is
    /// told why, instead of being cut off.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        let Ok(bytes) = &mut self.received else { return };
        let room = if bytes.len() + piece.len() > DOCUMENT_MAX_BYTES {
            Err(NotReceived::TooLarge)
        } else {
            room(&self.uploads.room, piece.len())
        };
        match (room, &mut self.room) {
            (Ok(more), Some(room)) => room.merge(more),
            (Ok(more), none @ None) => *none = Some(more),
            (Err(why), _) => {
                (self.received, self.room) = (Err(why), None);
                return;
            }
        }
        bytes.extend_from_slice(piece);
    }

    /// What was received; empty if nothing was attached.
    pub(crate) fn end(&mut self) -> Result<Vec<u8>, NotReceived> {
        std::mem::replace(&mut self.received, Ok(Vec::new()))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(link) = self.turn {
            let mut links = self.uploads.links.lock().unwrap_or_else(PoisonError::into_inner);
            links.remove(&link);
        }
    }
}

fn room(of_all: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, NotReceived> {
    let bytes = u32::try_from(bytes).map_err(|_| NotReceived::TooLarge)?;
    Arc::clone(of_all).try_acquire_many_owned(bytes).map_err(|_| NotReceived::NoRoom)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_document_is_what_its_content_says() {
        let kind = |bytes: &[u8]| Received::read(bytes.to_vec()).map(|document| document.kind);
        assert_eq!(kind(b"%PDF-1.7\n"), Some(DocumentKind::Pdf));
        assert_eq!(kind(&[0xFF, 0xD8, 0xFF, 0xE0]), Some(DocumentKind::Jpeg));
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n"), Some(DocumentKind::Png));
        for other in [&b""[..], b"<html>", b"GIF89a", b"PK\x03\x04", b"MZ", b"<svg/>", b"<?xml"] {
            assert_eq!(kind(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_document_that_is_too_large_takes_no_room() {
        let uploads = Uploads::default();
        let mut upload = uploads.begin(link(1));
        let half = vec![0; DOCUMENT_MAX_BYTES / 2];
        upload.take(&half);
        upload.take(&half);
        assert_eq!(uploads.room.available_permits(), ROOM_BYTES - DOCUMENT_MAX_BYTES);
        upload.take(&[0]);
        assert_eq!(uploads.room.available_permits(), ROOM_BYTES);
        upload.take(&half);
        assert_eq!(upload.end(), Err(NotReceived::TooLarge));
    }

    #[test]
    fn one_link_sends_one_document_at_a_time() {
        let uploads = Uploads::default();
        let first = uploads.begin(link(1));
        assert_eq!(uploads.begin(link(1)).end(), Err(NotReceived::NoRoom));
        assert_eq!(uploads.begin(link(2)).end(), Ok(Vec::new()));
        drop(first);
        assert_eq!(uploads.begin(link(1)).end(), Ok(Vec::new()));
    }

    #[test]
    fn documents_that_do_not_fit_into_the_memory_are_not_received() {
        let uploads = Uploads::default();
        let whole = vec![0; DOCUMENT_MAX_BYTES];
        let send = |n| {
            let mut upload = uploads.begin(link(n));
            upload.take(&whole);
            upload
        };
        let mut under_way: Vec<Upload> = (0..ROOM_BYTES / DOCUMENT_MAX_BYTES).map(send).collect();
        assert_eq!(send(99).end(), Err(NotReceived::NoRoom));
        assert_eq!(under_way.pop().unwrap().end().unwrap().len(), DOCUMENT_MAX_BYTES);
        assert_eq!(send(99).end().unwrap().len(), DOCUMENT_MAX_BYTES);
    }

    fn link(n: usize) -> MessageId {
        MessageId(Uuid::from_u128(u128::try_from(n).unwrap()))
    }
}
