//! An append: how it is asked for, what becomes of it, and how that is told.

use std::collections::HashMap;

use bytes::Bytes;
use prost::{Message, Name};
use prost_types::Any;
use tonic::Status;
use uuid::Uuid;

use super::{
    faults::Fault,
    protocol::{
        event_store::client::{
            AllStreamPosition, BadRequest, MaximumAppendSizeExceeded, Uuid as WireId,
            WrongExpectedVersion,
            streams::{
                AppendResp, BatchAppendReq, BatchAppendResp, append_req, append_resp,
                batch_append_req::options::ExpectedStreamPosition, batch_append_resp,
            },
            uuid::Value,
            wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption},
        },
        google::rpc,
    },
    records::{APPEND_MAX_BYTES, Expected, Proposed, Written, WrongVersion},
    serving::Connection,
    streams::{name, not_leader},
};

/// What somebody asks to append.
pub(super) struct Append {
    stream: String,
    pub(super) expected: Expected,
    events: Vec<Proposed>,
}

/// What becomes of it.
pub(super) enum Outcome {
    Written(Written),
    WrongVersion(WrongVersion),
    TooLarge,
    BadRequest(String),
    /// The test has marked one of its events.
    Marked,
}

impl Append {
    /// What a batch asks for.
    ///
    /// # Errors
    ///
    /// What is missing or wrong in it.
    pub(super) fn of_batch(batch: BatchAppendReq) -> Result<Self, String> {
        let options = batch.options.ok_or("options")?;
        if !batch.is_final {
            return Err("the double takes no append in several parts".to_owned());
        }
        let expected = match options.expected_stream_position.ok_or("expected position")? {
            ExpectedStreamPosition::StreamPosition(revision) => Expected::Revision(revision),
            ExpectedStreamPosition::NoStream(()) => Expected::NoStream,
            ExpectedStreamPosition::Any(()) => Expected::Any,
            ExpectedStreamPosition::StreamExists(()) => Expected::Exists,
        };
        let events = batch
            .proposed_messages
            .into_iter()
            .map(|told| proposed(told.id, told.metadata, told.custom_metadata, told.data));
        let stream = name(options.stream_identifier.as_ref())?;
        Ok(Self { stream, expected, events: events.collect::<Result<_, _>>()? })
    }

    /// What the parts of a single append ask for.
    ///
    /// # Errors
    ///
    /// What is missing or wrong in them.
    pub(super) fn of_parts(
        options: &append_req::Options,
        parts: impl Iterator<Item = append_req::Content>,
    ) -> Result<Self, String> {
        use append_req::{Content, options::ExpectedStreamRevision};
        let expected = match options.expected_stream_revision.ok_or("expected revision")? {
            ExpectedStreamRevision::Revision(revision) => Expected::Revision(revision),
            ExpectedStreamRevision::NoStream(()) => Expected::NoStream,
            ExpectedStreamRevision::Any(()) => Expected::Any,
            ExpectedStreamRevision::StreamExists(()) => Expected::Exists,
        };
        let events = parts.map(|part| match part {
            Content::Options(_) => Err("options come once".to_owned()),
            Content::ProposedMessage(told) => {
                proposed(told.id, told.metadata, told.custom_metadata, told.data)
            }
        });
        let stream = name(options.stream_identifier.as_ref())?;
        Ok(Self { stream, expected, events: events.collect::<Result<_, _>>()? })
    }
}

impl Connection {
    /// Appends, unless something is to go wrong.
    ///
    /// # Errors
    ///
    /// When another node leads. That ends a whole connection of batches, as in the real server.
    pub(super) async fn append_events(
        &self,
        append: Append,
        requires_leader: bool,
    ) -> Result<Outcome, Status> {
        let faults = &self.shared.faults;
        faults.writes.pass().await;
        // A follower hands on what it is sent, unless it is told not to.
        if requires_leader && !self.leads() {
            return Err(not_leader(self.shared.leader_port()));
        }
        let mut torn_after = false;
        let mut first = None;
        match faults.next() {
            Some(Fault::NotLeader) => return Err(not_leader(self.shared.leader_port())),
            Some(Fault::CutBefore) => self.cut().await,
            Some(Fault::CutAfter) => torn_after = true,
            Some(Fault::WrittenFirst(events)) => first = Some(events),
            None => {}
        }
        if faults.refused(&append.events) {
            return Ok(Outcome::Marked);
        }
        if append.events.iter().map(Proposed::size).sum::<usize>() > APPEND_MAX_BYTES {
            return Ok(Outcome::TooLarge);
        }
        let outcome = self.write(append, first);
        if torn_after {
            self.cut().await;
        }
        Ok(outcome)
    }

    /// Writes, `first` what somebody else had to say.
    fn write(&self, append: Append, first: Option<Vec<Proposed>>) -> Outcome {
        let mut records = self.shared.records.lock().unwrap();
        if let Some(first) = first {
            let refused = first.is_empty();
            let written = records.append(&append.stream, Expected::Any, first).unwrap();
            if refused {
                return Outcome::WrongVersion(WrongVersion { actual: written.revision });
            }
        }
        match records.append(&append.stream, append.expected, append.events) {
            Ok(written) => Outcome::Written(written),
            Err(wrong) => Outcome::WrongVersion(wrong),
        }
    }
}

/// How a batch is answered.
pub(super) fn batch_answer(outcome: Outcome, expected: Option<Expected>) -> BatchAppendResp {
    use batch_append_resp::{
        Result as Answer, Success,
        success::{CurrentRevisionOption, PositionOption},
    };
    let answer = match outcome {
        Outcome::Written(Written { revision, position }) => Answer::Success(Success {
            current_revision_option: Some(revision.map_or(
                CurrentRevisionOption::NoStream(()),
                CurrentRevisionOption::CurrentRevision,
            )),
            position_option: Some(position.map_or(PositionOption::NoPosition(()), |position| {
                PositionOption::Position(AllStreamPosition {
                    commit_position: position,
                    prepare_position: position,
                })
            })),
        }),
        Outcome::WrongVersion(wrong) => Answer::Error(error(
            rpc::Code::AlreadyExists,
            "WrongExpectedVersion",
            &wrong_version(wrong, expected),
        )),
        Outcome::TooLarge => Answer::Error(error(
            rpc::Code::InvalidArgument,
            "MaximumAppendSizeExceeded",
            &MaximumAppendSizeExceeded { max_append_size: APPEND_MAX_BYTES as u32 },
        )),
        Outcome::BadRequest(message) => {
            Answer::Error(error(rpc::Code::InvalidArgument, "BadRequest", &BadRequest { message }))
        }
        Outcome::Marked => Answer::Error(rpc::Status {
            code: rpc::Code::Internal.into(),
            message: "InternalError".to_owned(),
            details: None,
        }),
    };
    BatchAppendResp { result: Some(answer), ..Default::default() }
}

/// How a single append is answered.
///
/// # Errors
///
/// What is no answer, but a failed call.
pub(super) fn one_answer(outcome: Outcome, expected: Expected) -> Result<AppendResp, Box<Status>> {
    use append_resp::{
        Position, Result as Answer, Success, WrongExpectedVersion as Wrong,
        success::{CurrentRevisionOption, PositionOption},
        wrong_expected_version::{
            CurrentRevisionOption as Current, ExpectedRevisionOption as Told,
        },
    };
    let answer = match outcome {
        Outcome::Written(Written { revision, position }) => Answer::Success(Success {
            current_revision_option: Some(revision.map_or(
                CurrentRevisionOption::NoStream(()),
                CurrentRevisionOption::CurrentRevision,
            )),
            position_option: Some(position.map_or(PositionOption::NoPosition(()), |position| {
                PositionOption::Position(Position {
                    commit_position: position,
                    prepare_position: position,
                })
            })),
        }),
        Outcome::WrongVersion(wrong) => Answer::WrongExpectedVersion(Wrong {
            current_revision_option: Some(
                wrong.actual.map_or(Current::CurrentNoStream(()), Current::CurrentRevision),
            ),
            expected_revision_option: Some(match expected {
                Expected::Any => Told::ExpectedAny(()),
                Expected::NoStream => Told::ExpectedNoStream(()),
                Expected::Exists => Told::ExpectedStreamExists(()),
                Expected::Revision(revision) => Told::ExpectedRevision(revision),
            }),
        }),
        Outcome::TooLarge => {
            return Err(Status::invalid_argument("Maximum Append Size of 1048576 Exceeded.").into());
        }
        Outcome::BadRequest(why) => return Err(Status::invalid_argument(why).into()),
        Outcome::Marked => return Err(Status::internal("InternalError").into()),
    };
    Ok(AppendResp { result: Some(answer) })
}

fn proposed(
    id: Option<WireId>,
    mut told: HashMap<String, String>,
    metadata: Bytes,
    data: Bytes,
) -> Result<Proposed, String> {
    let id = match id.and_then(|id| id.value).ok_or("id")? {
        Value::Structured(bits) => Uuid::from_u64_pair(
            bits.most_significant_bits.cast_unsigned(),
            bits.least_significant_bits.cast_unsigned(),
        ),
        Value::String(text) => text.parse().map_err(|_| "id")?,
    };
    let kind = told.remove("type").ok_or("type")?;
    let content_type = told.remove("content-type").ok_or("content-type")?;
    Ok(Proposed { id, kind, content_type, metadata, data })
}

fn wrong_version(wrong: WrongVersion, expected: Option<Expected>) -> WrongExpectedVersion {
    use CurrentStreamRevisionOption as Current;
    use ExpectedStreamPositionOption as Told;
    WrongExpectedVersion {
        current_stream_revision_option: Some(
            wrong.actual.map_or(Current::CurrentNoStream(()), Current::CurrentStreamRevision),
        ),
        expected_stream_position_option: expected.map(|expected| match expected {
            Expected::Any => Told::ExpectedAny(()),
            Expected::NoStream => Told::ExpectedNoStream(()),
            Expected::Exists => Told::ExpectedStreamExists(()),
            Expected::Revision(revision) => Told::ExpectedStreamPosition(revision),
        }),
    }
}

fn error<M: Message + Name>(code: rpc::Code, message: &str, details: &M) -> rpc::Status {
    // A message whose length is known always fits into memory that grows.
    let details = Any::from_msg(details).ok();
    rpc::Status { code: code.into(), message: message.to_owned(), details }
}
