//! An SMS as it travels: the letters that it may have, and the parts that it is cut into.
//!
//! GSM-7 (3GPP TS 23.038) has 128 letters of seven bits, and a few more that take two; 160 fit
//! into one part. Any other letter makes the whole message UCS-2, of which 70 units fit. Where a
//! language can be read without the letters that GSM-7 lacks they are written as others, since
//! twice the parts cost a school twice the price.

use any_ascii::any_ascii_char;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What a letter becomes that no other letter stands for.
const UNKNOWN: char = '?';

/// The letters of GSM-7 beside those of ASCII.
const BASIC: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Those that take two septets.
const EXTENDED: &str = "^{}\\[~]|€";

/// How an SMS is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM alphabet, and its extension: 160 septets, or parts of 153.
    Gsm7,
    /// UTF-16: 70 units, or parts of 67.
    Ucs2,
}

/// The text in letters that the encoding has.
pub(super) fn spelled(text: &str, encoding: Encoding) -> String {
    match encoding {
        Encoding::Ucs2 => text.to_owned(),
        Encoding::Gsm7 => in_gsm(text),
    }
}

/// How many parts it is sent as. What takes two units is not cut in two.
pub(super) fn segments(text: &str, encoding: Encoding) -> usize {
    let (alone, part) = match encoding {
        Encoding::Gsm7 => (160, 153),
        Encoding::Ucs2 => (70, 67),
    };
    let units = text.chars().map(|letter| units(letter, encoding));
    if units.clone().sum::<usize>() <= alone {
        return 1;
    }
    let (parts, _) = units.fold((1, 0), |(parts, used), units| {
        if used + units > part { (parts + 1, units) } else { (parts, used + units) }
    });
    parts
}

fn units(letter: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 if EXTENDED.contains(letter) => 2,
        Encoding::Gsm7 => 1,
        Encoding::Ucs2 => letter.len_utf16(),
    }
}

fn in_gsm(text: &str) -> String {
    let mut spelled = String::new();
    for letter in text.nfc() {
        if is_gsm(letter) {
            spelled.push(letter);
        } else if !is_combining_mark(letter) {
            // An emoji has a name between colons, which nobody would read as one.
            let others = any_ascii_char(letter);
            let known = !others.is_empty() && (!others.starts_with(':') || others.len() == 1);
            let gsm = |other: char| if is_gsm(other) { other } else { '\'' };
            match known {
                true => spelled.extend(others.chars().map(gsm)),
                false if spelled.ends_with(UNKNOWN) => (),
                false => spelled.push(UNKNOWN),
            }
        }
    }
    spelled
}

fn is_gsm(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || BASIC.contains(letter) || EXTENDED.contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_gsm_has_stay_and_others_are_written_as_their_like() {
        for (written, read) in [
            ("Zoé à Besançon, où est Noël ?", "Zoé à Besancon, où est Noel ?"),
            ("fenêtre, île, hôte, Œuvre", "fenetre, ile, hote, Oeuvre"),
            ("Ağrı, İzmir, Şule, Çiğdem, ışık", "Agri, Izmir, Sule, Çigdem, isik"),
            ("Jürgen Groß, Größe, Ærø", "Jürgen Groß, Größe, Ærø"),
            ("Muñoz, João, Conceição", "Muñoz, Joao, Conceicao"),
            ("N’Golo – «\u{a0}oui\u{a0}»…", "N'Golo - << oui >>..."),
            ("Łukasz Dvořák", "Lukasz Dvorak"),
            ("e\u{301} e\u{302} q\u{303}", "é e q"),
            ("Марія", "Mariya"),
            ("李明", "LiMing"),
            ("`10 €`", "'10 €'"),
        ] {
            assert_eq!(spelled(written, Encoding::Gsm7), read);
            assert_eq!(spelled(written, Encoding::Ucs2), written);
        }
    }

    #[test]
    fn what_nothing_stands_for_becomes_one_question_mark() {
        for (written, read) in [("Léa 🎉", "Léa ?"), ("👩🏽👩🏽 Zoé", "? Zoé"), ("\u{e000}", "?")]
        {
            assert_eq!(spelled(written, Encoding::Gsm7), read);
        }
    }

    #[test]
    fn no_letter_of_the_world_makes_an_sms_in_gsm_one_of_ucs() {
        for letter in '\0'..=char::MAX {
            let text = spelled(&letter.to_string(), Encoding::Gsm7);
            assert!(text.chars().all(is_gsm), "{letter:?} became {text:?}");
        }
    }

    #[test]
    fn parts_are_counted_as_they_are_sent() {
        let parts = |text: &str, encoding| segments(text, encoding);
        for (count, septets) in [(1, 0), (1, 160), (2, 161), (2, 306), (3, 307), (3, 459)] {
            assert_eq!(parts(&"é".repeat(septets), Encoding::Gsm7), count, "{septets}");
        }
        for (count, units) in [(1, 70), (2, 71), (2, 134), (3, 135)] {
            assert_eq!(parts(&"ш".repeat(units), Encoding::Ucs2), count, "{units}");
        }
        assert_eq!(parts(&"€".repeat(80), Encoding::Gsm7), 1, "two septets each");
        assert_eq!(parts(&"€".repeat(81), Encoding::Gsm7), 2);
        assert_eq!(parts(&"🎉".repeat(35), Encoding::Ucs2), 1, "two units each");
    }

    #[test]
    fn a_letter_of_two_units_is_never_cut() {
        let filled = |letter: &str, units: usize| letter.repeat(units);
        let whole = filled("a", 152) + "€" + &filled("a", 151);
        assert_eq!(segments(&whole, Encoding::Gsm7), 2, "the € opens the second part, and fits");
        assert_eq!(
            segments(&(whole + "a"), Encoding::Gsm7),
            3,
            "305 septets, and one was left out"
        );
        let whole = filled("ш", 66) + "🎉" + &filled("ш", 65);
        assert_eq!(segments(&whole, Encoding::Ucs2), 2);
        assert_eq!(segments(&(whole + "ш"), Encoding::Ucs2), 3);
    }
}
