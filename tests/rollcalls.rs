//! Roll calls over HTTP: from the sheet to the absences that follow, and back by a correction.

use serde_json::{Value, json};

use crate::scene::Scene;

const FRIDAY: &str = "2026-11-20";
const NOBODY: &str = "00000000-0000-0000-0000-00000000dead";

#[tokio::test]
async fn the_sheet_of_a_lesson_lists_everybody_who_is_expected() {
    let (mut school, class) = three_on_fridays().await;
    let sheet = school.get(&class.roll_call(FRIDAY, 1)).await.named(&class.names());
    insta::assert_json_snapshot!(sheet, @r#"
    {
      "lesson": {
        "cancelled": false,
        "class": "6e B",
        "course": "maths",
        "ends_at": "2026-11-20T07:55:00Z",
        "half": "morning",
        "lesson": "id 1",
        "place": {
          "date": "2026-11-20",
          "slot": 1
        },
        "planned": {
          "date": "2026-11-20",
          "slot": 1
        },
        "room": "7",
        "starts_at": "2026-11-20T07:00:00Z",
        "subject": "Mathématiques",
        "teachers": [
          "Mme Weber"
        ]
      },
      "students": [
        {
          "name": {
            "family": "Muller",
            "given": "Adèle"
          },
          "student": "Adèle"
        },
        {
          "name": {
            "family": "Nagy",
            "given": "Béla"
          },
          "student": "Béla"
        },
        {
          "name": {
            "family": "Vogel",
            "given": "Chloé"
          },
          "student": "Chloé"
        }
      ],
      "taken": null
    }
    "#);
}

#[tokio::test]
async fn a_roll_call_says_who_was_present_absent_and_late() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    let sheet = school.get(&roll_call).await.named(&class.names());
    insta::assert_snapshot!(marks(&sheet["students"]), @r#"
    "Adèle" "absent"
    "Béla" "late"
    "Chloé" "present"
    "#);
    insta::assert_json_snapshot!(sheet["taken"], @r#"
    {
      "absent": [
        "Adèle"
      ],
      "called": {
        "course": "maths",
        "ends_at": "2026-11-20T07:55:00Z",
        "half": "morning",
        "planned": {
          "date": "2026-11-20",
          "slot": 1
        },
        "starts_at": "2026-11-20T07:00:00Z"
      },
      "date": "2026-11-20",
      "late": [
        {
          "minutes": 5,
          "student": "Béla"
        }
      ],
      "lesson": "id 1",
      "present": [
        "Chloé"
      ],
      "school": "0670001A",
      "taken_at": "2026-11-20T07:00:00Z",
      "taken_by": "id 2"
    }
    "#);
}

#[tokio::test]
async fn an_absence_of_the_roll_call_is_in_the_students_file_at_once() {
    let (mut school, class) = three_on_fridays().await;
    school.put(&class.roll_call(FRIDAY, 1), class.adele_absent_and_bela_late()).await.ok();
    let names = class.names();
    let file = school.get(&class.file_of(&class.adele)).await.named(&names);
    insta::assert_json_snapshot!(file, @r#"
    [
      {
        "ends": "2026-11-20T07:55:00Z",
        "kind": "absence",
        "lesson": "id 1",
        "line": "id 2",
        "recorded_at": "2026-11-20T07:00:00Z",
        "recorded_by": "id 3",
        "regularised": false,
        "school": "0670001A",
        "starts": "2026-11-20T07:00:00Z",
        "student": "Adèle",
        "withdrawn": false,
        "year": 2026
      }
    ]
    "#);
    let late = school.get(&class.file_of(&class.bela)).await.ok();
    assert_eq!((&late[0]["kind"], &late[0]["minutes"]), (&json!("lateness"), &json!(5)));
    assert_eq!(school.get(&class.file_of(&class.chloe)).await.ok(), json!([]), "she was there");
}

#[tokio::test]
async fn a_lateness_beyond_the_schools_limit_is_an_absence() {
    let (mut school, class) = three_on_fridays().await;
    for (date, minutes, kind) in
        [("2026-11-06", 10, "lateness"), ("2026-11-13", 11, "absence"), (FRIDAY, 55, "absence")]
    {
        let late = json!({ "late": [{ "student": class.bela, "minutes": minutes }] });
        school.put(&class.roll_call(date, 1), late).await.ok();
        let file = school.get(&class.file_of(&class.bela)).await.ok();
        let newest = file.as_array().unwrap().last().unwrap();
        assert_eq!(newest["kind"], kind, "{minutes} minutes");
    }
    school.post("/settings", json!({ "lateness-max-minutes": 20 })).await.ok();
    let late = json!({ "late": [{ "student": class.bela, "minutes": 11 }] });
    school.put(&class.roll_call("2026-11-27", 1), late).await.ok();
    let file = school.get(&class.file_of(&class.bela)).await.ok();
    assert_eq!(file[3]["kind"], "lateness", "another school, another limit");
}

#[tokio::test]
async fn taking_the_same_roll_again_changes_nothing() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    let first = school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    let sheet = school.get(&roll_call).await.ok();
    let head = school.head().await;
    let again = school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    assert_eq!((again, school.head().await), (first, head));
    assert_eq!(school.get(&roll_call).await.ok(), sheet);
}

#[tokio::test]
async fn a_roll_that_was_called_is_not_called_otherwise_but_corrected() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    let refusal = school.refused("PUT", &roll_call, json!({})).await;
    assert_eq!(refusal, "422 roll-already-taken");

    school.now("2026-11-20T07:20:00Z");
    let she_came = json!({ "marks": [{ "student": class.adele, "mark": "late", "minutes": 9 }] });
    school.patch(&roll_call, she_came).await.ok();
    let sheet = school.get(&roll_call).await.named(&class.names());
    insta::assert_snapshot!(marks(&sheet["students"]), @r#"
    "Adèle" "late"
    "Béla" "late"
    "Chloé" "present"
    "#);
    assert_eq!(sheet["taken"]["taken_at"], "2026-11-20T07:00:00Z");
    assert_eq!(sheet["taken"]["corrected_at"], "2026-11-20T07:20:00Z");
    let file = school.get(&class.file_of(&class.adele)).await.ok();
    assert_eq!(file.as_array().unwrap().len(), 1, "one lesson is one line");
    assert_eq!(file[0]["kind"], "lateness");
}

#[tokio::test]
async fn a_correction_to_present_withdraws_the_absence() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    let of_the_day = format!("/absences?from={FRIDAY}");
    assert_eq!(school.get(&of_the_day).await.ok().as_array().unwrap().len(), 2);

    school.patch(&roll_call, class.adele_is(json!({ "mark": "present" }))).await.ok();
    let file = school.get(&class.file_of(&class.adele)).await.ok();
    assert_eq!(file[0]["withdrawn"], true);
    let left = school.get(&of_the_day).await.ok();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["student"]), (1, &json!(class.bela)));

    school.patch(&roll_call, class.adele_is(json!({ "mark": "absent" }))).await.ok();
    let file = school.get(&class.file_of(&class.adele)).await.ok();
    assert_eq!((file.as_array().unwrap().len(), &file[0]["withdrawn"]), (1, &json!(false)));
}

#[tokio::test]
async fn correcting_what_is_right_already_changes_nothing() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    let present = class.adele_is(json!({ "mark": "present" }));
    let first = school.patch(&roll_call, present.clone()).await.ok();
    school.get(&roll_call).await.ok();
    let head = school.head().await;
    let again = school.patch(&roll_call, present).await.ok();
    assert_eq!((again, school.head().await), (first, head));
}

#[tokio::test]
async fn the_days_list_shows_which_rolls_were_called() {
    let (mut school, class) = three_on_fridays().await;
    school.course(&class.id, &class.teacher, "EPS", &[("Fri", 3)]).await;
    school.put(&class.roll_call(FRIDAY, 1), class.adele_absent_and_bela_late()).await.ok();
    let day = school.get(&format!("/roll-calls?date={FRIDAY}")).await.ok();
    let of_day = |lesson: &Value| {
        let [subject, called, absent, late] =
            ["subject", "called", "absent", "late"].map(|field| &lesson[field]);
        format!("{subject}: called {called}, {absent} absent, {late} late")
    };
    let of_day: Vec<_> = day.as_array().unwrap().iter().map(of_day).collect();
    insta::assert_snapshot!(of_day.join("\n"), @r#"
    "Mathématiques": called true, 1 absent, 1 late
    "EPS": called false, 0 absent, 0 late
    "#);
    assert_eq!(school.get("/roll-calls?date=2026-11-22").await.ok(), json!([]), "a Sunday");
}

#[tokio::test]
async fn the_roll_of_a_moved_lesson_is_called_where_it_takes_place() {
    let (mut school, class) = three_on_fridays().await;
    let monday = json!({ "change": "move", "room": "3",
        "to": { "date": "2026-11-23", "slot": 2 } });
    school.patch(&class.lesson(FRIDAY, 1), monday).await.ok();
    let sheet = school.get(&class.roll_call(FRIDAY, 1)).await.ok();
    assert_eq!(sheet["lesson"]["place"]["date"], "2026-11-23");
    school.put(&class.roll_call(FRIDAY, 1), class.adele_absent_and_bela_late()).await.ok();
    let file = school.get(&class.file_of(&class.adele)).await.ok();
    assert_eq!(file[0]["starts"], "2026-11-23T08:00:00Z");
    let monday = school.get("/roll-calls?date=2026-11-23").await.ok();
    assert_eq!((&monday[0]["called"], &monday[0]["absent"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn no_roll_is_called_of_a_lesson_that_does_not_take_place() {
    let (mut school, class) = three_on_fridays().await;
    let meetings = json!([{ "weekday": "Tue", "slot": 1, "weeks": "A", "room": "7" },
        { "weekday": "Fri", "slot": 1, "room": "7" }]);
    school.put(&format!("/courses/{}/meetings/2026-09-07", class.course), meetings).await.ok();
    for (date, slot, why) in [
        (FRIDAY, 2, "another slot"),
        ("2026-11-19", 1, "another weekday"),
        ("2026-11-17", 1, "a week B"),
        ("2026-10-23", 1, "the holidays"),
        ("2027-03-26", 1, "Good Friday in Alsace"),
    ] {
        let roll_call = class.roll_call(date, slot);
        assert_eq!(school.get(&roll_call).await.refusal(), "422 lesson-did-not-take-place");
        let refusal = school.refused("PUT", &roll_call, json!({})).await;
        assert_eq!(refusal, "422 lesson-did-not-take-place", "{why}");
        let refusal = school.refused("PATCH", &roll_call, json!({ "marks": [] })).await;
        assert_eq!(refusal, "422 lesson-did-not-take-place", "{why}");
    }
    for outside in ["2026-07-10", "2027-07-09"] {
        let refusal = school.refused("PUT", &class.roll_call(outside, 1), json!({})).await;
        assert_eq!(refusal, "422 date-outside-school-year");
    }
    school.patch(&class.lesson(FRIDAY, 1), json!({ "change": "cancel" })).await.ok();
    let refusal = school.refused("PUT", &class.roll_call(FRIDAY, 1), json!({})).await;
    assert_eq!(refusal, "422 roll-of-cancelled-lesson");
}

#[tokio::test]
async fn only_who_is_in_the_class_on_that_day_is_called() {
    let (mut school, class) = three_on_fridays().await;
    let newcomer = school.person("Zimmer", "Zoé", "students").await;
    let members = format!("/classes/{}/students", class.id);
    school.put(&format!("{members}/{newcomer}"), json!({ "from": "2026-11-16" })).await.ok();
    let left = json!({ "on": "2026-11-15" });
    school.post(&format!("{members}/{}/departure", class.chloe), left).await.ok();

    for (date, stranger) in [("2026-11-13", &newcomer), (FRIDAY, &class.chloe)] {
        let roll_call = class.roll_call(date, 1);
        for body in [
            json!({ "absent": [stranger] }),
            json!({ "late": [{ "student": stranger, "minutes": 5 }] }),
        ] {
            let refusal = school.refused("PUT", &roll_call, body).await;
            assert_eq!(refusal, "422 student-not-in-class");
        }
    }
    let sheet = school.get(&class.roll_call(FRIDAY, 1)).await;
    let names = [class.names().as_slice(), &[(&newcomer, "Zoé")]].concat();
    let sheet = sheet.named(&names);
    insta::assert_snapshot!(marks(&sheet["students"]), @r#"
    "Adèle" null
    "Béla" null
    "Zoé" null
    "#);
    let stranger = json!({ "absent": [NOBODY] });
    let refusal = school.refused("PUT", &class.roll_call(FRIDAY, 1), stranger).await;
    assert_eq!(refusal, "422 student-not-in-class");
}

#[tokio::test]
async fn who_joined_a_moment_ago_can_be_called() {
    let (mut school, class) = three_on_fridays().await;
    let newcomer = school.person("Zimmer", "Zoé", "students").await;
    let member = format!("/classes/{}/students/{newcomer}", class.id);
    school.put(&member, json!({ "from": FRIDAY })).await.ok();
    school.put(&class.roll_call(FRIDAY, 1), json!({ "absent": [newcomer] })).await.ok();
}

#[tokio::test]
async fn who_left_afterwards_stays_in_the_roll_that_was_called() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    school.put(&roll_call, class.adele_absent_and_bela_late()).await.ok();
    let left = format!("/classes/{}/students/{}/departure", class.id, class.adele);
    school.post(&left, json!({ "on": "2026-11-19" })).await.ok();
    school.patch(&roll_call, class.adele_is(json!({ "mark": "present" }))).await.ok();
    let file = school.get(&class.file_of(&class.adele)).await.ok();
    assert_eq!(file[0]["withdrawn"], true);
}

#[tokio::test]
async fn what_is_said_of_a_student_makes_sense() {
    let (mut school, class) = three_on_fridays().await;
    let roll_call = class.roll_call(FRIDAY, 1);
    let late = |minutes: u16| json!({ "late": [{ "student": class.bela, "minutes": minutes }] });
    let both = json!({ "absent": [class.adele],
        "late": [{ "student": class.adele, "minutes": 5 }] });
    for (body, expected) in [
        (late(0), "422 late-beyond-lesson"),
        (late(56), "422 late-beyond-lesson"),
        (both, "422 named-twice"),
        (json!({ "absent": [class.adele, class.adele] }), "422 named-twice"),
        (json!({ "absents": [class.adele] }), "400 malformed-body"),
        (json!({ "absent": ["Adèle"] }), "400 malformed-body"),
    ] {
        assert_eq!(school.refused("PUT", &roll_call, body).await, expected);
    }
    school.put(&roll_call, json!({})).await.ok();
    let too_late = class.adele_is(json!({ "mark": "late", "minutes": 56 }));
    let refusal = school.refused("PATCH", &roll_call, too_late).await;
    assert_eq!(refusal, "422 late-beyond-lesson");
    let stranger = json!({ "marks": [{ "student": NOBODY, "mark": "absent" }] });
    let refusal = school.refused("PATCH", &roll_call, stranger).await;
    assert_eq!(refusal, "422 student-not-in-class");
}

#[tokio::test]
async fn a_roll_that_was_not_called_is_not_corrected() {
    let (mut school, class) = three_on_fridays().await;
    let present = class.adele_is(json!({ "mark": "present" }));
    let refusal = school.refused("PATCH", &class.roll_call(FRIDAY, 1), present).await;
    assert_eq!(refusal, "404 roll-not-taken");
}

#[tokio::test]
async fn what_the_school_does_not_know_has_no_roll() {
    let (mut school, _) = three_on_fridays().await;
    let unknown = format!("/courses/{NOBODY}/lessons/{FRIDAY}/1/roll-call");
    assert_eq!(school.refused("PUT", &unknown, json!({})).await, "404 unknown-course");
    let nothing = json!({ "marks": [] });
    assert_eq!(school.refused("PATCH", &unknown, nothing).await, "404 unknown-course");
    assert_eq!(school.get(&unknown).await.refusal(), "404 unknown-course");
    let no_day = format!("/courses/{NOBODY}/lessons/2026-02-30/1/roll-call");
    assert_eq!(school.get(&no_day).await.refusal(), "404 no-such-address");
    assert_eq!(school.get("/roll-calls").await.refusal(), "400 malformed-query");
}

/// A class of three that has a lesson on Fridays at eight.
struct Class {
    id: String,
    course: String,
    teacher: String,
    adele: String,
    bela: String,
    chloe: String,
}

async fn three_on_fridays() -> (Scene, Class) {
    let mut school = Scene::school().await;
    let chloe = school.person("Vogel", "Chloé", "students").await;
    let adele = school.person("Muller", "Adèle", "students").await;
    let bela = school.person("Nagy", "Béla", "students").await;
    let teacher = school.person("Weber", "Anne", "staff").await;
    let id = school.class("6e B", &[&chloe, &adele, &bela]).await;
    let course = school.course(&id, &teacher, "Mathématiques", &[("Fri", 1)]).await;
    (school, Class { id, course, teacher, adele, bela, chloe })
}

impl Class {
    fn lesson(&self, date: &str, slot: u8) -> String {
        format!("/courses/{}/lessons/{date}/{slot}", self.course)
    }

    fn roll_call(&self, date: &str, slot: u8) -> String {
        format!("{}/roll-call", self.lesson(date, slot))
    }

    fn file_of(&self, student: &str) -> String {
        format!("/students/{student}/attendance?year=2026")
    }

    fn adele_absent_and_bela_late(&self) -> Value {
        json!({ "absent": [self.adele], "late": [{ "student": self.bela, "minutes": 5 }] })
    }

    fn adele_is(&self, mut mark: Value) -> Value {
        mark["student"] = json!(self.adele);
        json!({ "marks": [mark] })
    }

    fn names(&self) -> [(&str, &str); 6] {
        [
            (&self.id, "6e B"),
            (&self.course, "maths"),
            (&self.teacher, "Mme Weber"),
            (&self.adele, "Adèle"),
            (&self.bela, "Béla"),
            (&self.chloe, "Chloé"),
        ]
    }
}

/// Who, and what the roll call says of them, each as a line.
fn marks(students: &Value) -> String {
    let line = |one: &Value| format!("{} {}", one["student"], one["mark"]);
    students.as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}
