//! Alternations: which of them are every week, which are weeks A or B, which are a list of weeks.
//!
//! Files name them as each school likes, and list their Mondays, not always well: an alternation that
//! calls itself weekly is every week where its list says nothing of the year. Where it does, the list
//! holds: half a year of weekly lessons is not the year.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, Weekday};
use domain::{
    schools::{SchoolCommand, SchoolSheet, YearPlan},
    timetable::Weeks,
};

use super::{
    draft::Draft,
    feed::{Alternation, Timetable},
    problem::Record,
};

/// What STS calls every week.
const EVERY_WEEK: &str = "H";

/// The weeks of each alternation, by its code; none where it has no week in the year.
pub(super) type WeeksOf = BTreeMap<Box<str>, Option<Weeks>>;

/// Finds out the weeks of each alternation. Names the weeks A, where the school has not.
pub(super) fn compare(draft: &mut Draft<'_>, timetable: &Timetable) -> WeeksOf {
    let (year, days) = (draft.year(), draft.days);
    let in_year = |alternation: &Alternation| {
        let mondays = alternation.mondays.iter().copied();
        let touches = |monday: &NaiveDate| {
            *monday <= days.last && monday.week(Weekday::Mon).last_day() >= days.first
        };
        mondays.filter(touches).collect::<BTreeSet<_>>()
    };
    let mondays: BTreeMap<&str, BTreeSet<NaiveDate>> =
        timetable.alternations.iter().map(|(code, each)| (&**code, in_year(each))).collect();
    let all: BTreeSet<NaiveDate> = mondays.values().flatten().copied().collect();
    let several = mondays.values().filter(|mondays| !mondays.is_empty()).count() > 1;
    let lessons = lesson_weeks(&draft.sheet, days.first);
    let unlisted = |code: &str, alternation: &Alternation| {
        // A list of one week is that of a program which only tells when it begins.
        says_weekly(code, alternation) && mondays[code].len() <= 1
    };
    let mut alternations = timetable.alternations.iter();
    let every_week_is_told = alternations.any(|(code, each)| unlisted(code, each));
    let has_rhythm = all.iter().zip(all.iter().skip(1)).any(follow_each_other);
    let weekly = |code: &str, alternation: &Alternation| {
        let mondays = &mondays[code];
        // Beside fortnights, what has the weeks of all has every week with lessons; not so where
        // that is told of another.
        let has_all = *mondays == all && has_rhythm && !every_week_is_told;
        unlisted(code, alternation)
            || (has_all && (several || code == EVERY_WEEK))
            || (!lessons.is_empty() && lessons.is_subset(mondays))
    };
    let weekly: BTreeSet<&str> = timetable
        .alternations
        .iter()
        .filter(|(code, alternation)| weekly(code, alternation))
        .map(|(code, _)| &**code)
        .collect();
    let alternating = mondays.iter().filter(|(code, _)| !weekly.contains(**code));
    let alternating: Vec<_> = alternating.map(|(code, mondays)| (*code, mondays)).collect();
    let plan = draft.sheet.years.get(&year).cloned();
    if let (Some(plan), Some((code, weeks_a))) = (plan, weeks_a(&alternating, &all))
        && plan.weeks_a.is_empty()
    {
        let place = timetable.alternations[code].place;
        let origin = draft.plan.origin(place, Record::Alternation, code);
        let plan = YearPlan { weeks_a: weeks_a.iter().copied().collect(), ..plan };
        draft.decide(&origin, SchoolCommand::PlanSchoolYear { year, plan });
    }
    let known = draft.sheet.years.get(&year).map(|plan| plan.weeks_a.as_slice());
    let known: BTreeSet<NaiveDate> = known.unwrap_or_default().iter().copied().collect();
    let listed_a: BTreeSet<NaiveDate> = all.intersection(&known).copied().collect();
    let of = |code: &str, mondays: &BTreeSet<NaiveDate>| {
        if weekly.contains(code) {
            Some(Weeks::Every)
        } else if mondays.is_empty() {
            None
        } else if *mondays == listed_a {
            Some(Weeks::A)
        } else if !listed_a.is_empty() && all.difference(&listed_a).eq(mondays) {
            Some(Weeks::B)
        } else {
            Some(Weeks::Listed(mondays.clone()))
        }
    };
    mondays.iter().map(|(code, mondays)| ((*code).into(), of(code, mondays))).collect()
}

fn says_weekly(code: &str, alternation: &Alternation) -> bool {
    code == EVERY_WEEK || alternation.label.to_lowercase().contains("hebdo")
}

/// The Mondays of the weeks that no holiday of the school covers.
fn lesson_weeks(sheet: &SchoolSheet, first_day: NaiveDate) -> BTreeSet<NaiveDate> {
    let Some((year, plan)) = sheet.year_of(first_day) else { return BTreeSet::new() };
    let holidays = sheet.holidays.get(&year);
    let is_holiday = |monday: &NaiveDate| {
        let friday = *monday + Days::new(4);
        let mut holidays = holidays.into_iter().flatten();
        holidays.any(|holiday| holiday.first_day <= *monday && friday <= holiday.last_day)
    };
    let begun = plan.first_day.week(Weekday::Mon).first_day();
    let weeks = begun.iter_weeks().take_while(|monday| *monday <= plan.last_day);
    weeks.filter(|monday| !is_holiday(monday)).collect()
}

fn follow_each_other((one, next): (&NaiveDate, &NaiveDate)) -> bool {
    (*next - *one).num_days() == 7
}

/// The first of two alternations that share the weeks of all between them, each fortnightly.
fn weeks_a<'w>(
    alternating: &[(&'w str, &'w BTreeSet<NaiveDate>)],
    all: &BTreeSet<NaiveDate>,
) -> Option<(&'w str, &'w BTreeSet<NaiveDate>)> {
    let pairs = alternating.iter().flat_map(|one| alternating.iter().map(move |two| (one, two)));
    let mut complementary = pairs.filter(|((_, one), (_, two))| {
        let fortnightly = |mondays: &BTreeSet<NaiveDate>| {
            !mondays.iter().zip(mondays.iter().skip(1)).any(follow_each_other)
        };
        one.first().is_some()
            && one.first() < two.first()
            && one.is_disjoint(two)
            && one.union(two).eq(all)
            && fortnightly(one)
            && fortnightly(two)
    });
    complementary.next().map(|(one, _)| *one)
}
