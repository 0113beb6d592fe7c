//! Reads the files of one import together: what each is, and whether they are of one school and year.
//!
//! What a file is follows from its root element, never from its name. A broken file refuses them all,
//! and the others are read on so that everything wrong is told at once.

use std::{collections::HashSet, io::Read, sync::Arc};

use chrono::NaiveDate;
use domain::{SchoolYear, Uai};

use super::{
    decoding::Decoding,
    edt::{self, TimetableRead},
    feed::{
        Class, Feed, File, FileKind, Guardians, Nomenclature, Place, Staffing, Students, Timetable,
    },
    heading::Heading,
    notes::{Notes, Pad},
    problem::{FileFault, Problem, Record, Severity, Warning},
    siecle::{
        guardians::{self, GuardiansRead},
        nomenclature,
        structures::{self, StructuresRead},
        students::{self, StudentsRead},
    },
    sts::{self, StaffingRead},
    xml::{Broken, Element, Xml},
};

/// A file to read. Whoever wants to show how far reading has come wraps its bytes.
pub struct Input<'a> {
    /// As people call it.
    pub name: String,
    /// What is in it.
    pub bytes: Box<dyn Read + Send + 'a>,
}

/// Reads the files of one import. It blocks: a server calls it where blocking is allowed.
///
/// # Errors
///
/// All problems found, if one of them refuses the import: a file that cannot be read to its end, or
/// that is of another school or year than the first. They begin with those that refuse it.
pub fn read(inputs: Vec<Input<'_>>) -> Result<Feed, Vec<Problem>> {
    let mut draft = Draft::default();
    let mut notes = Notes::default();
    for (index, Input { name, bytes }) in inputs.into_iter().enumerate() {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let mut pad = notes.pad(Arc::from(name.as_str()), index);
        if let Err(broken) = draft.read(name, Xml::new(Decoding::new(bytes)), &mut pad) {
            pad.tell_of_file(broken.line, broken.fault);
            draft.broken = true;
        }
    }
    draft.finish(notes)
}

/// What the files say, as far as they are read.
#[derive(Default)]
struct Draft {
    files: Vec<File>,
    heading: Option<(Uai, SchoolYear)>,
    exported_on: Option<NaiveDate>,
    students: Option<Students>,
    guardians: Option<Guardians>,
    nomenclature: Option<Nomenclature>,
    structures: Option<Vec<Class>>,
    staffing: Option<Staffing>,
    timetable: Option<Timetable>,
    broken: bool,
}

/// What one file says, as far as it is read.
enum Part {
    Students(StudentsRead),
    Guardians(GuardiansRead),
    Nomenclature(Nomenclature),
    Structures(StructuresRead),
    Staffing(StaffingRead),
    Timetable(TimetableRead),
    NotNeeded,
}

impl Draft {
    fn read(&mut self, name: String, mut xml: Xml<'_>, pad: &mut Pad<'_>) -> Result<(), Broken> {
        let root = xml.root()?;
        let (kind, mut part) =
            Part::of(&root).ok_or_else(|| root.broken(FileFault::RootUnknown))?;
        if kind != FileKind::NotNeeded && self.files.iter().any(|file| file.kind == kind) {
            return Err(root.broken(FileFault::KindTwice { kind }));
        }
        self.files.push(File { name, kind });
        let mut heading = None;
        while let Some(found) = xml.find_in(&root, part.records())? {
            if found.name == "PARAMETRES" {
                let read = Heading::read(&mut xml, &found, pad)?;
                self.agree(&read).map_err(|fault| found.broken(fault))?;
                heading.get_or_insert(read);
            } else {
                part.take(&mut xml, &found, pad)?;
            }
        }
        xml.end()?;
        match (part, heading) {
            (Part::NotNeeded, _) => pad.tell_of_file(root.line, Warning::FileNotNeeded),
            (_, None) => return Err(root.broken(FileFault::SchoolMissing)),
            (Part::Students(read), Some(_)) => self.students = Some(read.finish(pad)?),
            (Part::Guardians(read), Some(heading)) => {
                self.guardians = Some(read.finish(&heading, pad)?);
            }
            (Part::Nomenclature(read), Some(_)) => self.nomenclature = Some(read),
            (Part::Structures(read), Some(_)) => self.structures = Some(read.finish()),
            (Part::Staffing(read), Some(heading)) => {
                self.staffing = Some(read.finish(heading.sheet, pad)?);
            }
            (Part::Timetable(read), Some(heading)) => {
                self.timetable = Some(read.finish(&heading, pad)?);
            }
        }
        Ok(())
    }

    /// An error if a file is not of the school and year of the first.
    fn agree(&mut self, heading: &Heading) -> Result<(), FileFault> {
        match &self.heading {
            Some((school, _)) if *school != heading.school => Err(FileFault::OtherSchool),
            Some((_, year)) if *year != heading.year => Err(FileFault::OtherYear),
            Some(_) => {
                self.exported_on = self.exported_on.max(heading.exported_on);
                Ok(())
            }
            None => {
                self.exported_on = heading.exported_on;
                self.heading = Some((heading.school, heading.year));
                Ok(())
            }
        }
    }

    fn finish(mut self, mut notes: Notes) -> Result<Feed, Vec<Problem>> {
        if let Err((index, broken)) = self.leave_unknown_students_out(&mut notes) {
            let name = Arc::from(self.files[usize::from(index)].name.as_str());
            notes.pad(name, index).tell_of_file(broken.line, broken.fault);
            self.broken = true;
        }
        let Notes { mut problems, refused, .. } = notes;
        let Some((school, year)) = self.heading.filter(|_| !self.broken) else {
            problems.sort_by_key(|problem| problem.fault.severity() != Severity::Import);
            return Err(problems);
        };
        Ok(Feed {
            files: self.files,
            school,
            year,
            exported_on: self.exported_on,
            students: self.students,
            guardians: self.guardians,
            nomenclature: self.nomenclature,
            structures: self.structures,
            staffing: self.staffing,
            timetable: self.timetable,
            problems,
            refused,
        })
    }

    /// A base keeps the families of students who are gone: their links name nobody here.
    fn leave_unknown_students_out(&mut self, notes: &mut Notes) -> Result<(), (u16, Broken)> {
        let (Some(students), Some(guardians)) = (&self.students, &mut self.guardians) else {
            return Ok(());
        };
        let known: HashSet<&str> = students.people.iter().map(|student| &*student.number).collect();
        let mut told = Ok(());
        guardians.links.retain(|link| {
            let here = known.contains(&*link.student);
            if !here && told.is_ok() {
                let Place { file, line } = link.place;
                let name = self.files[usize::from(file)].name.as_str();
                let mut pad = notes.pad(Arc::from(name), file);
                if !pad.is_refused(Record::Student, &link.student) {
                    let number = format!("{}/{}", link.student, link.guardian);
                    let noted = pad.tell(Record::Link, &number, line, Warning::StudentUnknown);
                    told = noted.map_err(|broken| (file, broken));
                }
            }
            here
        });
        told
    }
}

impl Part {
    /// What a file with this root is; none if Préau reads no such file.
    fn of(root: &Element) -> Option<(FileKind, Self)> {
        Some(match root.name.as_str() {
            "BEE_ELEVES" => (FileKind::Students, Self::Students(StudentsRead::default())),
            "BEE_RESPONSABLES" => (FileKind::Guardians, Self::Guardians(GuardiansRead::default())),
            "BEE_NOMENCLATURES" => {
                (FileKind::Nomenclature, Self::Nomenclature(Nomenclature::default()))
            }
            "BEE_STRUCTURES" => (FileKind::Structures, Self::Structures(StructuresRead::default())),
            "STS_EDT" => (FileKind::Staffing, Self::Staffing(StaffingRead::default())),
            "EDT_STS" => (FileKind::Timetable, Self::Timetable(TimetableRead::default())),
            other if other.starts_with("BEE_") => (FileKind::NotNeeded, Self::NotNeeded),
            _ => return None,
        })
    }

    /// The elements that are records of such a file.
    fn records(&self) -> &'static [&'static str] {
        match self {
            Self::Students(_) => &students::RECORDS,
            Self::Guardians(_) => &guardians::RECORDS,
            Self::Nomenclature(_) => &nomenclature::RECORDS,
            Self::Structures(_) => &structures::RECORDS,
            Self::Staffing(_) => &sts::RECORDS,
            Self::Timetable(_) => &edt::RECORDS,
            Self::NotNeeded => &[],
        }
    }

    fn take(
        &mut self,
        xml: &mut Xml<'_>,
        record: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        match self {
            Self::Students(read) => read.take(xml, record, pad),
            Self::Guardians(read) => read.take(xml, record, pad),
            Self::Nomenclature(read) => read.take(xml, record, pad),
            Self::Structures(read) => read.take(xml, record, pad),
            Self::Staffing(read) => read.take(xml, record, pad),
            Self::Timetable(read) => read.take(xml, record, pad),
            Self::NotNeeded => Ok(()),
        }
    }
}
