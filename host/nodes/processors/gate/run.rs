//! The gate at work: brings together the media it holds, what detectors say, and what its component decides.

use super::buffer::Buffer;
use crate::extension::{Action, Cause, Decision, Gate, Supervised};
use crate::media::MediaTime;
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{NodeContext, NodeStats};
use crate::nodes::io::signals::{Merge, SignalReceiver};
use crate::nodes::io::units::{MediaItem, UnitReceiver, UnitSender};
use crate::nodes::processors::component::{note_unanswered, tell_change};

/// A gate.
#[derive(Debug)]
pub struct GateNode {
    /// Its surroundings.
    pub context: NodeContext,
    /// The component.
    pub gate: Supervised<Gate>,
    /// The component's name, for events.
    pub extension: String,
    /// The media to hold back.
    pub media: UnitReceiver,
    /// What detectors say.
    pub signals: SignalReceiver,
    /// Puts that in order.
    pub merge: Merge,
    /// The media that is held.
    pub buffer: Buffer,
    /// The sinks.
    pub outputs: Vec<UnitSender>,
    /// Where components run.
    pub pool: AnalysisPool,
    /// When the component wants to be called next.
    pub wake: Option<MediaTime>,
}

impl GateNode {
    /// Runs until what feeds it has ended, and everything that was decided is let out.
    pub async fn run(mut self) {
        let (mut media_open, mut signals_open) = (true, true);
        while media_open || signals_open {
            tokio::select! {
                // Either may come first; `Merge` puts them in order.
                item = self.media.next(), if media_open => match item {
                    Some(item) => self.item(item).await,
                    None => media_open = false,
                },
                signal = self.signals.recv(), if signals_open => match signal {
                    Some((input, signal)) => {
                        self.merge.signal(input, signal);
                        self.advance().await;
                    }
                    None => {
                        signals_open = false;
                        self.merge.finish();
                        self.advance().await;
                    }
                },
            }
        }
        self.lost();
    }

    async fn item(&mut self, item: MediaItem) {
        match item {
            MediaItem::Unit { unit, .. } => {
                NodeStats::add(&self.context.stats.received, 1);
                self.buffer.unit(unit);
                self.merge.media(self.buffer.reached());
                self.advance().await;
            }
            MediaItem::Lost => {
                self.advance().await;
                self.lost();
            }
            MediaItem::Begin { .. } | MediaItem::End { .. } => {}
        }
    }

    /// Asks the component about everything that is in order by now, then lets out what is final.
    async fn advance(&mut self) {
        loop {
            let until = self.final_until();
            let observed = self.merge.next_time();
            let elapsed = self.wake.filter(|wake| {
                // It has passed, and nothing that was observed up to it is still to be told.
                *wake < until && observed.is_none_or(|time| time > *wake)
            });
            let cause = if let Some(wake) = elapsed {
                self.wake = None;
                Cause::Elapsed(wake)
            } else if let Some(observation) = self.merge.pop() {
                Cause::Observed((*observation).clone())
            } else {
                break;
            };
            let called = self.pool.call(self.gate.consider(&cause)).await;
            tell_change(&self.context, &self.extension, called.change);
            if let Some(gate) = self.gate.instance() {
                // One that was down when the graph started has not said it before.
                self.buffer.set_history(gate.history());
            }
            match called.answer {
                Ok(decision) => self.decided(decision),
                Err(unanswered) => note_unanswered(&self.context, &unanswered),
            }
        }
        let mut out = Vec::new();
        self.buffer.release(self.final_until(), &mut out);
        self.send(out);
    }

    /// Up to where both media and detectors have come.
    fn final_until(&self) -> MediaTime {
        self.merge.reached().min(self.buffer.reached())
    }

    fn decided(&mut self, decision: Decision) {
        self.wake = decision.wake;
        for action in decision.actions {
            tracing::debug!(node = %self.context.name, ?action, "The gate decided");
            match action {
                Action::Open(activation) => {
                    self.buffer
                        .open(activation.id, activation.span.start, activation.span.end);
                }
                Action::Close { id, at } => self.buffer.close(id, at),
            }
        }
    }

    fn lost(&mut self) {
        let mut out = Vec::new();
        self.buffer.lost(&mut out);
        self.send(out);
    }

    fn send(&mut self, items: Vec<MediaItem>) {
        for item in items {
            if matches!(item, MediaItem::Unit { .. }) {
                NodeStats::add(&self.context.stats.sent, 1);
            }
            for output in &self.outputs {
                if output.push(item.clone()) {
                    NodeStats::add(&self.context.stats.dropped, 1);
                    let data = serde_json::json!({"dataType": "media", "message": "a sink of this gate is too slow"});
                    self.context
                        .emit("Microsoft.Media.Graph.Diagnostics.DataDropped", data);
                }
            }
        }
    }
}
