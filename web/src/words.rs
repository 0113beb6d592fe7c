//! Words in the eight languages of families: the Fluent files of `locales/`, which are part of the program.
//!
//! A word that a language lacks is said in French, and a test fails. Fluent's marks of isolation are
//! off, since they count in an SMS and confuse mail programs; a page puts names into `<bdi>` itself.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDateTime, Timelike};
use domain::people::Language;
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// A language that families are written to in.
pub(crate) struct Tongue {
    /// Which one.
    pub(crate) language: Language,
    /// Its tag, as HTML and addresses have it (BCP 47).
    pub(crate) tag: &'static str,
    /// Its name for those who speak it.
    pub(crate) name: &'static str,
    /// What is said in it.
    words: &'static str,
}

/// All of them, in the order in which a page offers them.
pub(crate) const TONGUES: [Tongue; 8] = [
    Tongue {
        language: Language::French,
        tag: "fr",
        name: "Français",
        words: include_str!("../locales/fr/alerts.ftl"),
    },
    Tongue {
        language: Language::PlainFrench,
        tag: "fr-x-facile",
        name: "Français facile",
        words: include_str!("../locales/fr-x-facile/alerts.ftl"),
    },
    Tongue {
        language: Language::English,
        tag: "en",
        name: "English",
        words: include_str!("../locales/en/alerts.ftl"),
    },
    Tongue {
        language: Language::German,
        tag: "de",
        name: "Deutsch",
        words: include_str!("../locales/de/alerts.ftl"),
    },
    Tongue {
        language: Language::Arabic,
        tag: "ar",
        name: "العربية",
        words: include_str!("../locales/ar/alerts.ftl"),
    },
    Tongue {
        language: Language::Turkish,
        tag: "tr",
        name: "Türkçe",
        words: include_str!("../locales/tr/alerts.ftl"),
    },
    Tongue {
        language: Language::Portuguese,
        tag: "pt",
        name: "Português",
        words: include_str!("../locales/pt/alerts.ftl"),
    },
    Tongue {
        language: Language::Ukrainian,
        tag: "uk",
        name: "Українська",
        words: include_str!("../locales/uk/alerts.ftl"),
    },
];

/// Read once, when the first message is written.
static BUNDLES: LazyLock<Vec<(Language, FluentBundle<FluentResource>)>> =
    LazyLock::new(|| TONGUES.iter().map(|tongue| (tongue.language, bundle(tongue))).collect());

impl Tongue {
    /// What this language says under this key.
    pub(crate) fn says(&self, key: &str) -> String {
        say(self.language, key)
    }
}

/// What is said under this key.
pub(crate) fn say(language: Language, key: &str) -> String {
    say_of(language, key, &FluentArgs::new())
}

/// What is said under this key of these things.
pub(crate) fn say_of(language: Language, key: &str, things: &FluentArgs<'_>) -> String {
    let said = format(language, key, things).or_else(|| format(Language::French, key, things));
    said.map(|(text, _)| text).unwrap_or_default()
}

/// A day and an hour as they are said in a sentence: `lundi 30 novembre à 8 h 05`.
pub(crate) fn moment(language: Language, at: NaiveDateTime) -> String {
    say_of(language, "moment", &moment_args(language, at))
}

/// The same, as short as an SMS wants it: `30/11 à 8h05`.
pub(crate) fn short_moment(language: Language, at: NaiveDateTime) -> String {
    say_of(language, "sms-when", &moment_args(language, at))
}

/// The language's tag.
pub fn tag(language: Language) -> &'static str {
    TONGUES.iter().find(|tongue| tongue.language == language).map_or("fr", |tongue| tongue.tag)
}

fn moment_args(language: Language, at: NaiveDateTime) -> FluentArgs<'static> {
    let weekday = at.weekday().number_from_monday();
    let (day, month, minute) = (at.day(), at.month(), at.minute());
    let mut args = FluentArgs::new();
    args.set("weekday", say(language, &format!("weekday-{weekday}")));
    args.set("month-name", say(language, &format!("month-{month}")));
    args.set("day", day);
    args.set("month", month);
    args.set("minutes", minute);
    args.set("dd", format!("{day:02}"));
    args.set("mm", format!("{month:02}"));
    args.set("hour", at.hour());
    args.set("minute", format!("{minute:02}"));
    args
}

/// What is said, and whether something in it could not be; nothing if the language has no such words.
fn format(language: Language, key: &str, things: &FluentArgs<'_>) -> Option<(String, bool)> {
    let (_, bundle) = BUNDLES.iter().find(|(known, _)| *known == language)?;
    let pattern = bundle.get_message(key)?.value()?;
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(things), &mut errors).into_owned();
    Some((text, errors.is_empty()))
}

fn bundle(tongue: &Tongue) -> FluentBundle<FluentResource> {
    // Plain French counts as French does, and Fluent's identifiers have no private part.
    let plurals = tongue.tag.split('-').next().unwrap_or(tongue.tag);
    let plurals: LanguageIdentifier = plurals.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![plurals]);
    bundle.set_use_isolating(false);
    // What Fluent cannot read of a file is left out of it: a test finds it missing.
    let words = FluentResource::try_new(tongue.words.to_owned());
    bundle.add_resource_overriding(words.unwrap_or_else(|(read, _)| read));
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn every_language_says_everything_that_french_says() {
        let french = keys(TONGUES[0].words);
        assert!(french.len() > 50, "the French file was not read: {french:?}");
        for tongue in &TONGUES {
            assert!(FluentResource::try_new(tongue.words.to_owned()).is_ok(), "{}", tongue.tag);
            assert_eq!(keys(tongue.words), french, "{}", tongue.tag);
            for key in &french {
                let (said, whole) = format(tongue.language, key, &everything()).unwrap();
                assert!(whole && !said.is_empty(), "{} {key}: {said}", tongue.tag);
                let marks = ['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'];
                assert!(!said.contains(marks), "{} {key}: {said:?}", tongue.tag);
            }
        }
    }

    #[test]
    fn nothing_is_asked_for_that_no_file_says() {
        let french = keys(TONGUES[0].words);
        let sources = [
            include_str!("alerts.rs"),
            include_str!("alerts/page.rs"),
            include_str!("../templates/alerts/page.html"),
            include_str!("../templates/alerts/gone.html"),
        ];
        let starts = ["mail-", "sms-", "page-", "problem-"];
        let mut asked = BTreeSet::new();
        for word in sources.iter().flat_map(|text| text.split('"')) {
            let key = word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
            if key && starts.iter().any(|start| word.len() > start.len() && word.starts_with(start))
            {
                assert!(french.contains(word), "{word} is said in no language");
                asked.insert(word);
            }
        }
        let said = french.iter().filter(|key| starts.iter().any(|start| key.starts_with(start)));
        let silent: Vec<&&str> = said.filter(|key| !asked.contains(**key)).collect();
        assert_eq!(silent, ["sms-when"].iter().collect::<Vec<_>>(), "nobody asks for these");
    }

    #[test]
    fn a_day_and_an_hour_are_said_as_the_reader_says_them() {
        let at = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap().and_hms_opt(8, 5, 0).unwrap();
        let said = TONGUES.map(|tongue| moment(tongue.language, at));
        let expected = [
            "mardi 1er décembre à 8\u{a0}h\u{a0}05",
            "le mardi 1er décembre à 8 heures 05",
            "Tuesday 1 December at 8:05",
            "Dienstag, 1. Dezember, um 8:05 Uhr",
            "يوم الثلاثاء 1 ديسمبر على الساعة 8:05",
            "1 Aralık Salı, saat 8.05",
            "terça-feira, 1 de dezembro, às 8h05",
            "вівторок, 1 грудня, 8:05",
        ];
        assert_eq!(said, expected);
        let short = TONGUES.map(|tongue| short_moment(tongue.language, at));
        let expected = [
            "01/12 à 8h05",
            "le 01/12 à 8h05",
            "1 Dec 8:05",
            "01.12. 8:05 Uhr",
            "01/12 8:05",
            "01.12 saat 8.05",
            "01/12 às 8h05",
            "01.12 8:05",
        ];
        assert_eq!(short, expected);
        let on_the_hour = at.with_minute(0).unwrap();
        assert_eq!(moment(Language::PlainFrench, on_the_hour), "le mardi 1er décembre à 8 heures");
    }

    #[test]
    fn the_tag_of_a_language_is_the_one_that_its_file_has() {
        for tongue in &TONGUES {
            let named = serde_json::to_value(tongue.language).unwrap();
            assert_eq!(named, tag(tongue.language));
        }
    }

    /// The names of what a file says.
    fn keys(words: &str) -> BTreeSet<&str> {
        let starts =
            words.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        starts.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect()
    }

    /// All that a message may speak of.
    fn everything() -> FluentArgs<'static> {
        let at = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap().and_hms_opt(8, 5, 0).unwrap();
        let mut args = moment_args(Language::French, at);
        for name in
            ["school", "telephone", "name", "names", "moment", "when", "who", "from", "link"]
        {
            args.set(name, "…");
        }
        for name in ["count", "characters", "megabytes"] {
            args.set(name, 10);
        }
        args
    }
}
