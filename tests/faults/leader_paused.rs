//! A node that stands still for a minute, perhaps with the end of the log in its hand, holds up the
//! others for seconds, and does no harm when it goes on.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use super::{
    Shared,
    ledger::{Ack, Ledger},
};
use tests::postgres::Server;

const PAUSE: Duration = Duration::from_secs(60);

/// How long others may be held up: the server lets go of who stands still after five seconds.
const HELD_UP_MAX: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_for_a_minute_does_no_harm() {
    let Some(server) = Server::shared() else { return };
    let shared = Shared::of(server.database());
    let (still, going) = (shared.start(1, 16), shared.start(2, 16));
    let mut ledger = Ledger::default();
    for writer in [&still, &going] {
        ledger.note(Ack::read(&writer.lines.recv_timeout(PAUSE).unwrap()));
    }
    signal("-STOP", still.child.id());
    let until = Instant::now() + PAUSE;
    while Instant::now() < until {
        ledger.note(Ack::read(&going.lines.recv_timeout(HELD_UP_MAX).unwrap()));
    }
    // What it had told before it stood still.
    still.lines.try_iter().for_each(|line| ledger.note(Ack::read(&line)));
    signal("-CONT", still.child.id());
    for writer in [&still, &going] {
        ledger.note(Ack::read(&writer.lines.recv_timeout(HELD_UP_MAX).unwrap()));
    }
    for mut writer in [still, going] {
        writer.child.kill().unwrap();
        writer.child.wait().unwrap();
        writer.lines.iter().for_each(|line| ledger.note(Ack::read(&line)));
    }
    ledger.verify(&shared.journal().await).await;
}

pub(super) fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.unwrap().success());
}
