//! The end of a process whose disk cannot be trusted any more.
//!
//! After a failed commit or fsync nobody knows what the disk holds, and SQLite would carry on. The
//! process acknowledges nothing more and ends; what it had acknowledged is read again at the next
//! start.

use std::{error::Error, process::exit};

/// `EX_IOERR` of `sysexits.h`.
const EXIT_CODE: i32 = 74;

/// Says what failed, and ends the process.
pub(crate) fn storage_failed(what: &str, error: &(dyn Error + 'static)) -> ! {
    tracing::error!(what, error, "the disk failed: stopping");
    exit(EXIT_CODE)
}
