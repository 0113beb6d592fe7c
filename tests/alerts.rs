//! Absence alerts: raised at once, told to the family, followed until somebody knows.

use serde_json::{Value, json};

use crate::scene::Scene;

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
    school.roll(1, &[&lea]).await;
    school.roll(2, &[&lea]).await;
    school.roll(5, &[&lea]).await;
    let halves = school.alerts().await;
    let halves: Vec<_> = halves.as_array().unwrap().iter().map(|alert| &alert["half"]).collect();
    assert_eq!(halves, ["afternoon", "morning"]);
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
    let marks = json!({ "marks": [{ "student": lea, "mark": "present" }] });
    let path = school.lesson(1);
    school.scene.patch(&path, marks).await.ok();
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

/// A class of two, and its lessons on Friday 20 November.
struct Tilleuls {
    scene: Scene,
    lea: String,
    max: String,
    course: String,
}

impl Tilleuls {
    async fn new() -> Self {
        let mut scene = Scene::school().await;
        let lea = scene.person("Muller", "Léa", "students").await;
        let max = scene.person("Lemoine", "Max", "students").await;
        let teacher = scene.person("Zimmer", "Anne", "staff").await;
        let class = scene.class("5e A", &[&lea, &max]).await;
        let meetings = [("Fri", 1), ("Fri", 2), ("Fri", 5)];
        let course = scene.course(&class, &teacher, "Mathématiques", &meetings).await;
        Self { scene, lea, max, course }
    }

    fn lesson(&self, slot: u8) -> String {
        format!("/courses/{}/lessons/2026-11-20/{slot}/roll-call", self.course)
    }

    async fn roll(&mut self, slot: u8, absent: &[&str]) {
        let path = self.lesson(slot);
        self.scene.put(&path, json!({ "absent": absent, "late": [] })).await.ok();
    }

    async fn alerts(&mut self) -> Value {
        self.scene.get("/alerts?date=2026-11-20").await.ok()
    }
}
