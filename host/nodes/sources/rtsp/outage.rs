//! Whether the camera is there: told once when it is lost and once when it is back, however many attempts lie between.

use std::time::Duration;

use serde_json::json;

use crate::media::MediaTime;
use crate::nodes::context::NodeContext;

const LOST: &str = "MediaGraph.Diagnostics.CameraLost";
const RESTORED: &str = "MediaGraph.Diagnostics.CameraRestored";

/// Remembers since when the camera is away.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<(MediaTime, Duration)>,
}

impl Outage {
    /// There is no camera now.
    pub(super) fn lost(&mut self, context: &NodeContext, target: &str, error: &dyn std::fmt::Display) {
        if self.since.is_some() {
            return;
        }
        let since = (context.clock.media(), context.clock.monotonic());
        self.since = Some(since);
        context.stats.set_lost(self.since);
        let data = json!({"target": target, "since": since.0.iso(), "message": error.to_string()});
        context.emit(LOST, data);
    }

    /// A picture or sound came.
    pub(super) fn restored(&mut self, context: &NodeContext, target: &str) {
        let Some((since, began)) = self.since.take() else {
            return;
        };
        context.stats.set_lost(None);
        let away = context.clock.monotonic().saturating_sub(began);
        let seconds = (away.as_secs_f64() * 10.0).round() / 10.0;
        context.emit(
            RESTORED,
            json!({"target": target, "since": since.iso(), "seconds": seconds}),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::{Clock, ManualClock};
    use crate::nodes::testing::context;

    #[test]
    fn an_outage_is_told_once_with_its_length_however_many_attempts_fail() {
        let clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
        let (context, told) = context(Arc::clone(&clock) as _);
        let mut outage = Outage::default();
        outage.restored(&context, "rtsp://camera/");
        assert!(told.events().is_empty(), "it was never away");
        for _ in 0..3 {
            outage.lost(&context, "rtsp://camera/", &"connection refused");
            clock.advance(Duration::from_millis(1_500));
        }
        let status = context.stats.status("camera", clock.monotonic());
        assert_eq!(status.ages.lost, Some(Duration::from_millis(4_500)));
        outage.restored(&context, "rtsp://camera/");
        outage.restored(&context, "rtsp://camera/");
        let events = told.events();
        let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
        assert_eq!(types, [LOST, RESTORED]);
        assert_eq!(events[0].data["message"], "connection refused");
        assert_eq!(events[1].data["since"], "2026-01-02T03:04:05.000Z");
        assert_eq!(events[1].data["seconds"], 4.5);
        assert_eq!(context.stats.status("camera", clock.monotonic()).lost_since, None);
    }
}
