//! What holds whatever is asked, in whatever order.
//!
//! Seeds are fixed, so that a failure is the same on every machine. What each rule refuses is told
//! in `domain`, what a log keeps in `log_contract`.

#[path = "properties/any_order.rs"]
mod any_order;
#[path = "properties/asked.rs"]
mod asked;
#[path = "properties/poison_event.rs"]
mod poison_event;
#[path = "properties/replay_while_writing.rs"]
mod replay_while_writing;
#[path = "properties/world.rs"]
mod world;
