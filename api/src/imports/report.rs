//! What an import tells a secretary: what was added, changed, missing or refused, and what to do.
//!
//! Records are named by their numbers in the files, never by names: reports travel. Sentences are
//! French, codes are for programs. What is wrong in a file itself is worded in [`super::problem`],
//! what comparing found in [`super::remarks`].

use std::{collections::BTreeMap, fmt};

use domain::{SchoolYear, Uai};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    plan::Origin,
    problem::{Problem, Record, Severity},
    remarks::Remark,
};

/// More lines of what went well nobody reads.
const LINES_OF_A_KIND_MAX: usize = 20;

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// The school that the files name.
    #[schema(value_type = Option<String>, example = "0549998Z")]
    pub school: Option<Uai>,
    /// The school year that they name.
    #[schema(value_type = Option<u16>, example = 2026)]
    pub year: Option<SchoolYear>,
    /// Whether it was only tried: nothing is written then.
    pub dry_run: bool,
    /// Whether the import was taken. If not, nothing of it was written.
    pub imported: bool,
    /// How many events came of it.
    pub events_appended: u64,
    /// The position of the log after it: whoever has read up to there sees what it did.
    pub position: u64,
    /// What nobody knew.
    pub added: Vec<Told>,
    /// What is otherwise than it was.
    pub changed: Vec<Told>,
    /// What is known and no longer in the files.
    pub missing: Vec<Told>,
    /// What was left out, or why all of it was.
    pub refused: Vec<Told>,
    /// What somebody should look at.
    pub warnings: Vec<Told>,
}

/// What is told of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Told {
    /// The name of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What kind of record: `student`, `guardian`, `link`, `class`, `staff`, `service`, `lesson`…
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<&'static str>,
    /// Its number in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What is told, for programs: stable.
    pub code: &'static str,
    /// What is told and what to do, for people.
    pub detail: String,
    #[serde(skip)]
    kind: Option<Record>,
}

/// Where something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// What nobody knew.
    Added,
    /// What is otherwise than it was.
    Changed,
    /// What is known and no longer in the files.
    Missing,
    /// What was left out.
    Refused,
    /// What somebody should look at.
    Warnings,
}

impl Report {
    /// Tells what comparing found of a record.
    pub(super) fn tell(&mut self, origin: &Origin, remark: &Remark) {
        let told = Told::new(origin, remark.code(), remark.to_string());
        self.section(remark.section()).push(told);
    }

    /// Tells what is wrong in a file.
    pub(super) fn tell_problem(&mut self, problem: &Problem) {
        let place = Some((problem.file.clone(), problem.line));
        let origin = Origin { place, record: problem.record.clone() };
        let section = match problem.fault.severity() {
            Severity::Import | Severity::Record => Section::Refused,
            Severity::Warning => Section::Warnings,
        };
        let told = Told::new(&origin, problem.fault.code(), problem.fault.to_string());
        self.section(section).push(told);
    }

    fn section(&mut self, section: Section) -> &mut Vec<Told> {
        match section {
            Section::Added => &mut self.added,
            Section::Changed => &mut self.changed,
            Section::Missing => &mut self.missing,
            Section::Refused => &mut self.refused,
            Section::Warnings => &mut self.warnings,
        }
    }
}

impl Told {
    fn new(origin: &Origin, code: &'static str, detail: String) -> Self {
        let (file, line) = origin.place.clone().unzip();
        let (kind, number) = origin.record.clone().unzip();
        Self {
            file: file.map(|file| file.to_string()),
            line,
            record: kind.map(Into::into),
            number: number.map(Into::into),
            code,
            detail,
            kind,
        }
    }
}

impl fmt::Display for Report {
    /// The report for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(school), Some(year)) = (self.school, self.year) {
            writeln!(f, "Établissement {school}, année {year}–{}", year.0.saturating_add(1))?;
        }
        match (self.imported, self.dry_run) {
            (false, _) => writeln!(f, "Import refusé : rien n'a été écrit.")?,
            (true, true) => writeln!(f, "Essai : rien n'a été écrit.")?,
            (true, false) => match self.events_appended {
                0 => writeln!(f, "Import fait : rien n'a changé.")?,
                1 => writeln!(f, "Import fait : 1 événement.")?,
                events => writeln!(f, "Import fait : {events} événements.")?,
            },
        }
        write_section(f, "Ajoutés", &self.added, LINES_OF_A_KIND_MAX)?;
        write_section(f, "Modifiés", &self.changed, LINES_OF_A_KIND_MAX)?;
        write_section(f, "Absents des fichiers", &self.missing, usize::MAX)?;
        write_section(f, "Refusés", &self.refused, usize::MAX)?;
        write_section(f, "À vérifier", &self.warnings, usize::MAX)
    }
}

/// A section: how many of each kind of record, then what is told of each.
fn write_section(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    all: &[Told],
    lines_max: usize,
) -> fmt::Result {
    let mut kinds: BTreeMap<Option<Record>, Vec<&Told>> = BTreeMap::new();
    all.iter().for_each(|told| kinds.entry(told.kind).or_default().push(told));
    let counted =
        kinds.iter().filter_map(|(kind, told)| Some(format!("{} {}", (*kind)?, told.len())));
    let counted: Vec<String> = counted.collect();
    write!(f, "\n{title} : {}", all.len())?;
    if !counted.is_empty() {
        write!(f, " ({})", counted.join(", "))?;
    }
    writeln!(f)?;
    for of_kind in kinds.values() {
        for told in of_kind.iter().take(lines_max) {
            writeln!(f, "  {told}")?;
        }
        if let Some(more) = of_kind.len().checked_sub(lines_max).filter(|more| *more > 0) {
            writeln!(f, "  … et {more} autres, tous dans le rapport --json")?;
        }
    }
    Ok(())
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.clone();
        let line = self.line.map(|line| format!("ligne {line}"));
        let number = self.number.as_deref().unwrap_or_default();
        let record = self.kind.map(|kind| format!("{kind} {number}"));
        let place: Vec<String> = file.into_iter().chain(line).chain(record).collect();
        if !place.is_empty() {
            write!(f, "{} : ", place.join(", "))?;
        }
        f.write_str(&self.detail)
    }
}
