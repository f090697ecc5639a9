//! What components say: their log lines and what they print, bounded in rate and length.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::limits::{MAX_LOG_LINE_BYTES, MAX_LOG_LINES_PER_SECOND};
use crate::media::Clock;

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Finest.
    Trace,
    /// For the component's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// Receives the log lines of one node's component. Must not block.
pub trait LogSink: Send + Sync + fmt::Debug {
    /// One line, without line end and control characters.
    fn line(&self, level: LogLevel, text: &str);
}

/// Writes to `tracing`. Whose line it is says the span in which the component is called.
#[derive(Clone, Copy, Debug)]
pub struct TracingLog;

impl LogSink for TracingLog {
    fn line(&self, level: LogLevel, text: &str) {
        match level {
            LogLevel::Trace => tracing::trace!(target: "extension", "{text}"),
            LogLevel::Debug => tracing::debug!(target: "extension", "{text}"),
            LogLevel::Info => tracing::info!(target: "extension", "{text}"),
            LogLevel::Warn => tracing::warn!(target: "extension", "{text}"),
            LogLevel::Error => tracing::error!(target: "extension", "{text}"),
        }
    }
}

/// The rate-limited log of one instance, shared by the `logging` import and the standard streams.
#[derive(Clone, Debug)]
pub(super) struct NodeLog(Arc<Mutex<Budget>>);

#[derive(Debug)]
struct Budget {
    sink: Arc<dyn LogSink>,
    clock: Arc<dyn Clock>,
    second: u64,
    lines: u32,
    left_out: u64,
}

impl NodeLog {
    pub(super) fn new(sink: Arc<dyn LogSink>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Mutex::new(Budget {
            sink,
            clock,
            second: 0,
            lines: 0,
            left_out: 0,
        })))
    }

    pub(super) fn line(&self, level: LogLevel, text: &str) {
        self.budget().line(level, text);
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budget {
    fn line(&mut self, level: LogLevel, text: &str) {
        let second = self.clock.monotonic().as_secs();
        if second != self.second {
            self.second = second;
            self.lines = 0;
        }
        if self.lines >= MAX_LOG_LINES_PER_SECOND {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.lines += 1;
        if self.left_out > 0 {
            let text = format!("{} lines of this extension were left out", self.left_out);
            self.sink.line(LogLevel::Warn, &text);
            self.left_out = 0;
        }
        self.sink.line(level, &one_line(text));
    }
}

/// Cut to size, and without characters that could fake a second line or steer a terminal.
fn one_line(text: &str) -> String {
    let cut = text
        .get(..text.floor_char_boundary(MAX_LOG_LINE_BYTES))
        .unwrap_or_default();
    cut.trim_end()
        .chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Standard output or error of a component: each line becomes a log line.
#[derive(Clone, Debug)]
pub(super) struct PrintedLines {
    log: NodeLog,
    level: LogLevel,
    partial: Arc<Mutex<Vec<u8>>>,
}

impl PrintedLines {
    pub(super) fn new(log: NodeLog, level: LogLevel) -> Self {
        Self {
            log,
            level,
            partial: Arc::default(),
        }
    }

    fn print(&self, bytes: &[u8]) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LOG_LINE_BYTES.saturating_sub(partial.len());
            partial.extend(chunk.iter().take(room));
            if chunk.ends_with(b"\n") {
                self.log.line(self.level, &String::from_utf8_lossy(&partial));
                partial.clear();
            }
        }
    }
}

impl IsTerminal for PrintedLines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for PrintedLines {
    // Only WASI 0.3 asks for this one, and that is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for PrintedLines {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for PrintedLines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LOG_LINE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ManualClock;
    use std::time::Duration;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, _level: LogLevel, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn log() -> (Arc<Kept>, Arc<ManualClock>, NodeLog) {
        let kept = Arc::new(Kept::default());
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let log = NodeLog::new(kept.clone(), clock.clone());
        (kept, clock, log)
    }

    #[test]
    fn a_storm_of_lines_is_cut_and_counted() {
        let (kept, clock, log) = log();
        for _ in 0..1_000 {
            log.line(LogLevel::Info, "again");
        }
        assert_eq!(kept.0.lock().unwrap().len(), MAX_LOG_LINES_PER_SECOND as usize);
        clock.advance(Duration::from_secs(1));
        log.line(LogLevel::Info, "later");
        let lines = kept.0.lock().unwrap();
        assert_eq!(
            lines[lines.len() - 2..],
            ["950 lines of this extension were left out", "later"]
        );
    }

    #[test]
    fn a_line_cannot_fake_another_one() {
        let (kept, _, log) = log();
        log.line(LogLevel::Info, "a\n2026-01-01 ERROR b\u{1b}[31m");
        assert_eq!(
            *kept.0.lock().unwrap(),
            ["a\u{fffd}2026-01-01 ERROR b\u{fffd}[31m"]
        );
    }

    #[test]
    fn what_is_printed_arrives_line_by_line() {
        let (kept, _, log) = log();
        let printed = PrintedLines::new(log, LogLevel::Info);
        printed.print(b"one\ntw");
        printed.print(b"o\n");
        printed.print(&vec![b'x'; 1 << 20]);
        printed.print(b"\n");
        let lines = kept.0.lock().unwrap();
        assert_eq!(lines[..2], ["one", "two"]);
        assert!(lines.iter().all(|line| line.len() <= MAX_LOG_LINE_BYTES));
    }
}
