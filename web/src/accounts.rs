//! Letters that bring people the code of their account: one a page, to be printed, folded and handed
//! over. In French: which language a family reads is looked at when letters are translated.

use askama::Template;
use chrono::NaiveDate;

use crate::french;

/// The style of the letters. It stands in the page, which must be whole when it is kept as a file;
/// whoever sends the page allows this text, by its digest, and nothing else.
pub const STYLE: &str = include_str!("../templates/letters.css");

/// All letters of a class, or of the staff.
#[derive(Template)]
#[template(path = "letters.html")]
pub struct Letters {
    /// The school that writes.
    pub school: String,
    /// Where people sign in, if the server knows its own address.
    pub address: Option<String>,
    /// One page each, in this order.
    pub letters: Vec<Letter>,
}

/// A letter.
pub struct Letter {
    /// To whom.
    pub name: String,
    /// The student who carries it home, if it is not for them.
    pub care_of: Option<String>,
    /// What its reader is told of.
    pub reader: Reader,
    /// The name that they sign in with.
    pub login: String,
    /// The code, good once.
    pub code: String,
    /// The last day that it is good.
    pub last_day: NaiveDate,
}

/// What somebody is in the school.
pub enum Reader {
    /// Learns there.
    Student,
    /// Answers for these students.
    Guardian(Vec<String>),
    /// Works there.
    Staff,
}

impl Letters {
    /// The page.
    ///
    /// # Errors
    /// None: a page is written into memory, and its template has no filter that fails.
    pub fn page(&self) -> askama::Result<String> {
        self.render()
    }
}

impl Letter {
    /// Until when the code is good, as it is written in French: `1er décembre 2026`.
    fn until(&self) -> String {
        french::day(&self.last_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_what_to_type_and_until_when() {
        let page = page("Salma Perlorron", Reader::Guardian(vec!["Léa".into(), "Noé".into()]));
        for said in [
            "<bdi>Salma Perlorron</bdi>",
            "<bdi>Léa</bdi>, <bdi>Noé</bdi>\n",
            "<dd>salma.perlorron</dd>",
            "<dd>7K3M-0QXB-W9TD</dd>",
            "1er décembre 2026",
        ] {
            assert!(page.contains(said), "{said} is not in {page}");
        }
    }

    #[test]
    fn a_name_is_only_ever_a_name() {
        let page = page("<script>alert(1)</script>", Reader::Guardian(vec!["\"><img>".into()]));
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    }

    #[test]
    fn where_everybody_has_an_account_there_is_nothing_to_print() {
        let letters = Letters { school: "Tilleuls".into(), address: None, letters: vec![] };
        assert!(letters.page().unwrap().contains("Aucun courrier"));
    }

    fn page(name: &str, reader: Reader) -> String {
        let letter = Letter {
            name: name.to_owned(),
            care_of: None,
            reader,
            login: "salma.perlorron".to_owned(),
            code: "7K3M-0QXB-W9TD".to_owned(),
            last_day: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
        };
        let school = "Collège des Tilleuls".to_owned();
        Letters { school, address: None, letters: vec![letter] }.page().unwrap()
    }
}
