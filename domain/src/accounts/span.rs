//! How long an account is open: as long as its person belongs to a school, or answers for somebody
//! who does. Nobody closes it, no job runs: it is computed from dated facts.

use chrono::{DateTime, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::access::Span;

/// The data of an account falls due this many months after it closed (arrêté du 30 novembre 2006,
/// article 6).
const DUE_AFTER: Months = Months::new(3);

/// A time that somebody learns or works in a school, answers for a student of it or has a mandate
/// for it. Its days begin and end at midnight in the school's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The school's zone.
    pub zone: Tz,
    /// The days.
    pub span: Span,
}

/// Whether an account is open at an instant, given all that its person was and is.
pub fn is_open(relations: &[Relation], now: DateTime<Utc>) -> bool {
    let holds = |relation: &Relation| {
        let today = now.with_timezone(&relation.zone).date_naive();
        relation.span.contains(today)
    };
    relations.iter().any(holds)
}

/// The last day that an account is open, once it is known: none while a relation has no end, or
/// where there never was one.
pub fn last_day(relations: &[Relation]) -> Option<NaiveDate> {
    let ends: Option<Vec<NaiveDate>> =
        relations.iter().map(|relation| relation.span.until).collect();
    ends?.into_iter().max()
}

/// The day from which the data of an account is due to be erased, once it is known.
pub fn due_on(relations: &[Relation]) -> Option<NaiveDate> {
    last_day(relations)?.checked_add_months(DUE_AFTER)
}
