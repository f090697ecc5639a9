//! Pictures for models, bit for bit as the tools make them that models are trained and tried out with: colours as
//! `swscale` of FFmpeg converts 4:2:0 to packed RGB on the way to OpenCV, sizes as OpenCV's `INTER_LINEAR`. A model sees
//! numbers, and a detection near its threshold turns on few of them.
//!
//! Other than the scaler of [`super`], which averages over what it leaves out, this one looks at two by two pixels of the
//! source for each pixel that it makes, so only those are converted: an 8K picture costs what a small one does.

mod lines;
mod taps;

use self::lines::{Line, Lines, Scaler, products};
use self::taps::rows;
use super::placement::{Placement, place};
use crate::media::h264::Colour;
use crate::media::image::{Fit, ImageSpec, PixelFormat, PlaneSpec, Planes, Size};
use crate::media::inference::Rect;

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

/// Brings a part of a picture to red, green and blue of a size.
///
/// # Errors
/// When there can be no such picture.
pub(super) fn planes(source: Source<'_>, area: Rect, spec: &PlaneSpec) -> Result<Planes, String> {
    let part = Part::of(area, source.size);
    let placed = placed(part.size, spec)?;
    Ok(Planes {
        content: placed.shown(),
        colours: draw(source, part, &placed, spec.fill),
    })
}

/// As those do it who made the families of models: YOLOX, which puts the picture at the top left, cuts fractions of pixels
/// off; YOLOv5 and later, which centre it, round them.
fn placed(source: Size, spec: &PlaneSpec) -> Result<Placement, String> {
    let spec = ImageSpec {
        format: PixelFormat::Rgb24,
        size: Some(spec.size),
        fit: spec.fit,
        fill: spec.fill,
    };
    let mut placed = place(source, &spec)?;
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

fn draw(source: Source<'_>, part: Part, placed: &Placement, fill: [u8; 3]) -> [Vec<u8>; 3] {
    let width = placed.canvas.width as usize;
    let mut out = fill.map(|level| vec![level; width * placed.canvas.height as usize]);
    let rows = rows(part.top, part.size.height, placed.content.height);
    let mut scaler = Scaler::new(source, (part.left, part.size.width), placed.content.width);
    let mut lines = Lines::default();
    let mut weights = [Line::new(), Line::new()];
    for (row, tap) in (placed.top as usize..).zip(&rows) {
        lines.hold(tap, |row, into| scaler.line(row, into));
        for (each, weight) in weights.iter_mut().zip(tap.weights) {
            each.clear();
            each.resize(placed.content.width as usize, weight);
        }
        for ((plane, first), second) in out.iter_mut().zip(&lines.first).zip(&lines.second) {
            let from = row * width + placed.left as usize;
            blend(&weights, first, second, plane.get_mut(from..).unwrap_or_default());
        }
    }
    out
}

/// The sum over two lines, each of which is a sum over two pixels. Rounded where OpenCV rounds.
fn blend([above, below]: &[Line; 2], first: &Line, second: &Line, into: &mut [u8]) {
    let lines = products(first, above).zip(products(second, below));
    for (pixel, (first, second)) in into.iter_mut().zip(lines) {
        *pixel = ((first + second + 2) >> 2).clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests;
