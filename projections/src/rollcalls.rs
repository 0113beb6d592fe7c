//! Roll calls as the school-life office sees them: taken by whom, when, and what they say.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    AccountId, Event, LessonId, Recorded, StudentId, Uai,
    rollcalls::{Called, Late, Mark, Marked, RollCallEvent},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, row, rows};

/// A roll call as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RollCallRow {
    /// Of which lesson.
    pub lesson: LessonId,
    /// Of which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// The day of the lesson, as planned.
    pub date: NaiveDate,
    /// The lesson, as the timetable had it then.
    pub called: Called,
    /// Who took it.
    pub taken_by: AccountId,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// When it was last corrected, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<DateTime<Utc>>,
    /// Who was there from the beginning.
    pub present: Vec<StudentId>,
    /// Who was not seen.
    pub absent: Vec<StudentId>,
    /// Who came late.
    pub late: Vec<Late>,
}

impl RollCallRow {
    /// What it says, student by student.
    pub fn marks(&self) -> impl Iterator<Item = (StudentId, Mark)> {
        let present = self.present.iter().map(|student| (*student, Mark::Present));
        let absent = self.absent.iter().map(|student| (*student, Mark::Absent));
        let late =
            self.late.iter().map(|late| (late.student, Mark::Late { minutes: late.minutes }));
        present.chain(absent).chain(late)
    }

    /// Takes what is right in place of what was said of these students.
    fn correct(&mut self, marks: &[Marked]) {
        let wrong = |student| marks.iter().any(|marked| marked.student == student);
        self.present.retain(|student| !wrong(*student));
        self.absent.retain(|student| !wrong(*student));
        self.late.retain(|late| !wrong(late.student));
        for &Marked { student, mark } in marks {
            match mark {
                Mark::Present => self.present.push(student),
                Mark::Absent => self.absent.push(student),
                Mark::Late { minutes } => self.late.push(Late { student, minutes }),
            }
        }
    }
}

/// The roll call of a lesson.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_lesson(db: &SqlitePool, lesson: LessonId) -> sqlx::Result<Option<RollCallRow>> {
    let question = sqlx::query_scalar("select row from roll_call where lesson = ?1");
    row(question.bind(lesson.to_string()), db).await
}

/// The roll calls of a school's day.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school_on(
    db: &SqlitePool,
    school: Uai,
    date: NaiveDate,
) -> sqlx::Result<Vec<RollCallRow>> {
    let question = "select row from roll_call where school = ?1 and date = ?2 order by lesson";
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(date.to_string()), db).await
}

pub(crate) struct RollCalls;

impl Table for RollCalls {
    type Key = (LessonId,);
    type Row = RollCallRow;
    const NAME: &'static str = "roll_call";
    const COLUMNS: &'static [&'static str] = &["lesson", "school", "date"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((LessonId,))) {
        if let Event::RollCall(lesson, _) = &recorded.event {
            touch((*lesson,));
        }
    }

    fn key(row: &RollCallRow) -> (LessonId,) {
        (row.lesson,)
    }

    fn columns(row: &RollCallRow) -> Vec<String> {
        vec![row.lesson.to_string(), row.school.to_string(), row.date.to_string()]
    }

    fn fold(
        old: Option<RollCallRow>,
        key: &(LessonId,),
        recorded: &Recorded,
    ) -> Option<RollCallRow> {
        let Event::RollCall(_, event) = &recorded.event else { return old };
        match event {
            RollCallEvent::RollCallTaken { called, present, absent, late } => Some(RollCallRow {
                lesson: key.0,
                school: recorded.header.school,
                date: called.planned.date,
                called: *called,
                taken_by: recorded.header.actor,
                taken_at: recorded.header.occurred_at,
                corrected_at: None,
                present: present.clone(),
                absent: absent.clone(),
                late: late.clone(),
            }),
            RollCallEvent::RollCallCorrected { marks, .. } => {
                let mut row = old?;
                row.corrected_at = Some(recorded.header.occurred_at);
                row.correct(marks);
                Some(row)
            }
        }
    }
}
