//! A course with all that departs from its plan: what the rules of the timetable decide on.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{CoursePlan, LessonChange, Meeting, Place, TimetableError, TimetableEvent};
use crate::{ClassId, PersonId, schools::calendar::Week};

/// A course with all that departs from its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseSheet {
    /// Who learns.
    pub class: ClassId,
    /// What.
    pub subject: String,
    /// Who teaches.
    pub teachers: Vec<PersonId>,
    /// The first day.
    pub first_day: NaiveDate,
    /// The last day.
    pub last_day: NaiveDate,
    /// When it meets, by the first day of each pattern.
    pub patterns: BTreeMap<NaiveDate, Vec<Meeting>>,
    /// The lessons that depart from the plan, by place.
    pub changes: Vec<Change>,
}

/// What departs from the plan in one lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it was planned.
    pub planned: Place,
    /// It does not take place.
    pub cancelled: bool,
    /// It takes place there instead.
    pub moved_to: Option<Place>,
    /// This teacher gives it instead.
    pub teacher: Option<PersonId>,
    /// It takes place in this room instead.
    pub room: Option<String>,
}

impl CourseSheet {
    pub(super) fn new(plan: CoursePlan) -> Self {
        let CoursePlan { class, subject, teachers, first_day, last_day, meetings } = plan;
        let patterns = BTreeMap::from([(first_day, meetings)]);
        Self { class, subject, teachers, first_day, last_day, patterns, changes: Vec::new() }
    }

    pub(super) fn has_plan_of(&self, other: &Self) -> bool {
        (self.class, self.first_day, &self.subject, &self.teachers)
            == (other.class, other.first_day, &other.subject, &other.teachers)
            && self.patterns.first_key_value() == other.patterns.first_key_value()
    }

    pub(super) fn decide_change(
        &self,
        planned: Place,
        week: Option<Week>,
        change: LessonChange,
    ) -> Result<Vec<TimetableEvent>, TimetableError> {
        use TimetableEvent as E;
        let meets = week.is_some_and(|week| self.meeting(planned, week).is_some());
        if !meets {
            return Err(TimetableError::LessonDidNotTakePlace);
        }
        let known = self.changed(planned);
        let cancelled = known.is_some_and(|known| known.cancelled);
        let (event, same) = match change {
            LessonChange::Reinstate => (E::LessonReinstated { planned }, known.is_none()),
            LessonChange::Cancel => (E::LessonCancelled { planned }, cancelled),
            LessonChange::Move { .. }
            | LessonChange::Replace { .. }
            | LessonChange::ChangeRoom { .. }
                if cancelled =>
            {
                return Err(TimetableError::LessonCancelled);
            }
            LessonChange::Move { to, room } => {
                let same = known.is_some_and(|known| {
                    known.moved_to == Some(to) && known.room.as_deref() == Some(room.as_str())
                });
                (E::LessonMoved { planned, to, room }, same)
            }
            LessonChange::Replace { teacher } => {
                let same = known.is_some_and(|known| known.teacher == Some(teacher));
                (E::LessonReplaced { planned, teacher }, same)
            }
            LessonChange::ChangeRoom { room } => {
                let same = known.is_some_and(|known| known.room.as_deref() == Some(room.as_str()));
                (E::LessonRoomChanged { planned, room }, same)
            }
        };
        Ok(if same { vec![] } else { vec![event] })
    }

    /// The weekly meeting that plans a lesson at this place, in a week of this name.
    pub fn meeting(&self, planned: Place, week: Week) -> Option<&Meeting> {
        if !(self.first_day..=self.last_day).contains(&planned.date) {
            return None;
        }
        let (_, meetings) = self.patterns.range(..=planned.date).next_back()?;
        meetings.iter().find(|meeting| {
            meeting.weekday == planned.date.weekday()
                && meeting.slot == planned.slot
                && meeting.weeks.include(planned.date, week)
        })
    }

    /// What departs from the plan in the lesson planned at this place.
    pub fn changed(&self, planned: Place) -> Option<&Change> {
        self.changes.iter().find(|change| change.planned == planned)
    }

    pub(super) fn change(&mut self, planned: Place) -> &mut Change {
        let at = match self.changes.binary_search_by_key(&planned, |change| change.planned) {
            Ok(at) => at,
            Err(at) => {
                self.changes.insert(at, Change::none(planned));
                at
            }
        };
        &mut self.changes[at]
    }

    pub(super) fn check_day(&self, day: NaiveDate) -> Result<(), TimetableError> {
        let within = (self.first_day..=self.last_day).contains(&day);
        if within { Ok(()) } else { Err(TimetableError::OutsideCourse) }
    }
}

impl Change {
    fn none(planned: Place) -> Self {
        Self { planned, cancelled: false, moved_to: None, teacher: None, room: None }
    }
}
