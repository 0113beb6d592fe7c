//! Attendance files as the school-life office and families see them, and the half-days they count.
//!
//! A line is one row. Half-days are not stored: they are counted from the lines, the lessons of the
//! timetable as it stands, and the reasons, each time somebody asks.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use domain::{
    AccountId, DocumentId, Event, LessonId, LineId, PersonId, Recorded, SchoolYear, StudentId, Uai,
    attendance::{
        AttendanceEvent, Exemption, Given, Period, Source,
        half_days::{HalfDayCount, HalfDayRule, LessonToFollow, Missed},
    },
    schools::SchoolSheet,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, rows, timetable};

/// A line of a student's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineRow {
    /// Whose file.
    pub student: StudentId,
    /// Of which year.
    pub year: SchoolYear,
    /// Which line.
    pub line: LineId,
    /// In which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// What it is about.
    pub kind: LineKind,
    /// When it begins; for an exemption, the first instant of its first day in UTC.
    pub starts: DateTime<Utc>,
    /// When it ends.
    pub ends: DateTime<Utc>,
    /// The lesson whose roll call says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<LessonId>,
    /// By how many minutes the student was late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u16>,
    /// What the student is exempted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// The reason given: *motivée*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonOfLine>,
    /// Whether the reason was judged good: *recevable*; nothing while it was not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receivable: Option<bool>,
    /// Whether nothing more is asked of the family: *régularisée*.
    pub regularised: bool,
    /// Whether it was taken back.
    pub withdrawn: bool,
    /// Who wrote it first.
    pub recorded_by: AccountId,
    /// When it was written first.
    pub recorded_at: DateTime<Utc>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// Not there.
    Absence,
    /// Came late.
    Lateness,
    /// Left early.
    Departure,
    /// A guardian told beforehand.
    Announcement,
    /// Need not follow a subject.
    Exemption,
}

/// A reason as it stands in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonOfLine {
    /// Its code, unless it is not told because of what it reveals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What is told in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The version of the school's list that it was taken from.
    pub list: u32,
    /// Who gave it: `office`, `family`, or `covering` for the declaration that covers the lesson.
    pub given_by: String,
    /// Which member of the family, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// In their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What was shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentId>,
}

/// A student's file of one year, in the order of time.
///
/// # Errors
/// When the read model cannot be read.
pub async fn file(
    db: &SqlitePool,
    student: StudentId,
    year: SchoolYear,
) -> sqlx::Result<Vec<LineRow>> {
    let question = "select row from attendance_line where student = ?1 and year = ?2
        order by starts, line";
    rows(sqlx::query_scalar(question).bind(student.to_string()).bind(year.0), db).await
}

/// The lines of a school that begin in a period: those after `after` in the order of their ids, at
/// most `max`. Exemptions and withdrawn lines are not among them.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school(
    db: &SqlitePool,
    school: Uai,
    period: Period,
    after: Option<LineId>,
    max: u32,
) -> sqlx::Result<Vec<LineRow>> {
    let question = "select row from attendance_line
        where school = ?1 and starts >= ?2 and starts < ?3 and line > ?4
          and not row ->> 'withdrawn' and row ->> 'kind' <> 'exemption'
        order by line limit ?5";
    let question = sqlx::query_scalar(question)
        .bind(school.to_string())
        .bind(column(period.from))
        .bind(column(period.to))
        .bind(after.map(|line| line.to_string()).unwrap_or_default())
        .bind(max);
    rows(question, db).await
}

/// The half-days that a student missed on the days of a school, counted by its rule.
///
/// # Errors
/// When the read model cannot be read.
pub async fn half_days(
    db: &SqlitePool,
    student: StudentId,
    school: (Uai, &SchoolSheet),
    days: &[NaiveDate],
) -> sqlx::Result<HalfDayCount> {
    Ok(counted(db, student, school, days).await?.half_days)
}

/// What was counted, and what it was counted from.
pub(crate) struct Counted {
    /// The lines of the years that the days lie in, without those that were withdrawn.
    pub(crate) lines: Vec<LineRow>,
    /// The lessons that the student had to follow.
    pub(crate) lessons: Vec<LessonToFollow>,
    /// What was missed of them.
    pub(crate) half_days: HalfDayCount,
}

/// The same, with what it was counted from.
pub(crate) async fn counted(
    db: &SqlitePool,
    student: StudentId,
    school: (Uai, &SchoolSheet),
    days: &[NaiveDate],
) -> sqlx::Result<Counted> {
    let sheet = school.1;
    let years: BTreeSet<SchoolYear> =
        days.iter().filter_map(|day| sheet.year_of(*day)).map(|(year, _)| year).collect();
    let mut lines = Vec::new();
    for year in years {
        lines.extend(file(db, student, year).await?);
    }
    lines.retain(|line| !line.withdrawn);
    let planned = timetable::lessons_of_student(db, student, school, days).await?;
    let exempted = |subject: &str, date| {
        let mut exemptions = lines.iter().filter_map(|line| line.exemption.as_ref());
        exemptions.any(|exemption| exemption.exempts(subject, date))
    };
    let lessons: Vec<LessonToFollow> = planned
        .iter()
        .filter(|lesson| !lesson.cancelled && !exempted(&lesson.subject, lesson.planned.date))
        .filter(|lesson| !sheet.is_closed(lesson.place.date, lesson.time.half))
        .map(|lesson| LessonToFollow {
            lesson: lesson.lesson,
            date: lesson.place.date,
            half: lesson.time.half,
            period: Period { from: lesson.time.starts_at, to: lesson.time.ends_at },
        })
        .collect();
    let absent = lines.iter().filter(|line| line.kind == LineKind::Absence);
    let absences: Vec<Missed> = absent.map(|line| line.missed(sheet)).collect();
    let mixed = sheet.settings.mixed_half_day;
    let half_days = HalfDayRule::default().count(&lessons, &absences, mixed);
    Ok(Counted { lines, lessons, half_days })
}

impl LineRow {
    /// What the line takes away of lessons, if it is of a kind that does.
    pub(crate) fn missed(&self, school: &SchoolSheet) -> Missed {
        let in_care = self.reason.as_ref().is_some_and(|given| {
            let code = given.code.as_deref().unwrap_or_default();
            school.reason_of(given.list, code).is_some_and(|reason| reason.in_care)
        });
        Missed {
            lesson: self.lesson,
            period: Period { from: self.starts, to: self.ends },
            receivable: self.receivable == Some(true),
            in_care,
        }
    }
}

/// What in the `starts` column begins at an instant or later is no smaller than this: without its
/// `Z`, a text of whole seconds comes before that of any fraction of them.
pub(crate) fn column(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S").to_string()
}

pub(crate) struct Lines;

impl Table for Lines {
    type Key = (StudentId, SchoolYear, LineId);
    type Row = LineRow;
    const NAME: &'static str = "attendance_line";
    const COLUMNS: &'static [&'static str] =
        &["student", "year", "line", "school", "starts", "ends"];
    const KEY: usize = 3;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut(Self::Key)) {
        if let Event::Attendance(student, year, event) = &recorded.event {
            touch((*student, *year, event.line()));
        }
    }

    fn key(row: &LineRow) -> Self::Key {
        (row.student, row.year, row.line)
    }

    fn columns(row: &LineRow) -> Vec<String> {
        vec![
            row.student.to_string(),
            row.year.to_string(),
            row.line.to_string(),
            row.school.to_string(),
            row.starts.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            row.ends.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        ]
    }

    fn fold(old: Option<LineRow>, key: &Self::Key, recorded: &Recorded) -> Option<LineRow> {
        use AttendanceEvent as E;
        let Event::Attendance(_, _, event) = &recorded.event else { return old };
        let line = |kind, period| Some(LineRow::new(*key, recorded, kind, period));
        let known = old.as_ref().filter(|row| !row.withdrawn).cloned();
        let opened = match event {
            E::AbsenceRecorded { period, .. } => line(LineKind::Absence, *period),
            E::LatenessRecorded { period, .. } => line(LineKind::Lateness, *period),
            E::DepartureRecorded { period, .. } => line(LineKind::Departure, *period),
            E::AbsenceAnnounced { period, .. } => line(LineKind::Announcement, *period),
            E::ExemptionGranted { exemption, .. } => line(LineKind::Exemption, days_of(exemption)),
            E::ReasonGiven { .. }
            | E::ReasonAccepted { .. }
            | E::ReasonRefused { .. }
            | E::ReasonTakenBack { .. }
            | E::AbsenceRegularised { .. }
            | E::LineWithdrawn { .. } => old,
        };
        let mut row = opened?;
        if let Some(known) = known {
            row.keep(known);
        }
        match event {
            E::AbsenceRecorded { source, .. } => row.lesson = lesson_of(source),
            E::LatenessRecorded { source, minutes, .. } => {
                (row.lesson, row.minutes) = (lesson_of(source), Some(*minutes));
            }
            E::ExemptionGranted { exemption, .. } => row.exemption = Some(exemption.clone()),
            E::DepartureRecorded { .. } | E::AbsenceAnnounced { .. } => {}
            E::ReasonGiven { given, .. } => {
                (row.reason, row.receivable) = (Some(ReasonOfLine::from(given)), None);
            }
            E::ReasonAccepted { .. } => row.receivable = Some(true),
            E::ReasonRefused { .. } => row.receivable = Some(false),
            E::ReasonTakenBack { .. } => {
                (row.reason, row.receivable, row.regularised) = (None, None, false);
            }
            E::AbsenceRegularised { .. } => row.regularised = true,
            E::LineWithdrawn { .. } => row.withdrawn = true,
        }
        Some(row)
    }
}

impl LineRow {
    fn new(
        (student, year, line): (StudentId, SchoolYear, LineId),
        recorded: &Recorded,
        kind: LineKind,
        period: Period,
    ) -> Self {
        Self {
            student,
            year,
            line,
            school: recorded.header.school,
            kind,
            starts: period.from,
            ends: period.to,
            lesson: None,
            minutes: None,
            exemption: None,
            reason: None,
            receivable: None,
            regularised: false,
            withdrawn: false,
            recorded_by: recorded.header.actor,
            recorded_at: recorded.header.recorded_at,
        }
    }

    /// What was said of the line before a roll call changed what it is.
    fn keep(&mut self, known: Self) {
        self.reason = known.reason;
        self.receivable = known.receivable;
        self.regularised = known.regularised;
        self.recorded_by = known.recorded_by;
        self.recorded_at = known.recorded_at;
    }
}

impl From<&Given> for ReasonOfLine {
    fn from(given: &Given) -> Self {
        use domain::attendance::GivenBy;
        let (given_by, person) = match given.by {
            GivenBy::Office => ("office", None),
            GivenBy::Family(person) => ("family", Some(person)),
            GivenBy::Covering(_) => ("covering", None),
        };
        let (code, comment) = (given.reason.clone(), given.comment.clone());
        let (code, label, given_by) = (Some(code), None, given_by.to_owned());
        let (list, document) = (given.list, given.document);
        Self { code, label, list, given_by, person, comment, document }
    }
}

fn lesson_of(source: &Source) -> Option<LessonId> {
    match source {
        Source::Office => None,
        Source::RollCall { lesson, .. } => Some(*lesson),
    }
}

fn days_of(exemption: &Exemption) -> Period {
    let end = exemption.last_day + chrono::Days::new(1);
    let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    Period { from: midnight(exemption.first_day), to: midnight(end) }
}
