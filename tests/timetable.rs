//! The timetable over HTTP: which lessons take place, for whom, and what departs from the plan.
//!
//! Weeks, holidays and single changes are each one test. How lessons follow from a course is tried
//! without HTTP beside the rule.

use serde_json::{Value, json};

use crate::scene::{Scene, bells};

const FRIDAY: &str = "2026-11-20";
const NOBODY: &str = "00000000-0000-0000-0000-00000000dead";

#[tokio::test]
async fn a_lesson_is_shown_with_all_that_one_needs_to_go_there() {
    let (mut school, maths) = maths_on_fridays().await;
    let lessons = school.get(&of_class(&maths, FRIDAY, FRIDAY)).await.named(&[
        (&maths.id, "maths"),
        (&maths.class, "6e B"),
        (&maths.teacher, "Mme Weber"),
    ]);
    insta::assert_json_snapshot!(lessons, @r#"
    [
      {
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
      }
    ]
    "#);
    let lesson = school.get(&maths.lesson(FRIDAY, 1)).await.ok();
    assert_eq!(lesson, school.get(&of_class(&maths, FRIDAY, FRIDAY)).await.ok()[0]);
}

#[tokio::test]
async fn a_class_has_the_lessons_of_all_its_courses_in_the_order_of_the_day() {
    let (mut school, maths) = maths_on_fridays().await;
    school.course(&maths.class, &maths.teacher, "EPS", &[("Thu", 5), ("Fri", 2)]).await;
    let week = of_class(&maths, "2026-11-16", "2026-11-22");
    let found = lines(&mut school, &week).await;
    insta::assert_snapshot!(found, @r"
    2026-11-19/5 EPS (7)
    2026-11-20/1 Mathématiques (7)
    2026-11-20/2 EPS (7)
    ");
}

#[tokio::test]
async fn a_teacher_has_the_lessons_they_give() {
    let (mut school, maths) = maths_on_fridays().await;
    let other = school.person("Klein", "Paul", "staff").await;
    school.course(&maths.class, &other, "EPS", &[("Fri", 2)]).await;
    let found = lines(&mut school, &of_teacher(&maths.teacher, FRIDAY)).await;
    insta::assert_snapshot!(found, @"2026-11-20/1 Mathématiques (7)");
    let found = lines(&mut school, &of_teacher(&other, FRIDAY)).await;
    insta::assert_snapshot!(found, @"2026-11-20/2 EPS (7)");
}

#[tokio::test]
async fn a_student_has_the_lessons_of_a_class_while_they_are_in_it() {
    let (mut school, maths) = maths_on_fridays().await;
    let late_comer = school.person("Meyer", "Zoé", "students").await;
    let membership = format!("/classes/{}/students/{late_comer}", maths.class);
    school.put(&membership, json!({ "from": "2026-11-13" })).await.ok();
    school.post(&format!("{membership}/departure"), json!({ "on": "2026-11-20" })).await.ok();
    let november = format!("/students/{late_comer}/lessons?from=2026-11-01&to=2026-11-30");
    let found = lines(&mut school, &november).await;
    insta::assert_snapshot!(found, @r"
    2026-11-13/1 Mathématiques (7)
    2026-11-20/1 Mathématiques (7)
    ");
}

#[tokio::test]
async fn lessons_of_weeks_a_and_b_alternate() {
    let (mut school, maths) = maths_on_fridays().await;
    let group = school.class("6e latin", &[]).await;
    let plan = json!({ "class": group, "subject": "Latin", "teachers": [maths.teacher],
        "first_day": "2026-09-01", "last_day": "2027-07-02", "meetings": [
            { "weekday": "Tue", "slot": 3, "weeks": "A", "room": "11" },
            { "weekday": "Thu", "slot": 4, "weeks": "B", "room": "12" },
        ] });
    school.post("/courses", plan).await.ok();
    let weeks = format!("/classes/{group}/lessons?from=2026-11-09&to=2026-11-29");
    let found = lines(&mut school, &weeks).await;
    insta::assert_snapshot!(found, @r"
    2026-11-10/3 Latin (11)
    2026-11-19/4 Latin (12)
    2026-11-24/3 Latin (11)
    ");
}

#[tokio::test]
async fn there_are_no_lessons_in_the_holidays_nor_on_public_holidays() {
    let (mut school, maths) = maths_on_fridays().await;
    school.course(&maths.class, &maths.teacher, "EPS", &[("Wed", 1)]).await;
    let toussaint_and_armistice = of_class(&maths, "2026-10-14", "2026-11-13");
    let found = lines(&mut school, &toussaint_and_armistice).await;
    insta::assert_snapshot!(found, @r"
    2026-10-14/1 EPS (7)
    2026-10-16/1 Mathématiques (7)
    2026-11-04/1 EPS (7)
    2026-11-06/1 Mathématiques (7)
    2026-11-13/1 Mathématiques (7)
    ");
}

#[tokio::test]
async fn a_course_has_no_lessons_outside_the_school_year() {
    let (mut school, maths) = maths_on_fridays().await;
    let (august, july) = (
        of_class(&maths, "2026-08-01", "2026-09-04"),
        of_class(&maths, "2027-06-26", "2027-07-31"),
    );
    let found = lines(&mut school, &august).await;
    insta::assert_snapshot!(found, @"2026-09-04/1 Mathématiques (7)");
    let found = lines(&mut school, &july).await;
    insta::assert_snapshot!(found, @"2027-07-02/1 Mathématiques (7)");
}

#[tokio::test]
async fn good_friday_and_26_december_are_free_in_alsace_moselle_only() {
    for (department, good_friday, saint_stephen) in [("67", 0, 0), ("57", 0, 0), ("54", 1, 1)] {
        let (mut school, maths) = maths_in(department, &[("Fri", 1), ("Sat", 1)]).await;
        let mut open_on_saturday = bells();
        open_on_saturday["closed"] = json!([]);
        school.put("/bell-schedules/2026-12-01", open_on_saturday).await.ok();
        for (day, expected) in [
            ("2026-12-19", 1),
            ("2026-12-26", saint_stephen),
            ("2027-03-19", 1),
            ("2027-03-26", good_friday),
        ] {
            let found = lines(&mut school, &of_class(&maths, day, day)).await;
            assert_eq!(found.lines().count(), expected, "{day} in {department}: {found}");
        }
    }
}

#[tokio::test]
async fn a_cancelled_lesson_shows_as_cancelled_until_it_is_reinstated() {
    let (mut school, maths) = maths_on_fridays().await;
    let lesson = maths.lesson(FRIDAY, 1);
    let planned = school.get(&lesson).await.ok();
    school.patch(&lesson, json!({ "change": "cancel" })).await.ok();
    assert_eq!(school.get(&lesson).await.ok()["cancelled"], true);
    let found = lines(&mut school, &of_class(&maths, FRIDAY, FRIDAY)).await;
    insta::assert_snapshot!(found, @"2026-11-20/1 Mathématiques (7) cancelled");
    school.patch(&lesson, json!({ "change": "reinstate" })).await.ok();
    assert_eq!(school.get(&lesson).await.ok(), planned);
}

#[tokio::test]
async fn a_moved_lesson_takes_place_elsewhere_and_stays_the_same_lesson() {
    let (mut school, maths) = maths_on_fridays().await;
    let lesson = maths.lesson(FRIDAY, 1);
    let planned = school.get(&lesson).await.ok();
    let monday = json!({ "change": "move", "room": "3",
        "to": { "date": "2026-11-23", "slot": 2 } });
    school.patch(&lesson, monday).await.ok();
    let moved = school.get(&lesson).await.ok();
    assert_eq!(moved["lesson"], planned["lesson"]);
    assert_eq!(moved["planned"], planned["planned"]);
    assert_eq!(moved["starts_at"], "2026-11-23T08:00:00Z");
    let around = of_class(&maths, FRIDAY, "2026-11-27");
    let found = lines(&mut school, &around).await;
    insta::assert_snapshot!(found, @r"
    2026-11-23/2 Mathématiques (3)
    2026-11-27/1 Mathématiques (7)
    ");
}

#[tokio::test]
async fn a_lesson_moved_within_its_day_is_there_once() {
    let (mut school, maths) = maths_on_fridays().await;
    let afternoon = json!({ "change": "move", "room": "7", "to": { "date": FRIDAY, "slot": 5 } });
    school.patch(&maths.lesson(FRIDAY, 1), afternoon).await.ok();
    let found = lines(&mut school, &of_class(&maths, FRIDAY, FRIDAY)).await;
    insta::assert_snapshot!(found, @"2026-11-20/5 Mathématiques (7)");
}

#[tokio::test]
async fn a_replaced_lesson_is_in_the_timetable_of_who_gives_it() {
    let (mut school, maths) = maths_on_fridays().await;
    let substitute = school.person("Klein", "Paul", "staff").await;
    let replaced = json!({ "change": "replace", "teacher": substitute });
    school.patch(&maths.lesson(FRIDAY, 1), replaced).await.ok();
    let of_both = [&maths.teacher, &substitute].map(|teacher| of_teacher(teacher, FRIDAY));
    assert_eq!(lines(&mut school, &of_both[0]).await, "");
    let found = lines(&mut school, &of_both[1]).await;
    insta::assert_snapshot!(found, @"2026-11-20/1 Mathématiques (7)");
    let next = of_teacher(&substitute, "2026-11-27");
    assert_eq!(lines(&mut school, &next).await, "", "once is not always");
}

#[tokio::test]
async fn a_lesson_can_change_its_room() {
    let (mut school, maths) = maths_on_fridays().await;
    let lesson = maths.lesson(FRIDAY, 1);
    school.patch(&lesson, json!({ "change": "change-room", "room": "CDI" })).await.ok();
    let found = lines(&mut school, &of_class(&maths, FRIDAY, "2026-11-27")).await;
    insta::assert_snapshot!(found, @r"
    2026-11-20/1 Mathématiques (CDI)
    2026-11-27/1 Mathématiques (7)
    ");
}

#[tokio::test]
async fn the_same_change_again_writes_nothing() {
    let (mut school, maths) = maths_on_fridays().await;
    let substitute = school.person("Klein", "Paul", "staff").await;
    let monday = json!({ "date": "2026-11-23", "slot": 2 });
    let lesson = maths.lesson(FRIDAY, 1);
    for change in [
        json!({ "change": "move", "to": monday, "room": "3" }),
        json!({ "change": "replace", "teacher": substitute }),
        json!({ "change": "change-room", "room": "CDI" }),
        json!({ "change": "cancel" }),
        json!({ "change": "reinstate" }),
    ] {
        let first = school.patch(&lesson, change.clone()).await.ok();
        let head = school.head().await;
        let again = school.patch(&lesson, change).await.ok();
        assert_eq!((again, school.head().await), (first, head));
    }
}

#[tokio::test]
async fn a_rescheduled_course_meets_at_other_times_from_that_day_on() {
    let (mut school, maths) = maths_on_fridays().await;
    let mondays = json!([{ "weekday": "Mon", "slot": 6, "room": "12" }]);
    school.put(&format!("/courses/{}/meetings/2026-11-16", maths.id), mondays).await.ok();
    let found = lines(&mut school, &of_class(&maths, "2026-11-09", "2026-11-29")).await;
    insta::assert_snapshot!(found, @r"
    2026-11-13/1 Mathématiques (7)
    2026-11-16/6 Mathématiques (12)
    2026-11-23/6 Mathématiques (12)
    ");
}

#[tokio::test]
async fn a_meeting_that_is_planned_twice_is_one_lesson() {
    let (mut school, maths) = maths_in("67", &[("Fri", 1), ("Fri", 1)]).await;
    let found = lines(&mut school, &of_class(&maths, FRIDAY, FRIDAY)).await;
    assert_eq!(found, "2026-11-20/1 Mathématiques (7)");
}

#[tokio::test]
async fn a_course_that_has_ended_has_no_lessons_any_more() {
    let (mut school, maths) = maths_on_fridays().await;
    school.post(&format!("/courses/{}/end", maths.id), json!({ "on": FRIDAY })).await.ok();
    let found = lines(&mut school, &of_class(&maths, "2026-11-13", "2027-07-02")).await;
    insta::assert_snapshot!(found, @r"
    2026-11-13/1 Mathématiques (7)
    2026-11-20/1 Mathématiques (7)
    ");
}

#[tokio::test]
async fn only_a_lesson_of_the_timetable_can_be_changed() {
    let (mut school, maths) = maths_on_fridays().await;
    let even = json!([{ "weekday": "Tue", "slot": 1, "weeks": "A", "room": "7" },
        { "weekday": "Fri", "slot": 1, "room": "7" }]);
    school.put(&format!("/courses/{}/meetings/2026-09-07", maths.id), even).await.ok();
    for (date, slot, why) in [
        (FRIDAY, 2, "another slot"),
        ("2026-11-19", 1, "another weekday"),
        ("2026-11-17", 1, "a week B"),
        ("2026-10-23", 1, "the holidays"),
        ("2026-09-01", 1, "before the course meets on that day"),
    ] {
        let lesson = maths.lesson(date, slot);
        let refusal = school.refused("PATCH", &lesson, json!({ "change": "cancel" })).await;
        assert_eq!(refusal, "422 lesson-did-not-take-place", "{why}");
        assert_eq!(school.get(&lesson).await.refusal(), refusal, "{why}");
    }
    let outside = maths.lesson("2026-07-14", 1);
    let refusal = school.refused("PATCH", &outside, json!({ "change": "cancel" })).await;
    assert_eq!(refusal, "422 date-outside-school-year");
}

#[tokio::test]
async fn a_cancelled_lesson_is_neither_moved_nor_replaced_nor_given_another_room() {
    let (mut school, maths) = maths_on_fridays().await;
    let lesson = maths.lesson(FRIDAY, 1);
    school.patch(&lesson, json!({ "change": "cancel" })).await.ok();
    let monday = json!({ "date": "2026-11-23", "slot": 2 });
    for change in [
        json!({ "change": "move", "to": monday, "room": "3" }),
        json!({ "change": "replace", "teacher": maths.teacher }),
        json!({ "change": "change-room", "room": "3" }),
    ] {
        let refusal = school.refused("PATCH", &lesson, change).await;
        assert_eq!(refusal, "422 lesson-cancelled");
    }
}

#[tokio::test]
async fn a_lesson_is_moved_to_a_slot_of_a_day_with_lessons() {
    let (mut school, maths) = maths_on_fridays().await;
    for (date, slot) in [("2026-11-11", 1), ("2026-11-21", 1), ("2026-11-23", 8), ("2026-11-23", 0)]
    {
        let change = json!({ "change": "move", "to": { "date": date, "slot": slot }, "room": "3" });
        let refusal = school.refused("PATCH", &maths.lesson(FRIDAY, 1), change).await;
        assert_eq!(refusal, "422 lesson-did-not-take-place", "{date}/{slot}");
    }
}

#[tokio::test]
async fn a_course_needs_a_class_a_teacher_a_subject_a_meeting_and_days_of_a_year() {
    let (mut school, maths) = maths_on_fridays().await;
    let meeting = json!([{ "weekday": "Fri", "slot": 1, "room": "7" }]);
    let plan = json!({ "class": maths.class, "subject": "Latin", "teachers": [maths.teacher],
        "first_day": "2026-09-01", "last_day": "2027-07-02", "meetings": meeting });
    for (field, wrong, expected) in [
        ("class", json!(NOBODY), "404 unknown-class"),
        ("teachers", json!([NOBODY]), "404 unknown-staff"),
        ("teachers", json!([maths.student]), "404 unknown-staff"),
        ("teachers", json!([]), "422 course-incomplete"),
        ("subject", json!(" "), "422 course-incomplete"),
        ("meetings", json!([]), "422 course-incomplete"),
        ("first_day", json!("2026-07-01"), "422 date-outside-school-year"),
        ("last_day", json!("2027-08-01"), "422 date-outside-school-year"),
        ("meetings", json!([{ "weekday": "Friday?", "slot": 1 }]), "400 malformed-body"),
    ] {
        let mut plan = plan.clone();
        plan[field] = wrong;
        assert_eq!(school.refused("POST", "/courses", plan).await, expected, "{field}");
    }
    let mut plan = plan;
    (plan["first_day"], plan["last_day"]) = (json!("2026-12-01"), json!("2026-11-30"));
    let refusal = school.refused("POST", "/courses", plan).await;
    assert_eq!(refusal, "422 course-ends-before-it-begins");
}

#[tokio::test]
async fn a_course_stays_within_the_year_of_its_class() {
    let (mut school, maths) = maths_on_fridays().await;
    let next_year = json!({ "first_day": "2027-09-01", "last_day": "2028-07-04", "terms": [],
        "weeks_a": [] });
    school.put("/years/2027", next_year).await.ok();
    let plan = json!({ "class": maths.class, "subject": "Latin", "teachers": [maths.teacher],
        "first_day": "2026-09-01", "last_day": "2027-09-03",
        "meetings": [{ "weekday": "Fri", "slot": 1, "room": "7" }] });
    let refusal = school.refused("POST", "/courses", plan).await;
    assert_eq!(refusal, "422 date-outside-school-year");
}

#[tokio::test]
async fn a_course_is_rescheduled_and_ended_within_its_days() {
    let (mut school, maths) = maths_on_fridays().await;
    let meetings = json!([{ "weekday": "Mon", "slot": 6, "room": "12" }]);
    let course = format!("/courses/{}", maths.id);
    for (method, path, body, expected) in [
        ("PUT", "/meetings/2027-07-03", meetings.clone(), "422 outside-course"),
        ("PUT", "/meetings/2026-11-16", json!([]), "422 course-incomplete"),
        ("POST", "/end", json!({ "on": "2026-08-30" }), "422 outside-course"),
    ] {
        let refusal = school.refused(method, &format!("{course}{path}"), body).await;
        assert_eq!(refusal, expected, "{path}");
    }
}

#[tokio::test]
async fn what_the_school_does_not_know_has_no_timetable() {
    let (mut school, maths) = maths_on_fridays().await;
    let cancel = json!({ "change": "cancel" });
    let substitute = json!({ "change": "replace", "teacher": NOBODY });
    for (method, path, body, expected) in [
        ("PATCH", format!("/courses/{NOBODY}/lessons/{FRIDAY}/1"), cancel, "404 unknown-course"),
        ("PATCH", maths.lesson(FRIDAY, 1), substitute, "404 unknown-staff"),
        ("PUT", format!("/courses/{NOBODY}/meetings/{FRIDAY}"), json!([]), "404 unknown-course"),
        ("POST", format!("/courses/{NOBODY}/end"), json!({ "on": FRIDAY }), "404 unknown-course"),
    ] {
        assert_eq!(school.refused(method, &path, body).await, expected, "{path}");
    }
    for (path, expected) in [
        (format!("/courses/{NOBODY}/lessons/{FRIDAY}/1"), "404 unknown-course"),
        (format!("/classes/{NOBODY}/lessons?from={FRIDAY}"), "404 unknown-class"),
        (format!("/students/{NOBODY}/lessons?from={FRIDAY}"), "404 unknown-student"),
        (format!("/students/{}/lessons?from={FRIDAY}", maths.teacher), "404 unknown-student"),
        (format!("/staff/{}/lessons?from={FRIDAY}", maths.student), "404 unknown-staff"),
        (of_class(&maths, FRIDAY, "2026-11-19"), "422 too-many-days"),
        (of_class(&maths, FRIDAY, "2027-11-22"), "422 too-many-days"),
        (format!("/classes/{}/lessons", maths.class), "400 malformed-query"),
    ] {
        assert_eq!(school.get(&path).await.refusal(), expected, "{path}");
    }
}

/// A course of a class of one student.
struct Course {
    id: String,
    class: String,
    teacher: String,
    student: String,
}

impl Course {
    fn lesson(&self, date: &str, slot: u8) -> String {
        format!("/courses/{}/lessons/{date}/{slot}", self.id)
    }
}

async fn maths_on_fridays() -> (Scene, Course) {
    maths_in("67", &[("Fri", 1)]).await
}

async fn maths_in(department: &str, meetings: &[(&str, u8)]) -> (Scene, Course) {
    let mut school = Scene::school_in(department).await;
    let student = school.person("Muller", "Adèle", "students").await;
    let teacher = school.person("Weber", "Anne", "staff").await;
    let class = school.class("6e B", &[&student]).await;
    let id = school.course(&class, &teacher, "Mathématiques", meetings).await;
    (school, Course { id, class, teacher, student })
}

fn of_class(course: &Course, from: &str, to: &str) -> String {
    format!("/classes/{}/lessons?from={from}&to={to}", course.class)
}

fn of_teacher(teacher: &str, date: &str) -> String {
    format!("/staff/{teacher}/lessons?from={date}")
}

/// The lessons at an address, each as a line: day and slot, subject, room.
async fn lines(school: &mut Scene, path: &str) -> String {
    let line = |lesson: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (date, slot) = (text(&lesson["place"]["date"]), &lesson["place"]["slot"]);
        let cancelled = if lesson["cancelled"] == true { " cancelled" } else { "" };
        let (subject, room) = (text(&lesson["subject"]), text(&lesson["room"]));
        format!("{date}/{slot} {subject} ({room}){cancelled}")
    };
    let lessons = school.get(path).await.ok();
    lessons.as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}
