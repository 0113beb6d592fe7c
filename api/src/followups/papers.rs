//! The papers of a follow-up, to be printed: the dossier, and a letter to each of those who answer for
//! the student. In French, as acts of a French administration; how they look is [`web::followups`].

use std::collections::BTreeMap;

use axum::response::IntoResponse;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use domain::{
    AccountId, PersonId, StudentId, Uai,
    access::Span,
    alerts::message::{Channel, Fate, MessageSheet, Purpose, Why},
    attendance::half_days::HalfDayMissed,
    classes::ClassKind,
    families::Authority,
    followups::{Standing, Step},
    people::Name,
    schools::SchoolSheet,
};
use projections::{
    attendance::{LineKind, LineRow},
    classes,
    families::of_student,
    people::{PersonRow, everybody_of_school, these},
};
use sqlx::SqlitePool;
use web::followups::{self as paper, FollowUpDossier, FollowUpLetter, FollowUpLetters, STYLE};

use super::{
    FollowUpPath,
    dossier::{Dossier, dossier},
};
use crate::{
    access::Granted,
    error::{ApiError, Problem, Refusal},
    printed::printed,
    reading::{At, ReadQuery, Reading},
};

/// The dossier of a follow-up as a page to print.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/follow-ups/{date}/{step}/page",
    tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("step" = Step, Path), ReadQuery),
    responses((status = 200, body = String, content_type = "text/html"),
        (status = 404, body = Problem)))]
pub(super) async fn print_follow_up(
    At(path): FollowUpPath,
    reading: Reading,
) -> Result<impl IntoResponse, ApiError> {
    let (Granted { sheet, .. }, dossier) = dossier(At(path), &reading).await?;
    let step = on_paper(dossier.follow_up.step)?;
    let db = reading.db().await?;
    let local = |at: DateTime<Utc>| at.with_timezone(&sheet.time_zone).naive_local();
    let names = names(&db, &dossier).await?;
    let (rule, rule_version) = named(&dossier)?;
    let absent = dossier.half_days.half_days.iter();
    let contacts = contacts(&db, path.0, &dossier, &names).await?;
    let page = FollowUpDossier {
        school: sheet.name.clone(),
        student: dossier.name.as_ref().map_or(String::new(), Name::in_full),
        class: class_on(&db, path.1, dossier.follow_up.opened_at, &sheet).await?,
        step,
        from: dossier.follow_up.sheet.month.from,
        until: dossier.follow_up.sheet.month.until,
        rule,
        rule_version,
        absences: absent.map(|missed| listed(missed, &dossier.lines, &sheet)).collect(),
        alerts: told(&dossier, &names, &local),
        measures: dossier.follow_up.sheet.measures.clone(),
        contacts: contacts
            .into_iter()
            .map(|(at, by, with, about)| paper::ContactListed { at: local(at), by, with, about })
            .collect(),
        as_of: local(dossier.as_of),
    };
    Ok(printed(page.page().map_err(anyhow::Error::from)?, STYLE))
}

/// A letter to each of those who answer for the student, both homes alike, as a page to print. Nobody
/// is written to whom a judgment keeps from it, nor who is only called in emergencies.
#[utoipa::path(get,
    path = "/schools/{school}/students/{student}/follow-ups/{date}/{step}/letters",
    tag = "follow-ups",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ("date" = String, Path),
        ("step" = Step, Path), ReadQuery),
    responses((status = 200, body = String, content_type = "text/html"),
        (status = 404, body = Problem)))]
pub(super) async fn print_follow_up_letters(
    At(path): FollowUpPath,
    reading: Reading,
) -> Result<impl IntoResponse, ApiError> {
    let (granted, dossier) = dossier(At(path), &reading).await?;
    let (step, sheet) = (on_paper(dossier.follow_up.step)?, &granted.sheet);
    // It says that so many half-days were missed, which may not be so any more.
    if dossier.follow_up.sheet.standing == Standing::Lapsed {
        return Err(Refusal::NoPaper.into());
    }
    // Whoever reads a past day is not told how to reach people by it, nor those who have left.
    let reached = if granted.has_left() {
        Vec::new()
    } else {
        addressees(&reading.guard.db, path.1, granted.today).await?
    };
    let caller = match reading.guard.person() {
        Some(caller) => projections::people::person(&reading.guard.db, caller).await?,
        None => None,
    };
    let counted: Vec<&HalfDayMissed> = dossier
        .half_days
        .half_days
        .iter()
        .filter(|missed| missed.unjustified_percent() > 0)
        .collect();
    let letter = |person: PersonRow| FollowUpLetter {
        school: sheet.name.clone(),
        telephone: sheet.telephone.clone(),
        to: person.name.in_full(),
        address: person.details.address.unwrap_or_default(),
        student: dossier.name.as_ref().map_or(String::new(), Name::in_full),
        step,
        from: dossier.follow_up.sheet.month.from,
        until: dossier.follow_up.sheet.month.until.min(granted.today),
        half_days: counted
            .iter()
            .map(|missed| paper::HalfDayCounted { date: missed.date, half: missed.half })
            .collect(),
        written_on: granted.today,
        signed_by: caller.as_ref().map_or(String::new(), |caller| caller.name.in_full()),
    };
    let letters = reached.into_iter().map(letter).collect();
    Ok(printed(FollowUpLetters { letters }.page().map_err(anyhow::Error::from)?, STYLE))
}

/// The law has papers for half-days; a school's own thresholds have none.
fn on_paper(step: Step) -> Result<paper::Step, ApiError> {
    match step {
        Step::FourHalfDays => Ok(paper::Step::FourHalfDays),
        Step::TenHalfDays => Ok(paper::Step::TenHalfDays),
        Step::Lateness | Step::Departures => Err(Refusal::NoPaper.into()),
    }
}

/// The rule that opened it, by its name and its version.
fn named(dossier: &Dossier) -> Result<(String, String), ApiError> {
    let rule = serde_json::to_value(dossier.half_days.rule).map_err(anyhow::Error::from)?;
    let rule = rule.as_str().unwrap_or_default();
    let (name, version) = rule.split_once('/').unwrap_or((rule, ""));
    Ok((name.to_owned(), version.to_owned()))
}

/// Those who answer for a student on a day and follow their days.
async fn addressees(
    db: &SqlitePool,
    student: StudentId,
    today: NaiveDate,
) -> Result<Vec<PersonRow>, ApiError> {
    let mut guardians = of_student(db, student).await?;
    guardians.retain(|known| {
        let links = known.guardian.links.iter();
        let exercises = links
            .filter(|link| link.terms.authority == Authority::Exercised)
            .any(|link| Span { from: link.from, until: link.until }.contains(today));
        exercises && known.guardian.answers_on(today)
    });
    Ok(guardians.into_iter().filter_map(|known| known.person).collect())
}

/// The names of those whom messages went to, or with whom somebody spoke.
async fn names(db: &SqlitePool, dossier: &Dossier) -> Result<BTreeMap<PersonId, String>, ApiError> {
    let messages = dossier.alerts.iter().flat_map(|alert| alert.sheet.messages.values());
    let mut people: Vec<PersonId> = messages.map(|message| message.to).collect();
    people.extend(dossier.follow_up.sheet.contacts.iter().map(|contact| contact.with));
    let known = these(db, &people).await?.into_iter();
    Ok(known.map(|person| (person.person, person.name.in_full())).collect())
}

type Listed = (DateTime<Utc>, String, String, String);

/// Who spoke with whom. Accounts are named by those who work or worked in the school.
async fn contacts(
    db: &SqlitePool,
    school: Uai,
    dossier: &Dossier,
    names: &BTreeMap<PersonId, String>,
) -> Result<Vec<Listed>, ApiError> {
    let noted = &dossier.follow_up.sheet.contacts;
    if noted.is_empty() {
        return Ok(Vec::new());
    }
    let staff: BTreeMap<AccountId, String> = everybody_of_school(db, school)
        .await?
        .into_iter()
        .map(|member| (AccountId::of(member.person.person), member.person.name.in_full()))
        .collect();
    let of = |name: Option<&String>| name.cloned().unwrap_or_default();
    let listed = noted.iter().map(|contact| {
        let about = paper::contact(contact.way, contact.outcome);
        (contact.at, of(staff.get(&contact.by)), of(names.get(&contact.with)), about)
    });
    Ok(listed.collect())
}

/// A half-day missed, with the reason that its lines have.
fn listed(missed: &HalfDayMissed, lines: &[LineRow], sheet: &SchoolSheet) -> paper::AbsenceListed {
    let half_day = (missed.date, missed.half);
    let within = |line: &&LineRow| {
        let (from, to) = (sheet.half_day_of(line.starts), sheet.half_day_of(line.ends));
        line.kind == LineKind::Absence && !line.withdrawn && from <= half_day && half_day <= to
    };
    let of_half_day: Vec<&LineRow> = lines.iter().filter(within).collect();
    let reason = of_half_day.iter().find_map(|line| {
        let given = line.reason.as_ref()?;
        let known = given.code.as_ref().and_then(|code| sheet.reason_of(given.list, code));
        given.label.clone().or_else(|| known.map(|reason| reason.label.clone()))
    });
    let judgment = if missed.justified_percent == 100 {
        paper::Judgment::Accepted
    } else if of_half_day.iter().any(|line| line.receivable == Some(false)) {
        paper::Judgment::Refused
    } else {
        paper::Judgment::Open
    };
    let HalfDayMissed { date, half, minutes, .. } = *missed;
    paper::AbsenceListed { date, half, minutes, reason, judgment }
}

/// The messages about absences that went out, or may have.
fn told(
    dossier: &Dossier,
    names: &BTreeMap<PersonId, String>,
    local: &impl Fn(DateTime<Utc>) -> NaiveDateTime,
) -> Vec<paper::AlertListed> {
    let mut listed = Vec::new();
    for alert in &dossier.alerts {
        let of_absence = |message: &&MessageSheet| message.purpose == Purpose::Absence;
        let messages = alert.sheet.messages.iter();
        for (id, message) in messages.filter(|(_, message)| of_absence(message)) {
            let fate = match message.fate {
                Fate::Accepted => paper::Fate::Accepted,
                Fate::Delivered => paper::Fate::Delivered,
                // Nothing was sent.
                Fate::Undeliverable { why: Why::MalformedAddress | Why::NoSuchChannel }
                | Fate::Deferred { .. } => continue,
                Fate::Undeliverable { .. } => paper::Fate::Undeliverable,
                Fate::Claimed { .. } | Fate::Uncertain { .. } => paper::Fate::Uncertain,
            };
            let channel = match message.channel {
                Channel::Mail => paper::Channel::Mail,
                Channel::Sms => paper::Channel::Sms,
            };
            let at = local(alert.said_at.get(id).copied().unwrap_or(alert.raised_at));
            let seen = alert.sheet.seen_by.contains(&message.to);
            let to = names.get(&message.to).cloned().unwrap_or_default();
            listed.push(paper::AlertListed { at, to, channel, fate, seen });
        }
    }
    listed.sort_by_key(|message| message.at);
    listed
}

/// The division of a student on the day of an instant.
async fn class_on(
    db: &SqlitePool,
    student: StudentId,
    at: DateTime<Utc>,
    sheet: &SchoolSheet,
) -> Result<String, ApiError> {
    let day = sheet.local_date(at);
    for member in classes::of_student(db, student).await? {
        let class = classes::class(db, member.class).await?;
        if let Some(class) =
            class.filter(|class| member.is_in_on(day) && class.kind == ClassKind::Division)
        {
            return Ok(class.name);
        }
    }
    Ok(String::new())
}
