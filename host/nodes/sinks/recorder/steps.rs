//! What a recorder is asked to do on a thread that may block, and what is told of a disk that does not take it.
//!
//! Invariant: a disk that stops taking media is one event and one line in the log, and so is one that takes it again; other
//! sinks know nothing of it.

use serde_json::json;
use tokio::task::JoinError;

use super::{LOCAL_STORAGE, Open, RecordingSink, STORAGE_ERROR, Step, in_background};
use crate::nodes::context::NodeStats;
use crate::recording::{Notice, Recorder, RecordingError};

const STORAGE_RESTORED: &str = "MediaGraph.Diagnostics.StorageRestored";
const STALLED: &str = "stalled";

type Done = (Box<dyn Recorder>, Result<Vec<Notice>, RecordingError>);

impl RecordingSink {
    /// Does a step; false when it should be tried again.
    pub(super) async fn step(&mut self, open: &mut Open, step: Step) -> bool {
        let Some(recorder) = open.recorder.take() else {
            return true;
        };
        match self.carry_out(recorder, step).await {
            Ok((recorder, result)) => {
                let over = matches!(step, Step::Close | Step::GiveUp) && result.is_ok();
                open.recorder = (!over).then_some(recorder);
                match result {
                    Ok(_) if matches!(step, Step::GiveUp) => true,
                    Ok(notices) => {
                        self.resumed(open);
                        self.context.stats.went(&*self.context.clock);
                        for notice in notices {
                            self.tell(open, notice);
                        }
                        true
                    }
                    Err(error) => {
                        self.failed(&error);
                        false
                    }
                }
            }
            Err(error) => {
                self.panicked(&error);
                self.tell_stopped(open);
                true
            }
        }
    }

    /// On a thread that may block. What comes meanwhile waits in the queue, and after that the disk is to blame for what is
    /// missing.
    async fn carry_out(&mut self, mut recorder: Box<dyn Recorder>, step: Step) -> Result<Done, JoinError> {
        let mut done = in_background(move || {
            let result = match step {
                Step::Flush => recorder.flush(),
                Step::Pause => recorder.pause(),
                Step::Close => recorder.close(),
                Step::GiveUp => {
                    recorder.give_up();
                    Ok(Vec::new())
                }
            };
            (recorder, result)
        });
        if let Ok(done) = tokio::time::timeout(self.stalled_after, &mut done).await {
            return done;
        }
        let seconds = self.stalled_after.as_secs();
        self.pause(
            STALLED,
            &format!("the disk has not taken a write for {seconds} s: media waits in memory"),
        );
        let (mut recorder, result) = done.await?;
        recorder.stalled_until(self.context.clock.media());
        Ok((recorder, result))
    }

    pub(super) fn failed(&mut self, error: &RecordingError) {
        self.pause(error.reason(), error);
    }

    /// One event and one line in the log, until something works again.
    fn pause(&mut self, reason: &str, message: &dyn std::fmt::Display) {
        if self.paused.is_some() {
            NodeStats::add(&self.context.stats.errors, 1);
            return;
        }
        self.paused = Some(self.context.clock.monotonic());
        self.context.error(message);
        self.context.state("paused");
        self.context.emit(
            STORAGE_ERROR,
            json!({
                "storageAccountName": LOCAL_STORAGE,
                "message": message.to_string(),
                "reason": reason,
            }),
        );
    }

    pub(super) fn resumed(&mut self, open: &Open) {
        let Some(since) = self.paused.take() else {
            return;
        };
        let after = self.context.clock.monotonic().saturating_sub(since).as_secs();
        tracing::info!(after_seconds = after, "The disk takes media again");
        self.context
            .emit(STORAGE_RESTORED, json!({"afterSeconds": after}));
        self.show_writing(open);
    }
}
