//! Running the reactions: what follows of itself from an event is executed once the tables know it.
//!
//! The runner may begin again anywhere before: its commands have ids that follow from the event and
//! the stream, and a line knows the revision it follows, so that a second run in the order of the
//! log, on the same tables, changes nothing. Its checkpoint is therefore only
//! a saving, a small file beside the tables.

mod counting;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use domain::{
    AccountId, CommandId, Consequence, Event, Recorded, SchoolYear, Stream, Streamed, StudentId,
    alerts::Alert, attendance::Attendance, follow_file, followups::FollowUp, react,
    rollcalls::RollCallEvent,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Act, ExecuteError, Journal, follow::Tables, journal::Unreadable, log::Filter};

/// The file of the data folder that says how far reactions have run.
pub(crate) const CHECKPOINT: &str = "reactions.position";

const PAGE_EVENTS: usize = 500;
/// Streams whose events are reacted to at once.
const STREAMS_AT_ONCE: usize = 32;

const LOOK_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How far reactions have run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reacted {
    /// What follows of the events up to here is in the log.
    pub upto: u64,
    /// The last position that a reaction has written.
    pub wrote: u64,
}

/// Executes what follows from the events of the log.
pub(crate) struct Reactor {
    journal: Journal,
    tables: Tables,
    checkpoint: PathBuf,
    reacted: watch::Sender<Reacted>,
}

impl Reactor {
    /// A runner that begins where the one before it stopped.
    pub(crate) async fn open(
        journal: Journal,
        tables: Tables,
        folder: &Path,
    ) -> anyhow::Result<(Self, watch::Receiver<Reacted>)> {
        let checkpoint = folder.join(CHECKPOINT);
        let head = journal.log().head().await?;
        // A log restored from a backup may end before the checkpoint.
        let upto = read_checkpoint(&checkpoint)?.min(head);
        let (reacted, watch) = watch::channel(Reacted { upto, wrote: head });
        Ok((Self { journal, tables, checkpoint, reacted }, watch))
    }

    /// Runs until it is told to stop. A failure is logged and tried again.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut wake = self.journal.log().wake();
        while !*stop.borrow() {
            // The tables may stop before they show what a step waits for. Half a step is begun again.
            let stepped = tokio::select! {
                stepped = self.step() => stepped,
                _ = stop.changed() => return,
            };
            let pause = match stepped {
                Ok(true) => LOOK_EVERY,
                Ok(false) => continue,
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "a reaction failed");
                    RETRY_AFTER
                }
            };
            tokio::select! {
                woken = wake.changed() => if woken.is_err() { return },
                stopped = stop.changed() => if stopped.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Reacts to a page of events. Says whether there was nothing more to react to.
    ///
    /// What follows from the events of one stream is executed in their order, that of different streams
    /// at once: their commits share a write to the disk.
    async fn step(&self) -> anyhow::Result<bool> {
        let Reacted { upto, wrote } = *self.reacted.borrow();
        let page = self.journal.read_all(upto, PAGE_EVENTS, Filter::default()).await?;
        let mut by_stream: BTreeMap<Stream, Vec<&Recorded>> = BTreeMap::new();
        for recorded in page.entries.iter().filter_map(|entry| entry.as_ref().ok()) {
            by_stream.entry(recorded.header.stream).or_default().push(recorded);
        }
        let mut each = Vec::with_capacity(by_stream.len());
        for events in by_stream.into_values() {
            each.push(self.react_in_order(events));
        }
        let all = stream::iter(each).buffer_unordered(STREAMS_AT_ONCE);
        let wrote = all.try_fold(wrote, async |last, wrote| Ok(last.max(wrote))).await?;
        if page.next > upto {
            self.reacted.send_replace(Reacted { upto: page.next, wrote });
            write_checkpoint(&self.checkpoint, page.next)?;
        }
        Ok(page.caught_up)
    }

    async fn react_in_order(&self, events: Vec<&Recorded>) -> anyhow::Result<u64> {
        let mut wrote = 0;
        for recorded in events {
            wrote = wrote.max(self.react(recorded).await?);
        }
        Ok(wrote)
    }

    /// Executes what follows from one event. Answers the last position that shows it.
    async fn react(&self, recorded: &Recorded) -> anyhow::Result<u64> {
        let mut each = Vec::new();
        for consequence in self.consequences(recorded).await? {
            each.push(self.execute(recorded, consequence));
        }
        let all = stream::iter(each).buffer_unordered(STREAMS_AT_ONCE);
        all.try_fold(0, async |last, wrote| Ok(last.max(wrote))).await
    }

    async fn consequences(&self, recorded: &Recorded) -> anyhow::Result<Vec<Consequence>> {
        match &recorded.event {
            Event::RollCall(_, event) => self.of_roll_call(recorded, event).await,
            Event::Attendance(student, year, _) => {
                let file = (*student, *year);
                self.of_file(recorded, file).await
            }
            Event::School(..) | Event::Class(..) | Event::Timetable(..) => {
                self.of_lessons(recorded).await
            }
            Event::FollowUp(id, event) => self.of_follow_up(recorded, *id, event).await,
            Event::Person(..)
            | Event::Family(..)
            | Event::Document(..)
            | Event::Alert(..)
            | Event::Account(..)
            | Event::Access(..)
            | Event::Erased(_) => Ok(Vec::new()),
        }
    }

    /// A roll call goes into the files of its students.
    async fn of_roll_call(
        &self,
        recorded: &Recorded,
        event: &RollCallEvent,
    ) -> anyhow::Result<Vec<Consequence>> {
        self.tables.reach(recorded.position).await;
        let db = self.tables.db();
        let school = projections::schools::sheet(&db, recorded.header.school).await?;
        let course = projections::timetable::course(&db, event.called().course).await?;
        let (Some(school), Some(course)) = (school, course) else {
            let position = recorded.position;
            tracing::error!(position, "a roll call has no school or course: nothing follows");
            return Ok(Vec::new());
        };
        Ok(react(recorded, &school, &course.sheet.subject))
    }

    /// What a file says of an absence is told to the family, and counts. The state that is read holds the
    /// whole of what was written with the event: an absence that is explained at once raises nothing.
    async fn of_file(
        &self,
        recorded: &Recorded,
        file: (StudentId, SchoolYear),
    ) -> anyhow::Result<Vec<Consequence>> {
        let read = self.journal.state_of::<Attendance>(file, recorded.header.revision).await;
        let (state, revision) = match read {
            Err(error) if error.is::<Unreadable>() => {
                tracing::error!(position = recorded.position, %error, "a file cannot be read");
                return Ok(Vec::new());
            }
            read => read?,
        };
        self.tables.reach(recorded.position).await;
        let school = projections::schools::sheet(&self.tables.db(), recorded.header.school).await?;
        let Some(school) = school else { return Ok(Vec::new()) };
        let now = self.journal.clock().now();
        let alert = follow_file(recorded, &school, (&state, revision), now);
        let mut consequences = self.of_line(recorded, file, &school, now).await?;
        consequences.extend(alert);
        Ok(consequences)
    }

    async fn execute(&self, recorded: &Recorded, asked: Consequence) -> anyhow::Result<u64> {
        match asked {
            Consequence::Attendance { student, year, command } => {
                self.give::<Attendance>(recorded, (student, year), command).await
            }
            Consequence::Alert { alert, command } => {
                self.give::<Alert>(recorded, alert, command).await
            }
            Consequence::FollowUp { follow_up, command } => {
                self.give::<FollowUp>(recorded, follow_up, command).await
            }
        }
    }

    async fn give<A>(
        &self,
        recorded: &Recorded,
        id: A::Id,
        command: A::Command,
    ) -> anyhow::Result<u64>
    where
        A: Streamed<Services = (), Command: Clone, Error: Send + Sync> + Clone + 'static,
    {
        let act = follow_up(recorded, &A::stream(id).to_string());
        match self.journal.execute::<A>(id, command, &act).await {
            Ok(done) => Ok(done.position),
            // The file was erased: the law is stronger than the rule that would write in it.
            Err(ExecuteError::Refused(rule)) => {
                tracing::warn!(position = recorded.position, %rule, "a reaction is refused");
                Ok(0)
            }
            // One file that cannot be read holds up no other; its events are listed as parked.
            Err(ExecuteError::Store(error)) if error.is::<Unreadable>() => {
                tracing::error!(position = recorded.position, %error, "a file cannot be read");
                Ok(0)
            }
            Err(error) => Err(error).context("executing what follows of an event"),
        }
    }
}

/// Préau acts because of an event, at the time of that event.
fn follow_up(recorded: &Recorded, stream: &str) -> Act {
    let header = &recorded.header;
    Act {
        school: header.school,
        actor: AccountId::PREAU,
        command: CommandId(Uuid::new_v5(&header.id.0, stream.as_bytes())),
        correlation: header.correlation,
        causation: Some(header.id),
        occurred_at: header.occurred_at,
    }
}

fn read_checkpoint(path: &Path) -> anyhow::Result<u64> {
    match std::fs::read_to_string(path) {
        // It is only a saving: whoever cannot read it begins at the beginning.
        Ok(text) => Ok(text.trim().parse().unwrap_or(0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn write_checkpoint(path: &Path, position: u64) -> io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, position.to_string())?;
    std::fs::rename(new, path)
}
