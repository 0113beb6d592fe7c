//! Who is away when, and what is told of it beforehand: illness, appointments, exemptions.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Days, Utc};
use domain::{
    LineId, StudentId,
    attendance::{AttendanceCommand, Exemption, GiveReason, GivenBy, Period},
    schools::Half,
};

use super::{
    World, calendar,
    courses::PE,
    dice::Dice,
    people::Student,
    script::{Ask, Writer},
};

/// The last slot of a day.
const LAST_SLOT: u8 = 2 * calendar::SLOTS_OF_HALF;

/// A part of a day that a student is away for.
#[derive(Clone, Copy)]
pub(super) struct Away {
    /// The first slot missed.
    first: u8,
    /// The last slot missed.
    last: u8,
    /// The code of the reason.
    pub(super) reason: &'static str,
    /// Whether the school was told before the lessons were missed.
    pub(super) told: bool,
}

/// Who is away, by the number of the day.
pub(super) struct Spells {
    away: BTreeMap<(usize, StudentId), Away>,
    exempted: Vec<StudentId>,
}

impl Spells {
    /// Throws who is away in the ten days, and writes what is told of it beforehand.
    ///
    /// # Errors
    /// When the list of reasons lacks one.
    pub(super) fn write(world: &World, writer: &mut Writer, seed: u64) -> anyhow::Result<Self> {
        let mut dice = Dice::at_table(seed, 2);
        let mut spells = Self { away: BTreeMap::new(), exempted: Vec::new() };
        for student in &world.people.students {
            let mut day = 0;
            while day < world.days.len() {
                day += spells.throw(world, writer, &mut dice, (student, day))?.max(1);
            }
        }
        spells.depart(world, writer, &mut dice)?;
        spells.exempt(world, writer, &mut dice);
        Ok(spells)
    }

    /// What a student misses a slot of a day for, if they do.
    pub(super) fn away(&self, day: usize, student: StudentId, slot: u8) -> Option<Away> {
        let away = self.away.get(&(day, student)).copied();
        away.filter(|away| (away.first..=away.last).contains(&slot))
    }

    /// Whether the student need not be in lessons of a subject.
    pub(super) fn is_exempted(&self, student: StudentId, subject: &str) -> bool {
        subject == PE && self.exempted.contains(&student)
    }

    /// Whether the student is there all day.
    pub(super) fn is_there(&self, day: usize, student: StudentId) -> bool {
        !self.away.contains_key(&(day, student)) && !self.exempted.contains(&student)
    }

    /// Throws what befalls a student on a day. Answers how many days it lasts.
    fn throw(
        &mut self,
        world: &World,
        writer: &mut Writer,
        dice: &mut Dice,
        (student, day): (&Student, usize),
    ) -> anyhow::Result<usize> {
        if dice.in_thousand(15) {
            let days = (1 + dice.below(3)).min(world.days.len() - day);
            let told = dice.in_thousand(600);
            let away = Away { first: 1, last: LAST_SLOT, reason: "illness", told };
            self.away.extend((day..day + days).map(|day| ((day, student.id), away)));
            if told {
                announce(world, writer, student, (day, day + days - 1))?;
            }
            return Ok(days);
        }
        if dice.in_thousand(10) {
            let noon = calendar::SLOTS_OF_HALF;
            let (first, last) = *dice.one_of(&[(1, noon), (noon + 1, LAST_SLOT)]);
            let reason = *dice.one_of(&[
                "illness",
                "family",
                "medical-appointment",
                "overslept",
                "transport",
            ]);
            self.away.insert((day, student.id), Away { first, last, reason, told: false });
        }
        Ok(1)
    }

    /// Three students are fetched before the last lessons, on days with lessons in the afternoon.
    fn depart(
        &mut self,
        world: &World,
        writer: &mut Writer,
        dice: &mut Dice,
    ) -> anyhow::Result<()> {
        let long = |day: &usize| !world.sheet.is_closed(world.days[*day], Half::Afternoon);
        for day in (1..world.days.len() - 1).filter(long).step_by(2).take(3) {
            let students = &world.people.students;
            let student = dice.one_of(students);
            let (at, to) = (instant(world, day, (15, 35)), instant(world, day, (18, 0)));
            if !self.is_there(day, student.id) {
                continue;
            }
            let away =
                Away { first: 7, last: LAST_SLOT, reason: "medical-appointment", told: true };
            self.away.insert((day, student.id), away);
            let line = LineId::of_command(writer.next_command());
            let depart =
                AttendanceCommand::RecordDeparture { line, period: Period { from: at, to } };
            let file = (student.id, world.year);
            writer.ask(at, at, world.cpe, Ask::Attendance(file, depart));
            let reason = Box::new(world.reason(away.reason, GivenBy::Office, None)?);
            let give = AttendanceCommand::GiveReason { line, reason };
            writer.ask(at, at, world.cpe, Ask::Attendance(file, give));
        }
        Ok(())
    }

    /// Two students do no sport for three weeks; one stays in the lessons all the same.
    fn exempt(&mut self, world: &World, writer: &mut Writer, dice: &mut Dice) {
        let at = instant(world, 0, (7, 45));
        for attends in [false, true] {
            let student = dice.one_of(&world.people.students).id;
            let line = LineId::of_command(writer.next_command());
            let (first_day, subject) = (world.days[0], PE.to_owned());
            let last_day = first_day + Days::new(21);
            let exemption = Exemption { subject, first_day, last_day, attends };
            let grant = AttendanceCommand::GrantExemption { line, exemption };
            writer.ask(at, at, world.cpe, Ask::Attendance((student, world.year), grant));
            if !attends {
                self.exempted.push(student);
            }
        }
    }
}

/// A guardian tells the evening before that the student is ill; the office accepts it the next day.
fn announce(
    world: &World,
    writer: &mut Writer,
    student: &Student,
    (first, last): (usize, usize),
) -> anyhow::Result<()> {
    let guardian = world.people.guardian_of(student).person.id;
    let evening = world.days[first] - Days::new(1);
    let at = world.sheet.instant(evening, calendar::time((18, 40)));
    let period = Period { from: instant(world, first, (8, 0)), to: instant(world, last, (18, 0)) };
    let line = LineId::of_command(writer.next_command());
    let by = GivenBy::Family(guardian);
    let reason = Box::new(world.reason(
        "illness",
        by,
        Some("Bonjour, mon enfant ne viendra pas, merci."),
    )?);
    let announce = AttendanceCommand::AnnounceAbsence { line, period, reason };
    let file = (student.id, world.year);
    writer.ask(at, at, guardian, Ask::Attendance(file, announce));
    let at = instant(world, first, (10, 5));
    let accept = AttendanceCommand::AcceptReason { line };
    writer.ask(at, at, world.cpe, Ask::Attendance(file, accept));
    Ok(())
}

/// A time of one of the ten days.
pub(super) fn instant(world: &World, day: usize, time: (u32, u32)) -> DateTime<Utc> {
    world.sheet.instant(world.days[day], calendar::time(time))
}

impl World {
    /// A reason of the school's list, given by somebody.
    ///
    /// # Errors
    /// When the list has none of this code.
    pub(super) fn reason(
        &self,
        code: &str,
        by: GivenBy,
        comment: Option<&str>,
    ) -> anyhow::Result<GiveReason> {
        let reason = self.sheet.reason(code);
        let reason = reason.with_context(|| format!("no reason has the code {code}"))?.clone();
        let comment = comment.map(str::to_owned);
        let (list, document, by_themselves) = (self.sheet.reasons_version(), None, false);
        Ok(GiveReason { reason, list, by, comment, document, by_themselves })
    }
}
