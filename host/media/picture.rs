//! Decoded pictures, and the one place where they are scaled and converted.
//!
//! A picture is prepared at most once per distinct wish, however many consumers have the same one. What models are given is
//! made apart (`sampled`), as those make it who train them.

mod colour;
mod placement;
mod sampled;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use self::colour::{pack, rgb_to_yuv};
use self::placement::{Placement, place};
use self::sampled::Source;
use super::MediaTime;
use super::h264::Colour;
use super::image::{CropSource, Fit, ImageSpec, PixelFormat, PlaneSpec, Planes, Prepared, Size};
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
        let spec = self.plain(spec);
        let wish = self.wish(&spec);
        let mut worked = false;
        let done = wish.get_or_init(|| {
            worked = true;
            self.prepare_now(&spec)
        });
        done.clone().map(|prepared| (prepared, worked))
    }

    /// As [`Picture::prepare`], if it has been done already; waits for nothing.
    #[must_use]
    pub fn already(&self, spec: &ImageSpec) -> Option<Prepared> {
        let spec = self.plain(spec);
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, wish) = known.iter().find(|(one, _)| *one == spec)?;
        wish.get()?.clone().ok()
    }

    /// The wish in the one form that all like it have.
    fn plain(&self, spec: &ImageSpec) -> ImageSpec {
        ImageSpec {
            size: spec.size.or(Some(self.size)),
            ..spec.canonical()
        }
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
        Ok(Prepared {
            format: spec.format,
            size: placed.canvas,
            content: placed.shown(),
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

    fn planes(&self, area: Rect, spec: &PlaneSpec) -> Result<Planes, String> {
        let [y, u, v] = &self.planes;
        let source = Source {
            planes: [y, u, v],
            size: self.size,
            colour: self.colour,
        };
        sampled::planes(source, area, spec)
    }
}

#[cfg(test)]
mod tests;
