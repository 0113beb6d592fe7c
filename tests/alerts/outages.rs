//! A provider that is gone for a while: its families are told when it is back, each once, and nobody has to
//! be called.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::alerts::{AlertEvent, TASK_AFTER};
use serde_json::json;
use tests::sms_gateway::{Manner, SmsGateway};

use super::hostile::{LONG_SECONDS, MOBILE, Morning, fate, free_port, mail, sms};

const FAMILIES: usize = 9;

/// How long it is gone: longer than any channel is tried before the next one.
const GONE: TimeDelta = TimeDelta::minutes(8);

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_ends_in_time_sends_no_family_to_the_office() {
    let gateway = SmsGateway::start();
    gateway.will(Manner::Says(429, String::new()));
    let mut morning = Morning::new(FAMILIES).await;
    for child in 0..FAMILIES {
        // Every third has a mailbox too, whose server is gone for longer.
        let mut details = json!({ "mobile": MOBILE, "accepts_sms": true });
        if child.is_multiple_of(3) {
            details["mail"] = json!("family@example.org");
        }
        morning.guardian(child, ("exercised", "first"), details).await;
    }
    let channels = json!({ "mail": mail(free_port(), LONG_SECONDS),
        "sms": sms(&gateway.url(), LONG_SECONDS) });
    let due = morning.all_are_away(0..FAMILIES, &channels).await;
    while morning.now < due + GONE {
        morning.at(morning.now + TimeDelta::seconds(20)).await;
    }
    assert!(gateway.taken().is_empty());
    gateway.will(Manner::Takes);
    // A pause of the gateway's, and one of each message's.
    while morning.now < due + GONE + TimeDelta::minutes(3) {
        morning.at(morning.now + TimeDelta::seconds(20)).await;
    }
    for child in 0..FAMILIES {
        let alert = morning.alert(child).await;
        let (fate, _, _, maybe_sent) = fate(&alert, "sms");
        assert_eq!((fate.as_str(), maybe_sent), ("accepted", false), "{child}");
        assert_eq!(alert["call"]["state"], "none", "{child}");
    }
    let taken = gateway.taken();
    let links: BTreeSet<_> = taken.iter().map(|asked| asked.field("message")).collect();
    assert_eq!((taken.len(), links.len()), (FAMILIES, FAMILIES), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_gateway_that_is_left_in_peace_costs_nothing_and_is_called_in_time() {
    // More than are on their way at once.
    const FAMILIES: usize = 36;
    let gateway = SmsGateway::start();
    gateway.will(Manner::Says(429, String::new()));
    let mut morning = Morning::new(FAMILIES).await;
    for child in 0..FAMILIES {
        let details = json!({ "mobile": MOBILE, "accepts_sms": true });
        morning.guardian(child, ("exercised", "first"), details).await;
    }
    let channels = json!({ "sms": sms(&gateway.url(), LONG_SECONDS) });
    let due = morning.all_are_away(0..FAMILIES, &channels).await;
    while morning.now < due + TASK_AFTER - TimeDelta::seconds(1) {
        morning.at(morning.now + TimeDelta::seconds(30)).await;
    }
    morning.at(due + TASK_AFTER).await;
    let mut claims = 0;
    for child in 0..FAMILIES {
        let asked = json!({ "state": "asked", "why": "out-of-time" });
        assert_eq!(morning.alert(child).await["call"], asked, "{child}");
        let claimed = |event: &AlertEvent| matches!(event, AlertEvent::MessageClaimed { .. });
        claims += morning.events(child).await.iter().filter(|event| claimed(event)).count();
    }
    assert_eq!(gateway.asked().len(), claims, "what is claimed is sent");
}
