//! Numbers for tests that try what nobody thought of.

use std::time::{SystemTime, UNIX_EPOCH};

/// A generator that gives the same numbers for the same seed.
pub(crate) struct Random(u64);

impl Random {
    /// From `$TEST_SEED`, or from the clock; printed, so that a failure can be repeated.
    pub(crate) fn seeded() -> Self {
        let seed = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed =
            seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("clock").as_nanos() as u64);
        println!("repeat with TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.below(256) as u8).collect()
    }

    /// `bytes` cut short, with one byte changed, or with others put between.
    pub(crate) fn mutilate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = self.below(256) as u8,
            _ => {
                bytes.splice(at..at, self.bytes(20));
            }
        }
    }
}
