//! Messages as files of a folder.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use api::channels::{Answer, Channel, ChannelSettings, Channels, Why};
use replay::Clock;
use serde_json::json;

use super::{BOTH, message};

const ACCEPTED: Answer = Answer::Accepted { reference: None };

#[tokio::test]
async fn a_message_is_one_file_however_often_it_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let channels = into_folder(data.path());
    let message = message(7, "family@example.org");
    for _ in 0..3 {
        assert_eq!(channels.send(Channel::Mail, &message).await, ACCEPTED);
    }
    let outbox = data.path().join("outbox");
    let key = "00000000-0000-0000-0000-000000000007";
    assert_eq!(names(&outbox), [format!("2026-11-20T07-14-00Z-mail-{key}.txt")]);
    let written = fs::read_to_string(outbox.join(&names(&outbox)[0])).unwrap();
    assert_eq!(
        written,
        format!("To: family@example.org\nSubject: {}\n\n{}\n", message.subject, message.text)
    );
    assert_eq!(fs::metadata(&outbox).unwrap().permissions().mode() & 0o077, 0, "of nobody else");
}

#[tokio::test]
async fn a_file_of_an_sms_says_the_number_as_a_gateway_would_be_told() {
    let data = tempfile::tempdir().unwrap();
    let sent = into_folder(data.path()).send(Channel::Sms, &message(7, "06 39 98 00 99")).await;
    assert_eq!(sent, ACCEPTED);
    let outbox = data.path().join("outbox");
    let written = fs::read_to_string(outbox.join(&names(&outbox)[0])).unwrap();
    assert_eq!(written, format!("To: +33639980099\n\n{}\n", message(7, "").text));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_tried_later() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("outbox"), "a file").unwrap();
    let channels = into_folder(data.path());
    let sent = channels.send(Channel::Mail, &message(7, "family@example.org")).await;
    assert_eq!(sent, Answer::Later { why: Why::NotWritten });
}

#[tokio::test]
async fn a_channel_that_the_settings_have_not_carries_nothing() {
    let none = Channels::default();
    for channel in BOTH {
        assert!(!none.has(channel));
        let sent = none.send(channel, &message(7, "family@example.org")).await;
        assert_eq!(sent, Answer::Undeliverable { why: Why::NoSuchChannel });
    }
}

fn into_folder(data: &Path) -> Channels {
    let settings = json!({ "mail": { "url": "file:outbox" }, "sms": { "url": "file:outbox" } });
    let settings: ChannelSettings = serde_json::from_value(settings).unwrap();
    let channels = Channels::new(&settings, data, &Clock::System).unwrap();
    assert!(BOTH.into_iter().all(|channel| channels.has(channel)));
    channels
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}
