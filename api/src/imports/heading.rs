//! The head of every national file: of which school and which year it is.

use chrono::NaiveDate;
use domain::{SchoolYear, Uai};

use super::{
    feed::SchoolSheet,
    fields::Fields,
    notes::Pad,
    problem::{FileFault, RecordFault, Warning},
    xml::{Broken, Element, Xml},
};

const SCHOOL: [&str; 5] = ["SIGLE", "DENOM_PRINC", "DENOM_COMPL", "COMMUNE", "CODE_POSTAL"];
const YEAR: [&str; 2] = ["DATE_DEBUT", "DATE_FIN"];

/// Calendar years in which a school year may begin.
const YEARS: std::ops::RangeInclusive<u16> = 2000..=2100;

/// What `PARAMETRES` says.
#[derive(Debug)]
pub(super) struct Heading {
    /// The school.
    pub(super) school: Uai,
    /// The school year.
    pub(super) year: SchoolYear,
    /// The day that the file was exported on, if it says so.
    pub(super) exported_on: Option<NaiveDate>,
    /// What STS says of the school besides.
    pub(super) sheet: SchoolSheet,
}

impl Heading {
    /// Reads `PARAMETRES`. School and year are texts in SIECLE, and attributes in STS.
    pub(super) fn read(
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<Self, Broken> {
        let (mut school, mut year, mut exported_on) = (None, None, None);
        let mut sheet = SchoolSheet::default();
        while let Some(child) = xml.next_in(element)? {
            match child.name.as_str() {
                "UAJ" => {
                    let (number, mut fields) = numbered(xml, &child, "CODE", &SCHOOL)?;
                    school = number.trim().parse::<Uai>().ok();
                    describe(&mut sheet, &mut fields)
                        .unwrap_or_else(|fault| pad.tell_of_file(child.line, fault));
                }
                "ANNEE_SCOLAIRE" => {
                    let (number, mut fields) = numbered(xml, &child, "ANNEE", &YEAR)?;
                    year = number.trim().parse().ok().filter(|year| YEARS.contains(year));
                    for (day, field) in
                        [(&mut sheet.first_day, YEAR[0]), (&mut sheet.last_day, YEAR[1])]
                    {
                        *day = fields.date(field).unwrap_or_else(|fault| {
                            pad.tell_of_file(child.line, fault);
                            None
                        });
                    }
                }
                "DATE_EXPORT" => {
                    let mut fields = Fields::of(&child, &[]);
                    fields.take(xml, &child, &["DATE_EXPORT"])?;
                    exported_on = fields.date("DATE_EXPORT").unwrap_or_else(|fault| {
                        pad.tell_of_file(child.line, fault);
                        None
                    });
                }
                _ => {}
            }
        }
        let school = school.ok_or_else(|| element.broken(FileFault::SchoolMissing))?;
        let year = year.map(SchoolYear).ok_or_else(|| element.broken(FileFault::YearMissing))?;
        if !school.letter_agrees() {
            pad.tell_of_file(element.line, Warning::LetterDisagrees);
        }
        Ok(Self { school, year, exported_on, sheet })
    }

    /// Whether the week of this Monday has a day in the school year.
    pub(super) fn touches(&self, monday: NaiveDate) -> bool {
        let sunday = monday.week(chrono::Weekday::Mon).last_day();
        [monday, sunday].iter().any(|day| SchoolYear::containing(*day) == self.year)
    }
}

/// What an attribute says, or the text where there is no such attribute; and the fields inside.
fn numbered(
    xml: &mut Xml<'_>,
    element: &Element,
    attribute: &str,
    elements: &[&'static str],
) -> Result<(String, Fields), Broken> {
    match element.attribute(attribute) {
        Some(number) => Ok((number.to_owned(), Fields::read(xml, element, &[], elements)?)),
        None => Ok((xml.text_of(element)?, Fields::of(element, &[]))),
    }
}

fn describe(sheet: &mut SchoolSheet, fields: &mut Fields) -> Result<(), RecordFault> {
    let mut name = Vec::new();
    for part in [fields.text("DENOM_PRINC")?, fields.text("DENOM_COMPL")?] {
        name.extend(part);
    }
    let short = fields.text("SIGLE")?;
    sheet.name = if name.is_empty() { short.unwrap_or_default() } else { name.join(" ") };
    sheet.town = fields.text("COMMUNE")?;
    sheet.post_code = fields.text("CODE_POSTAL")?;
    sheet.department = sheet.post_code.as_deref().and_then(department);
    Ok(())
}

/// The département of a postal code: its first two digits, or three overseas; Corsica has two.
fn department(post_code: &str) -> Option<String> {
    if post_code.len() != 5 || !post_code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match &post_code[..3] {
        "200" | "201" => "2A".to_owned(),
        "202" | "206" => "2B".to_owned(),
        overseas if overseas.starts_with("97") || overseas.starts_with("98") => overseas.to_owned(),
        mainland => mainland[..2].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postal_code_begins_with_its_department() {
        let expected = [("54000", "54"), ("20090", "2A"), ("20200", "2B"), ("97410", "974")];
        for (post_code, found) in expected {
            assert_eq!(department(post_code).as_deref(), Some(found));
        }
        assert_eq!(department("CEDEX"), None);
    }
}
