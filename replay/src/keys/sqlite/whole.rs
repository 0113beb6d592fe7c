//! Whole rows of a vault in a file, to be copied.

use sqlx::{SqlitePool, sqlite::SqliteTransaction};
use uuid::Uuid;

use crate::keys::whole::{KeyColumns, Table, WholeRow};

/// How many rows a table has.
pub(in crate::keys) async fn count(readers: &SqlitePool, table: Table) -> sqlx::Result<u64> {
    let count = match table {
        Table::Keys => "select count(*) from sealing_key",
        Table::Secrets => "select count(*) from secret",
        Table::Logins => "select count(*) from login",
    };
    let count: i64 = sqlx::query_scalar(count).fetch_one(readers).await?;
    Ok(count.cast_unsigned())
}

/// The rows after one, in order.
pub(in crate::keys) async fn page(
    readers: &SqlitePool,
    table: Table,
    after: Option<&WholeRow>,
    max: u32,
) -> sqlx::Result<Vec<WholeRow>> {
    let (place, kind) = after.map_or((&[][..], ""), WholeRow::place);
    let id = |id: Vec<u8>| Uuid::from_slice(&id).ok();
    match table {
        Table::Keys => {
            let select = "select key_id, subject, category, year, wrapped, erased_at \
                from sealing_key where key_id > ? order by key_id limit ?";
            let rows: Vec<KeyColumns<Vec<u8>>> =
                sqlx::query_as(select).bind(place).bind(max).fetch_all(readers).await?;
            Ok(rows.into_iter().filter_map(|row| WholeRow::key(row, id)).collect())
        }
        Table::Secrets => {
            let select = "select account, kind, wrapped from secret \
                where (account, kind) > (?, ?) order by account, kind limit ?";
            let rows: Vec<(Vec<u8>, String, Vec<u8>)> =
                sqlx::query_as(select).bind(place).bind(kind).bind(max).fetch_all(readers).await?;
            let row = |(account, kind, wrapped)| {
                Some(WholeRow::Secret { account: id(account)?, kind, wrapped })
            };
            Ok(rows.into_iter().filter_map(row).collect())
        }
        Table::Logins => {
            let select = "select digest, account, wrapped from login \
                where digest > ? order by digest limit ?";
            let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> =
                sqlx::query_as(select).bind(place).bind(max).fetch_all(readers).await?;
            let row = |(digest, account, wrapped)| {
                Some(WholeRow::Login { digest, account: id(account)?, wrapped })
            };
            Ok(rows.into_iter().filter_map(row).collect())
        }
    }
}

/// Writes rows that are not there.
pub(in crate::keys) async fn put(
    transaction: &mut SqliteTransaction<'_>,
    rows: &[WholeRow],
) -> sqlx::Result<()> {
    for row in rows {
        let insert = match row {
            WholeRow::Key { id, subject, category, year, wrapped, erased_at } => {
                let insert = "insert into sealing_key \
                    (key_id, subject, category, year, wrapped, erased_at) values (?, ?, ?, ?, ?, ?)";
                let insert = sqlx::query(insert).bind(&id.as_bytes()[..]).bind(subject);
                insert.bind(category).bind(year).bind(wrapped).bind(erased_at)
            }
            WholeRow::Secret { account, kind, wrapped } => {
                let insert = "insert into secret (account, kind, wrapped) values (?, ?, ?)";
                sqlx::query(insert).bind(&account.as_bytes()[..]).bind(kind).bind(wrapped)
            }
            WholeRow::Login { digest, account, wrapped } => {
                let insert = "insert into login (digest, account, wrapped) values (?, ?, ?)";
                sqlx::query(insert).bind(digest).bind(&account.as_bytes()[..]).bind(wrapped)
            }
        };
        insert.execute(&mut **transaction).await?;
    }
    Ok(())
}
