//! A database that is killed and recovers, again and again under load, loses nothing that was
//! acknowledged, and what was asked again in doubt is there once.

use super::{
    Shared,
    ledger::{Ack, Ledger},
};
use tests::postgres::Server;

const KILLS: usize = 20;

/// Acknowledgements between two kills.
const ACKS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_of_the_database_lose_nothing_and_repeat_nothing() {
    let Some(server) = Server::start() else { return };
    let shared = Shared::of(server.database());
    let mut writer = shared.start(1, 32);
    let mut ledger = Ledger::default();
    for _ in 0..KILLS {
        for _ in 0..ACKS {
            ledger.note(Ack::read(&writer.line()));
        }
        server.kill();
        server.start_again();
    }
    // Whatever it was in doubt about is answered before this.
    for _ in 0..ACKS {
        ledger.note(Ack::read(&writer.line()));
    }
    writer.child.kill().unwrap();
    writer.child.wait().unwrap();
    writer.lines.iter().for_each(|line| ledger.note(Ack::read(&line)));
    ledger.verify(&shared.journal().await).await;
}
