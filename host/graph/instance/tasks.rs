//! The tasks of an instance: each node is put together from its component and its queues, and started.

use std::sync::Arc;

use super::components::Components;
use super::{Instance, Runtime, clock_of};
use crate::extension::Gate;
use crate::graph::logging;
use crate::graph::plan::{Plan, PlannedComponent, PlannedKind, PlannedNode, PlannedServer, Protocol};
use crate::graph::wiring::Wiring;
use crate::media::MediaTime;
use crate::media::decode::H264Decoder;
use crate::nodes::context::NodeContext;
use crate::nodes::decode::DecodeStage;
use crate::nodes::io::demand::Sampler;
use crate::nodes::io::pace::Pace;
use crate::nodes::minutes::Minutes;
use crate::nodes::processors::component::Refusals;
use crate::nodes::processors::detector::DetectorNode;
use crate::nodes::processors::findings::Findings;
use crate::nodes::processors::gate::buffer::Buffer;
use crate::nodes::processors::gate::decisions::Decisions;
use crate::nodes::processors::gate::run::GateNode;
use crate::nodes::processors::grpc_extension::run::GrpcExtensionNode;
use crate::nodes::processors::http_extension::run::{Client, HttpExtensionNode};
use crate::nodes::processors::input::TopologyImage;
use crate::nodes::processors::processor::ProcessorNode;
use crate::nodes::processors::server::outage::Outage;
use crate::nodes::processors::viewing::{Sampling, Viewing};
use crate::nodes::processors::wakes::Wakes;
use crate::nodes::sinks::hub::run::MessageSink;
use crate::nodes::sinks::recorder::RecordingSink;
use crate::nodes::sources::hub::run::MessageSource;
use crate::nodes::sources::replay::player::DECODING;
use crate::nodes::sources::rtsp::run::RtspSource;
use crate::nodes::sources::rtsp::target::Target;

/// What the nodes of an instance are put together from. Each takes what is its own.
pub(super) struct Parts<'a> {
    pub(super) contexts: Vec<NodeContext>,
    pub(super) components: Components,
    pub(super) wiring: Wiring,
    pub(super) runtime: &'a Runtime,
}

impl Instance {
    pub(super) fn spawn_all(&mut self, plan: Plan, mut parts: Parts<'_>) {
        if self.seats.is_none() {
            self.spawn_minutes(&plan);
            // A replay is of the versions that it began with.
            self.spawn_watchers();
        }
        // Sinks first, so that whoever feeds them finds them waiting; sources last.
        for (index, node) in plan.nodes.into_iter().enumerate().rev() {
            if let Some(context) = parts.contexts.get(index).cloned() {
                self.spawn_node(&plan.instance, index, node.kind, context, &mut parts);
            }
        }
    }

    /// Starts a node, unless it lacks a part.
    fn spawn_node(
        &mut self,
        instance: &str,
        index: usize,
        kind: PlannedKind,
        context: NodeContext,
        parts: &mut Parts<'_>,
    ) {
        let span = context.span.clone();
        match kind {
            PlannedKind::RtspSource(target) => self.spawn_camera(index, context, target, parts),
            PlannedKind::HubSource(input) => self.spawn_hub_source(instance, index, context, input, parts),
            PlannedKind::Detector {
                component,
                image,
                sampling,
            } => {
                if let Some(node) = parts.detector(index, context, &component, image, sampling) {
                    self.spawn(span, node.run());
                }
            }
            PlannedKind::Server(server) => self.spawn_server(instance, index, context, *server, parts),
            PlannedKind::Processor(component) => {
                if let Some(node) = parts.processor(index, context, &component) {
                    self.spawn(span, node.run());
                }
            }
            PlannedKind::Gate(component) => {
                if let Some(node) = parts.gate(index, context, &component) {
                    self.spawn(span, node.run());
                }
            }
            PlannedKind::Recorder(opener) => {
                if let Some(input) = parts.wiring.media_in.remove(&index) {
                    let witnesses = parts.wiring.witnesses.remove(&index);
                    let sink = RecordingSink::new(context, input, opener).with_witnesses(witnesses);
                    self.spawn(span, sink.run());
                }
            }
            PlannedKind::MessageSink(output) => {
                if let Some(sink) = parts.message_sink(index, context, output) {
                    self.spawn(span, sink.run());
                }
            }
            PlannedKind::FrameRate(_) => {}
        }
    }

    fn spawn_camera(&mut self, index: usize, context: NodeContext, target: Target, parts: &mut Parts<'_>) {
        self.spawn_decoding(index, &context, parts);
        let outputs = parts.wiring.media_out.remove(&index).unwrap_or_default();
        if let Some(seats) = &mut self.seats {
            seats.cameras.push((context, outputs));
            return;
        }
        let span = context.span.clone();
        let source = RtspSource {
            context,
            target,
            reach: Arc::clone(&parts.runtime.reach),
            outputs,
        };
        self.spawn(span, source.run());
    }

    fn spawn_server(
        &mut self,
        instance: &str,
        index: usize,
        context: NodeContext,
        planned: PlannedServer,
        parts: &mut Parts<'_>,
    ) {
        let PlannedServer {
            server,
            protocol,
            image,
            sampling,
        } = planned;
        let span = context.span.clone();
        let outage = Outage::new(protocol.name(), server.shown(), fastrand::Rng::new());
        let Some(viewing) = parts.viewing(index, context.clone(), sampling) else {
            return;
        };
        match protocol {
            Protocol::Http => match Client::new(server, Arc::clone(&parts.runtime.reach)) {
                Ok(client) => {
                    let node = HttpExtensionNode {
                        viewing,
                        image,
                        client,
                        outage,
                    };
                    self.spawn(span, node.run());
                }
                Err(error) => context.error(&error),
            },
            Protocol::Grpc(options) => {
                let node = GrpcExtensionNode {
                    viewing,
                    image,
                    server,
                    options,
                    instance: instance.to_owned(),
                    reach: Arc::clone(&parts.runtime.reach),
                    outage,
                    one_by_one: matches!(parts.wiring.pace, Pace::Replay(_)),
                };
                self.spawn(span, node.run());
            }
        }
    }

    fn spawn_decoding(&mut self, index: usize, context: &NodeContext, parts: &mut Parts<'_>) {
        let Some(input) = parts.wiring.decode_in.remove(&index) else {
            return;
        };
        let stage = DecodeStage::new(
            decoding_context(context),
            input,
            parts.wiring.frames_out.remove(&index).unwrap_or_default(),
            Box::new(H264Decoder::new()),
            parts.runtime.pool.clone(),
        );
        self.spawn(context.span.clone(), stage.run());
    }

    fn spawn_hub_source(
        &mut self,
        instance: &str,
        index: usize,
        context: NodeContext,
        input: String,
        parts: &mut Parts<'_>,
    ) {
        let signals = parts.wiring.signals_out.remove(&index).unwrap_or_default();
        if let Some(seats) = &mut self.seats {
            seats.messages.push((context, input, signals));
            return;
        }
        let span = context.span.clone();
        let source = MessageSource {
            context,
            messages: parts.runtime.hub.register(&input, instance),
            signals,
        };
        self.spawn(span, source.run());
    }

    /// Tells from time to time how much came.
    fn spawn_minutes(&mut self, plan: &Plan) {
        let counted = |node: &PlannedNode| {
            matches!(
                node.kind,
                PlannedKind::RtspSource(_)
                    | PlannedKind::Detector { .. }
                    | PlannedKind::Server(_)
                    | PlannedKind::Processor(_)
            )
        };
        let nodes = self.contexts.iter().cloned();
        let nodes = nodes.zip(plan.nodes.iter().map(counted)).collect();
        self.spawn(
            logging::instance(&plan.instance),
            Minutes::new(nodes, self.stop.clone()).run(),
        );
    }

    /// Watches the files of components for which the topology says so.
    fn spawn_watchers(&mut self) {
        let watchers = self.slots.iter().filter_map(|slot| slot.watcher(&self.stop));
        for watcher in watchers.collect::<Vec<_>>() {
            let span = watcher.span();
            self.spawn(span, watcher.run());
        }
    }
}

impl Parts<'_> {
    fn detector(
        &mut self,
        index: usize,
        context: NodeContext,
        component: &PlannedComponent,
        image: TopologyImage,
        sampling: Sampling,
    ) -> Option<DetectorNode> {
        Some(DetectorNode {
            detector: self.components.detectors.remove(&index)?,
            viewing: self.viewing(index, context, sampling)?,
            extension: component.extension.name.clone(),
            image,
            component_rate: None,
            refusals: Refusals::default(),
        })
    }

    fn viewing(&mut self, index: usize, context: NodeContext, sampling: Sampling) -> Option<Viewing> {
        Some(Viewing {
            context,
            sampling,
            input: self.wiring.frames_in.remove(&index)?,
            signals: self.wiring.signals_out.remove(&index).unwrap_or_default(),
            frames: self.wiring.frames_out.remove(&index).unwrap_or_default(),
            pool: self.runtime.pool.clone(),
            sampler: Sampler::default(),
            findings: Findings::default(),
        })
    }

    fn processor(
        &mut self,
        index: usize,
        context: NodeContext,
        component: &PlannedComponent,
    ) -> Option<ProcessorNode> {
        let processor = self.components.processors.remove(&index)?;
        let inputs = self.wiring.signals_in.remove(&index)?;
        Some(ProcessorNode {
            context,
            processor,
            extension: component.extension.name.clone(),
            merge: self.wiring.pace.merge(inputs.awaited),
            input: inputs.receiver,
            outputs: self.wiring.signals_out.remove(&index).unwrap_or_default(),
            pool: self.runtime.pool.clone(),
            wake: None,
            wakes: Wakes::default(),
            refusals: Refusals::default(),
            findings: Findings::default(),
            told: MediaTime::MIN,
        })
    }

    fn gate(&mut self, index: usize, context: NodeContext, component: &PlannedComponent) -> Option<GateNode> {
        let gate = self.components.gates.remove(&index)?;
        let inputs = self.wiring.signals_in.remove(&index)?;
        // A gate that is down from the start does not say how much it wants; a later instance may.
        let history = gate.instance().map(Gate::history).unwrap_or_default();
        let buffer = match self.wiring.pace {
            Pace::Live => Buffer::new(history),
            Pace::Replay(_) => Buffer::new(history).with_room(),
        };
        Some(GateNode {
            context,
            gate,
            extension: component.extension.name.clone(),
            media: self.wiring.media_in.remove(&index)?,
            merge: self.wiring.pace.merge(inputs.awaited),
            signals: inputs.receiver,
            buffer,
            outputs: self.wiring.media_out.remove(&index).unwrap_or_default(),
            pool: self.runtime.pool.clone(),
            wake: None,
            wakes: Wakes::default(),
            refusals: Refusals::default(),
            decisions: Decisions::default(),
            open: false,
        })
    }

    fn message_sink(
        &mut self,
        index: usize,
        context: NodeContext,
        output: Option<Arc<str>>,
    ) -> Option<MessageSink> {
        let inputs = self.wiring.signals_in.remove(&index)?;
        let speakers = inputs.nodes.iter().filter_map(|node| self.contexts.get(*node));
        let speakers = speakers
            .map(|context| context.emitter.to_output(output.clone()))
            .collect();
        Some(MessageSink {
            context,
            input: inputs.receiver,
            speakers,
        })
    }
}

/// Decoding reports under the source's name, and is behind it.
fn decoding_context(source: &NodeContext) -> NodeContext {
    NodeContext {
        clock: clock_of(&source.clock, DECODING),
        ..source.clone()
    }
}
