//! The log and everything done with it: deciding, sealing, following, rebuilding, auditing.
//!
//! The only crate that knows where events live. [`Node`] is all of it running on a data folder;
//! [`Journal`] reads and decides; [`AccessLog`] tells who signed in and who read what; [`log`] keeps.

pub mod access;
pub mod clock;
mod command_id;
pub mod execute;
mod fatal;
pub mod follow;
pub mod header;
pub mod history;
pub mod journal;
pub mod keys;
mod lock;
pub mod log;
pub mod moving;
mod node;
pub mod place;
mod react;
pub mod rebuild;
pub mod seal;

pub use access::AccessLog;
pub use clock::Clock;
pub use command_id::{command_id, made_by, new_command_id};
pub use execute::{Act, Done, ExecuteError};
pub use journal::{Entry, Journal, Page, Pages};
pub use node::{Node, NotYet, Running};
pub use place::Place;
pub use react::Reacted;
