//! A browser that is led by hand: it keeps cookies for each host and follows one redirect at a time.
//!
//! Préau is reached without a network, at the address that the settings make public; providers are
//! reached over theirs.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, header},
};
use reqwest::{Client, Url, redirect::Policy};
use serde_json::Value;
use tower::ServiceExt;

/// The address that the settings of these tests make public.
pub(super) const PUBLIC: &str = "https://preau.test";

/// A browser and its cookies.
pub(super) struct Browser {
    preau: Router,
    client: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a browser was answered.
#[derive(Debug)]
pub(super) struct Page {
    /// The status.
    pub(super) status: u16,
    /// The address that it was asked at.
    pub(super) url: Url,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) text: String,
}

impl Browser {
    /// A browser without cookies.
    pub(super) fn new(preau: Router) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { preau, client, cookies: BTreeMap::new() }
    }

    /// Asks for a page.
    pub(super) async fn get(&mut self, url: &str) -> Page {
        self.send("GET", url, &[], String::new()).await
    }

    /// Asks from a page of ours to write.
    pub(super) async fn write(&mut self, method: &str, url: &str) -> Page {
        self.send(method, url, &[("sec-fetch-site", "same-origin")], String::new()).await
    }

    /// Sends a request with these headers, and keeps the cookies of the answer.
    pub(super) async fn send(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Page {
        let url = Url::parse(PUBLIC).unwrap().join(url).unwrap();
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(cookies) = self.cookies.get(url.authority()).filter(|all| !all.is_empty()) {
            let pairs: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap();
        let (status, headers, text) = if url.as_str().starts_with(PUBLIC) {
            let response = self.preau.clone().oneshot(request.map(Body::from)).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            (parts.status, parts.headers, String::from_utf8(bytes.into()).unwrap())
        } else {
            let answer = self.client.execute(request.try_into().unwrap()).await.unwrap();
            (answer.status(), answer.headers().clone(), answer.text().await.unwrap())
        };
        for cookie in headers.get_all(header::SET_COOKIE) {
            self.keep(url.authority(), cookie.to_str().unwrap());
        }
        Page { status: status.as_u16(), url, headers, text }
    }

    /// The cookie of Préau with this name.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get("preau.test")?.get(name).cloned()
    }

    /// Puts a cookie of Préau in place of the one it has.
    pub(super) fn set_cookie(&mut self, name: &str, value: &str) {
        let cookies = self.cookies.entry("preau.test".to_owned()).or_default();
        cookies.insert(name.to_owned(), value.to_owned());
    }

    fn keep(&mut self, host: &str, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let cookies = self.cookies.entry(host.to_owned()).or_default();
        let gone = attributes.to_ascii_lowercase().contains("max-age=0") || value.is_empty();
        if gone {
            cookies.remove(name.trim());
        } else {
            cookies.insert(name.trim().to_owned(), value.to_owned());
        }
    }
}

impl Page {
    /// A page that sends the browser there.
    pub(super) fn sent_to(location: &str) -> Self {
        let headers = [(header::LOCATION, location.parse().unwrap())].into_iter().collect();
        Self { status: 303, url: PUBLIC.parse().unwrap(), headers, text: String::new() }
    }

    /// The body of a success.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// Where it sends the browser.
    #[track_caller]
    pub(super) fn next(&self) -> String {
        assert!((300..400).contains(&self.status), "{} {}", self.status, self.text);
        let location = self.headers[header::LOCATION].to_str().unwrap();
        self.url.join(location).unwrap().into()
    }

    /// A parameter of the address that it sends the browser to.
    #[track_caller]
    pub(super) fn next_query(&self, name: &str) -> String {
        let next = Url::parse(&self.next()).unwrap();
        let found = next.query_pairs().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name}: {next}")).1.into_owned()
    }

    /// The status and code of a refusal.
    #[track_caller]
    pub(super) fn refusal(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let code = problem["code"].as_str();
        format!(
            "{} {}",
            self.status,
            code.unwrap_or_else(|| panic!("{} {}", self.status, self.text))
        )
    }
}
