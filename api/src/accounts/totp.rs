//! The codes of an application on a telephone (TOTP, RFC 6238): six digits, another every half
//! minute, computed from a secret that both sides know.
//!
//! SHA-1, six digits and thirty seconds, since many applications overlook that they were asked for
//! anything else. A code of the half minute before or after is taken, and each of them once.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::codes::random_bytes;

/// What the application shows beside the login.
const ISSUER: &str = "Preau";

/// The length that RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// A secret, and the last half minute whose code was used.
pub(crate) struct Factor {
    last_step: u64,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Factor {
    /// A new one.
    pub(crate) fn random() -> anyhow::Result<Self> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        random_bytes(secret.as_mut_slice())?;
        Ok(Self { last_step: 0, secret })
    }

    /// The same with `code` used up; none if it is another one or was used before.
    pub(crate) fn using(&self, code: &str, now: DateTime<Utc>) -> Option<Self> {
        let now = u64::try_from(now.timestamp()).ok()?;
        let step = self.totp("").check(code, now).filter(|step| *step > self.last_step)?;
        Some(Self { last_step: step, secret: self.secret.clone() })
    }

    /// The secret as people type it into an application that reads no addresses.
    pub(crate) fn base32(&self) -> String {
        self.totp("").secret().to_base32()
    }

    /// The address that an application reads from a square of dots.
    pub(crate) fn address(&self, login: &str) -> anyhow::Result<String> {
        Ok(self.totp(login).to_url()?)
    }

    /// As the vault keeps it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [&self.last_step.to_be_bytes()[..], self.secret.as_slice()].concat()
    }

    /// As the vault kept it.
    pub(crate) fn from_bytes(kept: &[u8]) -> Option<Self> {
        let (last_step, secret) = kept.split_first_chunk()?;
        let secret = Zeroizing::new(secret.try_into().ok()?);
        Some(Self { last_step: u64::from_be_bytes(*last_step), secret })
    }

    fn totp(&self, login: &str) -> Totp {
        let builder = Builder::new().with_secret(self.secret.to_vec()).with_issuer(Some(ISSUER));
        builder.with_account_name(login).build_noncompliant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret and instants of RFC 6238, appendix B.
    const SECRET: &[u8; SECRET_BYTES] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_the_standard() {
        assert!(factor().using("287082", at(59)).is_some());
        assert!(factor().using("081804", at(1_111_111_109)).is_some());
        assert!(factor().using("081805", at(1_111_111_109)).is_none());
    }

    #[test]
    fn a_code_is_taken_a_half_minute_early_or_late_and_no_more() {
        for (second, taken) in [(29, false), (30, true), (59, true), (119, true), (120, false)] {
            // The code of the seconds 60 to 89.
            assert_eq!(factor().using("359152", at(second)).is_some(), taken, "{second}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_no_older_one_after_it() {
        let used = factor().using("287082", at(59)).unwrap();
        let kept = Factor::from_bytes(&used.to_bytes()).unwrap();
        assert!(kept.using("287082", at(60)).is_none(), "used before");
        assert!(kept.using("755224", at(59)).is_none(), "of the half minute before");
        assert!(kept.using("359152", at(60)).is_some(), "the next one");
    }

    #[test]
    fn an_application_is_told_whose_code_it_shows() {
        assert_eq!(
            factor().address("lea.perlorron").unwrap(),
            "otpauth://totp/Preau:lea.perlorron?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Preau"
        );
        assert_eq!(factor().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    fn factor() -> Factor {
        Factor { last_step: 0, secret: Zeroizing::new(*SECRET) }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }
}
