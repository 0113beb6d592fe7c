//! Mail through a mail server: what is known of a letter after each way that a conversation can end.
//!
//! A server has a letter when it has said 250 to the dot that ends it, and may have it from the moment that
//! the dot was sent. Before, nothing can be lost or sent twice, and a connection that was kept and has
//! meanwhile been closed is replaced without a word.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    Answer, ChannelError, MailSettings, Message, Why, addresses,
    letter::letter,
    settings::secret,
    smtp::{Connection, NotReady, Privacy, Reply, Server},
};
use crate::accounts::identity::is_here;

/// How many conversations there are at once: more than a few are refused by many servers.
pub(super) const CONNECTIONS_MAX: usize = 8;

/// How long a connection is kept for the next letter: less than servers wait.
const KEPT_MAX: Duration = Duration::from_secs(20);

/// The longest name of a letter in a server's queue that is kept.
const REFERENCE_MAX_BYTES: usize = 64;

/// A mail server, and who writes.
pub(super) struct Mail {
    server: Server,
    from: Mailbox,
    deadline: Duration,
    kept: Mutex<Vec<(Connection, Instant)>>,
}

/// The steps of handing a letter over.
#[derive(Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
enum Step {
    Sender,
    Recipient,
    Text,
    /// The dot was sent, or may have been.
    Dot,
}

/// How a conversation ended other than well.
enum Fault {
    /// The server said something else.
    Said(Reply),
    /// It said nothing, or nothing that can be understood.
    Broken(Why),
}

impl Mail {
    /// The mail server of the settings.
    pub(super) fn new(settings: &MailSettings) -> Result<Self, ChannelError> {
        let url = settings.url.parse::<Url>().ok().filter(is_of_server);
        let url = url.ok_or(ChannelError::MailUrl)?;
        let from = settings.from.as_deref().and_then(|from| from.parse::<Mailbox>().ok());
        let known = |from: &Mailbox| addresses::mail(from.email.as_ref()).is_some();
        let from = from.filter(known).ok_or(ChannelError::From)?;
        let start = url.scheme() == "smtp";
        let privacy = match settings.plain_text {
            true if start && is_here(&url) => Privacy::ThisMachine,
            true => return Err(ChannelError::PlainTextMail),
            false if start => Privacy::StartTls(trusting(settings.ca_file.as_deref())?),
            false => Privacy::Tls(trusting(settings.ca_file.as_deref())?),
        };
        let host = url.host_str().unwrap_or_default();
        let server = Server {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(if start { 587 } else { 465 }),
            privacy,
            hello: from.email.domain().to_owned(),
            user: user(settings, &url)?,
        };
        Ok(Self { server, from, deadline: settings.deadline()?, kept: Mutex::default() })
    }

    /// Hands a letter over.
    pub(super) async fn send(&self, to: &str, message: &Message) -> Answer {
        let deadline = Instant::now() + self.deadline;
        let Some(letter) = letter(&self.from, to, message) else {
            return Answer::Undeliverable { why: Why::MessageRefused };
        };
        while let Some(mut connection) = self.take_kept(deadline) {
            match self.hand_over(&mut connection, to, &letter).await {
                // It was closed while nobody looked, or has carried as many letters as it may.
                Err((Step::Sender, Fault::Broken(_) | Fault::Said(Reply { code: 421, .. }))) => {}
                ended => return self.conclude(connection, ended, to),
            }
        }
        match self.server.meet(deadline).await {
            Ok(mut connection) => {
                let ended = self.hand_over(&mut connection, to, &letter).await;
                self.conclude(connection, ended, to)
            }
            Err(NotReady { why, code }) => {
                if let Some(code) = code {
                    tracing::info!(code, "a mail server does not let us begin");
                }
                Answer::Later { why }
            }
        }
    }

    async fn hand_over(
        &self,
        connection: &mut Connection,
        to: &str,
        letter: &[u8],
    ) -> Result<Reply, (Step, Fault)> {
        let at = |step| move |why| (step, Fault::Broken(why));
        let from = format!("MAIL FROM:<{}>", self.from.email);
        let reply = connection.command(&from).await.map_err(at(Step::Sender))?;
        if reply.code != 250 {
            return Err((Step::Sender, Fault::Said(reply)));
        }
        let to = format!("RCPT TO:<{to}>");
        let reply = connection.command(&to).await.map_err(at(Step::Recipient))?;
        if !matches!(reply.code, 250..=252) {
            return Err((Step::Recipient, Fault::Said(reply)));
        }
        let reply = connection.command("DATA").await.map_err(at(Step::Text))?;
        if reply.code != 354 {
            return Err((Step::Text, Fault::Said(reply)));
        }
        connection.text(letter).await.map_err(at(Step::Text))?;
        let reply = connection.dot().await.map_err(at(Step::Dot))?;
        if reply.code == 250 { Ok(reply) } else { Err((Step::Dot, Fault::Said(reply))) }
    }

    /// What is known then. The connection is kept if all went well.
    fn conclude(
        &self,
        connection: Connection,
        ended: Result<Reply, (Step, Fault)>,
        to: &str,
    ) -> Answer {
        let (step, fault) = match ended {
            Ok(reply) => {
                self.keep(connection);
                return Answer::Accepted { reference: reference(&reply, to) };
            }
            Err(fault) => fault,
        };
        if let Fault::Said(reply) = &fault {
            let step: &str = step.into();
            tracing::info!(code = reply.code, step, "a mail server did not take a letter");
        }
        meaning(step, &fault)
    }

    fn keep(&self, connection: Connection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((connection, Instant::now() + KEPT_MAX));
    }

    fn take_kept(&self, deadline: Instant) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, until)| Instant::now() < *until);
        let (mut connection, _) = kept.pop()?;
        connection.deadline = deadline;
        Some(connection)
    }
}

/// What is known of a letter whose conversation ended otherwise than with 250 to its dot.
fn meaning(step: Step, fault: &Fault) -> Answer {
    let reply = match fault {
        Fault::Broken(why) if step == Step::Dot => return Answer::Uncertain { why: *why },
        Fault::Broken(why) => return Answer::Later { why: *why },
        Fault::Said(reply) => reply,
    };
    match (reply.code, step) {
        (200..=399, Step::Dot) => Answer::Uncertain { why: Why::Garbled },
        (200..=399, _) => Answer::Later { why: Why::Garbled },
        (421, _) => Answer::Later { why: Why::OutOfService },
        (530 | 534 | 535 | 538, _) => Answer::Later { why: Why::NotAuthenticated },
        (400..=499, Step::Recipient) => Answer::Later { why: Why::RecipientDeferred },
        (400..=499, _) => Answer::Later { why: Why::OutOfService },
        // A command that a server does not understand says nothing about whom it was for.
        (500..=504, _) => Answer::Later { why: Why::RefusedByProvider },
        (_, Step::Sender) => Answer::Later { why: Why::SenderRefused },
        (_, Step::Recipient) if reply.is_policy() => Answer::Later { why: Why::RefusedByProvider },
        (_, Step::Recipient) => Answer::Undeliverable { why: Why::UnknownRecipient },
        (_, Step::Text | Step::Dot) => Answer::Undeliverable { why: Why::MessageRefused },
    }
}

/// What the server calls the letter, as most say it: `queued as NAME`. Nothing else of its words is kept.
fn reference(reply: &Reply, to: &str) -> Option<String> {
    let (_, after) = reply.lines.last()?.split_once("queued as ")?;
    let name: &str = after.split_whitespace().next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let tells = to.split('@').any(|part| name.contains(part));
    let named = name.len() <= REFERENCE_MAX_BYTES && name.chars().all(plain) && !tells;
    named.then(|| name.to_owned())
}

fn is_of_server(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let named = !host.is_empty() && host.is_ascii();
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "smtp" | "smtps") && named && bare
}

fn user(
    settings: &MailSettings,
    url: &Url,
) -> Result<Option<(String, Zeroizing<String>)>, ChannelError> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
    let wrong = |_| ChannelError::MailUrl;
    let in_url = url.password().map(decoded).transpose().map_err(wrong)?;
    let apart = secret("mail", settings.password.as_ref(), settings.password_file.as_ref())?;
    let password = match (in_url, apart) {
        (Some(_), Some(_)) => return Err(ChannelError::TwoSecrets("mail")),
        (in_url, apart) => in_url.or(apart),
    };
    match (decoded(url.username()).map_err(wrong)?, password) {
        (user, None) if user.is_empty() => Ok(None),
        (user, Some(password)) if !user.is_empty() => Ok(Some((user, password.into()))),
        _ => Err(ChannelError::UserAndPassword),
    }
}

/// TLS that trusts the certificates of a file, or the system's.
fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, ChannelError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| ChannelError::NoCertificates)?;
    let Some(file) = ca_file else {
        let config = config.with_platform_verifier().map_err(|_| ChannelError::NoCertificates)?;
        return Ok(Arc::new(config.with_no_client_auth()));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|_| ChannelError::CaFile)? {
        let certificate = certificate.map_err(|_| ChannelError::CaFile)?;
        roots.add(certificate).map_err(|_| ChannelError::CaFile)?;
    }
    if roots.is_empty() {
        return Err(ChannelError::CaFile);
    }
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_certain_of_a_letter_whose_dot_was_sent_and_all_before() {
        for step in [Step::Sender, Step::Recipient, Step::Text] {
            let broken = meaning(step, &Fault::Broken(Why::NoAnswer));
            assert_eq!(broken, Answer::Later { why: Why::NoAnswer });
        }
        let broken = meaning(Step::Dot, &Fault::Broken(Why::NoAnswer));
        assert_eq!(broken, Answer::Uncertain { why: Why::NoAnswer });
        assert_eq!(said(Step::Dot, "251 forwarded"), Answer::Uncertain { why: Why::Garbled });
    }

    #[test]
    fn a_refusal_is_about_whom_or_what_it_was_said_to() {
        let later = |why| Answer::Later { why };
        let never = |why| Answer::Undeliverable { why };
        for (step, words, answer) in [
            (Step::Recipient, "550 5.1.1 no such user", never(Why::UnknownRecipient)),
            (Step::Recipient, "553 no", never(Why::UnknownRecipient)),
            (Step::Recipient, "554 no", never(Why::UnknownRecipient)),
            (Step::Recipient, "554 5.7.1 relay access denied", later(Why::RefusedByProvider)),
            (Step::Recipient, "530 5.7.0 authenticate first", later(Why::NotAuthenticated)),
            (Step::Recipient, "450 4.2.1 try again", later(Why::RecipientDeferred)),
            (Step::Recipient, "421 closing", later(Why::OutOfService)),
            (Step::Sender, "550 not you", later(Why::SenderRefused)),
            (Step::Sender, "451 not now", later(Why::OutOfService)),
            (Step::Sender, "503 AUTH first", later(Why::RefusedByProvider)),
            (Step::Text, "554 no valid recipients", never(Why::MessageRefused)),
            (Step::Text, "451 no", later(Why::OutOfService)),
            (Step::Dot, "452 full", later(Why::OutOfService)),
            (Step::Dot, "552 too large", never(Why::MessageRefused)),
            (Step::Dot, "550 5.7.1 looks like spam", never(Why::MessageRefused)),
        ] {
            assert_eq!(said(step, words), answer, "{words}");
        }
    }

    #[test]
    fn a_reference_is_kept_only_if_it_is_a_name_that_tells_nobody() {
        let of = |words: &str| {
            let reply = Reply { code: 250, lines: vec![words.to_owned()] };
            reference(&reply, "parent@mail.example")
        };
        assert_eq!(of("2.0.0 Ok: queued as 4XyZ0-1.a").as_deref(), Some("4XyZ0-1.a"));
        for words in [
            "2.0.0 Ok",
            "queued as ",
            "queued as parent@mail.example",
            "queued as parent.1",
            "queued as <b>",
            &format!("queued as {}", "a".repeat(65)),
        ] {
            assert_eq!(of(words), None, "{words}");
        }
    }

    fn said(step: Step, words: &str) -> Answer {
        let (code, line) = words.split_once(' ').unwrap();
        let reply = Reply { code: code.parse().unwrap(), lines: vec![line.to_owned()] };
        meaning(step, &Fault::Said(reply))
    }
}
