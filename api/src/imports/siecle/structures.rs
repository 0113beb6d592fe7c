//! `BEE_STRUCTURES`: divisions and groups by themselves.
//!
//! No sample of this file is public and other programs do without it: what is read is what the other
//! files would call the same, wherever it stands. STS tells more.

use std::collections::BTreeSet;

use crate::imports::{
    feed::{Class, ClassKey, Kind},
    fields::Fields,
    notes::Pad,
    problem::{Record, RecordFault},
    xml::{Broken, Element, Xml},
};

/// The elements that are records.
pub(in crate::imports) const RECORDS: [&str; 3] = ["PARAMETRES", "DIVISION", "GROUPE"];

const FIELDS: [&str; 4] = ["CODE_STRUCTURE", "CODE", "LIBELLE_LONG", "LIBELLE_COURT"];

/// The divisions and groups of a file, as far as it is read.
#[derive(Debug, Default)]
pub(in crate::imports) struct StructuresRead {
    classes: Vec<Class>,
    keys: BTreeSet<ClassKey>,
}

impl StructuresRead {
    /// Reads a record.
    pub(in crate::imports) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let kind = if element.name == "GROUPE" { Kind::Group } else { Kind::Division };
        let fields = Fields::read(xml, element, &FIELDS[..2], &FIELDS)?;
        let (line, number) = (fields.line, fields.number(&FIELDS[..1]));
        let class = pad.keep(Record::Class, &number, fields, |place, fields| {
            let other = fields.code("CODE")?;
            let code = match fields.code("CODE_STRUCTURE")?.or(other) {
                Some(code) => code,
                None => return Err(RecordFault::FieldMissing { field: "CODE_STRUCTURE" }),
            };
            let long = fields.text("LIBELLE_LONG")?;
            let label = long.or(fields.text("LIBELLE_COURT")?).map(String::into_boxed_str);
            let label = label.unwrap_or(code.clone());
            let key = ClassKey { kind, code };
            Ok(Class { place, key, label, mefs: Vec::new(), divisions: Vec::new() })
        })?;
        let Some(class) = class else { return Ok(()) };
        if !self.keys.insert(class.key.clone()) {
            return pad.tell(Record::Class, &class.key.code, line, RecordFault::NumberTwice);
        }
        self.classes.push(class);
        Ok(())
    }

    /// The divisions and groups, when all is read.
    pub(in crate::imports) fn finish(self) -> Vec<Class> {
        self.classes
    }
}
