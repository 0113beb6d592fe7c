//! A conversation with a mail server (RFC 5321): commands, replies, and how the connection becomes private.
//!
//! Written here because what is known of a message depends on the step at which a conversation ended,
//! which clients for general use do not tell. A server is not trusted either: its replies are bounded, and
//! one that comes before its question ends the conversation, since whoever stands between could have
//! put it there.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::FutureExt as _;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::Why;

/// How long a server may take to be reached.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long it may take for one reply, but the one that says that it has a message.
const REPLY_MAX: Duration = Duration::from_secs(10);

/// The longest line of a reply: twice what the standard allows.
const LINE_MAX_BYTES: usize = 1024;

/// The most lines of one reply.
const LINES_MAX: usize = 100;

/// A mail server, and how it is met.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) privacy: Privacy,
    /// What Préau calls itself.
    pub(super) hello: String,
    pub(super) user: Option<(String, Zeroizing<String>)>,
}

/// How nobody on the way reads what passes.
#[derive(Clone)]
pub(super) enum Privacy {
    /// TLS from the first byte.
    Tls(Arc<ClientConfig>),
    /// TLS before anything is said that matters.
    StartTls(Arc<ClientConfig>),
    /// There is no way: the server is on this machine.
    ThisMachine,
}

/// An open conversation.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// What was read and not understood yet.
    unread: Vec<u8>,
    /// When the time of the message under way is up.
    pub(super) deadline: Instant,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What a server says. Of its words only those are kept that a program reads.
#[derive(Debug)]
pub(super) struct Reply {
    /// The three digits.
    pub(super) code: u16,
    /// The lines without their codes.
    pub(super) lines: Vec<String>,
}

/// Why there is no connection that could be used.
#[derive(Debug)]
pub(super) struct NotReady {
    /// The reason.
    pub(super) why: Why,
    /// The code of a server that said no.
    pub(super) code: Option<u16>,
}

impl Server {
    /// Connects, and says who is there.
    pub(super) async fn meet(&self, deadline: Instant) -> Result<Connection, NotReady> {
        let until = deadline.min(Instant::now() + CONNECT_MAX);
        let stream = timeout_at(until, TcpStream::connect((self.host.as_str(), self.port))).await;
        let stream = stream.ok().and_then(Result::ok).ok_or(Why::Unreachable)?;
        // What is said is said in one piece: nothing is gained by waiting for more.
        stream.set_nodelay(true).map_err(|_| Why::Unreachable)?;
        let mut connection = Connection { stream: Box::new(stream), unread: Vec::new(), deadline };
        if let Privacy::Tls(config) = &self.privacy {
            connection = connection.in_private(&self.host, config).await?;
        }
        let greeting = connection.reply(REPLY_MAX).await?;
        greeting.is(220, Why::OutOfService)?;
        let mut extensions = self.greet(&mut connection).await?;
        if let Privacy::StartTls(config) = &self.privacy {
            if !extensions.iter().any(|extension| extension == "STARTTLS") {
                return Err(Why::Tls.into());
            }
            connection.command("STARTTLS").await?.is(220, Why::Tls)?;
            connection = connection.in_private(&self.host, config).await?;
            extensions = self.greet(&mut connection).await?;
        }
        if let Some((user, password)) = &self.user {
            connection.authenticate(&extensions, user, password).await?;
        }
        Ok(connection)
    }

    /// What the server can do.
    async fn greet(&self, connection: &mut Connection) -> Result<Vec<String>, NotReady> {
        let reply = connection.command(&format!("EHLO {}", self.hello)).await?;
        let reply = reply.is(250, Why::RefusedByProvider)?;
        Ok(reply.lines.iter().skip(1).map(|line| line.trim().to_ascii_uppercase()).collect())
    }
}

impl Connection {
    /// Says a command and hears the reply.
    pub(super) async fn command(&mut self, line: &str) -> Result<Reply, Why> {
        self.is_quiet()?;
        self.write(format!("{line}\r\n").as_bytes(), REPLY_MAX).await?;
        self.reply(REPLY_MAX).await
    }

    /// Hands over what a message says, without the dot that ends it: a server does not have it yet.
    pub(super) async fn text(&mut self, letter: &[u8]) -> Result<(), Why> {
        self.write(&dotted(letter), Duration::MAX).await?;
        self.is_quiet()
    }

    /// Ends a message. Whatever happens from here on, the server may have it.
    pub(super) async fn dot(&mut self) -> Result<Reply, Why> {
        self.write(b".\r\n", Duration::MAX).await?;
        self.reply(Duration::MAX).await
    }

    async fn in_private(self, host: &str, config: &Arc<ClientConfig>) -> Result<Self, Why> {
        // Words that were said in the open would be heard as if they had been said in private.
        self.is_empty()?;
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| Why::Tls)?;
        let until = self.deadline.min(Instant::now() + REPLY_MAX);
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = timeout_at(until, connector.connect(name, self.stream)).await;
        let stream = stream.map_err(|_| Why::Timeout)?.map_err(|_| Why::Tls)?;
        Ok(Self { stream: Box::new(stream), unread: Vec::new(), deadline: self.deadline })
    }

    async fn authenticate(
        &mut self,
        extensions: &[String],
        user: &str,
        password: &str,
    ) -> Result<(), NotReady> {
        let known = extensions.iter().filter_map(|extension| extension.strip_prefix("AUTH"));
        let known: Vec<&str> = known.flat_map(|ways| ways.split([' ', '='])).collect();
        let no = Why::NotAuthenticated;
        let last = if known.contains(&"PLAIN") {
            let both = Zeroizing::new(format!("\0{user}\0{password}"));
            let line = Zeroizing::new(format!("AUTH PLAIN {}", STANDARD.encode(both.as_bytes())));
            self.command(&line).await?
        } else if known.contains(&"LOGIN") {
            self.command("AUTH LOGIN").await?.is(334, no)?;
            self.command(&STANDARD.encode(user)).await?.is(334, no)?;
            self.command(&Zeroizing::new(STANDARD.encode(password))).await?
        } else {
            return Err(no.into());
        };
        last.is(235, no).map(|_| ())
    }

    /// Whether the server says nothing that it was not asked, as far as can be seen without waiting.
    fn is_quiet(&mut self) -> Result<(), Why> {
        self.is_empty()?;
        match self.stream.read(&mut [0; 1]).now_or_never() {
            None => Ok(()),
            Some(Ok(1..)) => Err(Why::Garbled),
            Some(Ok(0) | Err(_)) => Err(Why::NoAnswer),
        }
    }

    fn is_empty(&self) -> Result<(), Why> {
        if self.unread.is_empty() { Ok(()) } else { Err(Why::Garbled) }
    }

    async fn write(&mut self, bytes: &[u8], patience: Duration) -> Result<(), Why> {
        let until = self.until(patience);
        let written = timeout_at(until, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        written.await.map_err(|_| Why::Timeout)?.map_err(|_| Why::NoAnswer)
    }

    /// Hears a whole reply, all of it within the time: a server that dribbles gains nothing.
    async fn reply(&mut self, patience: Duration) -> Result<Reply, Why> {
        let until = self.until(patience);
        timeout_at(until, self.whole_reply()).await.map_err(|_| Why::Timeout)?
    }

    async fn whole_reply(&mut self) -> Result<Reply, Why> {
        let mut reply = None;
        loop {
            let line = self.line().await?;
            let (code, goes_on, words) = parsed(&line).ok_or(Why::Garbled)?;
            let reply = reply.get_or_insert_with(|| Reply { code, lines: Vec::new() });
            if reply.code != code || reply.lines.len() == LINES_MAX {
                return Err(Why::Garbled);
            }
            reply.lines.push(words);
            if !goes_on {
                return Ok(Reply { code, lines: std::mem::take(&mut reply.lines) });
            }
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Why> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                line.truncate(end);
                return Ok(line);
            }
            if self.unread.len() > LINE_MAX_BYTES {
                return Err(Why::Garbled);
            }
            let mut piece = [0; LINE_MAX_BYTES];
            match self.stream.read(&mut piece).await {
                Ok(0) | Err(_) => return Err(Why::NoAnswer),
                Ok(read) => self.unread.extend_from_slice(&piece[..read]),
            }
        }
    }

    fn until(&self, patience: Duration) -> Instant {
        let patient = Instant::now().checked_add(patience);
        patient.map_or(self.deadline, |until| until.min(self.deadline))
    }
}

impl Reply {
    /// The reply, if it is this one.
    fn is(self, code: u16, otherwise: Why) -> Result<Self, NotReady> {
        if self.code == code {
            return Ok(self);
        }
        let why = match self.code {
            200..=399 => Why::Garbled,
            421 => Why::OutOfService,
            _ => otherwise,
        };
        Err(NotReady { why, code: Some(self.code) })
    }

    /// Whether a refusal is about who may send, not about whom it was for: most servers say so by their
    /// finer code (RFC 3463, 3.8).
    pub(super) fn is_policy(&self) -> bool {
        self.lines.iter().any(|line| line.starts_with("5.7."))
    }
}

impl From<Why> for NotReady {
    fn from(why: Why) -> Self {
        Self { why, code: None }
    }
}

/// The code of a line, whether more follow, and its words.
fn parsed(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3)?;
    if !matches!(code, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (goes_on, words) = match rest {
        [] => (false, rest),
        [b' ', words @ ..] => (false, words),
        [b'-', words @ ..] => (true, words),
        _ => return None,
    };
    Some((code, goes_on, String::from_utf8_lossy(words).into_owned()))
}

/// The lines of a letter, each that begins with a dot with another one before it (RFC 5321, 4.5.2), the last
/// one ended.
fn dotted(letter: &[u8]) -> Vec<u8> {
    let mut dotted = Vec::with_capacity(letter.len() + 64);
    for line in letter.split(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            dotted.push(b'.');
        }
        dotted.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        dotted.extend_from_slice(b"\r\n");
    }
    dotted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_letter_is_taken_for_its_end() {
        let lines = dotted(b"a\r\n.\r\n.b\n..\r\n\n.");
        assert_eq!(lines, b"a\r\n..\r\n..b\r\n...\r\n\r\n..\r\n");
    }

    #[test]
    fn a_line_that_is_no_reply_is_not_taken_for_one() {
        for line in ["", "2", "25", "250x", "199 ", "600 no", "2x0 ok", " 250 ok", "HTTP/1.1 200"] {
            assert!(parsed(line.as_bytes()).is_none(), "{line:?}");
        }
        assert_eq!(parsed(b"250"), Some((250, false, String::new())));
        assert_eq!(parsed(b"250-PIPELINING\r"), Some((250, true, "PIPELINING".to_owned())));
        assert_eq!(parsed(b"354 go on"), Some((354, false, "go on".to_owned())));
        assert!(parsed(b"554 \xff\xfe").is_some());
    }
}
