//! What the settings say of the channels, and what is wrong with it.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

/// How long one message may take if nobody says otherwise.
const DEADLINE_SECONDS: u64 = 30;

/// The longest that it may be told to take: the others are waiting.
pub(crate) const DEADLINE_SECONDS_MAX: u64 = 45;

/// The channels of the settings.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Mail.
    pub mail: Option<MailSettings>,
    /// SMS.
    pub sms: Option<SmsSettings>,
}

/// How mail leaves.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// `smtps://USER@HOST:PORT`, `smtp://…` with STARTTLS, or `file:FOLDER`.
    pub url: String,
    /// Who writes, as families see it.
    pub from: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// The file that holds it.
    pub password_file: Option<PathBuf>,
    /// The certificates that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether everybody on this very machine may read what passes.
    #[serde(default)]
    pub plain_text: bool,
    /// How long one message may take.
    pub deadline_seconds: Option<u64>,
}

/// How SMS leave: a gateway, its request and what its answers mean.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSettings {
    /// A gateway that is known; it needs no more than an account and a sender.
    pub preset: Option<Preset>,
    /// `https://…`, or `file:FOLDER`.
    pub url: Option<String>,
    /// `POST` if nothing is said.
    pub method: Option<Method>,
    /// More headers, with places.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, as JSON whose strings have places.
    pub json: Option<Value>,
    /// The body, as fields of a form with places.
    pub form: Option<BTreeMap<String, String>>,
    /// What stands between two lines of a text.
    pub line_break: Option<String>,
    /// Who sends, as families see it.
    pub sender: Option<String>,
    /// The account, for a preset.
    pub account: Option<String>,
    /// The login, for a preset.
    pub login: Option<String>,
    /// What fills `{secret}`.
    pub secret: Option<Secret>,
    /// The file that holds it.
    pub secret_file: Option<PathBuf>,
    /// What the statuses of HTTP mean.
    #[serde(default)]
    pub statuses: StatusSettings,
    /// What the body of a good status means.
    pub answer: Option<AnswerSettings>,
    /// Where the provider's reference stands in the body: a JSON pointer.
    pub reference: Option<String>,
    /// What the gateway says later of what it took, if it says it.
    pub receipts: Option<ReceiptSettings>,
    /// Whether everybody between here and the gateway may read what passes.
    #[serde(default)]
    pub plain_text: bool,
    /// How long one message may take.
    pub deadline_seconds: Option<u64>,
}

/// A gateway that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// OVH's `http2sms`.
    Ovh,
}

/// How a gateway is asked. What is asked stands in the body alone: addresses are noted on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
}

/// What the statuses of HTTP mean; the body decides about those that are accepted, if it is said how.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusSettings {
    /// The provider took the message; every 2xx, if nothing is said.
    #[serde(default)]
    pub accepted: Vec<u16>,
    /// It may take it later.
    #[serde(default)]
    pub later: Vec<u16>,
    /// It never will.
    #[serde(default)]
    pub undeliverable: Vec<u16>,
}

/// What a value of the body means. `2*` is whatever begins with 2.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSettings {
    /// Where it stands: a JSON pointer.
    pub pointer: String,
    /// The provider took the message.
    pub accepted: Vec<String>,
    /// It never will.
    #[serde(default)]
    pub undeliverable: Vec<String>,
    /// It may take it later.
    #[serde(default)]
    pub later: Vec<String>,
}

/// What the receipts of a gateway say, and who may say it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptSettings {
    /// The end of the address that the gateway calls: at least 32 letters.
    pub secret: Option<Secret>,
    /// The file that holds it.
    pub secret_file: Option<PathBuf>,
    /// Where the provider's reference stands: a field of the address or form, or a JSON pointer.
    pub reference: Option<String>,
    /// Where it stands what became of the message.
    pub status: Option<String>,
    /// It has arrived. `2*` is whatever begins with 2.
    #[serde(default)]
    pub delivered: Vec<String>,
    /// It will not arrive.
    #[serde(default)]
    pub undeliverable: Vec<String>,
}

/// A secret of the settings. It is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

/// What is wrong with the channels of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Messages need a folder to lie in.
    #[error("the url of [{0}] names no folder: write file:outbox")]
    Folder(&'static str),
    /// Mail leaves by SMTP.
    #[error("the url of [mail] is smtps://HOST, smtp://HOST or file:FOLDER")]
    MailUrl,
    /// Families see who writes.
    #[error(
        "[mail] needs `from`, an address in plain letters that families see: \
         from = \"Vie scolaire <absences@ecole.example>\""
    )]
    From,
    /// Letters to families are not postcards.
    #[error(
        "`plain_text` of [mail] is for smtp:// on this very machine: leave it out, and smtp:// \
         goes on with STARTTLS; or write smtps://"
    )]
    PlainTextMail,
    /// A user has a password, and a password a user.
    #[error("the user of [mail] stands in its url (smtps://USER@HOST) and has a `password_file`")]
    UserAndPassword,
    /// The file cannot be read.
    #[error("the `ca_file` of [mail] cannot be read, or holds no certificate")]
    CaFile,
    /// TLS cannot be spoken.
    #[error("this system has no certificates to trust: install them (ca-certificates)")]
    NoCertificates,
    /// A secret comes from one place.
    #[error("[{0}] says its secret twice: leave it out of preau.toml, and name its file")]
    TwoSecrets(&'static str),
    /// The file cannot be read.
    #[error("the file of [{0}] that holds its secret cannot be read, or is empty")]
    SecretFile(&'static str),
    /// A message that takes longer holds up the others.
    #[error("`deadline_seconds` of [{0}] is between 1 and {DEADLINE_SECONDS_MAX}")]
    Deadline(&'static str),
    /// SMS leave by HTTPS.
    #[error(
        "the url of [sms] is https://… or file:FOLDER; http:// is for this very machine, or \
         say `plain_text = true`"
    )]
    SmsUrl,
    /// A preset is whole.
    #[error(
        "with `preset`, [sms] says `account`, `login`, `sender` and `secret_file`, and nothing of \
         what is sent and what answers mean; `account` and `login` are for a preset only"
    )]
    Preset,
    /// One body.
    #[error(
        "[sms] says what is sent, by `json` or by `form`, one of them, with {{to}} and {{text}}"
    )]
    Body,
    /// A brace that nothing is known of.
    #[error("braces in [sms] are {{to}}, {{text}}, {{key}}, {{sender}} or {{secret}}; see {0:?}")]
    Place(String),
    /// What stands in a place must be said.
    #[error("[sms] has a place for {{sender}} or {{secret}}, and does not say it")]
    Unsaid,
    /// Headers are no place for families.
    #[error("{0:?} of [sms] is no header, or holds {{to}} or {{text}}, which belong into the body")]
    Header(String),
    /// A pointer begins with a slash.
    #[error("{0:?} of [sms] is no JSON pointer, like /messages/0/id")]
    Pointer(String),
    /// Without it nothing would ever be known.
    #[error("[sms] does not say which answer is a yes: `statuses.accepted` or `[sms.answer]`")]
    NothingAccepted,
    /// Whoever guesses it tells the school what did not happen.
    #[error(
        "[sms.receipts] needs a `secret_file` whose secret has at least 32 letters, digits, - and _"
    )]
    ReceiptSecret,
    /// A receipt is understood whole.
    #[error(
        "[sms.receipts] says where the `reference` and the `status` stand, and which status means \
         `delivered` or `undeliverable`; with `preset`, none of these"
    )]
    Receipts,
}

impl ChannelSettings {
    /// All messages go into a folder, where they can be read.
    pub fn of_folder(folder: &str) -> Self {
        let url = format!("file:{folder}");
        let sms = SmsSettings { url: Some(url.clone()), ..SmsSettings::default() };
        let mail = MailSettings { url, ..MailSettings::default() };
        Self { mail: Some(mail), sms: Some(sms) }
    }
}

impl MailSettings {
    /// The folder that stands for a mail server.
    pub(super) fn folder(&self) -> Result<Option<&str>, ChannelError> {
        folder("mail", &self.url)
    }

    /// How long one message may take.
    pub(super) fn deadline(&self) -> Result<Duration, ChannelError> {
        deadline("mail", self.deadline_seconds)
    }
}

impl SmsSettings {
    /// The folder that stands for a gateway.
    pub(super) fn folder(&self) -> Result<Option<&str>, ChannelError> {
        self.url.as_deref().map_or(Ok(None), |url| folder("sms", url))
    }

    /// How long one message may take.
    pub(super) fn deadline(&self) -> Result<Duration, ChannelError> {
        deadline("sms", self.deadline_seconds)
    }
}

impl fmt::Display for ChannelSettings {
    /// Where messages go, without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(MailSettings { url, from, .. }) = &self.mail {
            writeln!(f, "# mail: {}, from {}", shown(url), from.as_deref().unwrap_or("nobody"))?;
        }
        if let Some(SmsSettings { url, sender, preset, receipts, .. }) = &self.sms {
            let to = match (url, preset) {
                (Some(url), _) => shown(url),
                (None, Some(preset)) => format!("{preset:?}"),
                (None, None) => "nowhere".to_owned(),
            };
            writeln!(f, "# sms: {to}, from {}", sender.as_deref().unwrap_or("nobody"))?;
            if receipts.is_some() {
                writeln!(f, "# sms: receipts come to /receipts/sms/ and a secret, not shown")?;
            }
        }
        Ok(())
    }
}

/// The secret, from the settings or from its file.
pub(super) fn secret(
    section: &'static str,
    said: Option<&Secret>,
    file: Option<&PathBuf>,
) -> Result<Option<String>, ChannelError> {
    match (said, file) {
        (Some(_), Some(_)) => Err(ChannelError::TwoSecrets(section)),
        (said, None) => Ok(said.map(|Secret(secret)| secret.clone())),
        (None, Some(file)) => {
            let secret = std::fs::read_to_string(file).unwrap_or_default().trim().to_owned();
            if secret.is_empty() {
                return Err(ChannelError::SecretFile(section));
            }
            Ok(Some(secret))
        }
    }
}

fn folder<'u>(section: &'static str, url: &'u str) -> Result<Option<&'u str>, ChannelError> {
    match url.strip_prefix("file:") {
        Some("") => Err(ChannelError::Folder(section)),
        folder => Ok(folder),
    }
}

fn deadline(section: &'static str, seconds: Option<u64>) -> Result<Duration, ChannelError> {
    let seconds = seconds.unwrap_or(DEADLINE_SECONDS);
    if !(1..=DEADLINE_SECONDS_MAX).contains(&seconds) {
        return Err(ChannelError::Deadline(section));
    }
    Ok(Duration::from_secs(seconds))
}

/// An address without who asks, and without what is asked.
fn shown(url: &str) -> String {
    if url.starts_with("file:") {
        return url.to_owned();
    }
    let Ok(mut url) = url.parse::<Url>() else {
        return "an address that cannot be read".to_owned();
    };
    let hidden = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    if hidden.is_ok() { url.to_string() } else { "an address".to_owned() }
}
