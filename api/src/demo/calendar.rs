//! The demo school's year, computed for any year by one invented rule.
//!
//! Near what zone B usually has, but not the ministry's calendar: the demo runs in any year without
//! being told its dates.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use domain::{
    SchoolYear,
    schools::{
        BellSchedule, ClosedHalfDay, Half, Holiday, SchoolSheet, Slot, Term, YearPlan,
        calendar::{Day, public_holiday},
    },
};

/// Lessons of a morning, and of an afternoon.
pub(super) const SLOTS_OF_HALF: u8 = 4;

/// The days and terms of the school year that begins in `year`.
pub(super) fn plan(year: i32) -> YearPlan {
    let first = date(year, 9, 1);
    let first_day = match first.weekday() {
        Weekday::Sat | Weekday::Sun => nearest(Weekday::Mon, first),
        Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => first,
    };
    let last_day = nearest(Weekday::Fri, date(year + 1, 7, 4));
    let ends = [date(year, 11, 28), date(year + 1, 3, 5)].map(|day| nearest(Weekday::Fri, day));
    let term =
        |name: &str, first_day, last_day| Term { name: name.to_owned(), first_day, last_day };
    YearPlan {
        first_day,
        last_day,
        terms: vec![
            term("1er trimestre", first_day, ends[0]),
            term("2e trimestre", ends[0] + Days::new(1), ends[1]),
            term("3e trimestre", ends[1] + Days::new(1), last_day),
        ],
        weeks_a: weeks_a(year, first_day, last_day),
    }
}

/// The holidays of that year: two weeks each, from a Saturday to a Sunday, and the long weekend of
/// Ascension.
pub(super) fn holidays(year: i32) -> Vec<Holiday> {
    let two_weeks = |name: &str, near| {
        let first_day = nearest(Weekday::Sat, near);
        Holiday { name: name.to_owned(), first_day, last_day: first_day + Days::new(15) }
    };
    let mut holidays = vec![
        two_weeks("Vacances de la Toussaint", date(year, 10, 18)),
        two_weeks("Vacances de Noël", date(year, 12, 20)),
        two_weeks("Vacances d'hiver", date(year + 1, 2, 12)),
        two_weeks("Vacances de printemps", date(year + 1, 4, 10)),
    ];
    let mut spring = date(year + 1, 4, 30).iter_days().take(40);
    if let Some(ascension) = spring.find(|day| public_holiday(*day, true) == Some("Ascension")) {
        holidays.push(Holiday {
            name: "Pont de l'Ascension".to_owned(),
            first_day: ascension,
            last_day: ascension + Days::new(3),
        });
    }
    holidays
}

/// Four lessons in the morning, four in the afternoon; nothing on Wednesday afternoon and Saturday.
pub(super) fn bells() -> BellSchedule {
    let slot = |name: &str, starts, ends| Slot {
        name: name.to_owned(),
        starts: time(starts),
        ends: time(ends),
    };
    let closed = |weekday, half| ClosedHalfDay { weekday, half };
    BellSchedule {
        slots: vec![
            slot("M1", (8, 0), (8, 55)),
            slot("M2", (9, 0), (9, 55)),
            slot("M3", (10, 10), (11, 5)),
            slot("M4", (11, 10), (12, 5)),
            slot("S1", (13, 30), (14, 25)),
            slot("S2", (14, 30), (15, 25)),
            slot("S3", (15, 40), (16, 35)),
            slot("S4", (16, 40), (17, 35)),
        ],
        half_day_limit: time((13, 0)),
        closed: vec![
            closed(Weekday::Wed, Half::Afternoon),
            closed(Weekday::Sat, Half::Morning),
            closed(Weekday::Sat, Half::Afternoon),
        ],
    }
}

/// The year's days with lessons before `today`, in order.
pub(super) fn days_with_lessons(
    school: &SchoolSheet,
    year: SchoolYear,
    today: NaiveDate,
) -> Vec<NaiveDate> {
    let Some(plan) = school.years.get(&year) else { return vec![] };
    let past = plan.first_day.iter_days().take_while(|day| *day < today && *day <= plan.last_day);
    past.filter(|day| matches!(school.day(*day), Day::Lessons { .. })).collect()
}

/// A time of the day.
pub(super) fn time((hour, minute): (u32, u32)) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}

/// Every other week, holidays left out, so that no two weeks A follow each other in class.
fn weeks_a(year: i32, first_day: NaiveDate, last_day: NaiveDate) -> Vec<NaiveDate> {
    let holidays = holidays(year);
    let free = |monday: &NaiveDate| {
        let friday = *monday + Days::new(4);
        holidays.iter().any(|h| h.first_day <= *monday && friday <= h.last_day)
    };
    let mondays = first_day.week(Weekday::Mon).first_day().iter_weeks();
    let mondays = mondays.take_while(|monday| *monday <= last_day);
    mondays.filter(|monday| !free(monday)).step_by(2).collect()
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// The day of this name that is at most three days away.
fn nearest(weekday: Weekday, near: NaiveDate) -> NaiveDate {
    let earliest = near - Days::new(3);
    earliest + Days::new(u64::from(weekday.days_since(earliest.weekday())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_begin_on_the_saturday_nearest_their_day() {
        let firsts: Vec<_> = holidays(2026).iter().map(|h| h.first_day.to_string()).collect();
        assert_eq!(firsts, ["2026-10-17", "2026-12-19", "2027-02-13", "2027-04-10", "2027-05-06"]);
    }

    #[test]
    fn a_year_begins_on_a_working_day_and_ends_on_a_friday() {
        for year in 2020..2060 {
            let plan = plan(year);
            assert!(plan.first_day.weekday().number_from_monday() <= 5, "{year}");
            assert_eq!(plan.last_day.weekday(), Weekday::Fri, "{year}");
        }
    }

    #[test]
    fn weeks_alternate_across_the_holidays() {
        let weeks = plan(2026).weeks_a;
        let mondays: Vec<_> = weeks.iter().map(ToString::to_string).collect();
        assert_eq!(
            mondays[..6],
            ["2026-08-31", "2026-09-14", "2026-09-28", "2026-10-12", "2026-11-09", "2026-11-23"]
        );
    }
}
