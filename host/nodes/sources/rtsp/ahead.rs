//! Whether the camera's clock is right: told once when it is found wrong and once when it is right again, whatever lies between.
//!
//! Recordings carry the host's time, so that nothing is wrong with them; what the camera burns into its pictures is.

use serde_json::json;

use crate::nodes::context::NodeContext;

const WRONG: &str = "MediaGraph.Diagnostics.CameraClockWrong";
const RIGHT: &str = "MediaGraph.Diagnostics.CameraClockRight";

/// A clock that is off by more is wrong, in seconds.
const WRONG_BY: f64 = 5.0;
/// One that is off by less is right again.
const RIGHT_BY: f64 = 2.0;

/// Remembers what was told.
#[derive(Debug, Default)]
pub(super) struct CameraClock {
    wrong: bool,
}

impl CameraClock {
    /// The camera's clock is so many seconds ahead of the host's, as far as it says so.
    pub(super) fn is(&mut self, ahead: Option<f64>, context: &NodeContext, target: &str) {
        context.stats.set_clock_ahead(ahead);
        let Some(ahead) = ahead else { return };
        let off = ahead.abs();
        let wrong = if self.wrong {
            off >= RIGHT_BY
        } else {
            off > WRONG_BY
        };
        if wrong == std::mem::replace(&mut self.wrong, wrong) {
            return;
        }
        let seconds = (ahead * 10.0).round() / 10.0;
        if !wrong {
            let message = "the camera's clock is right again";
            context.emit(
                RIGHT,
                json!({"target": target, "aheadSeconds": seconds, "message": message}),
            );
            return;
        }
        let way = if ahead < 0.0 { "behind" } else { "ahead of" };
        let message = format!(
            "the camera's clock is {:.1} s {way} the host's; recordings carry the host's time\n\
             hint: let the camera take its time from NTP, the same that the host has",
            off
        );
        tracing::warn!(ahead_seconds = seconds, "The camera's clock is wrong");
        context.emit(
            WRONG,
            json!({"target": target, "aheadSeconds": seconds, "message": message}),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::ManualClock;
    use crate::nodes::testing::context;

    #[test]
    fn a_clock_that_is_wrong_is_told_once_and_once_more_when_it_is_right() {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let (context, told) = context(clock);
        let mut camera = CameraClock::default();
        for ahead in [
            None,
            Some(0.3),
            Some(-4.9),
            Some(-7200.04),
            Some(-7201.0),
            Some(3.0),
            None,
            Some(1.9),
            Some(4.0),
        ] {
            camera.is(ahead, &context, "rtsp://camera/");
        }
        let events = told.events();
        let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
        assert_eq!(types, [WRONG, RIGHT]);
        assert_eq!(events[0].data["aheadSeconds"], -7200.0);
        let message = events[0].data["message"].as_str().unwrap();
        assert!(message.contains("7200.0 s behind the host's"), "{message}");
    }
}
