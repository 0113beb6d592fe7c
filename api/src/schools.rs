//! Schools over HTTP.

use axum::Json;
use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::{
    SchoolYear, Uai,
    access::Action,
    schools::{
        BellSchedule, Holiday, Reason, School, SchoolCommand, SchoolSheet, Setting, YearPlan,
        calendar::Day,
    },
};
use projections::schools::SchoolRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::Guard,
    error::{ApiError, Problem},
    reading::{Asked, At, DaysQuery, PageQuery, ReadQuery, Reading},
    writing::{Receipt, Write},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_schools))
        .routes(routes!(open, show_school))
        .routes(routes!(show_calendar))
        .routes(routes!(plan_year))
        .routes(routes!(set_holidays))
        .routes(routes!(set_bell_schedule))
        .routes(routes!(list_reasons))
        .routes(routes!(choose_setting))
        .routes(routes!(give_telephone))
}

/// The schools that the caller has business with, in the order of their numbers.
#[utoipa::path(get, path = "/schools", tag = "schools", params(PageQuery, ReadQuery),
    responses((status = 200, body = Vec<SchoolRow>), (status = 401, body = Problem)))]
async fn list_schools(
    Asked(page): Asked<PageQuery>,
    reading: Reading,
) -> Result<Json<Vec<SchoolRow>>, ApiError> {
    Ok(Json(reading.guard.schools(page.after()?, page.limit()).await?))
}

/// A school's first words.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenSchool {
    /// As people say it.
    name: String,
    /// The zone its bells ring in.
    #[schema(value_type = String, example = "Europe/Paris")]
    time_zone: Tz,
    /// The number of its département; 57, 67 and 68 have two more public holidays.
    department: String,
}

/// Opens a school in Préau.
#[utoipa::path(put, path = "/schools/{school}", tag = "schools",
    params(("school" = String, Path, example = "0549998Z")), request_body = OpenSchool,
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
async fn open(At(school): At<Uai>, write: Write<OpenSchool>) -> Result<Receipt, ApiError> {
    let OpenSchool { name, time_zone, department } = &write.body;
    let command = SchoolCommand::OpenSchool {
        name: name.clone(),
        time_zone: *time_zone,
        department: department.clone(),
    };
    write.check(move |guard| async move { guard.region(school, Action::OpenSchool).await }).await?;
    write.execute::<School>(school, school, command).await
}

/// What a school has decided.
#[utoipa::path(get, path = "/schools/{school}", tag = "schools",
    params(("school" = String, Path), ReadQuery),
    responses((status = 200, body = SchoolSheet), (status = 404, body = Problem)))]
async fn show_school(At(school): At<Uai>, reading: Reading) -> Result<Json<SchoolSheet>, ApiError> {
    Ok(Json(reading.guard.school(school, Action::ReadSchool).await?.sheet))
}

/// A day of a school's calendar.
#[derive(Serialize, ToSchema)]
struct CalendarDay {
    /// Which day.
    date: NaiveDate,
    /// What it is.
    #[serde(flatten)]
    day: Day,
}

/// What each day is for a school: lessons in week A or B, a holiday, closed, outside its years.
#[utoipa::path(get, path = "/schools/{school}/calendar", tag = "schools",
    params(("school" = String, Path), DaysQuery, ReadQuery),
    responses((status = 200, body = Vec<CalendarDay>), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn show_calendar(
    At(school): At<Uai>,
    Asked(days): Asked<DaysQuery>,
    reading: Reading,
) -> Result<Json<Vec<CalendarDay>>, ApiError> {
    let sheet = reading.guard.school(school, Action::ReadSchool).await?.sheet;
    let day = |date| CalendarDay { date, day: sheet.day(date) };
    Ok(Json(days.days()?.into_iter().map(day).collect()))
}

/// Plans a school year: its days, terms and weeks A.
#[utoipa::path(put, path = "/schools/{school}/years/{year}", tag = "schools",
    params(("school" = String, Path), ("year" = u16, Path, example = 2026)),
    request_body = YearPlan,
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
async fn plan_year(
    At((school, year)): At<(Uai, SchoolYear)>,
    write: Write<YearPlan>,
) -> Result<Receipt, ApiError> {
    may_manage(school, &write).await?;
    let command = SchoolCommand::PlanSchoolYear { year, plan: write.body.clone() };
    write.execute::<School>(school, school, command).await
}

/// Sets all holidays of a year. Public holidays need not be listed.
#[utoipa::path(put, path = "/schools/{school}/years/{year}/holidays", tag = "schools",
    params(("school" = String, Path), ("year" = u16, Path)), request_body = Vec<Holiday>,
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
async fn set_holidays(
    At((school, year)): At<(Uai, SchoolYear)>,
    write: Write<Vec<Holiday>>,
) -> Result<Receipt, ApiError> {
    may_manage(school, &write).await?;
    let command = SchoolCommand::SetHolidays { year, holidays: write.body.clone() };
    write.execute::<School>(school, school, command).await
}

/// Rings the bells differently from a day on.
#[utoipa::path(put, path = "/schools/{school}/bell-schedules/{from}", tag = "schools",
    params(("school" = String, Path), ("from" = NaiveDate, Path)), request_body = BellSchedule,
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
async fn set_bell_schedule(
    At((school, from)): At<(Uai, NaiveDate)>,
    write: Write<BellSchedule>,
) -> Result<Receipt, ApiError> {
    may_manage(school, &write).await?;
    let command = SchoolCommand::SetBellSchedule { from, schedule: write.body.clone() };
    write.execute::<School>(school, school, command).await
}

/// Publishes the next version of the list of reasons. A reason is closed, never left out.
#[utoipa::path(put, path = "/schools/{school}/reasons", tag = "schools",
    params(("school" = String, Path)), request_body = Vec<Reason>,
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
async fn list_reasons(At(school): At<Uai>, write: Write<Vec<Reason>>) -> Result<Receipt, ApiError> {
    may_manage(school, &write).await?;
    let command = SchoolCommand::ListReasons { reasons: write.body.clone() };
    write.execute::<School>(school, school, command).await
}

/// The telephone of a school.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Telephone {
    /// As it is dialled in France.
    telephone: String,
}

/// Says by which telephone families reach the school.
#[utoipa::path(put, path = "/schools/{school}/telephone", tag = "schools",
    params(("school" = String, Path)), request_body = Telephone,
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
async fn give_telephone(At(school): At<Uai>, write: Write<Telephone>) -> Result<Receipt, ApiError> {
    may_manage(school, &write).await?;
    let command = SchoolCommand::GiveTelephone { telephone: write.body.telephone.clone() };
    write.execute::<School>(school, school, command).await
}

/// Chooses how a rule is applied in the school.
#[utoipa::path(post, path = "/schools/{school}/settings", tag = "schools",
    params(("school" = String, Path)), request_body = Setting,
    responses((status = 200, body = Receipt), (status = 404, body = Problem)))]
async fn choose_setting(At(school): At<Uai>, write: Write<Setting>) -> Result<Receipt, ApiError> {
    may_manage(school, &write).await?;
    let command = SchoolCommand::ChooseSetting { setting: write.body };
    write.execute::<School>(school, school, command).await
}

async fn may_manage<T>(school: Uai, write: &Write<T>) -> Result<(), ApiError> {
    let may = move |guard: Guard| async move { guard.school(school, Action::ManageSchool).await };
    write.check(may).await.map(|_| ())
}
