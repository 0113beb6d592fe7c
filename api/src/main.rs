//! The `preau` binary: the command line, and nothing that is not about it.

mod command;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use command::Command;
use settings::Flags;

/// Préau: la vie scolaire, événement par événement.
///
/// Every act of school life is kept as an immutable event; what people see is folded from them, and
/// an auditor can replay all of it. Try `preau demo`.
#[derive(Parser)]
#[command(name = "preau", version, arg_required_else_help = true)]
struct Line {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

/// The system's own gives memory back too eagerly for tables that are folded by the thousand rows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let Line { flags, command } = Line::parse();
    match command.run(&flags).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("preau: {error:#}");
            ExitCode::FAILURE
        }
    }
}
