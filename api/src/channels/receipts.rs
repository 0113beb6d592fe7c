//! Receipts of an SMS gateway, as the settings describe them: which message one is about, and whether it has
//! arrived.
//!
//! Nothing else is read of a receipt, and nothing of it is kept: it may hold a number.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    ChannelError, Preset, ReceiptSettings, SmsSettings,
    gateway::{is_among, scalar},
    presets,
    settings::secret,
};

/// Nobody guesses so many letters over a network.
const SECRET_MIN_LETTERS: usize = 32;

/// What receipts are read by. Cheap to clone.
#[derive(Clone)]
pub struct Receipts(Arc<Described>);

struct Described {
    secret: Zeroizing<String>,
    reference: Spot,
    status: Spot,
    delivered: Vec<String>,
    undeliverable: Vec<String>,
}

/// Where something stands in a receipt.
enum Spot {
    /// A field of its address or of its form.
    Field(String),
    /// A JSON pointer into its body.
    Pointer(String),
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// The message has arrived.
    Delivered,
    /// It will not arrive.
    Undeliverable,
}

impl Receipts {
    /// What the settings say of receipts; nothing if they do not.
    ///
    /// # Errors
    /// When the settings are wrong, and what to do about it.
    pub fn of(settings: Option<&SmsSettings>) -> Result<Option<Self>, ChannelError> {
        let Some((sms, said)) = settings.and_then(|sms| Some((sms, sms.receipts.as_ref()?))) else {
            return Ok(None);
        };
        let ReceiptSettings {
            secret: plain,
            secret_file,
            reference,
            status,
            delivered,
            undeliverable,
        } = match sms.preset {
            Some(Preset::Ovh) => presets::ovh_receipts(said)?,
            None => said.clone(),
        };
        let secret = secret("sms.receipts", plain.as_ref(), secret_file.as_ref())?;
        let of_address = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let secret = secret
            .filter(|secret| secret.len() >= SECRET_MIN_LETTERS && secret.chars().all(of_address));
        let secret = secret.ok_or(ChannelError::ReceiptSecret)?;
        let means = !delivered.is_empty() || !undeliverable.is_empty();
        let (Some(reference), Some(status), true) =
            (reference.and_then(Spot::read), status.and_then(Spot::read), means)
        else {
            return Err(ChannelError::Receipts);
        };
        let secret = secret.into();
        Ok(Some(Self(Arc::new(Described { secret, reference, status, delivered, undeliverable }))))
    }

    /// Whether this is the secret of the settings.
    pub(crate) fn are_told_with(&self, secret: &str) -> bool {
        verify_slices_are_equal(self.0.secret.as_bytes(), secret.as_bytes()).is_ok()
    }

    /// What a receipt says of which message, by the provider's name for it; nothing if it says nothing
    /// that the settings speak of.
    pub(crate) fn read(&self, query: &str, body: &[u8]) -> Option<(String, Receipt)> {
        let document = serde_json::from_slice::<Value>(body).ok();
        let find = |spot: &Spot| match spot {
            Spot::Field(name) => {
                let mut fields =
                    [query.as_bytes(), body].into_iter().flat_map(form_urlencoded::parse);
                fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
            }
            Spot::Pointer(pointer) => scalar(document.as_ref()?.pointer(pointer)?),
        };
        let (reference, status) = (find(&self.0.reference)?, find(&self.0.status)?);
        if is_among(&status, &self.0.delivered) {
            Some((reference, Receipt::Delivered))
        } else if is_among(&status, &self.0.undeliverable) {
            Some((reference, Receipt::Undeliverable))
        } else {
            None
        }
    }
}

impl Spot {
    fn read(text: String) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        Some(if text.starts_with('/') { Self::Pointer(text) } else { Self::Field(text) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a-secret-of-thirty-two-letters-or-more";

    #[test]
    fn a_receipt_is_read_from_its_address_its_form_or_its_body() {
        let ovh = receipts(json!({ "preset": "ovh", "receipts": { "secret": SECRET } })).unwrap();
        let delivered = Some(("10867690".to_owned(), Receipt::Delivered));
        assert_eq!(ovh.read("id=10867690&dlr=1&receiver=%2B33639980099", b""), delivered);
        assert_eq!(ovh.read("", b"id=10867690&dlr=1"), delivered);
        let failed = Some(("7".to_owned(), Receipt::Undeliverable));
        assert_eq!(ovh.read("id=7&dlr=16", b""), failed);
        let other = receipts(json!({ "receipts": { "secret": SECRET, "reference": "/message/id",
            "status": "/message/status", "delivered": ["delivered"],
            "undeliverable": ["failed*"] } }))
        .unwrap();
        let body = br#"{"message":{"id":7,"status":"failed: off","to":"+33639980099"}}"#;
        assert_eq!(other.read("id=8", body), failed);
    }

    #[test]
    fn what_the_settings_do_not_speak_of_says_nothing() {
        let ovh = receipts(json!({ "preset": "ovh", "receipts": { "secret": SECRET } })).unwrap();
        for query in ["", "id=7", "dlr=1", "id=7&dlr=4", "id=7&dlr=", "%ff&&&=", "id[]=7&dlr[]=1"] {
            assert_eq!(ovh.read(query, b"[1, {"), None, "{query}");
        }
    }

    #[test]
    fn a_secret_that_could_be_guessed_and_a_description_with_holes_are_refused() {
        let whole = json!({ "secret": SECRET, "reference": "id", "status": "status",
            "delivered": ["1"] });
        assert!(receipts(json!({ "receipts": whole })).is_ok());
        let with = |name: &str, value: Value| {
            let mut receipt = whole.clone();
            receipt[name] = value;
            receipts(json!({ "receipts": receipt })).err()
        };
        for secret in [json!("short"), json!(null), json!(format!("{SECRET}/"))] {
            assert_eq!(with("secret", secret), Some(ChannelError::ReceiptSecret));
        }
        for hole in ["reference", "status"] {
            assert_eq!(with(hole, json!(null)), Some(ChannelError::Receipts));
            assert_eq!(with(hole, json!("")), Some(ChannelError::Receipts));
        }
        assert_eq!(with("delivered", json!([])), Some(ChannelError::Receipts));
        let twice = json!({ "preset": "ovh", "receipts": whole });
        assert_eq!(receipts(twice).err(), Some(ChannelError::Receipts));
    }

    #[test]
    fn only_the_whole_secret_opens() {
        let ovh = receipts(json!({ "preset": "ovh", "receipts": { "secret": SECRET } })).unwrap();
        assert!(ovh.are_told_with(SECRET));
        for other in ["", &SECRET[1..], &SECRET.to_uppercase(), &format!("{SECRET}a")] {
            assert!(!ovh.are_told_with(other), "{other}");
        }
    }

    fn receipts(settings: Value) -> Result<Receipts, ChannelError> {
        let settings: SmsSettings = serde_json::from_value(settings).unwrap();
        Ok(Receipts::of(Some(&settings))?.unwrap())
    }
}
