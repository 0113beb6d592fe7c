//! Opening a school, and planning its year, from the head of an STS file.
//!
//! STS tells name, town and the days of the year; holidays, terms and bells it does not tell.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use domain::{
    SchoolYear, Uai,
    schools::{School, SchoolCommand, SchoolSheet, YearPlan},
};

use super::{feed, feed::Feed, remarks::Remark};

/// A year has at most this many days after its first.
const YEAR_MAX_DAYS: u64 = 366;

/// What opens a school, with what is told of it; and the school as it will be.
pub(super) struct Opening {
    /// What is asked for.
    pub(super) commands: Vec<SchoolCommand>,
    /// What is told of it.
    pub(super) remarks: Vec<Remark>,
    /// The school as it will be.
    pub(super) sheet: SchoolSheet,
}

/// Finds out how the school of a feed is opened and its year planned, as far as need be.
///
/// # Errors
/// Why the import is refused: only STS opens a school or plans a year.
pub(super) fn compare(feed: &Feed, known: Option<&SchoolSheet>) -> Result<Opening, Remark> {
    let told = feed.staffing.as_ref().map(|staffing| &staffing.sheet);
    let (mut commands, mut remarks) = (Vec::new(), Vec::new());
    let mut school = known.map_or(School::None, |sheet| School::Open(Box::new(sheet.clone())));
    if known.is_none() {
        let told = told.ok_or(Remark::SchoolNotOpen)?;
        let department = department(feed.school, told);
        let (name, time_zone) = (named(feed.school, told), time_zone(&department));
        commands.push(SchoolCommand::OpenSchool { name, time_zone, department });
        remarks.push(Remark::SchoolOpened);
    }
    if known.is_none_or(|sheet| !sheet.years.contains_key(&feed.year)) {
        let (plan, is_told) = plan_of(feed.year, told.ok_or(Remark::YearNotPlanned)?);
        commands.push(SchoolCommand::PlanSchoolYear { year: feed.year, plan });
        remarks.push(Remark::YearPlanned);
        remarks.extend((!is_told).then_some(Remark::YearImpossible));
    }
    for command in &commands {
        let events = school.decide(command.clone()).unwrap_or_default();
        school = events.into_iter().fold(school, School::evolve);
    }
    match school {
        School::Open(sheet) => Ok(Opening { commands, remarks, sheet: *sheet }),
        School::None => Err(Remark::SchoolNotOpen),
    }
}

/// What the school is called; its number, when the file calls it nothing.
fn named(school: Uai, told: &feed::SchoolSheet) -> String {
    let name = told.name.trim();
    if name.is_empty() { school.to_string() } else { name.to_owned() }
}

/// The département of the postal code, or else the one that the school's number begins with.
fn department(school: Uai, told: &feed::SchoolSheet) -> String {
    told.department.clone().unwrap_or_else(|| match &school.as_str()[..3] {
        // Corsica's two have numbers of their own, and so have the territories of the Pacific.
        "620" => "2A".to_owned(),
        "720" => "2B".to_owned(),
        "983" => "988".to_owned(),
        "984" => "987".to_owned(),
        mainland if mainland.starts_with('0') => mainland[1..].to_owned(),
        overseas => overseas.to_owned(),
    })
}

fn time_zone(department: &str) -> Tz {
    match department {
        "971" => Tz::America__Guadeloupe,
        "972" => Tz::America__Martinique,
        "973" => Tz::America__Cayenne,
        "974" => Tz::Indian__Reunion,
        "975" => Tz::America__Miquelon,
        "976" => Tz::Indian__Mayotte,
        "977" => Tz::America__St_Barthelemy,
        "978" => Tz::America__Marigot,
        "986" => Tz::Pacific__Wallis,
        "987" => Tz::Pacific__Tahiti,
        "988" => Tz::Pacific__Noumea,
        _ => Tz::Europe__Paris,
    }
}

/// The days of the year, and whether they are those of the file: September to August otherwise.
fn plan_of(year: SchoolYear, told: &feed::SchoolSheet) -> (YearPlan, bool) {
    let plan = |first_day: NaiveDate, last_day: NaiveDate| {
        let latest = first_day + chrono::Days::new(YEAR_MAX_DAYS);
        let last_day = last_day.min(latest);
        YearPlan { first_day, last_day, terms: Vec::new(), weeks_a: Vec::new() }
    };
    let begun = i32::from(year.0);
    let days = told.first_day.zip(told.last_day);
    match days.filter(|(first, last)| first.year() == begun && first < last) {
        Some((first, last)) => (plan(first, last), true),
        None => {
            let first = NaiveDate::from_ymd_opt(begun, 9, 1).unwrap_or_default();
            let last = NaiveDate::from_ymd_opt(begun + 1, 8, 31).unwrap_or_default();
            (plan(first, last), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_school_begins_with_its_department() {
        let of = |uai: &str| department(uai.parse().unwrap(), &feed::SchoolSheet::default());
        assert_eq!(of("0549998Z"), "54");
        assert_eq!(of("6200001A"), "2A");
        assert_eq!(of("9740001A"), "974");
        assert_eq!(of("9830001A"), "988");
    }

    #[test]
    fn a_school_overseas_has_its_own_time() {
        assert_eq!(time_zone("974"), Tz::Indian__Reunion);
        assert_eq!(time_zone("54"), Tz::Europe__Paris);
    }

    #[test]
    fn a_year_whose_days_cannot_be_is_september_to_august() {
        let told = feed::SchoolSheet {
            first_day: "2026-09-01".parse().ok(),
            last_day: "2026-01-01".parse().ok(),
            ..feed::SchoolSheet::default()
        };
        let (plan, is_told) = plan_of(SchoolYear(2026), &told);
        assert!(!is_told);
        assert_eq!(plan.last_day, "2027-08-31".parse().unwrap());
    }
}
