//! Measures this machine and Préau on it: each number stands beside the machine's own limit in the
//! same run, and is told with their ratio.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Parser, Subcommand};
use serde_json::json;

#[path = "../bench/access.rs"]
mod access;
#[path = "../bench/alerts.rs"]
mod alerts;
#[path = "../bench/append.rs"]
mod append;
#[path = "../alerts/crowd.rs"]
mod crowd;
#[path = "../bench/engines.rs"]
mod engines;
#[path = "../bench/import.rs"]
mod import;
#[path = "../bench/moving.rs"]
mod moving;
#[path = "../bench/rebuild.rs"]
mod rebuild;
#[path = "../bench/replay.rs"]
mod replay;
#[path = "../bench/school.rs"]
mod school;
#[path = "../bench/year.rs"]
mod year;

/// The same as the binary's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers for durable appends, replay, rebuild, the access log, imports, moving house and alerts.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[command(subcommand)]
    what: What,
    /// The folder whose disk is measured; what is written there is deleted again.
    #[arg(long, default_value = ".", global = true)]
    folder: PathBuf,
    /// One JSON object a line instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Durable events a second with 1 to 256 writers.
    Append(append::Effort),
    /// Events read and decoded a second.
    Replay(replay::Effort),
    /// Events folded into all tables a second.
    Rebuild(replay::Effort),
    /// Reads a second with an entry in the access log, and the start of a node.
    Access(access::Effort),
    /// What it takes to bring two thousand students in, and again.
    Import(import::Effort),
    /// Events a second into the file that a school moves with, and out of it again.
    Moving(moving::Effort),
    /// How soon families are told when two thousand are missing.
    Alerts(alerts::Effort),
    /// Appends and reads on every engine, beside what others do on PostgreSQL.
    Engines(engines::Effort),
}

/// One number, and what it is compared with.
struct Measure {
    name: String,
    value: f64,
    unit: &'static str,
    against: f64,
    ratio: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let measures = match arguments.what {
        What::Append(effort) => append::run(&arguments.folder, effort).await?,
        What::Replay(effort) => replay::run(&arguments.folder, effort).await?,
        What::Rebuild(effort) => rebuild::run(&arguments.folder, effort).await?,
        What::Access(effort) => access::run(&arguments.folder, effort).await?,
        What::Import(effort) => import::run_all(&arguments.folder, effort).await?,
        What::Alerts(effort) => alerts::run(&arguments.folder, effort).await?,
        What::Engines(effort) => engines::run(&arguments.folder, effort).await?,
        What::Moving(effort) => moving::run(&arguments.folder, effort).await?,
    };
    let mut out = io::stdout().lock();
    for measure in measures {
        let Measure { name, value, unit, against, ratio } = measure;
        if arguments.json {
            let line = json!({ "name": name, "value": value, "unit": unit, "against": against, "ratio": ratio });
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{name:<48} {value:>10.0} / {against:>10.0} {unit}  {ratio:.2}")?;
        }
    }
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
}
