//! What a detector is fed: what its component wants, and what the topology adds.
//!
//! The component's own wish comes first: it knows what it was made for. The topology fills what that leaves open; where both
//! say something and it is not the same, the graph does not start.

use crate::media::image::{Fit, ImageSpec, PixelFormat, Size};
use crate::media::picture::MAX_SIDE;
use crate::nodes::image::{Format, Image, PixelLayout, Raw, ScaleMode};

/// What a topology says of a component's input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TopologyImage {
    mode: Option<ScaleMode>,
    width: Option<u32>,
    height: Option<u32>,
    format: Option<PixelFormat>,
}

impl TopologyImage {
    /// Reads `image` of a topology.
    ///
    /// # Errors
    /// When it asks for something that components are not given.
    pub fn read(image: &Image) -> Result<Self, String> {
        let format = match &image.format {
            None => None,
            Some(Format::Raw(Raw { pixel_format })) => Some(layout(*pixel_format)),
            Some(Format::Jpeg(_) | Format::Bmp(_) | Format::Png(_) | Format::Encoded(_)) => {
                return Err("a component is given pixels, not an encoded image\n\
                            hint: leave `image.format` out, or make it `#Microsoft.Media.MediaGraphImageFormatRaw`"
                    .into());
            }
        };
        let scale = image.scale.as_ref();
        let (width, height) = scale.map_or((None, None), |scale| (scale.width, scale.height));
        for side in [width, height].into_iter().flatten() {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(format!(
                    "`image.scale` asks for {side} pixels; an image has 1 to {MAX_SIDE} each way"
                ));
            }
        }
        Ok(Self {
            mode: scale.and_then(|scale| scale.mode),
            width,
            height,
            format,
        })
    }

    /// What the component is fed.
    ///
    /// # Errors
    /// When the component wants one thing and the topology another.
    pub fn fill(&self, wanted: ImageSpec) -> Result<ImageSpec, String> {
        if let Some(format) = self.format
            && format != wanted.format
        {
            return Err(conflict("`image.format`", wanted.format.name(), format.name()));
        }
        match wanted.size {
            Some(own) => self.agrees(own, wanted.fit).map(|()| wanted),
            None => Ok(self.sized(wanted)),
        }
    }

    fn agrees(&self, own: Size, fit: Fit) -> Result<(), String> {
        for (member, said, own) in [
            ("`image.scale.width`", self.width, own.width),
            ("`image.scale.height`", self.height, own.height),
        ] {
            if let Some(said) = said.filter(|said| *said != own) {
                return Err(conflict(member, &own.to_string(), &said.to_string()));
            }
        }
        match self.mode.filter(|said| fit_of(*said) != fit) {
            Some(said) => Err(conflict("`image.scale.mode`", fit.name(), said.name())),
            None => Ok(()),
        }
    }

    /// The component leaves its size open.
    fn sized(&self, wanted: ImageSpec) -> ImageSpec {
        let size = match (self.width, self.height) {
            (Some(width), Some(height)) => Size { width, height },
            (None, None) => return wanted,
            // The other side follows from the picture's shape.
            (width, height) => {
                return ImageSpec {
                    size: Some(Size {
                        width: width.unwrap_or(MAX_SIDE),
                        height: height.unwrap_or(MAX_SIDE),
                    }),
                    fit: Fit::Inside,
                    ..wanted
                };
            }
        };
        ImageSpec {
            size: Some(size),
            fit: self.mode.map_or(wanted.fit, fit_of),
            ..wanted
        }
    }
}

fn conflict(member: &str, wanted: &str, said: &str) -> String {
    format!(
        "the component wants {wanted}, and {member} of the topology says {said}\n\
         hint: leave {member} out: it only fills what the component leaves open"
    )
}

fn fit_of(mode: ScaleMode) -> Fit {
    match mode {
        ScaleMode::PreserveAspectRatio => Fit::Inside,
        ScaleMode::Pad => Fit::PadCentre,
        ScaleMode::Stretch => Fit::Stretch,
    }
}

/// The layout that a topology means.
pub(super) fn layout(layout: PixelLayout) -> PixelFormat {
    match layout {
        PixelLayout::Yuv420p => PixelFormat::I420,
        PixelLayout::Rgb565be => PixelFormat::Rgb565Be,
        PixelLayout::Rgb565le => PixelFormat::Rgb565Le,
        PixelLayout::Rgb555be => PixelFormat::Rgb555Be,
        PixelLayout::Rgb555le => PixelFormat::Rgb555Le,
        PixelLayout::Rgb24 => PixelFormat::Rgb24,
        PixelLayout::Bgr24 => PixelFormat::Bgr24,
        PixelLayout::Argb => PixelFormat::Argb,
        PixelLayout::Rgba => PixelFormat::Rgba,
        PixelLayout::Abgr => PixelFormat::Abgr,
        PixelLayout::Bgra => PixelFormat::Bgra,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::image::{Nothing, Scale};

    fn image(mode: impl Into<Option<ScaleMode>>, width: Option<u32>, height: Option<u32>) -> TopologyImage {
        let mode = mode.into();
        let scale = Some(Scale { mode, width, height });
        TopologyImage::read(&Image { scale, format: None }).unwrap()
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

    fn fed(given: TopologyImage) -> (Option<(u32, u32)>, Fit) {
        let spec = given.fill(wanted(None)).unwrap();
        (spec.size.map(|size| (size.width, size.height)), spec.fit)
    }

    #[test]
    fn the_topology_fills_what_the_component_leaves_open() {
        let size = Some((64, 48));
        for (mode, fit) in [
            (Some(ScaleMode::Pad), Fit::PadCentre),
            (Some(ScaleMode::PreserveAspectRatio), Fit::Inside),
            (Some(ScaleMode::Stretch), Fit::Stretch),
            (None, wanted(None).fit),
        ] {
            assert_eq!(fed(image(mode, Some(64), Some(48))), (size, fit), "{mode:?}");
        }
        let one_side = image(ScaleMode::PreserveAspectRatio, Some(64), None);
        assert_eq!(fed(one_side), (Some((64, MAX_SIDE)), Fit::Inside));
        assert_eq!(fed(TopologyImage::default()), (None, Fit::Stretch));
    }

    #[test]
    fn a_conflict_between_both_is_an_error_that_names_both() {
        let conflict = |given: TopologyImage| given.fill(wanted(Some((64, 48)))).unwrap_err();
        for agrees in [
            image(ScaleMode::Stretch, Some(64), Some(48)),
            image(None, Some(64), Some(48)),
            image(None, None, Some(48)),
        ] {
            assert!(agrees.fill(wanted(Some((64, 48)))).is_ok(), "{agrees:?}");
        }
        let error = conflict(image(None, Some(320), Some(48)));
        assert!(
            error.contains("wants 64, and `image.scale.width` of the topology says 320"),
            "{error}"
        );
        let error = conflict(image(ScaleMode::Pad, None, None));
        assert!(error.contains("wants stretch, and `image.scale.mode`"), "{error}");
        let format = Some(Format::Raw(Raw {
            pixel_format: PixelLayout::Bgra,
        }));
        let given = TopologyImage::read(&Image { scale: None, format }).unwrap();
        assert!(conflict(given).contains("wants rgb24, and `image.format` of the topology says bgra"));
    }

    #[test]
    fn what_components_are_not_given_is_refused() {
        let format = Some(Format::Png(Nothing {}));
        let error = TopologyImage::read(&Image { scale: None, format }).unwrap_err();
        assert!(error.contains("not an encoded image"), "{error}");
        let scale = Some(Scale {
            mode: None,
            width: Some(MAX_SIDE + 1),
            height: None,
        });
        assert!(TopologyImage::read(&Image { scale, format: None }).is_err());
    }
}
