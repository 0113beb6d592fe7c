//! The school of two hundred students: every family is there for a case of life.

use api::imports::feed::{FileKind, Kind, Status, Title};
use domain::families::{Authority, Link};

use super::{links_of, set, student};

#[test]
fn the_whole_school_is_read() {
    let feed = set();
    let guardians = feed.guardians.as_ref().unwrap();
    assert_eq!(feed.students.as_ref().unwrap().people.len(), 200);
    assert_eq!((guardians.people.len(), guardians.links.len()), (388, 400));
    let nomenclature = feed.nomenclature.as_ref().unwrap();
    assert_eq!((nomenclature.subjects.len(), nomenclature.mefs.len()), (13, 4));
    let staffing = feed.staffing.as_ref().unwrap();
    assert_eq!((staffing.staff.len(), staffing.services.len()), (26, 86));
    let count = |kind| staffing.classes.iter().filter(|class| class.key.kind == kind).count();
    assert_eq!((count(Kind::Division), count(Kind::Group)), (8, 6));
    assert_eq!((feed.school.as_str(), feed.year.0), ("0549998Z", 2026));
    assert_eq!(super::told(&feed), [], "nothing is wrong in it");
    let kinds: Vec<FileKind> = feed.files.iter().map(|file| file.kind).collect();
    let expected =
        [FileKind::Students, FileKind::Guardians, FileKind::Nomenclature, FileKind::Staffing];
    assert_eq!(kinds, expected);
}

#[test]
fn a_student_is_read_with_names_dates_address_and_classes() {
    let feed = set();
    let lea = student(&feed, "500001");
    assert_eq!((lea.name.family.as_str(), lea.name.given.as_str()), ("PERLORRON", "Léa"));
    assert_eq!(lea.name.usage, None);
    assert_eq!(lea.ine.as_deref(), Some("999000002AB"));
    assert_eq!(lea.birth_date, "2015-11-13".parse().ok());
    assert_eq!((lea.enters, lea.leaves), ("2026-09-01".parse().ok(), None));
    let address = lea.details.address.as_deref().unwrap();
    assert!(address.lines().nth(1).is_some_and(|town| town.starts_with(char::is_numeric)));
    assert_eq!(lea.mef.as_deref(), Some("10010012110"));
    assert_eq!(lea.place.line, 36);
}

#[test]
fn accents_beyond_latin_1_are_read() {
    let feed = set();
    let people = &feed.students.as_ref().unwrap().people;
    let family = |letter| people.iter().any(|student| student.name.family.contains(letter));
    let given = |letter| people.iter().any(|student| student.name.given.contains(letter));
    assert!(family('Œ') && family('\'') && given('ë') && given('É'));
}

#[test]
fn a_single_parent_who_refuses_sms_is_told_by_other_means() {
    let feed = set();
    let links = links_of(&feed, "500000");
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].link, links[0].authority), (Link::Mother, Authority::Exercised));
    assert_eq!((links[0].hosts, links[0].contact_first), (Some(true), true));
    let people = &feed.guardians.as_ref().unwrap().people;
    let mother = people.iter().find(|guardian| guardian.number == links[0].guardian).unwrap();
    assert!(!mother.details.accepts_sms);
    assert_eq!(mother.title, Some(Title::Madame));
    assert!(mother.details.mobile.as_deref().unwrap().starts_with("+336399"));
}

#[test]
fn parents_apart_both_exercise_authority_in_two_homes() {
    let feed = set();
    let links = links_of(&feed, "500001");
    assert!(links.iter().all(|link| link.authority == Authority::Exercised));
    let hosts: Vec<_> = links.iter().map(|link| link.hosts).collect();
    assert_eq!(hosts, [Some(true), Some(false)]);
    assert_ne!(address_of(&feed, &links[0].guardian), address_of(&feed, &links[1].guardian));
}

#[test]
fn a_ward_of_child_welfare_has_a_service_a_foster_carer_and_a_mother() {
    let feed = set();
    let links = links_of(&feed, "500002");
    let read: Vec<_> = links.iter().map(|link| (link.link, link.authority)).collect();
    let expected = [
        (Link::ChildWelfare, Authority::Exercised),
        (Link::FosterCarer, Authority::InCharge),
        (Link::Mother, Authority::Exercised),
    ];
    assert_eq!(read, expected);
    let people = &feed.guardians.as_ref().unwrap().people;
    let service = people.iter().find(|guardian| guardian.number == links[0].guardian).unwrap();
    assert_eq!((service.title, service.name.given.as_str()), (None, ""));
}

#[test]
fn other_families_are_as_they_are() {
    let feed = set();
    let links = |number| -> Vec<_> {
        links_of(&feed, number).iter().map(|link| (link.link, link.authority)).collect()
    };
    assert_eq!(links("500003"), [(Link::Tutor, Authority::Exercised)]);
    assert_eq!(links("500004")[2], (Link::Other, Authority::Contact));
    assert_eq!(links("500005"), [], "nobody is known");
    assert_eq!(links("500006"), [(Link::Mother, Authority::Exercised); 2]);
    assert_eq!(links("500012")[2], (Link::OwnResponsible, Authority::Exercised));
    let guardians = |number| -> Vec<_> {
        links_of(&feed, number).into_iter().map(|link| &link.guardian).collect()
    };
    assert_eq!(guardians("500013"), guardians("500012"), "siblings have the same guardians");
}

#[test]
fn who_leaves_learns_elsewhere_or_has_no_number_is_still_a_student() {
    let feed = set();
    let leaver = student(&feed, "500007");
    assert_eq!((leaver.leaves, leaver.classes.len()), ("2026-10-15".parse().ok(), 0));
    assert_eq!(student(&feed, "500008").status, Status::Apprentice);
    assert_eq!(student(&feed, "500009").ine, None);
    let renamed = student(&feed, "500010");
    assert!(renamed.name.usage.as_ref().is_some_and(|usage| *usage != renamed.name.family));
}

#[test]
fn a_change_of_class_in_the_year_is_two_divisions() {
    let feed = set();
    let classes = &student(&feed, "500011").classes;
    let codes: Vec<_> = classes.iter().map(|class| (class.kind, &*class.code)).collect();
    assert_eq!(codes, [(Kind::Division, "6A"), (Kind::Division, "6B")]);
}

#[test]
fn a_group_takes_students_of_several_divisions() {
    let feed = set();
    let spanish = feed.staffing.as_ref().unwrap().classes.iter();
    let spanish = spanish.clone().find(|class| &*class.key.code == "5ESP1").unwrap();
    assert_eq!(spanish.key.kind, Kind::Group);
    assert_eq!(spanish.divisions, ["5A".into(), "5B".into()]);
}

fn address_of<'f>(feed: &'f api::imports::feed::Feed, number: &str) -> Option<&'f str> {
    let people = &feed.guardians.as_ref().unwrap().people;
    people.iter().find(|guardian| &*guardian.number == number).unwrap().address.as_deref()
}
