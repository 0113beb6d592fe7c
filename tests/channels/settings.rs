//! What the binary makes of the settings, and what nobody finds in its log.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use api::channels::Channel;
use replay::Clock;
use serde_json::json;
use tests::sms_gateway::{Manner, SmsGateway};

use super::{channels, message};
use crate::{canaries, preau::Preau};

#[test]
fn settings_are_shown_without_their_secrets() {
    let preau = Preau::with(
        "[mail]\nurl = \"smtps://preau:brumes-du-83-matins@mail.ecole.example\"\n\
         from = \"Vie scolaire <absences@ecole.example>\"\n\
         [sms]\npreset = \"ovh\"\naccount = \"sms-ab12345-1\"\nlogin = \"preau\"\n\
         secret = \"soirs-du-bord-de-Moder\"\nsender = \"COLLEGE\"\n",
    );
    let told = preau.try_to(&["config"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("# mail: smtps://mail.ecole.example, from Vie scolaire <"), "{told}");
    assert!(told.contains("# sms: Ovh, from COLLEGE"), "{told}");
    assert_eq!(canaries::first_in(told.as_bytes()), None);
    let other = preau.try_to(&["--smtp", "smtp://other.example:25", "config"]);
    let other = String::from_utf8(other.stdout).unwrap();
    assert!(other.contains("# mail: smtp://other.example:25, from"), "{other}");
}

#[test]
fn a_gateway_can_be_described_in_the_settings_file() {
    let preau = Preau::with(
        "[sms]\nurl = \"https://sms.example/v1/messages\"\nsender = \"COLLEGE\"\n\
         secret = \"brumes-du-83-matins\"\n\
         headers = { Authorization = \"Bearer {secret}\", \"Idempotency-Key\" = \"{key}\" }\n\
         json = { recipients = [\"{to}\"], Content = \"{text}\", from = \"{sender}\", n = 1 }\n\
         reference = \"/messages/0/id\"\n\
         [sms.statuses]\naccepted = [201]\nlater = [503]\nundeliverable = [422]\n\
         [sms.answer]\npointer = \"/Code\"\naccepted = [100, \"ok\"]\n",
    );
    let told = preau.try_to(&["config"]);
    let told = String::from_utf8(told.stdout).unwrap();
    let sms: Vec<&str> = told.lines().filter(|line| line.contains("sms")).collect();
    assert_eq!(sms, ["# sms: https://sms.example/v1/messages, from COLLEGE"], "{told}");
}

#[test]
fn a_server_with_wrong_settings_does_not_start_and_says_what_to_do() {
    for (settings, said) in [
        ("[mail]\nurl = \"smtp://mail.ecole.example\"", "[mail] needs `from`"),
        (
            "[mail]\nurl = \"smtp://mail.ecole.example\"\nfrom = \"a@ecole.example\"\n\
             plain_text = true",
            "goes on with STARTTLS",
        ),
        (
            "[mail]\nurl = \"smtp://preau@mail.ecole.example\"\nfrom = \"a@ecole.example\"",
            "has a `password_file`",
        ),
        (
            "[mail]\nurl = \"smtps://mail.ecole.example\"\nfrom = \"a@ecole.example\"\n\
             ca_file = \"/nowhere\"",
            "`ca_file` of [mail] cannot be read",
        ),
        (
            "[mail]\nurl = \"smtps://mail.ecole.example\"\nfrom = \"a@ecole.example\"\n\
             deadline_seconds = 60",
            "`deadline_seconds` of [mail] is between 1 and 45",
        ),
        ("[mail]\nurl = \"https://mail.ecole.example\"", "smtps://HOST, smtp://HOST"),
        ("[mail]\nurl = \"file:\"", "write file:outbox"),
        ("[sms]\nurl = \"http://sms.example\"", "the url of [sms] is https://"),
        ("[sms]\npreset = \"ovh\"", "[sms] says `account`, `login`"),
        ("[sms]\nurl = \"https://sms.example\"\ncolour = 1", "colour"),
        ("[sms]\nurl = \"file:outbox\"\n[sms.receipts]\nsecret = \"short\"", "at least 32 letters"),
    ] {
        let told = Preau::with(settings).try_to(&["serve"]);
        let told = format!("{:?}{}", told.status.code(), String::from_utf8(told.stderr).unwrap());
        assert!(told.contains(said) && !told.starts_with("Some(0)"), "{settings}: {told}");
    }
}

#[tokio::test]
async fn no_address_no_text_and_no_word_of_a_provider_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let gateway = SmsGateway::start();
    let settings = json!({ "sms": { "preset": "ovh", "url": gateway.url(), "login": "preau",
        "account": "sms-ab12345-1", "secret": "brumes-du-83-matins", "sender": "COLLEGE" },
        "mail": { "url": "smtp://127.0.0.1:1", "from": "a@ecole.example" } });
    let channels = channels(&settings, &Clock::System);
    let mut message = message(7, "06 39 98 00 99");
    message.text = "une angine".to_owned();
    let logged = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    for status in [200, 400, 500] {
        let body = r#"{"status":202,"message":"+33639980099: une angine"}"#;
        gateway.will(Manner::Says(status, body.to_owned()));
        channels.send(Channel::Sms, &message).await;
    }
    message.to = "family@example.org".to_owned();
    channels.send(Channel::Mail, &message).await;
    drop(logged);
    let log = log.0.lock().unwrap();
    let text = String::from_utf8_lossy(&log);
    assert!(text.contains("why=\"message-refused\"") && text.contains("status=500"), "{text}");
    assert_eq!(canaries::first_in(&log), None);
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
