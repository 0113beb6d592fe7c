//! Past days that somebody looks at: folded aside from the log, kept for those who leaf through one.
//!
//! To make one replays the log up to its instant. One is made at a time, a few more wait, and whoever
//! asks for another then is told to come back: nobody keeps the machine busy with days that they go
//! on asking for. Who may ask is decided before, in [`crate::access`].

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use domain::AccountId;
use replay::{Node, rebuild};
use sqlx::SqlitePool;
use tempfile::TempDir;
use tokio::sync::{OnceCell, Semaphore};

use crate::error::{ApiError, Refusal};

/// Past days that are kept at the same time.
const KEPT_MAX: usize = 4;

/// Past days that are being made or wait for it.
const MAKING_MAX: usize = 4;

/// Of these, for one account: whoever compares two days asks for both at once.
const MAKING_OF_ONE_MAX: usize = 2;

/// An event may reach the log this long after the instant it bears.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Past days that somebody looks at. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PastDays {
    shelf: Arc<Mutex<Shelf>>,
    /// Whoever makes one holds this.
    hand: Arc<Semaphore>,
}

/// A past day that a question asks for; not made yet.
#[derive(Clone)]
pub(crate) struct AskedDay {
    days: PastDays,
    node: Node,
    instant: DateTime<Utc>,
    by: AccountId,
    /// Keeps the file for as long as the question lasts.
    day: Arc<OnceCell<Arc<PastDay>>>,
}

#[derive(Default)]
struct Shelf {
    kept: VecDeque<Arc<PastDay>>,
    /// For whom days are being made.
    making: Vec<AccountId>,
}

/// A past day that waits to be made, is being made or is there.
struct PastDay {
    instant: DateTime<Utc>,
    tables: OnceCell<Tables>,
    /// Whoever takes this makes it.
    place: Mutex<Option<Place>>,
}

/// The tables of a past day. Their file is deleted when nobody asks them any more.
struct Tables {
    db: SqlitePool,
    made_at: DateTime<Utc>,
    _scratch: TempDir,
}

/// A place among the days that are being made; it is free again when this is dropped.
struct Place {
    days: PastDays,
    account: AccountId,
}

impl Default for PastDays {
    fn default() -> Self {
        Self { shelf: Arc::default(), hand: Arc::new(Semaphore::new(1)) }
    }
}

impl AskedDay {
    /// The day of this instant, asked for by an account.
    pub(crate) fn new(days: &PastDays, node: &Node, instant: DateTime<Utc>, by: AccountId) -> Self {
        Self { days: days.clone(), node: node.clone(), instant, by, day: Arc::default() }
    }

    /// Its tables, made now unless they are kept.
    pub(crate) async fn db(&self) -> Result<SqlitePool, ApiError> {
        let made = self
            .day
            .get_or_try_init(async || self.days.at(&self.node, self.instant, self.by).await);
        let tables = made.await?.tables.get().context("a past day is gone before it was there")?;
        Ok(tables.db.clone())
    }
}

impl PastDays {
    /// The day as it stood at an instant. Whoever gives up waiting does not stop its making.
    async fn at(
        &self,
        node: &Node,
        instant: DateTime<Utc>,
        by: AccountId,
    ) -> Result<Arc<PastDay>, ApiError> {
        let day = self.keep(instant, by)?;
        let (days, node, making) = (self.clone(), node.clone(), Arc::clone(&day));
        let made = tokio::spawn(async move {
            let made = making.tables.get_or_try_init(async || {
                let _place = making.take_place().context("a past day could not be made")?;
                let _hand = days.hand.acquire().await?;
                Tables::of(&node, instant).await
            });
            let made = made.await.map(|_| ());
            if made.is_err() {
                days.shelf().kept.retain(|kept| !Arc::ptr_eq(kept, &making));
            }
            made
        });
        made.await.context("making a past day")??;
        Ok(day)
    }

    /// The place of a past day among those that are kept; refused where too many are being made.
    fn keep(&self, instant: DateTime<Utc>, by: AccountId) -> Result<Arc<PastDay>, Refusal> {
        let mut shelf = self.shelf();
        shelf.kept.retain(|kept| kept.instant != instant || kept.is_settled_or_to_come());
        if let Some(kept) = shelf.kept.iter().find(|kept| kept.instant == instant) {
            return Ok(Arc::clone(kept));
        }
        let own = shelf.making.iter().filter(|account| **account == by).count();
        if shelf.making.len() >= MAKING_MAX || own >= MAKING_OF_ONE_MAX {
            return Err(Refusal::TooBusy);
        }
        shelf.making.push(by);
        let place = Place { days: self.clone(), account: by };
        let (tables, place) = (OnceCell::new(), Mutex::new(Some(place)));
        let day = Arc::new(PastDay { instant, tables, place });
        shelf.kept.push_back(Arc::clone(&day));
        // What is pushed out may be all that held a place: it is let go without the shelf.
        let old = (shelf.kept.len() > KEPT_MAX).then(|| shelf.kept.pop_front());
        drop(shelf);
        drop(old);
        Ok(day)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PastDay {
    fn take_place(&self) -> Option<Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether nothing can be recorded any more that belongs to it, or it is not there yet.
    fn is_settled_or_to_come(&self) -> bool {
        let settled = |made: &Tables| made.made_at - self.instant > SETTLED_AFTER;
        self.tables.get().is_none_or(settled)
    }
}

impl Tables {
    async fn of(node: &Node, instant: DateTime<Utc>) -> anyhow::Result<Self> {
        let made_at = node.journal().clock().now();
        let scratch = tempfile::tempdir_in(node.scratch())?;
        let db = rebuild::as_of(node.journal(), scratch.path(), instant).await?;
        Ok(Self { db, made_at, _scratch: scratch })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shelf = self.days.shelf();
        if let Some(own) = shelf.making.iter().position(|account| *account == self.account) {
            shelf.making.swap_remove(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn whoever_asks_for_day_after_day_is_told_to_come_back_and_keeps_nobody_else_waiting() {
        let (days, one, other) = (PastDays::default(), account(1), account(2));
        let first = days.keep(second(1), one).unwrap();
        let compared = days.keep(second(2), one).unwrap();
        assert_eq!(days.keep(second(3), one).map(|_| ()), Err(Refusal::TooBusy));
        assert!(days.keep(second(1), one).is_ok(), "a day that is being made is waited for");
        let _others = [days.keep(second(4), other), days.keep(second(5), other)];
        assert_eq!(days.keep(second(6), account(3)).map(|_| ()), Err(Refusal::TooBusy));
        drop(first.take_place());
        assert!(days.keep(second(6), account(3)).is_ok(), "one is made, and its place is free");
        drop(compared.take_place());
        assert!(days.keep(second(7), one).is_ok());
    }

    #[test]
    fn whoever_is_told_to_come_back_pushes_out_no_day_that_another_leafs_through() {
        let (days, one) = (PastDays::default(), account(1));
        let leafed = days.keep(second(1), account(2)).unwrap();
        drop(leafed.take_place());
        let _making = [days.keep(second(2), one), days.keep(second(3), one)];
        for second_asked in 4..100 {
            assert!(days.keep(second(second_asked), one).is_err());
        }
        assert!(Arc::ptr_eq(&leafed, &days.keep(second(1), account(2)).unwrap()));
    }

    fn account(n: u128) -> AccountId {
        AccountId(Uuid::from_u128(n))
    }

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }
}
