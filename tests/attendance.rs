//! Attendance files over HTTP: what is written in them, explained, judged and taken back.

mod half_days;

use serde_json::{Value, json};

use crate::scene::Scene;

const FRIDAY: &str = "2026-11-20";
const NOBODY: &str = "00000000-0000-0000-0000-00000000dead";

#[tokio::test]
async fn the_office_records_an_absence() {
    let (mut school, adele) = adele_and_her_mother().await;
    let recorded = school.post("/absences", adele.away("07:00", "11:00")).await;
    assert_eq!(recorded.status, "201 Created");
    let line = recorded.id();
    let names = [(line.as_str(), "the line"), (&adele.id, "Adèle")];
    let file = school.get(&adele.file()).await.named(&names);
    insta::assert_json_snapshot!(file, @r#"
    [
      {
        "ends": "2026-11-20T11:00:00Z",
        "kind": "absence",
        "line": "the line",
        "recorded_at": "2026-11-20T07:00:00Z",
        "recorded_by": "id 1",
        "regularised": false,
        "school": "0670001A",
        "starts": "2026-11-20T07:00:00Z",
        "student": "Adèle",
        "withdrawn": false,
        "year": 2026
      }
    ]
    "#);
}

#[tokio::test]
async fn a_file_is_of_one_school_year() {
    let (mut school, adele) = adele_and_her_mother().await;
    school.post("/absences", adele.away("07:00", "11:00")).await.ok();
    let newest = school.get(&format!("/students/{}/attendance", adele.id)).await.ok();
    assert_eq!(newest, school.get(&adele.file()).await.ok());
    let year_before = format!("/students/{}/attendance?year=2025", adele.id);
    assert_eq!(school.get(&year_before).await.ok(), json!([]));
}

#[tokio::test]
async fn two_declarations_of_one_kind_do_not_overlap() {
    let (mut school, adele) = adele_and_her_mother().await;
    for path in ["/absences", "/departures", "/announcements"] {
        let declared = |from, to| {
            let mut declared = adele.away(from, to);
            if path == "/announcements" {
                declared["reason"] = json!("illness");
            }
            declared
        };
        school.post(path, declared("07:00", "09:00")).await.ok();
        let refusal = school.refused("POST", path, declared("08:59", "11:00")).await;
        assert_eq!(refusal, "422 absence-overlaps");
        school.post(path, declared("09:00", "11:00")).await.ok();
    }
}

#[tokio::test]
async fn an_absence_ends_after_it_begins_within_one_school_year() {
    let (mut school, adele) = adele_and_her_mother().await;
    let backwards = adele.away("11:00", "07:00");
    let refusal = school.refused("POST", "/absences", backwards).await;
    assert_eq!(refusal, "422 absence-ends-before-it-begins");
    let into_summer = json!({ "student": adele.id,
        "from": "2027-07-01T06:00:00Z", "to": "2027-07-03T06:00:00Z" });
    for path in ["/absences", "/departures"] {
        let refusal = school.refused("POST", path, into_summer.clone()).await;
        assert_eq!(refusal, "422 date-outside-school-year");
    }
    let mut announced = into_summer;
    announced["reason"] = json!("illness");
    let refusal = school.refused("POST", "/announcements", announced).await;
    assert_eq!(refusal, "422 date-outside-school-year");
}

#[tokio::test]
async fn an_announcement_explains_the_absence_that_the_roll_call_finds() {
    let (mut school, adele) = adele_and_her_mother().await;
    let mut announced = adele.away("06:00", "12:00");
    announced["reason"] = json!("illness");
    announced["given_by"] = json!(adele.mother);
    announced["comment"] = json!("Elle a de la fièvre.");
    let announcement = school.post("/announcements", announced).await.id();
    school.put(&adele.roll_call(FRIDAY), json!({ "absent": [adele.id] })).await.ok();
    let file = school.get(&adele.file()).await.ok();
    insta::assert_snapshot!(lines(&file), @r"
    announcement 06:00–12:00, illness (family): null, false
    absence 07:00–07:55, illness (covering): null, false
    ");

    school.post(&adele.line(&announcement, "acceptance"), json!(null)).await.ok();
    let file = school.get(&adele.file()).await.ok();
    insta::assert_snapshot!(lines(&file), @r"
    announcement 06:00–12:00, illness (family): true, false
    absence 07:00–07:55, illness (covering): true, false
    ");
}

#[tokio::test]
async fn an_announcement_that_comes_afterwards_explains_the_absence_too() {
    let (mut school, adele) = adele_and_her_mother().await;
    school.put(&adele.roll_call(FRIDAY), json!({ "absent": [adele.id] })).await.ok();
    let mut announced = adele.away("06:00", "12:00");
    announced["reason"] = json!("illness");
    school.post("/announcements", announced).await.ok();
    let file = school.get(&adele.file()).await.ok();
    insta::assert_snapshot!(lines(&file), @r"
    announcement 06:00–12:00, illness (office): null, false
    absence 07:00–07:55, illness (covering): null, false
    ");
}

#[tokio::test]
async fn a_guardian_gives_a_reason_that_the_office_judges() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    let reason = json!({ "reason": "illness", "given_by": adele.mother });
    school.put(&adele.line(&line, "reason"), reason).await.ok();
    let file = school.get(&adele.file()).await.ok();
    insta::assert_snapshot!(lines(&file), @"absence 07:00–11:00, illness (family): null, false");

    school.post(&adele.line(&line, "refusal"), json!(null)).await.ok();
    assert_eq!(school.get(&adele.file()).await.ok()[0]["receivable"], false);
    school.post(&adele.line(&line, "acceptance"), json!(null)).await.ok();
    assert_eq!(school.get(&adele.file()).await.ok()[0]["receivable"], true);
    school.post(&adele.line(&line, "regularisation"), json!(null)).await.ok();
    assert_eq!(school.get(&adele.file()).await.ok()[0]["regularised"], true);
}

#[tokio::test]
async fn a_student_gives_a_reason_and_a_new_reason_is_judged_anew() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    let of_herself = json!({ "reason": "illness", "given_by": adele.id });
    school.put(&adele.line(&line, "reason"), of_herself).await.ok();
    school.post(&adele.line(&line, "acceptance"), json!(null)).await.ok();
    let of_her_mother = json!({ "reason": "illness", "given_by": adele.mother });
    school.put(&adele.line(&line, "reason"), of_her_mother).await.ok();
    let file = school.get(&adele.file()).await.ok();
    assert_eq!(file[0]["receivable"], json!(null), "nobody has judged it yet");
}

#[tokio::test]
async fn a_reason_of_the_office_is_judged_as_its_list_says() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    let reason = json!({ "reason": "timetable-error" });
    school.put(&adele.line(&line, "reason"), reason).await.ok();
    let file = school.get(&adele.file()).await.ok();
    insta::assert_snapshot!(lines(&file), @"absence 07:00–11:00, timetable-error (office): true, true");
}

#[tokio::test]
async fn asking_the_same_again_writes_nothing() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    let reason = json!({ "reason": "illness", "given_by": adele.mother });
    for (method, what, body) in [
        ("PUT", "reason", reason),
        ("POST", "refusal", json!(null)),
        ("POST", "acceptance", json!(null)),
        ("POST", "regularisation", json!(null)),
        ("POST", "withdrawal", json!(null)),
    ] {
        let path = adele.line(&line, what);
        let first = school.send(method, &path, Some(body.clone()), &[]).await.ok();
        let head = school.head().await;
        let again = school.send(method, &path, Some(body), &[]).await.ok();
        assert_eq!((again, school.head().await), (first, head), "{what}");
    }
}

#[tokio::test]
async fn a_reason_is_one_of_the_list_and_of_somebody_who_may_give_it() {
    let (mut school, adele) = adele_and_her_mother().await;
    let stranger = school.post("/people", json!({ "name": { "family": "Roth", "given": "Max" } }));
    let stranger = stranger.await.id();
    let line = adele.absent(&mut school).await;
    for (reason, expected) in [
        (json!({ "reason": "illness", "given_by": stranger }), "404 unknown-person"),
        (json!({ "reason": "illness", "given_by": NOBODY }), "404 unknown-person"),
        (json!({ "reason": "homework" }), "422 unknown-reason"),
        (json!({ "reason": "old" }), "422 reason-closed"),
        (json!({ "why": "illness" }), "400 malformed-body"),
    ] {
        let path = adele.line(&line, "reason");
        assert_eq!(school.refused("PUT", &path, reason.clone()).await, expected);
        if expected != "400 malformed-body" {
            let mut announced = adele.away("12:00", "16:00");
            announced["reason"] = reason["reason"].clone();
            announced["given_by"] = reason["given_by"].clone();
            assert_eq!(school.refused("POST", "/announcements", announced).await, expected);
        }
    }
}

#[tokio::test]
async fn only_a_reason_that_was_given_is_judged() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    for judgment in ["acceptance", "refusal"] {
        let refusal = school.refused("POST", &adele.line(&line, judgment), json!(null)).await;
        assert_eq!(refusal, "422 no-reason-given");
    }
}

#[tokio::test]
async fn a_withdrawn_line_is_neither_explained_nor_judged() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    school.post(&adele.line(&line, "withdrawal"), json!(null)).await.ok();
    assert_eq!(school.get(&adele.file()).await.ok()[0]["withdrawn"], true);
    for (method, what, body) in adele.qualifications() {
        let refusal = school.refused(method, &adele.line(&line, what), body).await;
        assert_eq!(refusal, "422 already-withdrawn", "{what}");
    }
    school.post("/absences", adele.away("07:00", "11:00")).await.ok();
}

#[tokio::test]
async fn a_line_of_a_roll_call_is_not_withdrawn_by_the_office() {
    let (mut school, adele) = adele_and_her_mother().await;
    school.put(&adele.roll_call(FRIDAY), json!({ "absent": [adele.id] })).await.ok();
    let file = school.get(&adele.file()).await.ok();
    let path = adele.line(file[0]["line"].as_str().unwrap(), "withdrawal");
    assert_eq!(school.refused("POST", &path, json!(null)).await, "422 follows-roll-call");
}

#[tokio::test]
async fn a_line_is_looked_for_in_the_students_file_of_that_year() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = adele.absent(&mut school).await;
    let of_nobody = format!("/students/{NOBODY}/attendance/2026/{line}");
    let of_2025 = format!("/students/{}/attendance/2025/{line}", adele.id);
    let mut requests = adele.qualifications().to_vec();
    requests.push(("POST", "withdrawal", json!(null)));
    for (method, what, body) in requests {
        for (path, expected) in [
            (adele.line(NOBODY, what), "404 unknown-line"),
            (format!("{of_2025}/{what}"), "404 unknown-line"),
            (format!("{of_nobody}/{what}"), "404 unknown-student"),
        ] {
            assert_eq!(school.refused(method, &path, body.clone()).await, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn an_exempted_student_is_not_absent_from_that_subject() {
    let (mut school, adele) = adele_and_her_mother().await;
    let exemption = school.post("/exemptions", adele.exempted("Mathématiques")).await.id();
    school.put(&adele.roll_call(FRIDAY), json!({ "absent": [adele.id] })).await.ok();
    let names = [(exemption.as_str(), "the exemption"), (&adele.id, "Adèle")];
    let file = school.get(&adele.file()).await.named(&names);
    insta::assert_json_snapshot!(file, @r#"
    [
      {
        "ends": "2026-12-19T00:00:00Z",
        "exemption": {
          "attends": false,
          "first_day": "2026-11-02",
          "last_day": "2026-12-18",
          "subject": "Mathématiques"
        },
        "kind": "exemption",
        "line": "the exemption",
        "recorded_at": "2026-11-20T07:00:00Z",
        "recorded_by": "id 1",
        "regularised": false,
        "school": "0670001A",
        "starts": "2026-11-02T00:00:00Z",
        "student": "Adèle",
        "withdrawn": false,
        "year": 2026
      }
    ]
    "#);
    for (method, what, body) in adele.qualifications() {
        let refusal = school.refused(method, &adele.line(&exemption, what), body).await;
        assert_eq!(refusal, "422 exemption-not-explained", "{what}");
    }
}

#[tokio::test]
async fn an_exemption_lasts_days_of_one_school_year() {
    let (mut school, adele) = adele_and_her_mother().await;
    for (first_day, last_day, expected) in [
        ("2026-11-20", "2026-11-19", "422 absence-ends-before-it-begins"),
        ("2026-08-01", "2026-11-19", "422 date-outside-school-year"),
        ("2026-11-20", "2027-07-10", "422 date-outside-school-year"),
    ] {
        let mut exemption = adele.exempted("EPS");
        (exemption["first_day"], exemption["last_day"]) = (json!(first_day), json!(last_day));
        assert_eq!(school.refused("POST", "/exemptions", exemption).await, expected);
    }
}

#[tokio::test]
async fn a_student_who_left_early_is_in_the_file() {
    let (mut school, adele) = adele_and_her_mother().await;
    let line = school.post("/departures", adele.away("09:30", "15:35")).await.id();
    let reason = json!({ "reason": "illness", "given_by": adele.mother });
    school.put(&adele.line(&line, "reason"), reason).await.ok();
    let file = school.get(&adele.file()).await.ok();
    insta::assert_snapshot!(lines(&file), @"departure 09:30–15:35, illness (family): null, false");
}

#[tokio::test]
async fn the_absences_of_a_day_come_page_by_page() {
    let (mut school, adele) = adele_and_her_mother().await;
    let mut expected = Vec::new();
    for (from, to) in [("06:00", "07:00"), ("07:00", "08:00"), ("09:00", "10:00")] {
        expected.push(json!(school.post("/absences", adele.away(from, to)).await.id()));
    }
    school.post("/exemptions", adele.exempted("EPS")).await.ok();
    let next_day = json!({ "student": adele.id,
        "from": "2026-11-20T23:00:00Z", "to": "2026-11-21T10:00:00Z" });
    let of_next_day = school.post("/absences", next_day).await.id();
    let midnight = "the day of the school begins an hour before that of Greenwich";
    let saturday = school.get("/absences?from=2026-11-21").await.ok();
    assert_eq!(saturday[0]["line"], of_next_day, "{midnight}");

    let (mut found, mut page) = (Vec::new(), format!("/absences?from={FRIDAY}&limit=2"));
    for size in [2, 1, 0] {
        let lines = school.get(&page).await.ok();
        let lines = lines.as_array().unwrap();
        assert_eq!(lines.len(), size);
        found.extend(lines.iter().map(|line| line["line"].clone()));
        let last = found.last().and_then(Value::as_str).unwrap();
        page = format!("/absences?from={FRIDAY}&limit=2&cursor={last}");
    }
    expected.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
    let torn = format!("/absences?from={FRIDAY}&cursor=2");
    assert_eq!(school.get(&torn).await.refusal(), "400 malformed-query");
}

#[tokio::test]
async fn who_is_no_student_of_the_school_has_no_file() {
    let (mut school, adele) = adele_and_her_mother().await;
    for stranger in [NOBODY, &adele.mother] {
        let away = json!({ "student": stranger, "reason": "illness",
            "from": "2026-11-20T07:00:00Z", "to": "2026-11-20T08:00:00Z" });
        let refusal = school.refused("POST", "/announcements", away).await;
        assert_eq!(refusal, "404 unknown-student");
        let mut exemption = adele.exempted("EPS");
        exemption["student"] = json!(stranger);
        let refusal = school.refused("POST", "/exemptions", exemption).await;
        assert_eq!(refusal, "404 unknown-student");
        let mut away = adele.away("07:00", "08:00");
        away["student"] = json!(stranger);
        for path in ["/absences", "/departures"] {
            let refusal = school.refused("POST", path, away.clone()).await;
            assert_eq!(refusal, "404 unknown-student");
        }
        for path in ["attendance", "half-days?from=2026-11-20"] {
            let asked = school.get(&format!("/students/{stranger}/{path}")).await;
            assert_eq!(asked.refusal(), "404 unknown-student");
        }
    }
}

/// A student who has mathematics on Fridays at eight, and her mother.
struct Adele {
    id: String,
    mother: String,
    course: String,
}

async fn adele_and_her_mother() -> (Scene, Adele) {
    let mut school = Scene::school().await;
    let id = school.person("Muller", "Adèle", "students").await;
    let mother = json!({ "name": { "family": "Muller", "given": "Sophie" } });
    let mother = school.post("/people", mother).await.id();
    let guardianship = json!({ "link": "mother", "authority": "exercised", "home": "first",
        "contact_order": 1, "from": "2026-09-01" });
    school.put(&format!("/students/{id}/guardians/{mother}"), guardianship).await.ok();
    let teacher = school.person("Weber", "Anne", "staff").await;
    let class = school.class("6e B", &[&id]).await;
    let course = school.course(&class, &teacher, "Mathématiques", &[("Fri", 1)]).await;
    (school, Adele { id, mother, course })
}

impl Adele {
    fn file(&self) -> String {
        format!("/students/{}/attendance?year=2026", self.id)
    }

    fn line(&self, line: &str, what: &str) -> String {
        format!("/students/{}/attendance/2026/{line}/{what}", self.id)
    }

    fn roll_call(&self, date: &str) -> String {
        format!("/courses/{}/lessons/{date}/1/roll-call", self.course)
    }

    /// On Friday, from one time of Greenwich to another: an hour less than the school's.
    fn away(&self, from: &str, to: &str) -> Value {
        let [from, to] = [from, to].map(|time| format!("{FRIDAY}T{time}:00Z"));
        json!({ "student": self.id, "from": from, "to": to })
    }

    async fn absent(&self, school: &mut Scene) -> String {
        school.post("/absences", self.away("07:00", "11:00")).await.id()
    }

    fn exempted(&self, subject: &str) -> Value {
        json!({ "student": self.id, "subject": subject, "attends": false,
            "first_day": "2026-11-02", "last_day": "2026-12-18" })
    }

    /// What can be said of a line: addresses below it, and bodies.
    fn qualifications(&self) -> [(&'static str, &'static str, Value); 4] {
        [
            ("PUT", "reason", json!({ "reason": "illness", "given_by": self.mother })),
            ("POST", "acceptance", json!(null)),
            ("POST", "refusal", json!(null)),
            ("POST", "regularisation", json!(null)),
        ]
    }
}

/// Each line of a file in a few words: what, when, why according to whom, and how it is judged.
fn lines(file: &Value) -> String {
    let line = |line: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let [starts, ends] = ["starts", "ends"].map(|field| text(&line[field])[11..16].to_owned());
        let [code, by] = ["code", "given_by"].map(|field| text(&line["reason"][field]));
        let (receivable, regularised) = (&line["receivable"], &line["regularised"]);
        let kind = text(&line["kind"]);
        format!("{kind} {starts}–{ends}, {code} ({by}): {receivable}, {regularised}")
    };
    file.as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}
