//! What a browser carries while it is away at an identity provider: a sealed cookie, good for ten
//! minutes. Nothing is kept here, and a browser that did not begin a sign-in cannot end it.

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{PersonId, access::Device};
use replay::seal::{Key, open, seal};
use serde::{Deserialize, Serialize};

/// The name of the cookie. The prefix binds it to this host and to TLS.
pub(super) const COOKIE: &str = "__Host-preau-sign-in";

/// How long somebody may take at the provider.
pub(super) const AWAY_MAX: TimeDelta = TimeDelta::minutes(10);

/// A sign-in that was begun.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    /// At which provider.
    pub(super) provider: String,
    /// Comes back in the address: the one who returns is the one who left.
    pub(super) state: String,
    /// Comes back in the provider's token: it was made for this sign-in.
    pub(super) nonce: String,
    /// Goes with the code: whoever reads the code alone gets nothing (RFC 7636).
    pub(super) verifier: String,
    /// The device that it is for.
    pub(super) device: Device,
    /// Who, signed in already, asked to be linked with the provider.
    pub(super) link: Option<PersonId>,
    /// When.
    pub(super) begun_at: DateTime<Utc>,
}

impl Errand {
    /// Sends somebody away.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(super) fn begin(
        provider: &str,
        device: Device,
        link: Option<PersonId>,
        begun_at: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let provider = provider.to_owned();
        Ok(Self { provider, state, nonce, verifier, device, link, begun_at })
    }

    /// The cookie that carries it.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub(super) fn cookie(&self, key: &Key) -> anyhow::Result<String> {
        let sealed = seal(key, COOKIE.as_bytes(), &serde_json::to_vec(self)?)?;
        Ok(cookie(&URL_SAFE_NO_PAD.encode(sealed), AWAY_MAX))
    }

    /// What a cookie carries, if it was sealed here, is not too old, and belongs to this return.
    pub(super) fn of_return(
        key: &Key,
        carried: &str,
        (provider, state): (&str, &str),
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(carried).ok()?;
        let mut room = Vec::new();
        let errand = open(key, COOKIE.as_bytes(), &sealed, &mut room).ok()?;
        let errand: Self = serde_json::from_slice(errand).ok()?;
        let same = verify_slices_are_equal(errand.state.as_bytes(), state.as_bytes()).is_ok();
        let fresh = (errand.begun_at..errand.begun_at + AWAY_MAX).contains(&now);
        (same && fresh && errand.provider == provider).then_some(errand)
    }
}

/// The cookie that takes the one before away: an errand is done once.
pub(super) fn no_cookie() -> String {
    cookie("", TimeDelta::zero())
}

/// Lax, for the provider sends the browser back from another site.
fn cookie(value: &str, age: TimeDelta) -> String {
    let seconds = age.num_seconds();
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

/// 256 bits that nobody guesses, as text for addresses.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system has no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
