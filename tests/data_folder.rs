//! The data folder of a test, and the search for names at its end.
//!
//! No file of it may name anybody but the tables, whose purpose it is: not the sealed logs, not the
//! vault, nothing that was left in a corner. Nor may anything that was logged meanwhile, at any level:
//! the nodes of all tests log into one search. Past days in the scratch folder are tables too.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Mutex, Once, PoisonError},
};

use tempfile::TempDir;
use tracing_subscriber::filter::LevelFilter;

use crate::canaries;

/// What the names of files with tables begin with: the live ones, and past days.
const TABLES: [&str; 2] = ["tables-", "as-of.db"];

/// The folder that messages to families are written into where no provider carries them.
const OUTBOX: &str = "outbox";

/// What is logged by whatever runs in the process of the tests.
static LOGGED: Logged = Logged { names: Mutex::new(Vec::new()) };

/// A data folder. When a test is done with it, it is searched and deleted.
pub(crate) struct DataFolder(TempDir);

impl DataFolder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            let all = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
            all.with_writer(|| &LOGGED).init();
        });
        Self(tempfile::tempdir().unwrap())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(first_leak(self.path()), None, "a name lies in clear");
            let names = LOGGED.names.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(names.is_empty(), "the log of a test names somebody: {names:?}");
        }
    }
}

/// The first name in a folder that is not in its tables, and the file that it is in.
pub(crate) fn first_leak(folder: &Path) -> Option<String> {
    let mut files = files_below(folder).into_iter().filter(|file| !holds_tables(file));
    files.find_map(|file| {
        let bytes = match fs::read(&file) {
            // Whoever still runs on the folder may have deleted it.
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            read => read.unwrap(),
        };
        let name = canaries::first_in(&bytes)?;
        Some(format!("{name:?} in {}", file.display()))
    })
}

/// Whether what is said of somebody would be found, if it was said where it does not belong.
pub(crate) fn would_be_found(said: &str) -> bool {
    said.len() < canaries::BYTES_MIN || canaries::first_in(said.as_bytes()).is_some()
}

fn holds_tables(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    let in_outbox = file.parent().is_some_and(|folder| folder.ends_with(OUTBOX));
    in_outbox || TABLES.iter().any(|begin| name.starts_with(begin))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The names in what is logged, each with its line.
struct Logged {
    names: Mutex<Vec<String>>,
}

impl Write for &Logged {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(name) = canaries::first_in(line) {
            let told = format!("{name:?} in {}", String::from_utf8_lossy(line));
            self.names.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_name_in_a_corner_of_a_data_folder_is_found_however_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let corner = folder.path().join("scratch/kept.txt");
    fs::create_dir(folder.path().join("scratch")).unwrap();
    for name in ["Perlorron", "perlorron", "Œuvreçaux", "ŒUVREÇAUX", "oeuvrecaux", "O'MÉRION"]
    {
        fs::write(&corner, format!("\u{0}{name}\u{0}")).unwrap();
        assert!(first_leak(folder.path()).is_some(), "{name}");
    }
    fs::write(&corner, b"ma\xffle \xbcuvre\xe7aux").unwrap();
    assert!(first_leak(folder.path()).is_some(), "in the encoding of the national files");
    fs::write(&corner, "nobody at all").unwrap();
    fs::write(folder.path().join("tables-1.db"), "Perlorron").unwrap();
    assert_eq!(first_leak(folder.path()), None, "tables are there to hold names");
}

#[test]
fn a_name_that_is_logged_is_found() {
    let logged = Logged { names: Mutex::default() };
    (&logged).write_all(b"INFO the roll of 6e B was called").unwrap();
    assert!(logged.names.lock().unwrap().is_empty());
    (&logged).write_all("DEBUG adèle is absent".as_bytes()).unwrap();
    assert_eq!(logged.names.lock().unwrap().len(), 1);
}
