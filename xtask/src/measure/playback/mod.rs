//! Playing what was recorded: seeks in a browser, manifests, files, viewers beside recording, and how far live pictures are behind.
//!
//! What is played is made by the bench `recordings`, with the real recorder. Where static files are the measure, Debian's nginx serves
//! them, on the loopback as the host.

mod archive;
mod browser;
mod export;
mod http;
mod live_delay;
mod manifest;
mod nginx;
mod seek;
mod viewers;

pub(super) use self::export::{GOAL as EXPORT_GOAL, run as export};
pub(super) use self::live_delay::{GOAL_MS as LIVE_DELAY_GOAL_MS, run as live_delay};
pub(super) use self::manifest::{GOAL_MS as MANIFEST_GOAL_MS, run as manifest};
pub(super) use self::seek::{GOAL as SEEK_GOAL, run as seek};
pub(super) use self::viewers::run as viewers;

use anyhow::{Context as _, Result};

/// The value that so large a part of all values does not exceed.
///
/// # Errors
/// When there is none.
fn quantile(values: &[f64], part: f64) -> Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    let value = sorted.get(rank.saturating_sub(1));
    value.copied().context("nothing was measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=60).rev().map(f64::from).collect();
        assert_eq!(quantile(&values, 0.95).unwrap(), 57.0);
        assert_eq!(quantile(&values, 0.5).unwrap(), 30.0);
        assert_eq!(quantile(&[7.0], 0.95).unwrap(), 7.0);
        assert!(quantile(&[], 0.5).is_err());
    }
}
