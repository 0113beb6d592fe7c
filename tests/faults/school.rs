//! A small school whose people ask for all kinds of things at the same time.
//!
//! Decisions of several events are among them, streams that many write, and roll calls, from which
//! the node draws consequences meanwhile.

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    AccountId, ClassId, CommandId, CourseId, LessonId, LineId, PersonId, SchoolYear, Stream,
    Streamed, StudentId, Uai,
    attendance::{Attendance, AttendanceCommand, GiveReason, GivenBy, Period},
    families::{Authority, Family, FamilyCommand, Home, Link, Terms},
    people::{Language, Name, Person, PersonCommand},
    rollcalls::{RollCall, RollCallCommand},
    schools::{
        BellSchedule, Half, Legitimacy, Reason, SchoolCommand, Slot, YearPlan, calendar::LessonTime,
    },
    timetable::{Course, CoursePlan, Meeting, Place, TimetableCommand, Weeks, lessons::Lesson},
};
use replay::{Act, Done, ExecuteError, Journal};
use uuid::Uuid;

const YEAR: SchoolYear = SchoolYear(2026);

/// People whom all writers write about.
const SHARED: u32 = 4;

/// The school and its one course.
pub(crate) struct School {
    uai: Uai,
    monday: NaiveDate,
}

type Answer = anyhow::Result<Option<(Stream, Done)>>;

impl School {
    /// Sets the school up, unless an earlier run has.
    pub(crate) async fn open(journal: &Journal) -> anyhow::Result<Self> {
        let uai = "0670001A".parse()?;
        let monday = NaiveDate::from_ymd_opt(2026, 9, 7).context("a Monday")?;
        let school = Self { uai, monday };
        let mut at = 0;
        for command in school.settings()? {
            at += 1;
            let act = school.act(CommandId(id(9, at)));
            journal.execute::<domain::schools::School>(uai, command, &act).await?;
        }
        let schedule = TimetableCommand::ScheduleCourse { plan: school.plan() };
        let act = school.act(CommandId(id(9, 0)));
        journal.execute::<Course>(course(), schedule, &act).await?;
        Ok(school)
    }

    /// Asks for one thing, another each time. Nothing is answered where a rule forbids it.
    pub(crate) async fn ask(
        &self,
        journal: &Journal,
        command: CommandId,
        writer: u32,
        n: u32,
    ) -> Answer {
        let act = self.act(command);
        let own = PersonId(Uuid::new_v5(&command.0, b"person"));
        match (writer + n) % 8 {
            0 | 1 => told::<Person>(journal, own, register(n), &act).await,
            2 | 3 => {
                let shared = PersonId(id(1, (writer + n) / 8 % SHARED));
                let known = PersonCommand::RegisterPerson {
                    name: name(0),
                    birth_date: None,
                    language: Language::French,
                };
                let first = Act { command: CommandId(shared.0), ..act };
                told::<Person>(journal, shared, known, &first).await?;
                let rename = PersonCommand::RenamePerson { name: name(n + writer * 1_000) };
                told::<Person>(journal, shared, rename, &act).await
            }
            4 | 5 => {
                let (student, year) = (StudentId(id(2, writer)), YEAR);
                let file = (student, year);
                told::<Attendance>(journal, file, self.announce(command), &act).await
            }
            6 if n.is_multiple_of(4) => {
                let (lesson, roll_call) = self.roll_call(command);
                told::<RollCall>(journal, lesson, roll_call, &act).await
            }
            _ => {
                let student = StudentId(id(2, writer));
                let from = self.day_of(command);
                told::<Family>(journal, student, guardianship(student, from), &act).await
            }
        }
    }

    /// One of four events: told, explained, accepted and settled.
    fn announce(&self, command: CommandId) -> AttendanceCommand {
        let from = self.monday.and_time(NaiveTime::MIN).and_utc()
            + TimeDelta::seconds((command.0.as_u128() >> 90) as i64);
        let period = Period { from, to: from + TimeDelta::milliseconds(1) };
        let (list, by, comment) = (1, GivenBy::Office, None);
        let reason = Box::new(GiveReason {
            reason: reason(),
            list,
            by,
            comment,
            document: None,
            by_themselves: false,
        });
        AttendanceCommand::AnnounceAbsence { line: LineId::of_command(command), period, reason }
    }

    fn roll_call(&self, command: CommandId) -> (LessonId, RollCallCommand) {
        let planned = Place { date: self.day_of(command), slot: 1 };
        let starts_at = planned.date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(7);
        let ends_at = starts_at + TimeDelta::minutes(55);
        let lesson = Lesson {
            lesson: LessonId::of(course(), planned.date, planned.slot),
            course: course(),
            class: ClassId(id(3, 0)),
            subject: "Latin".to_owned(),
            teachers: vec![PersonId(id(4, 0))],
            planned,
            place: planned,
            room: "7".to_owned(),
            time: LessonTime { starts_at, ends_at, half: Half::Morning },
            cancelled: false,
        };
        let class = [0, 1, 2].map(|n| StudentId(id(5, n)));
        let (absent, late) = (vec![class[0]], vec![]);
        let id = lesson.lesson;
        let lesson = Box::new(lesson);
        (id, RollCallCommand::TakeRollCall { lesson, class: class.into(), absent, late })
    }

    fn settings(&self) -> anyhow::Result<[SchoolCommand; 3]> {
        let last_day = self.monday + Days::new(290);
        let plan = YearPlan { first_day: self.monday, last_day, terms: vec![], weeks_a: vec![] };
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).context("an hour");
        let slot = Slot { name: "M1".to_owned(), starts: hour(9)?, ends: hour(10)? };
        let schedule =
            BellSchedule { slots: vec![slot], half_day_limit: hour(13)?, closed: vec![] };
        Ok([
            SchoolCommand::OpenSchool {
                name: "Collège des Tilleuls".to_owned(),
                time_zone: Tz::Europe__Paris,
                department: "67".to_owned(),
            },
            SchoolCommand::PlanSchoolYear { year: YEAR, plan },
            SchoolCommand::SetBellSchedule { from: self.monday, schedule },
        ])
    }

    fn plan(&self) -> CoursePlan {
        let room = "7".to_owned();
        let weekday = chrono::Weekday::Mon;
        CoursePlan {
            class: ClassId(id(3, 0)),
            subject: "Latin".to_owned(),
            teachers: vec![PersonId(id(4, 0))],
            first_day: self.monday,
            last_day: self.monday + Days::new(290),
            meetings: vec![Meeting { weekday, slot: 1, weeks: Weeks::Every, room }],
        }
    }

    fn day_of(&self, command: CommandId) -> NaiveDate {
        self.monday + Days::new((command.0.as_u128() >> 96) as u64 % 280)
    }

    fn act(&self, command: CommandId) -> Act {
        let occurred_at: DateTime<Utc> = self.monday.and_time(NaiveTime::MIN).and_utc();
        Act::new(self.uai, AccountId::PREAU, command, occurred_at)
    }
}

/// What the journal answers; nothing when a rule forbids it.
async fn told<A>(journal: &Journal, id: A::Id, command: A::Command, act: &Act) -> Answer
where
    A: Streamed<Services = (), Command: Clone, Error: Send + Sync> + Clone + 'static,
{
    match journal.execute::<A>(id, command, act).await {
        Ok(done) => Ok(done.changed.then_some((A::stream(id), done))),
        Err(ExecuteError::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn register(n: u32) -> PersonCommand {
    let (name, birth_date, language) = (name(n), None, Language::French);
    PersonCommand::RegisterPerson { name, birth_date, language }
}

fn name(n: u32) -> Name {
    Name { family: format!("Schmitt-{n}"), given: "Camille".to_owned(), usage: None }
}

/// Later terms end the ones before: two events.
fn guardianship(student: StudentId, from: NaiveDate) -> FamilyCommand {
    let (link, home) = (Link::Mother, Home::First);
    let terms = Terms { link, authority: Authority::Exercised, home, contact_order: 1 };
    FamilyCommand::RecordGuardianship { student, guardian: PersonId(id(6, 0)), terms, from }
}

fn reason() -> Reason {
    Reason {
        code: "illness".to_owned(),
        label: "Maladie".to_owned(),
        neutral_label: None,
        sensitive: false,
        legitimacy: Legitimacy::ChildIll,
        explains: true,
        receivable: Some(true),
        regularises: true,
        in_care: false,
        closed: false,
    }
}

fn course() -> CourseId {
    CourseId(id(7, 0))
}

fn id(kind: u32, n: u32) -> Uuid {
    Uuid::from_u128(u128::from(kind) << 64 | u128::from(n))
}
