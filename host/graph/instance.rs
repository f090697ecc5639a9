//! A graph at work.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};

use super::demand::{DecodePlan, Demands, Inputs};
use super::logging;
use super::plan::{Plan, PlannedComponent, PlannedKind, PlannedNode};
use super::replay::Seats;
use super::swap::Slot;
use super::wiring::Wiring;
use crate::events::hub::HubInputs;
use crate::events::notes::GRAPH;
use crate::events::{Emitter, EventSink};
use crate::extension::{
    CallError, Detector, Gate, NodeContext as GuestContext, Processor, Supervised, TracingLog,
};
use crate::media::decode::H264Decoder;
use crate::media::{Clock, MediaTime};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{NodeContext, NodeStats, NodeStatus};
use crate::nodes::decode::DecodeStage;
use crate::nodes::io::demand::Sampler;
use crate::nodes::io::pace::Pace;
use crate::nodes::minutes::Minutes;
use crate::nodes::processors::component::{tell_change, tell_loaded};
use crate::nodes::processors::detector::DetectorNode;
use crate::nodes::processors::findings::Findings;
use crate::nodes::processors::gate::buffer::Buffer;
use crate::nodes::processors::gate::decisions::Decisions;
use crate::nodes::processors::gate::run::GateNode;
use crate::nodes::processors::processor::ProcessorNode;
use crate::nodes::processors::wakes::Wakes;
use crate::nodes::reach::Reach;
use crate::nodes::sinks::hub::run::MessageSink;
use crate::nodes::sinks::recorder::RecordingSink;
use crate::nodes::sources::hub::run::MessageSource;
use crate::nodes::sources::rtsp::run::RtspSource;

/// How long a graph may take to drain. What it holds then is given up.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

const STARTED: &str = "Microsoft.Media.Graph.Operational.GraphInstanceStarted";
const STOPPED: &str = "Microsoft.Media.Graph.Operational.GraphInstanceStopped";

/// The name under which the host speaks in events.
const TOPIC: &str = "mediagraph";

/// What all graphs of a host share.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// Where analysis runs.
    pub pool: AnalysisPool,
    /// Messages from outside.
    pub hub: Arc<HubInputs>,
    /// Where nodes may connect to.
    pub reach: Arc<dyn Reach>,
}

/// Why a graph cannot be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// A component does not accept its configuration.
    #[error("the component of node `{node}` does not start: {error}")]
    Component {
        /// The node.
        node: String,
        /// What it says.
        error: CallError,
    },
    /// A component and the topology want different frames.
    #[error("node `{node}`: {message}")]
    Input {
        /// The node.
        node: String,
        /// What each of them wants.
        message: String,
    },
    /// Stopping took longer than it may.
    #[error("the graph did not drain in time; what it still held is lost")]
    Drain,
}

/// A running graph.
#[derive(Debug)]
pub struct Instance {
    stop: CancellationToken,
    tasks: TaskTracker,
    aborts: Vec<AbortHandle>,
    emitter: Emitter,
    clock: Arc<dyn Clock>,
    contexts: Vec<NodeContext>,
    slots: Vec<Slot>,
    kept: Option<Kept>,
    /// In replay: where its sources would be.
    seats: Option<Seats>,
}

/// What a graph keeps until it has ended.
type Kept = Box<dyn std::fmt::Debug + Send + Sync>;

/// How the nodes of a graph are.
#[derive(Clone, Debug)]
pub struct Watch {
    clock: Arc<dyn Clock>,
    nodes: Vec<(Arc<str>, Arc<NodeStats>)>,
}

impl Watch {
    /// Now, in topological order.
    #[must_use]
    pub fn status(&self) -> Vec<NodeStatus> {
        let now = self.clock.monotonic();
        let status = |(name, stats): &(Arc<str>, Arc<NodeStats>)| stats.status(name, now);
        self.nodes.iter().map(status).collect()
    }
}

/// The components of a plan, started.
#[derive(Default)]
struct Components {
    detectors: HashMap<usize, Supervised<Detector>>,
    processors: HashMap<usize, Supervised<Processor>>,
    gates: HashMap<usize, Supervised<Gate>>,
    slots: Vec<Slot>,
}

impl Instance {
    /// Starts a plan.
    ///
    /// # Errors
    /// When a component refuses its configuration. A component that crashes is no error: it is down, and
    /// the rest of the graph runs.
    pub async fn start(plan: Plan, runtime: &Runtime) -> Result<Self, InstanceError> {
        Self::start_at(plan, runtime, Pace::Live).await
    }

    /// Starts a plan at a pace; in replay without its sources.
    pub(super) async fn start_at(plan: Plan, runtime: &Runtime, pace: Pace) -> Result<Self, InstanceError> {
        let stop = CancellationToken::new();
        let contexts: Vec<NodeContext> = plan
            .nodes
            .iter()
            .map(|node| context(&plan, node, runtime, &stop))
            .collect();
        let mut components = Components::start(&plan, &contexts, runtime).await?;
        let seats = matches!(pace, Pace::Replay(_)).then(Seats::default);
        let demands = Demands::new(&plan, &components.inputs());
        let wiring = Wiring::new(&plan, &demands, pace);
        let mut instance = Self {
            stop,
            tasks: TaskTracker::new(),
            aborts: Vec::new(),
            emitter: Emitter::new(Arc::clone(&runtime.events), TOPIC, &plan.instance_subject()),
            clock: Arc::clone(&runtime.clock),
            contexts,
            slots: std::mem::take(&mut components.slots),
            kept: None,
            seats,
        };
        instance.tell(STARTED);
        for (node, context) in plan.nodes.iter().zip(&instance.contexts) {
            if let Some(component) = node.kind.component() {
                context
                    .span
                    .in_scope(|| tell_loaded(context, &component.extension));
            }
        }
        let graph = serde_json::json!(plan.graph());
        instance.emitter.note(GRAPH, instance.clock.media(), graph);
        instance.spawn_all(plan, components, wiring, runtime);
        instance.tasks.close();
        Ok(instance)
    }

    /// Says what would be decoded and scaled for whom. Starts the components, which alone know what they want, and nothing
    /// else.
    ///
    /// # Errors
    /// As [`Instance::start`].
    pub async fn look_ahead(plan: &Plan, runtime: &Runtime) -> Result<DecodePlan, InstanceError> {
        let stop = CancellationToken::new();
        let contexts: Vec<NodeContext> = plan
            .nodes
            .iter()
            .map(|node| context(plan, node, runtime, &stop))
            .collect();
        let components = Components::start(plan, &contexts, runtime).await?;
        Ok(DecodePlan::new(plan, &components.inputs()))
    }

    /// Shows how each node is, also after the graph has ended.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let contexts = self.contexts.iter();
        Watch {
            clock: Arc::clone(&self.clock),
            nodes: contexts
                .map(|context| (Arc::clone(&context.name), Arc::clone(&context.stats)))
                .collect(),
        }
    }

    /// Ends the sources and waits until everything that they brought has reached the sinks.
    ///
    /// # Errors
    /// [`InstanceError::Drain`] when that takes too long.
    pub async fn stop(self) -> Result<(), InstanceError> {
        self.stop_within(DRAIN_TIMEOUT).await
    }

    /// As [`Instance::stop`], with a bound of the caller's.
    ///
    /// # Errors
    /// [`InstanceError::Drain`] when that takes too long.
    pub async fn stop_within(self, limit: Duration) -> Result<(), InstanceError> {
        self.stop.cancel();
        let drained = tokio::time::timeout(limit, self.tasks.wait()).await;
        if drained.is_err() {
            for task in &self.aborts {
                task.abort();
            }
        }
        for context in &self.contexts {
            context.tell_losses(true);
        }
        self.tell(STOPPED);
        drained.map_err(|_| InstanceError::Drain)
    }

    /// The nodes that run components.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Watches the files of components for which the topology says so.
    fn spawn_watchers(&mut self) {
        let watchers = self.slots.iter().filter_map(|slot| slot.watcher(&self.stop));
        for watcher in watchers.collect::<Vec<_>>() {
            let span = watcher.span();
            self.spawn(span, watcher.run());
        }
    }

    /// Keeps something until the graph has ended.
    pub(super) fn keep(&mut self, kept: Kept) {
        self.kept = Some(kept);
    }

    /// In replay: where its sources would be, once.
    pub(super) fn take_seats(&mut self) -> Seats {
        self.seats.take().unwrap_or_default()
    }

    fn tell(&self, event_type: &str) {
        self.emitter
            .emit(event_type, self.clock.media(), serde_json::json!({}));
    }

    /// Lets the graph drain only once the test says so.
    #[cfg(test)]
    pub(super) fn hold(&mut self, until: CancellationToken) {
        self.spawn(Span::none(), async move { until.cancelled().await });
    }

    fn spawn(&mut self, span: Span, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(task.instrument(span));
        self.aborts.push(task.abort_handle());
    }

    fn spawn_all(&mut self, plan: Plan, mut components: Components, mut wiring: Wiring, runtime: &Runtime) {
        let contexts = self.contexts.clone();
        if self.seats.is_none() {
            self.spawn_minutes(&plan);
            // A replay is of the versions that it began with.
            self.spawn_watchers();
        }
        // Sinks first, so that whoever feeds them finds them waiting; sources last.
        for (index, node) in plan.nodes.into_iter().enumerate().rev() {
            let Some(context) = contexts.get(index).cloned() else {
                continue;
            };
            let span = context.span.clone();
            match node.kind {
                PlannedKind::RtspSource(target) => {
                    self.spawn_decoding(index, &context, &mut wiring, runtime);
                    let outputs = wiring.media_out.remove(&index).unwrap_or_default();
                    if let Some(seats) = &mut self.seats {
                        seats.cameras.push((context, outputs));
                        continue;
                    }
                    let source = RtspSource {
                        context,
                        target,
                        reach: Arc::clone(&runtime.reach),
                        outputs,
                    };
                    self.spawn(span, source.run());
                }
                PlannedKind::HubSource(input) => {
                    let signals = wiring.signals_out.remove(&index).unwrap_or_default();
                    if let Some(seats) = &mut self.seats {
                        seats.messages.push((context, input, signals));
                        continue;
                    }
                    let source = MessageSource {
                        context,
                        messages: runtime.hub.register(&input, &plan.instance),
                        signals,
                    };
                    self.spawn(span, source.run());
                }
                PlannedKind::Detector {
                    component,
                    image,
                    sampling,
                } => {
                    let (Some(detector), Some(input)) = (
                        components.detectors.remove(&index),
                        wiring.frames_in.remove(&index),
                    ) else {
                        continue;
                    };
                    let node = DetectorNode {
                        context,
                        detector,
                        extension: component.extension.name.clone(),
                        image,
                        sampling,
                        input,
                        signals: wiring.signals_out.remove(&index).unwrap_or_default(),
                        frames: wiring.frames_out.remove(&index).unwrap_or_default(),
                        pool: runtime.pool.clone(),
                        sampler: Sampler::default(),
                        component_rate: None,
                        findings: Findings::default(),
                    };
                    self.spawn(span, node.run());
                }
                PlannedKind::Processor(component) => {
                    let node = components.processors.remove(&index).and_then(|of| {
                        processor(index, context, &component, of, &mut wiring, runtime.pool.clone())
                    });
                    if let Some(node) = node {
                        self.spawn(span, node.run());
                    }
                }
                PlannedKind::Gate(component) => {
                    let node = components.gates.remove(&index).and_then(|of| {
                        gate(index, context, &component, of, &mut wiring, runtime.pool.clone())
                    });
                    if let Some(node) = node {
                        self.spawn(span, node.run());
                    }
                }
                PlannedKind::Recorder(opener) => {
                    if let Some(input) = wiring.media_in.remove(&index) {
                        self.spawn(span, RecordingSink::new(context, input, opener).run());
                    }
                }
                PlannedKind::MessageSink(output) => {
                    if let Some(inputs) = wiring.signals_in.remove(&index) {
                        let speakers = inputs.nodes.iter().filter_map(|node| contexts.get(*node));
                        let speakers = speakers
                            .map(|context| context.emitter.to_output(output.clone()))
                            .collect();
                        let sink = MessageSink {
                            context,
                            input: inputs.receiver,
                            speakers,
                        };
                        self.spawn(span, sink.run());
                    }
                }
                PlannedKind::FrameRate(_) => {}
            }
        }
    }

    /// Tells from time to time how much came.
    fn spawn_minutes(&mut self, plan: &Plan) {
        let counted = |node: &PlannedNode| {
            matches!(
                node.kind,
                PlannedKind::RtspSource(_) | PlannedKind::Detector { .. } | PlannedKind::Processor(_)
            )
        };
        let nodes = self.contexts.iter().cloned();
        let nodes = nodes.zip(plan.nodes.iter().map(counted)).collect();
        self.spawn(
            logging::instance(&plan.instance),
            Minutes::new(nodes, self.stop.clone()).run(),
        );
    }

    fn spawn_decoding(
        &mut self,
        index: usize,
        context: &NodeContext,
        wiring: &mut Wiring,
        runtime: &Runtime,
    ) {
        let Some(input) = wiring.decode_in.remove(&index) else {
            return;
        };
        let stage = DecodeStage::new(
            decoding_context(context),
            input,
            wiring.frames_out.remove(&index).unwrap_or_default(),
            Box::new(H264Decoder::new()),
            runtime.pool.clone(),
        );
        self.spawn(context.span.clone(), stage.run());
    }
}

/// The clock of a node, or of a part of one.
fn clock_of(clock: &Arc<dyn Clock>, name: &str) -> Arc<dyn Clock> {
    clock.of_node(name).unwrap_or_else(|| Arc::clone(clock))
}

/// Decoding reports under the source's name, and is behind it.
fn decoding_context(source: &NodeContext) -> NodeContext {
    NodeContext {
        clock: clock_of(&source.clock, "decoding"),
        ..source.clone()
    }
}

fn context(plan: &Plan, node: &PlannedNode, runtime: &Runtime, stop: &CancellationToken) -> NodeContext {
    let clock = clock_of(&runtime.clock, &node.name);
    let first = node.kind.first_state();
    let stats = NodeStats::of(node.node_type, first);
    stats.set_state(first, &*clock);
    NodeContext {
        name: node.name.as_str().into(),
        span: logging::node(&plan.instance, &node.name),
        emitter: Emitter::new(Arc::clone(&runtime.events), TOPIC, &plan.subject(node)),
        clock,
        stats: Arc::new(stats),
        losses: Arc::default(),
        stop: stop.clone(),
    }
}

fn processor(
    index: usize,
    context: NodeContext,
    component: &PlannedComponent,
    processor: Supervised<Processor>,
    wiring: &mut Wiring,
    pool: AnalysisPool,
) -> Option<ProcessorNode> {
    let inputs = wiring.signals_in.remove(&index)?;
    Some(ProcessorNode {
        context,
        processor,
        extension: component.extension.name.clone(),
        merge: wiring.pace.merge(inputs.awaited),
        input: inputs.receiver,
        outputs: wiring.signals_out.remove(&index).unwrap_or_default(),
        pool,
        wake: None,
        wakes: Wakes::default(),
        findings: Findings::default(),
        told: MediaTime::MIN,
    })
}

fn gate(
    index: usize,
    context: NodeContext,
    component: &PlannedComponent,
    gate: Supervised<Gate>,
    wiring: &mut Wiring,
    pool: AnalysisPool,
) -> Option<GateNode> {
    let inputs = wiring.signals_in.remove(&index)?;
    // A gate that is down from the start does not say how much it wants; a later instance may.
    let history = gate.instance().map(Gate::history).unwrap_or_default();
    let buffer = match wiring.pace {
        Pace::Live => Buffer::new(history),
        Pace::Replay(_) => Buffer::new(history).with_room(),
    };
    Some(GateNode {
        context,
        gate,
        extension: component.extension.name.clone(),
        media: wiring.media_in.remove(&index)?,
        merge: wiring.pace.merge(inputs.awaited),
        signals: inputs.receiver,
        buffer,
        outputs: wiring.media_out.remove(&index).unwrap_or_default(),
        pool,
        wake: None,
        wakes: Wakes::default(),
        decisions: Decisions::default(),
        open: false,
    })
}

impl Components {
    async fn start(plan: &Plan, contexts: &[NodeContext], runtime: &Runtime) -> Result<Self, InstanceError> {
        let mut started = Self::default();
        for (index, (node, context)) in plan.nodes.iter().zip(contexts).enumerate() {
            let Some(component) = node.kind.component() else {
                continue;
            };
            let guest = GuestContext {
                node: Arc::clone(&context.name),
                log: Arc::new(TracingLog),
                clock: Arc::clone(&context.clock),
                seed: seed(&plan.instance, &node.name),
            };
            let failed = |error| InstanceError::Component {
                node: node.name.clone(),
                error,
            };
            let PlannedComponent {
                extension,
                config,
                limits,
                ..
            } = component;
            let span = context.span.clone();
            let (change, swap) = if matches!(node.kind, PlannedKind::Gate(_)) {
                let start = Supervised::<Gate>::start(extension, &guest, config, *limits);
                let (gate, change) = runtime.pool.call(start.instrument(span)).await.map_err(failed)?;
                let swap = gate.swapper(|_| Ok(()));
                started.gates.insert(index, gate);
                (change, swap)
            } else if matches!(node.kind, PlannedKind::Processor(_)) {
                let start = Supervised::<Processor>::start(extension, &guest, config, *limits);
                let (processor, change) = runtime.pool.call(start.instrument(span)).await.map_err(failed)?;
                let swap = processor.swapper(|_| Ok(()));
                started.processors.insert(index, processor);
                (change, swap)
            } else {
                let start = Supervised::<Detector>::start(extension, &guest, config, *limits);
                let (detector, change) = runtime.pool.call(start.instrument(span)).await.map_err(failed)?;
                let image = node.kind.image();
                let fits = move |one: &Detector| image.fill(one.input().image).map(drop);
                if let Some(detector) = detector.instance() {
                    let conflict = |message| InstanceError::Input {
                        node: node.name.clone(),
                        message,
                    };
                    fits(detector).map_err(conflict)?;
                }
                let swap = detector.swapper(fits);
                started.detectors.insert(index, detector);
                (change, swap)
            };
            started
                .slots
                .push(Slot::new(context, &runtime.pool, component, swap));
            context
                .span
                .in_scope(|| tell_change(context, &extension.name, change));
        }
        Ok(started)
    }

    /// What each detector asks for; one that is down from the start has not said it.
    fn inputs(&self) -> Inputs {
        let input = |(index, detector): (&usize, &Supervised<Detector>)| {
            Some((*index, *detector.instance()?.input()))
        };
        self.detectors.iter().filter_map(input).collect()
    }
}

/// The same node of the same instance always draws the same random numbers.
fn seed(instance: &str, node: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new()
        .chain_update(instance)
        .chain_update([0])
        .chain_update(node)
        .finalize();
    hash.first_chunk::<8>()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
