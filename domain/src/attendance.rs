//! Attendance: the absence file of one student for one school year (code de l'éducation, R131-6).
//!
//! Three layers, told apart: a fact (not seen in the lesson: the roll call's word), its
//! qualification (a reason is known, it was judged, the case is closed: three independent flags),
//! and, elsewhere, who was told. A line is never edited: it is withdrawn when the fact was wrong.
//! What half-days come of it is counted, never stored: see [`half_days`].

mod decide;
pub mod documents;
pub mod half_days;
mod unexplained;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

pub use unexplained::Absent;

use crate::{
    DocumentId, Event, LessonId, LineId, PersonId, SchoolYear, Stream, Streamed, StudentId,
    rollcalls::{Called, Mark},
    schools::Reason,
    version_of,
};

/// What happened. All of it is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum AttendanceEvent {
    /// The student was not there.
    AbsenceRecorded {
        /// The line it opens, or a lateness that turned into an absence.
        line: LineId,
        /// From when to when.
        period: Period,
        /// Who says so.
        source: Source,
    },
    /// The student came late.
    LatenessRecorded {
        /// The line it opens, or an absence that turned out to be a lateness.
        line: LineId,
        /// From when to when.
        period: Period,
        /// By how many minutes.
        minutes: u16,
        /// Who says so.
        source: Source,
    },
    /// The student left before the end of the day.
    DepartureRecorded {
        /// The line it opens.
        line: LineId,
        /// From when to when they are away.
        period: Period,
    },
    /// The student need not follow a subject for a while.
    ExemptionGranted {
        /// The line it opens.
        line: LineId,
        /// What.
        exemption: Exemption,
    },
    /// A guardian told beforehand that the student will be away.
    AbsenceAnnounced {
        /// The line it opens.
        line: LineId,
        /// From when to when.
        period: Period,
    },
    /// A reason was given: the absence is *motivée*.
    ReasonGiven {
        /// For which line.
        line: LineId,
        /// Which, and by whom.
        given: Given,
    },
    /// The school judged the reason good: the absence is *recevable*.
    ReasonAccepted {
        /// Of which line.
        line: LineId,
    },
    /// The school judged that the reason does not excuse the absence.
    ReasonRefused {
        /// Of which line.
        line: LineId,
    },
    /// The declaration that the reason was given for was withdrawn: nothing is explained any more.
    ReasonTakenBack {
        /// Of which line.
        line: LineId,
    },
    /// Nothing more is asked of the family: the absence is *régularisée*.
    AbsenceRegularised {
        /// Which line.
        line: LineId,
    },
    /// The fact was wrong, or will not happen.
    LineWithdrawn {
        /// Which line.
        line: LineId,
        /// Who says so.
        source: Source,
    },
}

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Period {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
}

/// Whose word a line stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The school-life office.
    Office,
    /// A roll call.
    RollCall {
        /// Of this lesson.
        lesson: LessonId,
        /// As it stood at this revision of its stream.
        revision: u64,
    },
}

/// A subject that the student need not follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exemption {
    /// Which subject, as the timetable writes it.
    pub subject: String,
    /// The first day.
    pub first_day: NaiveDate,
    /// The last day.
    pub last_day: NaiveDate,
    /// Whether the student is to be in the lesson all the same.
    pub attends: bool,
}

/// A reason, as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The reason's code.
    pub reason: String,
    /// The version of the school's list that it was taken from.
    pub list: u32,
    /// By whom.
    pub by: GivenBy,
    /// In their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What was shown beside it; see [`documents`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentId>,
}

/// Who gave a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GivenBy {
    /// A guardian, or the student if of age.
    Family(PersonId),
    /// The school-life office.
    Office,
    /// It was given for this line, whose period covers the lesson.
    Covering(LineId),
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum AttendanceCommand {
    /// Write what a roll call says of the student. The school's settings were read before; if they
    /// were stale, the line follows the rule that was in force a moment ago.
    FollowRollCall {
        /// Of which student.
        student: StudentId,
        /// Which lesson.
        called: Called,
        /// In which subject.
        subject: String,
        /// The roll call's revision that says so.
        revision: u64,
        /// What it says.
        mark: Mark,
        /// More minutes late than this is an absence.
        lateness_max_minutes: u16,
    },
    /// Record an absence.
    RecordAbsence {
        /// The line to open.
        line: LineId,
        /// From when to when.
        period: Period,
    },
    /// Record that the student left before the end of the day.
    RecordDeparture {
        /// The line to open.
        line: LineId,
        /// From when to when they are away.
        period: Period,
    },
    /// Exempt the student from a subject.
    GrantExemption {
        /// The line to open.
        line: LineId,
        /// From what.
        exemption: Exemption,
    },
    /// Tell beforehand that the student will be away, and why.
    AnnounceAbsence {
        /// The line to open.
        line: LineId,
        /// From when to when.
        period: Period,
        /// The reason, as the school's list has it.
        reason: Box<GiveReason>,
    },
    /// Give a reason.
    GiveReason {
        /// For which line.
        line: LineId,
        /// The reason, as the school's list has it.
        reason: Box<GiveReason>,
    },
    /// Judge the reason good.
    AcceptReason {
        /// Of which line.
        line: LineId,
    },
    /// Judge that the reason does not excuse.
    RefuseReason {
        /// Of which line.
        line: LineId,
    },
    /// Ask nothing more of the family.
    Regularise {
        /// For which line.
        line: LineId,
    },
    /// Take a line back.
    WithdrawLine {
        /// Which.
        line: LineId,
    },
}

/// A reason that someone gives.
#[derive(Clone, Debug)]
pub struct GiveReason {
    /// As the school's list has it.
    pub reason: Reason,
    /// The version of that list.
    pub list: u32,
    /// Who gives it.
    pub by: GivenBy,
    /// In their own words.
    pub comment: Option<String>,
    /// What was shown beside it.
    pub document: Option<DocumentId>,
    /// Whether a family says it itself, not the office for it: it does not undo what the school has accepted.
    pub by_themselves: bool,
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum AttendanceError {
    /// Only a line of the file is qualified.
    #[error("this line is not in the student's file of this year")]
    UnknownLine,
    /// A line that was taken back is not qualified any more.
    #[error("this line was withdrawn")]
    AlreadyWithdrawn,
    /// A period ends after it begins.
    #[error("the absence ends before it begins")]
    AbsenceEndsBeforeItBegins,
    /// Two declarations do not overlap.
    #[error("another declaration already covers a part of this time")]
    AbsenceOverlaps,
    /// Only a reason that was given is judged.
    #[error("no reason was given yet: there is nothing to judge")]
    NoReasonGiven,
    /// What the school has accepted is the school's to change.
    #[error("the school has already accepted a reason: ask it to change that")]
    ReasonAccepted,
    /// A reason taken out of use is not given any more.
    #[error("this reason is closed: choose another of the list")]
    ReasonClosed,
    /// An exemption has no reason to judge.
    #[error("an exemption is granted, it is not explained")]
    ExemptionNotExplained,
    /// A line of a roll call follows the roll call.
    #[error("this line comes from a roll call: correct the roll call")]
    FollowsRollCall,
    /// What the law has destroyed is not written on.
    #[error("this attendance file was erased")]
    AttendanceErased,
}

/// All a decision needs to know: the student's file of one year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Attendance {
    /// The lines so far.
    File(BTreeMap<LineId, Line>),
    /// The file was destroyed.
    Erased,
}

impl Default for Attendance {
    fn default() -> Self {
        Self::File(BTreeMap::new())
    }
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    kind: LineKind,
    source: Source,
    withdrawn: bool,
    given: Option<Given>,
    receivable: Option<bool>,
    regularised: bool,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum LineKind {
    Absence(Period),
    Lateness(Period, u16),
    Departure(Period),
    Announcement(Period),
    Exemption(Exemption),
}

impl Attendance {
    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: AttendanceEvent) -> Self {
        use AttendanceEvent as E;
        let Self::File(mut lines) = self else { return Self::Erased };
        // A word of the roll call that only changes what the line is keeps what was said of it.
        let mut open = |line, kind, source| {
            let known = lines.remove(&line).filter(|known: &Line| !known.withdrawn);
            let new = Line::new(kind, source);
            let Line { kind, source, .. } = new.clone();
            lines.insert(line, known.map_or(new, |known| Line { kind, source, ..known }));
        };
        match event {
            E::AbsenceRecorded { line, period, source } => {
                open(line, LineKind::Absence(period), source);
            }
            E::LatenessRecorded { line, period, minutes, source } => {
                open(line, LineKind::Lateness(period, minutes), source);
            }
            E::DepartureRecorded { line, period } => {
                open(line, LineKind::Departure(period), Source::Office);
            }
            E::AbsenceAnnounced { line, period } => {
                open(line, LineKind::Announcement(period), Source::Office);
            }
            E::ExemptionGranted { line, exemption } => {
                open(line, LineKind::Exemption(exemption), Source::Office);
            }
            E::ReasonGiven { line, given } => {
                if let Some(line) = lines.get_mut(&line) {
                    (line.given, line.receivable) = (Some(given), None);
                }
            }
            E::ReasonAccepted { line } => {
                lines.entry(line).and_modify(|line| line.receivable = Some(true));
            }
            E::ReasonRefused { line } => {
                lines.entry(line).and_modify(|line| line.receivable = Some(false));
            }
            E::ReasonTakenBack { line } => {
                lines.entry(line).and_modify(|line| {
                    (line.given, line.receivable, line.regularised) = (None, None, false);
                });
            }
            E::AbsenceRegularised { line } => {
                lines.entry(line).and_modify(|line| line.regularised = true);
            }
            E::LineWithdrawn { line, source } => {
                lines.entry(line).and_modify(|line| {
                    (line.withdrawn, line.source) = (true, source);
                });
            }
        }
        Self::File(lines)
    }
}

impl AttendanceEvent {
    /// The line it is about.
    pub fn line(&self) -> LineId {
        match self {
            Self::AbsenceRecorded { line, .. }
            | Self::LatenessRecorded { line, .. }
            | Self::DepartureRecorded { line, .. }
            | Self::ExemptionGranted { line, .. }
            | Self::AbsenceAnnounced { line, .. }
            | Self::ReasonGiven { line, .. }
            | Self::ReasonAccepted { line }
            | Self::ReasonRefused { line }
            | Self::ReasonTakenBack { line }
            | Self::AbsenceRegularised { line }
            | Self::LineWithdrawn { line, .. } => *line,
        }
    }
}

impl Line {
    fn new(kind: LineKind, source: Source) -> Self {
        Self { kind, source, withdrawn: false, given: None, receivable: None, regularised: false }
    }
}

impl Period {
    /// Whether the two have an instant in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// Whether all of `other` lies within.
    pub fn contains(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

impl Aggregate for Attendance {
    const TYPE: &'static str = "attendance";
    type Command = AttendanceCommand;
    type Event = AttendanceEvent;
    type Error = AttendanceError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AttendanceCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AttendanceError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AttendanceEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for Attendance {
    type Id = (StudentId, SchoolYear);

    fn stream((student, year): Self::Id) -> Stream {
        Stream::Attendance(student, year)
    }

    fn event((student, year): Self::Id, event: AttendanceEvent) -> Event {
        Event::Attendance(student, year, event)
    }

    fn own(event: Event) -> Option<AttendanceEvent> {
        if let Event::Attendance(_, _, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        Self::Erased
    }
}

impl DomainEvent for AttendanceEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "attendance/tests.rs"]
mod tests;
