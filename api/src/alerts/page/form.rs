//! The form that gives a reason, as a browser sends it: a few words, and a document.

use axum::{
    extract::{
        Multipart,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use domain::MessageId;
use web::alerts::page::Problem;

use crate::{
    attendance::documents::{NotReceived, Received, Upload, Uploads},
    error::{ApiError, Refusal},
};

/// What is said in a form, without its document.
const SAID_MAX_BYTES: usize = 16 * 1024;

/// The most that a document may have, as the page says it.
const MEGABYTES_MAX: u32 = 10;

/// A form that gives a reason.
#[derive(Default)]
pub(super) struct Given {
    pub(super) absence: String,
    pub(super) key: String,
    pub(super) reason: String,
    pub(super) comment: String,
    /// Whether it holds until the half-day ends.
    pub(super) rest: bool,
    /// What came with it, or why it was not taken.
    pub(super) document: Option<Result<Received, Problem>>,
    /// The room that it takes, until the form is done with.
    upload: Option<Upload>,
}

impl Given {
    /// Reads a form that was sent through the link of a message.
    pub(super) async fn read(
        mut form: Multipart,
        uploads: &Uploads,
        link: MessageId,
    ) -> Result<Self, ApiError> {
        let mut given = Self::default();
        while let Some(field) = form.next_field().await.map_err(malformed)? {
            let name = field.name().unwrap_or_default().to_owned();
            match name.as_str() {
                "absence" => given.absence = said(field).await?,
                "key" => given.key = said(field).await?,
                "reason" => given.reason = said(field).await?,
                "comment" => given.comment = said(field).await?,
                "rest" => given.rest = said(field).await? == "true",
                "document" if given.document.is_none() => {
                    let upload = given.upload.insert(uploads.begin(link));
                    given.document = receive(field, upload).await?;
                    // What comes after it could not be read, if it was cut off.
                    if let Some(Err(_)) = given.document {
                        break;
                    }
                }
                _ => return Err(Refusal::MalformedBody.into()),
            }
        }
        Ok(given)
    }
}

/// What is said in a field, as far as a form goes.
async fn said(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(malformed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > SAID_MAX_BYTES {
            return Err(Refusal::MalformedBody.into());
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::MalformedBody.into())
}

/// What was attached, or why it is not taken; nothing if nothing was.
async fn receive(
    mut field: Field<'_>,
    upload: &mut Upload,
) -> Result<Option<Result<Received, Problem>>, ApiError> {
    let too_large = Problem::DocumentTooLarge { megabytes_max: MEGABYTES_MAX };
    loop {
        match field.chunk().await {
            Ok(Some(piece)) => upload.take(&piece),
            Ok(None) => break,
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Ok(Some(Err(too_large)));
            }
            Err(error) => return Err(malformed(error)),
        }
    }
    Ok(match upload.end() {
        Ok(bytes) if bytes.is_empty() => None,
        Ok(bytes) => Some(Received::read(bytes).ok_or(Problem::DocumentUnreadable)),
        Err(NotReceived::TooLarge) => Some(Err(too_large)),
        Err(NotReceived::NoRoom) => Some(Err(Problem::NotKept)),
    })
}

fn malformed(_: MultipartError) -> ApiError {
    Refusal::MalformedBody.into()
}
