//! Names as a message may hold them: one line, without marks that nobody sees.
//!
//! A name comes from a file of another program. A line break in it would be a line of a mail's head or
//! of an SMS; a mark that turns the direction of writing would turn the link behind it. Letters
//! stay what they are: those that an SMS lacks are another file's.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What stands where nothing is left.
const NOTHING: &str = "?";

/// What is there and not seen: hyphens and joiners of no width, marks of direction, fillers, variants
/// (Unicode's *default ignorable*), and the marks of annotations.
const UNSEEN: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// A text in composed letters, on one line, of at most so many characters.
pub(super) fn cleaned(text: &str, characters_max: usize) -> String {
    let seen: String = text.chars().filter_map(visible).nfc().collect();
    let words: Vec<&str> = seen.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let cut = ends(&line).filter(|(_, characters)| *characters <= characters_max).last();
    let line = cut.map_or(NOTHING, |(end, _)| line[..end].trim_end());
    line.to_owned()
}

/// Where a text may be cut: the byte, and how many characters are before it. Never between a letter
/// and its accents.
pub(super) fn ends(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let after = |(n, (at, letter)): (usize, (usize, char))| (at + letter.len_utf8(), n + 1);
    let whole = |(end, _): &(usize, usize)| !text[*end..].starts_with(is_combining_mark);
    text.char_indices().enumerate().map(after).filter(whole)
}

fn visible(letter: char) -> Option<char> {
    if letter.is_whitespace() {
        return Some(' ');
    }
    let unseen = UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&letter));
    (!unseen && !letter.is_control()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_as_people_write_it() {
        for name in
            ["Léa", "Anne-Sophie", "N’Golo", "Zoë Inès", "Łukasz", "ياسمين", "Марія", "李明"]
        {
            assert_eq!(cleaned(name, 40), name);
        }
        assert_eq!(cleaned("Le\u{301}a", 40), "Léa", "in composed letters");
    }

    #[test]
    fn a_name_is_one_line_and_nothing_in_it_is_unseen() {
        let hostile = "\r\nBcc: x\0\t\u{202e}Lé\u{200b}a\u{2028}\u{feff} \u{85}\u{1b}[0m\u{e0041}";
        assert_eq!(cleaned(hostile, 40), "Bcc: x Léa [0m");
        for letter in '\0'..=char::MAX {
            let line = cleaned(&format!("a{letter}b"), 40);
            let bad = |letter: char| letter.is_control() || letter.is_whitespace() && letter != ' ';
            assert!(!line.contains(bad), "{letter:?}");
        }
    }

    #[test]
    fn of_a_name_that_is_nothing_one_sign_is_left() {
        for nothing in ["", " \u{200b}\n", "\u{202e}"] {
            assert_eq!(cleaned(nothing, 40), "?");
        }
    }

    #[test]
    fn a_name_is_cut_between_letters_and_never_from_its_accents() {
        assert_eq!(cleaned(&"é".repeat(1000), 40), "é".repeat(40));
        assert_eq!(cleaned("Q\u{303}\u{303}b", 2), "?", "not one whole letter fits");
        assert_eq!(cleaned("aQ\u{303}b", 2), "a");
        assert_eq!(cleaned("ab cd", 3), "ab");
    }
}
