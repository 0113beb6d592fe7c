//! Signing in with a password, and the session that comes of it.
//!
//! Whoever is not let in is not told why: an unknown login, a wrong password, a locked and a closed
//! account have one answer, after the same work. The true reason is in the access log before the
//! answer leaves. What identity providers vouch for ends in [`open_session`] too.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, PersonId, SessionId,
    access::{Device, Entry, Means, What, WhyRefused},
    accounts::span,
};
use replay::{
    Node,
    access::TokenHash,
    keys::{SecretKind, Vault},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    codes::{Code, random_bytes, without},
    confided::Confided,
    passwords::Checked,
    sessions::end_sessions,
    totp::Factor,
};
use crate::{
    caller::COOKIE,
    error::{ApiError, Problem, Refusal},
};

/// The bytes of a token: 256 bits that nobody guesses.
const TOKEN_BYTES: usize = 32;

/// Whoever has no account is looked for under this one, so that looking takes as long.
pub(crate) const NOBODY: PersonId =
    PersonId(Uuid::from_u128(0x6e6f_626f_6479_8000_8000_0000_0000_0001));

/// The characters of a text that can be a login: more than any has.
const LOGIN_MAX: usize = 64;

/// Sessions that an account has at a time: more than anybody has devices.
const SESSIONS_MAX: usize = 20;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// As the letter has it; capitals and accents do not matter.
    #[schema(example = "lea.perlorron")]
    login: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Zeroizing<String>,
    /// The code that the application shows, or a recovery code, where the account has a second
    /// factor.
    #[schema(value_type = Option<String>)]
    second_factor: Option<Zeroizing<String>>,
    /// Whether others use this device: then its session ends after half an hour of silence, otherwise
    /// after ninety days.
    device: Device,
}

/// Somebody who has proven who they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven {
    /// Who.
    pub(crate) person: PersonId,
    /// How.
    pub(crate) means: Means,
    /// Whether with a second factor too.
    pub(crate) second_factor: bool,
    /// On which kind of device.
    pub(crate) device: Device,
}

/// A session that was opened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Opened {
    /// Its id, under which it is listed and ended.
    session: SessionId,
    /// What opens it, as a bearer; a browser has it in a cookie that scripts do not see.
    #[schema(value_type = String)]
    token: Zeroizing<String>,
    /// When it is over unless it is used before.
    expires_at: DateTime<Utc>,
    /// Whether a second factor was given.
    second_factor: bool,
    #[serde(skip)]
    cookie_lives: Option<TimeDelta>,
}

/// Signs in. The session that this browser had ends.
#[utoipa::path(post, path = "/sessions", tags = ["account", "secrets"], security(()), request_body = SignIn,
    responses((status = 201, body = Opened), (status = 401, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn sign_in(confided: Confided<SignIn>) -> Result<Opened, ApiError> {
    confided.heed_address()?;
    if is_no_login(&confided.body.login) {
        confided.refuse(None, WhyRefused::UnknownLogin).await?;
        return Err(Refusal::SignInRefused.into());
    }
    let (vault, passwords) = (confided.node.journal().vault(), &confided.accounts.passwords);
    let known = vault.person_of_login(&confided.body.login).await.map_err(anyhow::Error::from)?;
    let person = known.unwrap_or(NOBODY);
    let account = AccountId::of(person);
    let guess = confided.accounts.limits.guess(account);
    let locked = confided.is_locked(account, guess.beside);
    let kept = secret(vault, account, SecretKind::Password).await?;
    let password = confided.body.password.clone();
    let checked = passwords.check(password.clone(), kept.clone()).await?;
    let why = match (known, checked) {
        (None, _) => Some(WhyRefused::UnknownLogin),
        (Some(_), _) if locked => Some(WhyRefused::LockedOut),
        (Some(_), Checked::Wrong) => Some(WhyRefused::WrongPassword),
        (Some(_), Checked::Right | Checked::RightButOld) => {
            let open = is_open(&confided.node, person, confided.now).await?;
            (!open).then_some(WhyRefused::AccountClosed)
        }
    };
    if let Some(why) = why {
        confided.refuse(known.map(AccountId::of), why).await?;
        return Err(Refusal::SignInRefused.into());
    }
    let second_factor = second_factor(&confided, account).await?;
    let device = confided.body.device;
    let proven = Proven { person, means: Means::Password, second_factor, device };
    let opened = open_session(&confided.node, proven, confided.session).await?;
    if secret(vault, account, SecretKind::Password).await? != kept {
        // Another password was set meanwhile, perhaps since somebody else knows this one.
        end_sessions(&confided.node, account, account, None).await?;
        return Err(Refusal::SignInRefused.into());
    }
    if let (Checked::RightButOld, Some(kept)) = (checked, kept)
        && let Ok(anew) = passwords.hash(password).await
    {
        let swapped = vault.swap_secret(account, SecretKind::Password, &kept, anew).await;
        swapped.map_err(anyhow::Error::from)?;
    }
    Ok(opened)
}

/// Whether a second factor was given; refused where the account has one and it was not, or wrongly.
async fn second_factor(confided: &Confided<SignIn>, account: AccountId) -> Result<bool, ApiError> {
    let vault = confided.node.journal().vault();
    if secret(vault, account, SecretKind::SecondFactor).await?.is_none() {
        return Ok(false);
    }
    let Some(typed) = &confided.body.second_factor else {
        // No guess, and what happens each time that somebody signs in; but whoever has stolen a
        // password leaves this trace.
        confided.note(Some(account), WhyRefused::SecondFactorNeeded).await?;
        return Err(Refusal::SecondFactorNeeded.into());
    };
    if use_second_factor(vault, account, typed, confided.now).await? {
        return Ok(true);
    }
    confided.refuse(Some(account), WhyRefused::WrongSecondFactor).await?;
    Err(Refusal::SecondFactorNeeded.into())
}

/// Uses up what somebody typed as their second factor: the code that their application shows, or a
/// recovery code. Of two who type the same at once, one is let in.
pub(crate) async fn use_second_factor(
    vault: &Vault,
    account: AccountId,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<bool, ApiError> {
    let (kind, kept, used) = match Code::read(typed) {
        Some(code) => {
            let kept = secret(vault, account, SecretKind::RecoveryCodes).await?;
            let used = kept.as_ref().and_then(|kept| without(kept, &code, account));
            (SecretKind::RecoveryCodes, kept, used)
        }
        None => {
            let kept = secret(vault, account, SecretKind::SecondFactor).await?;
            let factor = kept.as_ref().and_then(|kept| Factor::from_bytes(kept));
            let used = factor.and_then(|factor| factor.using(typed, now));
            (SecretKind::SecondFactor, kept, used.map(|factor| factor.to_bytes()))
        }
    };
    let (Some(kept), Some(used)) = (kept, used) else { return Ok(false) };
    let swapped = vault.swap_secret(account, kind, &kept, used).await;
    Ok(swapped.map_err(anyhow::Error::from)?)
}

/// Opens a session for somebody who has proven who they are, in place of the one they had on this
/// device; beyond twenty, the oldest end. It is in the access log before this answers.
pub(crate) async fn open_session(
    node: &Node,
    proven: Proven,
    replaced: Option<SessionId>,
) -> Result<Opened, ApiError> {
    let Proven { person, means, second_factor, device } = proven;
    let mut random = Zeroizing::new([0; TOKEN_BYTES]);
    random_bytes(random.as_mut_slice())?;
    let token = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
    let (hash, session) = (TokenHash::of(&token), SessionId(Uuid::new_v4()));
    let (at, account) = (node.journal().clock().now(), Some(AccountId::of(person)));
    let open = node.access().sessions_of(AccountId::of(person), at).into_iter();
    let mut open: Vec<_> = open.map(|s| s.id).filter(|id| Some(*id) != replaced).collect();
    // One more is opened: the oldest make room.
    open.truncate((open.len() + 1).saturating_sub(SESSIONS_MAX));
    let ended = replaced.into_iter().chain(open).map(|session| What::SessionEnded { session });
    let token_hash = hash.to_string();
    let opened =
        What::SessionOpened { session, person, token: token_hash, device, means, second_factor };
    let entries = ended.chain([opened]).map(|what| Entry { at, account, what });
    node.access().record(entries.collect()).await?;
    let known = node.access().session(&hash, at);
    let expires_at = known.map_or(at, |session| session.expires_at);
    let cookie_lives = match device {
        Device::Own => Some(expires_at - at),
        Device::Shared => None,
    };
    Ok(Opened { session, token, expires_at, second_factor, cookie_lives })
}

/// Whether a text is too long to be anybody's login: no time need be spent to hide that.
pub(crate) fn is_no_login(typed: &str) -> bool {
    typed.chars().nth(LOGIN_MAX).is_some()
}

/// Whether somebody's account is open; before it is said to be closed, the tables have everything.
pub(crate) async fn is_open(
    node: &Node,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<bool, ApiError> {
    if span::is_open(&projections::accounts::relations(&node.db(), person).await?, now) {
        return Ok(true);
    }
    node.reach(node.journal().log().head().await?).await?;
    Ok(span::is_open(&projections::accounts::relations(&node.db(), person).await?, now))
}

/// A secret of an account.
pub(crate) async fn secret(
    vault: &Vault,
    account: AccountId,
    kind: SecretKind,
) -> Result<Option<Zeroizing<Vec<u8>>>, ApiError> {
    Ok(vault.secret(account, kind).await.map_err(anyhow::Error::from)?)
}

impl Opened {
    /// The cookie that gives a browser the session. On a shared device it goes with the browser.
    pub(crate) fn cookie(&self) -> Result<HeaderValue, ApiError> {
        let lives = self.cookie_lives.map(|lives| format!("; Max-Age={}", lives.num_seconds()));
        let token = self.token.as_str();
        let cookie = format!(
            "{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax{}",
            lives.unwrap_or_default()
        );
        let mut cookie = HeaderValue::try_from(cookie).map_err(anyhow::Error::from)?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

impl IntoResponse for Opened {
    fn into_response(self) -> Response {
        answer(self.cookie(), Json(self))
    }
}

/// What whoever has a new session is told, with the cookie for their browser.
pub(crate) fn answer(cookie: Result<HeaderValue, ApiError>, told: impl IntoResponse) -> Response {
    match cookie {
        Ok(cookie) => (StatusCode::CREATED, [(header::SET_COOKIE, cookie)], told).into_response(),
        Err(error) => error.into_response(),
    }
}
