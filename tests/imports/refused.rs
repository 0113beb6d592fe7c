//! Files that refuse the whole import: then nothing of it is read, and each is told why.

use api::imports::{feed::FileKind, problem::Severity};

use super::{read_bytes, read_one, refusal, small};

#[test]
fn a_file_is_known_by_its_root_whatever_its_name() {
    let feed = read_bytes(&[
        ("photo.jpg", small::STAFFING.as_bytes()),
        ("ElevesAvecAdresses.xml", small::GUARDIANS.as_bytes()),
    ]);
    let kinds: Vec<_> = feed.unwrap().files.iter().map(|file| file.kind).collect();
    assert_eq!(kinds, [FileKind::Staffing, FileKind::Guardians]);
}

#[test]
fn files_come_in_any_order_and_say_the_same() {
    let files = small::ALL.map(|text| ("fichier.xml", text.as_bytes()));
    let (mut backwards, forwards) = (files, read_bytes(&files).unwrap());
    backwards.reverse();
    let backwards = read_bytes(&backwards).unwrap();
    assert_eq!(forwards.files.len(), 6);
    assert_eq!(super::told(&forwards), []);
    let people = |feed: &api::imports::feed::Feed| {
        let names: Vec<_> =
            feed.students.as_ref().unwrap().people.iter().map(|one| one.name.clone()).collect();
        (names, feed.guardians.as_ref().unwrap().links.len())
    };
    assert_eq!(people(&forwards), people(&backwards));
}

#[test]
fn other_files_of_siecle_are_not_needed_and_files_of_others_are_refused() {
    let other = small::STRUCTURES.replace("BEE_STRUCTURES", "BEE_COMMUNS");
    let files = [("c.xml", other.as_bytes()), ("e.xml", small::STUDENTS.as_bytes())];
    let feed = read_bytes(&files).unwrap();
    assert_eq!(super::told(&feed), [("file-not-needed", 2, String::new())]);
    assert_eq!(feed.students.as_ref().unwrap().people[0].place.file, 1);
    assert_eq!(refusal(read_one("<html><body/></html>")), ("root-unknown", 1));
    assert_eq!(refusal(read_one("PK\u{3}\u{4}")).0, "character-forbidden");
    assert_eq!(refusal(read_one("nom;prenom\n")), ("file-not-xml", 1));
    assert_eq!(refusal(read_one("")), ("file-truncated", 1));
}

#[test]
fn two_schools_two_years_or_the_same_file_twice_are_refused() {
    let school = small::GUARDIANS.replace("0549998Z", "0750655E");
    let year = small::GUARDIANS.replace(">2026<", ">2025<");
    let with = |other: &str| {
        read_bytes(&[("a.xml", small::STUDENTS.as_bytes()), ("b.xml", other.as_bytes())])
    };
    assert_eq!(refusal(with(&school)), ("other-school", 3));
    assert_eq!(refusal(with(&year)), ("other-year", 3));
    assert_eq!(refusal(with(small::STUDENTS)), ("kind-twice", 2));
}

#[test]
fn a_file_says_of_which_school_and_year_it_is() {
    for (from, to, code) in [
        ("<UAJ>0549998Z</UAJ>", "", "school-missing"),
        ("0549998Z", "054999", "school-missing"),
        ("<ANNEE_SCOLAIRE>2026</ANNEE_SCOLAIRE>", "", "year-missing"),
        (">2026<", ">1789<", "year-missing"),
        ("PARAMETRES>", "PARAMETRE>", "school-missing"),
    ] {
        let text = small::STUDENTS.replace(from, to);
        assert_eq!(refusal(read_one(text)).0, code, "{from}");
    }
}

#[test]
fn a_letter_that_does_not_agree_with_the_number_is_only_told() {
    let feed = read_one(small::STUDENTS.replace("0549998Z", "0549998A")).unwrap();
    assert_eq!(super::told(&feed), [("letter-disagrees", 3, String::new())]);
}

#[test]
fn every_broken_file_is_told_at_once_those_that_refuse_first() {
    let wrong = small::STUDENTS.replace("17/07/2015", "17/17/2015");
    let (cut, _) = small::GUARDIANS.split_at(small::GUARDIANS.len() / 2);
    let problems =
        read_bytes(&[("e.xml", wrong.as_bytes()), ("r.xml", cut.as_bytes()), ("n.xml", b"<a/>")])
            .unwrap_err();
    let told: Vec<_> = problems.iter().map(|one| (&*one.file, one.fault.severity())).collect();
    let expected =
        [("r.xml", Severity::Import), ("n.xml", Severity::Import), ("e.xml", Severity::Record)];
    assert_eq!(told, expected);
}

#[test]
fn a_file_of_nothing_but_mistakes_is_refused() {
    let many: String = (0..1100).map(|n| small::student(n, "", "")).collect();
    assert_eq!(refusal(read_one(small::students(&many))).0, "too-many-problems");
    let odd = "<INE_RNIE>0</INE_RNIE>";
    let many: String = (0..1100).map(|n| small::student(n, "BAQUIVAL", odd)).collect();
    let feed = read_one(small::students(&many)).unwrap();
    assert_eq!(feed.students.unwrap().people.len(), 1100, "warnings refuse nobody");
    assert_eq!(feed.problems.len(), 1000);
}

#[test]
fn what_is_not_xml_is_refused_at_its_line() {
    for (from, to, code) in [
        ("</OPTIONS>", "</OPTION>", "file-not-xml"),
        ("</BEE_ELEVES>", "</BEE_ELEVES><BEE_ELEVES/>", "file-not-xml"),
        ("</BEE_ELEVES>", "</BEE_ELEVES>fin", "file-not-xml"),
        ("<OPTIONS>", "<OPTIONS a=1>", "file-not-xml"),
        ("<OPTIONS>", r#"<OPTIONS a="1" a="2">"#, "file-not-xml"),
        ("<OPTIONS>", "<OPTIONS>&nbsp;", "entity-unknown"),
        ("<OPTIONS>", r#"<OPTIONS a="&eacute;">"#, "entity-unknown"),
        ("<OPTIONS>", "<OPTIONS>& ", "file-not-xml"),
        ("<OPTIONS>", "<OPTIONS>&#0;", "character-forbidden"),
        ("<OPTIONS>", "<OPTIONS>&#x1F;", "character-forbidden"),
        ("<OPTIONS>", r#"<OPTIONS a="&#7;">"#, "character-forbidden"),
        ("<OPTIONS>", "<OPTIONS>\0", "character-forbidden"),
        ("<OPTIONS>", "<OPTIONS>\u{FFFE}", "character-forbidden"),
        ("<OPTIONS>", "<OPTIONS><?xml version=\"1.0\"?>", "file-not-xml"),
    ] {
        let text = small::STUDENTS.replacen(from, to, 1);
        let before = &text[..text.find(to).unwrap()];
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap();
        assert_eq!(refusal(read_one(&text)), (code, line), "{to}");
    }
}
