//! Passwords: which ones are taken, and how they are kept and checked.
//!
//! Argon2id with 64 MiB and three passes (RFC 9106, section 4), as a PHC string that says how it was
//! made. A hash costs a processor for a sixth of a second: two are computed at a time, a few wait,
//! and whoever comes then is asked to come back. What a password opens is not told here.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};
use zeroize::Zeroizing;

use crate::error::{ApiError, Refusal};

/// The memory of a hash, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;

/// How often a hash passes over its memory.
const PASSES: u32 = 3;

/// Hashes computed at the same time: what they hold of memory is bounded by it.
const AT_ONCE: usize = 2;

/// Requests that may wait for a hash: three seconds of them, well below what a request may take.
const WAITING_MAX: usize = 40;

/// The bounds of a password, in characters (CNIL, délibération 2022-100: 12 where nothing else is
/// asked of it).
const CHARACTERS: std::ops::RangeInclusive<usize> = 12..=128;

/// Words that many people's passwords are made of, one a line, in plain letters.
const COMMON: &str = include_str!("common_words.txt");

/// The hash of no password: who has none is answered after the same work.
const NOBODYS: &str = "$argon2id$v=19$m=65536,t=3,p=1$Tm9ib2R5J3MgcGFzc3dvcmQ\
    $bm9ib2R5IGhhcyB0aGlzIG9uZSwgaXQgaXMgZW1wdHk";

/// Where passwords are hashed. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Passwords {
    hands: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// What came of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// It is another one, or there is none.
    Wrong,
    /// It is the right one.
    Right,
    /// It is the right one, kept in a way that is no longer ours.
    RightButOld,
}

impl Default for Passwords {
    fn default() -> Self {
        let (hands, room) = (Semaphore::new(AT_ONCE), Semaphore::new(AT_ONCE + WAITING_MAX));
        Self { hands: Arc::new(hands), room: Arc::new(room) }
    }
}

impl Passwords {
    /// What is kept of a password.
    pub(crate) async fn hash(&self, password: Zeroizing<String>) -> Result<Vec<u8>, ApiError> {
        let hash = self.with_a_hand(move || argon2()?.hash_password(password.as_bytes())).await?;
        let hash = hash.map_err(|_| anyhow::anyhow!("a password could not be hashed"))?;
        Ok(hash.to_string().into_bytes())
    }

    /// Whether `password` is the one of which `kept` was kept. Where nothing was, it takes as long.
    pub(crate) async fn check(
        &self,
        password: Zeroizing<String>,
        kept: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Checked, ApiError> {
        let checked = self.with_a_hand(move || {
            let kept = kept.as_deref().and_then(|kept| std::str::from_utf8(kept).ok());
            let hash = PasswordHash::new(kept.unwrap_or(NOBODYS))?;
            let right = argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
            let ours = Params::try_from(&hash)? == params()?;
            Ok::<_, argon2::password_hash::Error>(match (kept.is_some() && right, ours) {
                (false, _) => Checked::Wrong,
                (true, true) => Checked::Right,
                (true, false) => Checked::RightButOld,
            })
        });
        checked.await?.map_err(|_| anyhow::anyhow!("what is kept of a password is damaged").into())
    }

    /// Computes away from the runtime, when it is this request's turn.
    async fn with_a_hand<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = self.room.clone().try_acquire_owned().map_err(|_| Refusal::TooBusy)?;
        let hand = self.hands.clone().acquire_owned().await.map_err(anyhow::Error::from)?;
        // Whoever gives up waiting leaves the work to end: its memory counts until then.
        let held: [OwnedSemaphorePermit; 2] = [place, hand];
        let done = spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        Ok(done.await.map_err(anyhow::Error::from)?)
    }
}

/// Refuses a password that is too short, too long, or made of what everybody tries first: common
/// words, the person's own login, digits.
pub(crate) fn acceptable(password: &str, login: &str) -> Result<(), ApiError> {
    if !CHARACTERS.contains(&password.chars().count()) {
        return Err(Refusal::PasswordLength.into());
    }
    let letters = letters_of(password);
    let own = login.split(['.', '-']).map(letters_of).filter(|word| !word.is_empty());
    let own: Vec<String> = own.chain([letters_of(login)]).collect();
    let common = COMMON.lines().chain(own.iter().map(String::as_str));
    if is_made_of(&letters, &common.collect::<Vec<_>>()) {
        return Err(Refusal::PasswordTooCommon.into());
    }
    Ok(())
}

/// The letters of a text, small, without the signs and digits that people hang on, and with the
/// letters that some of them stand for.
fn letters_of(text: &str) -> String {
    let letter = |sign: char| match sign {
        '@' => Some('a'),
        '0' => Some('o'),
        '$' => Some('s'),
        'à' | 'â' => Some('a'),
        'é' | 'è' | 'ê' => Some('e'),
        'ç' => Some('c'),
        other => other.is_alphabetic().then_some(other),
    };
    let trimmed = text.trim_matches(|sign: char| !sign.is_alphabetic());
    trimmed.chars().flat_map(char::to_lowercase).filter_map(letter).collect()
}

/// Whether a text is nothing but these words, one after the other, or one letter again and again.
fn is_made_of(text: &str, words: &[&str]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for end in 1..=text.len() {
        reached[end] = words.iter().any(|word| {
            let begin = end.checked_sub(word.len());
            !word.is_empty()
                && begin.is_some_and(|begin| reached[begin] && text.get(begin..end) == Some(word))
        });
    }
    let mut letters = text.chars();
    let first = letters.next();
    reached[text.len()] || letters.all(|letter| Some(letter) == first)
}

fn params() -> argon2::Result<Params> {
    Params::new(MEMORY_KIB, PASSES, 1, Some(Params::DEFAULT_OUTPUT_LEN))
}

fn argon2() -> argon2::Result<Argon2<'static>> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_twelve_to_a_hundred_and_twenty_eight_characters() {
        let judged = |text: &str| code(acceptable(text, "lea.perlorron"));
        assert_eq!(judged("brumes-du-8"), "password-length");
        assert_eq!(judged("brumes-du-83"), "");
        assert_eq!(judged("élève-œuvre-"), "", "characters count, not bytes");
        assert_eq!(judged(&"brume".repeat(26)), "password-length");
    }

    #[test]
    fn a_password_that_everybody_tries_is_refused() {
        for common in [
            "123456789012",
            "motdepasse2026!",
            "MotDePasse MotDePasse",
            "P@ssw0rdP@ssw0rd",
            "azertyuiop123",
            "aaaaaaaaaaaaaa",
            "Soleil-Soleil-67",
            "lea.perlorron",
            "PerlorronLea2014",
        ] {
            let judged = code(acceptable(common, "lea.perlorron2"));
            assert_eq!(judged, "password-too-common", "{common}");
        }
        assert_eq!(code(acceptable("soleil sur la Bruche", "lea.perlorron")), "");
    }

    #[test]
    fn what_is_checked_for_nobody_costs_what_it_costs_for_somebody() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(Params::try_from(&hash).unwrap(), params().unwrap());
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let passwords = Passwords::default();
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let kept = Zeroizing::new(passwords.hash(text("brumes-du-83")).await.unwrap());
        assert!(kept.starts_with(b"$argon2id$v=19$m=65536,t=3,p=1$"));
        let check = async |password, kept| passwords.check(text(password), kept).await.unwrap();
        assert_eq!(check("brumes-du-83", Some(kept.clone())).await, Checked::Right);
        assert_eq!(check("brumes-du-84", Some(kept)).await, Checked::Wrong);
        assert_eq!(check("brumes-du-83", None).await, Checked::Wrong);
    }

    #[tokio::test]
    async fn a_password_kept_in_an_older_way_is_known_and_said_to_be_old() {
        let old = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8 * 1024, 1, 1, None).unwrap(),
        );
        let kept = old.hash_password(b"brumes-du-83").unwrap().to_string().into_bytes();
        let password = Zeroizing::new("brumes-du-83".to_owned());
        let checked = Passwords::default().check(password, Some(Zeroizing::new(kept))).await;
        assert_eq!(checked.unwrap(), Checked::RightButOld);
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_asked_to_come_back() {
        let passwords = Passwords::default();
        let _queue = passwords.room.clone().try_acquire_many_owned(42).unwrap();
        let refused = passwords.hash(Zeroizing::new("brumes-du-83".to_owned())).await;
        assert_eq!(code(refused.map(|_| ())), "too-busy");
    }

    fn code(judged: Result<(), ApiError>) -> &'static str {
        match judged {
            Ok(()) => "",
            Err(ApiError::Refused(refusal, _)) => refusal.into(),
            Err(other) => panic!("{other:?}"),
        }
    }
}
