//! Rebuilding: the same folds over the whole log, into another file.
//!
//! A rebuild fills the generation after the one that serves. A past day is the same fold that stops
//! at an instant, in a scratch file: of all schools, because a person who is registered through one
//! of them is known in the others. Both refuse to be built on an event
//! that cannot be read: nobody may take a part for the whole.

use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use domain::Recorded;
use projections::{
    files::{self, Difference},
    writer::{Pace, Parked, Writer},
};
use sqlx::SqlitePool;

use crate::{Entry, Journal, journal::Unreadable, log::Filter};

/// Rows shown of each side of a table that differs.
const DIFFERENCES_MAX: u32 = 1_000;

/// Where a fold over the log ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Until {
    /// Only what was recorded up to this instant.
    pub instant: Option<DateTime<Utc>>,
    /// Only up to this position.
    pub position: Option<u64>,
}

impl Until {
    /// Whether an event belongs to it.
    pub(crate) fn includes(&self, recorded: &Recorded) -> bool {
        self.instant.is_none_or(|instant| recorded.header.recorded_at <= instant)
            && self.position.is_none_or(|position| recorded.position <= position)
    }
}

/// Fills a new read model from the log, and tells how far it is after each page.
///
/// # Errors
/// When the log or the file fails, or an event cannot be read.
pub async fn fill(
    journal: &Journal,
    path: &Path,
    until: Until,
    progress: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<()> {
    fill_or_park(journal, path, until, Unread::Refused, progress).await
}

/// What becomes of an event that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// Nothing is built on it.
    Refused,
    /// Its stream waits, as it does in the tables of a node that runs.
    Parked,
}

async fn fill_or_park(
    journal: &Journal,
    path: &Path,
    until: Until,
    unread: Unread,
    progress: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<()> {
    let mut writer = Writer::open(path, Pace::Rebuild).await?;
    let mut pages = journal.pages(writer.folded(), Filter::default());
    while let Some(page) = pages.next().await? {
        let (events, parked) = sort_out(page.entries, &until);
        if let (Some(unreadable), Unread::Refused) = (parked.first(), unread) {
            bail!(
                "the event at position {} cannot be read: {}",
                unreadable.position,
                unreadable.reason
            );
        }
        let to = until.position.map_or(page.next, |position| page.next.min(position));
        writer.apply(&events, parked, to).await?;
        progress(to);
        if to < page.next {
            break;
        }
    }
    Ok(writer.finish().await?)
}

/// Fills the generation after the newest of a folder. Whoever follows the log there serves it.
///
/// # Errors
/// As [`fill`]; what was filled so far is deleted by the next rebuild.
pub async fn next_generation(
    journal: &Journal,
    folder: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<u32> {
    next(journal, folder, Unread::Refused, progress).await
}

/// The same for a node that has no tables of its folds and must serve all the same: what cannot be
/// read is parked.
pub(crate) async fn first_generation(journal: &Journal, folder: &Path) -> anyhow::Result<u32> {
    next(journal, folder, Unread::Parked, &mut |_| ()).await
}

async fn next(
    journal: &Journal,
    folder: &Path,
    unread: Unread,
    progress: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<u32> {
    let mut next = 1;
    for generation in files::generations(folder)? {
        next = generation + 1;
        // One that is complete may be serving, for a program of other folds too.
        if !files::is_complete(&files::path(folder, generation)).await {
            files::delete(folder, generation)?;
        }
    }
    let path = files::path(folder, next);
    let filled = fill_or_park(journal, &path, Until::default(), unread, progress).await;
    filled.context("rebuilding the tables")?;
    Ok(next)
}

/// The tables as they stood at an instant, in a scratch folder, to be asked like the live ones.
///
/// # Errors
/// As [`fill`].
pub async fn as_of(
    journal: &Journal,
    scratch: &Path,
    instant: DateTime<Utc>,
) -> anyhow::Result<SqlitePool> {
    let path = scratch.join("as-of.db");
    let until = Until { instant: Some(instant), position: None };
    fill(journal, &path, until, &mut |_| ()).await?;
    Ok(files::open(&path).await?)
}

/// Rebuilds the tables of a folder in a scratch folder, up to where the live ones are, and compares
/// the two row by row. `left` are the live ones.
///
/// # Errors
/// As [`fill`], and when the folder has no tables yet.
pub async fn diff(
    journal: &Journal,
    folder: &Path,
    scratch: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> anyhow::Result<Vec<Difference>> {
    let live = files::newest_whole(folder).await?;
    let live = live.context("there are no tables yet to compare: start the server once")?;
    let (copy, rebuilt) = (scratch.join("live.db"), scratch.join("rebuilt.db"));
    let position = files::copy(&files::path(folder, live), &copy).await?;
    let until = Until { position: Some(position), ..Until::default() };
    fill(journal, &rebuilt, until, progress).await?;
    Ok(files::differences(&copy, &rebuilt, DIFFERENCES_MAX).await?)
}

/// What a page has to fold, and what of it cannot be read.
pub(crate) fn sort_out(entries: Vec<Entry>, until: &Until) -> (Vec<Recorded>, Vec<Parked>) {
    let (mut events, mut parked) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        match entry {
            Ok(recorded) if until.includes(&recorded) => events.push(recorded),
            Ok(_) => {}
            Err(unreadable) if until.position.is_none_or(|last| unreadable.position <= last) => {
                parked.push(park(&unreadable));
            }
            Err(_) => {}
        }
    }
    (events, parked)
}

fn park(unreadable: &Unreadable) -> Parked {
    Parked {
        position: unreadable.position,
        stream: unreadable.stream.map(|stream| stream.to_string()),
        reason: unreadable.why.to_string(),
        later: unreadable.why.is_of_later(),
    }
}
