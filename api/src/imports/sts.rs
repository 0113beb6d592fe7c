//! `STS_EDT` (`sts_emp_…`): the school, its staff, its divisions and groups, and who teaches what.
//!
//! Dates are of the form 2026-08-31. Hours of service, grades and posts are read over: they are the
//! business of the staff office.

use std::collections::BTreeSet;

use domain::people::Function;

use super::{
    feed::{
        Class, ClassKey, Kind, Nomenclature, Place, SchoolSheet, Service, Staff, StaffKey,
        StaffSource, Staffing, Title,
    },
    fields::Fields,
    notes::Pad,
    problem::{Record, RecordFault, Warning},
    xml::{Broken, Element, Xml},
};

/// The elements that are records.
pub(super) const RECORDS: [&str; 6] =
    ["PARAMETRES", "MATIERE", "MEF", "INDIVIDU", "DIVISION", "GROUPE"];

const PERSON: [&str; 7] =
    ["SEXE", "CIVILITE", "NOM_USAGE", "NOM_PATRONYMIQUE", "PRENOM", "DATE_NAISSANCE", "FONCTION"];

/// What names a member of staff.
pub(super) const KEY: [&str; 2] = ["TYPE", "ID"];

/// What names a service in a class.
pub(super) const SERVICE: [&str; 2] = ["CODE_MATIERE", "CODE_MOD_COURS"];

/// The staffing of a file, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct StaffingRead {
    staff: Vec<Staff>,
    keys: BTreeSet<StaffKey>,
    nomenclature: Nomenclature,
    classes: Vec<Class>,
    class_keys: BTreeSet<ClassKey>,
    services: Vec<Service>,
}

impl StaffingRead {
    /// Reads a record.
    pub(super) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        match element.name.as_str() {
            "INDIVIDU" => self.take_person(xml, element, pad),
            "DIVISION" => self.take_class(Kind::Division, xml, element, pad),
            "GROUPE" => self.take_class(Kind::Group, xml, element, pad),
            _ => self.nomenclature.take(xml, element, pad),
        }
    }

    fn take_person(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let mut fields = Fields::of(element, &KEY);
        let mut main_teacher_of = BTreeSet::new();
        while let Some(child) = xml.next_in(element)? {
            if child.name == "PROFS_PRINC" {
                let codes = codes_in(xml, &child, "PROF_PRINC", "CODE_STRUCTURE", pad)?;
                main_teacher_of.extend(codes);
            } else {
                fields.take(xml, &child, &PERSON)?;
            }
        }
        let (line, number) = (fields.line, fields.number(&KEY));
        let person = pad.keep(Record::Staff, &number, fields, |place, fields| {
            person(place, fields, main_teacher_of)
        })?;
        let Some(person) = person else { return Ok(()) };
        if pad.is_refused(Record::Staff, &number) || !self.keys.insert(person.key.clone()) {
            return pad.tell(Record::Staff, &number, line, RecordFault::NumberTwice);
        }
        self.staff.push(person);
        Ok(())
    }

    fn take_class(
        &mut self,
        kind: Kind,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let mut fields = Fields::of(element, &["CODE"]);
        let number = fields.number(&["CODE"]);
        let key = ClassKey { kind, code: number.clone() };
        let (mut mefs, mut divisions) = (BTreeSet::new(), BTreeSet::new());
        let before = self.services.len();
        while let Some(child) = xml.next_in(element)? {
            match child.name.as_str() {
                "MEFS_APPARTENANCE" => {
                    mefs.extend(codes_in(xml, &child, "MEF_APPARTENANCE", "CODE", pad)?);
                }
                "DIVISIONS_APPARTENANCE" => {
                    divisions.extend(codes_in(xml, &child, "DIVISION_APPARTENANCE", "CODE", pad)?);
                }
                "SERVICES" => {
                    while let Some(service) = xml.find_in(&child, &["SERVICE"])? {
                        self.services.extend(service_of(&key, xml, &service, pad)?);
                    }
                }
                _ => fields.take(xml, &child, &["LIBELLE_LONG"])?,
            }
        }
        let class = pad.keep(Record::Class, &number, fields, |place, fields| {
            let code = fields.required_code("CODE")?;
            let label = fields.text("LIBELLE_LONG")?.map_or(code.clone(), String::into_boxed_str);
            let (mefs, divisions) = (Vec::from_iter(mefs), Vec::from_iter(divisions));
            Ok(Class { place, key: ClassKey { kind, code }, label, mefs, divisions })
        })?;
        match class {
            Some(class) if self.class_keys.insert(class.key.clone()) => self.classes.push(class),
            Some(_) => pad.tell(Record::Class, &number, element.line, RecordFault::NumberTwice)?,
            None => self.services.truncate(before),
        }
        Ok(())
    }

    /// The staffing, when all is read.
    pub(super) fn finish(
        mut self,
        sheet: SchoolSheet,
        pad: &mut Pad<'_>,
    ) -> Result<Staffing, Broken> {
        let mut told = BTreeSet::new();
        for service in &self.services {
            for teacher in &service.teachers {
                let number = teacher.number_in_reports();
                let known = self.keys.contains(teacher) || pad.is_refused(Record::Staff, &number);
                if !known && told.insert(teacher) {
                    let line = service.place.line;
                    pad.tell(Record::Staff, &number, line, Warning::TeacherUnknown)?;
                }
            }
        }
        self.staff.shrink_to_fit();
        let Self { staff, nomenclature, classes, services, .. } = self;
        Ok(Staffing { sheet, staff, nomenclature, classes, services })
    }
}

impl StaffKey {
    /// As a report calls them: epp/30000.
    pub(super) fn number_in_reports(&self) -> String {
        format!("{}/{}", self.source.in_reports(), self.number)
    }
}

impl StaffSource {
    /// As a report calls it.
    pub(super) fn in_reports(self) -> &'static str {
        match self {
            Self::Epp => "epp",
            Self::Local => "local",
        }
    }
}

/// What names a member of staff, by `TYPE` and `ID`.
pub(super) fn staff_key(fields: &mut Fields) -> Result<StaffKey, RecordFault> {
    let source = match &*fields.required_code("TYPE")? {
        "epp" => StaffSource::Epp,
        "local" => StaffSource::Local,
        _ => return Err(RecordFault::CodeUnknown { field: "TYPE" }),
    };
    Ok(StaffKey { source, number: fields.required_code("ID")? })
}

fn person(
    place: Place,
    fields: &mut Fields,
    main_teacher_of: BTreeSet<Box<str>>,
) -> Result<Staff, RecordFault> {
    let key = staff_key(fields)?;
    let name = fields.name(&["NOM_PATRONYMIQUE"], "PRENOM")?;
    if name.given.is_empty() {
        return Err(RecordFault::FieldMissing { field: "PRENOM" });
    }
    let sex = fields.code("SEXE")?;
    let title = match fields.code("CIVILITE")?.or(sex).as_deref() {
        Some("1" | ".") => Some(Title::Monsieur),
        Some("2" | "3") => Some(Title::Madame),
        Some(_) | None => None,
    };
    let function = fields.code("FONCTION")?;
    let function = match function.as_deref().and_then(function_of) {
        Some(function) => function,
        None => {
            fields.warn(Warning::FunctionUnknown);
            Function::Administration
        }
    };
    let birth_date = fields.date("DATE_NAISSANCE")?;
    let main_teacher_of = Vec::from_iter(main_teacher_of);
    Ok(Staff { place, key, title, name, birth_date, function, main_teacher_of })
}

/// What a code of `FONCTION` means. Medical and social staff share one code, so that a nurse has to
/// be appointed by hand.
fn function_of(code: &str) -> Option<Function> {
    match code {
        "ENS" => Some(Function::Teacher),
        "DIR" => Some(Function::Head),
        "EDU" => Some(Function::Cpe),
        "DOC" => Some(Function::Librarian),
        "AED" | "SUR" => Some(Function::Assistant),
        "ADF" | "ALB" | "LAB" | "OUV" | "TEC" => Some(Function::Administration),
        _ => None,
    }
}

fn service_of(
    class: &ClassKey,
    xml: &mut Xml<'_>,
    element: &Element,
    pad: &mut Pad<'_>,
) -> Result<Option<Service>, Broken> {
    let fields = Fields::of(element, &SERVICE);
    let number = format!("{}/{}", class.code, fields.number(&SERVICE[..1]));
    let (mut teachers, mut sound) = (BTreeSet::new(), true);
    while let Some(teacher) = xml.find_in(element, &["ENSEIGNANT"])? {
        let fields = Fields::of(&teacher, &KEY);
        let key = pad.keep(Record::Service, &number, fields, |_, fields| staff_key(fields))?;
        sound &= key.is_some();
        teachers.extend(key);
    }
    if !sound {
        return Ok(None);
    }
    pad.keep(Record::Service, &number, fields, |place, fields| {
        let (subject, modality) = subject_and_modality(fields)?;
        let (class, teachers) = (class.clone(), Vec::from_iter(teachers));
        Ok(Service { place, class, subject, modality, teachers })
    })
}

/// What is taught, and how. The modality of an ordinary lesson is CG.
pub(super) fn subject_and_modality(
    fields: &mut Fields,
) -> Result<(Box<str>, Box<str>), RecordFault> {
    let subject = fields.required_code("CODE_MATIERE")?;
    let modality = fields.code("CODE_MOD_COURS")?.unwrap_or("CG".into());
    Ok((subject, modality))
}

/// The codes that the elements of one name have, in an attribute or in an element of that name.
fn codes_in(
    xml: &mut Xml<'_>,
    list: &Element,
    item: &str,
    code: &'static str,
    pad: &mut Pad<'_>,
) -> Result<BTreeSet<Box<str>>, Broken> {
    let mut codes = BTreeSet::new();
    while let Some(found) = xml.find_in(list, &[item])? {
        let mut fields = Fields::read(xml, &found, &[code], &[code])?;
        pad.weigh(found.line, fields.weight_bytes())?;
        codes.extend(fields.code(code).ok().flatten());
    }
    Ok(codes)
}
