//! What national files say, once read: the model that is compared with what is known.
//!
//! A part is `None` when its file was not given: it then says nothing, rather than that there is
//! nobody. Only what the school's life needs is kept; sex, nationality, place of birth, profession
//! and grants are read over. Reading is in the files beside this one, comparing is not here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime, Weekday};
use domain::{
    SchoolYear, Uai,
    classes::ClassKind,
    families::{Authority, Link},
    people::{ContactDetails, Function, Name},
};

use super::problem::{Problem, Record};

/// All that the files of one import say of one school and one year.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// The files, in the order given; a [`Place`] counts in it.
    pub files: Vec<File>,
    /// The school that all files name.
    pub school: Uai,
    /// The year that all files name.
    pub year: SchoolYear,
    /// The day that the last of them was exported on. STS does not tell it.
    pub exported_on: Option<NaiveDate>,
    /// `ElevesAvecAdresses.xml` or `ElevesSansAdresses.xml`.
    pub students: Option<Students>,
    /// `ResponsablesAvecAdresses.xml`.
    pub guardians: Option<Guardians>,
    /// `Nomenclature.xml`.
    pub nomenclature: Option<Nomenclature>,
    /// `Structures.xml`.
    pub structures: Option<Vec<Class>>,
    /// `sts_emp_….xml`.
    pub staffing: Option<Staffing>,
    /// `emp_sts_….xml`.
    pub timetable: Option<Timetable>,
    /// Records that were left out, and warnings, in the order they were found.
    pub problems: Vec<Problem>,
    /// The records that were left out. They are in the file: who is among them has not left, and
    /// what names one of them has not ended.
    pub refused: BTreeSet<(Record, Box<str>)>,
}

impl Feed {
    /// The students told; none where their file was not given.
    pub(super) fn all_students(&self) -> impl Iterator<Item = &Student> {
        self.students.iter().flat_map(|students| students.people.iter().map(AsRef::as_ref))
    }

    /// The guardians told; none where their file was not given.
    pub(super) fn all_guardians(&self) -> impl Iterator<Item = &Guardian> {
        self.guardians.iter().flat_map(|guardians| guardians.people.iter().map(AsRef::as_ref))
    }

    /// The staff told; none where their file was not given.
    pub(super) fn all_staff(&self) -> impl Iterator<Item = &Staff> {
        self.staffing.iter().flat_map(|staffing| &staffing.staff)
    }
}

/// One file of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As it was named; that says nothing about what it is.
    pub name: String,
    /// What it is, by its root element.
    pub kind: FileKind,
}

/// What a national file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// `BEE_ELEVES`: students, their divisions and groups.
    Students,
    /// `BEE_RESPONSABLES`: guardians and whom they answer for.
    Guardians,
    /// `BEE_NOMENCLATURES`: subjects and kinds of schooling (MEF).
    Nomenclature,
    /// `BEE_STRUCTURES`: divisions and groups.
    Structures,
    /// `STS_EDT` (`sts_emp_…`): school, staff, divisions, groups, services.
    Staffing,
    /// `EDT_STS` (`emp_sts_…`): the weekly timetable.
    Timetable,
    /// Another file of SIECLE: it is not read.
    NotNeeded,
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of [`Feed::files`].
    pub file: u16,
    /// The line of its first tag, from 1.
    pub line: u32,
}

/// Those who learn in the school, or did this year.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Students {
    /// Each once. Boxed, so that a list of many grows without copying them: the copy, of twice the
    /// length, would be most of an import's memory.
    pub people: Vec<Box<Student>>,
    /// Whether the file tells addresses: without them it does not say that there are none.
    pub with_addresses: bool,
}

/// A student (`ELEVE`).
#[derive(Clone, Debug, PartialEq)]
pub struct Student {
    /// Where it was read.
    pub place: Place,
    /// `ELEVE_ID`, unique in the school's SIECLE base.
    pub number: Box<str>,
    /// The national number: eleven letters and digits. Some students have none yet.
    pub ine: Option<Box<str>>,
    /// Their names.
    pub name: Name,
    /// When they were born.
    pub birth_date: Option<NaiveDate>,
    /// How to reach them; the address from `ADRESSES`, if the file has any.
    pub details: ContactDetails,
    /// `ADRESSE_ID`: those who have the same live together.
    pub address: Option<Box<str>>,
    /// The first day in the school, if the file says it.
    pub enters: Option<NaiveDate>,
    /// The last day in the school, for those who leave or left.
    pub leaves: Option<NaiveDate>,
    /// On what terms they learn.
    pub status: Status,
    /// `CODE_MEF`: the kind of schooling, of [`Nomenclature::mefs`].
    pub mef: Option<Box<str>>,
    /// Their divisions and groups, without those called "Inactifs". Two divisions are a change in
    /// the year; who left has none.
    pub classes: Vec<ClassKey>,
}

/// On what terms a student learns (`CODE_STATUT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ST`, or nothing said: an ordinary student.
    Schooling,
    /// `AP`: an apprentice.
    Apprentice,
    /// Another code.
    Other,
}

/// What names a division or a group in a school and a year.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClassKey {
    /// Division or group: the two may have the same code.
    pub kind: Kind,
    /// `CODE_STRUCTURE`, or `CODE` in STS: as people say it, 5E B.
    pub code: Box<str>,
}

/// A division or a group; [`ClassKind`], in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `D`.
    Division,
    /// `G`.
    Group,
}

impl From<Kind> for ClassKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Division => Self::Division,
            Kind::Group => Self::Group,
        }
    }
}

/// Those who answer for students, and for whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guardians {
    /// Each once, whatever the number of children. Boxed, as students are.
    pub people: Vec<Box<Guardian>>,
    /// Who answers for whom. Where the students are told too, only links to one of them.
    pub links: Vec<GuardianLink>,
    /// Whether the file tells addresses: without them it does not say that there are none.
    pub with_addresses: bool,
    /// The day that this file was exported on, whatever the others were.
    pub exported_on: Option<NaiveDate>,
}

/// Who answers for students (`PERSONNE`).
#[derive(Clone, Debug, PartialEq)]
pub struct Guardian {
    /// Where it was read.
    pub place: Place,
    /// `PERSONNE_ID`, unique in the school's SIECLE base.
    pub number: Box<str>,
    /// How they are addressed.
    pub title: Option<Title>,
    /// Their names. A service, such as child welfare, has a family name and an empty given name.
    pub name: Name,
    /// How to reach them. The telephone is the private one, or else the one at work.
    pub details: ContactDetails,
    /// `ADRESSE_ID`: those who have the same live together.
    pub address: Option<Box<str>>,
}

/// How a person is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Title {
    /// *Madame*, and the *Mademoiselle* of older files.
    Madame,
    /// *Monsieur*.
    Monsieur,
}

/// Who answers for whom (`RESPONSABLE_ELEVE`), whatever coding the file uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardianLink {
    /// Where it was read.
    pub place: Place,
    /// The `ELEVE_ID` of the student.
    pub student: Box<str>,
    /// The `PERSONNE_ID` of the guardian.
    pub guardian: Box<str>,
    /// What they are to the student.
    pub link: Link,
    /// What they may decide. A feed never says that a parent has only surveillance.
    pub authority: Authority,
    /// Which of two legal representatives an older file calls the first: 1 or 2.
    pub legal_order: Option<u8>,
    /// Whether the student lives with them; older files do not say.
    pub hosts: Option<bool>,
    /// Whether they are to be called first.
    pub contact_first: bool,
}

/// What codes mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nomenclature {
    /// Subjects by `CODE_MATIERE`.
    pub subjects: BTreeMap<Box<str>, Subject>,
    /// Kinds of schooling by `CODE_MEF`: their label.
    pub mefs: BTreeMap<Box<str>, Box<str>>,
}

/// A subject (`MATIERE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Where it was read.
    pub place: Place,
    /// As in a timetable: AGL1.
    pub short: Box<str>,
    /// As in a report: Anglais LV1.
    pub long: Box<str>,
}

/// A division or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Where it was read.
    pub place: Place,
    /// What names it.
    pub key: ClassKey,
    /// What it is called at length; the code when the file says no more.
    pub label: Box<str>,
    /// The `CODE_MEF` that it has, most often one. Groups have none.
    pub mefs: Vec<Box<str>>,
    /// The codes of the divisions whose students a group may have.
    pub divisions: Vec<Box<str>>,
}

/// Who works in the school and who teaches what to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Staffing {
    /// The school.
    pub sheet: SchoolSheet,
    /// Its staff.
    pub staff: Vec<Staff>,
    /// What codes of subjects and MEF mean.
    pub nomenclature: Nomenclature,
    /// Divisions and groups.
    pub classes: Vec<Class>,
    /// What each is taught.
    pub services: Vec<Service>,
}

/// What STS says of the school itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchoolSheet {
    /// Kind and name: COLLEGE DES ESSAIS.
    pub name: String,
    /// The town.
    pub town: Option<String>,
    /// The postal code.
    pub post_code: Option<String>,
    /// The département that the postal code begins with: 54, 2A, 974.
    pub department: Option<String>,
    /// The first day of the school year.
    pub first_day: Option<NaiveDate>,
    /// The last day of the school year.
    pub last_day: Option<NaiveDate>,
}

/// What names a member of staff in STS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StaffKey {
    /// Who gave the number.
    pub source: StaffSource,
    /// The number.
    pub number: Box<str>,
}

/// Who gave a number to a member of staff (`TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StaffSource {
    /// `epp`: the staff office of the académie.
    Epp,
    /// `local`: the school, for those whom the office does not know.
    Local,
}

/// A member of staff (`INDIVIDU`).
#[derive(Clone, Debug, PartialEq)]
pub struct Staff {
    /// Where it was read.
    pub place: Place,
    /// What names them.
    pub key: StaffKey,
    /// How they are addressed.
    pub title: Option<Title>,
    /// Their names.
    pub name: Name,
    /// When they were born.
    pub birth_date: Option<NaiveDate>,
    /// What they do (`FONCTION`). A code that is not known is the office's: it may see least.
    pub function: Function,
    /// The divisions they are main teacher of.
    pub main_teacher_of: Vec<Box<str>>,
}

/// What a division or group is taught (`SERVICE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where it was read.
    pub place: Place,
    /// Who learns.
    pub class: ClassKey,
    /// `CODE_MATIERE`.
    pub subject: Box<str>,
    /// `CODE_MOD_COURS`: the modality, CG for an ordinary lesson. Often two services of a class
    /// differ in nothing else.
    pub modality: Box<str>,
    /// Who teaches; several teach together or share the class.
    pub teachers: Vec<StaffKey>,
}

/// The weekly timetable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timetable {
    /// Which weeks an alternation means, by its code.
    pub alternations: BTreeMap<Box<str>, Alternation>,
    /// When lessons begin and end on each day of the week.
    pub hours: Vec<DayHours>,
    /// The codes of the rooms that the file lists. A lesson may name another.
    pub rooms: BTreeSet<Box<str>>,
    /// Every weekly lesson, once per teacher who gives it.
    pub lessons: Vec<WeeklyLesson>,
}

/// Weeks that alternate (`ALTERNANCE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternation {
    /// Where it was read.
    pub place: Place,
    /// What it is called; the code when the file says no more.
    pub label: Box<str>,
    /// The Mondays of its weeks. The file may name them by any day of theirs.
    pub mondays: BTreeSet<NaiveDate>,
}

/// The hours of a day (`HORAIRE`), in the school's local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayHours {
    /// Which day of the week.
    pub weekday: Weekday,
    /// The first lesson begins.
    pub starts: NaiveTime,
    /// The last lesson ends.
    pub ends: NaiveTime,
}

/// A lesson of every week of an alternation (`COURS`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeeklyLesson {
    /// Where it was read.
    pub place: Place,
    /// Who learns.
    pub class: ClassKey,
    /// `CODE_MATIERE`.
    pub subject: Box<str>,
    /// `CODE_MOD_COURS`.
    pub modality: Box<str>,
    /// Who gives it.
    pub teacher: StaffKey,
    /// The code of its alternation.
    pub alternation: Box<str>,
    /// On which day.
    pub weekday: Weekday,
    /// When it begins, in the school's local time.
    pub starts: NaiveTime,
    /// How long it lasts.
    pub duration_minutes: u16,
    /// Where.
    pub room: Option<Box<str>>,
    /// Whether its teachers give it together (`CO_ENS`).
    pub taught_together: bool,
}
