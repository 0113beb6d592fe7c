//! The rules of the timetable, one test each.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::{
    LessonId,
    schools::tests::{day, sheet},
    timetable::lessons::Lesson,
};

const COURSE: CourseId = CourseId(Uuid::from_u128(1));
const CLASS: ClassId = ClassId(Uuid::from_u128(2));
const TEACHER: PersonId = PersonId(Uuid::from_u128(3));
const SUBSTITUTE: PersonId = PersonId(Uuid::from_u128(4));

#[test]
fn a_course_needs_a_teacher_and_a_meeting() {
    let plan = CoursePlan { teachers: vec![], ..plan() };
    given([])
        .when(TimetableCommand::ScheduleCourse { plan })
        .then_expect_error(TimetableError::CourseIncomplete);
}

#[test]
fn scheduling_again_changes_nothing_and_otherwise_is_refused() {
    given([scheduled()])
        .when(TimetableCommand::ScheduleCourse { plan: plan() })
        .then_expect_events(vec![]);
    let plan = CoursePlan { subject: "Latin".to_owned(), ..plan() };
    given([scheduled()])
        .when(TimetableCommand::ScheduleCourse { plan })
        .then_expect_error(TimetableError::CourseAlreadyScheduled);
}

#[test]
fn a_lesson_that_the_timetable_does_not_have_cannot_be_cancelled() {
    for (date, slot, week) in [
        ("2026-11-09", 2, Some(Week::A)),
        ("2026-11-10", 1, Some(Week::A)),
        ("2026-11-12", 3, Some(Week::B)),
        ("2026-11-09", 1, None),
    ] {
        given([scheduled()])
            .when(change(place(date, slot), week, LessonChange::Cancel))
            .then_expect_error(TimetableError::LessonDidNotTakePlace);
    }
}

#[test]
fn a_cancelled_lesson_is_not_moved_until_it_is_reinstated() {
    let planned = place("2026-11-09", 1);
    let to_friday = LessonChange::Move { to: place("2026-11-13", 5), room: "12".to_owned() };
    let cancelled = TimetableEvent::LessonCancelled { planned };
    given([scheduled(), cancelled.clone()])
        .when(change(planned, Some(Week::A), to_friday.clone()))
        .then_expect_error(TimetableError::LessonCancelled);
    let moved =
        TimetableEvent::LessonMoved { planned, to: place("2026-11-13", 5), room: "12".to_owned() };
    given([scheduled(), cancelled, TimetableEvent::LessonReinstated { planned }])
        .when(change(planned, Some(Week::A), to_friday))
        .then_expect_events(vec![moved]);
}

#[test]
fn the_same_change_again_changes_nothing() {
    let planned = place("2026-11-09", 1);
    let replaced = TimetableEvent::LessonReplaced { planned, teacher: SUBSTITUTE };
    given([scheduled(), replaced])
        .when(change(planned, Some(Week::A), LessonChange::Replace { teacher: SUBSTITUTE }))
        .then_expect_events(vec![]);
}

#[test]
fn a_course_is_rescheduled_within_its_days() {
    let meetings = plan().meetings;
    given([scheduled()])
        .when(TimetableCommand::RescheduleCourse { from: day("2027-08-01"), meetings })
        .then_expect_error(TimetableError::OutsideCourse);
}

#[test]
fn a_course_that_is_taken_back_before_its_first_day_never_takes_place() {
    let first_day = plan().first_day;
    let on = first_day.pred_opt().unwrap();
    let ended = TimetableEvent::CourseEnded { on };
    given([scheduled()])
        .when(TimetableCommand::EndCourse { on })
        .then_expect_events(vec![ended.clone()]);
    assert_eq!(lessons([ended], "2026-11-09"), []);
    given([scheduled()])
        .when(TimetableCommand::EndCourse { on: on.pred_opt().unwrap() })
        .then_expect_error(TimetableError::OutsideCourse);
}

#[test]
fn lessons_alternate_between_weeks() {
    assert_eq!(lessons([], "2026-11-12").len(), 1, "a Thursday of week A");
    assert_eq!(lessons([], "2026-11-19").len(), 0, "a Thursday of week B");
}

#[test]
fn no_lesson_takes_place_on_holidays_or_outside_the_course() {
    assert_eq!(lessons([], "2026-10-19").len(), 0, "a Monday of the autumn holidays");
    assert_eq!(lessons([], "2027-07-05").len(), 0, "after the school year");
}

#[test]
fn a_moved_lesson_keeps_its_id_and_leaves_its_place() {
    let planned = place("2026-11-09", 1);
    let to = place("2026-11-13", 5);
    let moved = TimetableEvent::LessonMoved { planned, to, room: "12".to_owned() };
    assert_eq!(lessons([moved.clone()], "2026-11-09"), []);
    let there = lessons([moved], "2026-11-13");
    assert_eq!(there[0].lesson, LessonId::of(COURSE, planned.date, planned.slot));
    assert_eq!((there[0].place, there[0].room.as_str()), (to, "12"));
}

#[test]
fn a_lesson_moved_within_its_day_is_there_once() {
    let (planned, to) = (place("2026-11-09", 1), place("2026-11-09", 6));
    let moved = TimetableEvent::LessonMoved { planned, to, room: "12".to_owned() };
    let there = lessons([moved], "2026-11-09");
    assert_eq!(there.iter().map(|lesson| lesson.place).collect::<Vec<_>>(), [to]);
}

#[test]
fn meetings_in_the_same_slot_of_two_days_are_one_lesson_on_each() {
    let pattern = &plan().meetings[0];
    let meetings = vec![pattern.clone(), Meeting { weekday: Weekday::Tue, ..pattern.clone() }];
    let both = TimetableEvent::CourseRescheduled { from: day("2026-11-02"), meetings };
    assert_eq!(lessons([both.clone()], "2026-11-09").len(), 1);
    assert_eq!(lessons([both], "2026-11-10").len(), 1);
}

#[test]
fn a_substitute_gives_the_lesson_in_the_teachers_place() {
    let planned = place("2026-11-09", 1);
    let replaced = TimetableEvent::LessonReplaced { planned, teacher: SUBSTITUTE };
    assert_eq!(lessons([replaced], "2026-11-09")[0].teachers, [SUBSTITUTE]);
}

#[test]
fn a_new_pattern_leaves_the_past_as_it_was() {
    let meetings = vec![Meeting { weekday: Weekday::Tue, ..plan().meetings[0].clone() }];
    let tuesdays = TimetableEvent::CourseRescheduled { from: day("2026-11-16"), meetings };
    assert_eq!(lessons([tuesdays.clone()], "2026-11-09").len(), 1);
    assert_eq!(lessons([tuesdays.clone()], "2026-11-16").len(), 0);
    assert_eq!(lessons([tuesdays], "2026-11-17").len(), 1);
}

fn given<const N: usize>(events: [TimetableEvent; N]) -> AggregateTestExecutor<Course> {
    TestFramework::with(()).given(events.into())
}

fn lessons<const N: usize>(changes: [TimetableEvent; N], date: &str) -> Vec<Lesson> {
    let events = [scheduled()].into_iter().chain(changes);
    match events.fold(Course::None, Course::evolve) {
        Course::Scheduled(course) => course.lessons_on(COURSE, day(date), &sheet()),
        Course::None => panic!("the course was scheduled"),
    }
}

fn plan() -> CoursePlan {
    let meeting = |weekday, slot, weeks| Meeting { weekday, slot, weeks, room: "7".to_owned() };
    CoursePlan {
        class: CLASS,
        subject: "Mathématiques".to_owned(),
        teachers: vec![TEACHER],
        first_day: day("2026-09-01"),
        last_day: day("2027-07-02"),
        meetings: vec![meeting(Weekday::Mon, 1, Weeks::Every), meeting(Weekday::Thu, 3, Weeks::A)],
    }
}

fn scheduled() -> TimetableEvent {
    TimetableEvent::CourseScheduled { plan: plan() }
}

fn place(date: &str, slot: u8) -> Place {
    Place { date: day(date), slot }
}

fn change(planned: Place, week: Option<Week>, change: LessonChange) -> TimetableCommand {
    TimetableCommand::ChangeLesson { planned, week, change }
}
