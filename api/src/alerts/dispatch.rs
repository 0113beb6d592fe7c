//! The dispatcher: looks at the alerts that fall due, has their messages sent, and asks the office to call
//! where a home is not reached.
//!
//! It is told of alerts by the tables and remembers when to look at each again. What it does is decided
//! by the log: whoever claims a message sends it, so that several dispatchers may run, on one node or
//! on many. A rebuild or a replay asks nobody to send anything; what it does not do is look at the past:
//! an alert whose half-day is over is not sent.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::{
    PersonId, RunId,
    alerts::{AlertCommand, AlertId, CORRECTED_WITHIN, message::Channel, plan::Plan},
};
use projections::{
    alerts::{AlertRow, changed_after, from_day},
    families::of_students,
};
use replay::Node;
use reqwest::Url;
use strum::VariantArray as _;
use tokio::{
    sync::watch,
    task::{self, JoinSet},
};
use uuid::Uuid;

use super::{
    counted::Counted, letter::Sender, links::Links, queue::Queue, recipients::told,
    watched::Watched,
};
use crate::{
    channels::{Channels, Ease},
    metrics::Counters,
};

/// How long another dispatcher is given to claim what it has begun to.
const CLAIMED_WITHIN: TimeDelta = TimeDelta::seconds(1);

/// How often it is asked whether those who wait for a channel are still to be told.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(2);

/// How often the tables are asked what has changed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// When to look again at an alert that another dispatcher was faster with, or whose log failed.
const LOOK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);

/// Changes that are read at once.
const CHANGES_MAX: u32 = 1_000;

/// Looks at alerts and sends their messages.
pub struct Dispatcher {
    node: Node,
    sender: Sender,
    watched: Watched,
    queue: Queue,
    /// The last change that was seen.
    seen: u64,
    looked_at: DateTime<Utc>,
    /// When it last asked whether those who wait for a channel are still to be told.
    asked_at: DateTime<Utc>,
    /// Messages on the way, each ending with the position of the last word written about it.
    on_the_way: JoinSet<Option<u64>>,
    /// What each is about.
    about: HashMap<task::Id, Vec<AlertId>>,
    heartbeat: Heartbeat,
    counted: Counted,
}

/// When a dispatcher last looked. Cheap to clone; one that never looks has none.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat {
    looked_micros: Arc<AtomicI64>,
    oldest_micros: Arc<AtomicI64>,
}

impl Dispatcher {
    /// A dispatcher of a node, that sends by these channels links to this address. What it finds
    /// in the tables of the last days it takes up.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn new(node: Node, channels: Channels, public_url: &Url) -> anyhow::Result<Self> {
        let journal = node.journal().clone();
        let links = Links::new(&journal, public_url);
        let run = RunId(Uuid::now_v7());
        let sender = Sender { journal, channels, links, run, counters: Counters::default() };
        let (watched, heartbeat) = (Watched::default(), Heartbeat::default());
        let on_the_way = JoinSet::new();
        let mut new = Self {
            node,
            sender,
            watched,
            queue: Queue::default(),
            seen: 0,
            looked_at: DateTime::UNIX_EPOCH,
            asked_at: DateTime::UNIX_EPOCH,
            on_the_way,
            about: HashMap::new(),
            heartbeat,
            counted: Counted::default(),
        };
        new.take_up().await?;
        Ok(new)
    }

    /// When it last looked.
    pub fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.sender.counters.clone()
    }

    /// Runs until it is told to stop; messages on the way are then waited for.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.look().await {
                tracing::error!(error = format!("{error:#}"), "the dispatcher cannot look");
            }
            tokio::select! {
                Some(sent) = self.on_the_way.join_next_with_id() => {
                    self.arrived(sent);
                    while let Some(sent) = self.on_the_way.try_join_next_with_id() {
                        self.arrived(sent);
                    }
                    self.depart();
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
                stopped = stop.changed() => if stopped.is_err() { break },
            }
        }
        while self.on_the_way.join_next().await.is_some() {}
    }

    /// Looks, and waits for all messages, until nothing is left to do at this moment.
    ///
    /// # Errors
    /// When the tables or the log cannot be read.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        loop {
            let head = self.node.journal().log().head().await?;
            self.node.reach(head).await?;
            self.look().await?;
            if self.on_the_way.is_empty() {
                return Ok(());
            }
            while let Some(sent) = self.on_the_way.join_next_with_id().await {
                self.arrived(sent);
            }
        }
    }

    /// Takes up what was raised before, by whomever.
    async fn take_up(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        let first = first_day(now);
        // What changes meanwhile is read again as a change.
        self.seen = self.node.folded();
        let rows = from_day(&self.node.db(), first).await?;
        // These were counted when they were raised, by whoever ran then.
        self.counted.meet(&rows, first);
        self.take(rows, now).await
    }

    /// Looks at what has changed and what falls due, and sets messages on their way.
    async fn look(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        if now < self.looked_at {
            // The clock was set back: what seemed too late may be in time.
            self.take_up().await?;
        }
        self.looked_at = now;
        loop {
            let rows = changed_after(&self.node.db(), self.seen, CHANGES_MAX).await?;
            let Some(last) = rows.last().map(|row| row.changed) else { break };
            let (raised, calls) = self.counted.meet(&rows, first_day(now));
            self.sender.counters.raised(raised);
            self.sender.counters.calls_asked(calls);
            self.take(rows, now).await?;
            // Not before: what could not be taken is read again.
            self.seen = last;
        }
        self.ask_otherwise(now);
        if now >= self.asked_at + ASK_EVERY || now < self.asked_at {
            self.asked_at = now;
            // Whoever waits for a channel may not be told any more: sending was stopped, a judgment came.
            for alert in self.queue.waiting() {
                self.watched.look_again(alert, Some(now));
            }
        }
        let due = self.watched.due(now);
        if !due.is_empty() {
            self.plan(due, now).await?;
        }
        self.depart();
        self.heartbeat.beats(now, self.watched.oldest_unsent(now));
        Ok(())
    }

    async fn take(&mut self, rows: Vec<AlertRow>, now: DateTime<Utc>) -> anyhow::Result<()> {
        let students: Vec<PersonId> = rows.iter().map(|row| row.student.person()).collect();
        let mut families: HashMap<PersonId, Vec<PersonId>> = HashMap::new();
        for known in of_students(&self.node.db(), &students).await? {
            let student = known.guardian.student.person();
            families.entry(student).or_default().push(known.guardian.guardian);
        }
        for row in rows {
            let family = families.get(&row.student.person()).cloned().unwrap_or_default();
            self.watched.take(row, family, now);
        }
        Ok(())
    }

    /// Has those looked at again who have waited for long for a channel that is left in peace.
    fn ask_otherwise(&mut self, now: DateTime<Utc>) {
        for channel in Channel::VARIANTS.iter().copied() {
            let about = match self.sender.channels.ease(channel) {
                Ease::Rests => self.queue.keep_back(channel, now),
                // Somebody has to try.
                Ease::MayTry if self.queue.waits_for(channel) => continue,
                Ease::MayTry | Ease::Works => self.queue.let_go(channel),
            };
            for alert in about {
                self.watched.look_again(alert, Some(now));
            }
        }
    }

    /// Decides what is done about each, and has it wait for its channel.
    async fn plan(&mut self, due: Vec<AlertRow>, now: DateTime<Utc>) -> anyhow::Result<()> {
        let ids: Vec<AlertId> = due.iter().map(AlertRow::id).collect();
        let told = match told(&self.node.db(), &self.sender.channels, &ids, now).await {
            Ok(told) => told,
            Err(error) => {
                // Nothing is forgotten: they are looked at again.
                ids.iter().for_each(|id| self.watched.look_again(*id, Some(now)));
                return Err(error.into());
            }
        };
        for row in &due {
            self.queue.withdraw(row.id());
            let Some(known) = told.get(&row.id()) else {
                self.watched.look_again(row.id(), None);
                continue;
            };
            let Plan { send, escalate, look_again } =
                row.sheet.plan(&known.recipients, self.queue.kept_back(), known.may_send, now);
            // Only that a student is away is a matter of safety; what is wrong with it can wait.
            let quiet_until = row.sheet.cancelled.and(known.school.quiet_until(now));
            let (send, look_again) = match quiet_until {
                Some(until) if !send.is_empty() => (Vec::new(), Some(until)),
                Some(_) | None => (send, look_again),
            };
            let mut fresh = send.iter().filter(|next| next.begun.is_none()).peekable();
            let siblings = match fresh.peek() {
                Some(_) => self.watched.siblings_due(row, now),
                None => None,
            };
            let run = self.sender.run;
            let claimed =
                fresh.any(|next| self.watched.siblings_are_claimed(row.id(), (next.to, run), now));
            let siblings = siblings.or(claimed.then_some(now + CLAIMED_WITHIN));
            let send = if siblings.is_some() { Vec::new() } else { send };
            let look_again = look_again.into_iter().chain(siblings).min();
            if let Some(why) = escalate {
                self.escalate(row.id(), AlertCommand::Escalate { why });
            }
            // While it waits it is not forgotten; when it has arrived, it is looked at at once.
            let waits = (!send.is_empty()).then_some(row.sheet.until);
            self.watched.look_again(row.id(), look_again.or(waits));
            for next in send {
                self.queue.put(row, known, next, now);
            }
        }
        Ok(())
    }

    /// Sets on their way whatever messages there is a place for.
    fn depart(&mut self) {
        for channel in Channel::VARIANTS.iter().copied() {
            while self.queue.waits_for(channel) {
                let Some(place) = self.sender.channels.place(channel) else { break };
                let Some(letter) = self.queue.next(channel) else { break };
                let about: Vec<AlertId> = letter.about.keys().copied().collect();
                let sender = self.sender.clone();
                self.begin(about, async move { sender.send(letter, place).await });
            }
        }
    }

    fn escalate(&mut self, alert: AlertId, command: AlertCommand) {
        let sender = self.sender.clone();
        self.begin(vec![alert], async move {
            let escalated = sender.give(alert, command).await;
            if let Err(error) = &escalated {
                tracing::error!(%error, "the office could not be asked to call");
            }
            escalated.ok()
        });
    }

    fn begin(
        &mut self,
        about: Vec<AlertId>,
        what: impl Future<Output = Option<u64>> + Send + 'static,
    ) {
        about.iter().for_each(|id| self.watched.begin(*id));
        let task = self.on_the_way.spawn(what);
        self.about.insert(task.id(), about);
    }

    fn arrived(&mut self, sent: Result<(task::Id, Option<u64>), task::JoinError>) {
        let (id, written) = sent.unwrap_or_else(|error| {
            // Whatever it claimed is sent again when the claim has run out.
            tracing::error!("sending a message failed halfway");
            (error.id(), None)
        });
        let (now, about) = (self.now(), self.about.remove(&id).unwrap_or_default());
        let look_at = if written.is_some() { now } else { now + LOOK_AGAIN_AFTER };
        for alert in about {
            self.watched.end(alert, written.unwrap_or_default(), look_at);
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.sender.journal.clock().now()
    }
}

/// The first day of which something may still have to be done, in any zone.
fn first_day(now: DateTime<Utc>) -> NaiveDate {
    (now - CORRECTED_WITHIN).date_naive() - Days::new(1)
}

impl Heartbeat {
    fn beats(&self, now: DateTime<Utc>, oldest_unsent: Option<DateTime<Utc>>) {
        self.looked_micros.store(now.timestamp_micros(), Ordering::Relaxed);
        let oldest = oldest_unsent.map_or(0, |due| due.timestamp_micros());
        self.oldest_micros.store(oldest, Ordering::Relaxed);
    }

    /// How long ago it looked; nothing if it never did.
    pub fn age(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        since(&self.looked_micros, now)
    }

    /// How long ago the oldest alert fell due that nobody was told of, nor the office asked to call;
    /// nothing if there is none.
    pub fn oldest_unsent(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        since(&self.oldest_micros, now)
    }
}

fn since(micros: &AtomicI64, now: DateTime<Utc>) -> Option<TimeDelta> {
    let micros = micros.load(Ordering::Relaxed);
    let at = DateTime::from_timestamp_micros(micros).filter(|_| micros != 0)?;
    Some((now - at).max(TimeDelta::zero()))
}
