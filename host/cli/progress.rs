//! How far long work is: one line that is written over, where somebody looks at a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crate::media::{Clock, SystemClock};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// A line on standard error; nothing when that is no terminal.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    clock: Arc<dyn Clock>,
    shown: Option<Duration>,
    terminal: bool,
}

impl Progress {
    /// `what` is done `total` times; 0 when nobody knows how often.
    #[must_use]
    pub fn new(what: &'static str, total: u64) -> Self {
        Self {
            what,
            total,
            clock: Arc::new(SystemClock::new()),
            shown: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// So many are done.
    pub fn show(&mut self, done: u64) {
        let now = self.clock.monotonic();
        if !self.terminal || self.shown.is_some_and(|shown| now.saturating_sub(shown) < EVERY) {
            return;
        }
        self.shown = Some(now);
        let share = match self.total {
            0 => String::new(),
            total => format!(" of {total} ({}%)", done.min(total) * 100 / total),
        };
        // It is only for those who look at it.
        let _ = write!(std::io::stderr(), "\r{}: {done}{share}\u{1b}[K", self.what);
    }

    /// Takes the line away.
    pub fn finish(self) {
        if self.terminal && self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}
