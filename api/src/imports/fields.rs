//! The values of one record: trimmed, bounded, and read as what they should be.
//!
//! Blanks within a value become one space. Characters that nobody sees (zero-width, those that turn
//! the direction of writing, controls) are taken out with a warning: they make two people of one.

use chrono::{NaiveDate, NaiveTime};
use domain::people::Name;

use super::{
    problem::{RecordFault, Warning},
    xml::{Broken, Element, Xml},
};

/// Names, labels and lines of an address are shorter.
const TEXT_MAX_CHARS: usize = 200;

/// Numbers and codes are shorter.
const CODE_MAX_CHARS: usize = 40;

/// Years that dates of a school can have.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;

/// The values of one record, by the element or attribute they stand in.
#[derive(Debug)]
pub(super) struct Fields {
    /// The line of the record.
    pub(super) line: u32,
    values: Vec<(&'static str, String)>,
    twice: Option<&'static str>,
    warnings: Vec<Warning>,
}

impl Fields {
    /// The attributes of these names.
    pub(super) fn of(element: &Element, attributes: &[&'static str]) -> Self {
        let mut fields =
            Self { line: element.line, values: Vec::new(), twice: None, warnings: Vec::new() };
        for name in attributes {
            if let Some(value) = element.attribute(name) {
                fields.add(name, value);
            }
        }
        fields
    }

    /// The attributes and the elements of these names, all directly in `element`.
    pub(super) fn read(
        xml: &mut Xml<'_>,
        element: &Element,
        attributes: &[&'static str],
        elements: &[&'static str],
    ) -> Result<Self, Broken> {
        let mut fields = Self::of(element, attributes);
        while let Some(child) = xml.next_in(element)? {
            fields.take(xml, &child, elements)?;
        }
        Ok(fields)
    }

    /// The text of `child`, if its name is one of these.
    pub(super) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        child: &Element,
        elements: &[&'static str],
    ) -> Result<(), Broken> {
        if let Some(name) = elements.iter().find(|name| **name == child.name) {
            self.add(name, &xml.text_of(child)?);
        }
        Ok(())
    }

    /// Adds a value, as it stands in the file.
    pub(super) fn add(&mut self, name: &'static str, raw: &str) {
        let (value, invisible) = clean(raw);
        if invisible {
            self.warn(Warning::InvisibleRemoved { field: name });
        }
        match self.get(name) {
            _ if value.is_empty() => {}
            None => self.values.push((name, value)),
            Some(known) if known == value => {}
            Some(_) => self.twice = Some(name),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// What the record is called in a report: these values, or a question mark.
    pub(super) fn number(&self, names: &[&str]) -> Box<str> {
        let short = |name: &&str| {
            self.get(name).filter(|value| value.chars().count() <= CODE_MAX_CHARS).unwrap_or("?")
        };
        names.iter().map(short).collect::<Vec<_>>().join("/").into_boxed_str()
    }

    /// An error if something is said twice.
    pub(super) fn said_once(&self) -> Result<(), RecordFault> {
        self.twice.map_or(Ok(()), |field| Err(RecordFault::FieldTwice { field }))
    }

    /// Says, once, that somebody should look.
    pub(super) fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// What somebody should look at.
    pub(super) fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// About how much memory the values take.
    pub(super) fn weight_bytes(&self) -> usize {
        self.values.iter().map(|(_, value)| value.len() + 16).sum()
    }

    /// A text, if there is one.
    pub(super) fn text(&mut self, field: &'static str) -> Result<Option<String>, RecordFault> {
        self.at_most(field, TEXT_MAX_CHARS)
    }

    /// A number or a code, if there is one.
    pub(super) fn code(&mut self, field: &'static str) -> Result<Option<Box<str>>, RecordFault> {
        Ok(self.at_most(field, CODE_MAX_CHARS)?.map(String::into_boxed_str))
    }

    /// A number or a code that must be there.
    pub(super) fn required_code(&mut self, field: &'static str) -> Result<Box<str>, RecordFault> {
        self.code(field)?.ok_or(RecordFault::FieldMissing { field })
    }

    fn at_most(
        &mut self,
        field: &'static str,
        chars: usize,
    ) -> Result<Option<String>, RecordFault> {
        let Some(at) = self.values.iter().position(|(known, _)| *known == field) else {
            return Ok(None);
        };
        if self.values[at].1.chars().count() > chars {
            return Err(RecordFault::FieldTooLong { field });
        }
        Ok(Some(std::mem::take(&mut self.values[at].1)).filter(|value| !value.is_empty()))
    }

    /// A day, if there is one.
    pub(super) fn date(&mut self, field: &'static str) -> Result<Option<NaiveDate>, RecordFault> {
        let Some(text) = self.code(field)? else { return Ok(None) };
        day(&text).map(Some).ok_or(RecordFault::DateImpossible { field })
    }

    /// A time of day, or a length, as four digits: 0830.
    pub(super) fn time(&mut self, field: &'static str) -> Result<NaiveTime, RecordFault> {
        let text = self.required_code(field)?;
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let parts = if digits { text[..2].parse().ok().zip(text[2..].parse().ok()) } else { None };
        parts
            .and_then(|(hours, minutes)| NaiveTime::from_hms_opt(hours, minutes, 0))
            .ok_or(RecordFault::TimeImpossible { field })
    }

    /// Yes or no, if it is said.
    pub(super) fn flag(&mut self, field: &'static str) -> Result<Option<bool>, RecordFault> {
        match self.code(field)?.as_deref() {
            None => Ok(None),
            Some("1" | "true" | "O") => Ok(Some(true)),
            Some("0" | "false" | "N") => Ok(Some(false)),
            Some(_) => Err(RecordFault::CodeUnknown { field }),
        }
    }

    /// Names: `family` is the name of birth, and the name in use stands in for it if need be.
    pub(super) fn name(
        &mut self,
        family: &[&'static str],
        given: &'static str,
    ) -> Result<Name, RecordFault> {
        let usage = self.text("NOM_USAGE")?;
        let mut birth = None;
        for field in family {
            let value = self.text(field)?;
            birth = birth.or(value);
        }
        let given = self.text(given)?.unwrap_or_default();
        match (birth, usage) {
            (None, None) => Err(RecordFault::FieldMissing { field: family[0] }),
            (Some(family), None) | (None, Some(family)) => Ok(Name { family, given, usage: None }),
            (Some(family), Some(usage)) => {
                let same = family.to_lowercase() == usage.to_lowercase();
                Ok(Name { family, given, usage: (!same).then_some(usage) })
            }
        }
    }
}

/// A day as SIECLE writes it, 31/08/2026, or as STS does, 2026-08-31.
fn day(text: &str) -> Option<NaiveDate> {
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (year, month, day) = match text.as_bytes() {
        [_, _, b'/', _, _, b'/', _, _, _, _] => (number(6..10)?, number(3..5)?, number(0..2)?),
        [_, _, _, _, b'-', _, _, b'-', _, _] => (number(0..4)?, number(5..7)?, number(8..10)?),
        _ => return None,
    };
    let year = i32::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// A value without what surrounds it and what nobody sees, and whether there was any of the latter.
fn clean(raw: &str) -> (String, bool) {
    let invisible = raw.chars().any(is_invisible);
    let seen = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if invisible {
        let visible: String = raw.chars().filter(|char| !is_invisible(*char)).collect();
        (seen(&visible), true)
    } else {
        (seen(raw), false)
    }
}

/// Controls, zero-width characters and those that turn the direction of writing.
fn is_invisible(char: char) -> bool {
    char.is_control() && !char.is_whitespace()
        || matches!(
            char,
            '\u{AD}'
                | '\u{61C}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_two_ways_and_no_other() {
        let expected = NaiveDate::from_ymd_opt(2026, 8, 31);
        assert_eq!(day("31/08/2026"), expected);
        assert_eq!(day("2026-08-31"), expected);
        for wrong in
            ["31/08/26", "2026-8-31", "30/02/2026", "31/08/0026", "+1/08/2026", "é/08/2026"]
        {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_nobody_sees_is_taken_out_of_a_value() {
        assert_eq!(clean("\n   JEAN\u{A0} \t PAUL \n"), ("JEAN PAUL".to_owned(), false));
        assert_eq!(clean("MA\u{200B}RIE\u{202E}"), ("MARIE".to_owned(), true));
        assert_eq!(clean("D'Œuvray-Çelik"), ("D'Œuvray-Çelik".to_owned(), false));
    }
}
