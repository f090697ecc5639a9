//! What a consumer of frames wants to be given, and decoded pictures.

use std::sync::Arc;

use super::MediaTime;
use super::inference::{Inference, Rect};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Layout of packed pixel bytes, without row padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One byte of luma per pixel.
    Gray8,
    /// Red, green, blue.
    Rgb24,
    /// Blue, green, red.
    Bgr24,
    /// A full-size Y plane, then quarter-size U and V planes.
    I420,
}

/// How a picture is brought to another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fit {
    /// Ignores the aspect ratio.
    Stretch,
    /// Keeps the aspect ratio, centres, fills the rest.
    PadCentre,
    /// Keeps the aspect ratio, puts the picture at the top left, fills the rest.
    PadTopLeft,
    /// Keeps the aspect ratio within the size; the result may be smaller in one dimension.
    Inside,
}

/// What a consumer of frames wants its pixels to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageSpec {
    /// Layout.
    pub format: PixelFormat,
    /// None: the size of the source.
    pub size: Option<Size>,
    /// How it gets there.
    pub fit: Fit,
    /// Red, green, blue of what `fit` leaves empty.
    pub fill: [u8; 3],
}

/// Pixels prepared to a spec.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Their layout.
    pub format: PixelFormat,
    /// Their size, after `fit`.
    pub size: Size,
    /// The part that shows the source, in fractions of `size`.
    pub content: Rect,
    /// Packed bytes.
    pub pixels: Arc<[u8]>,
}

/// Cuts parts out of a full-size picture.
pub trait CropSource: Send + Sync + std::fmt::Debug {
    /// The part of the picture under `area`, stretched to `size`.
    ///
    /// # Errors
    /// Says what is wrong with the request, in words for the author of a component.
    fn crop(&self, area: Rect, size: Size, format: PixelFormat) -> Result<Arc<[u8]>, String>;
}

/// A decoded frame as it is shown to one consumer.
#[derive(Clone, Debug)]
pub struct FrameView {
    /// Counts the frames of the source; a gap means dropped frames.
    pub sequence: u64,
    /// Its media time.
    pub time: MediaTime,
    /// Its size at the source.
    pub source_size: Size,
    /// Its pixels as the consumer wants them.
    pub prepared: Prepared,
    /// The full-size picture.
    pub source: Arc<dyn CropSource>,
    /// What nodes upstream have said of it.
    pub annotations: Arc<[Inference]>,
}
