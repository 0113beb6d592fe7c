//! The rules of an alert, one test each.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::{
    plan::{ATTEMPTS_MAX, KeptBack, Next, Plan, Recipient},
    *,
};
use crate::{StudentId, families::Home, schools::Half};

#[path = "tests/outages.rs"]
mod outages;
#[path = "tests/receipts.rs"]
mod receipts;

const MOTHER: PersonId = PersonId(Uuid::from_u128(1));
const FATHER: PersonId = PersonId(Uuid::from_u128(2));
const GRANDMOTHER: PersonId = PersonId(Uuid::from_u128(3));
const HERE: RunId = RunId(Uuid::from_u128(10));
const THERE: RunId = RunId(Uuid::from_u128(11));
const CPE: AccountId = AccountId(Uuid::from_u128(20));
const ASSISTANT: AccountId = AccountId(Uuid::from_u128(21));
const GRACE: TimeDelta = TimeDelta::minutes(10);

#[test]
fn an_unexplained_absence_raises_an_alert_due_after_the_grace_delay() {
    given([])
        .when(follow(unexplained("08:05"), 0, "08:05"))
        .then_expect_events(vec![raised("08:05", 0)]);
}

#[test]
fn an_explained_absence_raises_none() {
    let command = follow(Said::Nothing(Cancellation::Explained), 1, "08:05");
    given([]).when(command).then_expect_events(vec![]);
}

#[test]
fn the_second_lesson_missed_in_a_half_day_raises_no_second_alert() {
    let command = follow(unexplained("09:02"), 1, "09:02");
    given([raised("08:05", 0)]).when(command).then_expect_events(vec![]);
}

#[test]
fn a_correction_within_the_grace_delay_cancels() {
    given([raised("08:05", 0)])
        .when(follow(Said::Nothing(Cancellation::NotAbsent), 1, "08:09"))
        .then_expect_events(vec![cancelled(Cancellation::NotAbsent, "08:09", 1)]);
}

#[test]
fn an_older_word_of_the_file_changes_nothing() {
    given([raised("08:05", 3)])
        .when(follow(Said::Nothing(Cancellation::NotAbsent), 2, "08:06"))
        .then_expect_events(vec![]);
}

#[test]
fn who_is_missing_again_after_a_correction_is_told_of_again() {
    given([raised("08:05", 0), cancelled(Cancellation::NotAbsent, "08:09", 1)])
        .when(follow(unexplained("09:05"), 2, "09:05"))
        .then_expect_events(vec![raised("09:05", 2)]);
}

#[test]
fn an_alert_that_falls_due_at_the_end_of_its_half_day_may_still_be_sent() {
    let AlertEvent::AlertRaised { due, until, .. } = raised("12:55", 0) else { panic!() };
    assert_eq!((due, until), (at("13:05"), at("13:20")));
}

#[test]
fn nobody_is_told_when_the_half_day_is_over() {
    let claim = claim(MOTHER, Channel::Mail, HERE, "13:00");
    given([raised("08:05", 0)]).when(claim).then_expect_error(AlertError::AlertTooOld);
}

#[test]
fn a_message_is_claimed_by_one_process_at_a_time() {
    given([raised("08:05", 0), claimed(MOTHER, Channel::Mail, HERE, "08:15")])
        .when(claim(MOTHER, Channel::Mail, THERE, "08:15"))
        .then_expect_error(AlertError::ClaimedByAnother);
}

#[test]
fn nobody_is_told_by_two_processes_that_know_of_different_siblings() {
    let AlertCommand::ClaimMessage { to, channel, purpose, run, until, now, .. } =
        claim(MOTHER, Channel::Mail, THERE, "08:15")
    else {
        panic!()
    };
    let message = MessageId(Uuid::from_u128(117));
    let claim = AlertCommand::ClaimMessage { message, to, channel, purpose, run, until, now };
    given([raised("08:05", 0), claimed(MOTHER, Channel::Mail, HERE, "08:15")])
        .when(claim)
        .then_expect_error(AlertError::ClaimedByAnother);
}

#[test]
fn a_claim_that_has_run_out_goes_to_another_process() {
    given([raised("08:05", 0), claimed(MOTHER, Channel::Mail, HERE, "08:15")])
        .when(claim(MOTHER, Channel::Mail, THERE, "08:17"))
        .then_expect_events(vec![claimed(MOTHER, Channel::Mail, THERE, "08:17")]);
}

#[test]
fn whoever_stood_still_says_nothing_of_a_message_that_another_has_taken_over() {
    let answer = answer(MOTHER, Channel::Mail, HERE, Answer::Accepted { reference: None });
    given([
        raised("08:05", 0),
        claimed(MOTHER, Channel::Mail, HERE, "08:15"),
        claimed(MOTHER, Channel::Mail, THERE, "08:17"),
    ])
    .when(answer)
    .then_expect_error(AlertError::ClaimLost);
}

#[test]
fn a_message_that_its_sender_died_with_may_have_been_sent() {
    let sheet = sheet(&[
        raised("08:05", 0),
        claimed(MOTHER, Channel::Mail, HERE, "08:15"),
        claimed(MOTHER, Channel::Mail, THERE, "08:17"),
    ]);
    let message = sheet.messages[&message(MOTHER, Channel::Mail)];
    assert!(message.maybe_sent && !message.is_sent());
}

#[test]
fn who_was_told_by_one_channel_is_not_told_by_another() {
    given([raised("08:05", 0), claimed(MOTHER, Channel::Sms, HERE, "08:15"), accepted(MOTHER)])
        .when(claim(MOTHER, Channel::Mail, THERE, "08:17"))
        .then_expect_error(AlertError::MessageSettled);
}

#[test]
fn nobody_is_told_of_an_alert_that_was_cancelled() {
    given([raised("08:05", 0), cancelled(Cancellation::Explained, "08:09", 1)])
        .when(claim(MOTHER, Channel::Mail, HERE, "08:15"))
        .then_expect_error(AlertError::AlertIsCancelled);
}

#[test]
fn a_correction_goes_to_who_was_told_what_was_wrong_and_to_nobody_else() {
    let told = [
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:15"),
        accepted(MOTHER),
        cancelled(Cancellation::NotAbsent, "08:20", 1),
    ];
    let plan = sheet(&told).plan(&both_parents(), &nobody(), true, at("08:20"));
    let (to, channel, purpose) = (MOTHER, Channel::Sms, Purpose::Correction);
    let send = vec![Next { to, channel, purpose, begun: None }];
    assert_eq!(plan, Plan { send, ..Plan::default() });
    given(told)
        .when(AlertCommand::ClaimMessage {
            message: message(FATHER, Channel::Mail),
            to: FATHER,
            channel: Channel::Mail,
            purpose,
            run: HERE,
            until: at("08:21"),
            now: at("08:20"),
        })
        .then_expect_error(AlertError::NothingToCorrect);
}

#[test]
fn an_explanation_after_the_message_corrects_nothing() {
    let told = [
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:15"),
        accepted(MOTHER),
        cancelled(Cancellation::Explained, "08:20", 1),
    ];
    assert_eq!(sheet(&told).plan(&both_parents(), &nobody(), true, at("08:20")), Plan::default());
}

#[test]
fn nothing_is_sent_before_the_grace_delay_ends() {
    let plan = sheet(&[raised("08:05", 0)]).plan(&both_parents(), &nobody(), true, at("08:14"));
    assert_eq!(plan, Plan { look_again: Some(at("08:15")), ..Plan::default() });
}

#[test]
fn both_parents_are_told_at_the_same_time() {
    let plan = sheet(&[raised("08:05", 0)]).plan(&both_parents(), &nobody(), true, at("08:15"));
    let to: Vec<_> = plan.send.iter().map(|next| (next.to, next.channel)).collect();
    assert_eq!(to, [(MOTHER, Channel::Sms), (FATHER, Channel::Mail)]);
    assert_eq!((plan.escalate, plan.look_again), (None, Some(at("08:30"))));
}

#[test]
fn when_everybody_knows_nothing_is_left_to_do() {
    let told = sheet(&[
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:15"),
        accepted(MOTHER),
        claimed(FATHER, Channel::Mail, HERE, "08:15"),
        AlertEvent::MessageAccepted { message: message(FATHER, Channel::Mail), reference: None },
    ]);
    assert_eq!(told.plan(&both_parents(), &nobody(), true, at("08:16")), Plan::default());
    assert_eq!(told.plan(&both_parents(), &nobody(), true, at("08:30")), Plan::default());
}

#[test]
fn a_number_that_is_none_leads_to_the_next_channel() {
    let why = Why::UnknownRecipient;
    let tried = sheet(&[
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:15"),
        AlertEvent::MessageUndeliverable { message: message(MOTHER, Channel::Sms), why },
    ]);
    let plan = tried.plan(&both_parents()[..1], &nobody(), true, at("08:15"));
    let to: Vec<_> = plan.send.iter().map(|next| (next.to, next.channel)).collect();
    assert_eq!(to, [(MOTHER, Channel::Mail)]);
}

#[test]
fn a_channel_that_fails_for_now_is_tried_a_few_times_before_the_next_one() {
    let mut events = vec![raised("08:05", 0)];
    for attempt in 1..=ATTEMPTS_MAX {
        let message = message(MOTHER, Channel::Sms);
        events.push(claimed(MOTHER, Channel::Sms, HERE, "08:15"));
        let (why, not_before) = (Why::Unreachable, at("08:16"));
        events.push(AlertEvent::MessageDeferred { message, why, not_before });
        let mother = &both_parents()[..1];
        let waits = sheet(&events).plan(mother, &nobody(), true, at("08:15"));
        let later = sheet(&events).plan(mother, &nobody(), true, at("08:16"));
        let next = later.send[0];
        if attempt < ATTEMPTS_MAX {
            assert_eq!((waits.send.len(), waits.look_again), (0, Some(at("08:16"))));
            assert_eq!((next.channel, next.begun), (Channel::Sms, Some(message)));
        } else {
            assert_eq!((next.channel, next.begun), (Channel::Mail, None));
        }
    }
}

#[test]
fn the_office_calls_when_a_home_has_no_channel_left() {
    let (message, why) = (message(FATHER, Channel::Mail), Why::UnknownRecipient);
    let tried = sheet(&[
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:15"),
        accepted(MOTHER),
        claimed(FATHER, Channel::Mail, HERE, "08:15"),
        AlertEvent::MessageUndeliverable { message, why },
    ]);
    let plan = tried.plan(&both_parents(), &nobody(), true, at("08:16"));
    assert_eq!(plan, Plan { escalate: Some(Escalation::HomeNotReached), ..Plan::default() });
    let one_home = both_parents().map(|parent| Recipient { home: Some(Home::First), ..parent });
    let same_home = tried.plan(&one_home, &nobody(), true, at("08:16"));
    assert_eq!(same_home, Plan::default(), "the mother of the same home knows");
}

#[test]
fn the_office_calls_when_a_home_was_not_reached_in_a_quarter_of_an_hour() {
    let tried = sheet(&[
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:29"),
        claimed(FATHER, Channel::Mail, HERE, "08:29"),
    ]);
    let before = tried.plan(&both_parents(), &nobody(), true, at("08:29"));
    assert_eq!((before.escalate, before.look_again), (None, Some(at("08:30"))));
    let in_time = tried.plan(&both_parents(), &nobody(), true, at("08:30"));
    assert_eq!(in_time.escalate, Some(Escalation::OutOfTime));
}

#[test]
fn the_office_calls_at_once_when_there_is_nobody_to_write_to() {
    let plan = sheet(&[raised("08:05", 0)]).plan(&[], &nobody(), true, at("08:15"));
    assert_eq!(plan, Plan { escalate: Some(Escalation::NobodyToWriteTo), ..Plan::default() });
}

#[test]
fn who_has_the_child_in_charge_is_told_when_no_parent_can_be() {
    let reserve = Recipient {
        person: GRANDMOTHER,
        home: Some(Home::Elsewhere),
        in_reserve: true,
        channels: vec![Channel::Mail],
    };
    let mother = both_parents()[0].clone();
    let unwritable = Recipient { channels: vec![], ..mother.clone() };
    let raised = sheet(&[raised("08:05", 0)]);
    let plan = raised.plan(&[unwritable, reserve.clone()], &nobody(), true, at("08:15"));
    let to: Vec<_> = plan.send.iter().map(|next| next.to).collect();
    assert_eq!((to, plan.escalate), (vec![GRANDMOTHER], Some(Escalation::HomeNotReached)));
    let plan = raised.plan(&[mother, reserve], &nobody(), true, at("08:15"));
    assert_eq!(plan.send.iter().map(|next| next.to).collect::<Vec<_>>(), [MOTHER]);
}

#[test]
fn while_sending_is_stopped_nothing_goes_out_and_the_office_calls() {
    let sheet = sheet(&[raised("08:05", 0)]);
    let stopped = sheet.plan(&both_parents(), &nobody(), false, at("08:15"));
    assert_eq!((stopped.send.len(), stopped.escalate), (0, None));
    let plan = sheet.plan(&both_parents(), &nobody(), false, at("08:30"));
    assert_eq!((plan.send.len(), plan.escalate), (0, Some(Escalation::OutOfTime)));
}

#[test]
fn a_student_of_age_who_knows_tells_no_home() {
    let student = Recipient {
        person: GRANDMOTHER,
        home: None,
        in_reserve: false,
        channels: vec![Channel::Sms],
    };
    let mut events = vec![
        raised("08:05", 0),
        claimed(GRANDMOTHER, Channel::Sms, HERE, "08:15"),
        accepted(GRANDMOTHER),
    ];
    let mother = Recipient { channels: vec![Channel::Mail], ..both_parents()[0].clone() };
    let both = [student.clone(), mother];
    let message = message(MOTHER, Channel::Mail);
    events.push(claimed(MOTHER, Channel::Mail, HERE, "08:15"));
    let bounced = AlertEvent::MessageUndeliverable { message, why: Why::UnknownRecipient };
    events.push(bounced);
    let plan = sheet(&events).plan(&both, &nobody(), true, at("08:16"));
    assert_eq!(plan.escalate, Some(Escalation::HomeNotReached), "her mother does not know");
    let alone = sheet(&events).plan(&[student], &nobody(), true, at("08:16"));
    assert_eq!(alone, Plan::default(), "of somebody without parents the student is enough");
}

#[test]
fn a_clock_that_jumps_a_day_sends_nothing_and_asks_once_for_a_call() {
    let mut events = vec![raised("08:05", 0)];
    let tomorrow = at("08:15") + TimeDelta::days(1);
    let plan = sheet(&events).plan(&both_parents(), &nobody(), true, tomorrow);
    assert_eq!((plan.send.len(), plan.escalate), (0, Some(Escalation::OutOfTime)));
    events.push(AlertEvent::AlertEscalated { why: Escalation::OutOfTime });
    assert_eq!(sheet(&events).plan(&both_parents(), &nobody(), true, tomorrow), Plan::default());
}

#[test]
fn two_people_of_the_office_do_not_call_the_same_family() {
    let asked = [raised("08:05", 0), escalated()];
    let by = CPE;
    given(asked.clone())
        .when(AlertCommand::TakeOn { by })
        .then_expect_events(vec![AlertEvent::AlertTakenOn { by }]);
    let taken = [raised("08:05", 0), escalated(), AlertEvent::AlertTakenOn { by }];
    given(taken.clone())
        .when(AlertCommand::TakeOn { by: ASSISTANT })
        .then_expect_error(AlertError::TakenOnByAnother);
    let outcome = Outcome::Voicemail;
    given(taken)
        .when(AlertCommand::Close { by: ASSISTANT, outcome })
        .then_expect_error(AlertError::TakenOnByAnother);
    given(asked).when(AlertCommand::Close { by, outcome }).then_expect_events(vec![
        AlertEvent::AlertTakenOn { by },
        AlertEvent::AlertClosed { outcome },
    ]);
}

#[test]
fn nobody_takes_on_a_call_that_was_not_asked_for() {
    given([raised("08:05", 0)])
        .when(AlertCommand::TakeOn { by: CPE })
        .then_expect_error(AlertError::NoCallAsked);
}

#[test]
fn who_says_twice_that_they_know_has_said_it_once() {
    let by = MOTHER;
    given([raised("08:05", 0), AlertEvent::AlertSeen { by }])
        .when(AlertCommand::Acknowledge { by })
        .then_expect_events(vec![]);
}

#[test]
fn a_message_about_siblings_is_one_message_and_another_one_in_the_next_round() {
    let other = AlertId { student: StudentId(Uuid::from_u128(8)), ..alert() };
    let (once, twice) = (
        sheet(&[raised("08:05", 0)]),
        sheet(&[
            raised("08:05", 0),
            cancelled(Cancellation::NotAbsent, "08:06", 1),
            raised("09:05", 2),
        ]),
    );
    let of = |about: &[_]| MessageId::of(MOTHER, Channel::Sms, Purpose::Absence, about);
    let both = of(&[(alert(), &once), (other, &once)]);
    assert_eq!(both, of(&[(other, &once), (alert(), &once)]));
    assert_ne!(both, of(&[(alert(), &once)]));
    assert_ne!(both, of(&[(alert(), &twice), (other, &once)]));
}

#[test]
fn an_erased_alert_is_not_written_on() {
    let erased = Alert::None.evolve(&raised("08:05", 0)).forget();
    assert_eq!(
        erased.decide(follow(unexplained("08:06"), 1, "08:06")),
        Err(AlertError::AlertErased)
    );
}

fn given<const N: usize>(events: [AlertEvent; N]) -> AggregateTestExecutor<Alert> {
    TestFramework::with(()).given(events.into())
}

fn sheet(events: &[AlertEvent]) -> AlertSheet {
    match events.iter().fold(Alert::None, Alert::evolve) {
        Alert::Raised(sheet) => *sheet,
        Alert::None | Alert::Erased => panic!("no alert was raised"),
    }
}

fn both_parents() -> [Recipient; 2] {
    let parent = |person, home, channels| Recipient { person, home, in_reserve: false, channels };
    [
        parent(MOTHER, Some(Home::First), vec![Channel::Sms, Channel::Mail]),
        parent(FATHER, Some(Home::Second), vec![Channel::Mail]),
    ]
}

/// Who is kept waiting for a channel.
fn nobody() -> KeptBack {
    KeptBack::new()
}

fn unexplained(written: &str) -> Said {
    Said::Unexplained { since: at("08:00"), ends: at("13:00"), due: at(written) + GRACE }
}

fn follow(said: Said, revision: u64, written: &str) -> AlertCommand {
    AlertCommand::FollowFile { said, revision, at: at(written) }
}

fn raised(written: &str, follows: u64) -> AlertEvent {
    let due = at(written) + GRACE;
    AlertEvent::AlertRaised {
        rule: AlertRule::UnexplainedAbsence,
        since: at("08:00"),
        due,
        until: at("13:00").max(due + TASK_AFTER),
        follows,
    }
}

fn cancelled(because: Cancellation, written: &str, follows: u64) -> AlertEvent {
    let until = at(written) + CORRECTED_WITHIN;
    AlertEvent::AlertCancelled { because, until, follows }
}

fn claim(to: PersonId, channel: Channel, run: RunId, now: &str) -> AlertCommand {
    let (now, purpose) = (at(now), Purpose::Absence);
    let (message, until) = (message(to, channel), now + TimeDelta::minutes(1));
    AlertCommand::ClaimMessage { message, to, channel, purpose, run, until, now }
}

fn claimed(to: PersonId, channel: Channel, run: RunId, now: &str) -> AlertEvent {
    let (message, purpose) = (message(to, channel), Purpose::Absence);
    let until = at(now) + TimeDelta::minutes(1);
    AlertEvent::MessageClaimed { message, to, channel, purpose, run, until }
}

fn answer(to: PersonId, channel: Channel, run: RunId, answer: Answer) -> AlertCommand {
    AlertCommand::RecordAnswer { message: message(to, channel), run, answer }
}

fn accepted(to: PersonId) -> AlertEvent {
    AlertEvent::MessageAccepted { message: message(to, Channel::Sms), reference: None }
}

fn escalated() -> AlertEvent {
    AlertEvent::AlertEscalated { why: Escalation::OutOfTime }
}

fn message(to: PersonId, channel: Channel) -> MessageId {
    let raised = sheet(&[raised("08:05", 0)]);
    MessageId::of(to, channel, Purpose::Absence, &[(alert(), &raised)])
}

fn alert() -> AlertId {
    AlertId {
        school: "0549998Z".parse().unwrap(),
        student: StudentId(Uuid::from_u128(7)),
        date: NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(),
        half: Half::Morning,
    }
}

fn at(time: &str) -> DateTime<Utc> {
    format!("2026-11-30T{time}:00Z").parse().unwrap()
}
