//! Another version is made beside the one that runs, and taken over between two calls; or not at all.

use std::sync::Arc;
use std::time::Duration;

use mediagraph::extension::{
    Change, Detector, Extension, MAX_CONSECUTIVE_FAILURES, State, Supervised, Swap, SwapError, Unanswered,
};
use mediagraph::media::inference::Finding;
use serde_json::{Value, json};

use crate::fixture::{self, DETECT, Fixture};
use crate::host::{Node, engine, frame, limits, load, node, start};

/// As many as the project promises to survive without a lost frame.
const SWAPS: u32 = 200;

/// A detector whose box begins at `left` sixteenths.
fn version(left: u32) -> Fixture {
    let mut fixture = fixture::detector();
    let at = left as f32 / 16.0;
    fixture.act = format!("(f32.store (i32.const 2568) (f32.const {at})) {DETECT}");
    fixture.summary = format!("version {left}");
    fixture.schema = r#"{"type": "object"}"#.into();
    fixture
}

async fn supervise(fixture: &Fixture, config: &Value) -> (Supervised<Detector>, Arc<dyn Swap>, Node) {
    let node = node();
    let started = Supervised::start(&load(fixture), &node.context, config, limits()).await;
    let (supervised, change) = started.unwrap();
    assert_eq!(change, None);
    let swap = supervised.swapper(|detector: &Detector| match detector.input().image.size {
        Some(size) if size.width == 4 => Ok(()),
        _ => Err("four pixels or nothing".into()),
    });
    (supervised, swap, node)
}

/// Where the box begins, in sixteenths.
async fn left(detector: &mut Supervised<Detector>) -> u32 {
    let said = detector.detect(&frame()).await.answer.unwrap();
    let [one] = said.as_slice() else {
        panic!("{said:?}")
    };
    let Finding::Motion { area } = &one.finding else {
        panic!("{one:?}")
    };
    (area.l * 16.0) as u32
}

#[tokio::test]
async fn another_version_answers_from_the_next_call_on() {
    let (mut detector, swap, _node) = supervise(&version(4), &Value::Null).await;
    let (first, second) = (load(&version(4)), load(&version(5)));
    assert_eq!(swap.newest(), first.sha256);
    assert_eq!(left(&mut detector).await, 4);
    let hand_over = swap.prepare(Arc::clone(&second)).await.unwrap();
    assert!(detector.exchange().is_none());
    assert_eq!(left(&mut detector).await, 4, "it was made, and not handed over");
    hand_over();
    assert_eq!(
        left(&mut detector).await,
        4,
        "a call takes nothing over by itself"
    );
    let swapped = detector.exchange().unwrap();
    assert_eq!(
        (swapped.previous, &swapped.extension.sha256),
        (first.sha256.clone(), &second.sha256)
    );
    assert_eq!(
        (left(&mut detector).await, swap.newest()),
        (5, second.sha256.clone())
    );
    assert!(detector.exchange().is_none(), "once is enough");
}

#[tokio::test]
async fn two_hundred_swaps_lose_no_answer_and_no_memory() {
    let (mut detector, swap, _node) = supervise(&version(0), &Value::Null).await;
    let versions = [load(&version(1)), load(&version(2))];
    let mut most = 0;
    for round in 0..SWAPS {
        let next = &versions[(round % 2) as usize];
        swap.prepare(Arc::clone(next)).await.unwrap()();
        assert!(detector.exchange().is_some());
        assert_eq!(left(&mut detector).await, 1 + round % 2);
        if round == 2 {
            most = engine().memory().used();
        }
    }
    // Other tests run beside this one, each with a few; two hundred versions would be far more.
    let grown = engine().memory().used().saturating_sub(most);
    assert!(grown < u64::from(SWAPS) * (128 << 10) / 2, "{grown} bytes more");
}

#[tokio::test]
async fn of_two_versions_that_wait_the_newer_is_taken() {
    let (mut detector, swap, _node) = supervise(&version(0), &Value::Null).await;
    swap.prepare(load(&version(1))).await.unwrap()();
    swap.prepare(load(&version(2))).await.unwrap()();
    assert!(detector.exchange().is_some());
    assert_eq!(left(&mut detector).await, 2);
    assert!(detector.exchange().is_none());
}

/// Whether an error is the one that it must be.
type Expected = fn(&SwapError) -> bool;

#[tokio::test]
async fn a_version_that_cannot_be_used_leaves_the_one_before() {
    let config = json!({"old": 1});
    let (mut detector, swap, _node) = supervise(&version(3), &config).await;
    let with = |spoil: fn(&mut Fixture)| {
        let mut fixture = version(9);
        spoil(&mut fixture);
        load(&fixture)
    };
    let loops = "(loop (br 0)) unreachable";
    let cases: [(Arc<Extension>, Expected); 7] = [
        (load(&fixture::gate()), |error| {
            matches!(error, SwapError::World { .. })
        }),
        (
            with(|f| {
                f.schema =
                    r#"{"type": "object", "properties": {"new": {}}, "additionalProperties": false}"#.into();
            }),
            |error| matches!(error, SwapError::Config { problems, .. } if problems.contains("`/config")),
        ),
        (with(|f| f.constructor = "unreachable".into()), |error| {
            error.to_string().contains("crashed")
        }),
        (with(|f| f.constructor = "(i32.const 3072)".into()), |error| {
            error.to_string().contains("not this one")
        }),
        (
            {
                let mut fixture = version(9);
                fixture.constructor = loops.into();
                load(&fixture)
            },
            |error| error.to_string().contains("gave no answer within"),
        ),
        (with(|f| f.ask = "(i32.const -8)".into()), |error| {
            error.to_string().contains("bad answer")
        }),
        (
            with(|f| f.ask = "(i32.store (i32.const 2312) (i32.const 5)) (i32.const 2304)".into()),
            |error| matches!(error, SwapError::Input(_)),
        ),
    ];
    let before = swap.newest();
    for (extension, expected) in cases {
        let Err(error) = swap.prepare(extension).await else {
            panic!("it was started")
        };
        assert!(expected(&error), "{error}");
        assert!(detector.exchange().is_none());
        assert_eq!((left(&mut detector).await, swap.newest()), (3, before.clone()));
    }
}

#[tokio::test]
async fn one_that_was_given_up_runs_again_with_another_version() {
    let mut hopeless = version(1);
    hopeless.act = "unreachable".into();
    let (mut detector, swap, node) = supervise(&hopeless, &Value::Null).await;
    for _ in 0..MAX_CONSECUTIVE_FAILURES {
        let called = detector.detect(&frame()).await;
        assert!(matches!(called.answer, Err(Unanswered::Failed(_))));
        node.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(detector.state(), State::Failed);
    swap.prepare(load(&version(2))).await.unwrap()();
    assert!(detector.exchange().is_some());
    assert_eq!(detector.state(), State::Running);
    let called = detector.detect(&frame()).await;
    assert_eq!(called.change, None::<Change>, "the swap is told, not a recovery");
    assert_eq!(called.answer.unwrap().len(), 1);
}

#[tokio::test]
async fn what_waits_for_a_node_that_has_ended_is_dropped_with_it() {
    let (detector, swap, _node) = supervise(&version(0), &Value::Null).await;
    drop(detector);
    swap.prepare(load(&version(1))).await.unwrap()();
    drop(swap);
    assert!(start(&version(1)).await.is_ok());
}
