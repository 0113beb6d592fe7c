//! How fast a log moves: into a file, beside a bare scan of what is read; out of it into another log, with
//! everything read again at the end, beside the export of the same file.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::ensure;
use replay::{
    Place,
    log::{Log, LogName},
    moving::{To, export, import},
    place::LogUrl,
};

use super::{Measure, replay as reading, year};

/// How much to move, and where to.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Effort {
    /// Events in the log.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// A folder for the log, written at first and kept: the next run starts sooner.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// The URL of an empty log to move into, beside one in the folder.
    #[arg(long)]
    into: Vec<LogUrl>,
}

/// Moves a log of `effort.events` once into each place.
pub(super) async fn run(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let scratch = tempfile::tempdir_in(folder)?;
    let year = effort.keep.unwrap_or_else(|| scratch.path().join("year"));
    year::write(&year, effort.events).await?;
    let from = LogUrl::Sqlite(year.clone());
    Log::open(&from, LogName::Access).await?.close().await;
    let file = scratch.path().join("logs.preau");

    let begin = Instant::now();
    let exported = export(&from, To::File(&file), &mut |_, _| ()).await?;
    let events = exported.school.events as f64;
    let (rate, bare) = (events / begin.elapsed().as_secs_f64(), reading::scanned(&year).await?);
    let mut measures = vec![measure("export, against a bare scan".to_owned(), rate, bare)];
    let places = std::iter::once(LogUrl::Sqlite(scratch.path().join("new"))).chain(effort.into);
    for (n, log) in places.enumerate() {
        let place =
            Place { log, ..Place::from(scratch.path().join(format!("data-{n}")).as_path()) };
        let begin = Instant::now();
        let imported = import(&file, &place, &mut |_, _| ()).await?;
        let value = events / begin.elapsed().as_secs_f64();
        ensure!(imported.school.written == exported.school.events, "{} was not empty", place.log);
        let url = place.log.to_string();
        let (engine, _) = url.split_once(':').unwrap_or((&url, ""));
        measures.push(measure(format!("import into {engine}, against the export"), value, rate));
    }
    Ok(measures)
}

fn measure(name: String, value: f64, against: f64) -> Measure {
    Measure { name, value, unit: "events/s", against, ratio: value / against }
}
