//! The board of the school-life office: what it shows at each moment, and to whom.

use domain::{
    AccountId, MessageId, PersonId, RunId,
    alerts::{
        Alert, AlertCommand, AlertId,
        message::{Answer, Channel, Purpose, Why},
    },
    schools::Half,
};
use replay::{Act, new_command_id};
use serde_json::{Value, json};
use uuid::Uuid;

use super::tilleuls::Tilleuls;
use crate::scene::SCHOOL;

#[tokio::test]
async fn a_roll_that_was_not_called_shows_after_ten_minutes_until_it_is() {
    let mut school = Tilleuls::new().await;
    assert_eq!(school.board("2026-11-20T07:09:59Z").await["roll_calls_missing"], json!([]));
    let board = school.board("2026-11-20T07:10:00Z").await;
    let missing = &board["roll_calls_missing"][0];
    assert_eq!(board["roll_calls_missing"].as_array().unwrap().len(), 1, "{board:#}");
    assert_eq!(missing["starts_at"], "2026-11-20T07:00:00Z");
    assert_eq!(missing["class_name"], "5e A");
    assert_eq!(missing["teacher_names"][0]["family"], "Zimmer");
    school.roll(1, &[]).await;
    assert_eq!(school.board("2026-11-20T07:12:00Z").await["roll_calls_missing"], json!([]));
    assert_eq!(missing_at(&mut school, "2026-11-20T08:10:00Z").await, [2]);
    assert_eq!(missing_at(&mut school, "2026-11-20T17:00:00Z").await, [2, 5], "all day long");
}

#[tokio::test]
async fn nobody_is_asked_for_the_roll_of_a_lesson_that_does_not_take_place() {
    let mut school = Tilleuls::new().await;
    school.scene.patch(&school.change(1), json!({ "change": "cancel" })).await.ok();
    assert_eq!(missing_at(&mut school, "2026-11-20T07:30:00Z").await, [0; 0]);
    school.scene.patch(&school.change(1), json!({ "change": "reinstate" })).await.ok();
    assert_eq!(missing_at(&mut school, "2026-11-20T07:30:00Z").await, [1]);
    let mut bells = crate::scene::bells();
    bells["closed"] = json!([{ "weekday": "Fri", "half": "morning" }]);
    school.scene.put("/bell-schedules/2026-11-20", bells).await.ok();
    assert_eq!(missing_at(&mut school, "2026-11-20T17:00:00Z").await, [5], "no school before noon");
}

#[tokio::test]
async fn a_moved_lesson_is_looked_for_where_it_is() {
    let mut school = Tilleuls::new().await;
    let to = json!({ "change": "move", "room": "7", "to": { "date": "2026-11-20", "slot": 3 } });
    school.scene.patch(&school.change(1), to).await.ok();
    assert_eq!(missing_at(&mut school, "2026-11-20T07:30:00Z").await, [0; 0]);
    assert_eq!(missing_at(&mut school, "2026-11-20T09:20:00Z").await, [2, 3]);
}

#[tokio::test]
async fn whoever_the_roll_call_of_this_moment_did_not_see_is_away() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.roll(1, &[&lea]).await;
    let board = school.board("2026-11-20T07:20:00Z").await;
    let away = json!([{
        "student": lea,
        "name": { "family": "Muller", "given": "Léa" },
        "class_name": "5e A",
        "known_by": "roll-call",
        "since": "2026-11-20T07:00:00Z",
        "until": "2026-11-20T07:55:00Z",
    }]);
    assert_eq!(board["away"], away);
    assert_eq!(school.board("2026-11-20T08:00:00Z").await["away"], json!([]));
    school.scene.now("2026-11-20T08:30:00Z");
    let then = school.scene.get_as_of("/board", "2026-11-20T07:20:00Z").await.ok();
    assert_eq!(then["away"], away, "a past moment is shown as it was");
    let other_day = school.scene.get("/board?date=2026-11-19").await.ok();
    assert_eq!(other_day["away"], json!([]), "nobody is away now on another day");
}

#[tokio::test]
async fn whoever_was_announced_is_away_until_a_roll_call_sees_them_and_when_they_leave() {
    let mut school = Tilleuls::new().await;
    let max = school.max.clone();
    let announced = json!({ "student": max, "from": "2026-11-20T06:00:00Z",
        "to": "2026-11-20T17:00:00Z", "reason": "illness" });
    school.scene.post("/announcements", announced).await.ok();
    let away = |board: &Value| board["away"][0]["known_by"].clone();
    let board = school.board("2026-11-20T07:01:00Z").await;
    assert_eq!(away(&board), "announcement");
    assert!(!board.to_string().contains("illness"), "no reason is on the board");
    school.roll(1, &[]).await;
    assert_eq!(school.board("2026-11-20T07:20:00Z").await["away"], json!([]), "he came");
    let left = json!({ "student": max, "from": "2026-11-20T07:30:00Z",
        "to": "2026-11-20T11:00:00Z" });
    school.scene.post("/departures", left).await.ok();
    assert_eq!(school.board("2026-11-20T07:29:59Z").await["away"], json!([]));
    assert_eq!(away(&school.board("2026-11-20T07:30:00Z").await), "departure");
    let board = school.board("2026-11-20T11:00:00Z").await;
    assert_eq!(away(&board), "announcement", "what was said before says so still");
}

#[tokio::test]
async fn an_alert_waits_is_told_seen_and_cancelled() {
    let mut school = Tilleuls::new().await;
    let (lea, max) = (school.lea.clone(), school.max.clone());
    let mail = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea, &max], mail).await;
    school.roll(1, &[&lea, &max]).await;
    assert_eq!(states(&mut school, "2026-11-20T07:09:59Z").await, ["waiting", "waiting"]);
    assert_eq!(states(&mut school, "2026-11-20T07:10:00Z").await, ["being-told", "being-told"]);
    school.at("2026-11-20T07:10:00Z").await;
    assert_eq!(states(&mut school, "2026-11-20T07:11:00Z").await, ["told", "told"]);
    let token = school.scene.signed_in(&mother, false).await;
    let path =
        format!("/schools/{SCHOOL}/students/{lea}/alerts/2026-11-20/morning/acknowledgement");
    school.scene.send_as(&token, "POST", &path, None).await.ok();
    school.was_there(1, &max).await;
    let board = school.board("2026-11-20T07:12:00Z").await;
    let of = |student: &str| {
        let mut alerts = board["alerts"].as_array().unwrap().iter();
        alerts.find(|alert| alert["student"] == student).unwrap()["state"].clone()
    };
    assert_eq!((of(&lea), of(&max)), (json!("seen"), json!("cancelled")));
}

#[tokio::test]
async fn what_may_have_been_sent_is_never_called_sent() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    school.roll(1, &[&lea]).await;
    school.scene.now("2026-11-20T07:10:00Z");
    let alert = AlertId {
        school: SCHOOL.parse().unwrap(),
        student: PersonId(lea.parse().unwrap()).into(),
        date: "2026-11-20".parse().unwrap(),
        half: Half::Morning,
    };
    let (message, run) = (MessageId(Uuid::from_u128(3)), RunId(Uuid::from_u128(4)));
    let (to, now) = (PersonId(Uuid::from_u128(5)), "2026-11-20T07:10:00Z".parse().unwrap());
    let (channel, purpose) = (Channel::Sms, Purpose::Absence);
    let until = "2026-11-20T07:11:00Z".parse().unwrap();
    give(
        &school,
        alert,
        AlertCommand::ClaimMessage { message, to, channel, purpose, run, until, now },
    )
    .await;
    assert_eq!(states(&mut school, "2026-11-20T07:10:01Z").await, ["being-told"]);
    let answer = Answer::Uncertain { why: Why::Timeout, not_before: until };
    give(&school, alert, AlertCommand::RecordAnswer { message, run, answer }).await;
    let board = school.board("2026-11-20T07:24:59Z").await;
    let [state, overdue] = ["state", "overdue"].map(|field| &board["alerts"][0][field]);
    assert_eq!((state, overdue), (&json!("uncertain"), &json!(false)));
    let board = school.board("2026-11-20T07:25:00Z").await;
    assert_eq!(board["alerts"][0]["overdue"], true, "nobody is known to have been told");
}

#[tokio::test]
async fn a_dispatcher_that_has_died_is_noticed_and_a_call_is_made_until_it_is_closed() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mail = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    school.guardian("Sophie", ("fr", "first"), &[&lea], mail).await;
    let stop = json!({ "sending-stopped": { "to": "guardians", "stopped": true } });
    school.scene.post("/settings", stop).await.ok();
    school.roll(1, &[&lea]).await;
    let alert = |board: &Value| {
        (board["alerts"][0]["state"].clone(), board["alerts"][0]["overdue"].clone())
    };
    let board = school.board("2026-11-20T07:24:59Z").await;
    assert_eq!(alert(&board), (json!("being-told"), json!(false)));
    let board = school.board("2026-11-20T07:25:00Z").await;
    assert_eq!(alert(&board), (json!("being-told"), json!(true)), "nothing looks after it");
    school.at("2026-11-20T07:25:00Z").await;
    let board = school.board("2026-11-20T07:25:00Z").await;
    assert_eq!(alert(&board), (json!("call-asked"), json!(false)));
    assert_eq!(
        board["calls"],
        json!([{
            "student": lea,
            "name": { "family": "Muller", "given": "Léa" },
            "class_name": "5e A",
            "date": "2026-11-20",
            "half": "morning",
            "due": "2026-11-20T07:10:00Z",
            "why": "out-of-time",
            "taken_on_by": null,
        }])
    );
    let monday = school.board("2026-11-23T07:00:00Z").await;
    assert_eq!(monday["calls"], board["calls"], "a call that nobody made waits");
    assert_eq!(monday["alerts"], json!([]));
    let path = format!("/students/{lea}/alerts/2026-11-20/morning/call");
    school.scene.post(&path, Value::Null).await.ok();
    let board = school.board("2026-11-20T07:30:00Z").await;
    assert_eq!(alert(&board).0, "call-taken-on");
    assert!(board["calls"][0]["taken_on_by"].is_string());
    school.scene.put(&format!("{path}/outcome"), json!({ "outcome": "reached" })).await.ok();
    let board = school.board("2026-11-20T07:31:00Z").await;
    assert_eq!((alert(&board).0, &board["calls"]), (json!("call-closed"), &json!([])));
}

#[tokio::test]
async fn a_reason_waits_until_it_is_judged_and_says_what_each_may_know() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mail = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], mail).await;
    let (_, assistant) = school.colleague("Paul", "assistant").await;
    school.roll(1, &[&lea]).await;
    assert_eq!(school.board("2026-11-20T07:20:00Z").await["reasons"], json!([]));
    let file = school.scene.get(&format!("/students/{lea}/attendance")).await.ok();
    let line = file[0]["line"].as_str().unwrap();
    let path = format!("/students/{lea}/attendance/2026/{line}");
    let reason = json!({ "reason": "illness", "given_by": mother, "comment": "de la fièvre" });
    school.scene.put(&format!("{path}/reason"), reason).await.ok();
    let board = school.board("2026-11-20T07:21:00Z").await;
    let told = json!([{
        "student": lea,
        "name": { "family": "Muller", "given": "Léa" },
        "class_name": "5e A",
        "year": 2026,
        "line": line,
        "kind": "absence",
        "starts": "2026-11-20T07:00:00Z",
        "ends": "2026-11-20T07:55:00Z",
        "reason": { "code": "illness", "list": 1, "given_by": "family", "person": mother,
            "comment": "de la fièvre" },
    }]);
    assert_eq!(board["reasons"], told);
    let board = format!("/schools/{SCHOOL}/board");
    let neutral = school.scene.send_as(&assistant, "GET", &board, None).await.ok();
    assert_eq!(neutral["reasons"][0]["reason"]["label"], "Raison personnelle");
    assert!(!neutral.to_string().contains("illness") && !neutral.to_string().contains("fièvre"));
    school.scene.post(&format!("{path}/acceptance"), Value::Null).await.ok();
    assert_eq!(school.board("2026-11-20T07:22:00Z").await["reasons"], json!([]));
}

#[tokio::test]
async fn the_board_is_for_those_who_work_with_it() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mail = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], mail).await;
    let mother = school.scene.signed_in(&mother, false).await;
    let (_, teacher) = school.colleague("Anne", "teacher").await;
    let (_, assistant) = school.colleague("Paul", "assistant").await;
    for part in ["/board", "/board/changes"] {
        for token in [&mother, &teacher] {
            let path = format!("/schools/{SCHOOL}{part}");
            let answer = school.scene.send_as(token, "GET", &path, None).await;
            assert_eq!(answer.refusal(), "403 forbidden");
            let path = format!("/schools/0679999Z{part}");
            let answer = school.scene.send_as(token, "GET", &path, None).await;
            assert_eq!(answer.refusal(), "404 unknown-school");
        }
    }
    let path = format!("/schools/{SCHOOL}/board");
    school.scene.send_as(&assistant, "GET", &path, None).await.ok();
    let refused = school.scene.get_as_of("/board/changes", "2026-11-20T07:00:00Z").await;
    assert_eq!(refused.refusal(), "400 malformed-query");
}

/// The slots of the lessons whose roll is missing at a time.
async fn missing_at(school: &mut Tilleuls, time: &str) -> Vec<u64> {
    let board = school.board(time).await;
    let missing = board["roll_calls_missing"].as_array().unwrap().iter();
    missing.map(|lesson| lesson["place"]["slot"].as_u64().unwrap()).collect()
}

/// How the alerts of the day stand at a time.
async fn states(school: &mut Tilleuls, time: &str) -> Vec<String> {
    let board = school.board(time).await;
    let alerts = board["alerts"].as_array().unwrap().iter();
    alerts.map(|alert| alert["state"].as_str().unwrap().to_owned()).collect()
}

/// What a dispatcher does, at the instant that the clock shows.
async fn give(school: &Tilleuls, alert: AlertId, command: AlertCommand) {
    let (journal, id) = (school.scene.node.journal(), new_command_id());
    let act = Act::new(alert.school, AccountId::PREAU, id, journal.clock().now());
    let done = journal.execute::<Alert>(alert, command, &act).await.unwrap();
    school.scene.node.reach(done.position).await.unwrap();
}
