//! An SMS gateway with manners of every kind, on threads of its own: it answers whatever the test or the
//! process that asks is doing, and outlives who asks.
//!
//! It speaks just enough HTTP to break it. An `Idempotency-Key` that it has seen is answered as before and
//! sends nothing again; requests without one are each a message.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

/// How long a message may be on its way that is waited for.
const MESSAGE_MAX: Duration = Duration::from_secs(60);

/// The gateway. Its threads end with the process. Cheap to clone.
#[derive(Clone)]
pub struct SmsGateway {
    /// Its port on this machine.
    pub port: u16,
    shared: Arc<Shared>,
}

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Takes the message and says so, as OVH does.
    Takes,
    /// Answers this status and body, and takes nothing.
    Says(u16, String),
    /// Sends elsewhere.
    Redirects(String),
    /// Answers nothing, ever.
    NeverAnswers,
    /// Reads the request and hangs up.
    HangsUp,
    /// Takes the message and answers nothing; the same once more it answers as one that takes.
    TakesShyly,
    /// Takes the message and hangs up.
    TakesAndHangsUp,
    /// Takes the message, says 200, and hangs up in the middle of the body.
    StopsAmidTheBody,
    /// Takes the message, says 200, and never comes to the end of the body.
    NeverEnds,
    /// Answers what is no HTTP.
    Babbles,
}

/// A request that it read.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method and the address.
    pub line: String,
    /// Its headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    /// What it says.
    pub body: String,
}

struct Shared {
    state: Mutex<State>,
    /// For those who wait for a message.
    more: Condvar,
    /// For those who wait for ever.
    never: Condvar,
}

struct State {
    manner: Manner,
    asked: Vec<Asked>,
    taken: Vec<Asked>,
}

impl SmsGateway {
    /// A gateway that takes everything, until it is told otherwise.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { manner: Manner::Takes, asked: Vec::new(), taken: Vec::new() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            more: Condvar::new(),
            never: Condvar::new(),
        });
        let gateway = Self { port, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                // Whoever hangs up while it is spoken to is no concern of a gateway.
                thread::spawn(move || shared.answer(stream?).map(drop));
            }
        });
        gateway
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/sms", self.port)
    }

    /// What it does from now on.
    pub fn will(&self, manner: Manner) {
        self.shared.state.lock().unwrap().manner = manner;
    }

    /// All that it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state.lock().unwrap().asked.clone()
    }

    /// Waits until it has sent so many messages, and no longer: it may not have answered yet.
    pub fn wait_for(&self, messages: usize) {
        let state = self.shared.state.lock().unwrap();
        let too_few = |state: &mut State| state.taken.len() < messages;
        let waited = self.shared.more.wait_timeout_while(state, MESSAGE_MAX, too_few).unwrap();
        assert!(!waited.1.timed_out(), "{} messages of {messages}", waited.0.taken.len());
    }

    /// What it has really sent, each once.
    pub fn taken(&self) -> Vec<Asked> {
        self.shared.state.lock().unwrap().taken.clone()
    }
}

impl Asked {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }

    /// A field of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut fields = form_urlencoded::parse(self.body.as_bytes());
        fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    fn read(stream: &TcpStream) -> std::io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let header = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers: Vec<_> = lines.iter().skip(1).filter_map(header).collect();
        let line = lines.into_iter().next().unwrap_or_default();
        let mut asked = Self { line, headers, body: String::new() };
        let length = asked.header("content-length").and_then(|length| length.parse().ok());
        let length = length.unwrap_or(0);
        reader.take(length).read_to_string(&mut asked.body)?;
        if (asked.body.len() as u64) < length {
            // Whoever hangs up in the middle of a sentence has asked for nothing.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(asked)
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let asked = Asked::read(&stream)?;
        let mut state = self.state.lock().unwrap();
        let manner = state.manner.clone();
        state.asked.push(asked.clone());
        let known = state.taken.len();
        match manner {
            Manner::Takes | Manner::TakesShyly => {
                let id = state.take(asked);
                self.more.notify_all();
                if matches!(manner, Manner::TakesShyly) && id == known {
                    let _for_ever = self.never.wait_while(state, |_| true);
                    return Ok(());
                }
                drop(state);
                let body = format!(r#"{{"status":100,"creditLeft":"7","smsIds":["{id}"]}}"#);
                say(&mut stream, 200, "", &body)
            }
            Manner::Says(status, body) => {
                drop(state);
                say(&mut stream, status, "", &body)
            }
            Manner::Redirects(to) => {
                drop(state);
                say(&mut stream, 302, &format!("Location: {to}\r\n"), "")
            }
            Manner::NeverAnswers => {
                let _for_ever = self.never.wait_while(state, |_| true);
                Ok(())
            }
            Manner::HangsUp => Ok(()),
            Manner::TakesAndHangsUp => {
                state.take(asked);
                Ok(())
            }
            Manner::StopsAmidTheBody => {
                state.take(asked);
                drop(state);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":100")
            }
            Manner::NeverEnds => {
                state.take(asked);
                drop(state);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"status\":100,\"smsIds\":[\"")?;
                loop {
                    stream.write_all(&[b'7'; 4096])?;
                }
            }
            Manner::Babbles => {
                drop(state);
                stream.write_all(b"220 smtp.example ESMTP\r\n250 OK\r\n")
            }
        }
    }
}

impl State {
    /// Sends a message, once for each key; what it is called.
    fn take(&mut self, asked: Asked) -> usize {
        let key = asked.header("idempotency-key").map(str::to_owned);
        let same =
            |known: &Asked| key.is_some() && known.header("idempotency-key") == key.as_deref();
        let known = self.taken.iter().position(same);
        known.unwrap_or_else(|| {
            self.taken.push(asked);
            self.taken.len() - 1
        })
    }
}

fn say(stream: &mut TcpStream, status: u16, header: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\n{header}Content-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes())
}
