//! The whole table: every role, on every day of a relation, asks for everything. What is due is
//! written here in the school's words, and not taken from the code; `docs/privacy.md` shows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
};

use domain::{
    access::{Action, Actor, Dated, Decision, Facts, Mask, Rule, Scope, StudentFacts, decide},
    people::Function,
};
use strum::VariantArray;

use super::cases::{Case, TODAY, account, each_case, school, span};

/// What is asked, of whom if that matters, in plain words, and who may: without an answer's parts
/// where a mask of [`MASKS`] stands before a colon.
const TABLE: [(&str, &str, &str); 49] = [
    ("open-school", "open a school, with a mandate for all", "administrator"),
    (
        "read-school",
        "see calendar, bells, reasons, settings",
        "of-school administrator auditor data-protection",
    ),
    ("manage-school", "decide calendar, bells, reasons, settings", "head administrator"),
    ("list-students", "list the students", "head cpe nurse social-worker; in outline: assistant"),
    ("list-staff", "list the staff", "head; in outline: staff administrator"),
    (
        "read-person student",
        "see who a student is",
        "own head cpe nurse social-worker; own home: guardian surveillance; \
         in outline: assistant teacher-of-class parent-of-student-of-age",
    ),
    ("read-person guardian", "see who a guardian is", "own head cpe nurse social-worker"),
    (
        "read-person staff",
        "see who somebody of the staff is",
        "own head; in outline: staff administrator",
    ),
    ("read-person nobody", "see who somebody just registered is", "own head"),
    (
        "read-person beyond",
        "see who somebody is who has left for another school",
        "own; in outline: head",
    ),
    (
        "manage-people student guardian staff nobody",
        "register, take in, let go, correct names of anybody but those of another school only",
        "head",
    ),
    ("manage-contacts student", "say how to reach a student", "own head cpe"),
    ("manage-contacts guardian", "say how to reach a guardian", "own head cpe"),
    ("manage-contacts beyond", "say how to reach somebody of another school only", "own"),
    ("manage-contacts", "say how to reach anybody else", "own head"),
    (
        "read-family",
        "see who answers for a student",
        "of-age head cpe nurse social-worker; names: own; names at home: guardian surveillance",
    ),
    (
        "manage-family student",
        "record who answers for a student, and judgments, up to the last day here",
        "head",
    ),
    ("list-classes", "list the classes", "staff"),
    ("read-class", "see who is in a class", "head cpe; in outline: assistant teacher-of-class"),
    ("manage-classes", "form classes, have them taught", "head"),
    ("read-timetable", "see lessons", "own in-class guardian surveillance staff"),
    ("manage-timetable", "plan courses, change lessons", "head cpe"),
    ("list-roll-calls", "see which roll calls were taken", "head cpe assistant"),
    (
        "read-roll-call",
        "see the sheet of a lesson",
        "head cpe; in outline: assistant teacher-of-class",
    ),
    ("take-roll-call", "call the roll, correct it", "head cpe assistant teacher-of-class"),
    ("list-absences", "list the absences of the school", "head cpe; in outline: assistant"),
    (
        "read-attendance",
        "see a student's attendance",
        "own head cpe; neutral: nurse social-worker; own home: guardian; \
         what matters: surveillance; in outline: parent-of-student-of-age assistant",
    ),
    ("record-absence", "record an absence, a departure", "head cpe assistant"),
    ("announce-absence", "tell an absence beforehand", "of-age guardian head cpe assistant"),
    ("give-reason", "give the reason of an absence", "of-age guardian head cpe assistant"),
    ("read-document", "see what was shown beside a reason", "head cpe"),
    ("qualify-absence", "judge a reason, regularise, withdraw, exempt", "head cpe"),
    ("list-alerts", "list the alerts of the school", "head cpe assistant"),
    ("read-board", "see the board of the school-life office", "head cpe; in outline: assistant"),
    (
        "read-alerts",
        "see what a student's family was told",
        "head cpe assistant; own home: of-age guardian parent-of-student-of-age \
         in-charge",
    ),
    (
        "acknowledge-alert",
        "say that one knows of an absence",
        "of-age guardian parent-of-student-of-age in-charge",
    ),
    ("call-family", "call a family that was not reached", "head cpe assistant"),
    (
        "list-follow-ups",
        "list who is followed up for repeated absences, or near it",
        "head cpe; in outline: assistant",
    ),
    ("read-follow-up", "see and print what was done about them", "head cpe"),
    ("note-follow-up", "note what was done about them", "head cpe"),
    ("read-history", "replay what happened to a student", "head; traces: auditor data-protection"),
    ("read-access-log", "see who signed in and who read what", "auditor data-protection"),
    ("import-files", "bring national files in", "head; traces: administrator"),
    ("manage-accounts student guardian", "invite a student or a guardian", "head cpe"),
    ("manage-accounts staff", "invite somebody of the staff", "head administrator"),
    (
        "manage-accounts nobody mandated",
        "invite somebody just registered, or whom the school gave a mandate",
        "head",
    ),
    (
        "remove-second-factor student guardian",
        "take away the second factor that a student or a guardian lost",
        "head cpe",
    ),
    (
        "remove-second-factor staff nobody mandated",
        "take away the second factor that anybody else lost",
        "head",
    ),
    ("give-mandates", "give and end mandates", "head"),
];

/// One's own account is nobody else's, and has no line in the table of a school.
const OWN_ACCOUNT: (&str, &str, &str) = ("own-account", "one's own account and sessions", "own");

/// What an answer leaves out, by name: reasons, contacts, the other home, judgments, content.
const MASKS: [(&str, [bool; 5]); 8] = [
    ("", [false, false, false, false, false]),
    ("neutral", [true, false, false, false, false]),
    ("own home", [false, false, true, true, false]),
    ("what matters", [true, false, true, true, false]),
    ("names", [false, true, false, true, false]),
    ("names at home", [false, true, true, true, false]),
    ("in outline", [true, true, true, true, false]),
    ("traces", [true, true, true, true, true]),
];

/// What a program's token is good for.
const SCOPES: [(Scope, &str); 2] = [
    (
        Scope::Read,
        "read-school list-students list-staff read-person read-family list-classes read-class \
         read-timetable list-roll-calls read-roll-call list-absences read-attendance \
         list-alerts read-board read-alerts list-follow-ups read-follow-up",
    ),
    (Scope::Import, "read-school import-files"),
];

const MARKS: [&str; 2] = ["<!-- table: written by tests/access/table.rs -->", "<!-- /table -->"];

#[test]
fn every_role_on_every_day_may_do_what_the_table_says_and_nothing_else() {
    let table = Table::read();
    let (mut tried, mut allowed, mut used) = (0_usize, 0_usize, BTreeSet::new());
    each_case(&mut |case: &Case| {
        for action in Action::VARIANTS {
            let decision = decide(&case.actor(), *action, &case.facts, TODAY);
            assert_eq!(decision, table.due(case, *action), "{action:?} asked by {case:#?}");
            tried += 1;
            allowed += usize::from(decision.allowed);
            used.insert(decision.rule);
        }
    });
    assert!(tried > 300_000, "{tried} cases");
    assert!(allowed > 50_000 && allowed < tried / 2, "{allowed} of {tried} allowed");
    let unused = Rule::VARIANTS.iter().filter(|rule| !used.contains(rule));
    assert_eq!(unused.collect::<Vec<_>>(), [&Rule::ProgramScope]);
}

#[test]
fn a_program_may_do_what_its_scopes_say_in_its_school_alone() {
    let (here, elsewhere) = (school("0549998Z"), school("0670001A"));
    let due = |scopes: &[Scope], action: Action| {
        let of_scope = |(scope, actions): &(Scope, &str)| {
            scopes.contains(scope) && actions.split(' ').any(|name| name == <&str>::from(action))
        };
        scopes.contains(&Scope::Everything) || SCOPES.iter().any(of_scope)
    };
    for chosen in 0..8_u8 {
        let scopes: Vec<Scope> = [Scope::Everything, Scope::Read, Scope::Import]
            .into_iter()
            .enumerate()
            .filter(|(n, _)| chosen & (1 << n) != 0)
            .map(|(_, scope)| scope)
            .collect();
        for only in [None, Some(here), Some(elsewhere)] {
            for of in [None, Some(here)] {
                for action in Action::VARIANTS {
                    let program =
                        Actor::Program { account: account(), scopes: scopes.clone(), school: only };
                    let student = Some(StudentFacts::default());
                    let facts = Facts { school: of, student, ..Facts::default() };
                    // What only its owner does, no school's token does either.
                    let of_work = only.is_none() || *action != Action::OwnAccount;
                    let allowed =
                        due(&scopes, *action) && of_work && (only.is_none() || only == of);
                    let rule = if allowed { Rule::ProgramScope } else { Rule::NoRelation };
                    let decision = Decision { allowed, rule, mask: Mask::default() };
                    assert_eq!(decide(&program, *action, &facts, TODAY), decision, "{action:?}");
                }
            }
        }
    }
}

#[test]
fn a_program_of_one_school_does_with_somebody_what_a_head_does_and_one_of_the_region_all() {
    let here = school("0549998Z");
    let program =
        |school| Actor::Program { account: account(), scopes: vec![Scope::Everything], school };
    let post = Dated { what: Function::Head, span: span((-90, None)) };
    let (mut tried, mut refused) = (0_usize, BTreeSet::new());
    each_case(&mut |case: &Case| {
        let facts = Facts { own: false, ..case.facts.clone() };
        let of_head = Facts { posts: vec![post], staff_need_second_factor: false, ..facts.clone() };
        for action in Action::VARIANTS {
            let region = decide(&program(None), *action, &facts, TODAY);
            assert!(region.allowed && region.mask == Mask::default(), "{action:?}");
            let [one, head] = [(program(Some(here)), &facts), (case.actor(), &of_head)]
                .map(|(actor, facts)| decide(&actor, *action, facts, TODAY));
            if head.rule == Rule::Head {
                assert_eq!((one.allowed, one.mask), (true, head.mask), "{action:?}: {facts:#?}");
            }
            if !one.allowed {
                assert!(!head.allowed, "{action:?}: {facts:#?}");
                refused.insert(<&str>::from(*action));
            }
            tried += 1;
        }
    });
    assert!(tried > 300_000, "{tried} cases");
    let for_its_owner = [
        "manage-accounts",
        "manage-contacts",
        "manage-family",
        "manage-people",
        "own-account",
        "remove-second-factor",
    ];
    assert_eq!(refused, for_its_owner.into());
}

#[test]
fn without_a_school_only_what_is_of_the_region_is_decided() {
    let of_region = [Action::OpenSchool, Action::ReadAccessLog, Action::OwnAccount];
    each_case(&mut |case: &Case| {
        let facts = Facts { school: None, ..case.facts.clone() };
        for action in Action::VARIANTS {
            let decision = decide(&case.actor(), *action, &facts, TODAY);
            let due = of_region.contains(action)
                && decide(&case.actor(), *action, &case.facts, TODAY).allowed;
            assert_eq!(decision.allowed, due, "{action:?} asked by {case:#?}");
        }
    });
}

#[test]
fn the_table_in_the_docs_is_the_one_that_holds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/privacy.md");
    let page = fs::read_to_string(&path).unwrap();
    let [begin, end] = MARKS.map(|mark| page.find(mark).unwrap());
    let told = format!("{}{}\n{}{}", &page[..begin], MARKS[0], told(), &page[end..]);
    if env::var_os("PREAU_UPDATE").is_some() {
        fs::write(&path, &told).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(
        kept == told,
        "docs/privacy.md shows another table: PREAU_UPDATE=1 cargo test -p tests the_table writes it"
    );
}

/// Who may, for each action and each kind of person it is about, in the order of the table.
struct Table(BTreeMap<(Action, &'static str), Vec<(Rule, Mask)>>);

impl Table {
    fn read() -> Self {
        let mut lines = BTreeMap::new();
        for (asked, _, who) in TABLE.into_iter().chain([OWN_ACCOUNT]) {
            let mut words = asked.split(' ');
            let action = action(words.next().unwrap());
            let whom: Vec<&str> = words.collect();
            for whom in if whom.is_empty() { vec![""] } else { whom } {
                let known = lines.insert((action, whom), parties(who).concat());
                assert!(known.is_none(), "{asked} has two lines");
            }
        }
        for action in Action::VARIANTS {
            assert!(lines.keys().any(|line| line.0 == *action), "{action:?} has no line");
        }
        Self(lines)
    }

    /// What the table says of a case: the masks of all who may, taken together, and the rule of the
    /// one that sees most.
    fn due(&self, case: &Case, action: Action) -> Decision {
        let as_an_account = [Action::ManageAccounts, Action::RemoveSecondFactor].contains(&action);
        let whom = if as_an_account { case.invited_as } else { case.seen_as };
        let lines = whom.iter().flat_map(|whom| {
            let line = self.0.get(&(action, whom)).or_else(|| self.0.get(&(action, "")));
            line.into_iter().flatten()
        });
        let holds = case.holds(action);
        let may: Vec<(Rule, Mask)> =
            lines.clone().filter(|(rule, _)| holds.contains(rule)).copied().collect();
        if let Some(least) = may.iter().map(|(_, mask)| left_out(*mask)).min() {
            let rule = may.iter().find(|(_, mask)| left_out(*mask) == least).unwrap().0;
            let all = |part: fn(Mask) -> bool| may.iter().all(|(_, mask)| part(*mask));
            let mask = Mask {
                neutral_reasons: all(|mask| mask.neutral_reasons),
                contacts: all(|mask| mask.contacts),
                other_home: all(|mask| mask.other_home),
                judgments: all(|mask| mask.judgments),
                content: all(|mask| mask.content),
            };
            return Decision { allowed: true, rule, mask };
        }
        let mut barred = BTreeSet::new();
        for (rule, _) in lines {
            barred.extend(case.barred().iter().filter(|bar| bar.0 == *rule).map(|bar| bar.1));
        }
        let stands = [Rule::SecondFactorFirst, Rule::RestrictedByJudgment];
        let stands = stands.into_iter().find(|rule| barred.contains(rule));
        let rule = stands.unwrap_or(Rule::NoRelation);
        Decision { allowed: false, rule, mask: Mask::default() }
    }
}

/// The table as `docs/privacy.md` shows it.
fn told() -> String {
    let mut page = String::from("| asked | who may |\n|---|---|\n");
    for (asked, words, who) in TABLE.into_iter().chain([OWN_ACCOUNT]) {
        let action = asked.split(' ').next().unwrap();
        let who = who.split("; ").map(|party| match party.split_once(": ") {
            Some((mask, rules)) => format!("*{mask}:* {}", rules.replace(' ', ", ")),
            None => party.replace(' ', ", "),
        });
        let who: Vec<String> = who.collect();
        writeln!(page, "| {words} (`{action}`) | {} |", who.join("; ")).unwrap();
    }
    page.push_str("\n| an answer | leaves out |\n|---|---|\n");
    let parts = [
        "what reveals health or religion in a reason",
        "contacts",
        "the other home",
        "judgments",
        "what is said of people",
    ];
    for (name, mask) in MASKS.into_iter().skip(1) {
        let left_out = parts.into_iter().zip(mask).filter(|part| part.1).map(|part| part.0);
        writeln!(page, "| *{name}* | {} |", left_out.collect::<Vec<_>>().join("; ")).unwrap();
    }
    page.push_str("\n| a program's scope | allows |\n|---|---|\n| `everything` | all of it |\n");
    for (scope, actions) in SCOPES {
        let name = serde_json::to_string(&scope).unwrap().replace('"', "`");
        writeln!(page, "| {name} | {} |", actions.replace(' ', ", ")).unwrap();
    }
    page
}

/// Those who see most come first, as in the table.
fn parties(who: &str) -> Vec<Vec<(Rule, Mask)>> {
    let party = |party: &str| {
        let (name, rules) = party.split_once(": ").unwrap_or(("", party));
        let [neutral_reasons, contacts, other_home, judgments, content] =
            MASKS.into_iter().find(|mask| mask.0 == name).unwrap().1;
        let mask = Mask { neutral_reasons, contacts, other_home, judgments, content };
        rules.split(' ').map(|name| (rule(name), mask)).collect()
    };
    who.split("; ").map(party).collect()
}

fn left_out(mask: Mask) -> usize {
    [mask.neutral_reasons, mask.contacts, mask.other_home, mask.judgments, mask.content]
        .into_iter()
        .filter(|part| *part)
        .count()
}

fn action(name: &str) -> Action {
    *Action::VARIANTS.iter().find(|action| <&str>::from(**action) == name).unwrap()
}

fn rule(name: &str) -> Rule {
    *Rule::VARIANTS.iter().find(|rule| <&str>::from(**rule) == name).unwrap()
}
