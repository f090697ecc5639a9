//! Nodes that show frames to a detector component: motion detection and `#MediaGraph.ExtensionProcessor`.

use std::sync::Arc;

use super::component::{note_unanswered, tell_change, tell_swapped};
use super::findings::Findings;
use super::input::TopologyImage;
use crate::extension::{Detector, State, Supervised};
use crate::media::MediaTime;
use crate::media::image::{CropSource, FrameView};
use crate::media::inference::{Inference, Observation};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::{NodeContext, NodeStats};
use crate::nodes::io::demand::{Asked, Demand, Sampler};
use crate::nodes::io::frames::{Delivery, Frame, FrameReceiver, FrameSender};
use crate::nodes::io::signals::{Signal, SignalSender};

/// Which frames a topology lets a component see.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Frames a second.
    pub max_rate: Option<f64>,
    /// Only those of which some node upstream has said something.
    pub only_annotated: bool,
}

impl Sampling {
    /// What a node asks for whose component wants at most this many frames a second.
    #[must_use]
    pub fn asked(&self, component: Option<f32>) -> Asked {
        Asked::new(self.demand(component), self.only_annotated)
    }

    fn demand(&self, component: Option<f32>) -> Demand {
        let component = component.map(f64::from);
        let rates = [self.max_rate, component].into_iter().flatten();
        Demand::at_most(rates.min_by(f64::total_cmp))
    }
}

/// A detector at work.
#[derive(Debug)]
pub struct DetectorNode {
    /// Its surroundings.
    pub context: NodeContext,
    /// The component.
    pub detector: Supervised<Detector>,
    /// The component's name, for events.
    pub extension: String,
    /// What the topology's `image` says; fills only what the component leaves open.
    pub image: TopologyImage,
    /// Which frames the topology lets it see.
    pub sampling: Sampling,
    /// The frames to look at.
    pub input: FrameReceiver,
    /// Who wants to know what was found.
    pub signals: Vec<SignalSender>,
    /// Who wants the frames, with what was found.
    pub frames: Vec<FrameSender>,
    /// Where components run.
    pub pool: AnalysisPool,
    /// Which frames the component is shown, of those that come for it and for nodes below.
    pub sampler: Sampler,
    /// Frames a second that the component asked for last; while it is down it is not asked.
    pub component_rate: Option<f32>,
    /// What it found, for the journal.
    pub findings: Findings,
}

impl DetectorNode {
    /// Runs until what feeds it has ended.
    pub async fn run(mut self) {
        self.input.count_for(&self.context.stats);
        loop {
            self.ask();
            let delivery = tokio::select! {
                () = self.detector.offered() => {
                    self.exchange();
                    continue;
                }
                delivery = self.input.next() => match delivery {
                    Some(delivery) => delivery,
                    None => break,
                },
            };
            // A frame may have been chosen though a version waits.
            self.exchange();
            self.ask();
            let reached = match delivery {
                Delivery::Progress(reached) => {
                    self.findings.passed(&self.context, reached);
                    for output in &self.frames {
                        output.progress(reached);
                    }
                    reached
                }
                Delivery::Frame(frame) => {
                    let time = frame.picture.time();
                    self.context.came(time);
                    let found = self.look_at(&frame).await;
                    self.hand_on(frame, found).await;
                    time
                }
            };
            for output in &self.signals {
                output.send(Signal::Watermark(reached)).await;
            }
        }
        self.findings.tell(&self.context);
    }

    /// Takes over another version of the component if one waits. Between two frames, since the new one may want another
    /// kind of frame.
    fn exchange(&mut self) {
        if let Some(swapped) = self.detector.exchange() {
            tell_swapped(&self.context, &swapped);
            self.extension.clone_from(&swapped.extension.name);
        }
    }

    /// Asks for the frames that the component wants now, and for those that nodes below want. Another version of it, or
    /// its end, may want others.
    fn ask(&mut self) {
        if let Some(detector) = self.detector.instance() {
            self.component_rate = detector.input().max_rate;
        }
        let own = match self.detector.state() {
            // It is not shown any more frames.
            State::Failed => Asked::default(),
            _ => self.sampling.asked(self.component_rate),
        };
        self.sampler.ask(&self.sampling.demand(self.component_rate));
        let all = self.frames.iter_mut().fold(own, |all, output| {
            output.refresh();
            all.and(output.asked())
        });
        self.input.ask(all);
    }

    /// Whether the component is to see a frame, or only somebody below.
    fn is_shown(&mut self, frame: &Frame, time: MediaTime) -> bool {
        let shown = !(self.sampling.only_annotated && frame.annotations.is_empty()) && self.sampler.due(time);
        if !shown {
            NodeStats::add(&self.context.stats.skipped, 1);
        }
        shown
    }

    /// What the component says of a frame; nothing while it is down.
    async fn look_at(&mut self, frame: &Frame) -> Vec<Inference> {
        if !self.is_shown(frame, frame.picture.time()) {
            return Vec::new();
        }
        if self.detector.instance().is_none() {
            let change = self.pool.call(self.detector.revive()).await;
            tell_change(&self.context, &self.extension, change);
        }
        let Some(wanted) = self.detector.instance().map(|detector| *detector.input()) else {
            self.context.skipped(1);
            return Vec::new();
        };
        let wanted = wanted.image;
        let picture = Arc::clone(&frame.picture);
        let spec = match self.image.fill(wanted) {
            Ok(spec) => spec,
            Err(error) => {
                self.context.error(&error);
                return Vec::new();
            }
        };
        // What another detector has had prepared alike needs no place among those that compute.
        let prepared = match picture.already(&spec) {
            Some(prepared) => Ok((prepared, false)),
            None => self.pool.compute(move || picture.prepare_or_share(&spec)).await,
        };
        let view = match prepared {
            Ok((prepared, worked)) => {
                NodeStats::add(&self.context.stats.scaled, u64::from(worked));
                FrameView {
                    sequence: frame.picture.sequence(),
                    time: frame.picture.time(),
                    source_size: frame.picture.size(),
                    prepared,
                    source: Arc::clone(&frame.picture) as Arc<dyn CropSource>,
                    annotations: Arc::clone(&frame.annotations),
                }
            }
            Err(error) => {
                self.context.error(&error);
                return Vec::new();
            }
        };
        let called = self.pool.call(self.detector.detect(&view)).await;
        tell_change(&self.context, &self.extension, called.change);
        match called.answer {
            Ok(found) => {
                NodeStats::add(&self.context.stats.processed, 1);
                found
            }
            Err(unanswered) => {
                note_unanswered(&self.context, &unanswered);
                Vec::new()
            }
        }
    }

    async fn hand_on(&mut self, frame: Frame, found: Vec<Inference>) {
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
        if found.is_empty() {
            return;
        }
        let time = frame.picture.time();
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
}
