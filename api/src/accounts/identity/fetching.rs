//! Asking an identity provider: over TLS, within five seconds, without being sent elsewhere, and
//! without reading more than an honest answer has.
//!
//! Who is asked is the settings' choice; plain HTTP is for providers on this very machine, as in
//! development.

use std::{future::Future, net::IpAddr, pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{Client, Request, Url, redirect::Policy};

/// How long a provider may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long it may take to be reached.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// The largest answer: far more than the keys and claims of an honest provider.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// What asks. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Fetcher(Client);

/// Why there is no answer. Says nothing of what was asked: an address may hold a ticket.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The address is neither of HTTPS nor of this machine.
    #[error("the provider names an address without TLS")]
    WithoutTls,
    /// The answer has no end, or a far one.
    #[error("the answer is larger than {ANSWER_MAX_BYTES} bytes")]
    TooLarge,
    /// The network, or the time.
    #[error("the provider does not answer")]
    NoAnswer(#[source] reqwest::Error),
}

impl Fetcher {
    /// # Errors
    /// When the system has no certificates to trust.
    pub(super) fn new() -> reqwest::Result<Self> {
        let client = Client::builder().timeout(ANSWER_MAX).connect_timeout(CONNECT_MAX);
        // A provider may close a connection that waits at the moment we use it, and a code cannot be
        // sent twice: each request has a connection of its own.
        client.redirect(Policy::none()).pool_max_idle_per_host(0).build().map(Self)
    }

    /// Asks, and reads the whole answer.
    pub(super) async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let no_answer = |error: reqwest::Error| FetchError::NoAnswer(error.without_url());
        let request = Request::try_from(request).map_err(no_answer)?;
        if !has_tls(request.url()) {
            return Err(FetchError::WithoutTls);
        }
        let mut answer = self.0.execute(request).await.map_err(no_answer)?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(no_answer)? {
            if body.len() + piece.len() > ANSWER_MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Fetcher {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.fetch(request))
    }
}

/// Whether nobody on the way can read or change what passes: TLS, or this very machine.
pub(super) fn has_tls(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_here(url))
}

/// Whether the host is this very machine.
pub(crate) fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_this_machine_is_asked() {
        let asked = |url: &str| has_tls(&url.parse().unwrap());
        for welcome in [
            "https://ent.example",
            "http://127.0.0.1:8080",
            "http://[::1]/",
            "http://localhost/cas",
        ] {
            assert!(asked(welcome), "{welcome}");
        }
        for refused in [
            "http://ent.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "ftp://localhost",
            "file:///etc/passwd",
        ] {
            assert!(!asked(refused), "{refused}");
        }
    }
}
