//! Crashed instances are replaced, with patience and not for ever.

use std::time::Duration;

use mediagraph::extension::{
    CallError, Change, Detector, MAX_BACK_OFF, MAX_CONSECUTIVE_FAILURES, State, Supervised, Unanswered,
};
use serde_json::Value;

use crate::fixture::{self, DETECT, Fixture};
use crate::host::{Node, frame, limits, load, node};

/// Crashes on each second frame of an instance.
fn moody() -> Fixture {
    let mut moody = fixture::detector();
    moody.extra = "(global $seen (mut i32) (i32.const 0))".into();
    moody.act =
        format!("(if (global.get $seen) (then unreachable)) (global.set $seen (i32.const 1)) {DETECT}");
    moody
}

fn hopeless() -> Fixture {
    let mut hopeless = fixture::detector();
    hopeless.act = "unreachable".into();
    hopeless
}

async fn supervise(fixture: &Fixture) -> (Supervised<Detector>, Node) {
    let node = node();
    let (supervised, change) = Supervised::start(&load(fixture), &node.context, &Value::Null, limits())
        .await
        .unwrap();
    assert_eq!(change, None);
    (supervised, node)
}

#[tokio::test]
async fn a_crash_costs_one_frame() {
    let (mut detector, _node) = supervise(&moody()).await;
    // More crashes than would end it if they were in a row.
    for round in 0..2 * MAX_CONSECUTIVE_FAILURES {
        let called = detector.detect(&frame()).await;
        assert_eq!(called.answer.unwrap().len(), 1);
        assert_eq!(called.change, (round > 0).then_some(Change::Back));
        assert_eq!(detector.state(), State::Running);
        let called = detector.detect(&frame()).await;
        assert!(matches!(
            called.answer,
            Err(Unanswered::Failed(CallError::Trap(_)))
        ));
        assert!(matches!(called.change, Some(Change::Down(CallError::Trap(_)))));
        assert!(matches!(detector.state(), State::Restarting { .. }));
    }
}

#[tokio::test]
async fn repeated_crashes_wait_longer_and_then_end() {
    let (mut detector, node) = supervise(&hopeless()).await;
    let called = detector.detect(&frame()).await;
    assert!(matches!(called.change, Some(Change::Down(_))));
    for failure in 2..=MAX_CONSECUTIVE_FAILURES {
        let called = detector.detect(&frame()).await;
        assert!(
            matches!(called.answer, Err(Unanswered::Failed(_))),
            "failure {failure}"
        );
        let given_up = matches!(called.change, Some(Change::GivenUp(_)));
        assert_eq!(given_up, failure == MAX_CONSECUTIVE_FAILURES);
        let called = detector.detect(&frame()).await;
        assert_eq!(called.answer, Err(Unanswered::Down), "it must wait");
        assert_eq!(called.change, None);
        if let State::Restarting { until } = detector.state() {
            node.clock.advance(until - node.context.clock.monotonic());
        }
    }
    assert_eq!(detector.state(), State::Failed);
    node.clock.advance(100 * MAX_BACK_OFF + Duration::from_secs(1));
    assert_eq!(detector.detect(&frame()).await.answer, Err(Unanswered::Down));
    assert!(matches!(detector.last_error(), Some(CallError::Trap(_))));
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let mut picky = fixture::detector();
    picky.act = "(call $drop-frame (local.get $frame)) (i32.const 3072)".into();
    let (mut detector, _node) = supervise(&picky).await;
    for _ in 0..2 * MAX_CONSECUTIVE_FAILURES {
        let called = detector.detect(&frame()).await;
        assert_eq!(called.answer, Err(Unanswered::Refused("not this one".into())));
        assert_eq!(called.change, None);
    }
    assert_eq!(detector.state(), State::Running);
}

#[tokio::test]
async fn a_call_that_is_abandoned_leaves_a_working_detector() {
    // Sleeps 1000 s over frames whose first pixel is not black.
    let mut sleepy = fixture::detector().with_sleep();
    sleepy.act = format!(
        "(call $pixels (local.get $frame) (i32.const 4096))
         (if (i32.load8_u (i32.load (i32.const 4096))) (then (call $sleep (i64.const 1000000000000)))) {DETECT}"
    );
    let (mut detector, _node) = supervise(&sleepy).await;
    let mut bright = frame();
    bright.prepared.pixels = vec![255; 16].into();
    tokio::select! {
        biased;
        called = detector.detect(&bright) => panic!("it did not sleep: {called:?}"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(detector.detect(&frame()).await.answer.unwrap().len(), 1);
}
