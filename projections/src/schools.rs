//! Schools as everybody sees them: one sheet each.

use domain::{
    Event, Recorded, Uai,
    schools::{School, SchoolSheet},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, row, rows};

/// A school and what it has decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SchoolRow {
    /// Which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// What it has decided.
    pub sheet: SchoolSheet,
}

/// The sheet of a school.
///
/// # Errors
/// When the read model cannot be read.
pub async fn sheet(db: &SqlitePool, school: Uai) -> sqlx::Result<Option<SchoolSheet>> {
    let question = sqlx::query_scalar("select row from school where school = ?1");
    let row: Option<SchoolRow> = row(question.bind(school.as_str().to_owned()), db).await?;
    Ok(row.map(|row| row.sheet))
}

/// The schools after `after` in the order of their UAI, at most `max`.
///
/// # Errors
/// When the read model cannot be read.
pub async fn all(db: &SqlitePool, after: Option<Uai>, max: u32) -> sqlx::Result<Vec<SchoolRow>> {
    let after = after.map(|school| school.to_string()).unwrap_or_default();
    let question = "select row from school where school > ?1 order by school limit ?2";
    rows(sqlx::query_scalar(question).bind(after).bind(max), db).await
}

pub(crate) struct Schools;

impl Table for Schools {
    type Key = (Uai,);
    type Row = SchoolRow;
    const NAME: &'static str = "school";
    const COLUMNS: &'static [&'static str] = &["school"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((Uai,))) {
        if let Event::School(school, _) = &recorded.event {
            touch((*school,));
        }
    }

    fn key(row: &SchoolRow) -> (Uai,) {
        (row.school,)
    }

    fn columns(row: &SchoolRow) -> Vec<String> {
        vec![row.school.to_string()]
    }

    fn fold(old: Option<SchoolRow>, key: &(Uai,), recorded: &Recorded) -> Option<SchoolRow> {
        let Event::School(_, event) = &recorded.event else { return old };
        let school = old.map_or(School::None, |row| School::Open(Box::new(row.sheet)));
        match school.evolve(event.clone()) {
            School::None => None,
            School::Open(sheet) => Some(SchoolRow { school: key.0, sheet: *sheet }),
        }
    }
}
