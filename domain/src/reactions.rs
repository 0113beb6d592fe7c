//! What follows of itself from an event: commands that nobody has to give.
//!
//! Pure: an event and the rows it speaks of in, commands out. The same event gives the same
//! commands, and a command given twice changes nothing more, so that whoever runs this may run it
//! again from the beginning, or on two machines.

use crate::{
    Event, Recorded, SchoolYear, StudentId, attendance::AttendanceCommand, schools::SchoolSheet,
};

/// A command that an event calls for.
#[derive(Clone, Debug)]
pub enum Consequence {
    /// The roll call's word goes into a student's file of the year.
    Attendance {
        /// Whose file.
        student: StudentId,
        /// Of which year.
        year: SchoolYear,
        /// What is written.
        command: AttendanceCommand,
    },
}

/// What follows from an event. `subject` is that of the course whose roll was called; without it,
/// or outside the school's years, nothing follows.
pub fn react(recorded: &Recorded, school: &SchoolSheet, subject: &str) -> Vec<Consequence> {
    let Event::RollCall(_, event) = &recorded.event else { return vec![] };
    let called = *event.called();
    let Some((year, _)) = school.year_of(called.planned.date) else { return vec![] };
    let facts = (recorded.header.revision, subject, school.settings.lateness_max_minutes);
    let follow = |(student, mark)| {
        let command = AttendanceCommand::follow(student, called, mark, facts);
        Consequence::Attendance { student, year, command }
    };
    event.marks().map(follow).collect()
}
