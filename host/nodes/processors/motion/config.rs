//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::topology::Duration;

/// Motion detection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MotionDetection {
    /// How much must move; `Medium` when it is absent.
    #[serde(default)]
    pub sensitivity: Sensitivity,
    /// Whether events say where; `true` when it is absent.
    #[serde(default = "yes")]
    pub output_motion_region: bool,
    /// Gathers events of this stretch into one; `PT0S` gathers none.
    #[schemars(extend("x-min-seconds" = 0, "x-max-seconds" = 3600))]
    pub event_aggregation_window: Option<Duration>,
}

/// How much must move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Sensitivity {
    /// Much.
    Low,
    /// In between.
    #[default]
    Medium,
    /// Little.
    High,
}

impl Sensitivity {
    /// As the component's configuration says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

fn yes() -> bool {
    true
}
