//! What turns out afterwards about lessons that are over: days without any, other hours, another class.

use serde_json::json;

use super::Tilleuls;
use crate::scene::{bells, year};

#[tokio::test]
async fn a_day_that_had_no_lessons_after_all_is_no_half_day_missed() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let storm =
        json!([{ "name": "Intempéries", "first_day": "2026-11-02", "last_day": "2026-11-02" }]);
    school.scene.put("/years/2026/holidays", storm).await.ok();
    assert_eq!(school.open().await, [""; 0]);
    school.scene.put("/years/2026/holidays", json!([])).await.ok();
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
}

#[tokio::test]
async fn a_year_that_was_planned_otherwise_is_counted_anew() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let mut year = year();
    (year["first_day"], year["terms"][0]["first_day"]) = (json!("2026-11-03"), json!("2026-11-03"));
    school.scene.put("/years/2026", year).await.ok();
    assert_eq!(school.open().await, [""; 0]);
}

#[tokio::test]
async fn bells_that_ring_otherwise_move_what_was_missed_into_another_half_day() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let mut bells = bells();
    bells["half_day_limit"] = json!("14:00:00");
    school.scene.put("/bell-schedules/2026-11-03", bells).await.ok();
    assert_eq!(school.open().await, [""; 0]);
}

#[tokio::test]
async fn whoever_had_left_the_class_has_not_missed_its_lessons() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let member = format!("/classes/{}/students/{}", school.class, school.lea);
    let left = json!({ "on": "2026-11-02" });
    school.scene.post(&format!("{member}/departure"), left).await.ok();
    assert_eq!(school.open().await, [""; 0]);
    school.scene.put(&member, json!({ "from": "2026-11-03" })).await.ok();
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
}

#[tokio::test]
async fn a_setting_is_no_correction_and_holds_from_the_next_event_on() {
    let mut school = Tilleuls::new().await;
    school.is_late("2026-11-02").await;
    school.is_late("2026-11-03").await;
    assert_eq!(school.open().await, [""; 0]);
    school.scene.post("/settings", json!({ "latenesses-per-month": 2 })).await.ok();
    assert_eq!(school.open().await, [""; 0]);
    school.is_late("2026-11-05").await;
    assert_eq!(school.open().await, ["2026-11-01 lateness"]);
}
