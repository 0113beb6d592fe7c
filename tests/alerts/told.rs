//! Who is told what, when, and how often.

use serde_json::{Value, json};

use super::tilleuls::{Tilleuls, dispatcher, known};

const MOBILE: &str = "06 00 00 00 17";

#[tokio::test]
async fn each_guardian_is_told_in_their_language_when_the_grace_delay_ends() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.guardian("Sophie", ("fr", "first"), &[&lea], sms()).await;
    school.guardian("Adèle", ("de", "second"), &[&lea], mail("adele")).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:09:59Z").await;
    assert_eq!(school.sent(), [""; 0]);
    school.at("2026-11-20T07:10:00Z").await;
    let sent = school.sent();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(sent[0].starts_with("To: +33600000017\n"), "{sent:#?}");
    assert!(sent[0].contains("Léa") && sent[0].contains("https://preau.test/a/"), "{sent:#?}");
    assert!(sent[0].contains("03 88 00 00 00") && sent[0].contains("8h00"), "{sent:#?}");
    assert!(sent[1].starts_with("To: adele@example.org\n"), "{sent:#?}");
    assert!(sent[1].contains("Léa") && sent[1].contains("Freitag"), "{sent:#?}");
    for said in &sent {
        assert!(
            !said.contains("Muller") && !said.contains("5e A") && !said.contains("Math"),
            "{said}"
        );
    }
    let alert = &school.alerts().await[0];
    let fates = fates(alert);
    assert_eq!(fates, ["mail accepted", "sms accepted"]);
    school.at("2026-11-20T07:40:00Z").await;
    assert_eq!(school.sent().len(), 2, "once");
    assert_eq!(school.alerts().await[0]["call"]["state"], "none");
}

#[tokio::test]
async fn each_guardian_is_told_by_what_they_prefer_where_they_accept_it() {
    let mut school = Tilleuls::new().await;
    let (lea, noe, max) = (school.lea.clone(), school.noe.clone(), school.max.clone());
    let told = |accepts: bool, prefers: &str| {
        json!({ "mobile": MOBILE, "mail": "family@example.org", "accepts_sms": accepts,
            "prefers": prefers })
    };
    school.guardian("Sophie", ("fr", "first"), &[&lea], told(true, "mail")).await;
    school.guardian("Adèle", ("fr", "first"), &[&noe], told(true, "sms")).await;
    school.guardian("Jeanne", ("fr", "first"), &[&max], told(false, "sms")).await;
    school.roll(1, &[&lea, &noe, &max]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let alerts = school.alerts().await;
    for (student, by) in [(&lea, "mail accepted"), (&noe, "sms accepted"), (&max, "mail accepted")]
    {
        let mut alerts = alerts.as_array().unwrap().iter();
        let alert = alerts.find(|alert| alert["student"] == student.as_str()).unwrap();
        assert_eq!(fates(alert), [by], "{student}");
    }
}

#[tokio::test]
async fn whoever_prefers_mail_is_told_by_sms_when_it_does_not_arrive() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let details = json!({ "mobile": MOBILE, "mail": "no mail@example.org", "accepts_sms": true,
        "prefers": "mail" });
    school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    assert_eq!(fates(&school.alerts().await[0]), ["mail undeliverable", "sms accepted"]);
}

#[tokio::test]
async fn siblings_are_told_of_in_one_message() {
    let mut school = Tilleuls::new().await;
    let (lea, noe, max) = (school.lea.clone(), school.noe.clone(), school.max.clone());
    school.guardian("Sophie", ("fr", "first"), &[&lea, &noe], mail("sophie")).await;
    school.guardian("Adèle", ("fr", "first"), &[&max], mail("adele")).await;
    school.roll(1, &[&lea, &noe, &max]).await;
    school.at("2026-11-20T07:10:30Z").await;
    let sent = school.sent();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    let of_siblings = sent.iter().find(|said| said.starts_with("To: sophie@")).unwrap();
    assert!(of_siblings.contains("Léa") && of_siblings.contains("Noé"), "{of_siblings}");
    assert!(!of_siblings.contains("Max"), "{of_siblings}");
}

#[tokio::test]
async fn a_message_waits_a_moment_for_the_alert_about_a_sibling() {
    let mut school = Tilleuls::new().await;
    let (lea, noe) = (school.lea.clone(), school.noe.clone());
    school.guardian("Sophie", ("fr", "first"), &[&lea, &noe], mail("sophie")).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:00:40Z").await;
    let marks = json!({ "marks": [{ "student": noe, "mark": "absent" }] });
    let lesson = school.lesson(1);
    school.scene.patch(&lesson, marks).await.ok();
    school.at("2026-11-20T07:10:20Z").await;
    assert_eq!(school.sent(), [""; 0], "the sibling's grace delay is not over");
    school.at("2026-11-20T07:10:40Z").await;
    let sent = school.sent();
    assert!(sent.len() == 1 && sent[0].contains("Léa") && sent[0].contains("Noé"), "{sent:#?}");
}

#[tokio::test]
async fn whoever_a_judgment_keeps_from_it_is_never_told() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    let father = school.guardian("Max", ("fr", "second"), &[&lea], mail("max")).await;
    let judgment = json!({ "from": "2026-11-20", "document": "JAF 26/1" });
    let path = format!("/students/{lea}/guardians/{father}/restriction");
    school.scene.post(&path, judgment).await.ok();
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let sent = school.sent();
    assert!(sent.len() == 1 && sent[0].starts_with("To: sophie@"), "{sent:#?}");
}

#[tokio::test]
async fn a_correction_within_the_grace_delay_tells_nobody_and_one_after_it_those_who_were_told() {
    let mut school = Tilleuls::new().await;
    let (lea, max) = (school.lea.clone(), school.max.clone());
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    school.guardian("Adèle", ("en", "first"), &[&max], mail("adele")).await;
    school.roll(1, &[&lea, &max]).await;
    school.at("2026-11-20T07:05:00Z").await;
    school.was_there(1, &lea).await;
    school.at("2026-11-20T07:10:00Z").await;
    assert_eq!(school.sent().len(), 1);
    school.at("2026-11-20T07:20:00Z").await;
    school.was_there(1, &max).await;
    school.at("2026-11-20T07:20:01Z").await;
    let sent = school.sent();
    assert!(sent.iter().all(|said| said.starts_with("To: adele@")), "{sent:#?}");
    assert!(sent.len() == 2 && sent[1].contains("Max"), "{sent:#?}");
    assert_ne!(sent[0], sent[1]);
}

#[tokio::test]
async fn in_quiet_hours_an_absence_is_told_and_a_correction_waits_for_the_morning() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    let night = json!({ "quiet-hours": { "from": "08:05:00", "until": "07:00:00" } });
    school.scene.post("/settings", night).await.ok();
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    assert_eq!(school.sent().len(), 1, "a matter of safety");
    school.was_there(1, &lea).await;
    school.at("2026-11-20T07:11:00Z").await;
    school.at("2026-11-23T05:59:59Z").await;
    assert_eq!(school.sent().len(), 1, "no matter of safety");
    school.at("2026-11-23T06:00:00Z").await;
    assert_eq!(school.sent().len(), 2, "on Monday morning");
}

#[tokio::test]
async fn nothing_is_sent_while_the_school_has_stopped_sending_and_the_office_is_asked_to_call() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    let stop = |stopped| json!({ "sending-stopped": { "to": "guardians", "stopped": stopped } });
    school.scene.post("/settings", stop(true)).await.ok();
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:24:59Z").await;
    assert_eq!(school.alerts().await[0]["call"]["state"], "none");
    school.at("2026-11-20T07:25:00Z").await;
    assert_eq!(school.sent(), [""; 0]);
    assert_eq!(school.alerts().await[0]["call"], json!({ "state": "asked", "why": "out-of-time" }));
    school.scene.post("/settings", stop(false)).await.ok();
    school.at("2026-11-20T07:25:10Z").await;
    assert_eq!(school.sent().len(), 1, "the morning goes on");
}

#[tokio::test]
async fn whoever_was_told_what_is_wrong_is_told_so_when_sending_begins_again() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail("sophie")).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let stop = |stopped| json!({ "sending-stopped": { "to": "guardians", "stopped": stopped } });
    school.scene.post("/settings", stop(true)).await.ok();
    school.was_there(1, &lea).await;
    school.at("2026-11-20T07:11:00Z").await;
    assert_eq!(school.sent().len(), 1);
    school.scene.post("/settings", stop(false)).await.ok();
    school.at("2026-11-20T07:11:10Z").await;
    assert_eq!(school.sent().len(), 2);
}

#[tokio::test]
async fn the_office_takes_on_a_call_and_says_what_came_of_it() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let call = json!({ "state": "asked", "why": "nobody-to-write-to" });
    assert_eq!(school.alerts().await[0]["call"], call);
    let path = format!("/students/{lea}/alerts/2026-11-20/morning/call");
    school.scene.post(&path, Value::Null).await.ok();
    let outcome = json!({ "outcome": "reached" });
    school.scene.put(&format!("{path}/outcome"), outcome).await.ok();
    let call = json!({ "state": "closed", "outcome": "reached" });
    assert_eq!(school.alerts().await[0]["call"], call);
    let other = json!({ "outcome": "voicemail" });
    let refused = school.scene.refused("PUT", &format!("{path}/outcome"), other).await;
    assert_eq!(refused, "422 call-already-closed");
}

#[tokio::test]
async fn nobody_is_told_twice_after_a_restart_and_an_old_alert_is_not_sent() {
    let mut school = Tilleuls::new().await;
    let (lea, max) = (school.lea.clone(), school.max.clone());
    school.guardian("Sophie", ("fr", "first"), &[&lea, &max], mail("sophie")).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let mut school = school.restarted().await;
    school.at("2026-11-20T07:11:00Z").await;
    assert_eq!(school.sent().len(), 1);
    school.roll(5, &[&max]).await;
    let mut school = school.restarted().await;
    school.at("2026-11-20T18:00:00Z").await;
    assert_eq!(school.sent().len(), 1, "nobody needs to know in the evening");
    let alerts = school.alerts().await;
    let of_max = alerts.as_array().unwrap().iter().find(|alert| alert["student"] == max.as_str());
    assert_eq!(of_max.unwrap()["call"]["why"], "out-of-time");
}

#[tokio::test]
async fn two_dispatchers_send_each_message_once() {
    let mut school = Tilleuls::new().await;
    let (lea, noe, max) = (school.lea.clone(), school.noe.clone(), school.max.clone());
    for (name, student) in [("sophie", &lea), ("adele", &noe), ("lemoine", &max)] {
        school.guardian("Sophie", ("fr", "first"), &[student], mail(name)).await;
    }
    school.roll(1, &[&lea, &noe, &max]).await;
    known(&school.scene).await;
    school.scene.now("2026-11-20T07:10:00Z");
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(dispatcher(&school.scene).await);
    }
    let looks = all.iter_mut().map(|dispatcher| dispatcher.settle());
    for settled in futures_util::future::join_all(looks).await {
        settled.unwrap();
    }
    assert_eq!(school.sent().len(), 3);
    let alerts = school.alerts().await;
    for alert in alerts.as_array().unwrap() {
        let messages = alert["messages"].as_object().unwrap();
        let claims: Vec<_> = messages.values().map(|message| &message["attempts"]).collect();
        assert_eq!(claims, [1], "claimed by one of them");
    }
}

/// Channel and fate of each message of an alert.
fn fates(alert: &Value) -> Vec<String> {
    let messages = alert["messages"].as_object().unwrap().values();
    let said = |message: &Value| {
        let text = |field: &str| message[field].as_str().unwrap().to_owned();
        format!("{} {}", text("channel"), text("fate"))
    };
    let mut fates: Vec<_> = messages.map(said).collect();
    fates.sort();
    fates
}

fn sms() -> Value {
    json!({ "mobile": MOBILE, "accepts_sms": true })
}

fn mail(name: &str) -> Value {
    json!({ "mail": format!("{name}@example.org"), "accepts_sms": false })
}
