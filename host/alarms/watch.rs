//! The task that looks at everything every few seconds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{Alarms, CLEARED, HostFacts, Now, space};
use crate::events::{Event, EventSink, Journal};
use crate::graph::host::GraphHost;
use crate::graph::logging;
use crate::media::Clock;
use crate::recording::retention::Keeper;

/// How often everything is looked at.
pub const EVALUATE_INTERVAL: Duration = Duration::from_secs(5);

/// Looks at a host until it is stopped. Whoever owns the host spawns [`Watch::run`].
#[derive(Debug)]
pub struct Watch {
    /// Where alarms are raised.
    pub alarms: Alarms,
    /// The graphs.
    pub host: GraphHost,
    /// Its backlog is looked at.
    pub journal: Journal,
    /// Where raises and clears are told.
    pub events: Arc<dyn EventSink>,
    /// The room of its disk is looked at.
    pub state_dir: PathBuf,
    /// Bytes that must stay free; none: [`super::keep_free`] of the disk.
    pub keep_free: Option<u64>,
    /// What lets the oldest recordings go, if anything does.
    pub keeper: Option<Arc<Keeper>>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
}

impl Watch {
    /// Runs until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            self.look().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVALUATE_INTERVAL) => {}
            }
        }
    }

    async fn look(&self) {
        let path = self.state_dir.clone();
        // A disk that hangs must not stop the network.
        let asked = tokio::task::spawn_blocking(move || space(&path)).await;
        let host = HostFacts {
            journal: self.journal.counts(),
            space: asked.ok().and_then(Result::ok),
            keep_free: self.keep_free,
            keeping: self.keeper.as_ref().map(|keeper| keeper.status()),
            stores: self.host.stores(),
        };
        let now = Now {
            wall: self.clock.wall(),
            monotonic: self.clock.monotonic(),
        };
        for event in self.alarms.evaluate(&self.host.statuses(), &host, now) {
            log(&event);
            self.events.publish(event);
        }
    }
}

fn log(event: &Event) {
    let text = |name: &str| event.data.get(name).and_then(Value::as_str).unwrap_or_default();
    let whom = match (text("instance"), text("node")) {
        ("", _) => Span::none(),
        (instance, "") => logging::instance(instance),
        (instance, node) => logging::node(instance, node),
    };
    let (alarm, message, hint) = (text("kind"), text("message"), text("hint"));
    whom.in_scope(|| match event.event_type.as_str() {
        CLEARED => tracing::info!(alarm, "The alarm is over"),
        _ => tracing::warn!(alarm, message, hint, "Alarm"),
    });
}
