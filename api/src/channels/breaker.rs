//! Leaving a provider in peace that fails: its next chance comes after a while that nobody can foresee, so
//! that what waits does not come back all at once.
//!
//! Full jitter: any moment between now and a bound that doubles.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use replay::Clock;

use super::Answer;
use crate::accounts::random_bytes;

/// Failures in a row until a provider is left in peace.
const FAILURES_MAX: u32 = 5;

/// The bound of the first pause.
const PAUSE_BASE: TimeDelta = TimeDelta::seconds(1);

/// The longest pause.
const PAUSE_MAX: TimeDelta = TimeDelta::seconds(60);

/// How long the one message that tries may be away until another one tries.
const TRIAL_MAX: TimeDelta = TimeDelta::seconds(60);

/// The bound of the time until a message is tried for the second time.
const RETRY_BASE: TimeDelta = TimeDelta::seconds(5);

/// The longest time between two attempts.
const RETRY_MAX: TimeDelta = TimeDelta::seconds(60);

/// How long to wait after so many attempts of a message that failed: up to 5 s after the first, 10 s
/// after the second, and never more than a minute. `random` decides where between nothing and that.
pub fn retry_after(attempt: u32, random: u64) -> TimeDelta {
    jittered([RETRY_BASE, RETRY_MAX], attempt, random)
}

/// Whether a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ease {
    /// It is.
    Works,
    /// It is left in peace, or one message tries.
    Rests,
    /// The next message may try.
    MayTry,
}

/// The leave to ask a provider, to be heard of or given back.
pub(super) struct Leave {
    /// Whether it is to try whether the provider works again.
    tries: bool,
}

/// What a provider has done lately.
pub(super) struct Breaker {
    clock: Clock,
    state: Mutex<State>,
}

enum State {
    /// It is asked.
    Closed { failures: u32 },
    /// It is left in peace.
    Open { until: DateTime<Utc>, openings: u32 },
    /// One message tries whether it works again.
    Trying { until: DateTime<Utc>, openings: u32 },
}

impl Breaker {
    /// One whose provider has done nothing wrong yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether the provider is asked now.
    pub(super) fn ease(&self) -> Ease {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ease(self.clock.now())
    }

    /// The leave to ask the provider now, if it is asked.
    pub(super) fn admits(&self) -> Option<Leave> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.ease(now), &*state) {
            (Ease::Rests, _) => None,
            (Ease::Works, _) | (Ease::MayTry, State::Closed { .. }) => Some(Leave { tries: false }),
            (Ease::MayTry, State::Open { openings, .. } | State::Trying { openings, .. }) => {
                *state = State::Trying { until: now + TRIAL_MAX, openings: *openings };
                Some(Leave { tries: true })
            }
        }
    }

    /// A leave was not used: another message may try.
    pub(super) fn give_back(&self, leave: &Leave) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, State::Trying { openings, .. }) = (leave.tries, &*state) {
            *state = State::Open { until: self.clock.now(), openings: *openings };
        }
    }

    /// Takes in what came of an attempt.
    pub(super) fn hear(&self, answer: &Answer) {
        let failed = match answer {
            Answer::Accepted { .. } | Answer::Undeliverable { .. } => false,
            Answer::Later { why } | Answer::Uncertain { why } => why.is_of_provider(),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let openings = match *state {
            _ if !failed => {
                *state = State::Closed { failures: 0 };
                return;
            }
            State::Closed { failures } if failures + 1 < FAILURES_MAX => {
                *state = State::Closed { failures: failures + 1 };
                return;
            }
            State::Closed { .. } => 1,
            State::Trying { openings, .. } => openings.saturating_add(1),
            // It was on its way when the provider was given up.
            State::Open { .. } => return,
        };
        let pause = jittered([PAUSE_BASE, PAUSE_MAX], openings, random());
        tracing::warn!(openings, "a provider of messages fails and is left in peace for a while");
        *state = State::Open { until: self.clock.now() + pause, openings };
    }
}

impl State {
    fn ease(&self, now: DateTime<Utc>) -> Ease {
        match self {
            Self::Closed { .. } => Ease::Works,
            Self::Open { until, .. } | Self::Trying { until, .. } => {
                // A clock that was put back must not keep a provider shut for as long.
                let rests = now < *until && *until - now <= TRIAL_MAX.max(PAUSE_MAX);
                if rests { Ease::Rests } else { Ease::MayTry }
            }
        }
    }
}

/// Any time up to the bound of this step: the base, then twice as much each time, up to the most.
fn jittered([base, most]: [TimeDelta; 2], step: u32, random: u64) -> TimeDelta {
    let doublings = step.saturating_sub(1).min(16);
    let bound = base.checked_mul(1 << doublings).unwrap_or(most).min(most);
    let bound = u64::try_from(bound.num_milliseconds()).unwrap_or_default();
    TimeDelta::milliseconds(i64::try_from(random % (bound + 1)).unwrap_or_default())
}

/// Without randomness to have, nothing: a provider is then asked again at once.
fn random() -> u64 {
    let mut bytes = [0; 8];
    if random_bytes(&mut bytes).is_err() {
        return 0;
    }
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use replay::clock::SetClock;

    use super::*;
    use crate::channels::Why;

    const FAILED: Answer = Answer::Later { why: Why::Unreachable };
    const ACCEPTED: Answer = Answer::Accepted { reference: None };

    #[test]
    fn a_provider_that_failed_five_times_in_a_row_is_left_in_peace() {
        let (breaker, _) = breaker();
        for failures in 0..FAILURES_MAX {
            assert!(breaker.admits().is_some(), "after {failures} failures");
            breaker.hear(&FAILED);
        }
        let State::Open { until, openings: 1 } = *breaker.state.lock().unwrap() else {
            panic!("still asked");
        };
        assert!(until - breaker.clock.now() <= PAUSE_BASE);
    }

    #[test]
    fn what_is_about_a_recipient_is_no_failure_of_the_provider() {
        let (breaker, _) = breaker();
        for _ in 0..FAILURES_MAX {
            breaker.hear(&FAILED);
            breaker.hear(&Answer::Undeliverable { why: Why::UnknownRecipient });
            breaker.hear(&Answer::Later { why: Why::RecipientDeferred });
        }
        assert!(breaker.admits().is_some());
    }

    #[test]
    fn after_the_pause_one_message_tries_and_the_others_wait_for_what_comes_of_it() {
        let (breaker, hands) = breaker();
        give_up(&breaker);
        hands.set(hands.now() + PAUSE_BASE);
        assert!(breaker.admits().is_some(), "the one that tries");
        assert!(breaker.admits().is_none(), "another one");
        breaker.hear(&FAILED);
        let State::Open { openings, .. } = *breaker.state.lock().unwrap() else {
            panic!("asked again");
        };
        assert_eq!(openings, 2, "the next pause may be longer");
        hands.set(hands.now() + PAUSE_MAX);
        assert!(breaker.admits().is_some());
        breaker.hear(&ACCEPTED);
        assert!(breaker.admits().is_some() && breaker.admits().is_some(), "it works again");
    }

    #[test]
    fn a_leave_that_was_not_used_is_the_next_one_s() {
        let (breaker, hands) = breaker();
        give_up(&breaker);
        assert_eq!(breaker.ease(), Ease::Rests);
        hands.set(hands.now() + PAUSE_BASE);
        assert_eq!(breaker.ease(), Ease::MayTry);
        let leave = breaker.admits().unwrap();
        assert_eq!((breaker.ease(), breaker.admits().is_none()), (Ease::Rests, true));
        breaker.give_back(&leave);
        assert_eq!(breaker.ease(), Ease::MayTry);
        breaker.admits().unwrap();
        breaker.hear(&ACCEPTED);
        breaker.give_back(&leave);
        assert_eq!(breaker.ease(), Ease::Works, "it was heard of");
    }

    #[test]
    fn a_try_that_never_came_back_is_not_waited_for_for_ever() {
        let (breaker, hands) = breaker();
        give_up(&breaker);
        hands.set(hands.now() + PAUSE_BASE);
        assert!(breaker.admits().is_some());
        hands.set(hands.now() + TRIAL_MAX - TimeDelta::seconds(1));
        assert!(breaker.admits().is_none());
        hands.set(hands.now() + TimeDelta::seconds(1));
        assert!(breaker.admits().is_some());
    }

    #[test]
    fn messages_that_were_on_their_way_make_the_pause_no_longer() {
        let (breaker, _) = breaker();
        give_up(&breaker);
        for _ in 0..100 {
            breaker.hear(&FAILED);
        }
        assert!(matches!(*breaker.state.lock().unwrap(), State::Open { openings: 1, .. }));
    }

    #[test]
    fn a_clock_that_was_put_back_keeps_no_provider_shut() {
        let (breaker, hands) = breaker();
        give_up(&breaker);
        hands.set(hands.now() - TimeDelta::days(1));
        assert!(breaker.admits().is_some());
    }

    #[test]
    fn a_message_is_tried_again_at_any_moment_up_to_a_bound_that_doubles() {
        let longest = |attempt| {
            let bounds = (0..=60_000).map(|random| retry_after(attempt, random));
            bounds.max().unwrap().num_milliseconds()
        };
        assert_eq!([0, 1, 2, 3].map(longest), [5_000, 5_000, 10_000, 20_000]);
        assert_eq!([5, 6, u32::MAX].map(longest), [60_000; 3]);
        assert_eq!(retry_after(3, 0), TimeDelta::zero());
        assert!(retry_after(u32::MAX, u64::MAX) <= RETRY_MAX);
    }

    fn breaker() -> (Breaker, SetClock) {
        let hands = SetClock::at("2026-11-20T07:14:00Z".parse().unwrap());
        (Breaker::new(Clock::Set(hands.clone())), hands)
    }

    /// Its provider has failed as often as it may.
    fn give_up(breaker: &Breaker) {
        for _ in 0..FAILURES_MAX {
            breaker.hear(&FAILED);
        }
    }
}
