//! How many half-days a student missed: a count under a named rule, never a stored fact.
//!
//! No text gives a formula; every system has its own. Ours is named, so that another can stand
//! beside it: [`HalfDayRule::LessonsMissed`]. A half-day counts once if the student missed, in it, a
//! lesson that took place and that they had to follow. Hence a lunch break counts nothing, a
//! half-day without lessons nothing, a closed half-day nothing, a lateness nothing, and a lesson
//! cancelled afterwards takes its half-day back.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Period;
use crate::{LessonId, schools::Half};

/// The rules that half-days can be counted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum HalfDayRule {
    /// One half-day for each half-day in which a lesson was missed.
    #[default]
    #[serde(rename = "lessons-missed/1")]
    LessonsMissed,
}

/// What a half-day is that was missed partly with and partly without a receivable reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MixedHalfDay {
    /// Unjustified.
    #[default]
    UnjustifiedWins,
    /// Justified in the proportion of the minutes missed with a receivable reason.
    PerHour,
}

/// A lesson that took place and that the student had to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LessonToFollow {
    /// Which one.
    pub lesson: LessonId,
    /// The local day.
    pub date: NaiveDate,
    /// Which half of it.
    pub half: Half,
    /// From when to when.
    pub period: Period,
}

/// An absence that may count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The lesson it is from, if a roll call found it; else all lessons of its period.
    pub lesson: Option<LessonId>,
    /// From when to when.
    pub period: Period,
    /// Whether its reason was judged good.
    pub receivable: bool,
    /// Whether the student was in the school's care: infirmary, library, study hall, trip.
    pub in_care: bool,
}

/// A half-day that was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HalfDayMissed {
    /// The day.
    pub date: NaiveDate,
    /// Which half of it.
    pub half: Half,
    /// Minutes of lessons missed in it.
    pub minutes: u32,
    /// The part that is justified, in hundredths of a half-day: 0 or 100, or between by the hour.
    pub justified_percent: u8,
}

/// A count of half-days, and the rule it follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HalfDayCount {
    /// The rule.
    pub rule: HalfDayRule,
    /// All half-days missed.
    pub missed: u32,
    /// Of them without a receivable reason, in hundredths of a half-day.
    pub unjustified_percent: u32,
    /// Minutes of lessons missed.
    pub minutes: u32,
    /// Each of them, by date.
    pub half_days: Vec<HalfDayMissed>,
}

impl HalfDayRule {
    /// Counts the half-days missed.
    pub fn count(
        self,
        lessons: &[LessonToFollow],
        absences: &[Missed],
        mixed: MixedHalfDay,
    ) -> HalfDayCount {
        let Self::LessonsMissed = self;
        let mut halves: BTreeMap<(NaiveDate, Half), (i64, i64)> = BTreeMap::new();
        for lesson in lessons {
            let mut of_lesson =
                absences.iter().filter(|absence| absence.is_from(lesson)).peekable();
            if of_lesson.peek().is_none() {
                continue;
            }
            let minutes = (lesson.period.to - lesson.period.from).num_minutes();
            let justified = of_lesson.all(|absence| absence.receivable);
            let half = halves.entry((lesson.date, lesson.half)).or_default();
            half.0 += minutes;
            half.1 += if justified { minutes } else { 0 };
        }
        let half_days: Vec<_> = halves
            .into_iter()
            .map(|((date, half), (minutes, justified))| HalfDayMissed {
                date,
                half,
                minutes: u32::try_from(minutes).unwrap_or_default(),
                justified_percent: mixed.justified_percent(justified, minutes),
            })
            .collect();
        HalfDayCount {
            rule: self,
            missed: u32::try_from(half_days.len()).unwrap_or(u32::MAX),
            unjustified_percent: half_days.iter().map(HalfDayMissed::unjustified_percent).sum(),
            minutes: half_days.iter().map(|half_day| half_day.minutes).sum(),
            half_days,
        }
    }
}

impl HalfDayMissed {
    /// The part that is not justified, in hundredths of a half-day.
    pub fn unjustified_percent(&self) -> u32 {
        u32::from(100 - self.justified_percent)
    }
}

impl MixedHalfDay {
    fn justified_percent(self, justified: i64, missed: i64) -> u8 {
        match self {
            Self::UnjustifiedWins if justified < missed => 0,
            Self::UnjustifiedWins => 100,
            Self::PerHour => u8::try_from(justified * 100 / missed.max(1)).unwrap_or(100),
        }
    }
}

impl Missed {
    /// Whether it takes something of this lesson away.
    pub fn is_from(&self, lesson: &LessonToFollow) -> bool {
        let same = match self.lesson {
            Some(called) => called == lesson.lesson,
            None => self.period.overlaps(&lesson.period),
        };
        same && !self.in_care
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;
    use crate::schools::tests::{day, sheet};

    #[test]
    fn an_hour_missed_in_the_morning_is_one_half_day() {
        assert_eq!(count(&full_day(), &[absent(8, 9)]), (1, 100));
    }

    #[test]
    fn from_eight_to_five_is_two_half_days() {
        assert_eq!(count(&full_day(), &[absent(8, 17)]), (2, 200));
    }

    #[test]
    fn a_missed_lunch_break_is_none() {
        assert_eq!(count(&full_day(), &[absent(12, 13)]), (0, 0));
    }

    #[test]
    fn a_half_day_without_lessons_is_none() {
        let morning_only = &full_day()[..4];
        assert_eq!(count(morning_only, &[absent(13, 17)]), (0, 0));
    }

    #[test]
    fn two_absences_of_one_morning_are_one_half_day() {
        assert_eq!(count(&full_day(), &[absent(8, 9), absent(11, 12)]), (1, 100));
    }

    #[test]
    fn an_absence_across_the_half_day_limit_is_two() {
        assert_eq!(count(&full_day(), &[absent(11, 14)]), (2, 200));
    }

    #[test]
    fn in_the_infirmary_or_on_a_trip_nothing_is_missed() {
        assert_eq!(count(&full_day(), &[Missed { in_care: true, ..absent(8, 17) }]), (0, 0));
    }

    #[test]
    fn a_receivable_reason_justifies_the_half_day() {
        assert_eq!(count(&full_day(), &[justified(8, 12)]), (1, 0));
    }

    #[test]
    fn unjustified_wins_in_a_mixed_half_day() {
        assert_eq!(count(&full_day(), &[justified(8, 9), absent(9, 10)]), (1, 100));
    }

    #[test]
    fn a_mixed_half_day_is_split_by_the_hour_where_the_school_says_so() {
        let absences = [justified(8, 9), absent(9, 10)];
        let count = HalfDayRule::LessonsMissed.count(&full_day(), &absences, MixedHalfDay::PerHour);
        assert_eq!((count.missed, count.unjustified_percent, count.minutes), (1, 50, 110));
    }

    #[test]
    fn a_lesson_cancelled_afterwards_takes_its_half_day_back() {
        let lessons = full_day();
        let first_hour = Missed { lesson: Some(lessons[0].lesson), ..absent(8, 9) };
        assert_eq!(count(&lessons, &[first_hour]), (1, 100));
        assert_eq!(count(&lessons[1..], &[first_hour]), (0, 0));
    }

    fn count(lessons: &[LessonToFollow], absences: &[Missed]) -> (u32, u32) {
        let rule = HalfDayRule::LessonsMissed;
        let count = rule.count(lessons, absences, MixedHalfDay::UnjustifiedWins);
        (count.missed, count.unjustified_percent)
    }

    /// The seven lessons of a Monday, four in the morning.
    fn full_day() -> Vec<LessonToFollow> {
        let (school, date) = (sheet(), day("2026-11-09"));
        let lesson = |slot: u8| {
            let time = school.lesson_time(date, slot).unwrap();
            LessonToFollow {
                lesson: LessonId(Uuid::from_u128(u128::from(slot))),
                date,
                half: time.half,
                period: Period { from: time.starts_at, to: time.ends_at },
            }
        };
        (1..=7).map(lesson).collect()
    }

    fn absent(from_hour: u32, to_hour: u32) -> Missed {
        let period = Period { from: hour(from_hour), to: hour(to_hour) };
        Missed { lesson: None, period, receivable: false, in_care: false }
    }

    fn justified(from_hour: u32, to_hour: u32) -> Missed {
        Missed { receivable: true, ..absent(from_hour, to_hour) }
    }

    fn hour(hour: u32) -> DateTime<Utc> {
        let time = chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        sheet().instant(day("2026-11-09"), time)
    }
}
