//! Which alerts and calls a dispatcher has counted: it meets an alert with each change, and counts it
//! once a round. Those of days that are over are forgotten, and what is said of them later is not counted.

use std::collections::HashMap;

use chrono::NaiveDate;
use domain::alerts::{AlertId, Call};
use projections::alerts::AlertRow;

/// The alerts that were met, each with its last round and whether a call was asked for in it.
#[derive(Default)]
pub(super) struct Counted {
    met: HashMap<AlertId, (u32, bool)>,
    from: NaiveDate,
}

impl Counted {
    /// Meets alerts of these days and later ones. Answers how many were raised, and how many calls asked
    /// for, since each was met last.
    pub(super) fn meet(&mut self, rows: &[AlertRow], from: NaiveDate) -> (u64, u64) {
        if self.from < from {
            self.from = from;
            self.met.retain(|alert, _| alert.date >= from);
        }
        let (mut raised, mut calls) = (0, 0);
        for row in rows.iter().filter(|row| row.date >= self.from) {
            let now = (row.sheet.round, row.sheet.call != Call::None);
            let (round, asked) = self.met.insert(row.id(), now).unwrap_or_default();
            raised += u64::from(now.0.saturating_sub(round));
            calls += u64::from(now.1 && (now.0 > round || !asked));
        }
        (raised, calls)
    }
}
