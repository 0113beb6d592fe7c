//! How often somebody may be wrong: by account and by address, in a quarter of an hour.
//!
//! What was refused to an account is in the access log, so that a restart forgives nothing; what is
//! under way at this moment is counted here, so that a hundred guesses at once are not one. What was
//! refused to an address is in memory only, and for a bounded number of addresses.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::AccountId;

/// How long a refusal counts.
pub(crate) const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Refusals after which an account takes no more guesses until the first of them is forgotten.
pub(crate) const PER_ACCOUNT: usize = 5;

/// Refusals after which an address is asked to wait. A whole school may share one.
const PER_ADDRESS: usize = 50;

/// Addresses that are remembered; beyond, those that were quiet for longest are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// What is counted. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Limits {
    addresses: Arc<Mutex<HashMap<Network, VecDeque<DateTime<Utc>>>>>,
    guesses: Arc<Mutex<HashMap<AccountId, usize>>>,
}

/// An address, or the network that one household's many addresses belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network(u64);

/// A guess under way; it ends when this is dropped.
pub(crate) struct Guess {
    limits: Limits,
    account: AccountId,
    /// How many others were under way when it began.
    pub(crate) beside: usize,
}

impl Limits {
    /// Whether an address was refused too often lately.
    pub(crate) fn is_waiting(&self, network: Network, now: DateTime<Utc>) -> bool {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = addresses.get_mut(&network);
        refused.is_some_and(|refused| forget_old(refused, now) >= PER_ADDRESS)
    }

    /// Notes a refusal to an address.
    pub(crate) fn refused(&self, network: Network, now: DateTime<Utc>) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&network) {
            addresses.retain(|_, refused| forget_old(refused, now) > 0);
            let quietest = addresses.iter().min_by_key(|(_, refused)| refused.back().copied());
            let quietest = quietest.map(|(network, _)| *network);
            if let Some(quietest) = quietest.filter(|_| addresses.len() >= ADDRESSES_MAX) {
                addresses.remove(&quietest);
            }
        }
        let refused = addresses.entry(network).or_default();
        refused.push_back(now);
        if refused.len() > PER_ADDRESS {
            refused.pop_front();
        }
    }

    /// Begins a guess at an account.
    pub(crate) fn guess(&self, account: AccountId) -> Guess {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = guesses.entry(account).or_default();
        let beside = *under_way;
        *under_way += 1;
        Guess { limits: self.clone(), account, beside }
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        let mut guesses = self.limits.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = guesses.get_mut(&self.account) {
            *under_way -= 1;
            if *under_way == 0 {
                guesses.remove(&self.account);
            }
        }
    }
}

impl From<IpAddr> for Network {
    /// Whoever has one address of IPv6 has the 2⁷² beside it: a line is given a /56 (RIPE-690, 4.2).
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(u32::from(address))),
            IpAddr::V6(address) => Self((u128::from(address) >> 72) as u64),
        }
    }
}

/// Drops what no longer counts, and says how many still do.
fn forget_old(refused: &mut VecDeque<DateTime<Utc>>, now: DateTime<Utc>) -> usize {
    while refused.front().is_some_and(|at| now - *at >= WINDOW) {
        refused.pop_front();
    }
    refused.len()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_address_waits_after_fifty_refusals_until_the_first_is_forgotten() {
        let (limits, school) = (Limits::default(), network("192.0.2.7"));
        for second in 0..50 {
            assert!(!limits.is_waiting(school, at(second)));
            limits.refused(school, at(second));
        }
        assert!(limits.is_waiting(school, at(60)));
        assert!(!limits.is_waiting(network("192.0.2.8"), at(60)));
        assert!(limits.is_waiting(school, at(15 * 60 - 1)));
        assert!(!limits.is_waiting(school, at(15 * 60)));
    }

    #[test]
    fn the_addresses_of_one_household_are_one() {
        assert_eq!(network("2001:db8:1:2::7"), network("2001:db8:1:2:3:4:5:6"));
        assert_eq!(network("2001:db8:1:2::7"), network("2001:db8:1:ff::7"));
        assert_ne!(network("2001:db8:1:2::7"), network("2001:db8:1:102::7"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
    }

    #[test]
    fn however_many_addresses_are_wrong_only_so_many_are_remembered() {
        let limits = Limits::default();
        for n in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 10 {
            limits.refused(IpAddr::V4(n.into()).into(), at(n.into()));
        }
        assert!(limits.addresses.lock().unwrap().len() <= ADDRESSES_MAX);
    }

    #[test]
    fn guesses_at_one_moment_are_counted_together() {
        let (limits, account) = (Limits::default(), AccountId(Uuid::nil()));
        let (first, second) = (limits.guess(account), limits.guess(account));
        assert_eq!((first.beside, second.beside), (0, 1));
        drop((first, second));
        assert!(limits.guesses.lock().unwrap().is_empty());
    }

    fn network(address: &str) -> Network {
        address.parse::<IpAddr>().unwrap().into()
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }
}
