//! Events as JSON lines in files: one for all events, and one for each hub output that is configured.
//!
//! One thread writes, so that a slow disk stops nothing. Files are appended to and rotated by size ([`crate::rotation`]). A file that cannot be written is one warning until it can be again;
//! the events meanwhile are missing from it (the journal has them).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};

use super::lines::{FINISH_TIMEOUT, MAX_WAITING_EVENTS};
use super::{Event, EventSink};
use crate::rotation::RotatedFile;
pub use crate::rotation::Rotation;

/// Where events go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTargets {
    /// All public events.
    pub all: Option<PathBuf>,
    /// What message sinks send, by the name of the hub output.
    pub outputs: BTreeMap<String, PathBuf>,
}

/// Writes events to files.
#[derive(Debug)]
pub struct EventFiles {
    // Boxed because the channel sets all its places aside when it is made.
    queue: SyncSender<Box<Event>>,
    lost: AtomicU64,
}

/// Waits until every event is written.
#[derive(Debug)]
pub struct FilesWriter(Receiver<()>);

impl EventFiles {
    /// Writes to these files; each is opened when its first event comes.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn new(targets: &FileTargets, rotation: Rotation) -> io::Result<(Self, FilesWriter)> {
        let (queue, events) = sync_channel::<Box<Event>>(MAX_WAITING_EVENTS);
        let (done, finished) = sync_channel(1);
        let mut files = Files::new(targets, rotation);
        std::thread::Builder::new()
            .name("event-files".into())
            .spawn(move || {
                // Its end tells that everything is written.
                let _done = done;
                for event in events {
                    files.write(&event);
                }
            })?;
        let sink = Self {
            queue,
            lost: AtomicU64::new(0),
        };
        Ok((sink, FilesWriter(finished)))
    }

    /// How many events were left out because the disk was too slow.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl EventSink for EventFiles {
    fn publish(&self, event: Event) {
        match self.queue.try_send(Box::new(event)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::warn!(
                        "Events are left out of files because the disk is too slow; the journal has them"
                    );
                }
            }
        }
    }
}

impl FilesWriter {
    /// Returns once all events are written; gives false when that takes longer than [`FINISH_TIMEOUT`]. Every
    /// [`EventFiles`] must be gone by then.
    #[must_use]
    pub fn finish(self) -> bool {
        !matches!(
            self.0.recv_timeout(FINISH_TIMEOUT),
            Err(RecvTimeoutError::Timeout)
        )
    }
}

/// The files, each once, however many outputs lead to it.
#[derive(Debug)]
struct Files {
    files: BTreeMap<PathBuf, Lines>,
    targets: FileTargets,
    rotation: Rotation,
}

impl Files {
    fn new(targets: &FileTargets, rotation: Rotation) -> Self {
        Self {
            files: BTreeMap::new(),
            targets: targets.clone(),
            rotation,
        }
    }

    fn write(&mut self, event: &Event) {
        let of_output = event
            .output
            .as_deref()
            .and_then(|output| self.targets.outputs.get(output));
        let (all, of_output) = (self.targets.all.clone(), of_output.cloned());
        if all.is_none() && of_output.is_none() {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(event) else {
            return;
        };
        line.push(b'\n');
        // The same file once.
        let second = of_output.filter(|path| Some(path) != all.as_ref());
        for path in all.into_iter().chain(second) {
            let file = self.files.entry(path.clone()).or_default();
            file.write(&path, &line, self.rotation);
        }
    }
}

/// One file.
#[derive(Debug, Default)]
struct Lines {
    file: RotatedFile,
    failing: bool,
    missing: u64,
}

impl Lines {
    fn write(&mut self, path: &Path, line: &[u8], rotation: Rotation) {
        match self.file.write(path, line, rotation) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    let missing = std::mem::take(&mut self.missing);
                    tracing::info!(file = %path.display(), missing, "Events are written to the file again");
                }
            }
            Err(error) => {
                self.missing = self.missing.saturating_add(1);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(file = %path.display(), %error, "Events cannot be written to the file; the journal has them");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::events::Emitter;
    use crate::media::MediaTime;

    fn numbers(path: &Path) -> Vec<u64> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let number = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["data"].as_u64().unwrap()
        };
        text.lines().map(number).collect()
    }

    fn write(targets: &FileTargets, rotation: Rotation, events: &[(u64, Option<&str>)]) {
        let (files, writer) = EventFiles::new(targets, rotation).unwrap();
        let emitter = Emitter::new(Arc::new(files), "mediagraph", "/host");
        for (number, output) in events {
            emitter
                .to_output(output.map(Into::into))
                .emit("N", MediaTime::MIN, json!(number));
        }
        drop(emitter);
        assert!(writer.finish());
    }

    #[test]
    fn one_file_has_all_events_and_an_outputs_file_has_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let outputs = [
            ("trucks", "trucks"),
            ("cars", "both"),
            ("bikes", "both"),
            ("all", "all"),
        ];
        let targets = FileTargets {
            all: Some(path("all")),
            outputs: outputs
                .iter()
                .map(|(output, file)| ((*output).to_owned(), path(file)))
                .collect(),
        };
        let events = [
            (1, None),
            (2, Some("trucks")),
            (3, Some("cars")),
            (4, Some("bikes")),
            (5, Some("all")),
            (6, Some("other")),
        ];
        write(&targets, Rotation::default(), &events);
        assert_eq!(numbers(&path("all")), [1, 2, 3, 4, 5, 6]);
        assert_eq!(numbers(&path("trucks")), [2]);
        assert_eq!(numbers(&path("both")), [3, 4]);
    }

    #[test]
    fn a_file_that_is_full_is_put_aside_and_few_of_those_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let targets = FileTargets {
            all: Some(path.clone()),
            ..FileTargets::default()
        };
        // Two lines are more than so much.
        let rotation = Rotation { bytes: 300, kept: 2 };
        for number in 1..=5 {
            // Each is opened anew, as after a restart.
            write(&targets, rotation, &[(number, None)]);
        }
        assert_eq!(numbers(&path), [5]);
        assert_eq!(numbers(&dir.path().join("events.jsonl.1")), [4]);
        assert_eq!(numbers(&dir.path().join("events.jsonl.2")), [3]);
        assert!(!dir.path().join("events.jsonl.3").exists());
    }

    #[test]
    fn a_line_that_a_crash_has_cut_off_does_not_swallow_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        fs::write(&path, "{\"data\":").unwrap();
        let targets = FileTargets {
            all: Some(path.clone()),
            ..FileTargets::default()
        };
        write(&targets, Rotation::default(), &[(1, None)]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"data\":\n{\"id\""), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_written_stops_no_other_and_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let (good, bad) = (dir.path().join("good"), dir.path().join("missing/bad"));
        let targets = FileTargets {
            all: Some(good.clone()),
            outputs: [("o".to_owned(), bad.clone())].into(),
        };
        let mut files = Files::new(&targets, Rotation::default());
        let event = |number: u64| Event {
            output: Some("o".into()),
            ..Event::of_host("N", MediaTime::MIN, json!(number))
        };
        files.write(&event(1));
        files.write(&event(2));
        fs::create_dir(dir.path().join("missing")).unwrap();
        files.write(&event(3));
        assert_eq!(numbers(&good), [1, 2, 3]);
        assert_eq!(numbers(&bad), [3]);
    }
}
