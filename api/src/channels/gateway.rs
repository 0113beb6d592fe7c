//! An SMS gateway as the settings describe it: the request of a message, and what an answer means.
//!
//! Pure: nobody is asked here.

use reqwest::{
    Request, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use super::{
    Answer, AnswerSettings, ChannelError, Message, Method, Preset, SmsSettings, StatusSettings,
    Why, presets,
    settings::secret,
    template::{Document, Filling, Place, Template},
    wording,
};
use crate::accounts::identity::is_here;

/// The longest reference of a provider that is kept.
const REFERENCE_MAX_BYTES: usize = 64;

/// Digits of a number that would tell it.
const TELLING_DIGITS: usize = 8;

/// A gateway.
pub(super) struct Gateway {
    url: Url,
    method: reqwest::Method,
    headers: Vec<(HeaderName, Template)>,
    body: Body,
    line_break: String,
    sender: String,
    secret: String,
    statuses: StatusSettings,
    answer: Option<AnswerSettings>,
    reference: Option<String>,
}

enum Body {
    Json(Document),
    Form(Vec<(String, Template)>),
}

impl Gateway {
    /// The gateway of the settings.
    pub(super) fn new(settings: &SmsSettings) -> Result<Self, ChannelError> {
        let settings = match settings.preset {
            Some(Preset::Ovh) => presets::ovh(settings)?,
            None if settings.account.is_some() || settings.login.is_some() => {
                return Err(ChannelError::Preset);
            }
            None => settings.clone(),
        };
        let url = settings.url.as_deref().and_then(|url| url.parse().ok());
        let safe = |url: &Url| {
            let plain = url.scheme() == "http" && (settings.plain_text || is_here(url));
            (url.scheme() == "https" || plain) && url.username().is_empty()
        };
        let url = url.filter(safe).ok_or(ChannelError::SmsUrl)?;
        let (body, headers) = (body(&settings)?, headers(&settings)?);
        let secret = secret("sms", settings.secret.as_ref(), settings.secret_file.as_ref())?;
        let said = [(Place::Sender, settings.sender.is_some()), (Place::Secret, secret.is_some())];
        let has = |place| body.has(place) || headers.iter().any(|(_, value)| value.has(place));
        if said.into_iter().any(|(place, said)| has(place) && !said) {
            return Err(ChannelError::Unsaid);
        }
        let pointers = settings.answer.iter().map(|answer| &answer.pointer);
        let wrong = pointers.chain(&settings.reference).find(|pointer| !pointer.starts_with('/'));
        if let Some(wrong) = wrong {
            return Err(ChannelError::Pointer(wrong.clone()));
        }
        let answer_accepts = settings.answer.as_ref().map(|answer| !answer.accepted.is_empty());
        if !answer_accepts.unwrap_or(!settings.statuses.accepted.is_empty()) {
            return Err(ChannelError::NothingAccepted);
        }
        let gateway = Self {
            url,
            method: match settings.method.unwrap_or(Method::Post) {
                Method::Post => reqwest::Method::POST,
                Method::Put => reqwest::Method::PUT,
            },
            headers,
            body,
            line_break: settings.line_break.unwrap_or_else(|| "\n".to_owned()),
            sender: settings.sender.unwrap_or_default(),
            secret: secret.unwrap_or_default(),
            statuses: settings.statuses,
            answer: settings.answer,
            reference: settings.reference,
        };
        let key = uuid::Uuid::nil().to_string();
        gateway.filled_headers(&gateway.filling("", "", &key))?;
        Ok(gateway)
    }

    /// What the gateway is asked.
    pub(super) fn request(&self, to: &str, message: &Message) -> Result<Request, ChannelError> {
        let text = wording::lines(&message.text, &self.line_break);
        let key = message.key.to_string();
        let filling = self.filling(to, &text, &key);
        let mut request = Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.filled_headers(&filling)?;
        let (kind, body) = match &self.body {
            Body::Json(document) => ("application/json", document.fill(&filling).to_string()),
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                let fields = fields.iter().map(|(name, value)| (name, value.fill(&filling)));
                form.extend_pairs(fields);
                ("application/x-www-form-urlencoded; charset=utf-8", form.finish())
            }
        };
        let kind = HeaderValue::from_static(kind);
        request.headers_mut().entry(CONTENT_TYPE).or_insert(kind);
        *request.body_mut() = Some(body.into());
        Ok(request)
    }

    /// What an answer means. The body is what was read of it, or why it could not be.
    pub(super) fn meaning(&self, status: u16, body: Result<Vec<u8>, Why>, to: &str) -> Answer {
        let StatusSettings { accepted, later, undeliverable } = &self.statuses;
        if undeliverable.contains(&status) {
            return Answer::Undeliverable { why: Why::MessageRefused };
        }
        if later.contains(&status) {
            let throttled = status == 429;
            let why = if throttled { Why::Throttled } else { Why::RefusedByProvider };
            return Answer::Later { why };
        }
        let every = accepted.is_empty() && (200..300).contains(&status);
        if !every && !accepted.contains(&status) {
            return unsaid(status);
        }
        let document =
            body.and_then(|body| serde_json::from_slice::<Value>(&body).map_err(|_| Why::Garbled));
        match (&self.answer, document) {
            (None, document) => {
                let reference = document.ok().and_then(|document| self.reference(&document, to));
                Answer::Accepted { reference }
            }
            (Some(_), Err(why)) => Answer::Uncertain { why },
            (Some(answer), Ok(document)) => match answer.refusal(&document) {
                None => Answer::Accepted { reference: self.reference(&document, to) },
                Some(refusal) => refusal,
            },
        }
    }

    /// What the provider calls the message, if it is a name and does not tell the number.
    fn reference(&self, document: &Value, to: &str) -> Option<String> {
        let reference = scalar(spot(document, self.reference.as_deref()?)?)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let number = &to[to.len().saturating_sub(TELLING_DIGITS)..];
        let short = (1..=REFERENCE_MAX_BYTES).contains(&reference.len());
        let name = short && reference.chars().all(plain) && !reference.contains(number);
        name.then_some(reference)
    }

    fn filling<'a>(&'a self, to: &'a str, text: &'a str, key: &'a str) -> Filling<'a> {
        Filling { to, text, key, sender: &self.sender, secret: &self.secret }
    }

    fn filled_headers(&self, filling: &Filling<'_>) -> Result<HeaderMap, ChannelError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = || ChannelError::Header(name.to_string());
            let mut filled = HeaderValue::from_str(&value.fill(filling)).map_err(|_| wrong())?;
            filled.set_sensitive(true);
            headers.insert(name.clone(), filled);
        }
        Ok(headers)
    }
}

impl AnswerSettings {
    /// What the document says, unless it says yes.
    fn refusal(&self, document: &Value) -> Option<Answer> {
        let Some(value) = document.pointer(&self.pointer).and_then(scalar) else {
            return Some(Answer::Uncertain { why: Why::UnknownAnswer });
        };
        if is_among(&value, &self.accepted) {
            None
        } else if is_among(&value, &self.undeliverable) {
            Some(Answer::Undeliverable { why: Why::MessageRefused })
        } else if is_among(&value, &self.later) {
            Some(Answer::Later { why: Why::RefusedByProvider })
        } else {
            Some(Answer::Uncertain { why: Why::UnknownAnswer })
        }
    }
}

impl Body {
    fn has(&self, place: Place) -> bool {
        match self {
            Self::Json(document) => document.has(place),
            Self::Form(fields) => fields.iter().any(|(_, value)| value.has(place)),
        }
    }
}

/// What a status means that the settings say nothing of. A gateway that refuses has not sent; one that
/// fails, or sends us elsewhere after it read everything, may have.
fn unsaid(status: u16) -> Answer {
    match status {
        429 => Answer::Later { why: Why::Throttled },
        401 | 403 | 407 => Answer::Later { why: Why::NotAuthenticated },
        408 => Answer::Uncertain { why: Why::Timeout },
        // The key is known already.
        409 => Answer::Uncertain { why: Why::UnknownAnswer },
        // Those two say that nothing was done here (RFC 9110, 15.4.8 and 15.4.9).
        307 | 308 | 400..=499 => Answer::Later { why: Why::RefusedByProvider },
        500..=599 => Answer::Uncertain { why: Why::ProviderFailed },
        _ => Answer::Uncertain { why: Why::UnknownAnswer },
    }
}

/// Whether a value is one of those that the settings know; `2*` is whatever begins with 2.
pub(super) fn is_among(value: &str, known: &[String]) -> bool {
    known.iter().any(|known| match known.strip_suffix('*') {
        Some(begins) => value.starts_with(begins),
        None => value == known,
    })
}

/// Where a pointer leads to. A name is found whatever its capitals, if none is spelled so: OVH's is
/// `SmsIds` in its guide, and `smsIds` elsewhere.
fn spot<'d>(document: &'d Value, pointer: &str) -> Option<&'d Value> {
    pointer.split('/').skip(1).try_fold(document, |at, name| match at {
        Value::Object(fields) => {
            let alike = || fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            fields.get(name).or_else(|| alike().map(|(_, value)| value))
        }
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// A value as text, if it is one.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(said) => Some(said.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn body(settings: &SmsSettings) -> Result<Body, ChannelError> {
    let body = match (&settings.json, &settings.form) {
        (Some(document), None) => {
            let read = Document::read(document);
            Body::Json(read.ok_or_else(|| ChannelError::Place("json".to_owned()))?)
        }
        (None, Some(fields)) => {
            let field = |(name, value): (&String, &String)| {
                let value = Template::read(value);
                let value = value.ok_or_else(|| ChannelError::Place(name.clone()))?;
                Ok((name.clone(), value))
            };
            Body::Form(fields.iter().map(field).collect::<Result<_, _>>()?)
        }
        (None, None) | (Some(_), Some(_)) => return Err(ChannelError::Body),
    };
    if body.has(Place::To) && body.has(Place::Text) { Ok(body) } else { Err(ChannelError::Body) }
}

fn headers(settings: &SmsSettings) -> Result<Vec<(HeaderName, Template)>, ChannelError> {
    let header = |(name, value): (&String, &String)| {
        let wrong = || ChannelError::Header(name.clone());
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let value = Template::read(value).ok_or_else(|| ChannelError::Place(name.clone()))?;
        if value.has(Place::To) || value.has(Place::Text) {
            return Err(wrong());
        }
        Ok((parsed, value))
    };
    settings.headers.iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const TO: &str = "+33639980099";

    #[test]
    fn the_request_of_ovh_has_nothing_personal_in_its_address() {
        let request = ovh_gateway().request(TO, &message("Léa & Max:\nabsents {secret}")).unwrap();
        assert_eq!(request.url().as_str(), "https://www.ovh.com/cgi-bin/sms/http2sms.cgi");
        assert_eq!(
            sent(&request),
            "account=sms-ab12345-1&contentType=application%2Fjson&from=COLLEGE&login=preau&\
             message=L%C3%A9a+%26+Max%3A%0Dabsents+%7Bsecret%7D&noStop=1&\
             password=p%26w%3Dd&to=%2B33639980099"
        );
    }

    #[test]
    fn ovh_says_yes_by_its_own_status_and_not_by_that_of_http() {
        let means = |body: &str| ovh_gateway().meaning(200, Ok(body.as_bytes().to_vec()), TO);
        let yes = means(r#"{"status":100,"creditLeft":"1987","SmsIds":["10867690"]}"#);
        assert_eq!(yes, Answer::Accepted { reference: Some("10867690".to_owned()) });
        let later = Answer::Later { why: Why::RefusedByProvider };
        assert_eq!(means(r#"{"status":201,"message":"Missing login"}"#), later);
        assert_eq!(means(r#"{"status":"401","message":"IP not authorized"}"#), later);
        let never = Answer::Undeliverable { why: Why::MessageRefused };
        assert_eq!(means(r#"{"status":202,"message":"Invalid to"}"#), never);
        for garbage in ["", "OK", "{", "<html>", "[100]", r#"{"status":[100]}"#, r#"{"status":1}"#]
        {
            let uncertain = matches!(means(garbage), Answer::Uncertain { .. });
            assert!(uncertain, "{garbage}");
        }
    }

    #[test]
    fn what_is_put_into_json_and_headers_cannot_leave_its_place() {
        let gateway = gateway(json!({ "url": "https://sms.example/v1?a=b", "method": "PUT",
            "headers": { "Idempotency-Key": "{key}", "Authorization": "Bearer {secret}" },
            "json": { "recipients": ["{to}"], "content": "{text}", "from": "{sender}" },
            "sender": "COLLEGE", "secret": "s", "statuses": { "accepted": [201] } }));
        let request = gateway.request(TO, &message("\"}], \"to\": \"x\" \\ {to}")).unwrap();
        assert_eq!(request.method(), "PUT");
        let body: Value = serde_json::from_str(&sent(&request)).unwrap();
        assert_eq!(
            body,
            json!({ "recipients": [TO], "content": "\"}], \"to\": \"x\" \\ {to}",
                "from": "COLLEGE" })
        );
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("Idempotency-Key"), "00000000-0000-0000-0000-000000000007");
        assert_eq!(header("Authorization"), "Bearer s");
        assert_eq!(header("Content-Type"), "application/json");
        assert_eq!(format!("{:?}", request.headers()["Authorization"]), "Sensitive");
    }

    #[test]
    fn a_status_that_the_settings_do_not_speak_of_makes_nothing_certain_that_is_not() {
        let gateway = plain(&json!({ "statuses": { "accepted": [202], "later": [503],
            "undeliverable": [422] }, "reference": "/id" }));
        let means = |status| gateway.meaning(status, Ok(br#"{"id":7}"#.to_vec()), TO);
        assert_eq!(means(202), Answer::Accepted { reference: Some("7".to_owned()) });
        for (status, answer) in [
            (200, Answer::Uncertain { why: Why::UnknownAnswer }),
            (302, Answer::Uncertain { why: Why::UnknownAnswer }),
            (308, Answer::Later { why: Why::RefusedByProvider }),
            (400, Answer::Later { why: Why::RefusedByProvider }),
            (401, Answer::Later { why: Why::NotAuthenticated }),
            (408, Answer::Uncertain { why: Why::Timeout }),
            (409, Answer::Uncertain { why: Why::UnknownAnswer }),
            (422, Answer::Undeliverable { why: Why::MessageRefused }),
            (429, Answer::Later { why: Why::Throttled }),
            (500, Answer::Uncertain { why: Why::ProviderFailed }),
            (503, Answer::Later { why: Why::RefusedByProvider }),
        ] {
            assert_eq!(means(status), answer, "{status}");
        }
        let cut = gateway.meaning(202, Err(Why::NoAnswer), TO);
        assert_eq!(cut, Answer::Accepted { reference: None }, "the status has said it");
    }

    #[test]
    fn a_reference_that_tells_the_number_or_more_than_a_name_is_not_kept() {
        let gateway = plain(&json!({ "statuses": { "accepted": [200] }, "reference": "/id" }));
        let reference = |id: Value| {
            let body = json!({ "id": id }).to_string().into_bytes();
            let Answer::Accepted { reference } = gateway.meaning(200, Ok(body), TO) else {
                panic!("not accepted");
            };
            reference
        };
        assert_eq!(reference(json!("m-1.2:3")).as_deref(), Some("m-1.2:3"));
        let long = "a".repeat(65);
        for id in ["", "33639980099", "0639980099-1", "sent to Léa", "a@b", long.as_str()] {
            assert_eq!(reference(json!(id)), None, "{id}");
        }
        assert_eq!(reference(json!(["a"])), None);
    }

    #[test]
    fn settings_that_would_send_in_the_open_or_learn_nothing_are_refused() {
        let base = json!({ "url": "https://sms.example", "form": { "a": "{to}", "b": "{text}" },
            "statuses": { "accepted": [200] } });
        let with = |name: &str, value: Value| {
            let mut settings = base.clone();
            settings[name] = value;
            wrong(settings)
        };
        assert_eq!(with("url", json!("http://sms.example")), Some(ChannelError::SmsUrl));
        assert_eq!(with("url", json!("http://localhost.example")), Some(ChannelError::SmsUrl));
        assert_eq!(with("url", json!("https://user@sms.example")), Some(ChannelError::SmsUrl));
        assert_eq!(with("url", json!("http://localhost:8080/")), None);
        assert_eq!(with("json", json!({})), Some(ChannelError::Body));
        assert_eq!(with("form", json!({ "a": "{to}" })), Some(ChannelError::Body));
        let place = ChannelError::Place("a".to_owned());
        assert_eq!(with("form", json!({ "a": "{name}" })), Some(place));
        let unsaid = json!({ "a": "{to}", "b": "{text}", "c": "{sender}" });
        assert_eq!(with("form", unsaid), Some(ChannelError::Unsaid));
        for header in [("X-To", "{to}"), ("X-Text", "{text}"), ("X\n", "a"), ("X", "a\r\nY: b")] {
            let error = with("headers", json!({ header.0: header.1 }));
            assert!(matches!(error, Some(ChannelError::Header(_))), "{header:?}");
        }
        let pointer = ChannelError::Pointer("id".to_owned());
        assert_eq!(with("reference", json!("id")), Some(pointer));
        assert_eq!(with("statuses", json!({})), Some(ChannelError::NothingAccepted));
        assert_eq!(with("account", json!("a")), Some(ChannelError::Preset));
        assert_eq!(with("preset", json!("ovh")), Some(ChannelError::Preset));
    }

    fn ovh_gateway() -> Gateway {
        gateway(json!({ "preset": "ovh", "account": "sms-ab12345-1", "login": "preau",
            "secret": "p&w=d", "sender": "COLLEGE" }))
    }

    /// A gateway of a form, with these settings more.
    fn plain(more: &Value) -> Gateway {
        let mut settings = json!({ "url": "https://sms.example",
            "form": { "to": "{to}", "text": "{text}" } });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        gateway(settings)
    }

    fn gateway(settings: Value) -> Gateway {
        Gateway::new(&serde_json::from_value(settings).unwrap()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn wrong(settings: Value) -> Option<ChannelError> {
        Gateway::new(&serde_json::from_value(settings).unwrap()).err()
    }

    fn sent(request: &Request) -> String {
        let body = request.body().unwrap().as_bytes().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn message(text: &str) -> Message {
        Message {
            key: Uuid::from_u128(7),
            to: String::new(),
            subject: String::new(),
            text: text.to_owned(),
            written_at: "2026-11-20T07:14:00Z".parse().unwrap(),
        }
    }
}
