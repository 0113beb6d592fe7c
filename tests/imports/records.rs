//! Records that are wrong: each is left out with its line and number, and the rest is read.

use api::imports::{feed::Feed, problem::Record};

use super::{read_bytes, read_one, small, student, told};

#[test]
fn a_student_who_cannot_be_read_is_left_out_and_has_not_left() {
    let cases = [
        (one("<DATE_ENTREE>31/02/2026</DATE_ENTREE>"), "date-impossible"),
        (one("<DATE_ENTREE>01/09/26</DATE_ENTREE>"), "date-impossible"),
        (one("<PRENOM>Lou</PRENOM>"), "field-twice"),
        (one(&format!("<NOM_USAGE>{}</NOM_USAGE>", "X".repeat(201))), "field-too-long"),
        (one(&format!("<CODE_MEF>{}</CODE_MEF>", "1".repeat(41))), "field-too-long"),
        (small::student(1, "", ""), "field-missing"),
        (small::student(1, " \n\u{200B} ", ""), "field-missing"),
        (one("").replace("Zoe", ""), "field-missing"),
        (one("<ACCEPTE_SMS>peut-être</ACCEPTE_SMS>"), "code-unknown"),
    ];
    for (wrong, code) in cases {
        let records = format!("\n\n{wrong}\n{}", small::student(2, "TORVAL", ""));
        let feed = read_one(small::students(&records)).unwrap();
        let people = &feed.students.as_ref().unwrap().people;
        assert_eq!(people.len(), 1, "{wrong}");
        assert_eq!(people[0].place.line, u32::try_from(records.lines().count()).unwrap());
        let last = told(&feed).pop().unwrap();
        assert_eq!(last, (code, 3, "1".to_owned()), "{wrong}");
        assert!(feed.refused.contains(&(Record::Student, "1".into())), "{wrong}");
    }
}

#[test]
fn a_student_without_number_is_told_by_the_line() {
    let feed = read_one(small::students("<ELEVE><PRENOM>Zoe</PRENOM></ELEVE>")).unwrap();
    assert_eq!(told(&feed), [("field-missing", 1, "?".to_owned())]);
}

#[test]
fn a_student_of_a_class_of_no_known_kind_is_left_out() {
    let text = small::STUDENTS.replace("<TYPE_STRUCTURE>G<", "<TYPE_STRUCTURE>X<");
    let feed = read_one(text).unwrap();
    assert_eq!(told(&feed), [("code-unknown", 18, "1".to_owned())]);
    assert_eq!(feed.students.as_ref().unwrap().people.len(), 1, "the other is read");
}

#[test]
fn a_class_of_a_student_of_another_year_is_nobodys() {
    let text = small::STUDENTS
        .replace(r#"<STRUCTURES_ELEVE ELEVE_ID="2">"#, r#"<STRUCTURES_ELEVE ELEVE_ID="9">"#);
    let feed = read_one(text).unwrap();
    assert_eq!(told(&feed), [("student-unknown", 19, "9".to_owned())]);
    assert_eq!(feed.students.as_ref().unwrap().people.len(), 2);
}

#[test]
fn a_number_is_read_once_and_a_national_number_too() {
    let twice = small::student(1, "BAQUIVAL", "") + &small::student(1, "TORVAL", "");
    let feed = read_one(small::students(&twice)).unwrap();
    assert_eq!(told(&feed), [("number-twice", 1, "1".to_owned())]);
    assert_eq!(student(&feed, "1").name.family, "BAQUIVAL");
    assert!(feed.refused.is_empty(), "the first is there");
    let ine = "<INE_RNIE>999000001AB</INE_RNIE>";
    let twins = small::student(1, "BAQUIVAL", ine) + &small::student(2, "BAQUIVAL", ine);
    let feed = read_one(small::students(&twins)).unwrap();
    assert_eq!(told(&feed), [("national-number-twice", 1, "2".to_owned())]);
}

#[test]
fn homonyms_are_two_students() {
    let homonyms = small::student(1, "MARTIN", "") + &small::student(2, "MARTIN", "");
    let feed = read_one(small::students(&homonyms)).unwrap();
    assert_eq!(feed.students.as_ref().unwrap().people.len(), 2);
    assert_eq!(told(&feed), []);
}

#[test]
fn what_is_odd_but_not_needed_is_left_out_with_a_warning() {
    let cases = [
        ("<INE_RNIE>12345</INE_RNIE>", "national-number-odd"),
        ("<MEL>nobody</MEL>", "contact-odd"),
        ("<MEL>a@example.org\nBcc: b@example.org</MEL>", "contact-odd"),
        ("<MEL>a@example.org,b@example.org</MEL>", "contact-odd"),
        ("<TEL_PORTABLE>après 18 h</TEL_PORTABLE>", "contact-odd"),
    ];
    for (elements, code) in cases {
        let feed = read_one(small::students(&one(elements))).unwrap();
        let read = student(&feed, "1");
        assert_eq!((read.ine.as_ref(), read.details.mail.as_ref()), (None, None), "{elements}");
        assert_eq!(read.details.mobile, None, "{elements}");
        assert_eq!(told(&feed), [(code, 1, "1".to_owned())], "{elements}");
    }
    let unborn = one("").replace("17/07/2015", " ");
    let feed = read_one(small::students(&unborn)).unwrap();
    assert_eq!(told(&feed), [("birth-date-missing", 1, "1".to_owned())]);
}

#[test]
fn what_nobody_sees_makes_no_second_person() {
    let name = "BA\u{200B}QUI\u{202E}VAL &#x200D;&#173;";
    let feed = read_one(small::students(&small::student(1, name, ""))).unwrap();
    assert_eq!(student(&feed, "1").name.family, "BAQUIVAL");
    assert_eq!(told(&feed), [("invisible-removed", 1, "1".to_owned())]);
}

#[test]
fn a_name_that_looks_like_markup_or_a_formula_is_a_name() {
    for (written, read) in [
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("<![CDATA[<b>TORVAL</b>]]>", "<b>TORVAL</b>"),
        ("=1+1", "=1+1"),
        ("'; DROP TABLE person; --", "'; DROP TABLE person; --"),
        ("D<!-- -->&apos;&#xC7;ELIK", "D'ÇELIK"),
        (" \n\tD'Œuvray\n   Noël ", "D'Œuvray Noël"),
    ] {
        let feed = read_one(small::students(&small::student(1, written, ""))).unwrap();
        assert_eq!(student(&feed, "1").name.family, read);
    }
}

#[test]
fn a_student_without_address_in_a_file_of_addresses_is_told() {
    let text = small::STUDENTS.replacen("<ADRESSE_ID>7<", "<ADRESSE_ID>8<", 1);
    let feed = read_one(text).unwrap();
    assert_eq!(told(&feed), [("address-unknown", 5, "1".to_owned())]);
    let (before, rest) = small::STUDENTS.split_once("<ADRESSES>").unwrap();
    let without = before.to_owned() + rest.split_once("</ADRESSES>").unwrap().1;
    let feed = read_one(without).unwrap();
    assert_eq!(told(&feed), [], "a file without addresses says nothing about them");
    assert!(!feed.students.as_ref().unwrap().with_addresses);
}

#[test]
fn staff_and_lessons_that_cannot_be_read_are_left_out() {
    let cases = [
        (small::STAFFING.replace("<FONCTION>EDU<", "<FONCTION>XYZ<"), "function-unknown"),
        (small::STAFFING.replace("1980-01-02", "1980-13-02"), "date-impossible"),
        (
            small::STAFFING.replace(r#"<ENSEIGNANT ID="30""#, r#"<ENSEIGNANT ID="31""#),
            "teacher-unknown",
        ),
        (
            small::STAFFING.replace(r#"<ENSEIGNANT ID="30" TYPE="epp""#, "<ENSEIGNANT"),
            "field-missing",
        ),
        (small::TIMETABLE.replace("<DUREE>0130<", "<DUREE>0000<"), "time-impossible"),
        (small::TIMETABLE.replace("<HEURE_DEBUT>0800<", "<HEURE_DEBUT>2560<"), "time-impossible"),
        (small::TIMETABLE.replace("<HEURE_DEBUT>0800<", "<HEURE_DEBUT>2330<"), "time-impossible"),
        (small::TIMETABLE.replace("<JOUR>5<", "<JOUR>8<"), "code-unknown"),
        (small::TIMETABLE.replace("ALTERNANCE>B<", "ALTERNANCE>C<"), "alternation-unknown"),
        (small::TIMETABLE.replace("2026-09-11", "2026-11-31"), "date-impossible"),
        (small::TIMETABLE.replace("2026-09-11", "2028-09-11"), "week-outside-year"),
    ];
    for (text, code) in cases {
        let feed = read_one(text).unwrap();
        let codes: Vec<_> = told(&feed).into_iter().map(|(code, ..)| code).collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn a_problem_is_a_sentence_for_the_office_without_a_name() {
    let records = format!(
        "{}\n{}",
        one("<DATE_ENTREE>31/02/2026</DATE_ENTREE>"),
        small::student(2, "TOR\u{200B}VAL", ""),
    );
    let bytes = small::students(&records);
    let feed = read_bytes(&[("ElevesSansAdresses.xml", bytes.as_bytes())]).unwrap();
    let sentences: Vec<_> = feed.problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(sentences.join("\n"), @"
    ElevesSansAdresses.xml, ligne 1, élève 1 : DATE_ENTREE n'est pas une date possible, la fiche n'est pas reprise ; corrigez-la, puis exportez.
    ElevesSansAdresses.xml, ligne 2, élève 2 : des caractères invisibles ont été ôtés de NOM_DE_FAMILLE ; corrigez la fiche.
    ");
}

#[test]
fn every_problem_of_a_bad_file_has_a_line() {
    let bad: Feed = read_one(small::students(&small::student(1, "", "").repeat(3))).unwrap();
    assert!(bad.problems.iter().all(|problem| problem.line == 1 && problem.record.is_some()));
}

fn one(elements: &str) -> String {
    small::student(1, "BAQUIVAL", elements)
}
