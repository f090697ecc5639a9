//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::nodes::processors::extension::{ComponentConfig, ComponentRef, Limits};

/// A gate component.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateProcessor {
    /// Which component.
    pub extension: ComponentRef,
    /// Handed to the component, and checked against its own schema.
    #[serde(default)]
    pub config: ComponentConfig,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
}
