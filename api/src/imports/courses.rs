//! Courses: what the weekly timetable makes of classes, subjects and teachers.
//!
//! A course is one class, one subject and the teachers who give it together. Where they change, it is
//! another course; where only its times change, it meets otherwise from the day of the files on, and
//! what was taught before stays. A course that is no longer listed ends: nothing of it is lost.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime};
use domain::{
    ClassId, CourseId, PersonId,
    people::Scheme,
    schools::{BellSchedule, SchoolCommand},
    timetable::{CoursePlan, Meeting, TimetableCommand, Weeks},
};
use projections::timetable::CourseRow;

use super::{
    bells, departures,
    draft::Draft,
    feed::{ClassKey, Place, StaffKey, Timetable, WeeklyLesson},
    plan::{Ask, Origin},
    problem::Record,
    remarks::Remark,
    staff::{Staffed, class_name, classes_left_out, is_unread, subject_name, teacher},
    weeks::{self, WeeksOf},
};

/// A school day has no more slots than this.
const SLOTS_MAX: usize = 20;

/// What tells a course from others: class, subject, modality and teachers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CourseKey<'f> {
    class: &'f ClassKey,
    subject: &'f str,
    modality: &'f str,
    teachers: BTreeSet<(&'f str, PersonId)>,
}

/// A lesson as it is given: to whom and of what; day, time and minutes; alternation; by whom, where
/// one teacher gives it alone.
type Given<'f> =
    ((&'f ClassKey, &'f str, &'f str), (u32, NaiveTime, u16), &'f str, Option<&'f StaffKey>);

/// What the files say of a course.
struct Said<'f> {
    place: Place,
    lessons: Vec<&'f WeeklyLesson>,
}

/// Compares the weekly timetable.
///
/// # Errors
/// Why the import is refused: more slots than a day has, more courses ending than can be believed.
pub(super) fn compare<'f>(draft: &mut Draft<'f>, staffed: &Staffed<'f>) -> Result<(), Remark> {
    let feed = draft.feed;
    let Some(timetable) = feed.timetable.as_ref().filter(|all| !all.lessons.is_empty()) else {
        return Ok(());
    };
    let weeks = weeks::compare(draft, timetable);
    let bells = bells(draft, timetable)?;
    let mut listed = BTreeSet::new();
    for (key, said) in courses(draft, timetable, staffed) {
        let number = format!("{}/{}", key.class.code, key.subject);
        let origin = draft.plan.origin(said.place, Record::Lesson, &number);
        let meetings = meetings(draft, &said, (&bells, &weeks));
        let Some(class) = draft.classes.get(key.class).copied() else { continue };
        let teachers: Vec<PersonId> = key.teachers.iter().map(|(_, person)| *person).collect();
        let course = course_of(draft, class, &key);
        listed.insert(course);
        // Where a lesson of it could not be read, a course keeps its hours.
        let is_whole = !feed.refused.contains(&(Record::Lesson, number.as_str().into()));
        let is_known = draft.known.courses.iter().any(|row| row.course == course);
        if meetings.is_empty() || (is_known && !is_whole) {
            continue;
        }
        let subject = subject_name(draft, key.subject);
        schedule(draft, &origin, course, (class, subject, teachers, meetings));
    }
    let left_out = classes_left_out(draft, staffed);
    end_others(draft, &listed, &left_out)
}

/// The bells in force; those that the timetable was made for, if there are none.
fn bells(draft: &mut Draft<'_>, timetable: &Timetable) -> Result<BellSchedule, Remark> {
    let in_force = draft.sheet.bells_on(draft.days.begins());
    if let Some(bells) = in_force.or_else(|| draft.sheet.bells.values().next()) {
        return Ok(bells.clone());
    }
    let schedule = bells::found_in(timetable);
    if schedule.slots.len() > SLOTS_MAX {
        return Err(Remark::TooManySlots);
    }
    let from = draft.days.first;
    let origin = Origin::default();
    draft.decide(&origin, SchoolCommand::SetBellSchedule { from, schedule: schedule.clone() });
    draft.plan.tell(&origin, Remark::BellsFound);
    Ok(schedule)
}

/// The courses of a timetable, with the lessons of each. Teachers who give a lesson together give
/// it in one course; those who share a class have one each.
fn courses<'f>(
    draft: &mut Draft<'f>,
    timetable: &'f Timetable,
    staffed: &Staffed<'f>,
) -> BTreeMap<CourseKey<'f>, Said<'f>> {
    let mut together: BTreeMap<Given<'f>, Vec<&'f WeeklyLesson>> = BTreeMap::new();
    for lesson in &timetable.lessons {
        let alone = (!lesson.taught_together).then_some(&lesson.teacher);
        let time = (lesson.weekday.num_days_from_monday(), lesson.starts, lesson.duration_minutes);
        let what = (&lesson.class, &*lesson.subject, &*lesson.modality);
        let given = (what, time, &*lesson.alternation, alone);
        together.entry(given).or_default().push(lesson);
    }
    let mut courses: BTreeMap<CourseKey<'f>, Said<'f>> = BTreeMap::new();
    for (((class, subject, modality), ..), lessons) in together {
        let keys = lessons.iter().map(|lesson| &lesson.teacher);
        // Without one of its teachers it would be another course.
        let unread = keys.clone().any(|key| is_unread(draft, staffed, key));
        let teachers = keys.filter_map(|key| Some((&*key.number, teacher(draft, staffed, key)?)));
        let teachers: BTreeSet<_> = teachers.collect();
        let Some(first) = lessons.first() else { continue };
        if unread || teachers.is_empty() {
            let number = format!("{}/{subject}", class.code);
            let origin = draft.plan.origin(first.place, Record::Lesson, &number);
            draft.plan.tell(&origin, Remark::TeacherNotTaken);
            continue;
        }
        let key = CourseKey { class, subject, modality, teachers };
        let said =
            courses.entry(key).or_insert_with(|| Said { place: first.place, lessons: Vec::new() });
        said.place = said.place.min(first.place);
        said.lessons.push(first);
    }
    courses
}

/// When a course meets, in the slots of the bells.
fn meetings(
    draft: &mut Draft<'_>,
    said: &Said<'_>,
    (bells, weeks): (&BellSchedule, &WeeksOf),
) -> Vec<Meeting> {
    let mut meetings: BTreeMap<(u32, u8, Vec<NaiveDate>), Meeting> = BTreeMap::new();
    for lesson in &said.lessons {
        let number = format!("{}/{}", lesson.class.code, lesson.subject);
        let origin = draft.plan.origin(lesson.place, Record::Lesson, &number);
        let Some(weeks) = weeks.get(&lesson.alternation).cloned().flatten() else {
            draft.plan.tell(&origin, Remark::WeeksMissing);
            continue;
        };
        let slots = bells::slots_of(bells, lesson);
        if slots.is_empty() {
            draft.plan.tell(&origin, Remark::SlotMissing);
        }
        for slot in slots {
            let weekday = lesson.weekday;
            let room = lesson.room.as_deref().unwrap_or_default().to_owned();
            let place = (weekday.num_days_from_monday(), slot, order(&weeks));
            let weeks = weeks.clone();
            meetings.entry(place).or_insert(Meeting { weekday, slot, weeks, room });
        }
    }
    meetings.into_values().collect()
}

/// Weeks in an order of their own: every week, A, B, then lists.
fn order(weeks: &Weeks) -> Vec<NaiveDate> {
    let nth = |n| NaiveDate::from_num_days_from_ce_opt(n).into_iter().collect();
    match weeks {
        Weeks::Every => Vec::new(),
        Weeks::A => nth(1),
        Weeks::B => nth(2),
        Weeks::Listed(mondays) => mondays.iter().copied().collect(),
    }
}

/// The id of a course. One that has ended is not taken up again: it would lose its end.
fn course_of(draft: &Draft<'_>, class: ClassId, key: &CourseKey<'_>) -> CourseId {
    let teachers: Vec<&str> = key.teachers.iter().map(|(number, _)| *number).collect();
    let code = format!("{}/{}/{}", key.subject, key.modality, teachers.join("+"));
    let ended = |course: CourseId| {
        let mut known = draft.known.courses.iter().filter(|row| row.course == course);
        known.any(|row| row.sheet.last_day < draft.days.begins())
    };
    let again = (2..).map(|n: u32| CourseId::of(class, &format!("{code}/{n}")));
    let mut ids = std::iter::once(CourseId::of(class, &code)).chain(again);
    ids.find(|course| !ended(*course)).unwrap_or(CourseId::of(class, &code))
}

type Planned = (ClassId, String, Vec<PersonId>, Vec<Meeting>);

/// Has a course scheduled, or meet otherwise, unless it does.
fn schedule(
    draft: &mut Draft<'_>,
    origin: &Origin,
    course: CourseId,
    (class, subject, teachers, meetings): Planned,
) {
    let (days, known) = (draft.days, draft.known);
    let Some(row) = known.courses.iter().find(|row| row.course == course) else {
        // The first timetable of a class is that of its year.
        let first = !known.courses.iter().any(|row| row.class == class);
        let first_day = if first { days.first } else { days.begins() };
        let last_day = days.last;
        let plan = CoursePlan { class, subject, teachers, first_day, last_day, meetings };
        draft.plan.ask(origin, Ask::Timetable(course, TimetableCommand::ScheduleCourse { plan }));
        draft.plan.tell(origin, Remark::Added);
        return;
    };
    let last = row.sheet.patterns.last_key_value();
    if last.is_none_or(|(_, pattern)| *pattern != meetings) {
        let begun = last.map_or(row.sheet.first_day, |(begun, _)| *begun);
        let from = days.begins().max(begun);
        let command = TimetableCommand::RescheduleCourse { from, meetings };
        draft.plan.ask(origin, Ask::Timetable(course, command));
    }
}

/// Ends the courses of staff that STS numbers and whose courses it no longer lists.
fn end_others(
    draft: &mut Draft<'_>,
    listed: &BTreeSet<CourseId>,
    left_out: &BTreeSet<ClassId>,
) -> Result<(), Remark> {
    let (known, days) = (draft.known, draft.days);
    let is_numbered = |person: &PersonId| {
        let schemes = [Scheme::StsEpp, Scheme::StsLocal];
        schemes.iter().any(|scheme| known.number(*scheme, *person).is_some())
    };
    let open = known.courses.iter().filter(|row| {
        row.sheet.last_day >= days.begins() && row.sheet.teachers.iter().all(is_numbered)
    });
    let open: Vec<&CourseRow> = open.collect();
    let over =
        open.iter().filter(|row| !listed.contains(&row.course) && !left_out.contains(&row.class));
    let over: Vec<&&CourseRow> = over.collect();
    departures::check_ended(draft.wish, Record::Lesson, over.len(), open.len())?;
    for row in over {
        let number = format!("{}/{}", class_name(draft, row.class), row.sheet.subject);
        let on = days.undone(row.sheet.first_day).min(row.sheet.last_day);
        let origin = Origin::known(Record::Lesson, &number);
        draft.plan.ask(&origin, Ask::Timetable(row.course, TimetableCommand::EndCourse { on }));
    }
    Ok(())
}
