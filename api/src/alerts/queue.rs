//! Messages that wait for their channel to have room, or to be asked again: nothing is claimed meanwhile, and
//! the alerts they speak of are looked at as ever.
//!
//! First come, first served, by each channel. Looked at again, an alert is withdrawn from its messages, and put
//! back into those that are still to be sent, which keep their turn.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    MessageId, PersonId, StudentId,
    alerts::{
        AlertId,
        message::{Channel, Purpose},
        plan::Next,
    },
};
use projections::alerts::AlertRow;
use uuid::Uuid;

use super::{letter::Letter, recipients::Told};

/// How long a message waits for a channel that is left in peace, until its reader is told otherwise.
const PATIENCE: TimeDelta = TimeDelta::seconds(15);

/// The messages that wait.
#[derive(Default)]
pub(super) struct Queue {
    lines: BTreeMap<Channel, VecDeque<Group>>,
    letters: HashMap<Group, Waiting>,
    about: HashMap<AlertId, BTreeSet<Group>>,
    kept_back: BTreeSet<(PersonId, Channel)>,
}

struct Waiting {
    letter: Letter,
    since: DateTime<Utc>,
}

/// What makes two alerts one message.
type Group = (MessageOf, Option<MessageId>);
type MessageOf = (AlertId, PersonId, Channel, Purpose);

impl Queue {
    /// Puts a message to somebody into its line, together with those about their other children.
    pub(super) fn put(&mut self, row: &AlertRow, known: &Told, next: Next, now: DateTime<Utc>) {
        let Some(first_name) = known.first_name.clone() else { return };
        let Some(to) = known.people.get(&next.to) else { return };
        // One message is about one half-day of one school.
        let of_half_day = AlertId { student: StudentId(Uuid::nil()), ..row.id() };
        let group = ((of_half_day, next.to, next.channel, next.purpose), next.begun);
        let waiting = self.letters.entry(group).or_insert_with(|| {
            self.lines.entry(next.channel).or_default().push_back(group);
            let letter = Letter {
                to: to.clone(),
                channel: next.channel,
                purpose: next.purpose,
                begun: next.begun,
                school: known.school.clone(),
                about: BTreeMap::new(),
            };
            Waiting { letter, since: now }
        });
        // What has changed while it waited is sent as it is now.
        (waiting.letter.to, waiting.letter.school) = (to.clone(), known.school.clone());
        waiting.since = waiting.since.min(now);
        waiting.letter.about.insert(row.id(), (row.sheet.clone(), first_name));
        self.about.entry(row.id()).or_default().insert(group);
    }

    /// Takes an alert out of all messages that wait.
    pub(super) fn withdraw(&mut self, alert: AlertId) {
        for group in self.about.remove(&alert).unwrap_or_default() {
            if let Some(waiting) = self.letters.get_mut(&group) {
                waiting.letter.about.remove(&alert);
            }
        }
    }

    /// Whether something waits for a channel.
    pub(super) fn waits_for(&mut self, channel: Channel) -> bool {
        let Some(line) = self.lines.get_mut(&channel) else { return false };
        while let Some(group) = line.front() {
            let waiting = self.letters.get(group);
            if waiting.is_some_and(|waiting| !waiting.letter.about.is_empty()) {
                return true;
            }
            self.letters.remove(group);
            line.pop_front();
        }
        false
    }

    /// The message whose turn it is.
    pub(super) fn next(&mut self, channel: Channel) -> Option<Letter> {
        if !self.waits_for(channel) {
            return None;
        }
        let group = self.lines.get_mut(&channel)?.pop_front()?;
        let letter = self.letters.remove(&group)?.letter;
        for alert in letter.about.keys() {
            if let Some(groups) = self.about.get_mut(alert) {
                groups.remove(&group);
                if groups.is_empty() {
                    self.about.remove(alert);
                }
            }
        }
        Some(letter)
    }

    /// A channel is left in peace: whoever has waited for it for long is told otherwise, if they can be.
    /// Answers the alerts that this is about.
    pub(super) fn keep_back(&mut self, channel: Channel, now: DateTime<Utc>) -> Vec<AlertId> {
        let mut about = Vec::new();
        for group in self.lines.get(&channel).into_iter().flatten() {
            let Some(waiting) = self.letters.get(group) else { continue };
            let long = waiting.since + PATIENCE <= now && !waiting.letter.about.is_empty();
            if long && self.kept_back.insert((waiting.letter.to.person, channel)) {
                about.extend(waiting.letter.about.keys());
            }
        }
        about
    }

    /// A channel is asked again: nobody waits for it in vain. Answers the alerts that are looked at again, if
    /// somebody did: they may wait for another one.
    pub(super) fn let_go(&mut self, channel: Channel) -> Vec<AlertId> {
        let before = self.kept_back.len();
        self.kept_back.retain(|(_, kept)| *kept != channel);
        if self.kept_back.len() == before { Vec::new() } else { self.waiting() }
    }

    /// The alerts that something waits to be told of.
    pub(super) fn waiting(&self) -> Vec<AlertId> {
        self.about.keys().copied().collect()
    }

    /// Who has waited in vain for which channels.
    pub(super) fn kept_back(&self) -> &BTreeSet<(PersonId, Channel)> {
        &self.kept_back
    }
}
