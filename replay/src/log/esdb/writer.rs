//! Appending. Many appends are on the way at once, those to one stream one after the other.
//!
//! The server decides: an append names the revision that it follows. It knows a retry by the ids of its
//! events, which follow from their content ([`super::event`]); what it refuses is judged by reading what is
//! there, as on the other engines. Where it is known before that an append is not where its stream stands, it
//! is not sent: the first refusal ends the batch that all others are in, which then have to be sent again.

use std::{sync::Arc, time::Duration};

use domain::Stream;
use kurrentdb::{BatchWriteResult, Error, EventData, StreamState};
use moka::sync::Cache;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, timeout},
};

use super::{
    event::{self, Names},
    known::Known,
    reader,
    server::{Lost, PATIENCE, Server, Session, codes, loss},
};
use crate::log::{
    AppendError, Appended, Expected, StoreError, StreamAppend,
    group::{first_revision, judge},
};

/// Appends that may be on the way; further callers wait for a place.
const FLIGHTS_MAX: u32 = 1_024;

/// Streams that somebody may be waiting for.
const TURNS_MAX: u64 = 50_000;

/// How long an append may take to be answered before nobody knows what became of it.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How often an append is sent again of which the server says that it failed.
const FAILURES_MAX: u32 = 2;

/// What the client says to whoever was in a batch that has ended.
const BATCH_ENDED: &str = "Batch-append stream has been closed";

/// What appends share.
pub(super) struct Writer {
    server: Arc<Server>,
    names: Names,
    known: Arc<Known>,
    flights: Semaphore,
    turns: Cache<Stream, Arc<Mutex<()>>>,
}

/// An append on its way.
struct Flight {
    asked: StreamAppend,
    events: Vec<EventData>,
    /// Where the log ended when it was asked for: what is further is new.
    end: u64,
    /// Whether it was sent without an answer.
    in_doubt: bool,
    /// Whether it may still be on its way to the server. Not so when just the batch ended that it was in, and
    /// the server has answered about it since.
    astray: bool,
    failures: u32,
    until: Instant,
}

/// What came of sending it.
enum Sent {
    /// It is over.
    Answered(Result<Appended, AppendError>),
    /// It is not where its stream stands.
    Elsewhere,
    /// It is to be sent again.
    Again,
    /// The server has failed at it more than once.
    Failed(Error),
}

impl Writer {
    pub(super) fn new(server: &Arc<Server>, names: &Names, known: &Arc<Known>) -> Self {
        Self {
            server: Arc::clone(server),
            names: names.clone(),
            known: Arc::clone(known),
            flights: Semaphore::new(FLIGHTS_MAX as usize),
            turns: Cache::new(TURNS_MAX),
        }
    }

    /// Appends all events or none.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub(super) async fn append(&self, asked: StreamAppend) -> Result<Appended, AppendError> {
        let _flight = self.flights.acquire().await.map_err(|_| StoreError::Stopped)?;
        let turn = self.turns.get_with(asked.stream, Arc::default);
        let _turn = turn.lock().await;
        let events = event::proposed(&asked.events)?;
        let (end, until) = (self.known.head(), Instant::now() + PATIENCE);
        let (in_doubt, astray, failures) = (false, false, 0);
        let flight = Flight { asked, events, end, in_doubt, astray, failures, until };
        self.fly(flight).await
    }

    /// Waits until every append is answered, and lets nobody append any more.
    pub(super) async fn close(&self) {
        if self.flights.acquire_many(FLIGHTS_MAX).await.is_ok() {
            self.close_now();
        }
    }

    /// Lets nobody append.
    pub(super) fn close_now(&self) {
        self.flights.close();
    }

    async fn fly(&self, mut flight: Flight) -> Result<Appended, AppendError> {
        let first = first_revision(flight.asked.expected);
        loop {
            if self.known.next(flight.asked.stream).is_some_and(|next| first < next) {
                return self.judge(&flight).await;
            }
            let session = match self.server.session(flight.until).await {
                Ok(session) => session,
                Err(_) if flight.in_doubt => return Err(AppendError::Unknown),
                Err(error) => return Err(error.into()),
            };
            match self.send(&mut flight, &session).await {
                Sent::Answered(answer) => return answer,
                Sent::Elsewhere => return self.judge(&flight).await,
                Sent::Failed(error) => return self.judge_failed(&flight, error).await,
                Sent::Again if Instant::now() < flight.until => {}
                Sent::Again => return Err(AppendError::Unknown),
            }
        }
    }

    /// Sends it once.
    async fn send(&self, flight: &mut Flight, session: &Session) -> Sent {
        let StreamAppend { stream, expected, .. } = flight.asked;
        let state = match expected {
            Expected::NoStream => StreamState::NoStream,
            Expected::Revision(last) => StreamState::StreamRevision(last),
        };
        let name = self.names.of(stream);
        let sent = session.batch.append_to_stream(name, state, flight.events.clone());
        let error = match timeout(ANSWER_MAX, sent).await {
            Ok(Ok(written)) => return self.acknowledged(flight, &written).await,
            Ok(Err(error)) => error,
            Err(_) => Error::DeadlineExceeded,
        };
        let Some(code) = code_of_one(&error) else {
            // All that were on the way together are told so, whichever of them it was about.
            let lost = of_all(&error);
            flight.in_doubt = true;
            flight.astray |= lost == Lost::Client;
            self.server.lost(session, lost);
            return Sent::Again;
        };
        self.server.lost(session, Lost::Batch);
        match code {
            codes::EXISTS => Sent::Elsewhere,
            codes::DEADLINE => {
                (flight.in_doubt, flight.astray) = (true, true);
                Sent::Again
            }
            _ => {
                flight.failures += 1;
                if flight.failures < FAILURES_MAX { Sent::Again } else { Sent::Failed(error) }
            }
        }
    }

    /// The server says that it is written: now, or long ago.
    async fn acknowledged(&self, flight: &Flight, written: &BatchWriteResult) -> Sent {
        let StreamAppend { stream, expected, ref events } = flight.asked;
        let last = first_revision(expected) + events.len() as u64 - 1;
        let position = written.current_position().map(|position| position.commit);
        match position.filter(|position| *position > flight.end) {
            Some(position) if written.current_revision() == Some(last) => {
                self.known.has(stream, last);
                self.known.reached(position);
                Sent::Answered(Ok(Appended { position, revision: last, deduplicated: false }))
            }
            // It says so of a retry.
            Some(_) | None => Sent::Elsewhere,
        }
    }

    /// Reads what is where it should be, and says what that makes of it.
    async fn judge(&self, flight: &Flight) -> Result<Appended, AppendError> {
        let (stream, many) = (flight.asked.stream, flight.asked.events.len());
        let first = first_revision(flight.asked.expected);
        let read = self.server.ask(|client| {
            let name = self.names.of(stream);
            async move { reader::of_stream(&client, name, first, many).await }
        });
        // Whoever is in doubt asks again; what was asked once more may have been written before.
        let mut there = read.await.map_err(|_| AppendError::Unknown)?;
        let due = first..first.saturating_add(many as u64);
        there.events.retain(|event| due.contains(&event.revision));
        if let Some(last) = there.last {
            self.known.has(stream, last);
        }
        let mut written = judge(&flight.asked, &there.events, there.last)?;
        self.known.reached(written.position);
        // Its own first attempt, of which no answer came.
        written.deduplicated = !flight.in_doubt || written.position <= flight.end;
        Ok(written)
    }

    /// The same, where the server says that it has failed: if nothing else is there, that is the answer.
    async fn judge_failed(&self, flight: &Flight, error: Error) -> Result<Appended, AppendError> {
        let before = match flight.asked.expected {
            Expected::NoStream => None,
            Expected::Revision(last) => Some(last),
        };
        match self.judge(flight).await {
            Err(AppendError::Conflict { actual, .. }) if actual == before => {
                if flight.astray {
                    Err(AppendError::Unknown)
                } else {
                    Err(refused(error))
                }
            }
            judged => judged,
        }
    }
}

fn refused(error: Error) -> AppendError {
    AppendError::Store(error.into())
}

/// What the server answers about one append, unless it has not answered.
fn code_of_one(error: &Error) -> Option<i32> {
    if let Error::Grpc { code, .. } = error
        && loss(error).is_none()
    {
        Some(*code as i32)
    } else {
        None
    }
}

/// What is lost when all that were on the way are told the same.
fn of_all(error: &Error) -> Lost {
    if let Error::ServerError(why) = error
        && why.contains(BATCH_ENDED)
    {
        // Perhaps only because another append was refused.
        return Lost::Doubtful;
    }
    loss(error).unwrap_or(Lost::Client)
}
