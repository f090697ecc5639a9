//! What a detector is fed: what its component wants, and what the topology adds.

use crate::media::image::{Fit, ImageSpec, PixelFormat, Size};
use crate::media::picture::MAX_SIDE;
use crate::nodes::image::{Format, Image, PixelLayout, Raw, ScaleMode};

/// What a topology says of a component's input. The component's own wish comes first; this fills only what it leaves
/// open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TopologyImage {
    /// The size, and how frames are brought to it.
    scale: Option<(Size, Fit)>,
    /// The layout of pixels.
    format: Option<PixelFormat>,
}

impl TopologyImage {
    /// Reads `image` of a topology.
    ///
    /// # Errors
    /// When it asks for something that components are not given.
    pub fn read(image: &Image) -> Result<Self, String> {
        let scale = image.scale.as_ref().and_then(|scale| {
            let fit = match scale.mode {
                ScaleMode::PreserveAspectRatio => Fit::Inside,
                ScaleMode::Pad => Fit::PadCentre,
                ScaleMode::Stretch => Fit::Stretch,
            };
            match (scale.width, scale.height) {
                (Some(width), Some(height)) => Some((Size { width, height }, fit)),
                // The other side follows from the picture's shape.
                (Some(width), None) => Some((
                    Size {
                        width,
                        height: MAX_SIDE,
                    },
                    Fit::Inside,
                )),
                (None, Some(height)) => Some((
                    Size {
                        width: MAX_SIDE,
                        height,
                    },
                    Fit::Inside,
                )),
                (None, None) => None,
            }
        });
        let format = match &image.format {
            None => None,
            Some(Format::Raw(Raw {
                pixel_format: PixelLayout::Yuv420p,
            })) => Some(PixelFormat::I420),
            Some(Format::Raw(Raw {
                pixel_format: PixelLayout::Rgb24,
            })) => Some(PixelFormat::Rgb24),
            Some(Format::Raw(Raw {
                pixel_format: PixelLayout::Bgr24,
            })) => Some(PixelFormat::Bgr24),
            Some(_) => {
                return Err(
                    "a component is given raw pixels: `image.format` may be absent, or \
                            `#Microsoft.Media.MediaGraphImageFormatRaw` with Yuv420p, Rgb24 or Bgr24"
                        .into(),
                );
            }
        };
        Ok(Self { scale, format })
    }

    /// What the component is fed.
    ///
    /// # Errors
    /// When the component wants one thing and the topology another.
    pub fn fill(&self, wanted: ImageSpec) -> Result<ImageSpec, String> {
        if let Some(format) = self.format
            && format != wanted.format
        {
            return Err(format!(
                "the component wants its pixels as {:?}, and `image.format` of the topology says {format:?}",
                wanted.format
            ));
        }
        match (wanted.size, self.scale) {
            (None, Some((size, fit))) => Ok(ImageSpec {
                size: Some(size),
                fit,
                ..wanted
            }),
            (Some(own), Some((size, fit))) if own != size || fit != wanted.fit => Err(format!(
                "the component wants frames of {}x{} ({:?}), and `image.scale` of the topology says something else; \
                 leave `image.scale` out",
                own.width, own.height, wanted.fit
            )),
            _ => Ok(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::image::Scale;

    fn image(mode: ScaleMode, width: Option<u32>, height: Option<u32>) -> Image {
        Image {
            scale: Some(Scale { mode, width, height }),
            format: None,
        }
    }

    fn wanted(size: Option<(u32, u32)>) -> ImageSpec {
        let size = size.map(|(width, height)| Size { width, height });
        ImageSpec {
            format: PixelFormat::Rgb24,
            size,
            fit: Fit::Stretch,
            fill: [0; 3],
        }
    }

    #[test]
    fn the_topology_fills_what_the_component_leaves_open() {
        let given = TopologyImage::read(&image(ScaleMode::Pad, Some(64), Some(48))).unwrap();
        let fed = given.fill(wanted(None)).unwrap();
        assert_eq!(
            (fed.size, fed.fit),
            (
                Some(Size {
                    width: 64,
                    height: 48
                }),
                Fit::PadCentre
            )
        );
        let one_side = TopologyImage::read(&image(ScaleMode::PreserveAspectRatio, Some(64), None)).unwrap();
        assert_eq!(one_side.fill(wanted(None)).unwrap().fit, Fit::Inside);
    }

    #[test]
    fn a_conflict_between_both_is_an_error() {
        let given = TopologyImage::read(&image(ScaleMode::Stretch, Some(64), Some(48))).unwrap();
        assert!(given.fill(wanted(Some((64, 48)))).is_ok(), "both say the same");
        let error = given.fill(wanted(Some((320, 180)))).unwrap_err();
        assert!(error.contains("320x180"), "{error}");
        let format = Some(Format::Raw(Raw {
            pixel_format: PixelLayout::Yuv420p,
        }));
        let error = TopologyImage::read(&Image { scale: None, format })
            .unwrap()
            .fill(wanted(None))
            .unwrap_err();
        assert!(error.contains("I420"), "{error}");
    }

    #[test]
    fn what_components_are_not_given_is_refused() {
        let format = Some(Format::Raw(Raw {
            pixel_format: PixelLayout::Rgb565be,
        }));
        assert!(TopologyImage::read(&Image { scale: None, format }).is_err());
    }
}
