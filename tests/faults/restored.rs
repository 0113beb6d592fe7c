//! What PostgreSQL's own tools dump and restore into another database is the same log and the same
//! vault.

use replay::{Journal, Place, keys::MasterKey, log::Filter};

use super::{
    Shared,
    ledger::{Ack, Ledger},
};
use tests::postgres::Server;

const ACKS: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_dump_reads_where_it_was_restored() {
    let Some(server) = Server::shared() else { return };
    let shared = Shared::of(server.database());
    let mut writer = shared.start(1, 16);
    let mut ledger = Ledger::default();
    for _ in 0..ACKS {
        ledger.note(Ack::read(&writer.line()));
    }
    writer.child.kill().unwrap();
    writer.child.wait().unwrap();
    writer.lines.iter().for_each(|line| ledger.note(Ack::read(&line)));

    let copy = restored(server, &shared).await;
    let journal = shared.journal().await;
    assert_eq!(copy.log().head().await.unwrap(), journal.log().head().await.unwrap());
    ledger.verify(&copy).await;
    let (mut here, mut there) =
        (journal.pages(0, Filter::default()), copy.pages(0, Filter::default()));
    while let Some(page) = here.next().await.unwrap() {
        let same = there.next().await.unwrap().unwrap();
        let whole = |page: replay::Page| page.entries.into_iter().map(Result::unwrap);
        assert!(whole(page).eq(whole(same)));
    }
    assert!(there.next().await.unwrap().is_none());
}

async fn restored(server: &Server, shared: &Shared) -> Journal {
    let name = |url: &str| url.split(['/', '?']).nth(3).unwrap().to_owned();
    let url = server.database();
    let pipe = format!("pg_dump {} | psql -q -v ON_ERROR_STOP=1 {}", name(&shared.url), name(&url));
    let told = server.run("sh", &["-c", &pipe]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut place = Place::from(shared.folders.path());
    (place.log, place.keys) = (url.parse().unwrap(), url.parse().unwrap());
    let master = MasterKey::load_or_create(&shared.folders.path().join("master.key")).unwrap();
    Journal::open_to_read(place, master).await.unwrap()
}
