//! A person of two schools: registered by one, and known in the other on every day.

use serde_json::json;

use crate::scene::{SCHOOL, Scene};

const OTHER: &str = "/schools/0670002B";

#[tokio::test]
async fn a_student_registered_through_another_school_is_there_on_a_past_day() {
    let mut scene = Scene::school().await;
    let adele = scene.person("Garnier", "Adèle", "students").await;
    let opened = json!({ "name": "Lycée des Ormes", "time_zone": "Europe/Paris",
        "department": "67" });
    scene.send_to("PUT", OTHER, Some(opened), &[("idempotency-key", "open")]).await.ok();
    let enrolment = json!({ "person": adele, "from": "2026-09-01" });
    let students = format!("{OTHER}/students");
    scene.send_to("POST", &students, Some(enrolment), &[("idempotency-key", "enrol")]).await.ok();

    scene.now("2026-11-21T07:00:00Z");
    let past = format!("{students}?as_of=2026-11-20T12:00:00Z");
    let there = scene.send_to("GET", &past, None, &[]).await.ok();

    assert_eq!(there[0]["person"], json!(adele));
    assert_eq!(there[0]["enrolment"]["school"], json!("0670002B"));
    assert_ne!(there[0]["enrolment"]["school"], json!(SCHOOL));
}
