//! What a family is told of an absence: a mail, an SMS, and the page behind the link in both ([`page`]).
//!
//! Told are the child's first name, that the child was absent, when, the school's name and telephone,
//! and the signed link. Nothing else: no reason, no class, no subject, no family name, since a
//! message is read on a locked screen and kept by whoever carries it. A mail's subject does not even
//! say the first name. Who is told, when, and what became of it is not here.

mod cleaning;
pub mod page;
mod septets;

use chrono::NaiveDateTime;
use domain::people::Language;
use fluent_bundle::FluentArgs;

pub use self::septets::Encoding;
use self::{
    cleaning::{cleaned, ends},
    septets::{segments, spelled},
};
use crate::words::{moment, say, say_of, short_moment};

/// The longest name of a child that is written out, in characters; what is longer is no name.
const NAME_MAX: usize = 40;
/// The longest name of a school, in characters.
const SCHOOL_MAX: usize = 80;
/// The longest telephone number, with its spaces.
const TELEPHONE_MAX: usize = 24;
/// What is left at least of a school's name in an SMS, in characters.
const SCHOOL_SHORTEST: usize = 16;

/// Something that a family is told, about one child or about several of a family at once.
pub struct Told<'a> {
    /// The language in which they are written to.
    pub language: Language,
    /// The school's name.
    pub school: &'a str,
    /// Its telephone.
    pub telephone: Option<&'a str>,
    /// Of whom. One at least, or there is nothing to tell.
    pub children: &'a [Child<'a>],
    /// The signed address of the page. It is written as it is: ASCII, and never cut.
    pub link: &'a str,
    /// What is told of them.
    pub purpose: Purpose,
}

/// A child of whom a family is told.
pub struct Child<'a> {
    /// The first name, as used.
    pub first_name: &'a str,
    /// When the absence began, by the school's clock.
    pub since: NaiveDateTime,
}

/// What a family is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The child was not there.
    Absence,
    /// The child was there after all.
    Correction,
}

/// A mail, without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line, without a child's name.
    pub subject: String,
    /// Plain text; lines end with a line feed.
    pub text: String,
}

/// An SMS, without its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sms {
    /// One line, in letters that the encoding has.
    pub text: String,
    /// How a gateway must send it.
    pub encoding: Encoding,
    /// How many parts it is sent, and paid, as.
    pub segments: usize,
}

/// The mail that tells it.
pub fn mail(told: &Told<'_>) -> Mail {
    let language = told.language;
    let school = cleaned(told.school, SCHOOL_MAX);
    let (subject, line, ask) = match told.purpose {
        Purpose::Absence => ("mail-subject", "mail-absent", "mail-ask"),
        Purpose::Correction => ("mail-subject-there", "mail-there", "mail-nothing"),
    };
    let mut things = FluentArgs::new();
    things.set("count", told.children.len());
    things.set("school", school.as_str());
    let subject = say_of(language, subject, &things);
    let mut text = say(language, "mail-hello") + "\n\n";
    for child in told.children {
        let mut things = FluentArgs::new();
        things.set("name", cleaned(child.first_name, NAME_MAX));
        things.set("moment", moment(language, child.since));
        text += &(say_of(language, line, &things) + "\n");
    }
    text += &format!("\n{}\n{}\n\n{school}\n", say(language, ask), told.link);
    if let Some(telephone) = told.telephone {
        let mut things = FluentArgs::new();
        things.set("telephone", cleaned(telephone, TELEPHONE_MAX));
        text += &(say_of(language, "mail-telephone", &things) + "\n");
    }
    Mail { subject, text }
}

/// The SMS that tells it, in as few parts as can be: for that, the school's name is shortened, and
/// nothing else. A correction has no link, since there is nothing to do.
pub fn sms(told: &Told<'_>) -> Sms {
    let encoding = match told.language {
        Language::Arabic | Language::Ukrainian => Encoding::Ucs2,
        Language::French
        | Language::PlainFrench
        | Language::English
        | Language::German
        | Language::Turkish
        | Language::Portuguese => Encoding::Gsm7,
    };
    let who = who(told);
    let written = |school: &str| {
        let text = spelled(&sms_text(told, &who, school), encoding);
        let segments = segments(&text, encoding);
        Sms { text, encoding, segments }
    };
    let school = cleaned(told.school, SCHOOL_MAX);
    let whole = written(&school);
    let shorter = shorter(&school);
    let fewest = shorter.last().map_or(whole.segments, |school| written(school).segments);
    if whole.segments <= fewest {
        return whole;
    }
    let mut shortened = shorter.iter().map(|school| written(school));
    shortened.find(|sms| sms.segments <= fewest).unwrap_or(whole)
}

/// The children with their moments; those of one moment together.
fn who(told: &Told<'_>) -> String {
    let language = told.language;
    let comma = say(language, "sms-comma") + " ";
    let mut moments: Vec<(NaiveDateTime, Vec<String>)> = Vec::new();
    for child in told.children {
        let name = cleaned(child.first_name, NAME_MAX);
        match moments.iter_mut().find(|(since, _)| *since == child.since) {
            Some((_, names)) => names.push(name),
            None => moments.push((child.since, vec![name])),
        }
    }
    let said = moments.into_iter().map(|(since, names)| {
        let mut things = FluentArgs::new();
        things.set("names", names.join(&comma));
        things.set("when", short_moment(language, since));
        say_of(language, "sms-who", &things)
    });
    said.collect::<Vec<_>>().join(&(say(language, "sms-semicolon") + " "))
}

fn sms_text(told: &Told<'_>, who: &str, school: &str) -> String {
    let telephone = told.telephone.map(|telephone| cleaned(telephone, TELEPHONE_MAX));
    let from = telephone.map_or_else(|| school.to_owned(), |number| format!("{school} {number}"));
    let mut things = FluentArgs::new();
    things.set("count", told.children.len());
    things.set("from", from.trim_end_matches('.'));
    things.set("who", who);
    things.set("link", told.link);
    let key = match told.purpose {
        Purpose::Absence => "sms-absent",
        Purpose::Correction => "sms-there",
    };
    say_of(told.language, key, &things)
}

/// A name cut shorter and shorter: first between words, then within one, which a full stop tells.
fn shorter(school: &str) -> Vec<String> {
    let long_enough = |(_, characters): &(usize, usize)| *characters >= SCHOOL_SHORTEST;
    let cuts: Vec<usize> = ends(school).filter(long_enough).map(|(end, _)| end).collect();
    let words = cuts.iter().rev().filter(|cut| school[**cut..].starts_with([' ', '-']));
    let words = words.map(|cut| school[..*cut].trim_end().to_owned());
    let within = cuts.iter().rev().map(|cut| format!("{}.", school[..*cut].trim_end()));
    words.chain(within).collect()
}

#[cfg(test)]
mod tests;
