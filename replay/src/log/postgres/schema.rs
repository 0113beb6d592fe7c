//! The tables of the logs and of the vault: made at first, and brought up to date, by whichever node
//! comes first.

use sqlx::{Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use crate::log::StoreError;

/// What is made together, in a schema of its own.
pub(crate) struct Schema {
    name: &'static str,
    tables: Migrator,
}

/// Both logs.
pub(crate) fn logs() -> Schema {
    Schema { name: "preau", tables: sqlx::migrate!("migrations/postgres_log") }
}

/// The vault.
pub(crate) fn vault() -> Schema {
    Schema { name: "preau_vault", tables: sqlx::migrate!("migrations/postgres_vault") }
}

/// Held while tables are made. In a transaction, since a pooler would lend a session's lock to others.
const LOCK: &str = "select pg_advisory_xact_lock(hashtext('preau'))";

const BEGIN: &str = "begin isolation level read committed";

/// Makes what is missing. Another node that starts at the same time waits.
///
/// # Errors
/// When the database cannot be reached or changed, is of a newer version, or does not write to the
/// disk before it acknowledges.
pub(crate) async fn make(options: &PgConnectOptions, schema: Schema) -> Result<(), StoreError> {
    let Schema { name, mut tables } = schema;
    let mut own = PgConnection::connect_with(options).await?;
    // All in one transaction: also behind a pooler it is then one connection of the server, and none
    // of the statements that the migrator prepares stays on it.
    let mut alone = own.begin_with(BEGIN).await?;
    sqlx::query(LOCK).persistent(false).execute(&mut *alone).await?;
    sqlx::raw_sql("deallocate all").execute(&mut *alone).await?;
    tables.set_locking(false);
    tables.create_schemas = vec![name.into()].into();
    tables.table_name = format!("{name}.migration").into();
    tables.run(&mut *alone).await?;
    sqlx::raw_sql("deallocate all").execute(&mut *alone).await?;
    let durable: bool = sqlx::query_scalar(
        "select current_setting('synchronous_commit') <> 'off' and current_setting('fsync') = 'on'",
    )
    .persistent(false)
    .fetch_one(&mut *alone)
    .await?;
    alone.commit().await?;
    own.close().await?;
    if durable { Ok(()) } else { Err(StoreError::NotDurable) }
}
