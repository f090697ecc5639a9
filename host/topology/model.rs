//! The written form: what every topology has, whatever its nodes. The shapes are checked by [`super::shape`].

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The versions of the written form that are understood: LVA's 1.0 and 2.0, AVA's 1.0 and 1.1.
pub const API_VERSIONS: [&str; 3] = ["1.0", "1.1", "2.0"];

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ParameterType {
    /// Text.
    String,
    /// Text that is never shown again.
    SecretString,
    /// A whole number of 32 bits.
    Int,
    /// A finite number.
    Double,
    /// `true` or `false`.
    Bool,
}

/// A parameter that a graph instance may set, and must set if it has no default.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterDeclaration {
    /// What stands between `${` and `}`; at most 64 letters.
    #[schemars(extend("x-kind" = "literal"))]
    pub name: String,
    /// The type of its value.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// For people.
    #[schemars(extend("x-kind" = "literal"))]
    pub description: Option<String>,
    /// The value when the instance gives none.
    #[schemars(extend("x-kind" = "literal"))]
    pub default: Option<String>,
}

impl std::fmt::Debug for ParameterDeclaration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A default may be a password, whatever the declared type.
        f.debug_struct("ParameterDeclaration")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A media graph.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Topology {
    /// The version of the written form: `1.0`, `1.1` or `2.0`.
    #[serde(rename = "@apiVersion")]
    #[schemars(extend("x-kind" = "literal"))]
    pub api_version: String,
    /// Letters, digits and dashes; at most 32.
    #[schemars(extend("x-kind" = "literal"))]
    pub name: String,
    /// What a host says of a stored topology; ignored.
    #[schemars(extend("x-kind" = "raw"))]
    pub system_data: Option<Value>,
    /// The graph.
    pub properties: Properties,
}

/// What the graph is made of.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Properties {
    /// For people.
    #[schemars(extend("x-kind" = "literal"))]
    pub description: Option<String>,
    /// What an instance may set.
    #[serde(default)]
    pub parameters: Vec<ParameterDeclaration>,
    /// Where media comes from.
    #[serde(default)]
    #[schemars(extend("x-kind" = "inPlace"))]
    pub sources: Vec<Value>,
    /// What looks at it or decides.
    #[serde(default)]
    #[schemars(extend("x-kind" = "inPlace"))]
    pub processors: Vec<Value>,
    /// Where it goes.
    #[serde(default)]
    #[schemars(extend("x-kind" = "inPlace"))]
    pub sinks: Vec<Value>,
}

/// What an input must be to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SelectorProperty {
    /// The kind of media.
    #[serde(rename = "mediaType")]
    MediaType,
}

/// How a selector compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SelectorOperator {
    /// Takes this.
    Is,
    /// Takes everything but this.
    IsNot,
}

/// Kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MediaType {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Everything else, such as a camera's metadata.
    Application,
}

/// Takes a part of what a node puts out. Several must all agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSelector {
    /// What is compared.
    pub property: SelectorProperty,
    /// How.
    pub operator: SelectorOperator,
    /// With what.
    pub value: MediaType,
}

impl OutputSelector {
    /// Whether media of this kind passes.
    #[must_use]
    pub fn accepts(self, media: MediaType) -> bool {
        (self.value == media) == (self.operator == SelectorOperator::Is)
    }
}

/// Where a node gets its media and events from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeInput {
    /// The node upstream.
    #[schemars(extend("x-kind" = "literal"))]
    pub node_name: String,
    /// Which part of its output; everything when there are none.
    #[serde(default)]
    pub output_selectors: Vec<OutputSelector>,
}

/// What every source has.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SourceHeader {
    /// The type of the node.
    #[serde(rename = "@type")]
    #[schemars(extend("x-kind" = "literal"))]
    pub kind: String,
    /// Its name in this topology: letters, digits, `-` and `_`.
    #[schemars(extend("x-kind" = "literal"))]
    pub name: String,
}

/// What every processor and every sink has.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NodeHeader {
    /// The type of the node.
    #[serde(rename = "@type")]
    #[schemars(extend("x-kind" = "literal"))]
    pub kind: String,
    /// Its name in this topology: letters, digits, `-` and `_`.
    #[schemars(extend("x-kind" = "literal"))]
    pub name: String,
    /// The nodes upstream.
    pub inputs: Vec<NodeInput>,
}
