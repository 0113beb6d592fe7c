//! Who somebody is, on a day, towards the thing that is asked about: the rules that they hold, and
//! what keeps them from using one. What a rule allows is not told here.

use chrono::{Datelike, Days, NaiveDate};

use super::{Action, Decision, Facts, Mask, Rule, Span, StudentFacts, Tie, table::Whom};
use crate::{accounts::Mandate, families::Authority, people::Function};

/// A teacher sees a class this many days before and after teaching it: to prepare, and to finish.
const AROUND_TEACHING: Days = Days::new(7);

/// Majority (code civil, 414).
const OF_AGE_YEARS: i32 = 18;

/// A rule that somebody holds.
pub(super) struct Held {
    /// Which one.
    pub(super) rule: Rule,
    /// What keeps them from using it.
    bar: Option<Rule>,
}

impl Held {
    fn free(rule: Rule) -> Self {
        Self { rule, bar: None }
    }

    /// What a line of the table that names this rule decides.
    pub(super) fn decides(&self, mask: Mask) -> Decision {
        match self.bar {
            None => Decision { allowed: true, rule: self.rule, mask },
            Some(bar) => Decision::refused(bar),
        }
    }
}

/// All rules that a signed-in person holds.
pub(super) fn of(
    facts: &Facts,
    action: Action,
    second_factor: bool,
    today: NaiveDate,
) -> Vec<Held> {
    let unproven = facts.staff_need_second_factor && !second_factor;
    let bar = unproven.then_some(Rule::SecondFactorFirst);
    let trusted = of_posts(facts, today).into_iter().chain(of_mandates(facts, today));
    let mut held: Vec<Held> = trusted.map(|rule| Held { rule, bar }).collect();
    held.extend(of_learners(facts, today).into_iter().map(Held::free));
    held.extend(facts.student.iter().flat_map(|student| of_links(student, today)));
    // Nobody is shown even what is their own in a school that they would otherwise not find.
    let of_school = facts.student.is_some() || !held.is_empty();
    let placed = action == Action::OwnAccount || of_school;
    if facts.own && placed {
        held.push(Held::free(Rule::Own));
        if facts.student.as_ref().is_some_and(|student| is_of_age(student.birth_date, today)) {
            held.push(Held::free(Rule::OfAge));
        }
    }
    held
}

/// Whom the thing is about. Somebody may be several at once; an account is handed out as to the one
/// who may do most with it.
pub(super) fn whom(facts: &Facts, action: Action, today: NaiveDate) -> Vec<Whom> {
    let tied = |tie| facts.ties.iter().any(|held| held.what == tie && !held.span.is_over(today));
    let learns = facts.student.as_ref().is_some_and(|student| !student.enrolled.is_over(today));
    let kinds = [
        (Whom::Student, learns),
        (Whom::Guardian, tied(Tie::Answers)),
        (Whom::Staff, tied(Tie::Works)),
    ];
    let kinds: Vec<Whom> = kinds.into_iter().filter(|kind| kind.1).map(|kind| kind.0).collect();
    // Whoever teaches in two schools is invited by either, as staff, until they have opened the account:
    // to appoint somebody asks nobody, and must not be a way to what they do elsewhere.
    let works = tied(Tie::Works);
    let beyond = tied(Tie::MandatedElsewhere)
        || tied(Tie::LearnsElsewhere)
        || tied(Tie::AnswersElsewhere)
        || tied(Tie::WorksElsewhere)
        || (tied(Tie::TeachesElsewhere) && (facts.opened || !works));
    let invited = matches!(action, Action::ManageAccounts | Action::RemoveSecondFactor);
    match (beyond, kinds.is_empty()) {
        (true, _) if invited => vec![Whom::Beyond],
        (true, true) => vec![Whom::Beyond],
        (false, _) if invited && tied(Tie::MandatedHere) => vec![Whom::Mandated],
        (false, _) if invited && works => vec![Whom::Staff],
        (false, true) => vec![Whom::Nobody],
        (_, false) => kinds,
    }
}

fn of_posts(facts: &Facts, today: NaiveDate) -> Vec<Rule> {
    let posts = facts.posts.iter().filter(|post| post.span.contains(today));
    let mut rules: Vec<Rule> = posts.filter_map(|post| of_function(post.what)).collect();
    if works(facts, today) {
        rules.extend([Rule::OfSchool, Rule::Staff]);
        if facts.teaches.iter().any(|span| is_around(span, today)) {
            rules.push(Rule::TeacherOfClass);
        }
    }
    rules
}

/// What a function allows beyond what all staff may.
pub(super) fn of_function(function: Function) -> Option<Rule> {
    match function {
        Function::Head => Some(Rule::Head),
        Function::Cpe => Some(Rule::Cpe),
        Function::Assistant => Some(Rule::Assistant),
        Function::Nurse => Some(Rule::Nurse),
        Function::SocialWorker => Some(Rule::SocialWorker),
        Function::Teacher | Function::Librarian | Function::Administration => None,
    }
}

fn of_mandates(facts: &Facts, today: NaiveDate) -> impl Iterator<Item = Rule> {
    let mandates = facts.mandates.iter().filter(move |mandate| mandate.span.contains(today));
    mandates.map(|mandate| match mandate.what {
        Mandate::Administrator => Rule::Administrator,
        Mandate::Auditor => Rule::Auditor,
        Mandate::DataProtection => Rule::DataProtection,
    })
}

/// What students hold in their school, and those who answer for them.
fn of_learners(facts: &Facts, today: NaiveDate) -> Vec<Rule> {
    let of_school = any(&facts.learns, today) || any(&facts.answers, today);
    let in_class = of_school && any(&facts.in_class, today);
    let rules = [(Rule::OfSchool, of_school), (Rule::InClass, in_class)];
    rules.into_iter().filter(|rule| rule.1).map(|rule| rule.0).collect()
}

/// What the links with a student are worth on a day. A judgment takes away what all of them give.
/// Whoever is called in an emergency is told by the school when it needs them.
fn of_links(student: &StudentFacts, today: NaiveDate) -> Vec<Held> {
    let of_age = is_of_age(student.birth_date, today);
    let bar = any(&student.restrictions, today).then_some(Rule::RestrictedByJudgment);
    let links = student.links.iter().filter(|link| link.span.contains(today));
    let rules = links.filter_map(|link| match link.what {
        Authority::Exercised if !of_age => Some(Rule::Guardian),
        Authority::SurveillanceOnly if !of_age => Some(Rule::Surveillance),
        Authority::Exercised | Authority::SurveillanceOnly => Some(Rule::ParentOfStudentOfAge),
        Authority::InCharge => Some(Rule::InCharge),
        Authority::Contact => None,
    });
    rules.map(|rule| Held { rule, bar }).collect()
}

fn works(facts: &Facts, today: NaiveDate) -> bool {
    facts.posts.iter().any(|post| post.span.contains(today))
}

fn any(spans: &[Span], today: NaiveDate) -> bool {
    spans.iter().any(|span| span.contains(today))
}

fn is_around(teaching: &Span, today: NaiveDate) -> bool {
    let from = teaching.from.checked_sub_days(AROUND_TEACHING).unwrap_or(NaiveDate::MIN);
    let until = teaching.until.map(|last| last.checked_add_days(AROUND_TEACHING));
    Span { from, until: until.flatten() }.contains(today)
}

/// Whether somebody is of age (code civil, 414): from the eighteenth birthday on; who was born on a 29
/// February has it on 1 March. Whoever it is not known of counts as a minor.
pub fn is_of_age(birth_date: Option<NaiveDate>, today: NaiveDate) -> bool {
    let birthday = birth_date.and_then(|born| {
        let year = born.year().checked_add(OF_AGE_YEARS)?;
        born.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 3, 1))
    });
    birthday.is_some_and(|birthday| birthday <= today)
}
