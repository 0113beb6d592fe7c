//! `preau replay access`: who signed in, what was refused, and who read what of whom.

use std::{io::Write as _, process::ExitCode};

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use domain::{
    PersonId,
    access::{Entry, What},
};
use replay::{
    AccessLog, Journal,
    access::{About, Asked, Noted},
    place::LogUrl,
};
use uuid::Uuid;

/// Entries that are in memory at the same time.
const PART: usize = 1_000;

/// What is asked of the access log.
#[derive(Args)]
pub(crate) struct Access {
    /// The id of a student, of any other person, or of an account
    of: Uuid,
    /// From this instant on, like `2026-11-20T08:14:00Z` [default: as far back as it is kept]
    #[arg(long, value_name = "INSTANT")]
    from: Option<DateTime<Utc>>,
    /// Until before this instant [default: now]
    #[arg(long, value_name = "INSTANT")]
    to: Option<DateTime<Utc>>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Access {
    /// Prints what there is, the newest last.
    pub(super) async fn run(self, journal: &Journal, url: &LogUrl) -> anyhow::Result<ExitCode> {
        if let LogUrl::Sqlite(folder) = url
            && !folder.join("access.log").exists()
        {
            bail!("there is no access log in {}", folder.display());
        }
        let log = AccessLog::open_to_read(url, journal).await?;
        let from = self.from.unwrap_or(DateTime::UNIX_EPOCH);
        // A clock that ran ahead must not hide what was written by it.
        let until = self.to.unwrap_or_else(|| Utc::now() + TimeDelta::days(1));
        let about = About::Either(self.of);
        let mut asked = Asked { about, from, until, after: 0, max: PART };
        let (mut out, mut printed, mut unreadable) = (std::io::stdout().lock(), false, 0);
        loop {
            let found = log.entries(&asked).await?;
            for noted in &found.entries {
                let line = if self.json { serde_json::to_string(noted)? } else { readable(noted) };
                writeln!(out, "{line}")?;
            }
            printed |= !found.entries.is_empty();
            unreadable += found.unreadable;
            let Some(next) = found.next else { break };
            asked.after = next;
        }
        if unreadable > 0 {
            let told = "pages of these days cannot be read: their key was destroyed";
            writeln!(std::io::stderr(), "{unreadable} {told}")?;
        }
        if !printed {
            writeln!(std::io::stderr(), "nothing was written down about {}", self.of)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An entry in one line: when, who, what and why.
fn readable(noted: &Noted) -> String {
    let Entry { at, account, what } = &noted.entry;
    let when = at.format("%Y-%m-%d %H:%M:%S");
    let who = account.map_or_else(|| "nobody known".to_owned(), |account| account.to_string());
    let about = |subject: Option<PersonId>| {
        subject.map(|person| format!(" about {person}")).unwrap_or_default()
    };
    let what = match what {
        What::SessionOpened { session, person, .. } => {
            format!("signed in as {person}: session {session}")
        }
        What::SessionSeen { session } => format!("used session {session}"),
        What::SessionEnded { session } => format!("ended session {session}"),
        What::SignInRefused { why } => format!("was refused to sign in: {}", <&str>::from(why)),
        What::Read { school, subject, action, rule } => {
            let (action, rule) = (<&str>::from(action), <&str>::from(rule));
            format!("{action}{} in {school}, as {rule}", about(*subject))
        }
        What::Refused { school, subject, action, rule } => {
            let (action, rule) = (<&str>::from(action), <&str>::from(rule));
            let school = school.map(|school| format!(" in {school}")).unwrap_or_default();
            format!("was refused {action}{}{school}: {rule}", about(*subject))
        }
        What::DutyTaken { duty, run, until } => {
            let until = until.format("%H:%M:%S");
            format!("took the duty {} in run {run}, until {until}", <&str>::from(duty))
        }
        What::PagesDestroyed { before } => {
            format!("destroyed what was written here before {}", before.format("%Y-%m-%d %H:%M:%S"))
        }
    };
    format!("{when}  {who}  {what}")
}
