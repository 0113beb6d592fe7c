//! What is noted while files are read: what is wrong in them, and which records were left out.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    feed::Place,
    fields::Fields,
    problem::{Fault, FileFault, Problem, Record, RecordFault, Severity},
    xml::Broken,
};

/// Beyond this many records left out, the file itself is wrong; beyond as many warnings, nobody
/// would read on, and no more are kept.
const NOTES_MAX: usize = 1000;

/// What the records of an import may take in memory, about: more is no school's. It is several times
/// what the largest school needs.
const KEPT_MAX_BYTES: usize = 48 * 1024 * 1024;

/// What is noted of all files.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// The records that were left out.
    pub(super) refused: BTreeSet<(Record, Box<str>)>,
    left_out: usize,
    warnings: usize,
    kept_bytes: usize,
}

/// What is noted of one file.
#[derive(Debug)]
pub(super) struct Pad<'n> {
    notes: &'n mut Notes,
    file: Arc<str>,
    index: u16,
}

impl Notes {
    /// A pad for the file of this name and number.
    pub(super) fn pad(&mut self, file: Arc<str>, index: u16) -> Pad<'_> {
        Pad { notes: self, file, index }
    }
}

impl Pad<'_> {
    /// Where a record stands.
    pub(super) fn place(&self, line: u32) -> Place {
        Place { file: self.index, line }
    }

    /// Makes a record of its fields, or notes why it is left out.
    pub(super) fn keep<T>(
        &mut self,
        record: Record,
        number: &str,
        mut fields: Fields,
        make: impl FnOnce(Place, &mut Fields) -> Result<T, RecordFault>,
    ) -> Result<Option<T>, Broken> {
        let place = self.place(fields.line);
        // Twice, for a list that grows is copied into one of twice the length, unless it is of boxes.
        self.weigh(place.line, 2 * size_of::<T>() + fields.weight_bytes())?;
        let made = fields.said_once().and_then(|()| make(place, &mut fields));
        for warning in fields.warnings() {
            self.tell(record, number, place.line, warning)?;
        }
        match made {
            Ok(made) => Ok(Some(made)),
            Err(fault) => {
                self.tell(record, number, place.line, fault)?;
                self.notes.refused.insert((record, number.into()));
                Ok(None)
            }
        }
    }

    /// Counts what a record takes in memory; an error when all together take too much.
    pub(super) fn weigh(&mut self, line: u32, bytes: usize) -> Result<(), Broken> {
        self.notes.kept_bytes += bytes;
        let too_much = self.notes.kept_bytes > KEPT_MAX_BYTES;
        if too_much { Err(Broken { fault: FileFault::FileTooLarge, line }) } else { Ok(()) }
    }

    /// Notes that something is wrong with a record.
    pub(super) fn tell(
        &mut self,
        record: Record,
        number: &str,
        line: u32,
        fault: impl Into<Fault>,
    ) -> Result<(), Broken> {
        let fault = fault.into();
        let so_far = match fault.severity() {
            Severity::Import | Severity::Record => &mut self.notes.left_out,
            Severity::Warning => &mut self.notes.warnings,
        };
        *so_far += 1;
        if *so_far <= NOTES_MAX {
            let (file, record) = (self.file.clone(), Some((record, number.into())));
            self.notes.problems.push(Problem { file, line, record, fault });
        } else if fault.severity() != Severity::Warning {
            return Err(Broken { fault: FileFault::TooManyProblems, line });
        }
        Ok(())
    }

    /// Notes something about the file as a whole.
    pub(super) fn tell_of_file(&mut self, line: u32, fault: impl Into<Fault>) {
        let (file, fault) = (self.file.clone(), fault.into());
        self.notes.problems.push(Problem { file, line, record: None, fault });
    }

    /// Notes that a record is left out that had been read.
    pub(super) fn refuse(
        &mut self,
        record: Record,
        number: &str,
        line: u32,
        fault: RecordFault,
    ) -> Result<(), Broken> {
        self.notes.refused.insert((record, number.into()));
        self.tell(record, number, line, fault)
    }

    /// Notes that a record is left out for what is told of another, without which it says nothing.
    pub(super) fn leave_out(&mut self, record: Record, number: &str) {
        self.notes.refused.insert((record, number.into()));
    }

    /// Whether a record was left out.
    pub(super) fn is_refused(&self, record: Record, number: &str) -> bool {
        self.notes.refused.contains(&(record, number.into()))
    }
}
