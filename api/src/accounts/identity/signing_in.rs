//! Going to a provider, and coming back as somebody.
//!
//! Nobody who is refused learns more than the provider already told them about themself; the true
//! reason is in the access log, or, when the provider failed, in the node's own.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{AppendHeaders, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    AccountId, PersonId, Uai,
    access::{Device, Means, WhyRefused},
    accounts::AccountCommand,
};
use projections::accounts::{account, identified};
use replay::{
    Node,
    access::{Session, TokenHash},
    seal::Key,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Desk, Providers,
    errand::{self, Errand},
    provider::{Protocol, Provider},
    recognising::recognised,
    vouched::Vouched,
};
use crate::{
    App, Source,
    accounts::{
        Accounts,
        confided::{address_of, heed, note, tell},
        limits::Network,
        signing_in::{Proven, is_open, open_session},
    },
    caller::{Strangers, cookie, cookie_named},
    error::{ApiError, Problem, Refusal},
    reading::{Asked, At},
};

/// Where a browser goes once its person is signed in: there they see as whom.
const SIGNED_IN: HeaderValue = HeaderValue::from_static("/api/v1/account");

/// How somebody wants to sign in.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SignInQuery {
    /// The device that it is for; one that several people use, if nothing is said.
    device: Option<Device>,
}

/// What a browser brings back from a provider.
#[derive(Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReturnQuery {
    /// The state that it was sent with.
    pub(super) state: Option<String>,
    /// The code of an OpenID provider.
    pub(super) code: Option<String>,
    /// The issuer of that code (RFC 9207).
    pub(super) iss: Option<String>,
    /// The ticket of a CAS server.
    pub(super) ticket: Option<String>,
}

/// A browser whose person is not known yet.
pub(super) struct Visitor {
    node: Node,
    providers: Providers,
    accounts: Accounts,
    strangers: Strangers,
    now: DateTime<Utc>,
    network: Network,
    session: Option<Session>,
    headers: HeaderMap,
}

/// Sends the browser to an identity provider to sign in, with a cookie that it must bring back
/// within ten minutes.
#[utoipa::path(get, path = "/sign-in/{protocol}/{provider}", tag = "account", security(()),
    params(("protocol" = String, Path, description = "`oidc` or `cas`"),
        ("provider" = String, Path), SignInQuery),
    responses((status = 303, description = "To the provider"), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn go_to_provider(
    At((protocol, provider)): At<(String, String)>,
    Asked(query): Asked<SignInQuery>,
    visitor: Visitor,
) -> Result<Response, ApiError> {
    visitor.heed_address()?;
    let desk = visitor.providers.desk(&provider)?.speaking(&protocol)?;
    let device = query.device.unwrap_or(Device::Shared);
    let errand = Errand::begin(&provider, device, None, visitor.now)?;
    let url = desk.sign_in_at(&errand).await?;
    let cookie = errand.cookie(&errand_key(&visitor.node))?;
    let headers = [(header::LOCATION, url.to_string()), (header::SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, AppendHeaders(headers)).into_response())
}

/// Takes the browser back, and signs its person in: who was linked with what the provider vouches
/// for, or who is recognised by it.
#[utoipa::path(get, path = "/sign-in/{protocol}/{provider}/callback", tag = "account",
    security(()),
    params(("protocol" = String, Path, description = "`oidc` or `cas`"),
        ("provider" = String, Path), ReturnQuery),
    responses((status = 303, description = "Signed in: to one's account"),
        (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn come_back(
    At((protocol, provider)): At<(String, String)>,
    Asked(brought): Asked<ReturnQuery>,
    visitor: Visitor,
) -> Result<Response, ApiError> {
    visitor.heed_address()?;
    let desk = visitor.providers.desk(&provider)?.speaking(&protocol)?;
    // Whatever comes of it, the errand is over.
    let over = AppendHeaders([(header::SET_COOKIE, errand::no_cookie())]);
    Ok(match visitor.settle(&desk, brought).await {
        Ok(session) => {
            let session = session.map(|cookie| AppendHeaders([(header::SET_COOKIE, cookie)]));
            let to_account = [(header::LOCATION, SIGNED_IN)];
            (StatusCode::SEE_OTHER, to_account, over, session, ()).into_response()
        }
        Err(refusal) => (over, refusal).into_response(),
    })
}

impl Visitor {
    /// Settles what the browser came back with. The cookie of the session that was opened, or none
    /// for somebody who was signed in and is now linked.
    async fn settle(
        &self,
        desk: &Desk<'_>,
        brought: ReturnQuery,
    ) -> Result<Option<HeaderValue>, ApiError> {
        let Some(errand) = self.errand(desk.provider(), brought.state.as_deref()) else {
            // No guess: anybody's page can send a browser here, and it counts against nobody.
            if self.strangers.are_few(self.now) {
                note(&self.node, self.now, None, WhyRefused::IdentityRefused).await?;
            }
            return Err(Refusal::SignInLost.into());
        };
        let vouched = match desk.vouched((&errand, brought), &self.node.db(), self.now).await {
            Err(ApiError::Refused(refusal @ Refusal::IdentityRefused, _)) => {
                return Err(self.refused(None, refusal).await?);
            }
            settled => settled?,
        };
        match errand.link {
            Some(person) => self.link(person, desk.provider(), vouched).await.map(|()| None),
            None => self.sign_in(desk.provider(), errand.device, vouched).await.map(Some),
        }
    }

    async fn sign_in(
        &self,
        provider: &Provider,
        device: Device,
        vouched: Vouched,
    ) -> Result<HeaderValue, ApiError> {
        let db = self.node.db();
        let linked = identified(&db, &provider.name, &vouched.subject).await?;
        let person = match linked {
            Some(linked) => Some(linked),
            None => recognised(&db, provider, &vouched, self.now).await?,
        };
        let Some(person) = person else {
            return Err(self.refused(None, Refusal::IdentityUnknown).await?);
        };
        if !is_open(&self.node, person, self.now).await? {
            self.note(Some(person), WhyRefused::AccountClosed).await?;
            return Err(Refusal::IdentityUnknown.into());
        }
        let second_factor = vouched.second_factor(provider.second_factor.as_ref());
        let known = account(&db, person).await?;
        if known.is_some_and(|account| account.second_factor) && !second_factor {
            self.note(Some(person), WhyRefused::WrongSecondFactor).await?;
            return Err(Refusal::SecondFactorOfProvider.into());
        }
        if linked.is_none() {
            tell_linked(&self.node, person, provider, vouched).await?;
        }
        let means = match provider.protocol {
            Protocol::Oidc => Means::OpenId,
            Protocol::Cas => Means::Cas,
        };
        let proven = Proven { person, means, second_factor, device };
        let replaced = self.session.as_ref().map(|session| session.id);
        open_session(&self.node, proven, replaced).await?.cookie()
    }

    /// Links somebody who is still signed in as the one who asked for it.
    async fn link(
        &self,
        person: PersonId,
        provider: &Provider,
        vouched: Vouched,
    ) -> Result<(), ApiError> {
        let asks = self.session.as_ref().map(|session| session.person);
        if asks != Some(person) || !is_open(&self.node, person, self.now).await? {
            return Err(self.refused(Some(person), Refusal::SignInLost).await?);
        }
        let linked = identified(&self.node.db(), &provider.name, &vouched.subject).await?;
        match linked {
            Some(linked) if linked == person => Ok(()),
            Some(_) => Err(Refusal::IdentityTaken.into()),
            None => tell_linked(&self.node, person, provider, vouched).await,
        }
    }

    /// What the browser was sent away with, if it is this one that left.
    fn errand(&self, provider: &Provider, state: Option<&str>) -> Option<Errand> {
        let carried = cookie_named(errand::COOKIE, &self.headers)?;
        let expected = (provider.name.as_str(), state?);
        Errand::of_return(&errand_key(&self.node), carried, expected, self.now)
    }

    /// Asks an address to wait that was refused too often.
    fn heed_address(&self) -> Result<(), Refusal> {
        heed(&self.accounts, self.network, self.now)
    }

    /// A refusal of what a provider or a browser says, once it is written down.
    async fn refused(
        &self,
        person: Option<PersonId>,
        refusal: Refusal,
    ) -> Result<ApiError, ApiError> {
        self.note(person, WhyRefused::IdentityRefused).await?;
        Ok(refusal.into())
    }

    async fn note(&self, person: Option<PersonId>, why: WhyRefused) -> Result<(), ApiError> {
        self.accounts.limits.refused(self.network, self.now);
        note(&self.node, self.now, person.map(AccountId::of), why).await
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Source::Live(node) = &app.source else { return Err(Refusal::ReadOnly.into()) };
        let (node, now) = (node.clone(), node.journal().clock().now());
        let token = cookie(&parts.headers).map(TokenHash::of);
        let accounts = app.accounts.clone();
        let address = address_of(&parts.extensions, &parts.headers, &accounts.proxies);
        Ok(Self {
            session: token.and_then(|token| node.access().session(&token, now)),
            network: Network::from(address),
            headers: parts.headers.clone(),
            providers: app.providers.clone(),
            strangers: app.strangers.clone(),
            accounts,
            node,
            now,
        })
    }
}

/// Says in a person's account that they are linked, and waits until the tables know it.
async fn tell_linked(
    node: &Node,
    person: PersonId,
    provider: &Provider,
    vouched: Vouched,
) -> Result<(), ApiError> {
    let (provider, subject) = (provider.name.clone(), vouched.subject);
    let link = AccountCommand::LinkIdentity { provider, subject };
    let position = tell(node, person, link, (AccountId::of(person), Uai::REGION)).await?;
    Ok(node.reach(position).await?)
}

/// What seals errands: the same on every node, so that a browser may come back to another.
pub(super) fn errand_key(node: &Node) -> Key {
    node.journal().vault().key_of("errands to identity providers")
}
