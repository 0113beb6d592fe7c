//! `preau import …`: brings national files into the data folder, or says what they would change.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use api::imports::{Base, Import, Progress, Trust, Wish, files::Input, run};
use clap::{Args, Subcommand, ValueHint};
use domain::{AccountId, Uai};
use indicatif::{ProgressBar, ProgressStyle};
use replay::{Clock, Node};

use super::serve::log_json;
use crate::settings::Settings;

/// The files of which base.
#[derive(Subcommand)]
pub(crate) enum Bring {
    /// SIECLE: students, guardians, what codes mean, structures
    Siecle(Files),
    /// STS: staff, classes and services (`sts_emp`), the weekly timetable (`emp_sts`)
    Sts(Files),
}

/// Files, and how they are brought in.
#[derive(Args)]
pub(crate) struct Files {
    /// The exported files, in any order
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// The school that they must be of
    #[arg(long, value_name = "UAI")]
    school: Option<Uai>,
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Let those go who are no longer in the files, a twentieth at most
    #[arg(long)]
    confirm_departures: bool,
    /// However much ends or leaves
    #[arg(long)]
    force: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Bring {
    /// Brings the files in. Fails if all of them are refused.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        log_json("warn");
        let (base, files) = match self {
            Self::Siecle(files) => (Base::Siecle, files),
            Self::Sts(files) => (Base::Sts, files),
        };
        let inputs = files.files.iter().map(|path| open(path)).collect::<Result<_, _>>()?;
        let Files { school, dry_run, confirm_departures, force, json, .. } = files;
        let wish = Wish { confirm_departures, force };
        let (actor, trust) = (AccountId::PREAU, Trust::Whole);
        let import = Import { base, school, actor, trust, dry_run, wish };
        let (kept, place) = (settings.access_log_kept()?, settings.place()?);
        let master = settings.master_key()?;
        let started = Node::start_keeping(kept, place, master, Clock::System).await;
        let (node, running) = match started {
            Ok(started) => started,
            Err(error) => bail!(
                "{error:#}\nIf a server runs on this folder, stop it, or send it \
                the files: POST /api/v1/schools/UAI/imports/…"
            ),
        };
        let bar = progress_bar()?;
        let told = bar.clone();
        let progress: Progress = Arc::new(move |done, all| {
            told.set_length(all);
            told.set_position(done);
        });
        let imported = run(&node, &import, inputs, &progress).await;
        bar.finish_and_clear();
        node.stop(running).await;
        let report = imported?;
        let mut out = std::io::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            write!(out, "{report}")?;
        }
        Ok(if report.imported { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn open(path: &Path) -> anyhow::Result<Input<'static>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Input { name, bytes: Box::new(file) })
}

/// On a terminal; elsewhere it draws nothing.
fn progress_bar() -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {pos}/{len} changes, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).context("the bar's template")?;
    Ok(ProgressBar::new(0).with_style(style))
}
