//! A database that was put back behind what it had acknowledged, by a restored backup or a replica that
//! had not yet heard of it, is not written to as if nothing had happened.

use sqlx::{Connection, PgConnection};

use super::Shared;
use tests::postgres::Server;

/// `EX_IOERR` of sysexits.h.
const EX_IOERR: i32 = 74;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_has_lost_its_end_stops_whoever_knew_it() {
    let Some(server) = Server::shared() else { return };
    let shared = Shared::of(server.database());
    let mut writer = shared.start(1, 4);
    for _ in 0..100 {
        writer.line();
    }
    let mut own = PgConnection::connect(&shared.url).await.unwrap();
    let put_back = "begin; select * from preau.head for update;
        delete from preau.event_school where position > 10;
        update preau.head set position = 10 where log = 1; commit";
    sqlx::raw_sql(put_back).execute(&mut own).await.unwrap();
    // It may have begun another group in between; it ends all the same, and tells nothing more.
    assert_eq!(writer.child.wait().unwrap().code(), Some(EX_IOERR));
}
