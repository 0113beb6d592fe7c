//! Counting a month anew: what follows of a file, of lessons or of a follow-up for the ladder of the law.
//!
//! Every count is taken from tables that know the event, so that it never knows less than the event. It
//! may know more; and two that are taken at once may be given in the wrong order. Therefore what was
//! given is an event that is reacted to as well: whoever opened a follow-up by an older word takes it
//! back by the newer one.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Consequence, Event, Recorded, SchoolYear, StudentId, Uai,
    followups::{
        FollowUpEvent, FollowUpId, Standing, Step,
        ladder::{Known, Recount, Stretch},
    },
    is_acted_on,
    schools::SchoolSheet,
    touched,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use sqlx::SqlitePool;

use super::Reactor;

/// Students who are counted at once.
const STUDENTS_AT_ONCE: usize = 8;

/// A school, as it counts at an instant.
struct Counting<'a> {
    db: &'a SqlitePool,
    school: Uai,
    sheet: &'a SchoolSheet,
    today: NaiveDate,
}

impl Reactor {
    /// What follows for the months of a student of whose file something was written.
    pub(super) async fn of_line(
        &self,
        recorded: &Recorded,
        (student, year): (StudentId, SchoolYear),
        sheet: &SchoolSheet,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Consequence>> {
        let Event::Attendance(_, _, event) = &recorded.event else { return Ok(Vec::new()) };
        if !is_acted_on(recorded, now) {
            return Ok(Vec::new());
        }
        let db = self.tables.db();
        let lines = projections::attendance::file(&db, student, year).await?;
        let Some(line) = lines.iter().find(|line| line.line == event.line()) else {
            return Ok(Vec::new());
        };
        let days = line.exemption.as_ref().map_or_else(
            || Stretch { from: sheet.local_date(line.starts), until: sheet.local_date(line.ends) },
            |exemption| Stretch { from: exemption.first_day, until: exemption.last_day },
        );
        Counting::new(&db, recorded, sheet, now).of_student(student, days).await
    }

    /// What follows for those whose lessons of the past have changed.
    pub(super) async fn of_lessons(&self, recorded: &Recorded) -> anyhow::Result<Vec<Consequence>> {
        let now = self.journal.clock().now();
        if !is_acted_on(recorded, now) {
            return Ok(Vec::new());
        }
        self.tables.reach(recorded.position).await;
        let db = self.tables.db();
        let school = projections::schools::sheet(&db, recorded.header.school).await?;
        let Some(sheet) = school else { return Ok(Vec::new()) };
        let Some((whose, days)) = touched(recorded, &sheet, now) else { return Ok(Vec::new()) };
        let counting = Counting::new(&db, recorded, &sheet, now);
        let school = (counting.school, counting.sheet);
        let students = projections::followups::with_lines_in(&db, school, whose, days).await?;
        let mut each = Vec::with_capacity(students.len());
        for student in students {
            each.push(counting.of_student(student, days));
        }
        let all: Vec<_> =
            stream::iter(each).buffer_unordered(STUDENTS_AT_ONCE).try_collect().await?;
        Ok(all.concat())
    }

    /// What follows of a follow-up that was opened or has lapsed: it may have been counted before
    /// something else was known.
    pub(super) async fn of_follow_up(
        &self,
        recorded: &Recorded,
        id: FollowUpId,
        event: &FollowUpEvent,
    ) -> anyhow::Result<Vec<Consequence>> {
        let now = self.journal.clock().now();
        let counted = match event {
            FollowUpEvent::FollowUpOpened { .. } | FollowUpEvent::FollowUpLapsed { .. } => {
                is_acted_on(recorded, now)
            }
            FollowUpEvent::FollowUpMeasureNoted { .. }
            | FollowUpEvent::FollowUpContactMade { .. }
            | FollowUpEvent::FollowUpClosed { .. } => false,
        };
        if !counted {
            return Ok(Vec::new());
        }
        self.tables.reach(recorded.position).await;
        let db = self.tables.db();
        let Some(sheet) = projections::schools::sheet(&db, id.school).await? else {
            return Ok(Vec::new());
        };
        let day = Stretch { from: id.day, until: id.day };
        Counting::new(&db, recorded, &sheet, now).of_student(id.student, day).await
    }
}

impl<'a> Counting<'a> {
    fn new(
        db: &'a SqlitePool,
        recorded: &Recorded,
        sheet: &'a SchoolSheet,
        now: DateTime<Utc>,
    ) -> Self {
        Self { db, school: recorded.header.school, sheet, today: sheet.local_date(now) }
    }

    /// What follows for one student of something that has changed on these days. The present month is
    /// counted with it: a lesson may have been moved into it since.
    async fn of_student(
        &self,
        student: StudentId,
        days: Stretch,
    ) -> anyhow::Result<Vec<Consequence>> {
        let known = projections::followups::of_student(self.db, self.school, student).await?;
        let known: Vec<Known> = known.iter().map(|row| row.known()).collect();
        let stands = known.iter().any(|known| known.standing == Standing::Open);
        if !stands && !self.may_reach_a_step(student).await? {
            return Ok(Vec::new());
        }
        let Self { school, sheet, today, .. } = *self;
        let recount = Recount { school, student, sheet, today, known: &known };
        let touched = [days, recount.present()];
        let Some(counted) = recount.days(&touched) else { return Ok(Vec::new()) };
        let school = (school, sheet);
        let (tally, _) = projections::followups::tally(self.db, student, school, counted).await?;
        let commands = recount.commands(&touched, &tally).into_iter();
        let asked =
            commands.map(|(follow_up, command)| Consequence::FollowUp { follow_up, command });
        Ok(asked.collect())
    }

    /// Few students ever come near a step: the others cost one question.
    async fn may_reach_a_step(&self, student: StudentId) -> anyhow::Result<bool> {
        let year = SchoolYear::containing(self.today);
        let at_most = projections::followups::at_most(self.db, student, self.sheet, year).await?;
        let reaches = |(step, missed): &(Step, u32)| {
            let threshold = step.threshold(&self.sheet.settings);
            threshold.is_some_and(|threshold| *missed >= threshold)
        };
        Ok(at_most.iter().any(reaches))
    }
}
