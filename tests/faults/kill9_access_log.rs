//! A process that is killed at any instant has written down every read that it has answered.

use std::{collections::BTreeMap, path::Path, time::Duration};

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

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_a_read_that_was_answered() {
    let folder = DataFolder::new();
    let mut answered = Vec::new();
    for kill in 1..=KILLS {
        answered.extend(read_until_killed(folder.path(), kill));
    }
    let mut found = written(folder.path()).await;
    for (session, position) in answered {
        assert_eq!(found.remove(&session), Some(vec![position]), "{session}");
    }
    assert!(found.into_values().all(|positions| positions.len() == 1), "written twice");
}

/// One run: what was answered before a kill, at whatever it did some answers and milliseconds later.
fn read_until_killed(folder: &Path, run: u32) -> Vec<(SessionId, u64)> {
    let writer = Writer::start(folder, run, |command| {
        command.arg("--access");
    });
    let answers = 1 + run as usize * 17 % 100;
    let lines = writer.killed_after(answers, Duration::from_millis(u64::from(run * 7 % 20)));
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
