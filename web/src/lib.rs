//! What people see in a browser: rows in, HTML out.
//!
//! The pages come with accounts, since nobody is shown anything before saying who they are. Until
//! then this crate keeps their place in the order of the layers: it knows the tables, not the log.
