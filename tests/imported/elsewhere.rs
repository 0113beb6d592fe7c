//! Students who come from another school: who answers for them, and on which terms, comes with them,
//! and the school that they left writes it no more.

use api::imports::Base;
use domain::families::{Authority, FamilyCommand};
use projections::people;

use super::{
    Files, Office, between, day, edited, exported_on, of_other_school, of_set, siecle, sts, told,
    with_link, with_student,
};

/// A student of two parents who live apart, and the father.
const CHILD: &str = "500001";
const FATHER: &str = "200002";

#[tokio::test]
async fn surveillance_only_goes_with_a_student_to_the_next_school() {
    let office = Office::with_set().await;
    office.is_only_informed_from("2026-09-02").await;
    office.opens_the_other_school().await;
    let files = newcomers(&siecle());
    office.bring(Base::Siecle, &files).await;
    let father = office.guardian_of(CHILD, FATHER).await;
    let last = father.links.last().unwrap();
    assert_eq!((last.terms.authority, last.until), (Authority::SurveillanceOnly, None));
    let again = office.bring(Base::Siecle, &files).await;
    assert_eq!(again.events_appended, 0, "{again}");
    office.stop().await;
}

#[tokio::test]
async fn a_judgment_goes_with_a_student_however_the_telephone_is_written() {
    let office = Office::with_set().await;
    office.is_judged_from("2026-09-02").await;
    office.opens_the_other_school().await;
    let files = edited(&newcomers(&siecle()), "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200002\"", "</PERSONNE>", |record| {
            record.replace("p200002@example.org", "").replace("+33639980002", "06 39 98 00 02")
        })
    });
    let report = office.bring(Base::Siecle, &files).await;
    assert!(told(&report.added).contains(&format!("known-already {FATHER}")), "{report}");
    let family = office.guardians_of(CHILD).await;
    assert_eq!(family.len(), 2, "nobody is made twice");
    let father = office.guardian_of(CHILD, FATHER).await;
    assert!(!father.answers_on(day("2026-11-09")) && !father.answers_on(day("2027-06-01")));
    office.stop().await;
}

#[tokio::test]
async fn whoever_may_be_a_judged_father_under_another_name_is_not_taken_in() {
    let office = Office::with_set().await;
    office.is_judged_from("2026-09-02").await;
    office.opens_the_other_school().await;
    let files = edited(&newcomers(&siecle()), "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200002\"", "</PERSONNE>", |record| {
            record.replace("<PRENOM>", "<PRENOM>Jean-")
        })
    });
    let report = office.bring(Base::Siecle, &files).await;
    let refused = told(&report.refused);
    assert!(refused.contains(&format!("may-be-kept-away {CHILD}/{FATHER}")), "{report}");
    assert_eq!(office.guardians_of(CHILD).await.len(), 2);
    office.stop().await;
}

#[tokio::test]
async fn the_next_school_tells_how_to_reach_a_family_and_once_is_enough() {
    let office = Office::with_set().await;
    office.opens_the_other_school().await;
    let files = edited(&newcomers(&siecle()), "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200000\"", "</PERSONNE>", |record| {
            record.replace("+33639980000", "+33639981111")
        })
    });
    office.bring(Base::Siecle, &files).await;
    let mother = office.guardians_of("500000").await.remove(0).guardian;
    let row = people::person(&office.node.db(), mother).await.unwrap().unwrap();
    assert_eq!(row.details.mobile.as_deref(), Some("+33639981111"));
    let again = office.bring(Base::Siecle, &files).await;
    assert_eq!(again.events_appended, 0, "{again}");
    office.stop().await;
}

#[tokio::test]
async fn the_school_that_a_student_left_writes_nothing_of_their_family() {
    let office = Office::with_set().await;
    office.opens_the_other_school().await;
    office.bring(Base::Siecle, &newcomers(&lowered())).await;
    assert_eq!(office.authority_of_the_father().await, Authority::Contact);

    office.now("2026-11-11T08:00:00Z");
    let left = with_student(&siecle(), CHILD, |record| {
        record.replace("<VILLE_NAISS/>", "<DATE_SORTIE>06/11/2026</DATE_SORTIE><VILLE_NAISS/>")
    });
    let left = exported_on(&left, "10/11/2026");
    office.bring(Base::Siecle, &left).await;
    assert_eq!(office.authority_of_the_father().await, Authority::Contact);
    for files in [&left, &newcomers(&lowered())] {
        let again = office.bring(Base::Siecle, files).await;
        assert_eq!(again.events_appended, 0, "{again}");
    }
    let without_link = with_link(&left, CHILD, FATHER, |_| String::new());
    let without_link = edited(&without_link, "Responsables", |text| {
        text.replace("<RESPONSABLE_ELEVE>\n        \n", "")
    });
    let confirmed = office.bring_and_confirm(Base::Siecle, &without_link).await;
    assert!(confirmed.missing.iter().all(|told| told.record != Some("link")), "{confirmed}");
    office.stop().await;
}

#[tokio::test]
async fn a_school_that_has_not_heard_of_a_departure_does_not_speak_for_the_next_one() {
    let office = Office::with_set().await;
    office.opens_the_other_school().await;
    office.bring(Base::Siecle, &newcomers(&lowered())).await;
    office.now("2026-11-11T08:00:00Z");
    let report = office.bring(Base::Siecle, &exported_on(&siecle(), "10/11/2026")).await;
    assert!(told(&report.warnings).contains(&format!("enrolled-elsewhere {CHILD}")), "{report}");
    assert_eq!(office.authority_of_the_father().await, Authority::Contact);
    // Whom the school lets go by hand is not brought back by a file that still lists them.
    let student = office.student(CHILD).await;
    let (school, on) = (super::school(), day("2026-11-06"));
    let leave = domain::people::PersonCommand::LeaveSchool { school, on };
    office.person(student, leave).await;
    office.bring(Base::Siecle, &exported_on(&siecle(), "10/11/2026")).await;
    let here = people::enrolment(&office.node.db(), school, student).await.unwrap().unwrap();
    assert_eq!(here.until, Some(on));
    office.stop().await;
}

#[tokio::test]
async fn guardians_alone_say_nothing_of_former_students() {
    let office = Office::with_set().await;
    office.now("2026-11-11T08:00:00Z");
    let left = with_student(&siecle(), CHILD, |record| {
        record.replace("<VILLE_NAISS/>", "<DATE_SORTIE>06/11/2026</DATE_SORTIE><VILLE_NAISS/>")
    });
    office.bring(Base::Siecle, &exported_on(&left, "10/11/2026")).await;
    let alone = edited(&of_set(&["ResponsablesAvecAdresses.xml"]), "", |text| {
        text.replace(&format!("<ELEVE_ID>{CHILD}<"), "<ELEVE_ID>999999<")
    });
    let report = office.bring(Base::Siecle, &exported_on(&alone, "10/11/2026")).await;
    assert!(report.missing.is_empty(), "{report}");
    office.stop().await;
}

impl Office {
    /// The other school opens, some weeks into the year.
    async fn opens_the_other_school(&self) {
        self.now("2026-11-09T08:00:00Z");
        self.bring(Base::Sts, &of_other_school(&sts())).await;
    }

    /// The first school writes that the father has surveillance only.
    async fn is_only_informed_from(&self, from: &str) {
        let father = self.guardian_of(CHILD, FATHER).await;
        let mut terms = father.links[0].terms;
        terms.authority = Authority::SurveillanceOnly;
        let (student, guardian) = (father.student, father.guardian);
        let from = day(from);
        let command = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
        self.family(CHILD, command).await;
    }

    /// The first school takes note of a judgment about the father.
    async fn is_judged_from(&self, from: &str) {
        let guardian = self.guardian_of(CHILD, FATHER).await.guardian;
        let (from, document) = (day(from), "JAF 26/17".to_owned());
        let command = FamilyCommand::RestrictGuardianship { guardian, from, document };
        self.family(CHILD, command).await;
    }

    async fn authority_of_the_father(&self) -> Authority {
        let father = self.guardian_of(CHILD, FATHER).await;
        let last = father.links.last().unwrap();
        assert_eq!(last.until, None);
        last.terms.authority
    }
}

/// The files of the other school, to which all students come on 9 November.
fn newcomers(files: &Files) -> Files {
    let files = edited(&of_other_school(files), "Eleves", |text| {
        text.replace("<DATE_ENTREE>01/09/2026", "<DATE_ENTREE>09/11/2026")
            .replace("<DATE_SORTIE>15/10/2026</DATE_SORTIE>", "")
    });
    exported_on(&files, "09/11/2026")
}

/// The set, where the father is to be reached and no more.
fn lowered() -> Files {
    with_link(&siecle(), CHILD, FATHER, |link| {
        link.replace("<NIVEAU_RESPONSABILITE>1", "<NIVEAU_RESPONSABILITE>3")
    })
}
