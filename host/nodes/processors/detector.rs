//! Nodes that show frames to a detector component: motion detection and `#MediaGraph.ExtensionProcessor`.

use std::sync::Arc;

use super::component::{Refusals, tell_change, tell_swapped};
use super::input::TopologyImage;
use super::viewing::Viewing;
use crate::extension::{Detector, State, Supervised};
use crate::media::image::{CropSource, FrameView};
use crate::media::inference::Inference;
use crate::nodes::context::NodeStats;
use crate::nodes::io::frames::{Delivery, Frame};

/// A detector at work.
#[derive(Debug)]
pub struct DetectorNode {
    /// Its surroundings, the frames to look at, and who wants to know what was found.
    pub viewing: Viewing,
    /// The component.
    pub detector: Supervised<Detector>,
    /// The component's name, for events.
    pub extension: String,
    /// What the topology's `image` says; fills only what the component leaves open.
    pub image: TopologyImage,
    /// Frames a second that the component asked for last; while it is down it is not asked.
    pub component_rate: Option<f32>,
    /// Whether the component refuses all frames.
    pub refusals: Refusals,
}

impl DetectorNode {
    /// Runs until what feeds it has ended.
    pub async fn run(mut self) {
        self.viewing.begin();
        loop {
            self.ask();
            let delivery = tokio::select! {
                () = self.detector.offered() => {
                    self.exchange();
                    continue;
                }
                delivery = self.viewing.input.next() => match delivery {
                    Some(delivery) => delivery,
                    None => break,
                },
            };
            // A frame may have been chosen though a version waits.
            self.exchange();
            self.ask();
            match delivery {
                Delivery::Progress(reached) => self.viewing.passed(reached).await,
                Delivery::Frame(frame) => {
                    let time = frame.picture.time();
                    self.viewing.context.came(time);
                    let found = self.look_at(&frame).await;
                    self.viewing.hand_on(&frame, found).await;
                    self.viewing.promise(time).await;
                }
            }
        }
        self.viewing.end();
    }

    /// Takes over another version of the component if one waits. Between two frames, since the new one may want another
    /// kind of frame.
    fn exchange(&mut self) {
        if let Some(swapped) = self.detector.exchange() {
            tell_swapped(&self.viewing.context, &swapped);
            self.extension.clone_from(&swapped.extension.name);
            self.refusals = Refusals::default();
        }
    }

    /// Asks for the frames that the component wants now, and for those that nodes below want. Another version of it, or
    /// its end, may want others.
    fn ask(&mut self) {
        if let Some(detector) = self.detector.instance() {
            self.component_rate = detector.input().max_rate;
        }
        // One that was given up is not shown any more frames.
        let looks = !matches!(self.detector.state(), State::Failed);
        self.viewing.ask(self.component_rate, looks);
    }

    /// What the component says of a frame; nothing while it is down.
    async fn look_at(&mut self, frame: &Frame) -> Vec<Inference> {
        if !self.viewing.is_shown(frame) {
            return Vec::new();
        }
        if self.detector.instance().is_none() {
            let change = self.viewing.pool.call(self.detector.revive()).await;
            tell_change(&self.viewing.context, &self.extension, change);
        }
        let Some(wanted) = self.detector.instance().map(|detector| *detector.input()) else {
            self.viewing.context.skipped(1);
            return Vec::new();
        };
        let wanted = wanted.image;
        let picture = Arc::clone(&frame.picture);
        let spec = match self.image.fill(wanted) {
            Ok(spec) => spec,
            Err(error) => {
                self.viewing.context.error(&error);
                return Vec::new();
            }
        };
        // What another detector has had prepared alike needs no place among those that compute.
        let prepared = match picture.already(&spec) {
            Some(prepared) => Ok((prepared, false)),
            None => {
                self.viewing
                    .pool
                    .compute(move || picture.prepare_or_share(&spec))
                    .await
            }
        };
        let view = match prepared {
            Ok((prepared, worked)) => {
                NodeStats::add(&self.viewing.context.stats.scaled, u64::from(worked));
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
                self.viewing.context.error(&error);
                return Vec::new();
            }
        };
        let called = self.viewing.pool.call(self.detector.detect(&view)).await;
        tell_change(&self.viewing.context, &self.extension, called.change);
        match called.answer {
            Ok(found) => {
                NodeStats::add(&self.viewing.context.stats.processed, 1);
                self.refusals.answered(&self.viewing.context, &self.extension);
                found
            }
            Err(unanswered) => {
                self.refusals
                    .unanswered(&self.viewing.context, &self.extension, &unanswered);
                Vec::new()
            }
        }
    }
}
