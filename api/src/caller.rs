//! Who is calling: the one place that knows.
//!
//! A program holds a token of the settings, with scopes and perhaps for one school only. A person
//! holds the token of a session, which a program sends as a bearer and a browser as a cookie; the
//! session is looked up in the access log's fold, on every request anew, so that one that was ended
//! opens nothing. What a caller may do is not told here: see [`crate::access`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::anyhow;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, Utc};
use domain::{
    AccountId, SessionId, Uai,
    access::{Actor, Scope, WhyRefused},
};
use replay::access::{Session, TokenHash};
use serde::Deserialize;

use crate::{
    App, Source,
    access::Decisions,
    error::{ApiError, Refusal},
};

/// The cookie that holds a browser's session. Its prefix binds it to this host and to TLS.
pub(crate) const COOKIE: &str = "__Host-preau";

/// Unknown tokens that are written down in one minute: enough to see that somebody is guessing.
const STRANGERS_MAX: u32 = 60;

/// Who is calling.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The account that acts.
    pub(crate) account: AccountId,
    /// Who acts, as decisions see them.
    pub(crate) actor: Actor,
    /// The session of somebody who is signed in.
    pub(crate) session: Option<SessionId>,
    /// What is decided for this request.
    pub(crate) decisions: Decisions,
}

/// A token of the settings file.
#[derive(Clone, Deserialize)]
pub struct Token {
    /// What the program sends: at least 16 characters.
    pub token: String,
    /// The account that it acts for.
    pub account: AccountId,
    /// What it is good for; everything if nothing is said, as whoever writes the settings of a
    /// server has the server anyway.
    #[serde(default = "everything")]
    pub scopes: Vec<Scope>,
    /// The school that it is good for; all of them if none is named.
    #[serde(default)]
    pub school: Option<Uai>,
}

/// The tokens that are accepted.
#[derive(Clone, Default)]
pub struct Tokens(Arc<HashMap<String, Token>>);

/// Tokens that are nobody's, counted minute by minute: anybody can send them, and must not fill the
/// access log with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strangers(Arc<Mutex<(i64, u32)>>);

/// What is wrong with the tokens of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token number {0} of the settings is shorter than 16 characters")]
pub struct TokenTooShort(usize);

impl Token {
    /// A token that is good for everything.
    pub fn of_everything(token: &str, account: AccountId) -> Self {
        Self { token: token.to_owned(), account, scopes: everything(), school: None }
    }
}

impl Tokens {
    /// Accepts these tokens.
    ///
    /// # Errors
    /// When one of them could be guessed.
    pub fn new(tokens: Vec<Token>) -> Result<Self, TokenTooShort> {
        if let Some(short) = tokens.iter().position(|token| token.token.len() < 16) {
            return Err(TokenTooShort(short + 1));
        }
        let tokens = tokens.into_iter().map(|token| (token.token.clone(), token));
        Ok(Self(Arc::new(tokens.collect())))
    }
}

impl Strangers {
    /// Counts one more; whether they are few enough to be written down one by one.
    pub(crate) fn are_few(&self, now: DateTime<Utc>) -> bool {
        let minute = now.timestamp() / 60;
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.0 != minute {
            *counted = (minute, 0);
        }
        counted.1 = counted.1.saturating_add(1);
        counted.1 <= STRANGERS_MAX
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let decisions = parts.extensions.get::<Decisions>().cloned();
        let decisions = decisions.ok_or_else(|| anyhow!("a caller outside the guard"))?;
        let bearer = bearer(&parts.headers);
        let Some(sent) = bearer.or_else(|| cookie(&parts.headers)) else {
            return Err(Refusal::NotSignedIn.into());
        };
        if let Some(token) = bearer.and_then(|sent| app.tokens.0.get(sent)) {
            return Ok(Self::program(token, decisions));
        }
        let Some(session) = session(app, sent).await? else {
            if app.strangers.are_few(app.journal().clock().now()) {
                decisions.refuse_sign_in(None, WhyRefused::UnknownSession);
            }
            return Err(Refusal::NotSignedIn.into());
        };
        if bearer.is_none() && !parts.method.is_safe() && !is_of_this_site(&parts.headers) {
            decisions.refuse_sign_in(Some(session.account), WhyRefused::CrossSite);
            return Err(Refusal::CrossSite.into());
        }
        Ok(Self::person(&session, decisions))
    }
}

impl Caller {
    fn program(token: &Token, decisions: Decisions) -> Self {
        let Token { account, scopes, school, .. } = token;
        let (account, scopes, school) = (*account, scopes.clone(), *school);
        let actor = Actor::Program { account, scopes, school };
        Self { account, actor, session: None, decisions }
    }

    fn person(session: &Session, decisions: Decisions) -> Self {
        let Session { account, person, second_factor, .. } = *session;
        let actor = Actor::Person { person, second_factor };
        Self { account, actor, session: Some(session.id), decisions }
    }
}

/// The session that a token opens, noted as used. A past day has none: programs only ask it.
async fn session(app: &App, token: &str) -> Result<Option<Session>, ApiError> {
    let Source::Live(node) = &app.source else { return Ok(None) };
    let now = node.journal().clock().now();
    let hash = TokenHash::of(token);
    let mut session = node.access().session(&hash, now);
    if session.is_none() {
        // It may have been opened a moment ago on another node.
        node.access().catch_up().await?;
        session = node.access().session(&hash, now);
    }
    if let Some(session) = &session {
        node.access().seen(session.id, now).await?;
    }
    Ok(session)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// The token that a browser sends.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_named(COOKIE, headers)
}

/// The cookie of this name that a browser sends.
pub(crate) fn cookie_named<'h>(wanted: &str, headers: &'h HeaderMap) -> Option<&'h str> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent.flat_map(|cookies| cookies.split(';')).filter_map(|c| c.split_once('='));
    pairs.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim())
}

/// Whether a browser says that the request comes from a page of ours, or from nobody's.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    matches!(site, Some(b"same-origin" | b"none"))
}

/// Whether a browser says that the request comes from a page of another site.
pub(crate) fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") && !is_of_this_site(headers)
}

fn everything() -> Vec<Scope> {
    vec![Scope::Everything]
}
