//! Days as they are written on paper, in French.

use chrono::{Datelike, NaiveDate};
use domain::people::Language;

use crate::words;

/// A day of a year: `1er décembre 2026`.
pub(crate) fn day(date: &NaiveDate) -> String {
    let month = words::say(Language::French, &format!("month-{}", date.month()));
    let first = if date.day() == 1 { "er" } else { "" };
    format!("{}{first} {month} {}", date.day(), date.year())
}
