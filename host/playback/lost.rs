//! Segments that the index has and that are gone or damaged: playlists leave them out, as a hole, so that players go on behind it.
//!
//! The index is left as it is: a disk may only be away for a moment. So this is believed for [`BELIEVED`] and then tried again.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::recording::asset::name::SegmentName;
use crate::recording::index::AssetId;

/// How long a segment is left out.
const BELIEVED: Duration = Duration::from_secs(60);
/// Segments that are remembered; of more, the oldest are tried again sooner.
const MAX_LOST: usize = 4096;

/// What was not there.
#[derive(Debug, Default)]
pub(super) struct Lost(VecDeque<(Duration, AssetId, SegmentName)>);

impl Lost {
    /// It is not there; `now` is on the monotonic clock.
    pub(super) fn add(&mut self, now: Duration, asset: AssetId, name: SegmentName) {
        self.0.retain(|(_, of, known)| (*of, known) != (asset, &name));
        self.0.push_back((now, asset, name));
        while self.0.len() > MAX_LOST {
            self.0.pop_front();
        }
    }

    /// What is left out of an asset.
    pub(super) fn of(&mut self, now: Duration, asset: AssetId) -> HashSet<SegmentName> {
        self.0.retain(|(since, ..)| now.saturating_sub(*since) < BELIEVED);
        let of_asset = self.0.iter().filter(|(_, of, _)| *of == asset);
        of_asset.map(|(_, _, name)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaTime;
    use crate::recording::asset::name::Epoch;

    #[test]
    fn what_was_not_there_is_left_out_for_a_minute() {
        let name = |tick| SegmentName {
            start: MediaTime::from_ticks(tick),
            epoch: Epoch::parse("host-1").unwrap(),
        };
        let mut lost = Lost::default();
        lost.add(Duration::ZERO, AssetId(1), name(1));
        lost.add(Duration::from_secs(30), AssetId(1), name(2));
        lost.add(Duration::from_secs(30), AssetId(2), name(3));
        let both = HashSet::from([name(1), name(2)]);
        assert_eq!(lost.of(Duration::from_secs(59), AssetId(1)), both);
        assert_eq!(
            lost.of(Duration::from_secs(60), AssetId(1)),
            HashSet::from([name(2)])
        );
        for tick in 0..2 * MAX_LOST as u64 {
            lost.add(Duration::from_secs(61), AssetId(3), name(tick));
        }
        assert_eq!(lost.0.len(), MAX_LOST);
    }
}
