//! The time by which events are recorded: the system's, or one that a test or the demo sets.
//!
//! Instants have microseconds, as the envelope keeps them. When something happened is told by
//! whoever asks; this clock only says when the log took it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};

/// Where the time comes from. A set clock is shared by its clones.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is set again.
    Set(SetClock),
}

/// A clock whose time somebody decides.
#[derive(Clone, Debug)]
pub struct SetClock(Arc<AtomicI64>);

impl Clock {
    /// The instant it is, in whole microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => whole_micros(Utc::now()),
            Self::Set(clock) => clock.now(),
        }
    }
}

impl SetClock {
    /// A clock that shows `instant`.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(instant.timestamp_micros())))
    }

    /// Makes it show `instant`, backwards too.
    pub fn set(&self, instant: DateTime<Utc>) {
        self.0.store(instant.timestamp_micros(), Ordering::SeqCst);
    }

    /// The instant that it shows.
    pub fn now(&self) -> DateTime<Utc> {
        from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The instant without what is finer than a microsecond.
pub(crate) fn whole_micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    from_micros(instant.timestamp_micros())
}

fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_clock_shows_the_same_time_to_all_until_it_is_set() {
        let morning = "2026-11-20T07:14:00Z".parse().unwrap();
        let hands = SetClock::at(DateTime::UNIX_EPOCH);
        let clock = Clock::Set(hands.clone());
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        hands.set(morning);
        assert_eq!(clock.now(), morning);
    }

    #[test]
    fn the_system_clock_has_whole_microseconds() {
        let now = Clock::System.now();
        assert_eq!(now, whole_micros(now));
    }
}
