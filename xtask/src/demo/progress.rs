//! A line on standard error that says how far the demo is. Drawn only on a terminal.

use std::io::{IsTerminal as _, Write as _};

const WIDTH: usize = 40;

/// The line.
#[derive(Debug)]
pub(crate) struct Progress {
    total_s: f64,
    visible: bool,
    drawn: bool,
}

impl Progress {
    /// For something that lasts `total_s` seconds.
    pub(crate) fn new(total_s: f64) -> Self {
        Self {
            total_s,
            visible: std::io::stderr().is_terminal(),
            drawn: false,
        }
    }

    /// Draws it.
    pub(crate) fn show(&mut self, elapsed_s: f64) {
        if self.visible {
            eprint!("\r{}", line(elapsed_s, self.total_s));
            let _flushed = std::io::stderr().flush();
            self.drawn = true;
        }
    }

    /// Takes it away, so that other text can be printed.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            eprint!("\r{:1$}\r", "", WIDTH + 30);
            let _flushed = std::io::stderr().flush();
        }
    }
}

fn line(elapsed_s: f64, total_s: f64) -> String {
    let part = (elapsed_s / total_s.max(1.0)).clamp(0.0, 1.0);
    let full = (part * WIDTH as f64) as usize;
    format!(
        "[{}{}] {elapsed_s:.0} of {total_s:.0} s ",
        "=".repeat(full),
        " ".repeat(WIDTH - full)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_one_width_from_start_to_end() {
        assert_eq!(line(0.0, 100.0).find(']'), line(250.0, 100.0).find(']'));
        assert!(line(50.0, 100.0).starts_with("[===================="));
    }
}
