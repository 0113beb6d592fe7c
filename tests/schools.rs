//! Schools, from HTTP to the tables and back: opened, planned, furnished, read as they were.

use serde_json::json;

use crate::scene::{Scene, bells, reasons, year};

/// A school that nobody has opened.
const NOWHERE: &str = "/schools/0679999Z";

#[tokio::test]
async fn a_school_is_opened_and_says_what_it_is() {
    let mut scene = Scene::empty().await;
    let opened = scene.put("", opening()).await;
    assert_eq!((opened.status.as_str(), opened.header("preau-position")), ("200 OK", "1"));
    insta::assert_compact_json_snapshot!(opened.ok(), @r#"{"position": 1}"#);
    insta::assert_json_snapshot!(scene.get("").await.ok(), @r#"
    {
      "bells": {},
      "department": "67",
      "holidays": {},
      "name": "Collège des Tilleuls",
      "reasons": [],
      "settings": {
        "alert_grace_seconds": 600,
        "lateness_max_minutes": 10,
        "legal_month": "calendar",
        "mixed_half_day": "unjustified-wins",
        "quiet_hours": {
          "from": "20:00:00",
          "until": "07:00:00"
        },
        "second_factor_for_staff": false,
        "sending_to_guardians_stopped": false,
        "sending_to_students_stopped": false
      },
      "time_zone": "Europe/Paris",
      "years": {}
    }
    "#);
}

#[tokio::test]
async fn what_a_school_decides_stands_on_its_sheet() {
    let mut scene = Scene::school().await;
    scene.post("/settings", json!({ "lateness-max-minutes": 15 })).await.ok();
    scene.post("/settings", json!({ "mixed-half-day": "per-hour" })).await.ok();
    let sheet = scene.get("").await.ok();
    assert_eq!(sheet["years"]["2026"], year());
    assert_eq!(sheet["bells"]["2026-09-01"], bells());
    assert_eq!(sheet["reasons"][0]["version"], 1);
    insta::assert_compact_json_snapshot!(sheet["holidays"], @r#"{"2026": [{"first_day": "2026-10-17", "last_day": "2026-11-01", "name": "Toussaint"}]}"#);
    insta::assert_compact_json_snapshot!(sheet["reasons"][0]["reasons"][3], @r#"
    {
      "closed": true,
      "code": "old",
      "explains": true,
      "in_care": false,
      "label": "Ancien motif",
      "legitimacy": "unknown",
      "regularises": false,
      "sensitive": false
    }
    "#);
    insta::assert_compact_json_snapshot!(sheet["settings"], @r#"
    {
      "alert_grace_seconds": 600,
      "lateness_max_minutes": 15,
      "legal_month": "calendar",
      "mixed_half_day": "per-hour",
      "quiet_hours": {
        "from": "20:00:00",
        "until": "07:00:00"
      },
      "second_factor_for_staff": false,
      "sending_to_guardians_stopped": false,
      "sending_to_students_stopped": false
    }
    "#);
}

#[tokio::test]
async fn the_calendar_tells_holidays_closed_days_and_weeks_a_and_b() {
    let mut scene = Scene::school().await;
    let around_armistice = scene.get("/calendar?from=2026-11-07&to=2026-11-16").await.ok();
    insta::assert_compact_json_snapshot!(around_armistice, @r#"
    [
      {
        "date": "2026-11-07",
        "kind": "closed"
      },
      {
        "date": "2026-11-08",
        "kind": "closed"
      },
      {
        "date": "2026-11-09",
        "kind": "lessons",
        "week": "A"
      },
      {
        "date": "2026-11-10",
        "kind": "lessons",
        "week": "A"
      },
      {
        "date": "2026-11-11",
        "kind": "holiday",
        "name": "Armistice de 1918"
      },
      {
        "date": "2026-11-12",
        "kind": "lessons",
        "week": "A"
      },
      {
        "date": "2026-11-13",
        "kind": "lessons",
        "week": "A"
      },
      {
        "date": "2026-11-14",
        "kind": "closed"
      },
      {
        "date": "2026-11-15",
        "kind": "closed"
      },
      {
        "date": "2026-11-16",
        "kind": "lessons",
        "week": "B"
      }
    ]
    "#);
    let one_day = scene.get("/calendar?from=2026-10-31").await.ok();
    insta::assert_compact_json_snapshot!(one_day, @r#"[{"date": "2026-10-31", "kind": "holiday", "name": "Toussaint"}]"#);
    let after_the_year = scene.get("/calendar?from=2027-07-03").await.ok();
    insta::assert_compact_json_snapshot!(after_the_year, @r#"[{"date": "2027-07-03", "kind": "outside-year"}]"#);
}

#[tokio::test]
async fn a_calendar_shows_at_most_a_leap_year_and_no_days_backwards() {
    let mut scene = Scene::school().await;
    let leap_year = scene.get("/calendar?from=2028-01-01&to=2028-12-31").await.ok();
    assert_eq!(leap_year.as_array().map(Vec::len), Some(366));
    let longer = scene.get("/calendar?from=2028-01-01&to=2029-01-01").await;
    assert_eq!(longer.refusal(), "422 too-many-days");
    let backwards = scene.get("/calendar?from=2026-11-16&to=2026-11-15").await;
    assert_eq!(backwards.refusal(), "422 too-many-days");
    let no_day = scene.get("/calendar?from=2026-11-31").await;
    assert_eq!(no_day.refusal(), "400 malformed-query");
}

#[tokio::test]
async fn saying_it_again_changes_nothing() {
    let mut scene = Scene::school().await;
    scene.post("/settings", json!({ "lateness-max-minutes": 15 })).await.ok();
    let head = scene.head().await;
    for (method, path, body) in [
        ("PUT", "", opening()),
        ("PUT", "/years/2026", year()),
        ("PUT", "/years/2026/holidays", toussaint()),
        ("PUT", "/bell-schedules/2026-09-01", bells()),
        ("PUT", "/reasons", reasons()),
        ("POST", "/settings", json!({ "lateness-max-minutes": 15 })),
    ] {
        let again = scene.send(method, path, Some(body), &[]).await.ok();
        assert_eq!(again, json!({ "position": head }), "{method} {path}");
    }
    assert_eq!(scene.head().await, head);
}

#[tokio::test]
async fn a_new_list_of_reasons_stands_beside_the_old_one() {
    let mut scene = Scene::school().await;
    let mut list = reasons();
    list[0]["label"] = json!("Maladie de l'élève");
    scene.put("/reasons", list).await.ok();
    let versions = scene.get("").await.ok()["reasons"].clone();
    assert_eq!(versions[0]["reasons"][0]["label"], "Maladie");
    assert_eq!(versions[1]["version"], 2);
    assert_eq!(versions[1]["reasons"][0]["label"], "Maladie de l'élève");
}

#[tokio::test]
async fn a_school_is_read_as_it_was() {
    let mut scene = Scene::school().await;
    scene.now("2026-11-20T09:00:00Z");
    scene.post("/settings", json!({ "lateness-max-minutes": 15 })).await.ok();
    let before = scene.get_as_of("", "2026-11-20T08:59:59Z").await.ok();
    assert_eq!(before["settings"]["lateness_max_minutes"], 10);
    let after = scene.get_as_of("", "2026-11-20T09:00:00Z").await.ok();
    assert_eq!(after["settings"]["lateness_max_minutes"], 15);
    let next_year = "2027-11-20T09:00:00Z";
    let so_far = scene.get_as_of("", next_year).await.ok();
    assert_eq!(so_far["settings"]["lateness_max_minutes"], 15);
    scene.post("/settings", json!({ "lateness-max-minutes": 20 })).await.ok();
    let so_far = scene.get_as_of("", next_year).await.ok();
    assert_eq!(so_far["settings"]["lateness_max_minutes"], 20);
    let too_early = scene.get_as_of("", "2026-11-20T06:59:59Z").await;
    assert_eq!(too_early.refusal(), "404 unknown-school");
}

#[tokio::test]
async fn schools_are_listed_by_pages_in_the_order_of_their_numbers() {
    let mut scene = Scene::empty().await;
    for number in ["0680003C", "0670001A", "0670002B"] {
        let answer =
            scene.send_to("PUT", &format!("/schools/{number}"), Some(opening()), &[]).await;
        answer.ok();
    }
    assert_eq!(page(&mut scene, "/schools?min_position=3&limit=2").await, ["0670001A", "0670002B"]);
    assert_eq!(page(&mut scene, "/schools?limit=2&cursor=0670002B").await, ["0680003C"]);
    assert_eq!(page(&mut scene, "/schools?limit=2&cursor=0680003C").await, [""; 0]);
    let nonsense = scene.send_to("GET", "/schools?cursor=tilleuls", None, &[]).await;
    assert_eq!(nonsense.refusal(), "400 malformed-query");
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_as_it_was() {
    let mut scene = Scene::school().await;
    let tap = [("idempotency-key", "tap-17")];
    let minutes = |n: u8| Some(json!({ "lateness-max-minutes": n }));
    let first = scene.send("POST", "/settings", minutes(15), &tap).await;
    scene.post("/settings", json!({ "lateness-max-minutes": 20 })).await.ok();
    let head = scene.head().await;

    let again = scene.send("POST", "/settings", minutes(15), &tap).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    let other = scene.send("POST", "/settings", minutes(25), &tap).await;
    assert_eq!(other.refusal(), "422 idempotency-key-reused");
    assert_eq!(scene.head().await, head);
    assert_eq!(scene.get("").await.ok()["settings"]["lateness_max_minutes"], 20);
}

#[tokio::test]
async fn a_school_does_not_open_twice_under_two_names() {
    let mut scene = Scene::school().await;
    let mut other = opening();
    other["name"] = json!("Collège des Acacias");
    assert_eq!(scene.refused("PUT", "", other).await, "422 school-already-open");
}

#[tokio::test]
async fn a_year_lies_where_its_name_says_with_its_terms_in_order() {
    let mut scene = Scene::school().await;
    let refused = async |scene: &mut Scene, key: &str, value| {
        let mut plan = year();
        plan[key] = value;
        scene.refused("PUT", "/years/2026", plan).await
    };
    let backwards = refused(&mut scene, "last_day", json!("2026-08-31")).await;
    assert_eq!(backwards, "422 period-ends-before-it-begins");
    let endless = refused(&mut scene, "last_day", json!("2028-07-02")).await;
    assert_eq!(endless, "422 year-too-long");
    let tuesday = refused(&mut scene, "weeks_a", json!(["2026-11-10"])).await;
    assert_eq!(tuesday, "422 week-not-given-by-its-monday");
    let late_term = json!([{ "name": "3", "first_day": "2027-06-01", "last_day": "2027-08-01" }]);
    let outside = refused(&mut scene, "terms", late_term).await;
    assert_eq!(outside, "422 terms-out-of-order");
}

#[tokio::test]
async fn holidays_lie_in_a_planned_year() {
    let mut scene = Scene::school().await;
    let unplanned = scene.refused("PUT", "/years/2027/holidays", toussaint()).await;
    assert_eq!(unplanned, "422 year-not-planned");
    let summer = json!([{ "name": "Été", "first_day": "2027-07-03", "last_day": "2027-08-31" }]);
    let outside = scene.refused("PUT", "/years/2026/holidays", summer).await;
    assert_eq!(outside, "422 holiday-outside-year");
}

#[tokio::test]
async fn bells_ring_in_order() {
    let mut scene = Scene::school().await;
    let mut overlapping = bells();
    overlapping["slots"][0]["ends"] = json!("09:30:00");
    let refused = scene.refused("PUT", "/bell-schedules/2027-01-04", overlapping).await;
    assert_eq!(refused, "422 slots-out-of-order");
}

#[tokio::test]
async fn a_reason_is_neither_left_out_nor_named_twice_nor_laid_bare() {
    let mut scene = Scene::school().await;
    let shorter = json!([reasons()[0], reasons()[1], reasons()[2]]);
    assert_eq!(scene.refused("PUT", "/reasons", shorter).await, "422 reason-left-out");
    let mut twice = reasons();
    twice[1]["code"] = json!("illness");
    assert_eq!(scene.refused("PUT", "/reasons", twice).await, "422 reason-code-twice");
    let mut bare = reasons();
    bare[0]["neutral_label"] = json!(null);
    assert_eq!(scene.refused("PUT", "/reasons", bare).await, "422 neutral-label-missing");
}

#[tokio::test]
async fn nothing_is_decided_or_read_in_a_school_that_is_not_open() {
    let mut scene = Scene::school().await;
    for (method, path, body) in [
        ("PUT", "/years/2026", year()),
        ("PUT", "/years/2026/holidays", toussaint()),
        ("PUT", "/bell-schedules/2026-09-01", bells()),
        ("PUT", "/reasons", reasons()),
        ("POST", "/settings", json!({ "lateness-max-minutes": 15 })),
    ] {
        let refused = scene.refused_at(method, &format!("{NOWHERE}{path}"), body).await;
        assert_eq!(refused, "404 unknown-school", "{method} {path}");
    }
    for path in ["", "/calendar?from=2026-11-20"] {
        let asked = scene.send_to("GET", &format!("{NOWHERE}{path}"), None, &[]).await;
        assert_eq!(asked.refusal(), "404 unknown-school", "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_told_with_its_line_and_column() {
    let mut scene = Scene::school().await;
    let tz = json!({ "name": "Tilleuls", "time_zone": "Europe/Colmar", "department": "68" });
    let answer = scene.put("", tz).await;
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "code": "malformed-body",
      "detail": "the request's body cannot be understood: failed to parse timezone: 'Europe/Colmar' at line 1 column 64",
      "status": 400,
      "type": "urn:preau:problem:malformed-body"
    }
    "#);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let mut more = opening();
    more["motto"] = json!("Liberté");
    insta::assert_snapshot!(scene.put("", more).await.body["detail"], @r#""the request's body cannot be understood: unknown field `motto`, expected one of `name`, `time_zone`, `department` at line 1 column 26""#);
    insta::assert_snapshot!(scene.send("PUT", "", None, &[]).await.body["detail"], @r#""the request's body cannot be understood: invalid type: null, expected struct OpenSchool at line 1 column 4""#);
}

async fn page(scene: &mut Scene, path: &str) -> Vec<String> {
    let page = scene.send_to("GET", path, None, &[]).await.ok();
    let numbers = page.as_array().unwrap().iter().map(|row| row["school"].as_str().unwrap());
    numbers.map(str::to_owned).collect()
}

fn opening() -> serde_json::Value {
    json!({ "name": "Collège des Tilleuls", "time_zone": "Europe/Paris", "department": "67" })
}

fn toussaint() -> serde_json::Value {
    json!([{ "name": "Toussaint", "first_day": "2026-10-17", "last_day": "2026-11-01" }])
}
