//! Executing a command: the state of its stream, the decision, the sealed events, the append.
//!
//! Commands for one stream go one after the other within a process. Other processes may write too:
//! an append that finds the stream elsewhere reads what is new and decides again, and a decision
//! that would change nothing, or refuse, is only given out when the log has nothing newer.
//!
//! A request that is sent again is recognised by its command id among the latest of its stream, and
//! is answered as it was. Rules that look beyond one stream are checked before, not here.

mod states;
#[cfg(test)]
mod tests;

use anyhow::Context;
use chrono::{DateTime, Utc};
use cqrs_es::{DomainEvent, event_sink::EventSink};
use domain::{AccountId, CommandId, Event, EventId, Header, SchoolYear, Streamed, Uai};

pub(crate) use states::States;
use states::{Answered, Known};

use crate::{
    clock::whole_micros,
    header,
    journal::Journal,
    log::{AppendError, Appended, Expected, NewEvent, StreamAppend},
    seal,
};

const ATTEMPTS_MAX: u32 = 5;
const UNKNOWN_RETRIES_MAX: u32 = 3;

/// Who asks for a command, where, when, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// The school in whose life it happens.
    pub school: Uai,
    /// Who does it.
    pub actor: AccountId,
    /// The request; see [`fn@crate::command_id`]. At most one command a stream may have it.
    pub command: CommandId,
    /// The request that everything of this chain goes back to.
    pub correlation: CommandId,
    /// The event that this is a consequence of.
    pub causation: Option<EventId>,
    /// When it happened, which may be before it was asked.
    pub occurred_at: DateTime<Utc>,
}

impl Act {
    /// What goes back to nothing but its own request.
    pub fn new(
        school: Uai,
        actor: AccountId,
        command: CommandId,
        occurred_at: DateTime<Utc>,
    ) -> Self {
        Self { school, actor, command, correlation: command, causation: None, occurred_at }
    }
}

/// What a command led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Whoever has read up to here sees what the command did, or found already done.
    pub position: u64,
    /// The last revision of the stream that the command knew; none when there is no stream.
    pub revision: Option<u64>,
    /// Whether events came of it, now or when it was first asked.
    pub changed: bool,
    /// Whether it had been executed before.
    pub repeated: bool,
    /// How many events came of it now.
    pub appended: usize,
}

/// Why a command was not executed. `E` are the rules of its feature.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error + 'static> {
    /// A rule forbids it.
    #[error("refused")]
    Refused(#[source] E),
    /// Others kept writing the same stream. Nothing was written; asking again may succeed.
    #[error("the stream changed each time that it was decided on")]
    Conflict,
    /// The caller's key names another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// It may have been written or not; asking again with the same command id is safe.
    #[error("it is not known whether the command was executed")]
    Unknown,
    /// Reading or writing failed. Nothing was written.
    #[error("the log or the vault failed")]
    Store(#[from] anyhow::Error),
}

impl Journal {
    /// Executes a command on one aggregate, and answers once its events are on the disk.
    ///
    /// # Errors
    /// See [`ExecuteError`].
    pub async fn execute<A>(
        &self,
        id: A::Id,
        command: A::Command,
        act: &Act,
    ) -> Result<Done, ExecuteError<A::Error>>
    where
        A: Streamed<Services = (), Command: Clone> + Clone + 'static,
    {
        let slot = self.states().slot::<A>(A::stream(id));
        let mut known = slot.lock().await;
        let mut newest = known.revision.is_none();
        if newest {
            self.catch_up(id, &mut known).await?;
        }
        for _ in 0..ATTEMPTS_MAX {
            match known.answered(act.command) {
                Answered::Never => {}
                Answered::Before(done) => return Ok(done),
                Answered::ForOtherRequest => return Err(ExecuteError::KeyReused),
            }
            match decide(&known, command.clone()).await {
                Ok(events) if !events.is_empty() => {
                    let now = self.clock().now().max(known.recorded_at);
                    let append = self.prepare::<A>(id, known.revision, &events, (act, now)).await?;
                    match self.append(append).await {
                        Ok(appended) => {
                            return Ok(known.advance(events, act.command, appended.position, now));
                        }
                        Err(AppendError::Conflict { .. } | AppendError::OtherContent { .. }) => {}
                        Err(AppendError::Unknown) => return Err(ExecuteError::Unknown),
                        Err(error @ AppendError::Store(_)) => {
                            return Err(ExecuteError::Store(error.into()));
                        }
                    }
                }
                settled if newest => {
                    return settled.map(|_| known.unchanged()).map_err(ExecuteError::Refused);
                }
                Ok(_) | Err(_) => {}
            }
            self.catch_up(id, &mut known).await?;
            newest = true;
        }
        // What it holds led nowhere: the next command reads the stream from its beginning.
        *known = Known::default();
        Err(ExecuteError::Conflict)
    }

    /// The state of one aggregate at `revision` or later, and the last revision that it knows.
    pub(crate) async fn state_of<A>(&self, id: A::Id, revision: u64) -> anyhow::Result<(A, u64)>
    where
        A: Streamed + Clone + 'static,
    {
        let slot = self.states().slot::<A>(A::stream(id));
        let mut known = slot.lock().await;
        if known.revision.is_none_or(|known| known < revision) {
            self.catch_up(id, &mut known).await?;
        }
        Ok((known.state.clone(), known.revision.unwrap_or_default()))
    }

    /// Applies what was written since.
    async fn catch_up<A: Streamed>(&self, id: A::Id, known: &mut Known<A>) -> anyhow::Result<()> {
        let stream = A::stream(id);
        loop {
            let (entries, more) = self.history_page(stream, known.next_revision()).await?;
            for entry in entries {
                known.follow(entry?).with_context(|| format!("reading {stream}"))?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// The events as bytes, sealed, to come after revision `last`.
    async fn prepare<A: Streamed>(
        &self,
        id: A::Id,
        last: Option<u64>,
        events: &[A::Event],
        (act, recorded_at): (&Act, DateTime<Utc>),
    ) -> anyhow::Result<StreamAppend> {
        let stream = A::stream(id);
        let mut prepared = Vec::with_capacity(events.len());
        let next = last.map_or(0, |revision| revision + 1);
        for (n, own) in events.iter().enumerate() {
            let header = Header {
                stream,
                revision: next + u64::try_from(n)?,
                id: EventId::of(act.command, n),
                kind: own.event_type(),
                version: own.event_version().parse()?,
                school: act.school,
                recorded_at,
                occurred_at: whole_micros(act.occurred_at),
                actor: act.actor,
                command: act.command,
                correlation: act.correlation,
                causation: act.causation,
                key: None,
            };
            prepared.push(self.sealed(&A::event(id, own.clone()), header).await?);
        }
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        Ok(StreamAppend { stream, expected, events: prepared })
    }

    /// An event as bytes, sealed under the key of its dossier, which is written into its envelope.
    pub(crate) async fn sealed(
        &self,
        event: &Event,
        mut header: Header,
    ) -> anyhow::Result<NewEvent> {
        let year = SchoolYear::containing(header.occurred_at.date_naive());
        let key = match event.dossier(header.school, year) {
            Some(dossier) => Some(self.vault().key_for(dossier).await?),
            None => None,
        };
        header.key = key.as_ref().map(|(id, _)| *id);
        let (id, header) = (header.id, header::encode(&header)?);
        let content = event.payload()?;
        let payload = match key {
            Some((_, key)) => seal::seal(&key, &header, &content)?,
            None => content.into(),
        };
        Ok(NewEvent { id, header, payload })
    }

    /// Appends; tries the very same bytes again while nobody can say what became of them.
    pub(crate) async fn append(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        let mut outcome = self.log().append(append.clone()).await;
        for _ in 0..UNKNOWN_RETRIES_MAX {
            if !matches!(outcome, Err(AppendError::Unknown)) {
                break;
            }
            outcome = match self.log().append(append.clone()).await {
                // That it was not written now says nothing of the time before.
                Err(AppendError::Store(_)) => Err(AppendError::Unknown),
                known => known,
            };
        }
        outcome
    }
}

/// What the rules make of the command, in the state that is known.
async fn decide<A>(known: &Known<A>, command: A::Command) -> Result<Vec<A::Event>, A::Error>
where
    A: Streamed<Services = ()> + Clone,
{
    let sink = EventSink::default();
    known.state.clone().handle(command, &(), &sink).await?;
    Ok(sink.collect().await)
}
