//! How fast all tables are filled from the log, beside reading and decoding it alone.

use std::{path::Path, time::Instant};

use replay::rebuild::{self, Until};

use super::{Measure, median, replay as reading, year};

/// Fills the tables from a log of `effort.events` again and again.
pub(super) async fn run(folder: &Path, effort: reading::Effort) -> anyhow::Result<Vec<Measure>> {
    let scratch = tempfile::tempdir_in(folder)?;
    let log = effort.keep.unwrap_or_else(|| scratch.path().join("year"));
    year::write(&log, effort.events).await?;
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        let value = filled(&log, &scratch.path().join(format!("tables-{round}.db"))).await?;
        let against = reading::decoded(&log).await?;
        ours.push(value);
        bare.push(against);
        ratios.push(value / against);
    }
    let name = "rebuild of all tables, against read and decode".to_owned();
    let (value, against, ratio) = (median(ours), median(bare), median(ratios));
    Ok(vec![Measure { name, value, unit: "events/s", against, ratio }])
}

async fn filled(log: &Path, tables: &Path) -> anyhow::Result<f64> {
    let journal = year::open(log).await?;
    let begin = Instant::now();
    rebuild::fill(&journal, tables, Until::default(), &mut |_| ()).await?;
    let rate = journal.log().head().await? as f64 / begin.elapsed().as_secs_f64();
    journal.log().close().await;
    Ok(rate)
}
