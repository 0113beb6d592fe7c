//! The rules of receipts: what a provider says later of what it took.

use super::*;

#[test]
fn a_receipt_may_come_long_after_the_provider_took_the_message() {
    let taken =
        [raised("08:05", 0), claimed(MOTHER, Channel::Sms, HERE, "08:15"), accepted(MOTHER)];
    let message = message(MOTHER, Channel::Sms);
    given(taken.clone())
        .when(answer(MOTHER, Channel::Sms, HERE, Answer::Delivered))
        .then_expect_events(vec![AlertEvent::MessageDelivered { message }]);
    let why = Why::UnknownRecipient;
    given(taken)
        .when(answer(MOTHER, Channel::Sms, HERE, Answer::Undeliverable { why }))
        .then_expect_events(vec![AlertEvent::MessageUndeliverable { message, why }]);
}

#[test]
fn a_receipt_that_is_repeated_or_contradicts_an_earlier_one_changes_nothing() {
    let why = Why::UnknownRecipient;
    let (delivered, undeliverable) = (Answer::Delivered, Answer::Undeliverable { why });
    let message = message(MOTHER, Channel::Sms);
    for first in [
        AlertEvent::MessageDelivered { message },
        AlertEvent::MessageUndeliverable { message, why },
    ] {
        for answer in [delivered.clone(), undeliverable.clone()] {
            let claimed = claimed(MOTHER, Channel::Sms, HERE, "08:15");
            let run = RunId(Uuid::nil());
            given([raised("08:05", 0), claimed, accepted(MOTHER), first.clone()])
                .when(AlertCommand::RecordAnswer { message, run, answer })
                .then_expect_events(vec![]);
        }
    }
}

#[test]
fn a_receipt_says_nothing_of_a_message_that_is_being_sent() {
    let (message, run) = (message(MOTHER, Channel::Sms), RunId(Uuid::nil()));
    given([raised("08:05", 0), claimed(MOTHER, Channel::Sms, HERE, "08:15")])
        .when(AlertCommand::RecordAnswer { message, run, answer: Answer::Delivered })
        .then_expect_error(AlertError::ClaimLost);
}

#[test]
fn a_message_that_did_not_arrive_after_all_is_followed_by_the_next_channel() {
    let (message, why) = (message(MOTHER, Channel::Sms), Why::UnknownRecipient);
    let mut events = vec![
        raised("08:05", 0),
        claimed(MOTHER, Channel::Sms, HERE, "08:15"),
        accepted(MOTHER),
        AlertEvent::MessageUndeliverable { message, why },
    ];
    let plan = sheet(&events).plan(&both_parents()[..1], &nobody(), true, at("08:25"));
    let to: Vec<_> = plan.send.iter().map(|next| (next.to, next.channel)).collect();
    assert_eq!((to, plan.escalate), (vec![(MOTHER, Channel::Mail)], None));
    let plan = sheet(&events).plan(&both_parents()[..1], &nobody(), true, at("13:20"));
    assert_eq!((plan.send.len(), plan.escalate), (0, Some(Escalation::OutOfTime)));
    // Nobody has read it: there is nothing to correct.
    events.push(cancelled(Cancellation::NotAbsent, "08:26", 1));
    assert_eq!(sheet(&events).plan(&both_parents(), &nobody(), true, at("08:26")), Plan::default());
}
