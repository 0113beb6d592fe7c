//! History over HTTP: what happened to a student, event by event, with when, who and what.

use axum::{Json, extract::State};
use domain::{StudentId, Uai};
use replay::history::{Happened, of_student};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    error::{ApiError, Problem},
    open_school,
    people::student_of,
    reading::{At, ReadQuery, Reading},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_history))
}

/// What happened to a student: identity, family and attendance files, in the order of the log.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/history", tag = "history",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<Happened>), (status = 404, body = Problem)))]
async fn list_history(
    State(app): State<App>,
    At((school, student)): At<(Uai, StudentId)>,
    reading: Reading,
) -> Result<Json<Vec<Happened>>, ApiError> {
    open_school(&reading.db, school).await?;
    student_of(&reading.db, school, student).await?;
    let mut history = of_student(app.journal(), student).await?;
    if let Some(instant) = reading.as_of {
        history.retain(|event| event.recorded_at.is_none_or(|at| at <= instant));
    }
    Ok(Json(history))
}
