//! One's own account: who one is, in which schools, for which children, until when.

use std::collections::{BTreeMap, btree_map::Entry};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    AccountId, PersonId, StudentId, Uai,
    access::Action,
    accounts::{AccountCommand, span},
    people::{Function, Language, Name},
};
use projections::{
    accounts::{MandateRow, account, relations},
    families::{GuardianRow, of_guardian},
    people::{Part, enrolments, person},
    schools::sheet,
};
use replay::keys::SecretKind;
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{confided::Confided, passwords::acceptable, sessions::end_sessions};
use crate::{
    App, Source,
    caller::Caller,
    error::{ApiError, Problem, Refusal},
    reading::{ReadQuery, Reading},
};

/// An account, for its owner.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnAccount {
    /// Who one is.
    person: PersonId,
    /// One's names.
    name: Name,
    /// The language that one is written to.
    language: Language,
    /// The name that one signs in with.
    login: Option<String>,
    /// Where one learns or works.
    schools: Vec<OwnSchool>,
    /// For whom one answers today.
    children: Vec<OwnChild>,
    /// What one is mandated to do.
    mandates: Vec<MandateRow>,
    /// Whether signing in takes a second factor.
    second_factor: bool,
    /// The identity providers that one may sign in through.
    providers: Vec<String>,
    /// The last day that the account is open, once it is known.
    closes_on: Option<NaiveDate>,
    /// The day from which its data is due to be erased, once it is known.
    data_due_on: Option<NaiveDate>,
}

/// A school that somebody learns or works in.
#[derive(Serialize, ToSchema)]
struct OwnSchool {
    /// Which one.
    #[schema(value_type = String, example = "0549998Z")]
    school: Uai,
    /// As people say it.
    name: String,
    /// Whether they learn or work there.
    part: Part,
    /// What they work as.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function>,
    /// The first day.
    from: NaiveDate,
    /// The last day, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<NaiveDate>,
}

/// A student whom somebody answers for.
#[derive(Serialize, ToSchema)]
struct OwnChild {
    /// Who.
    student: StudentId,
    /// Their names, unless their identity was erased.
    name: Option<Name>,
    /// Where they learn.
    schools: Vec<OwnSchool>,
}

/// A password to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    /// The present one.
    #[schema(value_type = String, format = Password)]
    current: Zeroizing<String>,
    /// The one from now on: 12 to 128 characters, neither common words nor the login.
    #[schema(value_type = String, format = Password)]
    new: Zeroizing<String>,
}

/// One's own account.
#[utoipa::path(get, path = "/account", tag = "account", params(ReadQuery),
    responses((status = 200, body = OwnAccount), (status = 404, body = Problem)))]
pub(crate) async fn show_account(
    State(app): State<App>,
    reading: Reading,
) -> Result<Json<OwnAccount>, ApiError> {
    reading.guard.own(Action::OwnAccount).await?;
    let id = reading.guard.person().ok_or(Refusal::UnknownPerson)?;
    let db = &reading.db().await?;
    let known = person(db, id).await?.ok_or(Refusal::UnknownPerson)?;
    let account = account(db, id).await?;
    let login = match &app.source {
        Source::Live(node) => node.journal().vault().login_of(AccountId::of(id)).await,
        Source::Past(_) => Ok(None),
    };
    let relations = relations(db, id).await?;
    Ok(Json(OwnAccount {
        person: id,
        name: known.name,
        language: known.language,
        login: login.map_err(anyhow::Error::from)?,
        schools: schools_of(db, id, &mut BTreeMap::new()).await?,
        children: children_of(&reading, id, app.journal().clock().now()).await?,
        second_factor: account.as_ref().is_some_and(|account| account.second_factor),
        providers: account.as_ref().map(|account| account.providers.clone()).unwrap_or_default(),
        mandates: account.map(|account| account.mandates).unwrap_or_default(),
        closes_on: span::last_day(&relations),
        data_due_on: span::due_on(&relations),
    }))
}

/// Changes one's password. The other sessions end.
#[utoipa::path(put, path = "/account/password", tags = ["account", "secrets"], request_body = ChangePassword,
    responses((status = 204), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn change_password(
    caller: Caller,
    confided: Confided<ChangePassword>,
) -> Result<impl IntoResponse, ApiError> {
    let (person, account) = confided.own(&caller).await?;
    let vault = confided.node.journal().vault();
    let ChangePassword { current, new } = &confided.body;
    let login = vault.login_of(account).await.map_err(anyhow::Error::from)?;
    acceptable(new, &login.unwrap_or_default())?;
    let kept = confided.confirm(account, current).await?;
    let hash = confided.accounts.passwords.hash(new.clone()).await?;
    let position = confided.tell(person, AccountCommand::ChangePassword).await?;
    let swapped = vault.swap_secret(account, SecretKind::Password, &kept, hash).await;
    if !swapped.map_err(anyhow::Error::from)? {
        return Err(Refusal::WrongPassword.into());
    }
    end_sessions(&confided.node, account, account, caller.session).await?;
    Ok((StatusCode::NO_CONTENT, [("preau-position", position.to_string())]))
}

/// Those for whom somebody answers; whoever a judgment keeps away now is told of nobody, on whichever
/// day they look back to.
async fn children_of(
    reading: &Reading,
    guardian: PersonId,
    now: DateTime<Utc>,
) -> Result<Vec<OwnChild>, ApiError> {
    let (db, today) = (&reading.db().await?, &reading.guard.db);
    let present = of_guardian(today, guardian).await?;
    let (mut children, mut names) = (Vec::new(), BTreeMap::new());
    for row in of_guardian(db, guardian).await? {
        let Some(present) = present.iter().find(|present| present.student == row.student) else {
            continue;
        };
        if !answers_at(db, &row, reading.now).await? || !answers_at(today, present, now).await? {
            continue;
        }
        let known = person(db, row.student.person()).await?;
        let schools = schools_of(db, row.student.person(), &mut names).await?;
        children.push(OwnChild {
            student: row.student,
            name: known.map(|known| known.name),
            schools,
        });
    }
    Ok(children)
}

/// Whether a guardian answers for a student at an instant, on the local day of each of the student's
/// schools.
async fn answers_at(
    db: &SqlitePool,
    row: &GuardianRow,
    instant: DateTime<Utc>,
) -> Result<bool, ApiError> {
    let mut days = Vec::new();
    for enrolled in enrolments(db, row.student.person()).await? {
        days.extend(sheet(db, enrolled.school).await?.map(|sheet| sheet.local_date(instant)));
    }
    if days.is_empty() {
        days.push(instant.date_naive());
    }
    Ok(days.iter().all(|day| row.answers_on(*day)))
}

/// Where somebody learns or works; `names` are those of the schools that are known already.
async fn schools_of(
    db: &SqlitePool,
    person: PersonId,
    names: &mut BTreeMap<Uai, String>,
) -> Result<Vec<OwnSchool>, ApiError> {
    let mut schools = Vec::new();
    for row in enrolments(db, person).await? {
        let name = match names.entry(row.school) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                let sheet = sheet(db, row.school).await?;
                unknown.insert(sheet.map(|sheet| sheet.name).unwrap_or_default()).clone()
            }
        };
        let (school, part, function) = (row.school, row.part, row.function);
        let (from, until) = (row.from, row.until);
        schools.push(OwnSchool { school, name, part, function, from, until });
    }
    Ok(schools)
}
