//! Quiet hours: the evenings, nights and weekends in which nobody is disturbed but for their safety.
//!
//! The circulaire of 10 July 2025 has school software suspend what it publishes from 20 h to 7 h on school
//! nights, and from Friday 20 h to Monday 7 h; a head may choose other hours. What is written
//! meanwhile is kept until then. That an absence alert is a matter of safety is our reading (no
//! text says so): it is never held back.

use chrono::{DateTime, Datelike, Days, NaiveTime, Utc, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SchoolSheet;

/// The hours of a night, in local time. Where both are the same there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When they begin in the evening.
    pub from: NaiveTime,
    /// When they end in the morning.
    pub until: NaiveTime,
}

impl Default for QuietHours {
    fn default() -> Self {
        let hour = |hour| NaiveTime::MIN + chrono::TimeDelta::hours(hour);
        Self { from: hour(20), until: hour(7) }
    }
}

impl SchoolSheet {
    /// When the quiet hours end that an instant lies in; nothing if it lies in none.
    pub fn quiet_until(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let QuietHours { from, until } = self.settings.quiet_hours;
        if from == until {
            return None;
        }
        let local = instant.with_timezone(&self.time_zone).naive_local();
        let (date, evening, night) = (local.date(), local.time() >= from, local.time() < until);
        let days = match date.weekday() {
            Weekday::Sat => 2,
            Weekday::Sun => 1,
            Weekday::Fri if evening => 3,
            Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu if evening => 1,
            Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri if night => 0,
            Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => {
                return None;
            }
        };
        Some(self.instant(date + Days::new(days), until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schools::tests::sheet;

    #[test]
    fn school_nights_are_quiet_from_eight_in_the_evening_to_seven() {
        assert_eq!(quiet("2026-11-24T18:59:59Z"), None, "a Tuesday, in Paris 19:59:59");
        assert_eq!(quiet("2026-11-24T19:00:00Z"), Some("2026-11-25T06:00:00Z".to_owned()));
        assert_eq!(quiet("2026-11-25T05:59:59Z"), Some("2026-11-25T06:00:00Z".to_owned()));
        assert_eq!(quiet("2026-11-25T06:00:00Z"), None);
    }

    #[test]
    fn the_weekend_is_quiet_from_friday_evening_to_monday_morning() {
        let monday = Some("2026-11-30T06:00:00Z".to_owned());
        assert_eq!(quiet("2026-11-27T18:59:59Z"), None);
        for instant in ["2026-11-27T19:00:00Z", "2026-11-28T11:00:00Z", "2026-11-30T05:00:00Z"] {
            assert_eq!(quiet(instant), monday, "{instant}");
        }
        assert_eq!(quiet("2026-11-30T06:00:00Z"), None);
    }

    #[test]
    fn the_night_in_which_the_clocks_change_ends_at_seven_too() {
        let monday = Some("2027-03-29T05:00:00Z".to_owned());
        assert_eq!(quiet("2027-03-26T20:00:00Z"), monday, "summer time begins on the Sunday");
    }

    #[test]
    fn a_head_may_choose_that_there_are_none() {
        let mut school = sheet();
        let noon = NaiveTime::MIN + chrono::TimeDelta::hours(12);
        school.settings.quiet_hours = QuietHours { from: noon, until: noon };
        assert_eq!(school.quiet_until("2026-11-28T11:00:00Z".parse().unwrap()), None);
    }

    fn quiet(instant: &str) -> Option<String> {
        let until = sheet().quiet_until(instant.parse().unwrap());
        until.map(|until| until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }
}
