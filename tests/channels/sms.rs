//! SMS, to a gateway with manners of every kind.

use std::time::Duration;

use api::channels::{Answer, Channel, Channels, Why};
use replay::Clock;
use serde_json::{Value, json};
use tests::{
    sms_gateway::{Manner, SmsGateway},
    smtp_server::SmtpServer,
};
use tokio::{net::TcpListener, time::timeout};

use super::{channels, message};

#[tokio::test]
async fn a_message_leaves_as_ovh_wants_it() {
    let gateway = SmsGateway::start();
    let answer = send(&ovh(&gateway), "06 39 98 00 99").await;
    assert_eq!(answer, Answer::Accepted { reference: Some("0".to_owned()) });
    let [asked] = &gateway.taken()[..] else { panic!("not one message") };
    assert_eq!(asked.line, "POST /sms HTTP/1.1", "nothing personal in the address");
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(asked.header("content-type"), Some(form));
    let field = |name: &str| asked.field(name).unwrap_or_default();
    assert_eq!(field("to"), "+33639980099");
    assert_eq!(field("message"), message(7, "").text.replace('\n', "\r"));
    assert_eq!([field("account"), field("login")], ["sms-ab12345-1", "preau"]);
    assert_eq!([field("password"), field("from")], ["brumes-du-83-matins", "COLLEGE"]);
    assert_eq!([field("noStop"), field("contentType")], ["1", "application/json"]);
}

#[tokio::test]
async fn whatever_a_gateway_does_the_answer_is_what_is_known() {
    let gateway = SmsGateway::start();
    let says = |status, body: &str| Manner::Says(status, body.to_owned());
    let later = |why| Answer::Later { why };
    let uncertain = |why| Answer::Uncertain { why };
    for (manner, answer) in [
        (says(200, r#"{"status":201,"message":"Missing"}"#), later(Why::RefusedByProvider)),
        (
            says(200, r#"{"status":202,"message":"Invalid"}"#),
            Answer::Undeliverable { why: Why::MessageRefused },
        ),
        (says(200, r#"{"status":401}"#), later(Why::RefusedByProvider)),
        (says(200, r#"{"status":7}"#), uncertain(Why::UnknownAnswer)),
        (says(200, "[]"), uncertain(Why::UnknownAnswer)),
        (says(200, "<html>OK</html>"), uncertain(Why::Garbled)),
        (says(200, ""), uncertain(Why::Garbled)),
        (says(200, &"[".repeat(10_000)), uncertain(Why::Garbled)),
        (says(204, ""), uncertain(Why::Garbled)),
        (says(403, r#"{"status":100}"#), later(Why::NotAuthenticated)),
        (says(429, ""), later(Why::Throttled)),
        (says(500, r#"{"status":100}"#), uncertain(Why::ProviderFailed)),
        (says(503, ""), uncertain(Why::ProviderFailed)),
        (Manner::Redirects(gateway.url()), uncertain(Why::UnknownAnswer)),
        (Manner::NeverAnswers, uncertain(Why::Timeout)),
        (Manner::HangsUp, uncertain(Why::NoAnswer)),
        (Manner::TakesAndHangsUp, uncertain(Why::NoAnswer)),
        (Manner::StopsAmidTheBody, uncertain(Why::NoAnswer)),
        (Manner::NeverEnds, uncertain(Why::Garbled)),
        (Manner::Babbles, uncertain(Why::NoAnswer)),
    ] {
        gateway.will(manner.clone());
        let channels = ovh(&gateway);
        let sent = send(&channels, "06 39 98 00 99");
        let sent = timeout(Duration::from_secs(20), sent).await.unwrap();
        let shown: String = format!("{manner:?}").chars().take(80).collect();
        assert_eq!(sent, answer, "{shown}");
    }
    assert_eq!(gateway.asked().len(), 20, "each was asked once, and nobody went elsewhere");
    assert_eq!(gateway.taken().len(), 3, "and nothing was said of these");
}

#[tokio::test]
async fn a_gateway_that_cannot_be_reached_or_trusted_has_got_nothing() {
    let gateway = SmsGateway::start();
    let at = |url: String| {
        let mut settings = settings(&gateway);
        settings["sms"]["url"] = json!(url);
        channels(&settings, &Clock::System)
    };
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = nobody.local_addr().unwrap();
    drop(nobody);
    let without_tls = format!("https://127.0.0.1:{}/sms", gateway.port);
    for url in [format!("http://{free}"), format!("https://{free}"), without_tls] {
        let answer = send(&at(url), "06 39 98 00 99").await;
        assert_eq!(answer, Answer::Later { why: Why::Unreachable });
    }
    assert!(gateway.asked().is_empty());
    let Some(other) = SmtpServer::start(&json!({ "tls": "smtps" })) else { return };
    let answer = send(&at(format!("https://127.0.0.1:{}", other.port)), "06 39 98 00 99").await;
    assert_eq!(answer, Answer::Later { why: Why::Tls }, "nothing vouches for its certificate");
}

#[tokio::test]
async fn a_gateway_that_knows_keys_sends_a_message_once_however_often_it_is_asked() {
    let gateway = SmsGateway::start();
    let settings = json!({ "sms": { "url": gateway.url(), "secret": "brumes-du-83-matins",
        "headers": { "Idempotency-Key": "{key}", "Authorization": "Bearer {secret}" },
        "json": { "messages": [{ "to": "{to}", "text": "{text}" }] },
        "answer": { "pointer": "/status", "accepted": ["100"] }, "reference": "/smsIds/0" } });
    let channels = channels(&settings, &Clock::System);
    gateway.will(Manner::TakesAndHangsUp);
    let first = send(&channels, "06 39 98 00 99").await;
    assert_eq!(first, Answer::Uncertain { why: Why::NoAnswer });
    gateway.will(Manner::Takes);
    for _ in 0..3 {
        let again = send(&channels, "06 39 98 00 99").await;
        assert_eq!(again, Answer::Accepted { reference: Some("0".to_owned()) });
    }
    let [asked] = &gateway.taken()[..] else { panic!("not one message") };
    assert_eq!(asked.header("authorization"), Some("Bearer brumes-du-83-matins"));
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let text = message(7, "").text;
    assert_eq!(body, json!({ "messages": [{ "to": "+33639980099", "text": text }] }));
}

#[tokio::test]
async fn a_gateway_that_fails_is_left_in_peace_and_not_asked() {
    let gateway = SmsGateway::start();
    gateway.will(Manner::Says(500, String::new()));
    let channels = ovh(&gateway);
    for _ in 0..5 {
        send(&channels, "06 39 98 00 99").await;
    }
    // Any moment of the first second may be the end of the pause.
    let answers = [Why::SwitchedOff, Why::ProviderFailed];
    let why = send(&channels, "06 39 98 00 99").await.why().unwrap();
    assert!(answers.contains(&why), "{why:?}");
}

#[tokio::test]
async fn what_is_no_mobile_number_is_not_told_to_anybody() {
    let gateway = SmsGateway::start();
    for number in ["", "17", "03 88 00 00 17", "family@example.org", "+33639980099,+33700000017"] {
        let answer = send(&ovh(&gateway), number).await;
        assert_eq!(answer, Answer::Undeliverable { why: Why::MalformedAddress });
    }
    assert!(gateway.asked().is_empty());
}

async fn send(channels: &Channels, to: &str) -> Answer {
    channels.send(Channel::Sms, &message(7, to)).await
}

/// A channel to this gateway, which nothing was sent through yet.
fn ovh(gateway: &SmsGateway) -> Channels {
    channels(&settings(gateway), &Clock::System)
}

fn settings(gateway: &SmsGateway) -> Value {
    json!({ "sms": { "preset": "ovh", "url": gateway.url(), "account": "sms-ab12345-1",
        "login": "preau", "secret": "brumes-du-83-matins", "sender": "COLLEGE",
        "deadline_seconds": 2 } })
}
