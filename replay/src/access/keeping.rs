//! Finding pages by the instant they were written at, and destroying them when their time is over.
//!
//! Pages are in the order of their instants, so that a few looks into the log find any of them.

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::{Category, Dossier, SchoolYear, Subject, Uai};

use crate::{
    Journal, header,
    log::{Filter, Log},
};

/// The last position of what was written before an instant; 0 when nothing was.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn last_before(log: &Log, instant: DateTime<Utc>) -> anyhow::Result<u64> {
    let (mut before, mut not_before) = (0, log.head().await?);
    while before < not_before {
        let middle = before + (not_before - before) / 2;
        let page = log.read_all(middle, 1, Filter::default()).await?;
        let next = page.events.first();
        let older = next.filter(|next| {
            // An envelope that cannot be read counts as young: more is read, and less destroyed.
            header::decode(&next.header).is_ok_and(|header| header.recorded_at < instant)
        });
        match older {
            Some(older) => before = older.position,
            None => not_before = middle,
        }
    }
    Ok(before)
}

/// Destroys what was written before an instant, and the keys of the years that lie wholly before.
///
/// # Errors
/// When not all could be destroyed.
pub(super) async fn prune(journal: &Journal, before: DateTime<Utc>) -> anyhow::Result<()> {
    let upto = last_before(journal.log(), before).await?;
    journal.log().prune(upto).await.context("destroying old pages")?;
    let dossier = dossier(SchoolYear::containing(before.date_naive()));
    for year in journal.vault().live_years_before(dossier).await? {
        journal.vault().erase(Dossier { year, ..dossier }).await?;
    }
    Ok(())
}

/// What pages of a school year are sealed under.
fn dossier(year: SchoolYear) -> Dossier {
    Dossier { subject: Subject::School(Uai::REGION), category: Category::Access, year }
}
