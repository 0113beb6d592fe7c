//! The sessions of an account: listed for its owner, ended by them or by whoever keeps accounts.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use domain::{
    AccountId, PersonId, SessionId, Uai,
    access::{Action, Device, Entry, Means, What},
};
use replay::{Node, access::Session};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App, Source,
    caller::COOKIE,
    error::{ApiError, Problem, Refusal},
    reading::{At, ReadQuery, Reading},
    writing::Write,
};

/// A session, for its owner.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnSession {
    /// Its id; it opens nothing.
    session: SessionId,
    /// On which kind of device.
    device: Device,
    /// How its owner signed in.
    means: Means,
    /// Whether with a second factor.
    second_factor: bool,
    /// Since when.
    opened_at: DateTime<Utc>,
    /// When it was last used, a few minutes more or less.
    seen_at: DateTime<Utc>,
    /// When it is over unless it is used before.
    expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

/// One's own sessions, the oldest first.
#[utoipa::path(get, path = "/account/sessions", tag = "account",
    params(ReadQuery), responses((status = 200, body = Vec<OwnSession>)))]
pub(crate) async fn list_sessions(
    State(app): State<App>,
    reading: Reading,
) -> Result<Json<Vec<OwnSession>>, ApiError> {
    reading.guard.own(Action::OwnAccount).await?;
    let (account, current) = (reading.guard.caller.account, reading.guard.caller.session);
    let sessions = match &app.source {
        Source::Live(node) => node.access().sessions_of(account, reading.now),
        Source::Past(_) => Vec::new(),
    };
    Ok(Json(sessions.iter().map(|session| OwnSession::of(session, current)).collect()))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/account/sessions/{session}", tag = "account",
    params(("session" = uuid::Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn end_session(
    At(session): At<SessionId>,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    write.check(|guard| async move { guard.own(Action::OwnAccount).await }).await?;
    let (account, now) = (write.caller.account, write.node.journal().clock().now());
    let sessions = write.node.access().sessions_of(account, now);
    if !sessions.iter().any(|own| own.id == session) {
        return Err(Refusal::UnknownSession.into());
    }
    end(&write.node, account, &[session]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out: the session ends, and the browser forgets what it has kept of this site.
#[utoipa::path(delete, path = "/account/session", tag = "account", responses((status = 204)))]
pub(crate) async fn sign_out(write: Write<()>) -> Result<impl IntoResponse, ApiError> {
    write.check(|guard| async move { guard.own(Action::OwnAccount).await }).await?;
    let session: Vec<_> = write.caller.session.into_iter().collect();
    end(&write.node, write.caller.account, &session).await?;
    let gone = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, HeaderValue::try_from(gone).map_err(anyhow::Error::from)?);
    let forgotten = HeaderValue::from_static(r#""cache", "storage""#);
    headers.insert("clear-site-data", forgotten);
    Ok((StatusCode::NO_CONTENT, headers))
}

/// Ends all sessions of somebody, as when a telephone was lost.
#[utoipa::path(delete, path = "/schools/{school}/people/{person}/sessions", tag = "accounts",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn end_sessions_of_person(
    At((school, person)): At<(Uai, PersonId)>,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    let may = write.check(move |guard| async move {
        guard.somebody(school, person, Action::ManageAccounts).await
    });
    may.await?;
    end_sessions(&write.node, AccountId::of(person), write.caller.account, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the sessions of an account but for one, in the name of `by`.
pub(crate) async fn end_sessions(
    node: &Node,
    account: AccountId,
    by: AccountId,
    kept: Option<SessionId>,
) -> Result<(), ApiError> {
    node.access().catch_up().await?;
    let sessions = node.access().sessions_of(account, node.journal().clock().now());
    let others = sessions.iter().map(|session| session.id).filter(|id| Some(*id) != kept);
    end(node, by, &others.collect::<Vec<_>>()).await
}

async fn end(node: &Node, by: AccountId, sessions: &[SessionId]) -> Result<(), ApiError> {
    let at = node.journal().clock().now();
    let ended = sessions.iter().map(|session| What::SessionEnded { session: *session });
    let entries = ended.map(|what| Entry { at, account: Some(by), what }).collect();
    node.access().record(entries).await?;
    Ok(())
}

impl OwnSession {
    fn of(session: &Session, current: Option<SessionId>) -> Self {
        let Session { id, device, means, second_factor, opened_at, seen_at, expires_at, .. } =
            *session;
        let current = Some(id) == current;
        Self { session: id, device, means, second_factor, opened_at, seen_at, expires_at, current }
    }
}
