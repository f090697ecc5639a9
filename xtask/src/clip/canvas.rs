//! A picture to draw on: luma, chroma and depth at full size.
//!
//! Depth decides who hides whom: an actor of depth `d` is seen only where the picture's depth is at most `d`.

/// Width of the clip in pixels.
pub(crate) const WIDTH: usize = 640;
/// Height of the clip in pixels.
pub(crate) const HEIGHT: usize = 360;

/// A colour in BT.601, 0 to 255 each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paint {
    pub(crate) y: f32,
    pub(crate) u: f32,
    pub(crate) v: f32,
}

impl Paint {
    /// From red, green and blue.
    pub(crate) fn rgb(r: f32, g: f32, b: f32) -> Self {
        Self {
            y: 16.0 + 0.257 * r + 0.504 * g + 0.098 * b,
            u: 128.0 - 0.148 * r - 0.291 * g + 0.439 * b,
            v: 128.0 + 0.439 * r - 0.368 * g - 0.071 * b,
        }
    }

    /// Brighter (above 1.0) or darker.
    pub(crate) fn lit(self, factor: f32) -> Self {
        Self {
            y: 16.0 + (self.y - 16.0) * factor,
            ..self
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Pixel {
    paint: Paint,
    depth: u8,
}

/// A rectangle in pixels; fractions are cut to whole pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) w: f32,
    pub(crate) h: f32,
}

impl Area {
    pub(crate) fn new(x: f32, y: f32, w: f32, h: f32) -> Self {
        Self { x, y, w, h }
    }
}

/// The picture.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    pixels: Vec<Pixel>,
}

impl Canvas {
    /// All of one colour, far away.
    pub(crate) fn new(paint: Paint) -> Self {
        Self {
            pixels: vec![Pixel { paint, depth: 0 }; WIDTH * HEIGHT],
        }
    }

    /// Paints what `shade` gives for each pixel's place in `area`, and returns how many pixels were seen.
    ///
    /// `shade` gets the place within the area, 0.0 to 1.0 both ways, and the pixel's own place.
    pub(crate) fn draw(
        &mut self,
        area: Area,
        depth: u8,
        mut shade: impl FnMut(f32, f32, (usize, usize)) -> Option<Paint>,
    ) -> usize {
        let mut seen = 0;
        for py in cut(area.y, HEIGHT)..cut(area.y + area.h, HEIGHT) {
            for px in cut(area.x, WIDTH)..cut(area.x + area.w, WIDTH) {
                let Some(pixel) = self.pixels.get_mut(py * WIDTH + px) else {
                    continue;
                };
                if pixel.depth > depth {
                    continue;
                }
                let across = (px as f32 + 0.5 - area.x) / area.w;
                let down = (py as f32 + 0.5 - area.y) / area.h;
                if let Some(paint) = shade(across, down, (px, py)) {
                    *pixel = Pixel { paint, depth };
                    seen += 1;
                }
            }
        }
        seen
    }

    /// The same picture from a camera that was moved by so many pixels; at the border the last pixel goes on.
    pub(crate) fn moved(&self, across: i32, down: i32) -> Self {
        let from = |at: usize, by: i32, limit: usize| at.saturating_add_signed(by as isize).min(limit - 1);
        let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let pixels = places.filter_map(|(x, y)| {
            let at = from(y, down, HEIGHT) * WIDTH + from(x, across, WIDTH);
            self.pixels.get(at).copied()
        });
        Self {
            pixels: pixels.collect(),
        }
    }

    /// Paints a rectangle.
    pub(crate) fn rect(&mut self, area: Area, depth: u8, paint: Paint) -> usize {
        self.draw(area, depth, |_, _, _| Some(paint))
    }

    /// Paints the ellipse that fills a rectangle.
    pub(crate) fn ellipse(&mut self, area: Area, depth: u8, paint: Paint) -> usize {
        self.draw(area, depth, |across, down, _| {
            let (dx, dy) = (across * 2.0 - 1.0, down * 2.0 - 1.0);
            (dx * dx + dy * dy <= 1.0).then_some(paint)
        })
    }

    /// The picture as planar 4:2:0, under a light of `gain`, with `noise` added to each luma value.
    pub(crate) fn write_i420(&self, gain: f32, mut noise: impl FnMut() -> f32, out: &mut Vec<u8>) {
        out.clear();
        out.extend(
            self.pixels
                .iter()
                .map(|pixel| to_byte(16.0 + (pixel.paint.y - 16.0) * gain + noise())),
        );
        self.write_chroma(|paint| paint.u, out);
        self.write_chroma(|paint| paint.v, out);
    }

    fn write_chroma(&self, pick: impl Fn(Paint) -> f32, out: &mut Vec<u8>) {
        for rows in self.pixels.chunks_exact(2 * WIDTH) {
            let (upper, lower) = rows.split_at(WIDTH);
            for (a, b) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
                let sum: f32 = a.iter().chain(b).map(|pixel| pick(pixel.paint)).sum();
                out.push(to_byte(sum / 4.0));
            }
        }
    }
}

fn cut(edge: f32, limit: usize) -> usize {
    edge.round().clamp(0.0, limit as f32) as usize
}

fn to_byte(value: f32) -> u8 {
    value.round().clamp(16.0, 240.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREY: Paint = Paint {
        y: 100.0,
        u: 128.0,
        v: 128.0,
    };

    #[test]
    fn what_stands_nearer_hides_what_passes_behind() {
        let mut canvas = Canvas::new(GREY);
        canvas.rect(Area::new(0.0, 0.0, 5.0, 10.0), 9, GREY);
        assert_eq!(canvas.rect(Area::new(0.0, 0.0, 10.0, 10.0), 3, GREY), 50);
        assert_eq!(canvas.rect(Area::new(0.0, 0.0, 10.0, 10.0), 9, GREY), 100);
    }

    #[test]
    fn what_lies_outside_of_the_picture_is_not_seen() {
        let mut canvas = Canvas::new(GREY);
        assert_eq!(canvas.rect(Area::new(-20.0, 5.0, 10.0, 10.0), 1, GREY), 0);
        assert_eq!(
            canvas.rect(Area::new(WIDTH as f32 - 4.0, 5.0, 10.0, 10.0), 1, GREY),
            40
        );
    }

    #[test]
    fn a_frame_is_planar_and_of_full_length() {
        let mut out = Vec::new();
        Canvas::new(GREY).write_i420(1.0, || 0.0, &mut out);
        assert_eq!(out.len(), WIDTH * HEIGHT * 3 / 2);
        assert_eq!(out.first(), Some(&100));
        assert_eq!(out.last(), Some(&128));
    }
}
