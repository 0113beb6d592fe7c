//! `preau export`, `preau import-log` and `preau keys copy`: moving house, between any two engines.
//!
//! An export reads beside a server that may be running; what is moved into must have none.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand, ValueHint};
use indicatif::{ProgressBar, ProgressStyle};
use replay::{
    keys::{self, Copied},
    moving::{self, Exported, Imported, LogEnd, To},
    place::KeysUrl,
};

use super::serve::log_json;
use crate::settings::Settings;

/// Writing the logs into a file.
#[derive(Args)]
pub(crate) struct Export {
    /// The file: a new one, or one to go on with; `-` is standard output
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Bringing logs in from a file.
#[derive(Args)]
pub(crate) struct ImportLog {
    /// A file that `preau export` has written
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// What to do with keys.
#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Copy all keys, secrets and login names into another vault, under the same master key
    Copy {
        /// The other vault: sqlite:DIR or postgres://…
        #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
        to: String,
        /// Print the summary as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Export {
    /// Exports, and tells what is in the file. Where the file is the standard output, on standard error.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        log_json("warn");
        let place = settings.existing_place()?;
        let to = if self.file == Path::new("-") { To::Stdout } else { To::File(&self.file) };
        let bar = progress_bar()?;
        let exported = moving::export(&place.log, to, &mut |done, all| show(&bar, done, all)).await;
        bar.finish_and_clear();
        let exported = exported?;
        let told = if self.json {
            serde_json::to_string_pretty(&exported)? + "\n"
        } else {
            tell_exported(&exported)
        };
        match to {
            To::File(_) => io::stdout().write_all(told.as_bytes())?,
            To::Stdout => io::stderr().write_all(told.as_bytes())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ImportLog {
    /// Imports, and tells what is in the target.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        log_json("warn");
        let (place, bar) = (settings.place()?, progress_bar()?);
        let imported =
            moving::import(&self.file, &place, &mut |done, all| show(&bar, done, all)).await;
        bar.finish_and_clear();
        let imported = imported.with_context(|| {
            let (file, log) = (self.file.display(), &place.log);
            format!("bringing {file} into {log}")
        })?;
        let told = if self.json {
            serde_json::to_string_pretty(&imported)? + "\n"
        } else {
            tell_imported(&imported)
        };
        io::stdout().write_all(told.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Keys {
    /// Copies, and tells what is left to do.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        log_json("warn");
        let Self::Copy { to, json } = self;
        let to: KeysUrl = to.parse().context("reading --to")?;
        let (place, master) = (settings.place()?, settings.existing_master_key()?);
        let bar = progress_bar()?;
        let copied = keys::copy(&place, &to, master, &mut |done, all| show(&bar, done, all)).await;
        bar.finish_and_clear();
        let copied = copied.with_context(|| format!("copying {} into {to}", place.keys))?;
        let told = if json {
            serde_json::to_string_pretty(&copied)? + "\n"
        } else {
            tell_copied(&copied, &place.keys)
        };
        io::stdout().write_all(told.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn tell_exported(exported: &Exported) -> String {
    let Exported { school, access, found, written, chain } = exported;
    format!(
        "Exported, as the logs were when this began; {written} events are new in the file, {found} were \
         in it.\n{}{}chain               {chain}\n\n\
         Contents about people are sealed as they were. In clear are the envelopes (what kind of thing \
         when, by ids) and what is about nobody: settings, calendars, classes, courses. No key is in it.\n",
        tell_log("log of the schools", school),
        tell_log("access log", access),
    )
}

fn tell_imported(imported: &Imported) -> String {
    let Imported { school, access, chain } = imported;
    format!(
        "Imported and read again, event by event: the log is the file.\n{}{}chain               {chain}\n\n\
         {} events were written now, {} were there. Tables are made anew by themselves where positions \
         have changed.\n",
        tell_log("log of the schools", &school.end),
        tell_log("access log", &access.end),
        school.written + access.written,
        school.found + access.found,
    )
}

fn tell_log(called: &str, log: &LogEnd) -> String {
    let LogEnd { events, position, sha256 } = log;
    format!("{called:<20}{events} events, the last at position {position}\n{:<20}{sha256}\n", "")
}

fn tell_copied(copied: &Copied, from: &KeysUrl) -> String {
    let Copied { keys, destroyed, secrets, logins, written } = copied;
    let old = match from {
        KeysUrl::Sqlite(folder) => {
            format!("shred -u {}/vault/vault.db*", folder.display())
        }
        KeysUrl::Postgres(_) => {
            "drop schema preau_vault cascade; and destroy its dumps, replicas and archived logs"
                .to_owned()
        }
    };
    format!(
        "Copied and compared, row by row: {keys} keys ({destroyed} of them destroyed, and so they stay), \
         {secrets} secrets, {logins} login names; {written} rows were written now.\n\
         The old vault is as it was. Once a server has started with the new one, destroy it, or what is \
         erased from now on stays readable with it:\n  {old}\n",
    )
}

/// On a terminal; elsewhere it draws nothing.
fn progress_bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {percent} % done, {eta} left");
    Ok(ProgressBar::new(0).with_style(style.context("the bar's template")?))
}

fn show(bar: &ProgressBar, done: u64, all: u64) {
    bar.set_length(all);
    bar.set_position(done);
}
