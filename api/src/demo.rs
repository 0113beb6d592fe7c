//! The demo: one invented school in the Bas-Rhin, its people, and its last ten days of lessons.
//!
//! A seed and a day give one script, to the last id; the script is then played through the journal
//! like requests of real people, with a clock that shows its own time. What Préau does of itself
//! happens in between, as it would have then. No real school, person or address is meant.

mod calendar;
mod changes;
mod courses;
mod dice;
mod founding;
mod life;
mod names;
mod people;
mod reasons;
mod script;
mod spells;
#[cfg(test)]
mod tests;
mod timetable;
mod told;

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use chrono::{Datelike, NaiveDate, TimeDelta};
use domain::{
    PersonId, SchoolYear, Stream,
    attendance::Attendance,
    classes::Class,
    families::Family,
    people::{Function, Person},
    rollcalls::RollCall,
    schools::{School, SchoolCommand, SchoolSheet},
    timetable::{Course, CoursePlan, TimetableCommand},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use replay::{Journal, Node, clock::SetClock};

pub use told::{Told, try_this};

use crate::Dispatcher;
use courses::Programme;
use people::People;
use script::{Ask, Request, Scene, Writer};

/// No real school has it; its letter agrees.
const SCHOOL: &str = "0679999E";

/// Families are told so long after a scene: the grace delay, and the minute in which a message waits for those
/// about siblings.
const TOLD_WITHIN: TimeDelta = TimeDelta::minutes(11);

/// Days of lessons that are told.
const DAYS: usize = 10;

/// Streams that are written at once: their commits share a write to the disk.
const STREAMS_AT_ONCE: usize = 64;

/// How often a scene waits for the tables, some seconds each time.
const WAITS_MAX: usize = 24;

/// All that the script is about.
struct World {
    year: SchoolYear,
    sheet: SchoolSheet,
    /// The ten days, in order.
    days: Vec<NaiveDate>,
    people: People,
    /// Who heads the school.
    head: PersonId,
    /// Who runs school life.
    cpe: PersonId,
    programme: Programme,
    /// The courses as planned, in the order of the programme.
    plans: Vec<CoursePlan>,
    /// The courses of the programme, with what has become of their lessons so far.
    courses: Vec<Course>,
}

/// Fills the log of a node with the school that `seed` gives, as if the ten last days with lessons
/// before `today` had been lived, and its families told. `clock` is the one that the node records by; it
/// ends on the last of these days.
///
/// # Errors
/// When the log fails, or `today` lies in no year that a calendar can be made for.
pub async fn seed(
    (node, sending): (&Node, &mut Dispatcher),
    clock: &SetClock,
    seed: u64,
    today: NaiveDate,
) -> anyhow::Result<Told> {
    let (scenes, told) = write(seed, today)?;
    for scene in scenes {
        let at = scene.at;
        // What falls due before is told in time, and before anything else happens.
        for until in [at.min(clock.now() + TOLD_WITHIN), at] {
            clock.set(until);
            sending.settle().await.with_context(|| format!("telling families until {until}"))?;
        }
        play(node, scene).await.with_context(|| format!("in the scene of {at}"))?;
    }
    clock.set(clock.now() + TOLD_WITHIN);
    sending.settle().await.context("telling families of the last day")?;
    Ok(told)
}

/// What `seed` tells of the same school, without playing it.
///
/// # Errors
/// When `today` lies in no year that a calendar can be made for.
pub fn tell(seed: u64, today: NaiveDate) -> anyhow::Result<Told> {
    Ok(write(seed, today)?.1)
}

/// Writes the whole script.
fn write(seed: u64, today: NaiveDate) -> anyhow::Result<(Vec<Scene>, Told)> {
    let mut writer = Writer::new(SCHOOL.parse()?, seed);
    let mut world = World::throw(&writer, seed, today)?;
    founding::write(&world, &mut writer)?;
    let told = life::write(&mut world, &mut writer, seed)?;
    Ok((writer.finish(), told))
}

impl World {
    fn throw(writer: &Writer, seed: u64, today: NaiveDate) -> anyhow::Result<Self> {
        // In September and in summer, the ten days are those of the year that has just ended.
        let years = [today.year(), today.year() - 1];
        let year = years.into_iter().find_map(|first| lived_before(first, today).transpose());
        let (first, (year, sheet, days)) = year.context("no year has ten days before today")??;
        let people = People::throw(writer, seed, first);
        let programme = Programme::of(writer, &people);
        let meetings = timetable::place(&programme, people.staff.len(), seed)?;
        let plans = founding::plans(&people, &programme, &sheet, (year, meetings))?;
        let schedule = |plan: &CoursePlan| TimetableCommand::ScheduleCourse { plan: plan.clone() };
        let scheduled = |plan| decided(Course::None, schedule(plan));
        let courses = plans.iter().map(scheduled).collect::<anyhow::Result<_>>()?;
        let head = people.first(Function::Head)?;
        let cpe = people.first(Function::Cpe)?;
        Ok(Self { year, sheet, days, people, head, cpe, programme, plans, courses })
    }
}

type Lived = (i32, (SchoolYear, SchoolSheet, Vec<NaiveDate>));

/// The school in the year that begins in `first`, and its last ten days with lessons before
/// `today`; nothing if it has had fewer.
fn lived_before(first: i32, today: NaiveDate) -> anyhow::Result<Option<Lived>> {
    let year = SchoolYear(u16::try_from(first).context("the year of today")?);
    let mut school = School::None;
    for command in founding::school(first, year)? {
        school = decided_school(school, command)?;
    }
    let School::Open(sheet) = school else { return Ok(None) };
    let days = calendar::days_with_lessons(&sheet, year, today);
    let days = days.len().checked_sub(DAYS).map(|from| days[from..].to_vec());
    Ok(days.map(|days| (first, (year, *sheet, days))))
}

fn decided_school(school: School, command: SchoolCommand) -> anyhow::Result<School> {
    Ok(school.decide(command)?.into_iter().fold(school, School::evolve))
}

/// The course after a command.
fn decided(course: Course, command: TimetableCommand) -> anyhow::Result<Course> {
    Ok(course.decide(command)?.into_iter().fold(course, Course::evolve))
}

/// Plays a scene, and waits until the tables show it and all that followed of itself.
async fn play(node: &Node, scene: Scene) -> anyhow::Result<()> {
    let mut by_stream: BTreeMap<Stream, Vec<Request>> = BTreeMap::new();
    for request in scene.requests {
        by_stream.entry(request.ask.stream(request.act.school)).or_default().push(request);
    }
    let each = by_stream.into_values().map(|requests| in_order(node.journal().clone(), requests));
    let written = stream::iter(each).buffer_unordered(STREAMS_AT_ONCE);
    let position = written.try_fold(0, async |last, position| Ok(last.max(position))).await?;
    for _ in 0..WAITS_MAX {
        if node.reach(position).await.is_ok() {
            return Ok(());
        }
    }
    Err(anyhow!("the tables do not reach position {position}"))
}

/// Executes the requests of one stream. Answers the last position.
async fn in_order(journal: Journal, requests: Vec<Request>) -> anyhow::Result<u64> {
    let mut last = 0;
    for request in requests {
        last = execute(&journal, &request).await.with_context(|| format!("{:?}", request.ask))?;
    }
    Ok(last)
}

async fn execute(journal: &Journal, Request { act, ask }: &Request) -> anyhow::Result<u64> {
    let done = match ask.clone() {
        Ask::School(command) => journal.execute::<School>(act.school, command, act).await?,
        Ask::Person(id, command) => journal.execute::<Person>(id, command, act).await?,
        Ask::Family(id, command) => journal.execute::<Family>(id, command, act).await?,
        Ask::Class(id, command) => journal.execute::<Class>(id, command, act).await?,
        Ask::Timetable(id, command) => journal.execute::<Course>(id, command, act).await?,
        Ask::RollCall(id, command) => journal.execute::<RollCall>(id, command, act).await?,
        Ask::Attendance(id, command) => journal.execute::<Attendance>(id, command, act).await?,
    };
    Ok(done.position)
}
