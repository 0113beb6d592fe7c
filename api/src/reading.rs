//! How a question reads the tables: as they are, as they are from a position on, or as they were.
//!
//! `?min_position=N` waits until the tables show position N and what followed from it.
//! `?as_of=INSTANT` answers from the tables as they stood then: the same folds, stopped there. A few
//! past days are kept in scratch files for those who leaf through one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use anyhow::Context;

use axum::{
    extract::{FromRequestParts, Path, Query, rejection::QueryRejection},
    http::request::Parts,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use replay::{Node, rebuild};
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::SqlitePool;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use utoipa::IntoParams;

use crate::{
    App, Source,
    access::Guard,
    caller::Caller,
    error::{ApiError, Refusal},
};

/// Past days that are kept at the same time.
const PAST_DAYS_MAX: usize = 4;

/// An event may reach the log this long after the instant it bears.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Answers are given by pages of at most this many.
const PAGE_MAX: u32 = 500;

/// Days are asked for by a leap year at most.
const DAYS_MAX: i64 = 366;

/// The tables that a question is asked of, and who asks.
pub(crate) struct Reading {
    /// Who asks: nothing is told without asking here.
    pub(crate) guard: Guard,
    /// The tables.
    pub(crate) db: SqlitePool,
    /// The instant that they stand at, if it is a past one.
    pub(crate) as_of: Option<DateTime<Utc>>,
    /// That instant, or now.
    pub(crate) now: DateTime<Utc>,
    /// Keeps the file of a past day for as long as it is asked.
    _day: Option<Arc<OnceCell<PastDay>>>,
}

/// How a question wants to read.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadQuery {
    /// Wait until the tables show this position and what followed from it.
    min_position: Option<u64>,
    /// Answer as the tables stood at this instant.
    as_of: Option<DateTime<Utc>>,
}

/// Which part of a long answer is wanted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Where the page before this one ended.
    cursor: Option<String>,
    /// At most this many, 1 to 500; 100 if nothing is said.
    limit: Option<u32>,
}

/// Days, the first and the last included.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day.
    from: NaiveDate,
    /// The last day; the first if nothing is said.
    to: Option<NaiveDate>,
}

/// Parameters of an address; one that cannot be read is an address where nothing is.
pub(crate) struct At<T>(pub(crate) T);

/// Parameters after the question mark.
pub(crate) struct Asked<T>(pub(crate) T);

/// Past days that somebody looks at.
#[derive(Clone, Default)]
pub(crate) struct PastDays(Arc<Mutex<VecDeque<Kept>>>);

/// A past day that is being made or is there.
struct Kept {
    instant: DateTime<Utc>,
    day: Arc<OnceCell<PastDay>>,
}

/// The tables of a past day. Its file is deleted when nobody asks it any more.
pub(crate) struct PastDay {
    db: SqlitePool,
    made_at: DateTime<Utc>,
    _scratch: TempDir,
}

impl PageQuery {
    /// The id that the page before this one ended with.
    pub(crate) fn after<I: std::str::FromStr>(&self) -> Result<Option<I>, ApiError> {
        let told = || ApiError::told(Refusal::MalformedQuery, "cursor");
        self.cursor.as_deref().map(|cursor| cursor.parse().map_err(|_| told())).transpose()
    }

    /// How many are wanted.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(100).clamp(1, PAGE_MAX)
    }
}

impl DaysQuery {
    /// Each of the days.
    pub(crate) fn days(self) -> Result<Vec<NaiveDate>, ApiError> {
        let to = self.to.unwrap_or(self.from);
        if !(0..DAYS_MAX).contains(&(to - self.from).num_days()) {
            return Err(Refusal::TooManyDays.into());
        }
        Ok(self.from.iter_days().take_while(|day| *day <= to).collect())
    }
}

impl PastDays {
    /// The tables as they stood at an instant. Whoever gives up waiting does not stop their making.
    async fn at(
        &self,
        node: &Node,
        instant: DateTime<Utc>,
    ) -> anyhow::Result<Arc<OnceCell<PastDay>>> {
        let day = self.keep(instant)?;
        let (node, making) = (node.clone(), Arc::clone(&day));
        let made = tokio::spawn(async move {
            making.get_or_try_init(async || PastDay::make(&node, instant).await).await.map(|_| ())
        });
        made.await??;
        Ok(day)
    }

    /// The place of a past day among those that are kept.
    fn keep(&self, instant: DateTime<Utc>) -> anyhow::Result<Arc<OnceCell<PastDay>>> {
        let mut days = self.0.lock().map_err(|_| anyhow::anyhow!("a past day panicked"))?;
        days.retain(|kept| {
            kept.instant != instant || kept.day.get().is_none_or(|day| day.is_settled(instant))
        });
        if let Some(kept) = days.iter().find(|kept| kept.instant == instant) {
            return Ok(Arc::clone(&kept.day));
        }
        if days.len() == PAST_DAYS_MAX {
            days.pop_front();
        }
        let day = Arc::new(OnceCell::new());
        days.push_back(Kept { instant, day: Arc::clone(&day) });
        Ok(day)
    }
}

impl PastDay {
    async fn make(node: &Node, instant: DateTime<Utc>) -> anyhow::Result<Self> {
        let made_at = node.journal().clock().now();
        let scratch = tempfile::tempdir_in(node.scratch())?;
        let db = rebuild::as_of(node.journal(), scratch.path(), instant).await?;
        Ok(Self { db, made_at, _scratch: scratch })
    }

    /// Whether nothing can be recorded any more that belongs to it.
    fn is_settled(&self, instant: DateTime<Utc>) -> bool {
        self.made_at - instant > SETTLED_AFTER
    }
}

impl FromRequestParts<App> for Reading {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let Asked(query) = Asked::<ReadQuery>::from_request_parts(parts, app).await?;
        let ReadQuery { min_position, as_of } = query;
        if min_position.is_some() && as_of.is_some() {
            let detail = "min_position and as_of exclude each other";
            return Err(ApiError::told(Refusal::MalformedQuery, detail));
        }
        let now = app.journal().clock().now();
        let guarded = |db: SqlitePool, today| Guard::new(caller, db, today, now);
        match (&app.source, as_of) {
            (Source::Past(past), Some(asked)) if asked != past.instant => {
                let detail = format!("only {} is shown here", past.instant);
                Err(ApiError::told(Refusal::MalformedQuery, detail))
            }
            (Source::Past(past), _) => {
                Ok(Self::of_past(guarded(past.db.clone(), None), past.instant, None))
            }
            (Source::Live(node), Some(instant)) => {
                let cell = app.past_days.at(node, instant).await?;
                let day = cell.get().context("a past day is gone before it was there")?;
                let guard = guarded(day.db.clone(), Some(node.db()));
                Ok(Self::of_past(guard, instant, Some(cell)))
            }
            (Source::Live(node), None) => {
                if let Some(position) = min_position {
                    node.reach(position).await?;
                }
                let db = node.db();
                Ok(Self { guard: guarded(db.clone(), None), db, as_of: None, now, _day: None })
            }
        }
    }
}

impl Reading {
    fn of_past(guard: Guard, instant: DateTime<Utc>, day: Option<Arc<OnceCell<PastDay>>>) -> Self {
        Self { db: guard.db.clone(), guard, as_of: Some(instant), now: instant, _day: day }
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Refusal::NoSuchAddress.into())
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        let told =
            |error: QueryRejection| ApiError::told(Refusal::MalformedQuery, error.body_text());
        query.map(|Query(query)| Self(query)).map_err(told)
    }
}
