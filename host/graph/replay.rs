//! A graph on recorded media.
//!
//! It is planned and started as any other; only its sources are replaced, its queues leave nothing out, and each node's
//! clock shows the media time that has come to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::instance::{Instance, InstanceError, Runtime};
use super::plan::{Plan, PlannedKind};
use crate::events::OrderedEvents;
use crate::extension::Limits;
use crate::nodes::context::NodeContext;
use crate::nodes::io::pace::{InFlight, Pace};
use crate::nodes::io::signals::SignalSender;
use crate::nodes::io::units::UnitSender;
use crate::nodes::sources::replay::messages::ReplayMessage;
use crate::nodes::sources::replay::player::{PlayedCamera, PlayedMessages, Stage};
use crate::nodes::sources::replay::{Feed, Player};

/// A component may take so many times longer than live: the machine's speed must not decide what a replay says, and yet
/// a component that loops must end.
const PATIENCE: u32 = 10;

/// Where the sources of a graph would be.
#[derive(Debug, Default)]
pub(super) struct Seats {
    pub(super) cameras: Vec<(NodeContext, Vec<UnitSender>)>,
    /// With the hub input that each listens on.
    pub(super) messages: Vec<(NodeContext, String, Vec<SignalSender>)>,
}

/// What a graph is to be played.
#[derive(Debug)]
pub struct Replay {
    /// A recording for each camera, by the node's name.
    pub feeds: BTreeMap<String, Box<dyn Feed>>,
    /// Messages from outside, in order.
    pub messages: Vec<ReplayMessage>,
    /// What the graph says; its runtime publishes there.
    pub events: Arc<OrderedEvents>,
    /// Cancelled when it is to end early.
    pub stop: CancellationToken,
}

impl Replay {
    /// Hub inputs of messages on which no source of the plan listens.
    #[must_use]
    pub fn strangers(&self, plan: &Plan) -> Vec<String> {
        let listens = |input: &str| {
            plan.nodes
                .iter()
                .any(|node| matches!(&node.kind, PlannedKind::HubSource(own) if own == input))
        };
        let inputs = self.messages.iter().map(|message| message.input.as_str());
        let mut strangers: Vec<String> = inputs
            .filter(|input| !listens(input))
            .map(str::to_owned)
            .collect();
        strangers.sort_unstable();
        strangers.dedup();
        strangers
    }

    /// Starts a plan whose cameras are these recordings, and the player that plays them; `progress` is told how far it is,
    /// in thousandths. The instance is stopped when the player has ended.
    ///
    /// # Errors
    /// As [`Instance::start`].
    pub async fn start(
        mut self,
        mut plan: Plan,
        runtime: &Runtime,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<(Instance, Player), InstanceError> {
        for node in &mut plan.nodes {
            if let PlannedKind::Detector { component, .. }
            | PlannedKind::Processor(component)
            | PlannedKind::Gate(component) = &mut node.kind
            {
                component.limits = patient(component.limits);
            }
        }
        let in_flight = Arc::new(InFlight::default());
        let pace = Pace::Replay(Arc::clone(&in_flight));
        let mut instance = Instance::start_at(plan, runtime, pace).await?;
        let seats = instance.take_seats();
        let stage = Stage {
            in_flight,
            events: Arc::clone(&self.events),
            clock: Arc::clone(&runtime.clock),
            stop: self.stop.clone(),
        };
        let (cameras, messages) = self.seat(seats);
        Ok((instance, Player::new(cameras, messages, stage, progress)))
    }

    fn seat(&mut self, seats: Seats) -> (Vec<PlayedCamera>, Vec<PlayedMessages>) {
        // They were taken from the end of the plan.
        let cameras = seats.cameras.into_iter().rev().filter_map(|(context, outputs)| {
            let feed = self.feeds.remove(&*context.name)?;
            Some(PlayedCamera {
                context,
                feed,
                outputs,
            })
        });
        let cameras = cameras.collect();
        let messages = seats.messages.into_iter().rev().map(|(context, input, signals)| {
            let own = self.messages.iter().filter(|message| message.input == input);
            PlayedMessages {
                context,
                messages: own.cloned().collect(),
                signals,
            }
        });
        (cameras, messages.collect())
    }
}

fn patient(limits: Limits) -> Limits {
    Limits {
        call_timeout: limits.call_timeout.saturating_mul(PATIENCE),
        construct_timeout: limits.construct_timeout.saturating_mul(PATIENCE),
        ..limits
    }
}
