//! The rules about people, one test each.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;

#[test]
fn a_person_needs_both_names() {
    given([]).when(register(" ", "Inès")).then_expect_error(PersonError::NameMissing);
}

#[test]
fn a_service_has_one_name() {
    let service = Name { family: "ASE du Bas-Rhin".to_owned(), given: String::new(), usage: None };
    let registered = PersonEvent::PersonRegistered {
        name: service,
        birth_date: None,
        language: Language::French,
    };
    given([]).when(register("ASE du Bas-Rhin", "")).then_expect_events(vec![registered]);
}

#[test]
fn a_national_number_that_a_student_came_with_is_no_news() {
    let ine = "123456789AB".to_owned();
    let came = PersonEvent::StudentEnrolled {
        school: school(),
        ine: Some(ine.clone()),
        from: day("2026-09-01"),
    };
    let identifier = Identifier { scheme: Scheme::Ine, school: None, value: ine };
    given([registered(), came])
        .when(PersonCommand::IdentifyPerson { identifier })
        .then_expect_events(vec![]);
}

#[test]
fn registering_the_same_person_again_changes_nothing() {
    given([registered()]).when(register("Garnier", "Inès")).then_expect_events(vec![]);
}

#[test]
fn an_id_does_not_pass_to_another_person() {
    given([registered()])
        .when(register("Lemoine", "Inès"))
        .then_expect_error(PersonError::PersonAlreadyRegistered);
}

#[test]
fn nobody_is_enrolled_before_being_registered() {
    given([]).when(enrol("2026-09-01")).then_expect_error(PersonError::PersonNotRegistered);
}

#[test]
fn a_person_has_one_part_in_a_school() {
    let appoint = PersonCommand::AppointStaff {
        school: school(),
        function: Function::Assistant,
        from: day("2026-09-01"),
    };
    given([registered(), enrolled()]).when(appoint).then_expect_error(PersonError::AlreadyInSchool);
}

#[test]
fn a_student_who_left_may_come_back() {
    let left = PersonEvent::PersonLeftSchool { school: school(), on: day("2026-10-02") };
    let back =
        PersonEvent::StudentEnrolled { school: school(), ine: None, from: day("2026-11-03") };
    given([registered(), enrolled(), left])
        .when(enrol("2026-11-03"))
        .then_expect_events(vec![back]);
}

#[test]
fn a_birth_date_is_learnt_and_put_right() {
    let correct = |date| PersonCommand::CorrectBirthDate { birth_date: day(date) };
    let corrected = |date| PersonEvent::BirthDateCorrected { birth_date: day(date) };
    given([registered()])
        .when(correct("2015-11-01"))
        .then_expect_events(vec![corrected("2015-11-01")]);
    given([registered(), corrected("2015-11-01")])
        .when(correct("2015-11-01"))
        .then_expect_events(vec![]);
    given([registered(), corrected("2015-11-01")])
        .when(correct("2014-11-01"))
        .then_expect_events(vec![corrected("2014-11-01")]);
}

#[test]
fn another_function_begins_in_the_decision_that_ends_the_old_one() {
    let change = |function, from| PersonCommand::ChangeFunction {
        school: school(),
        function,
        from: day(from),
    };
    let appointed = |function, from| PersonEvent::StaffAppointed {
        school: school(),
        function,
        from: day(from),
    };
    let works = || [registered(), appointed(Function::Teacher, "2026-09-01")];
    let left = PersonEvent::PersonLeftSchool { school: school(), on: day("2026-10-05") };
    given(works())
        .when(change(Function::Cpe, "2026-10-06"))
        .then_expect_events(vec![left, appointed(Function::Cpe, "2026-10-06")]);
    given(works()).when(change(Function::Teacher, "2026-10-06")).then_expect_events(vec![]);
    given(works())
        .when(change(Function::Cpe, "2026-09-01"))
        .then_expect_error(PersonError::LeavesBeforeComing);
    given([registered()])
        .when(change(Function::Cpe, "2026-10-06"))
        .then_expect_error(PersonError::NotInSchool);
    given([registered(), enrolled()])
        .when(change(Function::Cpe, "2026-10-06"))
        .then_expect_error(PersonError::AlreadyInSchool);
}

#[test]
fn nobody_leaves_a_school_they_are_not_in() {
    let leave = PersonCommand::LeaveSchool { school: school(), on: day("2026-10-02") };
    given([registered()]).when(leave).then_expect_error(PersonError::NotInSchool);
}

#[test]
fn nobody_leaves_before_coming() {
    let leave = PersonCommand::LeaveSchool { school: school(), on: day("2026-08-31") };
    given([registered(), enrolled()])
        .when(leave)
        .then_expect_error(PersonError::LeavesBeforeComing);
}

#[test]
fn an_erased_person_is_not_written_on() {
    let erased = Person::None.evolve(registered()).forget();
    assert_eq!(erased.decide(enrol("2026-09-01")), Err(PersonError::PersonErased));
}

fn given<const N: usize>(events: [PersonEvent; N]) -> AggregateTestExecutor<Person> {
    TestFramework::with(()).given(events.into())
}

fn register(family: &str, given: &str) -> PersonCommand {
    let name = Name { family: family.to_owned(), given: given.to_owned(), usage: None };
    PersonCommand::RegisterPerson { name, birth_date: None, language: Language::French }
}

fn registered() -> PersonEvent {
    let name = Name { family: "Garnier".to_owned(), given: "Inès".to_owned(), usage: None };
    PersonEvent::PersonRegistered { name, birth_date: None, language: Language::French }
}

fn enrol(from: &str) -> PersonCommand {
    PersonCommand::EnrolStudent { school: school(), ine: None, from: day(from) }
}

fn enrolled() -> PersonEvent {
    PersonEvent::StudentEnrolled { school: school(), ine: None, from: day("2026-09-01") }
}

fn school() -> Uai {
    "0549998Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
