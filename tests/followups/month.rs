//! What a month is: a calendar month unless the school says otherwise, and both are shown.

use serde_json::{Value, json};

use super::Tilleuls;

#[tokio::test]
async fn half_days_of_two_calendar_months_are_not_added() {
    let mut school = Tilleuls::new().await;
    school.misses_around_the_first_of_december().await;
    assert_eq!(school.open().await, [""; 0]);
    school.away("2026-12-02T08:00:00+01:00", "2026-12-04T12:00:00+01:00").await;
    assert_eq!(school.open().await, ["2026-12-01 four-half-days"]);
}

#[tokio::test]
async fn within_thirty_days_they_are_where_the_school_says_so() {
    let mut school = Tilleuls::new().await;
    school.scene.post("/settings", json!({ "legal-month": "sliding-30-days" })).await.ok();
    school.misses_around_the_first_of_december().await;
    assert_eq!(school.open().await, ["2026-12-01 four-half-days"]);
    let list = school.scene.get("/follow-ups").await.ok();
    let month = json!({ "from": "2026-11-02", "until": "2026-12-01" });
    assert_eq!((&list[0]["month"], &list[0]["legal_month"]), (&month, &json!("sliding-30-days")));
    school.away("2026-12-03T08:00:00+01:00", "2026-12-03T12:00:00+01:00").await;
    assert_eq!(school.open().await.len(), 1, "the same thirty days");
}

#[tokio::test]
async fn both_counts_are_shown_to_whoever_has_to_decide() {
    let mut school = Tilleuls::new().await;
    school.misses_around_the_first_of_december().await;
    let names = [(school.lea.as_str(), "Léa")];
    let near = school.scene.get("/thresholds?date=2026-12-04").await.named(&names);
    insta::assert_json_snapshot!(near, @r#"
    [
      {
        "calendar": {
          "departures": 0,
          "from": "2026-12-01",
          "latenesses": 0,
          "unjustified_percent": 100,
          "until": "2026-12-04"
        },
        "near": [],
        "reached": [
          "four-half-days"
        ],
        "sliding": {
          "departures": 0,
          "from": "2026-11-05",
          "latenesses": 0,
          "unjustified_percent": 400,
          "until": "2026-12-04"
        },
        "student": "Léa"
      }
    ]
    "#);
    let near = school.near("2026-11-30").await;
    assert_eq!(near, json!(["four-half-days"]), "three are one short of four");
    assert_eq!(school.near("2026-11-27").await, Value::Null, "two are not");
}

#[tokio::test]
async fn a_day_at_the_end_of_all_calendars_is_refused() {
    let mut school = Tilleuls::new().await;
    for date in ["-262143-01-01", "%2B262142-12-31", "1899-12-31", "2200-01-01"] {
        for path in ["/thresholds", "/board", "/alerts"] {
            let refused = school.scene.get(&format!("{path}?date={date}")).await;
            assert!(refused.refusal().ends_with("malformed-query"), "{path} {date}");
        }
    }
}

#[tokio::test]
async fn a_lesson_moved_into_another_month_counts_there() {
    let mut school = Tilleuls::new().await;
    school.scene.now("2026-12-04T17:00:00Z");
    school.away("2026-12-01T08:00:00+01:00", "2026-12-01T17:00:00+01:00").await;
    school.away("2026-12-03T08:00:00+01:00", "2026-12-03T12:00:00+01:00").await;
    school.roll("2026-11-30", 1).await;
    assert_eq!(school.open().await, [""; 0]);
    let moved = json!({ "change": "move", "room": "7",
        "to": { "date": "2026-12-03", "slot": 6 } });
    school.changes("2026-11-30", 1, moved).await;
    assert_eq!(school.open().await, ["2026-12-01 four-half-days"]);
    let file = school.scene.get(&format!("/students/{}/attendance", school.lea)).await.ok();
    let mut lines = file.as_array().unwrap().iter();
    let line = lines.find(|line| line["lesson"].is_string()).unwrap()["line"].clone();
    school.judges(line.as_str().unwrap(), "acceptance").await;
    assert_eq!(school.open().await, [""; 0], "the line is of November, the lesson of December");
}

#[tokio::test]
async fn whoever_missed_nothing_without_a_reason_is_not_listed() {
    let mut school = Tilleuls::new().await;
    for line in school.misses(4).await {
        school.judges(&line, "acceptance").await;
    }
    assert_eq!(school.scene.get("/thresholds").await.ok(), json!([]));
}

#[tokio::test]
async fn the_board_shows_who_is_near_a_step_and_then_who_has_reached_it() {
    let mut school = Tilleuls::new().await;
    let on_board = async |school: &mut Tilleuls, part: &str| {
        let board = school.scene.get("/board").await.ok();
        let students = board[part].as_array().unwrap().clone();
        students.iter().map(|known| known["name"]["given"].clone()).collect::<Vec<_>>()
    };
    school.misses(3).await;
    assert_eq!(on_board(&mut school, "near").await, ["Léa"]);
    assert_eq!(on_board(&mut school, "follow_ups").await, [""; 0]);
    school.misses_number(3).await;
    assert_eq!(on_board(&mut school, "near").await, [""; 0]);
    assert_eq!(on_board(&mut school, "follow_ups").await, ["Léa"]);
}

impl Tilleuls {
    /// Three half-days in the last days of November, one on the first of December.
    async fn misses_around_the_first_of_december(&mut self) {
        self.scene.now("2026-12-04T17:00:00Z");
        for day in ["2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01"] {
            self.away(&format!("{day}T08:00:00+01:00"), &format!("{day}T08:55:00+01:00")).await;
        }
    }

    /// The steps that she is near to on a day.
    async fn near(&mut self, date: &str) -> Value {
        self.scene.get(&format!("/thresholds?date={date}")).await.ok()[0]["near"].clone()
    }
}
