//! Gateways that are known, as settings somebody could have written.

use super::{AnswerSettings, ChannelError, ReceiptSettings, SmsSettings};

/// The address of OVH's gateway.
const OVH: &str = "https://www.ovh.com/cgi-bin/sms/http2sms.cgi";

/// OVH's gateway, from its public documentation. Sent as a form, so that no number stands in an
/// address; without the clause that makes it advertising, which waits for working days.
pub(super) fn ovh(settings: &SmsSettings) -> Result<SmsSettings, ChannelError> {
    let SmsSettings { account, login, sender, .. } = settings;
    let described = settings.json.is_some()
        || settings.form.is_some()
        || settings.answer.is_some()
        || settings.reference.is_some()
        || settings.method.is_some()
        || !settings.headers.is_empty()
        || !settings.statuses.accepted.is_empty();
    let secret = settings.secret.is_some() || settings.secret_file.is_some();
    let (Some(account), Some(login), true, true) = (account, login, sender.is_some(), secret)
    else {
        return Err(ChannelError::Preset);
    };
    if described || [account, login].into_iter().any(|text| text.contains(['{', '}'])) {
        return Err(ChannelError::Preset);
    }
    let fields = [
        ("account", account.as_str()),
        ("login", login),
        ("password", "{secret}"),
        ("from", "{sender}"),
        ("to", "{to}"),
        ("message", "{text}"),
        ("noStop", "1"),
        ("contentType", "application/json"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    Ok(SmsSettings {
        url: Some(settings.url.clone().unwrap_or_else(|| OVH.to_owned())),
        form: Some(fields.into()),
        line_break: Some("\r".to_owned()),
        answer: Some(AnswerSettings {
            pointer: "/status".to_owned(),
            accepted: values(&["100", "101"]),
            // A parameter is wrong: the number, since the others were right for all the others.
            undeliverable: values(&["202"]),
            later: values(&["2*", "4*"]),
        }),
        reference: Some("/SmsIds/0".to_owned()),
        ..settings.clone()
    })
}

/// OVH's receipts, as another free program reads them (RaspiSMS): OVH's own pages that we found say only that
/// there is an address to be called. 1 is delivered, 2 failed, 16 refused; 4 and 8 are on the way.
pub(super) fn ovh_receipts(said: &ReceiptSettings) -> Result<ReceiptSettings, ChannelError> {
    let described = said.reference.is_some()
        || said.status.is_some()
        || !said.delivered.is_empty()
        || !said.undeliverable.is_empty();
    if described {
        return Err(ChannelError::Receipts);
    }
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    Ok(ReceiptSettings {
        reference: Some("id".to_owned()),
        status: Some("dlr".to_owned()),
        delivered: values(&["1"]),
        undeliverable: values(&["2", "16"]),
        ..said.clone()
    })
}
