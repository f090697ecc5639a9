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
    /// Two bytes, the higher first: 5 bits of red, 6 of green, 5 of blue.
    Rgb565Be,
    /// The same, the lower byte first.
    Rgb565Le,
    /// Two bytes, the higher first: a bit that is 1, 5 bits of red, 5 of green, 5 of blue.
    Rgb555Be,
    /// The same, the lower byte first.
    Rgb555Le,
    /// Opacity (always 255), red, green, blue.
    Argb,
    /// Red, green, blue, opacity.
    Rgba,
    /// Opacity, blue, green, red.
    Abgr,
    /// Blue, green, red, opacity.
    Bgra,
}

impl PixelFormat {
    /// Its name, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gray8 => "gray8",
            Self::Rgb24 => "rgb24",
            Self::Bgr24 => "bgr24",
            Self::I420 => "i420",
            Self::Rgb565Be => "rgb565be",
            Self::Rgb565Le => "rgb565le",
            Self::Rgb555Be => "rgb555be",
            Self::Rgb555Le => "rgb555le",
            Self::Argb => "argb",
            Self::Rgba => "rgba",
            Self::Abgr => "abgr",
            Self::Bgra => "bgra",
        }
    }

    /// How many bits a pixel takes, on average.
    #[must_use]
    pub fn bits_per_pixel(self) -> u32 {
        match self {
            Self::Gray8 => 8,
            Self::I420 => 12,
            Self::Rgb565Be | Self::Rgb565Le | Self::Rgb555Be | Self::Rgb555Le => 16,
            Self::Rgb24 | Self::Bgr24 => 24,
            Self::Argb | Self::Rgba | Self::Abgr | Self::Bgra => 32,
        }
    }
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

impl Fit {
    /// Its name, in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stretch => "stretch",
            Self::PadCentre => "pad-centre",
            Self::PadTopLeft => "pad-top-left",
            Self::Inside => "inside",
        }
    }
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

impl ImageSpec {
    /// The same wish in the one form that all like it have: without a border there is no fill.
    #[must_use]
    pub fn canonical(self) -> Self {
        match self.fit {
            Fit::Stretch | Fit::Inside => Self { fill: [0; 3], ..self },
            Fit::PadCentre | Fit::PadTopLeft => self,
        }
    }
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

/// What a model wants its pixels to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneSpec {
    /// Of each plane, whatever `fit` leaves empty.
    pub size: Size,
    /// How a picture gets there.
    pub fit: Fit,
    /// Red, green, blue of what `fit` leaves empty.
    pub fill: [u8; 3],
}

/// A picture as a plane for each colour, row after row.
#[derive(Clone, Debug)]
pub struct Planes {
    /// The part that shows the source, in fractions.
    pub content: Rect,
    /// Red, green, blue.
    pub colours: [Vec<u8>; 3],
}

/// Cuts parts out of a full-size picture.
pub trait CropSource: Send + Sync + std::fmt::Debug {
    /// The part of the picture under `area`, stretched to `size`.
    ///
    /// # Errors
    /// Says what is wrong with the request, in words for the author of a component.
    fn crop(&self, area: Rect, size: Size, format: PixelFormat) -> Result<Arc<[u8]>, String>;

    /// The part of the picture under `area`, brought to `spec` as the frameworks do that models are trained with.
    ///
    /// # Errors
    /// As [`CropSource::crop`].
    fn planes(&self, area: Rect, spec: &PlaneSpec) -> Result<Planes, String> {
        if spec.fit != Fit::Stretch {
            return Err("this picture can be stretched only".to_owned());
        }
        let pixels = self.crop(area, spec.size, PixelFormat::Rgb24)?;
        let (pixels, _) = pixels.as_chunks::<3>();
        let plane = |colour: fn(&[u8; 3]) -> u8| pixels.iter().map(colour).collect();
        Ok(Planes {
            content: Rect::WHOLE,
            colours: [
                plane(|[red, _, _]| *red),
                plane(|[_, green, _]| *green),
                plane(|[_, _, blue]| *blue),
            ],
        })
    }
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
