//! What can happen in the life of the school, and when it may happen.
//!
//! One file per feature. Read [`rollcalls`] first: the others have its shape. [`Event`] is the list
//! of everything that can happen, [`reactions`](react) what follows of itself. Nothing here reads a
//! clock, a file or a table.

pub mod access;
pub mod accounts;
pub mod alerts;
pub mod attendance;
pub mod classes;
mod event;
pub mod families;
pub mod followups;
mod ids;
pub mod people;
mod reactions;
pub mod rollcalls;
pub mod schools;
pub mod timetable;

pub use event::{
    Category, Dossier, Event, Header, NotAStream, Recorded, Stream, Streamed, Subject, version_of,
};
pub use ids::{
    AccountId, ClassId, CommandId, CourseId, DocumentId, EventId, KeyId, LessonId, LineId,
    MessageId, NotAUai, PersonId, RunId, SchoolYear, SessionId, StudentId, Uai,
};
pub use reactions::{Consequence, Whose, follow_file, is_acted_on, react, touched};
