//! Alerts as those see them who send them and who answer for them: what stands, since when, and what
//! became of each message.

pub mod board;
pub mod notices;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Event, MessageId, PersonId, Recorded, StudentId, Uai,
    alerts::{Alert, AlertEvent, AlertId, AlertSheet, message::Channel},
    schools::Half,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, rows};

/// An alert as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertRow {
    /// In which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// About whom.
    pub student: StudentId,
    /// On which local day.
    pub date: NaiveDate,
    /// In which half of it.
    pub half: Half,
    /// What stands.
    #[serde(flatten)]
    pub sheet: AlertSheet,
    /// When it was last raised.
    pub raised_at: DateTime<Utc>,
    /// When it was cancelled, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When each message was taken by its provider, or last tried.
    pub said_at: BTreeMap<MessageId, DateTime<Utc>>,
    /// The position of the last event about it.
    pub changed: u64,
}

/// That a message speaks of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertMessageRow {
    /// Which message.
    pub message: MessageId,
    /// Which alert.
    pub alert: AlertId,
    /// Whom it is to.
    pub to: PersonId,
    /// By which channel.
    pub channel: Channel,
    /// What its provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl AlertRow {
    /// Which alert.
    pub fn id(&self) -> AlertId {
        AlertId { school: self.school, student: self.student, date: self.date, half: self.half }
    }
}

/// The alerts that something was said about after a position, in that order, at most `max`.
///
/// # Errors
/// When the read model cannot be read.
pub async fn changed_after(
    db: &SqlitePool,
    position: u64,
    max: u32,
) -> sqlx::Result<Vec<AlertRow>> {
    let question = "select row from alert where changed > ?1 order by changed limit ?2";
    rows(sqlx::query_scalar(question).bind(place(position)).bind(max), db).await
}

/// The alerts of a day and those after it, in all schools.
///
/// # Errors
/// When the read model cannot be read.
pub async fn from_day(db: &SqlitePool, date: NaiveDate) -> sqlx::Result<Vec<AlertRow>> {
    let question = "select row from alert where date >= ?1";
    rows(sqlx::query_scalar(question).bind(date.to_string()), db).await
}

/// The alerts of a school on a day.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school_on(
    db: &SqlitePool,
    school: Uai,
    date: NaiveDate,
) -> sqlx::Result<Vec<AlertRow>> {
    let question = "select row from alert where date = ?1 and school = ?2 order by student, half";
    rows(sqlx::query_scalar(question).bind(date.to_string()).bind(school.to_string()), db).await
}

/// All alerts about a student in a school, in the order of time.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_student(
    db: &SqlitePool,
    school: Uai,
    student: StudentId,
) -> sqlx::Result<Vec<AlertRow>> {
    let question = "select row from alert where school = ?1 and student = ?2
        order by date, half = 'afternoon'";
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(student.to_string()), db).await
}

/// The alerts that a message speaks of, and whom it is to.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_message(
    db: &SqlitePool,
    message: MessageId,
) -> sqlx::Result<Option<(PersonId, Vec<AlertRow>)>> {
    let question = "select row from alert_message where message = ?1";
    let question = sqlx::query_scalar(question).bind(message.to_string());
    let spoken_of: Vec<AlertMessageRow> = rows(question, db).await?;
    let Some(AlertMessageRow { to, .. }) = spoken_of.first() else { return Ok(None) };
    let question = "select a.row from alert_message m join alert a on a.school = m.school
            and a.student = m.student and a.date = m.date and a.half = m.half
        where m.message = ?1 order by a.student";
    let question = sqlx::query_scalar(question).bind(message.to_string());
    Ok(Some((*to, rows(question, db).await?)))
}

/// The message that the provider of a channel calls so, and the alerts that it speaks of. Nothing if
/// it calls more than one so.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_reference(
    db: &SqlitePool,
    channel: Channel,
    reference: &str,
) -> sqlx::Result<Option<(MessageId, Vec<AlertId>)>> {
    let question = "select row from alert_message where reference = ?1 and reference <> ''";
    let mut called: Vec<AlertMessageRow> =
        rows(sqlx::query_scalar(question).bind(reference), db).await?;
    called.retain(|row| row.channel == channel);
    let Some(AlertMessageRow { message, .. }) = called.first().cloned() else { return Ok(None) };
    let one = called.iter().all(|row| row.message == message);
    Ok(one.then(|| (message, called.into_iter().map(|row| row.alert).collect())))
}

pub(crate) struct Alerts;

impl Table for Alerts {
    type Key = (Uai, StudentId, NaiveDate, Half);
    type Row = AlertRow;
    const NAME: &'static str = "alert";
    const COLUMNS: &'static [&'static str] = &["school", "student", "date", "half", "changed"];
    const KEY: usize = 4;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut(Self::Key)) {
        if let Event::Alert(AlertId { school, student, date, half }, _) = &recorded.event {
            touch((*school, *student, *date, *half));
        }
    }

    fn key(row: &AlertRow) -> Self::Key {
        (row.school, row.student, row.date, row.half)
    }

    fn columns(row: &AlertRow) -> Vec<String> {
        let mut columns = columns_of(&row.id());
        columns.push(place(row.changed));
        columns
    }

    fn fold(old: Option<AlertRow>, _: &Self::Key, recorded: &Recorded) -> Option<AlertRow> {
        let Event::Alert(AlertId { school, student, date, half }, event) = &recorded.event else {
            return old;
        };
        let at = recorded.header.recorded_at;
        let (said_at, raised_at, cancelled_at) = old.as_ref().map_or_else(
            || (BTreeMap::new(), at, None),
            |row| (row.said_at.clone(), row.raised_at, row.cancelled_at),
        );
        let state = old.map_or(Alert::None, |row| Alert::Raised(Box::new(row.sheet)));
        let Alert::Raised(sheet) = state.evolve(event) else { return None };
        let (school, student, date, half) = (*school, *student, *date, *half);
        let (sheet, changed) = (*sheet, recorded.position);
        let mut row = AlertRow {
            school,
            student,
            date,
            half,
            sheet,
            raised_at,
            cancelled_at,
            said_at,
            changed,
        };
        match event {
            AlertEvent::AlertRaised { .. } => (row.raised_at, row.cancelled_at) = (at, None),
            AlertEvent::AlertCancelled { .. } => row.cancelled_at = Some(at),
            AlertEvent::MessageClaimed { message, .. }
            | AlertEvent::MessageAccepted { message, .. }
            | AlertEvent::MessageDeferred { message, .. }
            | AlertEvent::MessageUncertain { message, .. } => {
                row.said_at.insert(*message, at);
            }
            AlertEvent::MessageDelivered { .. }
            | AlertEvent::MessageUndeliverable { .. }
            | AlertEvent::AlertSeen { .. }
            | AlertEvent::AlertEscalated { .. }
            | AlertEvent::AlertTakenOn { .. }
            | AlertEvent::AlertClosed { .. } => {}
        }
        Some(row)
    }
}

pub(crate) struct AlertMessages;

impl Table for AlertMessages {
    type Key = (MessageId, Uai, StudentId, NaiveDate, Half);
    type Row = AlertMessageRow;
    const NAME: &'static str = "alert_message";
    const COLUMNS: &'static [&'static str] =
        &["message", "school", "student", "date", "half", "reference"];
    const KEY: usize = 5;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut(Self::Key)) {
        let Event::Alert(
            alert,
            AlertEvent::MessageClaimed { message, .. }
            | AlertEvent::MessageAccepted { message, reference: Some(_) },
        ) = &recorded.event
        else {
            return;
        };
        touch((*message, alert.school, alert.student, alert.date, alert.half));
    }

    fn key(row: &AlertMessageRow) -> Self::Key {
        let AlertId { school, student, date, half } = row.alert;
        (row.message, school, student, date, half)
    }

    fn columns(row: &AlertMessageRow) -> Vec<String> {
        let mut columns = vec![row.message.to_string()];
        columns.extend(columns_of(&row.alert));
        columns.push(row.reference.clone().unwrap_or_default());
        columns
    }

    fn fold(
        old: Option<AlertMessageRow>,
        _: &Self::Key,
        recorded: &Recorded,
    ) -> Option<AlertMessageRow> {
        let Event::Alert(alert, event) = &recorded.event else { return old };
        if let AlertEvent::MessageClaimed { message, to, channel, .. } = event {
            let reference = old.and_then(|row| row.reference);
            let (message, alert, to, channel) = (*message, *alert, *to, *channel);
            return Some(AlertMessageRow { message, alert, to, channel, reference });
        }
        let AlertEvent::MessageAccepted { reference, .. } = event else { return old };
        old.map(|row| AlertMessageRow { reference: reference.clone(), ..row })
    }
}

fn columns_of(AlertId { school, student, date, half }: &AlertId) -> Vec<String> {
    let half = match half {
        Half::Morning => "morning",
        Half::Afternoon => "afternoon",
    };
    vec![school.to_string(), student.to_string(), date.to_string(), half.to_owned()]
}

/// A position as text that sorts like the number.
fn place(position: u64) -> String {
    format!("{position:020}")
}
