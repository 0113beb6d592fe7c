//! What families read, word by word.

use chrono::NaiveDate;

use super::*;
use crate::words::{TONGUES, tag};

const SCHOOL: &str = "Collège des Tilleuls";
const TELEPHONE: &str = "03 88 00 00 17";
/// Sixty characters.
const LINK: &str = "https://preau.example.org/a/Zm9yIGEgdGVzdCBvbmx5ITEyMzQ1Njc4";

#[test]
fn a_family_is_told_who_was_absent_when_and_where_to_answer() {
    let lea = [child("Léa", 8, 5)];
    let mail = mail(&told(Language::French, &lea));
    assert_eq!(mail.subject, "Absence constatée – Collège des Tilleuls");
    let text = "Bonjour,\n\n\
        Léa n’était pas en cours lundi 30 novembre à 8\u{a0}h\u{a0}05.\n\n\
        Merci de nous en donner la raison sur cette page, sans créer de compte\u{a0}:\n\
        https://preau.example.org/a/Zm9yIGEgdGVzdCBvbmx5ITEyMzQ1Njc4\n\n\
        Collège des Tilleuls\n\
        Téléphone\u{a0}: 03 88 00 00 17\n";
    assert_eq!(mail.text, text);
}

#[test]
fn an_sms_says_it_in_one_part_in_every_language_that_gsm_can_write() {
    let lea = [child("Maximilien", 10, 30)];
    let said = TONGUES.map(|tongue| sms(&told(tongue.language, &lea)).text);
    let start = "Collège des Tilleuls 03 88 00 00 17.";
    let expected = [
        format!("{start} Absence : Maximilien, 30/11 à 10h30. Répondez : {LINK}"),
        format!("{start} Absence : Maximilien, le 30/11 à 10h30. Répondez : {LINK}"),
        format!("{start} Absent: Maximilien, 30 Nov 10:30. Please reply: {LINK}"),
        format!("{start} Abwesend: Maximilien, 30.11. 10:30 Uhr. Antwort: {LINK}"),
        format!("{start} غياب: Maximilien، 30/11 10:30. الرد: {LINK}"),
        format!("{start} Derste yok: Maximilien, 30.11 saat 10.30. Yanit: {LINK}"),
        format!("{start} Ausência: Maximilien, 30/11 às 10h30. Responda: {LINK}").replace('ê', "e"),
        format!("{start} Немає на уроці: Maximilien, 30.11 10:30. Відповідь: {LINK}"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_long_school_name_a_telephone_and_a_long_link_fit_into_one_part() {
    let school = "Lycée professionnel du Bas-Pré";
    assert_eq!((school.chars().count(), LINK.len()), (30, 60));
    for tongue in &TONGUES {
        for name in ["Maximilien", "Anne-Laure", "Léa", "Zoé"] {
            let one = [child(name, 10, 30)];
            let sms = sms(&Told { school, ..told(tongue.language, &one) });
            let parts_max = if sms.encoding == Encoding::Gsm7 { 1 } else { 3 };
            assert!(sms.segments <= parts_max, "{} {}", tongue.tag, sms.text);
            let whole = if sms.encoding == Encoding::Gsm7 { school } else { "Lycée profession" };
            assert!(sms.text.starts_with(whole), "{} {}", tongue.tag, sms.text);
            assert!(sms.text.ends_with(LINK), "{} {}", tongue.tag, sms.text);
        }
    }
}

#[test]
fn a_school_name_is_shortened_where_that_saves_a_part_and_nowhere_else() {
    let one = [child("Léa", 8, 5)];
    let text = |school, children| {
        let sms = sms(&Told { school, ..told(Language::French, children) });
        (sms.segments, sms.text)
    };
    let school = "Lycée polyvalent des métiers de la montagne et du numérique";
    let (segments, short) = text(school, &one);
    assert_eq!(segments, 1);
    assert!(short.starts_with("Lycée polyvalent des métiers de la montagne 03 88"), "{short}");
    let (segments, short) = text("Tilleulsdumontetdelavalléedelarivièreprofonde", &one);
    assert_eq!(segments, 1);
    assert!(short.starts_with("Tilleulsdumontetdelavalléedelarivièreprofo. 03 88"), "{short}");
    assert!(short.ends_with(LINK), "{short}");
    let many = [8, 9, 10, 11, 14].map(|hour| child("Adèle", hour, 5));
    let (segments, whole) = text(school, &many);
    assert_eq!(segments, 2);
    assert!(whole.starts_with(school), "{whole}");
}

#[test]
fn brothers_and_sisters_are_in_one_message() {
    let family = [child("Léa", 8, 5), child("Noé", 10, 30), child("Zoé", 8, 5)];
    let french = sms(&told(Language::French, &family)).text;
    let said = "Absences : Léa, Zoé, 30/11 à 8h05; Noé, 30/11 à 10h30. Répondez : https";
    assert!(french.contains(said), "{french}");
    for tongue in &TONGUES {
        let (several, one) = (told(tongue.language, &family), told(tongue.language, &family[..1]));
        assert_ne!(mail(&several).subject, mail(&one).subject, "{}", tongue.tag);
        for name in ["Léa", "Noé", "Zoé"] {
            assert!(mail(&several).text.contains(name), "{}", tongue.tag);
            assert!(sms(&several).text.contains(name), "{}", tongue.tag);
        }
    }
}

#[test]
fn a_family_is_told_when_the_child_was_there_after_all() {
    let lea = [child("Léa", 8, 5)];
    for tongue in &TONGUES {
        let there = Told { purpose: Purpose::Correction, ..told(tongue.language, &lea) };
        let absent = told(tongue.language, &lea);
        assert_ne!(mail(&there).subject, mail(&absent).subject, "{}", tongue.tag);
        assert!(mail(&there).text.contains(LINK), "{}", tongue.tag);
        let sms = sms(&there);
        assert!(sms.text.contains("Léa") && !sms.text.contains("http"), "{}", sms.text);
        assert!(sms.segments <= 2, "{} {}", sms.segments, sms.text);
    }
    let there = Told { purpose: Purpose::Correction, ..told(Language::French, &lea) };
    let said = "Collège des Tilleuls 03 88 00 00 17. Pas d'absence finalement : Léa, 30/11 à 8h05. \
        Excusez notre erreur, vous n'avez rien à faire.";
    assert_eq!(sms(&there).text, said);
}

#[test]
fn a_message_says_what_it_must_and_its_subject_names_no_child() {
    let lea = [child("Léa", 8, 5)];
    for tongue in &TONGUES {
        for purpose in [Purpose::Absence, Purpose::Correction] {
            let told = Told { purpose, ..told(tongue.language, &lea) };
            let mail = mail(&told);
            assert!(mail.subject.ends_with(SCHOOL) && !mail.subject.contains("Léa"));
            for said in ["Léa", SCHOOL, TELEPHONE, LINK, &moment(tongue.language, lea[0].since)] {
                assert!(mail.text.contains(said), "{} {said}", tag(tongue.language));
            }
            let nobody = Told { telephone: None, ..told };
            assert!(!super::mail(&nobody).text.contains("03 88"));
            assert!(sms(&nobody).text.starts_with("Collège des Tilleuls. "));
        }
    }
}

#[test]
fn a_name_is_never_a_line_of_a_message_nor_a_word_of_fluent() {
    let hostile = "Léa\r\nBcc: x@example.org\n\u{202e}{ $link }";
    let one = [child(hostile, 8, 5)];
    for tongue in &TONGUES {
        let plain = [child("Léa", 8, 5)];
        let plain = mail(&told(tongue.language, &plain)).text.lines().count();
        let told = Told { school: "Tilleuls\nX: y", ..told(tongue.language, &one) };
        let mail = mail(&told);
        assert!(!mail.subject.contains(['\n', '\r']), "{}", mail.subject);
        assert_eq!(mail.text.lines().count(), plain, "{}", mail.text);
        assert!(mail.text.contains("Léa Bcc: x@example.org { $link }"), "{}", mail.text);
        let sms = sms(&told);
        assert!(!sms.text.contains(['\n', '\r', '\u{202e}']), "{}", sms.text);
    }
}

#[test]
fn arabic_and_ukrainian_keep_their_letters() {
    let one = [child("Léa 🎉", 8, 5)];
    for tongue in &TONGUES {
        let sms = sms(&told(tongue.language, &one));
        let own = matches!(tongue.language, Language::Arabic | Language::Ukrainian);
        assert_eq!(sms.encoding, if own { Encoding::Ucs2 } else { Encoding::Gsm7 });
        assert!(sms.text.contains(if own { "Léa 🎉" } else { "Léa ?" }), "{}", sms.text);
    }
}

#[test]
fn a_name_without_end_does_not_make_a_message_without_end() {
    let endless = "Léa".repeat(10_000);
    let one = [child(&endless, 8, 5)];
    for tongue in &TONGUES {
        let told = Told { school: &endless, ..told(tongue.language, &one) };
        assert!(sms(&told).segments <= 3, "{}", tongue.tag);
        assert!(mail(&told).text.len() < 1500, "{}", tongue.tag);
    }
}

fn child(first_name: &str, hour: u32, minute: u32) -> Child<'_> {
    let day = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
    Child { first_name, since: day.and_hms_opt(hour, minute, 0).unwrap() }
}

fn told<'a>(language: Language, children: &'a [Child<'a>]) -> Told<'a> {
    Told {
        language,
        school: SCHOOL,
        telephone: Some(TELEPHONE),
        children,
        link: LINK,
        purpose: Purpose::Absence,
    }
}
