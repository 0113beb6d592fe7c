//! A node that has taken a duty and then stands still for a minute: another takes over, and what the
//! first says when it goes on is refused.
//!
//! The node that stands still is this test program, started again for one test alone, with the database
//! in the environment.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use chrono::TimeDelta;
use domain::access::{Duty, What};
use replay::{Clock, Node, keys::MasterKey};
use tokio::time::{Instant, interval};

use super::{Shared, leader_paused::signal};
use tests::postgres::Server;

const URL: &str = "PREAU_TEST_DUTY_URL";
const FOLDER: &str = "PREAU_TEST_DUTY_FOLDER";

const PAUSE: Duration = Duration::from_secs(60);

/// How long the duty is taken for: another may take it half a minute before the pause is over.
const LASTS: TimeDelta = TimeDelta::seconds(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_late_word_of_a_node_that_stood_still_is_refused() {
    if let (Ok(url), Ok(folder)) = (env::var(URL), env::var(FOLDER)) {
        return stand_still(&url, Path::new(&folder)).await;
    }
    let Some(server) = Server::shared() else { return };
    let shared = Shared::of(server.database());
    let mut still = Command::new(env::current_exe().unwrap())
        .args(["faults::late_claim::the_late_word_of_a_node_that_stood_still_is_refused"])
        .args(["--exact", "--nocapture"])
        .envs([(URL, shared.url.as_str()), (FOLDER, shared.folders.path().to_str().unwrap())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(still.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.any(|line| line == "taken"));
    signal("-STOP", still.id());

    let node = start(&shared.url, &shared.folders.path().join("going")).await;
    let (mut tries, mut taken, until) = (0, None, Instant::now() + PAUSE);
    let mut tick = interval(Duration::from_secs(1));
    while Instant::now() < until {
        tick.tick().await;
        if taken.is_none() {
            taken = node.access().take(Duty::DestroyOldPages, LASTS).await.unwrap();
            tries += 1;
        }
    }
    assert!(tries > 1, "it is refused while the first may still be at it");
    let mut taken = taken.expect("the duty of whoever stands still is another's after a while");
    signal("-CONT", still.id());
    still.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert!(told.any(|line| line == "refused: another node has taken this over"));
    assert!(still.wait().unwrap().success());

    taken.go_on().await.unwrap();
    taken.end(What::PagesDestroyed { before: node.journal().clock().now() }).await.unwrap();
    let again = node.access().take(Duty::DestroyOldPages, LASTS).await.unwrap();
    assert!(again.is_some(), "whoever is done lets go");
}

/// What the node that stands still does.
async fn stand_still(url: &str, folder: &Path) {
    let node = start(url, &folder.join("still")).await;
    let mut held = node.access().take(Duty::DestroyOldPages, LASTS).await.unwrap().unwrap();
    // A line of its own: the test harness has already written on this one.
    let mut told = io::stdout();
    writeln!(told, "\ntaken").unwrap();
    io::stdin().lines().next().unwrap().unwrap();
    match held.go_on().await {
        Ok(()) => writeln!(told, "goes on").unwrap(),
        Err(error) => writeln!(told, "refused: {error:#}").unwrap(),
    }
}

async fn start(url: &str, folder: &Path) -> Node {
    let master = MasterKey::load_or_create(&folder.with_file_name("master.key")).unwrap();
    let mut place = replay::Place::from(folder);
    (place.log, place.keys) = (url.parse().unwrap(), url.parse().unwrap());
    Node::start(place, master, Clock::System).await.unwrap().0
}
