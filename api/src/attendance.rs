//! Attendance files over HTTP: what is in them, what is declared, explained and judged.

pub(crate) mod documents;

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    LineId, PersonId, SchoolYear, StudentId, Uai,
    access::{Action, Mask, Rule},
    attendance::{
        Attendance, AttendanceCommand, AttendanceError, Exemption, GiveReason, GivenBy, Period,
        half_days::HalfDayCount,
    },
    schools::SchoolSheet,
};
use projections::{
    attendance::{LineRow, file, half_days, of_school},
    families::of_student,
    people::EnrolmentRow,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::{Granted, Guard},
    error::{ApiError, Problem, Refusal},
    reading::{Asked, At, DaysQuery, PageQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
    year_of,
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_attendance))
        .routes(routes!(list_absences, record_absence))
        .routes(routes!(count_half_days))
        .routes(routes!(announce_absence))
        .routes(routes!(record_departure))
        .routes(routes!(grant_exemption))
        .routes(routes!(give_reason))
        .routes(routes!(accept_reason))
        .routes(routes!(refuse_reason))
        .routes(routes!(regularise))
        .routes(routes!(withdraw_line))
        .routes(routes!(documents::show_document))
}

/// Which year's file.
#[derive(Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct YearQuery {
    /// The year; the newest of the school that has begun if nothing is said.
    year: Option<SchoolYear>,
}

/// A student's attendance file of one year, in the order of time.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/attendance", tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), YearQuery, ReadQuery),
    responses((status = 200, body = Vec<LineRow>), (status = 404, body = Problem)))]
async fn show_attendance(
    At((school, student)): At<(Uai, StudentId)>,
    Asked(YearQuery { year }): Asked<YearQuery>,
    reading: Reading,
) -> Result<Json<Vec<LineRow>>, ApiError> {
    let granted = reading.guard.student(school, student, Action::ReadAttendance).await?;
    let (sheet, mask) = (granted.sheet, granted.mask);
    let today = sheet.local_date(reading.now);
    let begun = sheet.years.iter().filter(|(_, plan)| plan.first_day <= today);
    let newest = begun.map(|(year, _)| *year).next_back();
    let Some(year) = year.or(newest) else { return Ok(Json(vec![])) };
    let mut lines = file(&reading.db().await?, student, year).await?;
    lines.retain(|line| line.school == school);
    let asks = reading.guard.person();
    lines.iter_mut().for_each(|line| leave_out_reason(mask, asks, &sheet, line));
    Ok(Json(lines))
}

/// The absences, latenesses, departures and announcements that begin on given days.
#[utoipa::path(get, path = "/schools/{school}/absences", tag = "attendance",
    params(("school" = String, Path), DaysQuery, PageQuery, ReadQuery),
    responses((status = 200, body = Vec<LineRow>), (status = 404, body = Problem)))]
async fn list_absences(
    At(school): At<Uai>,
    Asked(days): Asked<DaysQuery>,
    Asked(page): Asked<PageQuery>,
    reading: Reading,
) -> Result<Json<Vec<LineRow>>, ApiError> {
    let Granted { sheet, mask, .. } = reading.guard.school(school, Action::ListAbsences).await?;
    let days = days.days()?;
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Json(vec![])) };
    let midnight = |day| sheet.instant(day, chrono::NaiveTime::MIN);
    let after = last.succ_opt().ok_or(Refusal::MalformedQuery)?;
    let period = Period { from: midnight(*first), to: midnight(after) };
    let db = reading.db().await?;
    let mut lines = of_school(&db, school, period, page.after()?, page.limit()).await?;
    let asks = reading.guard.person();
    lines.iter_mut().for_each(|line| leave_out_reason(mask, asks, &sheet, line));
    Ok(Json(lines))
}

/// The half-days that a student missed on given days, under the school's rule.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/half-days", tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), DaysQuery, ReadQuery),
    responses((status = 200, body = HalfDayCount), (status = 404, body = Problem)))]
async fn count_half_days(
    At((school, student)): At<(Uai, StudentId)>,
    Asked(days): Asked<DaysQuery>,
    reading: Reading,
) -> Result<Json<HalfDayCount>, ApiError> {
    let sheet = reading.guard.student(school, student, Action::ReadAttendance).await?.sheet;
    Ok(Json(half_days(&reading.db().await?, student, (school, &sheet), &days.days()?).await?))
}

/// An absence that the school-life office knows of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Declared {
    /// Who.
    student: StudentId,
    /// From when.
    from: DateTime<Utc>,
    /// To when.
    to: DateTime<Utc>,
}

/// Records an absence.
#[utoipa::path(post, path = "/schools/{school}/absences", tag = "attendance",
    params(("school" = String, Path)), request_body = Declared,
    responses((status = 201, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn record_absence(At(school): At<Uai>, write: Write<Declared>) -> Result<Receipt, ApiError> {
    declare(school, write, |line, period| AttendanceCommand::RecordAbsence { line, period }).await
}

/// Records that a student left before the end of the day.
#[utoipa::path(post, path = "/schools/{school}/departures", tag = "attendance",
    params(("school" = String, Path)), request_body = Declared,
    responses((status = 201, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn record_departure(
    At(school): At<Uai>,
    write: Write<Declared>,
) -> Result<Receipt, ApiError> {
    declare(school, write, |line, period| AttendanceCommand::RecordDeparture { line, period }).await
}

/// A reason, by whom and in which words.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// The reason's code in the school's list.
    reason: String,
    /// The guardian who gives it, or the student if of age; the school-life office if nobody.
    given_by: Option<PersonId>,
    /// In their own words.
    comment: Option<String>,
}

/// An absence that a family tells beforehand.
#[derive(Deserialize, ToSchema)]
struct Announced {
    /// Who will be away.
    student: StudentId,
    /// From when.
    from: DateTime<Utc>,
    /// To when.
    to: DateTime<Utc>,
    /// Why, and who says so.
    #[serde(flatten)]
    reason: Reason,
}

/// Takes note that a student will be away. The lessons missed meanwhile are explained by it.
#[utoipa::path(post, path = "/schools/{school}/announcements", tag = "attendance",
    params(("school" = String, Path)), request_body = Announced,
    responses((status = 201, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn announce_absence(
    At(school): At<Uai>,
    write: Write<Announced>,
) -> Result<Receipt, ApiError> {
    let Announced { student, from, to, reason } = &write.body;
    let (student, period) = (*student, Period { from: *from, to: *to });
    let occurred_at = write.occurred_at;
    let (year, given) = write
        .check(move |guard| async move {
            let granted = guard.student(school, student, Action::AnnounceAbsence).await?;
            let year = year_of_period(&granted.sheet, period)?;
            Ok((year, said(&guard, &granted, occurred_at, reason).await?))
        })
        .await?;
    let id = write.new_id();
    let reason = Box::new(given);
    let command = AttendanceCommand::AnnounceAbsence { line: LineId(id), period, reason };
    Ok(write.execute::<Attendance>(school, (student, year), command).await?.made(id))
}

/// A subject that a student need not follow for a while.
#[derive(Deserialize, ToSchema)]
struct GrantExemption {
    /// Who.
    student: StudentId,
    /// From what, and from when to when.
    #[serde(flatten)]
    exemption: Exemption,
}

/// Exempts a student from a subject.
#[utoipa::path(post, path = "/schools/{school}/exemptions", tag = "attendance",
    params(("school" = String, Path)), request_body = GrantExemption,
    responses((status = 201, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn grant_exemption(
    At(school): At<Uai>,
    write: Write<GrantExemption>,
) -> Result<Receipt, ApiError> {
    let GrantExemption { student, exemption } = &write.body;
    let year = write
        .check(move |guard| async move {
            let sheet = guard.student(school, *student, Action::QualifyAbsence).await?.sheet;
            year_of_days(&sheet, exemption.first_day, exemption.last_day)
        })
        .await?;
    let (id, exemption) = (write.new_id(), exemption.clone());
    let command = AttendanceCommand::GrantExemption { line: LineId(id), exemption };
    Ok(write.execute::<Attendance>(school, (*student, year), command).await?.made(id))
}

type LinePath = At<(Uai, StudentId, SchoolYear, LineId)>;

/// Gives a reason for a line: it is *motivée*. The office's reason is judged as its list says.
#[utoipa::path(put,
    path = "/schools/{school}/students/{student}/attendance/{year}/{line}/reason",
    tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("year" = u16, Path),
        ("line" = uuid::Uuid, Path)),
    request_body = Reason,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn give_reason(
    At((school, student, year, line)): LinePath,
    write: Write<Reason>,
) -> Result<Receipt, ApiError> {
    let (reason, occurred_at) = (&write.body, write.occurred_at);
    let reason = write
        .check(move |guard| async move {
            let granted = guard.student(school, student, Action::GiveReason).await?;
            is_of_school(&guard, (school, student, year, line)).await?;
            said(&guard, &granted, occurred_at, reason).await
        })
        .await?;
    let command = AttendanceCommand::GiveReason { line, reason: Box::new(reason) };
    write.execute::<Attendance>(school, (student, year), command).await
}

/// Judges the reason good: the line is *recevable*.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/attendance/{year}/{line}/acceptance",
    tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("year" = u16, Path),
        ("line" = uuid::Uuid, Path)),
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn accept_reason(line: LinePath, write: Write<()>) -> Result<Receipt, ApiError> {
    qualify(line, write, |line| AttendanceCommand::AcceptReason { line }).await
}

/// Judges that the reason does not excuse: the line is not *recevable*.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/attendance/{year}/{line}/refusal",
    tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("year" = u16, Path),
        ("line" = uuid::Uuid, Path)),
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn refuse_reason(line: LinePath, write: Write<()>) -> Result<Receipt, ApiError> {
    qualify(line, write, |line| AttendanceCommand::RefuseReason { line }).await
}

/// Asks nothing more of the family: the line is *régularisée*.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/attendance/{year}/{line}/regularisation",
    tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("year" = u16, Path),
        ("line" = uuid::Uuid, Path)),
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn regularise(line: LinePath, write: Write<()>) -> Result<Receipt, ApiError> {
    qualify(line, write, |line| AttendanceCommand::Regularise { line }).await
}

/// Takes a line back. One of a roll call is taken back by correcting the roll call.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/attendance/{year}/{line}/withdrawal",
    tag = "attendance",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("year" = u16, Path),
        ("line" = uuid::Uuid, Path)),
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn withdraw_line(line: LinePath, write: Write<()>) -> Result<Receipt, ApiError> {
    qualify(line, write, |line| AttendanceCommand::WithdrawLine { line }).await
}

async fn qualify(
    At((school, student, year, line)): LinePath,
    write: Write<()>,
    command: impl FnOnce(LineId) -> AttendanceCommand,
) -> Result<Receipt, ApiError> {
    let may = move |guard: Guard| async move {
        guard.student(school, student, Action::QualifyAbsence).await?;
        is_of_school(&guard, (school, student, year, line)).await
    };
    write.check(may).await?;
    write.execute::<Attendance>(school, (student, year), command(line)).await
}

/// A student of two schools has one file a year: each school speaks of its own lines.
async fn is_of_school(
    guard: &Guard,
    (school, student, year, line): (Uai, StudentId, SchoolYear, LineId),
) -> Result<(), ApiError> {
    let lines = file(&guard.db, student, year).await?;
    let known = lines.iter().any(|known| known.line == line && known.school == school);
    if known { Ok(()) } else { Err(AttendanceError::UnknownLine.into()) }
}

async fn declare(
    school: Uai,
    write: Write<Declared>,
    command: impl FnOnce(LineId, Period) -> AttendanceCommand,
) -> Result<Receipt, ApiError> {
    let Declared { student, from, to } = write.body;
    let period = Period { from, to };
    let year = write
        .check(move |guard| async move {
            let granted = guard.student(school, student, Action::RecordAbsence).await?;
            year_of_period(&granted.sheet, period)
        })
        .await?;
    let id = write.new_id();
    let command = command(LineId(id), period);
    Ok(write.execute::<Attendance>(school, (student, year), command).await?.made(id))
}

/// The reason as the school's list has it. Who gives it is a guardian of the student on that day, the
/// student, or the office. Whoever is let in as one of the family speaks for themself only.
async fn said(
    guard: &Guard,
    student: &Granted<EnrolmentRow>,
    at: DateTime<Utc>,
    reason: &Reason,
) -> Result<GiveReason, ApiError> {
    let Granted { thing: EnrolmentRow { person: student, .. }, sheet, rule, .. } = student;
    let family = if is_of_family(*rule) { guard.person() } else { None };
    let by = match (family, reason.given_by) {
        (None, None) => GivenBy::Office,
        (Some(own), named) if named.is_none_or(|named| named == own) => GivenBy::Family(own),
        (Some(_), _) => return Err(Refusal::UnknownPerson.into()),
        (None, Some(person)) => {
            let today = sheet.local_date(at);
            let guardians = of_student(&guard.db, (*student).into()).await?;
            let answers = guardians
                .iter()
                .any(|known| known.guardian.guardian == person && known.guardian.answers_on(today));
            if !answers && person != *student {
                return Err(Refusal::UnknownPerson.into());
            }
            GivenBy::Family(person)
        }
    };
    let known = sheet.reason(&reason.reason).ok_or(Refusal::UnknownReason)?;
    let (list, comment, by_themselves) =
        (sheet.reasons_version(), reason.comment.clone(), family.is_some());
    Ok(GiveReason { reason: known.clone(), list, by, comment, document: None, by_themselves })
}

/// Whether somebody whom a rule lets in speaks for the family, not for the school.
fn is_of_family(rule: Rule) -> bool {
    match rule {
        Rule::Own
        | Rule::OfAge
        | Rule::Guardian
        | Rule::Surveillance
        | Rule::ParentOfStudentOfAge
        | Rule::InCharge => true,
        Rule::ProgramScope
        | Rule::OfSchool
        | Rule::InClass
        | Rule::Nurse
        | Rule::SocialWorker
        | Rule::Head
        | Rule::Cpe
        | Rule::Assistant
        | Rule::Staff
        | Rule::TeacherOfClass
        | Rule::Administrator
        | Rule::Auditor
        | Rule::DataProtection
        | Rule::NoRelation
        | Rule::RestrictedByJudgment
        | Rule::SecondFactorFirst => false,
    }
}

/// Leaves out what a reason reveals of health or religion, for whoever need not know: its neutral
/// label stands in its place. Nobody can tell what a family's own words and papers reveal: they go
/// too, and so do those of another home.
pub(crate) fn leave_out_reason(
    mask: Mask,
    asks: Option<PersonId>,
    sheet: &SchoolSheet,
    line: &mut LineRow,
) {
    let Some(given) = &mut line.reason else { return };
    let of_office = given.given_by == "office";
    if mask.other_home && !of_office && (asks.is_none() || given.person != asks) {
        (given.person, given.comment, given.document) = (None, None, None);
    }
    if mask.neutral_reasons {
        (given.comment, given.document) = (None, None);
        let known = given.code.as_deref().and_then(|code| sheet.reason_of(given.list, code));
        if known.is_none_or(|known| known.sensitive) {
            given.label = known.and_then(|known| known.neutral_label.clone());
            given.code = None;
        }
    }
}

fn year_of_period(sheet: &SchoolSheet, period: Period) -> Result<SchoolYear, ApiError> {
    year_of_days(sheet, sheet.local_date(period.from), sheet.local_date(period.to))
}

/// The one school year that contains both days.
fn year_of_days(
    sheet: &SchoolSheet,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<SchoolYear, ApiError> {
    let year = year_of(sheet, first)?;
    if year_of(sheet, last)? == year {
        Ok(year)
    } else {
        Err(ApiError::told(Refusal::DateOutsideSchoolYear, last.to_string()))
    }
}
