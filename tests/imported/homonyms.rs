//! Who is meant: two people are made one only by a number, or by two facts.

use api::imports::Base;
use chrono::NaiveDate;
use domain::{
    PersonId, Uai,
    people::{ContactDetails, Language, Name, PersonCommand, Scheme},
};
use projections::{families, people};

use super::{
    Files, OTHER, Office, between, edited, of_other_school, school, siecle, sts, told, with_student,
};

#[tokio::test]
async fn a_student_whom_the_school_had_registered_by_hand_is_found_by_name_and_birth_date() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    let chloe = office.enrolled("Nautorville", "Chloé", "2015-11-01").await;
    let report = office.bring(Base::Siecle, &siecle()).await;
    assert_eq!(office.student("500000").await, chloe);
    assert!(told(&report.added).contains(&"known-already 500000".to_owned()));
    office.stop().await;
}

#[tokio::test]
async fn homonyms_born_on_other_days_are_other_people() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    let chloe = office.enrolled("Nautorville", "Chloé", "2014-01-11").await;
    office.bring(Base::Siecle, &siecle()).await;
    assert_ne!(office.student("500000").await, chloe);
    office.stop().await;
}

#[tokio::test]
async fn of_two_homonyms_born_on_the_same_day_nobody_is_chosen() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    for _ in 0..2 {
        office.enrolled("Nautorville", "Chloé", "2015-11-01").await;
    }
    let report = office.bring(Base::Siecle, &siecle()).await;
    assert!(told(&report.refused).contains(&"several-people 500000".to_owned()));
    assert_eq!(office.numbered(Scheme::SiecleStudent, "500000").await, None);
    office.stop().await;
}

#[tokio::test]
async fn a_student_who_comes_from_another_school_is_known_by_their_national_number() {
    let office = Office::with_set().await;
    office.bring(Base::Sts, &of_other_school(&sts())).await;
    let before = office.registered().await;
    let report = office.bring(Base::Siecle, &of_other_school(&siecle())).await;
    let other: Uai = OTHER.parse().unwrap();
    let there = people::everybody_of_school(&office.node.db(), other).await.unwrap();
    let here = office.student("500000").await;
    assert!(there.iter().any(|member| member.person.person == here), "{report}");
    // Of two hundred, those without a national number are not known again; no guardian is made
    // twice whose mail or mobile the files tell.
    assert!(told(&report.added).contains(&"known-already 500000".to_owned()));
    assert!(!told(&report.added).contains(&"added 200000".to_owned()));
    assert!(office.registered().await - before < 30);
    office.stop().await;
}

#[tokio::test]
async fn a_parent_with_children_in_two_schools_is_one_person() {
    let office = Office::with_set().await;
    let mother = office.guardians_of("500000").await[0].guardian;
    office.bring(Base::Sts, &of_other_school(&sts())).await;
    let newcomers = of_other_school(&with_other_students(&siecle()));
    let report = office.bring(Base::Siecle, &newcomers).await;
    assert!(told(&report.added).contains(&"known-already 200000".to_owned()), "{report}");
    let children = families::of_guardian(&office.node.db(), mother).await.unwrap();
    assert_eq!(children.len(), 2);
    assert_eq!(office.bring(Base::Siecle, &newcomers).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn two_schools_do_not_take_turns_at_a_parent_s_telephone() {
    let office = Office::with_set().await;
    office.bring(Base::Sts, &of_other_school(&sts())).await;
    let newcomers = of_other_school(&with_other_students(&siecle()));
    let newcomers = edited(&newcomers, "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200000\"", "</PERSONNE>", |record| {
            record.replace("+33639980000", "+33639981111")
        })
    });
    let report = office.bring(Base::Siecle, &newcomers).await;
    assert!(told(&report.warnings).contains(&"kept-as-elsewhere 200000".to_owned()), "{report}");
    assert_eq!(office.bring(Base::Siecle, &siecle()).await.events_appended, 0);
    assert_eq!(office.bring(Base::Siecle, &newcomers).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn a_guardian_with_another_s_name_and_nothing_else_is_another_person() {
    let office = Office::with_set().await;
    let mother = office.guardians_of("500000").await[0].guardian;
    office.bring(Base::Sts, &of_other_school(&sts())).await;
    let homonym = edited(&with_other_students(&siecle()), "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200000\"", "</PERSONNE>", |record| {
            record.replace("+33639980000", "").replace("p200000@example.org", "")
        })
    });
    office.bring(Base::Siecle, &of_other_school(&homonym)).await;
    let children = families::of_guardian(&office.node.db(), mother).await.unwrap();
    assert_eq!(children.len(), 1);
    office.stop().await;
}

#[tokio::test]
async fn a_child_named_like_their_father_does_not_become_the_guardian() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    // The father's mail stands in the record of his son, who has his names.
    let files = with_student(&siecle(), "500001", |record| {
        record.replace("<VILLE_NAISS/>", "<MEL>p200002@example.org</MEL><VILLE_NAISS/>")
    });
    let names = names_of(&files, "500001");
    let files = edited(&files, "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200002\"", "</PERSONNE>", |record| {
            let kept = record.split("<NOM_DE_FAMILLE>").next().unwrap();
            let rest = record.split("</PRENOM>").nth(1).unwrap();
            format!("{kept}{names}{rest}")
        })
    });
    office.bring(Base::Siecle, &files[..1].to_vec()).await;
    let son = office.student("500001").await;
    office.bring(Base::Siecle, &files[1..2].to_vec()).await;
    let father = office.numbered(Scheme::SieclePerson, "200002").await.unwrap();
    assert_ne!(father, son);
    let of_son = office.guardians_of("500001").await;
    assert!(of_son.iter().any(|row| row.guardian == father), "{of_son:?}");
    let children = families::of_guardian(&office.node.db(), son).await.unwrap();
    assert_eq!(children, []);
    assert_eq!(office.bring(Base::Siecle, &files).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn a_teacher_of_two_schools_is_known_by_number_and_name() {
    let office = Office::with_set().await;
    let before = office.registered().await;
    let report = office.bring(Base::Sts, &of_other_school(&sts())).await;
    assert!(told(&report.added).contains(&"known-already epp/30000".to_owned()), "{report}");
    assert_eq!(office.registered().await - before, 2, "those whom only the school numbers");
    office.stop().await;
}

#[tokio::test]
async fn a_student_who_works_in_the_school_is_told() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    let assistant = office.registered_as("Nautorville", "Chloé", "2015-11-01").await;
    let from = "2026-09-01".parse().unwrap();
    let function = domain::people::Function::Assistant;
    let appoint = PersonCommand::AppointStaff { school: school(), function, from };
    office.person(assistant, appoint).await;
    let ine = domain::people::Identifier {
        scheme: Scheme::Ine,
        school: None,
        value: "999000001AB".to_owned(),
    };
    office.person(assistant, PersonCommand::IdentifyPerson { identifier: ine }).await;
    let report = office.bring(Base::Siecle, &siecle()).await;
    assert!(told(&report.refused).contains(&"other-part-in-school 500000".to_owned()));
    office.stop().await;
}

impl Office {
    /// Somebody whom the school has registered by hand.
    async fn registered_as(&self, family: &str, given: &str, born: &str) -> PersonId {
        let person = PersonId(self.act().command.0);
        let name = Name { family: family.to_owned(), given: given.to_owned(), usage: None };
        let birth_date = Some(born.parse::<NaiveDate>().unwrap());
        let language = Language::French;
        self.person(person, PersonCommand::RegisterPerson { name, birth_date, language }).await;
        person
    }

    /// A student whom the school has taken in by hand.
    async fn enrolled(&self, family: &str, given: &str, born: &str) -> PersonId {
        let person = self.registered_as(family, given, born).await;
        let details = ContactDetails { mail: None, ..ContactDetails::default() };
        self.person(person, PersonCommand::GiveContactDetails { details }).await;
        let (school, ine, from) = (school(), None, "2026-09-01".parse().unwrap());
        self.person(person, PersonCommand::EnrolStudent { school, ine, from }).await;
        person
    }

    /// How many people are known in the region.
    async fn registered(&self) -> i64 {
        let position = self.head().await;
        self.node.reach(position).await.unwrap();
        let count = sqlx::query_scalar("select count(*) from person");
        count.fetch_one(&self.node.db()).await.unwrap()
    }
}

/// What stands in the file as the names of a student.
fn names_of(files: &Files, number: &str) -> String {
    let text: String = files[0].1.iter().map(|byte| char::from(*byte)).collect();
    let record = text.split(&format!("<ELEVE ELEVE_ID=\"{number}\"")).nth(1).unwrap();
    let begin = record.find("<NOM_DE_FAMILLE>").unwrap();
    let end = record.find("</PRENOM>").unwrap() + "</PRENOM>".len();
    record[begin..end].to_owned()
}

/// The same file of students, all of whom are others.
fn with_other_students(files: &Files) -> Files {
    let files = edited(files, "Eleves", |text| {
        text.replace("<PRENOM>", "<PRENOM>Petit ")
            .replace("RNIE>999", "RNIE>888")
            .replace("NATIONAL>999", "NATIONAL>888")
    });
    with_student(&files, "500000", |record| record.replace("01/11/2015", "02/11/2015"))
}
