//! What an extension wants its frames to be, and how many of them.

use schemars::JsonSchema;
use serde::Deserialize;

/// The frames that an extension is given.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Their size; that of the source when it is absent.
    pub scale: Option<Scale>,
    /// Their form.
    pub format: Option<Format>,
}

/// The size of frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// How a frame is brought to the size; when it is absent, as the component wants it, else `Pad`.
    pub mode: Option<ScaleMode>,
    /// Pixels. When only one of `width` and `height` is given, the other follows from the picture's aspect ratio.
    #[schemars(range(min = 1, max = 16384))]
    pub width: Option<u32>,
    /// Pixels.
    #[schemars(range(min = 1, max = 16384))]
    pub height: Option<u32>,
}

/// How a frame is brought to a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ScaleMode {
    /// Fits it inside; the result may be smaller in one dimension.
    PreserveAspectRatio,
    /// Fits it inside, centres it and fills the rest.
    #[default]
    Pad,
    /// Ignores its aspect ratio.
    Stretch,
}

impl ScaleMode {
    /// As topologies write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PreserveAspectRatio => "PreserveAspectRatio",
            Self::Pad => "Pad",
            Self::Stretch => "Stretch",
        }
    }
}

/// The form of frames: 1.0 had `ImageFormatEncoded`, 2.0 has one type for each encoding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "@type")]
pub enum Format {
    /// Pixels.
    #[serde(rename = "#Microsoft.Media.MediaGraphImageFormatRaw")]
    Raw(Raw),
    /// JPEG.
    #[serde(rename = "#Microsoft.Media.MediaGraphImageFormatJpeg")]
    Jpeg(Jpeg),
    /// Windows bitmap.
    #[serde(rename = "#Microsoft.Media.MediaGraphImageFormatBmp")]
    Bmp(Nothing),
    /// PNG.
    #[serde(rename = "#Microsoft.Media.MediaGraphImageFormatPng")]
    Png(Nothing),
    /// One of the three, as 1.0 wrote it.
    #[serde(rename = "#Microsoft.Media.MediaGraphImageFormatEncoded")]
    Encoded(Encoded),
}

/// Pixels.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Raw {
    /// How they are laid out.
    pub pixel_format: PixelLayout,
}

/// How pixels are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the formats' own")]
pub enum PixelLayout {
    Yuv420p,
    Rgb565be,
    Rgb565le,
    Rgb555be,
    Rgb555le,
    Rgb24,
    Bgr24,
    Argb,
    Rgba,
    Abgr,
    Bgra,
}

/// JPEG.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jpeg {
    /// From 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub quality: Option<u32>,
}

/// A format without settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An encoding as 1.0 wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Encoded {
    /// Which; JPEG when it is absent.
    #[serde(default)]
    pub encoding: Encoding,
    /// From 0 to 100, for JPEG.
    #[schemars(range(min = 0, max = 100))]
    pub quality: Option<u32>,
}

/// Image encodings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the formats' own")]
pub enum Encoding {
    #[default]
    Jpeg,
    Bmp,
    Png,
}

/// Which frames an extension is given.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SamplingOptions {
    /// Only frames of which a node upstream has said something, such as motion.
    #[serde(default)]
    pub skip_samples_without_annotation: bool,
    /// At most so many frames in a second; fractions are allowed.
    #[schemars(range(min = 0.0001, max = 1000.0))]
    pub maximum_samples_per_second: Option<f64>,
}
