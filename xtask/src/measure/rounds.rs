//! A line on standard error that says how many rounds are done; on what is no terminal, a line now and then.

use std::io::{IsTerminal as _, Write as _};

const WIDTH: usize = 40;
/// How many lines there are for those who read them later.
const LINES: usize = 10;

/// The line.
#[derive(Debug)]
pub(super) struct Rounds {
    total: usize,
    terminal: bool,
}

impl Rounds {
    pub(super) fn new(total: usize) -> Self {
        Self {
            total,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Says that so many are done.
    pub(super) fn show(&self, done: usize, what: &str) {
        if self.terminal {
            eprint!("\r{} ", line(done, self.total, what));
            if done >= self.total {
                eprintln!();
            }
            let _flushed = std::io::stderr().flush();
        } else if done.is_multiple_of(self.total.div_ceil(LINES).max(1)) || done == self.total {
            eprintln!("{}", line(done, self.total, what));
        }
    }
}

fn line(done: usize, total: usize, what: &str) -> String {
    let full = (done.min(total) * WIDTH).checked_div(total).unwrap_or(WIDTH);
    format!(
        "[{}{}] {done} of {total} {what}",
        "=".repeat(full),
        " ".repeat(WIDTH - full)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_one_width_from_start_to_end() {
        assert_eq!(line(0, 200, "cuts").find(']'), line(200, 200, "cuts").find(']'));
        assert!(line(5, 10, "kills").starts_with("[===================="));
        assert!(line(0, 0, "kills").contains("0 of 0"));
    }
}
