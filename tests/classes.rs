//! Classes, from HTTP to the tables and back: formed, joined, taught, left.

use serde_json::{Value, json};

use crate::scene::Scene;

const NOBODY: &str = "00000000-0000-0000-0000-000000000404";
const NOWHERE: &str = "/schools/0679999Z";

#[tokio::test]
async fn a_class_is_formed_joined_and_taught() {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let paul = scene.person("Weber", "Paul", "staff").await;
    let formed = scene.post("/classes", form("5e B")).await;
    assert_eq!(formed.status, "201 Created");
    let class = formed.id();
    scene.put(&of(&class, "students", &ines), from("2026-09-01")).await.ok();
    for subject in ["Français", "Latin"] {
        scene.put(&of(&class, "teachers", &paul), teach(subject, "2026-09-01")).await.ok();
    }
    let whole = scene.get(&format!("/classes/{class}")).await;
    let whole = whole.named(&[(&class, "5e B"), (&ines, "Inès"), (&paul, "Paul")]);
    insta::assert_json_snapshot!(whole, @r#"
    {
      "class": "5e B",
      "kind": "division",
      "name": "5e B",
      "school": "0670001A",
      "students": [
        {
          "class": "5e B",
          "person": {
            "birth_date": null,
            "details": {
              "accepts_sms": false
            },
            "language": "fr",
            "name": {
              "family": "Garnier",
              "given": "Inès"
            },
            "person": "Inès"
          },
          "stays": [
            {
              "from": "2026-09-01"
            }
          ],
          "student": "Inès"
        }
      ],
      "teachers": [
        {
          "class": "5e B",
          "subjects": [
            {
              "from": "2026-09-01",
              "subject": "Français"
            },
            {
              "from": "2026-09-01",
              "subject": "Latin"
            }
          ],
          "teacher": "Paul"
        }
      ],
      "year": 2026
    }
    "#);
}

#[tokio::test]
async fn a_student_leaves_and_joins_again() {
    let (mut scene, class, ines, _) = class().await;
    let departure = of(&class, "students", &format!("{ines}/departure"));
    scene.post(&departure, on("2026-10-02")).await.ok();
    scene.put(&of(&class, "students", &ines), from("2026-11-03")).await.ok();
    let stays = whole(&mut scene, &class).await["students"][0]["stays"].clone();
    insta::assert_compact_json_snapshot!(stays, @r#"[{"from": "2026-09-01", "until": "2026-10-02"}, {"from": "2026-11-03"}]"#);
}

#[tokio::test]
async fn a_stay_that_ended_by_mistake_begins_on_the_same_day_and_ends_once_more() {
    let (mut scene, class, ines, paul) = class().await;
    let departure = of(&class, "students", &format!("{ines}/departure"));
    let release = of(&class, "teachers", &format!("{paul}/release"));
    scene.post(&departure, on("2026-10-02")).await.ok();
    scene.put(&of(&class, "students", &ines), from("2026-09-01")).await.ok();
    scene.post(&departure, on("2026-11-13")).await.ok();
    scene.post(&release, until("Français", "2026-10-02")).await.ok();
    scene.put(&of(&class, "teachers", &paul), teach("Français", "2026-09-01")).await.ok();
    scene.post(&release, until("Français", "2026-11-13")).await.ok();
    let whole = whole(&mut scene, &class).await;
    let days = |times: &Value| [times[0]["until"].clone(), times[1]["until"].clone()];
    assert_eq!(days(&whole["students"][0]["stays"]), ["2026-10-02", "2026-11-13"]);
    assert_eq!(days(&whole["teachers"][0]["subjects"]), ["2026-10-02", "2026-11-13"]);
}

#[tokio::test]
async fn a_teacher_is_released_from_one_subject_and_keeps_the_other() {
    let (mut scene, class, _, paul) = class().await;
    scene.put(&of(&class, "teachers", &paul), teach("Latin", "2026-09-01")).await.ok();
    let release = of(&class, "teachers", &format!("{paul}/release"));
    scene.post(&release, until("Latin", "2026-10-02")).await.ok();
    let subjects = whole(&mut scene, &class).await["teachers"][0]["subjects"].clone();
    insta::assert_json_snapshot!(subjects, @r#"
    [
      {
        "from": "2026-09-01",
        "subject": "Français"
      },
      {
        "from": "2026-09-01",
        "subject": "Latin",
        "until": "2026-10-02"
      }
    ]
    "#);
}

#[tokio::test]
async fn classes_are_listed_by_pages_in_the_order_of_their_ids() {
    let mut scene = Scene::school().await;
    let mut classes = Vec::new();
    for name in ["6e A", "6e B", "5e A"] {
        classes.push(scene.class(name, &[]).await);
    }
    classes.sort();
    assert_eq!(page(&mut scene, "/classes?limit=2").await, classes[..2]);
    let next = format!("/classes?limit=2&cursor={}", classes[1]);
    assert_eq!(page(&mut scene, &next).await, classes[2..]);
    assert_eq!(scene.get("/classes?cursor=5eA").await.refusal(), "400 malformed-query");
    let other = json!({ "name": "Lycée", "time_zone": "Europe/Paris", "department": "68" });
    scene.send_to("PUT", "/schools/0680003C", Some(other), &[]).await.ok();
    let head = scene.head().await;
    let path = format!("/schools/0680003C/classes?min_position={head}");
    assert_eq!(scene.send_to("GET", &path, None, &[]).await.ok(), json!([]));
}

#[tokio::test]
async fn a_class_is_read_as_it_was() {
    let (mut scene, class, ines, _) = class().await;
    scene.now("2026-11-20T09:00:00Z");
    let departure = of(&class, "students", &format!("{ines}/departure"));
    scene.post(&departure, on("2026-11-20")).await.ok();
    let path = format!("/classes/{class}");
    let before = scene.get_as_of(&path, "2026-11-20T08:59:59Z").await.ok();
    assert_eq!(before["students"][0]["stays"], json!([{ "from": "2026-09-01" }]));
    let after = whole(&mut scene, &class).await;
    assert_eq!(after["students"][0]["stays"][0]["until"], "2026-11-20");
}

#[tokio::test]
async fn saying_it_again_changes_nothing() {
    let (mut scene, class, ines, paul) = class().await;
    let head = scene.head().await;
    for (path, body) in [
        (of(&class, "students", &ines), from("2026-09-01")),
        (of(&class, "teachers", &paul), teach("Français", "2026-09-01")),
    ] {
        let again = scene.put(&path, body).await.ok();
        assert_eq!(again, json!({ "position": head }), "{path}");
    }
    assert_eq!(scene.head().await, head);
}

#[tokio::test]
async fn a_class_that_is_formed_again_under_its_key_is_the_same_class() {
    let mut scene = Scene::school().await;
    let tap = [("idempotency-key", "tap-17")];
    let first = scene.send("POST", "/classes", Some(form("5e B")), &tap).await;
    let class = first.body["id"].as_str().unwrap().to_owned();
    let paul = scene.person("Weber", "Paul", "staff").await;
    scene.put(&of(&class, "teachers", &paul), teach("Latin", "2026-09-01")).await.ok();
    let head = scene.head().await;

    let again = scene.send("POST", "/classes", Some(form("5e B")), &tap).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    let other = scene.send("POST", "/classes", Some(form("5e C")), &tap).await;
    assert_eq!(other.refusal(), "422 idempotency-key-reused");
    assert_eq!(scene.head().await, head);
}

#[tokio::test]
async fn a_class_needs_a_name() {
    let mut scene = Scene::school().await;
    assert_eq!(scene.refused("POST", "/classes", form(" ")).await, "422 class-name-missing");
}

#[tokio::test]
async fn nobody_joins_a_class_twice_or_leaves_it_without_being_in_it() {
    let (mut scene, class, ines, paul) = class().await;
    let hugo = scene.person("Garnier", "Hugo", "students").await;
    let departure = |who: &str| of(&class, "students", &format!("{who}/departure"));
    for (method, path, body, refusal) in [
        ("PUT", of(&class, "students", &ines), from("2026-09-02"), "422 already-in-class"),
        ("PUT", of(&class, "students", &paul), from("2026-09-01"), "404 unknown-student"),
        ("POST", departure(&hugo), on("2026-10-02"), "422 not-in-this-class"),
        ("PUT", of(&class, "students", &hugo), from("2026-08-31"), "422 date-outside-school-year"),
        ("POST", departure(&ines), on("2027-07-03"), "422 date-outside-school-year"),
    ] {
        assert_eq!(scene.refused(method, &path, body).await, refusal, "{method} {path}");
    }
    scene.put(&of(&class, "students", &hugo), from("2026-09-07")).await.ok();
    let early = scene.refused("POST", &departure(&hugo), on("2026-09-01")).await;
    assert_eq!(early, "422 leaves-class-before-joining");
}

#[tokio::test]
async fn nobody_teaches_a_subject_twice_or_is_released_from_another() {
    let (mut scene, class, ines, paul) = class().await;
    let teaches = |who: &str| of(&class, "teachers", who);
    let release = teaches(&format!("{paul}/release"));
    for (method, path, body, refusal) in [
        ("PUT", teaches(&paul), teach("Français", "2026-09-02"), "422 already-teaches"),
        ("PUT", teaches(&ines), teach("Latin", "2026-09-01"), "404 unknown-staff"),
        ("PUT", teaches(&paul), teach("Latin", "2026-08-31"), "422 date-outside-school-year"),
        ("POST", release.clone(), until("Latin", "2026-10-02"), "422 does-not-teach"),
        ("POST", release, until("Français", "2027-07-03"), "422 date-outside-school-year"),
    ] {
        assert_eq!(scene.refused(method, &path, body).await, refusal, "{method} {path}");
    }
}

#[tokio::test]
async fn a_class_a_student_and_a_teacher_who_are_not_here_are_told_apart() {
    let (mut scene, class, ines, paul) = class().await;
    for (method, path, body) in everything(NOBODY, &ines, &paul) {
        let refused = scene.refused(method, &path, body).await;
        assert_eq!(refused, "404 unknown-class", "{method} {path}");
    }
    for (method, path, body) in everything(&class, &ines, &paul) {
        let refused = scene.refused_at(method, &format!("{NOWHERE}{path}"), body).await;
        assert_eq!(refused, "404 unknown-school", "{method} {path}");
    }
    let formed = scene.refused_at("POST", &format!("{NOWHERE}/classes"), form("5e B")).await;
    assert_eq!(formed, "404 unknown-school");
    let stranger = scene.refused("PUT", &of(&class, "students", NOBODY), from("2026-09-01")).await;
    assert_eq!(stranger, "404 unknown-student");
    let stranger = of(&class, "teachers", NOBODY);
    let stranger = scene.refused("PUT", &stranger, teach("Latin", "2026-09-01")).await;
    assert_eq!(stranger, "404 unknown-staff");
    assert_eq!(scene.get(&format!("/classes/{NOBODY}")).await.refusal(), "404 unknown-class");
    for path in ["/classes".to_owned(), format!("/classes/{class}")] {
        let asked = scene.send_to("GET", &format!("{NOWHERE}{path}"), None, &[]).await;
        assert_eq!(asked.refusal(), "404 unknown-school", "{path}");
    }
}

#[tokio::test]
async fn a_class_is_not_seen_from_another_school() {
    let (mut scene, class, ines, paul) = class().await;
    let there = "/schools/0680003C";
    let other = json!({ "name": "Lycée", "time_zone": "Europe/Paris", "department": "68" });
    scene.send_to("PUT", there, Some(other), &[]).await.ok();
    let path = format!("{there}/classes/{class}?min_position={}", scene.head().await);
    let asked = scene.send_to("GET", &path, None, &[]).await;
    assert_eq!(asked.refusal(), "404 unknown-class");
    for (method, path, body) in everything(&class, &ines, &paul) {
        let refused = scene.refused_at(method, &format!("{there}{path}"), body).await;
        assert_eq!(refused, "404 unknown-class", "{method} {path}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_told_with_its_line_and_column() {
    let mut scene = Scene::school().await;
    let club = json!({ "name": "Échecs", "kind": "club", "year": 2026 });
    insta::assert_json_snapshot!(scene.post("/classes", club).await.body, @r#"
    {
      "code": "malformed-body",
      "detail": "the request's body cannot be understood: unknown variant `club`, expected `division` or `group` at line 1 column 14",
      "status": 400,
      "type": "urn:preau:problem:malformed-body"
    }
    "#);
}

/// The 5e B, where Inès learns and Paul teaches French.
async fn class() -> (Scene, String, String, String) {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let paul = scene.person("Weber", "Paul", "staff").await;
    let class = scene.class("5e B", &[&ines]).await;
    scene.put(&of(&class, "teachers", &paul), teach("Français", "2026-09-01")).await.ok();
    (scene, class, ines, paul)
}

/// Every request that changes a class.
fn everything(class: &str, student: &str, teacher: &str) -> [(&'static str, String, Value); 4] {
    let (departure, release) = (format!("{student}/departure"), format!("{teacher}/release"));
    [
        ("PUT", of(class, "students", student), from("2026-09-01")),
        ("POST", of(class, "students", &departure), on("2026-10-02")),
        ("PUT", of(class, "teachers", teacher), teach("Latin", "2026-09-01")),
        ("POST", of(class, "teachers", &release), until("Latin", "2026-10-02")),
    ]
}

async fn whole(scene: &mut Scene, class: &str) -> Value {
    scene.get(&format!("/classes/{class}")).await.ok()
}

async fn page(scene: &mut Scene, path: &str) -> Vec<String> {
    let page = scene.get(path).await.ok();
    let classes = page.as_array().unwrap().iter().map(|row| row["class"].as_str().unwrap());
    classes.map(str::to_owned).collect()
}

fn of(class: &str, who: &str, which: &str) -> String {
    format!("/classes/{class}/{who}/{which}")
}

fn form(name: &str) -> Value {
    json!({ "name": name, "kind": "division", "year": 2026 })
}

fn from(day: &str) -> Value {
    json!({ "from": day })
}

fn on(day: &str) -> Value {
    json!({ "on": day })
}

fn teach(subject: &str, from: &str) -> Value {
    json!({ "subject": subject, "from": from })
}

fn until(subject: &str, on: &str) -> Value {
    json!({ "subject": subject, "on": on })
}
