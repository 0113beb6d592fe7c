//! Who is no longer in the files: told, kept, and let go only if somebody confirms it.

use api::imports::Base;
use projections::people;

use super::{
    Office, day, edited, exported_on, school, siecle, sts, told, with_link, with_student,
    without_student,
};

#[tokio::test]
async fn a_student_who_is_not_in_the_file_is_told_and_kept() {
    let office = Office::with_set().await;
    let student = office.student("500000").await;
    let report = office.bring(Base::Siecle, &without_student(&siecle(), "500000")).await;
    assert_eq!(
        (report.events_appended, told(&report.missing)),
        (0, vec!["missing 500000".to_owned()])
    );
    let enrolment = people::enrolment(&office.node.db(), school(), student).await.unwrap();
    assert_eq!(enrolment.unwrap().until, None);
    office.stop().await;
}

#[tokio::test]
async fn a_departure_that_is_confirmed_ends_the_day_before_the_export() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let student = office.student("500000").await;
    let files = exported_on(&without_student(&siecle(), "500000"), "05/10/2026");
    let report = office.bring_and_confirm(Base::Siecle, &files).await;
    assert_eq!(told(&report.missing), ["let-go 500000"]);
    assert_eq!(report.events_appended, 2, "the school and the division");
    let enrolment = people::enrolment(&office.node.db(), school(), student).await.unwrap();
    assert_eq!(enrolment.unwrap().until, Some(day("2026-10-04")));
    let again = office.bring_and_confirm(Base::Siecle, &files).await;
    assert_eq!((again.events_appended, again.missing.len()), (0, 0));
    office.stop().await;
}

#[tokio::test]
async fn a_student_who_is_back_in_the_file_comes_back() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let gone = exported_on(&without_student(&siecle(), "500000"), "05/10/2026");
    office.bring_and_confirm(Base::Siecle, &gone).await;
    let student = office.student("500000").await;
    office.now("2026-11-03T08:00:00Z");
    let back = exported_on(&siecle(), "02/11/2026");
    let report = office.bring(Base::Siecle, &back).await;
    assert_eq!(report.changed[0].detail, "modifié (inscription, classes)");
    let enrolment = people::enrolment(&office.node.db(), school(), student).await.unwrap().unwrap();
    assert_eq!((enrolment.from, enrolment.until), (day("2026-11-02"), None));
    assert_eq!(office.bring(Base::Siecle, &back).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn a_twentieth_may_go_and_no_more_unless_somebody_insists() {
    let office = Office::with_set().await;
    // Four of two hundred have a day on which they leave: a hundred and ninety-six are there.
    let without = |count: u32| {
        (500_010..500_010 + count)
            .map(|number| number.to_string())
            .fold(siecle(), |files, number| without_student(&files, &number))
    };
    let head = office.head().await;
    let refused = office.bring_and_confirm(Base::Siecle, &without(10)).await;
    assert!(!refused.imported);
    assert_eq!(told(&refused.refused), ["too-many-missing"]);
    assert!(refused.refused[0].detail.starts_with("10 des 196 fiches"), "{refused}");
    assert_eq!(office.head().await, head);
    let insisted = office
        .import(Base::Siecle, &without(10), |import| {
            (import.wish.confirm_departures, import.wish.force) = (true, true);
        })
        .await;
    assert_eq!(insisted.missing.iter().filter(|told| told.code == "let-go").count(), 10);
    office.stop().await;
}

#[tokio::test]
async fn nine_of_a_hundred_and_ninety_six_may_go() {
    let office = Office::with_set().await;
    let nine = (500_014..500_023).map(|number| number.to_string());
    let files = nine.fold(siecle(), |files, number| without_student(&files, &number));
    let report = office.bring_and_confirm(Base::Siecle, &files).await;
    assert!(report.imported, "{report}");
    office.stop().await;
}

#[tokio::test]
async fn a_link_that_is_no_longer_told_ends_when_it_is_confirmed() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let files = with_link(&siecle(), "500001", "200002", |_| {
        "<ELEVE_ID>500001</ELEVE_ID><PERSONNE_ID/></RESPONSABLE_ELEVE>".to_owned()
    });
    let kept = office.bring(Base::Siecle, &exported_on(&files, "05/10/2026")).await;
    assert!(kept.missing.is_empty(), "a link that cannot be read is in the file: {kept}");

    let files = edited(&siecle(), "Responsables", |text| {
        text.replace(
            "<ELEVE_ID>500001</ELEVE_ID>\n        <PERSONNE_ID>200002<",
            "<ELEVE_ID>500003</ELEVE_ID>\n        <PERSONNE_ID>200002<",
        )
    });
    let files = exported_on(&files, "05/10/2026");
    let told_only = office.bring(Base::Siecle, &files).await;
    assert_eq!(told(&told_only.missing), ["missing 500001/200002"]);
    let confirmed = office.bring_and_confirm(Base::Siecle, &files).await;
    assert_eq!(told(&confirmed.missing), ["let-go 500001/200002"]);
    let guardians = office.guardians_of("500001").await;
    let ended = guardians.iter().find(|row| row.links[0].until.is_some()).unwrap();
    assert_eq!(ended.links[0].until, Some(day("2026-10-04")));
    office.stop().await;
}

#[tokio::test]
async fn a_student_who_cannot_be_read_has_not_left() {
    let office = Office::with_set().await;
    let broken =
        with_student(&siecle(), "500000", |record| record.replace("01/11/2015", "31/02/2015"));
    let report = office.bring_and_confirm(Base::Siecle, &broken).await;
    assert!(report.missing.is_empty(), "{report}");
    assert!(told(&report.refused).contains(&"date-impossible 500000".to_owned()));
    office.stop().await;
}

#[tokio::test]
async fn a_student_who_leaves_by_the_file_leaves_their_division() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let student = office.student("500000").await;
    let leaves = with_student(&siecle(), "500000", |record| {
        record.replace("<VILLE_NAISS/>", "<DATE_SORTIE>02/10/2026</DATE_SORTIE><VILLE_NAISS/>")
    });
    let report = office.bring(Base::Siecle, &exported_on(&leaves, "05/10/2026")).await;
    assert_eq!(report.changed[0].detail, "modifié (sortie, classes)");
    let rows = projections::classes::of_student(&office.node.db(), student.into()).await.unwrap();
    assert_eq!(rows[0].stays[0].until, Some(day("2026-10-02")));
    office.stop().await;
}

#[tokio::test]
async fn staff_who_left_are_not_brought_back_by_a_file_of_the_same_year() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let gone = edited(&sts(), "sts", |text| {
        super::between(&text, "<INDIVIDU ID=\"30025\"", "</INDIVIDU>", |_| String::new())
    });
    assert_eq!(told(&office.bring(Base::Sts, &gone).await.missing), ["missing local/30025"]);
    let confirmed = office.bring_and_confirm(Base::Sts, &gone).await;
    assert_eq!(told(&confirmed.missing), ["let-go local/30025"]);
    let back = office.bring(Base::Sts, &sts()).await;
    assert_eq!(
        (back.events_appended, told(&back.warnings)),
        (0, vec!["left-here local/30025".to_owned()])
    );
    office.stop().await;
}
