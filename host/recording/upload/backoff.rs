//! How long to wait before the next try.

use std::time::Duration;

use crate::recording::store::{StoreError, StoreErrorKind};

/// Before the second try.
const FIRST: Duration = Duration::from_secs(1);
/// Before the second try when the store does not accept who we are: that does not pass within seconds.
const FIRST_REFUSED: Duration = Duration::from_secs(15);
/// The longest time between two tries that we choose ourselves.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// The longest time that a store may wish for.
const LONGEST_WISH: Duration = Duration::from_secs(300);

/// The time before the next try; `failures` counts those so far, the last included. `random` is in 0..1.
pub(super) fn delay(error: &StoreError, failures: u32, random: f64) -> Duration {
    let first = match error.kind {
        StoreErrorKind::Refused => FIRST_REFUSED,
        _ => FIRST,
    };
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    // Between half of it and all of it: hosts that lost the same store do not come back at the same moment.
    let jittered = doubled.min(LONGEST).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
    let wish = error.retry_after.unwrap_or_default().min(LONGEST_WISH);
    jittered.max(FIRST).max(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_become_rarer_up_to_a_minute_and_the_stores_wish_is_honoured() {
        let mut error = StoreError::new(StoreErrorKind::Busy, "busy");
        let seconds = |error: &StoreError, failures, random| delay(error, failures, random).as_secs_f64();
        assert_eq!(
            [1, 2, 3, 7, u32::MAX].map(|failures| seconds(&error, failures, 1.0)),
            [1.0, 2.0, 4.0, 60.0, 60.0]
        );
        assert_eq!(seconds(&error, 7, 0.0), 30.0);
        assert_eq!(seconds(&error, 1, 0.0), 1.0);
        error.retry_after = Some(Duration::from_secs(90));
        assert_eq!(seconds(&error, 1, 0.5), 90.0);
        error.retry_after = Some(Duration::from_secs(86_400));
        assert_eq!(seconds(&error, 1, 0.5), 300.0);
        let refused = StoreError::new(StoreErrorKind::Refused, "who are you");
        assert_eq!(seconds(&refused, 1, 1.0), 15.0);
    }
}
