//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// Messages to outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSink {
    /// The output that messages leave by; at most 50 letters.
    #[schemars(length(max = 50))]
    pub hub_output_name: Option<String>,
}
