//! What all detectors of a graph want together, and what that means for each source: what is decoded, and which scales.
//!
//! Demand flows against the media. A node asks for the frames that its own component is to see and for those that nodes
//! below it want, so that a node which looks at little does not starve one below that looks at more; filters on the way limit
//! what passes them.

use std::collections::HashMap;

use serde::Serialize;

use super::plan::{Plan, PlannedInput, PlannedKind, PlannedNode, lower};
use crate::extension::RequestedInput;
use crate::media::TICKS_PER_SECOND;
use crate::media::image::ImageSpec;
use crate::nodes::decode::planner::longest_interval;
use crate::nodes::io::demand::{Asked, Demand};

/// What the components want to be fed, by the index of their nodes. A component that is down from the start has not said it.
pub type Inputs = HashMap<usize, RequestedInput>;

/// What each node asks of whoever feeds it.
#[derive(Clone, Debug)]
pub struct Demands(Vec<Asked>);

impl Demands {
    /// Of the nodes of a plan whose components want this.
    #[must_use]
    pub fn new(plan: &Plan, inputs: &Inputs) -> Self {
        let mut asked = vec![Asked::default(); plan.nodes.len()];
        // A node stands behind its inputs, so what is below it has been asked by the time that it is looked at.
        for (index, node) in plan.nodes.iter().enumerate().rev() {
            let Some(sampling) = node.kind.sampling() else {
                continue;
            };
            let component = inputs.get(&index).and_then(|input| input.max_rate);
            let below = asked.get(index).cloned().unwrap_or_default();
            let all = below.and(&sampling.asked(component));
            if let Some(origin) = origin(plan, node)
                && let Some(feeder) = asked.get_mut(origin.node)
            {
                *feeder = std::mem::take(feeder).and(&all.limited(origin.rate));
            }
            if let Some(own) = asked.get_mut(index) {
                *own = all;
            }
        }
        Self(asked)
    }

    /// What a detector asks for, or, of a source, what everyone asks of it.
    #[must_use]
    pub fn of_node(&self, index: usize) -> Asked {
        self.0.get(index).cloned().unwrap_or_default()
    }
}

fn origin(plan: &Plan, node: &PlannedNode) -> Option<super::plan::FrameOrigin> {
    node.inputs
        .iter()
        .find_map(|input: &PlannedInput| plan.frame_origin(*input))
}

/// What is decoded and scaled for whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecodePlan {
    /// The name of the topology.
    pub topology: String,
    /// The cameras.
    pub sources: Vec<SourcePlan>,
}

/// What is decoded of a source.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePlan {
    /// The node.
    pub source: String,
    /// What is decoded.
    pub decodes: Decodes,
    /// The highest rate that is asked for, in frames a second; absent when all frames are, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest_rate: Option<f64>,
    /// Keyframes alone are decoded while the camera sends one at least each so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyframes_suffice_up_to: Option<f64>,
    /// Nodes that take its encoded media, for which nothing is decoded.
    pub records: Vec<String>,
    /// Who looks at its pictures.
    pub looks: Vec<Look>,
    /// What the pictures are scaled and converted to, each once.
    pub images: Vec<ImagePlan>,
}

/// What is decoded of a source, while the graph runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decodes {
    /// Nothing.
    Nothing,
    /// Keyframes, where they suffice; else what is due, and what other pictures refer to.
    Due,
    /// Every picture.
    Everything,
}

/// A node that looks at pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// The node.
    pub node: String,
    /// Its component, or the protocol of its server.
    pub component: String,
    /// The nodes that the pictures pass on their way, from the source on.
    pub behind: Vec<String>,
    /// Frames a second at most; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_rate: Option<f64>,
    /// Only frames of which a node before it has said something.
    pub only_annotated: bool,
    /// It will never be given a frame, since it wants annotated ones and no node before it looks at any.
    pub never: bool,
    /// Which of the images, counted from 1; absent when the component does not say what it wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<usize>,
}

/// What pictures are scaled and converted to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePlan {
    /// The layout of pixels.
    pub format: &'static str,
    /// Pixels at most; absent for those of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels at most; absent for those of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// How it gets there.
    pub fit: &'static str,
    /// Who shares it.
    pub nodes: Vec<String>,
    #[serde(skip)]
    spec: ImageSpec,
}

impl DecodePlan {
    /// For a plan whose components want this.
    #[must_use]
    pub fn new(plan: &Plan, inputs: &Inputs) -> Self {
        let demands = Demands::new(plan, inputs);
        let sources = plan.nodes.iter().enumerate();
        let sources = sources.filter(|(_, node)| matches!(node.kind, PlannedKind::RtspSource(_)));
        Self {
            topology: plan.topology.clone(),
            sources: sources
                .map(|(index, node)| SourcePlan::new(plan, inputs, index, node, &demands.of_node(index)))
                .collect(),
        }
    }
}

impl SourcePlan {
    fn new(plan: &Plan, inputs: &Inputs, index: usize, node: &PlannedNode, asked: &Asked) -> Self {
        let highest_rate = asked.all.highest();
        let mut source = Self {
            source: node.name.clone(),
            decodes: match &asked.all {
                Demand::Nothing => Decodes::Nothing,
                Demand::Rates(_) => Decodes::Due,
                Demand::Everything => Decodes::Everything,
            },
            highest_rate,
            keyframes_suffice_up_to: highest_rate
                .map(|rate| longest_interval(rate).0 as f64 / TICKS_PER_SECOND as f64),
            records: takers(plan, index),
            looks: Vec::new(),
            images: Vec::new(),
        };
        for (at, node) in plan.nodes.iter().enumerate() {
            source.add(plan, inputs, index, at, node);
        }
        source
    }

    /// Adds a detector, if its pictures come from this source.
    fn add(&mut self, plan: &Plan, inputs: &Inputs, source: usize, at: usize, node: &PlannedNode) {
        let Some(sampling) = node.kind.sampling() else {
            return;
        };
        let Some(way) = Way::back(plan, node).filter(|way| way.source == source) else {
            return;
        };
        let input = inputs.get(&at);
        let component_rate = input.and_then(|input| input.max_rate).map(f64::from);
        let (looker, image) = looker(&node.kind, input);
        let number = image.map(|spec| self.image(spec.canonical(), &node.name));
        self.looks.push(Look {
            node: node.name.clone(),
            component: looker,
            maximum_rate: lower(lower(sampling.max_rate, component_rate), way.rate),
            only_annotated: sampling.only_annotated,
            never: sampling.only_annotated && !way.annotates,
            behind: way.behind,
            image: number,
        });
    }

    /// The number of an image, counted from 1.
    fn image(&mut self, spec: ImageSpec, node: &str) -> usize {
        if let Some(at) = self.images.iter().position(|image| image.spec == spec) {
            if let Some(image) = self.images.get_mut(at) {
                image.nodes.push(node.to_owned());
            }
            return at + 1;
        }
        self.images.push(ImagePlan {
            format: spec.format.name(),
            width: spec.size.map(|size| size.width),
            height: spec.size.map(|size| size.height),
            fit: spec.fit.name(),
            nodes: vec![node.to_owned()],
            spec,
        });
        self.images.len()
    }
}

/// Who looks in a node, and the image that is wanted there, if that is known.
fn looker(kind: &PlannedKind, input: Option<&RequestedInput>) -> (String, Option<ImageSpec>) {
    match kind {
        PlannedKind::Detector { component, image, .. } => (
            component.extension.name.clone(),
            input.and_then(|input| image.fill(input.image).ok()),
        ),
        PlannedKind::Server(server) => (
            format!("a server over {}", server.protocol.name()),
            Some(server.image.spec()),
        ),
        _ => (String::new(), None),
    }
}

/// Nodes that take a source's encoded media.
fn takers(plan: &Plan, source: usize) -> Vec<String> {
    let takes = |node: &&PlannedNode| {
        matches!(node.kind, PlannedKind::Gate(_) | PlannedKind::Recorder(_))
            && node.inputs.iter().any(|input| input.node == source)
    };
    let nodes = plan.nodes.iter().filter(takes);
    nodes.map(|node| node.name.clone()).collect()
}

/// The way of pictures from their source to a node.
struct Way {
    source: usize,
    behind: Vec<String>,
    rate: Option<f64>,
    /// Some node on it looks at frames, and may say something of them.
    annotates: bool,
}

impl Way {
    fn back(plan: &Plan, node: &PlannedNode) -> Option<Self> {
        let mut way = Self {
            source: 0,
            behind: Vec::new(),
            rate: None,
            annotates: false,
        };
        let mut at = node.inputs.first()?.node;
        // A node stands behind its inputs, so this ends.
        loop {
            let before = plan.nodes.get(at)?;
            match &before.kind {
                PlannedKind::RtspSource(_) => {
                    way.source = at;
                    way.behind.reverse();
                    return Some(way);
                }
                PlannedKind::FrameRate(rate) => way.rate = lower(way.rate, Some(*rate)),
                PlannedKind::Detector { .. } | PlannedKind::Server(_) => way.annotates = true,
                _ => return None,
            }
            way.behind.push(before.name.clone());
            at = before.inputs.first()?.node;
        }
    }
}
