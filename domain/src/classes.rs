//! Classes and groups: who learns together, and who teaches them what.
//!
//! A division and a group are the same thing to Préau; a student is in one division and in any
//! number of groups. Membership is dated. When lessons take place is in [`crate::timetable`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{ClassId, Event, PersonId, SchoolYear, Stream, Streamed, StudentId, version_of};

/// What happened. What concerns one student is sealed in their dossier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum ClassEvent {
    /// A class was formed for a school year.
    ClassFormed {
        /// As people say it: 5e B.
        name: String,
        /// Division or group.
        kind: ClassKind,
        /// Its only year.
        year: SchoolYear,
    },
    /// A student joined.
    StudentJoinedClass {
        /// Who.
        student: StudentId,
        /// The first day.
        from: NaiveDate,
    },
    /// A student left.
    StudentLeftClass {
        /// Who.
        student: StudentId,
        /// The day they had joined.
        since: NaiveDate,
        /// The last day.
        on: NaiveDate,
    },
    /// A teacher began to teach them a subject.
    TeacherAssigned {
        /// Who.
        teacher: PersonId,
        /// What.
        subject: String,
        /// The first day.
        from: NaiveDate,
    },
    /// A teacher no longer teaches them a subject.
    TeacherReleased {
        /// Who.
        teacher: PersonId,
        /// What.
        subject: String,
        /// The day they had begun.
        since: NaiveDate,
        /// The last day.
        on: NaiveDate,
    },
}

impl ClassEvent {
    /// The student it is about, if it is about one.
    pub fn student(&self) -> Option<StudentId> {
        match self {
            Self::StudentJoinedClass { student, .. } | Self::StudentLeftClass { student, .. } => {
                Some(*student)
            }
            Self::ClassFormed { .. }
            | Self::TeacherAssigned { .. }
            | Self::TeacherReleased { .. } => None,
        }
    }
}

/// What kind of class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassKind {
    /// The class a student belongs to.
    Division,
    /// Students of one or several divisions who learn one subject together.
    Group,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum ClassCommand {
    /// Form a class.
    FormClass {
        /// As people say it.
        name: String,
        /// Division or group.
        kind: ClassKind,
        /// Its only year.
        year: SchoolYear,
    },
    /// Take a student in.
    JoinClass {
        /// Who.
        student: StudentId,
        /// The first day.
        from: NaiveDate,
    },
    /// Let a student go. On the day before they joined it says that they never were in it.
    LeaveClass {
        /// Who.
        student: StudentId,
        /// The last day.
        on: NaiveDate,
    },
    /// Have a teacher teach them.
    AssignTeacher {
        /// Who.
        teacher: PersonId,
        /// What.
        subject: String,
        /// The first day.
        from: NaiveDate,
    },
    /// Have a teacher no longer teach them. On the day before they began: not at all.
    ReleaseTeacher {
        /// Who.
        teacher: PersonId,
        /// What.
        subject: String,
        /// The last day.
        on: NaiveDate,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum ClassError {
    /// Nothing happens in a class that does not exist.
    #[error("this class was never formed")]
    ClassNotFormed,
    /// A class is formed once.
    #[error("this class is already formed, under another name or for another year")]
    ClassAlreadyFormed,
    /// A class has a name.
    #[error("a class needs a name")]
    ClassNameMissing,
    /// One joins a class once.
    #[error("this student is already in this class, since another day")]
    AlreadyInClass,
    /// Only who is in a class leaves it.
    #[error("this student is not in this class")]
    NotInThisClass,
    /// One leaves after one joined.
    #[error("the last day lies before the first")]
    LeavesClassBeforeJoining,
    /// One begins once.
    #[error("this teacher already teaches this class this subject, since another day")]
    AlreadyTeaches,
    /// Only who teaches a subject is released from it.
    #[error("this teacher does not teach this class this subject")]
    DoesNotTeach,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Class {
    /// Never formed.
    #[default]
    None,
    /// Formed.
    Formed(Box<Formed>),
}

/// Who is in a class now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Formed {
    name: String,
    kind: ClassKind,
    year: SchoolYear,
    students: BTreeMap<StudentId, NaiveDate>,
    /// By teacher; then by subject, the day they began.
    teachers: BTreeMap<PersonId, BTreeMap<String, NaiveDate>>,
}

impl Class {
    /// The rules: what happens when `command` is given to this class.
    pub fn decide(&self, command: ClassCommand) -> Result<Vec<ClassEvent>, ClassError> {
        use ClassCommand as C;
        use ClassEvent as E;
        match (self, command) {
            (_, C::FormClass { name, .. }) if name.trim().is_empty() => {
                Err(ClassError::ClassNameMissing)
            }
            (Self::None, C::FormClass { name, kind, year }) => {
                Ok(vec![E::ClassFormed { name, kind, year }])
            }
            (Self::Formed(class), C::FormClass { name, kind, year }) => {
                let same = class.name == name && class.kind == kind && class.year == year;
                if same { Ok(vec![]) } else { Err(ClassError::ClassAlreadyFormed) }
            }
            (Self::None, _) => Err(ClassError::ClassNotFormed),
            (Self::Formed(class), C::JoinClass { student, from }) => {
                match class.students.get(&student) {
                    None => Ok(vec![E::StudentJoinedClass { student, from }]),
                    Some(since) if *since == from => Ok(vec![]),
                    Some(_) => Err(ClassError::AlreadyInClass),
                }
            }
            (Self::Formed(class), C::LeaveClass { student, on }) => {
                let since = *class.students.get(&student).ok_or(ClassError::NotInThisClass)?;
                if is_before_eve(on, since) {
                    return Err(ClassError::LeavesClassBeforeJoining);
                }
                Ok(vec![E::StudentLeftClass { student, since, on }])
            }
            (Self::Formed(class), C::AssignTeacher { teacher, subject, from }) => {
                match class.teaches(teacher, &subject) {
                    None => Ok(vec![E::TeacherAssigned { teacher, subject, from }]),
                    Some(since) if since == from => Ok(vec![]),
                    Some(_) => Err(ClassError::AlreadyTeaches),
                }
            }
            (Self::Formed(class), C::ReleaseTeacher { teacher, subject, on }) => {
                let since = class.teaches(teacher, &subject).ok_or(ClassError::DoesNotTeach)?;
                if is_before_eve(on, since) {
                    return Err(ClassError::LeavesClassBeforeJoining);
                }
                Ok(vec![E::TeacherReleased { teacher, subject, since, on }])
            }
        }
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: ClassEvent) -> Self {
        use ClassEvent as E;
        let mut class = match (self, event) {
            (_, E::ClassFormed { name, kind, year }) => {
                let (students, teachers) = (BTreeMap::new(), BTreeMap::new());
                return Self::Formed(Box::new(Formed { name, kind, year, students, teachers }));
            }
            (Self::None, _) => return Self::None,
            (Self::Formed(class), event) => (class, event),
        };
        match class.1 {
            E::ClassFormed { .. } => {}
            E::StudentJoinedClass { student, from } => {
                class.0.students.insert(student, from);
            }
            E::StudentLeftClass { student, .. } => {
                class.0.students.remove(&student);
            }
            E::TeacherAssigned { teacher, subject, from } => {
                class.0.teachers.entry(teacher).or_default().insert(subject, from);
            }
            E::TeacherReleased { teacher, subject, .. } => {
                if let Some(subjects) = class.0.teachers.get_mut(&teacher) {
                    subjects.remove(&subject);
                }
            }
        }
        Self::Formed(class.0)
    }
}

impl Formed {
    fn teaches(&self, teacher: PersonId, subject: &str) -> Option<NaiveDate> {
        self.teachers.get(&teacher)?.get(subject).copied()
    }
}

/// Whether a last day lies before even an empty stay: one that was planned and never began.
fn is_before_eve(on: NaiveDate, since: NaiveDate) -> bool {
    on.succ_opt().is_some_and(|next| next < since)
}

impl Aggregate for Class {
    const TYPE: &'static str = "class";
    type Command = ClassCommand;
    type Event = ClassEvent;
    type Error = ClassError;
    type Services = ();

    async fn handle(
        &mut self,
        command: ClassCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), ClassError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ClassEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for Class {
    type Id = ClassId;

    fn stream(id: ClassId) -> Stream {
        Stream::Class(id)
    }

    fn event(id: ClassId, event: ClassEvent) -> Event {
        Event::Class(id, event)
    }

    fn own(event: Event) -> Option<ClassEvent> {
        if let Event::Class(_, event) = event { Some(event) } else { None }
    }

    /// Only a student's coming and going can be erased; the class goes on without them.
    fn forget(self) -> Self {
        self
    }
}

impl DomainEvent for ClassEvent {
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

    const STUDENT: StudentId = StudentId(Uuid::from_u128(1));
    const TEACHER: PersonId = PersonId(Uuid::from_u128(2));

    #[test]
    fn a_class_needs_a_name() {
        given([]).when(form(" ")).then_expect_error(ClassError::ClassNameMissing);
    }

    #[test]
    fn a_class_is_formed_once() {
        given([formed()]).when(form("5e B")).then_expect_events(vec![]);
        given([formed()]).when(form("5e C")).then_expect_error(ClassError::ClassAlreadyFormed);
    }

    #[test]
    fn nobody_joins_a_class_that_does_not_exist() {
        given([]).when(join("2026-09-01")).then_expect_error(ClassError::ClassNotFormed);
    }

    #[test]
    fn joining_again_changes_nothing_and_from_another_day_is_refused() {
        given([formed(), joined("2026-09-01")]).when(join("2026-09-01")).then_expect_events(vec![]);
        given([formed(), joined("2026-09-01")])
            .when(join("2026-09-02"))
            .then_expect_error(ClassError::AlreadyInClass);
    }

    #[test]
    fn a_student_leaves_a_class_they_are_in_after_they_joined() {
        let leave = |on| ClassCommand::LeaveClass { student: STUDENT, on: day(on) };
        given([formed()]).when(leave("2026-10-01")).then_expect_error(ClassError::NotInThisClass);
        given([formed(), joined("2026-09-07")])
            .when(leave("2026-09-01"))
            .then_expect_error(ClassError::LeavesClassBeforeJoining);
    }

    #[test]
    fn a_stay_that_was_planned_and_never_began_has_no_day() {
        let on = day("2026-08-31");
        let left = ClassEvent::StudentLeftClass { student: STUDENT, since: day("2026-09-01"), on };
        given([formed(), joined("2026-09-01")])
            .when(ClassCommand::LeaveClass { student: STUDENT, on })
            .then_expect_events(vec![left]);
        let (teacher, subject) = (TEACHER, "Latin".to_owned());
        let since = day("2026-09-01");
        let released = ClassEvent::TeacherReleased { teacher, subject: subject.clone(), since, on };
        given([formed(), assigned("Latin")])
            .when(ClassCommand::ReleaseTeacher { teacher, subject, on })
            .then_expect_events(vec![released]);
    }

    #[test]
    fn a_student_who_left_may_join_again() {
        let left = ClassEvent::StudentLeftClass {
            student: STUDENT,
            since: day("2026-09-01"),
            on: day("2026-10-01"),
        };
        given([formed(), joined("2026-09-01"), left])
            .when(join("2026-11-03"))
            .then_expect_events(vec![joined("2026-11-03")]);
    }

    #[test]
    fn a_teacher_may_teach_a_class_two_subjects() {
        given([formed(), assigned("Français")])
            .when(assign("Latin"))
            .then_expect_events(vec![assigned("Latin")]);
    }

    #[test]
    fn a_teacher_is_released_from_what_they_teach() {
        let release = ClassCommand::ReleaseTeacher {
            teacher: TEACHER,
            subject: "Latin".to_owned(),
            on: day("2026-10-01"),
        };
        given([formed(), assigned("Français")])
            .when(release)
            .then_expect_error(ClassError::DoesNotTeach);
    }

    fn given<const N: usize>(events: [ClassEvent; N]) -> AggregateTestExecutor<Class> {
        TestFramework::with(()).given(events.into())
    }

    fn form(name: &str) -> ClassCommand {
        let (name, kind) = (name.to_owned(), ClassKind::Division);
        ClassCommand::FormClass { name, kind, year: SchoolYear(2026) }
    }

    fn formed() -> ClassEvent {
        let (name, kind) = ("5e B".to_owned(), ClassKind::Division);
        ClassEvent::ClassFormed { name, kind, year: SchoolYear(2026) }
    }

    fn join(from: &str) -> ClassCommand {
        ClassCommand::JoinClass { student: STUDENT, from: day(from) }
    }

    fn joined(from: &str) -> ClassEvent {
        ClassEvent::StudentJoinedClass { student: STUDENT, from: day(from) }
    }

    fn assign(subject: &str) -> ClassCommand {
        let (subject, from) = (subject.to_owned(), day("2026-09-01"));
        ClassCommand::AssignTeacher { teacher: TEACHER, subject, from }
    }

    fn assigned(subject: &str) -> ClassEvent {
        let (subject, from) = (subject.to_owned(), day("2026-09-01"));
        ClassEvent::TeacherAssigned { teacher: TEACHER, subject, from }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }
}
