//! The process that reads national files while a test looks at its memory.
//!
//! It tells one line: how it went, how many records were read, the most memory that it ever had, and
//! how long it took. A process of its own, for the memory of a test program is that of all its tests.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    time::Instant,
};

use anyhow::Context;
use api::imports::files::{Input, read};
use clap::Parser;

/// Reads national files and tells what it cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// The files.
    files: Vec<PathBuf>,
}

/// The same as the server's: what is measured is what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut inputs = Vec::new();
    for path in Arguments::parse().files {
        let bytes = Box::new(File::open(&path)?);
        inputs.push(Input { name: path.display().to_string(), bytes });
    }
    let (outcome, records) = match read(inputs) {
        Ok(feed) => {
            let students = feed.students.as_ref().map_or(0, |students| students.people.len());
            let guardians = feed.guardians.as_ref().map_or(0, |guardians| guardians.people.len());
            ("read", students + guardians)
        }
        Err(problems) => (problems.first().map_or("nothing", |first| first.fault.code()), 0),
    };
    let (peak, millis) = (peak_kib()?, begun.elapsed().as_millis());
    io::stdout().write_all(format!("{outcome} {records} {peak} {millis}\n").as_bytes())?;
    Ok(())
}

/// The most memory that this process ever had, in KiB.
fn peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line.and_then(|line| line.trim().strip_suffix("kB")).context("no peak is told")?;
    Ok(peak.trim().parse()?)
}
