//! What an import will ask for: commands in order, each with the record that it comes from.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use domain::{
    ClassId, CourseId, PersonId, Stream, Streamed, StudentId, Uai,
    classes::{Class, ClassCommand},
    families::{Family, FamilyCommand},
    people::{Person, PersonCommand},
    schools::{School, SchoolCommand},
    timetable::{Course, TimetableCommand},
};

use super::{
    feed::{Feed, Place},
    problem::Record,
    remarks::{Change, Remark},
    report::Section,
};

/// What an import will do, and what it has to tell.
#[derive(Debug)]
pub(super) struct Plan {
    files: Vec<Arc<str>>,
    /// Commands, in order within a stream.
    pub(super) steps: Vec<Step>,
    /// What is told of the files.
    pub(super) remarks: Vec<(Origin, Remark)>,
}

/// One command.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// What it asks for.
    pub(super) ask: Ask,
    /// What it comes from.
    pub(super) origin: Origin,
}

/// What an import may ask for, in the order in which it is done.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// Of the school.
    School(SchoolCommand),
    /// Of a person.
    Person(PersonId, PersonCommand),
    /// Of a class or group.
    Class(ClassId, ClassCommand),
    /// Of a student's family.
    Family(StudentId, FamilyCommand),
    /// Of a course.
    Timetable(CourseId, TimetableCommand),
}

/// The record that something comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Origin {
    /// The name of the file and the line; none for what is in no file.
    pub(super) place: Option<(Arc<str>, u32)>,
    /// What kind of record, and its number.
    pub(super) record: Option<(Record, Box<str>)>,
}

impl Plan {
    /// A plan that does nothing yet.
    pub(super) fn new(feed: &Feed) -> Self {
        let files = feed.files.iter().map(|file| file.name.as_str().into()).collect();
        Self { files, steps: Vec::new(), remarks: Vec::new() }
    }

    /// The record of this kind and number, at its place.
    pub(super) fn origin(&self, place: Place, record: Record, number: &str) -> Origin {
        let file = self.files.get(usize::from(place.file)).cloned();
        let place = file.map(|file| (file, place.line));
        Origin { place, record: Some((record, number.into())) }
    }

    /// Asks for something.
    pub(super) fn ask(&mut self, origin: &Origin, ask: Ask) {
        self.steps.push(Step { ask, origin: origin.clone() });
    }

    /// Tells of each record that was known what it changes.
    pub(super) fn tell_changes(&mut self) {
        let told = |section| matches!(section, Section::Added | Section::Missing);
        let told = self.remarks.iter().filter(|(_, remark)| told(remark.section()));
        let told: HashSet<Origin> = told.map(|(origin, _)| origin.clone()).collect();
        let mut changes: BTreeMap<&Origin, BTreeSet<Change>> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| !told.contains(&step.origin)) {
            changes.entry(&step.origin).or_default().insert(step.ask.change());
        }
        let changed = changes.into_iter().map(|(origin, changes)| {
            (origin.clone(), Remark::Changed(changes.into_iter().collect()))
        });
        let changed: Vec<_> = changed.collect();
        self.remarks.extend(changed);
    }

    /// Tells something of a record.
    pub(super) fn tell(&mut self, origin: &Origin, remark: Remark) {
        self.remarks.push((origin.clone(), remark));
    }
}

impl Origin {
    /// Something that is known, and in no file.
    pub(super) fn known(record: Record, number: &str) -> Self {
        Self { place: None, record: Some((record, number.into())) }
    }
}

impl Ask {
    /// Where what comes of it is kept.
    pub(super) fn stream(&self, school: Uai) -> Stream {
        match self {
            Self::School(_) => School::stream(school),
            Self::Person(id, _) => Person::stream(*id),
            Self::Class(id, _) => Class::stream(*id),
            Self::Family(id, _) => Family::stream(*id),
            Self::Timetable(id, _) => Course::stream(*id),
        }
    }

    /// What becomes otherwise by it, of something that was known.
    pub(super) fn change(&self) -> Change {
        match self {
            Self::School(_) => Change::WeeksA,
            Self::Person(_, command) => match command {
                PersonCommand::RegisterPerson { .. } | PersonCommand::RenamePerson { .. } => {
                    Change::Name
                }
                PersonCommand::CorrectBirthDate { .. } => Change::BirthDate,
                PersonCommand::GiveContactDetails { .. } | PersonCommand::ChooseLanguage { .. } => {
                    Change::ContactDetails
                }
                PersonCommand::EnrolStudent { .. } => Change::Enrolment,
                PersonCommand::AppointStaff { .. } | PersonCommand::ChangeFunction { .. } => {
                    Change::Function
                }
                PersonCommand::IdentifyPerson { .. } => Change::Number,
                PersonCommand::LeaveSchool { .. } => Change::Departure,
            },
            Self::Class(_, command) => match command {
                ClassCommand::FormClass { .. }
                | ClassCommand::JoinClass { .. }
                | ClassCommand::LeaveClass { .. } => Change::Classes,
                ClassCommand::AssignTeacher { .. } => Change::Teachers,
                ClassCommand::ReleaseTeacher { .. } => Change::Ended,
            },
            Self::Family(_, command) => match command {
                FamilyCommand::RecordGuardianship { .. }
                | FamilyCommand::RestrictGuardianship { .. }
                | FamilyCommand::RestoreGuardianship { .. } => Change::Terms,
                FamilyCommand::EndGuardianship { .. } => Change::Ended,
            },
            Self::Timetable(_, command) => match command {
                TimetableCommand::ScheduleCourse { .. }
                | TimetableCommand::RescheduleCourse { .. }
                | TimetableCommand::ChangeLesson { .. } => Change::Meetings,
                TimetableCommand::EndCourse { .. } => Change::Ended,
            },
        }
    }

    /// Its place among the things that are done one after the other: nobody joins a class before it
    /// is formed.
    pub(super) fn turn(&self) -> u8 {
        match self {
            Self::School(_) => 0,
            Self::Person(..) => 1,
            Self::Class(..) => 2,
            Self::Family(..) => 3,
            Self::Timetable(..) => 4,
        }
    }
}
