//! The timetable as everybody sees it: the lessons of a class, a teacher or a student on given days.
//!
//! What is folded are the courses; lessons are computed from them and the school's calendar when
//! somebody asks, so that a timetable corrected afterwards shows everywhere at once.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::{
    ClassId, CourseId, Event, PersonId, Recorded, StudentId, Uai,
    schools::SchoolSheet,
    timetable::{Course, CourseSheet, TimetableEvent, lessons::Lesson},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

use crate::{classes, fold::Table, row, rows};

/// A course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseRow {
    /// Which one.
    pub course: CourseId,
    /// Of which school.
    pub school: Uai,
    /// Who learns.
    pub class: ClassId,
    /// All of it.
    pub sheet: CourseSheet,
}

/// Somebody who gives or gave lessons of a course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseTeacherRow {
    /// Who.
    pub teacher: PersonId,
    /// Of which course.
    pub course: CourseId,
}

/// A course.
///
/// # Errors
/// When the read model cannot be read.
pub async fn course(db: &SqlitePool, course: CourseId) -> sqlx::Result<Option<CourseRow>> {
    let question = sqlx::query_scalar("select row from course where course = ?1");
    row(question.bind(course.to_string()), db).await
}

/// The courses of a class.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_class(db: &SqlitePool, class: ClassId) -> sqlx::Result<Vec<CourseRow>> {
    let question = "select row from course where class = ?1 order by course";
    rows(sqlx::query_scalar(question).bind(class.to_string()), db).await
}

/// All courses of a school.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school(db: &SqlitePool, school: Uai) -> sqlx::Result<Vec<CourseRow>> {
    let question = "select row from course where school = ?1 order by course";
    rows(sqlx::query_scalar(question).bind(school.to_string()), db).await
}

/// The lessons that somebody gives on the days of a school.
///
/// # Errors
/// When the read model cannot be read.
pub async fn lessons_of_teacher(
    db: &SqlitePool,
    teacher: PersonId,
    school: (Uai, &SchoolSheet),
    days: &[NaiveDate],
) -> sqlx::Result<Vec<Lesson>> {
    let question = "select c.row from course_teacher t join course c on c.course = t.course
        where t.teacher = ?1 and c.school = ?2 order by c.course";
    let question = sqlx::query_scalar(question).bind(teacher.to_string());
    let courses = rows(question.bind(school.0.to_string()), db).await?;
    let mut lessons = lessons(&courses, school.1, days);
    lessons.retain(|lesson| lesson.teachers.contains(&teacher));
    Ok(lessons)
}

/// The lessons of the classes that a student is in on each of the days.
///
/// # Errors
/// When the read model cannot be read.
pub async fn lessons_of_student(
    db: &SqlitePool,
    student: StudentId,
    school: (Uai, &SchoolSheet),
    days: &[NaiveDate],
) -> sqlx::Result<Vec<Lesson>> {
    let question = "select c.row from class_member m join course c on c.class = m.class
        where m.student = ?1 and c.school = ?2 order by c.course";
    let question = sqlx::query_scalar(question).bind(student.to_string());
    let courses = rows(question.bind(school.0.to_string()), db).await?;
    let memberships = classes::of_student(db, student).await?;
    let mut lessons = lessons(&courses, school.1, days);
    lessons.retain(|lesson| {
        let in_class = |m: &&classes::MemberRow| m.class == lesson.class;
        let mut of_class = memberships.iter().filter(in_class);
        of_class.any(|member| member.is_in_on(lesson.place.date))
    });
    Ok(lessons)
}

/// The lessons of courses on days, in the order in which they take place.
pub fn lessons(courses: &[CourseRow], school: &SchoolSheet, days: &[NaiveDate]) -> Vec<Lesson> {
    let days: BTreeSet<_> = days.iter().collect();
    let on = |day: &NaiveDate| {
        let of_course =
            |row: &CourseRow| row.sheet.lessons_on(row.course, *day, school).into_iter();
        courses.iter().flat_map(of_course).collect::<Vec<_>>()
    };
    let mut lessons: Vec<Lesson> = days.into_iter().flat_map(on).collect();
    lessons.sort_by_key(|lesson| (lesson.time.starts_at, lesson.lesson));
    lessons
}

pub(crate) struct Courses;

impl Table for Courses {
    type Key = (CourseId,);
    type Row = CourseRow;
    const NAME: &'static str = "course";
    const COLUMNS: &'static [&'static str] = &["course", "school", "class"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((CourseId,))) {
        if let Event::Timetable(course, _) = &recorded.event {
            touch((*course,));
        }
    }

    fn key(row: &CourseRow) -> (CourseId,) {
        (row.course,)
    }

    fn columns(row: &CourseRow) -> Vec<String> {
        vec![row.course.to_string(), row.school.to_string(), row.class.to_string()]
    }

    fn fold(old: Option<CourseRow>, key: &(CourseId,), recorded: &Recorded) -> Option<CourseRow> {
        let Event::Timetable(_, event) = &recorded.event else { return old };
        let course = old.map_or(Course::None, |row| Course::Scheduled(Box::new(row.sheet)));
        match course.evolve(event.clone()) {
            Course::None => None,
            Course::Scheduled(sheet) => Some(CourseRow {
                course: key.0,
                school: recorded.header.school,
                class: sheet.class,
                sheet: *sheet,
            }),
        }
    }
}

pub(crate) struct CourseTeachers;

impl Table for CourseTeachers {
    type Key = (PersonId, CourseId);
    type Row = CourseTeacherRow;
    const NAME: &'static str = "course_teacher";
    const COLUMNS: &'static [&'static str] = &["teacher", "course"];
    const KEY: usize = 2;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((PersonId, CourseId))) {
        let Event::Timetable(course, event) = &recorded.event else { return };
        match event {
            TimetableEvent::CourseScheduled { plan } => {
                plan.teachers.iter().for_each(|teacher| touch((*teacher, *course)));
            }
            TimetableEvent::LessonReplaced { teacher, .. } => touch((*teacher, *course)),
            TimetableEvent::CourseRescheduled { .. }
            | TimetableEvent::LessonCancelled { .. }
            | TimetableEvent::LessonMoved { .. }
            | TimetableEvent::LessonRoomChanged { .. }
            | TimetableEvent::LessonReinstated { .. }
            | TimetableEvent::CourseEnded { .. } => {}
        }
    }

    fn key(row: &CourseTeacherRow) -> (PersonId, CourseId) {
        (row.teacher, row.course)
    }

    fn columns(row: &CourseTeacherRow) -> Vec<String> {
        vec![row.teacher.to_string(), row.course.to_string()]
    }

    fn fold(
        _: Option<CourseTeacherRow>,
        &(teacher, course): &(PersonId, CourseId),
        _: &Recorded,
    ) -> Option<CourseTeacherRow> {
        Some(CourseTeacherRow { teacher, course })
    }
}
