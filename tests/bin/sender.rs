//! The process that is killed while it tells families: a node with a dispatcher, at an instant.
//!
//! It finishes whatever was begun before it, then raises one alert and tells it: at any instant there is one
//! message on the way. What a provider has answered and nobody has written down is gone when it is killed.

use std::path::PathBuf;

use anyhow::Context;
use api::{
    Dispatcher,
    channels::{ChannelSettings, Channels},
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use domain::{
    AccountId,
    alerts::{Alert, AlertCommand, AlertId, Said},
};
use replay::{Act, Clock, Journal, Node, Place, clock::SetClock, keys::MasterKey, new_command_id};

/// How long the half-day lasts that a student misses.
const HALF_DAY: TimeDelta = TimeDelta::hours(4);

/// A node that tells of one absence.
#[derive(Debug, Parser)]
struct Arguments {
    /// The data folder.
    folder: PathBuf,
    /// The instant it is.
    #[arg(long)]
    now: DateTime<Utc>,
    /// The channels, as JSON.
    #[arg(long)]
    channels: String,
    /// The alert to raise, if one is.
    #[arg(long)]
    alert: Option<AlertId>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { folder, now, channels, alert } = Arguments::parse();
    let master = MasterKey::load_or_create(&folder.join("master.key"))?;
    let clock = Clock::Set(SetClock::at(now));
    let (node, running) = Node::start(Place::from(folder.as_path()), master, clock.clone()).await?;
    let settings: ChannelSettings = serde_json::from_str(&channels).context("the channels")?;
    let channels = Channels::new(&settings, &folder, &clock)?;
    let public_url = "https://preau.test".parse()?;
    let mut dispatcher = Dispatcher::new(node.clone(), channels, &public_url).await?;
    dispatcher.settle().await?;
    if let Some(alert) = alert {
        raise(node.journal(), alert, now).await?;
        dispatcher.settle().await?;
    }
    node.stop(running).await;
    Ok(())
}

/// Raises an alert that is due at once.
async fn raise(journal: &Journal, alert: AlertId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let said = Said::Unexplained { since: now, ends: now + HALF_DAY, due: now };
    let command = new_command_id();
    let act = Act::new(alert.school, AccountId::PREAU, command, now);
    let follow = AlertCommand::FollowFile { said, revision: 0, at: now };
    journal.execute::<Alert>(alert, follow, &act).await?;
    Ok(())
}
