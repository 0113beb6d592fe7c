//! What the server is asked. Each is one question to the leader: a follower may not have yet what was
//! acknowledged.

use bytes::Bytes;
use kurrentdb::{
    AppendToStreamOptions, Client, Error, EventData, Position, ReadAllOptions, ReadEvent,
    ReadStream, ReadStreamOptions, RecordedEvent, StreamPosition, StreamState, SubscriptionFilter,
};

use super::{Placed, event};

/// Where to begin to read the records of all streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// At the first one.
    Start,
    /// At this one, itself included. Never a position that the server has not told.
    At(Position),
}

impl From {
    /// At the record with this position, which is one of our own: those have one number for both.
    pub(super) fn own(position: u64) -> Self {
        match position {
            0 => Self::Start,
            commit => Self::At(Position { commit, prepare: commit }),
        }
    }
}

/// What was read of a stream.
#[derive(Default)]
pub(super) struct OfStream {
    pub(super) events: Vec<Placed>,
    /// The last revision of the whole stream, if the server tells it.
    pub(super) last: Option<u64>,
}

/// At most `max` records of all streams whose names begin like that, from one on.
pub(super) async fn forwards(
    client: &Client,
    names: Option<String>,
    from: From,
    max: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let from = match from {
        From::Start => StreamPosition::Start,
        From::At(position) => StreamPosition::Position(position),
    };
    all(client, names, ReadAllOptions::default().position(from).forwards(), max).await
}

/// The same from the end of the server's log or from before one of our own records on, the last one first.
pub(super) async fn backwards(
    client: &Client,
    names: Option<String>,
    before: Option<u64>,
    max: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let from = match before {
        None => StreamPosition::End,
        Some(commit) => StreamPosition::Position(Position { commit, prepare: commit }),
    };
    all(client, names, ReadAllOptions::default().position(from).backwards(), max).await
}

/// The last record of all, whoever wrote it.
pub(super) async fn end(client: &Client) -> Result<Option<Position>, Error> {
    Ok(backwards(client, None, None, 1).await?.first().map(|last| last.position))
}

/// At most `max` events of a stream, from a revision on.
pub(super) async fn of_stream(
    client: &Client,
    name: String,
    from: u64,
    max: usize,
) -> Result<OfStream, Error> {
    let options = ReadStreamOptions::default().position(StreamPosition::Position(from));
    let options = options.forwards().max_count(max).requires_leader(true);
    let mut found = OfStream::default();
    let mut read = match client.read_stream(name, &options).await {
        Err(Error::ResourceNotFound) => return Ok(found),
        read => read?,
    };
    loop {
        match read.next_read_event().await {
            Ok(Some(ReadEvent::Event(event))) => {
                if let Some(event) = event.event {
                    found.events.push(event::placed(event));
                }
            }
            Ok(Some(ReadEvent::LastStreamPosition(last))) => found.last = Some(last),
            Ok(Some(ReadEvent::FirstStreamPosition(_) | ReadEvent::LastAllStreamPosition(_))) => {}
            Ok(None) => break,
            Err(Error::ResourceNotFound) => return Ok(found),
            Err(error) => return Err(error),
        }
    }
    let last = found.events.last().map(|last| last.revision);
    found.last = found.last.max(last);
    Ok(found)
}

/// The last event of a stream that is none of the log: its revision and what it says.
pub(super) async fn last_of(client: &Client, name: String) -> Result<Option<(u64, Bytes)>, Error> {
    let options = ReadStreamOptions::default().position(StreamPosition::End);
    let options = options.backwards().max_count(1).requires_leader(true);
    let read = match client.read_stream(name, &options).await {
        Ok(read) => collect(read).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(events) => Ok(events.into_iter().next().map(|last| (last.revision, last.data))),
        Err(Error::ResourceNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes one event after a revision of such a stream. Says whether the stream was still there.
pub(super) async fn note(
    client: &Client,
    name: String,
    after: Option<u64>,
    event: EventData,
) -> Result<bool, Error> {
    let expected = after.map_or(StreamState::NoStream, StreamState::StreamRevision);
    let options = AppendToStreamOptions::default().stream_state(expected).requires_leader(true);
    match client.append_to_stream(name, &options, event).await {
        Ok(_) => Ok(true),
        Err(Error::WrongExpectedVersion { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn all(
    client: &Client,
    names: Option<String>,
    options: ReadAllOptions,
    max: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let mut options = options.max_count(max).requires_leader(true);
    if let Some(prefix) = names {
        options = options.filter(SubscriptionFilter::on_stream_name().add_prefix(prefix));
    }
    collect(client.read_all(&options).await?).await
}

async fn collect(mut read: ReadStream) -> Result<Vec<RecordedEvent>, Error> {
    let mut events = Vec::new();
    while let Some(event) = read.next().await? {
        events.extend(event.event);
    }
    Ok(events)
}
