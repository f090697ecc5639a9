//! A recording that is only told: where nothing may be written, events still say what would have been recorded, from its
//! first moment to its last.

use std::path::Path;
use std::sync::Arc;

use super::asset::{AssetSink, Wording};
use super::recorder::Opener;
use crate::media::{AccessUnit, Clock, MediaTime, TrackKind};
use crate::recording::{Notice, Recorder, RecordingError, Totals};
use crate::topology::Pattern;

/// Opens recordings of which nothing is kept.
#[derive(Debug)]
pub struct ToldOpener {
    /// Makes the name, of the time when the recording opens.
    pattern: Pattern,
    /// Of files: the folder that the topology names.
    directory: Option<String>,
    output_type: &'static str,
    clock: Arc<dyn Clock>,
}

impl ToldOpener {
    /// In the place of an asset sink.
    #[must_use]
    pub fn asset(sink: &AssetSink, clock: Arc<dyn Clock>) -> Self {
        Self {
            pattern: sink.asset_name_pattern.clone(),
            directory: None,
            output_type: match sink.wording {
                Wording::Asset => "assetName",
                Wording::Video { .. } => "videoName",
            },
            clock,
        }
    }

    /// In the place of a file sink.
    #[must_use]
    pub fn file(directory: &str, pattern: Pattern, clock: Arc<dyn Clock>) -> Self {
        Self {
            pattern,
            directory: Some(directory.to_owned()),
            output_type: "filePath",
            clock,
        }
    }
}

impl Opener for ToldOpener {
    fn open(&self, start: MediaTime) -> Result<Box<dyn Recorder>, RecordingError> {
        let name = self.pattern.render(self.clock.wall());
        let output = match &self.directory {
            Some(directory) => Path::new(directory)
                .join(format!("{name}.mp4"))
                .display()
                .to_string(),
            None => name,
        };
        Ok(Box::new(Told {
            output,
            start,
            end: start,
            units: 0,
            started: false,
        }))
    }

    fn output_type(&self) -> &'static str {
        self.output_type
    }
}

#[derive(Debug)]
struct Told {
    output: String,
    start: MediaTime,
    end: MediaTime,
    units: u64,
    started: bool,
}

impl Recorder for Told {
    fn push(&mut self, unit: &Arc<AccessUnit>) -> Result<bool, RecordingError> {
        self.units += 1;
        if unit.kind() == TrackKind::Video {
            self.end = self.end.max(unit.time);
        }
        Ok(!self.started)
    }

    fn flush(&mut self) -> Result<Vec<Notice>, RecordingError> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(Vec::new());
        }
        Ok(vec![Notice::Started {
            output: self.output.clone(),
            at: self.start,
        }])
    }

    fn close(&mut self) -> Result<Vec<Notice>, RecordingError> {
        let mut notices = self.flush()?;
        notices.push(Notice::Stopped {
            output: self.output.clone(),
            at: self.end,
            totals: Totals {
                units: self.units,
                duration: self.end.since(self.start),
                ..Totals::default()
            },
        });
        Ok(notices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ManualClock;
    use crate::nodes::testing::{at, unit};

    #[test]
    fn a_recording_is_told_from_its_first_moment_to_its_last() {
        let clock = Arc::new(ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap()));
        let opener = ToldOpener::file("/var/media", Pattern::literal("clip"), clock);
        let mut recorder = opener.open(at(1.0)).unwrap();
        let output = || "/var/media/clip.mp4".to_owned();
        assert!(recorder.push(&Arc::new(unit(1.0, true))).unwrap());
        let started = Notice::Started {
            output: output(),
            at: at(1.0),
        };
        assert_eq!(recorder.flush().unwrap(), [started]);
        assert!(!recorder.push(&Arc::new(unit(2.0, false))).unwrap());
        let stopped = recorder.close().unwrap();
        assert!(matches!(&stopped[..], [Notice::Stopped { at: end, .. }] if *end == at(2.0)));
    }
}
