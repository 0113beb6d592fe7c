//! The script of the demo: who asks for what at which moment, all of it known before it begins.
//!
//! What Préau does by itself, as writing a roll call's word into the students' files, is not in it.

use chrono::{DateTime, Utc};
use domain::{
    AccountId, ClassId, CommandId, CourseId, LessonId, PersonId, SchoolYear, Stream, Streamed,
    StudentId, Uai,
    attendance::{Attendance, AttendanceCommand},
    classes::{Class, ClassCommand},
    families::{Family, FamilyCommand},
    people::{Person, PersonCommand},
    rollcalls::{RollCall, RollCallCommand},
    schools::{School, SchoolCommand},
    timetable::{Course, TimetableCommand},
};
use replay::Act;
use uuid::Uuid;

/// The namespace of all ids of all demo schools.
const DEMO: Uuid = Uuid::from_u128(0x5052_4541_5500_8000_8000_0000_6465_6d6f);

/// What is recorded at one moment. Requests for one stream come in the order of the list, the
/// others in any.
#[derive(Debug)]
pub(super) struct Scene {
    /// When the log takes it.
    pub(super) at: DateTime<Utc>,
    /// All of it.
    pub(super) requests: Vec<Request>,
}

/// Somebody asks for something.
#[derive(Debug)]
pub(super) struct Request {
    /// Who, when and under which id.
    pub(super) act: Act,
    /// What.
    pub(super) ask: Ask,
}

/// What somebody may ask for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// Of the school.
    School(SchoolCommand),
    /// Of a person.
    Person(PersonId, PersonCommand),
    /// Of a student's family.
    Family(StudentId, FamilyCommand),
    /// Of a class or group.
    Class(ClassId, ClassCommand),
    /// Of a course.
    Timetable(CourseId, TimetableCommand),
    /// Of a lesson's roll call.
    RollCall(LessonId, RollCallCommand),
    /// Of a student's attendance file.
    Attendance((StudentId, SchoolYear), AttendanceCommand),
}

/// Writes scenes, and gives out the ids of one demo school: the same for the same seed.
pub(super) struct Writer {
    school: Uai,
    names: Uuid,
    requests: usize,
    scenes: Vec<Scene>,
}

impl Writer {
    /// A script of the school that `seed` gives, still empty.
    pub(super) fn new(school: Uai, seed: u64) -> Self {
        let names = Uuid::new_v5(&DEMO, &seed.to_be_bytes());
        Self { school, names, requests: 0, scenes: Vec::new() }
    }

    /// The school it plays in.
    pub(super) fn school(&self) -> Uai {
        self.school
    }

    /// The id of the thing number `n` of its kind.
    pub(super) fn id(&self, kind: &str, n: usize) -> Uuid {
        Uuid::new_v5(&self.names, format!("{kind}/{n}").as_bytes())
    }

    /// The account of a person.
    pub(super) fn account(&self, person: PersonId) -> AccountId {
        AccountId(Uuid::new_v5(&self.names, person.0.as_bytes()))
    }

    /// An id for the next request, for those whose content depends on it.
    pub(super) fn next_command(&self) -> CommandId {
        CommandId(self.id("request", self.requests))
    }

    /// Somebody asks at `at` for something that happened at `occurred_at`.
    pub(super) fn ask(
        &mut self,
        at: DateTime<Utc>,
        occurred_at: DateTime<Utc>,
        actor: PersonId,
        ask: Ask,
    ) {
        let command = self.next_command();
        self.requests += 1;
        let act = Act::new(self.school, self.account(actor), command, occurred_at);
        let request = Request { act, ask };
        match self.scenes.iter_mut().rfind(|scene| scene.at == at) {
            Some(scene) => scene.requests.push(request),
            None => self.scenes.push(Scene { at, requests: vec![request] }),
        }
    }

    /// The script, in the order of time.
    pub(super) fn finish(mut self) -> Vec<Scene> {
        self.scenes.sort_by_key(|scene| scene.at);
        self.scenes
    }
}

impl Ask {
    /// Where what comes of it is kept.
    pub(super) fn stream(&self, school: Uai) -> Stream {
        match self {
            Self::School(_) => School::stream(school),
            Self::Person(id, _) => Person::stream(*id),
            Self::Family(id, _) => Family::stream(*id),
            Self::Class(id, _) => Class::stream(*id),
            Self::Timetable(id, _) => Course::stream(*id),
            Self::RollCall(id, _) => RollCall::stream(*id),
            Self::Attendance(id, _) => Attendance::stream(*id),
        }
    }
}
