//! A node in a folder of its own, to be asked for anything.
//!
//! Its clock advances a second with each thing that is asked, and nothing is asked before all that
//! followed from the last thing is done: what was asked is the whole story.

use std::{collections::BTreeSet, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, CommandId, CourseId, LessonId, Streamed,
    attendance::Attendance,
    classes::Class,
    families::Family,
    people::Person,
    rollcalls::{Mark, Marked, RollCall, RollCallCommand},
    schools::School,
    timetable::{Course, Place},
};
use projections::files;
use replay::{Act, Clock, Done, ExecuteError, Node, Running, clock::SetClock, keys::MasterKey};
use uuid::Uuid;

use super::asked::{Asked, Roll, YEAR, schools, students};
use crate::data_folder::DataFolder;

pub(super) struct World {
    pub(super) folder: DataFolder,
    pub(super) node: Node,
    pub(super) clock: SetClock,
    running: Running,
    asked: u64,
}

/// What became of a command: done, or refused by a rule.
pub(super) type Outcome = Result<Done, String>;

impl World {
    pub(super) async fn new() -> Self {
        let folder = DataFolder::new();
        let clock = SetClock::at("2026-09-07T06:00:00Z".parse().unwrap());
        let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let node = Node::start(folder.path(), master, Clock::Set(clock.clone())).await;
        let (node, running) = node.unwrap();
        Self { folder, node, clock, running, asked: 0 }
    }

    /// Asks for one thing, and waits for all that follows from it. None when there is nothing to
    /// execute: no such lesson, or a dossier's end.
    pub(super) async fn ask(&mut self, asked: Asked) -> Option<Outcome> {
        self.asked += 1;
        self.clock.set(self.clock.now() + TimeDelta::seconds(1));
        self.ask_again(asked).await
    }

    /// Asks for the last thing once more, as the same request.
    pub(super) async fn ask_again(&self, asked: Asked) -> Option<Outcome> {
        let outcome = match asked {
            Asked::School(id, command) => self.give::<School>(id, command).await,
            Asked::Person(id, command) => self.give::<Person>(id, command).await,
            Asked::Family(id, command) => self.give::<Family>(id, command).await,
            Asked::Class(id, command) => self.give::<Class>(id, command).await,
            Asked::Timetable(id, command) => self.give::<Course>(id, command).await,
            Asked::Attendance(student, command) => {
                self.give::<Attendance>((student, YEAR), command).await
            }
            Asked::Roll(course, place, roll) => {
                let (lesson, command) = self.roll_call(course, place, roll).await?;
                self.give::<RollCall>(lesson, command).await
            }
            Asked::Erase(dossier) => {
                self.node.journal().erase(dossier).await.unwrap();
                return None;
            }
        };
        self.settle().await;
        Some(outcome)
    }

    async fn give<A>(&self, id: A::Id, command: A::Command) -> Outcome
    where
        A: Streamed<Services = (), Command: Clone> + Clone + 'static,
    {
        match self.node.journal().execute::<A>(id, command, &self.act()).await {
            Ok(done) => Ok(done),
            Err(ExecuteError::Refused(rule)) => Err(rule.to_string()),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The roll call of a lesson, if the timetable has the lesson.
    async fn roll_call(
        &self,
        course: CourseId,
        place: Place,
        roll: Roll,
    ) -> Option<(LessonId, RollCallCommand)> {
        let db = self.node.db();
        let school = projections::schools::sheet(&db, schools()[0]).await.unwrap()?;
        let row = projections::timetable::course(&db, course).await.unwrap()?;
        let lesson = Box::new(row.sheet.lesson(course, place, &school)?);
        let (id, class) = (lesson.lesson, BTreeSet::from_iter(students()));
        let Roll { corrects, absent, late } = roll;
        if !corrects {
            return Some((id, RollCallCommand::TakeRollCall { lesson, class, absent, late }));
        }
        let absent = absent.into_iter().map(|student| Marked { student, mark: Mark::Absent });
        let late = late.into_iter().map(|late| {
            let mark = Mark::Late { minutes: late.minutes };
            Marked { student: late.student, mark }
        });
        let marks = absent.chain(late).collect();
        Some((id, RollCallCommand::CorrectRollCall { lesson, class, marks }))
    }

    fn act(&self) -> Act {
        let command = CommandId(Uuid::from_u128(u128::from(self.asked) << 64));
        Act::new(schools()[0], AccountId::PREAU, command, self.clock.now())
    }

    /// Waits until the tables show all that was asked and all that followed. Answers the head.
    pub(super) async fn settle(&self) -> u64 {
        loop {
            let head = self.node.journal().log().head().await.unwrap();
            self.node.reach(head).await.unwrap();
            if self.node.journal().log().head().await.unwrap() == head {
                return head;
            }
        }
    }

    /// Copies the live tables, once they have settled.
    pub(super) async fn copy_tables(&self, to: &Path) -> DateTime<Utc> {
        let head = self.settle().await;
        let generation = files::generations(self.folder.path()).unwrap().pop().unwrap();
        let live = files::path(self.folder.path(), generation);
        assert_eq!(files::copy(&live, to).await.unwrap(), head);
        self.clock.now()
    }

    pub(super) async fn stop(self) {
        self.node.stop(self.running).await;
    }
}
