//! `preau demo`: an invented school with two weeks of life, served, and what to try.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context, bail};
use api::{
    App, Dispatcher, Source, Token, Tokens,
    channels::{ChannelSettings, Channels},
    demo::{Told, seed, tell, try_this},
};
use chrono::{NaiveDate, Utc};
use replay::{Clock, Node, clock::SetClock};
use reqwest::Url;

use super::serve::{listen, log_json, serve, told_to_stop};
use crate::settings::{Flags, Settings};

/// What the demo is thrown with: the same number, the same school.
const SEED: u64 = 2026;

/// Where the messages to families lie, in the data folder.
const OUTBOX: &str = "outbox";

/// Nothing in the demo is secret.
const TOKEN: &str = "preau-demo-not-a-secret";

/// Opens the school and serves it. Without `--data` all of it is gone afterwards.
pub(crate) async fn run(flags: &Flags) -> anyhow::Result<()> {
    log_json("warn");
    let scratch = tempfile::tempdir().context("making a scratch folder")?;
    let settings = Settings::of_demo(flags, scratch.path())?;
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr()?.to_string();
    let public_url = Url::parse(&format!("http://{address}")).context("the address")?;
    let told = tokio::select! {
        told = open_school(&settings, &public_url) => told?,
        () = told_to_stop()? => return Ok(()),
    };
    let (place, master) = (settings.place()?, settings.master_key()?);
    let (node, running) = Node::start(place, master, Clock::System).await?;
    let token = Token::of_everything(TOKEN, told.account);
    let app = App::new(Source::Live(node.clone()), Tokens::new(vec![token])?);
    let sending = dispatcher(&node, &settings, &public_url).await?;
    writeln!(std::io::stdout(), "Préau: http://{address}/api/v1, {}\n", settings.data.display())?;
    writeln!(
        std::io::stdout(),
        "{}",
        try_this(&told, &address, TOKEN, &settings.data.join(OUTBOX))
    )?;
    serve(listener, app, Some(sending)).await?;
    node.stop(running).await;
    Ok(())
}

/// Plays the school's life into the data folder, unless an earlier demo did.
async fn open_school(settings: &Settings, public_url: &Url) -> anyhow::Result<Told> {
    let played = settings.data.join("demo.date");
    if let Some(today) = played_on(&played)? {
        return tell(SEED, today);
    }
    let today = Utc::now().date_naive();
    writeln!(std::io::stderr(), "inventing a school of 600 students…")?;
    let master = settings.master_key()?;
    let clock = SetClock::at(Utc::now());
    let place = settings.place()?;
    let (node, running) = Node::start(place.clone(), master, Clock::Set(clock.clone())).await?;
    if node.journal().log().head().await? > 0 {
        let told = "holds a log that no demo has finished: delete it, or name another one";
        bail!("{} {told}", place.log);
    }
    let mut sending = dispatcher(&node, settings, public_url).await?;
    let told = seed((&node, &mut sending), &clock, SEED, today).await?;
    node.stop(running).await;
    fs::write(&played, today.to_string())?;
    Ok(told)
}

/// What puts messages into the outbox, where they are looked at.
async fn dispatcher(
    node: &Node,
    settings: &Settings,
    public_url: &Url,
) -> anyhow::Result<Dispatcher> {
    let outbox = ChannelSettings::of_folder(OUTBOX);
    let channels = Channels::new(&outbox, &settings.data, node.journal().clock())?;
    Dispatcher::new(node.clone(), channels, public_url).await
}

fn played_on(played: &Path) -> anyhow::Result<Option<NaiveDate>> {
    if !played.exists() {
        return Ok(None);
    }
    let date = fs::read_to_string(played)?;
    date.trim().parse().map(Some).with_context(|| format!("{} holds no date", played.display()))
}
