//! The ladder of the law: four and ten half-days of a month are followed up when they are reached, and no
//! longer when a correction takes them away (code de l'éducation, R131-7; circulaire 2014-159).

mod corrected;
mod kept;
mod month;

use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn the_fourth_half_day_of_a_month_opens_a_follow_up_and_the_third_does_not() {
    let mut school = Tilleuls::new().await;
    school.misses(3).await;
    assert_eq!(school.open().await, [""; 0]);
    school.misses_number(3).await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
    let names = [(school.lea.as_str(), "Léa")];
    let listed = school.scene.get("/follow-ups").await.named(&names);
    insta::assert_json_snapshot!(listed, @r#"
    [
      {
        "contacts": [],
        "day": "2026-11-01",
        "legal_month": "calendar",
        "measures": [],
        "month": {
          "from": "2026-11-01",
          "until": "2026-11-30"
        },
        "opened_at": "2026-11-20T17:00:00Z",
        "opened_on": "2026-11-20",
        "rule": "half-days-per-month/1",
        "school": "0670001A",
        "standing": "open",
        "step": "four-half-days",
        "student": "Léa"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_follow_up_is_in_the_students_history_after_the_absences_that_opened_it() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    school.open().await;
    let history = format!("/students/{}/history", school.lea);
    let history = school.scene.get(&history).await.ok();
    let counted = ["AbsenceRecorded", "FollowUpOpened"];
    let kinds = history.as_array().unwrap().iter().filter_map(|event| event["kind"].as_str());
    let kinds: Vec<_> = kinds.filter(|kind| counted.contains(kind)).collect();
    assert_eq!(kinds, [["AbsenceRecorded"; 4].as_slice(), &["FollowUpOpened"]].concat());
}

#[tokio::test]
async fn the_tenth_half_day_opens_the_next_step_and_the_ninth_does_not() {
    let mut school = Tilleuls::new().await;
    school.misses(9).await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
    school.misses_number(9).await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days", "2026-11-01 ten-half-days"]);
}

#[tokio::test]
async fn a_week_away_in_one_line_of_the_office_reaches_a_step_too() {
    let mut school = Tilleuls::new().await;
    school.away("2026-11-02T08:00:00+01:00", "2026-11-03T17:00:00+01:00").await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
}

#[tokio::test]
async fn what_has_not_come_yet_was_not_missed() {
    let mut school = Tilleuls::new().await;
    school.scene.now("2026-11-02T17:00:00Z");
    school.away("2026-11-02T08:00:00+01:00", "2026-11-06T17:00:00+01:00").await;
    assert_eq!(school.open().await, [""; 0]);
    school.scene.now("2026-11-03T17:00:00Z");
    school.roll("2026-11-03", 1).await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
}

#[tokio::test]
async fn a_roll_call_opens_it_as_soon_as_it_is_taken() {
    let mut school = Tilleuls::new().await;
    school.misses(3).await;
    school.roll("2026-11-20", 1).await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
}

#[tokio::test]
async fn a_good_reason_takes_it_back_and_a_refusal_opens_it_again() {
    let mut school = Tilleuls::new().await;
    let lines = school.misses(4).await;
    assert_eq!(school.open().await.len(), 1);
    school.scene.now("2026-11-21T09:00:00Z");
    school.judges(&lines[0], "acceptance").await;
    assert_eq!(school.open().await, [""; 0]);
    school.scene.now("2026-11-23T09:00:00Z");
    school.judges(&lines[0], "refusal").await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
    let again = school.scene.get("/follow-ups").await.ok();
    assert_eq!(again[0]["opened_on"], "2026-11-23");
}

#[tokio::test]
async fn a_lesson_cancelled_afterwards_takes_it_back_and_a_reinstated_one_opens_it_again() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    school.changes("2026-11-02", 1, json!({ "change": "cancel" })).await;
    assert_eq!(school.open().await, [""; 0]);
    school.changes("2026-11-02", 1, json!({ "change": "reinstate" })).await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
}

#[tokio::test]
async fn a_course_rescheduled_afterwards_is_counted_anew() {
    let mut school = Tilleuls::new().await;
    school.misses(4).await;
    let none_in_the_afternoon = json!([{ "weekday": "Mon", "slot": 1, "room": "7" },
        { "weekday": "Tue", "slot": 1, "room": "7" }]);
    let path = format!("/courses/{}/meetings/2026-11-02", school.course);
    school.scene.put(&path, none_in_the_afternoon).await.ok();
    assert_eq!(school.open().await, [""; 0]);
}

#[tokio::test]
async fn what_was_known_on_the_day_stays_readable() {
    let mut school = Tilleuls::new().await;
    school.scene.now("2026-11-20T17:05:00Z");
    let lines = school.misses(4).await;
    assert_eq!(school.open().await.len(), 1);
    school.scene.now("2026-11-23T09:00:00Z");
    school.judges(&lines[0], "acceptance").await;
    assert_eq!(school.open().await, [""; 0]);
    let then = school.scene.get_as_of("/follow-ups", "2026-11-20T18:00:00Z").await.ok();
    assert_eq!(then[0]["step"], "four-half-days");
    let path = school.path("four-half-days");
    let then = school.scene.get_as_of(&path, "2026-11-20T18:00:00Z").await.ok();
    assert_eq!(
        (&then["standing"], &then["counts"]["calendar"]["unjustified_percent"]),
        (&json!("open"), &json!(400))
    );
    let now = school.scene.get(&path).await.ok();
    assert_eq!(
        (&now["standing"], &now["counts"]["calendar"]["unjustified_percent"]),
        (&json!("lapsed"), &json!(300))
    );
    let before = school.scene.get_as_of(&path, "2026-11-20T17:04:59Z").await;
    assert_eq!(before.refusal(), "404 no-such-follow-up");
}

#[tokio::test]
async fn reasons_are_split_by_the_hour_where_the_school_says_so() {
    let mut school = Tilleuls::new().await;
    school.scene.post("/settings", json!({ "mixed-half-day": "per-hour" })).await.ok();
    let teacher = school.scene.person("Klein", "Paul", "staff").await;
    let class = school.class.clone();
    school.scene.course(&class, &teacher, "Latin", &[("Mon", 2)]).await;
    school.misses(3).await;
    let line = school.away("2026-11-03T13:30:00+01:00", "2026-11-03T14:30:00+01:00").await;
    assert_eq!(school.open().await, ["2026-11-01 four-half-days"]);
    school.judges(&line, "acceptance").await;
    let half = school.away("2026-11-09T08:00:00+01:00", "2026-11-09T08:55:00+01:00").await;
    school.away("2026-11-09T09:00:00+01:00", "2026-11-09T09:55:00+01:00").await;
    school.judges(&half, "acceptance").await;
    assert_eq!(school.open().await, [""; 0], "three and a half are no four");
}

#[tokio::test]
async fn latenesses_and_departures_are_followed_up_once_the_school_has_set_a_number() {
    let mut school = Tilleuls::new().await;
    school.is_late("2026-11-02").await;
    school.is_late("2026-11-03").await;
    assert_eq!(school.open().await, [""; 0], "no text asks for it");
    let none = json!({ "latenesses-per-month": 0 });
    assert_eq!(school.scene.refused("POST", "/settings", none).await, "422 threshold-of-none");
    school.scene.post("/settings", json!({ "latenesses-per-month": 3 })).await.ok();
    school.scene.post("/settings", json!({ "departures-per-month": 1 })).await.ok();
    school.is_late("2026-11-05").await;
    assert_eq!(school.open().await, ["2026-11-01 lateness"]);
    let left = json!({ "student": school.lea, "from": "2026-11-06T14:00:00+01:00",
        "to": "2026-11-06T16:35:00+01:00" });
    school.scene.post("/departures", left).await.ok();
    assert_eq!(school.open().await, ["2026-11-01 departures", "2026-11-01 lateness"]);
    let path = school.path("lateness") + "/page";
    assert_eq!(school.scene.get(&path).await.refusal(), "404 no-paper");
}

/// A student who has a lesson each morning, and each afternoon but on Wednesdays.
struct Tilleuls {
    scene: Scene,
    lea: String,
    class: String,
    course: String,
}

impl Tilleuls {
    async fn new() -> Self {
        let mut scene = Scene::school().await;
        scene.now("2026-11-20T17:00:00Z");
        let lea = scene.person("Muller", "Léa", "students").await;
        let teacher = scene.person("Zimmer", "Anne", "staff").await;
        let class = scene.class("5e A", &[&lea]).await;
        let meetings = ["Mon", "Tue", "Thu", "Fri"].map(|day| [(day, 1), (day, 5)]).concat();
        let course = scene.course(&class, &teacher, "Mathématiques", &meetings).await;
        Self { scene, lea, class, course }
    }

    /// So many half-days from 2 November on; the lines that say so.
    async fn misses(&mut self, number: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for n in 0..number {
            lines.push(self.misses_number(n).await);
        }
        lines
    }

    /// The half-day of this number, from 0.
    async fn misses_number(&mut self, number: usize) -> String {
        let day = ["02", "03", "05", "06", "09"][number / 2];
        let [from, to] = [["08:00", "08:55"], ["13:30", "14:25"]][number % 2];
        let at = |time: &str| format!("2026-11-{day}T{time}:00+01:00");
        self.away(&at(from), &at(to)).await
    }

    async fn away(&mut self, from: &str, to: &str) -> String {
        let away = json!({ "student": self.lea, "from": from, "to": to });
        self.scene.post("/absences", away).await.id()
    }

    async fn judges(&mut self, line: &str, judgment: &str) {
        let path = format!("/students/{}/attendance/2026/{line}", self.lea);
        let reason = json!({ "reason": "illness" });
        if judgment == "acceptance" {
            self.scene.put(&format!("{path}/reason"), reason).await.ok();
        }
        self.scene.post(&format!("{path}/{judgment}"), json!(null)).await.ok();
    }

    async fn changes(&mut self, date: &str, slot: u8, change: Value) {
        let path = format!("/courses/{}/lessons/{date}/{slot}", self.course);
        self.scene.patch(&path, change).await.ok();
    }

    async fn roll(&mut self, date: &str, slot: u8) {
        let path = format!("/courses/{}/lessons/{date}/{slot}/roll-call", self.course);
        self.scene.put(&path, json!({ "absent": [self.lea] })).await.ok();
    }

    async fn is_late(&mut self, date: &str) {
        let path = format!("/courses/{}/lessons/{date}/1/roll-call", self.course);
        let late = json!({ "late": [{ "student": self.lea, "minutes": 5 }] });
        self.scene.put(&path, late).await.ok();
    }

    /// The address of her follow-up of November.
    fn path(&self, step: &str) -> String {
        format!("/students/{}/follow-ups/2026-11-01/{step}", self.lea)
    }

    /// The follow-ups that stand, by day and step.
    async fn open(&mut self) -> Vec<String> {
        let open = self.scene.get("/follow-ups").await.ok();
        let named = |row: &Value| {
            format!("{} {}", row["day"].as_str().unwrap(), row["step"].as_str().unwrap())
        };
        open.as_array().unwrap().iter().map(named).collect()
    }
}
