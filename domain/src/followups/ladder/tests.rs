//! When a month reaches a step of the ladder, and when it no longer does.

use chrono::NaiveDate;
use uuid::Uuid;

use super::*;
use crate::schools::{Half, tests::day, tests::sheet};

/// No command.
const NOTHING: [&str; 0] = [];

const TODAY: &str = "2026-11-27";

#[test]
fn four_half_days_of_a_month_open_the_first_step_and_three_do_not() {
    assert_eq!(asked(&settings(), &half_days(3), &[]), NOTHING);
    assert_eq!(asked(&settings(), &half_days(4), &[]), ["open 2026-11-01 four-half-days"]);
}

#[test]
fn ten_half_days_open_the_second_step_and_nine_do_not() {
    let known = [known("2026-11-01", Step::FourHalfDays, Standing::Open)];
    assert_eq!(asked(&settings(), &half_days(9), &known), NOTHING);
    assert_eq!(asked(&settings(), &half_days(10), &known), ["open 2026-11-01 ten-half-days"]);
}

#[test]
fn ten_half_days_at_once_open_both_steps() {
    let both = ["open 2026-11-01 four-half-days", "open 2026-11-01 ten-half-days"];
    assert_eq!(asked(&settings(), &half_days(10), &[]), both);
}

#[test]
fn half_a_half_day_is_not_a_whole_one() {
    let mut tally = half_days(4);
    tally.half_days[3].justified_percent = 50;
    assert_eq!(asked(&settings(), &tally, &[]), NOTHING);
    tally.half_days.push(HalfDayMissed { date: day("2026-11-26"), ..tally.half_days[3] });
    assert_eq!(asked(&settings(), &tally, &[]), ["open 2026-11-01 four-half-days"]);
}

#[test]
fn what_is_justified_does_not_count() {
    let mut tally = half_days(6);
    tally.half_days.iter_mut().take(3).for_each(|missed| missed.justified_percent = 100);
    assert_eq!(asked(&settings(), &tally, &[]), NOTHING);
}

#[test]
fn a_count_below_the_step_lapses_what_stands_and_nothing_else() {
    let lapse = ["lapse 2026-11-01 four-half-days"];
    let of = |standing| [known("2026-11-01", Step::FourHalfDays, standing)];
    assert_eq!(asked(&settings(), &half_days(3), &of(Standing::Open)), lapse);
    assert_eq!(asked(&settings(), &half_days(3), &of(Standing::Lapsed)), NOTHING);
    assert_eq!(asked(&settings(), &half_days(3), &of(Standing::Closed)), NOTHING);
}

#[test]
fn what_lapsed_is_opened_again_and_what_was_closed_is_not() {
    let open = ["open 2026-11-01 four-half-days"];
    let of = |standing| [known("2026-11-01", Step::FourHalfDays, standing)];
    assert_eq!(asked(&settings(), &half_days(4), &of(Standing::Lapsed)), open);
    assert_eq!(asked(&settings(), &half_days(4), &of(Standing::Closed)), NOTHING);
}

#[test]
fn half_days_of_two_months_are_not_added_in_a_calendar_month() {
    let (missed, today) = (missed_on(&["10-29", "10-30", "11-03", "11-04"]), "2026-11-04");
    assert_eq!(asked_on(&settings(), &missed, &[], today), NOTHING);
}

#[test]
fn half_days_of_two_months_are_added_within_thirty_days() {
    let settings = Settings { legal_month: LegalMonth::Sliding30Days, ..settings() };
    let missed = missed_on(&["10-29", "10-30", "11-03", "11-04"]);
    let open = ["open 2026-11-04 four-half-days"];
    assert_eq!(asked_on(&settings, &missed, &[], TODAY), open);
    let apart = missed_on(&["10-05", "10-30", "11-03", "11-04"]);
    assert_eq!(asked_on(&settings, &apart, &[], TODAY), NOTHING, "thirty-one days");
    let barely = missed_on(&["10-06", "10-30", "11-03", "11-04"]);
    assert_eq!(asked_on(&settings, &barely, &[], TODAY), open, "the first and the thirtieth day");
}

#[test]
fn thirty_days_that_slide_over_those_of_a_follow_up_open_no_other() {
    let settings = Settings { legal_month: LegalMonth::Sliding30Days, ..settings() };
    let missed = missed_on(&["11-02", "11-03", "11-04", "11-05", "11-06", "11-09"]);
    let of = |standing| [sliding("2026-11-05", standing)];
    assert_eq!(asked(&settings, &missed, &of(Standing::Open)), NOTHING);
    assert_eq!(asked(&settings, &missed, &of(Standing::Closed)), NOTHING);
    let fewer = missed_on(&["11-02", "11-03", "11-04", "11-06", "11-09"]);
    let moved = ["lapse 2026-11-05 four-half-days", "open 2026-11-06 four-half-days"];
    assert_eq!(asked(&settings, &fewer, &of(Standing::Open)), moved);
}

#[test]
fn latenesses_and_departures_are_followed_up_where_the_school_says_so() {
    let days = vec![day("2026-11-03"), day("2026-11-03"), day("2026-11-05")];
    let tally = Tally { latenesses: days.clone(), departures: days, ..Tally::default() };
    assert_eq!(asked(&settings(), &tally, &[]), NOTHING);
    let three = Settings { latenesses_per_month: Some(3), ..settings() };
    assert_eq!(asked(&three, &tally, &[]), ["open 2026-11-01 lateness"]);
    let four = Settings { latenesses_per_month: Some(4), ..settings() };
    assert_eq!(asked(&four, &tally, &[]), NOTHING);
    let departures = Settings { departures_per_month: Some(3), ..settings() };
    assert_eq!(asked(&departures, &tally, &[]), ["open 2026-11-01 departures"]);
}

#[test]
fn nothing_follows_of_another_school_year_nor_of_days_to_come() {
    let (school, student) = ("0670001A".parse().unwrap(), StudentId(Uuid::from_u128(7)));
    let sheet = sheet();
    let recount = Recount { school, student, sheet: &sheet, today: day(TODAY), known: &[] };
    let of = |from, until| recount.days(&[Stretch { from: day(from), until: day(until) }]);
    assert_eq!(of("2026-06-02", "2026-06-05"), None);
    assert_eq!(of("2026-11-30", "2026-12-04"), None);
    let november = Stretch { from: day("2026-11-01"), until: day(TODAY) };
    assert_eq!(of("2026-11-03", "2026-12-04"), Some(november));
    let both = Stretch { from: day("2026-10-01"), ..november };
    assert_eq!(of("2026-10-30", "2026-11-02"), Some(both));
}

fn asked(settings: &Settings, tally: &Tally, known: &[Known]) -> Vec<String> {
    asked_on(settings, tally, known, TODAY)
}

/// What is asked for when the days from 29 October have changed.
fn asked_on(settings: &Settings, tally: &Tally, known: &[Known], today: &str) -> Vec<String> {
    let sheet = SchoolSheet { settings: *settings, ..sheet() };
    let (school, student) = ("0670001A".parse().unwrap(), StudentId(Uuid::from_u128(7)));
    let recount = Recount { school, student, sheet: &sheet, today: day(today), known };
    let commands =
        recount.commands(&[Stretch { from: day("2026-10-29"), until: day(today) }], tally);
    let words = |(id, command): (FollowUpId, FollowUpCommand)| {
        let what = match command {
            FollowUpCommand::Open { .. } => "open",
            FollowUpCommand::Lapse { .. } => "lapse",
            FollowUpCommand::NoteMeasure { .. }
            | FollowUpCommand::NoteContact { .. }
            | FollowUpCommand::Close { .. } => panic!("nobody has done anything"),
        };
        format!("{what} {} {}", id.day, <&str>::from(id.step))
    };
    commands.into_iter().map(words).collect()
}

fn settings() -> Settings {
    Settings::default()
}

/// So many half-days without a reason, from 2 November on.
fn half_days(number: u64) -> Tally {
    let date = |n| day("2026-11-02") + Days::new(n);
    Tally { half_days: (0..number).map(|n| missed(date(n))).collect(), ..Tally::default() }
}

fn missed_on(days: &[&str]) -> Tally {
    let missed = |date: &&str| missed(day(&format!("2026-{date}")));
    Tally { half_days: days.iter().map(missed).collect(), ..Tally::default() }
}

fn missed(date: NaiveDate) -> HalfDayMissed {
    HalfDayMissed { date, half: Half::Morning, minutes: 55, justified_percent: 0 }
}

fn known(named: &str, step: Step, standing: Standing) -> Known {
    let (school, student) = ("0670001A".parse().unwrap(), StudentId(Uuid::from_u128(7)));
    let month = Stretch { from: day("2026-11-01"), until: day("2026-11-30") };
    Known { id: FollowUpId { school, student, day: day(named), step }, month, standing }
}

fn sliding(named: &str, standing: Standing) -> Known {
    let month = LegalMonth::Sliding30Days.up_to(day(named));
    Known { month, ..known(named, Step::FourHalfDays, standing) }
}
