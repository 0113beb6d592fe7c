//! Looking for an event in a log whose positions are dense: any of them may be asked for, and a few looks
//! find it.

use super::{Filter, Log, StoreError};

/// As [`Log::last_older`].
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn last_older(
    log: &Log,
    older: impl Fn(&[u8]) -> bool,
) -> Result<u64, StoreError> {
    let (mut before, mut not_before) = (0, log.head().await?);
    while before < not_before {
        let middle = before + (not_before - before) / 2;
        let page = log.read_all(middle, 1, Filter::default()).await?;
        match page.events.first().filter(|next| older(&next.header)) {
            Some(older) => before = older.position,
            None => not_before = middle,
        }
    }
    Ok(before)
}
