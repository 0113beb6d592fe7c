//! Destroying old events, as far as a client can: the server shows those before a revision no more (`$tb`, in
//! the metadata of each stream), and gives their room back when it is next scavenged.
//!
//! Until then it still hands them out to whoever reads all streams. So it is written down, in a stream of its
//! own, up to where the log was pruned, and nothing up to there is shown.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use kurrentdb::EventData;
use serde_json::{Map, Value};

use super::{
    event::Names,
    known::Known,
    reader::{self, From},
    server::Server,
};
use crate::log::StoreError;

/// Events destroyed in one step.
const PRUNED_MAX: usize = 1_000;

/// The parameter of a stream that says which of its events is the first that is shown.
const TRUNCATE_BEFORE: &str = "$tb";

/// How the stream's own mark is called.
const UPTO: &str = "upto";

/// Up to which position the log was pruned.
pub(super) async fn upto(server: &Server, names: &Names) -> Result<u64, StoreError> {
    let last = server.ask(|client| {
        let name = names.pruned();
        async move { reader::last_of(&client, name).await }
    });
    Ok(last.await?.map_or(0, |(_, says)| said(&says)))
}

/// What the mark says.
pub(super) fn said(mark: &[u8]) -> u64 {
    number(&object(mark), UPTO)
}

/// Destroys the oldest events, up to a position. Says whether there may be more of them.
pub(super) async fn prune(
    server: &Server,
    names: &Names,
    known: &Known,
    upto: u64,
) -> Result<bool, StoreError> {
    let after = known.pruned();
    let read = server.ask(|client| {
        let own = Some(names.prefix());
        async move { reader::forwards(&client, own, From::own(after), PRUNED_MAX).await }
    });
    let records = read.await?;
    let more = records.len() == PRUNED_MAX;
    let old = |position: u64| position > after && position <= upto;
    let (mut last, mut streams) = (after, HashMap::new());
    for record in records.iter().filter(|record| old(record.position.commit)) {
        last = record.position.commit;
        streams.insert(record.stream_id(), record.revision);
    }
    if last == after {
        return Ok(false);
    }
    let truncated = streams.into_iter().map(|(stream, revision)| {
        let metadata = format!("$${stream}");
        raise(server, metadata, ("$metadata", TRUNCATE_BEFORE), revision + 1)
    });
    try_join_all(truncated).await?;
    // Only now: what is before the mark is not looked at again.
    raise(server, names.pruned(), ("AccessLogPruned", UPTO), last).await?;
    known.prune(last);
    let young = records.iter().any(|record| record.position.commit > upto);
    Ok(more && !young)
}

/// Sees to it that the last event of a stream says at least so much, and what it said besides.
async fn raise(
    server: &Server,
    name: String,
    (kind, parameter): (&'static str, &'static str),
    to: u64,
) -> Result<(), StoreError> {
    loop {
        let done = server.ask(|client| {
            let name = name.clone();
            async move {
                let last = reader::last_of(&client, name.clone()).await?;
                let mut says = last.as_ref().map(|(_, says)| object(says)).unwrap_or_default();
                if last.is_some() && number(&says, parameter) >= to {
                    return Ok(true);
                }
                says.insert(parameter.to_owned(), to.into());
                let event = EventData::json(kind, &says);
                let event = event
                    .map_err(|error| kurrentdb::Error::InternalParsingError(error.to_string()))?;
                let after = last.map(|(revision, _)| revision);
                reader::note(&client, name, after, event).await
            }
        });
        if done.await? {
            return Ok(());
        }
    }
}

fn object(says: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(says).unwrap_or_default()
}

fn number(says: &Map<String, Value>, parameter: &str) -> u64 {
    says.get(parameter).and_then(Value::as_u64).unwrap_or(0)
}
