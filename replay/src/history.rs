//! History: what happened, event by event, for people who audit.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use domain::{AccountId, Event, SchoolYear, Stream, StudentId, Uai};
use projections::{
    alerts, followups,
    people::{EnrolmentRow, enrolments},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{Entry, Journal, header, log::Filter};

/// An event as an auditor reads it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Happened {
    /// Its place among all events.
    pub position: u64,
    /// The stream it belongs to, if its envelope can be read.
    pub stream: Option<String>,
    /// In the life of which school it happened.
    #[schema(value_type = Option<String>, example = "0549998Z")]
    pub school: Option<Uai>,
    /// When the log took it.
    pub recorded_at: Option<DateTime<Utc>>,
    /// When it happened.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Who did it.
    pub actor: Option<AccountId>,
    /// What happened, by the event's name.
    pub kind: Option<String>,
    /// What it says; nothing if it was erased or cannot be read.
    pub content: Option<Value>,
    /// Why it cannot be read, or that it was erased.
    pub remark: Option<String>,
}

/// All events of a stream.
///
/// # Errors
/// When the log or the vault cannot be read.
pub async fn of_stream(journal: &Journal, stream: Stream) -> anyhow::Result<Vec<Happened>> {
    Ok(journal.history(stream).await?.into_iter().map(Happened::from).collect())
}

/// What happened to a student: identity, family and attendance files; and the alerts and follow-ups that
/// these tables know of, which forget those whose content was erased. In the order of the log.
///
/// # Errors
/// When the log, the vault or the tables cannot be read.
pub async fn of_student(
    journal: &Journal,
    db: Option<&SqlitePool>,
    student: StudentId,
) -> anyhow::Result<Vec<Happened>> {
    let files = years(journal).await?.map(|year| Stream::Attendance(student, SchoolYear(year)));
    let streams = [Stream::Person(student.person()), Stream::Family(student)];
    let told = match db {
        Some(db) => told(db, student).await?,
        None => Vec::new(),
    };
    let mut happened = Vec::new();
    for stream in streams.into_iter().chain(files).chain(told) {
        happened.extend(of_stream(journal, stream).await?);
    }
    happened.sort_by_key(|event| event.position);
    Ok(happened)
}

/// The streams of what a student's family was told and of what was done about their absences: a day and a
/// half of it, or a month, are in their names, so that no law gives them without the tables.
async fn told(db: &SqlitePool, student: StudentId) -> sqlx::Result<Vec<Stream>> {
    let mut streams = Vec::new();
    for EnrolmentRow { school, .. } in enrolments(db, student.person()).await? {
        let alerts = alerts::of_student(db, school, student).await?.into_iter();
        streams.extend(alerts.map(|alert| Stream::Alert(alert.id())));
        let follow_ups = followups::of_student(db, school, student).await?.into_iter();
        streams.extend(follow_ups.map(|follow_up| Stream::FollowUp(follow_up.id())));
    }
    Ok(streams)
}

/// The school years that are looked at: the next one, and back to ten before the log began, for
/// files that were brought in from elsewhere.
async fn years(journal: &Journal) -> anyhow::Result<RangeInclusive<u16>> {
    let now = journal.clock().now();
    let first = journal.log().read_all(0, 1, Filter::default()).await?.events;
    let begun = first.first().map(|event| header::decode(&event.header)).transpose()?;
    let begun = begun.map_or(now, |header| header.recorded_at);
    let year = |at: DateTime<Utc>| SchoolYear::containing(at.date_naive()).0;
    Ok(year(begun).saturating_sub(10)..=year(now) + 1)
}

impl From<Entry> for Happened {
    fn from(entry: Entry) -> Self {
        let recorded = match entry {
            Ok(recorded) => recorded,
            Err(unreadable) => {
                return Self {
                    position: unreadable.position,
                    stream: unreadable.stream.map(|stream| stream.to_string()),
                    school: None,
                    recorded_at: None,
                    occurred_at: None,
                    actor: None,
                    kind: None,
                    content: None,
                    remark: Some(unreadable.why.to_string()),
                };
            }
        };
        let erased = matches!(recorded.event, Event::Erased(_));
        Self {
            position: recorded.position,
            stream: Some(recorded.header.stream.to_string()),
            school: Some(recorded.header.school),
            recorded_at: Some(recorded.header.recorded_at),
            occurred_at: Some(recorded.header.occurred_at),
            actor: Some(recorded.header.actor),
            content: content(&recorded.event, &recorded.header.kind),
            kind: Some(recorded.header.kind),
            remark: erased.then(|| "its content was erased".to_owned()),
        }
    }
}

/// The payload without the event's name around it.
fn content(event: &Event, kind: &str) -> Option<Value> {
    let mut payload: Value = serde_json::from_slice(&event.payload().ok()?).ok()?;
    payload.get_mut(kind).map(Value::take)
}
