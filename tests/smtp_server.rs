//! A mail server in a process of its own, with manners of every kind: `aiosmtpd` of Python's index, led by
//! `smtp/server.py`, where the manners are listed.
//!
//! It tells which letters it really took, whatever it said about them, and outlives whoever writes to it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use serde_json::Value;

/// The server. It ends with this.
pub struct SmtpServer {
    /// Its port on this machine.
    pub port: u16,
    process: Child,
    letters: Arc<Mutex<Vec<Letter>>>,
    told: Receiver<()>,
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
        let letters = Arc::default();
        let listening = Arc::clone(&letters);
        thread::spawn(move || listen(words, &listening, &tell));
        Some(Self { port, process, letters, told })
    }

    /// The certificate that vouches for it, unless its options say otherwise.
    pub fn ca_file() -> &'static str {
        concat!(env!("CARGO_MANIFEST_DIR"), "/smtp/trusted-ca.pem")
    }

    /// All letters that it has taken so far, in order.
    pub fn letters(&mut self) -> Vec<Letter> {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.told.recv().unwrap();
        self.letters.lock().unwrap().clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn listen(words: BufReader<ChildStdout>, letters: &Mutex<Vec<Letter>>, tell: &Sender<()>) {
    for line in words.lines() {
        let Ok(line) = line else { return };
        let Ok(letter) = serde_json::from_str::<Value>(&line) else {
            if tell.send(()).is_err() {
                return;
            }
            continue;
        };
        let said = |name: &str| letter[name].as_str().unwrap().to_owned();
        letters.lock().unwrap().push(Letter {
            key: said("key"),
            to: letter["to"][0].as_str().unwrap().to_owned(),
            subject: said("subject"),
            text: said("text"),
            headers: letter["headers"].clone(),
        });
    }
}
