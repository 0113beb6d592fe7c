//! Servers that the tests and the benches start for themselves: a real PostgreSQL, and a double of
//! EventStoreDB, which is none.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails its test")]

pub mod esdb_double;
pub mod postgres;
