//! `BEE_ELEVES`: students, when they come and go, their divisions and groups.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::addresses::{Addresses, CONTACT, contact};
use crate::imports::{
    feed::{ClassKey, Kind, Place, Status, Student, Students},
    fields::Fields,
    notes::Pad,
    problem::{Record, RecordFault, Warning},
    xml::{Broken, Element, Xml},
};

/// The elements that are records.
pub(in crate::imports) const RECORDS: [&str; 4] =
    ["PARAMETRES", "ELEVE", "STRUCTURES_ELEVE", "ADRESSE"];

const FIELDS: [&str; 14] = [
    "INE_RNIE",
    "ID_NATIONAL",
    "INE_BEA",
    "NOM_DE_FAMILLE",
    "NOM",
    "NOM_USAGE",
    "PRENOM",
    "DATE_NAISS",
    "DATE_ENTREE",
    "DATE_SORTIE",
    "CODE_STATUT",
    "CODE_MEF",
    "ADRESSE_ID",
    "ELENOET",
];

/// The students of a file, as far as it is read.
#[derive(Debug, Default)]
pub(in crate::imports) struct StudentsRead {
    #[expect(clippy::vec_box, reason = "see Students")]
    people: Vec<Box<Student>>,
    at: HashMap<Box<str>, usize>,
    national_numbers: HashSet<Box<str>>,
    addresses: Addresses,
}

impl StudentsRead {
    /// Reads a record.
    pub(in crate::imports) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        match element.name.as_str() {
            "ELEVE" => self.take_student(xml, element, pad),
            "STRUCTURES_ELEVE" => self.take_classes(xml, element, pad),
            "ADRESSE" => self.addresses.take(xml, element, pad),
            _ => Ok(()),
        }
    }

    fn take_student(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let mut fields = Fields::of(element, &["ELEVE_ID"]);
        while let Some(child) = xml.next_in(element)? {
            fields.take(xml, &child, &FIELDS)?;
            fields.take(xml, &child, &CONTACT)?;
        }
        let number = fields.number(&["ELEVE_ID"]);
        let line = fields.line;
        let Some(student) = pad.keep(Record::Student, &number, fields, student)? else {
            return Ok(());
        };
        if self.at.contains_key(&number) || pad.is_refused(Record::Student, &number) {
            return pad.tell(Record::Student, &number, line, RecordFault::NumberTwice);
        }
        if let Some(ine) = &student.ine
            && !self.national_numbers.insert(ine.clone())
        {
            return pad.refuse(Record::Student, &number, line, RecordFault::NationalNumberTwice);
        }
        self.at.insert(number, self.people.len());
        self.people.push(Box::new(student));
        Ok(())
    }

    fn take_classes(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let number = Fields::of(element, &["ELEVE_ID"]).number(&["ELEVE_ID"]);
        let mut classes = BTreeSet::new();
        while let Some(child) = xml.next_in(element)? {
            if child.name != "STRUCTURE" {
                continue;
            }
            let fields = Fields::read(xml, &child, &[], &["CODE_STRUCTURE", "TYPE_STRUCTURE"])?;
            let class = pad.keep(Record::Student, &number, fields, |_, fields| class(fields))?;
            classes.extend(class.flatten());
        }
        match self.at.get(&number) {
            Some(at) => self.people[*at].classes.extend(classes),
            None if pad.is_refused(Record::Student, &number) => {}
            None => pad.tell(Record::Student, &number, element.line, Warning::StudentUnknown)?,
        }
        Ok(())
    }

    /// The students, when all is read.
    pub(in crate::imports) fn finish(self, pad: &mut Pad<'_>) -> Result<Students, Broken> {
        let Self { mut people, addresses, .. } = self;
        people.retain(|student| !pad.is_refused(Record::Student, &student.number));
        for student in &mut people {
            student.classes.sort_unstable();
            student.classes.dedup();
            let Some(number) = student.address.as_deref() else { continue };
            if addresses.lack(number) {
                let line = student.place.line;
                pad.tell(Record::Student, &student.number, line, Warning::AddressUnknown)?;
            }
            student.details.address = addresses.get(number);
        }
        people.shrink_to_fit();
        Ok(Students { people, with_addresses: !addresses.is_empty() })
    }
}

fn student(place: Place, fields: &mut Fields) -> Result<Student, RecordFault> {
    let number = fields.required_code("ELEVE_ID")?;
    let name = fields.name(&["NOM_DE_FAMILLE", "NOM"], "PRENOM")?;
    if name.given.is_empty() {
        return Err(RecordFault::FieldMissing { field: "PRENOM" });
    }
    let birth_date = fields.date("DATE_NAISS")?;
    if birth_date.is_none() {
        fields.warn(Warning::BirthDateMissing);
    }
    Ok(Student {
        place,
        number,
        ine: national_number(fields)?,
        name,
        birth_date,
        details: contact(fields)?,
        address: fields.code("ADRESSE_ID")?,
        enters: fields.date("DATE_ENTREE")?,
        leaves: fields.date("DATE_SORTIE")?,
        status: match fields.code("CODE_STATUT")?.as_deref() {
            None | Some("ST") => Status::Schooling,
            Some("AP") => Status::Apprentice,
            Some(_) => Status::Other,
        },
        mef: fields.code("CODE_MEF")?,
        classes: Vec::new(),
    })
}

/// The INE, under the newest of its names: nine digits and two letters, or ten and one in older bases.
fn national_number(fields: &mut Fields) -> Result<Option<Box<str>>, RecordFault> {
    let mut number = None;
    for field in ["INE_RNIE", "ID_NATIONAL", "INE_BEA"] {
        let value = fields.code(field)?;
        number = number.or(value);
    }
    let Some(number) = number else { return Ok(None) };
    if number.len() == 11 && number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Some(number.to_ascii_uppercase().into_boxed_str()));
    }
    fields.warn(Warning::NationalNumberOdd);
    Ok(None)
}

/// A division or group; none for the one that leavers are put in.
fn class(fields: &mut Fields) -> Result<Option<ClassKey>, RecordFault> {
    let code = fields.required_code("CODE_STRUCTURE")?;
    let kind = match &*fields.required_code("TYPE_STRUCTURE")? {
        "D" => Kind::Division,
        "G" => Kind::Group,
        _ => return Err(RecordFault::CodeUnknown { field: "TYPE_STRUCTURE" }),
    };
    let inactive = code.eq_ignore_ascii_case("Inactifs");
    Ok((!inactive).then_some(ClassKey { kind, code }))
}
