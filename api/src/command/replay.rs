//! `preau replay …`: the auditor's tool. It reads the log beside a server that may be running.

mod access;

use std::{io::Write as _, net::SocketAddr, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use api::{App, Past, Source};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use domain::{Stream, StudentId};
use indicatif::{ProgressBar, ProgressStyle};
use replay::{
    Journal,
    history::{self, Happened},
    rebuild,
};
use sqlx::SqlitePool;

use super::serve::{listen, log_json, serve};
use crate::settings::Settings;

/// What to replay.
#[derive(Subcommand)]
pub(crate) enum Replay {
    /// Fill the tables anew from the log; a running server takes them over when they are whole
    Rebuild,
    /// Every event of a stream, or of a student: identity, family, attendance, and what follows of it
    History {
        /// A stream like `school-0549998Z`, or the id of a student
        of: String,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Who signed in with an account, and who read what about a person
    Access(access::Access),
    /// Serve the schools, read-only, as they stood at an instant
    AsOf {
        /// Like `2026-11-20T08:14:00Z`
        instant: DateTime<Utc>,
    },
    /// Rebuild the tables aside and compare them with the live ones, row by row
    Diff,
}

impl Replay {
    /// Does what is asked.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        log_json("warn");
        let folder = &settings.data;
        let place = settings.existing_place()?;
        let journal = Journal::open_to_read(place.clone(), settings.existing_master_key()?).await?;
        match self {
            Self::Rebuild => rebuild_tables(&journal, folder).await,
            Self::History { of, json } => print_history((&journal, folder), &of, json).await,
            Self::Access(access) => access.run(&journal, &place.log).await,
            Self::AsOf { instant } => serve_past(journal, instant, settings).await,
            Self::Diff => diff(&journal, folder).await,
        }
    }
}

async fn rebuild_tables(journal: &Journal, folder: &Path) -> anyhow::Result<ExitCode> {
    let bar = progress(journal).await?;
    let generation =
        rebuild::next_generation(journal, folder, &mut |at| bar.set_position(at)).await?;
    bar.finish();
    let file = projections::files::path(folder, generation);
    writeln!(std::io::stdout(), "rebuilt: {}", file.display())?;
    Ok(ExitCode::SUCCESS)
}

async fn print_history(
    (journal, folder): (&Journal, &Path),
    of: &str,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let happened = match (of.parse::<Stream>(), of.parse::<StudentId>()) {
        (Ok(stream), _) => history::of_stream(journal, stream).await?,
        (Err(_), Ok(student)) => {
            let db = tables(folder).await?;
            history::of_student(journal, db.as_ref(), student).await?
        }
        (Err(error), Err(_)) => bail!("{of:?} is neither a student's id nor a stream: {error}"),
    };
    let mut out = std::io::stdout().lock();
    for event in &happened {
        if json {
            writeln!(out, "{}", serde_json::to_string(event)?)?;
        } else {
            writeln!(out, "{}", readable(event))?;
        }
    }
    if happened.is_empty() {
        writeln!(std::io::stderr(), "nothing happened in {of}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The tables of a folder, if there are any.
async fn tables(folder: &Path) -> anyhow::Result<Option<SqlitePool>> {
    let Some(newest) = projections::files::newest_whole(folder).await? else { return Ok(None) };
    Ok(Some(projections::files::open(&projections::files::path(folder, newest)).await?))
}

/// An event in two lines: when and what; who, where and the details.
fn readable(event: &Happened) -> String {
    let when = |at: Option<DateTime<Utc>>| {
        at.map_or_else(|| "?".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
    };
    let kind = event.kind.as_deref().unwrap_or("?");
    let remark = event.remark.as_deref().map(|remark| format!(" ({remark})")).unwrap_or_default();
    let actor = event.actor.map_or_else(|| "?".to_owned(), |actor| actor.to_string());
    let content = event.content.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "#{position} {happened}  {kind}{remark}\n    recorded {recorded} by {actor} in {stream}\n    {content}",
        position = event.position,
        happened = when(event.occurred_at),
        recorded = when(event.recorded_at),
        stream = event.stream.as_deref().unwrap_or("?"),
    )
}

async fn serve_past(
    journal: Journal,
    instant: DateTime<Utc>,
    settings: &Settings,
) -> anyhow::Result<ExitCode> {
    let scratch = tempfile::tempdir_in(&settings.data)?;
    let tokens = settings.tokens()?;
    let listener = listen(settings.listen).await?;
    let db = rebuild::as_of(&journal, scratch.path(), instant).await?;
    let address: SocketAddr = listener.local_addr()?;
    writeln!(std::io::stdout(), "as of {instant}, read-only: http://{address}/api/v1")?;
    serve(listener, App::new(Source::Past(Past { journal, db, instant }), tokens), None).await?;
    Ok(ExitCode::SUCCESS)
}

async fn diff(journal: &Journal, folder: &Path) -> anyhow::Result<ExitCode> {
    let scratch = tempfile::tempdir_in(folder)?;
    let bar = progress(journal).await?;
    let found =
        rebuild::diff(journal, folder, scratch.path(), &mut |at| bar.set_position(at)).await?;
    bar.finish_and_clear();
    let mut out = std::io::stdout().lock();
    for difference in &found {
        let side = if difference.only_in == "left" { "live only" } else { "rebuilt only" };
        writeln!(out, "{} {side}: {}", difference.table, difference.row)?;
    }
    if found.is_empty() {
        writeln!(out, "the live tables are what a rebuild gives")?;
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

async fn progress(journal: &Journal) -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {pos}/{len} events, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).context("the bar's template")?;
    Ok(ProgressBar::new(journal.log().head().await?).with_style(style))
}
