//! A process that is killed at any instant has written down every read that it has answered.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use chrono::{DateTime, Days, Utc};
use domain::{SessionId, access::What};
use replay::{
    AccessLog, Clock, Journal,
    access::{About, Asked},
    keys::MasterKey,
    place::LogUrl,
};

use super::Writer;
use crate::data_folder::DataFolder;

const KILLS: u32 = 25;

/// How long a start may take before the first acknowledgement.
const START_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_a_read_that_was_answered() {
    let folder = DataFolder::new();
    let mut answered = Vec::new();
    for kill in 1..=KILLS {
        answered.extend(read_until_killed(folder.path(), kill));
    }
    assert!(answered.len() > 20 * KILLS as usize, "{} are too few to tell", answered.len());
    let mut found = written(folder.path()).await;
    for (session, position) in answered {
        assert_eq!(found.remove(&session), Some(vec![position]), "{session}");
    }
    assert!(found.into_values().all(|positions| positions.len() == 1), "written twice");
}

/// One run: what was answered before a kill, 5 to 45 milliseconds after the first of it.
fn read_until_killed(folder: &Path, run: u32) -> Vec<(SessionId, u64)> {
    let mut writer = Writer::start(folder, run, |command| {
        command.arg("--access");
    });
    let first = writer.lines.recv_timeout(START_MAX).unwrap();
    let deadline = Instant::now() + Duration::from_millis(u64::from(5 + run * 17 % 40));
    let mut lines = vec![first];
    loop {
        match writer.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("run {run} ended by itself"),
        }
    }
    writer.child.kill().unwrap();
    writer.child.wait().unwrap();
    lines.extend(writer.lines.iter());
    let answer = |line: &String| {
        let (session, position) = line.split_once(' ').unwrap();
        (session.parse().unwrap(), position.parse().unwrap())
    };
    lines.iter().map(answer).collect()
}

/// Where each entry of the log is.
async fn written(folder: &Path) -> BTreeMap<SessionId, Vec<u64>> {
    let master = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    let schools = Journal::open(folder, master, Clock::System).await.unwrap();
    let log = AccessLog::open_to_read(&LogUrl::Sqlite(folder.into()), &schools).await.unwrap();
    let (from, until) = (DateTime::UNIX_EPOCH, Utc::now() + Days::new(1));
    let asked = Asked { about: About::All, from, until, after: 0, max: usize::MAX };
    let mut written = BTreeMap::<SessionId, Vec<u64>>::new();
    for noted in log.entries(&asked).await.unwrap().entries {
        let What::SessionSeen { session } = noted.entry.what else { panic!("{noted:?}") };
        written.entry(session).or_default().push(noted.position);
    }
    written
}
