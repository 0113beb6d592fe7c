//! The master key: the one secret that opens the vault, in a file that is never inside it.
//!
//! The file holds 64 hexadecimal digits and a line end, so that an operator can keep a copy on
//! paper or in a secret manager. Where the file is belongs to the settings.

use std::{
    fs::{File, OpenOptions, hard_link, remove_file},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::hex;
use crate::seal::Key;

const OTHERS: u32 = 0o077;
const DIGITS: usize = 64;

/// The key that wraps all others.
#[derive(Debug)]
pub struct MasterKey(pub(super) Key);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read or made.
    #[error("the master key file {path} cannot be read or made")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Other users of the machine could read it.
    #[error("the master key file {path} can be read by others (mode {mode:o}): chmod 600 it")]
    ReadableByOthers {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error("the master key file {path} does not hold 64 hexadecimal digits")]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

impl MasterKey {
    /// Reads the key from its file; at the very first start, makes both.
    ///
    /// # Errors
    /// See [`MasterKeyError`].
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        let file_error = |source| MasterKeyError::File { path: path.to_owned(), source };
        match File::open(path) {
            Ok(file) => load(path, file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(path).map_err(file_error)?;
                load(path, File::open(path).map_err(file_error)?)
            }
            Err(error) => Err(file_error(error)),
        }
    }
}

fn load(path: &Path, file: File) -> Result<MasterKey, MasterKeyError> {
    let file_error = |source| MasterKeyError::File { path: path.to_owned(), source };
    let malformed = || MasterKeyError::Malformed { path: path.to_owned() };
    let mode = file.metadata().map_err(file_error)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(MasterKeyError::ReadableByOthers { path: path.to_owned(), mode });
    }
    // One digit more than is right, and the line end: enough to see that it is too long.
    let mut text = Zeroizing::new(Vec::with_capacity(DIGITS + 3));
    let most = u64::try_from(text.capacity()).unwrap_or_default();
    file.take(most).read_to_end(&mut text).map_err(file_error)?;
    let bytes = Zeroizing::new(hex::read(text.trim_ascii()).ok_or_else(malformed)?);
    Key::from_bytes(&bytes).map(MasterKey).ok_or_else(malformed)
}

/// The file appears under its name only once it is whole and on the disk: a crash on the way
/// leaves no key, never half a one. The name is never taken from a file that has it.
fn create(path: &Path) -> io::Result<()> {
    let key = Key::random().map_err(io::Error::other)?;
    let mut text = Zeroizing::new(hex::write(key.bytes()));
    text.push('\n');
    // A name of its own: whoever makes a key at the same time must not write into this one.
    let unfinished = path.with_added_extension(format!("{}.unfinished", Uuid::now_v7()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match hard_link(&unfinished, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => remove_file(&unfinished)?,
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, read_to_string, set_permissions, write};

    use super::*;

    #[test]
    fn all_who_start_at_once_have_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let start = || MasterKey::load_or_create(&path).unwrap().0.bytes().to_vec();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn the_first_start_makes_a_key_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::load_or_create(&path).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read_to_string(&path).unwrap().len(), DIGITS + 1);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        let read = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(made.0.bytes(), read.0.bytes());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::load_or_create(&path).unwrap();
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let refused = MasterKey::load_or_create(&path).unwrap_err();
        assert!(matches!(refused, MasterKeyError::ReadableByOthers { mode: 0o640, .. }));
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for wrong in ["", "0a", &"0".repeat(63), &"0".repeat(65), &"é".repeat(32)] {
            write(&path, wrong).unwrap();
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let refused = MasterKey::load_or_create(&path).unwrap_err();
            assert!(matches!(refused, MasterKeyError::Malformed { .. }), "{wrong}");
            assert_eq!(read_to_string(&path).unwrap(), wrong);
        }
    }
}
