//! What follows of itself from an event: commands that nobody has to give.
//!
//! Pure: an event and the rows it speaks of in, commands out. The same event and rows give the same
//! commands, and a command given twice changes nothing more, so that whoever runs this in the order
//! of the log may run it again, or on two machines.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::{
    CourseId, Event, Recorded, SchoolYear, StudentId,
    alerts::{AlertCommand, AlertId, Cancellation, Said},
    attendance::{Absent, Attendance, AttendanceCommand, AttendanceEvent, Source},
    classes::ClassEvent,
    followups::{FollowUpCommand, FollowUpId, ladder::Stretch},
    rollcalls::{Mark, RollCallEvent},
    schools::{SchoolEvent, SchoolSheet},
    timetable::TimetableEvent,
};

/// What was written into a file longer ago than this tells no family any more, whoever reads it now:
/// a node that reads the log from its beginning raises no alert about last year.
const TOLD_WITHIN: TimeDelta = TimeDelta::days(1);

/// What was written longer ago than this opens no follow-up any more: a node that stood still over the
/// holidays acts when it is back, one that reads an old log from its beginning asks nobody to act.
const ACTED_WITHIN: TimeDelta = TimeDelta::days(31);

/// A command that an event calls for.
#[derive(Clone, Debug)]
pub enum Consequence {
    /// The roll call's word goes into a student's file of the year.
    Attendance {
        /// Whose file.
        student: StudentId,
        /// Of which year.
        year: SchoolYear,
        /// What is written.
        command: AttendanceCommand,
    },
    /// The family is told what the file says, or no longer.
    Alert {
        /// Which alert.
        alert: AlertId,
        /// What is written.
        command: AlertCommand,
    },
    /// A student's absences of a month reach a step of the ladder, or no longer.
    FollowUp {
        /// Which follow-up.
        follow_up: FollowUpId,
        /// What is written.
        command: FollowUpCommand,
    },
}

/// What follows from an event. `subject` is that of the course whose roll was called; without it,
/// or outside the school's years, nothing follows.
pub fn react(recorded: &Recorded, school: &SchoolSheet, subject: &str) -> Vec<Consequence> {
    let Event::RollCall(_, event) = &recorded.event else { return vec![] };
    let called = *event.called();
    let Some((year, _)) = school.year_of(called.planned.date) else { return vec![] };
    let facts = (recorded.header.revision, subject, school.settings.lateness_max_minutes);
    let follow = |(student, mark)| {
        let command = AttendanceCommand::follow(student, called, mark, facts);
        Consequence::Attendance { student, year, command }
    };
    // The first word on a lesson finds no line of it, so that who is present has nothing to follow.
    let first = matches!(event, RollCallEvent::RollCallTaken { .. });
    let told = event.marks().filter(|(_, mark)| !(first && *mark == Mark::Present));
    told.map(follow).collect()
}

/// What follows for the family from an event of an attendance file: the alert of the line's half-day
/// follows the whole file, as it stood at `revision` or later. The grace delay begins with the roll call:
/// that of a telephone that was long without network may be over when it arrives; of a lesson that has not
/// begun when its roll is called, with the lesson. Of a day that is over
/// only a roll that was not called before is told: a correction comes too late to be a matter of safety. Nothing
/// follows of what was recorded a day before `now`.
pub fn follow_file(
    recorded: &Recorded,
    school: &SchoolSheet,
    (file, revision): (&Attendance, u64),
    now: DateTime<Utc>,
) -> Option<Consequence> {
    let Event::Attendance(student, _, event) = &recorded.event else { return None };
    let at = recorded.header.recorded_at;
    if now - at > TOLD_WITHIN {
        return None;
    }
    let (date, half) = school.half_day_of(file.begins(event.line())?);
    let of_half_day = |instant| school.half_day_of(instant) == (date, half);
    let grace = TimeDelta::seconds(school.settings.alert_grace_seconds.into());
    let said = match file.absent(school, of_half_day) {
        Absent::Unexplained { .. } if school.local_date(at) > date && !is_first_word(event) => {
            return None;
        }
        Absent::Unexplained { since } => Said::Unexplained {
            since,
            ends: school.half_day_ends(date, half),
            due: at.max(recorded.header.occurred_at.max(since) + grace),
        },
        Absent::Explained => Said::Nothing(Cancellation::Explained),
        Absent::No => Said::Nothing(Cancellation::NotAbsent),
    };
    let alert = AlertId { school: recorded.header.school, student: *student, date, half };
    Some(Consequence::Alert { alert, command: AlertCommand::FollowFile { said, revision, at } })
}

/// Whether a line says what a roll call first said.
fn is_first_word(event: &AttendanceEvent) -> bool {
    let AttendanceEvent::AbsenceRecorded { source, .. } = event else { return false };
    matches!(source, Source::RollCall { revision: 0, .. })
}

/// Whose absences an event may have made count otherwise, though it is none of their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One student's.
    Student(StudentId),
    /// Those of the students of a course.
    Course(CourseId),
    /// Everybody's in the school.
    School,
}

/// Whose lessons an event has changed, and of which days, as far as they are over: what was missed then is
/// counted anew. Nothing follows of what was recorded long before `now`, nor of who gives a lesson or in
/// which room, nor of a setting: it is no correction of what has happened.
pub fn touched(
    recorded: &Recorded,
    school: &SchoolSheet,
    now: DateTime<Utc>,
) -> Option<(Whose, Stretch)> {
    if !is_acted_on(recorded, now) {
        return None;
    }
    let today = school.local_date(now);
    let (whose, from, until) = match &recorded.event {
        Event::School(_, event) => (Whose::School, of_calendar(event)?, today),
        Event::Class(_, event) => {
            let (student, from) = of_member(event)?;
            (Whose::Student(student), from, today)
        }
        Event::Timetable(course, event) => {
            let (from, until) = of_course(event, today)?;
            (Whose::Course(*course), from, until.min(today))
        }
        Event::Person(..)
        | Event::Family(..)
        | Event::RollCall(..)
        | Event::Attendance(..)
        | Event::Document(..)
        | Event::Alert(..)
        | Event::FollowUp(..)
        | Event::Account(..)
        | Event::Access(..)
        | Event::Erased(_) => return None,
    };
    (from <= until).then_some((whose, Stretch { from, until }))
}

/// From which day on a school has lessons on other days or at other times.
fn of_calendar(event: &SchoolEvent) -> Option<NaiveDate> {
    match event {
        SchoolEvent::SchoolYearPlanned { year, .. } | SchoolEvent::HolidaysSet { year, .. } => {
            year.begins()
        }
        SchoolEvent::BellScheduleSet { from, .. } => Some(*from),
        SchoolEvent::SchoolOpened { .. }
        | SchoolEvent::ReasonsListed { .. }
        | SchoolEvent::SchoolTelephoneGiven { .. }
        | SchoolEvent::SettingChosen { .. } => None,
    }
}

/// Who has the lessons of a class, or no longer, and from which day on.
fn of_member(event: &ClassEvent) -> Option<(StudentId, NaiveDate)> {
    match event {
        ClassEvent::StudentJoinedClass { student, from } => Some((*student, *from)),
        ClassEvent::StudentLeftClass { student, on, .. } => Some((*student, *on)),
        ClassEvent::ClassFormed { .. }
        | ClassEvent::TeacherAssigned { .. }
        | ClassEvent::TeacherReleased { .. } => None,
    }
}

/// The days whose lessons an event of a course has changed.
fn of_course(event: &TimetableEvent, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    match event {
        TimetableEvent::CourseScheduled { plan } => Some((plan.first_day, plan.last_day)),
        TimetableEvent::CourseRescheduled { from, .. } => Some((*from, today)),
        TimetableEvent::LessonCancelled { planned }
        | TimetableEvent::LessonReinstated { planned } => Some((planned.date, planned.date)),
        TimetableEvent::LessonMoved { planned, to, .. } => {
            Some((planned.date.min(to.date), planned.date.max(to.date)))
        }
        TimetableEvent::CourseEnded { on } => Some((*on, today)),
        TimetableEvent::LessonReplaced { .. } | TimetableEvent::LessonRoomChanged { .. } => None,
    }
}

/// Whether an event is young enough for the school to act on it.
pub fn is_acted_on(recorded: &Recorded, now: DateTime<Utc>) -> bool {
    now - recorded.header.recorded_at <= ACTED_WITHIN
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        AccountId, ClassId, CommandId, EventId, Header, LineId,
        attendance::{AttendanceEvent, Period, Source},
        rollcalls::{Called, Marked},
        schools::tests::{day, sheet},
        timetable::Place,
    };

    const PRESENT: StudentId = StudentId(Uuid::from_u128(1));
    const ABSENT: StudentId = StudentId(Uuid::from_u128(2));

    #[test]
    fn a_roll_call_goes_into_the_files_of_who_is_not_simply_present() {
        let taken = RollCallEvent::RollCallTaken {
            called: called("2026-11-09"),
            present: vec![PRESENT],
            absent: vec![ABSENT],
            late: vec![],
        };
        assert_eq!(students(taken), [ABSENT]);
    }

    #[test]
    fn a_correction_goes_into_the_files_of_who_was_there_after_all_too() {
        let marks = vec![Marked { student: PRESENT, mark: Mark::Present }];
        let corrected = RollCallEvent::RollCallCorrected { called: called("2026-11-09"), marks };
        assert_eq!(students(corrected), [PRESENT]);
    }

    #[test]
    fn nothing_follows_outside_the_school_years() {
        let marks = vec![Marked { student: ABSENT, mark: Mark::Absent }];
        let called = Called { planned: place("2026-08-20"), ..called("2026-11-09") };
        assert_eq!(students(RollCallEvent::RollCallCorrected { called, marks }), []);
    }

    #[test]
    fn the_family_is_told_ten_minutes_after_the_roll_call_or_at_once_if_it_comes_late() {
        let told = |occurred_at, recorded_at| {
            let (_, command) =
                told("Europe/Paris", "2026-11-09T07:00:00Z", occurred_at, recorded_at);
            let AlertCommand::FollowFile { said: Said::Unexplained { due, .. }, .. } = command
            else {
                panic!("{command:?}")
            };
            due.to_rfc3339()
        };
        let online = told("2026-11-09T07:05:00Z", "2026-11-09T07:05:01Z");
        assert_eq!(online, "2026-11-09T07:15:00+00:00");
        let offline = told("2026-11-09T07:05:00Z", "2026-11-09T08:40:00Z");
        assert_eq!(offline, "2026-11-09T08:40:00+00:00");
    }

    #[test]
    fn half_days_are_the_schools_own_before_and_after_the_clocks_change_and_overseas() {
        for (zone, missed, date, half, ends) in [
            ("Europe/Paris", "2026-10-23T06:00:00Z", "2026-10-23", "morning", "11:00"),
            ("Europe/Paris", "2026-10-26T07:00:00Z", "2026-10-26", "morning", "12:00"),
            ("Europe/Paris", "2027-03-26T12:30:00Z", "2027-03-26", "afternoon", "15:35"),
            ("Europe/Paris", "2027-03-29T11:30:00Z", "2027-03-29", "afternoon", "14:35"),
            ("Indian/Reunion", "2026-11-09T04:00:00Z", "2026-11-09", "morning", "09:00"),
            ("Pacific/Tahiti", "2026-11-09T18:00:00Z", "2026-11-09", "morning", "23:00"),
            ("Pacific/Tahiti", "2026-11-10T00:30:00Z", "2026-11-09", "afternoon", "02:35"),
        ] {
            let (alert, command) = told(zone, missed, missed, missed);
            assert!(alert.to_string().ends_with(&format!("-{date}-{half}")), "{zone} {alert}");
            let AlertCommand::FollowFile { said: Said::Unexplained { ends: over, .. }, .. } =
                command
            else {
                panic!("{command:?}")
            };
            assert_eq!(over.format("%H:%M").to_string(), ends, "{zone} {missed}");
        }
    }

    #[test]
    fn what_was_written_a_day_ago_tells_no_family_any_more() {
        let late = "2026-11-10T07:05:01Z".parse().unwrap();
        let (school, recorded, file) =
            missed("Europe/Paris", "2026-11-09T07:00:00Z", "2026-11-09T07:05:00Z");
        assert!(follow_file(&recorded, &school, (&file, 0), late).is_none());
    }

    #[test]
    fn lessons_of_the_past_are_counted_anew_while_the_change_is_young() {
        let joins = |from: &str, now: &str| {
            let event = ClassEvent::StudentJoinedClass { student: ABSENT, from: day(from) };
            let mut recorded = recorded(RollCallEvent::RollCallCorrected {
                called: called("2026-11-09"),
                marks: vec![],
            });
            recorded.event = Event::Class(ClassId(Uuid::from_u128(5)), event);
            recorded.header.recorded_at = "2026-11-09T12:00:00Z".parse().unwrap();
            touched(&recorded, &sheet(), now.parse().unwrap())
        };
        let days = |from, until| Stretch { from: day(from), until: day(until) };
        let counted = Some((Whose::Student(ABSENT), days("2026-11-02", "2026-11-09")));
        assert_eq!(joins("2026-11-02", "2026-11-09T12:00:00Z"), counted);
        assert_eq!(joins("2026-11-10", "2026-11-09T12:00:00Z"), None, "missed nothing yet");
        let counted = Some((Whose::Student(ABSENT), days("2026-11-02", "2026-12-10")));
        assert_eq!(joins("2026-11-02", "2026-12-10T12:00:00Z"), counted);
        assert_eq!(joins("2026-11-02", "2026-12-10T12:00:01Z"), None, "an old log read anew");
    }

    /// What follows of an absence from a lesson that begins at an instant.
    fn told(
        zone: &str,
        begins: &str,
        occurred_at: &str,
        recorded_at: &str,
    ) -> (AlertId, AlertCommand) {
        let (school, mut recorded, file) = missed(zone, begins, recorded_at);
        recorded.header.occurred_at = occurred_at.parse().unwrap();
        let now = recorded.header.recorded_at;
        match follow_file(&recorded, &school, (&file, 0), now) {
            Some(Consequence::Alert { alert, command }) => (alert, command),
            other => panic!("{other:?}"),
        }
    }

    fn missed(zone: &str, begins: &str, recorded_at: &str) -> (SchoolSheet, Recorded, Attendance) {
        let mut school = sheet();
        school.time_zone = zone.parse().unwrap();
        let from = begins.parse().unwrap();
        let period = Period { from, to: from + TimeDelta::minutes(55) };
        let (line, source) = (LineId(Uuid::from_u128(4)), Source::Office);
        let event = AttendanceEvent::AbsenceRecorded { line, period, source };
        let file = Attendance::default().evolve(event.clone());
        let taken =
            RollCallEvent::RollCallCorrected { called: called("2026-11-09"), marks: vec![] };
        let mut recorded = recorded(taken);
        recorded.event = Event::Attendance(ABSENT, SchoolYear(2026), event);
        recorded.header.recorded_at = recorded_at.parse().unwrap();
        (school, recorded, file)
    }

    fn students(event: RollCallEvent) -> Vec<StudentId> {
        let consequences = react(&recorded(event), &sheet(), "EPS");
        let of = |consequence: &Consequence| match consequence {
            Consequence::Attendance { student, year, .. } => {
                assert_eq!(*year, SchoolYear(2026));
                *student
            }
            Consequence::Alert { alert, .. } => panic!("a roll call alone raises {alert}"),
            Consequence::FollowUp { follow_up, .. } => {
                panic!("a roll call alone opens {follow_up}")
            }
        };
        consequences.iter().map(of).collect()
    }

    fn recorded(event: RollCallEvent) -> Recorded {
        let event = Event::RollCall(event.called().lesson(), event);
        let (id, at) = (Uuid::from_u128(9), DateTime::UNIX_EPOCH);
        let header = Header {
            stream: event.stream(),
            revision: 0,
            id: EventId(id),
            kind: "RollCallTaken".to_owned(),
            version: 1,
            school: "0670001A".parse().unwrap(),
            recorded_at: at,
            occurred_at: at,
            actor: AccountId(id),
            command: CommandId(id),
            correlation: CommandId(id),
            causation: None,
            key: None,
        };
        Recorded { position: 1, header, event }
    }

    fn called(date: &str) -> Called {
        let time = sheet().lesson_time(day(date), 1).unwrap();
        Called { course: CourseId(Uuid::from_u128(3)), planned: place(date), time }
    }

    fn place(date: &str) -> Place {
        Place { date: day(date), slot: 1 }
    }
}
