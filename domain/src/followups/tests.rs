//! What a follow-up allows, one rule per test.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::schools::tests::day;

#[test]
fn a_step_that_is_reached_is_followed_up() {
    given([]).when(open("2026-11-20")).then_expect_events(vec![opened("2026-11-20")]);
}

#[test]
fn a_step_is_followed_up_once_in_a_month() {
    given([opened("2026-11-20")]).when(open("2026-11-23")).then_expect_events(vec![]);
}

#[test]
fn what_a_correction_takes_away_lapses_once() {
    let lapsed = FollowUpEvent::FollowUpLapsed { on: day("2026-11-24") };
    let lapse = FollowUpCommand::Lapse { on: day("2026-11-24") };
    given([]).when(lapse.clone()).then_expect_events(vec![]);
    given([opened("2026-11-20")]).when(lapse.clone()).then_expect_events(vec![lapsed.clone()]);
    given([opened("2026-11-20"), lapsed]).when(lapse).then_expect_events(vec![]);
}

#[test]
fn what_lapsed_is_opened_again_when_it_is_reached_again() {
    given([opened("2026-11-20"), lapsed()])
        .when(open("2026-11-26"))
        .then_expect_events(vec![opened("2026-11-26")]);
}

#[test]
fn what_was_closed_stays_closed_whatever_is_counted() {
    let closed = [opened("2026-11-20"), closed()];
    given(closed.clone()).when(open("2026-11-26")).then_expect_events(vec![]);
    let lapse = FollowUpCommand::Lapse { on: day("2026-11-26") };
    given(closed).when(lapse).then_expect_events(vec![]);
}

#[test]
fn a_measure_is_noted_once() {
    let (measure, on) = (Measure::DasenInformed, day("2026-11-23"));
    let noted = FollowUpEvent::FollowUpMeasureNoted { measure, on };
    let note = FollowUpCommand::NoteMeasure { measure, on, today: on };
    given([opened("2026-11-20")]).when(note.clone()).then_expect_events(vec![noted.clone()]);
    given([opened("2026-11-20"), noted]).when(note).then_expect_events(vec![]);
}

#[test]
fn what_was_done_is_noted_even_after_its_ground_has_gone() {
    let contact = contact("2026-11-23T10:00:00Z");
    let now = contact.at;
    given([opened("2026-11-20"), lapsed()])
        .when(FollowUpCommand::NoteContact { contact, now })
        .then_expect_events(vec![FollowUpEvent::FollowUpContactMade { contact }]);
}

#[test]
fn a_contact_is_noted_once() {
    let contact = contact("2026-11-23T10:00:00Z");
    given([opened("2026-11-20"), FollowUpEvent::FollowUpContactMade { contact }])
        .when(FollowUpCommand::NoteContact { contact, now: contact.at })
        .then_expect_events(vec![]);
}

#[test]
fn what_has_not_happened_is_not_noted() {
    let (measure, on, today) = (Measure::PlanSigned, day("2026-11-24"), day("2026-11-23"));
    given([opened("2026-11-20")])
        .when(FollowUpCommand::NoteMeasure { measure, on, today })
        .then_expect_error(FollowUpError::NotHappenedYet);
    let contact = contact("2026-11-23T10:00:00Z");
    let now = contact.at - chrono::TimeDelta::hours(1);
    given([opened("2026-11-20")])
        .when(FollowUpCommand::NoteContact { contact, now })
        .then_expect_error(FollowUpError::NotHappenedYet);
}

#[test]
fn nothing_is_noted_in_what_was_closed() {
    let (measure, on) = (Measure::PlanSigned, day("2026-11-24"));
    given([opened("2026-11-20"), closed()])
        .when(FollowUpCommand::NoteMeasure { measure, on, today: on })
        .then_expect_error(FollowUpError::FollowUpAlreadyClosed);
}

#[test]
fn a_follow_up_is_closed_once_and_for_one_reason() {
    let close = |because| FollowUpCommand::Close { because };
    given([opened("2026-11-20")])
        .when(close(Closing::AttendsAgain))
        .then_expect_events(vec![closed()]);
    let known = [opened("2026-11-20"), closed()];
    given(known.clone()).when(close(Closing::AttendsAgain)).then_expect_events(vec![]);
    given(known)
        .when(close(Closing::HandedOn))
        .then_expect_error(FollowUpError::FollowUpAlreadyClosed);
}

#[test]
fn what_has_lapsed_is_not_closed() {
    given([opened("2026-11-20"), lapsed()])
        .when(FollowUpCommand::Close { because: Closing::LeftSchool })
        .then_expect_error(FollowUpError::FollowUpHasLapsed);
}

#[test]
fn nothing_is_noted_where_nothing_was_reached() {
    given([])
        .when(FollowUpCommand::Close { because: Closing::LeftSchool })
        .then_expect_error(FollowUpError::NoSuchFollowUp);
}

#[test]
fn an_erased_follow_up_is_not_written_on() {
    let erased = FollowUp::None.evolve(&opened("2026-11-20")).forget();
    assert_eq!(erased.decide(open("2026-11-23")), Err(FollowUpError::FollowUpErased));
}

fn given<const N: usize>(events: [FollowUpEvent; N]) -> AggregateTestExecutor<FollowUp> {
    TestFramework::with(()).given(events.into())
}

fn open(on: &str) -> FollowUpCommand {
    let (rule, legal_month) = (FollowUpRule::HalfDaysPerMonth, LegalMonth::Calendar);
    FollowUpCommand::Open { rule, legal_month, month: november(), on: day(on) }
}

fn opened(on: &str) -> FollowUpEvent {
    let (rule, legal_month) = (FollowUpRule::HalfDaysPerMonth, LegalMonth::Calendar);
    FollowUpEvent::FollowUpOpened { rule, legal_month, month: november(), on: day(on) }
}

fn lapsed() -> FollowUpEvent {
    FollowUpEvent::FollowUpLapsed { on: day("2026-11-24") }
}

fn closed() -> FollowUpEvent {
    FollowUpEvent::FollowUpClosed { because: Closing::AttendsAgain }
}

fn contact(at: &str) -> Contact {
    Contact {
        by: AccountId(Uuid::from_u128(1)),
        with: PersonId(Uuid::from_u128(2)),
        way: Way::Telephone,
        at: at.parse().unwrap(),
        outcome: ContactOutcome::Spoken,
    }
}

fn november() -> Stretch {
    Stretch { from: day("2026-11-01"), until: day("2026-11-30") }
}
