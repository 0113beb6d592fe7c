//! Alerts: that a family is told of an absence at once (code de l'éducation, R131-5).
//!
//! There is one alert per student, half-day and rule. It is raised by reaction to what the attendance
//! file says ([`crate::react`]), falls due after a grace delay, and is then carried to each
//! recipient by messages. Who is told, by which channel and when again is planned in [`plan`]; what a
//! message is and what became of it stands in [`message`]. An event about several children's alerts
//! does not exist: a message that speaks of siblings is written into the stream of each.
//!
//! Nothing is called sent that the provider has not taken: what nobody knows is uncertain, and is tried
//! again. Better twice than never.

mod decide;
mod id;
pub mod message;
pub mod plan;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{AccountId, Event, MessageId, PersonId, RunId, Stream, Streamed, version_of};

pub use id::{AlertId, NotAnAlert};
use message::{Answer, Channel, Fate, MessageSheet, Purpose, Why};

/// How long after an alert fell due the school-life office is asked to call, if a home was not reached.
pub const TASK_AFTER: TimeDelta = TimeDelta::minutes(15);

/// How long a correction may still go out: a weekend is quiet.
pub const CORRECTED_WITHIN: TimeDelta = TimeDelta::days(3);

/// What happened. All of it is sealed with the student's attendance file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum AlertEvent {
    /// The student is away and nobody has said why.
    AlertRaised {
        /// The rule that asks for it.
        rule: AlertRule,
        /// Since when the student is away.
        since: DateTime<Utc>,
        /// When the grace delay ends.
        due: DateTime<Utc>,
        /// The instant from which nobody is told any more: the half-day is over.
        until: DateTime<Utc>,
        /// The revision of the attendance file that says so.
        follows: u64,
    },
    /// The reason for the alert is gone.
    AlertCancelled {
        /// What has taken it away.
        because: Cancellation,
        /// The instant from which no correction goes out any more.
        until: DateTime<Utc>,
        /// The revision of the attendance file that says so.
        follows: u64,
    },
    /// A process is about to send a message: nobody else does until the claim runs out.
    MessageClaimed {
        /// Which message.
        message: MessageId,
        /// To whom.
        to: PersonId,
        /// By which channel.
        channel: Channel,
        /// What it says.
        purpose: Purpose,
        /// Which run of which process.
        run: RunId,
        /// When the claim runs out.
        until: DateTime<Utc>,
    },
    /// The provider has taken the message.
    MessageAccepted {
        /// Which message.
        message: MessageId,
        /// What the provider knows it by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The provider says that it has reached the recipient's telephone or mailbox.
    MessageDelivered {
        /// Which message.
        message: MessageId,
    },
    /// The provider has not taken it for now: nothing was sent.
    MessageDeferred {
        /// Which message.
        message: MessageId,
        /// Why.
        why: Why,
        /// It is not tried again before.
        not_before: DateTime<Utc>,
    },
    /// The provider will not take it, or says that it did not arrive.
    MessageUndeliverable {
        /// Which message.
        message: MessageId,
        /// Why.
        why: Why,
    },
    /// Nobody knows whether the provider has taken it.
    MessageUncertain {
        /// Which message.
        message: MessageId,
        /// What happened.
        why: Why,
        /// It is not tried again before.
        not_before: DateTime<Utc>,
    },
    /// Somebody of the family has said that they know.
    AlertSeen {
        /// Who.
        by: PersonId,
    },
    /// The school-life office is asked to call the family.
    AlertEscalated {
        /// Why.
        why: Escalation,
    },
    /// Somebody of the office calls the family.
    AlertTakenOn {
        /// Who.
        by: AccountId,
    },
    /// The office has called.
    AlertClosed {
        /// What came of it.
        outcome: Outcome,
    },
}

/// The rules that ask for an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AlertRule {
    /// Away from a lesson, without a reason.
    #[serde(rename = "unexplained-absence/1")]
    UnexplainedAbsence,
}

/// Why the reason for an alert is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cancellation {
    /// The student was there, or need not have been.
    NotAbsent,
    /// The absence is explained.
    Explained,
}

/// Why the office is asked to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Escalation {
    /// Nobody who is to be told can be written to.
    NobodyToWriteTo,
    /// In one home, no channel is left to try.
    HomeNotReached,
    /// A home was not reached in time.
    OutOfTime,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Somebody was called, and nobody answered.
    Called,
    /// A message was left.
    Voicemail,
    /// Somebody knows now.
    Reached,
}

/// What the attendance file says of a half-day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Away and unexplained.
    Unexplained {
        /// Since when.
        since: DateTime<Utc>,
        /// When the half-day is over.
        ends: DateTime<Utc>,
        /// When the grace delay ends.
        due: DateTime<Utc>,
    },
    /// Nothing that the family must be told.
    Nothing(Cancellation),
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum AlertCommand {
    /// Follow what the attendance file says. An older word than the last one changes nothing.
    FollowFile {
        /// What it says.
        said: Said,
        /// At which revision.
        revision: u64,
        /// When it was written there.
        at: DateTime<Utc>,
    },
    /// Claim a message, before it is sent.
    ClaimMessage {
        /// Which message.
        message: MessageId,
        /// To whom.
        to: PersonId,
        /// By which channel.
        channel: Channel,
        /// What it says.
        purpose: Purpose,
        /// Which run of which process.
        run: RunId,
        /// When the claim runs out.
        until: DateTime<Utc>,
        /// The instant it is.
        now: DateTime<Utc>,
    },
    /// Write down what the provider said.
    RecordAnswer {
        /// Of which message.
        message: MessageId,
        /// Whose claim it was sent under.
        run: RunId,
        /// What was said.
        answer: Answer,
    },
    /// Say that one knows.
    Acknowledge {
        /// Who.
        by: PersonId,
    },
    /// Ask the office to call.
    Escalate {
        /// Why.
        why: Escalation,
    },
    /// Take on the call.
    TakeOn {
        /// Who.
        by: AccountId,
    },
    /// Say what came of it.
    Close {
        /// Who.
        by: AccountId,
        /// What.
        outcome: Outcome,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum AlertError {
    /// Only an alert that was raised is spoken of.
    #[error("there is no alert about this student in this half-day")]
    NoSuchAlert,
    /// Nobody is told what is no longer true.
    #[error("this alert was cancelled: there is nothing to tell any more")]
    AlertIsCancelled,
    /// Nobody is told in the evening what the morning would have needed.
    #[error("this alert is too old to be sent: the half-day is over")]
    AlertTooOld,
    /// A correction goes to those who were told what was wrong.
    #[error("this person was told nothing that would have to be corrected")]
    NothingToCorrect,
    /// Nobody is told twice.
    #[error("this message has been taken by the provider, or will never be")]
    MessageSettled,
    /// One process sends.
    #[error("another process is sending this message")]
    ClaimedByAnother,
    /// Whoever lost the claim says nothing about what became of the message since.
    #[error("the claim on this message has gone to another process")]
    ClaimLost,
    /// Only what was asked of the office is taken on.
    #[error("nobody asked the office to call about this alert")]
    NoCallAsked,
    /// Two people do not call the same family.
    #[error("a colleague is calling this family already")]
    TakenOnByAnother,
    /// What was closed stays closed.
    #[error("this call was closed already, with another outcome")]
    CallAlreadyClosed,
    /// What the law has destroyed is not written on.
    #[error("this alert was erased")]
    AlertErased,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Alert {
    /// Never raised.
    #[default]
    None,
    /// Raised, whatever became of it.
    Raised(Box<AlertSheet>),
    /// Raised once; what was told is destroyed.
    Erased,
}

/// An alert as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertSheet {
    /// The rule that asked for it.
    pub rule: AlertRule,
    /// How often it was raised: it may be cancelled and raised again.
    pub round: u32,
    /// Since when the student is away.
    pub since: DateTime<Utc>,
    /// When the grace delay ends.
    pub due: DateTime<Utc>,
    /// The instant from which nothing is sent any more.
    pub until: DateTime<Utc>,
    /// The revision of the attendance file that it followed last.
    pub follows: u64,
    /// Why it was cancelled, if it was.
    pub cancelled: Option<Cancellation>,
    /// The messages of all rounds.
    pub messages: BTreeMap<MessageId, MessageSheet>,
    /// Who has said that they know.
    pub seen_by: BTreeSet<PersonId>,
    /// What the office is asked to do.
    pub call: Call,
}

/// A call that the office is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Call {
    /// None was asked for.
    #[default]
    None,
    /// Somebody is to call.
    Asked {
        /// Why.
        why: Escalation,
    },
    /// Somebody calls.
    TakenOn {
        /// Why.
        why: Escalation,
        /// Who.
        by: AccountId,
    },
    /// Somebody has called.
    Closed {
        /// What came of it.
        outcome: Outcome,
    },
}

impl Alert {
    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: &AlertEvent) -> Self {
        match (self, event) {
            (Self::Erased, _) => Self::Erased,
            (Self::None, AlertEvent::AlertRaised { rule, since, due, until, follows }) => {
                Self::Raised(Box::new(AlertSheet {
                    rule: *rule,
                    round: 1,
                    since: *since,
                    due: *due,
                    until: *until,
                    follows: *follows,
                    cancelled: None,
                    messages: BTreeMap::new(),
                    seen_by: BTreeSet::new(),
                    call: Call::None,
                }))
            }
            (Self::None, _) => Self::None,
            (Self::Raised(mut sheet), event) => {
                sheet.follow(event);
                Self::Raised(sheet)
            }
        }
    }
}

impl AlertSheet {
    fn follow(&mut self, event: &AlertEvent) {
        use AlertEvent as E;
        match *event {
            E::AlertRaised { rule, since, due, until, follows } => {
                (self.rule, self.round, self.follows) = (rule, self.round + 1, follows);
                (self.since, self.due, self.until) = (since, due, until);
                (self.cancelled, self.call) = (None, Call::None);
                self.seen_by.clear();
            }
            E::AlertCancelled { because, until, follows } => {
                (self.cancelled, self.until, self.follows) = (Some(because), until, follows);
            }
            E::MessageClaimed { message, to, channel, purpose, run, until } => {
                let new = || MessageSheet::new(to, channel, purpose, self.round);
                self.messages.entry(message).or_insert_with(new).is_claimed(run, until);
            }
            E::MessageAccepted { message, .. } => self.becomes(message, Fate::Accepted),
            E::MessageDelivered { message } => self.becomes(message, Fate::Delivered),
            E::MessageDeferred { message, why, not_before } => {
                self.becomes(message, Fate::Deferred { why, not_before });
            }
            E::MessageUndeliverable { message, why } => {
                self.becomes(message, Fate::Undeliverable { why });
            }
            E::MessageUncertain { message, why, not_before } => {
                self.becomes(message, Fate::Uncertain { why, not_before });
            }
            E::AlertSeen { by } => {
                self.seen_by.insert(by);
            }
            E::AlertEscalated { why } => self.call = Call::Asked { why },
            E::AlertTakenOn { by } => {
                if let Call::Asked { why } | Call::TakenOn { why, .. } = self.call {
                    self.call = Call::TakenOn { why, by };
                }
            }
            E::AlertClosed { outcome } => self.call = Call::Closed { outcome },
        }
    }

    /// How often a message was claimed.
    pub fn attempts(&self, message: MessageId) -> u32 {
        self.messages.get(&message).map_or(0, |known| known.attempts)
    }

    fn becomes(&mut self, message: MessageId, fate: Fate) {
        self.messages.entry(message).and_modify(|sheet| sheet.fate = fate);
    }
}

impl Aggregate for Alert {
    const TYPE: &'static str = "alert";
    type Command = AlertCommand;
    type Event = AlertEvent;
    type Error = AlertError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AlertCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AlertError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AlertEvent) {
        *self = std::mem::take(self).evolve(&event);
    }
}

impl Streamed for Alert {
    type Id = AlertId;

    fn stream(id: AlertId) -> Stream {
        Stream::Alert(id)
    }

    fn event(id: AlertId, event: AlertEvent) -> Event {
        Event::Alert(id, event)
    }

    fn own(event: Event) -> Option<AlertEvent> {
        if let Event::Alert(_, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        Self::Erased
    }
}

impl DomainEvent for AlertEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "alerts/tests.rs"]
mod tests;
