//! What the settings say of an identity provider, and what must hold before it is believed.

use std::path::PathBuf;

use domain::{Uai, people::Scheme};
use reqwest::Url;
use serde::Deserialize;

use super::fetching::has_tls;

/// The longest name of a provider.
const NAME_MAX_CHARACTERS: usize = 40;

/// An identity provider of the settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in addresses and in the log. It stands for one provider for ever: people are linked
    /// with what the provider of this name calls them.
    pub name: String,
    /// How it is talked to.
    pub protocol: Protocol,
    /// The issuer of an OpenID provider, letter for letter; the address of a CAS server, without
    /// `/login`.
    pub url: String,
    /// What an OpenID provider calls Préau.
    pub client_id: Option<String>,
    /// What Préau proves to an OpenID provider that it is itself with; with PKCE alone if there is
    /// none.
    pub client_secret: Option<ClientSecret>,
    /// The file that holds it.
    pub client_secret_file: Option<PathBuf>,
    /// The scopes that an OpenID provider is asked for, beside `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How somebody who comes for the first time is recognised. Without it, only who is signed in
    /// links themself.
    pub links_by: Option<LinksBy>,
    /// What the provider says when it has asked for a second factor; never, if nothing is said here.
    pub second_factor: Option<SecondFactor>,
}

/// How a provider is talked to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Protocol {
    /// OpenID Connect.
    Oidc,
    /// CAS 3.0.
    Cas,
}

/// The claim or attribute that recognises a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinksBy {
    /// Its name.
    pub claim: String,
    /// Whose number it holds. Without one it is a mail address, and the provider must say that it has
    /// verified it.
    pub scheme: Option<Scheme>,
    /// The school whose number it is, where each school has its own.
    pub school: Option<Uai>,
    /// The claim that names that school, when the provider serves several.
    pub school_claim: Option<String>,
}

/// The claim or attribute that tells of a second factor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// Its name: `amr` or `acr` for most OpenID providers, `authnContextClass` for many CAS servers.
    pub claim: String,
    /// What it holds then, as in `mfa` (RFC 8176).
    pub value: String,
}

/// A secret of the settings. It is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(pub String);

/// What is wrong with a provider of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Providers send people back to an address that the settings know.
    #[error("providers need `public_url`, the address of this server: https, without ? and #")]
    PublicUrl,
    /// A name that addresses and the log can bear.
    #[error("a provider is named in 1 to 40 lower-case letters, digits and hyphens, not {0:?}")]
    Name(String),
    /// One name, one provider.
    #[error("two providers are called {0:?}")]
    NamedTwice(String),
    /// What a provider says must not be changed on the way.
    #[error("the url of the provider {0:?} is https, without ? and #")]
    Address(String),
    /// A client is known by its id.
    #[error("the provider {0:?} needs a `client_id`")]
    ClientId(String),
    /// A CAS server knows services by their address alone.
    #[error("the provider {0:?} is a CAS server: it has no client and no scopes")]
    NotForCas(String),
    /// A CAS server does not say whether it verified a mail address.
    #[error("the provider {0:?} is a CAS server: it links by a number, not by mail")]
    MailOfCas(String),
    /// Each school's files have numbers of their own.
    #[error(
        "the provider {0:?} links by a school's number: say `school` or `school_claim`, one of \
         them; none for the national number or mail"
    )]
    SchoolOfNumber(String),
    /// A secret comes from one place.
    #[error("the provider {0:?} has both `client_secret` and `client_secret_file`")]
    TwoSecrets(String),
    /// The file cannot be read.
    #[error("the `client_secret_file` of the provider {0:?} cannot be read, or is empty")]
    SecretFile(String),
    /// HTTPS cannot be spoken.
    #[error("this system has no certificates to trust, and providers are asked over HTTPS")]
    NoCertificates,
}

impl Provider {
    /// The provider with the secret of its file, and its address.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub(super) fn checked(mut self) -> Result<(Self, Url), ProviderError> {
        let name = || self.name.clone();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let length = self.name.chars().count();
        if !(1..=NAME_MAX_CHARACTERS).contains(&length) || !self.name.chars().all(plain) {
            return Err(ProviderError::Name(name()));
        }
        let url = self.url.parse().ok().filter(is_base);
        let url = url.ok_or_else(|| ProviderError::Address(name()))?;
        let secret = self.client_secret.is_some() || self.client_secret_file.is_some();
        match self.protocol {
            Protocol::Oidc if self.client_id.is_none() => {
                return Err(ProviderError::ClientId(name()));
            }
            Protocol::Cas if secret || self.client_id.is_some() || !self.scopes.is_empty() => {
                return Err(ProviderError::NotForCas(name()));
            }
            Protocol::Oidc | Protocol::Cas => {}
        }
        if let Some(by) = &self.links_by {
            by.check(&self)?;
        }
        if let Some(file) = &self.client_secret_file {
            if self.client_secret.is_some() {
                return Err(ProviderError::TwoSecrets(name()));
            }
            let secret = std::fs::read_to_string(file).unwrap_or_default().trim().to_owned();
            if secret.is_empty() {
                return Err(ProviderError::SecretFile(name()));
            }
            self.client_secret = Some(ClientSecret(secret));
        }
        Ok((self, url))
    }
}

impl LinksBy {
    /// The claims that it reads.
    pub(super) fn claims(&self) -> impl Iterator<Item = &str> {
        let verified = self.scheme.is_none().then_some("email_verified");
        [Some(self.claim.as_str()), self.school_claim.as_deref(), verified].into_iter().flatten()
    }

    fn check(&self, provider: &Provider) -> Result<(), ProviderError> {
        let places = [self.school.is_some(), self.school_claim.is_some()];
        let places = places.into_iter().filter(|said| *said).count();
        let wanted = match self.scheme {
            None if provider.protocol == Protocol::Cas => {
                return Err(ProviderError::MailOfCas(provider.name.clone()));
            }
            None | Some(Scheme::Ine) => 0,
            Some(
                Scheme::SiecleStudent | Scheme::SieclePerson | Scheme::StsEpp | Scheme::StsLocal,
            ) => 1,
        };
        if places == wanted {
            Ok(())
        } else {
            Err(ProviderError::SchoolOfNumber(provider.name.clone()))
        }
    }
}

/// Whether other addresses can be made from it by going on, and nobody reads what passes.
pub(super) fn is_base(url: &Url) -> bool {
    has_tls(url) && url.query().is_none() && url.fragment().is_none()
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret")
    }
}
