//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// Messages from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSource {
    /// The input that messages arrive on.
    pub hub_input_name: Option<String>,
}
