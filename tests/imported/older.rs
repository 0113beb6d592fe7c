//! Words about a link that are older than what the school wrote, or of no day: they give nobody back
//! what was taken from them.

use api::imports::{Base, report::Report};
use domain::families::{Authority, FamilyCommand};

use super::{Files, Office, day, edited, exported_on, siecle, told, with_link};

/// A student of two parents who live apart, and the father.
const CHILD: &str = "500001";
const FATHER: &str = "200002";

#[tokio::test]
async fn a_link_that_the_school_ended_is_not_begun_again_by_an_older_file() {
    let office = Office::with_set().await;
    office.now("2026-10-12T08:00:00Z");
    office.ends("2026-10-10").await;
    let report = office.bring(Base::Siecle, &exported_on(&siecle(), "01/10/2026")).await;
    kept(&report, "end-kept");
    assert_eq!(office.last_day().await, Some(day("2026-10-10")));
    office.stop().await;
}

#[tokio::test]
async fn a_file_of_no_day_is_newer_than_nothing() {
    let office = Office::with_set().await;
    office.now("2026-10-12T08:00:00Z");
    office.ends("2026-10-10").await;
    kept(&office.bring(Base::Siecle, &undated()).await, "end-kept");
    office.stop().await;
}

#[tokio::test]
async fn a_file_of_no_day_gives_no_more_authority_than_the_school_and_may_give_less() {
    let office = Office::with_set().await;
    office.now("2026-10-12T08:00:00Z");
    office.records(Authority::InCharge, "2026-10-05").await;
    kept(&office.bring(Base::Siecle, &undated()).await, "terms-kept");
    office.records(Authority::Exercised, "2026-10-06").await;
    let lowered = with_link(&undated(), CHILD, FATHER, |link| {
        link.replace("<NIVEAU_RESPONSABILITE>1", "<NIVEAU_RESPONSABILITE>3")
    });
    let report = office.bring(Base::Siecle, &lowered).await;
    assert_eq!(office.authority().await, Authority::Contact, "{report}");
    office.stop().await;
}

#[tokio::test]
async fn an_end_that_is_planned_is_kept() {
    let office = Office::with_set().await;
    office.now("2026-11-20T08:00:00Z");
    office.ends("2026-12-31").await;
    kept(&office.bring(Base::Siecle, &exported_on(&siecle(), "20/11/2026")).await, "end-kept");
    assert_eq!(office.last_day().await, Some(day("2026-12-31")));
    office.stop().await;
}

#[tokio::test]
async fn lesser_terms_that_are_planned_are_kept() {
    let office = Office::with_set().await;
    office.now("2026-11-20T08:00:00Z");
    office.records(Authority::Contact, "2027-01-01").await;
    kept(&office.bring(Base::Siecle, &exported_on(&siecle(), "20/11/2026")).await, "terms-kept");
    assert_eq!(office.authority().await, Authority::Contact);
    office.stop().await;
}

#[tokio::test]
async fn of_two_words_of_one_day_the_lesser_authority_holds() {
    let office = Office::with_set().await;
    office.now("2026-10-12T08:00:00Z");
    office.records(Authority::Contact, "2026-10-12").await;
    kept(&office.bring(Base::Siecle, &exported_on(&siecle(), "12/10/2026")).await, "terms-kept");
    office.stop().await;
}

#[tokio::test]
async fn a_link_that_a_newer_file_lists_again_begins_on_its_day_and_is_to_be_looked_at() {
    let office = Office::with_set().await;
    office.now("2026-10-20T08:00:00Z");
    office.ends("2026-10-10").await;
    let files = exported_on(&siecle(), "19/10/2026");
    let report = office.bring(Base::Siecle, &files).await;
    assert!(told(&report.warnings).contains(&format!("link-again {CHILD}/{FATHER}")), "{report}");
    let father = office.guardian_of(CHILD, FATHER).await;
    assert_eq!(father.links.last().unwrap().from, day("2026-10-19"));
    assert_eq!(office.bring(Base::Siecle, &files).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn surveillance_only_outlives_a_link_that_was_let_go() {
    let office = Office::with_set().await;
    office.now("2026-10-20T08:00:00Z");
    office.records(Authority::SurveillanceOnly, "2026-10-01").await;
    let without = edited(&siecle(), "Responsables", |text| {
        text.replace(
            "<ELEVE_ID>500001</ELEVE_ID>\n        <PERSONNE_ID>200002<",
            "<ELEVE_ID>500003</ELEVE_ID>\n        <PERSONNE_ID>200002<",
        )
    });
    office.bring_and_confirm(Base::Siecle, &exported_on(&without, "10/10/2026")).await;
    assert_eq!(office.last_day().await, Some(day("2026-10-09")));
    office.bring(Base::Siecle, &exported_on(&siecle(), "20/10/2026")).await;
    assert_eq!(office.last_day().await, None);
    assert_eq!(office.authority().await, Authority::SurveillanceOnly);
    office.stop().await;
}

#[tokio::test]
async fn a_link_that_was_written_after_the_file_is_not_missing_in_it() {
    let office = Office::with_set().await;
    office.now("2026-10-20T08:00:00Z");
    let (student, guardian) = ("500003", office.guardian_of(CHILD, FATHER).await.guardian);
    let terms = office.guardian_of(CHILD, FATHER).await.links[0].terms;
    let id = office.student(student).await.into();
    let from = day("2026-10-15");
    let command = FamilyCommand::RecordGuardianship { student: id, guardian, terms, from };
    office.family(student, command).await;
    let older = exported_on(&siecle(), "01/10/2026");
    assert!(office.bring_and_confirm(Base::Siecle, &older).await.missing.is_empty());
    let later = office.bring(Base::Siecle, &exported_on(&siecle(), "16/10/2026")).await;
    assert_eq!(told(&later.missing), [format!("missing {student}/{FATHER}")]);
    office.stop().await;
}

impl Office {
    /// The school ends the father's link.
    async fn ends(&self, on: &str) {
        let guardian = self.guardian_of(CHILD, FATHER).await.guardian;
        self.family(CHILD, FamilyCommand::EndGuardianship { guardian, on: day(on) }).await;
    }

    /// The school records the father on other terms.
    async fn records(&self, authority: Authority, from: &str) {
        let father = self.guardian_of(CHILD, FATHER).await;
        let mut terms = father.links[0].terms;
        terms.authority = authority;
        let (student, guardian, from) = (father.student, father.guardian, day(from));
        let command = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
        self.family(CHILD, command).await;
    }

    async fn last_day(&self) -> Option<chrono::NaiveDate> {
        self.guardian_of(CHILD, FATHER).await.links.last().unwrap().until
    }

    async fn authority(&self) -> Authority {
        self.guardian_of(CHILD, FATHER).await.links.last().unwrap().terms.authority
    }
}

/// The set, which does not say when it was exported.
fn undated() -> Files {
    edited(&siecle(), "", |text| text.replace("<DATE_EXPORT>31/08/2026</DATE_EXPORT>", ""))
}

/// Nothing was written, and the father's link says why.
#[track_caller]
fn kept(report: &Report, code: &str) {
    assert_eq!(report.events_appended, 0, "{report}");
    assert!(told(&report.warnings).contains(&format!("{code} {CHILD}/{FATHER}")), "{report}");
}
