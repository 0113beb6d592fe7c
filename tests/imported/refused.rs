//! Imports that are refused whole: nothing of them is written.

use api::imports::Base;

use super::{Files, Office, of_set, siecle, sts, told};

#[tokio::test]
async fn siecle_alone_does_not_open_a_school() {
    refused(&Office::empty().await, Base::Siecle, &siecle(), "school-not-open").await;
}

#[tokio::test]
async fn a_broken_file_refuses_the_others_too() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    let mut files = siecle();
    let half = files[1].1.len() / 2;
    files[1].1.truncate(half);
    refused(&office, Base::Siecle, &files, "file-truncated").await;
}

#[tokio::test]
async fn files_of_another_base_or_another_school_are_not_those_asked_for() {
    let office = Office::empty().await;
    refused(&office, Base::Siecle, &sts(), "other-files").await;
    let head = office.head().await;
    let other = |import: &mut api::imports::Import| import.school = "0670001A".parse().ok();
    let report = office.import(Base::Sts, &sts(), other).await;
    assert_eq!((told(&report.refused), report.imported), (vec!["other-school".to_owned()], false));
    assert_eq!(office.head().await, head);
    office.stop().await;
}

#[tokio::test]
async fn a_year_that_is_not_planned_waits_for_its_sts_file() {
    let office = Office::with_set().await;
    let next_year = siecle().into_iter().map(|(name, bytes)| {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let text = text.replace("<ANNEE_SCOLAIRE>2026", "<ANNEE_SCOLAIRE>2027");
        (name, text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect())
    });
    refused(&office, Base::Siecle, &next_year.collect(), "year-not-planned").await;
}

#[tokio::test]
async fn an_import_of_no_file_is_refused() {
    let report = Office::empty().await.import(Base::Sts, &of_set(&[]), |_| {}).await;
    assert!(!report.imported);
}

async fn refused(office: &Office, base: Base, files: &Files, code: &str) {
    let head = office.head().await;
    let report = office.bring(base, files).await;
    assert!(!report.imported, "{report}");
    assert_eq!(told(&report.refused), [code]);
    assert_eq!(office.head().await, head);
}
