//! The two loops that touch every pixel. `portable` is written so that compilers vectorise it; on WebAssembly they do
//! it badly, so `simd` states it in intrinsics. Both give the same bits.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use portable as fastest;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd as fastest;

use crate::CELL;

/// Columns handled at a time: two cells.
pub(crate) const LANES: usize = 16;

/// Fraction bits of the background: 255 << 7 still fits an `i16`.
pub(crate) const FRACTION_BITS: u32 = 7;

/// What the comparison of a cell with its background gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Of how much brighter it is, over the brighter pixels.
    pub(crate) brighter: u16,
    /// Of how much darker it is, over the darker pixels.
    pub(crate) darker: u16,
    /// Pixels that differ by more than the threshold.
    pub(crate) count: u16,
}

/// A picture whose stride is a whole number of [`LANES`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) stride: usize,
    pub(crate) height: usize,
}

impl Shape {
    pub(crate) fn columns(self) -> usize {
        self.stride / CELL
    }

    /// Of cells; the last may be lower than the others.
    pub(crate) fn rows(self) -> usize {
        self.height.div_ceil(CELL)
    }

    /// Pixel rows of this row of cells.
    pub(crate) fn lines(self, cell_row: usize) -> usize {
        CELL.min(self.height - cell_row * CELL)
    }
}

/// Compares a picture with the background, per cell.
pub(crate) fn measure(shape: Shape, current: &[u8], background: &[u8], thresholds: &[u8], out: &mut [Sums]) {
    measure_by(fastest::measure, shape, current, background, thresholds, out);
}

/// Moves the background towards the picture by a per-cell rate in 1/32768.
pub(crate) fn update(shape: Shape, current: &[u8], rates: &[i16], fine: &mut [i16], background: &mut [u8]) {
    update_by(fastest::update, shape, current, rates, fine, background);
}

type Measure = fn(&[u8], &[u8], usize, usize, [u8; 2]) -> [Sums; 2];
type Update = fn(&[u8; LANES], &mut [i16; LANES], &mut [u8; LANES], [i16; 2]);

#[inline(always)]
fn measure_by(
    chunk: Measure,
    shape: Shape,
    current: &[u8],
    background: &[u8],
    thresholds: &[u8],
    out: &mut [Sums],
) {
    let columns = shape.columns();
    let rows = out
        .chunks_exact_mut(columns)
        .zip(thresholds.chunks_exact(columns));
    for (cell_row, (out, thresholds)) in rows.enumerate() {
        let (Some(current), Some(background)) = (
            current.get(cell_row * CELL * shape.stride..),
            background.get(cell_row * CELL * shape.stride..),
        ) else {
            return;
        };
        let lines = shape.lines(cell_row);
        let pairs = out
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .zip(thresholds.as_chunks::<2>().0);
        for (at, (out, thresholds)) in pairs.enumerate() {
            let (Some(current), Some(background)) = (current.get(at * LANES..), background.get(at * LANES..))
            else {
                return;
            };
            *out = chunk(current, background, shape.stride, lines, *thresholds);
        }
    }
}

#[inline(always)]
fn update_by(
    chunk: Update,
    shape: Shape,
    current: &[u8],
    rates: &[i16],
    fine: &mut [i16],
    background: &mut [u8],
) {
    let lines = current
        .chunks_exact(shape.stride)
        .zip(fine.chunks_exact_mut(shape.stride))
        .zip(background.chunks_exact_mut(shape.stride));
    for (line, ((current, fine), background)) in lines.enumerate() {
        let Some(rates) = rates.chunks_exact(shape.columns()).nth(line / CELL) else {
            return;
        };
        let chunks = current
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(fine.as_chunks_mut::<LANES>().0)
            .zip(background.as_chunks_mut::<LANES>().0)
            .zip(rates.as_chunks::<2>().0);
        for (((current, fine), background), rates) in chunks {
            chunk(current, fine, background, *rates);
        }
    }
}

/// The first 16 bytes; the callers never ask past the end, and zeros are harmless if they did.
#[inline(always)]
fn lanes(line: &[u8]) -> &[u8; LANES] {
    line.first_chunk().unwrap_or(&[0; LANES])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize, mut seed: u32) -> Vec<u8> {
        (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect()
    }

    #[test]
    fn measuring_agrees_with_the_definition() {
        let shape = Shape {
            stride: 48,
            height: 21,
        };
        let (current, background) = (noise(48 * 21, 1), noise(48 * 21, 2));
        let thresholds = noise(6 * 3, 3);
        let mut out = vec![Sums::default(); 6 * 3];
        measure(shape, &current, &background, &thresholds, &mut out);
        for (cell, sums) in out.iter().enumerate() {
            let mut expected = Sums::default();
            for y in cell / 6 * 8..(cell / 6 * 8 + 8).min(21) {
                for x in cell % 6 * 8..cell % 6 * 8 + 8 {
                    let d = i32::from(current[y * 48 + x]) - i32::from(background[y * 48 + x]);
                    expected.brighter += d.max(0) as u16;
                    expected.darker += (-d).max(0) as u16;
                    expected.count += u16::from(d.abs() > i32::from(thresholds[cell]));
                }
            }
            assert_eq!(*sums, expected, "cell {cell}");
        }
    }

    #[test]
    fn updating_agrees_with_the_definition_and_stays_in_range() {
        let shape = Shape {
            stride: 32,
            height: 8,
        };
        let rates = [0, 400, 16_384, 32_767];
        let mut fine: Vec<i16> = noise(256, 4)
            .iter()
            .map(|v| i16::from(*v) << FRACTION_BITS)
            .collect();
        let mut background = noise(256, 4);
        for round in 0..50 {
            let current = noise(256, 100 + round);
            let before = fine.clone();
            update(shape, &current, &rates, &mut fine, &mut background);
            for at in 0..256 {
                let target = i32::from(current[at]) << FRACTION_BITS;
                let d = target - i32::from(before[at]);
                let expected = i32::from(before[at]) + ((d * i32::from(rates[at % 32 / 8]) + 0x4000) >> 15);
                assert_eq!(i32::from(fine[at]), expected);
                assert_eq!(i32::from(background[at]), (expected + 64) >> 7);
            }
        }
    }
}
