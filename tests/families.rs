//! Families, from HTTP to the tables and back: who answers for a student, and what a judgment says.

use serde_json::{Value, json};

use crate::scene::Scene;

const NOBODY: &str = "00000000-0000-0000-0000-000000000404";
const NOWHERE: &str = "/schools/0679999Z";

#[tokio::test]
async fn both_parents_answer_for_a_student_those_to_call_first_in_front() {
    let (mut scene, ines, salma) = family().await;
    let paul = guardian(&mut scene, "Paul").await;
    let father = json!({ "link": "father", "authority": "exercised", "home": "second",
        "contact_order": 1, "from": "2026-09-01" });
    scene.put(&of(&ines, &paul, ""), father).await.ok();
    scene.put(&of(&ines, &salma, ""), mother("first", 2, "2026-09-01")).await.ok();
    let guardians = scene.get(&format!("/students/{ines}/guardians")).await;
    let guardians = guardians.named(&[(&ines, "Inès"), (&salma, "Salma"), (&paul, "Paul")]);
    insta::assert_json_snapshot!(guardians, @r#"
    [
      {
        "guardian": "Paul",
        "links": [
          {
            "authority": "exercised",
            "contact_order": 1,
            "from": "2026-09-01",
            "home": "second",
            "link": "father"
          }
        ],
        "person": {
          "birth_date": null,
          "details": {
            "accepts_sms": false
          },
          "language": "fr",
          "name": {
            "family": "Garnier",
            "given": "Paul"
          },
          "person": "Paul"
        },
        "restrictions": [],
        "student": "Inès"
      },
      {
        "guardian": "Salma",
        "links": [
          {
            "authority": "exercised",
            "contact_order": 2,
            "from": "2026-09-01",
            "home": "first",
            "link": "mother"
          }
        ],
        "person": {
          "birth_date": null,
          "details": {
            "accepts_sms": false
          },
          "language": "fr",
          "name": {
            "family": "Garnier",
            "given": "Salma"
          },
          "person": "Salma"
        },
        "restrictions": [],
        "student": "Inès"
      }
    ]
    "#);
}

#[tokio::test]
async fn new_terms_end_the_old_ones_the_day_before() {
    let (mut scene, ines, salma) = family().await;
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    scene.put(&of(&ines, &salma, ""), mother("second", 1, "2026-11-02")).await.ok();
    let links = row(&mut scene, &ines).await["links"].clone();
    insta::assert_json_snapshot!(links, @r#"
    [
      {
        "authority": "exercised",
        "contact_order": 1,
        "from": "2026-09-01",
        "home": "first",
        "link": "mother",
        "until": "2026-11-01"
      },
      {
        "authority": "exercised",
        "contact_order": 1,
        "from": "2026-11-02",
        "home": "second",
        "link": "mother"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_judgment_takes_rights_away_and_another_gives_them_back() {
    let (mut scene, ines, salma) = family().await;
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    let taken = judgment("2026-10-01", "JAF 26/1");
    scene.post(&of(&ines, &salma, "/restriction"), taken.clone()).await.ok();
    let head = scene.head().await;
    let again = scene.post(&of(&ines, &salma, "/restriction"), taken).await.ok();
    assert_eq!((again, scene.head().await), (json!({ "position": head }), head));

    let given_back = judgment("2026-11-02", "JAF 26/7");
    scene.post(&of(&ines, &salma, "/restoration"), given_back).await.ok();
    let restrictions = row(&mut scene, &ines).await["restrictions"].clone();
    insta::assert_compact_json_snapshot!(restrictions, @r#"[{"document": "JAF 26/1", "from": "2026-10-01", "until": "2026-11-02"}]"#);
}

#[tokio::test]
async fn a_judgment_outlives_terms_and_links() {
    let (mut scene, ines, salma) = family().await;
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    let taken = judgment("2026-10-01", "JAF 26/1");
    scene.post(&of(&ines, &salma, "/restriction"), taken).await.ok();
    scene.put(&of(&ines, &salma, ""), mother("second", 1, "2026-10-12")).await.ok();
    scene.post(&of(&ines, &salma, "/end"), json!({ "on": "2026-10-20" })).await.ok();
    scene.put(&of(&ines, &salma, ""), mother("second", 1, "2026-11-02")).await.ok();
    let restrictions = row(&mut scene, &ines).await["restrictions"].clone();
    let since = json!([{ "from": "2026-10-01", "document": "JAF 26/1" }]);
    assert_eq!(restrictions, since, "one judgment, in force since its day");

    let given_back = judgment("2026-11-09", "JAF 26/7");
    scene.post(&of(&ines, &salma, "/restoration"), given_back).await.ok();
    let restrictions = row(&mut scene, &ines).await["restrictions"].clone();
    assert_eq!(restrictions[0]["until"], "2026-11-09");
}

#[tokio::test]
async fn a_link_that_ended_and_began_again_on_the_same_day_ends_once_more() {
    let (mut scene, ines, salma) = family().await;
    let end = of(&ines, &salma, "/end");
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    scene.post(&end, json!({ "on": "2026-10-20" })).await.ok();
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    scene.post(&end, json!({ "on": "2026-11-13" })).await.ok();
    let links = row(&mut scene, &ines).await["links"].clone();
    assert_eq!(
        (&links[0]["until"], &links[1]["until"]),
        (&json!("2026-10-20"), &json!("2026-11-13"))
    );
}

#[tokio::test]
async fn a_guardian_sees_their_children_of_this_school() {
    let (mut scene, ines, salma) = family().await;
    let hugo = scene.person("Garnier", "Hugo", "students").await;
    let elsewhere = scene.post("/people", person("Lina")).await.id();
    for child in [&ines, &hugo] {
        scene.put(&of(child, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    }
    let not_here = of(&elsewhere, &salma, "");
    let refused = scene.refused("PUT", &not_here, mother("first", 1, "2026-09-01")).await;
    assert_eq!(refused, "404 unknown-student");

    let children = scene.get(&format!("/people/{salma}/children")).await.ok();
    let children = children.as_array().unwrap().iter().map(|row| row["student"].as_str().unwrap());
    let mut expected = [ines.as_str(), hugo.as_str()];
    expected.sort_unstable();
    assert_eq!(children.collect::<Vec<_>>(), expected);
    let none = scene.get(&format!("/people/{ines}/children")).await.ok();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn a_student_of_age_answers_for_themself_and_nobody_else_does_so() {
    let (mut scene, ines, salma) = family().await;
    let mut own = mother("first", 1, "2026-09-01");
    own["link"] = json!("own-responsible");
    let refused = scene.refused("PUT", &of(&ines, &salma, ""), own.clone()).await;
    assert_eq!(refused, "422 own-guardian");
    let as_mother = mother("first", 1, "2026-09-01");
    let refused = scene.refused("PUT", &of(&ines, &ines, ""), as_mother).await;
    assert_eq!(refused, "422 own-guardian");
    scene.put(&of(&ines, &ines, ""), own).await.ok();
    assert_eq!(row(&mut scene, &ines).await["links"][0]["link"], "own-responsible");
}

#[tokio::test]
async fn a_family_is_read_as_it_was() {
    let (mut scene, ines, salma) = family().await;
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    scene.now("2026-11-20T09:00:00Z");
    let taken = judgment("2026-11-20", "JAF 26/1");
    scene.post(&of(&ines, &salma, "/restriction"), taken).await.ok();
    let path = format!("/students/{ines}/guardians");
    let before = scene.get_as_of(&path, "2026-11-20T08:14:00Z").await.ok();
    assert_eq!(before[0]["restrictions"], json!([]));
    let after = scene.get_as_of(&path, "2026-11-20T09:00:00Z").await.ok();
    assert_eq!(after[0]["restrictions"][0]["document"], "JAF 26/1");
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_as_it_was() {
    let (mut scene, ines, salma) = family().await;
    let (path, tap) = (of(&ines, &salma, ""), [("idempotency-key", "tap-17")]);
    let first = Some(mother("first", 1, "2026-09-01"));
    let answer = scene.send("PUT", &path, first.clone(), &tap).await;
    scene.put(&path, mother("second", 1, "2026-10-12")).await.ok();
    let head = scene.head().await;

    let again = scene.send("PUT", &path, first, &tap).await;
    assert_eq!((again.status, again.body), (answer.status, answer.body));
    let other = scene.send("PUT", &path, Some(mother("elsewhere", 1, "2026-11-02")), &tap).await;
    assert_eq!(other.refusal(), "422 idempotency-key-reused");
    assert_eq!(scene.head().await, head);
}

#[tokio::test]
async fn new_terms_begin_after_the_old_ones() {
    let (mut scene, ines, salma) = family().await;
    let path = of(&ines, &salma, "");
    scene.put(&path, mother("first", 1, "2026-09-01")).await.ok();
    let same_day = scene.refused("PUT", &path, mother("second", 1, "2026-09-01")).await;
    assert_eq!(same_day, "422 terms-not-later");
}

#[tokio::test]
async fn rights_are_taken_and_given_back_by_judgment_only_and_in_turn() {
    let (mut scene, ines, salma) = family().await;
    scene.put(&of(&ines, &salma, ""), mother("first", 1, "2026-09-01")).await.ok();
    let (restrict, restore) =
        (of(&ines, &salma, "/restriction"), of(&ines, &salma, "/restoration"));
    let unnamed = judgment("2026-10-01", " ");
    assert_eq!(scene.refused("POST", &restrict, unnamed).await, "422 document-missing");
    let early = judgment("2026-08-31", "JAF 26/1");
    assert_eq!(scene.refused("POST", &restrict, early).await, "422 before-the-link");
    let nothing_taken = judgment("2026-10-01", "JAF 26/7");
    assert_eq!(scene.refused("POST", &restore, nothing_taken).await, "422 not-restricted");

    scene.post(&restrict, judgment("2026-10-01", "JAF 26/1")).await.ok();
    let another = judgment("2026-10-01", "JAF 26/2");
    assert_eq!(scene.refused("POST", &restrict, another).await, "422 already-restricted");
    let unnamed = judgment("2026-11-02", "");
    assert_eq!(scene.refused("POST", &restore, unnamed).await, "422 document-missing");
    let end =
        scene.refused("POST", &of(&ines, &salma, "/end"), json!({ "on": "2026-08-31" })).await;
    assert_eq!(end, "422 before-the-link");
}

#[tokio::test]
async fn whoever_is_no_guardian_student_or_person_is_told_apart() {
    let (mut scene, ines, salma) = family().await;
    for (method, what, body) in everything() {
        let stranger = scene.refused(method, &of(NOBODY, &salma, what), body.clone()).await;
        assert_eq!(stranger, "404 unknown-student", "{method} {what}");
        let path = format!("{NOWHERE}{}", of(&ines, &salma, what));
        let nowhere = scene.refused_at(method, &path, body.clone()).await;
        assert_eq!(nowhere, "404 unknown-school", "{method} {what}");
        let nobody = scene.refused(method, &of(&ines, NOBODY, what), body).await;
        let code = if what.is_empty() { "404 unknown-person" } else { "404 not-a-guardian" };
        assert_eq!(nobody, code, "{method} {what}");
    }
    for (path, code) in [
        (format!("/students/{NOBODY}/guardians"), "404 unknown-student"),
        (format!("/students/{salma}/guardians"), "404 unknown-student"),
        (format!("/people/{NOBODY}/children"), "404 unknown-person"),
    ] {
        assert_eq!(scene.get(&path).await.refusal(), code, "{path}");
    }
    for path in [format!("/students/{ines}/guardians"), format!("/people/{salma}/children")] {
        let asked = scene.send_to("GET", &format!("{NOWHERE}{path}"), None, &[]).await;
        assert_eq!(asked.refusal(), "404 unknown-school", "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_told_with_its_line_and_column() {
    let (mut scene, ines, salma) = family().await;
    let mut aunt = mother("first", 1, "2026-09-01");
    aunt["link"] = json!("aunt");
    insta::assert_json_snapshot!(scene.put(&of(&ines, &salma, ""), aunt).await.body, @r#"
    {
      "code": "malformed-body",
      "detail": "the request's body cannot be understood: unknown variant `aunt`, expected one of `mother`, `father`, `sibling`, `ascendant`, `other-family`, `educator`, `foster-carer`, `childminder`, `tutor`, `child-welfare`, `own-responsible`, `other` at line 1 column 91",
      "status": 400,
      "type": "urn:preau:problem:malformed-body"
    }
    "#);
}

/// Inès, a student, and Salma, a registered person.
async fn family() -> (Scene, String, String) {
    let mut scene = Scene::school().await;
    let ines = scene.person("Garnier", "Inès", "students").await;
    let salma = guardian(&mut scene, "Salma").await;
    (scene, ines, salma)
}

async fn guardian(scene: &mut Scene, given: &str) -> String {
    scene.post("/people", person(given)).await.id()
}

/// The only guardian of a student.
async fn row(scene: &mut Scene, student: &str) -> Value {
    scene.get(&format!("/students/{student}/guardians")).await.ok()[0].clone()
}

/// Every request that changes a link.
fn everything() -> [(&'static str, &'static str, Value); 4] {
    [
        ("PUT", "", mother("first", 1, "2026-09-01")),
        ("POST", "/restriction", judgment("2026-10-01", "JAF 26/1")),
        ("POST", "/restoration", judgment("2026-10-01", "JAF 26/7")),
        ("POST", "/end", json!({ "on": "2026-10-20" })),
    ]
}

fn of(student: &str, guardian: &str, what: &str) -> String {
    format!("/students/{student}/guardians/{guardian}{what}")
}

fn mother(home: &str, contact_order: u8, from: &str) -> Value {
    json!({ "link": "mother", "authority": "exercised", "home": home,
        "contact_order": contact_order, "from": from })
}

fn judgment(from: &str, document: &str) -> Value {
    json!({ "from": from, "document": document })
}

fn person(given: &str) -> Value {
    json!({ "name": { "family": "Garnier", "given": given } })
}
