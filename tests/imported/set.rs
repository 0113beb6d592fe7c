//! The school of two hundred students: all of it, each special case, and again.

use std::collections::BTreeMap;

use api::imports::Base;
use domain::people::Scheme;
use projections::{
    classes, families,
    people::{self, Part},
    schools,
};

use super::{Office, school, siecle, sts, told};

#[tokio::test]
async fn the_school_of_the_set_is_brought_in_and_then_known() {
    let office = Office::with_set().await;
    for (base, files) in [(Base::Sts, sts()), (Base::Siecle, siecle())] {
        let again = office.bring(base, &files).await;
        assert_eq!(again.events_appended, 0, "{again}");
        assert_eq!((again.added.len(), again.changed.len(), again.missing.len()), (0, 0, 0));
    }
    office.stop().await;
}

#[tokio::test]
async fn everybody_and_every_class_of_the_set_is_there() {
    let office = Office::with_set().await;
    let db = office.node.db();
    let everybody = people::everybody_of_school(&db, school()).await.unwrap();
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for member in &everybody {
        *parts.entry(part(member.enrolment.part)).or_default() += 1;
    }
    assert_eq!(parts, BTreeMap::from([("staff", 26), ("student", 200)]));
    let guardians = families::of_school(&db, school()).await.unwrap();
    assert_eq!(guardians.len(), 396, "four links of the set say a sibling is the student");
    let own = guardians.iter().filter(|row| row.guardian.student.person() == row.guardian.guardian);
    assert_eq!(own.count(), 4);
    let classes = classes::of_school(&db, school(), None, 100).await.unwrap();
    assert_eq!(classes.len(), 14);
    let sheet = schools::sheet(&db, school()).await.unwrap().unwrap();
    assert_eq!((sheet.name.as_str(), sheet.department.as_str()), ("COLLEGE DES ESSAIS", "54"));
    office.stop().await;
}

#[tokio::test]
async fn each_special_case_of_the_set_is_what_its_family_is() {
    let office = Office::with_set().await;
    let mut families = Vec::new();
    for number in 500_000..500_014 {
        let links = office.guardians_of(&number.to_string()).await;
        let terms = links.iter().map(|row| {
            let terms = row.links.last().unwrap().terms;
            format!("{} {} {}", word(terms.link), word(terms.authority), word(terms.home))
        });
        families.push(format!("{number}: {}", terms.collect::<Vec<_>>().join(", ")));
    }
    insta::assert_snapshot!(families.join("\n"), @r"
    500000: Mother Exercised First
    500001: Mother Exercised First, Father Exercised Elsewhere
    500002: ChildWelfare Exercised Elsewhere, Mother Exercised Elsewhere, FosterCarer InCharge First
    500003: Tutor Exercised First
    500004: Mother Exercised First, Father Exercised First, Other Contact Elsewhere
    500005: 
    500006: Mother Exercised First, Mother Exercised First
    500007: Mother Exercised First, Father Exercised First
    500008: Mother Exercised First, Father Exercised First
    500009: Mother Exercised First, Father Exercised First
    500010: Mother Exercised First, Father Exercised First
    500011: Mother Exercised First, Father Exercised First
    500012: Mother Exercised First, Father Exercised First, OwnResponsible Exercised First
    500013: Mother Exercised First, Father Exercised First
    ");
    office.stop().await;
}

#[tokio::test]
async fn a_leaver_leaves_on_the_day_of_the_file_and_has_no_class() {
    let office = Office::with_set().await;
    let leaver = office.student("500007").await;
    let db = office.node.db();
    let enrolment = people::enrolment(&db, school(), leaver).await.unwrap().unwrap();
    assert_eq!(enrolment.until, "2026-10-15".parse().ok());
    assert!(classes::of_student(&db, leaver.into()).await.unwrap().is_empty());
    office.stop().await;
}

#[tokio::test]
async fn an_apprentice_is_a_student_like_the_others() {
    let office = Office::with_set().await;
    let apprentice = office.student("500008").await;
    let stays = classes::of_student(&office.node.db(), apprentice.into()).await.unwrap();
    assert_eq!(stays.len(), 1);
    assert_eq!(stays[0].stays[0].from, "2026-09-01".parse().unwrap());
    office.stop().await;
}

#[tokio::test]
async fn a_student_of_two_divisions_is_in_both() {
    let office = Office::with_set().await;
    let student = office.student("500011").await;
    let stays = classes::of_student(&office.node.db(), student.into()).await.unwrap();
    assert_eq!(stays.len(), 2);
    office.stop().await;
}

#[tokio::test]
async fn a_student_of_age_answers_for_themself_and_is_reached_as_the_file_says() {
    let office = Office::with_set().await;
    let student = office.student("500012").await;
    let as_guardian = office.numbered(Scheme::SieclePerson, "200026").await;
    assert_eq!(as_guardian, Some(student), "no second person is made");
    let row = people::person(&office.node.db(), student).await.unwrap().unwrap();
    assert_eq!(row.details.mail.as_deref(), Some("p200026@example.org"));
    office.stop().await;
}

#[tokio::test]
async fn a_student_without_national_number_or_guardian_is_told_and_taken_in() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    let report = office.bring(Base::Siecle, &siecle()).await;
    let alone =
        ["500005", "500055", "500105", "500155"].map(|number| format!("no-guardian {number}"));
    assert_eq!(told(&report.warnings), alone);
    let numberless = office.student("500009").await;
    let enrolment = people::enrolment(&office.node.db(), school(), numberless).await.unwrap();
    assert_eq!(enrolment.unwrap().ine, None);
    office.stop().await;
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Student => "student",
        Part::Staff => "staff",
    }
}

/// A word of the log.
fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}")
}
