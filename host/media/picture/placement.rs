//! Where a picture stands on what a consumer gets, and the scaling that brings it there.

use fast_image_resize as fir;

use super::MAX_SIDE;
use crate::media::image::{Fit, ImageSpec, PixelFormat, Size};
use crate::media::inference::Rect;

/// Where the picture stands on what the consumer gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) canvas: Size,
    pub(super) content: Size,
    pub(super) left: u32,
    pub(super) top: u32,
}

pub(super) fn place(source: Size, spec: &ImageSpec) -> Result<Placement, String> {
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

impl Placement {
    /// The part of the canvas that shows the picture, in fractions of it.
    pub(super) fn shown(&self) -> Rect {
        let (width, height) = (self.canvas.width as f32, self.canvas.height as f32);
        Rect {
            l: self.left as f32 / width,
            t: self.top as f32 / height,
            w: self.content.width as f32 / width,
            h: self.content.height as f32 / height,
        }
    }

    pub(super) fn halved(self) -> Self {
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
    pub(super) fn draw(
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
