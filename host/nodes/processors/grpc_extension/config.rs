//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::nodes::endpoint::Endpoint;
use crate::nodes::image::{Image, SamplingOptions};
use crate::topology::node::{Finding, finding};
use crate::topology::{Address, Code};

/// An inference server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrpcExtension {
    /// The server.
    pub endpoint: Endpoint<Address>,
    /// The frames that it is sent.
    pub image: Image,
    /// Which frames it is sent.
    #[serde(default)]
    pub sampling_options: SamplingOptions,
    /// How frames travel.
    pub data_transfer: DataTransfer,
    /// Handed to the server as it stands.
    pub extension_configuration: Option<String>,
}

/// How frames travel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataTransfer {
    /// Inside messages or beside them.
    pub mode: TransferMode,
    /// Size of the shared memory in MiB; only with `SharedMemory`.
    #[serde(rename = "sharedMemorySizeMiB")]
    #[schemars(range(min = 1))]
    pub shared_memory_size_mib: Option<u32>,
}

/// How frames travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TransferMode {
    /// Inside the messages.
    Embedded,
    /// Through shared memory.
    SharedMemory,
}

impl GrpcExtension {
    pub(super) fn check(&self) -> Vec<Finding> {
        let shared = self.data_transfer.mode == TransferMode::SharedMemory;
        if shared == self.data_transfer.shared_memory_size_mib.is_some() {
            return Vec::new();
        }
        let message = "`sharedMemorySizeMiB` must be there with `SharedMemory`, and only then";
        vec![finding(Code::PropertyValueInvalid, "/dataTransfer", message)]
    }
}
