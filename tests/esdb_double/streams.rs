//! The service that reads and appends. Subscriptions are left out: nobody here subscribes.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use regex::Regex;
use tonic::{Code, Request, Response, Status, Streaming, metadata::MetadataMap};
use uuid::Uuid;

use super::{
    appends::{self, Append, Outcome},
    protocol::event_store::client::{
        StreamIdentifier, Uuid as WireId,
        streams::{
            AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, ReadReq, ReadResp, append_req,
            read_req::options::{
                CountOption, FilterOption, ReadDirection, StreamOption, StreamOptions,
                all_options::AllOption,
                filter_options::{Expression, Filter},
                stream_options::RevisionOption,
                uuid_option,
            },
            read_resp::{
                Content, ReadEvent, StreamNotFound,
                read_event::{Position, RecordedEvent},
            },
            streams_server::Streams,
        },
        uuid::{Structured, Value},
    },
    records::{From, InvalidPosition, Stored, StreamRead, Wanted},
    serving::Connection,
};

/// So many appends of one connection may wait for their answers.
const UNANSWERED: usize = 64;

type Matches = Box<dyn Fn(&str) -> bool + Send>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Streams for Connection {
    type ReadStream = Answers<ReadResp>;

    async fn read(&self, asked: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        if requires_leader(asked.metadata()) && !self.leads() {
            return Err(not_leader(self.shared.leader_port()));
        }
        let answers = self.answers(asked.into_inner()).map_err(Status::invalid_argument)?;
        self.shared.faults.answers.pass().await;
        Ok(Response::new(stream::iter(answers).map(Ok).boxed()))
    }

    async fn append(
        &self,
        asked: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        let requires_leader = requires_leader(asked.metadata());
        let parts: Vec<AppendReq> = asked.into_inner().try_collect().await?;
        let mut parts = parts.into_iter().filter_map(|part| part.content);
        let Some(append_req::Content::Options(options)) = parts.next() else {
            return Err(Status::invalid_argument("options"));
        };
        let append = Append::of_parts(&options, parts).map_err(Status::invalid_argument)?;
        let expected = append.expected;
        let outcome = self.append_events(append, requires_leader).await?;
        self.shared.faults.answers.pass().await;
        appends::one_answer(outcome, expected).map(Response::new).map_err(|failed| *failed)
    }

    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn batch_append(
        &self,
        asked: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let requires_leader = requires_leader(asked.metadata());
        let (here, there) = (self.clone(), self.clone());
        let answers = asked
            .into_inner()
            .and_then(move |batch| here.clone().append_batch(batch, requires_leader))
            .map(move |answer| {
                let answers = there.shared.faults.answers.clone();
                async move {
                    answers.pass().await;
                    answer
                }
            })
            .buffered(UNANSWERED);
        let mut answers = answers.boxed();
        // The real server's headers leave with its first answer, or say at once that there is none.
        let first = answers.next().await.transpose()?;
        Ok(Response::new(stream::iter(first.map(Ok)).chain(answers).boxed()))
    }
}

impl Connection {
    async fn append_batch(
        self,
        batch: BatchAppendReq,
        requires_leader: bool,
    ) -> Result<BatchAppendResp, Status> {
        let correlation_id = batch.correlation_id.clone();
        let identifier = batch.options.as_ref().and_then(|told| told.stream_identifier.clone());
        let (outcome, expected) = match Append::of_batch(batch) {
            Ok(append) => {
                let expected = append.expected;
                (self.append_events(append, requires_leader).await?, Some(expected))
            }
            Err(why) => (Outcome::BadRequest(why), None),
        };
        let mut answer = appends::batch_answer(outcome, expected);
        (answer.correlation_id, answer.stream_identifier) = (correlation_id, identifier);
        Ok(answer)
    }

    /// What is read, or what is missing or wrong in how it was asked for.
    fn answers(&self, asked: ReadReq) -> Result<Vec<ReadResp>, String> {
        let options = asked.options.ok_or("options")?;
        let forwards = options.read_direction() == ReadDirection::Forwards;
        let count = match options.count_option.ok_or("count")? {
            CountOption::Count(count) => count,
            CountOption::Subscription(_) => return Err("the double serves no subscription".into()),
        };
        let as_text = matches!(
            options.uuid_option.and_then(|told| told.content),
            Some(uuid_option::Content::String(()))
        );
        let told = |events: Vec<Arc<Stored>>| -> Vec<ReadResp> {
            events.iter().map(|event| content(Content::Event(told(event, as_text)))).collect()
        };
        match options.stream_option.ok_or("stream")? {
            StreamOption::Stream(asked) => {
                let Some(read) = self.of_stream(&asked, forwards, count)? else {
                    let stream_identifier = asked.stream_identifier;
                    let nothing = Content::StreamNotFound(StreamNotFound { stream_identifier });
                    return Ok(vec![content(nothing)]);
                };
                let mut answers = told(read.events);
                answers.push(content(Content::LastStreamPosition(read.last)));
                Ok(answers)
            }
            StreamOption::All(asked) => {
                let from = match asked.all_option.ok_or("position")? {
                    AllOption::Position(at) if at.prepare_position > at.commit_position => {
                        return Err("a prepare after its commit".into());
                    }
                    // What clients call the end.
                    AllOption::Position(at) if at.commit_position == u64::MAX => From::End,
                    AllOption::Position(at) => From::At(at.commit_position),
                    AllOption::Start(()) => From::Start,
                    AllOption::End(()) => From::End,
                };
                let wanted = wanted(options.filter_option)?;
                let records = self.shared.records.lock().unwrap();
                let read = records.all(from, forwards, count, &wanted);
                let invalid = |InvalidPosition| "Trying to read from an invalid position.";
                Ok(told(read.map_err(invalid)?))
            }
        }
    }

    fn of_stream(
        &self,
        asked: &StreamOptions,
        forwards: bool,
        count: u64,
    ) -> Result<Option<StreamRead>, String> {
        let name = name(asked.stream_identifier.as_ref())?;
        let from = match asked.revision_option.ok_or("revision")? {
            RevisionOption::Revision(revision) => From::At(revision),
            RevisionOption::Start(()) => From::Start,
            RevisionOption::End(()) => From::End,
        };
        Ok(self.shared.records.lock().unwrap().stream(&name, from, forwards, count))
    }
}

/// What the server says when another node leads: clients find that one by it.
pub(super) fn not_leader(port: usize) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("exception", "not-leader".parse().unwrap());
    metadata.insert("leader-endpoint-host", "127.0.0.1".parse().unwrap());
    metadata.insert("leader-endpoint-port", port.to_string().parse().unwrap());
    Status::with_metadata(Code::NotFound, "Leader info available", metadata)
}

/// The name of a stream, or what is wrong with it.
pub(super) fn name(told: Option<&StreamIdentifier>) -> Result<String, String> {
    let told = told.ok_or("stream name")?;
    String::from_utf8(told.stream_name.to_vec()).map_err(|_| "stream name".into())
}

/// An id, as text or as two numbers.
pub(super) fn wire_id(id: Uuid, as_text: bool) -> WireId {
    let (most, least) = id.as_u64_pair();
    let value = if as_text {
        Value::String(id.to_string())
    } else {
        Value::Structured(Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        })
    };
    WireId { value: Some(value) }
}

fn told(stored: &Stored, as_text: bool) -> ReadEvent {
    let event = &stored.event;
    let metadata = [
        ("type", event.kind.clone()),
        ("content-type", event.content_type.clone()),
        ("created", stored.ticks.to_string()),
    ];
    let recorded = RecordedEvent {
        id: Some(wire_id(event.id, as_text)),
        stream_identifier: Some(StreamIdentifier {
            stream_name: stored.stream.as_bytes().to_vec().into(),
        }),
        stream_revision: stored.revision,
        prepare_position: stored.position,
        commit_position: stored.position,
        metadata: metadata.map(|(key, value)| (key.to_owned(), value)).into(),
        custom_metadata: event.metadata.clone(),
        data: event.data.clone(),
    };
    let position = Some(Position::CommitPosition(stored.position));
    ReadEvent { event: Some(recorded), link: None, position }
}

fn wanted(filter: Option<FilterOption>) -> Result<Wanted, String> {
    let Some(FilterOption::Filter(filter)) = filter else { return Ok(Box::new(|_| true)) };
    Ok(match filter.filter.ok_or("filter")? {
        Filter::StreamIdentifier(names) => {
            let matches = matches(names)?;
            Box::new(move |event| matches(&event.stream))
        }
        Filter::EventType(kinds) => {
            let matches = matches(kinds)?;
            Box::new(move |event| matches(&event.event.kind))
        }
    })
}

/// The expression, or without one the prefixes: never both.
fn matches(wanted: Expression) -> Result<Matches, String> {
    if wanted.regex.is_empty() {
        let prefixes = wanted.prefix;
        return Ok(Box::new(move |name| prefixes.iter().any(|prefix| name.starts_with(prefix))));
    }
    let regex = Regex::new(&wanted.regex).map_err(|wrong| wrong.to_string())?;
    Ok(Box::new(move |name| regex.is_match(name)))
}

fn requires_leader(told: &MetadataMap) -> bool {
    told.get("requires-leader").is_some_and(|told| told.as_bytes().eq_ignore_ascii_case(b"true"))
}

fn content(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}
