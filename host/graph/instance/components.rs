//! The components of a plan: each is given its configuration, and has its say, before anything runs.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::Instrument as _;

use super::{InstanceError, Runtime};
use crate::extension::{Detector, Gate, NodeContext as GuestContext, Processor, Supervised, TracingLog};
use crate::graph::demand::Inputs;
use crate::graph::plan::{Plan, PlannedComponent, PlannedKind};
use crate::graph::swap::Slot;
use crate::nodes::context::NodeContext;
use crate::nodes::processors::component::tell_change;

/// The components of a plan, started.
#[derive(Default)]
pub(super) struct Components {
    pub(super) detectors: HashMap<usize, Supervised<Detector>>,
    pub(super) processors: HashMap<usize, Supervised<Processor>>,
    pub(super) gates: HashMap<usize, Supervised<Gate>>,
    pub(super) slots: Vec<Slot>,
}

impl Components {
    pub(super) async fn start(
        plan: &Plan,
        contexts: &[NodeContext],
        runtime: &Runtime,
    ) -> Result<Self, InstanceError> {
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
                models: component.models.clone(),
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
    pub(super) fn inputs(&self) -> Inputs {
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
