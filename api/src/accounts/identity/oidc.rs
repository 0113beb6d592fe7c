//! OpenID Connect, as a relying party: the authorization code flow with PKCE, and an id token whose
//! every claim that matters is checked.
//!
//! The library signs nothing for us and reads tokens; which algorithms, whose keys, at what time by
//! whose clock is said here. What a provider publishes of itself is kept for an hour, and asked again
//! when it signs by a key that was not there, at most once a minute. Neither implicit flows nor
//! logout are spoken.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthType, AuthenticationFlow,
    AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken,
    IdTokenClaims, IdTokenFields, IdTokenVerifier, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier,
    TokenResponse, UserInfoClaims, UserInfoError,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{
    errand::Errand,
    fetching::{FetchError, Fetcher, has_tls},
    provider::{Provider, ProviderError},
    vouched::{Failure, Flaw, Vouched, claims_of},
};

/// The algorithms that a token may be signed with. Neither `none` nor those with a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
];

/// How far a provider's clock may be from ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// How long what a provider publishes of itself is believed.
const KEPT_FOR: TimeDelta = TimeDelta::hours(1);

/// A key that nobody knows makes us ask again no sooner than this.
const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// An OpenID provider.
pub(super) struct OpenId {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    scopes: Vec<Scope>,
    known: Mutex<Option<Known>>,
}

/// What a provider publishes of itself, its keys too.
#[derive(Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    read_at: DateTime<Utc>,
}

/// All claims that the library does not know by name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

type Token = IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type RelyingParty = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Verified<'t> = &'t IdTokenClaims<OtherClaims, CoreGenderClaim>;

/// What a code was exchanged for.
pub(super) struct Redeemed {
    /// Whom the provider vouches for, as the id token says.
    pub(super) vouched: Vouched,
    client: RelyingParty,
    access_token: AccessToken,
}

impl Redeemed {
    /// The same, with what the provider's user info says beyond the token, where it has one.
    pub(super) async fn with_user_info(self, fetcher: &Fetcher) -> Result<Vouched, Failure> {
        let Self { vouched, client, access_token } = self;
        let subject = SubjectIdentifier::new(vouched.subject.clone());
        let Ok(request) = client.user_info(access_token, Some(subject)) else { return Ok(vouched) };
        let info: UserInfoClaims<OtherClaims, CoreGenderClaim> =
            request.request_async(fetcher).await.map_err(of_user_info)?;
        let more = claims_of(serde_json::to_value(&info).map_err(|_| Failure::Unreadable)?);
        Ok(vouched.with(more))
    }
}

impl OpenId {
    /// The provider that the settings describe, once they are checked.
    ///
    /// # Errors
    /// When its address is none.
    pub(super) fn new(provider: &Provider) -> Result<Self, ProviderError> {
        let issuer = IssuerUrl::new(provider.url.clone());
        let issuer = issuer.map_err(|_| ProviderError::Address(provider.name.clone()))?;
        let secret = provider.client_secret.as_ref();
        let scopes = provider.scopes.iter().cloned().map(Scope::new).collect();
        Ok(Self {
            issuer,
            client_id: ClientId::new(provider.client_id.clone().unwrap_or_default()),
            client_secret: secret.map(|secret| ClientSecret::new(secret.0.clone())),
            scopes,
            known: Mutex::new(None),
        })
    }

    /// Where a browser goes to sign in, to come back to `redirect`.
    pub(super) async fn sign_in_at(
        &self,
        fetcher: &Fetcher,
        redirect: Url,
        errand: &Errand,
    ) -> Result<Url, Failure> {
        let known = self.known(fetcher, errand.begun_at, KEPT_FOR).await?;
        let client = self.client(&known, redirect);
        let (state, nonce) = (errand.state.clone(), errand.nonce.clone());
        let (state, nonce) = (move || CsrfToken::new(state), move || Nonce::new(nonce));
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let verifier = PkceCodeVerifier::new(errand.verifier.clone());
        let (url, _, _) = client
            .authorize_url(flow, state, nonce)
            .add_scopes(self.scopes.clone())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        if has_tls(&url) { Ok(url) } else { Err(FetchError::WithoutTls.into()) }
    }

    /// Whether a code that comes with this issuer, if with any, is of this provider (RFC 9207).
    pub(super) fn is_issuer(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.issuer.as_str())
    }

    /// Exchanges the code that the browser brought, and checks what comes for it.
    pub(super) async fn redeem(
        &self,
        fetcher: &Fetcher,
        redirect: Url,
        (code, errand): (String, &Errand),
        now: DateTime<Utc>,
    ) -> Result<Redeemed, Failure> {
        let known = self.known(fetcher, now, KEPT_FOR).await?;
        let mut client = self.client(&known, redirect.clone());
        let tokens = client.exchange_code(AuthorizationCode::new(code));
        let tokens = tokens.map_err(|_| Failure::Unreadable)?;
        let tokens = tokens.set_pkce_verifier(PkceCodeVerifier::new(errand.verifier.clone()));
        let tokens: Tokens = tokens.request_async(fetcher).await.map_err(of_exchange)?;
        let token = tokens.id_token().ok_or(Failure::Broken(Flaw::NoToken))?;

        let mut verifier = self.verifier(&known, errand.begun_at, now);
        let nonce = Nonce::new(errand.nonce.clone());
        let claims = match token.claims(&verifier, &nonce) {
            Err(error) if is_unknown_key(&error) => {
                let known = self.known(fetcher, now, ASKED_AGAIN_AFTER).await?;
                client = self.client(&known, redirect);
                verifier = self.verifier(&known, errand.begun_at, now);
                token.claims(&verifier, &nonce)
            }
            settled => settled,
        };
        let claims = claims.map_err(|error| Failure::Broken(flaw(&error)))?;
        self.check_party(claims)?;
        check_access_token(&tokens, token, claims, &verifier)?;

        let said = claims_of(serde_json::to_value(claims).map_err(|_| Failure::Unreadable)?);
        let vouched = Vouched::new(claims.subject(), said)?;
        Ok(Redeemed { client, access_token: tokens.access_token().clone(), vouched })
    }

    /// What the provider publishes of itself, no older than `age`. One asks, the others wait.
    async fn known(
        &self,
        fetcher: &Fetcher,
        now: DateTime<Utc>,
        age: TimeDelta,
    ) -> Result<Known, Failure> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now - known.read_at < age) {
            return Ok(known.clone());
        }
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), fetcher).await;
        let metadata = Arc::new(metadata.map_err(of_discovery)?);
        Ok(known.insert(Known { metadata, read_at: now }).clone())
    }

    fn client(&self, known: &Known, redirect: Url) -> RelyingParty {
        let metadata = CoreProviderMetadata::clone(&known.metadata);
        let ways = metadata.token_endpoint_auth_methods_supported();
        let basic = ways.is_none_or(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let way = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        RelyingParty::from_provider_metadata(
            metadata,
            self.client_id.clone(),
            self.client_secret.clone(),
        )
        .set_auth_type(way)
        .set_redirect_uri(RedirectUrl::from_url(redirect))
    }

    /// What a token of this sign-in must be: of this issuer, for us, signed by one of its public keys
    /// (the client's secret never verifies), made since the sign-in began and not expired.
    fn verifier(
        &self,
        known: &Known,
        begun_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> IdTokenVerifier<'static, CoreJsonWebKey> {
        let times = begun_at - CLOCKS_DIFFER..=now + CLOCKS_DIFFER;
        let keys = known.metadata.jwks().clone();
        IdTokenVerifier::new_public_client(self.client_id.clone(), self.issuer.clone(), keys)
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now - CLOCKS_DIFFER)
            .set_issue_time_verifier_fn(move |at| {
                if times.contains(&at) { Ok(()) } else { Err(String::new()) }
            })
    }

    /// Who asked for a token is us, when the token says who (OpenID Connect Core 1.0, 3.1.3.7).
    fn check_party(&self, claims: Verified<'_>) -> Result<(), Failure> {
        let party = claims.authorized_party();
        if party.is_none_or(|party| *party == self.client_id) {
            Ok(())
        } else {
            Err(Failure::Broken(Flaw::Audience))
        }
    }
}

/// The access token came with this id token, when the id token says with which.
fn check_access_token(
    tokens: &Tokens,
    token: &Token,
    claims: Verified<'_>,
    verifier: &IdTokenVerifier<'_, CoreJsonWebKey>,
) -> Result<(), Failure> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let broken = || Failure::Broken(Flaw::AccessToken);
    let algorithm = token.signing_alg().map_err(|_| broken())?;
    let key = token.signing_key(verifier).map_err(|_| broken())?;
    let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
    if found.is_ok_and(|found| found == *expected) { Ok(()) } else { Err(broken()) }
}

fn is_unknown_key(error: &ClaimsVerificationError) -> bool {
    let unknown = SignatureVerificationError::NoMatchingKey;
    matches!(error, ClaimsVerificationError::SignatureVerification(why) if *why == unknown)
}

fn flaw(error: &ClaimsVerificationError) -> Flaw {
    use ClaimsVerificationError as E;
    match error {
        E::Expired(_) | E::InvalidAuthTime(_) => Flaw::Time,
        E::InvalidAudience(_) => Flaw::Audience,
        E::InvalidIssuer(_) => Flaw::Issuer,
        E::InvalidNonce(_) => Flaw::Nonce,
        E::InvalidSubject(_) => Flaw::Subject,
        // Whatever the library learns to refuse is refused.
        E::InvalidAuthContext(_)
        | E::Other(_)
        | E::SignatureVerification(_)
        | E::Unsupported(_)
        | _ => Flaw::Signature,
    }
}

fn of_discovery(error: DiscoveryError<FetchError>) -> Failure {
    match error {
        DiscoveryError::Request(error) => error.into(),
        DiscoveryError::Validation(_) => Failure::Broken(Flaw::Issuer),
        DiscoveryError::Other(_)
        | DiscoveryError::Parse(_)
        | DiscoveryError::Response(..)
        | DiscoveryError::UrlParse(_)
        | _ => Failure::Unreadable,
    }
}

fn of_exchange(
    error: RequestTokenError<FetchError, StandardErrorResponse<CoreErrorResponseType>>,
) -> Failure {
    match error {
        RequestTokenError::Request(error) => error.into(),
        RequestTokenError::ServerResponse(_) => Failure::Refused,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Failure::Unreadable,
    }
}

fn of_user_info(error: UserInfoError<FetchError>) -> Failure {
    match error {
        UserInfoError::Request(error) => error.into(),
        UserInfoError::ClaimsVerification(_) => Failure::Broken(Flaw::UserInfo),
        UserInfoError::Parse(_) | UserInfoError::Response(..) | UserInfoError::Other(_) | _ => {
            Failure::Unreadable
        }
    }
}
