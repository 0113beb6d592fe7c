//! Bells: which slots a lesson takes, and the bells of a school that has not said when they ring.
//!
//! Timetables tell times, Préau tells slots. A lesson takes the slots whose middle lies in it, so that
//! five minutes more or less change nothing. Bells that the school has set are never touched.

use std::collections::BTreeSet;

use chrono::{NaiveTime, TimeDelta, Weekday};
use domain::schools::{BellSchedule, ClosedHalfDay, Half, Slot};

use super::feed::{DayHours, Timetable, WeeklyLesson};

/// Lessons that begin within as many minutes begin in the same slot.
const SAME_BEGINNING_MINUTES: i64 = 15;

/// What begins before it is the morning, unless lunch is at another time.
const NOON_HOUR: u32 = 13;

impl WeeklyLesson {
    /// When it ends; the last minute of the day, if that would be tomorrow.
    fn ends(&self) -> NaiveTime {
        let (ends, tomorrow) =
            self.starts.overflowing_add_signed(TimeDelta::minutes(self.duration_minutes.into()));
        if tomorrow == 0 { ends } else { at(23, 59) }
    }
}

/// The slots that a lesson takes, from 1.
pub(super) fn slots_of(bells: &BellSchedule, lesson: &WeeklyLesson) -> Vec<u8> {
    let (starts, ends) = (lesson.starts, lesson.ends());
    let numbered = || (1_u8..).zip(&bells.slots);
    let taken =
        numbered().filter(|(_, slot)| (starts..ends).contains(&middle(slot.starts, slot.ends)));
    let taken: Vec<u8> = taken.map(|(number, _)| number).collect();
    if !taken.is_empty() {
        return taken;
    }
    // A lesson shorter than half a slot.
    let middle = middle(starts, ends);
    let around = numbered().filter(|(_, slot)| (slot.starts..slot.ends).contains(&middle));
    around.map(|(number, _)| number).collect()
}

/// The bells that a timetable was made for.
pub(super) fn found_in(timetable: &Timetable) -> BellSchedule {
    let slots = slots(&timetable.lessons);
    let half_day_limit = half_day_limit(&slots);
    let named = {
        let (mut mornings, mut afternoons) = (0, 0);
        slots.iter().map(move |(starts, ends)| {
            let (letter, number) = if *starts < half_day_limit {
                mornings += 1;
                ('M', mornings)
            } else {
                afternoons += 1;
                ('S', afternoons)
            };
            Slot { name: format!("{letter}{number}"), starts: *starts, ends: *ends }
        })
    };
    let slots = named.collect();
    let closed = closed(timetable, half_day_limit);
    BellSchedule { slots, half_day_limit, closed }
}

/// Slots begin where lessons do. Each ends where the first of its lessons does, or the next begins.
fn slots(lessons: &[WeeklyLesson]) -> Vec<(NaiveTime, NaiveTime)> {
    let beginnings: BTreeSet<NaiveTime> = lessons.iter().map(|lesson| lesson.starts).collect();
    let mut starts: Vec<NaiveTime> = Vec::new();
    for beginning in beginnings {
        let near = |last: &NaiveTime| (beginning - *last).num_minutes() < SAME_BEGINNING_MINUTES;
        if !starts.last().is_some_and(near) {
            starts.push(beginning);
        }
    }
    let last_of = |n: usize| starts.get(n + 1).copied().unwrap_or(at(23, 59));
    let slot = |(n, starts): (usize, &NaiveTime)| {
        let next = last_of(n);
        let of_slot = lessons.iter().filter(|lesson| (*starts..next).contains(&lesson.starts));
        let ends = of_slot.map(WeeklyLesson::ends).min().unwrap_or(next).min(next);
        (*starts, ends)
    };
    starts.iter().enumerate().map(slot).filter(|(starts, ends)| starts < ends).collect()
}

/// In the longest pause around noon, as near to one o'clock as it lets.
fn half_day_limit(slots: &[(NaiveTime, NaiveTime)]) -> NaiveTime {
    let noon = at(NOON_HOUR, 0);
    let pauses = slots.windows(2).map(|two| (two[0].1, two[1].0));
    let around = pauses.filter(|(from, to)| *to >= at(11, 30) && *from <= at(14, 30));
    let longest = around.max_by_key(|(from, to)| {
        let limit = noon.clamp(*from, *to);
        (*to - *from, -(limit - noon).num_minutes().abs())
    });
    longest.map_or(noon, |(from, to)| noon.clamp(from, to))
}

/// The half-days that the file gives no hours to; where it gives none at all, those without lessons.
fn closed(timetable: &Timetable, limit: NaiveTime) -> Vec<ClosedHalfDay> {
    let weekdays =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat];
    let halves = [Half::Morning, Half::Afternoon];
    let has_hours = |hours: &DayHours, half| match half {
        Half::Morning => hours.starts < limit,
        Half::Afternoon => hours.ends > limit,
    };
    let is_closed = |closed: &ClosedHalfDay| {
        let ClosedHalfDay { weekday, half } = *closed;
        let mut hours = timetable.hours.iter().filter(|hours| hours.weekday == weekday);
        let mut lessons = timetable.lessons.iter().filter(|lesson| lesson.weekday == weekday);
        let taught = lessons.any(|lesson| (lesson.starts < limit) == (half == Half::Morning));
        !taught && !hours.any(|hours| has_hours(hours, half))
    };
    let all = weekdays.iter().flat_map(|weekday| {
        halves.iter().map(move |half| ClosedHalfDay { weekday: *weekday, half: *half })
    });
    all.filter(is_closed).collect()
}

fn middle(from: NaiveTime, to: NaiveTime) -> NaiveTime {
    from + (to - from) / 2
}

fn at(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}
