//! Roll calls: who was in a lesson, told by its teacher in one act.
//!
//! The register of R131-5. Everybody of the class is present by default; the teacher names who is
//! absent or late. It is corrected afterwards, never edited. What an absence then becomes is the
//! student's attendance file ([`crate::attendance`]).

use std::collections::{BTreeMap, BTreeSet};

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{
    CourseId, Event, LessonId, Stream, Streamed, StudentId,
    schools::calendar::LessonTime,
    timetable::{Place, lessons::Lesson},
    version_of,
};

/// What happened. All of it is sealed in the school's register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum RollCallEvent {
    /// The roll was called: the whole list.
    RollCallTaken {
        /// Which lesson.
        called: Called,
        /// Who was there from the beginning.
        present: Vec<StudentId>,
        /// Who was not seen.
        absent: Vec<StudentId>,
        /// Who came late.
        late: Vec<Late>,
    },
    /// The list was wrong for some students.
    RollCallCorrected {
        /// Which lesson.
        called: Called,
        /// What is right.
        marks: Vec<Marked>,
    },
}

/// The lesson whose roll is called, as the timetable had it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Called {
    /// Of which course.
    pub course: CourseId,
    /// Where it was planned: with the course, this is its id.
    pub planned: Place,
    /// When it took place.
    #[serde(flatten)]
    pub time: LessonTime,
}

/// A student who came late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Late {
    /// Who.
    pub student: StudentId,
    /// By how many minutes.
    pub minutes: u16,
}

/// A student and what the roll call says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marked {
    /// Who.
    pub student: StudentId,
    /// What is said.
    #[serde(flatten)]
    pub mark: Mark,
}

/// What a roll call says of a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "mark")]
pub enum Mark {
    /// There from the beginning.
    Present,
    /// Not seen.
    Absent,
    /// Came late.
    Late {
        /// By how many minutes.
        minutes: u16,
    },
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum RollCallCommand {
    /// Call the roll. The lesson and the class were read before; if that was stale, the roll call
    /// says what the teacher saw, and a correction can follow.
    TakeRollCall {
        /// Which lesson.
        lesson: Box<Lesson>,
        /// Everybody who was in the class on that day.
        class: BTreeSet<StudentId>,
        /// Who was not seen.
        absent: Vec<StudentId>,
        /// Who came late.
        late: Vec<Late>,
    },
    /// Correct what it says of some students.
    CorrectRollCall {
        /// Which lesson.
        lesson: Box<Lesson>,
        /// Everybody who was in the class on that day.
        class: BTreeSet<StudentId>,
        /// What is right.
        marks: Vec<Marked>,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum RollCallError {
    /// No roll is called of a lesson that was cancelled.
    #[error("this lesson was cancelled: no roll is called")]
    RollOfCancelledLesson,
    /// The roll names students of the class.
    #[error("a student named in the roll call was not in the class on that day")]
    StudentNotInClass,
    /// A student is absent or late, once.
    #[error("a student is named twice in the roll call")]
    NamedTwice,
    /// Nobody is late for longer than the lesson.
    #[error("a student is late by more minutes than the lesson lasts, or by none")]
    LateBeyondLesson,
    /// The roll is called once; then it is corrected.
    #[error("the roll was already called, otherwise: correct it instead")]
    RollAlreadyTaken,
    /// Only what was called is corrected.
    #[error("the roll of this lesson was not called yet")]
    RollNotTaken,
    /// What the law has destroyed is not written on.
    #[error("this roll call was erased")]
    RollCallErased,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum RollCall {
    /// Not called yet.
    #[default]
    NotTaken,
    /// Called, with what it says of each student.
    Taken(BTreeMap<StudentId, Mark>),
    /// Called once; what was said is destroyed.
    Erased,
}

impl RollCall {
    /// The rules: what happens when `command` is given to this roll call.
    pub fn decide(&self, command: RollCallCommand) -> Result<Vec<RollCallEvent>, RollCallError> {
        use RollCallCommand as C;
        match (self, command) {
            (Self::Erased, _) => Err(RollCallError::RollCallErased),
            (_, C::TakeRollCall { lesson, .. } | C::CorrectRollCall { lesson, .. })
                if lesson.cancelled =>
            {
                Err(RollCallError::RollOfCancelledLesson)
            }
            (_, C::TakeRollCall { lesson, class, absent, late }) => {
                let marked = absent.iter().map(|student| (*student, Mark::Absent));
                let late_marks =
                    late.iter().map(|l| (l.student, Mark::Late { minutes: l.minutes }));
                let marks = check_marks(&lesson, &class, marked.chain(late_marks))?;
                let present: Vec<_> =
                    class.into_iter().filter(|student| !marks.contains_key(student)).collect();
                match self {
                    Self::Taken(known) if *known == whole_list(&present, &marks) => Ok(vec![]),
                    Self::Taken(_) => Err(RollCallError::RollAlreadyTaken),
                    Self::NotTaken | Self::Erased => {
                        let called = Called::from(&*lesson);
                        Ok(vec![RollCallEvent::RollCallTaken { called, present, absent, late }])
                    }
                }
            }
            (Self::NotTaken, C::CorrectRollCall { .. }) => Err(RollCallError::RollNotTaken),
            (Self::Taken(known), C::CorrectRollCall { lesson, mut class, marks }) => {
                class.extend(known.keys());
                let named = marks.iter().map(|marked| (marked.student, marked.mark));
                check_marks(&lesson, &class, named)?;
                let changes = |marked: &Marked| known.get(&marked.student) != Some(&marked.mark);
                let marks: Vec<_> = marks.into_iter().filter(changes).collect();
                if marks.is_empty() {
                    return Ok(vec![]);
                }
                let called = Called::from(&*lesson);
                Ok(vec![RollCallEvent::RollCallCorrected { called, marks }])
            }
        }
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: &RollCallEvent) -> Self {
        match (self, event) {
            (Self::Erased, _) => Self::Erased,
            (Self::NotTaken, _) => Self::Taken(event.marks().collect()),
            (Self::Taken(mut known), _) => {
                known.extend(event.marks());
                Self::Taken(known)
            }
        }
    }
}

impl RollCallEvent {
    /// What it says, student by student.
    pub fn marks(&self) -> Box<dyn Iterator<Item = (StudentId, Mark)> + '_> {
        match self {
            Self::RollCallTaken { present, absent, late, .. } => {
                let present = present.iter().map(|student| (*student, Mark::Present));
                let absent = absent.iter().map(|student| (*student, Mark::Absent));
                let late = late.iter().map(|l| (l.student, Mark::Late { minutes: l.minutes }));
                Box::new(present.chain(absent).chain(late))
            }
            Self::RollCallCorrected { marks, .. } => {
                Box::new(marks.iter().map(|marked| (marked.student, marked.mark)))
            }
        }
    }

    /// The lesson it is about.
    pub fn called(&self) -> &Called {
        match self {
            Self::RollCallTaken { called, .. } | Self::RollCallCorrected { called, .. } => called,
        }
    }
}

impl Called {
    /// The id of the lesson.
    pub fn lesson(&self) -> LessonId {
        LessonId::of(self.course, self.planned.date, self.planned.slot)
    }
}

impl From<&Lesson> for Called {
    fn from(lesson: &Lesson) -> Self {
        Self { course: lesson.course, planned: lesson.planned, time: lesson.time }
    }
}

fn check_marks(
    lesson: &Lesson,
    class: &BTreeSet<StudentId>,
    marks: impl Iterator<Item = (StudentId, Mark)>,
) -> Result<BTreeMap<StudentId, Mark>, RollCallError> {
    let lasts = (lesson.time.ends_at - lesson.time.starts_at).num_minutes();
    let mut seen = BTreeMap::new();
    for (student, mark) in marks {
        if !class.contains(&student) {
            return Err(RollCallError::StudentNotInClass);
        }
        if let Mark::Late { minutes } = mark
            && !(1..=lasts).contains(&i64::from(minutes))
        {
            return Err(RollCallError::LateBeyondLesson);
        }
        if seen.insert(student, mark).is_some() {
            return Err(RollCallError::NamedTwice);
        }
    }
    Ok(seen)
}

fn whole_list(
    present: &[StudentId],
    marks: &BTreeMap<StudentId, Mark>,
) -> BTreeMap<StudentId, Mark> {
    let present = present.iter().map(|student| (*student, Mark::Present));
    present.chain(marks.iter().map(|(student, mark)| (*student, *mark))).collect()
}

impl Aggregate for RollCall {
    const TYPE: &'static str = "rollcall";
    type Command = RollCallCommand;
    type Event = RollCallEvent;
    type Error = RollCallError;
    type Services = ();

    async fn handle(
        &mut self,
        command: RollCallCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), RollCallError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: RollCallEvent) {
        *self = std::mem::take(self).evolve(&event);
    }
}

impl Streamed for RollCall {
    type Id = LessonId;

    fn stream(id: LessonId) -> Stream {
        Stream::RollCall(id)
    }

    fn event(id: LessonId, event: RollCallEvent) -> Event {
        Event::RollCall(id, event)
    }

    fn own(event: Event) -> Option<RollCallEvent> {
        if let Event::RollCall(_, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        Self::Erased
    }
}

impl DomainEvent for RollCallEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
mod tests {
    use cqrs_es::test::{AggregateTestExecutor, TestFramework};
    use uuid::Uuid;

    use super::*;
    use crate::{
        ClassId, PersonId,
        schools::tests::{day, sheet},
    };

    const COURSE: CourseId = CourseId(Uuid::from_u128(1));

    #[test]
    fn everybody_is_present_by_default() {
        given([]).when(take(&[2], &[(3, 5)])).then_expect_events(vec![taken(
            &[1],
            &[2],
            &[(3, 5)],
        )]);
    }

    #[test]
    fn taking_the_same_roll_again_changes_nothing() {
        given([taken(&[1, 3], &[2], &[])]).when(take(&[2], &[])).then_expect_events(vec![]);
    }

    #[test]
    fn a_roll_already_called_otherwise_is_corrected_instead() {
        given([taken(&[1, 3], &[2], &[])])
            .when(take(&[3], &[]))
            .then_expect_error(RollCallError::RollAlreadyTaken);
    }

    #[test]
    fn a_student_of_another_class_cannot_be_absent() {
        given([]).when(take(&[9], &[])).then_expect_error(RollCallError::StudentNotInClass);
    }

    #[test]
    fn a_student_is_absent_or_late_not_both() {
        given([]).when(take(&[2], &[(2, 5)])).then_expect_error(RollCallError::NamedTwice);
    }

    #[test]
    fn nobody_is_late_for_longer_than_the_lesson_nor_by_no_minute() {
        for minutes in [0, 56] {
            given([])
                .when(take(&[], &[(2, minutes)]))
                .then_expect_error(RollCallError::LateBeyondLesson);
        }
        given([]).when(take(&[], &[(2, 55)])).then_expect_events(vec![taken(
            &[1, 3],
            &[],
            &[(2, 55)],
        )]);
    }

    #[test]
    fn no_roll_is_called_of_a_cancelled_lesson() {
        let lesson = Box::new(Lesson { cancelled: true, ..lesson() });
        let command =
            RollCallCommand::TakeRollCall { lesson, class: class(), absent: vec![], late: vec![] };
        given([]).when(command).then_expect_error(RollCallError::RollOfCancelledLesson);
    }

    #[test]
    fn a_correction_says_only_what_was_wrong() {
        given([taken(&[1, 3], &[2], &[])])
            .when(correct(&[(2, Mark::Present), (3, Mark::Present)]))
            .then_expect_events(vec![corrected(&[(2, Mark::Present)])]);
    }

    #[test]
    fn correcting_again_changes_nothing() {
        given([taken(&[1, 3], &[2], &[]), corrected(&[(2, Mark::Present)])])
            .when(correct(&[(2, Mark::Present)]))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_roll_that_was_not_called_cannot_be_corrected() {
        given([])
            .when(correct(&[(2, Mark::Present)]))
            .then_expect_error(RollCallError::RollNotTaken);
    }

    #[test]
    fn an_erased_roll_call_is_not_written_on() {
        let erased = RollCall::NotTaken.evolve(&taken(&[1, 3], &[2], &[])).forget();
        assert_eq!(erased.decide(take(&[2], &[])), Err(RollCallError::RollCallErased));
    }

    fn given<const N: usize>(events: [RollCallEvent; N]) -> AggregateTestExecutor<RollCall> {
        TestFramework::with(()).given(events.into())
    }

    fn lesson() -> Lesson {
        let planned = Place { date: day("2026-11-09"), slot: 1 };
        Lesson {
            lesson: LessonId::of(COURSE, planned.date, planned.slot),
            course: COURSE,
            class: ClassId(Uuid::from_u128(5)),
            subject: "Mathématiques".to_owned(),
            teachers: vec![PersonId(Uuid::from_u128(6))],
            planned,
            place: planned,
            room: "7".to_owned(),
            time: sheet().lesson_time(planned.date, planned.slot).unwrap(),
            cancelled: false,
        }
    }

    fn class() -> BTreeSet<StudentId> {
        [1, 2, 3].map(student).into()
    }

    fn student(n: u128) -> StudentId {
        StudentId(Uuid::from_u128(n))
    }

    fn late(late: &[(u128, u16)]) -> Vec<Late> {
        late.iter().map(|(n, minutes)| Late { student: student(*n), minutes: *minutes }).collect()
    }

    fn take(absent: &[u128], late_by: &[(u128, u16)]) -> RollCallCommand {
        RollCallCommand::TakeRollCall {
            lesson: Box::new(lesson()),
            class: class(),
            absent: absent.iter().copied().map(student).collect(),
            late: late(late_by),
        }
    }

    fn taken(present: &[u128], absent: &[u128], late_by: &[(u128, u16)]) -> RollCallEvent {
        RollCallEvent::RollCallTaken {
            called: Called::from(&lesson()),
            present: present.iter().copied().map(student).collect(),
            absent: absent.iter().copied().map(student).collect(),
            late: late(late_by),
        }
    }

    fn marked(marks: &[(u128, Mark)]) -> Vec<Marked> {
        marks.iter().map(|(n, mark)| Marked { student: student(*n), mark: *mark }).collect()
    }

    fn correct(marks: &[(u128, Mark)]) -> RollCallCommand {
        let (lesson, class, marks) = (Box::new(lesson()), class(), marked(marks));
        RollCallCommand::CorrectRollCall { lesson, class, marks }
    }

    fn corrected(marks: &[(u128, Mark)]) -> RollCallEvent {
        let (called, marks) = (Called::from(&lesson()), marked(marks));
        RollCallEvent::RollCallCorrected { called, marks }
    }
}
