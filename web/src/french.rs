//! Days as they are written on paper, in French.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use domain::people::Language;

use crate::words;

/// A day of a year: `1er décembre 2026`.
pub(crate) fn day(date: &NaiveDate) -> String {
    let month = words::say(Language::French, &format!("month-{}", date.month()));
    let first = if date.day() == 1 { "er" } else { "" };
    format!("{}{first} {month} {}", date.day(), date.year())
}

/// A day and its time: `1er décembre 2026 à 8 h 05`.
pub(crate) fn instant(at: &NaiveDateTime) -> String {
    format!("{} à {}", day(&at.date()), at.format("%-H\u{a0}h\u{a0}%M"))
}
