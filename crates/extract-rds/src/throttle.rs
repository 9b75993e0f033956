//! A limit on the rows per second that are taken from the source, over all connections together.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Rows that may pass at once after a pause.
const BURST: Duration = Duration::from_millis(250);
/// How long a signal to end the run goes unheard at most.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// Lets rows pass at a rate.
pub(crate) struct Throttle {
    /// Time that each row takes; none without a limit.
    per_row: Option<Duration>,
    /// When the rows that passed so far are paid for.
    paid_until: Mutex<Instant>,
}

impl Throttle {
    /// 0 is no limit, as none is.
    pub(crate) fn new(max_rows_per_second: Option<u32>) -> Self {
        let per_row = max_rows_per_second.and_then(|rate| Duration::from_secs(1).checked_div(rate));
        Self { per_row, paid_until: Mutex::new(Instant::now()) }
    }

    /// Waits until these rows may have passed, or nobody waits for them any more.
    pub(crate) fn passed(&self, rows: u64, is_over: impl Fn() -> bool) {
        let Some(per_row) = self.per_row else { return };
        let wait_until = {
            let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
            let earliest = Instant::now().checked_sub(BURST).unwrap_or(*paid_until);
            *paid_until = (*paid_until).max(earliest) + per_row * u32::try_from(rows).unwrap_or(u32::MAX);
            *paid_until
        };
        while !is_over() {
            match wait_until.saturating_duration_since(Instant::now()) {
                Duration::ZERO => break,
                left => thread::sleep(left.min(LONGEST_SLEEP)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_the_time_that_the_limit_gives_them() {
        let throttle = Throttle::new(Some(10_000));
        let started_at = Instant::now();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..10).for_each(|_| throttle.passed(500, || false)));
            }
        });
        // 10,000 rows, of which the burst is free.
        assert!(started_at.elapsed() >= Duration::from_millis(700), "{:?}", started_at.elapsed());
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let started_at = Instant::now();
        Throttle::new(None).passed(u64::MAX, || false);
        // It was taken for one row a second, which looked like a hang.
        Throttle::new(Some(0)).passed(u64::MAX, || false);
        assert!(started_at.elapsed() < Duration::from_secs(1));
    }
}
