//! Follow-ups as the office works with them, and the counts of a month that they rest on.
//!
//! A follow-up is one row. Counts are not stored: they are taken from the lines, the lessons of the
//! timetable as it stands, and the reasons, each time somebody asks.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    Event, Recorded, SchoolYear, StudentId, Uai, Whose,
    attendance::half_days::{HalfDayCount, LessonToFollow},
    followups::{
        FollowUp, FollowUpEvent, FollowUpId, FollowUpSheet, Standing, Step,
        ladder::{Known, LegalMonth, Stretch, Tally},
    },
    schools::SchoolSheet,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{
    attendance::{Counted, LineKind, LineRow, column, counted, file},
    fold::Table,
    row, rows,
};

/// A lesson that was moved by more than this counts where it was planned when somebody looks for
/// students to count, and where it takes place once they are counted.
const MOVED_WITHIN: TimeDelta = TimeDelta::days(31);

/// A follow-up as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FollowUpRow {
    /// In which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// About whom.
    pub student: StudentId,
    /// The first day of the calendar month, or the day on which the last thirty reached the step.
    pub day: NaiveDate,
    /// What was reached.
    pub step: Step,
    /// What stands.
    #[serde(flatten)]
    pub sheet: FollowUpSheet,
    /// When it was last opened.
    pub opened_at: DateTime<Utc>,
}

/// What counts in a month up to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthCount {
    /// The month, as far as it is counted.
    #[serde(flatten)]
    pub month: Stretch,
    /// Half-days without a receivable reason, in hundredths.
    pub unjustified_percent: u32,
    /// Latenesses without a receivable reason.
    pub latenesses: u32,
    /// Early departures without a receivable reason.
    pub departures: u32,
}

/// What counts in both kinds of months: no text says which is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthCounts {
    /// Since the first of the month.
    pub calendar: MonthCount,
    /// In the thirty days that end with the day.
    pub sliding: MonthCount,
}

impl FollowUpRow {
    /// Which follow-up.
    pub fn id(&self) -> FollowUpId {
        let Self { school, student, day, step, .. } = *self;
        FollowUpId { school, student, day, step }
    }

    /// What a count has to know of it.
    pub fn known(&self) -> Known {
        Known { id: self.id(), month: self.sheet.month, standing: self.sheet.standing }
    }
}

impl MonthCount {
    fn of(tally: &Tally, month: Stretch) -> Self {
        Self {
            month,
            unjustified_percent: tally.percent(Step::FourHalfDays, month),
            latenesses: tally.percent(Step::Lateness, month) / 100,
            departures: tally.percent(Step::Departures, month) / 100,
        }
    }
}

impl MonthCounts {
    /// The days that both kinds of months up to a day are made of.
    pub fn days(day: NaiveDate) -> Stretch {
        let [calendar, sliding] = Self::months(day);
        Stretch { from: calendar.from.min(sliding.from), until: day }
    }

    /// What counts up to a day.
    pub fn of(tally: &Tally, day: NaiveDate) -> Self {
        let [calendar, sliding] = Self::months(day).map(|month| MonthCount::of(tally, month));
        Self { calendar, sliding }
    }

    fn months(day: NaiveDate) -> [Stretch; 2] {
        [LegalMonth::Calendar, LegalMonth::Sliding30Days].map(|month| month.up_to(day))
    }
}

/// The follow-ups of a school that stand.
///
/// # Errors
/// When the read model cannot be read.
pub async fn open_in_school(db: &SqlitePool, school: Uai) -> sqlx::Result<Vec<FollowUpRow>> {
    let question = "select row from follow_up where school = ?1 and standing = 'open'
        order by day desc, student, step";
    rows(sqlx::query_scalar(question).bind(school.to_string()), db).await
}

/// All follow-ups of a student in a school.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_student(
    db: &SqlitePool,
    school: Uai,
    student: StudentId,
) -> sqlx::Result<Vec<FollowUpRow>> {
    let question = "select row from follow_up where school = ?1 and student = ?2
        order by day, step";
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(student.to_string()), db).await
}

/// A follow-up.
///
/// # Errors
/// When the read model cannot be read.
pub async fn follow_up(db: &SqlitePool, id: FollowUpId) -> sqlx::Result<Option<FollowUpRow>> {
    let FollowUpId { school, student, day, step } = id;
    let question = "select row from follow_up
        where school = ?1 and student = ?2 and day = ?3 and step = ?4";
    let question = sqlx::query_scalar(question).bind(school.to_string()).bind(student.to_string());
    row(question.bind(day.to_string()).bind(<&str>::from(step)), db).await
}

/// Those of whose absences some may count otherwise who have lines without a receivable reason that may
/// count in some days.
///
/// # Errors
/// When the read model cannot be read.
pub async fn with_lines_in(
    db: &SqlitePool,
    (school, sheet): (Uai, &SchoolSheet),
    whose: Whose,
    days: Stretch,
) -> sqlx::Result<Vec<StudentId>> {
    let (of_these, id) = match whose {
        Whose::Student(student) => ("student = ?4", student.to_string()),
        Whose::Course(course) => (
            "student in (select m.student from course c join class_member m on m.class = c.class
                where c.course = ?4)",
            course.to_string(),
        ),
        Whose::School => ("school = ?4", school.to_string()),
    };
    let question = format!(
        "select distinct student from attendance_line
        where {of_these} and school = ?1 and starts >= ?2 and starts < ?3
          and not row ->> 'withdrawn' and row ->> 'kind' in ('absence', 'lateness', 'departure')
          and coalesce(row ->> 'receivable', 0) <> 1
        order by student"
    );
    let (from, until) = around(days, sheet);
    let question = sqlx::query_scalar(sqlx::AssertSqlSafe(question));
    let question = question.bind(school.to_string()).bind(from).bind(until).bind(id);
    let students: Vec<String> = question.fetch_all(db).await?;
    let read = |student: &String| student.parse().map_err(|_| sqlx::Error::RowNotFound);
    students.iter().map(read).collect()
}

/// The students of a school whose lines that may count in some days are enough for a step of the ladder, or
/// for all but one of what it takes: nobody else needs to be counted. Costs one question.
///
/// # Errors
/// When the read model cannot be read.
pub async fn may_be_near(
    db: &SqlitePool,
    (school, sheet): (Uai, &SchoolSheet),
    days: Stretch,
) -> sqlx::Result<Vec<StudentId>> {
    let question = "select row from attendance_line
        where school = ?1 and starts >= ?2 and starts < ?3
          and not row ->> 'withdrawn' and row ->> 'kind' in ('absence', 'lateness', 'departure')
          and coalesce(row ->> 'receivable', 0) <> 1";
    let (from, until) = around(days, sheet);
    let question = sqlx::query_scalar(question).bind(school.to_string()).bind(from).bind(until);
    let mut of_students: BTreeMap<StudentId, Vec<LineRow>> = BTreeMap::new();
    for line in rows::<LineRow>(question, db).await? {
        of_students.entry(line.student).or_default().push(line);
    }
    of_students.retain(|_, lines| {
        most(lines, sheet).iter().any(|(step, at_most)| {
            let threshold = step.threshold(&sheet.settings);
            threshold
                .is_some_and(|threshold| *at_most > 0 && at_most.saturating_add(100) >= threshold)
        })
    });
    Ok(of_students.into_keys().collect())
}

/// The instants between which a line begins that may count in some days, as the table has them.
fn around(days: Stretch, sheet: &SchoolSheet) -> (String, String) {
    let midnight = |day| sheet.instant(day, chrono::NaiveTime::MIN);
    let (from, until) = (midnight(days.from), midnight(days.until));
    (column(from - MOVED_WITHIN), column(until + TimeDelta::days(1) + MOVED_WITHIN))
}

/// What a student missed at most in a school year without a receivable reason, in hundredths: whoever
/// stays below a step with that needs not be counted. Costs one question.
///
/// # Errors
/// When the read model cannot be read.
pub async fn at_most(
    db: &SqlitePool,
    student: StudentId,
    sheet: &SchoolSheet,
    year: SchoolYear,
) -> sqlx::Result<[(Step, u32); 4]> {
    Ok(most(&file(db, student, year).await?, sheet))
}

/// What lines come to at most, for each step.
fn most(lines: &[LineRow], sheet: &SchoolSheet) -> [(Step, u32); 4] {
    let of = |kind| lines.iter().filter(move |line| line.kind == kind && line.counts(sheet));
    let times = |kind| u32::try_from(of(kind).count()).unwrap_or(u32::MAX).saturating_mul(100);
    let half_days: u32 = of(LineKind::Absence).map(|line| line.half_days_at_most(sheet)).sum();
    let half_days = half_days.saturating_mul(100);
    [
        (Step::FourHalfDays, half_days),
        (Step::TenHalfDays, half_days),
        (Step::Lateness, times(LineKind::Lateness)),
        (Step::Departures, times(LineKind::Departure)),
    ]
}

/// What a student missed on some days, and the half-days of it as they are told.
///
/// # Errors
/// When the read model cannot be read.
pub async fn tally(
    db: &SqlitePool,
    student: StudentId,
    school: (Uai, &SchoolSheet),
    days: Stretch,
) -> sqlx::Result<(Tally, HalfDayCount)> {
    let Counted { lines, lessons, half_days } = counted(db, student, school, &days.days()).await?;
    let days_of = |kind| {
        let of_kind = lines.iter().filter(|line| line.kind == kind && line.counts(school.1));
        of_kind.filter_map(|line| line.first_of(&lessons, school.1)).collect()
    };
    let tally = Tally {
        half_days: half_days.half_days.clone(),
        latenesses: days_of(LineKind::Lateness),
        departures: days_of(LineKind::Departure),
    };
    Ok((tally, half_days))
}

impl LineRow {
    /// Whether it stands, without a reason that was judged good, and while nobody had the student in care.
    fn counts(&self, sheet: &SchoolSheet) -> bool {
        let missed = self.missed(sheet);
        !self.withdrawn && !missed.receivable && !missed.in_care
    }

    fn half_days_at_most(&self, sheet: &SchoolSheet) -> u32 {
        if self.lesson.is_some() {
            return 1;
        }
        let days = sheet.local_date(self.ends) - sheet.local_date(self.starts);
        u32::try_from(2 * (days.num_days() + 1)).unwrap_or_default()
    }

    /// The day of the first lesson that it takes something away of.
    fn first_of(&self, lessons: &[LessonToFollow], sheet: &SchoolSheet) -> Option<NaiveDate> {
        let missed = self.missed(sheet);
        lessons.iter().filter(|lesson| missed.is_from(lesson)).map(|lesson| lesson.date).min()
    }
}

pub(crate) struct FollowUps;

impl Table for FollowUps {
    type Key = (Uai, StudentId, NaiveDate, Step);
    type Row = FollowUpRow;
    const NAME: &'static str = "follow_up";
    const COLUMNS: &'static [&'static str] = &["school", "student", "day", "step", "standing"];
    const KEY: usize = 4;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut(Self::Key)) {
        if let Event::FollowUp(FollowUpId { school, student, day, step }, _) = &recorded.event {
            touch((*school, *student, *day, *step));
        }
    }

    fn key(row: &FollowUpRow) -> Self::Key {
        (row.school, row.student, row.day, row.step)
    }

    fn columns(row: &FollowUpRow) -> Vec<String> {
        let standing = match row.sheet.standing {
            Standing::Open => "open",
            Standing::Lapsed => "lapsed",
            Standing::Closed => "closed",
        };
        vec![
            row.school.to_string(),
            row.student.to_string(),
            row.day.to_string(),
            <&str>::from(row.step).to_owned(),
            standing.to_owned(),
        ]
    }

    fn fold(old: Option<FollowUpRow>, _: &Self::Key, recorded: &Recorded) -> Option<FollowUpRow> {
        let Event::FollowUp(FollowUpId { school, student, day, step }, event) = &recorded.event
        else {
            return old;
        };
        let at = recorded.header.recorded_at;
        let opened_at = match event {
            FollowUpEvent::FollowUpOpened { .. } => at,
            FollowUpEvent::FollowUpLapsed { .. }
            | FollowUpEvent::FollowUpMeasureNoted { .. }
            | FollowUpEvent::FollowUpContactMade { .. }
            | FollowUpEvent::FollowUpClosed { .. } => old.as_ref().map_or(at, |row| row.opened_at),
        };
        let state = old.map_or(FollowUp::None, |row| FollowUp::Opened(Box::new(row.sheet)));
        let FollowUp::Opened(sheet) = state.evolve(event) else { return None };
        let (school, student, day, step) = (*school, *student, *day, *step);
        Some(FollowUpRow { school, student, day, step, sheet: *sheet, opened_at })
    }
}
