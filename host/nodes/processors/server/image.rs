//! The image that a server is sent: the frame, scaled as the topology says, as JPEG, PNG, BMP or bare pixels.

use bytes::Bytes;
use image::codecs::bmp::BmpEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, ImageResult};

use super::super::input::{TopologyImage, layout};
use crate::media::image::{Fit, ImageSpec, PixelFormat, Prepared, Size};
use crate::media::inference::Rect;
use crate::media::picture::Picture;
use crate::nodes::image::{Encoding as Named, Format, Image};

/// The quality of a JPEG where the topology says none, as the samples of Live Video Analytics have it.
const JPEG_QUALITY: u32 = 90;
/// What the encoder takes.
const JPEG_QUALITIES: (u32, u32) = (1, 100);

/// The form of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// With this quality, from 1 to 100.
    Jpeg(u8),
    /// Portable network graphics.
    Png,
    /// A Windows bitmap of 24 bits.
    Bmp,
    /// Pixels, row by row without padding.
    Raw(PixelFormat),
}

/// What a topology says of the images that a server is sent.
#[derive(Clone, Copy, Debug)]
pub struct ServerImage {
    spec: ImageSpec,
    /// Its form.
    pub encoding: Encoding,
}

/// An image as it is sent.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The image.
    pub bytes: Bytes,
    /// Pixels.
    pub size: Size,
    /// The part that shows the frame, in fractions of `size`.
    pub content: Rect,
    /// Nobody else had asked for these pixels yet.
    pub scaled: bool,
}

impl ServerImage {
    /// Reads `image` of a topology. Without a format it is JPEG, without a mode the border is padded.
    ///
    /// # Errors
    /// When it asks for more pixels than can be had.
    pub fn read(given: &Image) -> Result<Self, String> {
        let scale = TopologyImage::read(&Image {
            scale: given.scale.clone(),
            format: None,
        })?;
        let encoding = encoding(given.format.as_ref());
        let format = match encoding {
            Encoding::Raw(format) => format,
            Encoding::Jpeg(_) | Encoding::Png | Encoding::Bmp => PixelFormat::Rgb24,
        };
        let spec = scale.fill(ImageSpec {
            format,
            size: None,
            fit: Fit::PadCentre,
            fill: [0; 3],
        })?;
        Ok(Self { spec, encoding })
    }

    /// The pixels that frames are brought to.
    #[must_use]
    pub fn spec(&self) -> ImageSpec {
        self.spec
    }

    /// Its type for HTTP.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.encoding {
            Encoding::Jpeg(_) => "image/jpeg",
            Encoding::Png => "image/png",
            Encoding::Bmp => "image/bmp",
            Encoding::Raw(_) => "image/x-raw",
        }
    }

    /// Makes the image of a picture: computes.
    ///
    /// # Errors
    /// When the picture cannot be brought to this size or form.
    pub fn encode(&self, picture: &Picture) -> Result<Encoded, String> {
        let (prepared, scaled) = picture.prepare_or_share(&self.spec)?;
        let (size, content) = (prepared.size, prepared.content);
        let bytes = self
            .bytes(prepared)
            .map_err(|error| format!("the image cannot be encoded: {error}"))?;
        Ok(Encoded {
            bytes,
            size,
            content,
            scaled,
        })
    }

    fn bytes(&self, from: Prepared) -> ImageResult<Bytes> {
        let Size { width, height } = from.size;
        let (pixels, rgb) = (&from.pixels, ExtendedColorType::Rgb8);
        let mut out = Vec::new();
        match self.encoding {
            Encoding::Raw(_) => return Ok(Bytes::from_owner(from.pixels)),
            Encoding::Jpeg(quality) => {
                JpegEncoder::new_with_quality(&mut out, quality).write_image(pixels, width, height, rgb)?;
            }
            Encoding::Png => {
                PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
                    .write_image(pixels, width, height, rgb)?
            }
            Encoding::Bmp => BmpEncoder::new(&mut out).write_image(pixels, width, height, rgb)?,
        }
        Ok(out.into())
    }
}

fn encoding(given: Option<&Format>) -> Encoding {
    match given {
        None => jpeg(None),
        Some(Format::Jpeg(given)) => jpeg(given.quality),
        Some(Format::Png(_)) => Encoding::Png,
        Some(Format::Bmp(_)) => Encoding::Bmp,
        Some(Format::Raw(given)) => Encoding::Raw(layout(given.pixel_format)),
        Some(Format::Encoded(given)) => match given.encoding {
            Named::Jpeg => jpeg(given.quality),
            Named::Png => Encoding::Png,
            Named::Bmp => Encoding::Bmp,
        },
    }
}

fn jpeg(quality: Option<u32>) -> Encoding {
    let (lowest, highest) = JPEG_QUALITIES;
    let quality = quality.unwrap_or(JPEG_QUALITY).clamp(lowest, highest);
    Encoding::Jpeg(u8::try_from(quality).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::image::{Encoded as Named10, Jpeg, Nothing, PixelLayout, Raw, Scale, ScaleMode};
    use crate::nodes::testing::picture;

    fn image(format: Option<Format>) -> Image {
        Image {
            scale: Some(Scale {
                mode: Some(ScaleMode::Pad),
                width: Some(32),
                height: Some(32),
            }),
            format,
        }
    }

    fn encoded(format: Option<Format>) -> (ServerImage, Encoded) {
        let image = ServerImage::read(&image(format)).unwrap();
        let encoded = image.encode(&picture(1.0)).unwrap();
        (image, encoded)
    }

    #[test]
    fn each_encoding_has_its_type_and_begins_as_its_files_do() {
        for (format, content_type, start) in [
            (None, "image/jpeg", &b"\xff\xd8\xff"[..]),
            (
                Some(Format::Jpeg(Jpeg { quality: Some(0) })),
                "image/jpeg",
                b"\xff\xd8\xff",
            ),
            (Some(Format::Png(Nothing {})), "image/png", b"\x89PNG"),
            (Some(Format::Bmp(Nothing {})), "image/bmp", b"BM"),
        ] {
            let (image, encoded) = encoded(format);
            assert_eq!(image.content_type(), content_type);
            assert!(encoded.bytes.starts_with(start), "{content_type}");
            // 64x36 within 32x32 leaves 7 rows above and below.
            assert_eq!(encoded.content.t, 7.0 / 32.0);
        }
    }

    #[test]
    fn bare_pixels_are_as_long_as_their_format_says() {
        for (pixel_format, length) in [
            (PixelLayout::Yuv420p, 32 * 32 * 3 / 2),
            (PixelLayout::Rgb565le, 32 * 32 * 2),
            (PixelLayout::Bgr24, 32 * 32 * 3),
            (PixelLayout::Argb, 32 * 32 * 4),
        ] {
            let (image, encoded) = encoded(Some(Format::Raw(Raw { pixel_format })));
            assert_eq!(
                (image.content_type(), encoded.bytes.len()),
                ("image/x-raw", length)
            );
        }
    }

    #[test]
    fn a_better_quality_takes_more_bytes_and_1_0_names_encodings_otherwise() {
        let of = |quality| {
            ServerImage::read(&image(Some(Format::Jpeg(Jpeg { quality }))))
                .unwrap()
                .encoding
        };
        assert_eq!(
            [of(None), of(Some(0)), of(Some(100))],
            [Encoding::Jpeg(90), Encoding::Jpeg(1), Encoding::Jpeg(100)]
        );
        let named = |encoding| {
            let format = Format::Encoded(Named10 {
                encoding,
                quality: None,
            });
            ServerImage::read(&image(Some(format))).unwrap().encoding
        };
        assert_eq!(
            [named(Named::Jpeg), named(Named::Bmp), named(Named::Png)],
            [Encoding::Jpeg(90), Encoding::Bmp, Encoding::Png]
        );
    }
}
