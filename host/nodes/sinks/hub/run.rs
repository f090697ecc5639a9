//! `#Microsoft.Media.MediaGraphIoTHubMessageSink`: publishes what detectors say as events.

use serde_json::{Value, json};

use crate::events::Emitter;
use crate::media::inference::Observation;
use crate::nodes::context::{NodeContext, NodeStats};
use crate::nodes::io::signals::{Signal, SignalReceiver};

const INFERENCE: &str = "Microsoft.Media.Graph.Analytics.Inference";

/// A message sink at work.
#[derive(Debug)]
pub struct MessageSink {
    /// Its surroundings.
    pub context: NodeContext,
    /// What it is to publish.
    pub input: SignalReceiver,
    /// For each input, an emitter whose subject is the node that spoke (the subject of an analytics event is the
    /// processor, not the sink) and whose output is this sink's.
    pub speakers: Vec<Emitter>,
}

impl MessageSink {
    /// Runs until everything that feeds it has ended.
    pub async fn run(mut self) {
        while let Some((input, signal)) = self.input.recv().await {
            let Signal::Observed(observation) = signal else {
                continue;
            };
            let Some(speaker) = self.speakers.get(input) else {
                continue;
            };
            self.context.came(observation.time);
            speaker.emit(INFERENCE, observation.time, data(&observation));
            NodeStats::add(&self.context.stats.sent, 1);
            self.context.stats.went(&*self.context.clock);
        }
    }
}

/// The body of an event. What a server said that are no inferences is the body by itself.
fn data(observation: &Observation) -> Value {
    match observation.inferences.as_slice() {
        [inference] if inference.document.is_some() => {
            inference.document.as_deref().cloned().unwrap_or_default()
        }
        inferences => json!({"timestamp": observation.time, "inferences": inferences}),
    }
}
