//! The rules of an outage: what a provider does not take for now goes on being tried, and nothing else does.

use super::*;

#[test]
fn an_outage_of_the_last_channel_is_waited_out_as_long_as_the_alert_lasts() {
    let mut events = vec![raised("08:05", 0)];
    fails(&mut events, (MOTHER, Channel::Sms), ATTEMPTS_MAX, later(Why::Throttled, "08:16"));
    fails(&mut events, (MOTHER, Channel::Mail), ATTEMPTS_MAX, later(Why::Unreachable, "08:18"));
    let waits = sheet(&events).plan(&mother(), &nobody(), true, at("08:15"));
    assert_eq!(waits, Plan { look_again: Some(at("08:16")), ..Plan::default() });
    for (now, channel) in [("08:19", Channel::Sms), ("08:19", Channel::Mail)] {
        let plan = sheet(&events).plan(&mother(), &nobody(), true, at(now));
        assert_eq!(sends(&plan), [(MOTHER, channel)], "one at a time");
        let begun = Some(message(MOTHER, channel));
        assert_eq!((plan.send[0].begun, plan.escalate), (begun, None));
        fails(&mut events, (MOTHER, channel), 1, later(Why::Throttled, "08:20"));
    }
    let last = sheet(&events).plan(&mother(), &nobody(), true, at("13:00") - TimeDelta::minutes(1));
    assert_eq!(last.send.len(), 1, "an hour is no reason to give up");
    let over = sheet(&events).plan(&mother(), &nobody(), true, at("13:20"));
    assert_eq!((over.send.len(), over.look_again), (0, None));
}

#[test]
fn a_provider_that_is_left_in_peace_or_has_too_much_to_do_is_in_an_outage_too() {
    for why in [Why::SwitchedOff, Why::Busy] {
        let mut events = vec![raised("08:05", 0)];
        fails(&mut events, (FATHER, Channel::Mail), ATTEMPTS_MAX, later(why, "08:16"));
        let plan = sheet(&events).plan(&both_parents()[1..], &nobody(), true, at("08:16"));
        assert_eq!(sends(&plan), [(FATHER, Channel::Mail)], "{why:?}");
    }
}

#[test]
fn what_may_have_been_sent_is_not_repeated_through_an_outage() {
    let mut events = vec![raised("08:05", 0)];
    fails(&mut events, (FATHER, Channel::Mail), ATTEMPTS_MAX, uncertain(Why::Timeout, "08:16"));
    let plan = sheet(&events).plan(&both_parents()[1..], &nobody(), true, at("08:16"));
    assert_eq!(plan, Plan { escalate: Some(Escalation::HomeNotReached), ..Plan::default() });
    // Nor is what was tried through an outage, and of which then nothing is known.
    let mut events = vec![raised("08:05", 0)];
    let father = (FATHER, Channel::Mail);
    fails(&mut events, father, ATTEMPTS_MAX, later(Why::Unreachable, "08:16"));
    fails(&mut events, father, 1, uncertain(Why::NoAnswer, "08:17"));
    let plan = sheet(&events).plan(&both_parents()[1..], &nobody(), true, at("08:17"));
    assert_eq!(plan, Plan { escalate: Some(Escalation::HomeNotReached), ..Plan::default() });
}

#[test]
fn the_office_calls_at_once_where_no_channel_ended_by_an_outage() {
    let mut events = vec![raised("08:05", 0)];
    let deferred = later(Why::RecipientDeferred, "08:16");
    fails(&mut events, (MOTHER, Channel::Sms), 1, never);
    fails(&mut events, (MOTHER, Channel::Mail), ATTEMPTS_MAX, deferred);
    let plan = sheet(&events).plan(&mother(), &nobody(), true, at("08:16"));
    assert_eq!(plan, Plan { escalate: Some(Escalation::HomeNotReached), ..Plan::default() });
}

#[test]
fn while_an_outage_lasts_the_office_calls_after_a_quarter_of_an_hour() {
    let mut events = vec![raised("08:05", 0)];
    fails(&mut events, (MOTHER, Channel::Sms), 1, never);
    fails(&mut events, (MOTHER, Channel::Mail), ATTEMPTS_MAX, later(Why::Unreachable, "08:40"));
    let waits = sheet(&events).plan(&mother(), &nobody(), true, at("08:29"));
    assert_eq!(waits, Plan { look_again: Some(at("08:30")), ..Plan::default() });
    let late = sheet(&events).plan(&mother(), &nobody(), true, at("08:30"));
    assert_eq!(late.escalate, Some(Escalation::OutOfTime));
    events.push(escalated());
    let asked = sheet(&events).plan(&mother(), &nobody(), true, at("08:40"));
    assert_eq!(sends(&asked), [(MOTHER, Channel::Mail)], "it goes on beside the office");
}

#[test]
fn who_has_the_child_in_charge_does_not_wait_for_the_end_of_an_outage() {
    let reserve = Recipient {
        person: GRANDMOTHER,
        home: Some(Home::Elsewhere),
        in_reserve: true,
        channels: vec![Channel::Sms],
    };
    let all = [both_parents()[1].clone(), reserve];
    let mut events = vec![raised("08:05", 0)];
    let father = (FATHER, Channel::Mail);
    fails(&mut events, father, ATTEMPTS_MAX - 1, later(Why::Unreachable, "08:16"));
    let plan = sheet(&events).plan(&all, &nobody(), true, at("08:16"));
    assert_eq!(sends(&plan), [father], "he has not been tried often enough");
    fails(&mut events, father, 1, later(Why::Unreachable, "08:16"));
    let plan = sheet(&events).plan(&all, &nobody(), true, at("08:16"));
    assert_eq!(sends(&plan), [father, (GRANDMOTHER, Channel::Sms)]);
    events.push(claimed(FATHER, Channel::Mail, HERE, "08:16"));
    let plan = sheet(&events).plan(&all, &nobody(), true, at("08:16"));
    assert_eq!(sends(&plan), [(GRANDMOTHER, Channel::Sms)], "his is on its way");
}

#[test]
fn whoever_is_told_after_an_outage_is_told_once() {
    let mut events = vec![raised("08:05", 0)];
    fails(&mut events, (MOTHER, Channel::Sms), ATTEMPTS_MAX, later(Why::Throttled, "08:16"));
    fails(&mut events, (MOTHER, Channel::Mail), ATTEMPTS_MAX, later(Why::Unreachable, "08:16"));
    events.extend([claimed(MOTHER, Channel::Sms, HERE, "08:17"), accepted(MOTHER)]);
    assert_eq!(sheet(&events).plan(&mother(), &nobody(), true, at("08:18")), Plan::default());
}

#[test]
fn who_waits_in_vain_for_a_channel_that_is_left_in_peace_is_told_by_the_next_one() {
    let raised = [raised("08:05", 0)];
    let kept_back = KeptBack::from([(MOTHER, Channel::Sms)]);
    let plan = sheet(&raised).plan(&both_parents(), &kept_back, true, at("08:15"));
    assert_eq!(sends(&plan), [(MOTHER, Channel::Mail), (FATHER, Channel::Mail)]);
    // What was begun there waits too; what then fails elsewhere does not come back before its time.
    let mut events = raised.to_vec();
    fails(&mut events, (MOTHER, Channel::Sms), 1, uncertain(Why::ProviderFailed, "08:16"));
    let plan = sheet(&events).plan(&mother(), &kept_back, true, at("08:16"));
    assert_eq!(sends(&plan), [(MOTHER, Channel::Mail)]);
    fails(&mut events, (MOTHER, Channel::Mail), ATTEMPTS_MAX, later(Why::Unreachable, "08:17"));
    let plan = sheet(&events).plan(&mother(), &kept_back, true, at("08:16"));
    assert_eq!((sends(&plan), plan.look_again), (vec![(MOTHER, Channel::Sms)], Some(at("08:17"))));
    let plan = sheet(&events).plan(&mother(), &kept_back, true, at("08:17"));
    assert_eq!(sends(&plan), [(MOTHER, Channel::Mail)], "one at a time: the one that is asked");
    let both = KeptBack::from([(MOTHER, Channel::Sms), (MOTHER, Channel::Mail)]);
    let plan = sheet(&events).plan(&mother(), &both, true, at("08:17"));
    assert_eq!(sends(&plan), [(MOTHER, Channel::Sms)], "whose turn was first");
}

#[test]
fn who_has_the_child_in_charge_does_not_wait_for_a_channel_that_is_left_in_peace() {
    let reserve = Recipient {
        person: GRANDMOTHER,
        home: Some(Home::Elsewhere),
        in_reserve: true,
        channels: vec![Channel::Sms],
    };
    let all = [both_parents()[1].clone(), reserve];
    let kept_back = KeptBack::from([(FATHER, Channel::Mail)]);
    let plan = sheet(&[raised("08:05", 0)]).plan(&all, &kept_back, true, at("08:15"));
    assert_eq!(sends(&plan), [(FATHER, Channel::Mail), (GRANDMOTHER, Channel::Sms)]);
    assert_eq!(plan.escalate, None, "the father may still be told");
}

/// A channel of somebody fails so often in this way.
fn fails(
    events: &mut Vec<AlertEvent>,
    (to, channel): (PersonId, Channel),
    times: u32,
    said: impl Fn(MessageId) -> AlertEvent,
) {
    for _ in 0..times {
        events.push(claimed(to, channel, HERE, "08:15"));
        events.push(said(message(to, channel)));
    }
}

fn later(why: Why, not_before: &str) -> impl Fn(MessageId) -> AlertEvent {
    let not_before = at(not_before);
    move |message| AlertEvent::MessageDeferred { message, why, not_before }
}

fn uncertain(why: Why, not_before: &str) -> impl Fn(MessageId) -> AlertEvent {
    let not_before = at(not_before);
    move |message| AlertEvent::MessageUncertain { message, why, not_before }
}

fn never(message: MessageId) -> AlertEvent {
    AlertEvent::MessageUndeliverable { message, why: Why::UnknownRecipient }
}

fn mother() -> [Recipient; 1] {
    let [mother, _] = both_parents();
    [mother]
}

fn sends(plan: &Plan) -> Vec<(PersonId, Channel)> {
    plan.send.iter().map(|next| (next.to, next.channel)).collect()
}
