//! How a request writes: who asks, under which key, what, and what they are answered.
//!
//! A request with an `Idempotency-Key` can be sent again: it is recognised by who sent it and the
//! key, and answered as it was. The same key with another body is refused.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{CommandId, Streamed, Uai};
use replay::{Act, Done, ExecuteError, Node, command_id, made_by, new_command_id};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App, Source,
    access::Guard,
    caller::Caller,
    error::{ApiError, Refusal},
};

/// A request to write `body`.
pub(crate) struct Write<T> {
    /// Who asks.
    pub(crate) caller: Caller,
    /// The request's id.
    pub(crate) command: CommandId,
    /// When it happened.
    pub(crate) occurred_at: DateTime<Utc>,
    /// What is asked.
    pub(crate) body: T,
    /// The node that takes it.
    pub(crate) node: Node,
}

/// What whoever wrote something is answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Reads with `min_position` of this see what was written.
    position: u64,
    /// The id of what was made, if something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip)]
    made: bool,
}

impl<T> Write<T> {
    /// An id for something that this request makes: the same when the request is sent again.
    pub(crate) fn new_id(&self) -> Uuid {
        made_by(self.command)
    }

    /// Asks whether the caller may, and reads facts for a command: see [`check`].
    pub(crate) async fn check<F, R>(&self, facts: impl Fn(Guard) -> R) -> Result<F, ApiError>
    where
        R: Future<Output = Result<F, ApiError>>,
    {
        check(&self.node, &self.caller, facts).await
    }

    /// Executes a command in the life of a school.
    pub(crate) async fn execute<A>(
        &self,
        school: Uai,
        id: A::Id,
        command: A::Command,
    ) -> Result<Receipt, ApiError>
    where
        A: Streamed<Services = (), Command: Clone> + Clone + 'static,
        ApiError: From<ExecuteError<A::Error>>,
    {
        let act = Act::new(school, self.caller.account, self.command, self.occurred_at);
        let Done { position, .. } = self.node.journal().execute::<A>(id, command, &act).await?;
        Ok(Receipt { position, id: None, made: false })
    }
}

impl Receipt {
    /// The position of what was written.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The same, for something that the request has made.
    pub(crate) fn made(self, id: Uuid) -> Self {
        Self { id: Some(id), made: true, ..self }
    }
}

impl IntoResponse for Receipt {
    fn into_response(self) -> Response {
        let status = if self.made { StatusCode::CREATED } else { StatusCode::OK };
        let position = [("preau-position", self.position.to_string())];
        (status, position, Json(self)).into_response()
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Write<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let Source::Live(node) = &app.source else { return Err(Refusal::ReadOnly.into()) };
        let node = node.clone();
        let now = node.journal().clock().now();
        let occurred_at = occurred_at(&parts.headers, now)?.unwrap_or(now);
        let key = idempotency_key(&parts.headers)?.map(str::to_owned);
        let what = format!("{} {}\n", parts.method, parts.uri.path());
        let bytes = bytes_of(Request::from_parts(parts, body), app).await?;
        let command = key.map_or_else(new_command_id, |key| {
            command_id(caller.account, &key, &[what.as_bytes(), &bytes].concat())
        });
        let body = read_body(&bytes)?;
        Ok(Self { caller, command, occurred_at, body, node })
    }
}

/// Asks whether the caller may, and reads facts for a command from the tables. A refusal is only
/// given out when the tables have everything that was written before: who has just formed a class
/// may fill it at once.
pub(crate) async fn check<F, R>(
    node: &Node,
    caller: &Caller,
    facts: impl Fn(Guard) -> R,
) -> Result<F, ApiError>
where
    R: Future<Output = Result<F, ApiError>>,
{
    let guard = || Guard::new(caller.clone(), node.db(), None, node.journal().clock().now());
    match facts(guard()).await {
        Err(error) if error.may_be_stale() => {
            node.reach(node.journal().log().head().await?).await?;
            facts(guard()).await
        }
        settled => settled,
    }
}

/// The body of a request, as far as it may be long.
pub(crate) async fn bytes_of(request: Request, app: &App) -> Result<Bytes, ApiError> {
    let bytes = Bytes::from_request(request, app).await;
    bytes.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::from(Refusal::BodyTooLarge),
        _ => ApiError::told(Refusal::MalformedBody, error.body_text()),
    })
}

/// What a body says; who sends nothing sends null. A field that nobody reads is refused: whoever
/// misspells one must learn it.
pub(crate) fn read_body<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    let text = if text.is_empty() { b"null" } else { text };
    let told = |error: serde_json::Error| ApiError::told(Refusal::MalformedBody, error.to_string());
    let mut unread = None;
    let mut json = serde_json::Deserializer::from_slice(text);
    let body = serde_ignored::deserialize(&mut json, |field| {
        unread.get_or_insert_with(|| field.to_string());
    });
    let body = body.map_err(told)?;
    json.end().map_err(told)?;
    match unread {
        None => Ok(body),
        Some(field) => {
            let detail = format!("unknown field `{field}`");
            Err(ApiError::told(Refusal::MalformedBody, detail))
        }
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
    key.map(Some).ok_or(Refusal::MalformedIdempotencyKey.into())
}

fn occurred_at(headers: &HeaderMap, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(value) = headers.get("occurred-at") else { return Ok(None) };
    let instant = value.to_str().ok().and_then(|text| text.parse().ok());
    // A phone's clock may run a little ahead of ours.
    let instant = instant.filter(|at: &DateTime<Utc>| *at <= now + chrono::TimeDelta::minutes(5));
    instant.map(Some).ok_or(Refusal::MalformedOccurredAt.into())
}
