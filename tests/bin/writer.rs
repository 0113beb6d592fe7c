//! The process that the fault tests kill: a node, and writers who never stop asking.
//!
//! Each acknowledgement is a line on standard output, written only after the answer: the command,
//! its stream, the revision and the position. What the parent read was acknowledged, whatever
//! becomes of this process. Commands are numbered, so that no two runs of one folder ask the same.
//! With `--access` they write into the access log instead, and a line is an entry's session and
//! its position. With `--patient` there is only a journal, and whoever gets no answer from it asks the
//! same again, until there is one.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use clap::Parser;
use domain::{
    CommandId, SessionId,
    access::{Entry, What},
};
use replay::{AccessLog, Clock, Journal, Node, Place, keys::MasterKey};
use tokio::task::JoinSet;
use uuid::Uuid;

#[path = "../faults/school.rs"]
mod school;

use school::School;

/// How long a patient writer waits before asking again.
const PAUSE: Duration = Duration::from_millis(50);

/// A node with writers who never stop asking.
#[derive(Debug, Parser)]
struct Arguments {
    /// The data folder.
    folder: PathBuf,
    /// Which run of this folder it is.
    #[arg(long)]
    run: u32,
    /// How many write at the same time.
    #[arg(long, default_value_t = 64)]
    writers: u32,
    /// Write into the access log.
    #[arg(long)]
    access: bool,
    /// Where the log and the keys are, if not in the folder.
    #[arg(long)]
    database: Option<String>,
    /// Ask again when there is no answer, of a journal without tables.
    #[arg(long)]
    patient: bool,
    /// The master key, if it is not in the folder.
    #[arg(long)]
    master: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { folder, run, writers, access, database, patient, master } = Arguments::parse();
    let master = MasterKey::load_or_create(&master.unwrap_or_else(|| folder.join("master.key")))?;
    let mut place = Place::from(folder.as_path());
    if let Some(url) = database {
        (place.log, place.keys) = (url.parse()?, url.parse()?);
    }
    let mut asking = JoinSet::new();
    if patient {
        let journal = Journal::open(place, master, Clock::System).await?;
        let school = Arc::new(School::open(&journal).await?);
        for writer in 0..writers {
            let asker = Asker { journal: journal.clone(), run, writer, patient };
            asking.spawn(asker.ask(Arc::clone(&school)));
        }
        return ended(asking).await;
    }
    let (node, _running) = Node::start(place, master, Clock::System).await?;
    if access {
        for writer in 0..writers {
            asking.spawn(note(node.access().clone(), run, writer));
        }
    } else {
        let school = Arc::new(School::open(node.journal()).await?);
        for writer in 0..writers {
            let asker = Asker { journal: node.journal().clone(), run, writer, patient };
            asking.spawn(asker.ask(Arc::clone(&school)));
        }
    }
    ended(asking).await
}

async fn ended(mut asking: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = asking.join_next().await {
        ended??;
    }
    Ok(())
}

/// Somebody who asks.
struct Asker {
    journal: Journal,
    run: u32,
    writer: u32,
    patient: bool,
}

impl Asker {
    /// Asks for one command after the other.
    async fn ask(self, school: Arc<School>) -> anyhow::Result<()> {
        for n in 0.. {
            let command = command(self.run, self.writer, n);
            let asked = loop {
                match school.ask(&self.journal, command, self.writer, n).await {
                    Err(error) if self.patient => {
                        writeln!(io::stderr(), "asking again: {error:#}")?;
                        tokio::time::sleep(PAUSE).await;
                    }
                    answered => break answered?,
                }
            };
            if let Some((stream, done)) = asked {
                let revision = done.revision.unwrap_or_default();
                let position = done.position;
                // One write of one short line: the pipe takes it whole or not at all.
                let line = format!("{command} {stream} {revision} {position}\n");
                io::stdout().lock().write_all(line.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Has one entry after the other written down.
async fn note(log: AccessLog, run: u32, writer: u32) -> anyhow::Result<()> {
    for n in 0.. {
        let session = SessionId(command(run, writer, n).0);
        let what = What::SessionSeen { session };
        let position = log.record(vec![Entry { at: Utc::now(), account: None, what }]).await?;
        io::stdout().lock().write_all(format!("{session} {position}\n").as_bytes())?;
    }
    Ok(())
}

fn command(run: u32, writer: u32, n: u32) -> CommandId {
    let number = u128::from(run) << 64 | u128::from(writer) << 32 | u128::from(n);
    CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}
