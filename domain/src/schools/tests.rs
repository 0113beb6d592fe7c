//! The rules of a school, one test each.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;

#[test]
fn nothing_can_be_set_in_a_school_that_is_not_open() {
    given([]).when(plan_year(plan())).then_expect_error(SchoolError::SchoolNotOpen);
}

#[test]
fn opening_a_school_twice_changes_nothing() {
    given([opened()]).when(open("Collège des Tilleuls")).then_expect_events(vec![]);
}

#[test]
fn a_school_cannot_be_opened_again_under_another_name() {
    given([opened()])
        .when(open("Collège des Hêtres"))
        .then_expect_error(SchoolError::SchoolAlreadyOpen);
}

#[test]
fn a_year_begins_in_the_calendar_year_it_is_named_after() {
    let plan = YearPlan { first_day: day("2027-01-04"), ..plan() };
    given([opened()]).when(plan_year(plan)).then_expect_error(SchoolError::YearTooLong);
}

#[test]
fn terms_do_not_overlap() {
    let mut plan = plan();
    plan.terms[1].first_day = plan.terms[0].last_day;
    given([opened()]).when(plan_year(plan)).then_expect_error(SchoolError::TermsOutOfOrder);
}

#[test]
fn a_term_ends_after_it_begins() {
    let mut plan = plan();
    plan.terms[1].last_day = day("2026-09-02");
    given([opened()])
        .when(plan_year(plan))
        .then_expect_error(SchoolError::PeriodEndsBeforeItBegins);
}

#[test]
fn weeks_are_given_by_their_mondays() {
    let plan = YearPlan { weeks_a: vec![day("2026-11-10")], ..plan() };
    given([opened()]).when(plan_year(plan)).then_expect_error(SchoolError::WeekNotGivenByItsMonday);
}

#[test]
fn holidays_belong_to_a_planned_year() {
    given([opened()])
        .when(SchoolCommand::SetHolidays { year: SchoolYear(2026), holidays: vec![] })
        .then_expect_error(SchoolError::YearNotPlanned);
}

#[test]
fn holidays_lie_within_their_year() {
    let holidays = vec![holiday("2027-07-20", "2027-08-20")];
    given([opened(), planned()])
        .when(SchoolCommand::SetHolidays { year: SchoolYear(2026), holidays })
        .then_expect_error(SchoolError::HolidayOutsideYear);
}

#[test]
fn slots_do_not_overlap() {
    let mut schedule = bells();
    schedule.slots[1].starts = schedule.slots[0].starts;
    given([opened()])
        .when(SchoolCommand::SetBellSchedule { from: day("2026-09-01"), schedule })
        .then_expect_error(SchoolError::SlotsOutOfOrder);
}

#[test]
fn a_reason_is_closed_not_left_out() {
    given([opened(), listed(1, vec![reason("illness")])])
        .when(SchoolCommand::ListReasons { reasons: vec![reason("transport")] })
        .then_expect_error(SchoolError::ReasonLeftOut);
}

#[test]
fn a_reason_code_stands_once_in_the_list() {
    given([opened()])
        .when(SchoolCommand::ListReasons { reasons: vec![reason("illness"), reason("illness")] })
        .then_expect_error(SchoolError::ReasonCodeTwice);
}

#[test]
fn a_reason_about_health_has_a_neutral_label() {
    let reasons = vec![Reason { sensitive: true, ..reason("hospital") }];
    given([opened()])
        .when(SchoolCommand::ListReasons { reasons })
        .then_expect_error(SchoolError::NeutralLabelMissing);
}

#[test]
fn a_new_list_of_reasons_is_the_next_version() {
    let both = vec![reason("illness"), reason("transport")];
    given([opened(), listed(1, vec![reason("illness")])])
        .when(SchoolCommand::ListReasons { reasons: both.clone() })
        .then_expect_events(vec![listed(2, both)]);
}

#[test]
fn choosing_a_setting_again_changes_nothing() {
    let setting = Setting::LatenessMaxMinutes(10);
    given([opened()]).when(SchoolCommand::ChooseSetting { setting }).then_expect_events(vec![]);
}

/// A collège in the Bas-Rhin with one planned year: what other features' tests stand on.
pub(crate) fn sheet() -> SchoolSheet {
    let toussaint = Holiday { name: "Toussaint".to_owned(), ..holiday("2026-10-17", "2026-11-02") };
    let events = [
        opened(),
        planned(),
        SchoolEvent::HolidaysSet { year: SchoolYear(2026), holidays: vec![toussaint] },
        SchoolEvent::BellScheduleSet { from: day("2026-09-01"), schedule: bells() },
        listed(1, vec![reason("illness"), reason("transport")]),
    ];
    match events.into_iter().fold(School::None, School::evolve) {
        School::Open(sheet) => *sheet,
        School::None => panic!("the school was opened"),
    }
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn reason(code: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        label: code.to_owned(),
        neutral_label: None,
        sensitive: false,
        legitimacy: Legitimacy::ChildIll,
        explains: true,
        receivable: None,
        regularises: false,
        in_care: false,
        closed: false,
    }
}

fn given<const N: usize>(events: [SchoolEvent; N]) -> AggregateTestExecutor<School> {
    TestFramework::with(()).given(events.into())
}

fn open(name: &str) -> SchoolCommand {
    SchoolCommand::OpenSchool {
        name: name.to_owned(),
        time_zone: Tz::Europe__Paris,
        department: "67".to_owned(),
    }
}

fn opened() -> SchoolEvent {
    SchoolEvent::SchoolOpened {
        name: "Collège des Tilleuls".to_owned(),
        time_zone: Tz::Europe__Paris,
        department: "67".to_owned(),
    }
}

fn plan_year(plan: YearPlan) -> SchoolCommand {
    SchoolCommand::PlanSchoolYear { year: SchoolYear(2026), plan }
}

fn planned() -> SchoolEvent {
    SchoolEvent::SchoolYearPlanned { year: SchoolYear(2026), plan: plan() }
}

fn plan() -> YearPlan {
    let term = |name: &str, first, last| Term {
        name: name.to_owned(),
        first_day: day(first),
        last_day: day(last),
    };
    YearPlan {
        first_day: day("2026-09-01"),
        last_day: day("2027-07-02"),
        terms: vec![
            term("1er trimestre", "2026-09-01", "2026-11-27"),
            term("2e trimestre", "2026-11-28", "2027-03-05"),
        ],
        weeks_a: vec![day("2026-11-09"), day("2026-11-23")],
    }
}

fn holiday(first: &str, last: &str) -> Holiday {
    Holiday { name: "Vacances".to_owned(), first_day: day(first), last_day: day(last) }
}

fn bells() -> BellSchedule {
    let slot = |name: &str, starts: &str, ends: &str| Slot {
        name: name.to_owned(),
        starts: starts.parse().unwrap(),
        ends: ends.parse().unwrap(),
    };
    let closed = |weekday, half| ClosedHalfDay { weekday, half };
    BellSchedule {
        slots: vec![
            slot("M1", "08:00:00", "08:55:00"),
            slot("M2", "09:00:00", "09:55:00"),
            slot("M3", "10:10:00", "11:05:00"),
            slot("M4", "11:05:00", "12:00:00"),
            slot("S1", "13:30:00", "14:25:00"),
            slot("S2", "14:30:00", "15:25:00"),
            slot("S3", "15:40:00", "16:35:00"),
        ],
        half_day_limit: "13:00:00".parse().unwrap(),
        closed: vec![
            closed(Weekday::Wed, Half::Afternoon),
            closed(Weekday::Sat, Half::Morning),
            closed(Weekday::Sat, Half::Afternoon),
        ],
    }
}

fn listed(version: u32, reasons: Vec<Reason>) -> SchoolEvent {
    SchoolEvent::ReasonsListed { list: ReasonList { version, reasons } }
}
