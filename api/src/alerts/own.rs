//! Alerts as a family sees them: one list over all of somebody's children and schools, and whether it has changed.
//!
//! Whether they may is decided for each child in each school, as for one of the family: what else somebody is
//! in that school shows them nothing here. Of an alert they see that it stands, what they were told themselves
//! and whether they have said that they know: neither what the other home was told, nor what the office is
//! asked to do about it. That it has changed is told of these things only.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    MessageId, PersonId, StudentId, Uai,
    access::{Action, Mask, Rule},
    alerts::{Cancellation, message::MessageSheet},
    schools::Half,
};
use projections::{
    alerts::{
        AlertRow,
        notices::{OwnStudent, own_students},
        of_student,
    },
    people::these,
};
use serde::Serialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;

use super::{knows_of, leave_out_others};
use crate::{
    access::Guard,
    error::{ApiError, Problem, Refusal},
    reading::{ReadQuery, Reading},
};

/// An alert about somebody's child, or about themself.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnAlert {
    /// In which school.
    #[schema(value_type = String, example = "0549998Z")]
    school: Uai,
    /// What it is called.
    school_name: String,
    /// About whom.
    student: StudentId,
    /// Their first name, unless it was erased.
    first_name: Option<String>,
    /// On which local day.
    date: NaiveDate,
    /// In which half of it.
    half: Half,
    /// Since when they are or were away.
    since: DateTime<Utc>,
    /// When it was last raised.
    raised_at: DateTime<Utc>,
    /// Why it was cancelled, if it was.
    cancelled: Option<Cancellation>,
    /// When it was.
    cancelled_at: Option<DateTime<Utc>>,
    /// Whether whoever asks has said that they know.
    seen: bool,
    /// What they were told, of all rounds.
    messages: BTreeMap<MessageId, MessageSheet>,
    /// When each message was taken by its provider, or last tried.
    said_at: BTreeMap<MessageId, DateTime<Utc>>,
}

/// The alerts about one's children, in all their schools, and about oneself once of age; the newest first. To
/// say that one knows of one, acknowledge it in its school.
#[utoipa::path(get, path = "/account/alerts", tag = "account", params(ReadQuery),
    responses((status = 200, body = Vec<OwnAlert>), (status = 404, body = Problem)))]
pub(super) async fn list_own_alerts(reading: Reading) -> Result<Json<Vec<OwnAlert>>, ApiError> {
    reading.guard.own(Action::OwnAccount).await?;
    let person = reading.guard.person().ok_or(Refusal::UnknownPerson)?;
    let own = Own::of(&reading.guard, person).await?;
    Ok(Json(own.alerts(&reading.db().await?, &reading.guard).await?))
}

/// What somebody may be told about.
#[derive(PartialEq)]
pub(super) struct Own {
    /// Each child in each school, and by which rule.
    students: Vec<(OwnStudent, Rule)>,
    /// What their schools are called.
    schools: BTreeMap<Uai, String>,
}

/// What somebody who listens knows: the list is not read again while nothing has happened.
pub(super) struct Heard {
    person: PersonId,
    own: Option<Own>,
    digest: String,
}

impl Own {
    /// What somebody may be told about on this day.
    async fn of(guard: &Guard, person: PersonId) -> Result<Self, ApiError> {
        let (mut students, mut schools) = (Vec::new(), BTreeMap::new());
        for own in own_students(&guard.db, person).await? {
            let OwnStudent { school, student, .. } = own;
            let asked = guard.as_family(school, student, Action::ReadAlerts).await?;
            if let Some((rule, sheet)) = asked {
                students.push((own, rule));
                schools.insert(school, sheet.name);
            }
        }
        Ok(Self { students, schools })
    }

    async fn alerts(&self, db: &SqlitePool, guard: &Guard) -> Result<Vec<OwnAlert>, ApiError> {
        let people: Vec<PersonId> =
            self.students.iter().map(|(own, _)| own.student.person()).collect();
        let people = these(db, &people).await?.into_iter();
        let names: BTreeMap<PersonId, String> =
            people.map(|known| (known.person, known.name.given)).collect();
        let mut alerts = Vec::new();
        for (OwnStudent { school, student, .. }, rule) in &self.students {
            let school_name = self.schools.get(school).cloned().unwrap_or_default();
            let first_name = names.get(&student.person()).cloned();
            let known = of_student(db, *school, *student).await?.into_iter();
            for mut alert in known.filter(|alert| knows_of(*rule, guard.person(), alert)) {
                leave_out_others(Mask { other_home: true, ..Mask::default() }, guard, &mut alert);
                alerts.push(OwnAlert::of(alert, school_name.clone(), first_name.clone()));
            }
        }
        alerts.sort_by_key(|alert| Reverse((alert.since, alert.school, alert.student)));
        Ok(alerts)
    }
}

impl OwnAlert {
    fn of(alert: AlertRow, school_name: String, first_name: Option<String>) -> Self {
        let AlertRow {
            school, student, date, half, sheet, raised_at, cancelled_at, said_at, ..
        } = alert;
        Self {
            school,
            school_name,
            student,
            first_name,
            date,
            half,
            since: sheet.since,
            raised_at,
            cancelled: sheet.cancelled,
            cancelled_at,
            seen: !sheet.seen_by.is_empty(),
            messages: sheet.messages,
            said_at,
        }
    }
}

impl Heard {
    /// Of somebody who begins to listen.
    pub(super) fn by(person: PersonId) -> Self {
        Self { person, own: None, digest: String::new() }
    }

    /// What tells the list as it stands from any other; nothing if there is nobody whom they may be told
    /// about.
    pub(super) async fn look(&mut self, guard: &Guard) -> Result<Option<(&str, u64)>, ApiError> {
        let own = Own::of(guard, self.person).await?;
        let Some(changed) = own.students.iter().map(|(own, _)| own.changed).max() else {
            return Ok(None);
        };
        if self.own.as_ref() != Some(&own) {
            let alerts = own.alerts(&guard.db, guard).await?;
            let mut hasher = DefaultHasher::new();
            serde_json::to_vec(&alerts).map_err(anyhow::Error::from)?.hash(&mut hasher);
            self.digest = format!("{:016x}", hasher.finish());
            self.own = Some(own);
        }
        Ok(Some((&self.digest, changed)))
    }
}
