//! From a frame to the numbers that a model wants.

use super::error::RunError;
use super::limits::MAX_INPUT_SIDE;
use super::tensor::{Element, Port, Tensor, Values};
use crate::media::image::{CropSource, Fit, ImageSpec, PixelFormat, Prepared, Size};
use crate::media::inference::Rect;

/// Red, green and blue.
const CHANNELS: usize = 3;
/// Levels of a channel.
const LEVELS: usize = 256;

/// The order of the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// The order of the dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One, channels, height, width.
    Nchw,
    /// One, height, width, channels.
    Nhwc,
}

/// How a frame becomes the input of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// None: that of the model's input.
    pub size: Option<Size>,
    /// How it gets there.
    pub fit: Fit,
    /// Red, green, blue of what `fit` leaves empty.
    pub fill: [u8; 3],
    /// The order of the colours.
    pub order: ChannelOrder,
    /// The order of the dimensions.
    pub layout: Layout,
    /// Each number is `(value * scale - mean) / std`.
    pub scale: f32,
    /// By channel, in the order of `order`.
    pub mean: [f32; 3],
    /// By channel, in the order of `order`.
    pub std: [f32; 3],
}

/// The input of a model, and the part of it that shows the source.
#[derive(Debug)]
pub struct PreparedInput {
    /// The numbers.
    pub tensor: Tensor,
    /// In fractions.
    pub content: Rect,
}

impl Preparation {
    /// Makes the input of a model from an area of a picture. Computes.
    ///
    /// # Errors
    /// When the model does not take pictures, or not such.
    pub fn apply(
        &self,
        port: &Port,
        picture: &dyn CropSource,
        area: Rect,
    ) -> Result<PreparedInput, RunError> {
        let size = self.size_for(port)?;
        self.check()?;
        let shape = self.shape(size);
        if !port.takes(&shape) {
            return Err(RunError::Input(format!(
                "the input `{}` of the model is {} of {}; a frame would be {}\n\
                 hint: check `layout` and the size that is asked for",
                port.name,
                port.shape_text(),
                port.element.name(),
                super::shape_text(&shape)
            )));
        }
        let spec = ImageSpec {
            format: match self.order {
                ChannelOrder::Rgb => PixelFormat::Rgb24,
                ChannelOrder::Bgr => PixelFormat::Bgr24,
            },
            size: Some(size),
            fit: self.fit,
            fill: self.fill,
        };
        let prepared = picture.fitted(area, &spec).map_err(RunError::Input)?;
        let values = self.values(port.element, &prepared)?;
        let tensor = Tensor::new(port.name.clone(), shape, values).map_err(RunError::Input)?;
        Ok(PreparedInput {
            tensor,
            content: prepared.content,
        })
    }

    fn check(&self) -> Result<(), RunError> {
        let numbers = [self.scale].into_iter().chain(self.mean).chain(self.std);
        if numbers.into_iter().any(|number| !number.is_finite()) || self.std.contains(&0.0) {
            return Err(RunError::Input(
                "`scale`, `mean` and `std` must be finite numbers, and `std` not 0".into(),
            ));
        }
        if self.fit == Fit::Inside {
            return Err(RunError::Input(
                "the input of a model has one size: `inside` cannot be asked for".into(),
            ));
        }
        Ok(())
    }

    fn size_for(&self, port: &Port) -> Result<Size, RunError> {
        let (height_at, width_at) = match self.layout {
            Layout::Nchw => (2, 3),
            Layout::Nhwc => (1, 2),
        };
        let side = |place: usize| port.shape.get(place).copied().flatten();
        let own = || match (side(width_at), side(height_at)) {
            (Some(width), Some(height)) => Some(Size { width, height }),
            _ => None,
        };
        let size = self.size.or_else(own).ok_or_else(|| {
            RunError::Input(format!(
                "the input `{}` of the model is {}: it does not say which size a frame is to have\n\
                 hint: say it, such as 640x640",
                port.name,
                port.shape_text()
            ))
        })?;
        let allowed = |side: u32| (1..=MAX_INPUT_SIDE).contains(&side);
        if allowed(size.width) && allowed(size.height) {
            return Ok(size);
        }
        Err(RunError::Input(format!(
            "a frame of {}x{} is asked for; each side may be 1 to {MAX_INPUT_SIDE}",
            size.width, size.height
        )))
    }

    fn shape(&self, size: Size) -> Vec<u32> {
        match self.layout {
            Layout::Nchw => vec![1, CHANNELS as u32, size.height, size.width],
            Layout::Nhwc => vec![1, size.height, size.width, CHANNELS as u32],
        }
    }

    fn values(&self, element: Element, prepared: &Prepared) -> Result<Values, RunError> {
        match element {
            Element::Float32 => Ok(Values::Float32(self.numbers(&prepared.pixels))),
            Element::Uint8 if self.is_plain() => {
                Ok(Values::Uint8(self.arranged(&prepared.pixels, |_, level| level)))
            }
            Element::Uint8 => Err(RunError::Input(
                "the model takes the bytes of a frame as they are: `scale` must be 1, `mean` 0 and `std` 1"
                    .into(),
            )),
            other => Err(RunError::Input(format!(
                "the model takes {}, which a frame cannot be made into; supported are float32 and uint8",
                other.name()
            ))),
        }
    }

    fn is_plain(&self) -> bool {
        self.scale == 1.0 && self.mean == [0.0; CHANNELS] && self.std == [1.0; CHANNELS]
    }

    fn numbers(&self, pixels: &[u8]) -> Vec<f32> {
        // There are 256 levels only: each is worked out once.
        let levels = |(mean, std): (&f32, &f32)| -> Vec<f32> {
            let level = |level: usize| (level as f32 * self.scale - mean) / std;
            (0..LEVELS).map(level).collect()
        };
        let tables: Vec<Vec<f32>> = self.mean.iter().zip(&self.std).map(levels).collect();
        self.arranged(pixels, |channel, level| {
            let table = tables.get(channel);
            table
                .and_then(|table| table.get(usize::from(level)))
                .copied()
                .unwrap_or_default()
        })
    }

    /// Brings packed pixels into the order of the model.
    fn arranged<T>(&self, pixels: &[u8], of: impl Fn(usize, u8) -> T) -> Vec<T> {
        let (all, _) = pixels.as_chunks::<CHANNELS>();
        match self.layout {
            Layout::Nhwc => {
                let numbered = |pixel: &[u8; CHANNELS]| [of(0, pixel[0]), of(1, pixel[1]), of(2, pixel[2])];
                all.iter().flat_map(numbered).collect()
            }
            Layout::Nchw => {
                let mut out = Vec::with_capacity(pixels.len());
                out.extend(all.iter().map(|pixel| of(0, pixel[0])));
                out.extend(all.iter().map(|pixel| of(1, pixel[1])));
                out.extend(all.iter().map(|pixel| of(2, pixel[2])));
                out
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Two pixels: one of (10, 20, 30), one of (40, 50, 60).
    #[derive(Debug)]
    struct Two;

    impl CropSource for Two {
        fn crop(&self, _: Rect, _: Size, _: PixelFormat) -> Result<Arc<[u8]>, String> {
            Ok(Arc::new([10, 20, 30, 40, 50, 60]))
        }
    }

    fn plain() -> Preparation {
        Preparation {
            size: None,
            fit: Fit::Stretch,
            fill: [0; 3],
            order: ChannelOrder::Rgb,
            layout: Layout::Nchw,
            scale: 1.0,
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }

    fn port(shape: [Option<u32>; 4], element: Element) -> Port {
        Port {
            name: "images".into(),
            shape: shape.to_vec(),
            element,
        }
    }

    fn made(preparation: Preparation, port: &Port) -> Result<Values, String> {
        let input = preparation.apply(port, &Two, Rect::WHOLE);
        input
            .map(|input| input.tensor.values)
            .map_err(|error| error.to_string())
    }

    const SMALL: [Option<u32>; 4] = [Some(1), Some(3), Some(1), Some(2)];

    #[test]
    fn numbers_stand_where_the_layout_wants_them() {
        let planes = made(plain(), &port(SMALL, Element::Uint8));
        assert_eq!(planes, Ok(Values::Uint8(vec![10, 40, 20, 50, 30, 60])));
        let packed = Preparation {
            layout: Layout::Nhwc,
            ..plain()
        };
        let shape = [None, Some(1), Some(2), Some(3)];
        assert_eq!(
            made(packed, &port(shape, Element::Uint8)),
            Ok(Values::Uint8(vec![10, 20, 30, 40, 50, 60]))
        );
    }

    #[test]
    fn numbers_are_scaled_by_channel() {
        let scaled = Preparation {
            scale: 0.1,
            mean: [1.0, 0.0, 0.0],
            std: [1.0, 2.0, 1.0],
            ..plain()
        };
        let Ok(Values::Float32(numbers)) = made(scaled, &port(SMALL, Element::Float32)) else {
            panic!("no numbers");
        };
        let expected = [0.0, 3.0, 1.0, 2.5, 3.0, 6.0];
        assert!(
            numbers.iter().zip(expected).all(|(n, e)| (n - e).abs() < 1e-5),
            "{numbers:?}"
        );
        assert!(
            made(scaled, &port(SMALL, Element::Uint8))
                .unwrap_err()
                .contains("`scale` must be 1")
        );
    }

    #[test]
    fn what_does_not_suit_the_model_is_said() {
        let open = [Some(1), Some(3), None, None];
        for (preparation, shape, element, part) in [
            (plain(), open, Element::Float32, "does not say which size"),
            (
                Preparation {
                    layout: Layout::Nhwc,
                    ..plain()
                },
                SMALL,
                Element::Float32,
                "check `layout`",
            ),
            (
                Preparation {
                    fit: Fit::Inside,
                    ..plain()
                },
                SMALL,
                Element::Float32,
                "`inside`",
            ),
            (
                Preparation {
                    std: [0.0; 3],
                    ..plain()
                },
                SMALL,
                Element::Float32,
                "`std` not 0",
            ),
            (
                Preparation {
                    scale: f32::NAN,
                    ..plain()
                },
                SMALL,
                Element::Float32,
                "finite",
            ),
            (plain(), SMALL, Element::Int64, "takes int64"),
            (
                Preparation {
                    size: Some(Size {
                        width: 9_000,
                        height: 1,
                    }),
                    ..plain()
                },
                open,
                Element::Float32,
                "each side may be 1 to 4096",
            ),
        ] {
            let error = made(preparation, &port(shape, element)).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
