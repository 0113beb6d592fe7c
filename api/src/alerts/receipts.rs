//! Receipts: what an SMS gateway says later of a message that it took. It calls an address that only it knows.
//!
//! A receipt names its message by what the gateway has called it; all else that it holds is dropped. One that
//! comes before the gateway's first answer was written down is waited with for a moment, and then answered
//! as one about nothing, so that the gateway comes again.

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, RawQuery, Request, State},
    http::StatusCode,
    routing::get,
};
use domain::{
    AccountId, MessageId, RunId,
    alerts::{
        Alert, AlertCommand, AlertId,
        message::{Answer, Channel, Why},
    },
};
use projections::alerts::of_reference;
use replay::{Act, ExecuteError, Node, new_command_id};
use uuid::Uuid;

use crate::{
    App, Source,
    channels::Receipt,
    error::{ApiError, Refusal},
    reading::At,
    writing::bytes_of,
};

/// A receipt is a few hundred letters.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// How long what a gateway has called a message may take to be written down.
const KNOWN_WITHIN: Duration = Duration::from_secs(3);

/// The address that a gateway calls.
pub(crate) fn doors() -> Router<App> {
    Router::new()
        .route("/receipts/sms/{secret}", get(take).post(take))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
}

async fn take(
    State(app): State<App>,
    At(secret): At<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let receipts = app.receipts.as_ref().filter(|receipts| receipts.are_told_with(&secret));
    let (Some(receipts), Source::Live(node)) = (receipts, &app.source) else {
        return Err(Refusal::NoSuchAddress.into());
    };
    let body = bytes_of(request, &app).await?;
    let Some((reference, receipt)) = receipts.read(&query.unwrap_or_default(), &body) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let Some((message, alerts)) = about(node, &reference).await? else {
        if let Some(counters) = &app.counters {
            counters.unknown_receipt();
        }
        return Err(Refusal::NoSuchAddress.into());
    };
    let answer = match receipt {
        Receipt::Delivered => Answer::Delivered,
        Receipt::Undeliverable => Answer::Undeliverable { why: Why::UnknownRecipient },
    };
    let mut written = 0;
    for alert in alerts {
        written += record(node, alert, message, &answer).await?;
    }
    if let Some(counters) = app.counters.filter(|_| written > 0) {
        counters.answered(Channel::Sms, &answer);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The message that a gateway calls so, and the alerts that it speaks of; nothing if none is known in time,
/// or more than one.
async fn about(
    node: &Node,
    reference: &str,
) -> Result<Option<(MessageId, Vec<AlertId>)>, ApiError> {
    let known = async {
        loop {
            if let Some(found) = of_reference(&node.db(), Channel::Sms, reference).await? {
                return Ok(Some(found));
            }
            let head = node.journal().log().head().await?;
            if node.folded() >= head {
                node.reach(head.saturating_add(1)).await?;
            } else {
                node.reach(head).await?;
            }
        }
    };
    tokio::time::timeout(KNOWN_WITHIN, known).await.unwrap_or(Ok(None))
}

/// Writes down what a receipt says; how many events came of it.
async fn record(
    node: &Node,
    alert: AlertId,
    message: MessageId,
    answer: &Answer,
) -> Result<usize, ApiError> {
    let command_id = new_command_id();
    let act = Act::new(alert.school, AccountId::PREAU, command_id, node.journal().clock().now());
    // It comes under nobody's claim: it speaks of what was taken.
    let (run, answer) = (RunId(Uuid::nil()), answer.clone());
    let command = AlertCommand::RecordAnswer { message, run, answer };
    match node.journal().execute::<Alert>(alert, command, &act).await {
        Ok(done) => Ok(done.appended),
        // Erased since: nothing is said of it any more.
        Err(ExecuteError::Refused(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
