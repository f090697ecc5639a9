//! The gate at work: brings together the media it holds, what detectors say, and what its component decides.

use std::sync::Arc;

use super::buffer::Buffer;
use super::decisions::{About, Decisions};
use crate::extension::{Action, Decision, Gate, Supervised, Unanswered};
use crate::media::{AccessUnit, MediaTime};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{Dropped, NodeContext, NodeStats};
use crate::nodes::io::signals::{Merge, SignalReceiver};
use crate::nodes::io::units::{MediaItem, UnitReceiver, UnitSender};
use crate::nodes::processors::causes;
use crate::nodes::processors::component::{Refusals, tell_change, tell_swapped};
use crate::nodes::processors::wakes::Wakes;

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
    /// How often it was, of late.
    pub wakes: Wakes,
    /// Whether the component refuses all that it is asked about.
    pub refusals: Refusals,
    /// What it decided, for the journal.
    pub decisions: Decisions,
    /// Whether it lets something through, as was told last.
    pub open: bool,
}

impl GateNode {
    /// Runs until what feeds it has ended, and everything that was decided is let out.
    pub async fn run(mut self) {
        self.context.stats.set_gate_open(false);
        let (mut media_open, mut signals_open) = (true, true);
        self.merge.wait_for_media(MediaTime::MIN);
        while media_open || signals_open {
            tokio::select! {
                () = self.gate.offered() => self.exchange(self.final_until()),
                // Either may come first; `Merge` puts them in order.
                item = self.media.next(), if media_open => match item {
                    Some(item) => self.item(item).await,
                    None => {
                        media_open = false;
                        self.merge.wait_for_media(MediaTime::MAX);
                        self.advance().await;
                    }
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
        self.decisions.tell(&self.context);
    }

    async fn item(&mut self, item: MediaItem) {
        match item {
            MediaItem::Unit { unit, .. } => self.unit(unit).await,
            MediaItem::Lost => {
                // Detectors are still to see its last pictures, which may be the ones that matter.
                self.buffer.gone();
                self.merge.media(self.buffer.reached());
                if !self.merge.is_patient() {
                    // A message from outside does not wait for a camera that may never come back.
                    self.merge.wait_for_media(MediaTime::MAX);
                }
                self.advance().await;
            }
            MediaItem::Begin { .. } | MediaItem::End { .. } => {}
        }
    }

    async fn unit(&mut self, unit: Arc<AccessUnit>) {
        // Not the node's clock: that shows what the gate was asked about.
        self.context.stats.came(unit.time, self.context.clock.monotonic());
        if self.buffer.goes_back(&unit) {
            self.begin_anew().await;
        } else if self.buffer.is_gone() {
            self.lost();
        }
        self.buffer.unit(unit);
        self.merge.media(self.buffer.reached());
        self.merge.wait_for_media(self.buffer.reached());
        self.advance().await;
    }

    /// The timeline begins anew, earlier: decides about all of the old one, and forgets it.
    async fn begin_anew(&mut self) {
        self.merge.finish();
        self.merge.wait_for_media(MediaTime::MAX);
        self.buffer.gone();
        self.advance().await;
        self.merge.restart();
        self.buffer.restart();
        self.wake = None;
    }

    /// Asks the component about everything that is in order by now, then lets out what is final.
    async fn advance(&mut self) {
        let until = self.final_until();
        while let Some(cause) = causes::next(&mut self.merge, &mut self.wake, until) {
            self.context.clock.reached(cause.time());
            self.exchange(cause.time());
            let about = About::of(&cause);
            let too_often = self.wakes.too_often(&cause);
            let called = self.pool.call(self.gate.consider(&cause)).await;
            tell_change(&self.context, &self.extension, called.change);
            if let Some(gate) = self.gate.instance() {
                // One that was down when the graph started has not said it before.
                self.buffer.set_history(gate.history());
            }
            match called.answer {
                Ok(decision) => {
                    self.refusals.answered(&self.context, &self.extension);
                    self.decided(about, decision);
                }
                Err(unanswered) => {
                    self.decisions.unanswered(&self.context, about, &unanswered);
                    if matches!(unanswered, Unanswered::Failed(_)) {
                        self.buffer.orphan(cause.time());
                    }
                    self.refusals
                        .unanswered(&self.context, &self.extension, &unanswered);
                }
            }
            if too_often && self.wake.take().is_some() {
                self.context
                    .error(&"the gate asks to be called again and again: it waits for the next observation");
            }
        }
        if self.buffer.is_gone() && self.merge.reached() >= self.buffer.reached() {
            self.lost();
        } else {
            let (mut out, until) = (Vec::new(), self.final_until());
            self.buffer.release(until, &mut out);
            self.tell_open(until);
            self.send(out);
        }
    }

    /// Takes over another version of the component if one waits. It knows nothing of what the one before opened, and
    /// numbers its activations anew: as after a crash.
    fn exchange(&mut self, at: MediaTime) {
        if let Some(swapped) = self.gate.exchange() {
            self.buffer.orphan(at);
            self.wake = None;
            tell_swapped(&self.context, &swapped);
            self.extension.clone_from(&swapped.extension.name);
            self.refusals = Refusals::default();
        }
    }

    fn tell_open(&mut self, until: MediaTime) {
        let open = self.decisions.passed(&self.context, until);
        if open != self.open {
            self.open = open;
            self.context.stats.set_gate_open(open);
        }
    }

    /// Up to where both media and detectors have come.
    fn final_until(&self) -> MediaTime {
        self.merge.reached().min(self.buffer.reached())
    }

    fn decided(&mut self, about: About, decision: Decision) {
        self.decisions
            .decided(&self.context, about, &decision, self.buffer.earliest());
        self.wake = decision.wake;
        for action in decision.actions {
            tracing::debug!(?action, "The gate decided");
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
        self.tell_missed();
        let (mut sent, mut lost) = (0, 0);
        for item in items {
            sent += u64::from(matches!(item, MediaItem::Unit { .. }));
            for output in &self.outputs {
                lost += output.push(item.clone());
            }
        }
        if sent > 0 {
            NodeStats::add(&self.context.stats.sent, sent);
            self.context.stats.went(&*self.context.clock);
        }
        if lost > 0 {
            let message = "a sink of this gate is too slow";
            self.context.lost_now(Dropped::Media, lost, message);
        }
    }

    /// Says so when recordings lack what the buffer could not hold.
    fn tell_missed(&mut self) {
        let units = self.buffer.take_missed();
        if units > 0 {
            let message = "more media came than a gate holds while its decisions were awaited";
            self.context.lost_now(Dropped::Media, units, message);
        }
    }
}
