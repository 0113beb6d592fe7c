//! Moving house: both logs of a place as one file, and from the file into another place, on any engine.
//!
//! The file holds the stored bytes of every event, sealed as they are, in the order of its log, each
//! chained to all before it ([`form`]). [`export()`] writes it and goes on where it stopped, also after
//! months; [`import()`] writes only after the whole file was read and the target found to be its
//! beginning, and answers only after the whole target was read again and found to be the file.
//!
//! Keys move by themselves ([`crate::keys::copy`]): no key is in the file, and none is needed to move.
//! Nothing is decided or opened here; what is unreadable moves too.

mod export;
mod form;
mod import;

pub use export::{Exported, To, export};
pub use form::{Broken, LogEnd};
pub use import::{Imported, ImportedLog, import};

use crate::log::LogName;

/// Told again and again: how much is done, and of how much.
pub type Progress<'p> = &'p mut (dyn FnMut(u64, u64) + Send);

/// Both logs, in the order in which they move.
const BOTH: [LogName; 2] = [LogName::School, LogName::Access];

/// What a log is called where people read it.
fn called(name: LogName) -> &'static str {
    match name {
        LogName::School => "log of the schools",
        LogName::Access => "access log",
    }
}
