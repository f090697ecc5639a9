//! The plan of a graph: nodes with everything they need, and what flows between them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::events::notes::{Graph, GraphNode, Role};
use crate::extension::{Extension, Limits};
use crate::inference::Bound;
use crate::nodes::io::units::Tracks;
use crate::nodes::processors::grpc_extension::run::GrpcOptions;
use crate::nodes::processors::input::TopologyImage;
use crate::nodes::processors::server::image::ServerImage;
use crate::nodes::processors::server::place::Server;
use crate::nodes::processors::viewing::Sampling;
use crate::nodes::sinks::recorder::Opener;
use crate::nodes::sources::rtsp::target::Target;

/// What runs.
#[derive(Debug)]
pub struct Plan {
    /// The name of the topology.
    pub topology: String,
    /// The name of the instance.
    pub instance: String,
    /// In topological order: a node stands behind all of its inputs.
    pub nodes: Vec<PlannedNode>,
}

/// A node.
#[derive(Debug)]
pub struct PlannedNode {
    /// Its name in the topology.
    pub name: String,
    /// Its `@type`.
    pub node_type: &'static str,
    /// What it is.
    pub kind: PlannedKind,
    /// Where it is fed from.
    pub inputs: Vec<PlannedInput>,
}

/// An edge.
#[derive(Clone, Copy, Debug)]
pub struct PlannedInput {
    /// The index of the node that feeds.
    pub node: usize,
    /// The tracks that are wanted of its media.
    pub tracks: Tracks,
    /// Its recording ends when the camera is lost, and another begins when it is back.
    pub ends_with_camera: bool,
}

/// A component, loaded, with its checked configuration.
#[derive(Clone, Debug)]
pub struct PlannedComponent {
    /// The component.
    pub extension: Arc<Extension>,
    /// Its configuration.
    pub config: Value,
    /// Its limits.
    pub limits: Limits,
    /// Where it comes from, and other versions of it.
    pub origin: Origin,
    /// The only SHA-256 that the topology takes.
    pub pin: Option<String>,
    /// The models that it may run.
    pub models: Bound,
}

/// Where the versions of a component come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// What this name points to: installed, or part of the program.
    Name(String),
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// What replaces the file is put in while the graph runs.
        watch: bool,
    },
}

/// An inference server, and what it is sent.
#[derive(Debug)]
pub struct PlannedServer {
    /// Where it is.
    pub server: Server,
    /// How it is talked to.
    pub protocol: Protocol,
    /// The images that it is sent.
    pub image: ServerImage,
    /// Which frames the topology lets it see.
    pub sampling: Sampling,
}

/// How a server is talked to.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// A request for each frame.
    Http,
    /// A session that is kept up.
    Grpc(GrpcOptions),
}

impl Protocol {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc(_) => "grpc",
        }
    }
}

/// What a node is.
#[derive(Debug)]
pub enum PlannedKind {
    /// A camera.
    RtspSource(Target),
    /// Messages from outside, on the input of this name.
    HubSource(String),
    /// Lets through at most so many frames a second. Not a task: a property of the edges below it.
    FrameRate(f64),
    /// Shows frames to a component.
    Detector {
        /// The component.
        component: PlannedComponent,
        /// What the topology says of its input.
        image: TopologyImage,
        /// Which frames the topology lets it see.
        sampling: Sampling,
    },
    /// Shows frames to a server.
    Server(Box<PlannedServer>),
    /// Hands what detectors said to a component.
    Processor(PlannedComponent),
    /// Lets media through.
    Gate(PlannedComponent),
    /// Records.
    Recorder(Arc<dyn Opener>),
    /// Publishes what detectors say, on a hub output.
    MessageSink(Option<Arc<str>>),
}

impl PlannedKind {
    /// What the topology says of the frames that a component is given.
    #[must_use]
    pub fn image(&self) -> TopologyImage {
        match self {
            Self::Detector { image, .. } => *image,
            _ => TopologyImage::default(),
        }
    }

    /// Of a node that looks at frames: which of them the topology lets it see.
    #[must_use]
    pub fn sampling(&self) -> Option<&Sampling> {
        match self {
            Self::Detector { sampling, .. } => Some(sampling),
            Self::Server(server) => Some(&server.sampling),
            _ => None,
        }
    }

    /// The component that it runs.
    #[must_use]
    pub fn component(&self) -> Option<&PlannedComponent> {
        match self {
            Self::Detector { component, .. } | Self::Processor(component) | Self::Gate(component) => {
                Some(component)
            }
            _ => None,
        }
    }

    /// The state that its node begins in.
    #[must_use]
    pub fn first_state(&self) -> &'static str {
        match self {
            Self::RtspSource(_) => "connecting",
            Self::HubSource(_) => "listening",
            Self::Recorder(_) => "idle",
            Self::FrameRate(_)
            | Self::Detector { .. }
            | Self::Server(_)
            | Self::Processor(_)
            | Self::Gate(_)
            | Self::MessageSink(_) => "running",
        }
    }

    /// What the journal calls what it does.
    #[must_use]
    pub fn role(&self) -> Role {
        match self {
            Self::RtspSource(_) => Role::Camera,
            Self::HubSource(_) => Role::Messages,
            // All say what there was; `explain` need not tell them apart.
            Self::Detector { .. } | Self::Server(_) | Self::Processor(_) => Role::Detector,
            Self::Gate(_) => Role::Gate,
            Self::Recorder(_) => Role::Recorder,
            Self::FrameRate(_) | Self::MessageSink(_) => Role::Other,
        }
    }

    /// The part of an event's subject that names the kind of node.
    #[must_use]
    pub fn collection(&self) -> &'static str {
        match self {
            Self::RtspSource(_) | Self::HubSource(_) => "sources",
            Self::FrameRate(_)
            | Self::Detector { .. }
            | Self::Server(_)
            | Self::Processor(_)
            | Self::Gate(_) => "processors",
            Self::Recorder(_) | Self::MessageSink(_) => "sinks",
        }
    }
}

/// Where a consumer of frames gets them from, when frame-rate filters are taken for what they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameOrigin {
    /// The source or detector.
    pub node: usize,
    /// The lowest rate of the filters in between.
    pub rate: Option<f64>,
}

/// The lower of two rates.
#[must_use]
pub fn lower(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Plan {
    /// For `explain`: what there was.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let node = |node: &PlannedNode| GraphNode {
            name: node.name.clone(),
            role: node.kind.role(),
        };
        Graph {
            nodes: self.nodes.iter().map(node).collect(),
        }
    }

    /// Where the frames of an input come from.
    #[must_use]
    pub fn frame_origin(&self, input: PlannedInput) -> Option<FrameOrigin> {
        let (mut at, mut rate) = (input.node, None);
        // A node stands behind its inputs, so this ends.
        loop {
            let node = self.nodes.get(at)?;
            match &node.kind {
                PlannedKind::FrameRate(limit) => {
                    rate = lower(rate, Some(*limit));
                    at = node.inputs.first()?.node;
                }
                PlannedKind::RtspSource(_) | PlannedKind::Detector { .. } | PlannedKind::Server(_) => {
                    return Some(FrameOrigin { node: at, rate });
                }
                _ => return None,
            }
        }
    }

    /// Whether a node's output is media that can be recorded.
    #[must_use]
    pub fn gives_media(&self, node: usize) -> bool {
        matches!(
            self.nodes.get(node).map(|node| &node.kind),
            Some(PlannedKind::RtspSource(_) | PlannedKind::Gate(_))
        )
    }

    /// Whether a node says something: of frames, of what was said of them, or that a message came.
    #[must_use]
    pub fn gives_signals(&self, node: usize) -> bool {
        matches!(
            self.nodes.get(node).map(|node| &node.kind),
            Some(
                PlannedKind::Detector { .. }
                    | PlannedKind::Server(_)
                    | PlannedKind::Processor(_)
                    | PlannedKind::HubSource(_)
            )
        )
    }

    /// Whether a node's signals are waited for: a message from outside may come or not.
    #[must_use]
    pub fn is_awaited(&self, node: usize) -> bool {
        let kind = self.nodes.get(node).map(|node| &node.kind);
        !matches!(kind, Some(PlannedKind::HubSource(_)))
    }

    /// The subject of the events of the instance itself.
    #[must_use]
    pub fn instance_subject(&self) -> String {
        format!("/graphInstances/{}", self.instance)
    }

    /// The subject of a node's events.
    #[must_use]
    pub fn subject(&self, node: &PlannedNode) -> String {
        format!(
            "{}/{}/{}",
            self.instance_subject(),
            node.kind.collection(),
            node.name
        )
    }
}
