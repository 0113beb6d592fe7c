//! What of a file the family must be told at once: the absences that nobody has explained (code de
//! l'éducation, R131-5).

use chrono::{DateTime, Utc};

use super::{Attendance, Given, Line, LineKind, Period};
use crate::{LineId, schools::SchoolSheet};

/// What a file says of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The student was missed in no lesson.
    No,
    /// All absences are explained, or settled.
    Explained,
    /// There is an absence without a reason.
    Unexplained {
        /// When the first of them begins.
        since: DateTime<Utc>,
    },
}

impl Attendance {
    /// What the file says of the absences that begin within a period.
    pub fn absent(&self, school: &SchoolSheet, within: impl Fn(DateTime<Utc>) -> bool) -> Absent {
        let Self::File(lines) = self else { return Absent::No };
        let absences = lines.values().filter_map(|line| Some((line, line.absence()?)));
        let mut absent = Absent::No;
        for (line, period) in absences.filter(|(_, period)| within(period.from)) {
            absent = match absent {
                found if line.is_explained(school) => match found {
                    Absent::No | Absent::Explained => Absent::Explained,
                    Absent::Unexplained { .. } => found,
                },
                Absent::Unexplained { since } => {
                    Absent::Unexplained { since: since.min(period.from) }
                }
                Absent::No | Absent::Explained => Absent::Unexplained { since: period.from },
            };
        }
        absent
    }

    /// When what a line tells of begins; nothing for an exemption.
    pub fn begins(&self, line: LineId) -> Option<DateTime<Utc>> {
        let Self::File(lines) = self else { return None };
        match lines.get(&line)?.kind {
            LineKind::Absence(period)
            | LineKind::Lateness(period, _)
            | LineKind::Departure(period)
            | LineKind::Announcement(period) => Some(period.from),
            LineKind::Exemption(_) => None,
        }
    }
}

impl Line {
    /// The time the student was away, unless that was wrong.
    fn absence(&self) -> Option<Period> {
        match self.kind {
            LineKind::Absence(period) if !self.withdrawn => Some(period),
            LineKind::Absence(_)
            | LineKind::Lateness(..)
            | LineKind::Departure(_)
            | LineKind::Announcement(_)
            | LineKind::Exemption(_) => None,
        }
    }

    /// Whether nothing more needs to be asked: "unknown" and "no answer" are reasons that explain nothing.
    fn is_explained(&self, school: &SchoolSheet) -> bool {
        let explains = |given: &Given| {
            school.reason_of(given.list, &given.reason).is_none_or(|reason| reason.explains)
        };
        self.regularised || self.given.as_ref().is_some_and(explains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attendance::{AttendanceEvent, GivenBy, Source},
        schools::{
            Reason, SchoolEvent,
            tests::{day, sheet},
        },
    };
    use uuid::Uuid;

    const FIRST: LineId = LineId(Uuid::from_u128(1));
    const SECOND: LineId = LineId(Uuid::from_u128(2));

    #[test]
    fn an_absence_without_a_reason_is_to_be_told() {
        let file = [missed(FIRST, 9), missed(SECOND, 8)];
        assert_eq!(absent(&file), Absent::Unexplained { since: hour(8) });
    }

    #[test]
    fn an_absence_of_another_half_day_is_not_this_ones() {
        assert_eq!(absent(&[missed(FIRST, 14)]), Absent::No);
    }

    #[test]
    fn one_absence_without_a_reason_is_enough() {
        let file = [missed(FIRST, 8), given(FIRST, "illness"), missed(SECOND, 9)];
        assert_eq!(absent(&file), Absent::Unexplained { since: hour(9) });
        assert_eq!(absent(&file[..2]), Absent::Explained);
    }

    #[test]
    fn a_reason_that_says_nothing_explains_nothing() {
        let file = [missed(FIRST, 8), given(FIRST, "unknown")];
        assert_eq!(absent(&file), Absent::Unexplained { since: hour(8) });
    }

    #[test]
    fn what_is_settled_is_not_asked_about() {
        let settled = AttendanceEvent::AbsenceRegularised { line: FIRST };
        assert_eq!(absent(&[missed(FIRST, 8), settled]), Absent::Explained);
    }

    #[test]
    fn who_was_there_after_all_was_not_absent() {
        let source = Source::Office;
        let withdrawn = AttendanceEvent::LineWithdrawn { line: FIRST, source };
        assert_eq!(absent(&[missed(FIRST, 8), withdrawn]), Absent::No);
    }

    fn absent(events: &[AttendanceEvent]) -> Absent {
        let file = events.iter().cloned().fold(Attendance::default(), Attendance::evolve);
        let reason = |code: &str, explains| Reason {
            code: code.to_owned(),
            label: code.to_owned(),
            neutral_label: None,
            sensitive: false,
            legitimacy: crate::schools::Legitimacy::Unknown,
            explains,
            receivable: None,
            regularises: false,
            in_care: false,
            closed: false,
        };
        let reasons = vec![reason("illness", true), reason("unknown", false)];
        let list = crate::schools::ReasonList { version: 9, reasons };
        let school = crate::schools::School::Open(Box::new(sheet()));
        let crate::schools::School::Open(school) =
            school.evolve(SchoolEvent::ReasonsListed { list })
        else {
            panic!("the school is open")
        };
        file.absent(&school, |instant| instant < hour(13))
    }

    fn missed(line: LineId, from: u32) -> AttendanceEvent {
        let period = Period { from: hour(from), to: hour(from + 1) };
        AttendanceEvent::AbsenceRecorded { line, period, source: Source::Office }
    }

    fn given(line: LineId, reason: &str) -> AttendanceEvent {
        let (reason, by) = (reason.to_owned(), GivenBy::Office);
        AttendanceEvent::ReasonGiven {
            line,
            given: Given { reason, list: 9, by, comment: None, document: None },
        }
    }

    fn hour(hour: u32) -> DateTime<Utc> {
        let time = chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        sheet().instant(day("2026-11-09"), time)
    }
}
