//! The log and everything done with it: deciding, sealing, following, rebuilding, auditing.
//!
//! The only crate that knows where events live.

pub mod header;
pub mod log;
pub mod clock;
mod command_id;
pub mod execute;
mod fatal;
pub mod journal;
pub mod keys;
pub mod seal;

pub use command_id::{command_id, new_command_id};
pub use execute::{Act, Done, ExecuteError};
pub use journal::{Entry, Journal, Page, Pages};
