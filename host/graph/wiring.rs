//! The queues of a plan: who gets media, frames and signals from whom.

use std::collections::HashMap;

use super::demand::Demands;
use super::plan::{Plan, PlannedInput, PlannedKind};
use crate::nodes::io::frames::{FrameReceiver, FrameSender};
use crate::nodes::io::pace::Pace;
use crate::nodes::io::signals::{SignalReceiver, SignalSender};
use crate::nodes::io::units::{UnitReceiver, UnitSender};
use crate::nodes::io::witness::{Witnesses, witnesses};

/// What flows out of, and into, each node, by its index in the plan.
#[derive(Debug, Default)]
pub(super) struct Wiring {
    /// How all of them behave.
    pub(super) pace: Pace,
    pub(super) media_out: HashMap<usize, Vec<UnitSender>>,
    pub(super) media_in: HashMap<usize, UnitReceiver>,
    pub(super) frames_out: HashMap<usize, Vec<FrameSender>>,
    pub(super) frames_in: HashMap<usize, FrameReceiver>,
    pub(super) signals_out: HashMap<usize, Vec<SignalSender>>,
    pub(super) signals_in: HashMap<usize, Inputs>,
    /// Media on its way into the decode stage of a source.
    pub(super) decode_in: HashMap<usize, UnitReceiver>,
    /// What is seen of the camera that a recorder records.
    pub(super) witnesses: HashMap<usize, Witnesses>,
}

/// The signals that a node is fed with.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) receiver: SignalReceiver,
    /// The node behind each input, in the order in which the topology names them.
    pub(super) nodes: Vec<usize>,
    /// Whether each of them is waited for.
    pub(super) awaited: Vec<bool>,
}

impl Wiring {
    /// Makes the queues. `demands` are the frames that each node asks for.
    pub(super) fn new(plan: &Plan, demands: &Demands, pace: Pace) -> Self {
        let mut wiring = Self {
            pace,
            ..Self::default()
        };
        for (index, node) in plan.nodes.iter().enumerate() {
            match &node.kind {
                PlannedKind::Recorder(_) => {
                    wiring.media(plan, index, &node.inputs);
                    wiring.witnesses(plan, index);
                }
                PlannedKind::Gate(_) => {
                    wiring.media(plan, index, &node.inputs);
                    wiring.signals(plan, index, &node.inputs);
                }
                PlannedKind::Processor(_) | PlannedKind::MessageSink(_) => {
                    wiring.signals(plan, index, &node.inputs);
                }
                PlannedKind::Detector { .. } | PlannedKind::Server(_) => {
                    wiring.frames(plan, index, &node.inputs, demands);
                }
                PlannedKind::RtspSource(_) | PlannedKind::HubSource(_) | PlannedKind::FrameRate(_) => {}
            }
        }
        wiring.decoding(plan);
        wiring
    }

    fn media(&mut self, plan: &Plan, index: usize, inputs: &[PlannedInput]) {
        let media = inputs.iter().find(|input| plan.gives_media(input.node));
        let Some(input) = media else { return };
        let (mut sender, receiver) = self.pace.units(input.tracks);
        if input.ends_with_camera {
            sender.end_with_camera();
        }
        self.media_out.entry(input.node).or_default().push(sender);
        self.media_in.insert(index, receiver);
    }

    fn signals(&mut self, plan: &Plan, index: usize, inputs: &[PlannedInput]) {
        let nodes: Vec<usize> = inputs
            .iter()
            .map(|input| input.node)
            .filter(|node| plan.gives_signals(*node))
            .collect();
        let (senders, receiver) = self.pace.signals(nodes.len());
        for (node, sender) in nodes.iter().zip(senders) {
            self.signals_out.entry(*node).or_default().push(sender);
        }
        let awaited = nodes.iter().map(|node| plan.is_awaited(*node)).collect();
        let inputs = Inputs {
            receiver,
            nodes,
            awaited,
        };
        self.signals_in.insert(index, inputs);
    }

    /// Everybody who speaks of a camera tells whoever records it.
    fn witnesses(&mut self, plan: &Plan, recorder: usize) {
        let speakers = plan.witnesses(recorder);
        if speakers.is_empty() {
            return;
        }
        let (senders, reader) = witnesses(&speakers);
        for ((node, _), sender) in speakers.iter().zip(senders) {
            let sender = SignalSender::to_recorder(sender);
            self.signals_out.entry(*node).or_default().push(sender);
        }
        self.witnesses.insert(recorder, reader);
    }

    fn frames(&mut self, plan: &Plan, index: usize, inputs: &[PlannedInput], demands: &Demands) {
        let Some(origin) = inputs.iter().find_map(|input| plan.frame_origin(*input)) else {
            return;
        };
        let (sender, receiver) = self.pace.frames(origin.rate, demands.of_node(index));
        self.frames_out.entry(origin.node).or_default().push(sender);
        self.frames_in.insert(index, receiver);
    }

    /// One decode stage behind each source whose frames somebody wants; none behind the others.
    fn decoding(&mut self, plan: &Plan) {
        for (index, node) in plan.nodes.iter().enumerate() {
            if matches!(node.kind, PlannedKind::RtspSource(_)) && self.frames_out.contains_key(&index) {
                let (sender, receiver) = self.pace.units_for_analysis();
                self.media_out.entry(index).or_default().push(sender);
                self.decode_in.insert(index, receiver);
            }
        }
    }
}
