//! The process that the fault tests kill: a node, and writers who never stop asking.
//!
//! Each acknowledgement is a line on standard output, written only after the answer: the command,
//! its stream, the revision and the position. What the parent read was acknowledged, whatever
//! becomes of this process. Commands are numbered, so that no two runs of one folder ask the same.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::Parser;
use domain::CommandId;
use replay::{Clock, Node, keys::MasterKey};
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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { folder, run, writers } = Arguments::parse();
    let master = MasterKey::load_or_create(&folder.join("master.key"))?;
    let (node, _running) = Node::start(&folder, master, Clock::System).await?;
    let school = Arc::new(School::open(node.journal()).await?);
    let mut asking = JoinSet::new();
    for writer in 0..writers {
        let (journal, school) = (node.journal().clone(), Arc::clone(&school));
        asking.spawn(async move {
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
            anyhow::Ok(())
        });
    }
    while let Some(ended) = asking.join_next().await {
        ended??;
    }
    Ok(())
}

fn command(run: u32, writer: u32, n: u32) -> CommandId {
    let number = u128::from(run) << 64 | u128::from(writer) << 32 | u128::from(n);
    CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}
