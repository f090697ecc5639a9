//! From a frame to the numbers that a model wants.

use super::error::RunError;
use super::limits::MAX_INPUT_SIDE;
use super::tensor::{Element, Port, Tensor, Values, elements};
use crate::media::image::{CropSource, Fit, PlaneSpec, Size};
use crate::media::inference::Rect;

/// Red, green and blue.
const CHANNELS: usize = 3;

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

/// The input of a model, made of a picture; but not as numbers yet. Those are four times as many bytes, and whoever runs the
/// model has them at hand when it makes them itself.
#[derive(Debug)]
pub struct PreparedInput {
    name: String,
    shape: Vec<u32>,
    element: Element,
    preparation: Preparation,
    colours: [Vec<u8>; CHANNELS],
    content: Rect,
}

impl PreparedInput {
    /// Its dimensions, the outermost first.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// What its numbers are.
    #[must_use]
    pub fn element(&self) -> Element {
        self.element
    }

    /// The part of it that shows the source, in fractions.
    #[must_use]
    pub fn content(&self) -> Rect {
        self.content
    }

    /// The size of its numbers in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let [first, second, third] = &self.colours;
        (first.len() + second.len() + third.len()).saturating_mul(self.element.bytes())
    }

    /// Its numbers. Computes.
    #[must_use]
    pub fn tensor(&self) -> Tensor {
        Tensor {
            name: self.name.clone(),
            shape: self.shape.clone(),
            values: self.preparation.values(self.element, &self.colours),
        }
    }
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
        self.check_element(port.element)?;
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
        elements(&shape).map_err(RunError::Input)?;
        let spec = PlaneSpec {
            size,
            fit: self.fit,
            fill: self.fill,
        };
        let planes = picture.planes(area, &spec).map_err(RunError::Input)?;
        Ok(PreparedInput {
            name: port.name.clone(),
            shape,
            element: port.element,
            preparation: *self,
            colours: planes.colours,
            content: planes.content,
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

    fn ordered<'a>(&self, [red, green, blue]: &'a [Vec<u8>; CHANNELS]) -> [&'a [u8]; CHANNELS] {
        match self.order {
            ChannelOrder::Rgb => [red, green, blue],
            ChannelOrder::Bgr => [blue, green, red],
        }
    }

    fn check_element(&self, element: Element) -> Result<(), RunError> {
        match element {
            Element::Float32 => Ok(()),
            Element::Uint8 if self.is_plain() => Ok(()),
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

    /// Of an element that has been checked.
    fn values(&self, element: Element, colours: &[Vec<u8>; CHANNELS]) -> Values {
        let planes = &self.ordered(colours);
        if element == Element::Uint8 {
            return Values::Uint8(self.arranged(planes, |level, _| level));
        }
        Values::Float32(if self.is_plain() {
            self.arranged(planes, |level, _| f32::from(level))
        } else {
            self.arranged(planes, |level, (mean, std)| {
                (f32::from(level) * self.scale - mean) / std
            })
        })
    }

    fn is_plain(&self) -> bool {
        self.scale == 1.0 && self.mean == [0.0; CHANNELS] && self.std == [1.0; CHANNELS]
    }

    /// Brings planes into the order of the model; `of` is told the mean and the standard deviation of the channel.
    fn arranged<T>(&self, planes: &[&[u8]; CHANNELS], of: impl Fn(u8, (f32, f32)) -> T) -> Vec<T> {
        let [m0, m1, m2] = self.mean;
        let [s0, s1, s2] = self.std;
        let (first, second, third) = ((m0, s0), (m1, s1), (m2, s2));
        let [a, b, c] = planes;
        match self.layout {
            Layout::Nhwc => {
                let pixels = a.iter().zip(*b).zip(*c);
                let numbered =
                    |((a, b), c): ((&u8, &u8), &u8)| [of(*a, first), of(*b, second), of(*c, third)];
                pixels.flat_map(numbered).collect()
            }
            Layout::Nchw => {
                let mut out = Vec::with_capacity(a.len() + b.len() + c.len());
                out.extend(a.iter().map(|level| of(*level, first)));
                out.extend(b.iter().map(|level| of(*level, second)));
                out.extend(c.iter().map(|level| of(*level, third)));
                out
            }
        }
    }
}

#[cfg(test)]
mod tests;
