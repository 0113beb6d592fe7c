//! The second factor of an account: an application on a telephone, and codes on paper for the day it
//! is lost.
//!
//! It is set in two steps, so that nobody is locked out by an application that read it wrongly: the
//! secret is offered, then a first code confirms it. What proves more or less than before opens a
//! new session; all others end. Whoever lost telephone and paper asks the school.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, PersonId, Uai,
    access::{Action, WhyRefused},
    accounts::{AccountCommand, AccountError},
};
use projections::accounts::{AccountRow, account};
use replay::{
    ExecuteError, Node,
    keys::{SecretKind, Vault},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    codes::recovery_codes,
    confided::{Confided, tell},
    sessions::end_sessions,
    signing_in::{Opened, answer, secret, use_second_factor},
    totp::Factor,
};
use crate::{
    App,
    caller::Caller,
    error::{ApiError, Problem, Refusal},
    reading::At,
    writing::Write,
};

/// Codes on paper.
const RECOVERY_CODES: usize = 10;

/// How long somebody may take to have their application read the secret that is offered.
const OFFER_GOOD_FOR: TimeDelta = TimeDelta::minutes(10);

/// How long whoever handed out a code may not take the second factor away, and the other way round:
/// time for the account's owner, who finds their sessions ended, to ask why.
const APART: TimeDelta = TimeDelta::hours(24);

/// Who asks for a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offer {
    /// The password once more: whoever finds a telephone unlocked sets no second factor.
    #[schema(value_type = String, format = Password)]
    password: Zeroizing<String>,
}

/// A second factor, until a first code confirms it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offered {
    /// The secret, for those who type it.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The same for an application, which reads it from a square of dots.
    address: String,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typed {
    /// As the application shows it.
    #[schema(value_type = String, example = "287082")]
    code: Zeroizing<String>,
}

/// A second factor that is set.
#[derive(Serialize, ToSchema)]
pub(crate) struct Enrolled {
    /// Codes that each stand in for the application once. They are shown this once.
    recovery_codes: Vec<String>,
    /// The session from now on.
    #[serde(flatten)]
    opened: Opened,
}

/// Offers a second factor.
#[utoipa::path(post, path = "/account/second-factor", tags = ["account", "secrets"], request_body = Offer,
    responses((status = 200, body = Offered), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn offer_second_factor(
    caller: Caller,
    confided: Confided<Offer>,
) -> Result<Json<Offered>, ApiError> {
    let (_, account) = confided.own(&caller).await?;
    let vault = confided.node.journal().vault();
    confided.confirm(account, &confided.body.password).await?;
    if secret(vault, account, SecretKind::SecondFactor).await?.is_some() {
        return Err(AccountError::SecondFactorAlreadyEnrolled.into());
    }
    let factor = Factor::random()?;
    let offer = offer(&factor, confided.now);
    let offered = vault.put_secret(account, SecretKind::OfferedSecondFactor, offer);
    offered.await.map_err(anyhow::Error::from)?;
    let login = vault.login_of(account).await.map_err(anyhow::Error::from)?;
    let address = factor.address(&login.unwrap_or_default())?;
    Ok(Json(Offered { secret: factor.base32(), address }))
}

/// Sets the second factor that was offered, with a first code of it. The other sessions end.
#[utoipa::path(put, path = "/account/second-factor", tags = ["account", "secrets"], request_body = Typed,
    responses((status = 201, body = Enrolled), (status = 422, body = Problem)))]
pub(crate) async fn enrol_second_factor(
    caller: Caller,
    confided: Confided<Typed>,
) -> Result<Enrolled, ApiError> {
    let (person, account) = confided.own(&caller).await?;
    let vault = confided.node.journal().vault();
    let confirmed = confirmed(&confided, account).await?;
    if secret(vault, account, SecretKind::SecondFactor).await?.is_some() {
        return Err(AccountError::SecondFactorAlreadyEnrolled.into());
    }
    let (recovery_codes, kept) = recovery_codes(RECOVERY_CODES, account)?;
    for (kind, kept) in
        [(SecretKind::RecoveryCodes, kept), (SecretKind::SecondFactor, confirmed.to_bytes())]
    {
        vault.put_secret(account, kind, kept).await.map_err(anyhow::Error::from)?;
    }
    // First kept, then told: if the node fails in between, a code is asked for.
    match confided.tell(person, AccountCommand::EnrolSecondFactor).await {
        Err(refused @ ExecuteError::Refused(_)) => {
            forget_second_factor(vault, account).await?;
            return Err(refused.into());
        }
        told => told?,
    };
    let opened = confided.reopen(&caller, person, true).await?;
    Ok(Enrolled { recovery_codes, opened })
}

/// Takes the second factor away, with a code of it or a recovery code. The other sessions end.
#[utoipa::path(delete, path = "/account/second-factor", tags = ["account", "secrets"], request_body = Typed,
    responses((status = 201, body = Opened), (status = 422, body = Problem)))]
pub(crate) async fn remove_second_factor(
    caller: Caller,
    confided: Confided<Typed>,
) -> Result<Opened, ApiError> {
    let (person, account) = confided.own(&caller).await?;
    let vault = confided.node.journal().vault();
    let guess = confided.accounts.limits.guess(account);
    let locked = confided.is_locked(account, guess.beside);
    let code = &confided.body.code;
    if locked || !use_second_factor(vault, account, code, confided.now).await? {
        let why = if locked { WhyRefused::LockedOut } else { WhyRefused::WrongSecondFactor };
        confided.refuse(Some(account), why).await?;
        return Err(Refusal::WrongSecondFactor.into());
    }
    take_away(&confided.node, person, (account, Uai::REGION)).await?;
    confided.reopen(&caller, person, false).await
}

/// Takes somebody's second factor away who lost it, and ends their sessions. Not while a code for
/// their account is open, nor within a day after one was used.
#[utoipa::path(delete, path = "/schools/{school}/people/{person}/second-factor", tag = "accounts",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn remove_lost_second_factor(
    At((school, person)): At<(Uai, PersonId)>,
    State(app): State<App>,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    let now = write.node.journal().clock().now();
    let _turn = app.accounts.handing_out(&write.node).await?;
    let asked = write.check(move |guard| async move {
        guard.somebody(school, person, Action::RemoveSecondFactor).await?;
        let known = account(&guard.db, person).await?;
        let open = |known: &AccountRow| known.code_expires_at.is_some_and(|until| now < until);
        let used = |known: &AccountRow| known.code_used_at.is_some_and(|at| is_recent(at, now));
        match known {
            Some(known) if open(&known) || used(&known) => Err(Refusal::CodeJustMade.into()),
            Some(_) | None => Ok(()),
        }
    });
    asked.await?;
    let (account, by) = (AccountId::of(person), write.caller.account);
    take_away(&write.node, person, (by, school)).await?;
    end_sessions(&write.node, account, by, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether what was done to an account is too recent for the other half of handing it out.
pub(crate) fn is_recent(done_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - done_at < APART
}

/// The second factor that was offered, confirmed by its first code; the offer is used up.
async fn confirmed(confided: &Confided<Typed>, account: AccountId) -> Result<Factor, ApiError> {
    let vault = confided.node.journal().vault();
    let kind = SecretKind::OfferedSecondFactor;
    let guess = confided.accounts.limits.guess(account);
    let locked = confided.is_locked(account, guess.beside);
    let kept = secret(vault, account, kind).await?;
    let offered = kept.as_ref().and_then(|kept| offered(kept, confided.now));
    let confirmed = offered.and_then(|factor| factor.using(&confided.body.code, confided.now));
    if let (false, Some(factor)) = (locked, confirmed) {
        let taken = vault.take_secret(account, kind).await.map_err(anyhow::Error::from)?;
        if taken == kept {
            return Ok(factor);
        }
    }
    let why = if locked { WhyRefused::LockedOut } else { WhyRefused::WrongSecondFactor };
    confided.refuse(Some(account), why).await?;
    Err(Refusal::WrongSecondFactor.into())
}

/// An offer as the vault keeps it: since when, and what.
fn offer(factor: &Factor, now: DateTime<Utc>) -> Vec<u8> {
    [&now.timestamp_micros().to_be_bytes()[..], &factor.to_bytes()].concat()
}

/// What the vault kept of an offer, while it is good.
fn offered(kept: &[u8], now: DateTime<Utc>) -> Option<Factor> {
    let (since, factor) = kept.split_first_chunk()?;
    let since = DateTime::from_timestamp_micros(i64::from_be_bytes(*since))?;
    (since..since + OFFER_GOOD_FOR).contains(&now).then(|| Factor::from_bytes(factor))?
}

/// Takes a second factor away, `by` whom, in the life of which school.
async fn take_away(node: &Node, person: PersonId, by: (AccountId, Uai)) -> Result<(), ApiError> {
    let (vault, account) = (node.journal().vault(), AccountId::of(person));
    let kept = secret(vault, account, SecretKind::SecondFactor).await?;
    match tell(node, person, AccountCommand::RemoveSecondFactor, by).await {
        // It was set, and the node failed before it could tell.
        Err(ExecuteError::Refused(AccountError::SecondFactorNotEnrolled)) if kept.is_some() => {}
        told => {
            told?;
        }
    }
    forget_second_factor(vault, account).await
}

async fn forget_second_factor(vault: &Vault, account: AccountId) -> Result<(), ApiError> {
    for kind in [SecretKind::SecondFactor, SecretKind::RecoveryCodes] {
        vault.take_secret(account, kind).await.map_err(anyhow::Error::from)?;
    }
    Ok(())
}

impl IntoResponse for Enrolled {
    fn into_response(self) -> Response {
        let cookie = self.opened.cookie();
        answer(cookie, Json(self))
    }
}
