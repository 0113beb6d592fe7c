//! How soon two thousand families are told: from the moment that an alert falls due to the provider's word in
//! the log, on a node that does all of it, beside the aim; and how many messages a second, beside the same
//! channel with as many messages and nothing else.
//!
//! The absences come by roll calls, once spread over a minute, once all at the same moment. The provider is a
//! double of an SMS gateway, and a real mail server if `PREAU_TEST_SMTP` says where its package is; both
//! share the machine with what is measured.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use api::{
    Dispatcher,
    channels::{Answer, Channel, ChannelSettings, Channels, Message},
};
use chrono::{DateTime, Utc};
use domain::{MessageId, alerts::message::Fate};
use projections::alerts::{AlertRow, of_school_on};
use replay::{Clock, Node, Place, keys::MasterKey};
use serde_json::{Value, json};
use tests::{sms_gateway::SmsGateway, smtp_server::SmtpServer};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{interval, sleep},
};
use uuid::Uuid;

use super::{
    Measure,
    crowd::{CLASSES, Crowd},
};

/// How often it is looked whether all are told.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long telling them may take.
const PATIENCE: Duration = Duration::from_secs(300);

const AIM_P50_MS: f64 = 1_000.0;
const AIM_P99_MS: f64 = 5_000.0;

/// How many are missing, and when.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Effort {
    /// Students who are missing.
    #[arg(long, default_value_t = 2_000)]
    students: u32,
    /// The time that the roll calls are spread over.
    #[arg(long, default_value_t = 60)]
    over_seconds: u64,
    /// How long families are not told yet.
    #[arg(long, default_value_t = 2)]
    grace_seconds: u32,
}

/// A provider, and the settings of its channel.
struct Provider {
    name: &'static str,
    channel: Channel,
    settings: ChannelSettings,
}

/// When a message could be sent at the earliest, and when it was.
struct Sent {
    due: DateTime<Utc>,
    said: DateTime<Utc>,
}

/// Measures in a folder of its own within `folder`.
pub(super) async fn run(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let gateway = SmsGateway::start();
    let sms = json!({ "sms": { "url": gateway.url(), "json": { "to": "{to}", "text": "{text}" },
        "answer": { "pointer": "/status", "accepted": ["100"] } } });
    let mut providers = vec![Provider::new("SMS", Channel::Sms, sms)?];
    let server = SmtpServer::start(&json!({}));
    if let Some(server) = &server {
        let mail = json!({ "mail": { "url": format!("smtp://127.0.0.1:{}", server.port),
            "from": "absences@ecole.example", "ca_file": SmtpServer::ca_file() } });
        providers.push(Provider::new("mail", Channel::Mail, mail)?);
    }
    let mut measures = Vec::new();
    for provider in &providers {
        for over in [Duration::from_secs(effort.over_seconds), Duration::ZERO] {
            measures.extend(provider.tell(folder, effort, over).await?);
        }
    }
    Ok(measures)
}

impl Provider {
    fn new(name: &'static str, channel: Channel, settings: Value) -> anyhow::Result<Self> {
        Ok(Self { name, channel, settings: serde_json::from_value(settings)? })
    }

    /// Has everybody missed and told.
    async fn tell(
        &self,
        folder: &Path,
        effort: Effort,
        over: Duration,
    ) -> anyhow::Result<Vec<Measure>> {
        let folder = tempfile::tempdir_in(folder)?;
        let master = MasterKey::load_or_create(&folder.path().join("master.key"))?;
        let (node, running) =
            Node::start(Place::from(folder.path()), master, Clock::System).await?;
        let by_sms = match self.channel {
            Channel::Sms => |_| true,
            Channel::Mail => |_| false,
        };
        let who = (effort.students, by_sms as fn(u32) -> bool);
        let crowd = Crowd::found(node.journal(), who, effort.grace_seconds).await?;
        let channels = Channels::new(&self.settings, folder.path(), &Clock::System)?;
        let public_url = "https://preau.test".parse()?;
        let dispatcher = Dispatcher::new(node.clone(), channels.clone(), &public_url).await?;
        let (stop, stopped) = watch::channel(false);
        let dispatching = tokio::spawn(dispatcher.run(stopped));
        let mut clock = interval((over / CLASSES).max(Duration::from_nanos(1)));
        for class in 0..CLASSES {
            clock.tick().await;
            crowd.call_roll(node.journal(), class).await?;
        }
        let sent = all_sent(&node, &crowd).await?;
        stop.send_replace(true);
        dispatching.await?;
        node.stop(running).await;
        let alone = self.alone(&channels, sent.len()).await?;
        Ok(self.measures(&sent, over, alone))
    }

    /// Messages a second through the channel and nothing else.
    async fn alone(&self, channels: &Channels, messages: usize) -> anyhow::Result<f64> {
        let (begin, mut sending) = (Instant::now(), JoinSet::new());
        for n in 0..messages {
            let (channels, channel) = (channels.clone(), self.channel);
            let to = match channel {
                Channel::Sms => format!("061{n:07}"),
                Channel::Mail => format!("famille.{n}@example.org"),
            };
            let (subject, text) = ("Absence".to_owned(), "Camille est absente.".to_owned());
            let message =
                Message { key: Uuid::now_v7(), to, subject, text, written_at: Utc::now() };
            sending.spawn(async move { channels.send(channel, &message).await });
        }
        for answer in sending.join_all().await {
            ensure!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
        }
        Ok(messages as f64 / begin.elapsed().as_secs_f64())
    }

    fn measures(&self, sent: &[Sent], over: Duration, alone: f64) -> Vec<Measure> {
        let wait_ms = |sent: &Sent| (sent.said - sent.due).num_microseconds().unwrap_or(0) as f64;
        let mut waits: Vec<f64> = sent.iter().map(|sent| wait_ms(sent) / 1_000.0).collect();
        waits.sort_by(f64::total_cmp);
        let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize];
        let when = match over.as_secs() {
            0 => "at once".to_owned(),
            seconds => format!("over {seconds} s"),
        };
        let measure = |what: &str, value: f64, unit, against: f64| Measure {
            name: format!("alerts by {}, {when}: {what}", self.name),
            value,
            unit,
            against,
            ratio: value / against,
        };
        let mut measures = vec![
            measure("p50 / aim", at(0.5), "ms", AIM_P50_MS),
            measure("p99 / aim", at(0.99), "ms", AIM_P99_MS),
            measure("the last / aim", at(1.0), "ms", AIM_P99_MS),
        ];
        if over.is_zero() {
            let first = sent.iter().map(|sent| sent.due).min().unwrap_or_default();
            let last = sent.iter().map(|sent| sent.said).max().unwrap_or_default();
            let took = (last - first).as_seconds_f64();
            let rate = sent.len() as f64 / took;
            measures.push(measure("messages a second / alone", rate, "1/s", alone));
        }
        measures
    }
}

/// Waits until all are told, and finds that each was told once.
async fn all_sent(node: &Node, crowd: &Crowd) -> anyhow::Result<Vec<Sent>> {
    let (begin, recipients) = (Instant::now(), usize::try_from(crowd.recipients())?);
    loop {
        sleep(LOOK_EVERY).await;
        let alerts = of_school_on(&node.db(), crowd.school, crowd.day).await?;
        let messages = messages(&alerts)?;
        let enough = alerts.len() == usize::try_from(crowd.students)?;
        if enough && messages.len() == recipients {
            return Ok(messages.into_values().collect());
        }
        ensure!(messages.len() <= recipients, "somebody was told twice");
        ensure!(begin.elapsed() < PATIENCE, "{} of {recipients} are told", messages.len());
    }
}

/// The messages that were accepted for all their alerts.
fn messages(alerts: &[AlertRow]) -> anyhow::Result<BTreeMap<MessageId, Sent>> {
    let mut messages: BTreeMap<MessageId, Sent> = BTreeMap::new();
    for alert in alerts {
        for (id, _) in alert.sheet.messages.iter().filter(|(_, known)| known.fate == Fate::Accepted)
        {
            let said = *alert.said_at.get(id).context("when it was said")?;
            let due = alert.sheet.due;
            let sent = messages.entry(*id).or_insert(Sent { due, said });
            // A message about siblings waits for the last of them.
            *sent = Sent { due: sent.due.max(due), said: sent.said.max(said) };
        }
    }
    Ok(messages)
}
