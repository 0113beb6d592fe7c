//! One test program for the whole school.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod access;
mod access_log;
mod accounts;
mod alerts;
mod attendance;
mod canaries;
mod channels;
mod classes;
mod data_folder;
mod demo;
mod events;
mod families;
mod faults;
mod first_day;
mod followups;
mod imported;
mod imports;
mod later_versions;
mod log_contract;
mod moving;
mod nodes;
mod openapi;
mod people;
mod preau;
mod properties;
mod rollcalls;
mod scene;
mod schools;
mod sealing;
mod serving;
mod tidy;
mod timetable;
mod two_schools;
