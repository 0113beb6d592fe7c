//! What another export changes, and what it leaves alone.

use api::imports::Base;
use domain::{
    AccountId, StudentId,
    alerts::message::Channel,
    families::{Authority, Family, FamilyCommand},
    people::{ContactDetails, Person, PersonCommand},
};
use projections::{classes, people};
use replay::{Act, new_command_id};

use super::{
    Office, between, day, edited, exported_on, of_set, school, siecle, sts, told, with_link,
    with_student,
};

#[tokio::test]
async fn a_student_whose_name_is_put_right_is_renamed() {
    let office = Office::with_set().await;
    let renamed =
        with_student(&siecle(), "500000", |record| record.replace("NAUTORVILLE", "TORVAL"));
    let report = office.bring(Base::Siecle, &renamed).await;
    assert_eq!(report.events_appended, 1);
    assert_eq!(told(&report.changed), ["changed 500000"]);
    assert_eq!(report.changed[0].detail, "modifié (noms)");
    let student = office.student("500000").await;
    let row = people::person(&office.node.db(), student).await.unwrap().unwrap();
    assert_eq!(row.name.family, "TORVAL");
    office.stop().await;
}

#[tokio::test]
async fn a_name_that_the_school_wrote_in_small_letters_stays_so() {
    let office = Office::with_set().await;
    let student = office.student("500000").await;
    let mut name = people::person(&office.node.db(), student).await.unwrap().unwrap().name;
    name.family = "Nautorville".to_owned();
    office.person(student, PersonCommand::RenamePerson { name }).await;
    assert_eq!(office.bring(Base::Siecle, &siecle()).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn another_level_of_responsibility_holds_from_the_day_of_the_export() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let lowered = with_link(&siecle(), "500000", "200000", in_charge);
    let report = office.bring(Base::Siecle, &exported_on(&lowered, "05/10/2026")).await;
    assert_eq!(told(&report.changed), ["changed 500000/200000"]);
    let guardians = office.guardians_of("500000").await;
    let links = &guardians[0].links;
    assert_eq!(links[0].terms.authority, Authority::Exercised);
    assert_eq!((links[0].from, links[0].until), (day("2026-08-31"), Some(day("2026-10-04"))));
    assert_eq!(links[1].terms.authority, Authority::InCharge);
    assert_eq!((links[1].from, links[1].until), (day("2026-10-05"), None));
    office.stop().await;
}

#[tokio::test]
async fn a_judgment_outlives_every_export() {
    let office = Office::with_set().await;
    let student = StudentId::from(office.student("500000").await);
    let guardian = office.guardians_of("500000").await[0].guardian;
    let (from, document) = (day("2026-09-02"), "JAF 26/17".to_owned());
    let command = FamilyCommand::RestrictGuardianship { guardian, from, document };
    office.node.journal().execute::<Family>(student, command, &office.act()).await.unwrap();
    let lowered = with_link(&siecle(), "500000", "200000", in_charge);
    office.now("2026-10-06T08:00:00Z");
    office.bring(Base::Siecle, &exported_on(&lowered, "05/10/2026")).await;
    let row = &office.guardians_of("500000").await[0];
    assert!(row.links.len() == 2 && !row.answers_on(day("2026-10-06")));
    assert_eq!(row.restrictions.len(), 1);
    office.stop().await;
}

#[tokio::test]
async fn surveillance_only_is_the_school_s_own_word() {
    let office = Office::with_set().await;
    let student = StudentId::from(office.student("500000").await);
    let row = office.guardians_of("500000").await.remove(0);
    let mut terms = row.links[0].terms;
    terms.authority = Authority::SurveillanceOnly;
    let (guardian, from) = (row.guardian, day("2026-09-02"));
    let command = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
    office.node.journal().execute::<Family>(student, command, &office.act()).await.unwrap();
    assert_eq!(office.bring(Base::Siecle, &siecle()).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn a_student_who_moves_leaves_one_division_the_day_before_the_other() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let moved = edited(&siecle(), "Eleves", |text| {
        between(&text, "<STRUCTURES_ELEVE ELEVE_ID=\"500000\"", "</STRUCTURES_ELEVE>", |part| {
            part.replace("<CODE_STRUCTURE>6A", "<CODE_STRUCTURE>6B")
        })
    });
    let report = office.bring(Base::Siecle, &exported_on(&moved, "05/10/2026")).await;
    assert_eq!(report.changed[0].detail, "modifié (classes)");
    let student = StudentId::from(office.student("500000").await);
    let mut rows = classes::of_student(&office.node.db(), student).await.unwrap();
    rows.sort_by_key(|row| row.stays[0].from);
    let stays: Vec<_> = rows.iter().map(|row| (row.stays[0].from, row.stays[0].until)).collect();
    let left = (day("2026-09-01"), Some(day("2026-10-04")));
    assert_eq!(stays, [left, (day("2026-10-05"), None)]);
    office.stop().await;
}

#[tokio::test]
async fn a_division_that_is_put_right_before_the_first_day_is_left_without_a_day() {
    let office = Office::empty().await;
    office.now("2026-08-31T08:00:00Z");
    office.bring(Base::Sts, &sts()).await;
    office.bring(Base::Siecle, &siecle()).await;
    office.now("2026-09-01T08:00:00Z");
    let moved = edited(&siecle(), "Eleves", |text| {
        between(&text, "<STRUCTURES_ELEVE ELEVE_ID=\"500000\"", "</STRUCTURES_ELEVE>", |part| {
            part.replace("<CODE_STRUCTURE>6A", "<CODE_STRUCTURE>6B")
        })
    });
    let moved = exported_on(&moved, "01/09/2026");
    office.bring(Base::Siecle, &moved).await;
    let student = StudentId::from(office.student("500000").await);
    let rows = classes::of_student(&office.node.db(), student).await.unwrap();
    let on_the_first_day = rows.iter().filter(|row| row.is_in_on(day("2026-09-01")));
    assert_eq!(on_the_first_day.count(), 1, "{rows:?}");
    let again = office.bring(Base::Siecle, &moved).await;
    assert_eq!(again.events_appended, 0, "{again}");
    office.stop().await;
}

#[tokio::test]
async fn a_birth_date_is_learnt_from_a_later_file_and_put_right_by_it() {
    let office = Office::empty().await;
    office.bring(Base::Sts, &sts()).await;
    let without = with_student(&siecle(), "500000", |record| {
        record.replace("<DATE_NAISS>01/11/2015</DATE_NAISS>", "")
    });
    office.bring(Base::Siecle, &without).await;
    let report = office.bring(Base::Siecle, &siecle()).await;
    assert_eq!(told(&report.changed), ["changed 500000"]);
    assert_eq!(report.changed[0].detail, "modifié (date de naissance)");
    let born = |person: people::PersonRow| person.birth_date;
    let student = office.student("500000").await;
    let known = people::person(&office.node.db(), student).await.unwrap().and_then(born);
    assert_eq!(known, Some(day("2015-11-01")));

    let corrected =
        |date: &str| with_student(&siecle(), "500000", |record| record.replace("01/11/2015", date));
    let report = office.bring(Base::Siecle, &corrected("01/11/2014")).await;
    assert!(!told(&report.warnings).contains(&"majority-changes 500000".to_owned()), "{report}");
    let report = office.bring(Base::Siecle, &corrected("01/11/2005")).await;
    assert!(told(&report.warnings).contains(&"majority-changes 500000".to_owned()), "{report}");
    let known = people::person(&office.node.db(), student).await.unwrap().and_then(born);
    assert_eq!(known, Some(day("2005-11-01")));
    office.stop().await;
}

#[tokio::test]
async fn a_file_without_any_class_empties_none() {
    let office = Office::with_set().await;
    let classless = edited(&siecle(), "Eleves", |text| {
        between(&text, "<STRUCTURES>", "</STRUCTURES>", |_| String::new())
    });
    let report = office.bring(Base::Siecle, &classless).await;
    assert_eq!(report.events_appended, 0);
    assert!(told(&report.warnings).contains(&"nobody-in-a-class".to_owned()));
    office.stop().await;
}

#[tokio::test]
async fn a_national_number_learnt_later_is_noted() {
    let office = Office::with_set().await;
    let learnt = with_student(&siecle(), "500009", |record| {
        record.replace("<ELENOET>", "<INE_RNIE>999777777AB</INE_RNIE><ELENOET>")
    });
    let report = office.bring(Base::Siecle, &learnt).await;
    assert_eq!(
        (report.events_appended, told(&report.changed)),
        (1, vec!["changed 500009".to_owned()])
    );
    let student = office.student("500009").await;
    let enrolment = people::enrolment(&office.node.db(), school(), student).await.unwrap();
    assert_eq!(enrolment.unwrap().ine.as_deref(), Some("999777777AB"));
    assert_eq!(office.bring(Base::Siecle, &learnt).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn a_national_number_of_somebody_else_is_told_and_not_taken() {
    let office = Office::with_set().await;
    let taken = with_student(&siecle(), "500009", |record| {
        record.replace("<ELENOET>", "<INE_RNIE>999000001AB</INE_RNIE><ELENOET>")
    });
    let without_first = with_student(&taken, "500000", |record| {
        record
            .replace("<INE_RNIE>999000001AB</INE_RNIE>", "")
            .replace("<ID_NATIONAL>999000001AB</ID_NATIONAL>", "")
    });
    let report = office.bring(Base::Siecle, &without_first).await;
    assert_eq!(report.events_appended, 0);
    assert!(told(&report.warnings).contains(&"national-number-taken 500009".to_owned()));
    office.stop().await;
}

#[tokio::test]
async fn a_telephone_that_no_file_of_students_tells_is_not_taken_away() {
    let office = Office::with_set().await;
    let student = office.student("500000").await;
    let row = people::person(&office.node.db(), student).await.unwrap().unwrap();
    let mobile = Some("06 39 98 00 99".to_owned());
    let details = ContactDetails { mobile, accepts_sms: true, ..row.details };
    office.person(student, PersonCommand::GiveContactDetails { details }).await;
    assert_eq!(office.bring(Base::Siecle, &siecle()).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn what_somebody_prefers_to_be_told_by_is_no_files_to_take_away() {
    let office = Office::with_set().await;
    let mother = office.guardians_of("500000").await[0].guardian;
    let student = office.student("500000").await;
    for person in [mother, student] {
        let row = people::person(&office.node.db(), person).await.unwrap().unwrap();
        let details = ContactDetails { prefers: Some(Channel::Mail), ..row.details };
        office.person(person, PersonCommand::GiveContactDetails { details }).await;
    }
    assert_eq!(office.bring(Base::Siecle, &siecle()).await.events_appended, 0);
    let without = |text: String| between(&text, "<ADRESSES>", "</ADRESSES>", |_| String::new());
    let without = edited(&edited(&siecle(), "Eleves", without), "Responsables", without);
    let moved = edited(&without, "Responsables", |text| {
        between(&text, "<PERSONNE PERSONNE_ID=\"200000\"", "</PERSONNE>", |record| {
            record.replace("p200000@example.org", "moved@example.org")
        })
    });
    office.bring(Base::Siecle, &moved).await;
    let row = people::person(&office.node.db(), mother).await.unwrap().unwrap();
    assert_eq!(row.details.mail.as_deref(), Some("moved@example.org"));
    assert_eq!(row.details.prefers, Some(Channel::Mail));
    office.stop().await;
}

#[tokio::test]
async fn files_without_addresses_take_none_away() {
    let office = Office::with_set().await;
    let without = |text: String| between(&text, "<ADRESSES>", "</ADRESSES>", |_| String::new());
    let files = edited(&edited(&siecle(), "Eleves", without), "Responsables", without);
    let report = office.bring(Base::Siecle, &files).await;
    let changed = report.changed.iter().filter(|told| told.record != Some("link"));
    assert_eq!(changed.count(), 0, "{report}");
    office.stop().await;
}

#[tokio::test]
async fn who_teaches_what_follows_the_services() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let other_teacher = edited(&sts(), "sts", |text| {
        between(&text, "<SERVICE CODE_MATIERE=\"020700\"", "</SERVICE>", |service| {
            service.replace("ID=\"30000\"", "ID=\"30013\"")
        })
    });
    let report = office.bring(Base::Sts, &other_teacher).await;
    assert_eq!(told(&report.added), ["added 6A/020700"]);
    assert_eq!(told(&report.changed), ["changed 6A/FRANCAIS"]);
    assert_eq!(report.changed[0].detail, "modifié (terminé)");
    let classes = classes::of_school(&office.node.db(), school(), None, 100).await.unwrap();
    let class = classes.iter().find(|class| class.name == "6A").unwrap().class;
    let teachers = classes::teachers(&office.node.db(), class).await.unwrap();
    let french = teachers.iter().flat_map(|row| &row.subjects);
    let mut stays: Vec<_> = french
        .filter(|taught| taught.subject == "FRANCAIS")
        .map(|taught| (taught.stay.from, taught.stay.until))
        .collect();
    stays.sort();
    let ended = (day("2026-09-01"), Some(day("2026-10-05")));
    assert_eq!(stays, [ended, (day("2026-10-06"), None)]);
    office.stop().await;
}

#[tokio::test]
async fn another_function_begins_when_the_old_one_ends() {
    let office = Office::with_set().await;
    office.now("2026-10-06T08:00:00Z");
    let promoted = edited(&sts(), "sts", |text| {
        between(&text, "<INDIVIDU ID=\"30025\"", "</INDIVIDU>", |person| {
            person.replace("<FONCTION>ENS", "<FONCTION>EDU")
        })
    });
    let report = office.bring(Base::Sts, &promoted).await;
    assert_eq!(report.changed[0].detail, "modifié (fonction)");
    assert_eq!(report.events_appended, 2, "he leaves and begins, in one decision");
    assert_eq!(office.bring(Base::Sts, &promoted).await.events_appended, 0);
    office.stop().await;
}

#[tokio::test]
async fn the_same_files_only_tried_tell_the_same_and_write_nothing() {
    let (office, other) = (Office::empty().await, Office::empty().await);
    let tried = office.import(Base::Sts, &sts(), |import| import.dry_run = true).await;
    let done = other.bring(Base::Sts, &sts()).await;
    assert_eq!((tried.events_appended, office.head().await), (0, 0));
    assert_eq!((tried.added, tried.warnings), (done.added, done.warnings));
    office.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn an_import_that_was_killed_is_done_again_to_the_same_end() {
    let (office, other) = (Office::empty().await, Office::empty().await);
    for office in [&office, &other] {
        office.bring(Base::Sts, &sts()).await;
    }
    office.bring_and_be_killed(Base::Siecle, &siecle()).await;
    let (half, whole) = (office.head().await, other.bring(Base::Siecle, &siecle()).await);
    assert!(half < whole.position, "the import was killed after its end");
    office.bring(Base::Siecle, &siecle()).await;
    assert_eq!(office.tables().await, other.tables().await);
    assert_eq!(office.head().await, other.head().await, "something was written twice");
    office.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn nomenclature_alone_changes_nothing() {
    let office = Office::with_set().await;
    let report = office.bring(Base::Siecle, &of_set(&["Nomenclature.xml"])).await;
    assert!(report.imported && report.events_appended == 0, "{report}");
    assert!(report.missing.is_empty(), "{report}");
    office.stop().await;
}

impl Office {
    /// Somebody of the school asks for something.
    pub(super) fn act(&self) -> Act {
        let command = new_command_id();
        let occurred_at = self.node.journal().clock().now();
        let (correlation, causation) = (command, None);
        Act {
            school: school(),
            actor: AccountId::PREAU,
            command,
            correlation,
            causation,
            occurred_at,
        }
    }

    /// Somebody of the school asks for something of a person.
    pub(super) async fn person(&self, person: domain::PersonId, command: PersonCommand) {
        self.node.journal().execute::<Person>(person, command, &self.act()).await.unwrap();
    }
}

fn in_charge(link: &str) -> String {
    link.replace("<NIVEAU_RESPONSABILITE>1", "<NIVEAU_RESPONSABILITE>2")
}
