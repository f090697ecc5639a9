//! Models that run: what goes in, what comes out, and when nothing does.

use mediagraph::inference::{ChannelOrder, Layout, Preparation, RunError, Tensor, Values};
use mediagraph::media::image::{Fit, Size};
use mediagraph::media::inference::Rect;

use crate::onnx::{self, Side};
use crate::support::{load, plain};

fn ones(shape: &[u32]) -> Vec<Tensor> {
    let count: u32 = shape.iter().product();
    let values = Values::Float32(vec![1.0; count as usize]);
    vec![Tensor::new("images".into(), shape.into(), values).unwrap()]
}

fn preparation() -> Preparation {
    Preparation {
        size: None,
        fit: Fit::PadTopLeft,
        fill: [114; 3],
        order: ChannelOrder::Bgr,
        layout: Layout::Nchw,
        scale: 1.0,
        mean: [0.0; 3],
        std: [1.0; 3],
    }
}

fn numbers(tensor: &Tensor) -> &[f32] {
    match &tensor.values {
        Values::Float32(numbers) => numbers,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_frame_goes_in_as_the_model_wants_it() {
    let model = load(&onnx::means(&[1, 3, 40, 40].map(Side::Of)));
    // White, 40x20: the lower half is fill.
    let input = model
        .prepare(&preparation(), &*plain(40, 20, 235), Rect::WHOLE)
        .unwrap();
    let content = input.content();
    assert_eq!((content.h, content.w), (0.5, 1.0));
    let outputs = model.run(input).await.unwrap();
    let means = numbers(&outputs[0]);
    assert_eq!(outputs[0].shape, [1, 3, 1, 1]);
    assert!(
        means
            .iter()
            .all(|mean| (mean - (255.0 + 114.0) / 2.0).abs() < 1.0),
        "{means:?}"
    );
    assert_eq!((model.stats().runs, model.stats().failed), (1, 0));
}

#[tokio::test]
async fn a_model_of_open_shape_takes_any_that_fits() {
    let open = [Side::Open("N"), Side::Of(3), Side::Open("H"), Side::Open("W")];
    let model = load(&onnx::means(&open));
    for (count, side) in [(1, 8), (1, 16), (2, 8), (1, 8), (1, 24), (1, 32), (1, 40), (3, 8)] {
        let outputs = model.run(ones(&[count, 3, side, side])).await.unwrap();
        assert_eq!(outputs[0].shape, [count, 3, 1, 1]);
    }
    let error = model.run(ones(&[1, 4, 8, 8])).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is ?x3x?x? of float32; given is 1x4x8x8"),
        "{error}"
    );
    let error = model
        .prepare(&preparation(), &*plain(8, 8, 0), Rect::WHOLE)
        .unwrap_err();
    assert!(error.to_string().contains("does not say which size"), "{error}");
    let sized = Preparation {
        size: Some(Size { width: 24, height: 8 }),
        ..preparation()
    };
    let input = model.prepare(&sized, &*plain(8, 8, 0), Rect::WHOLE).unwrap();
    assert_eq!(input.shape(), [1, 3, 8, 24]);
}

#[tokio::test]
async fn inputs_that_do_not_suit_the_model_are_told() {
    let model = load(&onnx::truck_in_white());
    for (inputs, part) in [
        (Vec::new(), "0 inputs are given; the model takes 1"),
        (
            ones(&[1, 3, 16, 32]),
            "is 1x3x32x32 of float32; given is 1x3x16x32",
        ),
        (
            vec![Tensor {
                name: "image".into(),
                ..ones(&[1, 3, 32, 32]).remove(0)
            }],
            "the input `images` of the model is missing",
        ),
        (
            vec![Tensor::new("images".into(), vec![1, 3, 32, 32], Values::Uint8(vec![0; 3072])).unwrap()],
            "given is 1x3x32x32 of uint8",
        ),
    ] {
        let error = model.run(inputs).await.unwrap_err();
        assert!(
            matches!(error, RunError::Input(_)) && error.to_string().contains(part),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_number_is_refused() {
    let model = load(&onnx::nonsense());
    let error = model.run(ones(&[1, 3, 8, 8])).await.unwrap_err();
    assert_eq!(
        error,
        RunError::Nonsense {
            output: "output".into()
        }
    );
    assert_eq!(model.stats().failed, 1);
}
