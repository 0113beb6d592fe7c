//! After a failed fsync nothing is acknowledged any more, and the process ends.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::RecvTimeoutError,
    time::Duration,
};

use replay::{Clock, Journal, keys::MasterKey};

use super::{
    Writer,
    ledger::{Ack, Ledger},
};
use crate::data_folder::DataFolder;

/// `EX_IOERR` of sysexits.h.
const EX_IOERR: i32 = 74;

/// Acknowledgements before the disk fails.
const ACKS: usize = 300;

/// How long the process may go on, silent or not.
const SILENCE_MAX: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_writer_is_told_nothing_after_the_disk_has_failed() {
    let folder = DataFolder::new();
    let told = write_until_the_disk_fails(folder.path(), 1);
    assert!(told.after.is_empty(), "told after the failure: {:?}", told.after);
    everything_told_is_in_the_log(folder.path(), told).await;
}

/// Those of the group before may still be on their way to the pipe when the disk fails, at most one
/// for each writer; they too are in the log.
#[tokio::test]
async fn writers_of_one_group_are_told_nothing_that_is_not_in_the_log() {
    const WRITERS: usize = 64;
    let folder = DataFolder::new();
    let told = write_until_the_disk_fails(folder.path(), WRITERS);
    assert!(told.after.len() < WRITERS, "{} told after the failure", told.after.len());
    everything_told_is_in_the_log(folder.path(), told).await;
}

/// What was acknowledged before the disk failed, and after.
struct Told {
    before: Vec<String>,
    after: Vec<String>,
}

fn write_until_the_disk_fails(folder: &Path, writers: usize) -> Told {
    let trigger = folder.join("fail-now");
    let mut writer = Writer::start(folder, 1, |command| {
        command.args(["--writers", &writers.to_string()]);
        command.env("LD_PRELOAD", failing_disk(folder)).env("PREAU_FSYNC_TRIGGER", &trigger);
    });
    let mut lines = Vec::new();
    loop {
        match writer.lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                writer.child.kill().unwrap();
                panic!("the process went on after {} lines", lines.len());
            }
        }
        if lines.len() == ACKS {
            File::create(&trigger).unwrap();
        }
    }
    assert_eq!(writer.child.wait().unwrap().code(), Some(EX_IOERR));
    let failure = lines.iter().position(|line| line == "EIO").unwrap();
    let after = lines.split_off(failure + 1);
    lines.pop();
    assert!(lines.len() >= ACKS);
    Told { before: lines, after }
}

async fn everything_told_is_in_the_log(folder: &Path, told: Told) {
    let master = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    let journal = Journal::open(folder, master, Clock::System).await.unwrap();
    let mut ledger = Ledger::default();
    told.before.iter().chain(&told.after).for_each(|line| ledger.note(Ack::read(line)));
    ledger.verify(&journal).await;
    journal.log().close().await;
}

/// The library that makes a disk fail.
#[expect(clippy::expect_used, reason = "the message says what to install")]
fn failing_disk(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/fsync.c");
    let library = folder.join("fsync.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status();
    let compiled = compiled.expect("this test needs a C compiler: install gcc");
    assert!(compiled.success(), "cc could not compile faults/fsync.c");
    library
}
