//! The page in all its states, for whoever opens it.

use chrono::NaiveDate;

use super::*;

const REASONS: [ReasonToGive<'static>; 10] = [
    reason("illness", "Maladie"),
    reason("illness-certificate", "Maladie avec certificat"),
    reason("family-illness", "Maladie contagieuse d’un proche"),
    reason("family-meeting", "Réunion solennelle de famille"),
    reason("transport", "Incident de transport"),
    reason("family-travel", "Déplacement de la famille"),
    reason("appointment", "Rendez-vous extérieur"),
    reason("medical-appointment", "Rendez-vous médical"),
    reason("late-waking", "Réveil tardif"),
    reason("other", "Autre"),
];
const BYTES_MAX: usize = 6 * 1024;

#[test]
fn the_page_says_what_the_message_said_and_asks_why() {
    let lea = [asked("Léa")];
    let page = page(Language::French, &lea);
    for said in [
        "<html lang=\"fr\">",
        "<title>Absence – Collège des Tilleuls</title>",
        "<h1><bdi>Collège des Tilleuls</bdi></h1>",
        "<a href=\"tel:+33388000017\" dir=\"ltr\">+33 3 88 00 00 17</a>",
        "<h2><bdi>Léa</bdi></h2>\n<p class=\"absent\">Pas en cours</p>\n\
         <p>lundi 30 novembre à 8\u{a0}h\u{a0}05</p>",
        "action=\"/a/Zm9yIGEgdGVzdCBvbmx5ITEyMzQ1Njc4OTAxMjM0/reasons?lang=fr\" enctype=\"multipart/form-data\">",
        "<legend>Donner la raison – <bdi>Léa</bdi></legend>",
        "<input type=\"hidden\" name=\"absence\" value=\"line-Léa\">",
        "<input type=\"hidden\" name=\"key\" value=\"key-Léa\">",
        "<optgroup lang=\"fr\" label=\"Motifs\">\n<option value=\"illness\">Maladie",
        "<textarea name=\"comment\" maxlength=\"500\" rows=\"3\" dir=\"auto\">\n</textarea>",
        "<input type=\"file\" name=\"document\" accept=\"application/pdf,image/jpeg,image/png\">",
        "/seen?lang=fr\"><button>J’ai bien reçu ce message</button></form>",
        "<a href=\"?lang=ar\" lang=\"ar\" dir=\"rtl\">العربية</a>",
    ] {
        assert!(page.contains(said), "{said}\nis not in\n{page}");
    }
    assert!(!page.contains("selected") && !page.contains("alert"), "{page}");
}

#[test]
fn the_page_and_its_style_are_six_kilobytes_in_every_language_and_nothing_else_is_loaded() {
    let (one, two) = ([asked("Maximilien")], [asked("Maximilien"), asked("Anne-Laure")]);
    for tongue in &TONGUES {
        let single = page(tongue.language, &one);
        let bytes = single.len() + STYLE.len();
        assert!(bytes <= BYTES_MAX, "{}: {bytes} bytes", tongue.tag);
        let double = page(tongue.language, &two);
        let bytes = double.len() + STYLE.len();
        assert!(bytes <= BYTES_MAX, "{}: {bytes} bytes for two children", tongue.tag);
        for page in [single, double, Gone.page().unwrap()] {
            assert_eq!(page.matches("<link ").count(), 1);
            assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
            assert!(!page.contains("style=") && !page.contains("http"), "{page}");
        }
    }
    assert!(Gone.page().unwrap().len() + STYLE.len() <= BYTES_MAX);
}

#[test]
fn only_arabic_is_read_from_the_right() {
    let lea = [asked("Léa")];
    for tongue in &TONGUES {
        let page = page(tongue.language, &lea);
        let right = page.contains(&format!("<html lang=\"{}\" dir=\"rtl\">", tongue.tag));
        assert_eq!(right, tongue.language == Language::Arabic, "{}", tongue.tag);
        assert!(page.contains(&format!("<html lang=\"{}\"", tongue.tag)));
        assert!(!page.contains(&format!("href=\"?lang={}\"", tongue.tag)), "no link to itself");
        assert_eq!(page.matches("href=\"?lang=").count(), 7);
    }
    assert!(!STYLE.contains("left") && !STYLE.contains("right"), "{STYLE}");
}

#[test]
fn an_absence_that_somebody_explained_is_explained_and_no_more_is_said() {
    let children = [LinkChild { standing: Standing::Explained, ..asked("Léa") }, asked("Noé")];
    let page = page(Language::French, &children);
    assert!(page.contains("<p class=\"good\">Raison reçue</p>"), "{page}");
    assert_eq!(page.matches("<select").count(), 1, "only Noé's absence is still asked about");
    assert!(!page.contains("line-Léa"), "{page}");
}

#[test]
fn a_child_who_was_there_after_all_is_said_to_have_been_there() {
    let children = [LinkChild { standing: Standing::There, ..asked("Léa") }];
    let page = page(Language::French, &children);
    assert!(page.contains("<p class=\"good\">Absence annulée</p>"), "{page}");
    assert!(!page.contains("Pas en cours") && !page.contains("<form"), "nothing to do: {page}");
}

#[test]
fn who_has_seen_it_is_asked_no_more_and_may_still_say_why() {
    let lea = [asked("Léa")];
    let seen = LinkPage { seen: true, ..of(Language::French, &lea) }.page().unwrap();
    assert!(seen.contains("Vous avez confirmé la réception."), "{seen}");
    assert!(!seen.contains("/seen?") && seen.contains("/reasons?"), "{seen}");
}

#[test]
fn who_has_said_why_is_thanked() {
    let children = [LinkChild { standing: Standing::Explained, ..asked("Léa") }];
    let thanks = LinkPage { thanks: true, ..of(Language::French, &children) }.page().unwrap();
    let said =
        "<p class=\"good\" role=\"status\">Merci, l’établissement a bien reçu votre réponse.";
    assert!(thanks.contains(said), "{thanks}");
}

#[test]
fn an_answer_that_was_not_taken_is_shown_again_as_it_was_typed() {
    let typed = Answer {
        reason: "transport",
        comment: "\nLe car n’est pas passé </textarea><b>",
        rest: true,
        problem: Some(Problem::DocumentTooLarge { megabytes_max: 5 }),
        ..answer("line-Léa", "key-Léa")
    };
    let children = [
        LinkChild { standing: Standing::Open(typed), ..asked("Léa") },
        LinkChild { standing: Standing::Open(answer("line-Noé", "key-Noé")), ..asked("Noé") },
    ];
    let page = page(Language::French, &children);
    for said in [
        "<title>Réponse non envoyée – Collège des Tilleuls</title>",
        "<p class=\"bad\" role=\"alert\">Ce document est trop lourd\u{a0}: 5 Mo au plus.</p>",
        "<option value=\"transport\" selected>Incident de transport",
        "dir=\"auto\">\n\nLe car n’est pas passé &#60;/textarea&#62;&#60;b&#62;</textarea>",
    ] {
        assert!(page.contains(said), "{said}\nis not in\n{page}");
    }
    assert_eq!((page.matches("selected").count(), page.matches(" checked>").count()), (1, 1));
    assert!(!page.contains("<nav"), "another language would lose what was typed");
}

#[test]
fn every_problem_is_said_in_every_language() {
    let problems = [
        (Problem::ReasonMissing, true),
        (Problem::CommentTooLong, true),
        (Problem::NotKept, true),
        (Problem::DocumentUnreadable, false),
        (Problem::DocumentTooLarge { megabytes_max: 5 }, false),
    ];
    for tongue in &TONGUES {
        for (problem, again) in problems {
            let typed = Answer { problem: Some(problem), ..answer("line", "key") };
            let children = [LinkChild { standing: Standing::Open(typed), ..asked("Léa") }];
            let page = page(tongue.language, &children);
            assert!(page.contains("role=\"alert\">"), "{page}");
            assert_eq!(page.contains(&tongue.says("problem-again")), again, "{}", tongue.tag);
        }
    }
}

#[test]
fn whatever_a_name_holds_it_is_only_ever_a_name() {
    let hostile = "\"><script>alert(1)</script>\u{202e}\r\n'";
    let reasons = [ReasonToGive { code: hostile, label: hostile }];
    let typed = Answer { comment: hostile, reason: hostile, ..answer(hostile, hostile) };
    let children = [LinkChild { standing: Standing::Open(typed), ..asked(hostile) }];
    for tongue in &TONGUES {
        let page = LinkPage {
            school: hostile,
            telephone: Some("\" onclick=\"alert(1)"),
            address: hostile,
            reasons: &reasons,
            ..of(tongue.language, &children)
        };
        let page = page.page().unwrap();
        assert!(!page.contains("<script") && !page.contains("\" onclick"), "{page}");
        assert!(page.contains("href=\"tel:1\""), "{page}");
        let shown = "<bdi>&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62; &#39;</bdi>";
        assert_eq!(page.matches(shown).count(), 3, "{page}");
    }
}

#[test]
fn a_link_that_opens_nothing_says_so_to_everybody() {
    let page = Gone.page().unwrap();
    for tongue in &TONGUES {
        assert!(page.contains(&format!(" lang=\"{}\"", tongue.tag)), "{page}");
        assert!(page.contains(&tongue.says("page-gone")), "{page}");
    }
    assert_eq!(page.matches("dir=\"rtl\"").count(), 1);
    assert!(page.contains("<h1 lang=\"fr\">Ce lien n’est plus valable."), "{page}");
}

const fn reason(code: &'static str, label: &'static str) -> ReasonToGive<'static> {
    ReasonToGive { code, label }
}

const fn answer<'a>(absence: &'a str, key: &'a str) -> Answer<'a> {
    Answer { absence, key, reason: "", comment: "", rest: false, problem: None }
}

/// A child whose absence is still to be explained.
fn asked(first_name: &str) -> LinkChild<'_> {
    let (absence, key) =
        if first_name == "Léa" { ("line-Léa", "key-Léa") } else { (UUID, UUID) };
    let since = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap().and_hms_opt(8, 5, 0).unwrap();
    LinkChild { first_name, since, standing: Standing::Open(answer(absence, key)) }
}

/// As long as the real ones.
const UUID: &str = "01938a5e-7c11-7b4e-8f3a-2d9f60a1c0de";

fn of<'a>(language: Language, children: &'a [LinkChild<'a>]) -> LinkPage<'a> {
    LinkPage {
        language,
        school: "Collège des Tilleuls",
        telephone: Some("+33 3 88 00 00 17"),
        address: "/a/Zm9yIGEgdGVzdCBvbmx5ITEyMzQ1Njc4OTAxMjM0",
        children,
        reasons: &REASONS,
        seen: false,
        thanks: false,
    }
}

fn page(language: Language, children: &[LinkChild<'_>]) -> String {
    of(language, children).page().unwrap()
}
