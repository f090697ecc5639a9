//! Lines of a source as colours, scaled across.
//!
//! Done for many pixels at a time: samples are gathered from where the columns want them first, and all that follows are
//! loops over 16-bit numbers, which the compiler makes vector code of. No number here leaves 16 bits: levels are at most
//! 548 away from 0, and a sum over two pixels at most 255 times 2048 shifted by 4. A factor that is the same for all columns
//! stands there once for each: the compiler multiplies with 16 bits only what it sees to be of 16 bits within the loop, and
//! that is three times as fast.

use super::Source;
use super::taps::{Tap, columns};
use crate::media::h264::Matrix;

/// What stands for a sample that is not there: no light, no colour.
const ABSENT: u8 = 128;

/// One colour of a line: each number the sum over two pixels, with 7 fractional bits.
pub(super) type Line = Vec<i16>;

/// The two lines that are being blended: red, green and blue of each. The next pair often shares one of them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) first: [Line; 3],
    pub(super) second: [Line; 3],
    rows: Option<(u32, u32)>,
}

impl Lines {
    pub(super) fn hold(&mut self, tap: &Tap, mut make: impl FnMut(u32, &mut [Line; 3])) {
        let wanted = (tap.first, tap.second);
        match self.rows {
            Some(rows) if rows == wanted => {}
            Some((_, second)) if second == wanted.0 => {
                std::mem::swap(&mut self.first, &mut self.second);
                make(wanted.1, &mut self.second);
            }
            Some((first, _)) if first == wanted.0 => make(wanted.1, &mut self.second),
            _ => {
                make(wanted.0, &mut self.first);
                make(wanted.1, &mut self.second);
            }
        }
        self.rows = Some(wanted);
    }
}

/// The upper 16 bits of a product.
fn upper(one: i16, other: i16) -> i16 {
    ((i32::from(one) * i32::from(other)) >> 16) as i16
}

/// The integers of `swscale`'s vector code: each chroma sample stands for two by two pixels, samples have 3 fractional bits
/// and factors 13, of each product the upper 16 bits are kept.
#[derive(Clone, Copy, Debug)]
struct Factors {
    luma_offset: i16,
    luma: i16,
    red_v: i16,
    green_u: i16,
    green_v: i16,
    blue_u: i16,
}

impl Factors {
    fn of(matrix: Matrix, full: bool) -> Self {
        // `ff_yuv2rgb_coeffs`, with 16 fractional bits: for limited range.
        let (red_v, blue_u, green_u, green_v): (i32, i32, i32, i32) = match matrix {
            Matrix::Bt601 => (104_597, 132_201, 25_675, 53_279),
            Matrix::Bt709 => (117_489, 138_438, 13_975, 34_925),
        };
        let luma = if full { 1 << 16 } else { (1 << 16) * 255 / 219 };
        let chroma = |factor: i32| if full { factor * 224 / 255 } else { factor };
        // From 16 fractional bits to 13.
        let short = |factor: i32| ((factor + (1 << 2)) >> 3) as i16;
        Self {
            luma_offset: if full { 0 } else { 16 },
            luma: short(luma),
            red_v: short(chroma(red_v)),
            green_u: short(-chroma(green_u)),
            green_v: short(-chroma(green_v)),
            blue_u: short(chroma(blue_u)),
        }
    }
}

/// The factors, once for each column.
#[derive(Debug)]
struct Multipliers {
    luma: Vec<i16>,
    red_v: Vec<i16>,
    green_u: Vec<i16>,
    green_v: Vec<i16>,
    blue_u: Vec<i16>,
}

impl Multipliers {
    fn of(factors: Factors, columns: usize) -> Self {
        let each = |factor: i16| vec![factor; columns];
        Self {
            luma: each(factors.luma),
            red_v: each(factors.red_v),
            green_u: each(factors.green_u),
            green_v: each(factors.green_v),
            blue_u: each(factors.blue_u),
        }
    }
}

/// The upper 16 bits of products.
pub(super) fn products<'a>(numbers: &'a [i16], factors: &'a [i16]) -> impl Iterator<Item = i16> + 'a {
    numbers
        .iter()
        .zip(factors)
        .map(|(number, factor)| upper(*number, *factor))
}

/// For each column one of the two pixels that it is made of.
#[derive(Debug)]
struct Side {
    weights: Vec<i16>,
    luma: Vec<i16>,
    u: Vec<i16>,
    v: Vec<i16>,
    /// What chroma adds to red, green and blue.
    tints: [Vec<i16>; 3],
}

impl Side {
    fn new(weights: impl Iterator<Item = i16>) -> Self {
        Self {
            weights: weights.collect(),
            luma: Vec::new(),
            u: Vec::new(),
            v: Vec::new(),
            tints: Default::default(),
        }
    }

    fn tint(&mut self, by: &Multipliers) {
        let [red, green, blue] = &mut self.tints;
        fill(red, products(&self.v, &by.red_v));
        let both = products(&self.u, &by.green_u).zip(products(&self.v, &by.green_v));
        fill(green, both.map(|(u, v)| u + v));
        fill(blue, products(&self.u, &by.blue_u));
    }
}

fn fill<T>(into: &mut Vec<T>, with: impl Iterator<Item = T>) {
    into.clear();
    into.extend(with);
}

/// Samples and their neighbours to the right, these in the upper byte: one look into memory for both.
fn gather(samples: &[u8], at: &[u32], into: &mut Vec<u16>) {
    let pair = |place: &u32| {
        let place = *place as usize;
        u16::from_le_bytes(match samples.get(place..place + 2) {
            Some(&[sample, next]) => [sample, next],
            _ => last(samples, place),
        })
    };
    fill(into, at.iter().map(pair));
}

/// The last sample of a plane has no neighbour. Apart from the loop, which is faster without it.
#[cold]
fn last(samples: &[u8], place: usize) -> [u8; 2] {
    [samples.get(place).copied().unwrap_or(ABSENT), ABSENT]
}

fn chroma(sample: u16) -> i16 {
    (sample as i16 - 128) << 3
}

fn left(pair: u16) -> u16 {
    pair & 0xff
}

fn right(pair: u16) -> u16 {
    pair >> 8
}

/// Makes lines of a source.
#[derive(Debug)]
pub(super) struct Scaler<'a> {
    source: Source<'a>,
    luma_offset: i16,
    multipliers: Multipliers,
    /// The left one of the two pixels that a column is made of. The other is beside it, or counts nothing.
    luma_at: Vec<u32>,
    chroma_at: Vec<u32>,
    /// All bits set where the right pixel has the next sample of chroma, none where both share one.
    next: Vec<u16>,
    pairs: Vec<u16>,
    first: Side,
    second: Side,
    /// The line of chroma that both sides have the tints of: two lines of luma share one.
    tinted: Option<usize>,
}

impl<'a> Scaler<'a> {
    /// Of the columns of a source that begin at `from.0`, `from.1` many, it makes `to`.
    pub(super) fn new(source: Source<'a>, from: (u32, u32), to: u32) -> Self {
        let taps = columns(from.0, from.1, to);
        let weights = |side: fn([i16; 2]) -> i16| taps.iter().map(move |tap| side(tap.weights));
        let factors = Factors::of(source.colour.matrix, source.colour.full_range);
        let odd = |tap: &Tap| if tap.first % 2 == 1 { u16::MAX } else { 0 };
        Self {
            source,
            luma_offset: factors.luma_offset,
            multipliers: Multipliers::of(factors, taps.len()),
            luma_at: taps.iter().map(|tap| tap.first).collect(),
            chroma_at: taps.iter().map(|tap| tap.first / 2).collect(),
            next: taps.iter().map(odd).collect(),
            pairs: Vec::new(),
            first: Side::new(weights(|[first, _]| first)),
            second: Side::new(weights(|[_, second]| second)),
            tinted: None,
        }
    }

    /// Red, green and blue of a line of the source.
    pub(super) fn line(&mut self, row: u32, into: &mut [Line; 3]) {
        let row = row as usize;
        self.tint(row / 2);
        let [luma, ..] = self.source.planes;
        let luma = luma.get(row * self.source.size.width as usize..);
        gather(luma.unwrap_or_default(), &self.luma_at, &mut self.pairs);
        let offset = self.luma_offset;
        let level = |sample: u16, by: &i16| upper((sample as i16 - offset) << 3, *by);
        let pairs = || self.pairs.iter().zip(&self.multipliers.luma);
        let (first, second) = (&mut self.first.luma, &mut self.second.luma);
        fill(first, pairs().map(|(pair, by)| level(left(*pair), by)));
        fill(second, pairs().map(|(pair, by)| level(right(*pair), by)));
        let tints = self.first.tints.iter().zip(&self.second.tints);
        for (colour, (first, second)) in into.iter_mut().zip(tints) {
            across((&self.first, first), (&self.second, second), colour);
        }
    }

    fn tint(&mut self, row: usize) {
        if self.tinted == Some(row) {
            return;
        }
        let width = self.source.size.width.div_ceil(2) as usize;
        let [_, u, v] = self
            .source
            .planes
            .map(|plane| plane.get(row * width..).unwrap_or_default());
        for (samples, first, second) in [
            (u, &mut self.first.u, &mut self.second.u),
            (v, &mut self.first.v, &mut self.second.v),
        ] {
            gather(samples, &self.chroma_at, &mut self.pairs);
            let pairs = self.pairs.iter();
            fill(first, pairs.clone().map(|pair| chroma(left(*pair))));
            let chosen = |(pair, next): (&u16, &u16)| (left(*pair) & !next) | (right(*pair) & next);
            fill(second, pairs.zip(&self.next).map(|both| chroma(chosen(both))));
        }
        self.first.tint(&self.multipliers);
        self.second.tint(&self.multipliers);
        self.tinted = Some(row);
    }
}

/// Luma, tint and weight of a pixel, and of that beside it.
type Both<'a> = (((&'a i16, &'a i16), &'a i16), ((&'a i16, &'a i16), &'a i16));

/// One colour: of each column the sum over its two pixels.
fn across((first, first_tint): (&Side, &[i16]), (second, second_tint): (&Side, &[i16]), into: &mut Line) {
    let level = |luma: &i16, tint: &i16| (luma + tint).clamp(0, 255);
    let first = first.luma.iter().zip(first_tint).zip(&first.weights);
    let second = second.luma.iter().zip(second_tint).zip(&second.weights);
    let sum = |(((y1, c1), w1), ((y2, c2), w2)): Both<'_>| {
        let (one, other) = (level(y1, c1), level(y2, c2));
        ((i32::from(one) * i32::from(*w1) + i32::from(other) * i32::from(*w2)) >> 4) as i16
    };
    fill(into, first.zip(second).map(sum));
}
