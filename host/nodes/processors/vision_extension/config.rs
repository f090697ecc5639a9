//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::nodes::endpoint::Endpoint;
use crate::nodes::image::{Image, SamplingOptions};
use crate::nodes::processors::extension::ComponentConfig;
use crate::topology::Address;

/// An inference server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisionExtension {
    /// The server.
    pub endpoint: Endpoint<Address>,
    /// The frames that it is sent.
    pub image: Image,
    /// Which frames it is sent.
    #[serde(default)]
    pub sampling_options: SamplingOptions,
    /// Video Analyzer's: what the container is to look for. Handed to it: the `extensionConfiguration` in it if it has one,
    /// else all of it as JSON.
    #[serde(default)]
    pub operation: ComponentConfig,
}

impl VisionExtension {
    /// What the container is handed as configuration.
    #[must_use]
    pub fn configuration(&self) -> String {
        let operation = &self.operation.0;
        match operation.get("extensionConfiguration") {
            Some(Value::String(given)) => given.clone(),
            _ if operation.is_empty() => String::new(),
            _ => Value::Object(operation.clone()).to_string(),
        }
    }
}
