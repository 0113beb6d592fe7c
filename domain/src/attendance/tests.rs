//! The rules of the attendance file, one test each.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::{
    CourseId,
    schools::tests::{day, reason, sheet},
    timetable::Place,
};

const STUDENT: StudentId = StudentId(Uuid::from_u128(1));
const MOTHER: PersonId = PersonId(Uuid::from_u128(2));
const FATHER: PersonId = PersonId(Uuid::from_u128(5));
const OPENED: LineId = LineId(Uuid::from_u128(3));
const OTHER: LineId = LineId(Uuid::from_u128(4));

#[test]
fn a_student_marked_absent_has_an_absence_in_their_file() {
    given([]).when(follow(0, Mark::Absent)).then_expect_events(vec![absent(0)]);
}

#[test]
fn a_student_marked_present_has_nothing_in_their_file() {
    given([]).when(follow(0, Mark::Present)).then_expect_events(vec![]);
}

#[test]
fn following_the_same_roll_call_again_changes_nothing() {
    given([absent(0)]).when(follow(0, Mark::Absent)).then_expect_events(vec![]);
    given([absent(0), withdrawn(1)]).when(follow(0, Mark::Absent)).then_expect_events(vec![]);
}

#[test]
fn a_corrected_roll_call_takes_the_absence_back_and_may_bring_it_again() {
    given([absent(0)]).when(follow(1, Mark::Present)).then_expect_events(vec![withdrawn(1)]);
    given([absent(0), withdrawn(1)])
        .when(follow(2, Mark::Absent))
        .then_expect_events(vec![absent(2)]);
}

#[test]
fn lateness_up_to_the_limit_is_lateness_and_beyond_it_an_absence() {
    given([]).when(follow(0, Mark::Late { minutes: 10 })).then_expect_events(vec![late(0, 10)]);
    given([]).when(follow(0, Mark::Late { minutes: 11 })).then_expect_events(vec![absent(0)]);
}

#[test]
fn a_lateness_can_turn_into_an_absence() {
    given([late(0, 5)]).when(follow(1, Mark::Absent)).then_expect_events(vec![absent(1)]);
}

#[test]
fn an_exempted_student_is_not_absent() {
    let exempted = AttendanceEvent::ExemptionGranted { line: OPENED, exemption: exemption(false) };
    given([exempted]).when(follow(0, Mark::Absent)).then_expect_events(vec![]);
}

#[test]
fn an_exempted_student_who_is_to_attend_is_absent() {
    let exempted = AttendanceEvent::ExemptionGranted { line: OPENED, exemption: exemption(true) };
    given([exempted]).when(follow(0, Mark::Absent)).then_expect_events(vec![absent(0)]);
}

#[test]
fn an_announced_absence_explains_the_lessons_missed_in_it() {
    given([announced(7, 9), said(OPENED, GivenBy::Family(MOTHER))])
        .when(follow(0, Mark::Absent))
        .then_expect_events(vec![absent(0), said(lesson_line(), GivenBy::Covering(OPENED))]);
}

#[test]
fn an_announcement_that_ends_earlier_does_not_explain_the_lesson() {
    given([announced(6, 7), said(OPENED, GivenBy::Family(MOTHER))])
        .when(follow(0, Mark::Absent))
        .then_expect_events(vec![absent(0)]);
}

#[test]
fn an_announcement_made_late_explains_what_was_already_missed() {
    given([absent(0)]).when(announce(7, 9)).then_expect_events(vec![
        announced(7, 9),
        said(OPENED, GivenBy::Family(MOTHER)),
        said(lesson_line(), GivenBy::Covering(OPENED)),
    ]);
}

#[test]
fn two_declarations_do_not_overlap() {
    let other = AttendanceEvent::AbsenceAnnounced { line: OTHER, period: period(8, 10) };
    given([other]).when(announce(7, 9)).then_expect_error(AttendanceError::AbsenceOverlaps);
}

#[test]
fn a_declaration_may_follow_another_or_take_the_place_of_a_withdrawn_one() {
    let other =
        |from, to| AttendanceEvent::AbsenceAnnounced { line: OTHER, period: period(from, to) };
    let all = vec![announced(7, 9), said(OPENED, GivenBy::Family(MOTHER))];
    given([other(9, 10)]).when(announce(7, 9)).then_expect_events(all.clone());
    let back = AttendanceEvent::LineWithdrawn { line: OTHER, source: Source::Office };
    given([other(8, 10), back]).when(announce(7, 9)).then_expect_events(all);
}

#[test]
fn an_absence_ends_after_it_begins() {
    let command = AttendanceCommand::RecordAbsence { line: OPENED, period: period(9, 9) };
    given([]).when(command).then_expect_error(AttendanceError::AbsenceEndsBeforeItBegins);
}

#[test]
fn a_reason_given_by_the_family_waits_for_judgment() {
    given([absent(0)])
        .when(explain(lesson_line(), good_at_once(), GivenBy::Family(MOTHER)))
        .then_expect_events(vec![said(lesson_line(), GivenBy::Family(MOTHER))]);
}

#[test]
fn a_reason_given_by_the_office_is_judged_as_the_list_says() {
    let line = lesson_line();
    given([absent(0)]).when(explain(line, good_at_once(), GivenBy::Office)).then_expect_events(
        vec![
            said(line, GivenBy::Office),
            AttendanceEvent::ReasonAccepted { line },
            AttendanceEvent::AbsenceRegularised { line },
        ],
    );
}

#[test]
fn a_closed_reason_is_not_given_any_more() {
    let closed = Reason { closed: true, ..reason("illness") };
    given([absent(0)])
        .when(explain(lesson_line(), closed, GivenBy::Office))
        .then_expect_error(AttendanceError::ReasonClosed);
}

#[test]
fn giving_the_same_reason_again_changes_nothing() {
    given([absent(0), said(lesson_line(), GivenBy::Family(MOTHER))])
        .when(explain(lesson_line(), reason("illness"), GivenBy::Family(MOTHER)))
        .then_expect_events(vec![]);
}

#[test]
fn a_correction_from_late_to_absent_keeps_the_reason_that_was_given() {
    let line = lesson_line();
    let accepted = AttendanceEvent::ReasonAccepted { line };
    given([late(0, 5), said(line, GivenBy::Family(MOTHER)), accepted, absent(1)])
        .when(AttendanceCommand::AcceptReason { line })
        .then_expect_events(vec![]);
}

#[test]
fn a_withdrawn_announcement_explains_nothing() {
    let covered = said(lesson_line(), GivenBy::Covering(OPENED));
    given([announced(7, 9), said(OPENED, GivenBy::Family(MOTHER)), absent(0), covered])
        .when(AttendanceCommand::WithdrawLine { line: OPENED })
        .then_expect_events(vec![
            AttendanceEvent::LineWithdrawn { line: OPENED, source: Source::Office },
            AttendanceEvent::ReasonTakenBack { line: lesson_line() },
        ]);
}

#[test]
fn there_is_nothing_to_judge_before_a_reason_is_given() {
    given([absent(0)])
        .when(AttendanceCommand::AcceptReason { line: lesson_line() })
        .then_expect_error(AttendanceError::NoReasonGiven);
}

#[test]
fn judging_a_declaration_judges_the_lessons_it_explains() {
    given([
        announced(7, 9),
        said(OPENED, GivenBy::Family(MOTHER)),
        absent(0),
        said(lesson_line(), GivenBy::Covering(OPENED)),
    ])
    .when(AttendanceCommand::RefuseReason { line: OPENED })
    .then_expect_events(in_line_order(|line| AttendanceEvent::ReasonRefused { line }));
}

#[test]
fn a_judgment_can_be_revised_and_the_same_again_changes_nothing() {
    let line = lesson_line();
    let accepted = AttendanceEvent::ReasonAccepted { line };
    let history = [absent(0), said(line, GivenBy::Office), accepted];
    given(history.clone())
        .when(AttendanceCommand::AcceptReason { line })
        .then_expect_events(vec![]);
    given(history)
        .when(AttendanceCommand::RefuseReason { line })
        .then_expect_events(vec![AttendanceEvent::ReasonRefused { line }]);
}

#[test]
fn a_family_does_not_undo_what_the_school_has_accepted() {
    let line = lesson_line();
    let accepted = AttendanceEvent::ReasonAccepted { line };
    let history = [absent(0), said(line, GivenBy::Family(MOTHER)), accepted];
    let of_father = giving(reason("illness"), GivenBy::Family(FATHER));
    let itself = GiveReason { by_themselves: true, ..of_father.clone() };
    given(history.clone())
        .when(AttendanceCommand::GiveReason { line, reason: Box::new(itself.clone()) })
        .then_expect_error(AttendanceError::ReasonAccepted);
    let by_office = AttendanceCommand::GiveReason { line, reason: Box::new(of_father) };
    given(history).when(by_office).then_expect_events(vec![said(line, GivenBy::Family(FATHER))]);
    given([absent(0), said(line, GivenBy::Family(MOTHER))])
        .when(AttendanceCommand::GiveReason { line, reason: Box::new(itself) })
        .then_expect_events(vec![said(line, GivenBy::Family(FATHER))]);
}

#[test]
fn a_certificate_stays_with_its_line_whatever_reason_comes_after_it() {
    let line = lesson_line();
    let document = Some(DocumentId(Uuid::from_u128(12)));
    let shown = |by| {
        let AttendanceEvent::ReasonGiven { line, given } = said(line, by) else { unreachable!() };
        AttendanceEvent::ReasonGiven { line, given: Given { document, ..given } }
    };
    given([absent(0), shown(GivenBy::Family(MOTHER))])
        .when(AttendanceCommand::GiveReason {
            line,
            reason: Box::new(giving(reason("illness"), GivenBy::Family(FATHER))),
        })
        .then_expect_events(vec![shown(GivenBy::Family(FATHER))]);
}

#[test]
fn an_absence_can_be_regularised_without_a_good_reason() {
    let line = lesson_line();
    given([absent(0)])
        .when(AttendanceCommand::Regularise { line })
        .then_expect_events(vec![AttendanceEvent::AbsenceRegularised { line }]);
}

#[test]
fn a_withdrawn_absence_cannot_be_excused() {
    given([absent(0), withdrawn(1)])
        .when(explain(lesson_line(), reason("illness"), GivenBy::Office))
        .then_expect_error(AttendanceError::AlreadyWithdrawn);
}

#[test]
fn a_line_of_another_file_cannot_be_excused() {
    given([absent(0)])
        .when(explain(OTHER, reason("illness"), GivenBy::Office))
        .then_expect_error(AttendanceError::UnknownLine);
}

#[test]
fn an_exemption_is_not_explained() {
    let exempted = AttendanceEvent::ExemptionGranted { line: OPENED, exemption: exemption(false) };
    given([exempted])
        .when(explain(OPENED, reason("illness"), GivenBy::Office))
        .then_expect_error(AttendanceError::ExemptionNotExplained);
}

#[test]
fn a_line_of_a_roll_call_is_taken_back_by_the_roll_call_only() {
    given([absent(0)])
        .when(AttendanceCommand::WithdrawLine { line: lesson_line() })
        .then_expect_error(AttendanceError::FollowsRollCall);
}

#[test]
fn an_erased_file_is_not_written_on() {
    let erased = Attendance::default().evolve(absent(0)).forget();
    assert_eq!(erased.decide(follow(1, Mark::Present)), Err(AttendanceError::AttendanceErased));
}

fn given<const N: usize>(events: [AttendanceEvent; N]) -> AggregateTestExecutor<Attendance> {
    TestFramework::with(()).given(events.into())
}

/// The first lesson of a Monday, from 7 to 7:55 in UTC.
fn called() -> Called {
    let planned = Place { date: day("2026-11-09"), slot: 1 };
    let time = sheet().lesson_time(planned.date, planned.slot).unwrap();
    Called { course: CourseId(Uuid::from_u128(9)), planned, time }
}

fn lesson_line() -> LineId {
    LineId::of_lesson(STUDENT, called().lesson())
}

fn follow(revision: u64, mark: Mark) -> AttendanceCommand {
    AttendanceCommand::follow(STUDENT, called(), mark, (revision, "EPS", 10))
}

fn roll_call(revision: u64) -> Source {
    Source::RollCall { lesson: called().lesson(), revision }
}

fn lesson_period() -> Period {
    Period { from: called().time.starts_at, to: called().time.ends_at }
}

fn absent(revision: u64) -> AttendanceEvent {
    let (line, period) = (lesson_line(), lesson_period());
    AttendanceEvent::AbsenceRecorded { line, period, source: roll_call(revision) }
}

fn late(revision: u64, minutes: u16) -> AttendanceEvent {
    let (line, period) = (lesson_line(), lesson_period());
    AttendanceEvent::LatenessRecorded { line, period, minutes, source: roll_call(revision) }
}

fn withdrawn(revision: u64) -> AttendanceEvent {
    AttendanceEvent::LineWithdrawn { line: lesson_line(), source: roll_call(revision) }
}

fn exemption(attends: bool) -> Exemption {
    let (first_day, last_day) = (day("2026-11-02"), day("2026-11-30"));
    Exemption { subject: "EPS".to_owned(), first_day, last_day, attends }
}

fn period(from_hour: u32, to_hour: u32) -> Period {
    let at = |hour| day("2026-11-09").and_hms_opt(hour, 0, 0).unwrap().and_utc();
    Period { from: at(from_hour), to: at(to_hour) }
}

fn announced(from_hour: u32, to_hour: u32) -> AttendanceEvent {
    AttendanceEvent::AbsenceAnnounced { line: OPENED, period: period(from_hour, to_hour) }
}

fn announce(from_hour: u32, to_hour: u32) -> AttendanceCommand {
    let reason = Box::new(giving(reason("illness"), GivenBy::Family(MOTHER)));
    let period = period(from_hour, to_hour);
    AttendanceCommand::AnnounceAbsence { line: OPENED, period, reason }
}

fn explain(line: LineId, reason: Reason, by: GivenBy) -> AttendanceCommand {
    AttendanceCommand::GiveReason { line, reason: Box::new(giving(reason, by)) }
}

fn giving(reason: Reason, by: GivenBy) -> GiveReason {
    GiveReason { reason, list: 1, by, comment: None, document: None, by_themselves: false }
}

fn good_at_once() -> Reason {
    Reason { receivable: Some(true), regularises: true, ..reason("illness") }
}

fn said(line: LineId, by: GivenBy) -> AttendanceEvent {
    let given = Given { reason: "illness".to_owned(), list: 1, by, comment: None, document: None };
    AttendanceEvent::ReasonGiven { line, given }
}

fn in_line_order(event: impl Fn(LineId) -> AttendanceEvent) -> Vec<AttendanceEvent> {
    let mut lines = [OPENED, lesson_line()];
    lines.sort();
    lines.map(event).into()
}
