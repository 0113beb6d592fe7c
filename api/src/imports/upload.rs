//! Imports over HTTP: files are received whole, then imported as from the command line.
//!
//! Files lie in the scratch folder until then. Whoever stops waiting does not stop an import: it
//! would be left half done until the next one.

use std::{fs::File, io::Write as _, sync::Arc};

use anyhow::Context;
use axum::{
    Json,
    extract::{
        DefaultBodyLimit, FromRequest, FromRequestParts as _, Multipart, Request,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use domain::{
    Uai,
    access::{Action, Actor, Rule, Scope},
};
use projections::schools::sheet;
use replay::Node;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::Mutex;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    compare::Base,
    draft::Wish,
    files::Input,
    report::Report,
    run::{Import, Progress, run},
    trust::Trust,
};
use crate::{
    App, Source,
    access::Guard,
    caller::Caller,
    error::{ApiError, Problem, Refusal},
    reading::{Asked, At},
    writing::check,
};

/// The largest file: a school of 4 000 students has less.
const FILE_MAX_BYTES: usize = 10 * 1024 * 1024;

/// SIECLE has four files that are read, STS two.
const FILES_MAX: usize = 6;

pub(crate) fn routes() -> OpenApiRouter<App> {
    // Some more for what parts the files from each other.
    let body_max = DefaultBodyLimit::max(FILES_MAX * FILE_MAX_BYTES + 64 * 1024);
    OpenApiRouter::new().routes(routes!(import_siecle)).routes(routes!(import_sts)).layer(body_max)
}

/// How the files are to be imported.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Say only what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Let those go who are no longer in the files, a twentieth at most.
    #[serde(default)]
    confirm_departures: bool,
    /// However many they are.
    #[serde(default)]
    force: bool,
}

/// National files, as they were exported.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the parts of the body")]
struct Files {
    /// Each of them at most 10 MiB.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// An import of which nothing was written, and why.
#[derive(Serialize, ToSchema)]
struct ImportRefused {
    #[serde(flatten)]
    problem: Problem,
    #[serde(flatten)]
    report: Report,
}

/// A request to import files.
struct Upload {
    caller: Caller,
    query: ImportQuery,
    files: Result<Multipart, MultipartRejection>,
    node: Node,
    importing: Arc<Mutex<()>>,
}

/// Brings in SIECLE files of a school: its students and who answers for them. They are compared with
/// what is known, and the differences are written; the same files again change nothing.
#[utoipa::path(post, path = "/schools/{school}/imports/siecle", tag = "imports",
    params(("school" = String, Path), ImportQuery),
    request_body(content = Files, content_type = "multipart/form-data"),
    responses((status = 200, body = Report), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 422, body = ImportRefused)))]
async fn import_siecle(At(school): At<Uai>, upload: Upload) -> Result<Response, ApiError> {
    upload.bring(school, Base::Siecle).await
}

/// Brings in STS files of a school: its staff, its classes and its weekly timetable. A school that is
/// not open is opened by them.
#[utoipa::path(post, path = "/schools/{school}/imports/sts", tag = "imports",
    params(("school" = String, Path), ImportQuery),
    request_body(content = Files, content_type = "multipart/form-data"),
    responses((status = 200, body = Report), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 422, body = ImportRefused)))]
async fn import_sts(At(school): At<Uai>, upload: Upload) -> Result<Response, ApiError> {
    upload.bring(school, Base::Sts).await
}

impl Upload {
    /// Imports the files, once all of them are there.
    async fn bring(self, school: Uai, base: Base) -> Result<Response, ApiError> {
        let Self { caller, query, files, node, importing } = self;
        let may =
            check(&node, &caller, move |guard| async move { may_import(&guard, school).await });
        let trust = may.await?;
        let told =
            |error: MultipartRejection| ApiError::told(Refusal::MalformedBody, error.body_text());
        let scratch = tempfile::tempdir_in(node.scratch()).context("making a scratch folder")?;
        let inputs = receive(files.map_err(told)?, &scratch).await?;
        let ImportQuery { dry_run, confirm_departures, force } = query;
        let wish = Wish { confirm_departures, force };
        let (actor, school) = (caller.account, Some(school));
        let import = Import { base, school, actor, trust, dry_run, wish };
        let imported = tokio::spawn(async move {
            // One at a time: what one has written, the next one knows.
            let _turn = importing.lock().await;
            let progress: Progress = Arc::new(|_, _| {});
            let report = run(&node, &import, inputs, &progress).await;
            drop(scratch);
            report
        });
        Ok(answer(imported.await.context("an import")??))
    }
}

/// How far a caller is trusted who may bring files into a school; into one that is not open yet, if they
/// may open it. What an import tells of people is a read of them, even if it is only tried.
async fn may_import(guard: &Guard, school: Uai) -> Result<Trust, ApiError> {
    let rule = match sheet(&guard.db, school).await? {
        Some(_) => guard.school(school, Action::ImportFiles).await?.rule,
        None => {
            guard.region(school, Action::OpenSchool).await?;
            guard.region(school, Action::ImportFiles).await?
        }
    };
    let whole = match &guard.caller.actor {
        Actor::Program { scopes, .. } => scopes.contains(&Scope::Everything),
        Actor::Person { .. } => rule == Rule::Head,
    };
    Ok(if whole { Trust::Whole } else { Trust::Office })
}

fn answer(report: Report) -> Response {
    if report.imported {
        let position = HeaderName::from_static("preau-position");
        return ([(position, report.position.to_string())], Json(report)).into_response();
    }
    let problem = Problem::of(Refusal::ImportRefused);
    let refused = Json(ImportRefused { problem, report });
    (StatusCode::UNPROCESSABLE_ENTITY, Problem::content_type(), refused).into_response()
}

impl FromRequest<App> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let Source::Live(node) = &app.source else { return Err(Refusal::ReadOnly.into()) };
        let (node, importing) = (node.clone(), Arc::clone(&app.importing));
        let Asked(query) = Asked::from_request_parts(&mut parts, app).await?;
        let files = Multipart::from_request(Request::from_parts(parts, body), app).await;
        Ok(Self { caller, query, files, node, importing })
    }
}

/// Writes the files that are sent into the scratch folder, piece by piece.
async fn receive(mut files: Multipart, scratch: &TempDir) -> Result<Vec<Input<'static>>, ApiError> {
    let mut inputs = Vec::new();
    while let Some(mut sent) = files.next_field().await.map_err(|error| malformed(&error))? {
        if inputs.len() == FILES_MAX {
            return Err(Refusal::ImportTooLarge.into());
        }
        let name = sent.file_name().unwrap_or("fichier").to_owned();
        let path = scratch.path().join(inputs.len().to_string());
        let mut file = File::create_new(&path).context("keeping a file")?;
        let mut received = 0;
        while let Some(piece) = sent.chunk().await.map_err(|error| malformed(&error))? {
            received += piece.len();
            if received > FILE_MAX_BYTES {
                return Err(Refusal::ImportTooLarge.into());
            }
            file.write_all(&piece).context("keeping a file")?;
        }
        let bytes = Box::new(File::open(&path).context("keeping a file")?);
        inputs.push(Input { name, bytes });
    }
    Ok(inputs)
}

fn malformed(error: &MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::ImportTooLarge.into(),
        _ => ApiError::told(Refusal::MalformedBody, error.body_text()),
    }
}
