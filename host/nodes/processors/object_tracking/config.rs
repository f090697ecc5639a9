//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// Follows objects from frame to frame.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectTracking {
    /// How much work it may be; `medium` when it is absent.
    #[serde(default)]
    pub accuracy: Accuracy,
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
