//! The dice. Whole numbers only: sines and logarithms differ between machines in the last digit, and the same seed
//! must give the same bytes everywhere.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::ops::RangeInclusive;

/// One stream of random choices. Each table draws from its own, so that a change to one leaves the others as they are.
pub(super) struct Chance(StdRng);

impl Chance {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(stream)))
    }

    pub(super) fn between(&mut self, range: RangeInclusive<i64>) -> i64 {
        self.0.random_range(range)
    }

    /// A number from 0 up to, not including, `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    pub(super) fn percent(&mut self, chance: u32) -> bool {
        self.permille(chance * 10)
    }

    pub(super) fn permille(&mut self, chance: u32) -> bool {
        self.0.random_range(0..1000) < chance
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// One of the items, each as likely as its weight.
    pub(super) fn weighted<'a, T>(&mut self, items: &'a [(u32, T)]) -> &'a T {
        let total: u32 = items.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.0.random_range(0..total);
        for (weight, item) in items {
            match rest.checked_sub(*weight) {
                Some(left) => rest = left,
                None => return item,
            }
        }
        unreachable!("the weights sum to the total")
    }

    /// A position in a list of running totals, each as likely as its share of the last one.
    pub(super) fn position(&mut self, running_totals: &[u64]) -> usize {
        let total = running_totals.last().copied().unwrap_or(0).max(1);
        let drawn = self.0.random_range(0..total);
        running_totals.partition_point(|sum| *sum <= drawn)
    }
}
