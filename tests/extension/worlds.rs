//! Good components of the three worlds.

use mediagraph::extension::{Action, Activation, Cause, Decision, Gate, Outcome, Processor, Span, World};
use mediagraph::media::image::{Fit, PixelFormat, Size};
use mediagraph::media::inference::{Finding, Inference, Observation, Rect};
use mediagraph::media::{MediaTime, Ticks};
use serde_json::Value;

use crate::fixture;
use crate::host::{detect, frame, limits, load, node, start};

#[tokio::test]
async fn a_detector_answers() {
    let extension = load(&fixture::detector());
    assert_eq!(
        (
            extension.world,
            extension.name.as_str(),
            extension.version.as_str()
        ),
        (World::Detector, "test", "1.2.3")
    );
    assert!(extension.imports.iter().all(|import| !import.inert));
    let mut detector = start(&fixture::detector()).await.unwrap();
    let input = detector.input();
    assert_eq!(input.image.format, PixelFormat::Gray8);
    assert_eq!(input.image.size, Some(Size { width: 4, height: 4 }));
    assert_eq!((input.image.fit, input.max_rate), (Fit::Stretch, None));
    let middle = Rect {
        l: 0.25,
        t: 0.25,
        w: 0.5,
        h: 0.5,
    };
    let said = detector.detect(&frame()).await.unwrap();
    assert_eq!(said, [Inference::new(Finding::Motion { area: middle })]);
    assert_eq!(detector.detect(&frame()).await.unwrap(), said);
}

#[tokio::test]
async fn a_detector_sees_the_pixels() {
    let mut seer = fixture::detector();
    // Crashes unless there are 16 pixels and the last is 15.
    seer.act = format!(
        "(call $pixels (local.get $frame) (i32.const 4096))
         (if (i32.ne (i32.load (i32.const 4100)) (i32.const 16)) (then unreachable))
         (if (i32.ne (i32.load8_u offset=15 (i32.load (i32.const 4096))) (i32.const 15)) (then unreachable))
         {}",
        fixture::DETECT
    );
    assert_eq!(detect(&seer).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_gate_decides() {
    let mut gate = Gate::new(&load(&fixture::gate()), &node().context, &Value::Null, limits())
        .await
        .unwrap();
    assert_eq!(gate.history(), Ticks::from_secs(5));
    let at = MediaTime::from_ticks;
    let decision = Decision {
        actions: vec![Action::Open(Activation {
            id: 7,
            span: Span {
                start: at(10),
                end: at(20),
            },
        })],
        wake: Some(at(30)),
    };
    let observed = Cause::Observed(Observation {
        time: at(10),
        origin: "motion".into(),
        inferences: vec![Inference::new(Finding::Motion {
            area: Rect::default(),
        })],
    });
    for cause in [observed, Cause::Elapsed(at(30))] {
        assert_eq!(gate.consider(&cause).await.unwrap(), decision);
    }
}

#[tokio::test]
async fn a_processor_answers() {
    let mut processor = Processor::new(
        &load(&fixture::processor()),
        &node().context,
        &Value::Null,
        limits(),
    )
    .await
    .unwrap();
    let outcome = processor.process(&Cause::Elapsed(MediaTime::MIN)).await.unwrap();
    assert_eq!(outcome, Outcome::default());
}

#[tokio::test]
async fn a_refused_frame_leaves_the_instance_running() {
    let mut picky = fixture::detector();
    picky.act = "(call $drop-frame (local.get $frame)) (i32.const 3072)".into();
    let mut detector = start(&picky).await.unwrap();
    for _ in 0..2 {
        let error = detector.detect(&frame()).await.unwrap_err();
        assert_eq!(error.to_string(), "the extension refused: not this one");
        assert!(!error.is_fatal());
    }
}

#[tokio::test]
async fn an_extension_of_another_world_is_refused_by_name() {
    let error = Gate::new(
        &load(&fixture::detector()),
        &node().context,
        &Value::Null,
        limits(),
    )
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains("`test` is a detector, not a gate"),
        "{error}"
    );
}

#[test]
fn calls_may_move_between_threads() {
    fn send<T: Send>(_: impl FnOnce() -> T) {}
    send(|| async {
        let mut detector = start(&fixture::detector()).await.unwrap();
        detector.detect(&frame()).await.unwrap();
    });
}
