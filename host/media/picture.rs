//! Decoded pictures, and the one place where they are scaled and converted.
//!
//! A picture is prepared at most once per distinct wish, however many consumers have the same one.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fast_image_resize as fir;

use super::MediaTime;
use super::h264::{Colour, Matrix};
use super::image::{CropSource, Fit, ImageSpec, PixelFormat, Prepared, Size};
use super::inference::Rect;

/// The longest side that a prepared picture may have.
pub const MAX_SIDE: u32 = 8192;

/// A decoded picture: planar 4:2:0, 8 bit.
#[derive(Debug)]
pub struct Picture {
    sequence: u64,
    time: MediaTime,
    size: Size,
    planes: [Vec<u8>; 3],
    colour: Colour,
    /// One entry per distinct wish among the consumers; their number is that of the graph's nodes.
    prepared: Mutex<Vec<(ImageSpec, Wish)>>,
}

/// A wish that is met at most once. Whoever has the same one waits; whoever has another does not.
type Wish = Arc<OnceLock<Result<Prepared, String>>>;

impl Picture {
    /// From packed planes; None if they do not fit the size.
    #[must_use]
    pub fn from_planes(
        sequence: u64,
        time: MediaTime,
        size: Size,
        planes: [Vec<u8>; 3],
        colour: Colour,
    ) -> Option<Self> {
        let (width, height) = (size.width as usize, size.height as usize);
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        let [y, u, v] = &planes;
        let fits = y.len() == width * height && u.len() == chroma && v.len() == chroma && !y.is_empty();
        fits.then(|| Self {
            sequence,
            time,
            size,
            planes,
            colour,
            prepared: Mutex::new(Vec::new()),
        })
    }

    /// Counts the pictures of the source.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Its media time.
    #[must_use]
    pub fn time(&self) -> MediaTime {
        self.time
    }

    /// Pixels.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The picture as a consumer wants it.
    ///
    /// # Errors
    /// When the wish cannot be met: no pixels, or a side beyond [`MAX_SIDE`].
    pub fn prepare(&self, spec: &ImageSpec) -> Result<Prepared, String> {
        self.prepare_or_share(spec).map(|(prepared, _)| prepared)
    }

    /// As [`Picture::prepare`]; also says whether this call did the work, and not another one with the same wish.
    ///
    /// # Errors
    /// As [`Picture::prepare`].
    pub fn prepare_or_share(&self, spec: &ImageSpec) -> Result<(Prepared, bool), String> {
        let spec = ImageSpec {
            size: spec.size.or(Some(self.size)),
            ..spec.canonical()
        };
        let wish = self.wish(&spec);
        let mut worked = false;
        let done = wish.get_or_init(|| {
            worked = true;
            self.prepare_now(&spec)
        });
        done.clone().map(|prepared| (prepared, worked))
    }

    fn wish(&self, spec: &ImageSpec) -> Wish {
        let mut known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, wish)) = known.iter().find(|(one, _)| one == spec) {
            return Arc::clone(wish);
        }
        let wish = Wish::default();
        known.push((*spec, Arc::clone(&wish)));
        wish
    }

    fn prepare_now(&self, spec: &ImageSpec) -> Result<Prepared, String> {
        let placed = place(self.size, spec)?;
        let whole = (0.0, 0.0, f64::from(self.size.width), f64::from(self.size.height));
        let pixels = self.render(whole, &placed, spec.format, spec.fill)?;
        let (width, height) = (placed.canvas.width as f32, placed.canvas.height as f32);
        Ok(Prepared {
            format: spec.format,
            size: placed.canvas,
            content: Rect {
                l: placed.left as f32 / width,
                t: placed.top as f32 / height,
                w: placed.content.width as f32 / width,
                h: placed.content.height as f32 / height,
            },
            pixels: pixels.into(),
        })
    }

    fn render(
        &self,
        from: (f64, f64, f64, f64),
        placed: &Placement,
        format: PixelFormat,
        fill: [u8; 3],
    ) -> Result<Vec<u8>, String> {
        let [y_plane, u_plane, v_plane] = &self.planes;
        let chroma_source = Size {
            width: self.size.width.div_ceil(2),
            height: self.size.height.div_ceil(2),
        };
        let half = (from.0 / 2.0, from.1 / 2.0, from.2 / 2.0, from.3 / 2.0);
        let [fill_y, fill_u, fill_v] = rgb_to_yuv(fill, self.colour);
        let y = placed.draw(y_plane, self.size, from, fill_y)?;
        match format {
            PixelFormat::Gray8 => Ok(y),
            PixelFormat::I420 => {
                let chroma = placed.halved();
                let mut out = y;
                out.extend(chroma.draw(u_plane, chroma_source, half, fill_u)?);
                out.extend(chroma.draw(v_plane, chroma_source, half, fill_v)?);
                Ok(out)
            }
            packed => {
                let u = placed.draw(u_plane, chroma_source, half, fill_u)?;
                let v = placed.draw(v_plane, chroma_source, half, fill_v)?;
                Ok(pack([&y, &u, &v], self.colour, packed))
            }
        }
    }
}

impl CropSource for Picture {
    fn crop(&self, area: Rect, size: Size, format: PixelFormat) -> Result<Arc<[u8]>, String> {
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let from = (
            f64::from(area.l.clamp(0.0, 1.0)) * width,
            f64::from(area.t.clamp(0.0, 1.0)) * height,
            f64::from(area.w) * width,
            f64::from(area.h) * height,
        );
        let inside = from.2 >= 1.0
            && from.3 >= 1.0
            && from.0 + from.2 <= width + 0.5
            && from.1 + from.3 <= height + 0.5;
        if !inside {
            return Err("the area to crop must lie within the picture and hold at least one pixel".into());
        }
        let from = (
            from.0,
            from.1,
            from.2.min(width - from.0),
            from.3.min(height - from.1),
        );
        let spec = ImageSpec {
            format,
            size: Some(size),
            fit: Fit::Stretch,
            fill: [0; 3],
        };
        let placed = place(self.size, &spec)?;
        self.render(from, &placed, format, [0; 3]).map(Into::into)
    }
}

/// Where the picture stands on what the consumer gets.
#[derive(Clone, Copy, Debug)]
struct Placement {
    canvas: Size,
    content: Size,
    left: u32,
    top: u32,
}

fn place(source: Size, spec: &ImageSpec) -> Result<Placement, String> {
    let mut wanted = spec.size.unwrap_or(source);
    if wanted.width == 0 || wanted.height == 0 || wanted.width > MAX_SIDE || wanted.height > MAX_SIDE {
        return Err(format!(
            "{}x{} pixels cannot be prepared: each side must be 1 to {MAX_SIDE}",
            wanted.width, wanted.height
        ));
    }
    let even = spec.format == PixelFormat::I420;
    if even {
        wanted = Size {
            width: (wanted.width & !1).max(2),
            height: (wanted.height & !1).max(2),
        };
    }
    let fitted = match spec.fit {
        Fit::Stretch => wanted,
        _ => fit_within(source, wanted, even),
    };
    let (canvas, left, top) = match spec.fit {
        Fit::Stretch | Fit::Inside => (fitted, 0, 0),
        Fit::PadTopLeft => (wanted, 0, 0),
        Fit::PadCentre => {
            let (left, top) = (
                (wanted.width - fitted.width) / 2,
                (wanted.height - fitted.height) / 2,
            );
            if even {
                (wanted, left & !1, top & !1)
            } else {
                (wanted, left, top)
            }
        }
    };
    Ok(Placement {
        canvas,
        content: fitted,
        left,
        top,
    })
}

/// The largest size of the source's aspect ratio within `wanted`.
fn fit_within(source: Size, wanted: Size, even: bool) -> Size {
    let scale = (f64::from(wanted.width) / f64::from(source.width.max(1)))
        .min(f64::from(wanted.height) / f64::from(source.height.max(1)));
    let side = |length: u32, limit: u32| {
        let scaled = (f64::from(length) * scale).round() as u32;
        if even {
            (scaled & !1).clamp(2, limit)
        } else {
            scaled.clamp(1, limit)
        }
    };
    Size {
        width: side(source.width, wanted.width),
        height: side(source.height, wanted.height),
    }
}

impl Placement {
    fn halved(self) -> Self {
        let half = |size: Size| Size {
            width: (size.width / 2).max(1),
            height: (size.height / 2).max(1),
        };
        Self {
            canvas: half(self.canvas),
            content: half(self.content),
            left: self.left / 2,
            top: self.top / 2,
        }
    }

    /// Scales the part `from` of a plane and puts it in its place.
    fn draw(
        &self,
        plane: &[u8],
        size: Size,
        from: (f64, f64, f64, f64),
        fill: u8,
    ) -> Result<Vec<u8>, String> {
        let scaled = scale(plane, size, from, self.content)?;
        if self.content == self.canvas {
            return Ok(scaled);
        }
        let (width, content_width) = (self.canvas.width as usize, self.content.width as usize);
        let mut canvas = vec![fill; width * self.canvas.height as usize];
        let rows = canvas.chunks_exact_mut(width).skip(self.top as usize);
        for (row, line) in rows.zip(scaled.chunks_exact(content_width)) {
            if let Some(target) = row.get_mut(self.left as usize..self.left as usize + content_width) {
                target.copy_from_slice(line);
            }
        }
        Ok(canvas)
    }
}

fn scale(plane: &[u8], size: Size, from: (f64, f64, f64, f64), to: Size) -> Result<Vec<u8>, String> {
    let whole = from == (0.0, 0.0, f64::from(size.width), f64::from(size.height));
    if whole && size == to {
        return Ok(plane.to_vec());
    }
    let source = fir::images::ImageRef::new(size.width, size.height, plane, fir::PixelType::U8)
        .map_err(|error| error.to_string())?;
    let mut target = fir::images::Image::new(to.width, to.height, fir::PixelType::U8);
    // Chroma planes of odd pictures are rounded up, so the part may reach half a sample beyond.
    let (left, top) = (
        from.0.min(f64::from(size.width) - 1.0),
        from.1.min(f64::from(size.height) - 1.0),
    );
    let (width, height) = (
        from.2.min(f64::from(size.width) - left),
        from.3.min(f64::from(size.height) - top),
    );
    let options = fir::ResizeOptions::new()
        .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Bilinear))
        .crop(left, top, width, height);
    fir::Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| error.to_string())?;
    Ok(target.into_vec())
}

/// Fixed-point factors of ITU-R BT.601 and BT.709, 16 fractional bits: (red of V, green of U, green of V, blue of U).
fn factors(matrix: Matrix) -> (i32, i32, i32, i32) {
    match matrix {
        Matrix::Bt601 => (91_881, 22_554, 46_802, 116_130),
        Matrix::Bt709 => (103_206, 12_276, 30_679, 121_609),
    }
}

/// The pixels of full-size planes, one after the other.
fn pack(planes: [&[u8]; 3], colour: Colour, format: PixelFormat) -> Vec<u8> {
    use PixelFormat as F;
    let rgb565 = |[r, g, b]: [u8; 3]| u16::from(r >> 3) << 11 | u16::from(g >> 2) << 5 | u16::from(b >> 3);
    // The highest bit is unused, and 1.
    let rgb555 =
        |[r, g, b]: [u8; 3]| 1 << 15 | u16::from(r >> 3) << 10 | u16::from(g >> 3) << 5 | u16::from(b >> 3);
    match format {
        F::Bgr24 => interleave(planes, colour, |[r, g, b]| [b, g, r]),
        F::Rgb565Be => interleave(planes, colour, |rgb| rgb565(rgb).to_be_bytes()),
        F::Rgb565Le => interleave(planes, colour, |rgb| rgb565(rgb).to_le_bytes()),
        F::Rgb555Be => interleave(planes, colour, |rgb| rgb555(rgb).to_be_bytes()),
        F::Rgb555Le => interleave(planes, colour, |rgb| rgb555(rgb).to_le_bytes()),
        F::Argb => interleave(planes, colour, |[r, g, b]| [u8::MAX, r, g, b]),
        F::Rgba => interleave(planes, colour, |[r, g, b]| [r, g, b, u8::MAX]),
        F::Abgr => interleave(planes, colour, |[r, g, b]| [u8::MAX, b, g, r]),
        F::Bgra => interleave(planes, colour, |[r, g, b]| [b, g, r, u8::MAX]),
        // The other two are planar, and never come here.
        F::Rgb24 | F::Gray8 | F::I420 => interleave(planes, colour, |rgb| rgb),
    }
}

/// Converts each pixel to red, green and blue, and writes what `write` makes of them.
fn interleave<const N: usize>(
    [y, u, v]: [&[u8]; 3],
    colour: Colour,
    write: impl Fn([u8; 3]) -> [u8; N],
) -> Vec<u8> {
    let (red_v, green_u, green_v, blue_u) = factors(colour.matrix);
    // Limited range: luma spans 219 steps above 16, chroma 224.
    let (offset, luma, chroma) = if colour.full_range {
        (0, 65_536, 65_536)
    } else {
        (16, 76_309, 74_606)
    };
    let half = 1 << 15;
    let mut out = Vec::with_capacity(y.len() * N);
    for ((&y, &u), &v) in y.iter().zip(u).zip(v) {
        let y = (i32::from(y) - offset) * luma + half;
        let u = ((i32::from(u) - 128) * chroma) >> 8;
        let v = ((i32::from(v) - 128) * chroma) >> 8;
        let red = (y + ((v * (red_v >> 4)) >> 4)) >> 16;
        let green = (y - ((u * (green_u >> 4)) >> 4) - ((v * (green_v >> 4)) >> 4)) >> 16;
        let blue = (y + ((u * (blue_u >> 4)) >> 4)) >> 16;
        out.extend(write([red, green, blue].map(|value| value.clamp(0, 255) as u8)));
    }
    out
}

fn rgb_to_yuv([red, green, blue]: [u8; 3], colour: Colour) -> [u8; 3] {
    let (kr, kb) = match colour.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let (red, green, blue) = (f32::from(red), f32::from(green), f32::from(blue));
    let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let (u, v) = (
        (blue - luma) / (2.0 * (1.0 - kb)),
        (red - luma) / (2.0 * (1.0 - kr)),
    );
    let (offset, y_scale, c_scale) = if colour.full_range {
        (0.0, 1.0, 1.0)
    } else {
        (16.0, 219.0 / 255.0, 224.0 / 255.0)
    };
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    [
        byte(luma * y_scale + offset),
        byte(u * c_scale + 128.0),
        byte(v * c_scale + 128.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, yuv: [u8; 3]) -> Picture {
        let chroma = (width.div_ceil(2) * height.div_ceil(2)) as usize;
        let planes = [
            vec![yuv[0]; (width * height) as usize],
            vec![yuv[1]; chroma],
            vec![yuv[2]; chroma],
        ];
        let size = Size { width, height };
        Picture::from_planes(1, MediaTime::MIN, size, planes, Colour::assumed(height)).unwrap()
    }

    fn spec(format: PixelFormat, width: u32, height: u32, fit: Fit) -> ImageSpec {
        ImageSpec {
            format,
            size: Some(Size { width, height }),
            fit,
            fill: [114; 3],
        }
    }

    #[test]
    fn colours_survive_the_conversion_within_two_steps() {
        for (matrix, full_range) in [
            (Matrix::Bt601, false),
            (Matrix::Bt709, false),
            (Matrix::Bt601, true),
            (Matrix::Bt709, true),
        ] {
            let colour = Colour { matrix, full_range };
            for rgb in [
                [255, 0, 0],
                [0, 255, 0],
                [0, 0, 255],
                [255, 255, 255],
                [0, 0, 0],
                [114, 114, 114],
                [200, 50, 90],
            ] {
                let [y, u, v] = rgb_to_yuv(rgb, colour);
                let back = interleave([&[y], &[u], &[v]], colour, |rgb| rgb);
                for (want, got) in rgb.iter().zip(&back) {
                    assert!(
                        want.abs_diff(*got) <= 2,
                        "{rgb:?} came back as {back:?} in {colour:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn bgr_is_rgb_backwards() {
        let picture = picture(8, 8, [81, 90, 240]);
        let rgb = picture
            .prepare(&spec(PixelFormat::Rgb24, 4, 4, Fit::Stretch))
            .unwrap();
        let bgr = picture
            .prepare(&spec(PixelFormat::Bgr24, 4, 4, Fit::Stretch))
            .unwrap();
        assert!(
            rgb.pixels[0] > 200 && rgb.pixels[2] < 50,
            "red: {:?}",
            &rgb.pixels[..3]
        );
        assert_eq!(rgb.pixels[0], bgr.pixels[2]);
    }

    #[test]
    fn every_format_is_written_as_its_name_says() {
        // Limited BT.601: red of about 255, 0, 0.
        let picture = picture(4, 4, [81, 90, 240]);
        let first = |format: PixelFormat| {
            let prepared = picture.prepare(&spec(format, 2, 2, Fit::Stretch)).unwrap();
            let bytes = format.bits_per_pixel() * 4 / 8;
            assert_eq!(prepared.pixels.len(), bytes as usize, "{format:?}");
            prepared.pixels[..(format.bits_per_pixel() / 8).max(1) as usize].to_vec()
        };
        let rgb = first(PixelFormat::Rgb24);
        let [r, g, b] = rgb[..] else { panic!("{rgb:?}") };
        assert!(r > 250 && g < 5 && b < 5, "{rgb:?}");
        assert_eq!(first(PixelFormat::Bgr24), [b, g, r]);
        assert_eq!(first(PixelFormat::Argb), [255, r, g, b]);
        assert_eq!(first(PixelFormat::Rgba), [r, g, b, 255]);
        assert_eq!(first(PixelFormat::Abgr), [255, b, g, r]);
        assert_eq!(first(PixelFormat::Bgra), [b, g, r, 255]);
        assert_eq!(first(PixelFormat::Rgb565Be), [0b1111_1000, 0]);
        assert_eq!(first(PixelFormat::Rgb565Le), [0, 0b1111_1000]);
        assert_eq!(first(PixelFormat::Rgb555Be), [0b1111_1100, 0]);
        assert_eq!(first(PixelFormat::Rgb555Le), [0, 0b1111_1100]);
        assert_eq!(first(PixelFormat::Gray8), [81]);
    }

    #[test]
    fn every_fit_gives_the_size_and_place_it_promises() {
        let picture = picture(160, 90, [200, 128, 128]);
        let inside = picture
            .prepare(&spec(PixelFormat::Gray8, 64, 64, Fit::Inside))
            .unwrap();
        assert_eq!(
            inside.size,
            Size {
                width: 64,
                height: 36
            }
        );
        let padded = picture
            .prepare(&spec(PixelFormat::Gray8, 64, 64, Fit::PadCentre))
            .unwrap();
        assert_eq!(
            (padded.size.height, padded.content.t, padded.content.h),
            (64, 14.0 / 64.0, 36.0 / 64.0)
        );
        assert_eq!((padded.pixels[0], padded.pixels[32 * 64]), (114, 200));
        let top_left = picture
            .prepare(&spec(PixelFormat::Gray8, 64, 64, Fit::PadTopLeft))
            .unwrap();
        assert_eq!((top_left.pixels[0], top_left.pixels[63 * 64]), (200, 114));
        let planar = picture
            .prepare(&spec(PixelFormat::I420, 63, 63, Fit::PadCentre))
            .unwrap();
        assert_eq!(planar.pixels.len(), 62 * 62 * 3 / 2);
    }

    #[test]
    fn the_same_wish_is_prepared_once() {
        let picture = picture(32, 32, [1, 2, 3]);
        let wish = spec(PixelFormat::Gray8, 16, 16, Fit::Stretch);
        let (first, second) = (picture.prepare(&wish).unwrap(), picture.prepare(&wish).unwrap());
        assert!(Arc::ptr_eq(&first.pixels, &second.pixels));
        assert!(
            !picture.prepare_or_share(&wish).unwrap().1,
            "somebody else did the work"
        );
        let other = spec(PixelFormat::Gray8, 16, 8, Fit::Stretch);
        assert!(picture.prepare_or_share(&other).unwrap().1);
    }

    #[test]
    fn absurd_wishes_and_crops_are_errors() {
        let picture = picture(33, 17, [1, 2, 3]);
        for (width, height) in [(0, 1), (1, 0), (MAX_SIDE + 1, 1), (u32::MAX, u32::MAX)] {
            assert!(
                picture
                    .prepare(&spec(PixelFormat::Gray8, width, height, Fit::PadCentre))
                    .is_err()
            );
        }
        let size = Size { width: 8, height: 8 };
        for area in [
            (0.0, 0.0, 0.0, 1.0),
            (0.5, 0.5, 0.9, 0.9),
            (f32::NAN, 0.0, 1.0, 1.0),
            (0.0, 0.0, f32::INFINITY, 1.0),
        ] {
            let area = Rect {
                l: area.0,
                t: area.1,
                w: area.2,
                h: area.3,
            };
            assert!(picture.crop(area, size, PixelFormat::Rgb24).is_err(), "{area:?}");
        }
        let corner = Rect {
            l: 0.5,
            t: 0.5,
            w: 0.5,
            h: 0.5,
        };
        assert_eq!(
            picture.crop(corner, size, PixelFormat::Rgb24).unwrap().len(),
            8 * 8 * 3
        );
    }
}
