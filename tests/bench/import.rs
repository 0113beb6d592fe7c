//! What it costs to bring a school of two thousand students in, and once more when all is known.
//!
//! The files are made by the generator that made the set of the tests, at ten times its size. Beside
//! both stands reading the same files and nothing else, in the same run.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, ensure};
use api::imports::{
    Base, Import, Progress, Trust, Wish,
    files::{self, Input},
    run,
};
use domain::AccountId;
use replay::{Clock, Node, clock::SetClock, keys::MasterKey};
use uuid::Uuid;

use super::{Measure, median};

/// The size of the school.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Effort {
    /// Divisions of each of the four levels.
    #[arg(long, default_value_t = 20)]
    divisions: u32,
    /// Students of each division.
    #[arg(long, default_value_t = 25)]
    students: u32,
    /// Schools that are brought in, one after the other.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// What one school cost.
struct Round {
    reading_ms: f64,
    first_ms: f64,
    again_ms: f64,
    events: f64,
}

/// Measures in a folder of its own within `folder`.
pub(super) async fn run_all(folder: &Path, effort: Effort) -> anyhow::Result<Vec<Measure>> {
    let folder = tempfile::tempdir_in(folder)?;
    generate(folder.path(), effort)?;
    let mut rounds = Vec::new();
    for round in 0..effort.rounds {
        rounds.push(bring_in(folder.path(), &folder.path().join(round.to_string())).await?);
    }
    let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
    let (reading, first, again) = (of(|r| r.reading_ms), of(|r| r.first_ms), of(|r| r.again_ms));
    let events = of(|r| r.events);
    let files = all_files(folder.path())?;
    let bytes = files.iter().map(|path| Ok(fs::metadata(path)?.len()));
    let bytes = bytes.sum::<anyhow::Result<u64>>()? as f64;
    let mib = |bytes: f64| bytes / 1024.0 / 1024.0;
    let peak = peak_bytes()?;
    let beside = |name: &str, value: f64, unit, against: f64| Measure {
        name: name.to_owned(),
        value,
        unit,
        against,
        ratio: value / against,
    };
    Ok(vec![
        beside("import, first time / reading the files", first, "ms", reading),
        beside("import, again / reading the files", again, "ms", reading),
        beside(
            "import, events a second / read and not written",
            events / first * 1_000.0,
            "events/s",
            events / reading * 1_000.0,
        ),
        beside("import, peak memory of the process / files", mib(peak), "MiB", mib(bytes)),
    ])
}

/// Has the set made, at this size. It asks no network.
fn generate(folder: &Path, effort: Effort) -> anyhow::Result<()> {
    let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("siecle/gen_siecle.py");
    let size = [effort.divisions, effort.students].map(|number| number.to_string());
    let made = Command::new("python3").arg(generator).args(size).arg(folder).output();
    let made = made.context("this bench makes its files with python3")?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

fn all_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let entries: Vec<PathBuf> = entries.collect::<anyhow::Result<_>>()?;
    Ok(entries.into_iter().filter(|path| path.extension().is_some_and(|e| e == "xml")).collect())
}

/// The files of a base.
fn inputs(folder: &Path, base: Base) -> anyhow::Result<Vec<Input<'static>>> {
    let is_sts = |path: &PathBuf| path.to_string_lossy().contains("sts_emp");
    let files = all_files(folder)?.into_iter().filter(|path| is_sts(path) == (base == Base::Sts));
    let open = |path: PathBuf| {
        let name = path.display().to_string();
        Ok(Input { name, bytes: Box::new(File::open(path)?) })
    };
    files.map(open).collect()
}

async fn bring_in(files_in: &Path, data: &Path) -> anyhow::Result<Round> {
    fs::create_dir(data)?;
    let master = MasterKey::load_or_create(&data.join("master.key"))?;
    let clock = Clock::Set(SetClock::at("2026-09-03T08:00:00Z".parse()?));
    let (node, running) = Node::start(data, master, clock).await?;
    let begun = Instant::now();
    for base in [Base::Sts, Base::Siecle] {
        let read = files::read(inputs(files_in, base)?);
        ensure!(read.is_ok(), "the files cannot be read");
    }
    let reading_ms = begun.elapsed().as_secs_f64() * 1_000.0;
    let (first_ms, events) = import(&node, files_in).await?;
    let (again_ms, none) = import(&node, files_in).await?;
    ensure!(none == 0, "the same files again changed something");
    node.stop(running).await;
    Ok(Round { reading_ms, first_ms, again_ms, events: events as f64 })
}

/// Imports both bases: how long it took, and how many events came of it.
async fn import(node: &Node, files_in: &Path) -> anyhow::Result<(f64, u64)> {
    let (actor, wish) = (AccountId(Uuid::from_u128(1)), Wish::default());
    let progress: Progress = Arc::new(|_, _| {});
    let begun = Instant::now();
    let mut events = 0;
    for base in [Base::Sts, Base::Siecle] {
        let trust = Trust::Whole;
        let import = Import { base, school: None, actor, trust, dry_run: false, wish };
        let report = run(node, &import, inputs(files_in, base)?, &progress).await?;
        ensure!(report.imported, "{report}");
        events += report.events_appended;
        node.reach(report.position).await?;
    }
    Ok((begun.elapsed().as_secs_f64() * 1_000.0, events))
}

/// The most memory that this process ever had, as Linux tells it.
fn peak_bytes() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("no peak told")?;
    Ok(kib.parse::<f64>()? * 1024.0)
}
