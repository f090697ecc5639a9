//! How much a camera sends: pictures and bits a second, and how far apart its keyframes are.

use crate::media::{AccessUnit, MediaTime, Ticks, TrackKind};
use crate::nodes::context::{NodeContext, NodeStats};

/// Rates are told for windows of this length.
const WINDOW: Ticks = Ticks::from_secs(5);

/// Measures what comes. For a unit it costs an addition; twelve times a minute it tells.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The media time of the first unit of the window.
    began: Option<MediaTime>,
    pictures: u64,
    bytes: u64,
    last_keyframe: Option<MediaTime>,
}

impl Meter {
    /// Counts a unit.
    pub(super) fn unit(&mut self, unit: &AccessUnit, context: &NodeContext) {
        let stats = &context.stats;
        let (bytes, now) = (unit.data.len() as u64, context.clock.monotonic());
        stats.came(unit.time, now);
        NodeStats::add(&stats.bytes, bytes);
        let video = unit.kind() == TrackKind::Video;
        if video && unit.random_access {
            let before = self.last_keyframe.replace(unit.time);
            let interval = before.map(|before| unit.time.since(before));
            // What lies across a hole is no interval.
            let interval = interval.filter(|interval| interval.0 > 0 && !unit.discontinuity);
            stats.keyframe(unit.time, now, interval);
        }
        let began = *self.began.get_or_insert(unit.time);
        let span = unit.time.since(began);
        if span >= WINDOW || span.0 < 0 || unit.discontinuity {
            if span >= WINDOW && !unit.discontinuity {
                stats.set_rates(self.pictures, self.bytes, span);
            }
            (self.began, self.pictures, self.bytes) = (Some(unit.time), 0, 0);
        }
        self.pictures += u64::from(video);
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::media::ManualClock;
    use crate::nodes::testing::{context, unit};

    #[test]
    fn what_a_camera_sends_is_measured() {
        let (context, _) = context(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)));
        let mut meter = Meter::default();
        for picture in 0..300 {
            let mut unit = unit(f64::from(picture) / 25.0, picture % 50 == 0);
            unit.data = vec![0; 1_000].into();
            meter.unit(&unit, &context);
        }
        let status = context.stats.status("camera", Duration::ZERO);
        assert_eq!((status.received, status.bytes), (300, 300_000));
        assert_eq!(status.frame_rate, Some(25.0));
        assert_eq!(status.bit_rate, Some(200_000));
        assert_eq!(status.keyframe_interval, Some(2.0));
    }

    #[test]
    fn a_hole_is_neither_a_low_rate_nor_a_long_interval() {
        let (context, _) = context(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)));
        let mut meter = Meter::default();
        meter.unit(&unit(0.0, true), &context);
        meter.unit(&unit(2.0, true), &context);
        let mut late = unit(60.0, true);
        late.discontinuity = true;
        meter.unit(&late, &context);
        let status = context.stats.status("camera", Duration::ZERO);
        assert_eq!((status.keyframe_interval, status.frame_rate), (Some(2.0), None));
    }
}
