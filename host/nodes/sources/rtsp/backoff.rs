//! How long to wait before the next attempt: doubling, capped, jittered.

use std::time::Duration;

/// The wait after the first failure.
pub const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Each wait is lengthened or shortened by up to this part, so that a hundred cameras behind one switch do not
/// come back in the same instant.
const JITTER: f64 = 0.25;

/// Waits between attempts, for ever.
#[derive(Debug)]
pub struct Backoff {
    failures: u32,
    first: Duration,
    longest: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    /// Starts anew.
    #[must_use]
    pub fn new(random: fastrand::Rng) -> Self {
        Self::between(FIRST_WAIT, LONGEST_WAIT, random)
    }

    /// With other waits.
    #[must_use]
    pub fn between(first: Duration, longest: Duration, random: fastrand::Rng) -> Self {
        Self {
            failures: 0,
            first,
            longest,
            random,
        }
    }

    /// After a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How many failures there have been in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure and gives the wait after it.
    pub fn next_wait(&mut self) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let factor = 1.0 + JITTER * (self.random.f64() * 2.0 - 1.0);
        doubled.min(self.longest).mul_f64(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_never_run_in_step() {
        let mut backoff = Backoff::new(fastrand::Rng::with_seed(7));
        let waits: Vec<f64> = (0..100).map(|_| backoff.next_wait().as_secs_f64()).collect();
        assert!((0.375..=0.625).contains(&waits[0]) && (0.75..=1.25).contains(&waits[1]));
        assert!(waits[10..].iter().all(|wait| (22.5..=37.5).contains(wait)));
        assert!(waits[10..].windows(2).any(|pair| (pair[0] - pair[1]).abs() > 1.0));
        backoff.reset();
        assert!(backoff.next_wait().as_secs_f64() < 1.0);
    }
}
