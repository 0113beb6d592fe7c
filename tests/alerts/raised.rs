//! When an alert is raised, and when it is cancelled.

use serde_json::json;

use super::tilleuls::{Tilleuls, known};

#[tokio::test]
async fn an_absence_that_nobody_has_explained_raises_an_alert() {
    let mut school = Tilleuls::new().await;
    school.roll(1, &[&school.lea.clone()]).await;
    let alerts = school.alerts().await;
    assert_eq!(alerts[0]["student"], school.lea.as_str());
    assert_eq!(alerts[0]["half"], "morning");
    assert_eq!(alerts[0]["since"], "2026-11-20T07:00:00Z");
    assert_eq!(alerts[0]["due"], "2026-11-20T07:10:00Z", "ten minutes after the roll call");
    assert_eq!(alerts.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_half_day_has_one_alert_however_many_lessons_are_missed() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    for slot in [1, 2, 5] {
        school.roll(slot, &[&lea]).await;
    }
    let halves = school.alerts().await;
    let halves: Vec<_> = halves.as_array().unwrap().iter().map(|alert| &alert["half"]).collect();
    assert_eq!(halves, ["afternoon", "morning"]);
}

#[tokio::test]
async fn a_day_that_is_over_is_told_to_nobody() {
    let mut school = Tilleuls::new().await;
    let noted = |from: &str, to: &str| json!({ "student": school.lea, "from": from, "to": to });
    let yesterday = noted("2026-11-19T08:00:00+01:00", "2026-11-19T12:00:00+01:00");
    let today = noted("2026-11-20T06:00:00+01:00", "2026-11-20T07:30:00+01:00");
    school.scene.post("/absences", yesterday).await.ok();
    school.scene.post("/absences", today).await.ok();
    let of_yesterday = school.scene.get("/alerts?date=2026-11-19").await.ok();
    assert_eq!(of_yesterday, json!([]));
    assert_eq!(school.alerts().await[0]["due"], "2026-11-20T07:10:00Z");
}

#[tokio::test]
async fn a_roll_that_arrives_the_day_after_is_told_and_what_is_corrected_in_it_is_not() {
    let mut school = Tilleuls::new().await;
    let (lea, max) = (school.lea.clone(), school.max.clone());
    school.scene.now("2026-11-21T07:00:00Z");
    school.roll(1, &[&lea]).await;
    let marks = json!({ "marks": [{ "student": max, "mark": "absent" }] });
    school.scene.patch(&school.lesson(1), marks).await.ok();
    let alerts = school.alerts().await;
    let students: Vec<_> =
        alerts.as_array().unwrap().iter().map(|alert| alert["student"].as_str()).collect();
    assert_eq!(students, [Some(lea.as_str())]);
}

#[tokio::test]
async fn a_family_is_told_of_a_lesson_to_come_once_it_has_begun() {
    let mut school = Tilleuls::new().await;
    school.roll(5, &[&school.lea.clone()]).await;
    let alerts = school.alerts().await;
    assert_eq!(alerts[0]["since"], "2026-11-20T12:30:00Z");
    assert_eq!(alerts[0]["due"], "2026-11-20T12:40:00Z");
}

#[tokio::test]
async fn an_absence_that_was_announced_raises_none() {
    let mut school = Tilleuls::new().await;
    let announced = json!({ "student": school.lea, "from": "2026-11-20T06:00:00Z",
        "to": "2026-11-20T17:00:00Z", "reason": "illness" });
    school.scene.post("/announcements", announced).await.ok();
    school.roll(1, &[&school.lea.clone()]).await;
    assert_eq!(school.alerts().await, json!([]));
}

#[tokio::test]
async fn a_correction_cancels_and_an_explanation_too() {
    let mut school = Tilleuls::new().await;
    let (lea, max) = (school.lea.clone(), school.max.clone());
    school.roll(1, &[&lea, &max]).await;
    school.was_there(1, &lea).await;
    let file = school.scene.get(&format!("/students/{max}/attendance")).await.ok();
    let line = file[0]["line"].as_str().unwrap();
    let path = format!("/students/{max}/attendance/2026/{line}/reason");
    school.scene.put(&path, json!({ "reason": "illness" })).await.ok();
    let alerts = school.alerts().await;
    let because = |student: &str| {
        let mut alerts = alerts.as_array().unwrap().iter();
        alerts.find(|alert| alert["student"] == student).unwrap()["cancelled"].clone()
    };
    assert_eq!((because(&lea), because(&max)), (json!("not-absent"), json!("explained")));
}

#[tokio::test]
async fn an_old_log_read_anew_raises_no_alert_about_last_month() {
    let mut school = Tilleuls::new().await;
    school.roll(1, &[&school.lea.clone()]).await;
    known(&school.scene).await;
    let head = school.scene.head().await;
    school.scene.now("2026-12-18T07:00:00Z");
    let folder = school.scene.stop().await;
    std::fs::remove_file(folder.path().join("reactions.position")).unwrap();
    let scene = crate::scene::Scene::of(folder, "2026-12-18T07:00:00Z").await;
    scene.node.reach(head).await.unwrap();
    assert_eq!(scene.head().await, head, "nothing follows again");
}
