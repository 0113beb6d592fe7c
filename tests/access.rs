//! Who may see and do what: the table, tested whole, and what the API makes of it.

#[path = "access/beyond.rs"]
mod beyond;
#[path = "access/callers.rs"]
mod callers;
#[path = "access/cases.rs"]
mod cases;
#[path = "access/files.rs"]
mod files;
#[path = "access/guard.rs"]
mod guard;
#[path = "access/house.rs"]
pub(crate) mod house;
#[path = "access/never_wider.rs"]
mod never_wider;
#[path = "access/other_family.rs"]
mod other_family;
#[path = "access/table.rs"]
mod table;
#[path = "access/walk.rs"]
mod walk;
