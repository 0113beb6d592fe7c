//! `BEE_RESPONSABLES`: who answers for students, in the coding of the file, old or new.
//!
//! Links are coded 1 to 7 in older files and 10 to 90 since; levels `RESP_LEGAL` in older files and
//! `NIVEAU_RESPONSABILITE` since. The two never share a code, so that no version need be guessed.

use std::collections::HashSet;

use domain::families::{Authority, Link};

use super::addresses::{Addresses, CONTACT, contact};
use crate::imports::{
    feed::{Guardian, GuardianLink, Guardians, Place, Title},
    fields::Fields,
    heading::Heading,
    notes::Pad,
    problem::{Record, RecordFault, Warning},
    xml::{Broken, Element, Xml},
};

/// The elements that are records.
pub(in crate::imports) const RECORDS: [&str; 4] =
    ["PARAMETRES", "PERSONNE", "RESPONSABLE_ELEVE", "ADRESSE"];

const PERSON: [&str; 7] =
    ["LC_CIVILITE", "LL_CIVILITE", "NOM_DE_FAMILLE", "NOM", "NOM_USAGE", "PRENOM", "ADRESSE_ID"];

const LINK: [&str; 8] = [
    "ELEVE_ID",
    "PERSONNE_ID",
    "NIVEAU_RESPONSABILITE",
    "RESP_LEGAL",
    "CODE_PARENTE",
    "HEBERGE_ELEVE",
    "A_CONTACTER_EN_PRIORITE",
    "PERS_CONTACT",
];

/// The guardians of a file, as far as it is read.
#[derive(Debug, Default)]
pub(in crate::imports) struct GuardiansRead {
    #[expect(clippy::vec_box, reason = "see Guardians")]
    people: Vec<Box<Guardian>>,
    numbers: HashSet<Box<str>>,
    links: Vec<GuardianLink>,
    linked: HashSet<Box<str>>,
    addresses: Addresses,
}

impl GuardiansRead {
    /// Reads a record.
    pub(in crate::imports) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        match element.name.as_str() {
            "PERSONNE" => self.take_person(xml, element, pad),
            "RESPONSABLE_ELEVE" => self.take_link(xml, element, pad),
            "ADRESSE" => self.addresses.take(xml, element, pad),
            _ => Ok(()),
        }
    }

    fn take_person(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let mut fields = Fields::of(element, &["PERSONNE_ID"]);
        while let Some(child) = xml.next_in(element)? {
            fields.take(xml, &child, &PERSON)?;
            fields.take(xml, &child, &CONTACT)?;
        }
        let number = fields.number(&["PERSONNE_ID"]);
        let line = fields.line;
        let Some(person) = pad.keep(Record::Guardian, &number, fields, guardian)? else {
            return Ok(());
        };
        if pad.is_refused(Record::Guardian, &number) || !self.numbers.insert(number.clone()) {
            return pad.tell(Record::Guardian, &number, line, RecordFault::NumberTwice);
        }
        self.people.push(Box::new(person));
        Ok(())
    }

    fn take_link(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let fields = Fields::read(xml, element, &[], &LINK)?;
        let number = fields.number(&["ELEVE_ID", "PERSONNE_ID"]);
        let line = fields.line;
        let Some(link) = pad.keep(Record::Link, &number, fields, link)? else { return Ok(()) };
        if pad.is_refused(Record::Link, &number) || !self.linked.insert(number.clone()) {
            return pad.tell(Record::Link, &number, line, RecordFault::NumberTwice);
        }
        self.links.push(link);
        Ok(())
    }

    /// The guardians, when all is read.
    pub(in crate::imports) fn finish(
        self,
        heading: &Heading,
        pad: &mut Pad<'_>,
    ) -> Result<Guardians, Broken> {
        let Self { mut people, numbers, links: read, linked, addresses } = self;
        drop(linked);
        let mut links = Vec::with_capacity(read.len());
        for link in read {
            if numbers.contains(&link.guardian) {
                links.push(link);
            } else if !pad.is_refused(Record::Guardian, &link.guardian) {
                let number = format!("{}/{}", link.student, link.guardian);
                pad.refuse(Record::Link, &number, link.place.line, RecordFault::GuardianUnknown)?;
            }
        }
        for person in &mut people {
            let Some(number) = person.address.as_deref() else { continue };
            if addresses.lack(number) {
                let line = person.place.line;
                pad.tell(Record::Guardian, &person.number, line, Warning::AddressUnknown)?;
            }
            person.details.address = addresses.get(number);
        }
        people.shrink_to_fit();
        let (with_addresses, exported_on) = (!addresses.is_empty(), heading.exported_on);
        Ok(Guardians { people, links, with_addresses, exported_on })
    }
}

fn guardian(place: Place, fields: &mut Fields) -> Result<Guardian, RecordFault> {
    let number = fields.required_code("PERSONNE_ID")?;
    let short = fields.code("LC_CIVILITE")?;
    let title = short.or(fields.code("LL_CIVILITE")?).and_then(|title| title_of(&title));
    let name = fields.name(&["NOM_DE_FAMILLE", "NOM"], "PRENOM")?;
    if title.is_some() && name.given.is_empty() {
        return Err(RecordFault::FieldMissing { field: "PRENOM" });
    }
    let (details, address) = (contact(fields)?, fields.code("ADRESSE_ID")?);
    Ok(Guardian { place, number, title, name, details, address })
}

/// A title, short or long; a service has none.
fn title_of(text: &str) -> Option<Title> {
    match text.trim_end_matches('.').to_uppercase().as_str() {
        "M" | "MR" | "MONSIEUR" => Some(Title::Monsieur),
        "MME" | "MLLE" | "MADAME" | "MADEMOISELLE" => Some(Title::Madame),
        _ => None,
    }
}

fn link(place: Place, fields: &mut Fields) -> Result<GuardianLink, RecordFault> {
    let legal = fields.code("RESP_LEGAL")?;
    let first = fields.flag("A_CONTACTER_EN_PRIORITE")?;
    let contact_first = first.or(fields.flag("PERS_CONTACT")?).unwrap_or_default();
    Ok(GuardianLink {
        place,
        student: fields.required_code("ELEVE_ID")?,
        guardian: fields.required_code("PERSONNE_ID")?,
        link: link_of(&fields.required_code("CODE_PARENTE")?)?,
        authority: match fields.code("NIVEAU_RESPONSABILITE")? {
            Some(level) => authority_of(&level)?,
            None => older_authority_of(legal.as_deref())?,
        },
        legal_order: match legal.as_deref() {
            Some("1") => Some(1),
            Some("2") => Some(2),
            Some(_) | None => None,
        },
        hosts: fields.flag("HEBERGE_ELEVE")?,
        contact_first,
    })
}

/// What a guardian is to a student: 10 to 90, and 1 to 7 in older files, of which 3 to 7 are as other
/// programs read them: no text that says so could be found (to confirm).
fn link_of(code: &str) -> Result<Link, RecordFault> {
    Ok(match code {
        "10" | "2" => Link::Mother,
        "20" | "1" => Link::Father,
        "37" => Link::Sibling,
        "38" => Link::Ascendant,
        "39" | "4" => Link::OtherFamily,
        "41" => Link::Educator,
        "42" => Link::FosterCarer,
        "43" => Link::Childminder,
        "50" | "3" => Link::Tutor,
        "51" | "5" => Link::ChildWelfare,
        "70" | "7" => Link::OwnResponsible,
        "90" | "6" => Link::Other,
        _ => return Err(RecordFault::CodeUnknown { field: "CODE_PARENTE" }),
    })
}

/// Level 1 exercises authority, 2 has the student in charge, 3 is to be reached.
fn authority_of(level: &str) -> Result<Authority, RecordFault> {
    match level {
        "1" => Ok(Authority::Exercised),
        "2" => Ok(Authority::InCharge),
        "3" => Ok(Authority::Contact),
        _ => Err(RecordFault::CodeUnknown { field: "NIVEAU_RESPONSABILITE" }),
    }
}

/// In older files 1 and 2 are the two legal representatives. Who is neither may be reached, even if
/// they pay: the file does not say that the student is in their charge.
fn older_authority_of(legal: Option<&str>) -> Result<Authority, RecordFault> {
    match legal {
        Some("1" | "2") => Ok(Authority::Exercised),
        Some("0") => Ok(Authority::Contact),
        Some(_) => Err(RecordFault::CodeUnknown { field: "RESP_LEGAL" }),
        None => Err(RecordFault::FieldMissing { field: "NIVEAU_RESPONSABILITE" }),
    }
}
