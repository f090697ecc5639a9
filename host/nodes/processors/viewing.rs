//! What all nodes that look at frames have in common, whether a component looks or a server: which frames they ask for,
//! which of those that come are theirs, and where what was found goes.

use std::sync::Arc;

use super::findings::Findings;
use crate::media::MediaTime;
use crate::media::inference::{Inference, Observation};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{NodeContext, NodeStats};
use crate::nodes::image::SamplingOptions;
use crate::nodes::io::demand::{Asked, Demand, Sampler};
use crate::nodes::io::frames::{Frame, FrameReceiver, FrameSender};
use crate::nodes::io::signals::{Signal, SignalSender};

/// Which frames a topology lets a node see.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Frames a second.
    pub max_rate: Option<f64>,
    /// Only those of which some node upstream has said something.
    pub only_annotated: bool,
}

impl From<&SamplingOptions> for Sampling {
    fn from(given: &SamplingOptions) -> Self {
        Self {
            max_rate: given.maximum_samples_per_second,
            only_annotated: given.skip_samples_without_annotation,
        }
    }
}

impl Sampling {
    /// What a node asks for that itself wants at most this many frames a second.
    #[must_use]
    pub fn asked(&self, own: Option<f32>) -> Asked {
        Asked::new(self.demand(own), self.only_annotated)
    }

    fn demand(&self, own: Option<f32>) -> Demand {
        let own = own.map(f64::from);
        let rates = [self.max_rate, own].into_iter().flatten();
        Demand::at_most(rates.min_by(f64::total_cmp))
    }
}

/// The frames of a node, and what it says of them.
#[derive(Debug)]
pub struct Viewing {
    /// The node's surroundings.
    pub context: NodeContext,
    /// Which frames the topology lets it see.
    pub sampling: Sampling,
    /// The frames to look at.
    pub input: FrameReceiver,
    /// Who wants to know what was found.
    pub signals: Vec<SignalSender>,
    /// Who wants the frames, with what was found.
    pub frames: Vec<FrameSender>,
    /// Where pictures are prepared.
    pub pool: AnalysisPool,
    /// Which frames are shown, of those that come for this node and for nodes below.
    pub sampler: Sampler,
    /// What was found, for the journal.
    pub findings: Findings,
}

impl Viewing {
    /// Frames that this node is too slow for are counted as its own.
    pub fn begin(&mut self) {
        self.input.count_for(&self.context.stats);
    }

    /// Asks for the frames that this node wants now, at most `own` a second or none at all, and for those that nodes below
    /// want.
    pub fn ask(&mut self, own: Option<f32>, looks: bool) {
        let asked = if looks {
            self.sampling.asked(own)
        } else {
            Asked::default()
        };
        self.sampler.ask(&self.sampling.demand(own));
        let all = self.frames.iter_mut().fold(asked, |all, output| {
            output.refresh();
            all.and(output.asked())
        });
        self.input.ask(all);
    }

    /// Whether a frame is for this node, or only for somebody below.
    pub fn is_shown(&mut self, frame: &Frame) -> bool {
        let annotated = !(self.sampling.only_annotated && frame.annotations.is_empty());
        let shown = annotated && self.sampler.due(frame.picture.time());
        if !shown {
            NodeStats::add(&self.context.stats.skipped, 1);
        }
        shown
    }

    /// No frame came up to here.
    pub async fn passed(&mut self, reached: MediaTime) {
        self.findings.passed(&self.context, reached);
        for output in &self.frames {
            output.progress(reached);
        }
        self.promise(reached).await;
    }

    /// Nothing up to here will be said any more.
    pub async fn promise(&self, reached: MediaTime) {
        for output in &self.signals {
            output.send(Signal::Watermark(reached)).await;
        }
    }

    /// Hands a frame on, with what was found in it, and says that.
    pub async fn hand_on(&mut self, frame: &Frame, found: Vec<Inference>) {
        if !self.frames.is_empty() {
            let annotations = frame.annotations.iter().chain(&found).cloned().collect();
            let annotated = Frame {
                picture: Arc::clone(&frame.picture),
                annotations,
            };
            for output in &mut self.frames {
                output.offer(&annotated);
            }
        }
        if !found.is_empty() {
            self.say(frame.picture.time(), found).await;
        }
    }

    async fn say(&mut self, time: MediaTime, found: Vec<Inference>) {
        self.findings.add(&self.context, time, &found);
        self.context.stats.went(&*self.context.clock);
        let observation = Arc::new(Observation {
            time,
            origin: Arc::clone(&self.context.name),
            inferences: found,
        });
        NodeStats::add(&self.context.stats.sent, 1);
        for output in &self.signals {
            output.send(Signal::Observed(Arc::clone(&observation))).await;
        }
    }

    /// What feeds the node has ended.
    pub fn end(&mut self) {
        self.findings.tell(&self.context);
    }
}
