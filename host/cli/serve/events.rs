//! Files of events: all public ones, and what message sinks send to an output of the hub.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::cli::Failure;
use crate::config::EventsConfig;
use crate::events::lines::{JsonLines, LinesWriter};
use crate::events::{Event, EventSink};

const OWNER_ONLY: u32 = 0o600;

/// The open files.
#[derive(Debug, Default)]
pub(super) struct EventFiles {
    sinks: Vec<Arc<dyn EventSink>>,
    lines: Vec<(String, Arc<JsonLines>)>,
    writers: Vec<LinesWriter>,
}

/// Sends events to the file of their output.
#[derive(Debug)]
struct Outputs(BTreeMap<String, Arc<JsonLines>>);

impl EventSink for Outputs {
    fn publish(&self, event: Event) {
        let output = event.output.as_deref();
        if let Some(file) = output.and_then(|output| self.0.get(output)) {
            file.publish(event);
        }
    }
}

impl EventFiles {
    /// Opens the files that the configuration names; what is in them stays.
    pub(super) fn open(config: &EventsConfig) -> Result<Self, Failure> {
        let mut files = Self::default();
        if let Some(path) = &config.file {
            let all = files.add(path)?;
            files.sinks.push(all as _);
        }
        if !config.outputs.is_empty() {
            let mut outputs = BTreeMap::new();
            for (output, path) in &config.outputs {
                outputs.insert(output.clone(), files.add(path)?);
            }
            files.sinks.push(Arc::new(Outputs(outputs)));
        }
        Ok(files)
    }

    fn add(&mut self, path: &Path) -> Result<Arc<JsonLines>, Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!("cannot write events to `{}`: {error}", path.display()))
        };
        let mut options = OpenOptions::new();
        let file = options
            .append(true)
            .create(true)
            .mode(OWNER_ONLY)
            .open(path)
            .map_err(failed)?;
        let (lines, writer) = JsonLines::new(file).map_err(failed)?;
        let lines = Arc::new(lines);
        self.lines.push((path.display().to_string(), Arc::clone(&lines)));
        self.writers.push(writer);
        Ok(lines)
    }

    /// For the fan-out.
    pub(super) fn sinks(&self) -> Vec<Arc<dyn EventSink>> {
        self.sinks.clone()
    }

    /// Waits until everything is written. All graphs must have ended. Blocks.
    pub(super) fn finish(self) {
        let Self {
            sinks,
            lines,
            writers,
        } = self;
        for (path, lines) in &lines {
            if lines.lost() > 0 {
                tracing::warn!(
                    file = path,
                    events = lines.lost(),
                    "Events were left out of the file: the disk was too slow"
                );
            }
        }
        drop((sinks, lines));
        for writer in writers {
            if !writer.finish() {
                tracing::warn!("A file of events could not be written to its end");
            }
        }
    }
}
