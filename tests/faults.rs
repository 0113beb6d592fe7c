//! What is left when the process or the disk fails under it.
//!
//! A child process, `bin/writer.rs`, runs a node and acknowledges commands on its standard output.
//! It is killed, or its disk fails; then its log is read. What a log of its own does when it is
//! torn is in `log_contract/crashes.rs`.

#[path = "faults/fsync_error.rs"]
mod fsync_error;
#[path = "faults/kill9_access_log.rs"]
mod kill9_access_log;
#[path = "faults/kill9_group_commit.rs"]
mod kill9_group_commit;
#[path = "faults/ledger.rs"]
mod ledger;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

/// A writer, and the lines it has told.
struct Writer {
    child: Child,
    lines: Receiver<String>,
}

impl Writer {
    /// Starts it. `prepare` may change how.
    fn start(folder: &Path, run: u32, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_writer"));
        command.arg(folder).args(["--run", &run.to_string()]).stdout(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            while told.read_line(&mut line).unwrap() > 0 {
                // Only a whole line was told; the receiver may have enough of them.
                if line.ends_with('\n') && tell.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { child, lines }
    }
}
