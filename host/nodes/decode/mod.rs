//! The decode stage: one for each source whose pictures somebody wants to see.
//!
//! Not a node that people write: the planner puts it between a source and everything below it that looks at frames.

use std::sync::Arc;

use serde_json::json;

use super::analysis::AnalysisPool;
use super::context::{NodeContext, NodeStats};
use super::io::frames::{Frame, FrameSender};
use super::io::units::{MediaItem, UnitReceiver};
use crate::media::decode::{DecodeError, Decoder};
use crate::media::picture::Picture;
use crate::media::{AccessUnit, MediaTime, TrackKind};

/// Decodes a source's pictures and hands them to everyone who wants frames.
#[derive(Debug)]
pub struct DecodeStage {
    /// The source's surroundings: decoding reports under the source's name.
    pub context: NodeContext,
    /// The source's media.
    pub input: UnitReceiver,
    /// Who wants frames.
    pub outputs: Vec<FrameSender>,
    /// The decoder.
    pub decoder: Box<dyn Decoder>,
    /// Where decoding runs.
    pub pool: AnalysisPool,
    /// How the last unit fared, so that a state is told once, not with each frame.
    pub failing: bool,
}

impl DecodeStage {
    /// Runs until the source has ended.
    pub async fn run(mut self) {
        let mut newest = MediaTime::MIN;
        while let Some(item) = self.input.next().await {
            match item {
                MediaItem::Unit { unit, .. } if unit.kind() == TrackKind::Video => {
                    self.context.clock.reached(unit.time);
                    newest = if unit.discontinuity {
                        unit.time
                    } else {
                        newest.max(unit.time)
                    };
                    self.unit(&unit).await;
                }
                // Nothing will come until the camera is back: whoever waits for these frames need not.
                MediaItem::Lost => {
                    self.flush();
                    // A camera's time may be a little ahead of the host's.
                    self.tell_progress(self.context.clock.media().max(newest));
                }
                _ => {}
            }
        }
        self.flush();
        self.tell_progress(MediaTime::MAX);
    }

    fn flush(&mut self) {
        let pictures = self.decoder.flush();
        self.hand_on(pictures);
    }

    fn hand_on(&mut self, pictures: Vec<Picture>) {
        NodeStats::add(&self.context.stats.processed, pictures.len() as u64);
        for picture in pictures {
            let frame = Frame {
                picture: Arc::new(picture),
                annotations: Arc::new([]),
            };
            for output in &mut self.outputs {
                if output.offer(&frame) {
                    self.context.skipped(1);
                }
            }
        }
    }

    async fn unit(&mut self, unit: &AccessUnit) {
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

    fn tell_progress(&self, to: MediaTime) {
        for output in &self.outputs {
            output.progress(to);
        }
    }
}
