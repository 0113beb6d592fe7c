//! Providers that fail in every way: what is known of a message is what the log says of it, and a family is
//! told by whatever is left, or the office is asked to call.

use api::{App, Dispatcher};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Event, Stream,
    alerts::{AlertEvent, AlertId, TASK_AFTER, message::Why, plan::ATTEMPTS_MAX},
    schools::Half,
};
use serde_json::{Value, json};
use tests::{
    sms_gateway::{Manner, SmsGateway},
    smtp_server::SmtpServer,
};

use super::tilleuls::{answers_for, dispatcher_by, known};
use crate::scene::{SCHOOL, Scene, TELEPHONE};

pub(super) const MOBILE: &str = "06 39 98 00 99";

/// How long a family is not told yet.
const GRACE: TimeDelta = TimeDelta::minutes(10);

/// The deadline of a provider that is waited for in vain, and of one that is not.
const SHORT_SECONDS: u64 = 1;
pub(super) const LONG_SECONDS: u64 = 40;

/// What the log says at the end of a message that was tried by a provider that fails: its fate and why,
/// how often it was claimed, and whether it may have gone out.
type Ended = (&'static str, Why, u32, bool);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_gateway_does_the_family_is_told_by_mail() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let says = |status, body: &str| Manner::Says(status, body.to_owned());
    let rows = [
        (says(500, r#"{"status":100}"#), uncertain(Why::ProviderFailed)),
        (says(503, ""), uncertain(Why::ProviderFailed)),
        (says(429, ""), later(Why::Throttled)),
        (says(403, ""), later(Why::NotAuthenticated)),
        (says(200, r#"{"status":202}"#), never(Why::MessageRefused)),
        (says(200, r#"{"status":401}"#), later(Why::RefusedByProvider)),
        (says(200, r#"{"status":7}"#), uncertain(Why::UnknownAnswer)),
        (says(200, "<html>OK</html>"), uncertain(Why::Garbled)),
        (Manner::Redirects("http://127.0.0.1:9/".to_owned()), uncertain(Why::UnknownAnswer)),
        (Manner::NeverAnswers, uncertain(Why::Timeout)),
        (Manner::HangsUp, uncertain(Why::NoAnswer)),
        (Manner::TakesAndHangsUp, uncertain(Why::NoAnswer)),
        (Manner::StopsAmidTheBody, uncertain(Why::NoAnswer)),
        (Manner::NeverEnds, uncertain(Why::Garbled)),
        (Manner::Babbles, uncertain(Why::NoAnswer)),
    ];
    let mut morning = Morning::new(rows.len()).await;
    for (child, (manner, ended)) in rows.into_iter().enumerate() {
        let gateway = SmsGateway::start();
        gateway.will(manner.clone());
        let both = json!({ "mobile": MOBILE, "mail": "family@example.org", "accepts_sms": true });
        morning.guardian(child, ("exercised", "first"), both).await;
        let channels = json!({ "mail": mail(server.port, LONG_SECONDS),
            "sms": sms(&gateway.url(), deadline(ended)) });
        morning.is_away(child, &channels).await;
        let alert = morning.goes_on(child).await;
        let shown: String = format!("{manner:?}").chars().take(80).collect();
        assert_eq!(fate(&alert, "sms"), as_said(ended), "{shown}");
        assert_eq!(gateway.asked().len(), usize::try_from(ended.2).unwrap(), "{shown}");
        assert_eq!(fate(&alert, "mail"), ("accepted".to_owned(), None, 1, false), "{shown}");
        assert_eq!(alert["call"]["state"], "none", "{shown}");
        assert_eq!(server.letters().len(), child + 1, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_mail_server_does_with_a_letter_the_family_is_told_by_sms() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let gateway = SmsGateway::start();
    let rows = [
        ("rcpt.450", later(Why::RecipientDeferred)),
        ("rcpt.550", never(Why::UnknownRecipient)),
        ("rcpt.554!", later(Why::RefusedByProvider)),
        ("data.451", later(Why::OutOfService)),
        ("dot.451", later(Why::OutOfService)),
        ("dot.554", never(Why::MessageRefused)),
        ("never.rcpt", later(Why::Timeout)),
        ("never.dot", uncertain(Why::Timeout)),
        ("drip", uncertain(Why::Timeout)),
        ("lost", uncertain(Why::NoAnswer)),
        ("taken", uncertain(Why::NoAnswer)),
        ("garbage", uncertain(Why::Garbled)),
        ("other", uncertain(Why::Garbled)),
        ("early", later(Why::Garbled)),
    ];
    for (families, (manner, ended)) in (1..).zip(rows) {
        // Each on a morning of its own: an outage goes on being tried.
        let mut morning = Morning::new(1).await;
        let address = json!({ "mail": format!("{manner}@example.org"), "accepts_sms": false });
        morning.guardian(0, ("exercised", "first"), address).await;
        let mobile = json!({ "mobile": MOBILE, "accepts_sms": true });
        morning.guardian(0, ("in-charge", "first"), mobile).await;
        let channels = json!({ "mail": mail(server.port, deadline(ended)),
            "sms": sms(&gateway.url(), LONG_SECONDS) });
        morning.is_away(0, &channels).await;
        let alert = morning.goes_on(0).await;
        assert_eq!(fate(&alert, "mail"), as_said(ended), "{manner}");
        assert_eq!(fate(&alert, "sms"), ("accepted".to_owned(), None, 1, false), "{manner}");
        assert_eq!(alert["call"]["state"], "none", "{manner}: the home knows");
        assert_eq!(gateway.taken().len(), families, "{manner}");
    }
    let mut taken: Vec<String> = server.letters().into_iter().map(|letter| letter.to).collect();
    taken.dedup();
    assert_eq!(taken, ["drip@example.org", "taken@example.org"], "and the log calls none accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_never_lets_us_begin_has_the_office_call_in_time_who_only_has_mail() {
    let rows = [
        (json!({ "greeting": "421 busy" }), Why::OutOfService),
        (json!({ "greeting": "554 no" }), Why::OutOfService),
        (json!({ "greeting": "250 OK" }), Why::Garbled),
        (json!({ "greeting": null }), Why::Timeout),
        (json!({ "certificate": "other" }), Why::Tls),
        (json!({ "tls": "none" }), Why::Tls),
        (json!({ "starttls": "454 no" }), Why::Tls),
        (json!({ "refuses": true }), Why::Unreachable),
    ];
    let gateway = SmsGateway::start();
    for (options, why) in rows {
        let Some(mut server) = SmtpServer::start(&options) else { return };
        let (mut morning, child) = (Morning::new(1).await, 0);
        let port = if why == Why::Unreachable { free_port() } else { server.port };
        let address = json!({ "mail": "family@example.org", "accepts_sms": false });
        morning.guardian(child, ("exercised", "first"), address).await;
        let mobile = json!({ "mobile": MOBILE, "accepts_sms": true });
        morning.guardian(child, ("exercised", "second"), mobile).await;
        let channels = json!({ "mail": mail(port, deadline(later(why))),
            "sms": sms(&gateway.url(), LONG_SECONDS) });
        let due = morning.is_away(child, &channels).await;
        let alert = morning.goes_on(child).await;
        assert_eq!(fate(&alert, "mail"), as_said(later(why)), "{options}");
        assert_eq!(fate(&alert, "sms").0, "accepted", "{options}: the other home");
        let in_time = due + TASK_AFTER;
        morning.at(in_time - TimeDelta::milliseconds(1)).await;
        assert_eq!(morning.alert(child).await["call"]["state"], "none", "{options}: it may end");
        morning.at(in_time).await;
        let asked = json!({ "state": "asked", "why": "out-of-time" });
        assert_eq!(morning.alert(child).await["call"], asked, "{options}");
        assert!(server.letters().is_empty(), "{options}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_said_yes_and_hung_up_has_the_letter() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let mut morning = Morning::new(1).await;
    let address = json!({ "mail": "cut@example.org", "accepts_sms": false });
    morning.guardian(0, ("exercised", "first"), address).await;
    morning.is_away(0, &json!({ "mail": mail(server.port, LONG_SECONDS) })).await;
    let alert = morning.goes_on(0).await;
    assert_eq!(fate(&alert, "mail"), ("accepted".to_owned(), None, 1, false));
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_left_in_peace_holds_up_no_family() {
    const CHILDREN: usize = 12;
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let gateway = SmsGateway::start();
    gateway.will(Manner::Says(500, String::new()));
    let mut morning = Morning::new(CHILDREN).await;
    for child in 0..CHILDREN {
        let both = json!({ "mobile": MOBILE, "mail": format!("family-{child}@example.org"),
            "accepts_sms": true });
        morning.guardian(child, ("exercised", "first"), both).await;
    }
    let channels = json!({ "mail": mail(server.port, LONG_SECONDS),
        "sms": sms(&gateway.url(), LONG_SECONDS) });
    let due = morning.all_are_away(0..CHILDREN, &channels).await;
    while morning.now < due + TimeDelta::minutes(2) {
        morning.at(morning.now + TimeDelta::seconds(5)).await;
    }
    let mut asked = 0;
    for child in 0..CHILDREN {
        let alert = morning.alert(child).await;
        assert_eq!(fate(&alert, "mail").0, "accepted", "{child}");
        let failures = morning.failures(child).await;
        assert!(failures.iter().all(|why| *why == Why::ProviderFailed), "{failures:?}");
        asked += failures.len();
    }
    assert_eq!(gateway.asked().len(), asked, "nobody is asked who is left in peace");
    assert_eq!(server.letters().len(), CHILDREN, "one each");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_gateway_that_is_left_in_peace_is_not_told_once_sending_is_stopped() {
    const CHILDREN: usize = 12;
    let gateway = SmsGateway::start();
    gateway.will(Manner::Says(500, String::new()));
    let mut morning = Morning::new(CHILDREN).await;
    for child in 0..CHILDREN {
        let mobile = json!({ "mobile": MOBILE, "accepts_sms": true });
        morning.guardian(child, ("exercised", "first"), mobile).await;
    }
    let channels = json!({ "sms": sms(&gateway.url(), LONG_SECONDS) });
    morning.all_are_away(0..CHILDREN, &channels).await;
    // All are to be tried again, and wait for the gateway to be asked again.
    morning.at(morning.now + TimeDelta::seconds(10)).await;
    let stop = json!({ "sending-stopped": { "to": "guardians", "stopped": true } });
    morning.scene.post("/settings", stop).await.ok();
    let asked = gateway.asked().len();
    gateway.will(Manner::Takes);
    for _ in 0..12 {
        morning.at(morning.now + TimeDelta::seconds(10)).await;
    }
    assert_eq!(gateway.asked().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_to_be_tried_is_sent_when_the_provider_is_well_again() {
    let gateway = SmsGateway::start();
    let mut morning = Morning::new(3).await;
    for child in 0..3 {
        let mobile = json!({ "mobile": MOBILE, "accepts_sms": true });
        morning.guardian(child, ("exercised", "first"), mobile).await;
    }
    let channels = json!({ "sms": sms(&gateway.url(), LONG_SECONDS) });
    let throttles = Manner::Says(429, String::new());
    for (child, manner, may_be_sent) in [(0, throttles, false), (1, Manner::HangsUp, true)] {
        gateway.will(manner);
        morning.is_away(child, &channels).await;
        assert_eq!(gateway.taken().len(), child);
        gateway.will(Manner::Takes);
        let (fate, _, attempts, maybe_sent) = fate(&morning.goes_on(child).await, "sms");
        assert!(fate == "accepted" && attempts > 1, "{fate} after {attempts}");
        assert_eq!(maybe_sent, may_be_sent);
    }
    assert_eq!(gateway.taken().len(), 2);
    // Too late: the half-day was over before the provider was well again.
    gateway.will(Manner::Says(429, String::new()));
    morning.is_away(2, &channels).await;
    gateway.will(Manner::Takes);
    morning.at("2026-11-20T18:00:00Z".parse().unwrap()).await;
    let alert = morning.alert(2).await;
    assert_eq!(fate(&alert, "sms").0, "deferred");
    assert_eq!(alert["call"], json!({ "state": "asked", "why": "out-of-time" }));
    assert_eq!(gateway.taken().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_have_got_a_message_that_nobody_answered_for_is_told_that_it_was_wrong() {
    let gateway = SmsGateway::start();
    let mut morning = Morning::new(1).await;
    let mobile = json!({ "mobile": MOBILE, "accepts_sms": true });
    morning.guardian(0, ("exercised", "first"), mobile).await;
    gateway.will(Manner::TakesAndHangsUp);
    morning.is_away(0, &json!({ "sms": sms(&gateway.url(), LONG_SECONDS) })).await;
    gateway.will(Manner::Takes);
    morning.mark(0, "present").await;
    morning.at(morning.now).await;
    let taken = gateway.taken();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert_ne!(taken[0].field("message"), taken[1].field("message"));
}

/// A Friday morning on which children stay away, and the dispatcher of the moment.
pub(super) struct Morning {
    scene: Scene,
    lesson: String,
    children: Vec<String>,
    pub(super) now: DateTime<Utc>,
    sending: Option<Dispatcher>,
}

impl Morning {
    /// A lesson to which all have come.
    pub(super) async fn new(children: usize) -> Self {
        let mut scene = Scene::school().await;
        scene.put("/telephone", json!({ "telephone": TELEPHONE })).await.ok();
        let mut known = Vec::new();
        for _ in 0..children {
            known.push(scene.person("Muller", "Léa", "students").await);
        }
        let teacher = scene.person("Zimmer", "Anne", "staff").await;
        let of_class: Vec<&str> = known.iter().map(String::as_str).collect();
        let class = scene.class("5e A", &of_class).await;
        let course = scene.course(&class, &teacher, "Mathématiques", &[("Fri", 1)]).await;
        let lesson = format!("/courses/{course}/lessons/2026-11-20/1/roll-call");
        scene.put(&lesson, json!({ "absent": [], "late": [] })).await.ok();
        let now = scene.node.journal().clock().now();
        Self { scene, lesson, children: known, now, sending: None }
    }

    /// Somebody who answers for a child.
    pub(super) async fn guardian(&mut self, child: usize, terms: (&str, &str), details: Value) {
        let name = json!({ "name": { "family": "Garnier", "given": "Sophie" } });
        let student = self.children[child].clone();
        answers_for(&mut self.scene, name, terms, &[&student], details).await;
    }

    async fn mark(&mut self, child: usize, mark: &str) {
        let marks = json!({ "marks": [{ "student": self.children[child], "mark": mark }] });
        self.scene.patch(&self.lesson, marks).await.ok();
        known(&self.scene).await;
    }

    /// A child is missed, and its family told by these channels when the grace delay ends.
    pub(super) async fn is_away(&mut self, child: usize, channels: &Value) -> DateTime<Utc> {
        self.all_are_away(child..child + 1, channels).await
    }

    pub(super) async fn all_are_away(
        &mut self,
        children: std::ops::Range<usize>,
        channels: &Value,
    ) -> DateTime<Utc> {
        for child in children {
            self.mark(child, "absent").await;
        }
        let settings = serde_json::from_value(channels.clone()).unwrap();
        self.sending = Some(dispatcher_by(&self.scene, &settings).await);
        let due = self.now + GRACE;
        self.at(due).await;
        due
    }

    /// Sets the clock, and lets whatever is due be sent.
    pub(super) async fn at(&mut self, now: DateTime<Utc>) {
        self.now = now;
        self.scene.clock.set(now);
        self.sending.as_mut().unwrap().settle().await.unwrap();
    }

    /// Goes on until nothing is left to be tried about a child; nothing is tried before its time.
    async fn goes_on(&mut self, child: usize) -> Value {
        loop {
            let alert = self.alert(child).await;
            let Some(not_before) = not_before(&alert) else { return alert };
            let before = not_before - TimeDelta::milliseconds(1);
            if before > self.now {
                self.at(before).await;
                assert_eq!(self.alert(child).await["messages"], alert["messages"]);
            }
            self.at(not_before.max(self.now)).await;
        }
    }

    /// The school over HTTP, with what the dispatcher of the moment counts.
    pub(super) fn app(&self) -> App {
        let app = self.scene.app();
        match &self.sending {
            Some(sending) => app.with_counters(sending.counters()),
            None => app,
        }
    }

    /// The alert about a child, with all that was written of it.
    pub(super) async fn alert(&mut self, child: usize) -> Value {
        known(&self.scene).await;
        let alerts = self.scene.get("/alerts?date=2026-11-20").await.ok();
        let of_child = |alert: &&Value| alert["student"] == self.children[child].as_str();
        alerts.as_array().unwrap().iter().find(of_child).unwrap().clone()
    }

    /// What the log says of a child's alert.
    pub(super) async fn events(&self, child: usize) -> Vec<AlertEvent> {
        let (student, date) = (self.children[child].parse().unwrap(), self.now.date_naive());
        let school = SCHOOL.parse().unwrap();
        let alert = AlertId { school, student, date, half: Half::Morning };
        let history = self.scene.node.journal().history(Stream::Alert(alert)).await.unwrap();
        let own =
            |event: Event| if let Event::Alert(_, event) = event { Some(event) } else { None };
        history.into_iter().filter_map(|entry| own(entry.unwrap().event)).collect()
    }

    /// Why messages about a child were not accepted, each time.
    async fn failures(&self, child: usize) -> Vec<Why> {
        let failure = |event: AlertEvent| {
            let (AlertEvent::MessageDeferred { why, .. }
            | AlertEvent::MessageUncertain { why, .. }) = event
            else {
                return None;
            };
            Some(why)
        };
        self.events(child).await.into_iter().filter_map(failure).collect()
    }
}

/// When a message of an alert is to be tried again, if one is.
fn not_before(alert: &Value) -> Option<DateTime<Utc>> {
    let messages = alert["messages"].as_object().unwrap().values();
    let again = messages.filter(|message| message["attempts"].as_u64() < Some(ATTEMPTS_MAX.into()));
    let times = again.filter_map(|message| message["not_before"].as_str());
    times.map(|time| time.parse().unwrap()).min()
}

/// What became of the message by a channel, why, how often it was tried, and whether it may have gone out.
pub(super) fn fate(alert: &Value, channel: &str) -> (String, Option<Why>, u32, bool) {
    let mut messages = alert["messages"].as_object().unwrap().values();
    let message = messages.find(|message| message["channel"] == channel);
    let message = message.unwrap_or_else(|| panic!("nothing by {channel}: {alert}"));
    let why = message.get("why").map(|why| serde_json::from_value(why.clone()).unwrap());
    let attempts = u32::try_from(message["attempts"].as_u64().unwrap()).unwrap();
    let fate = message["fate"].as_str().unwrap().to_owned();
    (fate, why, attempts, message["maybe_sent"].as_bool().unwrap())
}

fn as_said((fate, why, attempts, maybe_sent): Ended) -> (String, Option<Why>, u32, bool) {
    (fate.to_owned(), Some(why), attempts, maybe_sent)
}

/// Surely not sent, each time.
fn later(why: Why) -> Ended {
    ("deferred", why, ATTEMPTS_MAX, false)
}

/// Perhaps sent, each time.
fn uncertain(why: Why) -> Ended {
    ("uncertain", why, ATTEMPTS_MAX, true)
}

/// Refused once and for all.
fn never(why: Why) -> Ended {
    ("undeliverable", why, 1, false)
}

fn deadline((_, why, _, _): Ended) -> u64 {
    if why == Why::Timeout { SHORT_SECONDS } else { LONG_SECONDS }
}

pub(super) fn mail(port: u16, deadline_seconds: u64) -> Value {
    json!({ "url": format!("smtp://127.0.0.1:{port}"), "from": "absences@ecole.example",
        "ca_file": SmtpServer::ca_file(), "deadline_seconds": deadline_seconds })
}

pub(super) fn sms(url: &str, deadline_seconds: u64) -> Value {
    json!({ "preset": "ovh", "url": url, "account": "sms-ab12345-1", "login": "preau",
        "secret": "brumes-du-83-matins", "sender": "COLLEGE", "deadline_seconds": deadline_seconds })
}

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.local_addr().unwrap().port()
}
