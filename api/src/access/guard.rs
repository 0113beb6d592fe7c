//! Whoever asks, before anything is told: a handler names the thing and what it is about to do with
//! it, and has the thing from here, or its refusal.
//!
//! A caller who may not know of a thing is answered as if it did not exist, the school included: the
//! same refusal stands for both, and what could tell them apart comes after. Who may see the thing,
//! but not do this with it, is told that, and by which rule. A past day is decided by the facts of
//! today: looking back gives no right back.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::{
    ClassId, CourseId, PersonId, StudentId, Uai,
    access::{Action, Actor, Decision, Facts, Mask, Rule, WhyRefused, decide},
    accounts::span,
    schools::SchoolSheet,
};
use projections::{
    access::{Known, Thing, known, schools_of},
    accounts::relations,
    classes::ClassRow,
    people::{EnrolmentRow, PersonRow, person},
    schools::{SchoolRow, all, sheet},
    timetable::CourseRow,
};
use serde::Serialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;

use super::decisions::Asked;
use crate::{
    caller::Caller,
    error::{ApiError, Refusal},
    reading::AskedDay,
};

/// The zone of what is of no school; so does a mandate for all of them keep its account open.
const REGION: Tz = Tz::Europe__Paris;

/// Who asks, and which tables.
#[derive(Clone)]
pub(crate) struct Guard {
    /// Who asks.
    pub(crate) caller: Caller,
    /// The tables of today, whichever day is shown: by these it is decided who is told.
    pub(crate) db: SqlitePool,
    /// The day that is shown, if it is a past one.
    past: Option<AskedDay>,
    now: DateTime<Utc>,
}

/// What a caller may do something with.
pub(crate) struct Granted<T> {
    /// The thing.
    pub(crate) thing: T,
    /// What its school has decided.
    pub(crate) sheet: SchoolSheet,
    /// By which rule.
    pub(crate) rule: Rule,
    /// What the answer leaves out.
    pub(crate) mask: Mask,
    /// The school's local day.
    pub(crate) today: NaiveDate,
    /// The last day there of whomever the thing is about, whichever day is shown.
    pub(crate) until: Option<NaiveDate>,
}

/// A person, and what they are in the school.
#[derive(Serialize, ToSchema)]
pub(crate) struct Somebody {
    /// Who they are.
    #[serde(flatten)]
    pub(crate) person: PersonRow,
    /// What they are or were there; nothing for a guardian.
    pub(crate) enrolment: Option<EnrolmentRow>,
}

impl Guard {
    /// For a caller at an instant, by the tables of today; `past` is the day that is shown, if it is a
    /// past one.
    pub(crate) fn new(
        caller: Caller,
        db: SqlitePool,
        past: Option<AskedDay>,
        now: DateTime<Utc>,
    ) -> Self {
        Self { caller, db, past, now }
    }

    /// The tables that an answer is read from.
    pub(crate) async fn shown(&self) -> Result<SqlitePool, ApiError> {
        match &self.past {
            None => Ok(self.db.clone()),
            Some(past) => past.db().await,
        }
    }

    /// The person who asks; none is a program.
    pub(crate) fn person(&self) -> Option<PersonId> {
        match self.caller.actor {
            Actor::Person { person, .. } => Some(person),
            Actor::Program { .. } => None,
        }
    }

    /// Asks to do something with what is one's own and of no school: an account, the list of one's
    /// schools. Programs own nothing.
    pub(crate) async fn own(&self, action: Action) -> Result<(), ApiError> {
        if self.has_left().await? {
            return Err(Refusal::NotSignedIn.into());
        }
        let facts = Facts { own: self.person().is_some(), ..Facts::default() };
        self.of_region(action, None, &facts).map(|_| ())
    }

    /// Asks to open a school, which need not be there yet: for whoever has a mandate for all of them.
    pub(crate) async fn region(&self, school: Uai, action: Action) -> Result<Rule, ApiError> {
        let region = known(&self.db, self.person(), Uai::REGION, Thing::School).await?;
        let facts = Facts { school: Some(school), ..region.facts };
        match self.of_region(action, Some(school), &facts) {
            Ok(rule) => Ok(rule),
            // Whoever may not open schools learns nothing of those that are.
            Err(refusal) => {
                Err(self.school(school, Action::ReadSchool).await.err().unwrap_or(refusal))
            }
        }
    }

    /// Asks for a page of the schools that the caller has business with.
    pub(crate) async fn schools(
        &self,
        after: Option<Uai>,
        max: u32,
    ) -> Result<Vec<SchoolRow>, ApiError> {
        let near = match self.caller.actor {
            Actor::Person { person, .. } => {
                self.own(Action::OwnAccount).await?;
                schools_of(&self.db, person).await?
            }
            Actor::Program { school, .. } => {
                let facts = Facts { school, ..Facts::default() };
                self.of_region(Action::ReadSchool, school, &facts)?;
                let Some(school) = school else {
                    return Ok(all(&self.shown().await?, after, max).await?);
                };
                vec![school]
            }
        };
        let (db, mut schools) = (self.shown().await?, Vec::new());
        for school in near.into_iter().filter(|school| after.is_none_or(|after| *school > after)) {
            if schools.len() < max as usize
                && self.has_business_with(school).await?
                && let Some(sheet) = sheet(&db, school).await?
            {
                schools.push(SchoolRow { school, sheet });
            }
        }
        Ok(schools)
    }

    /// Asks about the school itself.
    pub(crate) async fn school(
        &self,
        school: Uai,
        action: Action,
    ) -> Result<Granted<()>, ApiError> {
        self.ask(school, Thing::School, action).await?.of(|_| Some(()))
    }

    /// Asks about somebody, whatever they are in the school.
    pub(crate) async fn somebody(
        &self,
        school: Uai,
        person: PersonId,
        action: Action,
    ) -> Result<Granted<Somebody>, ApiError> {
        let asked = self.ask(school, Thing::Person(person), action).await?;
        asked.of(|known| Some(Somebody { person: known.person?, enrolment: known.enrolment }))
    }

    /// Asks about a student.
    pub(crate) async fn student(
        &self,
        school: Uai,
        student: StudentId,
        action: Action,
    ) -> Result<Granted<EnrolmentRow>, ApiError> {
        self.ask(school, Thing::Student(student), action).await?.of(|known| known.enrolment)
    }

    /// Asks about a member of staff.
    pub(crate) async fn staff(
        &self,
        school: Uai,
        staff: PersonId,
        action: Action,
    ) -> Result<Granted<EnrolmentRow>, ApiError> {
        self.ask(school, Thing::Staff(staff), action).await?.of(|known| known.enrolment)
    }

    /// Asks about a class.
    pub(crate) async fn class(
        &self,
        school: Uai,
        class: ClassId,
        action: Action,
    ) -> Result<Granted<ClassRow>, ApiError> {
        self.ask(school, Thing::Class(class), action).await?.of(|known| known.class)
    }

    /// Asks about a course or one of its lessons.
    pub(crate) async fn course(
        &self,
        school: Uai,
        course: CourseId,
        action: Action,
    ) -> Result<Granted<CourseRow>, ApiError> {
        self.ask(school, Thing::Course(course), action).await?.of(|known| known.course)
    }

    /// Whom a school may name: those it knows already. A program of the whole region, which reads the
    /// files of many schools, may name anybody.
    pub(crate) async fn may_name(&self, school: Uai, id: PersonId) -> Result<(), ApiError> {
        let thing = Thing::Person(id);
        let known = if self.is_of_region() {
            person(&self.db, id).await?.is_some()
        } else {
            known(&self.db, None, school, thing).await?.has(thing)
        };
        if known { Ok(()) } else { Err(unknown(thing).into()) }
    }

    /// Whom a school may take in or take on: those it may name, but nobody who is of another school
    /// only. That one lets them go first, or both schools' files say that they share them.
    pub(crate) async fn may_take_in(&self, school: Uai, id: PersonId) -> Result<(), ApiError> {
        self.school(school, Action::ManagePeople).await?;
        if self.is_of_region() {
            return self.may_name(school, id).await;
        }
        self.somebody(school, id, Action::ManagePeople).await.map(|_| ())
    }

    fn is_of_region(&self) -> bool {
        match self.caller.actor {
            Actor::Program { school, .. } => school.is_none(),
            Actor::Person { .. } => false,
        }
    }

    /// Asks about a student as one of their family, whatever else one is in the school; answers by which
    /// rule, and what the school has decided. Nothing if it is not allowed: nobody has asked about this student by name.
    pub(crate) async fn as_family(
        &self,
        school: Uai,
        student: StudentId,
        action: Action,
    ) -> Result<Option<(Rule, SchoolSheet)>, ApiError> {
        let thing = Thing::Student(student);
        let mut known = known(&self.db, self.person(), school, thing).await?;
        let (posts, mandates, teaches) = (Vec::new(), Vec::new(), Vec::new());
        known.facts = Facts { posts, mandates, teaches, ..known.facts };
        let (_, decision, _) = self.decide(&known, action);
        let Some(sheet) = known.sheet.filter(|_| decision.allowed) else { return Ok(None) };
        let (account, subject) = (self.caller.account, thing.subject());
        let asked = Asked { account, school: Some(school), subject, action };
        self.caller.decisions.note(asked, decision);
        Ok(Some((decision.rule, sheet)))
    }

    /// Refuses whoever is of nobody's family what a family may.
    pub(crate) fn no_family(&self, action: Action) -> ApiError {
        let refused = self.of_region(action, None, &Facts::default());
        refused.err().unwrap_or_else(|| forbidden(Rule::NoRelation))
    }

    /// What is decided about the caller in the school, and about the thing, on the school's local day.
    fn decide(&self, known: &Known, action: Action) -> (Decision, Decision, NaiveDate) {
        let actor = &self.caller.actor;
        let today = match &known.sheet {
            Some(sheet) => sheet.local_date(self.now),
            None => self.now.with_timezone(&REGION).date_naive(),
        };
        // Whoever has no business with the school has none with what is in it.
        let standing = decide(actor, Action::ReadSchool, &standing(&known.facts), today);
        let decision =
            if standing.allowed { decide(actor, action, &known.facts, today) } else { standing };
        (standing, decision, today)
    }

    async fn ask(&self, school: Uai, thing: Thing, action: Action) -> Result<Asking, ApiError> {
        let known = known(&self.db, self.person(), school, thing).await?;
        let (standing, decision, today) = self.decide(&known, action);
        let actor = &self.caller.actor;
        let (account, subject) = (self.caller.account, thing.subject());
        let asked = Asked { account, school: Some(school), subject, action };
        self.caller.decisions.note(asked, decision);
        if !decision.allowed {
            if self.has_left().await? {
                return Err(Refusal::NotSignedIn.into());
            }
            let sees = |action: &Action| decide(actor, *action, &known.facts, today).allowed;
            let seen = standing.allowed && known.has(thing) && seen_by(thing).iter().any(sees);
            // Whoever needs a second factor is told so, whether the thing is there or not.
            return Err(if seen || decision.rule == Rule::SecondFactorFirst {
                forbidden(decision.rule)
            } else if standing.allowed {
                unknown(thing).into()
            } else {
                Refusal::UnknownSchool.into()
            });
        }
        let Decision { rule, mask, .. } = decision;
        let until = known.enrolment.as_ref().and_then(|enrolled| enrolled.until);
        let shown = match &self.past {
            None => known,
            Some(past) => {
                projections::access::known(&past.db().await?, self.person(), school, thing).await?
            }
        };
        Ok(Asking { thing, known: shown, rule, mask, today, until })
    }

    /// Whether the caller is somebody whose account has closed since they signed in: nothing is left
    /// then that a decision could allow, so that only refusals look.
    async fn has_left(&self) -> Result<bool, ApiError> {
        let Some(person) = self.person() else { return Ok(false) };
        let open = span::is_open(&relations(&self.db, person).await?, self.now);
        if !open {
            let account = Some(self.caller.account);
            self.caller.decisions.refuse_sign_in(account, WhyRefused::AccountClosed);
        }
        Ok(!open)
    }

    async fn has_business_with(&self, school: Uai) -> Result<bool, ApiError> {
        let Known { facts, sheet, .. } =
            known(&self.db, self.person(), school, Thing::School).await?;
        let today = sheet.map(|sheet| sheet.local_date(self.now));
        let may = |today| decide(&self.caller.actor, Action::ReadSchool, &facts, today).allowed;
        Ok(today.is_some_and(may))
    }

    fn of_region(
        &self,
        action: Action,
        school: Option<Uai>,
        facts: &Facts,
    ) -> Result<Rule, ApiError> {
        // What is of no school goes by the clock of Paris.
        let today = self.now.with_timezone(&REGION).date_naive();
        let decision = decide(&self.caller.actor, action, facts, today);
        let asked = Asked { account: self.caller.account, school, subject: None, action };
        self.caller.decisions.note(asked, decision);
        if decision.allowed { Ok(decision.rule) } else { Err(forbidden(decision.rule)) }
    }
}

/// A question that was allowed, before its thing is taken out.
struct Asking {
    thing: Thing,
    known: Known,
    rule: Rule,
    mask: Mask,
    today: NaiveDate,
    until: Option<NaiveDate>,
}

impl<T> Granted<T> {
    /// Whether whoever the thing is about has left the school.
    pub(crate) fn has_left(&self) -> bool {
        self.until.is_some_and(|until| until < self.today)
    }
}

impl Asking {
    fn of<T>(mut self, thing: impl FnOnce(Known) -> Option<T>) -> Result<Granted<T>, ApiError> {
        let sheet = self.known.sheet.take().ok_or(Refusal::UnknownSchool)?;
        let is_there = self.thing == Thing::School || self.known.has(self.thing);
        let Self { rule, mask, today, until, .. } = self;
        let found = if is_there { thing(self.known) } else { None };
        let thing = found.ok_or(unknown(self.thing))?;
        Ok(Granted { thing, sheet, rule, mask, today, until })
    }
}

/// What is known of the actor in the school, whatever is asked there.
fn standing(facts: &Facts) -> Facts {
    Facts { own: false, student: None, teaches: Vec::new(), in_class: Vec::new(), ..facts.clone() }
}

/// Whoever may do one of these knows that the thing exists.
fn seen_by(thing: Thing) -> &'static [Action] {
    match thing {
        Thing::School => &[Action::ReadSchool],
        Thing::Person(_) => &[Action::ReadPerson],
        Thing::Student(_) => &[Action::ReadPerson, Action::ReadFamily, Action::ReadAttendance],
        Thing::Staff(_) => &[Action::ListStaff],
        Thing::Class(_) | Thing::Course(_) => &[Action::ListClasses, Action::ReadTimetable],
    }
}

/// How a thing that is not there is refused.
fn unknown(thing: Thing) -> Refusal {
    match thing {
        Thing::School => Refusal::UnknownSchool,
        Thing::Person(_) => Refusal::UnknownPerson,
        Thing::Student(_) => Refusal::UnknownStudent,
        Thing::Staff(_) => Refusal::UnknownStaff,
        Thing::Class(_) => Refusal::UnknownClass,
        Thing::Course(_) => Refusal::UnknownCourse,
    }
}

fn forbidden(rule: Rule) -> ApiError {
    ApiError::told(Refusal::Forbidden, <&str>::from(rule))
}
