//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

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
    /// Video Analyzer's: what the container is to look for; not checked yet.
    #[serde(default)]
    pub operation: ComponentConfig,
}
