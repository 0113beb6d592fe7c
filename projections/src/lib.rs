//! What the school sees: tables folded from the log, and the questions asked of them.
//!
//! One file per feature, named as in `domain`: its rows, their fold, its questions. Tables can be
//! thrown away: the log is the truth, and `replay` fills them again. How a fold works is in
//! [`fold`], who writes is in [`writer`]; nothing here knows the log.

pub mod access;
pub mod accounts;
pub mod alerts;
pub mod attendance;
pub mod classes;
pub mod families;
pub mod files;
mod fold;
pub mod followups;
pub mod people;
pub mod rollcalls;
pub mod schools;
mod store;
pub mod timetable;
pub mod writer;

pub use fold::FoldError;

use fold::{Folded, Sql, table};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Sqlite, SqlitePool, query::QueryScalar, sqlite::SqliteArguments};

/// The name of the folds in this program: a digest of their code.
pub const FOLDS: &str = include_str!(concat!(env!("OUT_DIR"), "/folds"));

/// All tables. Adding a table means adding a line here, and one in `migrations/`.
fn all_tables(empty: bool) -> Vec<Box<dyn Folded>> {
    vec![
        table::<schools::Schools>(empty),
        table::<people::People>(empty),
        table::<people::Registrations>(empty),
        table::<people::Enrolments>(empty),
        table::<people::Identifiers>(empty),
        table::<accounts::Accounts>(empty),
        table::<accounts::Identities>(empty),
        table::<families::Guardians>(empty),
        table::<classes::Classes>(empty),
        table::<classes::Members>(empty),
        table::<classes::Teachers>(empty),
        table::<timetable::Courses>(empty),
        table::<timetable::CourseTeachers>(empty),
        table::<rollcalls::RollCalls>(empty),
        table::<attendance::Lines>(empty),
        table::<alerts::Alerts>(empty),
        table::<alerts::AlertMessages>(empty),
        table::<alerts::board::BoardChanges>(empty),
        table::<followups::FollowUps>(empty),
    ]
}

/// All tables in SQL.
fn all_sql() -> Vec<Sql> {
    all_tables(true).iter().map(|table| table.sql()).collect()
}

type Question<'q> = QueryScalar<'q, Sqlite, String, SqliteArguments>;

/// The documents that a question finds.
async fn rows<R: DeserializeOwned>(
    question: Question<'_>,
    db: &SqlitePool,
) -> sqlx::Result<Vec<R>> {
    let documents = question.fetch_all(db).await?;
    documents.iter().map(|document| read(document)).collect()
}

/// The document that a question finds, if there is one.
async fn row<R: DeserializeOwned>(
    question: Question<'_>,
    db: &SqlitePool,
) -> sqlx::Result<Option<R>> {
    question.fetch_optional(db).await?.map(|document| read(&document)).transpose()
}

/// A list as SQL's `json_each` takes it.
fn listed<T: Serialize>(values: &[T]) -> sqlx::Result<String> {
    serde_json::to_string(values).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn read<R: DeserializeOwned>(document: &str) -> sqlx::Result<R> {
    // The parser's own words may quote the row: they stay here.
    serde_json::from_str(document).map_err(|_| sqlx::Error::Decode(FoldError::Row.into()))
}
