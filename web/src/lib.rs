//! What people read: rows in, HTML and messages out.
//!
//! Letters that bring people their first code ([`accounts`]); what families are told of an absence,
//! and the page on which they answer ([`alerts`]); the papers that the law asks for when absences
//! repeat themselves ([`followups`]). Pages to work with come later; this crate knows what is to be
//! shown, not the log, and sends nothing.

pub mod accounts;
pub mod alerts;
pub mod followups;
mod french;
mod words;
