//! The board of a school-life office: what it asks of other features' tables, one question for each of its
//! parts however many students there are, and the position of the last event that may show on it.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{ClassId, LessonId, Recorded, Stream, StudentId, Uai, attendance::Period};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

use super::{AlertRow, place};
use crate::{
    attendance::{LineRow, column},
    classes::{ClassRow, MemberRow},
    fold::Table,
    listed, read,
    rollcalls::RollCallRow,
    row, rows,
};

/// How far a school's board has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardChangeRow {
    /// Of which school.
    pub school: Uai,
    /// The position of the last event that may show on it.
    pub changed: u64,
}

/// The position of the last event that may show on a school's board; 0 if there was none.
///
/// # Errors
/// When the read model cannot be read.
pub async fn changed(db: &SqlitePool, school: Uai) -> sqlx::Result<u64> {
    let question = sqlx::query_scalar("select row from board_change where school = ?1");
    let found: Option<BoardChangeRow> = row(question.bind(school.to_string()), db).await?;
    Ok(found.map_or(0, |row| row.changed))
}

/// The roll calls of these lessons, as far as they were taken.
///
/// # Errors
/// When the read model cannot be read.
pub async fn roll_calls(db: &SqlitePool, lessons: &[LessonId]) -> sqlx::Result<Vec<RollCallRow>> {
    let question = "select row from roll_call where lesson in (select value from json_each(?1))";
    rows(sqlx::query_scalar(question).bind(listed(lessons)?), db).await
}

/// The absences, departures and announcements of a school that cover an instant and follow from no roll
/// call.
///
/// # Errors
/// When the read model cannot be read.
pub async fn away_at(
    db: &SqlitePool,
    school: Uai,
    instant: DateTime<Utc>,
) -> sqlx::Result<Vec<LineRow>> {
    let question = "select row from attendance_line where school = ?1 and ends >= ?2
          and row ->> 'kind' in ('absence', 'departure', 'announcement')
          and row ->> 'lesson' is null and not row ->> 'withdrawn'
        order by student, line";
    let question = sqlx::query_scalar(question).bind(school.to_string()).bind(column(instant));
    let mut lines: Vec<LineRow> = rows(question, db).await?;
    lines.retain(|line| line.starts <= instant && instant < line.ends);
    Ok(lines)
}

/// The lines of a school that begin in a period, whose reason a family gave and nobody has judged, in the
/// order of time. Those that another line's reason covers are judged with that.
///
/// # Errors
/// When the read model cannot be read.
pub async fn reasons_to_judge(
    db: &SqlitePool,
    school: Uai,
    period: Period,
) -> sqlx::Result<Vec<LineRow>> {
    let question = "select row from attendance_line
        where school = ?1 and starts >= ?2 and starts < ?3
          and row ->> '$.reason.given_by' = 'family' and row ->> 'receivable' is null
          and not row ->> 'withdrawn'
        order by starts, line";
    let question = sqlx::query_scalar(question).bind(school.to_string());
    rows(question.bind(column(period.from)).bind(column(period.to)), db).await
}

/// The alerts of a school on a day, and those of other days whose call nobody has closed, in the order in
/// which they fell due.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_day_and_open_calls(
    db: &SqlitePool,
    school: Uai,
    date: NaiveDate,
    others: &[NaiveDate],
) -> sqlx::Result<Vec<AlertRow>> {
    let question = "select row from alert where date = ?2 and school = ?1
        union all select row from alert
        where date in (select value from json_each(?3)) and school = ?1
          and row ->> '$.call.state' in ('asked', 'taken-on')";
    let question = sqlx::query_scalar(question).bind(school.to_string());
    let mut alerts: Vec<AlertRow> =
        rows(question.bind(date.to_string()).bind(listed(others)?), db).await?;
    alerts.sort_by_key(|alert| (alert.sheet.due, alert.id()));
    Ok(alerts)
}

/// The classes of a school that these students are or were in, and when.
///
/// # Errors
/// When the read model cannot be read.
pub async fn classes_of(
    db: &SqlitePool,
    school: Uai,
    students: &[StudentId],
) -> sqlx::Result<Vec<(MemberRow, ClassRow)>> {
    let question = "select m.row, c.row from class_member m join class c on c.class = m.class
        where m.student in (select value from json_each(?1)) and c.school = ?2 order by c.class";
    let question = sqlx::query_as(question).bind(listed(students)?).bind(school.to_string());
    let found: Vec<(String, String)> = question.fetch_all(db).await?;
    found.iter().map(|(member, class)| Ok((read(member)?, read(class)?))).collect()
}

/// Those of these classes that were formed.
///
/// # Errors
/// When the read model cannot be read.
pub async fn classes(db: &SqlitePool, classes: &[ClassId]) -> sqlx::Result<Vec<ClassRow>> {
    let question = "select row from class where class in (select value from json_each(?1))";
    rows(sqlx::query_scalar(question).bind(listed(classes)?), db).await
}

pub(crate) struct BoardChanges;

impl Table for BoardChanges {
    type Key = (Uai,);
    type Row = BoardChangeRow;
    const NAME: &'static str = "board_change";
    const COLUMNS: &'static [&'static str] = &["school", "changed"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((Uai,))) {
        // An event whose content was erased has changed the board when it happened.
        match recorded.event.stream() {
            Stream::School(_)
            | Stream::Timetable(_)
            | Stream::RollCall(_)
            | Stream::Attendance(..)
            | Stream::Alert(_)
            | Stream::FollowUp(_) => touch((recorded.header.school,)),
            // Names and classes are looked up with whatever else changes; a reason says what came with it.
            Stream::Person(_)
            | Stream::Family(_)
            | Stream::Class(_)
            | Stream::Document(..)
            | Stream::Account(_)
            | Stream::Access(_) => {}
        }
    }

    fn key(row: &BoardChangeRow) -> (Uai,) {
        (row.school,)
    }

    fn columns(row: &BoardChangeRow) -> Vec<String> {
        vec![row.school.to_string(), place(row.changed)]
    }

    fn fold(
        _: Option<BoardChangeRow>,
        &(school,): &(Uai,),
        recorded: &Recorded,
    ) -> Option<BoardChangeRow> {
        Some(BoardChangeRow { school, changed: recorded.position })
    }
}
