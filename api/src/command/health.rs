//! `preau health`: asks the server of the settings how it is.

use std::{io::Write as _, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::settings::Settings;

/// A server that is behind answers so after five seconds.
const ANSWER_MAX: Duration = Duration::from_secs(8);

/// Asks, prints the answer, and fails if it is not a good one.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let asked = timeout(ANSWER_MAX, ask(settings)).await;
    let health = asked.context("the server does not answer in time")??;
    writeln!(std::io::stdout(), "{health:#}")?;
    let well = health["parked"] == 0;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(settings: &Settings) -> anyhow::Result<Value> {
    let address = settings.listen;
    let mut server = TcpStream::connect(address)
        .await
        .with_context(|| format!("no server answers at {address}"))?;
    // HTTP/1.0: the answer ends where the connection does, and needs no client library.
    server.write_all(b"GET /health HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).await?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("the answer is cut") };
    if !head.starts_with("HTTP/1.0 200") {
        bail!("the server is not well: {}", head.lines().next().unwrap_or_default());
    }
    Ok(serde_json::from_str(body)?)
}
