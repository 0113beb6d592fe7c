//! Every event of the school, where it is kept, and under which dossier it is sealed.
//!
//! An event is a payload (what happened) in an envelope ([`Header`]: when, by whom, where in the
//! log). The envelope is in clear; the payload of an event about a person is sealed as a whole, and
//! once its key is destroyed the event reads as [`Event::Erased`]. How bytes are sealed and stored
//! is `replay`'s business, not told here.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AccountId, ClassId, CommandId, CourseId, DocumentId, EventId, KeyId, LessonId, PersonId, RunId,
    SchoolYear, StudentId, Uai,
    access::AccessEvent,
    accounts::AccountEvent,
    alerts::{AlertEvent, AlertId},
    attendance::{AttendanceEvent, documents::DocumentEvent},
    classes::ClassEvent,
    families::FamilyEvent,
    followups::{FollowUpEvent, FollowUpId},
    ids::UUID_LETTERS,
    people::PersonEvent,
    rollcalls::RollCallEvent,
    schools::SchoolEvent,
    timetable::TimetableEvent,
};

/// Something that happened, with the thing it happened to.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// See [`crate::schools`].
    School(Uai, SchoolEvent),
    /// See [`crate::people`].
    Person(PersonId, PersonEvent),
    /// See [`crate::families`].
    Family(StudentId, FamilyEvent),
    /// See [`crate::classes`].
    Class(ClassId, ClassEvent),
    /// See [`crate::timetable`].
    Timetable(CourseId, TimetableEvent),
    /// See [`crate::rollcalls`].
    RollCall(LessonId, RollCallEvent),
    /// See [`crate::attendance`].
    Attendance(StudentId, SchoolYear, AttendanceEvent),
    /// See [`crate::attendance::documents`].
    Document(StudentId, SchoolYear, DocumentId, DocumentEvent),
    /// See [`crate::alerts`].
    Alert(AlertId, AlertEvent),
    /// See [`crate::followups`].
    FollowUp(FollowUpId, FollowUpEvent),
    /// See [`crate::accounts`].
    Account(PersonId, AccountEvent),
    /// See [`crate::access`]. Only in the access log.
    Access(RunId, AccessEvent),
    /// It happened in this stream, and the law had its content destroyed.
    Erased(Stream),
}

impl Event {
    /// Reads a payload of `stream`, as [`Event::payload`] wrote it in this version or an older one.
    ///
    /// # Errors
    /// When the bytes are no event of this kind of stream: an unknown event, a missing field.
    pub fn read(stream: Stream, payload: &[u8]) -> serde_json::Result<Self> {
        Ok(match stream {
            Stream::School(id) => Self::School(id, serde_json::from_slice(payload)?),
            Stream::Person(id) => Self::Person(id, serde_json::from_slice(payload)?),
            Stream::Family(id) => Self::Family(id, serde_json::from_slice(payload)?),
            Stream::Class(id) => Self::Class(id, serde_json::from_slice(payload)?),
            Stream::Timetable(id) => Self::Timetable(id, serde_json::from_slice(payload)?),
            Stream::RollCall(id) => Self::RollCall(id, serde_json::from_slice(payload)?),
            Stream::Attendance(id, year) => {
                Self::Attendance(id, year, serde_json::from_slice(payload)?)
            }
            Stream::Document(student, year, id) => {
                Self::Document(student, year, id, serde_json::from_slice(payload)?)
            }
            Stream::Alert(id) => Self::Alert(id, serde_json::from_slice(payload)?),
            Stream::FollowUp(id) => Self::FollowUp(id, serde_json::from_slice(payload)?),
            Stream::Account(id) => Self::Account(id, serde_json::from_slice(payload)?),
            Stream::Access(id) => Self::Access(id, serde_json::from_slice(payload)?),
        })
    }

    /// The content as JSON, tagged with the event's name. Nothing for an erased one.
    ///
    /// # Errors
    /// None for the events of this crate: they have no map whose keys are not text.
    pub fn payload(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::School(_, event) => serde_json::to_vec(event),
            Self::Person(_, event) => serde_json::to_vec(event),
            Self::Family(_, event) => serde_json::to_vec(event),
            Self::Class(_, event) => serde_json::to_vec(event),
            Self::Timetable(_, event) => serde_json::to_vec(event),
            Self::RollCall(_, event) => serde_json::to_vec(event),
            Self::Attendance(_, _, event) => serde_json::to_vec(event),
            Self::Document(_, _, _, event) => serde_json::to_vec(event),
            Self::Alert(_, event) => serde_json::to_vec(event),
            Self::FollowUp(_, event) => serde_json::to_vec(event),
            Self::Account(_, event) => serde_json::to_vec(event),
            Self::Access(_, event) => serde_json::to_vec(event),
            Self::Erased(_) => Ok(Vec::new()),
        }
    }

    /// The stream it belongs to.
    pub fn stream(&self) -> Stream {
        match self {
            Self::School(id, _) => Stream::School(*id),
            Self::Person(id, _) => Stream::Person(*id),
            Self::Family(id, _) => Stream::Family(*id),
            Self::Class(id, _) => Stream::Class(*id),
            Self::Timetable(id, _) => Stream::Timetable(*id),
            Self::RollCall(id, _) => Stream::RollCall(*id),
            Self::Attendance(id, year, _) => Stream::Attendance(*id, *year),
            Self::Document(student, year, id, _) => Stream::Document(*student, *year, *id),
            Self::Alert(id, _) => Stream::Alert(*id),
            Self::FollowUp(id, _) => Stream::FollowUp(*id),
            Self::Account(id, _) => Stream::Account(*id),
            Self::Access(id, _) => Stream::Access(*id),
            Self::Erased(stream) => *stream,
        }
    }

    /// The dossier whose key seals it, if it is about a person.
    ///
    /// `school` and `year` are those of the act; the files that name a year of their own use that.
    pub fn dossier(&self, school: Uai, year: SchoolYear) -> Option<Dossier> {
        let of =
            |person, category| Some(Dossier { subject: Subject::Person(person), category, year });
        match self {
            Self::School(..) | Self::Timetable(..) | Self::Erased(_) => None,
            Self::Person(id, _) => of(*id, Category::Identity),
            Self::Family(id, _) => of(id.person(), Category::Family),
            Self::Class(_, event) => of(event.student()?.person(), Category::Schooling),
            Self::RollCall(_, event) => Some(Dossier {
                subject: Subject::School(school),
                category: Category::Register,
                year: SchoolYear::containing(event.called().planned.date),
            }),
            // What was shown for an absence lives and dies with the absence.
            Self::Attendance(id, year, _) | Self::Document(id, year, ..) => Some(Dossier {
                subject: Subject::Person(id.person()),
                category: Category::Attendance,
                year: *year,
            }),
            // What the family was told of an absence lives and dies with the absence.
            Self::Alert(id, _) => Some(Dossier {
                subject: Subject::Person(id.student.person()),
                category: Category::Attendance,
                year: SchoolYear::containing(id.date),
            }),
            // What the school did about absences lives and dies with them too.
            Self::FollowUp(id, _) => Some(Dossier {
                subject: Subject::Person(id.student.person()),
                category: Category::Attendance,
                year: SchoolYear::containing(id.day),
            }),
            Self::Account(id, _) => of(*id, Category::Account),
            Self::Access(..) => {
                let subject = Subject::School(school);
                Some(Dossier { subject, category: Category::Access, year })
            }
        }
    }
}

/// A kind of aggregate and the streams it is kept in, for whoever executes commands.
pub trait Streamed: Aggregate {
    /// Which one of its kind.
    type Id: Copy + Send + Sync;

    /// The stream of one of them.
    fn stream(id: Self::Id) -> Stream;

    /// An event of its own as an event of the school.
    fn event(id: Self::Id, event: Self::Event) -> Event;

    /// An event of the school as one of its own, when it is one.
    fn own(event: Event) -> Option<Self::Event>;

    /// What is left to decide with after an event whose content was erased: the fact that
    /// something happened, and nothing of what.
    #[must_use]
    fn forget(self) -> Self;
}

/// Where the events of one thing are kept, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// `school-0549998Z`
    School(Uai),
    /// `person-<id>`
    Person(PersonId),
    /// `family-<student>`
    Family(StudentId),
    /// `class-<id>`
    Class(ClassId),
    /// `timetable-<course>`
    Timetable(CourseId),
    /// `rollcall-<lesson>`
    RollCall(LessonId),
    /// `attendance-<student>-2026`: the file of one school year
    Attendance(StudentId, SchoolYear),
    /// `document-<student>-2026-<id>`: what was shown beside a reason in that file
    Document(StudentId, SchoolYear, DocumentId),
    /// `alert-<school>-<student>-2026-11-30-morning`
    Alert(AlertId),
    /// `followup-<school>-<student>-2026-11-01-four-half-days`
    FollowUp(FollowUpId),
    /// `account-<person>`
    Account(PersonId),
    /// `access-<run>`: pages of the access log
    Access(RunId),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::School(id) => write!(f, "school-{id}"),
            Self::Person(id) => write!(f, "person-{id}"),
            Self::Family(id) => write!(f, "family-{id}"),
            Self::Class(id) => write!(f, "class-{id}"),
            Self::Timetable(id) => write!(f, "timetable-{id}"),
            Self::RollCall(id) => write!(f, "rollcall-{id}"),
            Self::Attendance(id, year) => write!(f, "attendance-{id}-{year}"),
            Self::Document(student, year, id) => write!(f, "document-{student}-{year}-{id}"),
            Self::Alert(id) => write!(f, "alert-{id}"),
            Self::FollowUp(id) => write!(f, "followup-{id}"),
            Self::Account(id) => write!(f, "account-{id}"),
            Self::Access(id) => write!(f, "access-{id}"),
        }
    }
}

/// What is wrong with a text that should be the name of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream is named like school-0549998Z, person-<uuid> or attendance-<uuid>-2026")]
pub struct NotAStream;

impl FromStr for Stream {
    type Err = NotAStream;

    fn from_str(text: &str) -> Result<Self, NotAStream> {
        let (kind, id) = text.split_once('-').ok_or(NotAStream)?;
        let uuid = || Uuid::try_parse(id).map_err(|_| NotAStream);
        Ok(match kind {
            "school" => Self::School(id.parse().map_err(|_| NotAStream)?),
            "person" => Self::Person(PersonId(uuid()?)),
            "family" => Self::Family(StudentId(uuid()?)),
            "class" => Self::Class(ClassId(uuid()?)),
            "timetable" => Self::Timetable(CourseId(uuid()?)),
            "rollcall" => Self::RollCall(LessonId(uuid()?)),
            "alert" => Self::Alert(id.parse().map_err(|_| NotAStream)?),
            "followup" => Self::FollowUp(id.parse().map_err(|_| NotAStream)?),
            "account" => Self::Account(PersonId(uuid()?)),
            "access" => Self::Access(RunId(uuid()?)),
            "document" => {
                let (student, rest) = id.split_at_checked(UUID_LETTERS).ok_or(NotAStream)?;
                let student = student.parse().map_err(|_| NotAStream)?;
                let rest = rest.strip_prefix('-').ok_or(NotAStream)?;
                let (year, id) = rest.split_once('-').ok_or(NotAStream)?;
                let year = SchoolYear(year.parse().map_err(|_| NotAStream)?);
                Self::Document(student, year, id.parse().map_err(|_| NotAStream)?)
            }
            "attendance" => {
                let (student, year) = id.rsplit_once('-').ok_or(NotAStream)?;
                let student = student.parse().map_err(|_| NotAStream)?;
                Self::Attendance(student, SchoolYear(year.parse().map_err(|_| NotAStream)?))
            }
            _ => return Err(NotAStream),
        })
    }
}

/// A file that the law keeps and destroys as one: its events are sealed under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dossier {
    /// Whose file.
    pub subject: Subject,
    /// Which part of their life.
    pub category: Category,
    /// Of which school year.
    pub year: SchoolYear,
}

/// Whom a dossier is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// One person.
    Person(PersonId),
    /// All students of a school, in the registers that it keeps of them.
    School(Uai),
}

/// The part of a life that a dossier holds; each has its own legal duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Names, birth date, contact details, enrolment.
    Identity,
    /// Guardians, authority and homes.
    Family,
    /// The classes and groups that a student belongs to.
    Schooling,
    /// The legal absence file of the year (code de l'éducation, R131-6).
    Attendance,
    /// The school's register of roll calls (code de l'éducation, R131-5).
    Register,
    /// The account of a person: when it was opened, what it is linked with, its mandates.
    Account,
    /// Who signed in and who read what, of all schools together.
    Access,
}

/// What is known of an event without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The stream it belongs to.
    pub stream: Stream,
    /// Its place in the stream: 0, 1, 2…
    pub revision: u64,
    /// Its id, the same when a command is retried.
    pub id: EventId,
    /// Its name: `RollCallTaken`.
    pub kind: String,
    /// The version of its payload's shape.
    pub version: u16,
    /// The school in whose life it happened.
    pub school: Uai,
    /// When the log took it.
    pub recorded_at: DateTime<Utc>,
    /// When it happened: the lesson, the tap on a phone without network.
    pub occurred_at: DateTime<Utc>,
    /// Who did it.
    pub actor: AccountId,
    /// The request that asked for it.
    pub command: CommandId,
    /// The request that everything of this chain goes back to.
    pub correlation: CommandId,
    /// The event that it is a consequence of.
    pub causation: Option<EventId>,
    /// The key that seals its payload, if it is sealed.
    pub key: Option<KeyId>,
}

/// An event and its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its place among everything that ever happened: opaque, growing.
    pub position: u64,
    /// Its envelope.
    pub header: Header,
    /// What happened.
    pub event: Event,
}

/// The version of the payload's shape that this program writes, by event.
///
/// Shapes only grow by optional fields, so that every event is still in its first version.
pub fn version_of(_: &impl DomainEvent) -> String {
    "1".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_found_again_by_its_name() {
        let id = Uuid::from_u128(7);
        for stream in [
            Stream::School("0549998Z".parse().unwrap()),
            Stream::Person(PersonId(id)),
            Stream::Family(StudentId(id)),
            Stream::Class(ClassId(id)),
            Stream::Timetable(CourseId(id)),
            Stream::RollCall(LessonId(id)),
            Stream::Attendance(StudentId(id), SchoolYear(2026)),
            Stream::Document(StudentId(id), SchoolYear(2026), DocumentId(id)),
            Stream::Alert(AlertId {
                school: "0549998Z".parse().unwrap(),
                student: StudentId(id),
                date: "2026-11-30".parse().unwrap(),
                half: crate::schools::Half::Afternoon,
            }),
            Stream::FollowUp(FollowUpId {
                school: "0549998Z".parse().unwrap(),
                student: StudentId(id),
                day: "2026-11-01".parse().unwrap(),
                step: crate::followups::Step::FourHalfDays,
            }),
            Stream::Account(PersonId(id)),
            Stream::Access(RunId(id)),
        ] {
            assert_eq!(stream.to_string().parse(), Ok(stream));
        }
    }

    #[test]
    fn a_stream_of_no_known_kind_is_refused() {
        for wrong in [
            "",
            "school",
            "school-1",
            "person-1",
            "attendance-2026",
            "document-2026",
            "alert-0549998Z",
            "followup-0549998Z",
            "menu-0549998Z",
        ] {
            assert_eq!(wrong.parse::<Stream>(), Err(NotAStream), "{wrong}");
        }
    }
}
