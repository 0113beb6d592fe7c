//! What only ever takes away: a relation that is over, one relation less, a judgment, a second
//! factor that is missing. And what changes nothing: a day on which nothing begins or ends, the order
//! of what is known. All of it whatever else is known, of whomever.
//!
//! What the person that a thing is about is beside (their ties) takes away too, but for two of them: to
//! answer for a student and to work in the school say which line of the table a thing falls under, and
//! another line is neither wider nor narrower. That lines are what they should be is tried in
//! `table.rs`.

use chrono::{Datelike, NaiveDate};
use domain::{
    PersonId,
    access::{Action, Actor, Dated, Decision, Facts, Mask, Span, StudentFacts, Tie, decide},
    accounts::Mandate,
    families::Authority,
    people::Function,
};
use proptest::{
    collection::vec,
    option,
    prelude::any,
    prop_oneof,
    sample::select,
    strategy::{Just, Strategy},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use strum::VariantArray;
use uuid::Uuid;

use super::cases::{TODAY, from_today, school, span};

const CASES: u32 = 2_000;
const SEED: [u8; 32] = *b"Preau: nobody gains by losing it";

/// How long after its end a relation may still count: a teacher's week.
const OVER_DAYS: i64 = 8;

#[test]
fn a_relation_that_is_over_never_widens_what_somebody_may() {
    check((known(), a_relation(a_span_that_is_over())), |(before, relation)| {
        let mut after = before.clone();
        relation.add_to(&mut after);
        never_wider(&before, &after);
    });
}

#[test]
fn one_relation_less_never_widens_what_somebody_may() {
    check((known(), a_relation(a_span())), |(before, relation)| {
        let mut with = before.clone();
        relation.add_to(&mut with);
        never_wider(&with, &before);
    });
}

#[test]
fn a_judgment_never_widens_what_somebody_may() {
    check((known(), a_span()), |(before, judgment)| {
        let mut after = before.clone();
        after.student.get_or_insert_default().restrictions.push(judgment);
        let student = before.student.clone().unwrap_or_default();
        never_wider(&Facts { student: Some(student), ..before }, &after);
    });
}

#[test]
fn what_somebody_is_elsewhere_never_opens_them_to_more_people() {
    check((known(), dated(select(&GUARDED[..]))), |(before, tie)| {
        let mut after = before.clone();
        after.ties.push(tie);
        never_wider(&before, &after);
    });
}

#[test]
fn what_somebody_was_once_changes_nothing_for_those_who_ask_about_them() {
    check((known(), a_tie(), a_span_that_is_over()), |(before, what, span)| {
        let mut after = before.clone();
        after.ties.push(Dated { what, span });
        never_wider(&before, &after);
        never_wider(&after, &before);
    });
}

#[test]
fn a_second_factor_never_takes_away_and_a_school_that_needs_one_never_gives() {
    check(known(), |facts| {
        let needing = Facts { staff_need_second_factor: true, ..facts.clone() };
        let without = Facts { staff_need_second_factor: false, ..facts };
        never_wider(&without, &needing);
        for action in Action::VARIANTS {
            let [bare, proven] =
                [false, true].map(|proven| decide(&person(proven), *action, &needing, TODAY));
            assert!(!is_wider(bare, proven), "{action:?} with {needing:#?}");
            let free = decide(&person(false), *action, &without, TODAY);
            assert_eq!(proven, free, "{action:?} with {needing:#?}");
        }
    });
}

#[test]
fn what_somebody_may_changes_only_on_days_on_which_something_begins_or_ends() {
    check((known(), -40..40_i64), |(facts, days)| {
        let (today, tomorrow) = (from_today(days), from_today(days + 1));
        if !turns(&facts).contains(&tomorrow) {
            for action in Action::VARIANTS {
                let [before, after] =
                    [today, tomorrow].map(|day| decide(&person(true), *action, &facts, day));
                assert_eq!(before, after, "{action:?} on {tomorrow} with {facts:#?}");
            }
        }
    });
}

#[test]
fn what_somebody_may_does_not_depend_on_the_order_of_what_is_known() {
    check(known(), |facts| {
        let mut other = facts.clone();
        other.posts.reverse();
        other.mandates.reverse();
        other.teaches.reverse();
        other.ties.reverse();
        if let Some(student) = &mut other.student {
            student.links.reverse();
            student.restrictions.reverse();
        }
        for action in Action::VARIANTS {
            let [one, two] =
                [&facts, &other].map(|facts| decide(&person(false), *action, facts, TODAY));
            assert_eq!(one, two, "{action:?} with {facts:#?}");
        }
    });
}

/// Something that relates somebody to the thing.
#[derive(Clone, Debug)]
enum Relation {
    Post(Dated<Function>),
    Mandate(Dated<Mandate>),
    Link(Dated<Authority>),
    Learns(Span),
    Answers(Span),
    Teaches(Span),
    InClass(Span),
}

impl Relation {
    fn add_to(self, facts: &mut Facts) {
        match self {
            Self::Post(post) => facts.posts.push(post),
            Self::Mandate(mandate) => facts.mandates.push(mandate),
            Self::Link(link) => {
                if let Some(student) = &mut facts.student {
                    student.links.push(link);
                }
            }
            Self::Learns(span) => facts.learns.push(span),
            Self::Answers(span) => facts.answers.push(span),
            Self::Teaches(span) => facts.teaches.push(span),
            Self::InClass(span) => facts.in_class.push(span),
        }
    }
}

fn never_wider(before: &Facts, after: &Facts) {
    for second_factor in [false, true] {
        for action in Action::VARIANTS {
            let [one, two] =
                [before, after].map(|facts| decide(&person(second_factor), *action, facts, TODAY));
            assert!(!is_wider(two, one), "{action:?}: {one:?} became {two:?} with {after:#?}");
        }
    }
}

/// Whether one allows what the other refuses, or shows what it leaves out.
fn is_wider(one: Decision, other: Decision) -> bool {
    let parts = |mask: Mask| {
        [mask.neutral_reasons, mask.contacts, mask.other_home, mask.judgments, mask.content]
    };
    let shown =
        parts(one.mask).into_iter().zip(parts(other.mask)).any(|(one, other)| other && !one);
    one.allowed && (!other.allowed || shown)
}

/// Every first day, every day after a last one, a week on each side of teaching, the birthdays.
fn turns(facts: &Facts) -> Vec<NaiveDate> {
    let student = facts.student.clone().unwrap_or_default();
    let mut spans = [
        facts.posts.iter().map(|dated| dated.span).collect::<Vec<_>>(),
        facts.mandates.iter().map(|dated| dated.span).collect(),
        facts.ties.iter().map(|dated| dated.span).collect(),
        student.links.iter().map(|dated| dated.span).collect(),
        student.restrictions,
        vec![student.enrolled],
        facts.learns.clone(),
        facts.answers.clone(),
        facts.in_class.clone(),
    ]
    .concat();
    let week = chrono::Days::new(7);
    let around =
        |span: &Span| Span { from: span.from - week, until: span.until.map(|until| until + week) };
    spans.extend(facts.teaches.iter().map(around));
    let ends = spans.iter().filter_map(|span| span.until?.succ_opt());
    let birthday = student.birth_date.map(|born| {
        let year = born.year() + 18;
        born.with_year(year).unwrap_or(NaiveDate::from_ymd_opt(year, 3, 1).unwrap())
    });
    spans.iter().map(|span| span.from).chain(ends).chain(birthday).collect()
}

fn person(second_factor: bool) -> Actor {
    Actor::Person { person: PersonId(Uuid::from_u128(1)), second_factor }
}

/// Anything that may be known of somebody and a thing.
fn known() -> impl Strategy<Value = Facts> {
    let actor = (
        vec(dated(function()), 0..3),
        vec(dated(select(&MANDATES[..])), 0..3),
        vec(a_span(), 0..2),
        vec(a_span(), 0..2),
        vec(a_span(), 0..3),
        vec(a_span(), 0..2),
    );
    let person = (any::<bool>(), vec(dated(a_tie()), 0..3));
    let thing = (any::<bool>(), any::<bool>(), option::of(a_student()), person);
    (actor, thing).prop_map(|((posts, mandates, learns, answers, teaches, in_class), thing)| {
        let (own, staff_need_second_factor, student, (opened, ties)) = thing;
        let school = Some(school("0549998Z"));
        Facts {
            school,
            posts,
            mandates,
            learns,
            answers,
            teaches,
            in_class,
            own,
            student,
            ties,
            opened,
            staff_need_second_factor,
        }
    })
}

fn a_student() -> impl Strategy<Value = StudentFacts> {
    let born = (1_990..2_014_i32, 1..13_u32, 1..30_u32);
    let near_majority = (-40..40_i64).prop_map(|days| from_today(days).with_year(2008));
    let born = born.prop_map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day));
    let birth_date = prop_oneof![born, near_majority, Just(None)];
    let links = vec(dated(authority()), 0..3);
    (a_span(), birth_date, links, vec(a_span(), 0..2)).prop_map(
        |(enrolled, birth_date, links, restrictions)| StudentFacts {
            enrolled,
            birth_date,
            links,
            restrictions,
        },
    )
}

fn a_relation(days: impl Strategy<Value = Span> + Clone) -> impl Strategy<Value = Relation> {
    prop_oneof![
        (function(), days.clone()).prop_map(|(what, span)| Relation::Post(Dated { what, span })),
        (select(&MANDATES[..]), days.clone())
            .prop_map(|(what, span)| Relation::Mandate(Dated { what, span })),
        (authority(), days.clone()).prop_map(|(what, span)| Relation::Link(Dated { what, span })),
        days.clone().prop_map(Relation::Learns),
        days.clone().prop_map(Relation::Answers),
        days.clone().prop_map(Relation::Teaches),
        days.prop_map(Relation::InClass),
    ]
}

fn dated<T: std::fmt::Debug>(what: impl Strategy<Value = T>) -> impl Strategy<Value = Dated<T>> {
    (what, a_span()).prop_map(|(what, span)| Dated { what, span })
}

/// Days around today, near each other, so that many of them meet.
fn a_span() -> impl Strategy<Value = Span> + Clone {
    (-30..10_i64, option::of(0..40_i64))
        .prop_map(|(from, lasts)| span((from, lasts.map(|days| from + days))))
}

fn a_span_that_is_over() -> impl Strategy<Value = Span> + Clone {
    (0..30_i64, 0..30_i64).prop_map(|(before, lasted)| {
        let last = -OVER_DAYS - before;
        span((last - lasted, Some(last)))
    })
}

/// Ties that keep an account from being handed out, and a person from being shown.
const GUARDED: [Tie; 5] = [
    Tie::MandatedHere,
    Tie::LearnsElsewhere,
    Tie::AnswersElsewhere,
    Tie::WorksElsewhere,
    Tie::MandatedElsewhere,
];

const MANDATES: [Mandate; 3] = [Mandate::Administrator, Mandate::Auditor, Mandate::DataProtection];

fn function() -> impl Strategy<Value = Function> + Clone {
    select(vec![
        Function::Head,
        Function::Teacher,
        Function::Cpe,
        Function::Assistant,
        Function::Nurse,
        Function::SocialWorker,
        Function::Librarian,
        Function::Administration,
    ])
}

fn authority() -> impl Strategy<Value = Authority> + Clone {
    select(vec![
        Authority::Exercised,
        Authority::SurveillanceOnly,
        Authority::InCharge,
        Authority::Contact,
    ])
}

fn a_tie() -> impl Strategy<Value = Tie> {
    select(vec![
        Tie::Answers,
        Tie::Works,
        Tie::MandatedHere,
        Tie::LearnsElsewhere,
        Tie::AnswersElsewhere,
        Tie::TeachesElsewhere,
        Tie::WorksElsewhere,
        Tie::MandatedElsewhere,
    ])
}

/// Tries a property on as many cases as there are, always the same.
fn check<S: Strategy>(cases: S, property: impl Fn(S::Value)) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    eprintln!("{CASES} cases from the seed {SEED:?}");
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tried = runner.run(&cases, |case| {
        property(case);
        Ok(())
    });
    tried.unwrap();
}
