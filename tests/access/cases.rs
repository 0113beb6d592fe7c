//! Everybody who might ask, and on which day of what relates them to the thing, each with the rules
//! that they hold in the school's words. All of it is seen on one day: what moves are the relations.

use chrono::{Days, NaiveDate};
use domain::{
    AccountId, PersonId, Uai,
    access::{Action, Actor, Dated, Facts, Rule, Span, StudentFacts, Tie},
    accounts::Mandate,
    families::Authority,
    people::Function,
};
use uuid::Uuid;

/// A Friday.
pub(super) const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();

/// Somebody who asks about something.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// What is known of them and of the thing.
    pub(super) facts: Facts,
    /// What the person is that the thing is about, as the table names it.
    pub(super) seen_as: &'static [&'static str],
    /// The same where an account is handed out.
    pub(super) invited_as: &'static [&'static str],
    second_factor: bool,
    of_age: bool,
    relation: Relation,
}

/// What relates somebody to a school or a student, and the rules that they hold by it.
#[derive(Clone, Debug, Default)]
struct Relation {
    facts: Facts,
    /// By a post or a mandate.
    trusted: Vec<Rule>,
    /// By anything else.
    related: Vec<Rule>,
    /// But for a judgment.
    restricted: Vec<Rule>,
}

/// Whom a thing is about.
struct Subject {
    /// The days they learn here.
    student: Option<Span>,
    ties: Vec<Dated<Tie>>,
    /// Whether they have opened their account.
    opened: bool,
    seen_as: &'static [&'static str],
    invited_as: &'static [&'static str],
}

/// When a student was born, and whether they are of age.
#[derive(Clone, Copy)]
struct Age(Option<NaiveDate>, bool);

impl Case {
    pub(super) fn actor(&self) -> Actor {
        let person = PersonId(Uuid::from_u128(1));
        Actor::Person { person, second_factor: self.second_factor }
    }

    /// The rules that nothing keeps them from using.
    pub(super) fn holds(&self, action: Action) -> Vec<Rule> {
        let mut rules = self.relation.related.clone();
        if self.is_proven() {
            rules.extend(&self.relation.trusted);
        }
        let of_school =
            !self.relation.trusted.is_empty() || self.relation.related.contains(&Rule::OfSchool);
        let student = self.facts.student.is_some();
        if self.facts.own && (of_school || student || action == Action::OwnAccount) {
            rules.push(Rule::Own);
            rules.extend((student && self.of_age).then_some(Rule::OfAge));
        }
        rules
    }

    /// The rules that something keeps them from using, and what.
    pub(super) fn barred(&self) -> Vec<(Rule, Rule)> {
        let judged = self.relation.restricted.iter();
        let mut barred: Vec<_> = judged.map(|rule| (*rule, Rule::RestrictedByJudgment)).collect();
        if !self.is_proven() {
            let trusted = self.relation.trusted.iter();
            barred.extend(trusted.map(|rule| (*rule, Rule::SecondFactorFirst)));
        }
        barred
    }

    fn is_proven(&self) -> bool {
        self.second_factor || !self.facts.staff_need_second_factor
    }
}

/// Shows every case: each relation on every day of it, then each beside another one.
pub(super) fn each_case(see: &mut dyn FnMut(&Case)) {
    let (subjects, minor) = (subjects(), ages()[0]);
    let trusted = [vec![Relation::default()], posts(), mandates()].concat();
    for subject in &subjects {
        trusted.iter().for_each(|relation| each_proof(relation, subject, minor, see));
    }
    let related = [teaching(), learning()].concat();
    for subject in &subjects[..4] {
        related.iter().for_each(|relation| each_proof(relation, subject, minor, see));
    }
    let student = &subjects[1];
    for age in ages() {
        let links = [vec![Relation::default()], links(age)].concat();
        links.iter().for_each(|link| each_proof(link, student, age, see));
    }
    let telling = telling();
    for subject in &subjects[..4] {
        for (n, one) in telling.iter().enumerate() {
            let pairs = telling[..n].iter().map(|other| one.and(other));
            pairs.for_each(|both| each_proof(&both, subject, minor, see));
        }
    }
    for age in [ages()[0], ages()[2]] {
        for link in links(age).iter().step_by(5) {
            let pairs = telling.iter().map(|other| other.and(link));
            pairs.for_each(|both| each_proof(&both, student, age, see));
        }
    }
}

/// About oneself and about somebody else, with the second factor that the school needs, without it,
/// and without a need.
fn each_proof(relation: &Relation, subject: &Subject, age: Age, see: &mut dyn FnMut(&Case)) {
    let linked = relation.facts.student.clone().unwrap_or_default();
    let student = StudentFacts { birth_date: age.0, ..linked };
    for (needed, shown) in [(false, false), (true, false), (true, true)] {
        for own in [false, true] {
            let facts = Facts {
                school: Some(school("0549998Z")),
                own,
                student: subject
                    .student
                    .map(|enrolled| StudentFacts { enrolled, ..student.clone() }),
                ties: subject.ties.clone(),
                opened: subject.opened,
                staff_need_second_factor: needed,
                ..relation.facts.clone()
            };
            see(&Case {
                facts,
                seen_as: subject.seen_as,
                invited_as: subject.invited_as,
                second_factor: shown,
                of_age: age.1,
                relation: relation.clone(),
            });
        }
    }
}

/// Nobody, a student, a guardian, a colleague; then those who are several, or elsewhere too.
fn subjects() -> Vec<Subject> {
    let mut subjects = vec![
        tied(false, &[], &["nobody"], &["nobody"]),
        tied(true, &[], &["student"], &["student"]),
        tied(false, &[(Tie::Answers, NOW)], &["guardian"], &["guardian"]),
        tied(false, &[(Tie::Works, NOW)], &["staff"], &["staff"]),
        tied(false, &[(Tie::Answers, UNTIL_TODAY)], &["guardian"], &["guardian"]),
        tied(false, &[(Tie::Answers, OVER)], &["nobody"], &["nobody"]),
        tied(false, &[(Tie::Works, TO_COME)], &["staff"], &["staff"]),
        tied(false, &[(Tie::Works, OVER)], &["nobody"], &["nobody"]),
        tied(true, &[(Tie::Answers, NOW)], &["student", "guardian"], &["student", "guardian"]),
        tied(true, &[(Tie::Works, NOW)], &["student", "staff"], &["staff"]),
        tied(false, &[(Tie::Answers, NOW), (Tie::Works, NOW)], &["guardian", "staff"], &["staff"]),
        learnt(UNTIL_TODAY, &[], &["student"], &["student"]),
        learnt(OVER, &[], &["nobody"], &["nobody"]),
        tied(
            false,
            &[(Tie::Works, NOW), (Tie::MandatedHere, UNTIL_TODAY)],
            &["staff"],
            &["mandated"],
        ),
        tied(false, &[(Tie::Answers, NOW), (Tie::MandatedHere, NOW)], &["guardian"], &["mandated"]),
        tied(false, &[(Tie::Works, NOW), (Tie::MandatedHere, OVER)], &["staff"], &["staff"]),
    ];
    subjects.extend(subjects_elsewhere());
    subjects
}

/// Those who are of another school too, or only.
fn subjects_elsewhere() -> Vec<Subject> {
    vec![
        tied(true, &[(Tie::WorksElsewhere, NOW)], &["student"], &["beyond"]),
        tied(
            false,
            &[(Tie::Answers, NOW), (Tie::WorksElsewhere, TO_COME)],
            &["guardian"],
            &["beyond"],
        ),
        tied(
            false,
            &[(Tie::Answers, NOW), (Tie::WorksElsewhere, OVER)],
            &["guardian"],
            &["guardian"],
        ),
        tied(false, &[(Tie::Works, NOW), (Tie::WorksElsewhere, TO_COME)], &["staff"], &["beyond"]),
        tied(false, &[(Tie::Works, NOW), (Tie::WorksElsewhere, OVER)], &["staff"], &["staff"]),
        tied(false, &[(Tie::Works, NOW), (Tie::TeachesElsewhere, NOW)], &["staff"], &["staff"]),
        opened(&[(Tie::Works, NOW), (Tie::TeachesElsewhere, TO_COME)], &["beyond"]),
        opened(&[(Tie::Works, NOW), (Tie::TeachesElsewhere, OVER)], &["staff"]),
        tied(
            false,
            &[(Tie::Answers, NOW), (Tie::TeachesElsewhere, NOW)],
            &["guardian"],
            &["beyond"],
        ),
        tied(false, &[(Tie::Works, OVER), (Tie::TeachesElsewhere, NOW)], &["beyond"], &["beyond"]),
        tied(
            false,
            &[(Tie::Works, NOW), (Tie::MandatedElsewhere, UNTIL_TODAY)],
            &["staff"],
            &["beyond"],
        ),
        tied(false, &[(Tie::MandatedElsewhere, NOW)], &["beyond"], &["beyond"]),
        learnt(OVER, &[(Tie::LearnsElsewhere, NOW)], &["beyond"], &["beyond"]),
        tied(true, &[(Tie::LearnsElsewhere, NOW)], &["student"], &["beyond"]),
        tied(true, &[(Tie::LearnsElsewhere, OVER)], &["student"], &["student"]),
        tied(
            false,
            &[(Tie::Answers, NOW), (Tie::AnswersElsewhere, NOW)],
            &["guardian"],
            &["beyond"],
        ),
        tied(false, &[(Tie::Works, NOW), (Tie::AnswersElsewhere, NOW)], &["staff"], &["beyond"]),
    ]
}

/// The first and the last day, from today.
type Lasts = (i64, Option<i64>);

const NOW: Lasts = (-100, None);
const UNTIL_TODAY: Lasts = (-100, Some(0));
const TO_COME: Lasts = (1, None);
const OVER: Lasts = (-100, Some(-1));

/// What somebody is, and how the table names them.
type Named = &'static [&'static str];

/// Somebody who learns here if `student`.
fn tied(student: bool, ties: &[(Tie, Lasts)], seen_as: Named, invited_as: Named) -> Subject {
    let ties = ties.iter().map(|(what, days)| Dated { what: *what, span: span(*days) });
    let student = student.then(|| span(NOW));
    Subject { student, ties: ties.collect(), opened: false, seen_as, invited_as }
}

/// Somebody who learns here on these days.
fn learnt(days: Lasts, ties: &[(Tie, Lasts)], seen_as: Named, invited_as: Named) -> Subject {
    Subject { student: Some(span(days)), ..tied(false, ties, seen_as, invited_as) }
}

/// A member of staff who has opened their account.
fn opened(ties: &[(Tie, Lasts)], invited_as: Named) -> Subject {
    Subject { opened: true, ..tied(false, ties, &["staff"], invited_as) }
}

/// A minor first; then on each side of the eighteenth birthday, the leap day's among them.
fn ages() -> [Age; 6] {
    [
        Age(Some(day("2013-03-01")), false),
        Age(Some(day("2008-11-21")), false),
        Age(Some(day("2008-11-20")), true),
        Age(Some(day("2008-02-29")), true),
        Age(Some(day("1990-01-01")), true),
        Age(None, false),
    ]
}

fn posts() -> Vec<Relation> {
    FUNCTIONS.into_iter().flat_map(|function| states().map(|state| post(function, state))).collect()
}

const FUNCTIONS: [Function; 8] = [
    Function::Head,
    Function::Teacher,
    Function::Cpe,
    Function::Assistant,
    Function::Nurse,
    Function::SocialWorker,
    Function::Librarian,
    Function::Administration,
];

fn post(what: Function, (span, now): (Span, bool)) -> Relation {
    let facts = Facts { posts: vec![Dated { what, span }], ..Facts::default() };
    let mut trusted = vec![Rule::OfSchool, Rule::Staff];
    match what {
        Function::Head => trusted.push(Rule::Head),
        Function::Cpe => trusted.push(Rule::Cpe),
        Function::Assistant => trusted.push(Rule::Assistant),
        Function::Nurse => trusted.push(Rule::Nurse),
        Function::SocialWorker => trusted.push(Rule::SocialWorker),
        Function::Teacher | Function::Librarian | Function::Administration => {}
    }
    Relation { facts, trusted: if now { trusted } else { vec![] }, ..Relation::default() }
}

/// A week on each side of a class that is taught; nothing without a post on the day itself.
fn teaching() -> Vec<Relation> {
    let sides = [
        (8, None, false),
        (7, None, true),
        (1, None, true),
        (0, Some(0), true),
        (-50, None, true),
        (-50, Some(-1), true),
        (-50, Some(-7), true),
        (-50, Some(-8), false),
    ];
    let mut relations = Vec::new();
    for (from, until, around) in sides {
        for (posted, works) in [((-90, None), true), ((-90, Some(-1)), false), ((1, None), false)] {
            let mut relation = post(Function::Teacher, (span(posted), works));
            relation.facts.teaches = vec![span((from, until))];
            relation.trusted.extend((around && works).then_some(Rule::TeacherOfClass));
            relations.push(relation);
        }
        let facts = Facts { teaches: vec![span((from, until))], ..Facts::default() };
        relations.push(Relation { facts, ..Relation::default() });
    }
    relations
}

/// Students, and those who answer for one, with the class or without the school.
fn learning() -> Vec<Relation> {
    let mut relations = Vec::new();
    for (class, is_in) in states() {
        for (span, now) in states() {
            let mut related: Vec<Rule> = now.then_some(Rule::OfSchool).into_iter().collect();
            related.extend((now && is_in).then_some(Rule::InClass));
            let facts = Facts { in_class: vec![class], ..Facts::default() };
            for facts in [
                Facts { learns: vec![span], ..facts.clone() },
                Facts { answers: vec![span], ..facts },
            ] {
                relations.push(Relation { facts, related: related.clone(), ..Relation::default() });
            }
        }
        let facts = Facts { in_class: vec![class], ..Facts::default() };
        relations.push(Relation { facts, ..Relation::default() });
    }
    relations
}

fn mandates() -> Vec<Relation> {
    MANDATES.into_iter().flat_map(|mandate| states().map(|state| given(mandate, state))).collect()
}

const MANDATES: [Mandate; 3] = [Mandate::Administrator, Mandate::Auditor, Mandate::DataProtection];

fn given(what: Mandate, (span, now): (Span, bool)) -> Relation {
    let facts = Facts { mandates: vec![Dated { what, span }], ..Facts::default() };
    let rule = match what {
        Mandate::Administrator => Rule::Administrator,
        Mandate::Auditor => Rule::Auditor,
        Mandate::DataProtection => Rule::DataProtection,
    };
    Relation { facts, trusted: if now { vec![rule] } else { vec![] }, ..Relation::default() }
}

/// Every link with a student of this age, on every day of it, and of a judgment.
fn links(Age(_, of_age): Age) -> Vec<Relation> {
    let authorities = [
        (Authority::Exercised, Some(Rule::Guardian)),
        (Authority::SurveillanceOnly, Some(Rule::Surveillance)),
        (Authority::InCharge, Some(Rule::InCharge)),
        (Authority::Contact, None),
    ];
    let judgments = states().map(|(span, now)| (vec![span], now));
    let mut relations = Vec::new();
    for (what, of_minor) in authorities {
        let of_parents = of_age && what != Authority::InCharge;
        let rule = of_minor.map(|rule| if of_parents { Rule::ParentOfStudentOfAge } else { rule });
        for (span, linked) in states() {
            for (restrictions, judged) in judgments.iter().cloned().chain([(vec![], false)]) {
                let links = vec![Dated { what, span }];
                let student = StudentFacts { links, restrictions, ..StudentFacts::default() };
                let facts = Facts { student: Some(student), ..Facts::default() };
                let held: Vec<Rule> = rule.into_iter().filter(|_| linked).collect();
                let (related, restricted) = if judged { (vec![], held) } else { (held, vec![]) };
                relations.push(Relation { facts, related, restricted, ..Relation::default() });
            }
        }
    }
    relations
}

/// One of each that matters today, to be somebody's second relation.
fn telling() -> Vec<Relation> {
    let open = (span((-90, None)), true);
    let over = (span((-90, Some(-1))), false);
    let mut relations: Vec<Relation> = FUNCTIONS.map(|function| post(function, open)).into();
    relations.push(post(Function::Cpe, over));
    relations.push(teaching().swap_remove(16));
    relations.extend(MANDATES.map(|mandate| given(mandate, open)));
    let learners = learning().into_iter().filter(|learner| !learner.related.is_empty());
    relations.extend(learners.step_by(9));
    relations
}

impl Relation {
    /// Both, of one person; at most one of them is a link.
    fn and(&self, other: &Self) -> Self {
        let (one, two) = (self.facts.clone(), other.facts.clone());
        let facts = Facts {
            posts: [one.posts, two.posts].concat(),
            mandates: [one.mandates, two.mandates].concat(),
            learns: [one.learns, two.learns].concat(),
            answers: [one.answers, two.answers].concat(),
            teaches: [one.teaches, two.teaches].concat(),
            in_class: [one.in_class, two.in_class].concat(),
            student: one.student.or(two.student),
            ..Facts::default()
        };
        let all = |of: fn(&Self) -> &Vec<Rule>| [&of(self)[..], &of(other)[..]].concat();
        Self {
            facts,
            trusted: all(|relation| &relation.trusted),
            related: all(|relation| &relation.related),
            restricted: all(|relation| &relation.restricted),
        }
    }
}

/// Every state of what has a first and a last day, and whether it holds today.
fn states() -> [(Span, bool); 6] {
    [
        (span((1, None)), false),
        (span((0, None)), true),
        (span((-90, Some(90))), true),
        (span((-90, Some(0))), true),
        (span((-90, Some(-1))), false),
        (span((-90, None)), true),
    ]
}

/// From and until these days from today.
pub(super) fn span((from, until): (i64, Option<i64>)) -> Span {
    Span { from: from_today(from), until: until.map(from_today) }
}

/// So many days from today.
pub(super) fn from_today(days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { TODAY - distance } else { TODAY + distance }
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn school(uai: &str) -> Uai {
    uai.parse().unwrap()
}

pub(super) fn account() -> AccountId {
    AccountId(Uuid::from_u128(2))
}
