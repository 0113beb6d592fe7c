//! A school of two thousand who are all missing: seventy classes, siblings among the students, families with
//! one home or with two. Written through the journal, as fast as that goes.
//!
//! Everything follows from numbers. The first three tenths of the students are brothers and sisters, two of a
//! family; every fifth family has two homes.

use std::collections::BTreeSet;

use anyhow::Context;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    AccountId, ClassId, CourseId, LessonId, PersonId, SchoolYear, Streamed, StudentId, Uai,
    families::{Authority, Family, FamilyCommand, Home, Link, Terms},
    people::{ContactDetails, Language, Name, Person, PersonCommand},
    rollcalls::{RollCall, RollCallCommand},
    schools::{BellSchedule, School, SchoolCommand, Setting, Slot, YearPlan, calendar::LessonTime},
    timetable::{Course, CoursePlan, Meeting, Place, TimetableCommand, Weeks, lessons::Lesson},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use replay::{Act, Journal, new_command_id};
use uuid::Uuid;

/// How many classes are called.
pub(crate) const CLASSES: u32 = 70;

/// Commands under way at once.
const AT_ONCE: usize = 128;

/// The school, on a day.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    /// Which school.
    pub(crate) school: Uai,
    /// How many students are missing.
    pub(crate) students: u32,
    /// Which families are reached by SMS; the others are by mail.
    by_sms: fn(u32) -> bool,
    /// On which day.
    pub(crate) day: NaiveDate,
    now: DateTime<Utc>,
}

/// What has ids of its own.
#[derive(Clone, Copy)]
enum Kind {
    Student,
    Mother,
    Father,
    Class,
    Course,
    Teacher,
}

impl Crowd {
    /// Founds the school, with everybody in it.
    pub(crate) async fn found(
        journal: &Journal,
        (students, by_sms): (u32, fn(u32) -> bool),
        grace_seconds: u32,
    ) -> anyhow::Result<Self> {
        let now = journal.clock().now();
        let day = now.with_timezone(&Tz::Europe__Paris).date_naive();
        let crowd = Self { school: "0670001A".parse()?, students, by_sms, day, now };
        for command in crowd.settings(grace_seconds)? {
            crowd.give::<School>(journal, crowd.school, command).await?;
        }
        for class in 0..CLASSES {
            let plan = crowd.plan(class);
            let schedule = TimetableCommand::ScheduleCourse { plan };
            crowd.give::<Course>(journal, CourseId(id(Kind::Course, class)), schedule).await?;
        }
        let families = (0..crowd.families()).map(|family| crowd.move_in(journal, family));
        let moving = stream::iter(families).buffer_unordered(AT_ONCE);
        moving.try_collect::<Vec<()>>().await?;
        Ok(crowd)
    }

    /// Calls the roll of a class, all of which is missing.
    pub(crate) async fn call_roll(&self, journal: &Journal, class: u32) -> anyhow::Result<()> {
        let planned = Place { date: self.day, slot: 1 };
        let starts_at = self.now - TimeDelta::minutes(5);
        let ends_at = starts_at + TimeDelta::minutes(55);
        let half = domain::schools::Half::Morning;
        let course = CourseId(id(Kind::Course, class));
        let lesson = Lesson {
            lesson: LessonId::of(course, planned.date, planned.slot),
            course,
            class: ClassId(id(Kind::Class, class)),
            subject: "Latin".to_owned(),
            teachers: vec![PersonId(id(Kind::Teacher, class))],
            planned,
            place: planned,
            room: "7".to_owned(),
            time: LessonTime { starts_at, ends_at, half },
            cancelled: false,
        };
        // Siblings are neighbours, in one class or in two.
        let first = class * self.students / CLASSES;
        let last = (class + 1) * self.students / CLASSES;
        if first == last {
            return Ok(());
        }
        let class: BTreeSet<_> = (first..last).map(|n| StudentId(id(Kind::Student, n))).collect();
        let (lesson_id, lesson) = (lesson.lesson, Box::new(lesson));
        let (absent, late) = (class.iter().copied().collect(), vec![]);
        let call = RollCallCommand::TakeRollCall { lesson, class, absent, late };
        // A roll is called when it is called, not when the school was founded.
        let called = Self { now: journal.clock().now(), ..*self };
        called.give::<RollCall>(journal, lesson_id, call).await
    }

    /// How many people are to be told.
    pub(crate) fn recipients(&self) -> u32 {
        (0..self.families()).map(|family| if has_two_homes(family) { 2 } else { 1 }).sum()
    }

    fn families(&self) -> u32 {
        self.students - self.siblings() / 2
    }

    fn siblings(&self) -> u32 {
        self.students * 3 / 20 * 2
    }

    /// The children of a family.
    fn children(&self, family: u32) -> std::ops::Range<u32> {
        let with_siblings = self.siblings() / 2;
        if family < with_siblings {
            2 * family..2 * family + 2
        } else {
            let only = family + with_siblings;
            only..only + 1
        }
    }

    async fn move_in(&self, journal: &Journal, family: u32) -> anyhow::Result<()> {
        for child in self.children(family) {
            self.register(journal, PersonId(id(Kind::Student, child)), child).await?;
        }
        self.parent(journal, (Kind::Mother, Home::First), family).await?;
        if has_two_homes(family) {
            self.parent(journal, (Kind::Father, Home::Second), family).await?;
        }
        Ok(())
    }

    async fn parent(
        &self,
        journal: &Journal,
        (kind, home): (Kind, Home),
        family: u32,
    ) -> anyhow::Result<()> {
        let guardian = PersonId(id(kind, family));
        self.register(journal, guardian, family).await?;
        let (number, order) = (kind as u32, if home == Home::First { 1 } else { 2 });
        let by_sms = (self.by_sms)(family);
        let details = ContactDetails {
            mail: (!by_sms).then(|| format!("famille.{family}.{order}@example.org")),
            mobile: by_sms.then(|| format!("06{number}{family:07}")),
            accepts_sms: by_sms,
            ..ContactDetails::default()
        };
        let reached = PersonCommand::GiveContactDetails { details };
        self.give::<Person>(journal, guardian, reached).await?;
        let link = if home == Home::First { Link::Mother } else { Link::Father };
        let terms = Terms { link, authority: Authority::Exercised, home, contact_order: order };
        for child in self.children(family) {
            let (student, from) = (StudentId(id(Kind::Student, child)), self.day);
            let answers = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
            self.give::<Family>(journal, student, answers).await?;
        }
        Ok(())
    }

    async fn register(&self, journal: &Journal, who: PersonId, n: u32) -> anyhow::Result<()> {
        let name =
            Name { family: format!("Schmitt-{n}"), given: "Camille".to_owned(), usage: None };
        let (birth_date, language) = (None, Language::French);
        let known = PersonCommand::RegisterPerson { name, birth_date, language };
        self.give::<Person>(journal, who, known).await
    }

    /// One lesson that takes the whole day, in a half-day that does.
    fn settings(&self, grace_seconds: u32) -> anyhow::Result<[SchoolCommand; 4]> {
        let year = SchoolYear::containing(self.day);
        let (first_day, last_day) = (self.day - Days::new(7), self.day + Days::new(7));
        let plan = YearPlan { first_day, last_day, terms: vec![], weeks_a: vec![] };
        let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).context("a time of day");
        let slot = Slot { name: "M1".to_owned(), starts: time(0, 0)?, ends: time(23, 58)? };
        let half_day_limit = time(23, 59)?;
        let schedule = BellSchedule { slots: vec![slot], half_day_limit, closed: vec![] };
        Ok([
            SchoolCommand::OpenSchool {
                name: "Collège des Tilleuls".to_owned(),
                time_zone: Tz::Europe__Paris,
                department: "67".to_owned(),
            },
            SchoolCommand::PlanSchoolYear { year, plan },
            SchoolCommand::SetBellSchedule { from: first_day, schedule },
            SchoolCommand::ChooseSetting { setting: Setting::AlertGraceSeconds(grace_seconds) },
        ])
    }

    fn plan(&self, class: u32) -> CoursePlan {
        let (weekday, room) = (self.day.weekday(), "7".to_owned());
        CoursePlan {
            class: ClassId(id(Kind::Class, class)),
            subject: "Latin".to_owned(),
            teachers: vec![PersonId(id(Kind::Teacher, class))],
            first_day: self.day,
            last_day: self.day + Days::new(7),
            meetings: vec![Meeting { weekday, slot: 1, weeks: Weeks::Every, room }],
        }
    }

    async fn give<A>(&self, journal: &Journal, id: A::Id, command: A::Command) -> anyhow::Result<()>
    where
        A: Streamed<Services = (), Command: Clone, Error: Send + Sync> + Clone + 'static,
    {
        let command_id = new_command_id();
        let act = Act::new(self.school, AccountId::PREAU, command_id, self.now);
        journal.execute::<A>(id, command, &act).await?;
        Ok(())
    }
}

fn has_two_homes(family: u32) -> bool {
    family.is_multiple_of(5)
}

/// Scattered over their whole range, as in life.
fn id(kind: Kind, n: u32) -> Uuid {
    let name = [kind as u32, n].map(u32::to_be_bytes).concat();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &name)
}
