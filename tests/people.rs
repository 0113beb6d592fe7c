//! People, from HTTP to the tables and back: registered once, in one school or several.

use serde_json::{Value, json};

use crate::scene::Scene;

const NOBODY: &str = "00000000-0000-0000-0000-000000000404";
const NOWHERE: &str = "/schools/0679999Z";

#[tokio::test]
async fn a_person_is_registered_renamed_and_reached() {
    let mut scene = Scene::school().await;
    let registered = scene.post("/people", ines()).await;
    assert_eq!(registered.status, "201 Created");
    insta::assert_compact_json_snapshot!(registered.body, @r#"{"id": "5b6d1db2-5d26-5e5b-90b8-7bb7515ec8e3", "position": 6}"#);
    let person = registered.id();

    let usage = json!({ "family": "Garnier", "given": "Inès", "usage": "Lemoine" });
    scene.put(&format!("/people/{person}/name"), usage).await.ok();
    scene.put(&format!("/people/{person}/contact-details"), details()).await.ok();
    scene.put(&format!("/people/{person}/language"), json!("ar")).await.ok();
    insta::assert_json_snapshot!(scene.get(&format!("/people/{person}")).await.ok(), @r#"
    {
      "birth_date": "2014-03-07",
      "details": {
        "accepts_sms": true,
        "mail": "salma@example.org",
        "mobile": "06 00 00 00 17"
      },
      "enrolment": null,
      "language": "ar",
      "name": {
        "family": "Garnier",
        "given": "Inès",
        "usage": "Lemoine"
      },
      "person": "5b6d1db2-5d26-5e5b-90b8-7bb7515ec8e3"
    }
    "#);
}

#[tokio::test]
async fn a_student_is_enrolled_leaves_and_comes_back() {
    let mut scene = Scene::school().await;
    let ines = scene.post("/people", ines()).await.id();
    let enrol = json!({ "person": ines, "ine": "1234567890A", "from": "2026-09-01" });
    scene.post("/students", enrol).await.ok();
    let departure = format!("/people/{ines}/departure");
    scene.post(&departure, json!({ "on": "2026-10-02" })).await.ok();
    let left = scene.get("/students").await.named(&[(&ines, "Inès")]);
    insta::assert_json_snapshot!(left, @r#"
    [
      {
        "birth_date": "2014-03-07",
        "details": {
          "accepts_sms": false
        },
        "enrolment": {
          "from": "2026-09-01",
          "ine": "1234567890A",
          "part": "student",
          "person": "Inès",
          "school": "0670001A",
          "until": "2026-10-02"
        },
        "language": "fr",
        "name": {
          "family": "Garnier",
          "given": "Inès"
        },
        "person": "Inès"
      }
    ]
    "#);

    let back = json!({ "person": ines, "from": "2026-11-03" });
    scene.post("/students", back).await.ok();
    let back = scene.get(&format!("/people/{ines}")).await.named(&[(&ines, "Inès")]);
    insta::assert_compact_json_snapshot!(back["enrolment"], @r#"{"from": "2026-11-03", "part": "student", "person": "Inès", "school": "0670001A"}"#);
}

#[tokio::test]
async fn staff_are_appointed_and_students_are_not_among_them() {
    let mut scene = Scene::school().await;
    scene.person("Garnier", "Inès", "students").await;
    let nurse = scene.post("/people", named("Weber", "Paul")).await.id();
    let appoint = json!({ "person": nurse, "function": "nurse", "from": "2026-09-01" });
    scene.post("/staff", appoint).await.ok();
    let staff = scene.get("/staff").await.named(&[(&nurse, "Paul")]);
    insta::assert_json_snapshot!(staff, @r#"
    [
      {
        "birth_date": null,
        "details": {
          "accepts_sms": false
        },
        "enrolment": {
          "from": "2026-09-01",
          "function": "nurse",
          "part": "staff",
          "person": "Paul",
          "school": "0670001A"
        },
        "language": "fr",
        "name": {
          "family": "Weber",
          "given": "Paul"
        },
        "person": "Paul"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_person_of_two_schools_is_registered_once() {
    let mut scene = Scene::school().await;
    let other = "/schools/0680003C";
    let opening = json!({ "name": "Lycée", "time_zone": "Europe/Paris", "department": "68" });
    scene.send_to("PUT", other, Some(opening), &[]).await.ok();
    let teacher = scene.person("Weber", "Paul", "staff").await;
    let appoint = json!({ "person": teacher, "function": "librarian", "from": "2026-10-01" });
    let there = scene.send_to("POST", &format!("{other}/staff"), Some(appoint), &[]).await;
    there.ok();

    scene
        .put(&format!("/people/{teacher}/name"), named("Weber", "Paul-Émile")["name"].clone())
        .await;
    let head = scene.head().await;
    let path = format!("{other}/people/{teacher}?min_position={head}");
    let seen_there = scene.send_to("GET", &path, None, &[]).await.ok();
    assert_eq!(seen_there["name"]["given"], "Paul-Émile");
    assert_eq!(seen_there["enrolment"]["function"], "librarian");
    let seen_here = scene.get(&format!("/people/{teacher}")).await.ok();
    assert_eq!(seen_here["enrolment"]["function"], "teacher");
}

#[tokio::test]
async fn students_are_listed_by_pages_in_the_order_of_their_ids() {
    let mut scene = Scene::school().await;
    let mut students = Vec::new();
    for given in ["Inès", "Hugo", "Lina", "Adam", "Zoé"] {
        students.push(scene.person("Garnier", given, "students").await);
    }
    students.sort();
    assert_eq!(page(&mut scene, "/students?limit=2").await, students[..2]);
    let next = format!("/students?limit=2&cursor={}", students[1]);
    assert_eq!(page(&mut scene, &next).await, students[2..4]);
    let last = format!("/students?limit=2&cursor={}", students[3]);
    assert_eq!(page(&mut scene, &last).await, students[4..]);
    assert_eq!(page(&mut scene, "/staff").await, [""; 0]);
    let nonsense = scene.get("/students?cursor=ines").await;
    assert_eq!(nonsense.refusal(), "400 malformed-query");
    assert_eq!(scene.get("/students?limit=many").await.refusal(), "400 malformed-query");
}

#[tokio::test]
async fn a_person_is_read_as_they_were() {
    let mut scene = Scene::school().await;
    let ines = scene.post("/people", ines()).await.id();
    scene.now("2026-11-20T09:00:00Z");
    scene.put(&format!("/people/{ines}/language"), json!("tr")).await.ok();
    let path = format!("/people/{ines}");
    let before = scene.get_as_of(&path, "2026-11-20T08:00:00Z").await.ok();
    assert_eq!(before["language"], "fr");
    assert_eq!(scene.get(&path).await.ok()["language"], "tr");
}

#[tokio::test]
async fn saying_it_again_changes_nothing() {
    let mut scene = Scene::school().await;
    let ines = scene.post("/people", ines()).await.id();
    let person = |what: &str| format!("/people/{ines}/{what}");
    let requests = [
        ("PUT", person("name"), ines_name()),
        ("PUT", person("contact-details"), details()),
        ("PUT", person("language"), json!("ar")),
        ("POST", "/students".to_owned(), json!({ "person": ines, "from": "2026-09-01" })),
    ];
    for (method, path, body) in &requests {
        scene.send(method, path, Some(body.clone()), &[]).await.ok();
    }
    let head = scene.head().await;
    for (method, path, body) in requests {
        let again = scene.send(method, &path, Some(body), &[]).await.ok();
        assert_eq!(again, json!({ "position": head }), "{method} {path}");
    }
    assert_eq!(scene.head().await, head);
}

#[tokio::test]
async fn a_registration_that_is_sent_again_registers_nobody_else() {
    let mut scene = Scene::school().await;
    let tap = [("idempotency-key", "tap-17")];
    let first = scene.send("POST", "/people", Some(ines()), &tap).await;
    scene.person("Weber", "Paul", "staff").await;
    let head = scene.head().await;

    let again = scene.send("POST", "/people", Some(ines()), &tap).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    let other = scene.send("POST", "/people", Some(named("Weber", "Paul")), &tap).await;
    assert_eq!(other.refusal(), "422 idempotency-key-reused");
    assert_eq!(scene.head().await, head);
}

#[tokio::test]
async fn a_departure_that_is_sent_again_is_answered_as_it_was() {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let path = format!("/people/{ines}/departure");
    let (tap, day) = ([("idempotency-key", "tap-18")], json!({ "on": "2026-10-02" }));
    let first = scene.send("POST", &path, Some(day.clone()), &tap).await;
    let again = scene.send("POST", &path, Some(day.clone()), &tap).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    assert_eq!(scene.refused("POST", &path, day).await, "422 not-in-school");
}

#[tokio::test]
async fn a_person_needs_both_names() {
    let mut scene = Scene::school().await;
    let nameless = scene.refused("POST", "/people", named("Garnier", " ")).await;
    assert_eq!(nameless, "422 name-missing");
    let ines = scene.post("/people", ines()).await.id();
    let path = format!("/people/{ines}/name");
    let nameless = scene.refused("PUT", &path, json!({ "family": "", "given": "Inès" })).await;
    assert_eq!(nameless, "422 name-missing");
}

#[tokio::test]
async fn in_one_school_a_person_has_one_part_at_a_time() {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let later = json!({ "person": ines, "from": "2026-09-02" });
    assert_eq!(scene.refused("POST", "/students", later).await, "422 already-in-school");
    let appoint = json!({ "person": ines, "function": "assistant", "from": "2026-09-01" });
    assert_eq!(scene.refused("POST", "/staff", appoint).await, "422 already-in-school");
}

#[tokio::test]
async fn nobody_leaves_before_coming_or_without_having_come() {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let mother = scene.post("/people", named("Garnier", "Salma")).await.id();
    let leave = async |scene: &mut Scene, person: &str, on: &str| {
        let path = format!("/people/{person}/departure");
        scene.refused("POST", &path, json!({ "on": on })).await
    };
    assert_eq!(leave(&mut scene, &ines, "2026-08-31").await, "422 leaves-before-coming");
    assert_eq!(leave(&mut scene, &mother, "2026-10-02").await, "422 not-in-school");
}

#[tokio::test]
async fn nobody_is_changed_who_is_not_registered() {
    let mut scene = Scene::school().await;
    for (method, path, body) in of(NOBODY) {
        let refused = scene.refused(method, &path, body).await;
        assert_eq!(refused, "404 unknown-person", "{method} {path}");
    }
    let asked = scene.get(&format!("/people/{NOBODY}")).await;
    assert_eq!(asked.refusal(), "404 unknown-person");
    assert_eq!(scene.get("/people/ines").await.refusal(), "404 no-such-address");
}

#[tokio::test]
async fn nobody_is_changed_or_read_in_a_school_that_is_not_open() {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let everything = of(&ines).into_iter().chain([("POST", "/people".to_owned(), named("A", "B"))]);
    for (method, path, body) in everything {
        let refused = scene.refused_at(method, &format!("{NOWHERE}{path}"), body).await;
        assert_eq!(refused, "404 unknown-school", "{method} {path}");
    }
    for path in ["/students".to_owned(), "/staff".to_owned(), format!("/people/{ines}")] {
        let asked = scene.send_to("GET", &format!("{NOWHERE}{path}"), None, &[]).await;
        assert_eq!(asked.refusal(), "404 unknown-school", "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_told_with_its_line_and_column() {
    let mut scene = Scene::school().await;
    let no_function = json!({ "person": NOBODY, "function": "wizard", "from": "2026-09-01" });
    insta::assert_json_snapshot!(scene.post("/staff", no_function).await.body, @r#"
    {
      "code": "malformed-body",
      "detail": "the request's body cannot be understood: unknown variant `wizard`, expected one of `head`, `teacher`, `cpe`, `assistant`, `nurse`, `social-worker`, `librarian`, `administration` at line 1 column 40",
      "status": 400,
      "type": "urn:preau:problem:malformed-body"
    }
    "#);
    let ines = scene.post("/people", ines()).await.id();
    let misspelt = json!({ "email": "salma@example.org" });
    let path = format!("/people/{ines}/contact-details");
    insta::assert_json_snapshot!(scene.put(&path, misspelt).await.body, @r#"
    {
      "code": "malformed-body",
      "detail": "the request's body cannot be understood: unknown field `email`",
      "status": 400,
      "type": "urn:preau:problem:malformed-body"
    }
    "#);
}

/// Every request that changes a person who is registered.
fn of(person: &str) -> [(&'static str, String, Value); 6] {
    let of = |what: &str| format!("/people/{person}/{what}");
    let from = "2026-09-01";
    [
        ("PUT", of("name"), ines_name()),
        ("PUT", of("contact-details"), details()),
        ("PUT", of("language"), json!("ar")),
        ("POST", of("departure"), json!({ "on": "2026-10-02" })),
        ("POST", "/students".to_owned(), json!({ "person": person, "from": from })),
        ("POST", "/staff".to_owned(), json!({ "person": person, "function": "cpe", "from": from })),
    ]
}

async fn page(scene: &mut Scene, path: &str) -> Vec<String> {
    let page = scene.get(path).await.ok();
    let people = page.as_array().unwrap().iter().map(|row| row["person"].as_str().unwrap());
    people.map(str::to_owned).collect()
}

fn ines() -> Value {
    json!({ "name": ines_name(), "birth_date": "2014-03-07" })
}

fn ines_name() -> Value {
    json!({ "family": "Garnier", "given": "Inès" })
}

fn named(family: &str, given: &str) -> Value {
    json!({ "name": { "family": family, "given": given } })
}

fn details() -> Value {
    json!({ "mail": "salma@example.org", "mobile": "06 00 00 00 17", "accepts_sms": true })
}
