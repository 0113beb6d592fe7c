//! What departs from the timetable in the ten days: a teacher away, a lesson moved, another room,
//! and a lesson that turns out, after its roll call, not to have taken place.

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::{
    CourseId, PersonId,
    classes::ClassKind,
    timetable::{
        Course, LessonChange, Place, TimetableCommand,
        lessons::{Lesson, week},
    },
};

use super::{
    World, calendar,
    courses::ClassOfSchool,
    decided,
    script::{Ask, Writer},
    spells::instant,
};

/// Writes the changes that are known before the lessons, by the number of the day.
///
/// # Errors
/// When the days have no lesson that can be changed so.
pub(super) fn write(world: &mut World, writer: &mut Writer) -> anyhow::Result<()> {
    teacher_away(world, writer, 2)?;
    move_to_next_day(world, writer, 4)?;
    let at = instant(world, 6, (7, 40));
    let lesson = of_division(world, 6).context("a lesson of the seventh day")?;
    let room = "Salle polyvalente".to_owned();
    change(world, writer, at, (&lesson, LessonChange::ChangeRoom { room }))
}

/// Cancels a lesson whose roll was called: half-days are counted again without it.
///
/// # Errors
/// When the lesson is none.
pub(super) fn cancel_afterwards(
    world: &mut World,
    writer: &mut Writer,
    at: DateTime<Utc>,
    lesson: &Lesson,
) -> anyhow::Result<()> {
    change(world, writer, at, (lesson, LessonChange::Cancel))
}

/// The lessons of one of the ten days, in the order of courses.
pub(super) fn lessons_of(world: &World, day: usize) -> Vec<Lesson> {
    let courses = world.programme.courses.iter().zip(&world.courses);
    let sheets = courses.filter_map(|(planned, course)| match course {
        Course::Scheduled(sheet) => Some((planned.id, sheet)),
        Course::None => None,
    });
    let date = world.days[day];
    sheets.flat_map(|(id, sheet)| sheet.lessons_on(id, date, &world.sheet)).collect()
}

/// A teacher is away for a day: a colleague gives the first lesson, the others do not take place.
fn teacher_away(world: &mut World, writer: &mut Writer, day: usize) -> anyhow::Result<()> {
    let at = instant(world, day - 1, (17, 45));
    let lessons = lessons_of(world, day);
    let busy = |teacher: PersonId| lessons.iter().filter(move |l| l.teachers.contains(&teacher));
    let teachers = world.programme.courses.iter().map(|course| course.teacher);
    let teachers: Vec<PersonId> = teachers.map(|n| world.people.staff[n].person.id).collect();
    let away = teachers.iter().copied().find(|teacher| busy(*teacher).count() >= 3);
    let away = away.context("a teacher with three lessons")?;
    let of_teacher: Vec<&Lesson> = busy(away).collect();
    for (n, lesson) in of_teacher.iter().enumerate() {
        let free = |t: &PersonId| busy(*t).all(|other| other.place.slot != lesson.place.slot);
        let substitute = teachers.iter().copied().filter(|_| n == 0).find(free);
        let cancel = LessonChange::Cancel;
        let what = substitute.map_or(cancel, |teacher| LessonChange::Replace { teacher });
        change(world, writer, at, (lesson, what))?;
    }
    Ok(())
}

/// A lesson of the day takes place on the next one, where its class, teacher and room are free.
fn move_to_next_day(world: &mut World, writer: &mut Writer, day: usize) -> anyhow::Result<()> {
    let at = instant(world, day - 1, (17, 50));
    let (today, tomorrow) = (lessons_of(world, day), lessons_of(world, day + 1));
    let date = world.days[day + 1];
    let slots = 1..=2 * calendar::SLOTS_OF_HALF;
    let open = slots.filter(|slot| {
        let time = world.sheet.lesson_time(date, *slot);
        time.is_some_and(|time| !world.sheet.is_closed(date, time.half))
    });
    let open: Vec<u8> = open.collect();
    let found = today.into_iter().find_map(|lesson| {
        let clashes = |slot: u8| {
            let mut others = tomorrow.iter().filter(|other| other.place.slot == slot);
            others.any(|other| clash(world, &lesson, other))
        };
        let slot = open.iter().copied().find(|slot| !clashes(*slot))?;
        Some((lesson, slot))
    });
    let (lesson, slot) = found.context("a lesson that can be moved")?;
    let (to, room) = (Place { date, slot }, lesson.room.clone());
    change(world, writer, at, (&lesson, LessonChange::Move { to, room }))
}

/// Whether two lessons cannot take place at once: for a class, its level's groups count as itself.
fn clash(world: &World, one: &Lesson, other: &Lesson) -> bool {
    let class = |lesson: &Lesson| world.programme.classes.iter().find(|c| c.id == lesson.class);
    let same_students = |one: &ClassOfSchool, other: &ClassOfSchool| {
        let groups = one.kind == ClassKind::Group || other.kind == ClassKind::Group;
        one.id == other.id || groups && one.level == other.level
    };
    let same_class = class(one).zip(class(other)).is_none_or(|(a, b)| same_students(a, b));
    let same_teacher = one.teachers.iter().any(|teacher| other.teachers.contains(teacher));
    same_class || same_teacher || one.room == other.room
}

/// A lesson of a whole division, as planned.
fn of_division(world: &World, day: usize) -> Option<Lesson> {
    let divisions = || world.programme.classes.iter().filter(|c| c.kind == ClassKind::Division);
    let planned = |lesson: &Lesson| lesson.place == lesson.planned && !lesson.cancelled;
    let of_division = |lesson: &Lesson| divisions().any(|class| class.id == lesson.class);
    lessons_of(world, day).into_iter().find(|lesson| planned(lesson) && of_division(lesson))
}

fn change(
    world: &mut World,
    writer: &mut Writer,
    at: DateTime<Utc>,
    (lesson, change): (&Lesson, LessonChange),
) -> anyhow::Result<()> {
    let (planned, course) = (lesson.planned, lesson.course);
    let week = week(&world.sheet, planned.date);
    let command = TimetableCommand::ChangeLesson { planned, week, change };
    let n = number(world, course).context("a course of the programme")?;
    world.courses[n] = decided(std::mem::take(&mut world.courses[n]), command.clone())?;
    writer.ask(at, at, world.head, Ask::Timetable(course, command));
    Ok(())
}

fn number(world: &World, course: CourseId) -> Option<usize> {
    world.programme.courses.iter().position(|known| known.id == course)
}
