//! The epoch, by which endless loops end: it ticks while somebody is called, and rests when nobody is.
//!
//! Each test has an engine of its own: others would keep it ticking.

use mediagraph::extension::{Detector, Engine, EngineOptions};
use serde_json::Value;

use crate::fixture::{self, DETECT};
use crate::host::{frame, limits, node};

fn engine() -> Engine {
    Engine::new(EngineOptions {
        limits: limits(),
        ..EngineOptions::default()
    })
    .unwrap()
}

#[tokio::test]
async fn the_epoch_ticks_while_a_component_is_called() {
    let engine = engine();
    let mut endless = fixture::detector();
    endless.act = "(loop (br 0)) unreachable".into();
    let extension = engine.load(&endless.bytes(), "endless").unwrap();
    let mut detector = Detector::new(&extension, &node().context, &Value::Null, limits())
        .await
        .unwrap();
    let before = engine.epochs();
    detector.detect(&frame()).await.unwrap_err();
    let ticks = engine.epochs() - before;
    // Half a second in ticks of 10 ms.
    assert!(ticks >= 50, "{ticks} ticks");
}

#[tokio::test]
async fn the_epoch_rests_while_nobody_is_called() {
    let engine = engine();
    let mut quick = fixture::detector();
    quick.act = DETECT.into();
    let extension = engine.load(&quick.bytes(), "quick").unwrap();
    let mut detector = Detector::new(&extension, &node().context, &Value::Null, limits())
        .await
        .unwrap();
    detector.detect(&frame()).await.unwrap();
    // What the last call began still ends; then another second would be a hundred ticks.
    tokio::time::sleep(limits().call_timeout).await;
    let before = engine.epochs();
    tokio::time::sleep(2 * limits().call_timeout).await;
    assert_eq!(engine.epochs(), before);
    detector.detect(&frame()).await.unwrap();
}
