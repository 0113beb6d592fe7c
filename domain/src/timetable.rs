//! The timetable: which courses a class has every week, and what becomes of single lessons.
//!
//! A course is a class, a subject and its teachers, meeting at the same slots week after week, in
//! weeks A, B or all. Lessons are not stored: they follow from the course and the school's calendar,
//! and so do their ids. What is stored of a lesson is what departs from the plan. The computation is
//! in [`lessons`].

mod course;
pub mod lessons;

use std::collections::BTreeSet;

use chrono::{NaiveDate, Weekday};
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{
    ClassId, CourseId, Event, PersonId, Stream, Streamed, schools::calendar::Week, version_of,
};

pub use course::{Change, CourseSheet};

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum TimetableEvent {
    /// A course was planned.
    CourseScheduled {
        /// All of it.
        plan: CoursePlan,
    },
    /// From a day on, the course meets at other times.
    CourseRescheduled {
        /// The first day.
        from: NaiveDate,
        /// When it meets from then on.
        meetings: Vec<Meeting>,
    },
    /// A lesson does not take place.
    LessonCancelled {
        /// Where it was planned.
        planned: Place,
    },
    /// A lesson takes place at another time.
    LessonMoved {
        /// Where it was planned.
        planned: Place,
        /// Where it takes place.
        to: Place,
        /// In which room.
        room: String,
    },
    /// Somebody else gives a lesson.
    LessonReplaced {
        /// Where it was planned.
        planned: Place,
        /// Who gives it.
        teacher: PersonId,
    },
    /// A lesson takes place in another room.
    LessonRoomChanged {
        /// Where it was planned.
        planned: Place,
        /// In which room.
        room: String,
    },
    /// A lesson takes place as planned after all.
    LessonReinstated {
        /// Where it was planned.
        planned: Place,
    },
    /// The course ends before its last planned day.
    CourseEnded {
        /// The last day.
        on: NaiveDate,
    },
}

/// A course as it is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoursePlan {
    /// Who learns.
    pub class: ClassId,
    /// What.
    pub subject: String,
    /// Who teaches; more than one when they teach together.
    pub teachers: Vec<PersonId>,
    /// The first day.
    pub first_day: NaiveDate,
    /// The last day.
    pub last_day: NaiveDate,
    /// When it meets.
    pub meetings: Vec<Meeting>,
}

/// A lesson of every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Meeting {
    /// On which day.
    #[schema(value_type = String, example = "Mon")]
    pub weekday: Weekday,
    /// In which slot of the bell schedule, from 1.
    pub slot: u8,
    /// In which weeks.
    #[serde(default)]
    pub weeks: Weeks,
    /// In which room.
    pub room: String,
}

/// The weeks that a lesson takes place in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Weeks {
    /// Every week.
    #[default]
    #[serde(rename = "every")]
    Every,
    /// Weeks A.
    A,
    /// Weeks B.
    B,
    /// The weeks of these Mondays, for what alternates otherwise than by A and B.
    #[serde(rename = "listed")]
    Listed(BTreeSet<NaiveDate>),
}

/// A place in the timetable.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub struct Place {
    /// The day.
    pub date: NaiveDate,
    /// The slot of its bell schedule, from 1.
    pub slot: u8,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum TimetableCommand {
    /// Plan a course.
    ScheduleCourse {
        /// All of it.
        plan: CoursePlan,
    },
    /// Have it meet at other times.
    RescheduleCourse {
        /// The first day.
        from: NaiveDate,
        /// When it meets from then on.
        meetings: Vec<Meeting>,
    },
    /// Change one lesson. That the school's calendar has the planned day as a day with lessons, and
    /// of which week, was read before; if that was stale, the change bears on a lesson that does
    /// not take place and shows nowhere.
    ChangeLesson {
        /// Where it was planned.
        planned: Place,
        /// The week of the planned day; none on a day without lessons.
        week: Option<Week>,
        /// What changes.
        change: LessonChange,
    },
    /// End it before its last planned day. On the day before its first it never takes place.
    EndCourse {
        /// The last day.
        on: NaiveDate,
    },
}

/// What changes in one lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum LessonChange {
    /// It does not take place.
    Cancel,
    /// It takes place at another time.
    Move {
        /// Where.
        to: Place,
        /// In which room.
        room: String,
    },
    /// Somebody else gives it.
    Replace {
        /// Who.
        teacher: PersonId,
    },
    /// It takes place in another room.
    ChangeRoom {
        /// Which.
        room: String,
    },
    /// It takes place as planned after all.
    Reinstate,
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum TimetableError {
    /// Nothing is known by this id.
    #[error("this course was never scheduled")]
    CourseNotScheduled,
    /// A course is scheduled once.
    #[error("this course is already scheduled, otherwise: reschedule it")]
    CourseAlreadyScheduled,
    /// A course ends after it begins.
    #[error("the course ends before it begins")]
    CourseEndsBeforeItBegins,
    /// A course has a subject, a teacher and a meeting.
    #[error("a course needs a subject, a teacher and a weekly meeting")]
    CourseIncomplete,
    /// A new pattern begins within the course.
    #[error("this day lies outside the course")]
    OutsideCourse,
    /// Only a lesson of the timetable is changed or called.
    #[error("this lesson did not take place: the timetable has none of this course there")]
    LessonDidNotTakePlace,
    /// A cancelled lesson is neither moved, replaced nor called.
    #[error("this lesson was cancelled")]
    LessonCancelled,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Course {
    /// Never scheduled.
    #[default]
    None,
    /// Scheduled.
    Scheduled(Box<CourseSheet>),
}

impl Course {
    /// The rules: what happens when `command` is given to this course.
    pub fn decide(&self, command: TimetableCommand) -> Result<Vec<TimetableEvent>, TimetableError> {
        use TimetableCommand as C;
        use TimetableEvent as E;
        match (self, command) {
            (Self::None, C::ScheduleCourse { plan }) => {
                plan.check()?;
                Ok(vec![E::CourseScheduled { plan }])
            }
            (Self::None, _) => Err(TimetableError::CourseNotScheduled),
            (Self::Scheduled(course), C::ScheduleCourse { plan }) => {
                let same = CourseSheet::new(plan).has_plan_of(course);
                if same { Ok(vec![]) } else { Err(TimetableError::CourseAlreadyScheduled) }
            }
            (Self::Scheduled(course), C::RescheduleCourse { from, meetings }) => {
                course.check_day(from)?;
                if meetings.is_empty() {
                    return Err(TimetableError::CourseIncomplete);
                }
                let known = course.patterns.get(&from) == Some(&meetings);
                Ok(if known { vec![] } else { vec![E::CourseRescheduled { from, meetings }] })
            }
            (Self::Scheduled(course), C::ChangeLesson { planned, week, change }) => {
                course.decide_change(planned, week, change)
            }
            (Self::Scheduled(course), C::EndCourse { on }) => {
                let eve = course.first_day.pred_opt();
                let known = course.last_day == on;
                if !known && eve != Some(on) {
                    course.check_day(on)?;
                }
                Ok(if known { vec![] } else { vec![E::CourseEnded { on }] })
            }
        }
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: TimetableEvent) -> Self {
        use TimetableEvent as E;
        let mut course = match (self, event) {
            (_, E::CourseScheduled { plan }) => {
                return Self::Scheduled(Box::new(CourseSheet::new(plan)));
            }
            (Self::None, _) => return Self::None,
            (Self::Scheduled(course), event) => (course, event),
        };
        match course.1 {
            E::CourseScheduled { .. } => {}
            E::CourseRescheduled { from, meetings } => {
                course.0.patterns.insert(from, meetings);
            }
            E::LessonCancelled { planned } => course.0.change(planned).cancelled = true,
            E::LessonMoved { planned, to, room } => {
                let change = course.0.change(planned);
                (change.moved_to, change.room) = (Some(to), Some(room));
            }
            E::LessonReplaced { planned, teacher } => {
                course.0.change(planned).teacher = Some(teacher);
            }
            E::LessonRoomChanged { planned, room } => course.0.change(planned).room = Some(room),
            E::LessonReinstated { planned } => course.0.changes.retain(|c| c.planned != planned),
            E::CourseEnded { on } => course.0.last_day = on,
        }
        Self::Scheduled(course.0)
    }
}

impl CoursePlan {
    fn check(&self) -> Result<(), TimetableError> {
        if self.last_day < self.first_day {
            return Err(TimetableError::CourseEndsBeforeItBegins);
        }
        let incomplete =
            self.subject.trim().is_empty() || self.teachers.is_empty() || self.meetings.is_empty();
        if incomplete { Err(TimetableError::CourseIncomplete) } else { Ok(()) }
    }
}

impl Weeks {
    fn include(&self, date: NaiveDate, week: Week) -> bool {
        match self {
            Self::Every => true,
            Self::A => week == Week::A,
            Self::B => week == Week::B,
            Self::Listed(mondays) => mondays.contains(&date.week(Weekday::Mon).first_day()),
        }
    }
}

impl Aggregate for Course {
    const TYPE: &'static str = "timetable";
    type Command = TimetableCommand;
    type Event = TimetableEvent;
    type Error = TimetableError;
    type Services = ();

    async fn handle(
        &mut self,
        command: TimetableCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), TimetableError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: TimetableEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for Course {
    type Id = CourseId;

    fn stream(id: CourseId) -> Stream {
        Stream::Timetable(id)
    }

    fn event(id: CourseId, event: TimetableEvent) -> Event {
        Event::Timetable(id, event)
    }

    fn own(event: Event) -> Option<TimetableEvent> {
        if let Event::Timetable(_, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        self
    }
}

impl DomainEvent for TimetableEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "timetable/tests.rs"]
mod tests;
