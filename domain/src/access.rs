//! Who may see and do what, on which day.
//!
//! One pure function, [`decide`], deny by default: what no line of the table ([`table`]) allows is
//! refused. Who somebody is on that day towards the thing ([`standing`]) says which lines hold. A
//! decision names its rule and what the answer must leave out ([`Mask`]). The facts come with the
//! query that loads the thing; nothing here asks. A birthday, a judgment or the end of a mandate
//! takes effect by itself, since `today` is the school's local day. What is written down of decisions
//! is in [`entries`]. The table for people to read, and its sources, are in `docs/privacy.md`.

pub mod entries;
mod standing;
mod table;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{AccountId, PersonId, Uai, accounts::Mandate, families::Authority, people::Function};

pub use standing::is_of_age;

pub use entries::{AccessEvent, Device, Duty, Entry, Means, What, WhyRefused};

/// Whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who is signed in.
    Person {
        /// Who.
        person: PersonId,
        /// Whether they signed in with a second factor.
        second_factor: bool,
    },
    /// A program with a token of the settings.
    Program {
        /// For which account it acts.
        account: AccountId,
        /// What it may do.
        scopes: Vec<Scope>,
        /// In which school only; in all of them if none is named.
        school: Option<Uai>,
    },
}

/// What a program's token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantArray)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All that the API offers: for whoever runs the region's server.
    Everything,
    /// What staff read at their work: neither a student's history nor the access log.
    Read,
    /// Bringing national files in, and reading what the school has decided.
    Import,
}

/// What is asked, on which kind of thing.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Action {
    /// Open a school in Préau: an act of the region, so that only mandates for all schools count.
    OpenSchool,
    /// See what a school has decided: calendar, bells, reasons, settings.
    ReadSchool,
    /// Decide it.
    ManageSchool,
    /// List the students of a school.
    ListStudents,
    /// List the staff of a school, and see one of them.
    ListStaff,
    /// See who somebody of the school is.
    ReadPerson,
    /// Register people, take them in, let them go, correct their names.
    ManagePeople,
    /// Say how to reach somebody, and in which language.
    ManageContacts,
    /// See who answers for a student, or for whom a guardian answers.
    ReadFamily,
    /// Record who answers for a student, and judgments.
    ManageFamily,
    /// List the classes of a school.
    ListClasses,
    /// See who is in a class.
    ReadClass,
    /// Form classes, fill them, have them taught.
    ManageClasses,
    /// See the lessons of a class, a student or a teacher.
    ReadTimetable,
    /// Plan courses, change lessons.
    ManageTimetable,
    /// See which roll calls of a day were taken.
    ListRollCalls,
    /// See the sheet of a lesson.
    ReadRollCall,
    /// Call the roll, correct it.
    TakeRollCall,
    /// List the absences of a school.
    ListAbsences,
    /// See a student's attendance file and counts.
    ReadAttendance,
    /// See what was shown beside a reason.
    ReadDocument,
    /// Record an absence or a departure.
    RecordAbsence,
    /// Tell beforehand that a student will be away.
    AnnounceAbsence,
    /// Give the reason of an absence.
    GiveReason,
    /// Judge a reason, regularise, withdraw a line, exempt from a subject.
    QualifyAbsence,
    /// List the alerts of a school, and what became of them.
    ListAlerts,
    /// See the board of the school-life office: who is missing, who was told, whom to call.
    ReadBoard,
    /// See what a student's family was told.
    ReadAlerts,
    /// Say that one knows of an absence.
    AcknowledgeAlert,
    /// Call a family that was not reached.
    CallFamily,
    /// List who is followed up in a school, or near it, because of repeated absences.
    ListFollowUps,
    /// See what was done about a student's repeated absences, and print its papers.
    ReadFollowUp,
    /// Note what was done about them.
    NoteFollowUp,
    /// Replay what happened to a student.
    ReadHistory,
    /// See who signed in and who read what.
    ReadAccessLog,
    /// Bring national files in.
    ImportFiles,
    /// Invite somebody to their account, end their sessions. Asked for each person, also where many
    /// letters are printed at once: whoever hands out a code could use it.
    ManageAccounts,
    /// Take away the second factor that somebody lost. Whoever may only invite may not: a code and a
    /// removal together are the account.
    RemoveSecondFactor,
    /// Give and end mandates.
    GiveMandates,
    /// One's own account, sessions and second factor.
    OwnAccount,
}

/// What is known of the actor and the thing, all of it dated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The school that the thing belongs to; none if it is the region's.
    pub school: Option<Uai>,
    /// What the actor works as in that school.
    pub posts: Vec<Dated<Function>>,
    /// The actor's mandates for that school, or for all of them; for the region's things, only those
    /// for all of them.
    pub mandates: Vec<Dated<Mandate>>,
    /// The times the actor learns in that school.
    pub learns: Vec<Span>,
    /// The times the actor answers for some student of that school, as long as no judgment takes the
    /// right away.
    pub answers: Vec<Span>,
    /// The times the actor teaches the class, the lesson's class, or a class of the student.
    pub teaches: Vec<Span>,
    /// The times the actor, or a student whose days the actor is told about, is in the class.
    pub in_class: Vec<Span>,
    /// Whether the thing is about the actor.
    pub own: bool,
    /// The student that the thing is about, if it is about one; a student of that school.
    pub student: Option<StudentFacts>,
    /// What the person that the thing is about is, beside a student of that school.
    pub ties: Vec<Dated<Tie>>,
    /// Whether that person signs in already: an account that was never opened holds nothing of theirs.
    pub opened: bool,
    /// Whether the school has its staff sign in with a second factor.
    pub staff_need_second_factor: bool,
}

/// What is known of a student, as far as it concerns the actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudentFacts {
    /// When they learn in the school.
    pub enrolled: Span,
    /// When they were born, if it is known; whoever it is not known of counts as a minor.
    pub birth_date: Option<NaiveDate>,
    /// The actor's links with them.
    pub links: Vec<Dated<Authority>>,
    /// The times a judgment takes the actor's rights away; the last day is the last without rights.
    pub restrictions: Vec<Span>,
}

/// What somebody is, beside a student of the school.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// Answers for a student of the school.
    Answers,
    /// Works in the school.
    Works,
    /// Has a mandate for the school.
    MandatedHere,
    /// Learns in another school.
    LearnsElsewhere,
    /// Answers for a student of another school.
    AnswersElsewhere,
    /// Teaches in another school.
    TeachesElsewhere,
    /// Works in another school as anything else.
    WorksElsewhere,
    /// Has a mandate for another school, or for all of them.
    MandatedElsewhere,
}

/// Days, both included; open where there is no last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: Option<NaiveDate>,
}

/// What holds on certain days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dated<T> {
    /// What.
    pub what: T,
    /// When.
    pub span: Span,
}

/// What was decided, by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The rule that allowed it, or why none did.
    pub rule: Rule,
    /// What the answer leaves out.
    pub mask: Mask,
}

/// Why something is allowed or not.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Rule {
    /// A program's token has the scope.
    ProgramScope,
    /// It is one's own.
    Own,
    /// A student of age, for themself.
    OfAge,
    /// Somebody of the school.
    OfSchool,
    /// A student of the class, or whoever is told about one.
    InClass,
    /// A guardian who exercises authority over a minor.
    Guardian,
    /// A parent of a minor, with a right of surveillance.
    Surveillance,
    /// A parent of a student of age.
    ParentOfStudentOfAge,
    /// Somebody who has the student in charge.
    InCharge,
    /// The head of the school.
    Head,
    /// The CPE.
    Cpe,
    /// An assistant (AED).
    Assistant,
    /// The nurse.
    Nurse,
    /// The social worker.
    SocialWorker,
    /// A member of staff.
    Staff,
    /// A teacher of the class, a week before and after too.
    TeacherOfClass,
    /// The technical administrator.
    Administrator,
    /// An auditor within the mandate.
    Auditor,
    /// A data-protection officer within the mandate.
    DataProtection,
    /// Nothing allows it.
    NoRelation,
    /// A judgment takes away what the guardian would be allowed.
    RestrictedByJudgment,
    /// Staff of this school sign in with a second factor first.
    SecondFactorFirst,
}

/// What an answer leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mask {
    /// Reasons that reveal health or religion bear their neutral label only; words that explain a
    /// reason are left out.
    pub neutral_reasons: bool,
    /// How to reach people, and where they live.
    pub contacts: bool,
    /// What is known of a home that is not the actor's: who lives there, what they wrote; and the
    /// student's address, which may be that home's.
    pub other_home: bool,
    /// That there is a judgment, and its reference.
    pub judgments: bool,
    /// What events and reports say of people, beyond that something happened.
    pub content: bool,
}

/// Decides whether `actor` may do `action` to the thing that `facts` tell of, on the school's local
/// day `today`.
///
/// Whoever is several things at once may and sees what any of them may and sees; the rule is that of
/// the one that sees most.
#[must_use]
pub fn decide(actor: &Actor, action: Action, facts: &Facts, today: NaiveDate) -> Decision {
    let second_factor = match actor {
        Actor::Person { second_factor, .. } => *second_factor,
        Actor::Program { scopes, school, .. } => {
            return of_program(scopes, *school, (action, facts), today);
        }
    };
    if !is_in_place(action, facts) {
        return Decision::refused(Rule::NoRelation);
    }
    let standing = standing::of(facts, action, second_factor, today);
    let whom = standing::whom(facts, action, today);
    let rows = whom.iter().flat_map(|whom| table::rights(action, *whom));
    let lines = rows.flat_map(|(mask, rules)| rules.iter().map(|rule| (*rule, *mask)));
    lines.fold(Decision::refused(Rule::NoRelation), |decision, (rule, mask)| {
        let held = standing.iter().filter(|held| held.rule == rule);
        held.fold(decision, |decision, held| decision.or(held.decides(mask)))
    })
}

/// Whether a post opens more than what all staff of a school may, teachers of their classes among them.
pub fn opens_more(function: Function) -> bool {
    standing::of_function(function).is_some()
}

/// A token has no relations: its scopes say what it is good for, and perhaps a school where. That of
/// one school sees and does with somebody what those may who may most there by their work.
fn of_program(
    scopes: &[Scope],
    only: Option<Uai>,
    (action, facts): (Action, &Facts),
    today: NaiveDate,
) -> Decision {
    let mask = match only {
        None => Some(Mask::default()),
        Some(_) if only == facts.school => {
            let whom = standing::whom(facts, action, today);
            whom.into_iter().find_map(|whom| table::by_work(action, whom))
        }
        Some(_) => None,
    };
    match mask {
        Some(mask) if scopes.iter().any(|scope| table::scope_allows(*scope, action)) => {
            Decision { allowed: true, rule: Rule::ProgramScope, mask }
        }
        Some(_) | None => Decision::refused(Rule::NoRelation),
    }
}

/// What is of a school is not decided without naming it.
fn is_in_place(action: Action, facts: &Facts) -> bool {
    let of_region =
        matches!(action, Action::OpenSchool | Action::ReadAccessLog | Action::OwnAccount);
    facts.school.is_some() || of_region
}

impl Decision {
    fn refused(rule: Rule) -> Self {
        Self { allowed: false, rule, mask: Mask::default() }
    }

    /// What follows from two lines of the table together.
    fn or(self, other: Self) -> Self {
        match (self.allowed, other.allowed) {
            (true, true) => {
                let wider = if other.mask.left_out() < self.mask.left_out() { other } else { self };
                Self { mask: self.mask.and(other.mask), ..wider }
            }
            (true, false) => self,
            (false, true) => other,
            // Of what stands in the way, the rule listed last is the one to do something about.
            (false, false) => Self::refused(self.rule.max(other.rule)),
        }
    }
}

impl Rule {
    /// Whether somebody whom it lets in knows of the alerts that they were told of themselves, and of no
    /// other: whoever has a student in charge is told when nobody else is reached; the parents of a student
    /// of age are, while they keep the student (circulaire 74-325).
    pub fn hears_only_what_it_is_told(self) -> bool {
        matches!(self, Self::InCharge | Self::ParentOfStudentOfAge)
    }
}

impl Mask {
    /// What both leave out.
    fn and(self, other: Self) -> Self {
        Self {
            neutral_reasons: self.neutral_reasons && other.neutral_reasons,
            contacts: self.contacts && other.contacts,
            other_home: self.other_home && other.other_home,
            judgments: self.judgments && other.judgments,
            content: self.content && other.content,
        }
    }

    /// How many kinds of things it leaves out.
    fn left_out(self) -> usize {
        let Self { neutral_reasons, contacts, other_home, judgments, content } = self;
        let all = [neutral_reasons, contacts, other_home, judgments, content];
        all.into_iter().filter(|left_out| *left_out).count()
    }
}

impl Span {
    /// Whether a day lies in it.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && !self.is_over(day)
    }

    /// Whether its last day lies before this one.
    pub fn is_over(&self, day: NaiveDate) -> bool {
        self.until.is_some_and(|until| until < day)
    }
}

#[cfg(test)]
#[path = "access/tests.rs"]
mod tests;
