//! One message to one person by one channel, about the alerts of one family: claimed when there is a place for
//! it on the way, sent, and what the provider said written down.
//!
//! The claim on the first alert decides: of two dispatchers that mean to send the same, one gets it. What
//! is not written down, because the process died or the log failed, is sent again when the claim has
//! run out, under the same key.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::{
    AccountId, MessageId, RunId,
    alerts::{
        Alert, AlertCommand, AlertError, AlertId, AlertSheet, CORRECTED_WITHIN,
        message::{self, Channel, Purpose},
    },
    schools::SchoolSheet,
};
use projections::people::PersonRow;
use replay::{Act, ExecuteError, Journal, new_command_id};
use web::alerts::{Child, Mail, Sms, Told, mail, sms};

use super::links::Links;
use crate::{
    channels::{Answer, Channels, DEADLINE_SECONDS_MAX, Message, Place, retry_after},
    metrics::Counters,
};

/// How long a claim lasts: longer than any provider is waited for, and its answer written down.
const LEASE: TimeDelta = TimeDelta::seconds(DEADLINE_SECONDS_MAX.cast_signed() + 15);

/// How often writing an answer down is tried.
const RECORDS_MAX: usize = 5;

/// What sends: the log, the channels, the links, and which run of which process this is.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) journal: Journal,
    pub(super) channels: Channels,
    pub(super) links: Links,
    pub(super) run: RunId,
    pub(super) counters: Counters,
}

/// A message to send.
pub(super) struct Letter {
    pub(super) to: PersonRow,
    pub(super) channel: Channel,
    pub(super) purpose: Purpose,
    /// The message that was begun before, if it was.
    pub(super) begun: Option<MessageId>,
    pub(super) school: SchoolSheet,
    /// What it is about, with the children's first names.
    pub(super) about: BTreeMap<AlertId, (AlertSheet, String)>,
}

impl Sender {
    /// Sends a message by the place that it has, unless somebody else does. Answers where the last word about it stands in the log;
    /// nothing if none was written.
    pub(super) async fn send(&self, mut letter: Letter, place: Place) -> Option<u64> {
        let about: Vec<AlertId> = letter.about.keys().copied().collect();
        let message = letter.id();
        let mut written = None;
        for alert in &about {
            match self.claim(*alert, message, &letter).await {
                Ok(position) => written = written.max(Some(position)),
                // Whoever has the first sends the whole message.
                Err(_) if written.is_none() => return None,
                Err(_) => {
                    letter.about.remove(alert);
                }
            }
        }
        let answer = place.send(&self.write(&letter, message)).await;
        let attempts = letter.about.values().map(|(sheet, _)| sheet.attempts(message)).max();
        let said = said(answer, attempts.unwrap_or_default() + 1, self.journal.clock().now());
        let mut recorded = None;
        for alert in letter.about.keys() {
            recorded = recorded.max(self.record(*alert, message, &said).await);
        }
        if recorded.is_some() {
            self.counters.answered(letter.channel, &said);
        }
        written.max(recorded)
    }

    /// Executes a command of Préau's own on an alert. Answers the position.
    pub(super) async fn give(
        &self,
        alert: AlertId,
        command: AlertCommand,
    ) -> Result<u64, ExecuteError<AlertError>> {
        let command_id = new_command_id();
        let act = Act::new(alert.school, AccountId::PREAU, command_id, self.journal.clock().now());
        Ok(self.journal.execute::<Alert>(alert, command, &act).await?.position)
    }

    async fn claim(
        &self,
        alert: AlertId,
        message: MessageId,
        letter: &Letter,
    ) -> Result<u64, ExecuteError<AlertError>> {
        let (now, to) = (self.journal.clock().now(), letter.to.person);
        let (channel, purpose, run) = (letter.channel, letter.purpose, self.run);
        let until = now + LEASE;
        let claim = AlertCommand::ClaimMessage { message, to, channel, purpose, run, until, now };
        let claimed = self.give(alert, claim).await;
        if let Err(error) = &claimed
            && !matches!(error, ExecuteError::Refused(_))
        {
            tracing::error!(%error, "a message could not be claimed");
        }
        claimed
    }

    /// Writes down what the provider said. What cannot be written is sent again.
    async fn record(
        &self,
        alert: AlertId,
        message: MessageId,
        answer: &message::Answer,
    ) -> Option<u64> {
        let run = self.run;
        for _ in 0..RECORDS_MAX {
            let answer = answer.clone();
            match self.give(alert, AlertCommand::RecordAnswer { message, run, answer }).await {
                Ok(position) => return Some(position),
                Err(ExecuteError::Refused(rule)) => {
                    tracing::warn!(%message, %rule, "an answer comes too late to be written down");
                    return None;
                }
                Err(error) => {
                    tracing::error!(%message, %error, "an answer could not be written down");
                }
            }
        }
        None
    }

    fn write(&self, letter: &Letter, message: MessageId) -> Message {
        let local = |instant: DateTime<Utc>| -> NaiveDateTime {
            instant.with_timezone(&letter.school.time_zone).naive_local()
        };
        let children: Vec<Child<'_>> = letter
            .about
            .values()
            .map(|(sheet, name)| Child { first_name: name, since: local(sheet.since) })
            .collect();
        let link = self.links.of(message);
        let told = Told {
            language: letter.to.language,
            school: &letter.school.name,
            telephone: letter.school.telephone.as_deref(),
            children: &children,
            link: &link,
            purpose: match letter.purpose {
                Purpose::Absence => web::alerts::Purpose::Absence,
                Purpose::Correction => web::alerts::Purpose::Correction,
            },
        };
        let details = &letter.to.details;
        let (to, subject, text) = match letter.channel {
            Channel::Mail => {
                let Mail { subject, text } = mail(&told);
                (details.mail.clone(), subject, text)
            }
            Channel::Sms => {
                let Sms { text, .. } = sms(&told);
                (details.mobile.clone(), String::new(), text)
            }
        };
        let written_at = letter.written_at();
        Message { key: message.0, to: to.unwrap_or_default(), subject, text, written_at }
    }
}

impl Letter {
    /// When what it says came to be true: the same whenever it is sent.
    fn written_at(&self) -> DateTime<Utc> {
        let said = self.about.values().map(|(sheet, _)| match self.purpose {
            Purpose::Absence => sheet.due,
            Purpose::Correction => sheet.until - CORRECTED_WITHIN,
        });
        said.max().unwrap_or_default()
    }

    fn id(&self) -> MessageId {
        self.begun.unwrap_or_else(|| {
            let about: Vec<_> = self.about.iter().map(|(id, (sheet, _))| (*id, sheet)).collect();
            MessageId::of(self.to.person, self.channel, self.purpose, &about)
        })
    }
}

/// A transport's answer in the words of the log, with the moment of the next attempt.
fn said(answer: Answer, attempts: u32, now: DateTime<Utc>) -> message::Answer {
    let not_before = now + retry_after(attempts, random());
    match answer {
        Answer::Accepted { reference } => message::Answer::Accepted { reference },
        Answer::Later { why } => message::Answer::Later { why, not_before },
        Answer::Undeliverable { why } => message::Answer::Undeliverable { why },
        Answer::Uncertain { why } => message::Answer::Uncertain { why, not_before },
    }
}

/// Something that two dispatchers do not share. Without randomness they wait as long as may be.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_or(u64::MAX, |()| u64::from_le_bytes(bytes))
}
