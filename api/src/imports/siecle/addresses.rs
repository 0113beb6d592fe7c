//! Addresses, which students and guardians name by a number, and other ways to reach them.

use std::collections::HashMap;

use domain::people::ContactDetails;

use crate::imports::{
    fields::Fields,
    notes::Pad,
    problem::{Record, RecordFault, Warning},
    xml::{Broken, Element, Xml},
};

const LINES: [&str; 4] = ["LIGNE1_ADRESSE", "LIGNE2_ADRESSE", "LIGNE3_ADRESSE", "LIGNE4_ADRESSE"];

const FIELDS: [&str; 8] = [
    LINES[0],
    LINES[1],
    LINES[2],
    LINES[3],
    "CODE_POSTAL",
    "LIBELLE_POSTAL",
    "COMMUNE_ETRANGERE",
    "LL_PAYS",
];

/// The elements that say how to reach somebody.
pub(super) const CONTACT: [&str; 5] =
    ["TEL_PERSONNEL", "TEL_PORTABLE", "TEL_PROFESSIONNEL", "MEL", "ACCEPTE_SMS"];

/// The addresses of a file, as on an envelope, by their number.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<Box<str>, Box<str>>);

impl Addresses {
    /// Reads an `ADRESSE`.
    pub(super) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let fields = Fields::read(xml, element, &["ADRESSE_ID"], &FIELDS)?;
        let number = fields.number(&["ADRESSE_ID"]);
        let address = pad.keep(Record::Address, &number, fields, |_, fields| {
            Ok((fields.required_code("ADRESSE_ID")?, envelope(fields)?))
        })?;
        self.0.extend(address);
        Ok(())
    }

    /// Whether the file has no address at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a number leads nowhere, although the file tells addresses.
    pub(super) fn lack(&self, number: &str) -> bool {
        !self.is_empty() && !self.0.contains_key(number)
    }

    /// The address of this number.
    pub(super) fn get(&self, number: &str) -> Option<String> {
        self.0.get(number).map(|address| address.to_string())
    }
}

fn envelope(fields: &mut Fields) -> Result<Box<str>, RecordFault> {
    let mut lines = Vec::new();
    for line in LINES {
        lines.extend(fields.text(line)?);
    }
    let post_code = fields.text("CODE_POSTAL")?;
    let town = fields.text("LIBELLE_POSTAL")?;
    let abroad = fields.text("COMMUNE_ETRANGERE")?;
    let post: Vec<String> = post_code.into_iter().chain(town.or(abroad)).collect();
    lines.push(post.join(" "));
    lines.extend(fields.text("LL_PAYS")?.filter(|country| !country.eq_ignore_ascii_case("FRANCE")));
    lines.retain(|line| !line.is_empty());
    Ok(lines.join("\n").into_boxed_str())
}

/// How to reach somebody, but for the address.
pub(super) fn contact(fields: &mut Fields) -> Result<ContactDetails, RecordFault> {
    let at_home = telephone(fields, "TEL_PERSONNEL")?;
    let at_work = telephone(fields, "TEL_PROFESSIONNEL")?;
    let mail = fields.text("MEL")?;
    let written = mail.as_deref().is_none_or(is_mail_address);
    if !written {
        fields.warn(Warning::ContactOdd { field: "MEL" });
    }
    Ok(ContactDetails {
        mail: mail.filter(|_| written),
        mobile: telephone(fields, "TEL_PORTABLE")?,
        telephone: at_home.or(at_work),
        address: None,
        accepts_sms: fields.flag("ACCEPTE_SMS")?.unwrap_or_default(),
        prefers: None,
    })
}

fn telephone(fields: &mut Fields, field: &'static str) -> Result<Option<String>, RecordFault> {
    let Some(number) = fields.text(field)? else { return Ok(None) };
    let dialled = number.chars().all(|char| char.is_ascii_digit() || "+ .()/-".contains(char));
    if !dialled || number.chars().filter(char::is_ascii_digit).count() < 3 {
        fields.warn(Warning::ContactOdd { field });
        return Ok(None);
    }
    Ok(Some(number))
}

/// Something before and after one @, without blanks or what a mail header gives a meaning to.
fn is_mail_address(text: &str) -> bool {
    let unwelcome = |char: char| char.is_whitespace() || "<>()[],;:\\\"".contains(char);
    let parts = text.split_once('@');
    let two = parts
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    two && !text.contains(unwelcome)
}
