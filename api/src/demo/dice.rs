//! The dice that the demo school is thrown with: the same seed throws the same school.
//!
//! Not for anything that must not be guessed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// A box of dice. Each table has its own, so that one throw more at one changes nothing at another.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of the table with this number.
    pub(super) fn at_table(seed: u64, table: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        dice.set_stream(table);
        Self(dice)
    }

    /// A number from 0 to one less than `sides`.
    pub(super) fn below(&mut self, sides: usize) -> usize {
        let thrown = u128::from(self.0.next_u64()) * (sides as u128);
        usize::try_from(thrown >> u64::BITS).unwrap_or_default()
    }

    /// Yes, in so many of a thousand throws.
    pub(super) fn in_thousand(&mut self, times: usize) -> bool {
        self.below(1_000) < times
    }

    /// One of a list that is not empty.
    pub(super) fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// One of a list whose entries have so many chances each.
    pub(super) fn weighed<T: Copy>(&mut self, list: &[(usize, T)]) -> T {
        let mut thrown = self.below(list.iter().map(|(chances, _)| chances).sum());
        for (chances, entry) in list {
            if thrown < *chances {
                return *entry;
            }
            thrown -= chances;
        }
        list[0].1
    }

    /// Shuffles a list.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_numbers_at_each_table() {
        let thrown = |seed, table| {
            let mut dice = Dice::at_table(seed, table);
            [(); 8].map(|()| dice.below(1_000))
        };
        assert_eq!(thrown(7, 1), thrown(7, 1));
        assert_ne!(thrown(7, 1), thrown(7, 2));
        assert_ne!(thrown(7, 1), thrown(8, 1));
    }

    #[test]
    fn a_shuffled_list_loses_nothing() {
        let mut list: Vec<usize> = (0..50).collect();
        Dice::at_table(7, 1).shuffle(&mut list);
        assert_ne!(list, (0..50).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
