//! Imports: the files that every French secondary school has, SIECLE and STS.
//!
//! [`files::read`] makes a [`feed::Feed`] of them, or says why not. It is compared with what is
//! known, and the differences become a plan; [`fn@run`] writes it and tells what came of it in a
//! [`report::Report`]. A feed is a full picture of one school, so that the same files change nothing
//! when they are imported again. It has no events of its own: an import asks as a secretary would.

mod bells;
mod classes;
mod compare;
mod courses;
mod decoding;
mod departures;
mod draft;
mod edt;
pub mod feed;
mod fields;
pub mod files;
mod guardians;
mod heading;
mod known;
mod matching;
mod notes;
mod opening;
mod plan;
pub mod problem;
mod remarks;
pub mod report;
mod run;
mod siecle;
mod spelling;
mod staff;
mod sts;
mod students;
mod trust;
mod upload;
mod weeks;
mod xml;

pub use compare::Base;
pub use draft::Wish;
pub use run::{Import, Progress, run};
pub use trust::Trust;

pub(crate) use upload::routes;
