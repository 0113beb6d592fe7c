//! Ten days of school life: every lesson's roll call, corrections, and reasons given and judged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::TimeDelta;
use domain::{
    ClassId, LineId, PersonId, StudentId,
    attendance::{AttendanceCommand, GivenBy},
    classes::ClassKind,
    rollcalls::{Late, Mark, Marked, RollCallCommand},
    schools::{SchoolCommand, Setting},
    timetable::lessons::Lesson,
};

use super::{
    World, calendar, changes,
    dice::Dice,
    people::Student,
    script::{Ask, Writer},
    spells::{Spells, instant},
    told::Told,
};

/// When the log takes a roll call, and a correction, after the beginning of the lesson.
const CALLED_AFTER: TimeDelta = TimeDelta::minutes(8);
const CORRECTED_AFTER: TimeDelta = TimeDelta::minutes(25);

/// How long the visitor's mistakes can be corrected before families are told.
const GRACE_SECONDS: u32 = 5;

/// Every so many divisions, one has its last lesson of the last day left to be called.
const LEFT_EVERY: usize = 3;

/// The day whose first called lesson with an absent student is cancelled on the next.
const CANCELLED_AFTERWARDS: usize = 6;

/// Lives the days and writes down what is asked.
struct Life<'a> {
    world: &'a mut World,
    writer: &'a mut Writer,
    spells: Spells,
    dice: Dice,
    classes: BTreeMap<ClassId, BTreeSet<StudentId>>,
    /// The absences of the day that nobody has explained yet, with the reason there is.
    open: Vec<(StudentId, LineId, &'static str)>,
    /// Who has been absent so far.
    missed: BTreeSet<StudentId>,
}

/// Writes the scenes of the ten days, and tells what is left for the visitor.
///
/// # Errors
/// When the invented school lacks what the days need.
pub(super) fn write(world: &mut World, writer: &mut Writer, seed: u64) -> anyhow::Result<Told> {
    let spells = Spells::write(world, writer, seed)?;
    changes::write(world, writer)?;
    let classes = world.programme.classes.iter();
    let classes = classes.map(|class| (class.id, class.students.iter().copied().collect()));
    let classes = classes.collect();
    let dice = Dice::at_table(seed, 3);
    let (open, missed) = (Vec::new(), BTreeSet::new());
    let mut life = Life { world, writer, spells, dice, classes, open, missed };
    let last = life.world.days.len() - 1;
    (0..last).try_for_each(|day| life.live(day))?;
    let left = life.left_to_call(last);
    life.call_rolls(last, &left)?;
    // The visitor shall not have to wait for ten minutes.
    let evening = instant(life.world, last, (18, 0));
    let setting = Setting::AlertGraceSeconds(GRACE_SECONDS);
    let choose = Ask::School(SchoolCommand::ChooseSetting { setting });
    life.writer.ask(evening, evening, life.world.head, choose);
    life.tell(last, &left)
}

impl Life<'_> {
    /// A whole day, and what is said of it the next morning.
    fn live(&mut self, day: usize) -> anyhow::Result<()> {
        let called = self.call_rolls(day, &[])?;
        if day == CANCELLED_AFTERWARDS {
            let lesson = called.context("a lesson that somebody missed")?;
            let at = instant(self.world, day + 1, (10, 7));
            changes::cancel_afterwards(self.world, self.writer, at, &lesson)?;
        }
        self.explain(day + 1)
    }

    /// Calls the rolls of a day, but for some. Answers the first lesson that somebody missed.
    fn call_rolls(&mut self, day: usize, left: &[Lesson]) -> anyhow::Result<Option<Lesson>> {
        let mut lessons = changes::lessons_of(self.world, day);
        lessons.retain(|lesson| !lesson.cancelled && !left.contains(lesson));
        lessons.sort_by_key(|lesson| lesson.place.slot);
        let mut seen = BTreeSet::new();
        let mut first_missed = None;
        for lesson in lessons {
            let absent = self.call_roll(day, &lesson, &mut seen)?;
            if absent > 0 && first_missed.is_none() {
                first_missed = Some(lesson);
            }
        }
        Ok(first_missed)
    }

    /// Calls the roll of a lesson. `seen` is who has been in a lesson of the half-day before.
    /// Answers how many are absent.
    fn call_roll(
        &mut self,
        day: usize,
        lesson: &Lesson,
        seen: &mut BTreeSet<(StudentId, bool)>,
    ) -> anyhow::Result<usize> {
        let (mut absent, mut late, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        let class = self.classes[&lesson.class].clone();
        for student in class.iter().copied() {
            let afternoon = lesson.place.slot > calendar::SLOTS_OF_HALF;
            let first = seen.insert((student, afternoon));
            match self.mark(day, lesson, (student, first)) {
                Mark::Present => {}
                Mark::Late { minutes } => late.push(Late { student, minutes }),
                Mark::Absent => {
                    absent.push(student);
                    wrong.extend(self.follow(day, lesson, student)?);
                }
            }
        }
        let teacher = lesson.teachers[0];
        let minutes = 2 + i64::try_from(self.dice.below(6))?;
        let at = lesson.time.starts_at + CALLED_AFTER;
        let called_at = lesson.time.starts_at + TimeDelta::minutes(minutes);
        let missing = absent.len();
        let take = RollCallCommand::TakeRollCall {
            lesson: Box::new(lesson.clone()),
            class: class.clone(),
            absent,
            late,
        };
        self.writer.ask(at, called_at, teacher, Ask::RollCall(lesson.lesson, take));
        if !wrong.is_empty() {
            let at = lesson.time.starts_at + CORRECTED_AFTER;
            let (lesson_id, lesson) = (lesson.lesson, Box::new(lesson.clone()));
            let correct = RollCallCommand::CorrectRollCall { lesson, class, marks: wrong };
            self.writer.ask(at, at, teacher, Ask::RollCall(lesson_id, correct));
        }
        Ok(missing)
    }

    /// What the teacher says of a student. Who comes late comes late to the first lesson mostly.
    fn mark(&mut self, day: usize, lesson: &Lesson, (student, first): (StudentId, bool)) -> Mark {
        let away = self.spells.away(day, student, lesson.place.slot).is_some();
        if away || self.spells.is_exempted(student, &lesson.subject) {
            return Mark::Absent;
        }
        if self.dice.in_thousand(if first { 36 } else { 4 }) {
            let long = self.dice.in_thousand(120);
            let minutes = if long { 11 + self.dice.below(15) } else { 2 + self.dice.below(8) };
            return Mark::Late { minutes: u16::try_from(minutes).unwrap_or(2) };
        }
        if self.dice.in_thousand(5) { Mark::Absent } else { Mark::Present }
    }

    /// What becomes of an absence: explained by what was told before, a matter of the house,
    /// corrected by the teacher, or for the family to explain. Answers the correction.
    fn follow(
        &mut self,
        day: usize,
        lesson: &Lesson,
        student: StudentId,
    ) -> anyhow::Result<Option<Marked>> {
        let line = LineId::of_lesson(student, lesson.lesson);
        if let Some(away) = self.spells.away(day, student, lesson.place.slot) {
            self.missed.insert(student);
            if !away.told {
                self.open.push((student, line, away.reason));
            }
            return Ok(None);
        }
        if self.spells.is_exempted(student, &lesson.subject) {
            return Ok(None);
        }
        let thrown = self.dice.below(100);
        if thrown < 15 {
            let minutes = 9;
            let mark = if thrown < 8 { Mark::Present } else { Mark::Late { minutes } };
            return Ok(Some(Marked { student, mark }));
        }
        self.missed.insert(student);
        if thrown < 45 {
            let codes = ["infirmary", "library", "study-hall", "school-life-appointment"];
            let code = *self.dice.one_of(&codes);
            let at = lesson.time.ends_at + TimeDelta::minutes(2);
            let reason = Box::new(self.world.reason(code, GivenBy::Office, None)?);
            let give = AttendanceCommand::GiveReason { line, reason };
            let file = (student, self.world.year);
            self.writer.ask(at, at, self.world.cpe, Ask::Attendance(file, give));
        } else {
            let codes = ["overslept", "family", "outside-appointment", "transport"];
            self.open.push((student, line, *self.dice.one_of(&codes)));
        }
        Ok(None)
    }

    /// Most families give a reason the next morning; the CPE judges it in the evening.
    fn explain(&mut self, day: usize) -> anyhow::Result<()> {
        let (told_at, judged_at) =
            (instant(self.world, day, (7, 20)), instant(self.world, day, (17, 55)));
        let mut answers: BTreeMap<StudentId, bool> = BTreeMap::new();
        for (student, line, code) in std::mem::take(&mut self.open) {
            let answer = self.dice.in_thousand(780);
            if !*answers.entry(student).or_insert(answer) {
                continue;
            }
            let guardian = self.guardian(student)?;
            let reason = self.world.reason(code, GivenBy::Family(guardian), None)?;
            let receivable = reason.reason.receivable;
            let reason = Box::new(reason);
            let file = (student, self.world.year);
            let give = AttendanceCommand::GiveReason { line, reason };
            self.writer.ask(told_at, told_at, guardian, Ask::Attendance(file, give));
            let regularise = AttendanceCommand::Regularise { line };
            let judge = match (receivable, self.dice.below(10)) {
                (Some(true) | None, 0) => regularise,
                (Some(true), _) | (None, 1..=5) => AttendanceCommand::AcceptReason { line },
                (Some(false), _) | (None, _) => AttendanceCommand::RefuseReason { line },
            };
            self.writer.ask(judged_at, judged_at, self.world.cpe, Ask::Attendance(file, judge));
        }
        Ok(())
    }

    /// The last lesson of the day of some divisions.
    fn left_to_call(&self, day: usize) -> Vec<Lesson> {
        let lessons = changes::lessons_of(self.world, day);
        let divisions =
            self.world.programme.classes.iter().filter(|class| class.kind == ClassKind::Division);
        let last = |class: ClassId| {
            let of_class = lessons.iter().filter(|l| l.class == class && !l.cancelled);
            of_class.max_by_key(|lesson| lesson.place.slot).cloned()
        };
        divisions.step_by(LEFT_EVERY).filter_map(|class| last(class.id)).collect()
    }

    /// What the visitor is told: a lesson left to call, two students of it, an evening before.
    fn tell(&self, day: usize, left: &[Lesson]) -> anyhow::Result<Told> {
        let lesson = left.first().context("a lesson left to call")?;
        let class = self.world.programme.classes.iter().find(|class| class.id == lesson.class);
        let class = class.context("a class of the programme")?;
        let there = class.students.iter().filter(|student| self.spells.is_there(day, **student));
        let (known, new): (Vec<_>, Vec<_>) =
            there.partition(|student| self.missed.contains(student));
        let mut students = known.into_iter().chain(new);
        let mut next = || students.next().and_then(|id: &StudentId| self.student(*id));
        let (first, second) = next().zip(next()).context("two students who are there")?;
        let teacher = lesson.teachers[0];
        let staff = self.world.people.staff.iter().find(|staff| staff.person.id == teacher);
        Ok(Told {
            school: self.writer.school(),
            account: self.writer.account(self.world.cpe),
            course: lesson.course,
            planned: lesson.planned,
            subject: lesson.subject.clone(),
            class: class.id,
            class_name: class.name.clone(),
            teacher: staff.context("a teacher of the staff")?.person.name.clone(),
            absent: [first, second].map(|student| (student.id, student.name.clone())),
            guardian: self.world.people.guardian_of(first).person.name.clone(),
            evening_before: instant(self.world, day - 1, (18, 0)),
        })
    }

    fn student(&self, id: StudentId) -> Option<&Student> {
        self.world.people.students.iter().find(|student| student.id == id)
    }

    fn guardian(&self, student: StudentId) -> anyhow::Result<PersonId> {
        let student = self.student(student).context("a student of the school")?;
        Ok(self.world.people.guardian_of(student).person.id)
    }
}
