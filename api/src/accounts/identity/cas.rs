//! CAS 3.0, as its protocol specification says: a ticket that the browser brings is shown to the
//! server, which tells once whose it is.
//!
//! The answer is read without DTD, a few levels deep, and only what stands in the namespace of CAS.
//! Neither proxies nor single logout are spoken.

use std::borrow::Cow;

use openidconnect::http::StatusCode;
use openidconnect::{HttpRequest, HttpResponse};
use quick_xml::{
    NsReader,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
};
use reqwest::Url;

use super::{
    fetching::Fetcher,
    vouched::{Claims, Failure, Vouched},
};

/// The namespace of the answers (CAS protocol 3.0, appendix A).
const NAMESPACE: &str = "http://www.yale.edu/tp/cas";

/// The deepest element of an answer that is understood lies at three.
const DEPTH_MAX: usize = 8;

/// The longest ticket (CAS protocol 3.0, 3.1.1: clients take up to 256 characters).
const TICKET_MAX_CHARACTERS: usize = 256;

/// Where a browser goes to sign in at the server, to come back to `service`.
pub(super) fn sign_in_at(server: &Url, service: &Url) -> Url {
    let mut url = below(server, &["login"]);
    url.query_pairs_mut().append_pair("service", service.as_str());
    url
}

/// Asks the server whose a ticket for `service` is. The server forgets the ticket.
pub(super) async fn validate(
    fetcher: &Fetcher,
    server: &Url,
    service: &Url,
    ticket: &str,
) -> Result<Vouched, Failure> {
    if ticket.len() > TICKET_MAX_CHARACTERS || !ticket.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::Refused);
    }
    let mut url = below(server, &["p3", "serviceValidate"]);
    url.query_pairs_mut()
        .append_pair("service", service.as_str())
        .append_pair("ticket", ticket)
        .append_pair("format", "XML");
    let mut request = HttpRequest::new(Vec::new());
    *request.uri_mut() = url.as_str().parse().map_err(|_| Failure::Unreadable)?;
    let answer = fetcher.fetch(request).await?;
    read(&answer)
}

fn below(server: &Url, path: &[&str]) -> Url {
    let mut url = server.clone();
    // Only addresses like `data:` cannot be gone on from, and the settings refuse them.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

fn read(answer: &HttpResponse) -> Result<Vouched, Failure> {
    if answer.status() != StatusCode::OK {
        return Err(Failure::Unreadable);
    }
    let text = std::str::from_utf8(answer.body()).map_err(|_| Failure::Unreadable)?;
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| Failure::Unreadable)?;
        let of_cas =
            matches!(namespace, ResolveResult::Bound(found) if found.as_ref() == NAMESPACE);
        match event {
            Event::Start(start) => reading.enter(&start, of_cas)?,
            Event::End(_) => reading.leave(),
            Event::Text(text) => reading.text.push_str(&text.xml10_content()),
            Event::CData(text) => reading.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => reading.text.push(character(&reference)?),
            Event::Decl(_) => {}
            Event::Eof => return reading.end(),
            // A comment could cut a name in two for whoever reads less carefully.
            Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {
                return Err(Failure::Unreadable);
            }
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    /// The names of the open elements; empty for those of another namespace.
    path: Vec<String>,
    text: String,
    users: Vec<String>,
    claims: Claims,
    refused: bool,
}

impl Reading {
    fn enter(&mut self, start: &BytesStart<'_>, of_cas: bool) -> Result<(), Failure> {
        if self.path.len() == DEPTH_MAX {
            return Err(Failure::Unreadable);
        }
        let name = start.local_name();
        let name = if of_cas { Cow::from(name.as_ref()) } else { Cow::default() };
        self.path.push(name.into_owned());
        self.text.clear();
        Ok(())
    }

    fn leave(&mut self) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let text = std::mem::take(&mut self.text).trim().to_owned();
        match path.as_slice() {
            ["serviceResponse", "authenticationSuccess", "user"] => self.users.push(text),
            ["serviceResponse", "authenticationSuccess", "attributes", name]
                if !name.is_empty() =>
            {
                self.claims.entry((*name).to_owned()).or_default().push(text);
            }
            // A ticket that another service got in somebody's name, or none.
            ["serviceResponse", "authenticationSuccess", "proxies"]
            | ["serviceResponse", "authenticationFailure"] => self.refused = true,
            _ => {}
        }
        self.path.pop();
    }

    fn end(self) -> Result<Vouched, Failure> {
        if self.refused {
            return Err(Failure::Refused);
        }
        match self.users.as_slice() {
            [user] if self.path.is_empty() => Vouched::new(user, self.claims),
            _ => Err(Failure::Unreadable),
        }
    }
}

/// The character of a reference: by its number, or one of the five that XML knows.
fn character(reference: &BytesRef<'_>) -> Result<char, Failure> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| Failure::Unreadable)? {
        return Ok(character);
    }
    match reference.as_ref() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(Failure::Unreadable),
    }
}
