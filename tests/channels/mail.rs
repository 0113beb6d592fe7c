//! Mail, to a mail server with manners of every kind.

use std::time::Duration;

use api::channels::{Answer, Channel, Channels, Why};
use chrono::TimeDelta;
use replay::{Clock, clock::SetClock};
use serde_json::{Value, json};
use tests::smtp_server::SmtpServer;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};

use super::{channels, message, morning};

const FROM: &str = "Vie scolaire <absences@ecole.example>";

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let answer = send(&to(&server), "family@example.org").await;
    assert!(matches!(answer, Answer::Accepted { reference: Some(_) }), "{answer:?}");
    let [letter] = &server.letters()[..] else { panic!("not one letter") };
    assert_eq!(letter.key, "00000000-0000-0000-0000-000000000007");
    assert_eq!(letter.to, "family@example.org");
    assert_eq!(letter.subject, message(7, "").subject);
    assert_eq!(letter.text.replace("\r\n", "\n").trim_end(), message(7, "").text);
    let header = |name: &str| letter.headers[name].as_str().unwrap().to_owned();
    assert_eq!(header("From"), FROM);
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("Date"), "Fri, 20 Nov 2026 07:14:00 +0000");
    assert_eq!(letter.headers.as_object().unwrap().len(), 9);
}

#[tokio::test]
async fn whatever_a_server_does_the_answer_is_what_is_known() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let later = |why| Answer::Later { why };
    let never = |why| Answer::Undeliverable { why };
    let uncertain = |why| Answer::Uncertain { why };
    for (kind, answer) in [
        ("rcpt.450", later(Why::RecipientDeferred)),
        ("rcpt.421", later(Why::OutOfService)),
        ("rcpt.550", never(Why::UnknownRecipient)),
        ("rcpt.553", never(Why::UnknownRecipient)),
        ("rcpt.554!", later(Why::RefusedByProvider)),
        ("data.451", later(Why::OutOfService)),
        ("data.554", never(Why::MessageRefused)),
        ("dot.451", later(Why::OutOfService)),
        ("dot.554", never(Why::MessageRefused)),
        ("never.rcpt", later(Why::Timeout)),
        ("ahead", later(Why::Garbled)),
        ("early", later(Why::Garbled)),
        ("never.dot", uncertain(Why::Timeout)),
        ("lost", uncertain(Why::NoAnswer)),
        ("taken", uncertain(Why::NoAnswer)),
        ("drip", uncertain(Why::Timeout)),
        ("line", uncertain(Why::Garbled)),
        ("lines", uncertain(Why::Garbled)),
        ("garbage", uncertain(Why::Garbled)),
        ("other", uncertain(Why::Garbled)),
    ] {
        let (channels, to) = (to(&server), format!("{kind}@example.org"));
        let sent = timeout(Duration::from_secs(20), send(&channels, &to)).await.unwrap();
        assert_eq!(sent, answer, "{kind}");
    }
    let cut = send(&to(&server), "cut@example.org").await;
    assert!(matches!(cut, Answer::Accepted { .. }), "it has said 250: {cut:?}");
    let taken: Vec<String> = server.letters().into_iter().map(|letter| letter.to).collect();
    let taken: Vec<&str> = taken.iter().map(|to| to.split('@').next().unwrap()).collect();
    assert_eq!(taken, ["taken", "drip", "cut"], "and of these nothing else was said");
}

#[tokio::test]
async fn a_letter_that_was_cut_before_its_end_was_not_taken() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let mut long = message(7, "half@example.org");
    long.text = "une ligne\n".repeat(1_000_000);
    // So long a letter takes its time to be written, on a machine that has much to do.
    let mut patient = settings("smtp", server.port);
    patient["mail"]["deadline_seconds"] = json!(45);
    let answer = channels(&patient, &Clock::System).send(Channel::Mail, &long).await;
    assert_eq!(answer, Answer::Later { why: Why::NoAnswer });
    let short = send(&to(&server), "half@example.org").await;
    // All of a short one is on its way before anybody hears of the end.
    let known = [Answer::Later { why: Why::NoAnswer }, Answer::Uncertain { why: Why::NoAnswer }];
    assert!(known.contains(&short), "{short:?}");
    assert!(server.letters().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_let_us_begin_is_tried_later() {
    for (options, why) in [
        (json!({ "greeting": "554 no" }), Why::OutOfService),
        (json!({ "greeting": "421 busy" }), Why::OutOfService),
        (json!({ "greeting": "SSH-2.0-OpenSSH_9.2" }), Why::Garbled),
        (json!({ "greeting": "250 OK" }), Why::Garbled),
        (json!({ "greeting": "220 a\r\n250 b" }), Why::Garbled),
        (json!({ "greeting": "2".repeat(100_000) }), Why::Garbled),
        (json!({ "greeting": null }), Why::Timeout),
        (json!({ "certificate": "other" }), Why::Tls),
        (json!({ "tls": "none" }), Why::Tls),
        (json!({ "tls": "smtps" }), Why::Timeout),
        (json!({ "starttls": "454 no" }), Why::Tls),
        (json!({ "starttls": "220 go\r\n250-tests\r\n250 AUTH PLAIN" }), Why::Garbled),
        (json!({ "starttls": "220 go" }), Why::Tls),
    ] {
        let Some(mut server) = SmtpServer::start(&options) else { return };
        let answer = send(&to(&server), "family@example.org").await;
        let shown: String = options.to_string().chars().take(80).collect();
        assert_eq!(answer, Answer::Later { why }, "{shown}");
        assert!(server.letters().is_empty());
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let answer = send(&channels(&settings("smtp", port), &Clock::System), "a@example.org").await;
    assert_eq!(answer, Answer::Later { why: Why::Unreachable });
}

#[tokio::test]
async fn tls_from_the_first_byte_is_as_good() {
    let Some(mut server) = SmtpServer::start(&json!({ "tls": "smtps" })) else { return };
    let private = channels(&settings("smtps", server.port), &Clock::System);
    let answer = send(&private, "family@example.org").await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    assert_eq!(server.letters().len(), 1);
    let Some(open) = SmtpServer::start(&json!({ "tls": "none" })) else { return };
    let private = channels(&settings("smtps", open.port), &Clock::System);
    let answer = send(&private, "family@example.org").await;
    assert_eq!(answer, Answer::Later { why: Why::Tls });
}

#[tokio::test]
async fn nothing_is_said_in_the_open_unless_the_settings_say_so() {
    let Some(mut server) = SmtpServer::start(&json!({ "tls": "none" })) else { return };
    let mut open = settings("smtp", server.port);
    open["mail"]["plain_text"] = json!(true);
    let answer = send(&channels(&open, &Clock::System), "family@example.org").await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_server_that_wants_to_know_us_is_told_the_password_of_the_settings() {
    let user = json!({ "user": ["preau@ecole", "brumes-du-83-matins"] });
    let Some(mut server) = SmtpServer::start(&user) else { return };
    let as_user = |password: &str| {
        let mut settings = settings("smtp", server.port);
        settings["mail"]["url"] = json!(format!("smtp://preau%40ecole@127.0.0.1:{}", server.port));
        settings["mail"]["password"] = json!(password);
        channels(&settings, &Clock::System)
    };
    let right = send(&as_user("brumes-du-83-matins"), "family@example.org").await;
    assert!(matches!(right, Answer::Accepted { .. }), "{right:?}");
    let unknown = Answer::Later { why: Why::NotAuthenticated };
    assert_eq!(send(&as_user("soirs-du-bord-de-Moder"), "family@example.org").await, unknown);
    assert_eq!(send(&to(&server), "family@example.org").await, unknown);
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_connection_that_has_carried_enough_is_replaced_without_a_word() {
    let Some(mut server) = SmtpServer::start(&json!({ "letters": 2 })) else { return };
    let channels = to(&server);
    for key in 0..5 {
        let answer = channels.send(Channel::Mail, &message(key, "family@example.org")).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{key}: {answer:?}");
    }
    assert_eq!(server.letters().len(), 5);
}

#[tokio::test]
async fn many_letters_at_once_arrive_once_each() {
    const LETTERS: u128 = 100;
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let mut settings = settings("smtp", server.port);
    settings["mail"]["deadline_seconds"] = json!(45);
    let (channels, mut sending) = (channels(&settings, &Clock::System), JoinSet::new());
    for key in 0..LETTERS {
        let channels = channels.clone();
        sending.spawn(async move {
            channels.send(Channel::Mail, &message(key, "family@example.org")).await
        });
    }
    while let Some(answer) = sending.join_next().await {
        let answer = answer.unwrap();
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
    let mut keys: Vec<String> = server.letters().into_iter().map(|letter| letter.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len() as u128, LETTERS);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_left_in_peace_for_a_while() {
    let hands = SetClock::at(morning());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let channels = channels(&settings("smtp", port), &Clock::Set(hands.clone()));
    let unreachable = Answer::Later { why: Why::Unreachable };
    for _ in 0..5 {
        assert_eq!(send(&channels, "family@example.org").await, unreachable);
    }
    hands.set(morning() - TimeDelta::milliseconds(1));
    assert_eq!(
        send(&channels, "family@example.org").await,
        Answer::Later { why: Why::SwitchedOff }
    );
    hands.set(morning() + TimeDelta::seconds(1));
    assert_eq!(send(&channels, "family@example.org").await, unreachable, "the one that tries");
}

#[tokio::test]
async fn what_is_no_address_is_not_told_to_anybody() {
    let Some(mut server) = SmtpServer::start(&json!({})) else { return };
    let channels = to(&server);
    for address in [
        "",
        "family",
        "family@example.org\r\nRCPT TO:<other@example.org>",
        "family@example.org> SIZE=1\r\nDATA\r\n",
        "é@example.org",
        "06 39 98 00 99",
    ] {
        let answer = send(&channels, address).await;
        assert_eq!(answer, Answer::Undeliverable { why: Why::MalformedAddress });
    }
    assert!(server.letters().is_empty());
}

async fn send(channels: &Channels, to: &str) -> Answer {
    channels.send(Channel::Mail, &message(7, to)).await
}

/// A channel to this server, which nothing was sent through yet.
fn to(server: &SmtpServer) -> Channels {
    channels(&settings("smtp", server.port), &Clock::System)
}

fn settings(scheme: &str, port: u16) -> Value {
    json!({ "mail": { "url": format!("{scheme}://127.0.0.1:{port}"), "from": FROM,
        "ca_file": SmtpServer::ca_file(), "deadline_seconds": 2 } })
}
