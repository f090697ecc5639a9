//! From a resolved graph to a plan: what its nodes need is looked up, loaded and checked. All that is wrong is found
//! at once.

mod components;
mod models;
mod places;
mod servers;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use self::components::{
    built_in, component, detector_or_processor, limits, motion_config, signal_gate_config,
};
use self::places::{asset_opener, file_opener, target};
use self::servers::{grpc_server, http_server, vision_server};
use super::Recordings;
use super::components::Installed;
use super::plan::{Plan, PlannedInput, PlannedKind, PlannedNode};
use crate::extension::{LazyEngine, World};
use crate::inference::Models;
use crate::media::Clock;
use crate::nodes::io::units::Tracks;
use crate::nodes::processors::input::TopologyImage;
use crate::nodes::processors::viewing::Sampling;
use crate::nodes::{Config, Graph};
use crate::state::StateDir;
use crate::topology::model::MediaType;
use crate::topology::{Input, ResolvedNode};

/// What a graph finds on its host.
#[derive(Debug)]
pub struct Environment {
    /// Where recordings go and paths lead.
    pub state: Arc<StateDir>,
    /// The cache and the stores; none where nothing is recorded, and sinks only tell what they would record.
    pub recordings: Option<Arc<Recordings>>,
    /// Loads components; a graph without any never starts it.
    pub engine: LazyEngine,
    /// Components that have a name on this host.
    pub installed: Arc<Installed>,
    /// Loads models; a graph without any costs nothing.
    pub models: Arc<Models>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Relative paths of components start here: the folder of the topology.
    pub folder: PathBuf,
}

/// Something that keeps a graph from running.
#[derive(Debug)]
pub struct Problem {
    /// The node.
    pub node: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}`: {}", self.node, self.message)
    }
}

/// Looks up, loads and checks everything that the nodes need. Blocks while components are compiled.
///
/// # Errors
/// Everything that is wrong.
pub fn prepare(graph: &Graph, environment: &Environment) -> Result<Plan, Vec<Problem>> {
    prepare_and_tell(graph, environment, &|_, _| {})
}

/// Told of each node that waits for something that takes long, with the state that it is in, and of the end of that.
pub type Compiling<'a> = &'a dyn Fn(&ResolvedNode<Config>, Option<&'static str>);

/// Its component is being compiled.
pub const COMPILING: &str = "compiling";
/// Its model is being loaded.
pub const LOADING: &str = "loading";

/// As [`prepare`]; says what takes long.
///
/// # Errors
/// Everything that is wrong.
pub fn prepare_and_tell(
    graph: &Graph,
    environment: &Environment,
    compiling: Compiling<'_>,
) -> Result<Plan, Vec<Problem>> {
    let (mut nodes, mut problems) = (Vec::new(), Vec::new());
    for node in &graph.nodes {
        match planned(graph, node, environment, compiling) {
            Ok(node) => nodes.push(node),
            Err(messages) => problems.extend(messages.into_iter().map(|message| Problem {
                node: node.name.clone(),
                message,
            })),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let plan = Plan {
        topology: graph.topology.clone(),
        instance: graph.instance.clone(),
        nodes,
    };
    let mut misplaced = several_media_inputs(&plan);
    misplaced.extend(without_food(&plan));
    if misplaced.is_empty() {
        Ok(plan)
    } else {
        Err(misplaced)
    }
}

/// What a node finds on its host while its component is loaded.
struct Loading<'a> {
    environment: &'a Environment,
    compiling: &'a dyn Fn(Option<&'static str>),
}

impl std::ops::Deref for Loading<'_> {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        self.environment
    }
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    instance: &'a str,
    /// See [`is_endless`].
    endless: bool,
}

/// A file sink directly behind a camera: no gate ends its recordings.
fn is_endless(graph: &Graph, node: &ResolvedNode<Config>) -> bool {
    let from_source = |input: &Input| {
        let parent = graph.nodes.get(input.node).map(|parent| &parent.config);
        matches!(parent, Some(Config::RtspSource(_)))
    };
    matches!(node.config, Config::FileSink(_)) && node.inputs.iter().any(from_source)
}

/// A gate or sink takes its media from one place.
fn several_media_inputs(plan: &Plan) -> Vec<Problem> {
    let takes_media = |kind: &PlannedKind| matches!(kind, PlannedKind::Gate(_) | PlannedKind::Recorder(_));
    let nodes = plan.nodes.iter().filter(|node| takes_media(&node.kind));
    let several = nodes.filter(|node| {
        node.inputs
            .iter()
            .filter(|input| plan.gives_media(input.node))
            .count()
            > 1
    });
    several
        .map(|node| Problem {
            node: node.name.clone(),
            message: "takes media from more than one node; give each camera a gate and a sink of its own"
                .into(),
        })
        .collect()
}

/// A detector looks at the frames of one node, a processor hears what others say. Which of the two a node is, only its
/// component says, so this cannot be asked before.
fn without_food(plan: &Plan) -> Vec<Problem> {
    let wrong = |node: &PlannedNode| match &node.kind {
        PlannedKind::Detector { .. } | PlannedKind::Server(_) => {
            let origins = node
                .inputs
                .iter()
                .filter(|input| plan.frame_origin(**input).is_some());
            match (origins.count(), node.inputs.len()) {
                (1, 1) => None,
                (0, _) => Some(
                    "looks at frames, and stands behind a processor, which gives statements only\n\
                     hint: name the node that the processor stands behind in `inputs`",
                ),
                _ => Some("looks at the frames of one node only\nhint: use one node of this type for each"),
            }
        }
        PlannedKind::Processor(_) => {
            let silent = node.inputs.iter().any(|input| !plan.gives_signals(input.node));
            silent.then_some(
                "is given what detectors say, and stands behind a node that says nothing\n\
                 hint: name a detector, a tracker or another processor in `inputs`",
            )
        }
        _ => None,
    };
    let problem = |node: &PlannedNode| {
        wrong(node).map(|message| Problem {
            node: node.name.clone(),
            message: message.into(),
        })
    };
    plan.nodes.iter().filter_map(problem).collect()
}

fn planned(
    graph: &Graph,
    node: &ResolvedNode<Config>,
    environment: &Environment,
    compiling: Compiling<'_>,
) -> Prepared<PlannedNode> {
    let endless = is_endless(graph, node);
    let place = Place {
        name: &node.name,
        instance: &graph.instance,
        endless,
    };
    let compiling = |state| compiling(node, state);
    let loading = Loading {
        environment,
        compiling: &compiling,
    };
    let kind = kind(place, &node.config, &loading)?;
    let inputs = node.inputs.iter().map(|input| planned_input(input, endless));
    Ok(PlannedNode {
        name: node.name.clone(),
        node_type: node.config.type_name(),
        kind,
        inputs: inputs.collect(),
    })
}

fn planned_input(input: &Input, endless: bool) -> PlannedInput {
    let wants = |media| input.selectors.iter().all(|selector| selector.accepts(media));
    PlannedInput {
        node: input.node,
        ends_with_camera: endless,
        tracks: Tracks {
            video: wants(MediaType::Video),
            audio: wants(MediaType::Audio),
        },
    }
}

type Prepared<T> = Result<T, Vec<String>>;

fn one(message: impl fmt::Display) -> Vec<String> {
    vec![message.to_string()]
}

fn kind(place: Place<'_>, config: &Config, environment: &Loading<'_>) -> Prepared<PlannedKind> {
    Ok(match config {
        Config::RtspSource(source) => PlannedKind::RtspSource(target(source)?),
        Config::FrameRate(filter) => PlannedKind::FrameRate(filter.maximum_fps),
        Config::Motion(motion) => PlannedKind::Detector {
            component: built_in(
                "motion-detector",
                World::Detector,
                motion_config(motion),
                environment,
            )?,
            image: TopologyImage::default(),
            sampling: Sampling::default(),
        },
        Config::SignalGate(gate) => {
            let config = signal_gate_config(gate);
            PlannedKind::Gate(built_in("signal-gate", World::Gate, config, environment)?)
        }
        Config::Gate(gate) => PlannedKind::Gate(component(
            &gate.extension,
            &[World::Gate],
            Value::Object(gate.config.0.clone()),
            limits(&gate.limits),
            environment,
        )?),
        Config::Extension(extension) => detector_or_processor(extension, environment)?,
        Config::ObjectTracking(tracking) => PlannedKind::Processor(built_in(
            "object-tracker",
            World::Processor,
            tracking.component_config(),
            environment,
        )?),
        Config::LineCrossing(lines) => PlannedKind::Processor(built_in(
            "line-crossing",
            World::Processor,
            lines.component_config(),
            environment,
        )?),
        Config::AssetSink(sink) => {
            PlannedKind::Recorder(asset_opener(place.instance, place.name, sink, environment)?)
        }
        Config::FileSink(sink) => PlannedKind::Recorder(file_opener(place, sink, environment)?),
        Config::HubSink(sink) => PlannedKind::MessageSink(sink.hub_output_name.as_deref().map(Arc::from)),
        Config::HubSource(source) => {
            let input = source.hub_input_name.as_deref().filter(|given| !given.is_empty());
            PlannedKind::HubSource(input.unwrap_or(place.name).to_owned())
        }
        Config::HttpExtension(extension) => PlannedKind::Server(Box::new(http_server(extension)?)),
        Config::GrpcExtension(extension) => PlannedKind::Server(Box::new(grpc_server(extension)?)),
        Config::VisionExtension(extension) => PlannedKind::Server(Box::new(vision_server(extension)?)),
    })
}
