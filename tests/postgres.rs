//! A PostgreSQL server for the tests: a real one, in a scratch folder, run by an ordinary user, with
//! nothing but a socket. It is gone when the test program is, whatever ends that.
//!
//! Where its programs are: in the folder that `PREAU_TEST_POSTGRES` names, or that `pg_config` tells.
//! Where there are none the tests that need it say so, and `./test` installs them first.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

/// An ordinary user and group, for the server refuses to be run by root.
const NOBODY: u32 = 65_534;

/// Stops the server, and with it everything it wrote, when whoever started it is gone.
const KEEPER: &str = r#"
    pg_ctl -D "$1/data" -w -l "$1/log" -o "$2" start >/dev/null && echo ready
    read -r _
    pg_ctl -D "$1/data" -w -m immediate stop >/dev/null 2>&1
    rm -rf "$1"
"#;

/// A server of the tests.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    options: String,
    databases: AtomicU32,
    pooler: OnceLock<Option<Pooler>>,
    /// Ends, and the server with it, when its standard input is closed.
    keeper: Child,
}

/// Runs a pooler for as long as whoever started it is there.
const POOL_KEEPER: &str = r#"
    exec 3<&0
    "$1" -q "$2" & pooler=$!
    read -r _ <&3
    kill "$pooler"
"#;

/// A pooler; it ends when its standard input is closed.
struct Pooler {
    _keeper: Child,
}

impl Server {
    /// The server that all tests share which do it no harm; none where there are no programs for it.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// A server of one's own; none where there are no programs for it.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!(
                "not tried: there is no PostgreSQL here (PREAU_TEST_POSTGRES=its bin folder)"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        let made = as_nobody(&programs, "initdb", folder.path())
            .args(["--username=preau", "--encoding=UTF8", "--no-locale", "--auth=trust"])
            .args(["--no-instructions", "--pgdata"])
            .arg(&data)
            .output();
        told(&made.unwrap());
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c max_connections=300",
            folder.path().display()
        );
        let mut keeper = as_nobody(Path::new(""), "sh", folder.path())
            .args(["-c", KEEPER, "keeper"])
            .arg(folder.path())
            .arg(&options)
            .env("PATH", programs_first(&programs))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "the server does not start: see its log");
        let databases = AtomicU32::default();
        let pooler = OnceLock::new();
        Some(Self { folder, programs, options, databases, pooler, keeper })
    }

    /// The URL of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("preau_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        told(&self.run("createdb", &[&name]));
        self.url(&name)
    }

    /// The URL of a database.
    pub fn url(&self, name: &str) -> String {
        format!("postgres:///{name}?host={}&user=preau", self.folder.path().display())
    }

    /// The URL of a new, empty database behind a pooler that lends connections for one transaction
    /// each (`PgBouncer`); none where there is no such program.
    pub fn pooled_database(&self) -> Option<String> {
        let pooler = self.pooler.get_or_init(|| self.start_pooler());
        let url = self.database();
        let behind = format!("host={}/pool&", self.folder.path().display());
        let direct = format!("host={}&", self.folder.path().display());
        pooler.as_ref().map(|_| url.replace(&direct, &behind))
    }

    fn start_pooler(&self) -> Option<Pooler> {
        let Some(program) = env::split_paths(&programs_first(&self.programs))
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join("pgbouncer"))
            .find(|program| program.exists())
        else {
            eprintln!("not tried: there is no PgBouncer here");
            return None;
        };
        let folder = self.folder.path().display();
        let settings = format!(
            "[databases]\n* = host={folder} user=preau\n[pgbouncer]\npool_mode = transaction\n\
             auth_type = any\nunix_socket_dir = {folder}/pool\nlisten_port = 5432\n\
             ignore_startup_parameters = extra_float_digits\nmax_client_conn = 1000\n\
             default_pool_size = 20\nlogfile = {folder}/pool/log\n"
        );
        let file = self.folder.path().join("pgbouncer.ini");
        told(&self.run("mkdir", &["pool"]));
        std::fs::write(&file, settings).unwrap();
        let child = as_nobody(Path::new(""), "sh", self.folder.path())
            .args(["-c", POOL_KEEPER, "keeper"])
            .args([&program, &file])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let socket = self.folder.path().join("pool/.s.PGSQL.5432");
        while !socket.exists() {
            std::thread::yield_now();
        }
        Some(Pooler { _keeper: child })
    }

    /// Kills the server in the middle of whatever it does (`kill -9`), all its processes.
    pub fn kill(&self) {
        let file = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let postmaster = file.lines().next().unwrap();
        let children = Command::new("pgrep").args(["-P", postmaster]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        // Some of them may have ended by themselves meanwhile.
        let all = std::iter::once(postmaster).chain(children.split_whitespace());
        let _some_are_gone = Command::new("kill").arg("-9").args(all).output().unwrap();
        while Path::new("/proc").join(postmaster).exists() {
            std::thread::yield_now();
        }
    }

    /// Starts it again after [`Self::kill`]; it recovers first.
    pub fn start_again(&self) {
        let data = self.folder.path().join("data").display().to_string();
        let log = self.folder.path().join("log").display().to_string();
        let mut start = as_nobody(&self.programs, "pg_ctl", self.folder.path());
        start.args(["-D", &data, "-w", "-l", &log, "-o", &self.options, "start"]);
        told(&start.stdout(Stdio::null()).stderr(Stdio::null()).output().unwrap());
    }

    /// Runs one of PostgreSQL's own programs, or a shell that calls them, on this server.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        as_nobody(Path::new(""), program, self.folder.path())
            .env("PATH", programs_first(&self.programs))
            .env("PGHOST", self.folder.path())
            .env("PGUSER", "preau")
            .args(arguments)
            .output()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

fn programs() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("PREAU_TEST_POSTGRES") {
        return Some(folder.into());
    }
    let told = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(told.stdout).ok()?.trim());
    folder.join("initdb").exists().then_some(folder)
}

fn programs_first(programs: &Path) -> String {
    format!("{}:{}", programs.display(), env::var("PATH").unwrap_or_default())
}

/// A program that runs as an ordinary user, in a folder that this user may enter.
fn as_nobody(programs: &Path, program: &str, folder: &Path) -> Command {
    let mut command = Command::new(programs.join(program));
    command.current_dir(folder);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn told(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
