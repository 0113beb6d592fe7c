//! Following what other nodes destroy: asked for every ten seconds, so that no key is used a minute
//! after it was destroyed somewhere, not even by a node that stood still or cannot reach the vault.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use sqlx::PgPool;
use tokio::time::sleep;

use super::{VaultError, postgres, shelf::Shelf, store::Readers};

/// How often destroyed keys are asked for.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// How long keys in memory are used after they were last asked for.
const TRUST: Duration = Duration::from_secs(50);

/// A pause after which the answer may not tell of all that was destroyed in it.
const PAUSE_MAX: Duration = Duration::from_secs(240);

/// Begins to follow, where others may destroy: until the shelf is gone, or the connections closed.
///
/// # Errors
/// When the vault cannot be asked for the first time.
pub(super) async fn follow(readers: &Readers, shelf: &Arc<Shelf>) -> Result<(), VaultError> {
    let Readers::Postgres(pool) = readers else { return Ok(()) };
    let asked = Instant::now();
    shelf.drop_erased_elsewhere(&postgres::erased_lately(pool).await?);
    shelf.trust_until(asked + TRUST);
    tokio::spawn(keep_following(pool.clone(), Arc::downgrade(shelf), asked));
    Ok(())
}

async fn keep_following(pool: PgPool, shelf: Weak<Shelf>, mut last: Instant) {
    loop {
        sleep(ASK_EVERY).await;
        let asked = Instant::now();
        let erased = postgres::erased_lately(&pool).await;
        let Some(shelf) = shelf.upgrade() else { return };
        match erased {
            Ok(_) if asked - last > PAUSE_MAX => shelf.clear(),
            Ok(erased) => shelf.drop_erased_elsewhere(&erased),
            Err(error) => {
                tracing::warn!(%error, "the vault cannot be asked what was destroyed");
                continue;
            }
        }
        shelf.trust_until(asked + TRUST);
        last = asked;
    }
}
