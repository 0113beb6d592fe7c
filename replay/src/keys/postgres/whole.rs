//! Whole rows of a vault in a database, to be copied.

use sqlx::{PgPool, PgTransaction};
use uuid::Uuid;

use super::BEGIN_TO_READ;
use crate::keys::whole::{KeyColumns, Table, WholeRow};

/// Instants as every engine is told them: microseconds since 1970.
const KEYS: &str = "select key_id, subject, category, year, wrapped,
        (extract(epoch from erased_at) * 1000000)::bigint
    from preau_vault.sealing_key where ($1 is null or key_id > $1) order by key_id limit $2";

/// How many rows a table has.
pub(in crate::keys) async fn count(readers: &PgPool, table: Table) -> sqlx::Result<u64> {
    let count = match table {
        Table::Keys => "select count(*) from preau_vault.sealing_key",
        Table::Secrets => "select count(*) from preau_vault.secret",
        Table::Logins => "select count(*) from preau_vault.login",
    };
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let count = sqlx::query_scalar(count).persistent(false).fetch_one(&mut *reading);
    let count: i64 = count.await?;
    reading.commit().await?;
    Ok(count.cast_unsigned())
}

/// The rows after one, in order.
pub(in crate::keys) async fn page(
    readers: &PgPool,
    table: Table,
    after: Option<&WholeRow>,
    max: u32,
) -> sqlx::Result<Vec<WholeRow>> {
    let (place, kind) = after.map_or((&[][..], ""), WholeRow::place);
    let (id, max) = (Uuid::from_slice(place).ok(), i64::from(max));
    let mut reading = readers.begin_with(BEGIN_TO_READ).await?;
    let rows = match table {
        Table::Keys => {
            let rows = sqlx::query_as(KEYS).persistent(false).bind(id).bind(max);
            let rows: Vec<KeyColumns<Uuid>> = rows.fetch_all(&mut *reading).await?;
            rows.into_iter().filter_map(|row| WholeRow::key(row, Some)).collect()
        }
        Table::Secrets => {
            let select = "select account, kind, wrapped from preau_vault.secret
                where ($1 is null or (account, kind) > ($1, $2)) order by account, kind limit $3";
            let rows = sqlx::query_as(select).persistent(false).bind(id).bind(kind).bind(max);
            let rows: Vec<(Uuid, String, Vec<u8>)> = rows.fetch_all(&mut *reading).await?;
            let row = |(account, kind, wrapped)| WholeRow::Secret { account, kind, wrapped };
            rows.into_iter().map(row).collect()
        }
        Table::Logins => {
            let select = "select digest, account, wrapped from preau_vault.login
                where digest > $1 order by digest limit $2";
            let rows = sqlx::query_as(select).persistent(false).bind(place).bind(max);
            let rows: Vec<(Vec<u8>, Uuid, Vec<u8>)> = rows.fetch_all(&mut *reading).await?;
            let row = |(digest, account, wrapped)| WholeRow::Login { digest, account, wrapped };
            rows.into_iter().map(row).collect()
        }
    };
    reading.commit().await?;
    Ok(rows)
}

/// Writes rows that are not there, all of one table in one statement.
pub(in crate::keys) async fn put(
    transaction: &mut PgTransaction<'_>,
    rows: &[WholeRow],
) -> sqlx::Result<()> {
    let (mut keys, mut dossiers, mut wrapped_keys, mut instants) = (vec![], vec![], vec![], vec![]);
    let (mut accounts, mut kinds, mut secrets) = (vec![], vec![], vec![]);
    let (mut digests, mut owners, mut logins) = (vec![], vec![], vec![]);
    for row in rows {
        match row {
            WholeRow::Key { id, subject, category, year, wrapped, erased_at } => {
                keys.push(*id);
                dossiers.push((subject.as_str(), category.as_str(), *year));
                wrapped_keys.push(wrapped.as_deref());
                instants.push(*erased_at);
            }
            WholeRow::Secret { account, kind, wrapped } => {
                accounts.push(*account);
                kinds.push(kind.as_str());
                secrets.push(wrapped.as_slice());
            }
            WholeRow::Login { digest, account, wrapped } => {
                digests.push(digest.as_slice());
                owners.push(*account);
                logins.push(wrapped.as_slice());
            }
        }
    }
    let insert = "insert into preau_vault.sealing_key
            (key_id, subject, category, year, wrapped, erased_at)
        select key_id, subject, category, year, wrapped,
            timestamptz 'epoch' + erased_at * interval '1 microsecond'
        from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bytea[], $6::bigint[])
            as copied (key_id, subject, category, year, wrapped, erased_at)";
    let insert = sqlx::query(insert).persistent(false).bind(keys);
    let insert = insert
        .bind(dossiers.iter().map(|(subject, ..)| *subject).collect::<Vec<_>>())
        .bind(dossiers.iter().map(|(_, category, _)| *category).collect::<Vec<_>>())
        .bind(dossiers.iter().map(|(.., year)| *year).collect::<Vec<_>>());
    insert.bind(wrapped_keys).bind(instants).execute(&mut **transaction).await?;
    let insert = "insert into preau_vault.secret (account, kind, wrapped)
        select * from unnest($1::uuid[], $2::text[], $3::bytea[])";
    let insert = sqlx::query(insert).persistent(false).bind(accounts).bind(kinds).bind(secrets);
    insert.execute(&mut **transaction).await?;
    let insert = "insert into preau_vault.login (digest, account, wrapped)
        select * from unnest($1::bytea[], $2::uuid[], $3::bytea[])";
    let insert = sqlx::query(insert).persistent(false).bind(digests).bind(owners).bind(logins);
    insert.execute(&mut **transaction).await.map(drop)
}
