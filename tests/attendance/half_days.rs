//! Half-days over HTTP: what the school counts of an absence, one rule of the house per test.
//!
//! The same cases are tried on the rule alone in the domain; here they go through roll calls,
//! declarations, reasons and the timetable.

use serde_json::{Value, json};

use crate::scene::{Scene, reasons};

const FRIDAY: &str = "2026-11-20";

#[tokio::test]
async fn an_hour_missed_in_the_morning_is_one_half_day() {
    let (mut school, adele) = adele_all_day().await;
    adele.misses(&mut school, 2).await;
    let count = school.get(&adele.half_days()).await.ok();
    insta::assert_json_snapshot!(count, @r#"
    {
      "half_days": [
        {
          "date": "2026-11-20",
          "half": "morning",
          "justified_percent": 0,
          "minutes": 55
        }
      ],
      "minutes": 55,
      "missed": 1,
      "rule": "lessons-missed/1",
      "unjustified_percent": 100
    }
    "#);
}

#[tokio::test]
async fn from_eight_to_five_is_two_half_days() {
    let (mut school, adele) = adele_all_day().await;
    adele.away(&mut school, "08:00", "17:00").await;
    assert_eq!(adele.missed(&mut school).await, (2, 200));
}

#[tokio::test]
async fn seven_lessons_missed_one_by_one_are_two_half_days() {
    let (mut school, adele) = adele_all_day().await;
    for slot in 1..=7 {
        adele.misses(&mut school, slot).await;
    }
    assert_eq!(adele.missed(&mut school).await, (2, 200));
}

#[tokio::test]
async fn a_missed_lunch_break_is_none() {
    let (mut school, adele) = adele_all_day().await;
    adele.away(&mut school, "12:00", "13:30").await;
    assert_eq!(adele.missed(&mut school).await, (0, 0));
}

#[tokio::test]
async fn a_half_day_without_lessons_for_the_students_group_is_none() {
    let (mut school, adele) = adele_all_day().await;
    let teacher = school.person("Klein", "Paul", "staff").await;
    let other = school.person("Nagy", "Béla", "students").await;
    let group = school.class("6e B groupe 2", &[&other]).await;
    school.course(&group, &teacher, "Technologie", &[("Mon", 1)]).await;
    adele.away_on(&mut school, "2026-11-16", "08:00", "17:00").await;
    assert_eq!(adele.missed_on(&mut school, "2026-11-16").await, (0, 0));
}

#[tokio::test]
async fn a_half_day_of_a_subject_that_the_student_need_not_follow_is_none() {
    let (mut school, adele) = adele_all_day().await;
    adele.away(&mut school, "08:00", "12:00").await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
    let exemption = json!({ "student": adele.id, "subject": "Mathématiques", "attends": false,
        "first_day": FRIDAY, "last_day": FRIDAY });
    school.post("/exemptions", exemption).await.ok();
    assert_eq!(adele.missed(&mut school).await, (0, 0));
}

#[tokio::test]
async fn a_half_day_missed_by_who_is_exempted_but_attends_counts() {
    let (mut school, adele) = adele_all_day().await;
    let exemption = json!({ "student": adele.id, "subject": "Mathématiques", "attends": true,
        "first_day": FRIDAY, "last_day": FRIDAY });
    school.post("/exemptions", exemption).await.ok();
    adele.misses(&mut school, 1).await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
}

#[tokio::test]
async fn a_half_day_whose_lessons_were_all_cancelled_is_none() {
    let (mut school, adele) = adele_all_day().await;
    adele.away(&mut school, "08:00", "17:00").await;
    for slot in 5..=7 {
        assert_eq!(adele.missed(&mut school).await, (2, 200), "a lesson is left");
        adele.lesson_is(&mut school, slot, json!({ "change": "cancel" })).await;
    }
    assert_eq!(adele.missed(&mut school).await, (1, 100));
}

#[tokio::test]
async fn wednesday_afternoon_is_none() {
    let (mut school, adele) = adele_all_day().await;
    let wednesdays = json!([{ "weekday": "Wed", "slot": 1, "room": "7" },
        { "weekday": "Wed", "slot": 5, "room": "7" }]);
    school.put(&format!("/courses/{}/meetings/2026-11-16", adele.course), wednesdays).await.ok();
    adele.away_on(&mut school, "2026-11-18", "13:00", "18:00").await;
    assert_eq!(adele.missed_on(&mut school, "2026-11-18").await, (0, 0));
    adele.away_on(&mut school, "2026-11-18", "08:00", "12:00").await;
    assert_eq!(adele.missed_on(&mut school, "2026-11-18").await, (1, 100));
}

#[tokio::test]
async fn a_lateness_is_none() {
    let (mut school, adele) = adele_all_day().await;
    adele.is_late(&mut school, 10).await;
    assert_eq!(adele.missed(&mut school).await, (0, 0));
}

#[tokio::test]
async fn a_lateness_that_is_an_absence_is_one() {
    let (mut school, adele) = adele_all_day().await;
    adele.is_late(&mut school, 11).await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
}

#[tokio::test]
async fn a_lateness_that_turned_out_to_be_an_absence_is_one() {
    let (mut school, adele) = adele_all_day().await;
    adele.is_late(&mut school, 5).await;
    let absent = json!({ "marks": [{ "student": adele.id, "mark": "absent" }] });
    school.patch(&adele.roll_call(1), absent).await.ok();
    assert_eq!(adele.missed(&mut school).await, (1, 100));
}

#[tokio::test]
async fn a_timetable_corrected_afterwards_is_counted_anew_and_the_past_stays_readable() {
    let (mut school, adele) = adele_all_day().await;
    school.now("2026-11-20T08:00:00Z");
    adele.misses(&mut school, 1).await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
    school.now("2026-11-23T09:00:00Z");
    adele.lesson_is(&mut school, 1, json!({ "change": "cancel" })).await;
    assert_eq!(adele.missed(&mut school).await, (0, 0));
    assert_eq!(adele.missed_as_known(&mut school, "2026-11-20T18:00:00Z").await, (1, 100));
    assert_eq!(adele.missed_as_known(&mut school, "2026-11-20T07:59:59Z").await, (0, 0));

    school.now("2026-11-24T09:00:00Z");
    adele.lesson_is(&mut school, 1, json!({ "change": "reinstate" })).await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
    assert_eq!(adele.missed_as_known(&mut school, "2026-11-23T18:00:00Z").await, (0, 0));
}

#[tokio::test]
async fn a_lesson_moved_to_the_afternoon_is_missed_in_the_afternoon() {
    let (mut school, adele) = adele_all_day().await;
    let plan = json!([{ "weekday": "Fri", "slot": 1, "room": "7" }]);
    school.put(&format!("/courses/{}/meetings/2026-11-16", adele.course), plan).await.ok();
    adele.misses(&mut school, 1).await;
    let afternoon = json!({ "change": "move", "room": "7", "to": { "date": FRIDAY, "slot": 5 } });
    adele.lesson_is(&mut school, 1, afternoon).await;
    let count = school.get(&adele.half_days()).await.ok();
    assert_eq!(
        (&count["missed"], &count["half_days"][0]["half"]),
        (&json!(1), &json!("afternoon"))
    );
}

#[tokio::test]
async fn in_the_infirmary_the_library_or_study_hall_nothing_is_missed() {
    for reason in ["infirmary", "library", "study-hall"] {
        let (mut school, adele) = adele_all_day().await;
        let line = adele.misses(&mut school, 1).await;
        assert_eq!(adele.missed(&mut school).await, (1, 100));
        adele.explained(&mut school, &line, reason).await;
        assert_eq!(adele.missed(&mut school).await, (0, 0), "{reason}");
    }
}

#[tokio::test]
async fn on_a_school_trip_nothing_is_missed() {
    let (mut school, adele) = adele_all_day().await;
    let trip = json!({ "student": adele.id, "reason": "trip",
        "from": "2026-11-20T07:00:00Z", "to": "2026-11-20T16:00:00Z" });
    school.post("/announcements", trip).await.ok();
    adele.misses(&mut school, 1).await;
    adele.misses(&mut school, 6).await;
    assert_eq!(adele.missed(&mut school).await, (0, 0));
}

#[tokio::test]
async fn two_absences_of_one_morning_are_one_half_day() {
    let (mut school, adele) = adele_all_day().await;
    adele.misses(&mut school, 1).await;
    adele.misses(&mut school, 4).await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
}

#[tokio::test]
async fn an_absence_that_the_roll_call_and_the_office_both_saw_is_one() {
    let (mut school, adele) = adele_all_day().await;
    adele.misses(&mut school, 1).await;
    adele.away(&mut school, "08:00", "09:00").await;
    let count = school.get(&adele.half_days()).await.ok();
    assert_eq!((&count["missed"], &count["minutes"]), (&json!(1), &json!(55)));
}

#[tokio::test]
async fn a_receivable_reason_justifies_the_half_day() {
    let (mut school, adele) = adele_all_day().await;
    let line = adele.misses(&mut school, 1).await;
    adele.explained(&mut school, &line, "illness").await;
    assert_eq!(adele.missed(&mut school).await, (1, 100), "a reason is not yet a good reason");
    adele.accepted(&mut school, &line).await;
    assert_eq!(adele.missed(&mut school).await, (1, 0));
}

#[tokio::test]
async fn unjustified_wins_in_a_mixed_half_day() {
    let (mut school, adele) = adele_all_day().await;
    adele.misses_one_with_and_one_without_reason(&mut school).await;
    assert_eq!(adele.missed(&mut school).await, (1, 100));
}

#[tokio::test]
async fn a_mixed_half_day_is_split_by_the_hour_where_the_school_says_so() {
    let (mut school, adele) = adele_all_day().await;
    adele.misses_one_with_and_one_without_reason(&mut school).await;
    school.post("/settings", json!({ "mixed-half-day": "per-hour" })).await.ok();
    let count = school.get(&adele.half_days()).await.ok();
    insta::assert_json_snapshot!(count, @r#"
    {
      "half_days": [
        {
          "date": "2026-11-20",
          "half": "morning",
          "justified_percent": 50,
          "minutes": 110
        }
      ],
      "minutes": 110,
      "missed": 1,
      "rule": "lessons-missed/1",
      "unjustified_percent": 50
    }
    "#);
}

#[tokio::test]
async fn a_withdrawn_absence_counts_nothing() {
    let (mut school, adele) = adele_all_day().await;
    adele.misses(&mut school, 1).await;
    let present = json!({ "marks": [{ "student": adele.id, "mark": "present" }] });
    school.patch(&adele.roll_call(1), present).await.ok();
    assert_eq!(adele.missed(&mut school).await, (0, 0));
}

/// A student who has seven lessons of mathematics on Fridays, and none on other days.
struct Adele {
    id: String,
    course: String,
}

async fn adele_all_day() -> (Scene, Adele) {
    let mut school = Scene::school().await;
    school.put("/reasons", with_library_study_hall_and_trip()).await.ok();
    let id = school.person("Muller", "Adèle", "students").await;
    let teacher = school.person("Weber", "Anne", "staff").await;
    let class = school.class("6e B", &[&id]).await;
    let all_day = [1, 2, 3, 4, 5, 6, 7].map(|slot| ("Fri", slot));
    let course = school.course(&class, &teacher, "Mathématiques", &all_day).await;
    (school, Adele { id, course })
}

fn with_library_study_hall_and_trip() -> Value {
    let mut list = reasons();
    for (code, label) in [("library", "CDI"), ("study-hall", "Étude"), ("trip", "Sortie scolaire")]
    {
        list.as_array_mut().unwrap().push(json!({ "code": code, "label": label,
            "legitimacy": "other-accepted", "explains": true, "receivable": true,
            "in_care": true }));
    }
    list
}

impl Adele {
    fn lesson(&self, slot: u8) -> String {
        format!("/courses/{}/lessons/{FRIDAY}/{slot}", self.course)
    }

    fn roll_call(&self, slot: u8) -> String {
        format!("{}/roll-call", self.lesson(slot))
    }

    fn half_days(&self) -> String {
        format!("/students/{}/half-days?from={FRIDAY}", self.id)
    }

    /// The roll call does not see her; answers the line of her file that says so.
    async fn misses(&self, school: &mut Scene, slot: u8) -> String {
        school.put(&self.roll_call(slot), json!({ "absent": [self.id] })).await.ok();
        let lesson = school.get(&self.lesson(slot)).await.ok()["lesson"].clone();
        let file = school.get(&format!("/students/{}/attendance", self.id)).await.ok();
        let mut lines = file.as_array().unwrap().iter();
        let of_lesson = lines.find(|line| line["lesson"] == lesson).unwrap();
        of_lesson["line"].as_str().unwrap().to_owned()
    }

    async fn is_late(&self, school: &mut Scene, minutes: u16) {
        let late = json!({ "late": [{ "student": self.id, "minutes": minutes }] });
        school.put(&self.roll_call(1), late).await.ok();
    }

    /// The office knows that she is away on Friday, from one local time to another.
    async fn away(&self, school: &mut Scene, from: &str, to: &str) {
        self.away_on(school, FRIDAY, from, to).await;
    }

    async fn away_on(&self, school: &mut Scene, date: &str, from: &str, to: &str) {
        let [from, to] = [from, to].map(|time| format!("{date}T{time}:00+01:00"));
        let away = json!({ "student": self.id, "from": from, "to": to });
        school.post("/absences", away).await.ok();
    }

    async fn lesson_is(&self, school: &mut Scene, slot: u8, change: Value) {
        school.patch(&self.lesson(slot), change).await.ok();
    }

    async fn explained(&self, school: &mut Scene, line: &str, reason: &str) {
        let path = format!("/students/{}/attendance/2026/{line}/reason", self.id);
        school.put(&path, json!({ "reason": reason })).await.ok();
    }

    async fn accepted(&self, school: &mut Scene, line: &str) {
        let path = format!("/students/{}/attendance/2026/{line}/acceptance", self.id);
        school.post(&path, json!(null)).await.ok();
    }

    async fn misses_one_with_and_one_without_reason(&self, school: &mut Scene) {
        let line = self.misses(school, 1).await;
        self.explained(school, &line, "illness").await;
        self.accepted(school, &line).await;
        self.misses(school, 2).await;
    }

    /// Half-days missed on Friday, and hundredths of them without a good reason.
    async fn missed(&self, school: &mut Scene) -> (u64, u64) {
        self.missed_on(school, FRIDAY).await
    }

    async fn missed_on(&self, school: &mut Scene, date: &str) -> (u64, u64) {
        let path = format!("/students/{}/half-days?from={date}", self.id);
        told(&school.get(&path).await.ok())
    }

    /// The same, as the school knew it at an instant.
    async fn missed_as_known(&self, school: &mut Scene, instant: &str) -> (u64, u64) {
        told(&school.get_as_of(&self.half_days(), instant).await.ok())
    }
}

fn told(count: &Value) -> (u64, u64) {
    (count["missed"].as_u64().unwrap(), count["unjustified_percent"].as_u64().unwrap())
}
