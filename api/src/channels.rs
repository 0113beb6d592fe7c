//! What carries a message to a family: mail through a school's mail server, SMS through a gateway over HTTP,
//! or files of a folder for who only wants to look.
//!
//! A transport says what is known after one attempt, and never more: [`Answer::Accepted`] is the
//! provider's own word. It does not try again, keeps nothing, and knows neither who is written to nor
//! why; whoever sends decides what follows from an answer. Addresses and texts are never logged, nor is
//! any word of a provider, since it may quote them: its codes are.

mod addresses;
mod answer;
mod breaker;
mod gateway;
mod letter;
mod mail;
mod outbox;
mod presets;
mod settings;
mod sms;
mod smtp;
mod template;
mod wording;

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use replay::Clock;
use uuid::Uuid;

use breaker::Breaker;
use mail::Mail;
use outbox::Outbox;
use sms::Sms;

pub use answer::Answer;
pub use breaker::retry_after;
pub use domain::alerts::message::{Channel, Why};
pub(crate) use settings::DEADLINE_SECONDS_MAX;
pub use settings::{
    AnswerSettings, ChannelError, ChannelSettings, MailSettings, Method, Preset, Secret,
    SmsSettings, StatusSettings,
};

/// A message to one person. Sent again, it is the same in every part, so that it is recognised.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is recognised by.
    pub key: Uuid,
    /// A mail address, or a telephone number as people write it.
    pub to: String,
    /// What it is about, in one line; an SMS has none.
    pub subject: String,
    /// What it says, in plain text.
    pub text: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
}

/// The channels of the settings. Cheap to clone.
#[derive(Clone, Default)]
pub struct Channels {
    mail: Option<Arc<Line>>,
    sms: Option<Arc<Line>>,
}

/// What carries, and whether it has failed too often lately.
struct Line {
    transport: Transport,
    breaker: Breaker,
}

/// A provider, or the folder that stands for one.
enum Transport {
    Mail(Mail),
    Sms(Sms),
    Outbox(Outbox),
}

impl Channels {
    /// The channels of the settings; folders lie in the folder `data` unless they begin with `/`. Nobody
    /// is contacted yet.
    ///
    /// # Errors
    /// When the settings are wrong, and what to do about it.
    pub fn new(
        settings: &ChannelSettings,
        data: &Path,
        clock: &Clock,
    ) -> Result<Self, ChannelError> {
        let line = |transport| Arc::new(Line { transport, breaker: Breaker::new(clock.clone()) });
        let mail = settings.mail.as_ref().map(|mail| match mail.folder()? {
            Some(folder) => Ok(Transport::Outbox(Outbox::new(data.join(folder)))),
            None => Mail::new(mail).map(Transport::Mail),
        });
        let sms = settings.sms.as_ref().map(|sms| match sms.folder()? {
            Some(folder) => Ok(Transport::Outbox(Outbox::new(data.join(folder)))),
            None => Sms::new(sms).map(Transport::Sms),
        });
        let (mail, sms) = (mail.transpose()?, sms.transpose()?);
        Ok(Self { mail: mail.map(line), sms: sms.map(line) })
    }

    /// Whether the settings have this channel.
    pub fn has(&self, channel: Channel) -> bool {
        self.line(channel).is_some()
    }

    /// Tries once to send a message, and says what is known then. Given up halfway, nothing is known.
    pub async fn send(&self, channel: Channel, message: &Message) -> Answer {
        let answer = self.try_to_send(channel, message).await;
        if let Some(why) = answer.why() {
            let (channel, why): (&str, &str) = (channel.into(), why.into());
            tracing::info!(channel, why, key = %message.key, "a message was not accepted");
        }
        answer
    }

    async fn try_to_send(&self, channel: Channel, message: &Message) -> Answer {
        let Some(line) = self.line(channel) else {
            return Answer::Undeliverable { why: Why::NoSuchChannel };
        };
        let to = match channel {
            Channel::Mail => addresses::mail(&message.to),
            Channel::Sms => addresses::mobile(&message.to),
        };
        let Some(to) = to else {
            return Answer::Undeliverable { why: Why::MalformedAddress };
        };
        if !line.breaker.admits() {
            return Answer::Later { why: Why::SwitchedOff };
        }
        let answer = match &line.transport {
            Transport::Mail(mail) => mail.send(&to, message).await,
            Transport::Sms(sms) => sms.send(&to, message).await,
            Transport::Outbox(outbox) => outbox.put(channel, &to, message).await,
        };
        line.breaker.hear(&answer);
        answer
    }

    fn line(&self, channel: Channel) -> Option<&Line> {
        match channel {
            Channel::Mail => self.mail.as_deref(),
            Channel::Sms => self.sms.as_deref(),
        }
    }
}
