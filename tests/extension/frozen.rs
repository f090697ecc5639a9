//! Components as they were built against the first version of the interface. They stand here as text and are never
//! changed: whatever the host offers beyond, they load and answer as they did.

use mediagraph::extension::{Action, Cause, Detector, Gate, Processor, World};
use mediagraph::media::MediaTime;
use mediagraph::media::inference::{Finding, Observation};
use serde_json::{Value, json};

use crate::host::{engine, frame, limits, node};

const DETECTOR: &str = include_str!("frozen/detector-0.1.0.wat");
const GATE: &str = include_str!("frozen/gate-0.1.0.wat");
const PROCESSOR: &str = include_str!("frozen/processor-0.1.0.wat");

fn loaded(text: &str, world: World) -> std::sync::Arc<mediagraph::extension::Extension> {
    let bytes = wat::parse_str(text).unwrap();
    let extension = engine().load(&bytes, "frozen.wasm").unwrap();
    assert_eq!((extension.world, extension.version.as_str()), (world, "1.2.3"));
    assert!(
        extension
            .imports
            .iter()
            .all(|import| import.name.ends_with("@0.1.0")),
        "{:?}",
        extension.imports
    );
    extension
}

#[tokio::test]
async fn a_detector_of_0_1_0_still_answers() {
    let extension = loaded(DETECTOR, World::Detector);
    let mut detector = Detector::new(&extension, &node().context, &json!({}), limits())
        .await
        .unwrap();
    let input = detector.input();
    let size = input.image.size.unwrap();
    assert_eq!(((size.width, size.height), input.max_rate), ((4, 4), None));
    let said = detector.detect(&frame()).await.unwrap();
    let [one] = said.as_slice() else {
        panic!("{said:?}")
    };
    let Finding::Motion { area } = &one.finding else {
        panic!("{one:?}")
    };
    assert_eq!((area.l, area.t, area.w, area.h), (0.25, 0.25, 0.5, 0.5));
}

#[tokio::test]
async fn a_gate_of_0_1_0_still_decides() {
    let extension = loaded(GATE, World::Gate);
    let mut gate = Gate::new(&extension, &node().context, &json!({}), limits())
        .await
        .unwrap();
    assert_eq!(gate.history().0, 450_000);
    let observed = Observation {
        time: MediaTime::from_ticks(5),
        origin: "motion".into(),
        inferences: Vec::new(),
    };
    let decision = gate.consider(&Cause::Observed(observed)).await.unwrap();
    let [Action::Open(activation)] = decision.actions.as_slice() else {
        panic!("{decision:?}")
    };
    let span = activation.span;
    assert_eq!((activation.id, span.start.ticks(), span.end.ticks()), (7, 10, 20));
    assert_eq!(decision.wake.map(MediaTime::ticks), Some(30));
}

#[tokio::test]
async fn a_processor_of_0_1_0_still_answers() {
    let extension = loaded(PROCESSOR, World::Processor);
    let mut processor = Processor::new(&extension, &node().context, &Value::Null, limits())
        .await
        .unwrap();
    let outcome = processor.process(&Cause::Elapsed(MediaTime::MIN)).await.unwrap();
    assert!(outcome.observations.is_empty());
}
