//! Nodes that hand what detectors said to a processor component: trackers, line crossings, dwell times.
//!
//! Invariants: the component is told of everything in the order of media time; what it says carries the name of this
//! node, and a time between what was promised to be complete before and the moment that it was asked about, so that
//! the order holds for whoever listens to this node as well.

use std::sync::Arc;

use super::causes;
use super::component::{Refusals, tell_change, tell_swapped};
use super::findings::Findings;
use super::wakes::Wakes;
use crate::extension::{Outcome, Processor, Supervised};
use crate::media::inference::Observation;
use crate::media::{MediaTime, Ticks};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{NodeContext, NodeStats};
use crate::nodes::io::signals::{Merge, Signal, SignalReceiver, SignalSender};

/// A processor at work.
#[derive(Debug)]
pub struct ProcessorNode {
    /// Its surroundings.
    pub context: NodeContext,
    /// The component.
    pub processor: Supervised<Processor>,
    /// The component's name, for events.
    pub extension: String,
    /// What detectors say.
    pub input: SignalReceiver,
    /// Puts that in order.
    pub merge: Merge,
    /// Who wants to know what it makes of it.
    pub outputs: Vec<SignalSender>,
    /// Where components run.
    pub pool: AnalysisPool,
    /// When the component wants to be called next.
    pub wake: Option<MediaTime>,
    /// How often it was, of late.
    pub wakes: Wakes,
    /// Whether the component refuses all that it is asked about.
    pub refusals: Refusals,
    /// What it said, for the journal.
    pub findings: Findings,
    /// Up to where it was promised that nothing more will be said.
    pub told: MediaTime,
}

impl ProcessorNode {
    /// Runs until what feeds it has ended.
    pub async fn run(mut self) {
        loop {
            let (input, signal) = tokio::select! {
                () = self.processor.offered() => {
                    self.exchange();
                    continue;
                }
                signal = self.input.recv() => match signal {
                    Some(signal) => signal,
                    None => break,
                },
            };
            match &signal {
                // Not the node's clock: that shows what the component was asked about.
                Signal::Observed(observation) => {
                    let now = self.context.clock.monotonic();
                    self.context.stats.came(observation.time, now);
                }
                Signal::Watermark(reached) => {
                    if self.merge.goes_back(input, *reached) {
                        self.begin_anew().await;
                    }
                    // An input that hangs is not waited for longer than others are ahead of it.
                    self.merge.media(*reached);
                }
            }
            if let Signal::Observed(observation) = &signal {
                if self.merge.goes_back(input, observation.time) {
                    self.begin_anew().await;
                }
                if observation.time < self.told {
                    // From an input that was not waited for any more: the order is worth more than what it says.
                    self.context.skipped(1);
                    continue;
                }
            }
            let is_watermark = matches!(signal, Signal::Watermark(_));
            self.merge.signal(input, signal);
            if is_watermark {
                self.advance().await;
            }
        }
        self.merge.finish();
        self.advance().await;
        self.findings.tell(&self.context);
    }

    /// Takes over another version of the component if one waits, between two calls. It knows nothing of what the one
    /// before saw, nor when that wanted to be called.
    fn exchange(&mut self) {
        if let Some(swapped) = self.processor.exchange() {
            self.wake = None;
            tell_swapped(&self.context, &swapped);
            self.extension.clone_from(&swapped.extension.name);
            self.refusals = Refusals::default();
        }
    }

    /// The timeline begins anew, earlier: the component is told of all of the old one first.
    async fn begin_anew(&mut self) {
        self.merge.finish();
        self.advance().await;
        self.merge.restart();
        (self.wake, self.told) = (None, MediaTime::MIN);
    }

    /// Asks the component about everything that is in order by now, then promises that it was all.
    async fn advance(&mut self) {
        let until = self.merge.reached();
        while let Some(cause) = causes::next(&mut self.merge, &mut self.wake, until) {
            self.context.clock.reached(cause.time());
            self.exchange();
            let too_often = self.wakes.too_often(&cause);
            let called = self.pool.call(self.processor.process(&cause)).await;
            tell_change(&self.context, &self.extension, called.change);
            match called.answer {
                Ok(outcome) => {
                    self.refusals.answered(&self.context, &self.extension);
                    self.said(cause.time(), outcome).await;
                }
                Err(unanswered) => self
                    .refusals
                    .unanswered(&self.context, &self.extension, &unanswered),
            }
            if too_often && self.wake.take().is_some() {
                self.context.error(
                    &"the processor asks to be called again and again: it waits for the next observation",
                );
            }
        }
        // At the end there is nobody to promise anything to.
        if until > self.told && until < MediaTime::MAX {
            self.told = until;
            self.findings.passed(&self.context, until);
            self.send(&Signal::Watermark(until)).await;
        }
    }

    async fn said(&mut self, at: MediaTime, outcome: Outcome) {
        NodeStats::add(&self.context.stats.processed, 1);
        self.wake = outcome.wake;
        let earliest = self.told.offset(Ticks(1)).min(at);
        for observation in outcome.observations {
            if observation.inferences.is_empty() {
                continue;
            }
            let time = observation.time.clamp(earliest, at);
            self.findings.add(&self.context, time, &observation.inferences);
            self.context.stats.went(&*self.context.clock);
            NodeStats::add(&self.context.stats.sent, 1);
            let observation = Observation {
                time,
                origin: Arc::clone(&self.context.name),
                inferences: observation.inferences,
            };
            self.send(&Signal::Observed(Arc::new(observation))).await;
        }
    }

    async fn send(&mut self, signal: &Signal) {
        for output in &self.outputs {
            output.send(signal.clone()).await;
        }
    }
}
