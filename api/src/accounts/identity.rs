//! Signing in through identity providers: the ENT's OpenID provider or CAS server, as the settings
//! name them.
//!
//! The browser is sent to the provider with an errand ([`errand`]) and comes back with a code or a
//! ticket, which the provider exchanges for what it vouches for ([`oidc`], [`cas`]). Who was linked
//! before is signed in. Who comes for the first time is linked when one number or mail address that
//! the settings trust names exactly one person; all others are asked to see their school. What a
//! provider says gives nobody a right: rights follow from what the school knows.

mod cas;
mod errand;
mod fetching;
mod linking;
mod oidc;
mod provider;
mod recognising;
mod signing_in;
mod vouched;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use projections::accounts::identified;
use reqwest::Url;
use sqlx::SqlitePool;
use tokio::time::{Instant, timeout_at};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    error::{ApiError, Refusal},
};
use errand::Errand;
use fetching::Fetcher;
use oidc::OpenId;
use signing_in::ReturnQuery;
use vouched::{Failure, Vouched};

pub(crate) use fetching::is_here;
pub use provider::{ClientSecret, LinksBy, Protocol, Provider, ProviderError, SecondFactor};

/// How long all that a provider is asked for one sign-in may take.
const PROVIDER_MAX: Duration = Duration::from_secs(8);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(linking::list_identities))
        .routes(routes!(linking::link_identity, linking::unlink_identity))
}

/// The addresses that ask nobody who they are.
pub(crate) fn doors() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(signing_in::go_to_provider))
        .routes(routes!(signing_in::come_back))
}

/// The identity providers of the settings. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers(Option<Arc<Known>>);

/// Providers, and what is needed to talk to them.
struct Known {
    public_url: Url,
    fetcher: Fetcher,
    providers: BTreeMap<String, Spoken>,
}

/// A provider, and its language.
struct Spoken {
    provider: Provider,
    language: Language,
}

enum Language {
    Oidc(Box<OpenId>),
    Cas(Url),
}

impl Providers {
    /// Takes the providers of the settings; `public_url` is the address that browsers know this
    /// server by.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub fn new(public_url: Option<Url>, providers: Vec<Provider>) -> Result<Self, ProviderError> {
        if providers.is_empty() {
            return Ok(Self::default());
        }
        let public_url = public_url.filter(provider::is_base).ok_or(ProviderError::PublicUrl)?;
        let fetcher = Fetcher::new().map_err(|_| ProviderError::NoCertificates)?;
        let mut known = BTreeMap::new();
        for provider in providers {
            let (provider, url) = provider.checked()?;
            let language = match provider.protocol {
                Protocol::Oidc => Language::Oidc(Box::new(OpenId::new(&provider)?)),
                Protocol::Cas => Language::Cas(url),
            };
            let name = provider.name.clone();
            if known.insert(name.clone(), Spoken { provider, language }).is_some() {
                return Err(ProviderError::NamedTwice(name));
            }
        }
        Ok(Self(Some(Arc::new(Known { public_url, fetcher, providers: known }))))
    }

    /// The provider of this name, where somebody is served.
    fn desk(&self, name: &str) -> Result<Desk<'_>, Refusal> {
        let known = self.0.as_deref().ok_or(Refusal::UnknownProvider)?;
        let spoken = known.providers.get(name).ok_or(Refusal::UnknownProvider)?;
        Ok(Desk { known, spoken, patient_until: Instant::now() + PROVIDER_MAX })
    }

    /// The names of all of them.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|known| known.providers.keys()).map(String::as_str)
    }
}

/// A provider, and all that is needed to talk to it about one sign-in.
struct Desk<'p> {
    known: &'p Known,
    spoken: &'p Spoken,
    patient_until: Instant,
}

impl<'p> Desk<'p> {
    /// The same, if the provider speaks the protocol that the address names.
    fn speaking(self, protocol: &str) -> Result<Self, Refusal> {
        if <&str>::from(self.provider().protocol) == protocol {
            Ok(self)
        } else {
            Err(Refusal::UnknownProvider)
        }
    }

    fn provider(&self) -> &'p Provider {
        &self.spoken.provider
    }

    /// Where the browser goes on this errand.
    async fn sign_in_at(&self, errand: &Errand) -> Result<Url, Refusal> {
        match &self.spoken.language {
            Language::Oidc(open_id) => {
                let url = open_id.sign_in_at(&self.known.fetcher, self.own_address(), errand);
                // Nobody has been there yet: whatever is wrong is wrong with the provider.
                self.within_patience(url).await.map_err(|_| Refusal::ProviderUnreachable)
            }
            Language::Cas(server) => Ok(cas::sign_in_at(server, &self.service(errand))),
        }
    }

    /// What the provider vouches for, for what the browser brought from this errand.
    async fn vouched(
        &self,
        (errand, brought): (&Errand, ReturnQuery),
        db: &SqlitePool,
        now: DateTime<Utc>,
    ) -> Result<Vouched, ApiError> {
        let fetcher = &self.known.fetcher;
        match &self.spoken.language {
            Language::Oidc(open_id) => {
                let code = brought.code.filter(|_| open_id.is_issuer(brought.iss.as_deref()));
                let brought = (code.ok_or(Refusal::IdentityRefused)?, errand);
                let redeemed = open_id.redeem(fetcher, self.own_address(), brought, now);
                let redeemed = self.within_patience(redeemed).await?;
                if self.knows_enough(&redeemed.vouched, db).await? {
                    return Ok(redeemed.vouched);
                }
                Ok(self.within_patience(redeemed.with_user_info(fetcher)).await?)
            }
            Language::Cas(server) => {
                let ticket = brought.ticket.ok_or(Refusal::IdentityRefused)?;
                let service = self.service(errand);
                let vouched = cas::validate(fetcher, server, &service, &ticket);
                Ok(self.within_patience(vouched).await?)
            }
        }
    }

    /// Whether nothing more need be asked: somebody is linked, or the mark of the settings is said.
    async fn knows_enough(&self, vouched: &Vouched, db: &SqlitePool) -> sqlx::Result<bool> {
        let Provider { name, links_by, .. } = self.provider();
        let said = links_by.as_ref().is_none_or(|by| vouched.says(by.claims()));
        Ok(said || identified(db, name, &vouched.subject).await?.is_some())
    }

    async fn within_patience<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Refusal> {
        let settled = timeout_at(self.patient_until, answer).await;
        let failure = match settled.unwrap_or(Err(Failure::TooSlow)) {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let refusal = match &failure {
            Failure::Fetch(_) | Failure::TooSlow | Failure::Unreadable => {
                Refusal::ProviderUnreachable
            }
            Failure::Refused | Failure::Broken(_) => Refusal::IdentityRefused,
        };
        let provider = &self.provider().name;
        let why = format!("{:#}", anyhow::Error::new(failure));
        tracing::warn!(provider, why, "an identity provider was not believed");
        Err(refusal)
    }

    /// Where the provider sends the browser back to.
    fn own_address(&self) -> Url {
        let mut url = self.known.public_url.clone();
        let Provider { protocol, name, .. } = self.provider();
        let path = ["api", "v1", "sign-in", protocol.into(), name, "callback"];
        // Only addresses like `data:` cannot be gone on from, and the settings refuse them.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The same as a CAS service: it bears the errand's state, since CAS has nothing else to bear it.
    fn service(&self, errand: &Errand) -> Url {
        let mut url = self.own_address();
        url.query_pairs_mut().append_pair("state", &errand.state);
        url
    }
}
