//! The real binary on a data folder, as whoever runs it has it: its settings, its commands, its
//! servers. Whatever it prints and logs at its loudest is kept, to be searched for names.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{JoinHandle, spawn},
};

use serde_json::Value;

use crate::{canaries, data_folder::DataFolder, demo::binary, scene::TOKEN};

/// The binary and a folder of its own.
pub(crate) struct Preau {
    /// The data folder.
    pub(crate) folder: DataFolder,
    binary: String,
    settings: PathBuf,
    _place: tempfile::TempDir,
    printed: String,
}

/// A server that runs on the folder.
pub(crate) struct Server {
    process: Child,
    address: String,
    printed: String,
    lines: Receiver<String>,
    listening: Vec<JoinHandle<()>>,
}

impl Preau {
    /// On an empty folder, with some more settings than what every server needs.
    pub(crate) fn with(more: &str) -> Self {
        let (folder, place) = (DataFolder::new(), tempfile::tempdir().unwrap());
        let settings = format!(
            "data = {:?}\nlisten = \"127.0.0.1:0\"\n{more}\n\n[[tokens]]\ntoken = {TOKEN:?}\n\
             account = \"8c6f4f0e-6a4e-4c43-9a53-6f2f6f1f6a01\"\nscopes = [\"everything\"]\n",
            folder.path()
        );
        let path = place.path().join("preau.toml");
        fs::write(&path, settings).unwrap();
        let printed = String::new();
        Self { folder, binary: binary(), settings: path, _place: place, printed }
    }

    /// Runs a command that succeeds and tells ids and numbers; what it prints.
    pub(crate) fn tell(&mut self, line: &[&str]) -> String {
        let told = self.tell_of_people(line);
        self.printed += &told;
        told
    }

    /// Runs a command that succeeds and is asked to name people; what it prints.
    pub(crate) fn tell_of_people(&mut self, line: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.try_to(line);
        let (told, logged) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr));
        let logged = logged.unwrap();
        assert!(status.success(), "{line:?}: {told}{logged}");
        self.printed += &logged;
        told
    }

    /// Runs a command, whatever comes of it.
    pub(crate) fn try_to(&self, line: &[&str]) -> Output {
        self.command(line).output().unwrap()
    }

    /// Starts a server by a command.
    pub(crate) fn serve(&self, line: &[&str]) -> Server {
        let mut command = self.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (tell, lines) = channel();
        let listening = vec![
            listen(process.stdout.take().unwrap(), tell.clone()),
            listen(process.stderr.take().unwrap(), tell),
        ];
        let mut printed = String::new();
        let address = loop {
            let line = lines.recv().unwrap_or_else(|_| panic!("the server ended: {printed}"));
            printed += &line;
            // A server says it in its log, one of a past day on its standard output.
            if line.contains(r#""message":"serving""#) || line.starts_with("as of ") {
                let port = line.split("127.0.0.1:").nth(1).unwrap();
                let port = port.split(|c: char| !c.is_ascii_digit()).next().unwrap();
                break format!("http://127.0.0.1:{port}/api/v1");
            }
        };
        let server = Server { process, address, printed, lines, listening };
        // Once it answers, it also hears when it is told to stop.
        server.ask("GET", "/openapi.json", None, TOKEN);
        server
    }

    /// Keeps what a server has printed, once it has ended as it was told to.
    pub(crate) fn stop(&mut self, server: Server) {
        self.printed += &server.stop();
    }

    /// Looks for names in all that was printed and logged.
    pub(crate) fn has_named_nobody(&self) {
        for line in self.printed.lines() {
            assert_eq!(canaries::first_in(line.as_bytes()), None, "{line}");
        }
    }

    /// A command that is not run yet.
    pub(crate) fn command(&self, line: &[&str]) -> Command {
        let mut preau = Command::new(&self.binary);
        preau.arg("--config").arg(&self.settings).args(line).env("PREAU_TRACING", "trace");
        preau
    }
}

impl Server {
    /// Asks, with a token or a session's; the body of a success.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<Value>, token: &str) -> Value {
        let body = body.map(|body| body.to_string());
        let (status, answer) = self.try_to(method, path, body.as_deref(), token);
        assert!(status.starts_with('2'), "{method} {path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or(Value::String(answer))
    }

    /// Asks, whatever comes of it; the status and the body.
    pub(crate) fn try_to(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        token: &str,
    ) -> (String, String) {
        let mut more = vec!["-X", method, "-H", "Content-Type: application/json"];
        more.extend(body.iter().flat_map(|body| ["-d", body]));
        self.curl(&more, path, token)
    }

    /// An address below `/api/v1`, whole.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Sends files as a form in a browser does; the report.
    pub(crate) fn upload(&self, path: &str, files: &[PathBuf]) -> Value {
        let parts: Vec<_> = files.iter().map(|file| format!("file=@{}", file.display())).collect();
        let more: Vec<_> = parts.iter().flat_map(|part| ["-F", part]).collect();
        let (status, report) = self.curl(&more, path, TOKEN);
        assert_eq!(status, "200", "{report}");
        serde_json::from_str(&report).unwrap()
    }

    fn curl(&self, more: &[&str], path: &str, token: &str) -> (String, String) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-w", "\n%{http_code}"])
            .args(["-H", &format!("Authorization: Bearer {token}")])
            .args(more)
            .arg(self.at(path));
        let told = "this test needs curl: apt-get install curl";
        let answer = curl.output().unwrap_or_else(|error| panic!("{told}: {error}"));
        let answer = String::from_utf8(answer.stdout).unwrap();
        let (body, status) = answer.rsplit_once('\n').unwrap();
        (status.to_owned(), body.to_owned())
    }

    /// Stops it; what it has printed and logged.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        self.listening.drain(..).for_each(|listening| listening.join().unwrap());
        std::mem::take(&mut self.printed) + &self.lines.iter().collect::<String>()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves no server behind; nothing to do where it has ended already.
        let _ended = self.process.kill();
    }
}

/// A file of the invented school.
pub(crate) fn of_set(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("siecle").join(name)
}

/// Tells each line of a stream until its end.
fn listen(stream: impl Read + Send + 'static, tell: Sender<String>) -> JoinHandle<()> {
    spawn(move || {
        for line in BufReader::new(stream).lines() {
            // Whoever has failed listens no more.
            if tell.send(line.unwrap() + "\n").is_err() {
                break;
            }
        }
    })
}
