//! What a model of a family wants to be given, unless the configuration says otherwise.

use object_core::Family;
use serde::Deserialize;

/// The grey that YOLO models are trained to see as "nothing here".
const GREY: u8 = 114;
/// Channels of a picture.
const CHANNELS: u32 = 3;

/// The order of the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How a frame is brought to the size of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Ignores the aspect ratio.
    Stretch,
    /// Keeps it, centred.
    PadCentre,
    /// Keeps it, at the top left.
    PadTopLeft,
}

/// The order of the dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One, channels, height, width.
    Nchw,
    /// One, height, width, channels.
    Nhwc,
}

/// How a frame becomes numbers: `(value * scale - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// Width and height; none: those of the model.
    pub size: Option<(u32, u32)>,
    /// How it gets there.
    pub fit: Fit,
    /// Red, green, blue of what `fit` leaves empty.
    pub fill: [u8; 3],
    /// The order of the colours.
    pub order: Order,
    /// 0 to 255 times this.
    pub scale: f32,
    /// By channel, in the order of `order`.
    pub mean: [f32; 3],
    /// By channel, in the order of `order`.
    pub std: [f32; 3],
}

impl Preparation {
    /// As those do it who trained the family.
    #[must_use]
    pub fn of(family: &Family) -> Self {
        let plain = Self {
            size: None,
            fit: Fit::Stretch,
            fill: [GREY; 3],
            order: Order::Rgb,
            scale: 1.0,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        match family {
            Family::Yolox => Self {
                fit: Fit::PadTopLeft,
                order: Order::Bgr,
                ..plain
            },
            Family::Yolov5 | Family::Yolov8 => Self {
                fit: Fit::PadCentre,
                scale: 1.0 / 255.0,
                ..plain
            },
            Family::Ssd(_) => plain,
        }
    }
}

/// The input of a model that takes frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The order of its dimensions.
    pub layout: Layout,
    /// Width and height that it is given.
    pub size: (u32, u32),
}

/// What the one input of a model is, by its shape. `wanted` is the size that the configuration says.
///
/// # Errors
/// When it takes no frames, or does not say of which size.
pub fn port_of_frames(shape: &[Option<u32>], wanted: Option<(u32, u32)>) -> Result<Input, String> {
    let shown = || {
        let side = |side: &Option<u32>| side.map_or_else(|| "?".to_owned(), |side| side.to_string());
        shape.iter().map(side).collect::<Vec<_>>().join("x")
    };
    let is_channels = |side: &Option<u32>| *side == Some(CHANNELS);
    let (layout, height, width) = match shape {
        [_, channels, height, width] if is_channels(channels) => (Layout::Nchw, height, width),
        [_, height, width, channels] if is_channels(channels) => (Layout::Nhwc, height, width),
        _ => {
            return Err(format!(
                "the input of the model is {}; expected are pictures of 3 channels, as 1x3xHxW or 1xHxWx3",
                shown()
            ));
        }
    };
    let size = match (wanted, *width, *height) {
        (Some((width, height)), own_width, own_height) => {
            let fits = |own: Option<u32>, wanted| own.is_none_or(|own| own == wanted);
            if !fits(own_width, width) || !fits(own_height, height) {
                return Err(format!(
                    "size is {width}x{height}; the model takes {} only",
                    shown()
                ));
            }
            (width, height)
        }
        (None, Some(width), Some(height)) => (width, height),
        (None, ..) => {
            return Err(format!(
                "the input of the model is {}: it takes pictures of many sizes; say one with `size`, such as [640, 640]",
                shown()
            ));
        }
    };
    Ok(Input { layout, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_told_by_the_channels_and_the_size_by_model_or_configuration() {
        let some = |sides: [u32; 4]| sides.map(Some);
        let read = |shape: &[Option<u32>], wanted| port_of_frames(shape, wanted);
        let nchw = Input {
            layout: Layout::Nchw,
            size: (416, 320),
        };
        assert_eq!(read(&some([1, 3, 320, 416]), None), Ok(nchw));
        assert_eq!(read(&[None, Some(3), None, None], Some((416, 320))), Ok(nchw));
        let nhwc = Input {
            layout: Layout::Nhwc,
            size: (300, 200),
        };
        assert_eq!(read(&some([1, 200, 300, 3]), None), Ok(nhwc));
    }

    #[test]
    fn what_takes_no_frames_is_told() {
        for (shape, wanted, part) in [
            (
                vec![Some(1), Some(1000)],
                None,
                "is 1x1000; expected are pictures",
            ),
            (vec![Some(1), Some(1), Some(8), Some(8)], None, "is 1x1x8x8"),
            (vec![None, Some(3), None, None], None, "say one with `size`"),
            (
                vec![Some(1), Some(3), Some(8), Some(8)],
                Some((9, 8)),
                "size is 9x8",
            ),
        ] {
            let error = port_of_frames(&shape, wanted).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
