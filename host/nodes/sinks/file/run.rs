//! The file sink at work: names and opens MP4 files.

use std::path::PathBuf;
use std::sync::Arc;

use crate::media::{Clock, MediaTime, Ticks};
use crate::nodes::sinks::recorder::Opener;
use crate::recording::storage::Storage;
use crate::recording::{FileNames, FileOptions, FileWriter, Recorder, RecordingError, Segments};
use crate::topology::Pattern;

/// Opens files.
#[derive(Debug)]
pub struct FileOpener {
    /// Makes the name, of the host's time when the recording opens.
    pub pattern: Pattern,
    /// How long a file is; none for one file for each recording.
    pub segment_length: Option<Ticks>,
    /// The folder; nothing outside of it is touched.
    pub directory: PathBuf,
    /// Names the sink in its record of files.
    pub owner: String,
    /// Above so many MiB its oldest files are removed.
    pub maximum_size_mib: Option<u64>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// The disk.
    pub storage: Arc<dyn Storage>,
}

/// Names files by their own first moment.
#[derive(Debug)]
struct ByStart(Pattern);

impl FileNames for ByStart {
    fn name(&self, start: MediaTime) -> String {
        self.0.render(start.to_timestamp())
    }
}

impl Opener for FileOpener {
    fn open(&self, _start: MediaTime) -> Result<Box<dyn Recorder>, RecordingError> {
        let segments = self.segment_length.map(|length| Segments {
            length,
            names: Arc::new(ByStart(self.pattern.dated())),
        });
        let pattern = if segments.is_some() {
            self.pattern.dated()
        } else {
            self.pattern.clone()
        };
        let options = FileOptions {
            directory: self.directory.clone(),
            name: pattern.render(self.clock.wall()),
            segments,
            owner: self.owner.clone(),
            maximum_size_mib: self.maximum_size_mib,
        };
        FileWriter::open(options, Arc::clone(&self.storage))
            .map(|writer| Box::new(writer) as Box<dyn Recorder>)
    }

    fn output_type(&self) -> &'static str {
        "filePath"
    }
}
