//! A request that confides a secret: a password, a code.
//!
//! Nothing of it is kept, not even a digest: a command's id is computed from what a keyed request
//! says ([`crate::writing`]) and stands in clear in the log, where a password could be guessed by it
//! for ever. So these requests take no key, and what makes them safe to send twice is told by each.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequest, Request},
    http::{Extensions, HeaderMap},
};
use chrono::{DateTime, Utc};
use domain::{
    AccountId, PersonId, SessionId, Uai,
    access::{Action, Device, Entry, Means, What, WhyRefused},
    accounts::{Account, AccountCommand, AccountError},
};
use replay::{Act, ExecuteError, Node, access::TokenHash, keys::SecretKind, new_command_id};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{
    Accounts,
    limits::{Network, PER_ACCOUNT, WINDOW},
    passwords::Checked,
    sessions::end_sessions,
    signing_in::{Opened, Proven, open_session, secret},
};
use crate::{
    App, Source,
    access::Guard,
    caller::{Caller, cookie, is_of_another_site},
    error::{ApiError, Refusal},
    writing::{self, bytes_of, read_body},
};

/// A request whose `body` holds a secret.
pub(crate) struct Confided<T> {
    /// What is confided.
    pub(crate) body: T,
    /// Passwords and limits.
    pub(crate) accounts: Accounts,
    /// The node that takes it.
    pub(crate) node: Node,
    /// When it came.
    pub(crate) now: DateTime<Utc>,
    /// From where.
    pub(crate) network: Network,
    /// The session that the browser had, if it had one.
    pub(crate) session: Option<SessionId>,
}

impl<T: DeserializeOwned + Send + Sync> FromRequest<App> for Confided<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let Source::Live(node) = &app.source else { return Err(Refusal::ReadOnly.into()) };
        let (node, accounts) = (node.clone(), app.accounts.clone());
        let now = node.journal().clock().now();
        let network =
            Network::from(address_of(request.extensions(), request.headers(), &accounts.proxies));
        let cookie = cookie(request.headers()).map(TokenHash::of);
        let session = cookie.and_then(|token| node.access().session(&token, now));
        if is_of_another_site(request.headers()) {
            // Anybody's page can have its readers send this: it counts against nobody.
            heed(&accounts, network, now)?;
            if app.strangers.are_few(now) {
                note(&node, now, None, WhyRefused::CrossSite).await?;
            }
            return Err(Refusal::CrossSite.into());
        }
        let bytes = bytes_of(request, app).await?;
        // What was refused on other nodes counts too.
        node.access().catch_up().await?;
        Ok(Self {
            body: read_body(&bytes)?,
            accounts,
            node,
            now,
            network,
            session: session.map(|session| session.id),
        })
    }
}

impl<T: Sync> Confided<T> {
    /// Asks an address to wait that was refused too often.
    pub(crate) fn heed_address(&self) -> Result<(), ApiError> {
        Ok(heed(&self.accounts, self.network, self.now)?)
    }

    /// Whether an account was refused too often to take another guess, `beside` others that are
    /// under way.
    pub(crate) fn is_locked(&self, account: AccountId, beside: usize) -> bool {
        let refused = self.node.access().refusals_since(account, self.now - WINDOW);
        refused + beside >= PER_ACCOUNT
    }

    /// Writes a refusal down, with its true reason, and counts it against the address. Whoever asked
    /// is told another thing.
    pub(crate) async fn refuse(
        &self,
        account: Option<AccountId>,
        why: WhyRefused,
    ) -> Result<(), ApiError> {
        self.accounts.limits.refused(self.network, self.now);
        self.note(account, why).await
    }

    /// Writes a refusal down.
    pub(crate) async fn note(
        &self,
        account: Option<AccountId>,
        why: WhyRefused,
    ) -> Result<(), ApiError> {
        note(&self.node, self.now, account, why).await
    }

    /// Whose account it is, if it is asked by somebody who is signed in.
    pub(crate) async fn own(&self, caller: &Caller) -> Result<(PersonId, AccountId), ApiError> {
        let own = self.check(caller, |guard| async move {
            guard.own(Action::OwnAccount).await?;
            guard.person().ok_or(Refusal::UnknownPerson.into())
        });
        Ok((own.await?, caller.account))
    }

    /// Asks whether the caller may: see [`writing::check`].
    pub(crate) async fn check<F, R>(
        &self,
        caller: &Caller,
        facts: impl Fn(Guard) -> R,
    ) -> Result<F, ApiError>
    where
        R: Future<Output = Result<F, ApiError>>,
    {
        writing::check(&self.node, caller, facts).await
    }

    /// Has the password typed once more by somebody who is signed in, and answers what is kept of it.
    pub(crate) async fn confirm(
        &self,
        account: AccountId,
        password: &Zeroizing<String>,
    ) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        let guess = self.accounts.limits.guess(account);
        let locked = self.is_locked(account, guess.beside);
        let kept = secret(self.node.journal().vault(), account, SecretKind::Password).await?;
        let checked = self.accounts.passwords.check(password.clone(), kept.clone()).await?;
        let why = match (checked, kept) {
            _ if locked => WhyRefused::LockedOut,
            (Checked::Right | Checked::RightButOld, Some(kept)) => return Ok(kept),
            (Checked::Wrong | Checked::Right | Checked::RightButOld, _) => {
                WhyRefused::WrongPassword
            }
        };
        self.refuse(Some(account), why).await?;
        Err(Refusal::WrongPassword.into())
    }

    /// Opens a session for a caller in place of theirs, and ends their others: what they prove by
    /// signing in has changed.
    pub(crate) async fn reopen(
        &self,
        caller: &Caller,
        person: PersonId,
        second_factor: bool,
    ) -> Result<Opened, ApiError> {
        let sessions = self.node.access().sessions_of(caller.account, self.now);
        let own = sessions.iter().find(|session| Some(session.id) == caller.session);
        let device = own.map_or(Device::Shared, |session| session.device);
        let means = own.map_or(Means::Password, |session| session.means);
        end_sessions(&self.node, caller.account, caller.account, None).await?;
        let proven = Proven { person, means, second_factor, device };
        open_session(&self.node, proven, None).await
    }

    /// Says in a person's account what was done by that person.
    pub(crate) async fn tell(
        &self,
        person: PersonId,
        command: AccountCommand,
    ) -> Result<u64, ExecuteError<AccountError>> {
        tell(&self.node, person, command, (AccountId::of(person), Uai::REGION)).await
    }
}

/// Asks an address to wait that was refused too often.
pub(crate) fn heed(
    accounts: &Accounts,
    network: Network,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if accounts.limits.is_waiting(network, now) {
        return Err(Refusal::TooManyRefusals);
    }
    Ok(())
}

/// Writes a refusal down.
pub(crate) async fn note(
    node: &Node,
    at: DateTime<Utc>,
    account: Option<AccountId>,
    why: WhyRefused,
) -> Result<(), ApiError> {
    let what = What::SignInRefused { why };
    node.access().record(vec![Entry { at, account, what }]).await?;
    Ok(())
}

/// Says in a person's account what `by` did, in the life of which school.
pub(crate) async fn tell(
    node: &Node,
    person: PersonId,
    command: AccountCommand,
    (by, school): (AccountId, Uai),
) -> Result<u64, ExecuteError<AccountError>> {
    let id = new_command_id();
    let act = Act::new(school, by, id, node.journal().clock().now());
    Ok(node.journal().execute::<Account>(person, command, &act).await?.position)
}

/// The address that a request comes from. A proxy that is trusted says for whom it asks, in the last
/// place of `X-Forwarded-For`; what stands before that place anybody could have written.
pub(crate) fn address_of(
    extensions: &Extensions,
    headers: &HeaderMap,
    trusted: &[IpAddr],
) -> IpAddr {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>();
    let mut from = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0.ip());
    let told = headers.get_all("x-forwarded-for").iter();
    let told: Vec<_> =
        told.filter_map(|hops| hops.to_str().ok()).flat_map(|h| h.split(',')).collect();
    for hop in told.iter().rev() {
        match hop.trim().parse() {
            Ok(hop) if trusted.contains(&from.to_canonical()) => from = hop,
            Ok(_) | Err(_) => break,
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        let trusted = ["10.0.0.1", "10.0.0.2"].map(|proxy| proxy.parse::<IpAddr>().unwrap());
        for (connected, forwarded, expected) in [
            ("192.0.2.7", None, "192.0.2.7"),
            ("192.0.2.7", Some("198.51.100.1"), "192.0.2.7"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("::ffff:10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("203.0.113.9, 198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("203.0.113.9, 198.51.100.1, 10.0.0.2"), "198.51.100.1"),
            ("10.0.0.1", Some("somebody"), "10.0.0.1"),
        ] {
            let mut request = Request::new(axum::body::Body::empty());
            let connected = SocketAddr::new(connected.parse().unwrap(), 40_000);
            request.extensions_mut().insert(ConnectInfo(connected));
            if let Some(forwarded) = forwarded {
                request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
            }
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(
                address_of(request.extensions(), request.headers(), &trusted),
                expected,
                "{connected} {forwarded:?}"
            );
        }
    }
}
