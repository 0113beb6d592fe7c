//! Classes as teachers and the office see them: who is in one, and who teaches it, on which day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::{
    ClassId, Event, PersonId, Recorded, SchoolYear, StudentId, Uai,
    classes::{ClassEvent, ClassKind},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, people::PersonRow, read, row, rows};

/// A class or a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassRow {
    /// Which one.
    pub class: ClassId,
    /// Of which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// As people say it.
    pub name: String,
    /// Division or group.
    pub kind: ClassKind,
    /// Its only year.
    pub year: SchoolYear,
}

/// A student in a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemberRow {
    /// Which class.
    pub class: ClassId,
    /// Who.
    pub student: StudentId,
    /// When they are and were in it.
    pub stays: Vec<Stay>,
}

/// A teacher of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TeacherRow {
    /// Which class.
    pub class: ClassId,
    /// Who.
    pub teacher: PersonId,
    /// What they teach and taught it.
    pub subjects: Vec<Taught>,
}

/// A time, its last day included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stay {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// A subject, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taught {
    /// What.
    pub subject: String,
    /// From when to when.
    #[serde(flatten)]
    pub stay: Stay,
}

/// A student of a class with who they are; nothing of that if their identity was erased.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MemberOfClass {
    /// When they are in it.
    #[serde(flatten)]
    pub member: MemberRow,
    /// Who they are.
    pub person: Option<PersonRow>,
}

impl Stay {
    /// Whether a day lies in it.
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.from <= date && self.until.is_none_or(|until| date <= until)
    }
}

impl MemberRow {
    /// Whether the student was in the class on a day.
    pub fn is_in_on(&self, date: NaiveDate) -> bool {
        self.stays.iter().any(|stay| stay.contains(date))
    }
}

/// A class.
///
/// # Errors
/// When the read model cannot be read.
pub async fn class(db: &SqlitePool, class: ClassId) -> sqlx::Result<Option<ClassRow>> {
    let question = sqlx::query_scalar("select row from class where class = ?1");
    row(question.bind(class.to_string()), db).await
}

/// The classes of a school after `after` in the order of their ids, at most `max`.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school(
    db: &SqlitePool,
    school: Uai,
    after: Option<ClassId>,
    max: u32,
) -> sqlx::Result<Vec<ClassRow>> {
    let question = "select row from class where school = ?1 and class > ?2 order by class limit ?3";
    let after = after.map(|class| class.to_string()).unwrap_or_default();
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(after).bind(max), db).await
}

/// Everybody who is or was in a class, with who they are.
///
/// # Errors
/// When the read model cannot be read.
pub async fn members(db: &SqlitePool, class: ClassId) -> sqlx::Result<Vec<MemberOfClass>> {
    let question = "select m.row, p.row from class_member m
        left join person p on p.person = m.student where m.class = ?1 order by m.student";
    let question = sqlx::query_as(question).bind(class.to_string());
    let found: Vec<(String, Option<String>)> = question.fetch_all(db).await?;
    let member = |(member, person): &(String, Option<String>)| {
        let person = person.as_deref().map(read).transpose()?;
        Ok(MemberOfClass { member: read(member)?, person })
    };
    found.iter().map(member).collect()
}

/// Who was in a class on a day.
///
/// # Errors
/// When the read model cannot be read.
pub async fn students_on(
    db: &SqlitePool,
    class: ClassId,
    date: NaiveDate,
) -> sqlx::Result<BTreeSet<StudentId>> {
    let question = sqlx::query_scalar("select row from class_member where class = ?1");
    let members: Vec<MemberRow> = rows(question.bind(class.to_string()), db).await?;
    Ok(members.iter().filter(|m| m.is_in_on(date)).map(|m| m.student).collect())
}

/// The classes that a student is or was in.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_student(db: &SqlitePool, student: StudentId) -> sqlx::Result<Vec<MemberRow>> {
    let question = "select row from class_member where student = ?1 order by class";
    rows(sqlx::query_scalar(question).bind(student.to_string()), db).await
}

/// Who teaches and taught a class.
///
/// # Errors
/// When the read model cannot be read.
pub async fn teachers(db: &SqlitePool, class: ClassId) -> sqlx::Result<Vec<TeacherRow>> {
    let question = "select row from class_teacher where class = ?1 order by teacher";
    rows(sqlx::query_scalar(question).bind(class.to_string()), db).await
}

/// Who is and was in the classes of a school's year.
///
/// # Errors
/// When the read model cannot be read.
pub async fn members_of_school(
    db: &SqlitePool,
    school: Uai,
    year: SchoolYear,
) -> sqlx::Result<Vec<MemberRow>> {
    let question = "select m.row from class c join class_member m on m.class = c.class
        where c.school = ?1 and c.row ->> '$.year' = ?2";
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(year.0), db).await
}

/// Who teaches and taught the classes of a school's year.
///
/// # Errors
/// When the read model cannot be read.
pub async fn teachers_of_school(
    db: &SqlitePool,
    school: Uai,
    year: SchoolYear,
) -> sqlx::Result<Vec<TeacherRow>> {
    let question = "select t.row from class c join class_teacher t on t.class = c.class
        where c.school = ?1 and c.row ->> '$.year' = ?2";
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(year.0), db).await
}

pub(crate) struct Classes;

impl Table for Classes {
    type Key = (ClassId,);
    type Row = ClassRow;
    const NAME: &'static str = "class";
    const COLUMNS: &'static [&'static str] = &["class", "school"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((ClassId,))) {
        if let Event::Class(class, ClassEvent::ClassFormed { .. }) = &recorded.event {
            touch((*class,));
        }
    }

    fn key(row: &ClassRow) -> (ClassId,) {
        (row.class,)
    }

    fn columns(row: &ClassRow) -> Vec<String> {
        vec![row.class.to_string(), row.school.to_string()]
    }

    fn fold(old: Option<ClassRow>, key: &(ClassId,), recorded: &Recorded) -> Option<ClassRow> {
        let Event::Class(_, ClassEvent::ClassFormed { name, kind, year }) = &recorded.event else {
            return old;
        };
        let (school, name) = (recorded.header.school, name.clone());
        Some(ClassRow { class: key.0, school, name, kind: *kind, year: *year })
    }
}

pub(crate) struct Members;

impl Table for Members {
    type Key = (ClassId, StudentId);
    type Row = MemberRow;
    const NAME: &'static str = "class_member";
    const COLUMNS: &'static [&'static str] = &["class", "student"];
    const KEY: usize = 2;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((ClassId, StudentId))) {
        if let Event::Class(class, event) = &recorded.event
            && let Some(student) = event.student()
        {
            touch((*class, student));
        }
    }

    fn key(row: &MemberRow) -> (ClassId, StudentId) {
        (row.class, row.student)
    }

    fn columns(row: &MemberRow) -> Vec<String> {
        vec![row.class.to_string(), row.student.to_string()]
    }

    fn fold(
        old: Option<MemberRow>,
        &(class, student): &(ClassId, StudentId),
        recorded: &Recorded,
    ) -> Option<MemberRow> {
        let Event::Class(_, event) = &recorded.event else { return old };
        let mut row = old.unwrap_or(MemberRow { class, student, stays: Vec::new() });
        match event {
            ClassEvent::StudentJoinedClass { from, .. } => {
                row.stays.push(Stay { from: *from, until: None });
            }
            ClassEvent::StudentLeftClass { since, on, .. } => {
                let open = row.stays.iter_mut().filter(|stay| stay.until.is_none());
                let left = open.filter(|stay| stay.from == *since);
                left.for_each(|stay| stay.until = Some(*on));
            }
            ClassEvent::ClassFormed { .. }
            | ClassEvent::TeacherAssigned { .. }
            | ClassEvent::TeacherReleased { .. } => {}
        }
        Some(row)
    }
}

pub(crate) struct Teachers;

impl Table for Teachers {
    type Key = (ClassId, PersonId);
    type Row = TeacherRow;
    const NAME: &'static str = "class_teacher";
    const COLUMNS: &'static [&'static str] = &["class", "teacher"];
    const KEY: usize = 2;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((ClassId, PersonId))) {
        let Event::Class(class, event) = &recorded.event else { return };
        match event {
            ClassEvent::TeacherAssigned { teacher, .. }
            | ClassEvent::TeacherReleased { teacher, .. } => touch((*class, *teacher)),
            ClassEvent::ClassFormed { .. }
            | ClassEvent::StudentJoinedClass { .. }
            | ClassEvent::StudentLeftClass { .. } => {}
        }
    }

    fn key(row: &TeacherRow) -> (ClassId, PersonId) {
        (row.class, row.teacher)
    }

    fn columns(row: &TeacherRow) -> Vec<String> {
        vec![row.class.to_string(), row.teacher.to_string()]
    }

    fn fold(
        old: Option<TeacherRow>,
        &(class, teacher): &(ClassId, PersonId),
        recorded: &Recorded,
    ) -> Option<TeacherRow> {
        let Event::Class(_, event) = &recorded.event else { return old };
        let mut row = old.unwrap_or(TeacherRow { class, teacher, subjects: Vec::new() });
        match event {
            ClassEvent::TeacherAssigned { subject, from, .. } => {
                let stay = Stay { from: *from, until: None };
                row.subjects.push(Taught { subject: subject.clone(), stay });
            }
            ClassEvent::TeacherReleased { subject, since, on, .. } => {
                let open = row.subjects.iter_mut().filter(|taught| taught.stay.until.is_none());
                let ended = open.filter(|t| t.subject == *subject && t.stay.from == *since);
                ended.for_each(|taught| taught.stay.until = Some(*on));
            }
            ClassEvent::ClassFormed { .. }
            | ClassEvent::StudentJoinedClass { .. }
            | ClassEvent::StudentLeftClass { .. } => {}
        }
        Some(row)
    }
}
