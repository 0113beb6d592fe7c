//! Who is told next, by which channel, and when the office is asked to call.
//!
//! All who exercise authority are told at the same time, in both homes (code civil, 373-2-1). Each is
//! tried by their channels in their order; a channel that fails for now is tried [`ATTEMPTS_MAX`] times
//! before the next one. If none of them is reached by then, those who have the student in charge are tried.
//! A channel that has surely sent nothing because of its provider goes on being tried, with nothing else
//! left, until somebody is told or the alert is over: an outage ends. A channel that somebody was kept
//! waiting for in vain is tried after the others, and counts as one that was. If a home is not reached when its
//! channels are used up, or [`TASK_AFTER`] the alert fell due, the school-life office is asked to call.
//! Pure: whoever runs it brings the recipients of the moment.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AlertSheet, Call, Escalation, TASK_AFTER,
    message::{Channel, Fate, MessageSheet, Purpose},
};
use crate::{MessageId, PersonId, families::Home};

/// How often a channel that fails for now is tried before the next one, and how often at all where nobody
/// knows whether it has sent something.
pub const ATTEMPTS_MAX: u32 = 3;

/// How often it is looked whether a school that has stopped all sending has let it begin again.
const STOPPED_LOOK: TimeDelta = TimeDelta::seconds(10);

/// Somebody who is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub person: PersonId,
    /// In which home; none for the student, who tells no home.
    pub home: Option<Home>,
    /// Whether they are only tried when nobody else is reached.
    pub in_reserve: bool,
    /// The channels that they can be reached by, the one they want first in front.
    pub channels: Vec<Channel>,
}

/// A message to send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// To whom.
    pub to: PersonId,
    /// By which channel.
    pub channel: Channel,
    /// What it says.
    pub purpose: Purpose,
    /// The message that was begun before, if it was: it is the same to the provider.
    pub begun: Option<MessageId>,
}

/// What is to be done about an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is sent now.
    pub send: Vec<Next>,
    /// Why the office is to be asked to call, if it is.
    pub escalate: Option<Escalation>,
    /// When to look again, if nothing happens before; never if nothing is left to do.
    pub look_again: Option<DateTime<Utc>>,
}

/// How it stands with one recipient.
enum Standing {
    Told,
    /// A channel is left that has not been tried often enough.
    Tried(Step),
    /// No other channels are left than those whose providers fail.
    InOutage(Step),
    UsedUp,
}

/// What comes next.
struct Step {
    send: Option<Next>,
    look_again: Option<DateTime<Utc>>,
}

/// Whom their provider keeps waiting for which channel, too long for anybody to wait for it alone.
pub type KeptBack = BTreeSet<(PersonId, Channel)>;

impl AlertSheet {
    /// What is to be done at an instant, if these people are to be told. `may_send` is false while the
    /// school has all sending stopped.
    pub fn plan(
        &self,
        recipients: &[Recipient],
        kept_back: &KeptBack,
        may_send: bool,
        now: DateTime<Utc>,
    ) -> Plan {
        if self.cancelled.is_some() {
            return self.plan_corrections(kept_back, may_send, now);
        }
        if now < self.due {
            return Plan { look_again: Some(self.due), ..Plan::default() };
        }
        let in_time = may_send && now < self.until;
        let told = (Purpose::Absence, kept_back);
        let of = |recipient| (recipient, self.standing(recipient, told, now));
        let (reserve, first): (Vec<_>, Vec<_>) =
            recipients.iter().map(of).partition(|(recipient, _)| recipient.in_reserve);
        let told = |(_, standing): &(_, Standing)| matches!(standing, Standing::Told);
        // Those in reserve are tried when the others have been, and none of the others knows.
        let tried = |(_, standing): &(_, Standing)| {
            matches!(standing, Standing::InOutage(_) | Standing::UsedUp)
        };
        let called_up = first.iter().all(tried);
        let mut all = first;
        if called_up {
            all.extend(reserve);
        }
        let mut plan = Plan::default();
        let call_at = self.due + TASK_AFTER;
        let unreached = Self::unreached_homes(&all);
        let known_to_all = unreached.is_empty() && all.iter().any(told);
        if !known_to_all && self.call == Call::None {
            plan.escalate = if all.is_empty() {
                Some(Escalation::NobodyToWriteTo)
            } else if unreached.iter().any(|(_, waits)| !waits) && in_time {
                Some(Escalation::HomeNotReached)
            } else {
                (now >= call_at || now >= self.until).then_some(Escalation::OutOfTime)
            };
            plan.look_again = (plan.escalate.is_none() && now < call_at).then_some(call_at);
        }
        if in_time {
            plan.take_up(all.into_iter().map(|(_, standing)| standing));
        } else if now < self.until {
            let again = self.while_stopped(now);
            plan.look_again = plan.look_again.into_iter().chain([again]).min();
        }
        plan
    }

    /// Those who were told what was wrong are told so, by the same channel.
    fn plan_corrections(&self, kept_back: &KeptBack, may_send: bool, now: DateTime<Utc>) -> Plan {
        let mut plan = Plan::default();
        if now >= self.until {
            return plan;
        }
        if !may_send {
            return Plan { look_again: Some(self.while_stopped(now)), ..plan };
        }
        let wrong = |known: &&MessageSheet| {
            known.round == self.round && known.purpose == Purpose::Absence && known.may_be_read()
        };
        let told = self.messages.values().filter(wrong);
        let told: BTreeSet<(PersonId, Channel)> =
            told.map(|sheet| (sheet.to, sheet.channel)).collect();
        let owed = told.into_iter().filter(|(to, _)| self.owes_correction(*to));
        let standings = owed.map(|(person, channel)| {
            let (home, channels) = (None, vec![channel]);
            let recipient = Recipient { person, home, in_reserve: false, channels };
            self.standing(&recipient, (Purpose::Correction, kept_back), now)
        });
        plan.take_up(standings.collect::<Vec<_>>().into_iter());
        plan
    }

    /// Sending may begin again at any moment.
    fn while_stopped(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.until.min(now + STOPPED_LOOK)
    }

    fn standing(
        &self,
        recipient: &Recipient,
        (purpose, kept_back): (Purpose, &KeptBack),
        now: DateTime<Utc>,
    ) -> Standing {
        let to = recipient.person;
        if self.is_told(to, purpose) {
            return Standing::Told;
        }
        let mut in_outage = Vec::new();
        for channel in &recipient.channels {
            let begun = self.messages.iter().find(|(_, known)| {
                known.to == to
                    && known.channel == *channel
                    && known.purpose == purpose
                    && known.round == self.round
            });
            let next = Next { to, channel: *channel, purpose, begun: begun.map(|(id, _)| *id) };
            let kept_back = kept_back.contains(&(to, *channel));
            let (not_before, tried) = match begun.map(|(_, known)| (known.fate, known.attempts)) {
                None => (DateTime::UNIX_EPOCH, kept_back),
                Some((Fate::Claimed { until, .. }, attempts)) => {
                    let (step, tried) = (Step::at(until, next, now), attempts > ATTEMPTS_MAX);
                    return if tried { Standing::InOutage(step) } else { Standing::Tried(step) };
                }
                Some((
                    Fate::Deferred { not_before, .. } | Fate::Uncertain { not_before, .. },
                    attempts,
                )) if attempts < ATTEMPTS_MAX => (not_before, kept_back),
                Some((Fate::Deferred { why, not_before }, _)) if why.is_outage() => {
                    (not_before, true)
                }
                Some((
                    Fate::Deferred { .. } | Fate::Uncertain { .. } | Fate::Undeliverable { .. },
                    _,
                )) => continue,
                Some((Fate::Accepted | Fate::Delivered, _)) => return Standing::Told,
            };
            if !tried {
                return Standing::Tried(Step::at(not_before, next, now));
            }
            in_outage.push((kept_back, not_before, next));
        }
        if in_outage.is_empty() {
            return Standing::UsedUp;
        }
        Standing::InOutage(Step::one_of(&in_outage, now))
    }

    /// The homes where nobody was told yet, and whether somebody there is still being tried. A student of age
    /// is one where nobody else is to be told.
    fn unreached_homes(all: &[(&Recipient, Standing)]) -> Vec<(Option<Home>, bool)> {
        let homes = [Home::First, Home::Second, Home::Elsewhere].map(Some);
        let alone = all.iter().all(|(recipient, _)| recipient.home.is_none());
        let mut unreached = Vec::new();
        for home in homes.into_iter().chain(alone.then_some(None)) {
            let of_home = || all.iter().filter(|(recipient, _)| recipient.home == home);
            let told = of_home().any(|(_, standing)| matches!(standing, Standing::Told));
            if of_home().next().is_some() && !told {
                let tried = |standing: &Standing| {
                    matches!(standing, Standing::Tried(_) | Standing::InOutage(_))
                };
                unreached.push((home, of_home().any(|(_, standing)| tried(standing))));
            }
        }
        unreached
    }
}

impl Plan {
    fn take_up(&mut self, standings: impl Iterator<Item = Standing>) {
        for standing in standings {
            let (Standing::Tried(step) | Standing::InOutage(step)) = standing else { continue };
            self.send.extend(step.send);
            self.look_again = self.look_again.into_iter().chain(step.look_again).min();
        }
    }
}

impl Step {
    fn at(not_before: DateTime<Utc>, next: Next, now: DateTime<Utc>) -> Self {
        Self::one_of(&[(false, not_before, next)], now)
    }

    /// One channel at a time, of those that somebody might be kept waiting for, and are not tried before an
    /// instant: one that can be asked, and whose turn was first.
    fn one_of(channels: &[(bool, DateTime<Utc>, Next)], now: DateTime<Utc>) -> Self {
        let (mut ready, waits): (Vec<_>, Vec<_>) =
            channels.iter().partition(|(_, not_before, _)| *not_before <= now);
        ready.sort_by_key(|(kept_back, not_before, _)| (*kept_back, *not_before));
        Self {
            send: ready.first().map(|(_, _, next)| *next),
            look_again: waits.iter().map(|(_, not_before, _)| *not_before).min(),
        }
    }
}
