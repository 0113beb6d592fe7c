//! What is left when the process or the disk fails under it.
//!
//! A child process, `bin/writer.rs`, runs a node and acknowledges commands on its standard output.
//! It is killed, or its disk fails; then its log is read. What a log of its own does when it is
//! torn is in `log_contract/crashes.rs`.

#[path = "faults/engine_restart.rs"]
mod engine_restart;
#[path = "faults/fsync_error.rs"]
mod fsync_error;
#[path = "faults/kill9_access_log.rs"]
mod kill9_access_log;
#[path = "faults/kill9_group_commit.rs"]
mod kill9_group_commit;
#[path = "faults/late_claim.rs"]
mod late_claim;
#[path = "faults/leader_paused.rs"]
mod leader_paused;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/lost_end.rs"]
mod lost_end;
#[path = "faults/restored.rs"]
mod restored;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use replay::{Journal, Place, keys::MasterKey};
use tempfile::TempDir;

/// How long a start, or one acknowledgement, may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A writer, and the lines it has told.
struct Writer {
    child: Child,
    lines: Receiver<String>,
}

/// A database that several nodes write to, each with a folder of its own.
struct Shared {
    url: String,
    folders: TempDir,
}

impl Shared {
    fn of(url: String) -> Self {
        Self { url, folders: tempfile::tempdir().unwrap() }
    }

    /// Starts a node that asks again when it gets no answer.
    fn start(&self, run: u32, writers: u32) -> Writer {
        let folder = self.folders.path().join(run.to_string());
        std::fs::create_dir(&folder).unwrap();
        Writer::start(&folder, run, |command| {
            command.args(["--database", &self.url, "--patient", "--master"]);
            command.arg(self.folders.path().join("master.key"));
            command.args(["--writers", &writers.to_string()]).stderr(Stdio::null());
        })
    }

    /// What all of them have written, to be read.
    async fn journal(&self) -> Journal {
        let master = MasterKey::load_or_create(&self.folders.path().join("master.key")).unwrap();
        Journal::open_to_read(self.place(), master).await.unwrap()
    }

    fn place(&self) -> Place {
        let mut place = Place::from(self.folders.path());
        (place.log, place.keys) = (self.url.parse().unwrap(), self.url.parse().unwrap());
        place
    }
}

impl Drop for Writer {
    /// A test that fails leaves no writer behind.
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
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

    /// The next line.
    fn line(&self) -> String {
        self.lines.recv_timeout(ANSWER_MAX).unwrap()
    }

    /// Kills it a number of lines later and a time after that, at whatever it does then. All that it has told.
    fn killed_after(mut self, lines: usize, and: Duration) -> Vec<String> {
        let mut told: Vec<String> = (0..lines).map(|_| self.line()).collect();
        let deadline = Instant::now() + and;
        let ended = loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => told.push(line),
                Err(ended) => break ended,
            }
        };
        assert_eq!(ended, RecvTimeoutError::Timeout, "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        told.extend(self.lines.iter());
        told
    }
}
