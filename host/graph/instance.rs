//! A graph at work.

mod components;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};

use self::components::Components;
use self::tasks::Parts;
use super::demand::{DecodePlan, Demands};
use super::logging;
use super::plan::{Plan, PlannedNode};
use super::replay::Seats;
use super::swap::Slot;
use super::wiring::Wiring;
use crate::events::hub::HubInputs;
use crate::events::notes::GRAPH;
use crate::events::{Emitter, EventSink};
use crate::extension::CallError;
use crate::media::Clock;
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{NodeContext, NodeStats, NodeStatus};
use crate::nodes::io::pace::Pace;
use crate::nodes::io::viewers::Viewer;
use crate::nodes::processors::component::tell_loaded;
use crate::nodes::reach::Reach;

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

    /// Looks at what a source shows from now on; none when there is no such source.
    #[must_use]
    pub fn look(&self, source: &str) -> Option<Viewer> {
        let node = self.nodes.iter().find(|(name, _)| &**name == source);
        node.and_then(|(_, stats)| stats.viewers.look())
    }
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
        let parts = Parts {
            contexts: instance.contexts.clone(),
            components,
            wiring,
            runtime,
        };
        instance.spawn_all(plan, parts);
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
}

/// The clock of a node, or of a part of one.
fn clock_of(clock: &Arc<dyn Clock>, name: &str) -> Arc<dyn Clock> {
    clock.of_node(name).unwrap_or_else(|| Arc::clone(clock))
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
