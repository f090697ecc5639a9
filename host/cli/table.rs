//! Tables for people: columns of even width, and nothing in them that a terminal would obey.
//!
//! Invariants: text from outside passes [`clean`] and is cut at [`MAX_CELL_CHARS`] in a cell; colour is written only where
//! [`Paint`] says that somebody looks at a terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use crate::text::obeyed;

/// Letters of a cell; what is longer is cut, and ends in an ellipsis.
pub const MAX_CELL_CHARS: usize = 72;
/// Letters of a text that may span lines, such as an error.
pub const MAX_TEXT_CHARS: usize = 4_000;
/// Between two columns.
const GAP: &str = "  ";
/// What stands for nothing.
const NOTHING: &str = "-";

/// Whether to colour. <https://no-color.org> is heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Somebody looks at a terminal.
    Colour,
    /// A file, a pipe, or somebody who does not want colours.
    Plain,
}

impl Paint {
    /// As standard output wants it.
    #[must_use]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stdout().is_terminal() && !refused {
            Self::Colour
        } else {
            Self::Plain
        }
    }

    /// The text in the colour of its tone.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Busy => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// What a text means, for those who see colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// Wrong.
    Bad,
    /// Of little interest.
    Faint,
}

/// The tone of a state's name.
#[must_use]
pub fn tone_of(state: &str) -> Tone {
    match state.to_ascii_lowercase().as_str() {
        "active" | "playing" | "running" | "open" | "recording" | "ok" | "ready" => Tone::Good,
        "activating" | "deactivating" | "connecting" | "waiting" | "restarting" | "compiling" | "loading"
        | "warning" => Tone::Busy,
        "failed" | "refusing" | "error" | "critical" | "down" | "unwell" => Tone::Bad,
        "inactive" | "idle" | "closed" => Tone::Faint,
        _ => Tone::Plain,
    }
}

/// One cell, fit to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
    right: bool,
}

impl Cell {
    /// Text from anywhere; nothing becomes a dash.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let text = cut(&clean(text), MAX_CELL_CHARS);
        Self {
            text: if text.is_empty() { NOTHING.to_owned() } else { text },
            ..Self::default()
        }
    }

    /// Text of this program, which is not cut.
    #[must_use]
    pub fn whole(text: &str) -> Self {
        Self {
            text: clean(text),
            ..Self::default()
        }
    }

    /// The name of a state, in its colour.
    #[must_use]
    pub fn state(state: &str) -> Self {
        Self {
            tone: tone_of(state),
            ..Self::text(state)
        }
    }

    /// A number, aligned to the right.
    #[must_use]
    pub fn number(number: Option<u64>) -> Self {
        Self {
            text: number.map_or_else(|| NOTHING.to_owned(), |number| number.to_string()),
            right: true,
            ..Self::default()
        }
    }

    /// Aligned to the right.
    #[must_use]
    pub fn right(text: &str) -> Self {
        Self {
            right: true,
            ..Self::text(text)
        }
    }

    fn padded(&self, width: usize, last: bool, paint: Paint) -> String {
        let blanks = " ".repeat(width.saturating_sub(self.text.chars().count()));
        let text = paint.paint(self.tone, &self.text);
        match (self.right, last) {
            (true, _) => format!("{blanks}{text}"),
            (false, true) => text,
            (false, false) => format!("{text}{blanks}"),
        }
    }
}

/// Rows below a line of names.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells beyond the columns are not shown.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().take(self.head.len()).collect());
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The whole table, each row ending in a line feed.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let widths = self.widths();
        // A column of numbers has its name above the digits.
        let first = self.rows.first();
        let head = self.head.iter().enumerate().map(|(index, name)| Cell {
            text: (*name).to_owned(),
            right: first
                .and_then(|row| row.get(index))
                .is_some_and(|cell| cell.right),
            ..Cell::default()
        });
        let mut text = String::new();
        write_row(&head.collect::<Vec<_>>(), &widths, paint, &mut text);
        for row in &self.rows {
            write_row(row, &widths, paint, &mut text);
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let width = |(index, name): (usize, &&str)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            let widest = cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0);
            widest.max(name.chars().count())
        };
        self.head.iter().enumerate().map(width).collect()
    }
}

fn write_row(cells: &[Cell], widths: &[usize], paint: Paint, text: &mut String) {
    let last = cells.len().saturating_sub(1);
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(index, (cell, width))| cell.padded(*width, index == last, paint))
        .collect();
    let _ = writeln!(text, "{}", padded.join(GAP));
}

/// One line of text without what a terminal would obey: control characters, and letters that turn the direction of
/// reading, become U+FFFD.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| if obeyed(letter) { '\u{fffd}' } else { letter })
        .collect()
}

/// Like [`clean`], but lines stay lines; cut at [`MAX_TEXT_CHARS`].
#[must_use]
pub fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = cut(text, MAX_TEXT_CHARS).lines().map(clean).collect();
    lines.join("\n")
}

/// At most `most` letters; what was cut ends in an ellipsis.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text.to_owned();
    };
    let kept = text.get(..end).unwrap_or_default();
    let mut kept: String = kept.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "STATE", "IN"]);
        table.row([Cell::text("a"), Cell::state("Active"), Cell::number(Some(7))]);
        table.row([Cell::text("longer"), Cell::state("Inactive"), Cell::number(None)]);
        table
    }

    #[test]
    fn columns_are_even_and_numbers_stand_at_the_right() {
        assert_eq!(
            table().render(Paint::Plain),
            "NAME    STATE     IN\na       Active     7\nlonger  Inactive   -\n"
        );
    }

    #[test]
    fn only_a_terminal_sees_colours_and_they_do_not_widen_a_column() {
        assert!(!table().render(Paint::Plain).contains('\u{1b}'));
        let coloured = table().render(Paint::Colour);
        assert!(
            coloured.contains("a       \u{1b}[32mActive\u{1b}[0m     7\n"),
            "{coloured:?}"
        );
    }

    #[test]
    fn what_a_terminal_would_obey_is_replaced_and_long_text_is_cut() {
        assert_eq!(
            Cell::text("a\u{1b}[31m\n\u{202e}b").text,
            "a\u{fffd}[31m\u{fffd}\u{fffd}b"
        );
        let long = Cell::text(&"ä".repeat(1000)).text;
        assert_eq!(long.chars().count(), MAX_CELL_CHARS);
        assert!(long.ends_with('…'));
        assert_eq!(Cell::text("").text, "-");
        assert_eq!(clean_lines("a\n\u{7}b"), "a\n\u{fffd}b");
    }
}
