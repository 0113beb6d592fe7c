//! The rules of the attendance file: what happens when it is given a command.

use std::collections::BTreeMap;

use super::{
    Attendance, AttendanceCommand, AttendanceError, AttendanceEvent, Exemption, GiveReason, Given,
    GivenBy, Line, LineKind, Period, Source,
};
use crate::{
    LineId, StudentId,
    rollcalls::{Called, Mark},
};

type Decision = Result<Vec<AttendanceEvent>, AttendanceError>;

impl Attendance {
    /// The rules: what happens when `command` is given to this file.
    pub fn decide(&self, command: AttendanceCommand) -> Decision {
        use AttendanceCommand as C;
        use AttendanceEvent as E;
        let Self::File(lines) = self else { return Err(AttendanceError::AttendanceErased) };
        let file = File(lines);
        match command {
            C::FollowRollCall {
                student,
                called,
                subject,
                revision,
                mark,
                lateness_max_minutes,
            } => {
                let source = Source::RollCall { lesson: called.lesson(), revision };
                let line = LineId::of_lesson(student, called.lesson());
                if lines.get(&line).is_some_and(|known| !known.is_older_than(revision)) {
                    return Ok(vec![]);
                }
                let period = Period { from: called.time.starts_at, to: called.time.ends_at };
                Ok(match mark {
                    Mark::Late { minutes } if minutes <= lateness_max_minutes => {
                        vec![E::LatenessRecorded { line, period, minutes, source }]
                    }
                    Mark::Present => file.withdrawn_by(line, source),
                    Mark::Absent | Mark::Late { .. } if file.exempts(&subject, &called) => {
                        file.withdrawn_by(line, source)
                    }
                    Mark::Absent | Mark::Late { .. } => file.missed(line, period, source),
                })
            }
            C::RecordAbsence { line, period } => {
                let recorded = E::AbsenceRecorded { line, period, source: Source::Office };
                file.declare(line, period, recorded, |kind| matches!(kind, LineKind::Absence(_)))
            }
            C::RecordDeparture { line, period } => {
                let recorded = E::DepartureRecorded { line, period };
                file.declare(line, period, recorded, |kind| matches!(kind, LineKind::Departure(_)))
            }
            C::AnnounceAbsence { line, period, reason } => {
                let announced = E::AbsenceAnnounced { line, period };
                let same_kind = |kind: &LineKind| matches!(kind, LineKind::Announcement(_));
                let mut events = file.declare(line, period, announced, same_kind)?;
                if !events.is_empty() {
                    let covered = file.covered_by(line, period);
                    events.extend(given(line, *reason, covered)?);
                }
                Ok(events)
            }
            C::GrantExemption { line, exemption } => file.exempt(line, exemption),
            C::GiveReason { line, reason } => file.explain(line, *reason),
            C::AcceptReason { line } => file.judge(line, true),
            C::RefuseReason { line } => file.judge(line, false),
            C::Regularise { line } => {
                file.explainable(line)?;
                let open = file.with_covered(line).filter(|(_, known)| !known.regularised);
                Ok(open.map(|(line, _)| E::AbsenceRegularised { line }).collect())
            }
            C::WithdrawLine { line } => file.withdraw(line),
        }
    }
}

/// The lines of a file that was not erased, and the questions that rules ask of them.
struct File<'a>(&'a BTreeMap<LineId, Line>);

impl File<'_> {
    fn live(&self) -> impl Iterator<Item = (LineId, &Line)> {
        self.0.iter().filter(|(_, line)| !line.withdrawn).map(|(id, line)| (*id, line))
    }

    /// The roll call says that the student was there after all, or need not have been.
    fn withdrawn_by(&self, line: LineId, source: Source) -> Vec<AttendanceEvent> {
        let live = self.0.get(&line).is_some_and(|known| !known.withdrawn);
        if live { vec![AttendanceEvent::LineWithdrawn { line, source }] } else { vec![] }
    }

    /// The roll call says that the student was not there. If a declaration covers the lesson, what
    /// was said of it is said of the lesson too.
    fn missed(&self, line: LineId, period: Period, source: Source) -> Vec<AttendanceEvent> {
        let mut events = vec![AttendanceEvent::AbsenceRecorded { line, period, source }];
        let known = self.0.get(&line).filter(|known| !known.withdrawn);
        if known.is_some_and(|known| known.given.is_some()) {
            return events;
        }
        let covering = self.live().find(|(_, known)| {
            known.covering().is_some_and(|covers| covers.contains(&period)) && known.given.is_some()
        });
        if let Some((id, known)) = covering {
            if let Some(given) = known.given.clone() {
                let by = GivenBy::Covering(id);
                let given = Given { by, comment: None, document: None, ..given };
                events.push(AttendanceEvent::ReasonGiven { line, given });
            }
            events.extend(known.receivable.map(|good| judged(line, good)));
            if known.regularised {
                events.push(AttendanceEvent::AbsenceRegularised { line });
            }
        }
        events
    }

    fn exempts(&self, subject: &str, called: &Called) -> bool {
        self.live().any(|(_, line)| match &line.kind {
            LineKind::Exemption(exemption) => exemption.exempts(subject, called.planned.date),
            LineKind::Absence(_)
            | LineKind::Lateness(..)
            | LineKind::Departure(_)
            | LineKind::Announcement(_) => false,
        })
    }

    /// Opens a line for a declared period, unless it overlaps another declaration of its kind.
    fn declare(
        &self,
        line: LineId,
        period: Period,
        event: AttendanceEvent,
        same_kind: impl Fn(&LineKind) -> bool,
    ) -> Decision {
        if period.to <= period.from {
            return Err(AttendanceError::AbsenceEndsBeforeItBegins);
        }
        if self.0.contains_key(&line) {
            return Ok(vec![]);
        }
        let overlaps = self.live().any(|(_, known)| {
            known.source == Source::Office
                && same_kind(&known.kind)
                && known.covering().is_some_and(|other| other.overlaps(&period))
        });
        if overlaps { Err(AttendanceError::AbsenceOverlaps) } else { Ok(vec![event]) }
    }

    fn exempt(&self, line: LineId, exemption: Exemption) -> Decision {
        if exemption.last_day < exemption.first_day {
            return Err(AttendanceError::AbsenceEndsBeforeItBegins);
        }
        let known = self.0.contains_key(&line);
        Ok(if known { vec![] } else { vec![AttendanceEvent::ExemptionGranted { line, exemption }] })
    }

    fn explain(&self, line: LineId, reason: GiveReason) -> Decision {
        let known = self.explainable(line)?;
        // What was shown beside an earlier reason is still there to be read.
        let shown = known.given.as_ref().and_then(|given| given.document);
        let reason = GiveReason { document: reason.document.or(shown), ..reason };
        if known.given.as_ref().is_some_and(|given| given.says(&reason)) {
            return Ok(vec![]);
        }
        if reason.by_themselves && known.receivable == Some(true) {
            return Err(AttendanceError::ReasonAccepted);
        }
        let covered = known.covering().map(|period| self.covered_by(line, period));
        given(line, reason, covered.unwrap_or_default())
    }

    fn judge(&self, line: LineId, good: bool) -> Decision {
        if self.explainable(line)?.given.is_none() {
            return Err(AttendanceError::NoReasonGiven);
        }
        let open = self.with_covered(line).filter(|(_, known)| known.receivable != Some(good));
        Ok(open.map(|(line, _)| judged(line, good)).collect())
    }

    /// What was explained by a declaration that is withdrawn is explained no more.
    fn withdraw(&self, line: LineId) -> Decision {
        use AttendanceEvent as E;
        let known = self.0.get(&line).ok_or(AttendanceError::UnknownLine)?;
        match known.source {
            Source::RollCall { .. } => Err(AttendanceError::FollowsRollCall),
            Source::Office if known.withdrawn => Ok(vec![]),
            Source::Office => {
                let withdrawn = E::LineWithdrawn { line, source: Source::Office };
                let explained = self.with_covered(line).filter(|(id, _)| *id != line);
                let taken_back = explained.map(|(line, _)| E::ReasonTakenBack { line });
                Ok([withdrawn].into_iter().chain(taken_back).collect())
            }
        }
    }

    /// A line that a reason can be given for.
    fn explainable(&self, line: LineId) -> Result<&Line, AttendanceError> {
        let known = self.0.get(&line).ok_or(AttendanceError::UnknownLine)?;
        match known.kind {
            LineKind::Exemption(_) => Err(AttendanceError::ExemptionNotExplained),
            LineKind::Absence(_)
            | LineKind::Lateness(..)
            | LineKind::Departure(_)
            | LineKind::Announcement(_)
                if known.withdrawn =>
            {
                Err(AttendanceError::AlreadyWithdrawn)
            }
            LineKind::Absence(_)
            | LineKind::Lateness(..)
            | LineKind::Departure(_)
            | LineKind::Announcement(_) => Ok(known),
        }
    }

    /// The line, and those that were explained by it.
    fn with_covered(&self, line: LineId) -> impl Iterator<Item = (LineId, &Line)> {
        self.live().filter(move |(id, known)| *id == line || known.is_explained_by(line))
    }

    /// The absences from lessons within `period` that have no reason but that of `line`.
    fn covered_by(&self, line: LineId, period: Period) -> Vec<LineId> {
        let lessons = self.live().filter(|(id, known)| {
            let of_roll_call = matches!(known.source, Source::RollCall { .. });
            let within = match &known.kind {
                LineKind::Absence(lesson) => period.contains(lesson),
                LineKind::Lateness(..)
                | LineKind::Departure(_)
                | LineKind::Announcement(_)
                | LineKind::Exemption(_) => false,
            };
            let free = known.given.is_none() || known.is_explained_by(line);
            *id != line && of_roll_call && within && free
        });
        lessons.map(|(id, _)| id).collect()
    }
}

/// The reason for a line and for those it covers, with what the school's list says of it at once
/// when it is the school that gives it.
fn given(line: LineId, reason: GiveReason, covered: Vec<LineId>) -> Decision {
    let GiveReason { reason, list, by, comment, document, by_themselves: _ } = reason;
    if reason.closed {
        return Err(AttendanceError::ReasonClosed);
    }
    let first = Given { reason: reason.code.clone(), list, by, comment, document };
    let by_first = GivenBy::Covering(line);
    let others = Given { by: by_first, comment: None, document: None, ..first.clone() };
    let mut events = Vec::new();
    let each = covered.into_iter().map(|line| (line, others.clone()));
    for (line, given) in std::iter::once((line, first)).chain(each) {
        events.push(AttendanceEvent::ReasonGiven { line, given });
        if by == GivenBy::Office {
            events.extend(reason.receivable.map(|good| judged(line, good)));
            events
                .extend(reason.regularises.then_some(AttendanceEvent::AbsenceRegularised { line }));
        }
    }
    Ok(events)
}

fn judged(line: LineId, good: bool) -> AttendanceEvent {
    if good {
        AttendanceEvent::ReasonAccepted { line }
    } else {
        AttendanceEvent::ReasonRefused { line }
    }
}

impl Given {
    /// Whether somebody who gives this reason says nothing new.
    fn says(&self, reason: &GiveReason) -> bool {
        self.reason == reason.reason.code
            && self.by == reason.by
            && self.comment == reason.comment
            && self.document == reason.document
    }
}

impl Line {
    fn is_older_than(&self, revision: u64) -> bool {
        match self.source {
            Source::RollCall { revision: known, .. } => known < revision,
            Source::Office => true,
        }
    }

    fn is_explained_by(&self, line: LineId) -> bool {
        self.given.as_ref().is_some_and(|given| given.by == GivenBy::Covering(line))
    }

    /// The period of a declaration: what is said of it holds for the lessons within.
    fn covering(&self) -> Option<Period> {
        match (&self.kind, self.source) {
            (LineKind::Departure(period) | LineKind::Announcement(period), _)
            | (LineKind::Absence(period), Source::Office) => Some(*period),
            (LineKind::Absence(_), Source::RollCall { .. })
            | (LineKind::Lateness(..) | LineKind::Exemption(_), _) => None,
        }
    }
}

impl Exemption {
    /// Whether the student need not be in a lesson of this subject on this day.
    pub fn exempts(&self, subject: &str, date: chrono::NaiveDate) -> bool {
        !self.attends && self.subject == subject && (self.first_day..=self.last_day).contains(&date)
    }
}

impl AttendanceCommand {
    /// The command that writes a roll call's word on a student, as `react` gives it.
    pub(crate) fn follow(
        student: StudentId,
        called: Called,
        mark: Mark,
        (revision, subject, lateness_max_minutes): (u64, &str, u16),
    ) -> Self {
        let subject = subject.to_owned();
        Self::FollowRollCall { student, called, subject, revision, mark, lateness_max_minutes }
    }
}
