//! Searches what was printed for the names that the tests invent: `./test` asks it about its own run.

use std::{
    env, fs,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context;

#[path = "../canaries.rs"]
mod canaries;

fn main() -> anyhow::Result<ExitCode> {
    let mut outcome = ExitCode::SUCCESS;
    for path in env::args().skip(1) {
        let printed = fs::read(&path).with_context(|| format!("reading {path}"))?;
        for (n, line) in printed.split(|byte| *byte == b'\n').enumerate() {
            if let Some(name) = canaries::first_in(line) {
                writeln!(io::stderr(), "{path}, line {}, names {name}", n + 1)?;
                outcome = ExitCode::FAILURE;
            }
        }
    }
    Ok(outcome)
}
