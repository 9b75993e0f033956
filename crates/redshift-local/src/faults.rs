//! What goes wrong on purpose. A warehouse far away is slow to start, turns calls away, and answers that it gave get lost;
//! a client that has never met this is not finished. Each fault is counted, not random, so that a test can be repeated.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Faults to be made; the default makes none.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Every so many calls get a ThrottlingException and do nothing.
    pub throttle_every: Option<NonZeroU64>,
    /// Of every so many calls of ExecuteStatement and BatchExecuteStatement one is carried out and its connection then ends
    /// without an answer.
    pub lose_answer_every: Option<NonZeroU64>,
    /// How long a statement stays PICKED before it runs.
    pub picked_for: Duration,
    /// How long statements and their results are kept; 24 hours in Redshift.
    pub retention: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            throttle_every: None,
            lose_answer_every: None,
            picked_for: Duration::ZERO,
            retention: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// The faults of one endpoint with what was counted so far.
#[derive(Debug)]
pub(crate) struct FaultCounters {
    pub(crate) faults: Faults,
    calls: AtomicU64,
    submissions: AtomicU64,
}

impl FaultCounters {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, calls: AtomicU64::new(0), submissions: AtomicU64::new(0) }
    }

    /// Counts a call; whether it is to be turned away.
    pub(crate) fn throttles_call(&self) -> bool {
        is_due(&self.calls, self.faults.throttle_every)
    }

    /// Counts a submission; whether its answer is to be lost.
    pub(crate) fn loses_answer(&self) -> bool {
        is_due(&self.submissions, self.faults.lose_answer_every)
    }
}

fn is_due(count: &AtomicU64, every: Option<NonZeroU64>) -> bool {
    let count = count.fetch_add(1, Ordering::Relaxed) + 1;
    every.is_some_and(|every| count.is_multiple_of(every.get()))
}
