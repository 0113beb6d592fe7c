//! `BEE_NOMENCLATURES`: what codes of subjects and of kinds of schooling mean. STS lists them too.

use crate::imports::{
    feed::{Nomenclature, Subject},
    fields::Fields,
    notes::Pad,
    problem::{Record, RecordFault},
    xml::{Broken, Element, Xml},
};

/// The elements that are records.
pub(in crate::imports) const RECORDS: [&str; 3] = ["PARAMETRES", "MATIERE", "MEF"];

const LABELS: [&str; 5] =
    ["CODE_GESTION", "FORMATION", "LIBELLE_COURT", "LIBELLE_LONG", "LIBELLE_EDITION"];

impl Nomenclature {
    /// Reads a record: codes stand in `CODE_MATIERE` and `CODE_MEF`, or in `CODE` in STS.
    pub(in crate::imports) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        match element.name.as_str() {
            "MATIERE" => self.take_subject(xml, element, pad),
            "MEF" => self.take_mef(xml, element, pad),
            _ => Ok(()),
        }
    }

    fn take_subject(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let code = code_in(element, "CODE_MATIERE");
        let fields = Fields::read(xml, element, &[code], &LABELS)?;
        let number = fields.number(&[code]);
        let subject = pad.keep(Record::Subject, &number, fields, |place, fields| {
            let code = fields.required_code(code)?;
            let short = label(fields, &["CODE_GESTION", "LIBELLE_COURT"])?;
            let long = label(fields, &["LIBELLE_EDITION", "LIBELLE_LONG", "LIBELLE_COURT"])?;
            let short = short.or(long.clone()).unwrap_or(code.clone());
            let long = long.unwrap_or(short.clone());
            Ok((code, Subject { place, short, long }))
        })?;
        self.subjects.extend(subject);
        Ok(())
    }

    fn take_mef(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let code = code_in(element, "CODE_MEF");
        let fields = Fields::read(xml, element, &[code], &LABELS)?;
        let number = fields.number(&[code]);
        let mef = pad.keep(Record::Mef, &number, fields, |_, fields| {
            let code = fields.required_code(code)?;
            let label = label(fields, &["LIBELLE_EDITION", "LIBELLE_LONG", "FORMATION"])?;
            Ok((code.clone(), label.unwrap_or(code)))
        })?;
        self.mefs.extend(mef);
        Ok(())
    }
}

/// The attribute that holds the code.
fn code_in(element: &Element, of_siecle: &'static str) -> &'static str {
    if element.attribute("CODE").is_some() { "CODE" } else { of_siecle }
}

/// The first of these labels that the file has.
fn label(fields: &mut Fields, names: &[&'static str]) -> Result<Option<Box<str>>, RecordFault> {
    for name in names {
        if let Some(label) = fields.text(name)? {
            return Ok(Some(label.into_boxed_str()));
        }
    }
    Ok(None)
}
