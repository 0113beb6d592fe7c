//! Pages to print: papers and letters, whose style stands in them.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    http::header,
    response::{Html, IntoResponse},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A page that may load the style that stands in it, and nothing.
pub(crate) fn printed(page: String, style: &str) -> impl IntoResponse + use<> {
    let style = STANDARD.encode(digest(&SHA256, style.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'none'; \
        frame-ancestors 'none'; base-uri 'none'"
    );
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page))
}
