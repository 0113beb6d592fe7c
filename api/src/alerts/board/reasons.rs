//! The reasons that families gave and nobody has judged yet.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use domain::{LineId, SchoolYear, StudentId, Uai, attendance::Period, schools::SchoolSheet};
use projections::{
    alerts::board::reasons_to_judge,
    attendance::{LineKind, LineRow, ReasonOfLine},
};
use serde::Serialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;

use super::StudentOnBoard;

/// How many days a reason that nobody has judged stays on the board.
const REASONS_KEPT_DAYS: u64 = 7;

/// A reason that the school is to accept or to refuse.
#[derive(Serialize, ToSchema)]
pub(super) struct ReasonToJudge {
    /// About whom.
    #[serde(flatten)]
    student: StudentOnBoard,
    /// The file that the line is in.
    year: SchoolYear,
    /// The line that it was given for.
    line: LineId,
    /// What the line is about.
    kind: LineKind,
    /// When it begins.
    starts: DateTime<Utc>,
    /// When it ends.
    ends: DateTime<Utc>,
    /// The reason, as far as whoever looks may know it.
    reason: ReasonOfLine,
}

/// The lines of a day and of the seven before it whose reason is to be judged.
pub(super) async fn to_judge(
    db: &SqlitePool,
    (school, sheet): (Uai, &SchoolSheet),
    date: NaiveDate,
) -> sqlx::Result<Vec<LineRow>> {
    let midnight = |day| sheet.instant(day, NaiveTime::MIN);
    let first = date.checked_sub_days(Days::new(REASONS_KEPT_DAYS)).unwrap_or(date);
    let (from, to) = (midnight(first), midnight(date.succ_opt().unwrap_or(date)));
    reasons_to_judge(db, school, Period { from, to }).await
}

impl ReasonToJudge {
    /// One as it stands on the board.
    pub(super) fn of(
        line: LineRow,
        student: impl FnOnce(StudentId) -> StudentOnBoard,
    ) -> Option<Self> {
        let LineRow { student: who, year, line, kind, starts, ends, reason, .. } = line;
        Some(Self { student: student(who), year, line, kind, starts, ends, reason: reason? })
    }
}
