//! Locks on files: what only one process, and only one handle of it, may have open.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// A file that is taken, until this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes `what` by a file of its own.
    ///
    /// # Errors
    /// When another has it, or the file cannot be made.
    pub(crate) fn take(what: &str, path: &Path) -> io::Result<Self> {
        match Self::on(File::create(path)?) {
            Ok(lock) => Ok(lock),
            Err(TryLockError::Error(error)) => Err(error),
            Err(TryLockError::WouldBlock) => {
                let told =
                    format!("{what} is already open elsewhere: {} is locked", path.display());
                Err(io::Error::new(io::ErrorKind::ResourceBusy, told))
            }
        }
    }

    /// Takes an open file: this handle and those that it was cloned from.
    ///
    /// # Errors
    /// When another has it, or it cannot be locked.
    pub(crate) fn on(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    /// Closing alone is not enough: a program that is being started has all our files until it runs, and
    /// the lock with them.
    fn drop(&mut self) {
        let _gone_anyway = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_is_free_even_while_a_program_that_starts_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.lock");
        let first = Lock::take("the data folder", &path).unwrap();
        let inherited = first.0.try_clone().unwrap();
        let refused = Lock::take("the data folder", &path).unwrap_err();
        assert!(refused.to_string().contains("already open elsewhere"), "{refused}");
        drop(first);
        Lock::take("the data folder", &path).unwrap();
        drop(inherited);
    }
}
