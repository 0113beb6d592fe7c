//! How a question reads the tables: as they are, as they are from a position on, or as they were.
//!
//! `?min_position=N` waits until the tables show position N and what followed from it.
//! `?as_of=INSTANT` answers from the tables as they stood then: the same folds, stopped there
//! ([`past_days`]). They are made once it was decided, by the tables of today, that whoever asks may
//! be told of what they ask.

mod past_days;

use std::ops::RangeInclusive;

use anyhow::anyhow;
use axum::{
    extract::{FromRequestParts, Path, Query, rejection::QueryRejection},
    http::request::Parts,
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::SqlitePool;
use utoipa::IntoParams;

use crate::{
    App, Source,
    access::Guard,
    caller::Caller,
    error::{ApiError, Refusal},
};

pub(crate) use past_days::{AskedDay, PastDays};

/// Answers are given by pages of at most this many.
const PAGE_MAX: u32 = 500;

/// Days are asked for by a leap year at most.
const DAYS_MAX: i64 = 366;

/// What a day may be asked about: with others, the calendar itself comes to its end.
const YEARS: RangeInclusive<i32> = 1900..=2199;

/// Who asks a question, and of which tables.
pub(crate) struct Reading {
    /// Who asks: nothing is told without asking here.
    pub(crate) guard: Guard,
    /// The instant that they stand at, if it is a past one.
    pub(crate) as_of: Option<DateTime<Utc>>,
    /// That instant, or now.
    pub(crate) now: DateTime<Utc>,
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

/// Which day.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DayQuery {
    /// The day, of a year from 1900 to 2199; today if nothing is said.
    date: Option<NaiveDate>,
}

/// Parameters of an address; one that cannot be read is an address where nothing is.
pub(crate) struct At<T>(pub(crate) T);

/// Parameters after the question mark.
pub(crate) struct Asked<T>(pub(crate) T);

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

impl DayQuery {
    /// The day that is asked about: today's, if none is named.
    pub(crate) fn or(self, today: NaiveDate) -> Result<NaiveDate, ApiError> {
        let date = self.date.unwrap_or(today);
        if YEARS.contains(&date.year()) {
            Ok(date)
        } else {
            Err(ApiError::told(Refusal::MalformedQuery, "date"))
        }
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
        let by = caller.account;
        let guarded = |db: SqlitePool, past| Guard::new(caller, db, past, now);
        match (&app.source, as_of) {
            (Source::Past(past), Some(asked)) if asked != past.instant => {
                let detail = format!("only {} is shown here", past.instant);
                Err(ApiError::told(Refusal::MalformedQuery, detail))
            }
            (Source::Past(past), _) => {
                Ok(Self::of_past(guarded(past.db.clone(), None), past.instant))
            }
            (Source::Live(node), Some(instant)) => {
                let day = AskedDay::new(&app.past_days, node, instant, by);
                Ok(Self::of_past(guarded(node.db(), Some(day)), instant))
            }
            (Source::Live(node), None) => {
                if let Some(position) = min_position {
                    node.reach(position).await?;
                }
                Ok(Self { guard: guarded(node.db(), None), as_of: None, now })
            }
        }
    }
}

impl Reading {
    fn of_past(guard: Guard, instant: DateTime<Utc>) -> Self {
        Self { guard, as_of: Some(instant), now: instant }
    }

    /// The tables that the answer is read from, once the guard was asked.
    pub(crate) async fn db(&self) -> Result<SqlitePool, ApiError> {
        if !self.guard.caller.decisions.allow() {
            return Err(anyhow!("tables that nobody decided on").into());
        }
        self.guard.shown().await
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
