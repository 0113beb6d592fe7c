//! How a refusal is told over HTTP: `application/problem+json` with a stable code per rule.
//!
//! A rule of the domain has its name as its code; what the API refuses by itself has a code here.
//! What went wrong inside is logged once, with its whole chain, and never shown.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    accounts::AccountError,
    alerts::AlertError,
    attendance::{AttendanceError, documents::DocumentError},
    classes::ClassError,
    families::FamilyError,
    followups::FollowUpError,
    people::PersonError,
    rollcalls::RollCallError,
    schools::SchoolError,
    timetable::TimetableError,
};
use replay::{ExecuteError, NotYet, access::NotRecorded, journal::Unreadable, log::StoreError};
use serde::Serialize;
use strum::{EnumMessage, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// A rule of the domain forbids it.
    Rule(StatusCode, &'static str, String),
    /// The API refuses it.
    Refused(Refusal, Option<String>),
    /// Our fault. Logged, never shown.
    Internal(anyhow::Error),
}

/// What the API refuses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, EnumMessage, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Refusal {
    #[strum(message = "a valid bearer token is needed")]
    NotSignedIn,
    #[strum(message = "you may see this, but not do that with it")]
    Forbidden,
    #[strum(message = "another site sent this request")]
    CrossSite,
    #[strum(
        message = "the login or the password is wrong, or the account takes none now: after five errors, wait a quarter of an hour"
    )]
    SignInRefused,
    #[strum(message = "a code of the second factor is needed that was not used before")]
    SecondFactorNeeded,
    #[strum(
        message = "this login and code do not go together, or the code was used or has expired: ask the school for another"
    )]
    WrongCode,
    #[strum(message = "this is not your present password")]
    WrongPassword,
    #[strum(message = "this is no code of your second factor, or it was used before")]
    WrongSecondFactor,
    #[strum(
        message = "a code for this account is open, or was used less than a day ago: have it used, \
        and wait a day"
    )]
    CodeJustMade,
    #[strum(
        message = "you took this account's second factor away less than a day ago: have somebody \
        else make the code, or wait"
    )]
    SecondFactorJustRemoved,
    #[strum(message = "a password has 12 to 128 characters")]
    PasswordLength,
    #[strum(message = "this password is made of words that everybody tries: choose another")]
    PasswordTooCommon,
    #[strum(message = "too many errors from this address: wait a quarter of an hour")]
    TooManyRefusals,
    #[strum(message = "too many ask for this at the same moment: please try again")]
    TooBusy,
    #[strum(message = "there is nothing at this address")]
    NoSuchAddress,
    #[strum(message = "this address does not take this method")]
    MethodNotAllowed,
    #[strum(message = "the request's parameters cannot be understood")]
    MalformedQuery,
    #[strum(message = "the request's body cannot be understood")]
    MalformedBody,
    #[strum(message = "the request's body is too large: at most 256 KiB")]
    BodyTooLarge,
    #[strum(message = "an import takes at most 6 files, each of at most 10 MiB")]
    ImportTooLarge,
    #[strum(message = "the files were not imported, and nothing of them was written")]
    ImportRefused,
    #[strum(message = "the request took too long to arrive or to answer")]
    RequestTimeout,
    #[strum(message = "an Idempotency-Key is 1 to 200 printable characters")]
    MalformedIdempotencyKey,
    #[strum(message = "this Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
    #[strum(message = "Occurred-At is an instant like 2026-11-20T07:58:00Z, not in the future")]
    MalformedOccurredAt,
    #[strum(message = "a past day is only read: nothing is written here")]
    ReadOnly,
    #[strum(message = "no school of this number is open here")]
    UnknownSchool,
    #[strum(message = "no such person is registered")]
    UnknownPerson,
    #[strum(message = "this school has no such student")]
    UnknownStudent,
    #[strum(message = "this school has no such member of staff")]
    UnknownStaff,
    #[strum(message = "this school has no such class")]
    UnknownClass,
    #[strum(message = "this school has no such course")]
    UnknownCourse,
    #[strum(message = "this national number is another person's: look for that one")]
    NumberTaken,
    #[strum(message = "you have no such session")]
    UnknownSession,
    #[strum(
        message = "the law has no paper for this step: only for four and ten half-days, and letters only while they stand"
    )]
    NoPaper,
    #[strum(message = "no document was shown beside the reason of this line")]
    NoDocument,
    #[strum(message = "this reason is not in the school's list")]
    UnknownReason,
    #[strum(message = "this day lies outside the school year")]
    DateOutsideSchoolYear,
    #[strum(message = "ask for at most 366 days, the first before the last")]
    TooManyDays,
    #[strum(message = "no identity provider of this name is known here")]
    UnknownProvider,
    #[strum(message = "this sign-in was begun too long ago, elsewhere, or is over: begin again")]
    SignInLost,
    #[strum(message = "the identity provider did not sign you in: begin again, or ask your school")]
    IdentityRefused,
    #[strum(message = "nobody here is known by what the identity provider says: ask your school")]
    IdentityUnknown,
    #[strum(message = "another account is linked with this identity: ask your school")]
    IdentityTaken,
    #[strum(
        message = "your account takes a second factor, and the identity provider has asked for \
        none: sign in with your password"
    )]
    SecondFactorOfProvider,
    #[strum(message = "the identity provider does not answer: try again in a moment, or sign in \
        with your password")]
    ProviderUnreachable,
    #[strum(message = "the stream was written by others meanwhile: please try again")]
    Conflict,
    #[strum(message = "what this position shows is not there yet: please try again")]
    NotYet,
    #[strum(message = "it is not known whether this was written: try again with the same key")]
    OutcomeUnknown,
    #[strum(message = "a newer version of Préau has written here, and this server is about to be \
        upgraded: please try again")]
    LaterVersion,
    #[strum(message = "the access log could not be written, so nothing is told: please try again")]
    NotRecorded,
    #[strum(message = "something failed here, and was logged: please try again later")]
    Internal,
}

/// The body of an answer that is not a success (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:preau:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status again.
    status: u16,
    /// Stable: what programs may rely on.
    code: &'static str,
    /// A sentence for people.
    detail: String,
}

/// Every code that an answer can have, for the description of the API.
pub(crate) fn codes() -> Vec<&'static str> {
    [
        Refusal::VARIANTS,
        SchoolError::VARIANTS,
        PersonError::VARIANTS,
        FamilyError::VARIANTS,
        ClassError::VARIANTS,
        TimetableError::VARIANTS,
        RollCallError::VARIANTS,
        AttendanceError::VARIANTS,
        AlertError::VARIANTS,
        DocumentError::VARIANTS,
        FollowUpError::VARIANTS,
        AccountError::VARIANTS,
    ]
    .concat()
}

impl ApiError {
    /// The API's own refusal, with what a person needs to mend it.
    pub(crate) fn told(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self::Refused(refusal, Some(detail.into()))
    }

    /// Whether it is the caller who is told no, and might be told yes by newer tables.
    pub(crate) fn may_be_stale(&self) -> bool {
        match self {
            Self::Rule(..) | Self::Refused(..) => true,
            Self::Internal(_) => false,
        }
    }
}

impl Problem {
    /// A refusal that is told with more than its sentence.
    pub(crate) fn of(refusal: Refusal) -> Self {
        Self::new(refusal.status(), refusal.into(), refusal.get_message().unwrap_or_default())
    }

    /// What an answer with a problem is.
    pub(crate) fn content_type() -> [(header::HeaderName, header::HeaderValue); 1] {
        [(header::CONTENT_TYPE, PROBLEM_JSON)]
    }

    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:preau:problem:{code}");
        Self { kind, status: status.as_u16(), code, detail: detail.into() }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal, None)
    }
}

/// A rule's status: what is not there is 404, what was destroyed 410, all else 422.
macro_rules! rules {
    ($($rule:ident { $($variant:ident => $status:ident),* })*) => {$(
        impl From<$rule> for ApiError {
            fn from(rule: $rule) -> Self {
                let status = match rule {
                    $($rule::$variant => StatusCode::$status,)*
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                Self::Rule(status, rule.into(), rule.to_string())
            }
        }
    )*};
}

rules! {
    SchoolError { SchoolNotOpen => NOT_FOUND }
    PersonError { PersonNotRegistered => NOT_FOUND, PersonErased => GONE }
    FamilyError { NotAGuardian => NOT_FOUND }
    ClassError { ClassNotFormed => NOT_FOUND }
    TimetableError { CourseNotScheduled => NOT_FOUND }
    RollCallError { RollNotTaken => NOT_FOUND, RollCallErased => GONE }
    AccountError { }
    AlertError { NoSuchAlert => NOT_FOUND, AlertErased => GONE }
    DocumentError { DocumentErased => GONE }
    FollowUpError { NoSuchFollowUp => NOT_FOUND, FollowUpErased => GONE }
    AttendanceError { UnknownLine => NOT_FOUND, AttendanceErased => GONE }
}

impl<E: Into<Self> + std::error::Error> From<ExecuteError<E>> for ApiError {
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(rule) => rule.into(),
            ExecuteError::Conflict => Refusal::Conflict.into(),
            ExecuteError::KeyReused => Refusal::IdempotencyKeyReused.into(),
            ExecuteError::Unknown => Refusal::OutcomeUnknown.into(),
            ExecuteError::Store(error) => match error.downcast_ref::<Unreadable>() {
                Some(unreadable) if unreadable.why.is_of_later() => Refusal::LaterVersion.into(),
                Some(_) | None => Self::Internal(error),
            },
        }
    }
}

impl From<NotYet> for ApiError {
    fn from(_: NotYet) -> Self {
        Refusal::NotYet.into()
    }
}

impl From<NotRecorded> for ApiError {
    /// Logged here, as it is no failure of the question.
    fn from(error: NotRecorded) -> Self {
        tracing::error!(error = format!("{:#}", anyhow::Error::from(error)), "nothing is told");
        Refusal::NotRecorded.into()
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NotSignedIn
            | Self::SignInRefused
            | Self::SecondFactorNeeded
            | Self::WrongCode
            | Self::SignInLost
            | Self::IdentityRefused
            | Self::IdentityUnknown
            | Self::SecondFactorOfProvider => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite | Self::WrongPassword => StatusCode::FORBIDDEN,
            Self::TooManyRefusals => StatusCode::TOO_MANY_REQUESTS,
            Self::NoSuchAddress
            | Self::UnknownProvider
            | Self::UnknownSchool
            | Self::UnknownPerson
            | Self::UnknownStudent
            | Self::UnknownStaff
            | Self::UnknownClass
            | Self::UnknownCourse
            | Self::UnknownSession
            | Self::NoPaper
            | Self::NoDocument => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed | Self::ReadOnly => StatusCode::METHOD_NOT_ALLOWED,
            Self::MalformedQuery
            | Self::MalformedBody
            | Self::MalformedIdempotencyKey
            | Self::MalformedOccurredAt => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge | Self::ImportTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::WrongSecondFactor
            | Self::CodeJustMade
            | Self::SecondFactorJustRemoved
            | Self::PasswordLength
            | Self::PasswordTooCommon
            | Self::ImportRefused
            | Self::UnknownReason
            | Self::DateOutsideSchoolYear
            | Self::TooManyDays
            | Self::IdentityTaken
            | Self::NumberTaken
            | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict => StatusCode::CONFLICT,
            Self::NotYet
            | Self::OutcomeUnknown
            | Self::LaterVersion
            | Self::NotRecorded
            | Self::TooBusy
            | Self::ProviderUnreachable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::Rule(status, code, detail) => (status, code, detail),
            Self::Refused(refusal, detail) => {
                let message = refusal.get_message().unwrap_or_default();
                let detail =
                    detail.map_or_else(|| message.to_owned(), |d| format!("{message}: {d}"));
                (refusal.status(), refusal.into(), detail)
            }
            Self::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a request failed");
                return Self::from(Refusal::Internal).into_response();
            }
        };
        let problem = Problem::new(status, code, detail);
        let mut response = (status, Json(problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
        let told = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, BEARER)),
            StatusCode::TOO_MANY_REQUESTS => Some((header::RETRY_AFTER, A_QUARTER_OF_AN_HOUR)),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, A_SECOND)),
            _ => None,
        };
        if let Some((name, told)) = told {
            response.headers_mut().insert(name, told);
        }
        response
    }
}

const PROBLEM_JSON: header::HeaderValue =
    header::HeaderValue::from_static("application/problem+json");
const BEARER: header::HeaderValue = header::HeaderValue::from_static("Bearer");
const A_QUARTER_OF_AN_HOUR: header::HeaderValue = header::HeaderValue::from_static("900");
const A_SECOND: header::HeaderValue = header::HeaderValue::from_static("1");
