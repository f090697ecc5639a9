//! What a guest may ask of the host within one call, and what all of them may have together.

use std::time::Duration;

use mediagraph::extension::limits::{MAX_BYTES_FROM_HOST_PER_CALL, MAX_HOST_CALLS_PER_CALL};
use mediagraph::extension::{CallError, Detector, Engine, EngineOptions, Limits, MemoryCeiling};
use mediagraph::media::image::FrameView;
use serde_json::Value;

use crate::fixture::{self, DETECT, Fixture};
use crate::host::{frame, limits, load, node, still_works};

/// Long enough that only the budget can end the call.
fn patient() -> Limits {
    Limits {
        call_timeout: Duration::from_secs(60),
        ..limits()
    }
}

fn detecting(what: &str) -> Fixture {
    let mut fixture = fixture::detector();
    fixture.act = format!("{what} {DETECT}");
    fixture
}

async fn shown(fixture: &Fixture, limits: Limits, frame: &FrameView) -> Result<usize, CallError> {
    let mut detector = Detector::new(&load(fixture), &node().context, &Value::Null, limits).await?;
    detector.detect(frame).await.map(|found| found.len())
}

/// Asks so many times for the pixels, always into the same memory.
fn asking(times: u64) -> Fixture {
    detecting(&format!(
        "(local $n i32) (loop $again
            (global.set $heap (i32.const 0x11000))
            (call $pixels (local.get $frame) (i32.const 4096))
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {times}))))"
    ))
}

#[tokio::test]
async fn a_storm_of_calls_into_the_host_ends() {
    let most = u64::from(MAX_HOST_CALLS_PER_CALL);
    assert_eq!(shown(&asking(most), patient(), &frame()).await, Ok(1));
    let error = shown(&asking(most + 1), patient(), &frame()).await.unwrap_err();
    let CallError::OverBudget(what) = &error else {
        panic!("{error}")
    };
    assert!(what.contains("more than 100000 calls"), "{what}");
    assert!(error.is_fatal());
    still_works().await;
}

#[tokio::test]
async fn pixels_without_end_end() {
    let mut large = frame();
    large.prepared.pixels = vec![7; 4 << 20].into();
    let most = MAX_BYTES_FROM_HOST_PER_CALL / (4 << 20);
    assert_eq!(shown(&asking(most), patient(), &large).await, Ok(1));
    let error = shown(&asking(most + 1), patient(), &large).await.unwrap_err();
    assert!(error.to_string().contains("bytes of pixels"), "{error}");
    still_works().await;
}

/// Epochs are looked at where guest code loops or is called; here it does neither.
#[tokio::test]
async fn calls_in_a_straight_line_end_in_time() {
    let line = "(call $log (i32.const 2) (i32.const 65536) (i32.const 0x400000))".repeat(4_000);
    let mut straight = detecting(&format!("(drop (memory.grow (i32.const 80))) {line}")).with_log();
    straight.name = "straight".into();
    let error = shown(&straight, limits(), &frame()).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    still_works().await;
}

#[tokio::test]
async fn memory_of_all_components_together_ends_at_the_ceiling() {
    let memory = MemoryCeiling::default();
    memory.set(Some(3));
    let engine = Engine::new(EngineOptions {
        limits: limits(),
        memory: memory.clone(),
        ..EngineOptions::default()
    })
    .unwrap();
    // Has two pages of 64 KiB, and takes another 1 MiB.
    let eater = detecting("(if (i32.eq (i32.const -1) (memory.grow (i32.const 16))) (then unreachable))");
    let extension = engine.load(&eater.bytes(), "eater").unwrap();
    let mut detectors = Vec::new();
    for _ in 0..3 {
        let started = Detector::new(&extension, &node().context, &Value::Null, limits()).await;
        detectors.push(started.unwrap());
    }
    assert!(detectors[0].detect(&frame()).await.is_ok());
    assert!(detectors[1].detect(&frame()).await.is_ok());
    let error = detectors[2].detect(&frame()).await.unwrap_err();
    assert!(
        matches!(error, CallError::HostOutOfMemory { limit_mib: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("`max_guest_memory_mib`"), "{error}");
    drop(detectors);
    assert_eq!(memory.used(), 0, "what is gone is given back");
}
