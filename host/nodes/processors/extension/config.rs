//! Configuration, and what it shares with gate components.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use serde_json::{Map, Value};

use crate::media::{TICKS_PER_SECOND, Ticks};
use crate::nodes::image::{Image, SamplingOptions};
use crate::topology::node::{Finding, finding};
use crate::topology::{Code, Duration};

/// A call that is given less than 1 ms never ends in time.
const SHORTEST_TIMEOUT: Ticks = Ticks(TICKS_PER_SECOND / 1000);

/// A detector or processor component.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtensionProcessor {
    /// Which component.
    pub extension: ComponentRef,
    /// Handed to the component, and checked against its own schema.
    #[serde(default)]
    pub config: ComponentConfig,
    /// Models that the component may run, by the names that it knows them by. Those that the host's configuration names are
    /// there as well.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub models: Vec<ModelRef>,
    /// The frames that it is given, where it does not say so itself.
    #[serde(default)]
    pub image: Image,
    /// Which frames it is given.
    #[serde(default)]
    pub sampling_options: SamplingOptions,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
}

/// Names a component: one of `name` and `path`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentRef {
    /// An installed or built-in component.
    #[schemars(length(min = 1, max = 128))]
    pub name: Option<String>,
    /// A file.
    #[schemars(length(min = 1, max = 4096))]
    pub path: Option<String>,
    /// With `path`: what replaces the file is put in while the graph runs, between two frames. A version that does not
    /// start is not, and the one before it goes on.
    #[serde(default)]
    pub watch: bool,
    /// The SHA-256 that the component must have, in hexadecimal.
    #[schemars(length(min = 64, max = 64))]
    pub sha256: Option<String>,
}

impl ComponentRef {
    pub(in crate::nodes) fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.name.is_some() == self.path.is_some() {
            let message = "needs exactly one of `name` and `path`";
            found.push(finding(Code::PropertyValueInvalid, "/extension", message));
        }
        if self.watch && self.path.is_none() {
            let message =
                "goes with `path`; what a name points to is changed with `mediagraph extension set`";
            found.push(finding(Code::PropertyValueInvalid, "/extension/watch", message));
        }
        if self.watch && self.sha256.is_some() {
            let message = "makes no sense with `sha256`, which allows one version only";
            found.push(finding(Code::PropertyValueInvalid, "/extension/watch", message));
        }
        if self
            .sha256
            .as_ref()
            .is_some_and(|hash| !hash.chars().all(|c| c.is_ascii_hexdigit()))
        {
            let message = "must be 64 hexadecimal digits";
            found.push(finding(
                Code::PropertyValueInvalidPattern,
                "/extension/sha256",
                message,
            ));
        }
        found
    }
}

/// A model under a name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// By which the component asks for it.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// An ONNX file.
    #[schemars(length(min = 1, max = 4096))]
    pub path: String,
}

/// What is wrong with the models of a node.
pub(in crate::nodes) fn check_models(models: &[ModelRef]) -> Vec<Finding> {
    let twice = |(place, model): (usize, &ModelRef)| {
        let mut before = models.iter().take(place);
        before.any(|other| other.name == model.name).then(|| {
            let message = format!("`{}` is given to two models", model.name);
            finding(Code::PropertyValueInvalid, "/models", &message)
        })
    };
    models.iter().enumerate().filter_map(twice).collect()
}

/// A component's own configuration. `Debug` shows its members' names only: a value may be a secret.
#[derive(Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ComponentConfig(pub Map<String, Value>);

impl fmt::Debug for ComponentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a component may use; the host's policy may allow less.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory in MiB.
    #[serde(rename = "memoryMiB")]
    #[schemars(range(min = 1, max = 4096))]
    pub memory_mib: Option<u32>,
    /// Time for one call: 1 ms to 1 min.
    #[schemars(extend("x-min-seconds" = 0, "x-max-seconds" = 60))]
    pub timeout: Option<Duration>,
}

impl Limits {
    pub(in crate::nodes) fn check(&self) -> Vec<Finding> {
        if self.timeout.is_none_or(|timeout| timeout.0 >= SHORTEST_TIMEOUT) {
            return Vec::new();
        }
        vec![finding(
            Code::PropertyValueOutOfRange,
            "/limits/timeout",
            "must be at least 1 ms",
        )]
    }
}
