//! Pictures for models, bit for bit as the tools make them that models are trained and tried out with: colours as
//! `swscale` of FFmpeg converts 4:2:0 to packed RGB on the way to OpenCV, sizes as OpenCV's `INTER_LINEAR`. A model sees
//! numbers, and a detection near its threshold turns on few of them.
//!
//! Other than the scaler of [`super`], which averages over what it leaves out, this one looks at two by two pixels of the
//! source for each pixel that it makes, so only those are converted: an 8K picture costs what a small one does.

use super::placement::{Placement, place};
use crate::media::h264::{Colour, Matrix};
use crate::media::image::{Fit, ImageSpec, PixelFormat, Prepared, Size};
use crate::media::inference::Rect;

/// Fractional bits of a weight in OpenCV's resize.
const WEIGHT_BITS: u32 = 11;
const WHOLE_WEIGHT: f32 = (1 << WEIGHT_BITS) as f32;

/// The planes of a picture, and its conversion to colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) planes: [&'a [u8]; 3],
    pub(super) size: Size,
    pub(super) colour: Colour,
}

/// Whole pixels of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    left: u32,
    top: u32,
    size: Size,
}

impl Part {
    /// The pixels under an area: at least one.
    fn of(area: Rect, size: Size) -> Self {
        let span = |from: f32, length: f32, all: u32| {
            let edge = |at: f32| (f64::from(at.clamp(0.0, 1.0)) * f64::from(all)).round() as u32;
            let from_pixel = edge(from).min(all.saturating_sub(1));
            (from_pixel, edge(from + length).max(from_pixel + 1) - from_pixel)
        };
        let (left, width) = span(area.l, area.w, size.width);
        let (top, height) = span(area.t, area.h, size.height);
        Self {
            left,
            top,
            size: Size { width, height },
        }
    }
}

/// Brings a part of a picture to RGB or BGR of a size.
///
/// # Errors
/// When there can be no such picture.
pub(super) fn fitted(source: Source<'_>, area: Rect, spec: &ImageSpec) -> Result<Prepared, String> {
    let bgr = match spec.format {
        PixelFormat::Rgb24 => false,
        PixelFormat::Bgr24 => true,
        other => return Err(format!("a model is given rgb24 or bgr24, not {}", other.name())),
    };
    let part = Part::of(area, source.size);
    let placed = placed(part.size, spec)?;
    let pixels = draw(source, part, &placed, spec.fill, bgr);
    Ok(Prepared {
        format: spec.format,
        size: placed.canvas,
        content: placed.shown(),
        pixels: pixels.into(),
    })
}

/// As those do it who made the families of models: YOLOX, which puts the picture at the top left, cuts fractions of pixels
/// off; YOLOv5 and later, which centre it, round them.
fn placed(source: Size, spec: &ImageSpec) -> Result<Placement, String> {
    let mut placed = place(source, spec)?;
    if spec.fit == Fit::PadTopLeft {
        let (from, to) = (source, placed.canvas);
        let ratio = |to: u32, from: u32| f64::from(to) / f64::from(from.max(1));
        let scale = ratio(to.width, from.width).min(ratio(to.height, from.height));
        let cut = |length: u32, most: u32| ((f64::from(length) * scale) as u32).clamp(1, most);
        placed.content = Size {
            width: cut(from.width, to.width),
            height: cut(from.height, to.height),
        };
    }
    Ok(placed)
}

fn draw(source: Source<'_>, part: Part, placed: &Placement, fill: [u8; 3], bgr: bool) -> Vec<u8> {
    let ordered = |[red, green, blue]: [u8; 3]| {
        if bgr {
            [blue, green, red]
        } else {
            [red, green, blue]
        }
    };
    let all = placed.canvas.width as usize * placed.canvas.height as usize;
    let mut out: Vec<[u8; 3]> = vec![ordered(fill); all];
    let columns = columns(part.left, part.size.width, placed.content.width);
    let rows = rows(part.top, part.size.height, placed.content.height);
    let converter = Converter::new(source);
    let mut cache = Lines::default();
    let lines = out
        .chunks_exact_mut(placed.canvas.width as usize)
        .skip(placed.top as usize);
    for (line, tap) in lines.zip(&rows) {
        cache.hold(tap, |row, into| converter.line(row, &columns, into));
        let pixels = line.iter_mut().skip(placed.left as usize);
        for (pixel, (first, second)) in pixels.zip(cache.first.iter().zip(&cache.second)) {
            *pixel = ordered(tap.blend(first, second));
        }
    }
    out.into_flattened()
}

/// Two neighbours of the source, and how much each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tap {
    first: u32,
    second: u32,
    weights: [i32; 2],
}

impl Tap {
    /// The sum over two lines, each of which is a sum over two pixels. Rounded where OpenCV rounds.
    fn blend(&self, first: &[i32; 3], second: &[i32; 3]) -> [u8; 3] {
        let [above, below] = self.weights;
        let one = |place: usize| {
            let part =
                |weight: i32, line: &[i32; 3]| (weight * (line.get(place).copied().unwrap_or(0) >> 4)) >> 16;
            ((part(above, first) + part(below, second) + 2) >> 2).clamp(0, 255) as u8
        };
        [one(0), one(1), one(2)]
    }
}

/// For each of `to` columns the neighbours among `from`, which begin at `start`. Beyond the edge the last one stands alone.
fn columns(start: u32, from: u32, to: u32) -> Vec<Tap> {
    let last = i64::from(from) - 1;
    taps(start, from, to, |floor, share| {
        if floor < 0 || floor >= last { 0.0 } else { share }
    })
}

/// The same for lines. Beyond the edge the last one is both neighbours, each with its share: it is rounded twice.
fn rows(start: u32, from: u32, to: u32) -> Vec<Tap> {
    taps(start, from, to, |_, share| share)
}

fn taps(start: u32, from: u32, to: u32, counted: impl Fn(i64, f32) -> f32) -> Vec<Tap> {
    let scale = f64::from(from) / f64::from(to.max(1));
    let last = from.saturating_sub(1);
    let within = |place: i64| start + u32::try_from(place).unwrap_or(0).min(last);
    let tap = |place: u32| {
        let at = ((f64::from(place) + 0.5) * scale - 0.5) as f32;
        let floor = at.floor();
        let (first, share) = (floor as i64, counted(floor as i64, at - floor));
        let weight = |share: f32| (share * WHOLE_WEIGHT).round_ties_even() as i32;
        Tap {
            first: within(first),
            second: within(first + 1),
            weights: [weight(1.0 - share), weight(share)],
        }
    };
    (0..to).map(tap).collect()
}

/// The two lines that are being blended, scaled across. The next pair often shares one of them.
#[derive(Debug, Default)]
struct Lines {
    first: Vec<[i32; 3]>,
    second: Vec<[i32; 3]>,
    rows: Option<(u32, u32)>,
}

impl Lines {
    fn hold(&mut self, tap: &Tap, mut make: impl FnMut(u32, &mut Vec<[i32; 3]>)) {
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

/// From luma and chroma to colours with the integers of `swscale`'s vector code: each chroma sample stands for two by two
/// pixels, samples have 3 fractional bits and factors 13, of each product the upper 16 bits are kept.
#[derive(Debug)]
struct Converter<'a> {
    source: Source<'a>,
    chroma_width: usize,
    luma_offset: i32,
    luma: i32,
    red_v: i32,
    green_u: i32,
    green_v: i32,
    blue_u: i32,
}

impl<'a> Converter<'a> {
    fn new(source: Source<'a>) -> Self {
        // `ff_yuv2rgb_coeffs`, with 16 fractional bits: for limited range.
        let (red_v, blue_u, green_u, green_v) = match source.colour.matrix {
            Matrix::Bt601 => (104_597, 132_201, 25_675, 53_279),
            Matrix::Bt709 => (117_489, 138_438, 13_975, 34_925),
        };
        let full = source.colour.full_range;
        let luma = if full { 1 << 16 } else { (1 << 16) * 255 / 219 };
        let chroma = |factor: i32| if full { factor * 224 / 255 } else { factor };
        // From 16 fractional bits to 13.
        let short = |factor: i32| (factor + (1 << 2)) >> 3;
        Self {
            chroma_width: source.size.width.div_ceil(2) as usize,
            luma_offset: if full { 0 } else { 16 },
            luma: short(luma),
            red_v: short(chroma(red_v)),
            green_u: short(-chroma(green_u)),
            green_v: short(-chroma(green_v)),
            blue_u: short(chroma(blue_u)),
            source,
        }
    }

    /// A line of the source, scaled across.
    fn line(&self, row: u32, columns: &[Tap], into: &mut Vec<[i32; 3]>) {
        let [y, u, v] = self.source.planes;
        let width = self.source.size.width as usize;
        let of = |plane: &'a [u8], row: usize, width: usize| plane.get(row * width..).unwrap_or_default();
        let (y, chroma) = (of(y, row as usize, width), row as usize / 2);
        let (u, v) = (of(u, chroma, self.chroma_width), of(v, chroma, self.chroma_width));
        let pixel = |column: u32| {
            let sample = |line: &[u8], place: usize| i32::from(line.get(place).copied().unwrap_or(128));
            let (column, half) = (column as usize, column as usize / 2);
            self.colours(sample(y, column), sample(u, half), sample(v, half))
        };
        into.clear();
        into.extend(columns.iter().map(|tap| {
            let [left, right] = tap.weights;
            let (first, second) = (pixel(tap.first), pixel(tap.second));
            [
                first[0] * left + second[0] * right,
                first[1] * left + second[1] * right,
                first[2] * left + second[2] * right,
            ]
        }));
    }

    fn colours(&self, y: i32, u: i32, v: i32) -> [i32; 3] {
        let upper = |sample: i32, factor: i32| (sample * factor) >> 16;
        let y = upper((y - self.luma_offset) << 3, self.luma);
        let (u, v) = ((u - 128) << 3, (v - 128) << 3);
        [
            (y + upper(v, self.red_v)).clamp(0, 255),
            (y + upper(u, self.green_u) + upper(v, self.green_v)).clamp(0, 255),
            (y + upper(u, self.blue_u)).clamp(0, 255),
        ]
    }
}

#[cfg(test)]
mod tests;
