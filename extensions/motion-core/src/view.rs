//! Which pixels count, where not all do.

use crate::CELL;
use crate::kernel::Shape;

/// A cell of which fewer pixels count is left out: too little to tell motion from noise.
const LEAST_PIXELS: usize = 8;

/// The part of a cell that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// A bit for each pixel, line by line.
    pub(crate) bits: u64,
    pub(crate) pixels: usize,
}

/// The parts of all cells.
#[derive(Debug)]
pub(crate) struct View {
    seen: Vec<Seen>,
    /// Cells of which something counts.
    pub(crate) cells: usize,
}

impl View {
    pub(crate) fn new(shape: Shape, width: usize, watched: impl Fn(f32, f32) -> bool) -> Self {
        let columns = shape.columns();
        let cell = |at: usize| {
            let (column, row) = (at % columns, at / columns);
            let mut seen = Seen::default();
            for pixel in 0..shape.lines(row) * CELL {
                // Beyond the border the last pixel goes on.
                let x = (column * CELL + pixel % CELL).min(width - 1);
                let y = row * CELL + pixel / CELL;
                let middle = |at: usize, of: usize| (at as f32 + 0.5) / of as f32;
                if watched(middle(x, width), middle(y, shape.height)) {
                    seen.bits |= 1 << pixel;
                    seen.pixels += 1;
                }
            }
            if seen.pixels < LEAST_PIXELS {
                Seen::default()
            } else {
                seen
            }
        };
        let seen: Vec<Seen> = (0..columns * shape.rows()).map(cell).collect();
        let cells = seen.iter().filter(|seen| seen.pixels > 0).count();
        Self { seen, cells }
    }

    /// The part of a cell.
    pub(crate) fn of(&self, at: usize) -> Seen {
        self.seen.get(at).copied().unwrap_or_default()
    }
}
