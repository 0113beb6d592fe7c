//! A mail server in a process of its own, with manners of every kind: `aiosmtpd` of Python's index, led by
//! `smtp/server.py`, where the manners are listed.
//!
//! It tells which letters it really took, whatever it said about them, and outlives whoever writes to it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

/// The server. It ends with this.
pub struct SmtpServer {
    /// Its port on this machine.
    pub port: u16,
    process: Child,
    taken: Arc<Taken>,
    told: Receiver<()>,
}

/// How long a letter may be on its way that is waited for.
const LETTER_MAX: Duration = Duration::from_secs(60);

/// What it has taken, and who waits for more.
#[derive(Default)]
struct Taken {
    letters: Mutex<Vec<Letter>>,
    more: Condvar,
}

/// A letter that it took.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What stands before the @ of its Message-ID.
    pub key: String,
    /// Whom it went to.
    pub to: String,
    /// Its subject, decoded.
    pub subject: String,
    /// Its text, decoded.
    pub text: String,
    /// Its headers by their names, decoded.
    pub headers: Value,
}

impl SmtpServer {
    /// A server with these options, if `PREAU_TEST_SMTP` says where the package is, as `./test` does; without
    /// it, says so.
    pub fn start(options: &Value) -> Option<Self> {
        let Some(folder) = std::env::var_os("PREAU_TEST_SMTP") else {
            let told = writeln!(std::io::stderr(), "PREAU_TEST_SMTP is not set: no mail is tried");
            told.unwrap();
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/smtp/server.py");
        let mut process = Command::new("python3")
            .arg(script)
            .args([folder, options.to_string().into()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut words = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        words.read_line(&mut port).unwrap();
        let port = port.trim().parse().unwrap();
        let (tell, told) = channel();
        let taken = Arc::default();
        let listening = Arc::clone(&taken);
        thread::spawn(move || listen(words, &listening, &tell));
        Some(Self { port, process, taken, told })
    }

    /// The certificate that vouches for it, unless its options say otherwise.
    pub fn ca_file() -> &'static str {
        concat!(env!("CARGO_MANIFEST_DIR"), "/smtp/trusted-ca.pem")
    }

    /// All letters that it has taken so far, in order.
    pub fn letters(&mut self) -> Vec<Letter> {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.told.recv().unwrap();
        self.taken.letters.lock().unwrap().clone()
    }

    /// Waits until it has taken so many different letters, and no longer: it may not have answered yet.
    pub fn wait_for(&self, letters: usize) {
        let known = self.taken.letters.lock().unwrap();
        let different = |known: &[Letter]| {
            let keys: BTreeSet<&str> = known.iter().map(|letter| letter.key.as_str()).collect();
            keys.len()
        };
        let too_few = |known: &mut Vec<Letter>| different(known) < letters;
        let waited = self.taken.more.wait_timeout_while(known, LETTER_MAX, too_few).unwrap();
        assert!(!waited.1.timed_out(), "{} letters of {letters}", different(&waited.0));
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn listen(words: BufReader<ChildStdout>, taken: &Taken, tell: &Sender<()>) {
    for line in words.lines() {
        let Ok(line) = line else { return };
        let Ok(letter) = serde_json::from_str::<Value>(&line) else {
            if tell.send(()).is_err() {
                return;
            }
            continue;
        };
        let said = |name: &str| letter[name].as_str().unwrap().to_owned();
        taken.letters.lock().unwrap().push(Letter {
            key: said("key"),
            to: letter["to"][0].as_str().unwrap().to_owned(),
            subject: said("subject"),
            text: said("text"),
            headers: letter["headers"].clone(),
        });
        taken.more.notify_all();
    }
}
