//! Records that cannot be read, or that came under another number: those whom they mean stay.

use api::imports::Base;
use domain::{families::FamilyCommand, people::Scheme};
use projections::people;

use super::{Office, between, day, edited, exported_on, school, siecle, sts, told};

#[tokio::test]
async fn a_teacher_whose_record_cannot_be_read_keeps_their_classes() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let broken = edited(&sts(), "sts", |text| {
        between(&text, "<INDIVIDU ID=\"30000\"", "</INDIVIDU>", |person| {
            person.replace("1980-01-01", "1980-02-30")
        })
    });
    let report = office.bring_and_confirm(Base::Sts, &broken).await;
    assert_eq!(told(&report.refused), ["date-impossible epp/30000"]);
    assert_eq!((report.events_appended, report.missing.len()), (0, 0), "{report}");
    office.stop().await;
}

#[tokio::test]
async fn staff_under_another_number_have_not_left() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let teacher = office.numbered(Scheme::StsLocal, "30025").await.unwrap();
    let national = edited(&sts(), "sts", |text| {
        text.replace("ID=\"30025\" TYPE=\"local\"", "ID=\"31000\" TYPE=\"epp\"")
    });
    let report = office.bring_and_confirm(Base::Sts, &national).await;
    assert!(report.missing.is_empty(), "{report}");
    assert_eq!(office.numbered(Scheme::StsEpp, "31000").await, Some(teacher));
    let post = people::enrolment(&office.node.db(), school(), teacher).await.unwrap().unwrap();
    assert_eq!(post.until, None);
    office.stop().await;
}

#[tokio::test]
async fn a_student_under_another_number_has_not_left() {
    let office = Office::with_set().await;
    let student = office.student("500000").await;
    let renumbered = edited(&siecle(), "", |text| text.replace("500000", "599999"));
    let report = office.bring_and_confirm(Base::Siecle, &renumbered).await;
    assert!(report.missing.is_empty(), "{report}");
    assert_eq!(office.student("599999").await, student);
    office.stop().await;
}

#[tokio::test]
async fn a_guardian_under_another_number_is_the_same_to_the_judge() {
    let office = Office::with_set().await;
    let father = office.guardian_of("500001", "200002").await.guardian;
    let (from, document) = (day("2026-09-02"), "JAF 26/17".to_owned());
    let judged = FamilyCommand::RestrictGuardianship { guardian: father, from, document };
    office.family("500001", judged).await;
    office.now("2026-10-06T08:00:00Z");
    let renumbered = edited(&siecle(), "Responsables", |text| text.replace("200002", "299999"));
    let renumbered = exported_on(&renumbered, "05/10/2026");
    let report = office.bring_and_confirm(Base::Siecle, &renumbered).await;
    assert!(report.missing.is_empty(), "{report}");
    assert_eq!(office.guardian_of("500001", "299999").await.guardian, father);
    let family = office.guardians_of("500001").await;
    assert_eq!(family.len(), 2);
    assert_eq!(office.bring(Base::Siecle, &renumbered).await.events_appended, 0);
    office.stop().await;
}
