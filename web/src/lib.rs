//! What people see in a browser: rows in, HTML out.
//!
//! So far the letters that bring people their first code ([`accounts`]). Pages to work with come
//! later; this crate knows the tables, not the log.

pub mod accounts;
