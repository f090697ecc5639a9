//! The file of a model: read within its bounds, and what it says of itself before anything runs it.
//!
//! A model is not trusted: it must be one file, of a bounded size, with a bounded graph. That its parts fit together is
//! for the backend to find out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use tract_onnx::pb;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Side;
use tract_onnx::prelude::Framework as _;

use super::error::{ModelProblem, brief};
use super::limits::{MAX_GRAPH_DEPTH, MAX_MODEL_BYTES, MAX_MODEL_NODES, MAX_NAME_BYTES, MAX_PORTS, MAX_RANK};
use super::tensor::{Element, Port};
use crate::text::plain;

/// `TensorProto.DataType` of the ONNX specification.
const FLOAT32: i32 = 1;
const UINT8: i32 = 2;
const INT32: i32 = 6;
const INT64: i32 = 7;
/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// A model as its file says it.
pub struct Proto {
    pub(super) model: pb::ModelProto,
    pub(super) bytes: Vec<u8>,
}

impl std::fmt::Debug for Proto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proto")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Reads the file of a model. One that is too big is not read at all.
///
/// # Errors
/// When it cannot be read, or has too many bytes.
pub fn read(path: &Path) -> Result<Vec<u8>, ModelProblem> {
    // Asked before opening: a named pipe would be waited for.
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a file").into());
    }
    let too_big = |bytes| ModelProblem::TooBig { bytes };
    if found.len() > MAX_MODEL_BYTES {
        return Err(too_big(found.len()));
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    File::open(path)?
        .take(MAX_MODEL_BYTES + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        read if read > MAX_MODEL_BYTES => Err(too_big(read)),
        _ => Ok(bytes),
    }
}

impl Proto {
    /// Reads what a file holds.
    ///
    /// # Errors
    /// When it is no ONNX model, or not a whole one in one file.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ModelProblem> {
        let not_onnx = |found: String| ModelProblem::NotOnnx { found };
        if let Some(found) = something_else(&bytes) {
            return Err(not_onnx(found.to_owned()));
        }
        let read = tract_onnx::onnx().proto_model_for_read(&mut bytes.as_slice());
        let model = read.map_err(|error| {
            not_onnx(format!(
                "it is damaged, cut off or something else ({})",
                brief(&error)
            ))
        })?;
        let proto = Self { model, bytes };
        proto.check()?;
        Ok(proto)
    }

    /// The same once more.
    pub(super) fn again(&self) -> Result<Self, ModelProblem> {
        Self::parse(self.bytes.clone())
    }

    fn check(&self) -> Result<(), ModelProblem> {
        let not_onnx = |found: &str| ModelProblem::NotOnnx { found: found.into() };
        let Some(graph) = self.model.graph.as_ref().filter(|graph| !graph.node.is_empty()) else {
            return Err(not_onnx("it has no graph"));
        };
        if graph.input.len() > MAX_PORTS + graph.initializer.len() || graph.output.len() > MAX_PORTS {
            return Err(not_onnx(&format!(
                "it has more than {MAX_PORTS} inputs or outputs"
            )));
        }
        let mut walk = Walk::default();
        walk.graph(graph, MAX_GRAPH_DEPTH);
        if walk.nodes > MAX_MODEL_NODES || walk.too_deep {
            return Err(not_onnx(&format!(
                "its graph has more than {MAX_MODEL_NODES} nodes, or branches {MAX_GRAPH_DEPTH} deep"
            )));
        }
        match walk.external {
            Some(location) => Err(ModelProblem::External { location }),
            None => Ok(()),
        }
    }

    /// How often it uses which operator, as `domain.Name`; those of ONNX itself have no domain.
    #[must_use]
    pub fn operators(&self) -> BTreeMap<String, usize> {
        let mut walk = Walk::default();
        if let Some(graph) = &self.model.graph {
            walk.graph(graph, MAX_GRAPH_DEPTH);
        }
        walk.operators
    }

    /// The version of the ONNX operators that it is written for; 0 if it does not say.
    #[must_use]
    pub fn opset(&self) -> i64 {
        let mut imports = self.model.opset_import.iter();
        let onnx = imports.find(|import| matches!(import.domain.as_str(), "" | "ai.onnx"));
        onnx.map_or(0, |import| import.version)
    }

    /// What wrote it, such as `pytorch 2.4`.
    #[must_use]
    pub fn producer(&self) -> String {
        let model = &self.model;
        let said = format!("{} {}", model.producer_name, model.producer_version);
        plain(said.trim(), MAX_NAME_BYTES)
    }

    /// Its inputs, without those that it brings itself.
    ///
    /// # Errors
    /// When one is of a kind that is not supported.
    pub fn inputs(&self) -> Result<Vec<Port>, String> {
        let Some(graph) = &self.model.graph else {
            return Ok(Vec::new());
        };
        let own = |info: &&pb::ValueInfoProto| graph.initializer.iter().any(|one| one.name == info.name);
        let given = graph.input.iter().filter(|info| !own(info));
        given.map(|info| port(info, "input")).collect()
    }

    /// Its outputs.
    ///
    /// # Errors
    /// When one is of a kind that is not supported.
    pub fn outputs(&self) -> Result<Vec<Port>, String> {
        let outputs = self.model.graph.iter().flat_map(|graph| &graph.output);
        outputs.map(|info| port(info, "output")).collect()
    }
}

/// What a file is that is surely no model, for a better word than a parser's.
fn something_else(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("the file is empty"),
        [b'P', b'K', 3, 4, ..] => Some("it is a ZIP file, as PyTorch writes"),
        [0x89, b'H', b'D', b'F', ..] => Some("it is an HDF5 file, as Keras writes"),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some("it is a model of TensorFlow Lite"),
        [0, b'a', b's', b'm', ..] => Some("it is WebAssembly"),
        [0x7f, b'E', b'L', b'F', ..] => Some("it is native code"),
        bytes if is_text(bytes) => Some("it is text"),
        _ => None,
    }
}

/// A model begins with its format's version, which is no letter.
fn is_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .take(16)
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn port(info: &pb::ValueInfoProto, what: &str) -> Result<Port, String> {
    let name = plain(&info.name, MAX_NAME_BYTES);
    let kind = info.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(pb::type_proto::Value::TensorType(tensor)) = kind else {
        return Err(format!("the {what} `{name}` is no tensor"));
    };
    let element = match tensor.elem_type {
        FLOAT32 => Element::Float32,
        UINT8 => Element::Uint8,
        INT32 => Element::Int32,
        INT64 => Element::Int64,
        other => {
            return Err(format!(
                "the {what} `{name}` has numbers of ONNX type {other}; supported are float32, uint8, int32 and int64"
            ));
        }
    };
    let sides = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let side = |side: &pb::tensor_shape_proto::Dimension| match &side.value {
        Some(Side::DimValue(value)) => u32::try_from(*value).ok().filter(|value| *value > 0),
        _ => None,
    };
    let shape: Vec<Option<u32>> = sides.map(side).collect();
    if shape.len() > MAX_RANK {
        return Err(format!(
            "the {what} `{name}` has {} dimensions; at most {MAX_RANK} are accepted",
            shape.len()
        ));
    }
    Ok(Port { name, shape, element })
}

/// Looks at every node, those of branches and loops as well.
#[derive(Default)]
struct Walk {
    operators: BTreeMap<String, usize>,
    nodes: usize,
    too_deep: bool,
    external: Option<String>,
}

impl Walk {
    fn graph(&mut self, graph: &pb::GraphProto, depth: u32) {
        graph.initializer.iter().for_each(|tensor| self.tensor(tensor));
        for node in &graph.node {
            self.nodes += 1;
            *self.operators.entry(operator(node)).or_default() += 1;
            for attribute in &node.attribute {
                attribute
                    .t
                    .iter()
                    .chain(&attribute.tensors)
                    .for_each(|tensor| self.tensor(tensor));
                for inner in attribute.g.iter().chain(&attribute.graphs) {
                    match depth.checked_sub(1) {
                        Some(depth) => self.graph(inner, depth),
                        None => self.too_deep = true,
                    }
                }
            }
        }
    }

    fn tensor(&mut self, tensor: &pb::TensorProto) {
        if tensor.data_location == Some(EXTERNAL) || !tensor.external_data.is_empty() {
            let named = tensor.external_data.iter().find(|entry| entry.key == "location");
            let location = named.map_or("", |entry| entry.value.as_str());
            self.external = Some(plain(location, MAX_NAME_BYTES));
        }
    }
}

/// `domain.Name`; operators of ONNX itself have no domain.
fn operator(node: &pb::NodeProto) -> String {
    let name = match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    };
    plain(&name, MAX_NAME_BYTES)
}
