//! That the board has changed, or one's own alerts, as server-sent events: a position and nothing else, so that
//! a browser reads again with `min_position`, and that read is decided and written down like any other.
//!
//! A stream ends when whoever opened it may no longer see what it is about, which is asked before each event
//! and some seconds after the last; and at once when the server stops, since a server waits for its answers.
//! The time that a request may take does not end it: that is the time until an answer begins.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use domain::{AccountId, Uai, access::Action};
use futures_util::stream::unfold;
use projections::alerts::board::changed;
use replay::Node;
use tokio::{sync::watch, time::sleep};

use super::own::Heard;
use crate::{
    App, Source,
    access::Guard,
    caller::Caller,
    error::{ApiError, Problem, Refusal},
    reading::{At, Reading},
};

/// A stream tells at most one change in so long: at eight, a whole school calls the roll.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// How often it is asked whether whoever listens still may.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// How often something is sent though nothing has changed, so that what lies between keeps it open.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Streams of one account and kind: some windows on some machines.
const OF_ACCOUNT_MAX: usize = 8;

/// Streams of a node and kind.
const OPEN_MAX: usize = 2_000;

/// What browsers send when they open a stream again: the last event that they have had.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Asks a proxy to pass events on as they come.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// The streams that are open on a node. Cheap to clone; whoever ends them ends them for all.
#[derive(Clone, Debug)]
pub struct Streams {
    open: Arc<Mutex<HashMap<(Kind, AccountId), usize>>>,
    ended: watch::Sender<bool>,
}

/// Kinds of streams: however many families listen, they take no place from an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Office,
    Family,
}

/// A stream that is counted as open.
struct Open {
    streams: Streams,
    of: (Kind, AccountId),
}

/// What somebody listens to.
enum Watched {
    /// The board of a school.
    Board(Uai),
    /// Their own alerts.
    Own(Heard),
}

/// Somebody who listens.
struct Listening {
    node: Node,
    watched: Watched,
    caller: Caller,
    folded: watch::Receiver<u64>,
    ended: watch::Receiver<bool>,
    /// What they know: the id of the last event that they have had.
    known: Option<String>,
    /// Whether it was looked at.
    looked: bool,
    _open: Open,
}

/// Tells that the board of a school has changed: events `changed`, each with a position to read the board
/// with. The first is told at once, unless a browser that lost the connection has had it.
#[utoipa::path(get, path = "/schools/{school}/board/changes", tag = "alerts",
    params(("school" = String, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn follow_board(
    State(app): State<App>,
    At(school): At<Uai>,
    headers: HeaderMap,
    reading: Reading,
) -> Result<Response, ApiError> {
    reading.guard.school(school, Action::ReadBoard).await?;
    listen(&app, &headers, &reading, Watched::Board(school))
}

/// Tells that one's own alerts have changed: events `changed`, each with a position to read them with. The
/// first is told at once, unless a browser that lost the connection has had it.
#[utoipa::path(get, path = "/account/alerts/changes", tag = "account",
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn follow_own_alerts(
    State(app): State<App>,
    headers: HeaderMap,
    reading: Reading,
) -> Result<Response, ApiError> {
    reading.guard.own(Action::OwnAccount).await?;
    let person = reading.guard.person().ok_or(Refusal::UnknownPerson)?;
    if Heard::by(person).look(&reading.guard).await?.is_none() {
        return Err(reading.guard.no_family(Action::ReadAlerts));
    }
    listen(&app, &headers, &reading, Watched::Own(Heard::by(person)))
}

fn listen(
    app: &App,
    headers: &HeaderMap,
    reading: &Reading,
    watched: Watched,
) -> Result<Response, ApiError> {
    let Source::Live(node) = &app.source else { return Err(Refusal::NoSuchAddress.into()) };
    if reading.as_of.is_some() {
        return Err(ApiError::told(Refusal::MalformedQuery, "a past day does not change"));
    }
    let caller = reading.guard.caller.clone();
    let had = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let listening = Listening {
        folded: node.following(),
        ended: app.streams.ended.subscribe(),
        known: had.map(str::to_owned),
        looked: false,
        _open: app.streams.open((watched.kind(), caller.account))?,
        watched,
        caller,
        node: node.clone(),
    };
    let events = Sse::new(unfold(listening, Listening::next));
    let events = events.keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY));
    Ok(([(header::CACHE_CONTROL, "no-store"), UNBUFFERED], events).into_response())
}

impl Streams {
    /// Ends all streams, and each that is opened from now on.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    fn open(&self, of: (Kind, AccountId)) -> Result<Open, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = open.get(&of).copied().unwrap_or_default();
        let of_kind: usize =
            open.iter().filter(|((kind, _), _)| *kind == of.0).map(|of| of.1).sum();
        if of_account >= OF_ACCOUNT_MAX || of_kind >= OPEN_MAX {
            return Err(Refusal::TooBusy);
        }
        open.insert(of, of_account + 1);
        Ok(Open { streams: self.clone(), of })
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self { open: Arc::default(), ended: watch::Sender::new(false) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        let left = open.get(&self.of).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            open.remove(&self.of);
        } else {
            open.insert(self.of, left);
        }
    }
}

impl Listening {
    /// The next change; none when the stream is over.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if self.looked {
                self.something_happens().await?;
            }
            self.looked = true;
            let (id, position) = match self.look().await {
                Ok(Some(seen)) => seen,
                Ok(None) => return None,
                Err(error) => {
                    tracing::error!(?error, "a stream cannot be gone on with");
                    return None;
                }
            };
            if self.known.as_ref() != Some(&id) {
                let event = Event::default().event("changed").id(&id).data(position.to_string());
                self.known = Some(id);
                return Some((Ok(event), self));
            }
        }
    }

    /// Waits until there may be something to tell, or it is time to ask; none when the server stops.
    async fn something_happens(&mut self) -> Option<()> {
        let Self { folded, ended, .. } = self;
        let changed = async {
            sleep(TELL_EVERY).await;
            folded.changed().await.ok()
        };
        let ended = async { ended.wait_for(|ended| *ended).await.map_or((), |_| ()) };
        tokio::select! {
            () = ended => None,
            changed = changed => changed,
            () = sleep(ASK_EVERY) => Some(()),
        }
    }

    /// What tells what is listened to from what it was, and a position to read it with; nothing if whoever
    /// listens is not signed in any more, or may not see it. To listen is no use of a session: one that
    /// nobody uses ends all the same.
    async fn look(&mut self) -> Result<Option<(String, u64)>, ApiError> {
        let (now, account) = (self.node.journal().clock().now(), self.caller.account);
        if let Some(session) = self.caller.session {
            let open = self.node.access().sessions_of(account, now);
            if !open.iter().any(|known| known.id == session) {
                return Ok(None);
            }
        }
        let guard = Guard::new(self.caller.clone(), self.node.db(), None, now);
        match &mut self.watched {
            Watched::Board(school) => {
                if guard.school(*school, Action::ReadBoard).await.is_err() {
                    return Ok(None);
                }
                let changed = changed(&guard.db, *school).await?;
                Ok(Some((changed.to_string(), changed)))
            }
            Watched::Own(heard) => {
                let seen = heard.look(&guard).await?;
                // A place in the log beyond the alerts': where they stand themselves tells when the other home
                // has done something.
                let seen = seen.map(|(id, at)| (id.to_owned(), at.max(self.node.folded())));
                Ok(seen)
            }
        }
    }
}

impl Watched {
    fn kind(&self) -> Kind {
        match self {
            Self::Board(_) => Kind::Office,
            Self::Own(_) => Kind::Family,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::PersonId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_account_opens_some_streams_and_a_node_has_an_end() {
        let streams = Streams::default();
        let account = |n: u128| (Kind::Family, AccountId::of(PersonId(Uuid::from_u128(n))));
        let mut open: Vec<Open> =
            (0..OF_ACCOUNT_MAX).map(|_| streams.open(account(0)).unwrap()).collect();
        assert_eq!(streams.open(account(0)).err(), Some(Refusal::TooBusy));
        open.pop();
        open.push(streams.open(account(0)).unwrap());
        let others = (OF_ACCOUNT_MAX as u128..OPEN_MAX as u128).map(account);
        open.extend(others.map(|account| streams.open(account).unwrap()));
        assert_eq!(streams.open(account(u128::MAX)).err(), Some(Refusal::TooBusy));
        open.push(streams.open((Kind::Office, account(0).1)).unwrap());
        drop(open);
        assert!(streams.open.lock().unwrap().is_empty());
    }
}
