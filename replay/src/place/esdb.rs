//! The address of an EventStoreDB (`KurrentDB`) server or cluster.
//!
//! It is what the server's own clients take, and one parameter more: `preauPrefix`, the name under which
//! a school's logs lie on a server that others use too.

use std::{fmt, str::FromStr};

use kurrentdb::{ClientSettings, ClientSettingsParseError};

use super::{NotAUrl, without_password};

/// The name of the logs on a server, if nobody says another.
const PREFIX: &str = "preau";

/// The parameter that says another.
const PREFIX_PARAMETER: &str = "preauPrefix";

/// Letters of a name at most.
const PREFIX_MAX: usize = 64;

/// What clients are told unless the address says otherwise. Whoever writes asks the leader; and the client
/// waits this long (ms), this often, before it has found a server.
const DEFAULTS: [(&str, &str); 3] =
    [("nodePreference", "leader"), ("discoveryInterval", "100"), ("maxDiscoverAttempts", "10")];

/// The address of an EventStoreDB server or cluster, as its own clients take it.
#[derive(Clone, PartialEq, Eq)]
pub struct EsdbUrl {
    url: String,
    prefix: String,
}

impl EsdbUrl {
    /// Whether a URL begins like one.
    pub(super) fn is_one(url: &str) -> bool {
        let kind = url.split_once("://").map_or("", |(kind, _)| kind);
        let kind = kind.strip_suffix("+discover").unwrap_or(kind);
        ["esdb", "kurrentdb", "kurrent", "kdb"].contains(&kind)
    }

    /// The name of the logs on the server.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What a client is made with.
    pub(crate) fn settings(&self) -> Result<ClientSettings, ClientSettingsParseError> {
        let (address, said) = parameters(&self.url);
        let is_own = |name: &str| name.eq_ignore_ascii_case(PREFIX_PARAMETER);
        let mut passed: Vec<_> = said.iter().copied().filter(|(name, _)| !is_own(name)).collect();
        for (name, value) in DEFAULTS {
            if !said.iter().any(|(said, _)| said.eq_ignore_ascii_case(name)) {
                passed.push((name, value));
            }
        }
        let passed: Vec<_> = passed.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{address}?{}", passed.join("&")).parse()
    }
}

impl FromStr for EsdbUrl {
    type Err = NotAUrl;

    fn from_str(url: &str) -> Result<Self, NotAUrl> {
        let (_, said) = parameters(url);
        let prefix = said.iter().find(|(name, _)| name.eq_ignore_ascii_case(PREFIX_PARAMETER));
        let prefix = prefix.map_or(PREFIX, |(_, prefix)| prefix);
        let parsed = Self { url: url.to_owned(), prefix: prefix.to_owned() };
        if is_a_prefix(prefix) && parsed.settings().is_ok() {
            Ok(parsed)
        } else {
            Err(NotAUrl::Esdb { shown: without_password(url) })
        }
    }
}

impl fmt::Display for EsdbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.url))?;
        match self.prefix.as_str() {
            PREFIX => Ok(()),
            prefix => write!(f, "?{PREFIX_PARAMETER}={prefix}"),
        }
    }
}

impl fmt::Debug for EsdbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EsdbUrl({self})")
    }
}

/// An address, and what it says after the question mark.
fn parameters(url: &str) -> (&str, Vec<(&str, &str)>) {
    let (address, said) = url.split_once('?').unwrap_or((url, ""));
    let said = said.split('&').filter(|said| !said.is_empty());
    (address, said.map(|said| said.split_once('=').unwrap_or((said, ""))).collect())
}

/// Letters, digits, dashes: nothing that means something to the server or to its address.
fn is_a_prefix(prefix: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    (1..=PREFIX_MAX).contains(&prefix.len()) && prefix.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use kurrentdb::NodePreference;

    use super::*;

    #[test]
    fn the_address_of_a_server_is_shown_without_its_password() {
        let url: EsdbUrl =
            "esdb://preau:s3cret@a.example:2113,b.example:2113?tls=true".parse().unwrap();
        assert_eq!(url.to_string(), "esdb://preau@a.example:2113,b.example:2113");
        assert!(!format!("{url:?}").contains("s3cret"));
    }

    #[test]
    fn the_leader_is_asked_unless_the_address_says_another() {
        let preference =
            |url: &str| url.parse::<EsdbUrl>().unwrap().settings().unwrap().node_preference();
        assert_eq!(preference("esdb://db.example?tls=false"), NodePreference::Leader);
        let follower = "kurrentdb+discover://db.example?NodePreference=follower";
        assert_eq!(preference(follower), NodePreference::Follower);
    }

    #[test]
    fn the_logs_of_a_server_may_have_another_name() {
        let url: EsdbUrl = "esdb://db.example?preauPrefix=rehearsal&tls=false".parse().unwrap();
        assert_eq!(
            (url.prefix(), url.to_string().as_str()),
            ("rehearsal", "esdb://db.example?preauPrefix=rehearsal")
        );
        assert!("esdb://db.example?preauPrefix=$all".parse::<EsdbUrl>().is_err());
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_without_its_password() {
        let wrong = [
            "esdb://preau:s3cret@",
            "esdb://preau:s3cret@db.example:port,other:2113",
            "esdb://preau:s3cret@db.example?tls=perhaps",
            "esdb://preau:s3cret@db.example/path",
        ];
        for url in wrong {
            let refused = url.parse::<EsdbUrl>().unwrap_err();
            assert!(!format!("{refused} {refused:?}").contains("s3cret"), "{refused}");
        }
    }
}
