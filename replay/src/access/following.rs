//! Following what other nodes write into the access log: a session that is opened or ended on one of
//! them is so on all, and errors at an account are counted together.

use std::{
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use anyhow::Context;
use tokio::{sync::Mutex, time::timeout};

use super::sessions::{PAGES_AT_ONCE, Sessions};
use crate::{Journal, log::Filter};

/// How often one looks without having been called.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How far a node has followed. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Following {
    journal: Journal,
    sessions: Weak<RwLock<Sessions>>,
    upto: Arc<Mutex<u64>>,
}

impl Following {
    /// Begins to follow after a position, where others write: until the sessions are gone.
    pub(super) fn new(
        journal: &Journal,
        sessions: &Arc<RwLock<Sessions>>,
        upto: u64,
    ) -> Option<Self> {
        journal.log().has_many_writers().then(|| {
            let (journal, upto) = (journal.clone(), Arc::new(Mutex::new(upto)));
            let following = Self { journal, sessions: Arc::downgrade(sessions), upto };
            tokio::spawn(following.clone().run());
            following
        })
    }

    /// Folds what was written before this was asked.
    pub(super) async fn catch_up(&self) -> anyhow::Result<()> {
        let mut upto = self.upto.lock().await;
        let head = self.journal.log().head().await.context("asking where the access log ends")?;
        while *upto < head {
            let page = self.journal.read_all(*upto, PAGES_AT_ONCE, Filter::default()).await?;
            let Some(sessions) = self.sessions.upgrade() else { return Ok(()) };
            let mut sessions = sessions.write().unwrap_or_else(PoisonError::into_inner);
            page.entries.into_iter().for_each(|page| sessions.take(page));
            *upto = page.next;
        }
        Ok(())
    }

    async fn run(self) {
        let mut wake = self.journal.log().wake();
        while self.sessions.strong_count() > 0 {
            if let Err(error) = self.catch_up().await {
                let error = format!("{error:#}");
                tracing::warn!(error, "what other nodes wrote in the access log cannot be read");
            }
            if let Ok(Err(_)) = timeout(LOOK_EVERY, wake.changed()).await {
                return;
            }
        }
    }
}
