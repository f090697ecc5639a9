//! The decode stage: one for each source whose pictures somebody wants to see.
//!
//! Not a node that people write: it stands between a source and everything below it that looks at frames, however many that
//! are. It decodes what its [`Planner`] says, tells everyone how far it has come, and never holds up the source.

mod groups;
pub mod planner;

use std::sync::Arc;

use serde_json::json;

use self::planner::{Planner, Step};
use super::analysis::AnalysisPool;
use super::context::{NodeContext, NodeStats};
use super::io::demand::Demand;
use super::io::frames::{Frame, FrameSender};
use super::io::units::{MediaItem, UnitReceiver};
use crate::media::decode::{DecodeError, Decoder};
use crate::media::picture::Picture;
use crate::media::{AccessUnit, MediaTime, TrackKind};

/// Decodes a source's pictures and hands them to everyone who wants frames.
#[derive(Debug)]
pub struct DecodeStage {
    context: NodeContext,
    input: UnitReceiver,
    outputs: Vec<FrameSender>,
    decoder: Box<dyn Decoder>,
    pool: AnalysisPool,
    planner: Planner,
    /// The newest time of a unit.
    newest: MediaTime,
    /// Everyone was told that nothing more will come up to here.
    told: MediaTime,
    /// Pictures may wait for their turn in the decoder.
    waiting: bool,
    /// How the last unit fared, so that a state is told once, not with each frame.
    failing: bool,
}

impl DecodeStage {
    /// Behind a source: `context` is the source's, since decoding reports under its name.
    #[must_use]
    pub fn new(
        context: NodeContext,
        input: UnitReceiver,
        outputs: Vec<FrameSender>,
        decoder: Box<dyn Decoder>,
        pool: AnalysisPool,
    ) -> Self {
        let mut stage = Self {
            context,
            input,
            outputs,
            decoder,
            pool,
            planner: Planner::default(),
            newest: MediaTime::MIN,
            told: MediaTime::MIN,
            waiting: false,
            failing: false,
        };
        stage.ask();
        stage
    }

    /// Runs until the source has ended.
    pub async fn run(mut self) {
        while let Some(item) = self.input.next().await {
            match item {
                MediaItem::Unit { unit, .. } if unit.kind() == TrackKind::Video => {
                    self.context.clock.reached(unit.time);
                    let mut changed = false;
                    for output in &mut self.outputs {
                        changed |= output.refresh();
                    }
                    if changed {
                        self.ask();
                    }
                    self.unit(&unit).await;
                }
                // Nothing will come until the camera is back: whoever waits for these frames need not.
                MediaItem::Lost => {
                    self.planner.lost();
                    self.flush();
                    // A camera's time may be a little ahead of the host's.
                    self.tell_progress(self.context.clock.media().max(self.newest));
                }
                _ => {}
            }
        }
        self.planner.lost();
        self.count_left_out();
        self.flush();
        self.tell_progress(MediaTime::MAX);
    }

    /// Tells the planner what everyone together wants. Pictures of a source have no annotations yet, so nothing is
    /// decoded for whoever wants only annotated ones.
    fn ask(&mut self) {
        let outputs = self.outputs.iter();
        let demand = outputs.fold(Demand::Nothing, |all, one| all.and(&one.asked().all));
        self.planner.ask(demand);
        self.context.stats.set_decoding(self.planner.mode().name());
    }

    async fn unit(&mut self, unit: &Arc<AccessUnit>) {
        if unit.discontinuity {
            // The timeline may begin anew, earlier.
            (self.newest, self.told) = (unit.time, MediaTime::MIN);
        }
        self.newest = self.newest.max(unit.time);
        let before = self.planner.mode();
        let step = self.planner.unit(unit);
        if self.planner.mode() != before {
            self.context.stats.set_decoding(self.planner.mode().name());
        }
        self.count_left_out();
        match step {
            Step::Decode { held, flush } => {
                for held in &held {
                    self.decode(held).await;
                }
                self.decode(unit).await;
                if flush {
                    self.flush();
                }
            }
            Step::Pass => {
                let pictures = self.decoder.left_out(unit.time);
                self.hand_on(pictures);
            }
            Step::LeaveOut => {
                // What still waits for its turn is older.
                if self.waiting {
                    self.flush();
                }
                self.tell_progress(unit.time);
            }
        }
    }

    fn count_left_out(&mut self) {
        let left_out = self.planner.take_left_out();
        if left_out > 0 {
            NodeStats::add(&self.context.stats.skipped, left_out);
        }
    }

    async fn decode(&mut self, unit: &AccessUnit) {
        self.waiting = true;
        let decoder = &mut self.decoder;
        let decoded = self.pool.compute(|| decoder.decode(unit)).await;
        match decoded {
            Ok(pictures) => {
                if self.failing && !pictures.is_empty() {
                    self.failing = false;
                }
                self.hand_on(pictures);
            }
            Err(error) => {
                self.report(&error, unit.time);
                self.tell_progress(unit.time);
            }
        }
    }

    fn flush(&mut self) {
        self.waiting = false;
        let pictures = self.decoder.flush();
        self.hand_on(pictures);
    }

    fn hand_on(&mut self, pictures: Vec<Picture>) {
        NodeStats::add(&self.context.stats.processed, pictures.len() as u64);
        for picture in pictures {
            // Decoded late, for the sake of those that refer to it: everyone was told that it would not come.
            if picture.time() <= self.told {
                continue;
            }
            let frame = Frame {
                picture: Arc::new(picture),
                annotations: Arc::new([]),
            };
            for output in &mut self.outputs {
                output.offer(&frame);
            }
        }
    }

    fn report(&mut self, error: &DecodeError, at: MediaTime) {
        if std::mem::replace(&mut self.failing, true) {
            NodeStats::add(&self.context.stats.errors, 1);
            return;
        }
        self.context.error(error);
        let code = match error {
            DecodeError::UnsupportedCodec(_) => "unsupportedVideoFormat",
            DecodeError::Stream(_) | DecodeError::Refused(_) => "undecodableVideo",
        };
        let milliseconds = at.to_timestamp().as_millisecond();
        let data = json!({"code": code, "timestamp": milliseconds, "message": error.to_string()});
        self.context
            .emit("Microsoft.Media.Graph.Diagnostics.MediaFormatError", data);
    }

    fn tell_progress(&mut self, to: MediaTime) {
        self.told = self.told.max(to);
        for output in &self.outputs {
            output.progress(to);
        }
    }
}

#[cfg(test)]
mod tests;
