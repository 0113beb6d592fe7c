//! The board of the school-life office: whose roll was not called, who is away at this moment, what became
//! of the alerts, whom to call, which reasons to judge, and who is near a step of the law's ladder or has
//! reached one.
//!
//! Everything on it follows from the tables and the clock; in particular that an alert is overdue, since
//! what should have noticed may itself have stopped. No address is on it, and of reasons what whoever looks
//! may know. That it has changed is told by [`super::changes`].

mod reasons;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::{
    AccountId, ClassId, PersonId, StudentId, Uai,
    access::Action,
    alerts::{
        Call, Escalation, TASK_AFTER,
        message::{Fate, Purpose},
    },
    classes::ClassKind,
    followups::Step,
    people::Name,
    rollcalls::Mark,
    schools::{Half, SchoolSheet},
    timetable::lessons::Lesson,
};
use projections::{
    alerts::{
        AlertRow,
        board::{away_at, classes, classes_of, of_day_and_open_calls, roll_calls},
    },
    attendance::{LineKind, LineRow},
    followups::{FollowUpRow, open_in_school},
    people::these,
    rollcalls::RollCallRow,
    timetable::{lessons, of_school},
};
use serde::Serialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;

use reasons::{ReasonToJudge, to_judge};

use crate::{
    access::Granted,
    attendance::leave_out_reason,
    error::{ApiError, Problem},
    followups::all_near,
    reading::{Asked, At, DayQuery, ReadQuery, Reading},
};

/// How long after a lesson has begun its roll is missing.
const ROLL_CALLED_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// How many days a call that nobody has closed stays on the board.
const CALLS_KEPT_DAYS: u64 = 7;

/// The board of a day.
#[derive(Serialize, ToSchema)]
pub(super) struct Board {
    /// Which day.
    date: NaiveDate,
    /// The instant that it shows.
    at: DateTime<Utc>,
    /// The lessons of the day that began ten minutes ago or earlier and whose roll was not called, in
    /// the order of time.
    roll_calls_missing: Vec<MissingRollCall>,
    /// Who is away at this instant; nobody on another day than today.
    away: Vec<AwayNow>,
    /// The alerts of the day, in the order in which they fall due.
    alerts: Vec<AlertOnBoard>,
    /// The calls that the office is asked for and nobody has closed, of this day and the seven before
    /// it, the oldest first.
    calls: Vec<CallToMake>,
    /// The reasons that families gave for lines of this day and the seven before it, and nobody has judged,
    /// in the order of time.
    reasons: Vec<ReasonToJudge>,
    /// The students who have reached a step of the law's ladder, and whose follow-up stands, the newest
    /// first.
    follow_ups: Vec<FollowUpOnBoard>,
    /// The students whose next half-day, lateness or departure reaches a step.
    near: Vec<NearOnBoard>,
}

/// A lesson whose roll was not called.
#[derive(Serialize, ToSchema)]
struct MissingRollCall {
    /// The lesson.
    #[serde(flatten)]
    lesson: Lesson,
    /// What its class is called.
    class_name: Option<String>,
    /// What its teachers are called.
    teacher_names: Vec<Name>,
}

/// A student, as the board names them.
#[derive(Clone, Serialize, ToSchema)]
struct StudentOnBoard {
    /// Who.
    student: StudentId,
    /// Their names, unless they were erased.
    name: Option<Name>,
    /// The class that they belong to on the day.
    class_name: Option<String>,
}

/// A student who is away at this instant.
#[derive(Serialize, ToSchema)]
struct AwayNow {
    /// Who.
    #[serde(flatten)]
    student: StudentOnBoard,
    /// How it is known.
    #[serde(flatten)]
    away: Away,
}

/// How it is known that somebody is away.
#[derive(Clone, Copy, Serialize, ToSchema)]
struct Away {
    /// Who says so.
    known_by: KnownBy,
    /// Since when.
    since: DateTime<Utc>,
    /// Until when, as far as that says it.
    until: DateTime<Utc>,
}

/// Who says that somebody is away.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum KnownBy {
    /// The roll call of the lesson that is on.
    RollCall,
    /// The office has recorded an absence.
    Absence,
    /// The office has recorded that they left.
    Departure,
    /// Their family told it beforehand.
    Announcement,
}

/// An alert, and how it stands in a word.
#[derive(Serialize, ToSchema)]
struct AlertOnBoard {
    /// About whom.
    #[serde(flatten)]
    student: StudentOnBoard,
    /// In which half of the day.
    half: Half,
    /// Since when the student is away.
    since: DateTime<Utc>,
    /// When the grace delay ends.
    due: DateTime<Utc>,
    /// How it stands.
    state: AlertState,
    /// Whether the family should have been told long ago, and not even a call was asked for: whatever
    /// sends messages may have stopped.
    overdue: bool,
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum AlertState {
    /// The grace delay is not over.
    Waiting,
    /// It is due, and nobody was told yet.
    BeingTold,
    /// Everybody who was written to was told, as far as they can be reached.
    Told,
    /// Nobody knows whether a message was sent.
    Uncertain,
    /// Somebody of the family has said that they know.
    Seen,
    /// Its reason is gone.
    Cancelled,
    /// The office is asked to call.
    CallAsked,
    /// Somebody of the office calls.
    CallTakenOn,
    /// The office has called.
    CallClosed,
}

/// A call that the office is asked for.
#[derive(Serialize, ToSchema)]
struct CallToMake {
    /// About whom.
    #[serde(flatten)]
    student: StudentOnBoard,
    /// On which day they are or were away.
    date: NaiveDate,
    /// In which half of it.
    half: Half,
    /// When the alert fell due.
    due: DateTime<Utc>,
    /// Why a call is asked for.
    why: Escalation,
    /// Who has taken it on, if somebody has.
    taken_on_by: Option<AccountId>,
}

/// A student who has reached a step of the law's ladder.
#[derive(Serialize, ToSchema)]
struct FollowUpOnBoard {
    /// Who.
    #[serde(flatten)]
    student: StudentOnBoard,
    /// What was reached.
    step: Step,
    /// The first day of the month in which it was, or the day of the last thirty.
    day: NaiveDate,
    /// Since when it stands.
    opened_at: DateTime<Utc>,
}

/// A student who is one short of a step.
#[derive(Serialize, ToSchema)]
struct NearOnBoard {
    /// Who.
    #[serde(flatten)]
    student: StudentOnBoard,
    /// Which steps.
    near: Vec<Step>,
}

/// The board of a school's day. What changes on it is told at `/board/changes`.
#[utoipa::path(get, path = "/schools/{school}/board", tag = "alerts",
    params(("school" = String, Path), DayQuery, ReadQuery),
    responses((status = 200, body = Board), (status = 404, body = Problem)))]
pub(super) async fn show_board(
    At(school): At<Uai>,
    Asked(day): Asked<DayQuery>,
    reading: Reading,
) -> Result<Json<Board>, ApiError> {
    let Granted { sheet, mask, .. } = reading.guard.school(school, Action::ReadBoard).await?;
    let (db, now) = (reading.db().await?, reading.now);
    let today = sheet.local_date(now);
    let date = day.or(today)?;
    let begun = Begun::on(&db, (school, &sheet), date, now).await?;
    let lines = if date == today { away_at(&db, school, now).await? } else { Vec::new() };
    let away = begun.away(&lines, now);
    let missing = begun.missing(now);
    let before: Vec<NaiveDate> =
        (1..=CALLS_KEPT_DAYS).filter_map(|days| date.checked_sub_days(Days::new(days))).collect();
    let alerts = of_day_and_open_calls(&db, school, date, &before).await?;
    let follow_ups = open_in_school(&db, school).await?;
    let mut reasons = to_judge(&db, (school, &sheet), date).await?;
    let asks = reading.guard.person();
    reasons.iter_mut().for_each(|line| leave_out_reason(mask, asks, &sheet, line));
    let near = all_near(&db, (school, &sheet), date).await?;
    let students = away.keys().copied().chain(alerts.iter().map(|alert| alert.student));
    let students = students.chain(reasons.iter().map(|line| line.student));
    let students = students.chain(near.iter().map(|known| known.student));
    let students = students.chain(follow_ups.iter().map(|row| row.student)).collect();
    let names = Names::of(&db, (school, date), students, &missing).await?;
    Ok(Json(Board {
        date,
        at: now,
        roll_calls_missing: missing.into_iter().map(|lesson| names.missing(lesson)).collect(),
        away: away
            .into_iter()
            .map(|(student, away)| AwayNow { student: names.student(student), away })
            .collect(),
        alerts: alerts
            .iter()
            .filter(|alert| alert.date == date)
            .map(|alert| AlertOnBoard::of(alert, names.student(alert.student), now))
            .collect(),
        calls: alerts
            .iter()
            .filter_map(|alert| CallToMake::of(alert, names.student(alert.student)))
            .collect(),
        reasons: reasons
            .into_iter()
            .filter_map(|line| ReasonToJudge::of(line, |student| names.student(student)))
            .collect(),
        near: near
            .into_iter()
            .filter(|known| !known.near.is_empty())
            .map(|known| NearOnBoard { student: names.student(known.student), near: known.near })
            .collect(),
        follow_ups: follow_ups
            .into_iter()
            .map(|FollowUpRow { student, step, day, opened_at, .. }| FollowUpOnBoard {
                student: names.student(student),
                step,
                day,
                opened_at,
            })
            .collect(),
    }))
}

/// The lessons of a day that have begun and take place, with their roll calls.
struct Begun(Vec<(Lesson, Option<RollCallRow>)>);

impl Begun {
    async fn on(
        db: &SqlitePool,
        (school, sheet): (Uai, &SchoolSheet),
        date: NaiveDate,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Self> {
        let mut begun = lessons(&of_school(db, school).await?, sheet, &[date]);
        begun.retain(|lesson| {
            let closed = sheet.is_closed(lesson.place.date, lesson.time.half);
            !lesson.cancelled && !closed && lesson.time.starts_at <= now
        });
        let ids: Vec<_> = begun.iter().map(|lesson| lesson.lesson).collect();
        let called = roll_calls(db, &ids).await?.into_iter();
        let mut called: BTreeMap<_, _> = called.map(|taken| (taken.lesson, taken)).collect();
        let with_roll = begun.into_iter().map(|lesson| {
            let taken = called.remove(&lesson.lesson);
            (lesson, taken)
        });
        Ok(Self(with_roll.collect()))
    }

    /// Those whose roll should have been called.
    fn missing(&self, now: DateTime<Utc>) -> Vec<Lesson> {
        let late = |lesson: &Lesson| lesson.time.starts_at + ROLL_CALLED_WITHIN <= now;
        let missing = self.0.iter().filter(|(lesson, taken)| taken.is_none() && late(lesson));
        missing.map(|(lesson, _)| lesson.clone()).collect()
    }

    /// Who is away: whoever the roll call of this moment did not see, and whoever is known to be away by
    /// one of these lines, unless a later roll call has seen them.
    fn away(&self, lines: &[LineRow], now: DateTime<Utc>) -> BTreeMap<StudentId, Away> {
        let mut away = BTreeMap::new();
        let mut seen_at: BTreeMap<StudentId, DateTime<Utc>> = BTreeMap::new();
        let on = self.0.iter().filter(|(lesson, _)| now < lesson.time.ends_at);
        for (lesson, taken) in on.filter_map(|(lesson, taken)| Some((lesson, taken.as_ref()?))) {
            let (since, until) = (lesson.time.starts_at, lesson.time.ends_at);
            for (student, mark) in taken.marks() {
                match mark {
                    Mark::Absent => {
                        away.insert(student, Away { known_by: KnownBy::RollCall, since, until });
                    }
                    Mark::Present | Mark::Late { .. } => {
                        let at = taken.corrected_at.unwrap_or(taken.taken_at);
                        seen_at.insert(student, at);
                    }
                }
            }
        }
        for line in lines {
            let was_seen = seen_at.get(&line.student).is_some_and(|at| line.starts <= *at);
            let Some(known_by) = KnownBy::of(line.kind).filter(|_| !was_seen) else { continue };
            let known = Away { known_by, since: line.starts, until: line.ends };
            away.entry(line.student).or_insert(known);
        }
        away
    }
}

impl KnownBy {
    fn of(kind: LineKind) -> Option<Self> {
        match kind {
            LineKind::Absence => Some(Self::Absence),
            LineKind::Departure => Some(Self::Departure),
            LineKind::Announcement => Some(Self::Announcement),
            LineKind::Lateness | LineKind::Exemption => None,
        }
    }
}

impl AlertOnBoard {
    fn of(alert: &AlertRow, student: StudentOnBoard, now: DateTime<Utc>) -> Self {
        let state = AlertState::of(alert, now);
        let AlertRow { half, ref sheet, .. } = *alert;
        let told = Told::of(alert);
        let unanswered = sheet.cancelled.is_none() && sheet.seen_by.is_empty();
        let overdue = unanswered
            && sheet.call == Call::None
            && told.sent.is_empty()
            && now >= sheet.due + TASK_AFTER;
        Self { student, half, since: sheet.since, due: sheet.due, state, overdue }
    }
}

impl AlertState {
    fn of(alert: &AlertRow, now: DateTime<Utc>) -> Self {
        let sheet = &alert.sheet;
        if sheet.cancelled.is_some() {
            return Self::Cancelled;
        }
        match sheet.call {
            Call::Asked { .. } => return Self::CallAsked,
            Call::TakenOn { .. } => return Self::CallTakenOn,
            Call::Closed { .. } => return Self::CallClosed,
            Call::None => {}
        }
        let Told { sent, uncertain, tried } = Told::of(alert);
        if !sheet.seen_by.is_empty() {
            Self::Seen
        } else if now < sheet.due {
            Self::Waiting
        } else if uncertain.difference(&sent).next().is_some() {
            Self::Uncertain
        } else if sent.is_empty() || tried.difference(&sent).next().is_some() {
            Self::BeingTold
        } else {
            Self::Told
        }
    }
}

/// Who was told of an absence in the present round of its alert.
#[derive(Default)]
struct Told {
    /// Those whose provider has taken a message.
    sent: BTreeSet<PersonId>,
    /// Those of whom nobody knows whether one was sent.
    uncertain: BTreeSet<PersonId>,
    /// Those who are being written to.
    tried: BTreeSet<PersonId>,
}

impl Told {
    fn of(alert: &AlertRow) -> Self {
        let mut told = Self::default();
        let of_round = alert.sheet.messages.values().filter(|message| {
            message.round == alert.sheet.round && message.purpose == Purpose::Absence
        });
        for message in of_round {
            match message.fate {
                Fate::Accepted | Fate::Delivered => told.sent.insert(message.to),
                Fate::Uncertain { .. } => told.uncertain.insert(message.to),
                Fate::Claimed { .. } | Fate::Deferred { .. } => told.tried.insert(message.to),
                Fate::Undeliverable { .. } => false,
            };
        }
        told
    }
}

impl CallToMake {
    fn of(alert: &AlertRow, student: StudentOnBoard) -> Option<Self> {
        let (why, taken_on_by) = match alert.sheet.call {
            Call::Asked { why } => (why, None),
            Call::TakenOn { why, by } => (why, Some(by)),
            Call::None | Call::Closed { .. } => return None,
        };
        if alert.sheet.cancelled.is_some() {
            return None;
        }
        let AlertRow { date, half, .. } = *alert;
        Some(Self { student, date, half, due: alert.sheet.due, why, taken_on_by })
    }
}

/// What those on a board are called, and their classes.
struct Names {
    people: BTreeMap<PersonId, Name>,
    divisions: BTreeMap<StudentId, String>,
    classes: BTreeMap<ClassId, String>,
}

impl Names {
    async fn of(
        db: &SqlitePool,
        (school, date): (Uai, NaiveDate),
        students: BTreeSet<StudentId>,
        lessons: &[Lesson],
    ) -> sqlx::Result<Self> {
        let teachers = lessons.iter().flat_map(|lesson| lesson.teachers.iter().copied());
        let people: BTreeSet<PersonId> =
            students.iter().map(|student| student.person()).chain(teachers).collect();
        let people = these(db, &Vec::from_iter(people)).await?.into_iter();
        let of_lessons: BTreeSet<ClassId> = lessons.iter().map(|lesson| lesson.class).collect();
        let classes = classes(db, &Vec::from_iter(of_lessons)).await?.into_iter();
        let stays = classes_of(db, school, &Vec::from_iter(students)).await?.into_iter();
        let divisions = stays
            .filter(|(member, class)| class.kind == ClassKind::Division && member.is_in_on(date));
        Ok(Self {
            people: people.map(|row| (row.person, row.name)).collect(),
            divisions: divisions.map(|(member, class)| (member.student, class.name)).collect(),
            classes: classes.map(|row| (row.class, row.name)).collect(),
        })
    }

    fn student(&self, student: StudentId) -> StudentOnBoard {
        let name = self.people.get(&student.person()).cloned();
        let class_name = self.divisions.get(&student).cloned();
        StudentOnBoard { student, name, class_name }
    }

    fn missing(&self, lesson: Lesson) -> MissingRollCall {
        let names = lesson.teachers.iter().filter_map(|teacher| self.people.get(teacher).cloned());
        let (teacher_names, class_name) =
            (names.collect(), self.classes.get(&lesson.class).cloned());
        MissingRollCall { lesson, class_name, teacher_names }
    }
}
