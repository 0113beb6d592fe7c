//! What an identity provider has said of somebody, once it is sure that the provider said it; and
//! why it is not.

use std::collections::BTreeMap;

use domain::people::Identifier;
use serde_json::Value;

use super::{
    fetching::FetchError,
    provider::{LinksBy, SecondFactor},
};

/// The longest name that a provider gives to somebody (OpenID Connect Core 1.0, 2).
const SUBJECT_MAX_CHARACTERS: usize = 255;

/// Somebody, as their provider vouches for them.
#[derive(Debug)]
pub(super) struct Vouched {
    /// What the provider calls them, for ever.
    pub(super) subject: String,
    /// What else it says of them.
    claims: Claims,
}

/// What a provider says, by name: each with one value or several.
pub(super) type Claims = BTreeMap<String, Vec<String>>;

/// What recognises somebody who comes for the first time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A number of theirs.
    Number(Identifier),
    /// A mail address that the provider has verified.
    Mail(String),
}

/// Why a provider's answer was not taken. Logged; it quotes nothing that the provider said.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There is no answer to judge.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It takes longer than anybody waits.
    #[error("the provider takes too long")]
    TooSlow,
    /// It cannot be read.
    #[error("the answer cannot be understood")]
    Unreadable,
    /// The provider says no, or that it failed.
    #[error("the provider refuses")]
    Refused,
    /// It was read, and does not hold.
    #[error("the answer does not hold: {0}")]
    Broken(Flaw),
}

/// What does not hold in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("it has no id token")]
    NoToken,
    #[error("its id token is not signed by a key of the provider, in a way that is accepted")]
    Signature,
    #[error("its id token is of another issuer")]
    Issuer,
    #[error("its id token is for others")]
    Audience,
    #[error("its id token is of another time")]
    Time,
    #[error("its id token is of another sign-in")]
    Nonce,
    #[error("its access token is of another id token")]
    AccessToken,
    #[error("its user info is of somebody else")]
    UserInfo,
    #[error("it names nobody, or with control characters, or beyond 255 characters")]
    Subject,
}

impl Vouched {
    pub(super) fn new(subject: &str, claims: Claims) -> Result<Self, Failure> {
        let length = subject.chars().count();
        let sayable = (1..=SUBJECT_MAX_CHARACTERS).contains(&length);
        if !sayable || subject.chars().any(char::is_control) {
            return Err(Failure::Broken(Flaw::Subject));
        }
        Ok(Self { subject: subject.to_owned(), claims })
    }

    /// The same, with more that the provider says. What it said first stands.
    pub(super) fn with(mut self, more: Claims) -> Self {
        for (name, values) in more {
            self.claims.entry(name).or_insert(values);
        }
        self
    }

    /// Whether the provider has said all of this.
    pub(super) fn says<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> bool {
        names.all(|name| self.claims.contains_key(name))
    }

    /// Whether the provider has asked for a second factor.
    pub(super) fn second_factor(&self, told_by: Option<&SecondFactor>) -> bool {
        let said = told_by.and_then(|by| Some((self.claims.get(&by.claim)?, &by.value)));
        said.is_some_and(|(values, value)| values.contains(value))
    }

    /// What they are recognised by, if the provider says it, and once.
    pub(super) fn mark(&self, by: &LinksBy) -> Option<Mark> {
        let value = self.only(&by.claim)?;
        let Some(scheme) = by.scheme else {
            let verified = self.only("email_verified") == Some("true");
            return verified.then(|| Mark::Mail(value.to_owned()));
        };
        let school = match &by.school_claim {
            Some(claim) => Some(self.only(claim)?.parse().ok()?),
            None => by.school,
        };
        Some(Mark::Number(Identifier { scheme, school, value: value.to_owned() }))
    }

    fn only(&self, claim: &str) -> Option<&str> {
        let [value] = self.claims.get(claim)?.as_slice() else { return None };
        Some(value.trim()).filter(|value| !value.is_empty())
    }
}

/// The claims of a JSON document: texts, numbers, truths, and lists of them.
pub(super) fn claims_of(document: Value) -> Claims {
    let Value::Object(fields) = document else { return Claims::new() };
    fields.into_iter().map(|(name, value)| (name, values_of(value))).collect()
}

fn values_of(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.into_iter().flat_map(values_of).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use domain::people::Scheme;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_mail_that_the_provider_verified_recognises_somebody() {
        let by = LinksBy { claim: "email".into(), scheme: None, school: None, school_claim: None };
        let mark = |claims| vouched(claims).mark(&by);
        let mail = "lea@example.org";
        let known = Some(Mark::Mail(mail.to_owned()));
        assert_eq!(mark(json!({ "email": mail, "email_verified": true })), known);
        for unsure in [
            json!({ "email": mail }),
            json!({ "email": mail, "email_verified": false }),
            json!({ "email": mail, "email_verified": 1 }),
            json!({ "email": mail, "email_verified": [true, false] }),
            json!({ "email": [mail, "max@example.org"], "email_verified": true }),
            json!({ "email": " ", "email_verified": true }),
            json!({ "email": { "value": mail }, "email_verified": true }),
        ] {
            assert_eq!(mark(unsure.clone()), None, "{unsure}");
        }
    }

    #[test]
    fn a_number_of_a_school_s_files_is_one_s_only_with_its_school() {
        let by = LinksBy {
            claim: "sts".into(),
            scheme: Some(Scheme::StsEpp),
            school: None,
            school_claim: Some("uai".into()),
        };
        let mark = |claims| vouched(claims).mark(&by);
        let school = Some("0670001A".parse().unwrap());
        let number = Identifier { scheme: Scheme::StsEpp, school, value: "1234".to_owned() };
        let known = Some(Mark::Number(number));
        assert_eq!(mark(json!({ "sts": 1234, "uai": "0670001A" })), known);
        for unsure in [
            json!({ "sts": 1234 }),
            json!({ "sts": 1234, "uai": "the first school" }),
            json!({ "sts": 1234, "uai": ["0670001A", "0670002B"] }),
            json!({ "uai": "0670001A" }),
        ] {
            assert_eq!(mark(unsure.clone()), None, "{unsure}");
        }
    }

    #[test]
    fn a_second_factor_is_one_only_where_the_settings_know_its_word() {
        let told = SecondFactor { claim: "amr".into(), value: "mfa".into() };
        let said = vouched(json!({ "amr": ["pwd", "mfa"] }));
        assert!(said.second_factor(Some(&told)));
        assert!(!said.second_factor(None));
        assert!(!vouched(json!({ "amr": ["pwd"] })).second_factor(Some(&told)));
        assert!(!vouched(json!({ "acr": "mfa" })).second_factor(Some(&told)));
    }

    #[test]
    fn a_provider_that_names_nobody_vouches_for_nobody() {
        for subject in ["", "a\nb", "\0", &"x".repeat(256)] {
            assert!(Vouched::new(subject, Claims::new()).is_err(), "{subject:?}");
        }
    }

    fn vouched(claims: Value) -> Vouched {
        Vouched::new("someone", claims_of(claims)).unwrap()
    }
}
