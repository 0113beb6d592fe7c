//! A school that never was: who is in it, what it teaches, and what happens on a day of its year.
//!
//! Everything follows from its number, so that two runs write the same events. Ids are scattered
//! over their whole range, as in life.

use anyhow::Context;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use domain::{
    Category, ClassId, CourseId, Dossier, Event, LineId, PersonId, SchoolYear, StudentId, Subject,
    Uai,
    attendance::{AttendanceEvent, Given, GivenBy, Period, Source},
    classes::{ClassEvent, ClassKind},
    families::{Authority, FamilyEvent, Home, Link, Terms},
    people::{ContactDetails, Language, Name, PersonEvent},
    rollcalls::{Called, Late, RollCallEvent},
    schools::{BellSchedule, Half, SchoolEvent, Slot, YearPlan, calendar::LessonTime},
    timetable::{CoursePlan, Meeting, Place, TimetableEvent, Weeks},
};
use uuid::Uuid;

const YEAR: SchoolYear = SchoolYear(2026);
const CLASSES: u64 = 21;
const STUDENTS_A_CLASS: u64 = 28;
const COURSES_A_CLASS: u64 = 8;
const SLOTS: u8 = 5;
const WEEKS: u64 = 36;
const SCHOOL_DAYS: [Weekday; 5] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

/// A school.
#[derive(Clone)]
pub(super) struct School {
    number: u64,
    pub(super) uai: Uai,
}

/// Kinds of things that have ids.
#[derive(Clone, Copy)]
enum Kind {
    Student,
    Mother,
    Father,
    Teacher,
    Class,
    Course,
}

impl School {
    pub(super) fn new(number: u64) -> anyhow::Result<Self> {
        Ok(Self { number, uai: format!("{:07}A", 670_000 + number).parse()? })
    }

    pub(super) fn opens_at(&self) -> anyhow::Result<DateTime<Utc>> {
        Ok(first_day()?.and_time(NaiveTime::MIN).and_utc())
    }

    /// One of its students; beyond the last one it begins again.
    pub(super) fn student_id(&self, number: u64) -> StudentId {
        StudentId(self.id(Kind::Student, number % (CLASSES * STUDENTS_A_CLASS)))
    }

    /// The days with lessons.
    pub(super) fn days() -> anyhow::Result<Vec<NaiveDate>> {
        let first = first_day()?;
        let days = (0..WEEKS * 7).map(|n| first + Days::new(n));
        Ok(days.filter(|day| SCHOOL_DAYS.contains(&day.weekday())).collect())
    }

    /// The files of its students.
    pub(super) fn dossiers(&self) -> Vec<Dossier> {
        let categories = [
            (Kind::Student, Category::Identity),
            (Kind::Student, Category::Family),
            (Kind::Student, Category::Schooling),
            (Kind::Student, Category::Attendance),
            (Kind::Mother, Category::Identity),
            (Kind::Father, Category::Identity),
        ];
        let all = students().flat_map(|n| categories.map(|(kind, category)| (kind, category, n)));
        let dossier = |(kind, category, n)| Dossier {
            subject: Subject::Person(PersonId(self.id(kind, n))),
            category,
            year: YEAR,
        };
        all.map(dossier).collect()
    }

    /// What is told before the first lesson.
    pub(super) fn opening(&self) -> anyhow::Result<Vec<Event>> {
        let mut events = self.settings()?;
        for n in students() {
            events.extend(self.student(n)?);
        }
        for n in 0..CLASSES {
            events.extend(self.class(n)?);
        }
        Ok(events)
    }

    fn settings(&self) -> anyhow::Result<Vec<Event>> {
        let (first_day, last_day) = (first_day()?, last_day()?);
        let plan = YearPlan { first_day, last_day, terms: vec![], weeks_a: vec![] };
        let slot = |n: u8| {
            let starts = slot_starts(n)?;
            let name = format!("S{n}");
            anyhow::Ok(Slot { name, starts, ends: starts + TimeDelta::minutes(55) })
        };
        let slots = (1..=SLOTS).map(slot).collect::<Result<_, _>>()?;
        let half_day_limit = NaiveTime::from_hms_opt(13, 0, 0).context("one o'clock")?;
        let schedule = BellSchedule { slots, half_day_limit, closed: vec![] };
        let told = [
            SchoolEvent::SchoolOpened {
                name: format!("Collège {}", self.number),
                time_zone: Tz::Europe__Paris,
                department: "67".to_owned(),
            },
            SchoolEvent::SchoolYearPlanned { year: YEAR, plan },
            SchoolEvent::BellScheduleSet { from: first_day, schedule },
        ];
        Ok(told.map(|event| Event::School(self.uai, event)).into())
    }

    fn student(&self, n: u64) -> anyhow::Result<Vec<Event>> {
        let student = PersonId(self.id(Kind::Student, n));
        let mut events = vec![self.person(student, n, "Camille")];
        let (school, from) = (self.uai, first_day()?);
        let enrolled = PersonEvent::StudentEnrolled { school, ine: None, from };
        events.push(Event::Person(student, enrolled));
        for (order, kind, link) in
            [(1, Kind::Mother, Link::Mother), (2, Kind::Father, Link::Father)]
        {
            let guardian = PersonId(self.id(kind, n));
            events.push(self.person(guardian, n, "Dominique"));
            let details = ContactDetails {
                mail: Some(format!("famille.{n}.{order}@example.org")),
                mobile: Some(format!("+336{n:08}")),
                address: Some(format!("{n} rue des Tilleuls, 67000 Strasbourg")),
                ..ContactDetails::default()
            };
            let reached = PersonEvent::ContactDetailsGiven { details };
            events.push(Event::Person(guardian, reached));
            let (authority, home) = (Authority::Exercised, Home::First);
            let terms = Terms { link, authority, home, contact_order: order };
            let answers = FamilyEvent::GuardianshipRecorded { guardian, terms, from };
            events.push(Event::Family(student.into(), answers));
        }
        Ok(events)
    }

    fn person(&self, person: PersonId, n: u64, given: &str) -> Event {
        let family = format!("Schmitt-{}-{n}", self.number);
        let name = Name { family, given: given.to_owned(), usage: None };
        let birth_date = NaiveDate::from_ymd_opt(2013, 3, 14);
        let language = Language::French;
        Event::Person(person, PersonEvent::PersonRegistered { name, birth_date, language })
    }

    fn class(&self, n: u64) -> anyhow::Result<Vec<Event>> {
        let (class, from) = (ClassId(self.id(Kind::Class, n)), first_day()?);
        let (name, kind) = (format!("5e {n}"), ClassKind::Division);
        let mut events =
            vec![Event::Class(class, ClassEvent::ClassFormed { name, kind, year: YEAR })];
        for student in self.of_class(n) {
            events.push(Event::Class(class, ClassEvent::StudentJoinedClass { student, from }));
        }
        for course in 0..COURSES_A_CLASS {
            let teacher = PersonId(self.id(Kind::Teacher, (n + course * 5) % 40));
            let subject = format!("Matière {course}");
            let teaches = ClassEvent::TeacherAssigned { teacher, subject: subject.clone(), from };
            events.push(Event::Class(class, teaches));
            let plan = CoursePlan {
                class,
                subject,
                teachers: vec![teacher],
                first_day: from,
                last_day: last_day()?,
                meetings: meetings(course),
            };
            let course = CourseId(self.id(Kind::Course, n * COURSES_A_CLASS + course));
            events.push(Event::Timetable(course, TimetableEvent::CourseScheduled { plan }));
        }
        Ok(events)
    }

    /// What happens on a day, and when.
    pub(super) fn events_on(&self, day: NaiveDate) -> anyhow::Result<Vec<(Event, DateTime<Utc>)>> {
        let mut events = Vec::new();
        for slot in 1..=SLOTS {
            let starts_at = day.and_time(slot_starts(slot)?).and_utc();
            for class in 0..CLASSES {
                let lesson = self.lesson(class, day, slot, starts_at);
                let at = starts_at + TimeDelta::minutes(5);
                events.extend(self.roll_call(class, lesson).into_iter().map(|event| (event, at)));
            }
        }
        Ok(events)
    }

    fn lesson(&self, class: u64, date: NaiveDate, slot: u8, starts_at: DateTime<Utc>) -> Called {
        let course = course_at(date.weekday(), slot);
        let half = if slot <= 3 { Half::Morning } else { Half::Afternoon };
        let ends_at = starts_at + TimeDelta::minutes(55);
        Called {
            course: CourseId(self.id(Kind::Course, class * COURSES_A_CLASS + course)),
            planned: Place { date, slot },
            time: LessonTime { starts_at, ends_at, half },
        }
    }

    /// A roll call and what becomes of it in the files.
    fn roll_call(&self, class: u64, called: Called) -> Vec<Event> {
        let chance = called.lesson().0.as_u128();
        let (absences, is_late) = match chance % 8 {
            0 | 1 => (0, false),
            2..=4 => (1, false),
            5 => (2, false),
            _ => (1, true),
        };
        let mut present: Vec<_> = self.of_class(class).collect();
        present.rotate_left((chance >> 8) as usize % STUDENTS_A_CLASS as usize);
        let absent = present.split_off(present.len() - absences);
        let late = present.pop().filter(|_| is_late);
        let late: Vec<_> = late.map(|student| Late { student, minutes: 5 }).into_iter().collect();
        let mut events = Vec::new();
        for student in &absent {
            events.extend(absence(*student, called, chance));
        }
        for Late { student, minutes } in &late {
            let (line, period, source) = line(*student, called);
            let recorded =
                AttendanceEvent::LatenessRecorded { line, period, minutes: *minutes, source };
            events.push(Event::Attendance(*student, YEAR, recorded));
        }
        let taken = RollCallEvent::RollCallTaken { called, present, absent, late };
        events.insert(0, Event::RollCall(called.lesson(), taken));
        events
    }

    fn of_class(&self, class: u64) -> impl Iterator<Item = StudentId> {
        let first = class * STUDENTS_A_CLASS;
        (first..first + STUDENTS_A_CLASS).map(|n| StudentId(self.id(Kind::Student, n)))
    }

    fn id(&self, kind: Kind, n: u64) -> Uuid {
        let name = [self.number, kind as u64, n].map(u64::to_be_bytes).concat();
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &name)
    }
}

/// An absence, its reason, and for some what the school made of it.
fn absence(student: StudentId, called: Called, chance: u128) -> Vec<Event> {
    let (line, period, source) = line(student, called);
    let (reason, by) = ("illness".to_owned(), GivenBy::Office);
    let given = Given { reason, list: 1, by, comment: None, document: None };
    let mut told = vec![
        AttendanceEvent::AbsenceRecorded { line, period, source },
        AttendanceEvent::ReasonGiven { line, given },
    ];
    if chance.is_multiple_of(3) {
        told.push(AttendanceEvent::ReasonAccepted { line });
    }
    told.into_iter().map(|event| Event::Attendance(student, YEAR, event)).collect()
}

fn line(student: StudentId, called: Called) -> (LineId, Period, Source) {
    let period = Period { from: called.time.starts_at, to: called.time.ends_at };
    let source = Source::RollCall { lesson: called.lesson(), revision: 0 };
    (LineId::of_lesson(student, called.lesson()), period, source)
}

fn students() -> std::ops::Range<u64> {
    0..CLASSES * STUDENTS_A_CLASS
}

fn meetings(course: u64) -> Vec<Meeting> {
    let places = SCHOOL_DAYS.into_iter().flat_map(|day| (1..=SLOTS).map(move |slot| (day, slot)));
    let of_course = places.filter(|(day, slot)| course_at(*day, *slot) == course);
    let room = || format!("Salle {course}");
    of_course
        .map(|(weekday, slot)| Meeting { weekday, slot, weeks: Weeks::Every, room: room() })
        .collect()
}

fn course_at(day: Weekday, slot: u8) -> u64 {
    (u64::from(day.num_days_from_monday()) * u64::from(SLOTS) + u64::from(slot)) % COURSES_A_CLASS
}

fn slot_starts(slot: u8) -> anyhow::Result<NaiveTime> {
    let hours = [8, 9, 11, 13, 14];
    let hour = hours.get(usize::from(slot) - 1).context("a slot of the day")?;
    NaiveTime::from_hms_opt(*hour, 0, 0).context("an hour of the day")
}

fn first_day() -> anyhow::Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 9, 7).context("a Monday in September")
}

fn last_day() -> anyhow::Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2027, 7, 2).context("a Friday in July")
}
