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
mod receipts;
mod settings;
mod sms;
mod smtp;
mod template;
mod wording;

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use replay::Clock;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use uuid::Uuid;

use breaker::{Breaker, Leave};
use mail::Mail;
use outbox::Outbox;
use sms::Sms;

pub use answer::Answer;
pub(crate) use breaker::Ease;
pub use breaker::retry_after;
pub use domain::alerts::message::{Channel, Why};
pub(crate) use receipts::Receipt;
pub use receipts::Receipts;
pub(crate) use settings::DEADLINE_SECONDS_MAX;
pub use settings::{
    AnswerSettings, ChannelError, ChannelSettings, MailSettings, Method, Preset, ReceiptSettings,
    Secret, SmsSettings, StatusSettings,
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

/// How long whoever waits for room waits at most.
const ROOM_MAX: Duration = Duration::from_secs(DEADLINE_SECONDS_MAX);

/// Messages on their way to a gateway, or into a folder, at once: each is a connection or a file.
const AT_ONCE_MAX: usize = 32;

/// The channels of the settings. Cheap to clone.
#[derive(Clone, Default)]
pub struct Channels {
    mail: Option<Arc<Line>>,
    sms: Option<Arc<Line>>,
}

/// What carries, how many at once, and whether it has failed too often lately.
struct Line {
    transport: Transport,
    room: Arc<Semaphore>,
    breaker: Breaker,
}

/// A place on the way for one message, with the leave to ask its provider.
pub struct Place {
    channel: Channel,
    /// None where the settings have no such channel.
    taken: Option<Taken>,
}

struct Taken {
    line: Arc<Line>,
    /// None once it was used.
    leave: Option<Leave>,
    _room: OwnedSemaphorePermit,
}

/// A provider, or the folder that stands for one.
enum Transport {
    Mail(Mail),
    Sms(Box<Sms>),
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
        let line = |transport: Transport| {
            let (room, breaker) = (transport.at_once_max(), Breaker::new(clock.clone()));
            Arc::new(Line { transport, room: Arc::new(Semaphore::new(room)), breaker })
        };
        let mail = settings.mail.as_ref().map(|mail| match mail.folder()? {
            Some(folder) => Ok(Transport::Outbox(Outbox::new(data.join(folder)))),
            None => Mail::new(mail).map(Transport::Mail),
        });
        let sms = settings.sms.as_ref().map(|sms| match sms.folder()? {
            Some(folder) => Ok(Transport::Outbox(Outbox::new(data.join(folder)))),
            None => Ok(Transport::Sms(Box::new(Sms::new(sms)?))),
        });
        let (mail, sms) = (mail.transpose()?, sms.transpose()?);
        Ok(Self { mail: mail.map(line), sms: sms.map(line) })
    }

    /// Whether the settings have this channel.
    pub fn has(&self, channel: Channel) -> bool {
        self.line(channel).is_some()
    }

    /// A place for a message, if there is room and the provider is asked now. Nobody waits here.
    pub fn place(&self, channel: Channel) -> Option<Place> {
        let Some(line) = self.line(channel) else { return Some(Place { channel, taken: None }) };
        let room = Arc::clone(&line.room).try_acquire_owned().ok()?;
        Place::on(channel, line, room)
    }

    /// Waits for room, tries once to send a message, and says what is known then. Given up halfway,
    /// nothing is known.
    pub async fn send(&self, channel: Channel, message: &Message) -> Answer {
        let place = match self.line(channel) {
            None => Ok(Place { channel, taken: None }),
            Some(line) => match timeout(ROOM_MAX, Arc::clone(&line.room).acquire_owned()).await {
                Ok(Ok(room)) => Place::on(channel, line, room).ok_or(Why::SwitchedOff),
                Ok(Err(_)) | Err(_) => Err(Why::Busy),
            },
        };
        match place {
            Ok(place) => place.send(message).await,
            Err(why) => Answer::Later { why },
        }
    }

    /// Whether the provider of a channel is asked now.
    pub(crate) fn ease(&self, channel: Channel) -> Ease {
        self.line(channel).map_or(Ease::Works, |line| line.breaker.ease())
    }

    fn line(&self, channel: Channel) -> Option<&Arc<Line>> {
        match channel {
            Channel::Mail => self.mail.as_ref(),
            Channel::Sms => self.sms.as_ref(),
        }
    }
}

impl Place {
    fn on(channel: Channel, line: &Arc<Line>, room: OwnedSemaphorePermit) -> Option<Self> {
        let leave = Some(line.breaker.admits()?);
        let taken = Some(Taken { line: Arc::clone(line), leave, _room: room });
        Some(Self { channel, taken })
    }

    /// Tries once to send a message, and says what is known then. Given up halfway, nothing is known.
    pub async fn send(mut self, message: &Message) -> Answer {
        let answer = match &mut self.taken {
            Some(taken) => taken.send(self.channel, message).await,
            None => Answer::Undeliverable { why: Why::NoSuchChannel },
        };
        if let Some(why) = answer.why() {
            let (channel, why): (&str, &str) = (self.channel.into(), why.into());
            tracing::info!(channel, why, key = %message.key, "a message was not accepted");
        }
        answer
    }
}

impl Taken {
    async fn send(&mut self, channel: Channel, message: &Message) -> Answer {
        let to = match channel {
            Channel::Mail => addresses::mail(&message.to),
            Channel::Sms => addresses::mobile(&message.to),
        };
        let Some(to) = to else {
            return Answer::Undeliverable { why: Why::MalformedAddress };
        };
        let answer = match &self.line.transport {
            Transport::Mail(mail) => mail.send(&to, message).await,
            Transport::Sms(sms) => sms.send(&to, message).await,
            Transport::Outbox(outbox) => outbox.put(channel, &to, message).await,
        };
        self.line.breaker.hear(&answer);
        self.leave = None;
        answer
    }
}

impl Drop for Taken {
    /// Whoever asked nobody lets another one try.
    fn drop(&mut self) {
        if let Some(leave) = &self.leave {
            self.line.breaker.give_back(leave);
        }
    }
}

impl Transport {
    fn at_once_max(&self) -> usize {
        match self {
            Self::Mail(_) => mail::CONNECTIONS_MAX,
            Self::Sms(_) | Self::Outbox(_) => AT_ONCE_MAX,
        }
    }
}
