//! A log that grows old is cut into pieces as the operator's page says, and goes on.

use std::fs::read_to_string;

use replay::log::{Expected, Filter, Log, LogName};
use sqlx::{Connection, PgConnection};

use super::{
    harness::{append, positions},
    reading::pages,
};
use tests::postgres::Server;

/// The page, with the position at which its example cuts.
const PAGE: &str = "../docs/operations.md";
const CUT: &str = "100000001";

#[tokio::test]
async fn a_log_is_cut_as_the_page_for_operators_says() {
    let Some(server) = Server::shared() else { return };
    let url = server.database();
    let log = Log::open(&url.parse().unwrap(), LogName::School).await.unwrap();
    log.append(append(1, Expected::NoStream, 60, "")).await.unwrap();

    let page = read_to_string(PAGE).unwrap();
    let (_, recipe) = page.split_once("```sql\n").unwrap();
    let (recipe, _) = recipe.split_once("```").unwrap();
    assert!(recipe.contains(CUT));
    let mut own = PgConnection::connect(&url).await.unwrap();
    let recipe = sqlx::AssertSqlSafe(recipe.replace(CUT, "101"));
    sqlx::raw_sql(recipe).execute(&mut own).await.unwrap();

    log.append(append(1, Expected::Revision(59), 60, "")).await.unwrap();
    let again = log.append(append(1, Expected::Revision(59), 60, "")).await.unwrap();
    assert_eq!((again.position, again.deduplicated), (120, true));
    assert!(positions(&log).await.iter().copied().eq(1..=120));
    assert_eq!(pages(&log, 90, 7, Filter::default()).await.len(), 30);
    let young = "select count(*) from preau.event_school_2";
    let young: i64 = sqlx::query_scalar(young).fetch_one(&mut own).await.unwrap();
    assert_eq!(young, 20);
    log.close().await;
}
