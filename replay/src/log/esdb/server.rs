//! The connection to a server or cluster, and what is done when it is lost.
//!
//! The official client does not come back from everything: one that found nobody at its first question is
//! dead, one whose leader is gone goes on asking it, and its way of writing in batches ends with the first
//! append that is refused. So one task makes sessions, and whoever meets a failure says what is lost.

use std::{sync::Arc, time::Duration};

use kurrentdb::{BatchAppendClient, BatchAppendOptions, Client, Error, Position};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{known::Known, reader};
use crate::{fatal::storage_failed, log::StoreError, place::EsdbUrl};

/// How long one waits for a server that is not there, within the time that a request has.
pub(super) const PATIENCE: Duration = Duration::from_secs(6);

/// How long one attempt to reach it takes at most.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long one waits between two attempts.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How long an answer may take that brings many events.
const READ_MAX: Duration = Duration::from_secs(30);

/// How often a client that was led to another node is asked again.
const LEADS_MAX: u32 = 3;

/// What gRPC calls some answers.
pub(super) mod codes {
    pub(in super::super) const CANCELLED: i32 = 1;
    pub(in super::super) const INVALID: i32 = 3;
    pub(in super::super) const DEADLINE: i32 = 4;
    pub(in super::super) const EXISTS: i32 = 6;
    pub(in super::super) const EXHAUSTED: i32 = 8;
    pub(in super::super) const ABORTED: i32 = 10;
    pub(in super::super) const OUT_OF_RANGE: i32 = 11;
}

/// A server, as far as it can be reached.
pub(super) struct Server {
    state: watch::Sender<State>,
}

struct State {
    session: Option<Session>,
    /// How many sessions there have been.
    sessions: u64,
    lost: Lost,
    /// Why there is none.
    why: String,
    closed: bool,
}

/// A way to the server that has worked.
#[derive(Clone)]
pub(super) struct Session {
    number: u64,
    pub(super) client: Client,
    pub(super) batch: Arc<BatchAppendClient>,
}

/// What of a session is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The batch alone, because an append was refused.
    Batch,
    /// The batch, and perhaps more: the client is to be asked.
    Doubtful,
    /// All.
    Client,
}

impl Server {
    /// A server that answers.
    ///
    /// # Errors
    /// When it does not, within some seconds.
    pub(super) async fn reach(url: &EsdbUrl, known: &Known) -> Result<Self, StoreError> {
        let mut client = None;
        let session = connect(url, known, (&mut client, Lost::Client), 1).await?;
        let why = String::new();
        let state =
            State { session: Some(session), sessions: 1, lost: Lost::Client, why, closed: false };
        Ok(Self { state: watch::Sender::new(state) })
    }

    /// Makes another session whenever the last one is lost, until the log is closed.
    pub(super) async fn keep(self: Arc<Self>, url: EsdbUrl, known: Arc<Known>) {
        let mut state = self.state.subscribe();
        let mut client = state.borrow().session.as_ref().map(|first| first.client.clone());
        loop {
            let (lost, number) = {
                let wanted = |state: &State| state.session.is_none() || state.closed;
                let Ok(state) = state.wait_for(wanted).await else { return };
                if state.closed {
                    return;
                }
                (state.lost, state.sessions + 1)
            };
            match connect(&url, &known, (&mut client, lost), number).await {
                Ok(session) => self.state.send_modify(|state| {
                    (state.session, state.sessions) = (Some(session), number);
                    state.why.clear();
                }),
                Err(error) => {
                    client = None;
                    let why = if let StoreError::Unreachable(why) = error {
                        why
                    } else {
                        error.to_string()
                    };
                    if self.state.borrow().why != why {
                        tracing::warn!(error = why, "the log's server is lost");
                    }
                    self.state.send_modify(|state| (state.lost, state.why) = (Lost::Client, why));
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// A session, waiting for one until an instant.
    ///
    /// # Errors
    /// When there is none by then, or the log was closed.
    pub(super) async fn session(&self, until: Instant) -> Result<Session, StoreError> {
        let mut state = self.state.subscribe();
        let there = state.wait_for(|state| state.session.is_some() || state.closed);
        match timeout_at(until, there).await {
            Ok(Ok(state)) if !state.closed => state.session.clone().ok_or(StoreError::Stopped),
            Ok(_) => Err(StoreError::Stopped),
            Err(_) => Err(StoreError::Unreachable(self.state.borrow().why.clone())),
        }
    }

    /// Says that a session is lost, or a part of it.
    pub(super) fn lost(&self, session: &Session, lost: Lost) {
        self.state.send_if_modified(|state| {
            let current = state.session.as_ref().is_some_and(|is| is.number == session.number);
            if current {
                (state.session, state.lost) = (None, lost);
            }
            current
        });
    }

    /// Asks the server, again if the way to it is lost meanwhile.
    ///
    /// # Errors
    /// When it refuses, or does not answer.
    pub(super) async fn ask<T, Answer>(
        &self,
        question: impl Fn(Client) -> Answer,
    ) -> Result<T, StoreError>
    where
        Answer: Future<Output = Result<T, Error>>,
    {
        let until = Instant::now() + PATIENCE;
        loop {
            let session = self.session(until).await?;
            let error = match timeout(READ_MAX, question(session.client.clone())).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => Error::DeadlineExceeded,
            };
            let Some(lost) = loss(&error) else { return Err(error.into()) };
            tracing::debug!(%error, "the log's server does not answer, asking again");
            self.lost(&session, lost);
            if Instant::now() >= until {
                return Err(error.into());
            }
        }
    }

    /// No session is made or given out any more.
    pub(super) fn close(&self) {
        self.state.send_modify(|state| (state.session, state.closed) = (None, true));
    }
}

/// What an error says of the way to the server; nothing where the server has answered.
pub(super) fn loss(error: &Error) -> Option<Lost> {
    match error {
        Error::NotLeaderException(_) => Some(Lost::Doubtful),
        Error::ServerError(_)
        | Error::ConnectionClosed
        | Error::GrpcConnectionError(_)
        | Error::DeadlineExceeded
        | Error::InternalClientError
        | Error::InitializationError(_)
        | Error::IllegalStateError(_) => Some(Lost::Client),
        Error::Grpc { code, .. } => match *code as i32 {
            codes::CANCELLED | codes::EXHAUSTED | codes::ABORTED => Some(Lost::Client),
            _ => None,
        },
        Error::InternalParsingError(_)
        | Error::AccessDenied
        | Error::ResourceAlreadyExists
        | Error::ResourceNotFound
        | Error::ResourceDeleted
        | Error::UnsupportedFeature
        | Error::WrongExpectedVersion { .. } => None,
    }
}

/// Makes a session, of a client that may still be good or of another, which then stays in `client`.
async fn connect(
    url: &EsdbUrl,
    known: &Known,
    (client, lost): (&mut Option<Client>, Lost),
    number: u64,
) -> Result<Session, StoreError> {
    let attempt = async {
        if lost == Lost::Client {
            *client = None;
        }
        let (own, is_new) = match client.take() {
            Some(own) => (own, false),
            None => (made(url).await?, true),
        };
        if is_new || lost != Lost::Batch {
            stop_if_lost(known, &own).await?;
        }
        let options = BatchAppendOptions::default().requires_leader(true);
        let batch = Arc::new(own.batch_append(&options).await?);
        *client = Some(own.clone());
        Ok(Session { number, client: own, batch })
    };
    match timeout(CONNECT_MAX, attempt).await {
        Ok(Err(StoreError::EventStore(error))) => Err(StoreError::Unreachable(why(&error))),
        Ok(session) => session,
        Err(_) => Err(StoreError::Unreachable("it does not answer".to_owned())),
    }
}

/// A client. It reads certificates from the disk, and takes a file that holds none badly.
async fn made(url: &EsdbUrl) -> Result<Client, StoreError> {
    let settings = url.settings().map_err(|_| wrong("its address"))?;
    let runtime = tokio::runtime::Handle::current();
    let made = tokio::task::spawn_blocking(|| Client::with_runtime_handle(runtime, settings));
    match made.await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(wrong(&format!("a file of its address ({error})"))),
        Err(_) => Err(wrong("the file tlsCaFile of its address")),
    }
}

fn wrong(what: &str) -> StoreError {
    StoreError::Unreachable(format!("{what} cannot be used"))
}

/// Why no session came about, for whoever runs the server. What the client says names no password.
fn why(error: &Error) -> String {
    if let Error::GrpcConnectionError(_) = error {
        "nobody answers there as an EventStoreDB server does".to_owned()
    } else if error.is_access_denied() {
        "it does not let this user read $all".to_owned()
    } else {
        error.to_string()
    }
}

/// Asks where the server's log ends: before it is asked for anything else, what it had acknowledged must
/// still be in it. A server that was put back ends the process: tables and states in memory go further than
/// the log does, and the next start makes them anew.
pub(super) async fn stop_if_lost(
    known: &Known,
    client: &Client,
) -> Result<Option<Position>, Error> {
    let before = known.head();
    let mut led = 0;
    let end = loop {
        match reader::end(client).await {
            // By now the client asks the node that leads.
            Err(Error::NotLeaderException(_)) if led < LEADS_MAX => led += 1,
            end => break end?,
        }
    };
    let at = end.map_or(0, |end| end.commit);
    if at < before {
        let lost = format!("the log ended at {before}, and the server's own ends at {at} now");
        storage_failed("the server of the log", &StoreError::Told(lost));
    }
    Ok(end)
}
