use std::sync::Arc;

use super::*;
use crate::media::image::PixelFormat;

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
        .map(|input| input.tensor().values)
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
fn blue_comes_first_where_the_model_wants_it() {
    for (layout, shape, expected) in [
        (Layout::Nchw, SMALL, vec![30, 60, 20, 50, 10, 40]),
        (
            Layout::Nhwc,
            [Some(1), Some(1), Some(2), Some(3)],
            vec![30, 20, 10, 60, 50, 40],
        ),
    ] {
        let blue = Preparation {
            order: ChannelOrder::Bgr,
            layout,
            ..plain()
        };
        assert_eq!(
            made(blue, &port(shape, Element::Uint8)),
            Ok(Values::Uint8(expected))
        );
    }
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
