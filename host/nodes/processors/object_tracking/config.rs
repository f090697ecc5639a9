//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Follows objects from frame to frame.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectTracking {
    /// For how long an object may be hidden: `low` 1 s, `medium` 2 s, `high` 4 s; `medium` when it is absent.
    #[serde(default)]
    pub accuracy: Accuracy,
}

impl ObjectTracking {
    /// As the component `object-tracker` is configured. It looks at boxes, not at pictures, so what costs work and gives
    /// accuracy is for how long an object that is not seen is waited for.
    #[must_use]
    pub fn component_config(&self) -> Value {
        let gap = match self.accuracy {
            Accuracy::Low => "PT1S",
            Accuracy::Medium => "PT2S",
            Accuracy::High => "PT4S",
        };
        json!({"maximumGap": gap})
    }
}

/// How much work following objects may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Accuracy {
    /// Little.
    Low,
    /// Some.
    #[default]
    Medium,
    /// Much.
    High,
}
