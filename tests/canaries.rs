//! Names that nobody may find where none belongs: in a log, in what is printed, in the files of a
//! data folder.
//!
//! They are those of the people whom the tests invent, in their own words and in the national files of
//! `siecle/`: family and given names, mail, telephone, address, national number, and a few secrets. What
//! has fewer than six bytes is not searched for, since sealed bytes hold it by chance; nor are days of
//! birth, since every log is full of days.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use aho_corasick::AhoCorasick;

/// What the tests call people, and say of them.
const SAID: [&str; 32] = [
    "Adèle",
    "Garnier",
    "Lemoine",
    "Muller",
    "Perlorron",
    "Schmitt",
    "Serinétoile",
    "Sophie",
    "Zimmer",
    "Œuvreçaux",
    "@example.org",
    "06 00 00 00 17",
    "06 39 98 00 99",
    "0639980099",
    "33639980099",
    "RUE DES ESSAIS",
    "une angine",
    "TJ Strasbourg 26/11",
    "2026/117",
    "060123456AB",
    "a-token-for-the-tests",
    "brumes-du-83-matins",
    "soirs-du-bord-de-Moder",
    "un préau sous la pluie",
    "the token of ",
    "'s mother",
    "'s father",
    "'s aunt",
    "JAF 26/",
    "de la fièvre",
    "2026-115",
    "<script>alert(1)</script>",
];

/// National files of an invented school.
const FILES: [&str; 3] =
    ["ElevesAvecAdresses.xml", "ResponsablesAvecAdresses.xml", "sts_emp_0549998Z_2026.xml"];

/// Their elements that say who somebody is, or how to reach them.
const ELEMENTS: [&str; 10] = [
    "NOM_DE_FAMILLE",
    "NOM_USAGE",
    "NOM_PATRONYMIQUE",
    "PRENOM",
    "MEL",
    "TEL_PERSONNEL",
    "TEL_PORTABLE",
    "TEL_PROFESSIONNEL",
    "ID_NATIONAL",
    "INE_RNIE",
];

/// The shortest that is searched for.
pub(crate) const BYTES_MIN: usize = 6;

/// The letters of ISO-8859-15 that are others in ISO-8859-1.
const LATIN_9: [(u8, char); 8] = [
    (0xa4, '€'),
    (0xa6, 'Š'),
    (0xa8, 'š'),
    (0xb4, 'Ž'),
    (0xb8, 'ž'),
    (0xbc, 'Œ'),
    (0xbd, 'œ'),
    (0xbe, 'Ÿ'),
];

static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let names = SAID.map(str::to_owned).into_iter().chain(in_files());
    let spelled: BTreeSet<Vec<u8>> = names.flat_map(|name| spellings(&name)).collect();
    AhoCorasick::new(spelled).unwrap_or_else(|error| panic!("the search for names: {error}"))
});

/// The first name that some bytes hold, however it is spelled.
pub(crate) fn first_in(bytes: &[u8]) -> Option<String> {
    let found = SEARCH.find(bytes)?;
    Some(String::from_utf8_lossy(&bytes[found.range()]).into_owned())
}

/// What the national files say of people.
pub(crate) fn in_files() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("siecle");
    let mut said = BTreeSet::new();
    for name in FILES {
        let bytes = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text: String = bytes.into_iter().map(of_latin).collect();
        for line in text.lines() {
            let element = line.trim().strip_prefix('<').and_then(|line| line.split_once('>'));
            if let Some((element, rest)) = element.filter(|(name, _)| ELEMENTS.contains(name)) {
                let value = rest.strip_suffix(&format!("</{element}>"));
                said.extend(value.map(str::to_owned));
            }
        }
    }
    said
}

/// A name as it might be written: in small or capital letters, without accents as in a login, in
/// UTF-8 or in the encoding of the national files.
fn spellings(name: &str) -> BTreeSet<Vec<u8>> {
    let small = name.to_lowercase();
    let (first, rest) = small.split_at(small.chars().next().map_or(0, char::len_utf8));
    let plain = small.chars().map(plain).collect::<String>();
    let spelled = [name.to_owned(), name.to_uppercase(), first.to_uppercase() + rest, small, plain];
    let bytes = spelled.into_iter().flat_map(|text| [to_latin(&text), Some(text.into_bytes())]);
    bytes.flatten().filter(|bytes| bytes.len() >= BYTES_MIN).collect()
}

fn of_latin(byte: u8) -> char {
    let other = LATIN_9.iter().find(|(known, _)| *known == byte);
    other.map_or(char::from(byte), |(_, letter)| *letter)
}

fn to_latin(text: &str) -> Option<Vec<u8>> {
    let byte = |letter: char| {
        let other = LATIN_9.iter().find(|(_, known)| *known == letter);
        other.map_or_else(|| u8::try_from(letter).ok(), |(byte, _)| Some(*byte))
    };
    text.chars().map(byte).collect()
}

fn plain(letter: char) -> String {
    let plain = match letter {
        'à' | 'â' | 'ä' => "a",
        'ç' => "c",
        'é' | 'è' | 'ê' | 'ë' => "e",
        'î' | 'ï' => "i",
        'ô' | 'ö' => "o",
        'ù' | 'û' | 'ü' => "u",
        'œ' => "oe",
        other => return other.to_string(),
    };
    plain.to_owned()
}
