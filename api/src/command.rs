//! What one can ask of `preau` on the command line.

mod account;
mod demo;
mod health;
mod import;
mod moving;
mod replay;
mod serve;

use std::{io::Write as _, process::ExitCode};

use clap::{CommandFactory, Subcommand};

use crate::{Line, settings::Flags};

/// What is asked.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Open an invented school of 600 students with two weeks of life, and say what to try
    Demo,
    /// Serve the schools of the data folder
    Serve,
    /// Bring national files in: compared with what is known, written where they differ
    #[command(subcommand)]
    Import(import::Bring),
    /// Replay the log: rebuild what is shown, look at a past day, read a history, compare
    #[command(subcommand)]
    Replay(replay::Replay),
    /// Write both logs into a file, sealed and chained, or what is new since
    Export(moving::Export),
    /// Bring the logs of a file into an empty place, on any engine, and verify them event by event
    ImportLog(moving::ImportLog),
    /// Copy the keys into another vault
    #[command(subcommand)]
    Keys(moving::Keys),
    /// Make the first accounts of a server: codes, mandates
    #[command(subcommand)]
    Account(account::Accounts),
    /// Show the settings in force, without the secrets
    Config,
    /// Ask the server how it is; fails if it does not answer or an event cannot be read
    Health,
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Does what is asked.
    pub(crate) async fn run(self, flags: &Flags) -> anyhow::Result<ExitCode> {
        match self {
            Self::Demo => demo::run(flags).await?,
            Self::Serve => serve::run(&flags.settings("data")?).await?,
            Self::Import(bring) => return bring.run(&flags.settings("data")?).await,
            Self::Replay(replay) => return replay.run(&flags.settings("data")?).await,
            Self::Export(export) => return export.run(&flags.settings("data")?).await,
            Self::ImportLog(import) => return import.run(&flags.settings("data")?).await,
            Self::Keys(keys) => return keys.run(&flags.settings("data")?).await,
            Self::Account(accounts) => return accounts.run(&flags.settings("data")?).await,
            Self::Config => write!(std::io::stdout(), "{}", flags.settings("data")?)?,
            Self::Health => return health::run(&flags.settings("data")?).await,
            Self::Completions { shell } => {
                let mut line = Line::command();
                clap_complete::generate(shell, &mut line, "preau", &mut std::io::stdout());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
