//! The dossier of a follow-up: all that the school knows and did about the absences of a month, as of an
//! instant. It goes to the academy (code de l'éducation, R131-7), so that it says of a reason neither
//! health nor religion.

use axum::Json;
use chrono::{DateTime, Utc};
use domain::{
    access::{Action, Mask},
    attendance::half_days::HalfDayCount,
    followups::{FollowUpError, Measure, ladder::Stretch},
    people::Name,
};
use projections::{
    alerts,
    attendance::{LineRow, file},
    followups::{FollowUpRow, MonthCounts, follow_up, tally},
    people::{EnrolmentRow, person},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FollowUpPath, Step, id};
use crate::{
    access::Granted,
    attendance::leave_out_reason,
    error::{ApiError, Problem},
    reading::{At, ReadQuery, Reading},
};

/// All about the absences of a month, as of an instant.
#[derive(Serialize, ToSchema)]
pub(super) struct Dossier {
    /// The follow-up as it stood.
    #[serde(flatten)]
    pub(super) follow_up: FollowUpRow,
    /// The student's names; none if they were erased.
    pub(super) name: Option<Name>,
    /// The half-days of the month, and the rule they are counted by.
    pub(super) half_days: HalfDayCount,
    /// What counts up to the month's last day, or the present one, in both kinds of months.
    pub(super) counts: MonthCounts,
    /// What the attendance file says of these days.
    pub(super) lines: Vec<LineRow>,
    /// What the family was told, and what became of it.
    pub(super) alerts: Vec<alerts::AlertRow>,
    /// What the law asks for next, in order: what was done is not among it.
    pub(super) asks: Vec<Measure>,
    /// The instant that all of this is true of.
    pub(super) as_of: DateTime<Utc>,
}

/// A follow-up with all that it rests on and what was done: the dossier for the academy.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/follow-ups/{date}/{step}",
    tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("step" = Step, Path), ReadQuery),
    responses((status = 200, body = Dossier), (status = 404, body = Problem)))]
pub(super) async fn show_follow_up(
    path: FollowUpPath,
    reading: Reading,
) -> Result<Json<Dossier>, ApiError> {
    Ok(Json(dossier(path, &reading).await?.1))
}

/// The dossier, and what allows it to be told.
pub(super) async fn dossier(
    At(path): FollowUpPath,
    reading: &Reading,
) -> Result<(Granted<EnrolmentRow>, Dossier), ApiError> {
    let (school, student, ..) = path;
    let granted = reading.guard.student(school, student, Action::ReadFollowUp).await?;
    let (db, sheet) = (reading.db().await?, &granted.sheet);
    let found = follow_up(&db, id(path)).await?.ok_or(FollowUpError::NoSuchFollowUp)?;
    let today = sheet.local_date(reading.now);
    let month = found.sheet.month;
    let until = month.until.min(today).max(month.from);
    let days = MonthCounts::days(until);
    let counted = Stretch { from: days.from.min(month.from), until };
    let (tally, mut half_days) = tally(&db, student, (school, sheet), counted).await?;
    leave_out_other_days(&mut half_days, Stretch { until, ..month });
    let mut lines = match sheet.year_of(month.from).or_else(|| sheet.year_of(until)) {
        Some((year, _)) => file(&db, student, year).await?,
        None => Vec::new(),
    };
    lines.retain(|line| {
        let from = sheet.local_date(line.starts);
        let of_days = Stretch { from, until: sheet.local_date(line.ends).max(from) };
        line.school == school && of_days.meets(month)
    });
    // Whatever the caller may see: it goes to others.
    let mask = Mask { neutral_reasons: true, ..granted.mask };
    let asks = reading.guard.person();
    lines.iter_mut().for_each(|line| leave_out_reason(mask, asks, sheet, line));
    let mut alerts = alerts::of_student(&db, school, student).await?;
    alerts.retain(|alert| month.contains(alert.date));
    let name = person(&db, student.person()).await?.map(|person| person.name);
    let (counts, as_of) = (MonthCounts::of(&tally, until), reading.now);
    let (asks, follow_up) = (asked_next(&found), found);
    let dossier = Dossier { follow_up, name, half_days, counts, lines, alerts, asks, as_of };
    Ok((granted, dossier))
}

fn asked_next(found: &FollowUpRow) -> Vec<Measure> {
    let done =
        |measure: &&Measure| found.sheet.measures.iter().any(|taken| taken.measure == **measure);
    found.step.asks().iter().filter(|measure| !done(measure)).copied().collect()
}

/// More was counted than the month has: both kinds of months were looked at.
fn leave_out_other_days(count: &mut HalfDayCount, month: Stretch) {
    count.half_days.retain(|missed| month.contains(missed.date));
    let left = &count.half_days;
    count.missed = u32::try_from(left.len()).unwrap_or(u32::MAX);
    count.minutes = left.iter().map(|missed| missed.minutes).sum();
    count.unjustified_percent = left.iter().map(|missed| missed.unjustified_percent()).sum();
}
