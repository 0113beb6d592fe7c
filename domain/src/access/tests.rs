//! The rules about who may see what, one test each. The whole table is tried in `tests/access`.

use uuid::Uuid;

use super::*;

const HEAD: Function = Function::Head;

#[test]
fn whoever_has_nothing_to_do_with_the_school_may_do_nothing_there() {
    for action in Action::VARIANTS {
        let decision = decide(&somebody(), *action, &of_school(), day("2026-11-20"));
        assert_eq!(decision, Decision::refused(Rule::NoRelation), "{action:?}");
    }
}

#[test]
fn a_guardian_gives_reasons_until_the_student_is_of_age() {
    let facts = guardian("2008-11-20");
    let on = |action, date| asked(action, &facts, date);
    assert_eq!(on(Action::GiveReason, "2026-11-19"), Ok(Rule::Guardian));
    assert_eq!(on(Action::GiveReason, "2026-11-20"), Err(Rule::NoRelation));
    assert_eq!(on(Action::ReadAttendance, "2026-11-20"), Ok(Rule::ParentOfStudentOfAge));
}

#[test]
fn a_student_gives_reasons_from_the_eighteenth_birthday_on() {
    for (birth_date, eve, birthday) in
        [("2008-11-20", "2026-11-19", "2026-11-20"), ("2008-02-29", "2026-02-28", "2026-03-01")]
    {
        let facts = Facts { own: true, student: Some(born(birth_date)), ..of_school() };
        assert_eq!(asked(Action::GiveReason, &facts, eve), Err(Rule::NoRelation));
        assert_eq!(asked(Action::ReadAttendance, &facts, eve), Ok(Rule::Own));
        assert_eq!(asked(Action::GiveReason, &facts, birthday), Ok(Rule::OfAge));
    }
}

#[test]
fn a_judgment_takes_everything_from_a_guardian_on_its_days_and_nothing_on_others() {
    let mut facts = guardian("2013-03-01");
    facts.student.as_mut().unwrap().restrictions = vec![days("2026-11-10", Some("2026-11-20"))];
    for action in [Action::ReadPerson, Action::ReadFamily, Action::ReadAttendance] {
        assert_eq!(asked(action, &facts, "2026-11-09"), Ok(Rule::Guardian));
        assert_eq!(asked(action, &facts, "2026-11-10"), Err(Rule::RestrictedByJudgment));
        assert_eq!(asked(action, &facts, "2026-11-20"), Err(Rule::RestrictedByJudgment));
        assert_eq!(asked(action, &facts, "2026-11-21"), Ok(Rule::Guardian));
    }
    assert_eq!(asked(Action::QualifyAbsence, &facts, "2026-11-20"), Err(Rule::NoRelation));
}

#[test]
fn whoever_has_a_student_in_charge_is_told_of_absences_and_may_no_more() {
    let link = Dated { what: Authority::InCharge, span: days("2026-09-01", Some("2026-11-20")) };
    let mut facts = guardian("2013-03-01");
    facts.student.as_mut().unwrap().links = vec![link];
    for action in Action::VARIANTS {
        let told = matches!(action, Action::ReadAlerts | Action::AcknowledgeAlert);
        let due = if told { Ok(Rule::InCharge) } else { Err(Rule::NoRelation) };
        assert_eq!(asked(*action, &facts, "2026-11-20"), due, "{action:?}");
        assert_eq!(asked(*action, &facts, "2026-11-21"), Err(Rule::NoRelation), "{action:?}");
    }
    facts.student.as_mut().unwrap().restrictions = vec![days("2026-11-10", None)];
    let restricted = asked(Action::ReadAlerts, &facts, "2026-11-20");
    assert_eq!(restricted, Err(Rule::RestrictedByJudgment));
}

#[test]
fn a_cpe_who_is_also_a_parent_sees_as_a_cpe() {
    let mut facts = guardian("2013-03-01");
    facts.posts = vec![post(Function::Cpe)];
    let seen = decide(&somebody(), Action::ReadAttendance, &facts, day("2026-11-20"));
    assert_eq!((seen.rule, seen.mask), (Rule::Cpe, Mask::default()));
}

#[test]
fn a_guardian_does_not_see_the_other_home() {
    let facts = guardian("2013-03-01");
    for action in [Action::ReadPerson, Action::ReadFamily, Action::ReadAttendance] {
        let mask = decide(&somebody(), action, &facts, day("2026-11-20")).mask;
        assert!(mask.other_home && mask.judgments, "{action:?}");
    }
}

#[test]
fn a_teacher_sees_a_class_a_week_before_and_after_teaching_it() {
    let teaches = vec![days("2026-11-10", Some("2026-11-20"))];
    let facts = Facts { posts: vec![post(Function::Teacher)], teaches, ..of_school() };
    for (date, seen) in [
        ("2026-11-02", Err(Rule::NoRelation)),
        ("2026-11-03", Ok(Rule::TeacherOfClass)),
        ("2026-11-27", Ok(Rule::TeacherOfClass)),
        ("2026-11-28", Err(Rule::NoRelation)),
    ] {
        assert_eq!(asked(Action::TakeRollCall, &facts, date), seen, "{date}");
    }
    let left = Facts { posts: vec![], ..facts };
    assert_eq!(asked(Action::TakeRollCall, &left, "2026-11-15"), Err(Rule::NoRelation));
}

#[test]
fn an_auditor_sees_that_something_happened_until_the_mandates_last_day() {
    let span = days("2026-09-01", Some("2026-11-20"));
    let mandates = vec![Dated { what: Mandate::Auditor, span }];
    let facts = Facts { mandates, student: Some(born("2013-03-01")), ..of_school() };
    let seen = decide(&somebody(), Action::ReadHistory, &facts, day("2026-11-20"));
    assert!(seen.allowed && seen.mask.content);
    assert_eq!(asked(Action::ReadHistory, &facts, "2026-11-21"), Err(Rule::NoRelation));
}

#[test]
fn without_the_second_factor_that_the_school_needs_staff_may_only_what_is_their_own() {
    let mut facts = guardian("2013-03-01");
    (facts.posts, facts.staff_need_second_factor) = (vec![post(HEAD)], true);
    assert_eq!(asked(Action::ReadAttendance, &facts, "2026-11-20"), Ok(Rule::Guardian));
    assert_eq!(asked(Action::ManageSchool, &facts, "2026-11-20"), Err(Rule::SecondFactorFirst));
    facts.own = true;
    assert_eq!(asked(Action::OwnAccount, &facts, "2026-11-20"), Ok(Rule::Own));
}

#[test]
fn nobody_is_handed_the_account_of_somebody_who_may_do_more() {
    let invited = |function, ties: &[Tie]| {
        let ties = ties.iter().map(|what| Dated { what: *what, span: days("2026-09-01", None) });
        let facts = Facts { posts: vec![post(function)], ties: ties.collect(), ..of_school() };
        asked(Action::ManageAccounts, &facts, "2026-11-20").is_ok()
    };
    let cpe = |ties| invited(Function::Cpe, ties);
    assert!(cpe(&[Tie::Answers]));
    assert!(!cpe(&[Tie::Answers, Tie::AnswersElsewhere]), "a guardian in two schools");
    assert!(!cpe(&[Tie::Answers, Tie::MandatedHere]), "a guardian who administers the server");
    assert!(invited(HEAD, &[Tie::Works, Tie::MandatedHere]), "whom the head gave the mandate");
    assert!(!cpe(&[Tie::Answers, Tie::Works]), "a guardian who works here");
    assert!(!cpe(&[Tie::Answers, Tie::TeachesElsewhere]), "a guardian who teaches elsewhere");
    assert!(invited(HEAD, &[Tie::Works, Tie::TeachesElsewhere]), "a teacher of two schools");
    assert!(!invited(HEAD, &[Tie::Works, Tie::WorksElsewhere]), "who heads another school too");
    assert!(!invited(HEAD, &[Tie::Works, Tie::MandatedElsewhere]), "the region's administrator");
}

#[test]
fn an_account_that_a_teacher_of_two_schools_has_opened_is_handed_out_by_neither() {
    let ties = [Tie::Works, Tie::TeachesElsewhere];
    let ties = ties.map(|what| Dated { what, span: days("2026-09-01", None) }).to_vec();
    let unopened = Facts { posts: vec![post(HEAD)], ties, ..of_school() };
    let opened = Facts { opened: true, ..unopened.clone() };
    for action in [Action::ManageAccounts, Action::RemoveSecondFactor] {
        assert!(asked(action, &unopened, "2026-11-20").is_ok(), "{action:?}");
        assert_eq!(asked(action, &opened, "2026-11-20"), Err(Rule::NoRelation), "{action:?}");
    }
    let seen = decide(&somebody(), Action::ReadPerson, &opened, day("2026-11-20"));
    assert_eq!((seen.rule, seen.mask), (Rule::Head, Mask::default()), "a colleague all the same");
}

#[test]
fn a_school_that_a_student_has_left_hands_out_neither_their_account_nor_their_contacts() {
    let enrolled = days("2026-09-01", Some("2026-11-20"));
    let student = StudentFacts { enrolled, ..born("2013-03-01") };
    let posts = vec![post(Function::Cpe), post(HEAD)];
    let elsewhere = Dated { what: Tie::LearnsElsewhere, span: days("2026-11-21", None) };
    let here = Facts { posts, student: Some(student), ..of_school() };
    let left = Facts { ties: vec![elsewhere], ..here.clone() };
    for action in [Action::ManageAccounts, Action::ManageContacts] {
        assert!(asked(action, &here, "2026-11-20").is_ok(), "{action:?}");
        assert_eq!(asked(action, &left, "2026-11-21"), Err(Rule::NoRelation), "{action:?}");
    }
    let seen = decide(&somebody(), Action::ReadPerson, &left, day("2026-11-21"));
    assert!(seen.allowed && seen.mask.contacts, "the head knows who it was, and no more");
    let token = Actor::Program {
        account: AccountId(Uuid::nil()),
        scopes: vec![Scope::Everything],
        school: left.school,
    };
    for action in [Action::ManageAccounts, Action::ManageContacts, Action::ManagePeople] {
        assert!(!decide(&token, action, &left, day("2026-11-21")).allowed, "{action:?}");
    }
    let seen = decide(&token, Action::ReadPerson, &left, day("2026-11-21"));
    assert!(seen.allowed && seen.mask.contacts, "nor does the school's program");
}

#[test]
fn a_school_says_who_answers_for_a_student_up_to_their_last_day_there() {
    let enrolled = days("2026-09-01", Some("2026-11-20"));
    let student = StudentFacts { enrolled, ..born("2013-03-01") };
    let facts = Facts { posts: vec![post(HEAD)], student: Some(student), ..of_school() };
    assert_eq!(asked(Action::ManageFamily, &facts, "2026-11-20"), Ok(Rule::Head));
    assert_eq!(asked(Action::ManageFamily, &facts, "2026-11-21"), Err(Rule::NoRelation));
    assert_eq!(asked(Action::ReadFamily, &facts, "2026-11-21"), Ok(Rule::Head));
}

#[test]
fn what_is_ones_own_is_not_shown_by_a_school_that_one_has_nothing_to_do_with() {
    let stranger = Facts { own: true, ..of_school() };
    assert_eq!(asked(Action::ReadFamily, &stranger, "2026-11-20"), Err(Rule::NoRelation));
    let answers = Facts { answers: vec![days("2026-09-01", None)], ..stranger };
    assert_eq!(asked(Action::ReadFamily, &answers, "2026-11-20"), Ok(Rule::Own));
}

#[test]
fn every_action_but_that_on_ones_account_needs_a_school_or_a_mandate_of_the_region() {
    let head = Facts { school: None, posts: vec![post(HEAD)], own: true, ..Facts::default() };
    for action in Action::VARIANTS {
        let allowed = decide(&somebody(), *action, &head, day("2026-11-20")).allowed;
        assert_eq!(allowed, *action == Action::OwnAccount, "{action:?}");
    }
}

/// By which rule somebody may, or why not.
fn asked(action: Action, facts: &Facts, date: &str) -> Result<Rule, Rule> {
    let Decision { allowed, rule, .. } = decide(&somebody(), action, facts, day(date));
    if allowed { Ok(rule) } else { Err(rule) }
}

fn somebody() -> Actor {
    Actor::Person { person: PersonId(Uuid::from_u128(1)), second_factor: false }
}

fn of_school() -> Facts {
    Facts { school: Some("0549998Z".parse().unwrap()), ..Facts::default() }
}

/// Somebody who exercises authority over a student born on this day.
fn guardian(birth_date: &str) -> Facts {
    let link = Dated { what: Authority::Exercised, span: days("2026-09-01", None) };
    Facts { student: Some(StudentFacts { links: vec![link], ..born(birth_date) }), ..of_school() }
}

fn born(birth_date: &str) -> StudentFacts {
    StudentFacts { birth_date: Some(day(birth_date)), ..StudentFacts::default() }
}

fn post(what: Function) -> Dated<Function> {
    Dated { what, span: days("2026-09-01", None) }
}

fn days(from: &str, until: Option<&str>) -> Span {
    Span { from: day(from), until: until.map(day) }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
