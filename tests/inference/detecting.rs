//! The object detector with models.

use std::time::Duration;

use mediagraph::extension::{CallError, Limits};
use mediagraph::media::inference::{Finding, Inference};
use serde_json::{Value, json};

use crate::onnx::{self, Side};
use crate::support::{detector, limits, load, plain, shown};

/// As the made-up model has them.
fn classes() -> Value {
    json!({"classes": ["car", "truck"]})
}

fn entity(said: &Inference) -> (&str, f32, [f32; 4]) {
    match &said.finding {
        Finding::Entity { tag, area, .. } => (&tag.value, tag.confidence, [area.l, area.t, area.w, area.h]),
        other => panic!("{other:?}"),
    }
}

fn close(area: [f32; 4], expected: [f32; 4]) -> bool {
    area.iter()
        .zip(expected)
        .all(|(one, other)| (one - other).abs() < 1e-3)
}

async fn refused(graph: &onnx::Graph, config: &Value) -> String {
    match detector(load(graph), config, limits()).await.map(drop) {
        Err(CallError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_truck_is_seen_where_it_is_whatever_the_size_of_the_frame() {
    let mut detector = detector(load(&onnx::truck_in_white()), &classes(), limits())
        .await
        .unwrap();
    for (width, height) in [(32, 32), (16, 16), (640, 640)] {
        let said = shown(&mut detector, &plain(width, height, 235)).await.unwrap();
        let (label, confidence, area) = entity(&said[0]);
        assert_eq!((said.len(), label), (1, "truck"));
        assert!((confidence - 0.72).abs() < 0.02, "{confidence}");
        assert!(
            close(area, [0.25, 0.375, 0.25, 0.5]),
            "{width}x{height}: {area:?}"
        );
    }
    assert!(
        shown(&mut detector, &plain(32, 32, 16)).await.unwrap().is_empty(),
        "black"
    );
}

#[tokio::test]
async fn boxes_are_about_the_frame_and_not_about_its_border() {
    // 8K, half as high as wide: the model sees it in its upper half, brighter than grey there.
    let mut config = classes();
    config["preparation"] = json!({"fill": [255, 255, 255]});
    let mut detector = detector(load(&onnx::truck_in_white()), &config, limits())
        .await
        .unwrap();
    let said = shown(&mut detector, &plain(8192, 4096, 235)).await.unwrap();
    let (label, _, area) = entity(&said[0]);
    assert_eq!(label, "truck");
    // Lines 12 to 28 of the model, of which 16 show the frame: the rest is cut off.
    assert!(close(area, [0.25, 0.75, 0.25, 0.25]), "{area:?}");
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    let mut config = classes();
    config["labels"] = json!(["car"]);
    let mut cars = detector(load(&onnx::truck_in_white()), &config, limits())
        .await
        .unwrap();
    assert!(shown(&mut cars, &plain(32, 32, 235)).await.unwrap().is_empty());
    let region = |top: f32| {
        let mut config = classes();
        let polygon = json!([[0.0, top], [1.0, top], [1.0, top + 0.2], [0.0, top + 0.2]]);
        config["regions"] = json!([{"name": "street", "polygon": polygon}]);
        config
    };
    // The box ends at 0.875.
    for (top, seen) in [(0.8, 1), (0.2, 0)] {
        let mut detector = detector(load(&onnx::truck_in_white()), &region(top), limits())
            .await
            .unwrap();
        assert_eq!(
            shown(&mut detector, &plain(32, 32, 235)).await.unwrap().len(),
            seen
        );
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_and_one_that_takes_no_frames_are_told_at_once() {
    let mut config = classes();
    config["model"] = json!("trucks");
    let why = refused(&onnx::truck_in_white(), &config).await;
    assert!(
        why.contains("there is no model `trucks`; this node has `objects`"),
        "{why}"
    );
    assert!(why.contains("`[models.files]`"), "{why}");
    let why = refused(&onnx::slow(1, 4), &json!({"size": [8, 8]})).await;
    assert!(why.contains("size is 8x8; the model takes 1x3x4x4 only"), "{why}");
    let open = [Side::Of(1), Side::Of(3), Side::Open("H"), Side::Open("W")];
    let why = refused(&onnx::means(&open), &json!({})).await;
    assert!(why.contains("say one with `size`"), "{why}");
}

#[tokio::test]
async fn classes_that_do_not_match_the_model_are_told_with_the_first_frame() {
    let mut coco = detector(load(&onnx::truck_in_white()), &json!({}), limits())
        .await
        .unwrap();
    let error = shown(&mut coco, &plain(32, 32, 235)).await.unwrap_err();
    let CallError::Refused(why) = error else {
        panic!("{error}")
    };
    assert!(
        why.contains("it would tell 2 classes apart, and `classes` names 80"),
        "{why}"
    );
}

#[tokio::test]
async fn answers_that_are_no_numbers_cost_a_frame_and_not_the_component() {
    let config = json!({"family": "yolov5"});
    let mut detector = detector(load(&onnx::nonsense()), &config, limits())
        .await
        .unwrap();
    for _ in 0..2 {
        let error = shown(&mut detector, &plain(8, 8, 235)).await.unwrap_err();
        assert!(
            !error.is_fatal() && error.to_string().contains("numbers that are not finite"),
            "{error}"
        );
    }
}

/// The time that a model takes is that of the call.
#[tokio::test]
async fn a_model_that_is_too_slow_ends_the_call_in_time() {
    let hasty = Limits {
        call_timeout: Duration::from_millis(300),
        ..limits()
    };
    let model = load(&onnx::slow(120, 512));
    let mut detector = detector(model, &json!({"family": "yolov5"}), hasty)
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    let error = shown(&mut detector, &plain(32, 32, 235)).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// `golden.txt` beside the component; `UPDATE=1` writes it anew.
#[tokio::test]
async fn it_says_what_it_said_when_somebody_last_looked_at_it() {
    let mut now = String::new();
    let mut detector = detector(load(&onnx::truck_in_white()), &classes(), limits())
        .await
        .unwrap();
    for (width, height) in [(32, 32), (64, 32), (16, 16), (1920, 1080)] {
        for luma in [100, 160, 200, 235] {
            let said = shown(&mut detector, &plain(width, height, luma)).await.unwrap();
            let told: Vec<String> = said
                .iter()
                .map(|said| {
                    let (label, confidence, [left, top, width, height]) = entity(said);
                    format!("{label} {confidence:.3} at {left:.3},{top:.3} of {width:.3}x{height:.3}")
                })
                .collect();
            let told = if told.is_empty() {
                "nothing".to_owned()
            } else {
                told.join("; ")
            };
            now.push_str(&format!("{width}x{height}, luma {luma}: {told}\n"));
        }
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("extensions/object-detector/golden.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "{} says something else. Now:\n{now}", path.display());
}
