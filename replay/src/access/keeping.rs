//! Finding pages by the instant they were written at, and destroying them when their time is over.
//!
//! Pages are in the order of their instants, so that what is older than one ends at a position.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Category, Dossier, RunId, SchoolYear, Subject, Uai,
    access::{Duty, What},
};

use super::duty::Held;
use crate::{
    Journal, header,
    log::{Filter, Log},
};

/// How long destroying old pages may take before another run goes on with it.
const PRUNING_MAX: TimeDelta = TimeDelta::minutes(10);

/// The last position of what was written before an instant; 0 when nothing was.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn last_before(log: &Log, instant: DateTime<Utc>) -> anyhow::Result<u64> {
    let older = log.last_older(|envelope| {
        // One that cannot be read counts as young: more is read, and less destroyed.
        header::decode(envelope).is_ok_and(|header| header.recorded_at < instant)
    });
    Ok(older.await?)
}

/// Destroys what was written before an instant, and the keys of the years that lie wholly before;
/// unless another run does. What was destroyed is written down.
///
/// # Errors
/// When not all could be destroyed, or another run has taken this over meanwhile.
pub(super) async fn prune(
    journal: &Journal,
    run: RunId,
    before: DateTime<Utc>,
) -> anyhow::Result<()> {
    let upto = last_before(journal.log(), before).await?;
    let dossier = dossier(SchoolYear::containing(before.date_naive()));
    let years = journal.vault().live_years_before(dossier).await?;
    let oldest = journal.log().read_all(0, 1, Filter::default()).await?.events.into_iter().next();
    if oldest.is_none_or(|oldest| oldest.position > upto) && years.is_empty() {
        return Ok(());
    }
    let duty = Duty::DestroyOldPages;
    let Some(mut held) = Held::take(journal, duty, run, PRUNING_MAX).await? else { return Ok(()) };
    journal.log().prune(upto).await.context("destroying old pages")?;
    for year in years {
        held.go_on().await?;
        journal.vault().erase(Dossier { year, ..dossier }).await?;
    }
    held.end(What::PagesDestroyed { before }).await
}

/// What pages of a school year are sealed under.
fn dossier(year: SchoolYear) -> Dossier {
    Dossier { subject: Subject::School(Uai::REGION), category: Category::Access, year }
}
