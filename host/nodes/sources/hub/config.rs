//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// Messages from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSource {
    /// The input that messages arrive on; the name of the node when it is absent.
    pub hub_input_name: Option<String>,
}
