//! Sealing: the content of an event as bytes that only the key of its dossier opens.
//!
//! A sealed payload is a random nonce (12 bytes), then AES-256-GCM-SIV over the length of the
//! content (4 bytes, little endian), the content, and zeros up to a multiple of 256 bytes: whoever
//! reads the log cannot tell a short reason from a long one. The envelope's bytes are the
//! associated data. Where keys come from and how they are destroyed is told in [`crate::keys`].

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hmac::{self, HMAC_SHA256},
    rand,
};
use bytes::Bytes;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;
const STEP_BYTES: usize = 256;

/// A 256-bit key. It is wiped from memory when it is dropped.
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

/// The seal does not open: another key, another envelope, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seal is broken")]
pub struct SealBroken;

/// The system has no randomness to give, or a content is beyond 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content could not be sealed")]
pub struct NotSealed;

/// Seals the content of an event under `key`, bound to the bytes of its envelope.
///
/// # Errors
/// See [`NotSealed`].
pub fn seal(key: &Key, header: &[u8], content: &[u8]) -> Result<Bytes, NotSealed> {
    let length = u32::try_from(content.len()).map_err(|_| NotSealed)?;
    let plain = (LENGTH_BYTES + content.len()).next_multiple_of(STEP_BYTES);
    let mut padded = Vec::with_capacity(plain + AES_256_GCM_SIV.tag_len());
    padded.extend_from_slice(&length.to_le_bytes());
    padded.extend_from_slice(content);
    padded.resize(plain, 0);
    Ok(key.close(header, padded)?.into())
}

/// Opens what [`seal`] made. The content is lent from `room`, so that a whole page of events is
/// opened in one piece of memory.
///
/// # Errors
/// See [`SealBroken`].
pub fn open<'r>(
    key: &Key,
    header: &[u8],
    sealed: &[u8],
    room: &'r mut Vec<u8>,
) -> Result<&'r [u8], SealBroken> {
    let padded = key.open(header, sealed, room)?;
    let (length, rest) = padded.split_first_chunk::<LENGTH_BYTES>().ok_or(SealBroken)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| SealBroken)?;
    rest.get(..length).ok_or(SealBroken)
}

impl Key {
    /// A new key, from the system's randomness.
    pub(crate) fn random() -> Result<Self, NotSealed> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| NotSealed)?;
        Ok(Self(bytes))
    }

    /// A key for a purpose of its own, the same whenever it is derived from this one.
    pub(crate) fn derived(&self, purpose: &str) -> Self {
        Self(Zeroizing::new(self.tag(purpose.as_bytes())))
    }

    /// What only whoever has the key can say of these bytes (HMAC-SHA-256).
    pub fn tag(&self, bytes: &[u8]) -> [u8; KEY_BYTES] {
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, self.bytes()), bytes);
        let mut said = [0; KEY_BYTES];
        said.copy_from_slice(tag.as_ref());
        said
    }

    /// The key that these bytes are, when they are as many as a key has.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The secret itself, to be wrapped or written to the master key's file.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Encrypts `plain` as it is, and puts a fresh nonce in front.
    pub(crate) fn close(&self, bound_to: &[u8], mut plain: Vec<u8>) -> Result<Vec<u8>, NotSealed> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| NotSealed)?;
        let cipher = self.cipher().map_err(|_| NotSealed)?;
        let once = Nonce::assume_unique_for_key(nonce);
        cipher
            .seal_in_place_append_tag(once, Aad::from(bound_to), &mut plain)
            .map_err(|_| NotSealed)?;
        let mut closed = Vec::with_capacity(NONCE_LEN + plain.len());
        closed.extend_from_slice(&nonce);
        closed.append(&mut plain);
        Ok(closed)
    }

    /// Decrypts what [`Key::close`] made, into `room`.
    pub(crate) fn open<'r>(
        &self,
        bound_to: &[u8],
        closed: &[u8],
        room: &'r mut Vec<u8>,
    ) -> Result<&'r [u8], SealBroken> {
        let (nonce, text) = closed.split_first_chunk::<NONCE_LEN>().ok_or(SealBroken)?;
        room.clear();
        room.extend_from_slice(text);
        let cipher = self.cipher().map_err(|_| SealBroken)?;
        let opened = cipher.open_in_place(Nonce::from(nonce), Aad::from(bound_to), room);
        opened.map(|plain| &*plain).map_err(|_| SealBroken)
    }

    fn cipher(&self) -> Result<LessSafeKey, Unspecified> {
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, self.bytes())?))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_content_opens_under_its_key_and_envelope() {
        let key = Key::random().unwrap();
        for content in [&b""[..], b"a reason", &[7; 251], &[7; 252], &[7; 253], &[7; 10_000]] {
            let sealed = seal(&key, b"header", content).unwrap();
            assert_eq!(open(&key, b"header", &sealed, &mut Vec::new()), Ok(content));
        }
    }

    #[test]
    fn a_changed_byte_of_the_envelope_or_of_the_content_opens_nothing() {
        let key = Key::random().unwrap();
        let sealed = seal(&key, b"header", b"a reason").unwrap();
        for place in 0..b"header".len() {
            let mut header = *b"header";
            header[place] ^= 1;
            assert_eq!(open(&key, &header, &sealed, &mut Vec::new()), Err(SealBroken));
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[place] ^= 1;
            assert_eq!(open(&key, b"header", &changed, &mut Vec::new()), Err(SealBroken));
            assert_eq!(open(&key, b"header", &sealed[..place], &mut Vec::new()), Err(SealBroken));
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = seal(&Key::random().unwrap(), b"header", b"a reason").unwrap();
        let other = Key::random().unwrap();
        assert_eq!(open(&other, b"header", &sealed, &mut Vec::new()), Err(SealBroken));
    }

    #[test]
    fn contents_within_a_step_have_the_same_length_when_sealed() {
        let key = Key::random().unwrap();
        let length = |content: usize| seal(&key, b"", &vec![0; content]).unwrap().len();
        assert_eq!(length(0), length(252));
        assert_eq!(length(253), length(508));
        assert_eq!(length(253) - length(252), STEP_BYTES);
    }

    #[test]
    fn the_same_content_is_never_sealed_to_the_same_bytes() {
        let key = Key::random().unwrap();
        assert_ne!(seal(&key, b"", b"present").unwrap(), seal(&key, b"", b"present").unwrap());
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", Key::random().unwrap()), "Key");
    }
}
