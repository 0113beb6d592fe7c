//! Accounts as their owners and a school's office see them: whether they are open, how one signs in,
//! which mandates they carry. Secrets are not here: they lie in the vault.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::{
    AccountId, Event, Header, PersonId, Recorded, Uai,
    access::Span,
    accounts::{AccountEvent, Mandate, span::Relation},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, row, rows};

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountRow {
    /// Whose.
    pub person: PersonId,
    /// Since when a password is set.
    pub active_since: Option<DateTime<Utc>>,
    /// Until when the last code can be used, while it was not.
    pub code_expires_at: Option<DateTime<Utc>>,
    /// When a code was last used.
    pub code_used_at: Option<DateTime<Utc>>,
    /// Whether signing in takes a second factor.
    pub second_factor: bool,
    /// When it was last taken away, and by whom.
    pub second_factor_removed: Option<(DateTime<Utc>, AccountId)>,
    /// The identity providers that the person may sign in through.
    pub providers: Vec<String>,
    /// Those that the person has unlinked: being recognised there does not link them again.
    pub declined: Vec<String>,
    /// The mandates given to the person.
    pub mandates: Vec<MandateRow>,
}

impl AccountRow {
    /// Whether its owner signs in with it: by a password, or through an identity provider.
    pub fn is_opened(&self) -> bool {
        self.active_since.is_some() || !self.providers.is_empty()
    }
}

/// A mandate and its days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MandateRow {
    /// Which one.
    pub mandate: Mandate,
    /// For which school; for all of them if none is named.
    #[schema(value_type = Option<String>, example = "0549998Z")]
    pub school: Option<Uai>,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: Option<NaiveDate>,
    /// The reference of the decision that gives it.
    pub document: Option<String>,
}

/// What an identity provider calls a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityRow {
    /// The provider.
    pub provider: String,
    /// What it calls them.
    pub subject: String,
    /// Who it is.
    pub person: PersonId,
}

/// A person's account; none if no code was ever made.
///
/// # Errors
/// When the read model cannot be read.
pub async fn account(db: &SqlitePool, person: PersonId) -> sqlx::Result<Option<AccountRow>> {
    let question = sqlx::query_scalar("select row from account where person = ?1");
    row(question.bind(person.to_string()), db).await
}

/// Whom an identity provider names so.
///
/// # Errors
/// When the read model cannot be read.
pub async fn identified(
    db: &SqlitePool,
    provider: &str,
    subject: &str,
) -> sqlx::Result<Option<PersonId>> {
    let question = "select row from identity where provider = ?1 and subject = ?2";
    let question = sqlx::query_scalar(question).bind(provider).bind(subject);
    Ok(row::<IdentityRow>(question, db).await?.map(|row| row.person))
}

/// A relation as the question below finds it.
#[derive(Deserialize)]
struct RelationRow {
    zone: Tz,
    from: NaiveDate,
    until: Option<NaiveDate>,
}

/// All that a person was and is in schools: what keeps an account open. A mandate for all schools
/// goes by the clock of Paris.
///
/// # Errors
/// When the read model cannot be read.
pub async fn relations(db: &SqlitePool, person: PersonId) -> sqlx::Result<Vec<Relation>> {
    let question = "
        with relation (zone, since, until) as (
            select s.row ->> '$.sheet.time_zone', e.row ->> 'from', e.row ->> 'until'
                from enrolment e join school s on s.school = e.school where e.person = ?1
            union all
            select s.row ->> '$.sheet.time_zone',
                max(l.value ->> 'from', e.row ->> 'from'),
                min(coalesce(l.value ->> 'until', e.row ->> 'until'),
                    coalesce(e.row ->> 'until', l.value ->> 'until'))
                from guardian g, json_each(g.row, '$.links') l
                join enrolment e on e.person = g.student and e.part = 'student'
                join school s on s.school = e.school where g.guardian = ?1
            union all
            select coalesce(s.row ->> '$.sheet.time_zone', 'Europe/Paris'),
                m.value ->> 'from', m.value ->> 'until'
                from account a, json_each(a.row, '$.mandates') m
                left join school s on s.school = m.value ->> 'school' where a.person = ?1
        )
        select json_object('zone', zone, 'from', since, 'until', until) from relation
            where until is null or since <= until";
    let found: Vec<RelationRow> =
        rows(sqlx::query_scalar(question).bind(person.to_string()), db).await?;
    let relation =
        |RelationRow { zone, from, until }| Relation { zone, span: Span { from, until } };
    Ok(found.into_iter().map(relation).collect())
}

pub(crate) struct Accounts;

impl Table for Accounts {
    type Key = (PersonId,);
    type Row = AccountRow;
    const NAME: &'static str = "account";
    const COLUMNS: &'static [&'static str] = &["person"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((PersonId,))) {
        if let Event::Account(person, _) = &recorded.event {
            touch((*person,));
        }
    }

    fn key(row: &AccountRow) -> (PersonId,) {
        (row.person,)
    }

    fn columns(row: &AccountRow) -> Vec<String> {
        vec![row.person.to_string()]
    }

    fn fold(
        old: Option<AccountRow>,
        &(person,): &(PersonId,),
        recorded: &Recorded,
    ) -> Option<AccountRow> {
        let Event::Account(_, event) = &recorded.event else { return old };
        let mut row = old.unwrap_or(AccountRow {
            person,
            active_since: None,
            code_expires_at: None,
            code_used_at: None,
            second_factor: false,
            second_factor_removed: None,
            providers: Vec::new(),
            declined: Vec::new(),
            mandates: Vec::new(),
        });
        match event {
            AccountEvent::ActivationCodeIssued { expires_at, .. } => {
                row.code_expires_at = Some(*expires_at);
            }
            AccountEvent::AccountActivated {} => {
                row.active_since = Some(recorded.header.recorded_at);
                row.code_used_at = row.active_since;
                row.code_expires_at = None;
            }
            AccountEvent::PasswordChanged { reset: true } => {
                row.code_used_at = Some(recorded.header.recorded_at);
                row.code_expires_at = None;
            }
            AccountEvent::PasswordChanged { reset: false } => {}
            AccountEvent::SecondFactorEnrolled {} => row.second_factor = true,
            AccountEvent::SecondFactorRemoved {} => {
                row.second_factor = false;
                let Header { recorded_at, actor, .. } = recorded.header;
                row.second_factor_removed = Some((recorded_at, actor));
            }
            AccountEvent::IdentityLinked { provider, .. } => {
                row.providers.push(provider.clone());
                row.declined.retain(|declined| declined != provider);
            }
            AccountEvent::IdentityUnlinked { provider, .. } => {
                row.providers.retain(|linked| linked != provider);
                row.declined.push(provider.clone());
            }
            AccountEvent::MandateGiven { mandate, school, from, until, document } => {
                let (mandate, school, from, until) = (*mandate, *school, *from, *until);
                let document = document.clone();
                row.mandates.push(MandateRow { mandate, school, from, until, document });
            }
            AccountEvent::MandateEnded { mandate, school, since, on } => {
                let given = row.mandates.iter_mut().filter(|given| {
                    (given.mandate, given.school, given.from) == (*mandate, *school, *since)
                });
                given.for_each(|given| given.until = Some(*on));
            }
        }
        Some(row)
    }
}

pub(crate) struct Identities;

impl Table for Identities {
    type Key = (String, String);
    type Row = IdentityRow;
    const NAME: &'static str = "identity";
    const COLUMNS: &'static [&'static str] = &["provider", "subject"];
    const KEY: usize = 2;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((String, String))) {
        let Event::Account(_, event) = &recorded.event else { return };
        match event {
            AccountEvent::IdentityLinked { provider, subject }
            | AccountEvent::IdentityUnlinked { provider, subject } => {
                touch((provider.clone(), subject.clone()));
            }
            AccountEvent::ActivationCodeIssued { .. }
            | AccountEvent::AccountActivated {}
            | AccountEvent::PasswordChanged { .. }
            | AccountEvent::SecondFactorEnrolled {}
            | AccountEvent::SecondFactorRemoved {}
            | AccountEvent::MandateGiven { .. }
            | AccountEvent::MandateEnded { .. } => {}
        }
    }

    fn key(row: &IdentityRow) -> (String, String) {
        (row.provider.clone(), row.subject.clone())
    }

    fn columns(row: &IdentityRow) -> Vec<String> {
        vec![row.provider.clone(), row.subject.clone()]
    }

    /// The one who linked an identity first keeps it.
    fn fold(
        old: Option<IdentityRow>,
        (provider, subject): &(String, String),
        recorded: &Recorded,
    ) -> Option<IdentityRow> {
        let Event::Account(person, event) = &recorded.event else { return old };
        let linked = matches!(event, AccountEvent::IdentityLinked { .. });
        match old {
            Some(row) if row.person == *person && !linked => None,
            Some(row) => Some(row),
            None if linked => {
                let (provider, subject) = (provider.clone(), subject.clone());
                Some(IdentityRow { provider, subject, person: *person })
            }
            None => None,
        }
    }
}
