//! What was acknowledged survives the process; a commit that fails ends it.
//!
//! Both need a process to lose: each test starts this test program again, for itself alone, with
//! the folder of the log in the environment.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use replay::{
    log::{Expected, Log, LogName},
    place::LogUrl,
};

use super::harness::{append, execute, positions};

const FOLDER: &str = "PREAU_TEST_FOLDER";

/// Appends that are acknowledged before the process is killed.
const APPENDS: usize = 40;

/// `EX_IOERR` of sysexits.h.
const EX_IOERR: i32 = 74;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_process_is_killed() {
    if let Some(folder) = folder_to_die_in() {
        append_for_ever(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "what_was_acknowledged_is_there_after_the_process_is_killed";
    let mut child = again(name, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = |line: io::Result<String>| line.unwrap().strip_prefix("acknowledged ").map(number);
    let mut last = lines.by_ref().filter_map(told).nth(APPENDS).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    last = lines.filter_map(told).last().unwrap_or(last);

    let log = Log::open(&LogUrl::Sqlite(folder.path().into()), LogName::School).await.unwrap();
    let kept = positions(&log).await;
    assert!(kept.len() as u64 >= last, "{} of {last} are there", kept.len());
    let revision = kept.len() as u64 - 1;
    let next = log.append(append(1, Expected::Revision(revision), 1, "")).await.unwrap();
    assert_eq!(next.position, kept.len() as u64 + 1);
    log.close().await;
}

#[tokio::test]
async fn a_commit_that_fails_ends_the_process_and_acknowledges_nothing() {
    if let Some(folder) = folder_to_die_in() {
        append_for_ever(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&LogUrl::Sqlite(folder.path().into()), LogName::School).await.unwrap();
    log.append(append(1, Expected::NoStream, 1, "")).await.unwrap();
    log.close().await;
    // The debt to a row that does not exist is called in by COMMIT, and only then.
    execute(
        folder.path(),
        "create table debt (owed integer references stream (stream) deferrable initially deferred);
         create trigger commits_fail after insert on event when new.revision = 3
         begin insert into debt values (-1); end",
    )
    .await;

    let name = "a_commit_that_fails_ends_the_process_and_acknowledges_nothing";
    let output = again(name, folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(EX_IOERR), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut told = text.lines().filter_map(|line| line.strip_prefix("acknowledged ")).map(number);
    assert_eq!(told.next_back(), Some(3));

    let log = Log::open(&LogUrl::Sqlite(folder.path().into()), LogName::School).await.unwrap();
    assert_eq!(positions(&log).await, [1, 2, 3]);
    log.close().await;
}

fn folder_to_die_in() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

async fn append_for_ever(folder: &Path) -> ! {
    let log = Log::open(&LogUrl::Sqlite(folder.into()), LogName::School).await.unwrap();
    // A line of its own: the test harness has already written on this one.
    let mut told = io::stdout();
    writeln!(told).unwrap();
    loop {
        let head = log.head().await.unwrap();
        let expected = head.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        let answer = log.append(append(1, expected, 1, "")).await.unwrap();
        writeln!(told, "acknowledged {}", answer.position).unwrap();
    }
}

fn again(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let name = format!("log_contract::crashes::{test}");
    command.args([&name, "--exact", "--nocapture"]).env(FOLDER, folder);
    command
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}
