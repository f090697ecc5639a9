//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// A frame rate filter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrameRateFilter {
    /// At most so many frames in a second; fractions are allowed.
    #[schemars(range(min = 0.0001, max = 1000.0))]
    pub maximum_fps: f64,
}
