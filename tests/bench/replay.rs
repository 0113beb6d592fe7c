//! How fast the log is read: every event opened and understood, beside the bytes alone.
//!
//! The bare side fetches the same rows with the same driver and adds up the lengths of their
//! columns. Between the two lie decompression, the envelopes, the seals and the JSON.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::ensure;
use futures_util::TryStreamExt;
use replay::log::Filter;
use sqlx::{ConnectOptions, Row, sqlite::SqliteConnectOptions};

use super::{Measure, median, year};

/// How much to measure.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Effort {
    /// Events in the log.
    #[arg(long, default_value_t = 1_000_000)]
    pub(super) events: u64,
    /// Turns of each side.
    #[arg(long, default_value_t = 3)]
    pub(super) rounds: usize,
    /// A folder for the log, written at first and kept: the next run starts sooner.
    #[arg(long)]
    pub(super) keep: Option<PathBuf>,
}

/// Reads a log of `effort.events` again and again.
pub(super) async fn run(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let scratch = tempfile::tempdir_in(folder)?;
    let log = effort.keep.unwrap_or_else(|| scratch.path().join("year"));
    year::write(&log, effort.events).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        ours.push(decoded(&log).await?);
        bare.push(scanned(&log).await?);
    }
    let (value, against) = (median(ours), median(bare));
    let name = "replay, read and decode, against a bare scan".to_owned();
    Ok(vec![Measure { name, value, unit: "events/s", against, ratio: value / against }])
}

/// Events read, opened and understood in a second, by a process that has just begun.
pub(super) async fn decoded(folder: &Path) -> anyhow::Result<f64> {
    let journal = year::open(folder).await?;
    let begin = Instant::now();
    let mut pages = journal.pages(0, Filter::default());
    let mut events = 0;
    while let Some(page) = pages.next().await? {
        events += page.entries.iter().filter(|entry| entry.is_ok()).count();
    }
    let rate = events as f64 / begin.elapsed().as_secs_f64();
    ensure!(events as u64 == journal.log().head().await?, "an event could not be read");
    journal.log().close().await;
    Ok(rate)
}

/// Rows of its file that are read in a second, and nothing done with them.
pub(super) async fn scanned(folder: &Path) -> anyhow::Result<f64> {
    let options = SqliteConnectOptions::new().filename(folder.join("school.log"));
    let mut store = options.read_only(true).connect().await?;
    let begin = Instant::now();
    let (mut events, mut bytes) = (0, 0);
    let mut segments = sqlx::query("select events, data from segment").fetch(&mut store);
    while let Some(segment) = segments.try_next().await? {
        events += segment.try_get::<i64, _>(0)?;
        bytes += segment.try_get::<&[u8], _>(1)?.len();
    }
    drop(segments);
    let mut rows = sqlx::query("select header, payload from event").fetch(&mut store);
    while let Some(row) = rows.try_next().await? {
        events += 1;
        bytes += row.try_get::<&[u8], _>(0)?.len() + row.try_get::<&[u8], _>(1)?.len();
    }
    ensure!(bytes > 0, "the log is empty");
    Ok(events as f64 / begin.elapsed().as_secs_f64())
}
