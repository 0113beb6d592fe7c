//! One-time codes, printed for people to copy by hand: what opens an account, and what stands in for
//! a lost second factor.
//!
//! Twelve signs of Crockford's base 32 (60 bits), in groups of four. Whoever types O for zero, l for
//! one or leaves the hyphens out is understood. Only a digest is kept: with that many bits nobody
//! finds a code by trying, so that no slow hash is needed.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Context, SHA256},
    rand::{SecureRandom, SystemRandom},
};
use chrono::{DateTime, Utc};
use domain::AccountId;
use zeroize::Zeroizing;

const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// The bytes of a digest.
const DIGEST_BYTES: usize = 32;

/// A code, without its hyphens. Neither printed nor logged by accident: it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code(Zeroizing<[u8; LENGTH]>);

/// What is kept of a code that opens an account.
pub(crate) struct Invitation {
    expires_at: DateTime<Utc>,
    digest: [u8; DIGEST_BYTES],
}

impl Code {
    /// A new code.
    pub(crate) fn random() -> anyhow::Result<Self> {
        let mut code = Zeroizing::new([0; LENGTH]);
        random_bytes(code.as_mut_slice())?;
        // 256 is a multiple of 32: each sign is as likely as any other.
        code.iter_mut().for_each(|sign| *sign = SIGNS[usize::from(*sign % 32)]);
        Ok(Self(code))
    }

    /// What somebody typed, if it can be a code.
    pub(crate) fn read(typed: &str) -> Option<Self> {
        let mut code = Zeroizing::new([0; LENGTH]);
        let signs = typed.chars().filter(|sign| !matches!(sign, '-' | ' ' | '\u{a0}'));
        let mut length = 0;
        for sign in signs {
            let sign = match sign.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let sign = u8::try_from(sign).ok().filter(|sign| SIGNS.contains(sign))?;
            *code.get_mut(length)? = sign;
            length += 1;
        }
        (length == LENGTH).then_some(Self(code))
    }

    /// As it is printed: `7K3M-0QXB-W9TD`.
    pub(crate) fn printed(&self) -> String {
        let groups = self.0.chunks(GROUP).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join("-")
    }

    /// What is kept of it; the same code of another account has another digest.
    pub(crate) fn digest(&self, account: AccountId) -> [u8; DIGEST_BYTES] {
        let mut context = Context::new(&SHA256);
        context.update(account.0.as_bytes());
        context.update(self.0.as_slice());
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

impl Invitation {
    /// What is kept of `code`.
    pub(crate) fn of(code: &Code, account: AccountId, expires_at: DateTime<Utc>) -> Self {
        Self { expires_at, digest: code.digest(account) }
    }

    /// Whether the account is opened by `code` at this instant.
    pub(crate) fn takes(&self, code: &Code, account: AccountId, now: DateTime<Utc>) -> bool {
        let same = verify_slices_are_equal(&self.digest, &code.digest(account)).is_ok();
        same && now < self.expires_at
    }

    /// As the vault keeps it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [&self.expires_at.timestamp_micros().to_be_bytes()[..], &self.digest].concat()
    }

    /// As the vault kept it; none of a code that was used.
    pub(crate) fn from_bytes(kept: &[u8]) -> Option<Self> {
        let (expires_at, digest) = kept.split_first_chunk()?;
        let expires_at = DateTime::from_timestamp_micros(i64::from_be_bytes(*expires_at))?;
        Some(Self { expires_at, digest: digest.try_into().ok()? })
    }
}

/// Codes that each stand in for a lost second factor once, and what is kept of them.
pub(crate) fn recovery_codes(
    how_many: usize,
    account: AccountId,
) -> anyhow::Result<(Vec<String>, Vec<u8>)> {
    let codes: Vec<_> = (0..how_many).map(|_| Code::random()).collect::<Result<_, _>>()?;
    let digests = codes.iter().flat_map(|code| code.digest(account)).collect();
    Ok((codes.iter().map(Code::printed).collect(), digests))
}

/// What is kept of the codes once `code` is used; none if it is not one of them.
pub(crate) fn without(kept: &[u8], code: &Code, account: AccountId) -> Option<Vec<u8>> {
    let used = code.digest(account);
    let (mut left, mut found) = (Vec::with_capacity(kept.len()), false);
    for digest in kept.chunks(DIGEST_BYTES) {
        if verify_slices_are_equal(digest, &used).is_ok() {
            found = true;
        } else {
            left.extend_from_slice(digest);
        }
    }
    found.then_some(left)
}

/// Fills `bytes` with what nobody can guess.
pub(crate) fn random_bytes(bytes: &mut [u8]) -> anyhow::Result<()> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| anyhow::anyhow!("the system has no randomness to give"))
}

#[cfg(test)]
mod tests {
    use domain::PersonId;
    use uuid::Uuid;

    use super::*;

    const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0xADA));

    #[test]
    fn a_code_is_read_as_it_is_printed_and_as_people_type_it() {
        let code = Code::random().unwrap();
        let printed = code.printed();
        assert_eq!(printed.len(), 14);
        for typed in [
            printed.clone(),
            printed.to_lowercase(),
            printed.replace('-', ""),
            format!(" {} ", printed.replace('-', " ")),
            printed.replace('0', "O").replace('1', "l"),
        ] {
            assert!(Code::read(&typed) == Some(code.clone()), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in ["", "7K3M-0QXB-W9T", "7K3M-0QXB-W9TD2", "7K3M-0QXB-W9TU", "7K3M-0QXB-W9TÉ"] {
            assert!(Code::read(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn an_invitation_is_for_one_account_and_for_a_time() {
        let (code, other) = (Code::random().unwrap(), AccountId::of(PersonId(Uuid::nil())));
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let until = at("2026-10-01T06:00:00Z");
        let kept = Invitation::of(&code, ACCOUNT, until).to_bytes();
        let kept = Invitation::from_bytes(&kept).unwrap();
        assert!(kept.takes(&code, ACCOUNT, at("2026-10-01T05:59:59Z")));
        assert!(!kept.takes(&code, ACCOUNT, until));
        assert!(!kept.takes(&code, other, at("2026-09-01T08:00:00Z")));
        assert!(!kept.takes(&Code::random().unwrap(), ACCOUNT, at("2026-09-01T08:00:00Z")));
    }

    #[test]
    fn nothing_is_left_of_a_code_that_was_used() {
        assert!(Invitation::from_bytes(&[]).is_none());
    }

    #[test]
    fn each_recovery_code_stands_in_once() {
        let (codes, mut kept) = recovery_codes(10, ACCOUNT).unwrap();
        assert_eq!(codes.len(), 10);
        for code in codes.iter().map(|code| Code::read(code).unwrap()) {
            kept = without(&kept, &code, ACCOUNT).unwrap();
            assert!(without(&kept, &code, ACCOUNT).is_none());
        }
        assert!(kept.is_empty());
    }
}
