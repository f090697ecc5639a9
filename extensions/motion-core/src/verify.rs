//! The second look at a changed cell: what remains if the picture may have shifted by a pixel?

use crate::CELL;
use crate::kernel::Shape;

/// Grey levels within three pixels from which on an edge is sharp. The background of a trembling camera has such edges
/// blurred, so half of what they exceed this by is tolerated as well. The texture of grass or asphalt stays below.
const SHARP: u8 = 32;

/// A cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) column: usize,
    pub(crate) row: usize,
    /// A bit for each pixel that counts; none: all do.
    pub(crate) watched: Option<u64>,
}

impl Place {
    fn is_watched(&self, line: usize, x: usize) -> bool {
        self.watched.is_none_or(|bits| bits >> (line * CELL + x) & 1 == 1)
    }
}

/// What is left of a cell's difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Remainder {
    /// Pixels that still differ by more than the threshold.
    pub(crate) count: u16,
    /// Sum of the signed differences beyond what a shift explains.
    pub(crate) sum: i32,
    /// Extent of the changed pixels within the cell: left, top, right, bottom, the latter two exclusive.
    pub(crate) extent: [u8; 4],
}

/// Compares with the brightest and darkest background pixel around each pixel.
pub(crate) fn with_shift(
    shape: Shape,
    current: &[u8],
    background: &[u8],
    place: Place,
    threshold: u8,
) -> Remainder {
    match place.watched {
        None => shifted::<false>(shape, current, background, place, threshold),
        Some(_) => shifted::<true>(shape, current, background, place, threshold),
    }
}

/// Where all pixels count, nothing is asked of each.
fn shifted<const MASKED: bool>(
    shape: Shape,
    current: &[u8],
    background: &[u8],
    place: Place,
    threshold: u8,
) -> Remainder {
    let Place { column, row, .. } = place;
    let mut remainder = Remainder {
        extent: [CELL as u8, CELL as u8, 0, 0],
        ..Remainder::default()
    };
    for line in 0..shape.lines(row) {
        let y = row * CELL + line;
        let (low, high) = bounds(shape, background, column, y);
        let at = y * shape.stride + column * CELL;
        let Some(now) = current.get(at..at + CELL) else {
            continue;
        };
        for (x, (now, (low, high))) in now.iter().zip(low.into_iter().zip(high)).enumerate() {
            if MASKED && !place.is_watched(line, x) {
                continue;
            }
            let (up, down) = (now.saturating_sub(high), low.saturating_sub(*now));
            remainder.sum += i32::from(up) - i32::from(down);
            if up.max(down) > threshold {
                remainder.count += 1;
                let [left, top, right, bottom] = &mut remainder.extent;
                (*left, *top) = ((*left).min(x as u8), (*top).min(line as u8));
                (*right, *bottom) = ((*right).max(x as u8 + 1), (*bottom).max(line as u8 + 1));
            }
        }
    }
    remainder
}

/// Darkest and brightest of the 3x3 pixels around each of the cell's pixels in line `y`.
fn bounds(shape: Shape, background: &[u8], column: usize, y: usize) -> ([u8; CELL], [u8; CELL]) {
    let (mut low, mut high) = ([255_u8; CELL + 2], [0_u8; CELL + 2]);
    for line in y.saturating_sub(1)..=(y + 1).min(shape.height - 1) {
        let Some(line) = background.chunks_exact(shape.stride).nth(line) else {
            continue;
        };
        let around = surroundings(line, column);
        for ((low, high), value) in low.iter_mut().zip(&mut high).zip(around) {
            (*low, *high) = ((*low).min(value), (*high).max(value));
        }
    }
    let mut result = ([0; CELL], [0; CELL]);
    let bounds = result.0.iter_mut().zip(&mut result.1);
    for ((out_low, out_high), (low, high)) in bounds.zip(low.windows(3).zip(high.windows(3))) {
        let low = low.iter().copied().fold(255, u8::min);
        let high = high.iter().copied().fold(0, u8::max);
        let blur = (high - low).saturating_sub(SHARP) / 2;
        (*out_low, *out_high) = (low.saturating_sub(blur), high.saturating_add(blur));
    }
    result
}

/// The cell's eight pixels of a line with one neighbour on each side; past the border the edge goes on.
fn surroundings(line: &[u8], column: usize) -> [u8; CELL + 2] {
    let start = column * CELL;
    let mut around = [0; CELL + 2];
    let last = line.len().saturating_sub(1);
    for (offset, value) in around.iter_mut().enumerate() {
        let x = (start + offset).saturating_sub(1).min(last);
        *value = line.get(x).copied().unwrap_or(0);
    }
    around
}

/// How much a cell differs from an earlier picture: pixels past the threshold, and the signed sum.
pub(crate) fn against(
    shape: Shape,
    current: &[u8],
    earlier: &[u8],
    place: Place,
    threshold: u8,
) -> (u16, i32) {
    match place.watched {
        None => differing::<false>(shape, current, earlier, place, threshold),
        Some(_) => differing::<true>(shape, current, earlier, place, threshold),
    }
}

fn differing<const MASKED: bool>(
    shape: Shape,
    current: &[u8],
    earlier: &[u8],
    place: Place,
    threshold: u8,
) -> (u16, i32) {
    let Place { column, row, .. } = place;
    let (mut count, mut sum) = (0, 0);
    for line in 0..shape.lines(row) {
        let at = (row * CELL + line) * shape.stride + column * CELL;
        let (Some(now), Some(was)) = (current.get(at..at + CELL), earlier.get(at..at + CELL)) else {
            continue;
        };
        for (x, (now, was)) in now.iter().zip(was).enumerate() {
            if MASKED && !place.is_watched(line, x) {
                continue;
            }
            sum += i32::from(*now) - i32::from(*was);
            count += u16::from(now.abs_diff(*was) > threshold);
        }
    }
    (count, sum)
}
