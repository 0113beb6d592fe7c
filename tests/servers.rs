//! Servers that the tests and the benches start for themselves: a real PostgreSQL, a real mail server, a
//! double of EventStoreDB and one of an SMS gateway.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails its test")]

pub mod esdb_double;
pub mod postgres;
pub mod sms_gateway;
pub mod smtp_server;
