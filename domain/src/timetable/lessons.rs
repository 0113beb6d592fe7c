//! The lessons that follow from a course and the school's calendar.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::{CourseSheet, Place};
use crate::{
    ClassId, CourseId, LessonId, PersonId,
    schools::{
        SchoolSheet,
        calendar::{Day, LessonTime, Week},
    },
};

/// One lesson at one date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lesson {
    /// The same wherever it is moved.
    pub lesson: LessonId,
    /// Of which course.
    pub course: CourseId,
    /// Who learns.
    pub class: ClassId,
    /// What.
    pub subject: String,
    /// Who gives it.
    pub teachers: Vec<PersonId>,
    /// Where it was planned.
    pub planned: Place,
    /// Where it takes place.
    pub place: Place,
    /// In which room.
    pub room: String,
    /// When it begins and ends, and in which half of the day.
    #[serde(flatten)]
    pub time: LessonTime,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl CourseSheet {
    /// The lessons that take place, or were to, on a day: those planned on it and not moved away,
    /// and those moved to it.
    pub fn lessons_on(&self, id: CourseId, date: NaiveDate, school: &SchoolSheet) -> Vec<Lesson> {
        let planned_here = self.places_on(date, school).filter(|place| {
            self.changed(*place).and_then(|change| change.moved_to).is_none_or(|to| to.date == date)
        });
        let moved_here = self.changes.iter().filter_map(|change| {
            let to = change.moved_to?;
            (to.date == date && change.planned.date != date).then_some(change.planned)
        });
        let places: Vec<Place> = planned_here.chain(moved_here).collect();
        places.into_iter().filter_map(|place| self.lesson(id, place, school)).collect()
    }

    /// The lesson that was planned at this place, wherever it takes place now. None if the
    /// timetable or the calendar has none there.
    pub fn lesson(&self, id: CourseId, planned: Place, school: &SchoolSheet) -> Option<Lesson> {
        let meeting = self.meeting(planned, week(school, planned.date)?)?;
        let change = self.changed(planned);
        let place = change.and_then(|change| change.moved_to).unwrap_or(planned);
        let room = change.and_then(|change| change.room.clone());
        let replaced_by = change.and_then(|change| change.teacher);
        Some(Lesson {
            lesson: LessonId::of(id, planned.date, planned.slot),
            course: id,
            class: self.class,
            subject: self.subject.clone(),
            teachers: replaced_by.map_or_else(|| self.teachers.clone(), |teacher| vec![teacher]),
            planned,
            place,
            room: room.unwrap_or_else(|| meeting.room.clone()),
            time: school.lesson_time(place.date, place.slot)?,
            cancelled: change.is_some_and(|change| change.cancelled),
        })
    }

    fn places_on<'a>(
        &'a self,
        date: NaiveDate,
        school: &SchoolSheet,
    ) -> impl Iterator<Item = Place> + 'a {
        let week = week(school, date);
        let meetings = self.patterns.range(..=date).next_back().map(|(_, meetings)| meetings);
        meetings.into_iter().flatten().filter_map(move |meeting| {
            let place = Place { date, slot: meeting.slot };
            // Others meet in this slot on other days or in other weeks: a lesson is there once.
            self.meeting(place, week?).filter(|planned| std::ptr::eq(*planned, meeting))?;
            Some(place)
        })
    }
}

/// The week of a day with lessons.
pub fn week(school: &SchoolSheet, date: NaiveDate) -> Option<Week> {
    match school.day(date) {
        Day::Lessons { week } => Some(week),
        Day::OutsideYear | Day::Holiday { .. } | Day::Closed => None,
    }
}
