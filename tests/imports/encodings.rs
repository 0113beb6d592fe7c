//! One school, in every encoding that its files come in; and files that say one and are another.

use std::io::Read;

use api::imports::{
    feed::Feed,
    files::{Input, read},
};

use super::{read_one, refusal, small};

const DECLARED_UTF8: &str = r#"encoding="UTF-8""#;

#[test]
fn the_encoding_of_a_file_changes_nothing_in_it() {
    let expected = school(small::STUDENTS.as_bytes().to_vec());
    assert_eq!(expected.students.as_ref().unwrap().people[0].name.given, "Zoé");
    for encoding in ["ISO-8859-15", "iso-8859-1", "windows-1252", "latin1"] {
        let text = small::STUDENTS.replace("UTF-8", encoding);
        assert_eq!(school(latin(&text)), expected, "{encoding}");
    }
    let undeclared = small::STUDENTS.replace(DECLARED_UTF8, "");
    assert_eq!(school(undeclared.clone().into()), expected, "UTF-8, undeclared");
    assert_eq!(school(latin(&undeclared)), expected, "ISO-8859-15, undeclared");
    let headless = small::STUDENTS.split_once("?>").unwrap().1;
    assert_eq!(school(headless.into()), expected, "UTF-8, no head at all");
    assert_eq!(school(latin(headless)), expected, "ISO-8859-15, no head at all");
    assert_eq!(school(marked(small::STUDENTS)), expected, "UTF-8, byte order mark");
    assert_eq!(school(marked(headless)), expected, "UTF-8, byte order mark and no head");
    let blank = format!("\n{}", small::STUDENTS.replace("?>\n", "?>"));
    assert_eq!(school(blank.into()), expected, "a blank line before the declaration");
    let windows = small::STUDENTS.replace('\n', "\r\n");
    assert_eq!(school(windows.into()), expected, "lines as on Windows");
}

#[test]
fn a_file_that_arrives_byte_by_byte_is_the_same_file() {
    let expected = school(small::STUDENTS.into());
    for bytes in [small::STUDENTS.into(), latin(&small::STUDENTS.replace("UTF-8", "ISO-8859-15"))] {
        let slow = Input { name: "fichier.xml".to_owned(), bytes: Box::new(Slow(bytes)) };
        assert_eq!(read(vec![slow]).unwrap(), expected);
    }
}

#[test]
fn bytes_that_are_not_what_is_declared_refuse_the_file_at_their_line() {
    let accent = line_of(small::STUDENTS, "Zoé");
    let wrong = latin(small::STUDENTS);
    assert_eq!(refusal(read_one(wrong)), ("encoding-contradicted", accent));
    let wrong = small::STUDENTS.replace("UTF-8", "ISO-8859-15");
    assert_eq!(refusal(read_one(wrong)), ("encoding-contradicted", accent));
    let mut apostrophe = latin(&small::STUDENTS.replace("UTF-8", "ISO-8859-15"));
    let at = apostrophe.iter().position(|byte| *byte == 0xE9).unwrap();
    apostrophe[at] = 0x92;
    assert_eq!(refusal(read_one(apostrophe)), ("encoding-contradicted", accent));
    let wrong = marked(&small::STUDENTS.replace("UTF-8", "ISO-8859-15"));
    assert_eq!(refusal(read_one(wrong)), ("encoding-contradicted", 1));
}

#[test]
fn a_file_in_two_encodings_is_refused() {
    let (first, second) = small::STUDENTS.split_once("TORVAL").unwrap();
    let mut mixed = first.replace(DECLARED_UTF8, "").into_bytes();
    mixed.extend(latin(second));
    assert_eq!(refusal(read_one(mixed)).0, "encoding-contradicted");
}

#[test]
fn encodings_of_no_national_file_are_refused() {
    let utf16 = small::STUDENTS.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(utf16).collect();
    assert_eq!(refusal(read_one(utf16)), ("encoding-unknown", 1));
    for encoding in ["UTF-16", "Shift_JIS", "UTF-7", "x"] {
        let text = small::STUDENTS.replace("UTF-8", encoding);
        assert_eq!(refusal(read_one(text)), ("encoding-unknown", 1), "{encoding}");
    }
}

/// A name of one accented letter per piece of any length: no cut may fall wrong.
#[test]
fn letters_of_two_bytes_survive_wherever_a_file_is_cut_in_reading() {
    let many: String = (0..4000).map(|n| small::student(n, "ÉÈÊË", "")).collect();
    let feed = read_one(small::students(&many)).unwrap();
    let people = &feed.students.as_ref().unwrap().people;
    assert!(people.iter().all(|student| student.name.family == "ÉÈÊË"));
    assert_eq!(people.len(), 4000);
}

fn school(bytes: Vec<u8>) -> Feed {
    read_one(bytes).unwrap()
}

fn marked(text: &str) -> Vec<u8> {
    [b"\xEF\xBB\xBF", text.as_bytes()].concat()
}

/// In one byte a character: those of these files are the same in all such encodings.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect()
}

fn line_of(text: &str, needle: &str) -> u32 {
    let (before, _) = text.split_once(needle).unwrap();
    u32::try_from(before.lines().count()).unwrap()
}

/// Gives one byte at a time.
struct Slow(Vec<u8>);

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() || into.is_empty() {
            return Ok(0);
        }
        into[0] = self.0.remove(0);
        Ok(1)
    }
}
