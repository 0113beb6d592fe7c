//! The process that the fault tests kill: a node, and writers who never stop asking.
//!
//! Each acknowledgement is a line on standard output, written only after the answer: the command,
//! its stream, the revision and the position. What the parent read was acknowledged, whatever
//! becomes of this process. Commands are numbered, so that no two runs of one folder ask the same.
//! With `--access` they write into the access log instead, and a line is an entry's session and
//! its position.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use chrono::Utc;
use clap::Parser;
use domain::{
    CommandId, SessionId,
    access::{Entry, What},
};
use replay::{AccessLog, Clock, Journal, Node, keys::MasterKey};
use tokio::task::JoinSet;
use uuid::Uuid;

#[path = "../faults/school.rs"]
mod school;

use school::School;

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { folder, run, writers, access } = Arguments::parse();
    let master = MasterKey::load_or_create(&folder.join("master.key"))?;
    let (node, _running) = Node::start(folder.as_path(), master, Clock::System).await?;
    let mut asking = JoinSet::new();
    if access {
        for writer in 0..writers {
            asking.spawn(note(node.access().clone(), run, writer));
        }
    } else {
        let school = Arc::new(School::open(node.journal()).await?);
        for writer in 0..writers {
            asking.spawn(ask(node.journal().clone(), Arc::clone(&school), run, writer));
        }
    }
    while let Some(ended) = asking.join_next().await {
        ended??;
    }
    Ok(())
}

/// Asks for one command after the other.
async fn ask(journal: Journal, school: Arc<School>, run: u32, writer: u32) -> anyhow::Result<()> {
    for n in 0.. {
        let command = command(run, writer, n);
        if let Some((stream, done)) = school.ask(&journal, command, writer, n).await? {
            let revision = done.revision.unwrap_or_default();
            let position = done.position;
            // One write of one short line: the pipe takes it whole or not at all.
            let line = format!("{command} {stream} {revision} {position}\n");
            io::stdout().lock().write_all(line.as_bytes())?;
        }
    }
    Ok(())
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
