//! What a day is for a school: lessons or not, week A or B, and when its slots begin.
//!
//! Public holidays are computed (code du travail, L3133-1; in Alsace-Moselle also L3134-13), the
//! rest is what the school has set. All times are the school's own; instants are made from them in
//! its zone, so that a lesson at eight is at eight before and after the clocks change.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BellSchedule, Half, SchoolSheet, Slot, YearPlan};
use crate::SchoolYear;

/// Twelve o'clock.
const NOON: NaiveTime = NaiveTime::MIN.overflowing_add_signed(chrono::TimeDelta::hours(12)).0;

/// Six in the evening.
const SIX: NaiveTime = NaiveTime::MIN.overflowing_add_signed(chrono::TimeDelta::hours(18)).0;

/// What a day is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Day {
    /// No school year that the school has planned contains it.
    OutsideYear,
    /// A holiday of the school, or a public holiday.
    Holiday {
        /// As people say it.
        name: String,
    },
    /// A Sunday, or a day whose two halves are closed.
    Closed,
    /// A day with lessons.
    Lessons {
        /// Whose alternating lessons take place.
        week: Week,
    },
}

/// Weeks alternate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Week {
    /// One of the weeks that the school's year lists.
    A,
    /// Any other.
    B,
}

/// When a lesson begins and ends, and in which half of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct LessonTime {
    /// The instant of its beginning.
    pub starts_at: DateTime<Utc>,
    /// The instant of its end.
    pub ends_at: DateTime<Utc>,
    /// By the school's half-day limit, in local time.
    pub half: Half,
}

impl SchoolSheet {
    /// The planned school year that contains a day.
    pub fn year_of(&self, date: NaiveDate) -> Option<(SchoolYear, &YearPlan)> {
        let mut years = self.years.iter();
        let (year, plan) =
            years.find(|(_, plan)| (plan.first_day..=plan.last_day).contains(&date))?;
        Some((*year, plan))
    }

    /// What `date` is for this school.
    pub fn day(&self, date: NaiveDate) -> Day {
        let Some((year, plan)) = self.year_of(date) else { return Day::OutsideYear };
        let mut set = self.holidays.get(&year).into_iter().flatten();
        if let Some(holiday) = set.find(|h| (h.first_day..=h.last_day).contains(&date)) {
            return Day::Holiday { name: holiday.name.clone() };
        }
        if let Some(name) = public_holiday(date, self.in_alsace_moselle()) {
            return Day::Holiday { name: name.to_owned() };
        }
        let halves = [Half::Morning, Half::Afternoon];
        if date.weekday() == Weekday::Sun || halves.iter().all(|half| self.is_closed(date, *half)) {
            return Day::Closed;
        }
        let monday = date.week(Weekday::Mon).first_day();
        let week = if plan.weeks_a.contains(&monday) { Week::A } else { Week::B };
        Day::Lessons { week }
    }

    /// Whether the school gives no lesson in this half of that day of the week.
    pub fn is_closed(&self, date: NaiveDate, half: Half) -> bool {
        self.bells_on(date).is_none_or(|bells| {
            bells
                .closed
                .iter()
                .any(|closed| closed.weekday == date.weekday() && closed.half == half)
        })
    }

    /// The bell schedule in force on a day.
    pub fn bells_on(&self, date: NaiveDate) -> Option<&BellSchedule> {
        self.bells.range(..=date).next_back().map(|(_, schedule)| schedule)
    }

    /// The slot of this number (from 1) on a day.
    pub fn slot(&self, date: NaiveDate, number: u8) -> Option<&Slot> {
        self.bells_on(date)?.slots.get(usize::from(number).checked_sub(1)?)
    }

    /// When the lesson in this slot of that day begins and ends.
    pub fn lesson_time(&self, date: NaiveDate, number: u8) -> Option<LessonTime> {
        let slot = self.slot(date, number)?;
        Some(LessonTime {
            starts_at: self.instant(date, slot.starts),
            ends_at: self.instant(date, slot.ends),
            half: self.bells_on(date)?.half_of(slot.starts),
        })
    }

    /// The instant of a local time. Of the two that the clocks' change gives, the first; of a time
    /// that it skips, the instant one hour later.
    pub fn instant(&self, date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
        let local = date.and_time(time);
        match self.time_zone.from_local_datetime(&local) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.to_utc(),
            LocalResult::None => {
                let later = local + chrono::TimeDelta::hours(1);
                let instant = self.time_zone.from_local_datetime(&later).earliest();
                instant.map_or_else(|| local.and_utc(), |instant| instant.to_utc())
            }
        }
    }

    /// The local day of an instant.
    pub fn local_date(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.time_zone).date_naive()
    }

    /// The local day and the half of it that an instant lies in. Where no bells are set, the afternoon
    /// begins at noon.
    pub fn half_day_of(&self, instant: DateTime<Utc>) -> (NaiveDate, Half) {
        let local = instant.with_timezone(&self.time_zone).naive_local();
        let half = if local.time() < self.limit_on(local.date()) {
            Half::Morning
        } else {
            Half::Afternoon
        };
        (local.date(), half)
    }

    /// When a half-day is over: the morning at the half-day limit, the afternoon with the last lesson.
    /// Where no bells are set, at noon and at six.
    pub fn half_day_ends(&self, date: NaiveDate, half: Half) -> DateTime<Utc> {
        let bells = self.bells_on(date);
        let last = bells.and_then(|bells| bells.slots.last()).map(|slot| slot.ends);
        let ends = match half {
            Half::Morning => self.limit_on(date),
            Half::Afternoon => last.unwrap_or(SIX).max(self.limit_on(date)),
        };
        self.instant(date, ends)
    }

    fn limit_on(&self, date: NaiveDate) -> NaiveTime {
        self.bells_on(date).map_or(NOON, |bells| bells.half_day_limit)
    }

    fn in_alsace_moselle(&self) -> bool {
        matches!(self.department.as_str(), "57" | "67" | "68")
    }
}

impl BellSchedule {
    /// The half of the day that a local time belongs to.
    pub fn half_of(&self, time: NaiveTime) -> Half {
        if time < self.half_day_limit { Half::Morning } else { Half::Afternoon }
    }
}

/// The public holiday that a day is, by its French name.
pub fn public_holiday(date: NaiveDate, alsace_moselle: bool) -> Option<&'static str> {
    let from_easter = (date - easter_sunday(date.year())).num_days();
    match (date.month(), date.day(), from_easter) {
        (1, 1, _) => Some("Jour de l'an"),
        (_, _, -2) if alsace_moselle => Some("Vendredi saint"),
        (_, _, 1) => Some("Lundi de Pâques"),
        (5, 1, _) => Some("Fête du Travail"),
        (5, 8, _) => Some("Victoire de 1945"),
        (_, _, 39) => Some("Ascension"),
        (_, _, 50) => Some("Lundi de Pentecôte"),
        (7, 14, _) => Some("Fête nationale"),
        (8, 15, _) => Some("Assomption"),
        (11, 1, _) => Some("Toussaint"),
        (11, 11, _) => Some("Armistice de 1918"),
        (12, 25, _) => Some("Noël"),
        (12, 26, _) if alsace_moselle => Some("Saint-Étienne"),
        _ => None,
    }
}

/// Easter Sunday of a year of the Gregorian calendar (the anonymous computation of 1876).
fn easter_sunday(year: i32) -> NaiveDate {
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let skipped = (8 * century + 13) / 25;
    let epact = (19 * golden + century - century / 4 - skipped + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let march = u64::try_from(epact + weekday - 7 * late + 22).unwrap_or_default();
    let first_of_march = NaiveDate::from_ymd_opt(year, 3, 1).unwrap_or_default();
    first_of_march + Days::new(march - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schools::tests::{day, sheet};

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for (year, date) in [
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
            (1961, "1961-04-02"),
        ] {
            assert_eq!(easter_sunday(year), day(date));
        }
    }

    #[test]
    fn alsace_moselle_has_two_public_holidays_more() {
        assert_eq!(public_holiday(day("2027-03-26"), true), Some("Vendredi saint"));
        assert_eq!(public_holiday(day("2026-12-26"), true), Some("Saint-Étienne"));
        assert_eq!(public_holiday(day("2027-03-26"), false), None);
        assert_eq!(public_holiday(day("2026-12-26"), false), None);
    }

    #[test]
    fn a_day_is_outside_the_year_a_holiday_closed_or_has_lessons() {
        let school = sheet();
        assert_eq!(school.day(day("2026-08-31")), Day::OutsideYear);
        assert_eq!(school.day(day("2026-10-20")), Day::Holiday { name: "Toussaint".to_owned() });
        assert_eq!(
            school.day(day("2026-11-11")),
            Day::Holiday { name: "Armistice de 1918".to_owned() }
        );
        assert_eq!(school.day(day("2026-11-15")), Day::Closed);
        assert_eq!(school.day(day("2026-11-14")), Day::Closed, "both halves of Saturday");
        assert_eq!(school.day(day("2026-11-09")), Day::Lessons { week: Week::A });
        assert_eq!(school.day(day("2026-11-16")), Day::Lessons { week: Week::B });
    }

    #[test]
    fn a_lesson_at_eight_stays_at_eight_when_the_clocks_change() {
        let school = sheet();
        let summer = school.lesson_time(day("2026-10-16"), 1).unwrap();
        let winter = school.lesson_time(day("2026-11-09"), 1).unwrap();
        assert_eq!(summer.starts_at.to_rfc3339(), "2026-10-16T06:00:00+00:00");
        assert_eq!(winter.starts_at.to_rfc3339(), "2026-11-09T07:00:00+00:00");
        assert_eq!((summer.half, winter.half), (Half::Morning, Half::Morning));
    }

    #[test]
    fn the_half_day_limit_belongs_to_the_afternoon() {
        let bells = sheet().bells_on(day("2026-11-09")).unwrap().clone();
        assert_eq!(bells.half_of("12:59:59".parse().unwrap()), Half::Morning);
        assert_eq!(bells.half_of("13:00:00".parse().unwrap()), Half::Afternoon);
    }

    #[test]
    fn a_slot_that_no_bell_rings_has_no_time() {
        assert_eq!(sheet().lesson_time(day("2026-11-09"), 0), None);
        assert_eq!(sheet().lesson_time(day("2026-11-09"), 9), None);
    }
}
