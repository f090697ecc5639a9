//! The embedded components, run in a sandbox of the test's own: do they say what the same code says natively?

use mediagraph::extension::builtin::{BUILTIN, find};
use motion_core::{MotionDetector, Region, Sensitivity};
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::no_models::ModelDetector;

pub(crate) mod detector {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "detector",
        with: { "mediagraph:extension/frames.frame": super::Picture },
    });
}

mod gate {
    wasmtime::component::bindgen!({ path: "wit", world: "gate" });
}

mod processor {
    wasmtime::component::bindgen!({ path: "wit", world: "processor" });
}

use detector::mediagraph::extension::types::{Finding, Inference, PixelFormat, Rect, Size};
use detector::mediagraph::extension::{frames, logging, types};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;
const TICKS_PER_FRAME: u64 = 9000;

/// A frame as the component sees it.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "generated code hands it on")]
pub struct Picture {
    number: u64,
    pixels: Vec<u8>,
}

pub(crate) struct Host {
    table: ResourceTable,
    wasi: WasiCtx,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl types::Host for Host {}
impl frames::Host for Host {}

impl logging::Host for Host {
    fn log(&mut self, _: logging::Level, _: String) {}
}

impl gate::mediagraph::extension::types::Host for Host {}
impl processor::mediagraph::extension::types::Host for Host {}

impl processor::mediagraph::extension::logging::Host for Host {
    fn log(&mut self, _: processor::mediagraph::extension::logging::Level, _: String) {}
}

impl gate::mediagraph::extension::logging::Host for Host {
    fn log(&mut self, _: gate::mediagraph::extension::logging::Level, _: String) {}
}

impl frames::HostFrame for Host {
    fn info(&mut self, frame: Resource<Picture>) -> frames::FrameInfo {
        let size = Size {
            width: WIDTH as u32,
            height: HEIGHT as u32,
        };
        let number = self.table.get(&frame).unwrap().number;
        frames::FrameInfo {
            sequence: number,
            timestamp: number * TICKS_PER_FRAME,
            source_size: size,
            size,
            format: PixelFormat::Gray8,
            content: Rect {
                l: 0.0,
                t: 0.0,
                w: 1.0,
                h: 1.0,
            },
        }
    }

    fn pixels(&mut self, frame: Resource<Picture>) -> Vec<u8> {
        self.table.get(&frame).unwrap().pixels.clone()
    }

    fn crop(&mut self, _: Resource<Picture>, _: Rect, _: Size, _: PixelFormat) -> Result<Vec<u8>, String> {
        Err("not in this test".into())
    }

    fn annotations(&mut self, _: Resource<Picture>) -> Vec<Inference> {
        Vec::new()
    }

    fn drop(&mut self, frame: Resource<Picture>) -> wasmtime::Result<()> {
        self.table.delete(frame)?;
        Ok(())
    }
}

fn load(name: &str) -> (Engine, Component, Store<Host>) {
    let engine = Engine::new(&Config::new()).unwrap();
    let component = Component::new(&engine, find(name).unwrap().bytes).unwrap();
    let host = Host {
        table: ResourceTable::new(),
        wasi: WasiCtx::builder().build(),
    };
    let store = Store::new(&engine, host);
    (engine, component, store)
}

/// A textured, noisy yard through which two things pass, one after the other.
fn picture(number: u64) -> Vec<u8> {
    let mut seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let noise = (seed >> 60) as usize;
            pixels.push((80 + y / 4 + (x * 7 + y * 13) % 9 + noise) as u8);
        }
    }
    let walk = (number % 60) as usize * 6;
    if number >= 30 {
        for y in 90..120 {
            for x in walk..(walk + 20).min(WIDTH) {
                pixels[y * WIDTH + x] = 200;
            }
        }
    }
    pixels
}

struct Running {
    store: Store<Host>,
    world: detector::Detector,
    detector: wasmtime::component::ResourceAny,
}

impl Running {
    fn new(config: &str) -> Self {
        let (engine, component, mut store) = load("motion-detector");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
        detector::Detector::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host).unwrap();
        let world = detector::Detector::instantiate(&mut store, &component, &linker).unwrap();
        let detector = world
            .mediagraph_extension_detection()
            .detector()
            .call_constructor(&mut store, config)
            .unwrap()
            .unwrap();
        Self {
            store,
            world,
            detector,
        }
    }

    fn detect(&mut self, number: u64, pixels: Vec<u8>) -> Vec<Inference> {
        let frame = self
            .store
            .data_mut()
            .table
            .push(Picture { number, pixels })
            .unwrap();
        let borrowed = Resource::new_borrow(frame.rep());
        let detection = self.world.mediagraph_extension_detection();
        let inferences = detection
            .detector()
            .call_detect(&mut self.store, self.detector, borrowed)
            .unwrap()
            .unwrap();
        self.store.data_mut().table.delete(frame).unwrap();
        inferences
    }
}

fn boxes(inferences: &[Inference]) -> Vec<Region> {
    inferences
        .iter()
        .map(|inference| match &inference.finding {
            Finding::Motion(motion) => Region {
                left: motion.box_.l,
                top: motion.box_.t,
                width: motion.box_.w,
                height: motion.box_.h,
            },
            other => panic!("{other:?} is no motion"),
        })
        .collect()
}

#[test]
fn the_motion_detector_gives_the_same_bits_as_its_algorithm_does_natively() {
    let mut component = Running::new("{}");
    let mut native = MotionDetector::new(WIDTH, HEIGHT, Sensitivity::Medium).unwrap();
    let mut seen = 0;
    for number in 0..150 {
        let pixels = picture(number);
        let expected = native.detect(number * TICKS_PER_FRAME, &pixels).unwrap();
        seen += expected.len();
        assert_eq!(
            boxes(&component.detect(number, pixels)),
            expected,
            "frame {number}"
        );
    }
    assert!(seen > 50, "only {seen} regions: the comparison says little");
}

#[test]
fn without_regions_there_is_one_motion_over_the_whole_picture() {
    let mut component = Running::new(r#"{"outputMotionRegion": false}"#);
    let whole = Region {
        left: 0.0,
        top: 0.0,
        width: 1.0,
        height: 1.0,
    };
    let reports: Vec<Vec<Region>> = (0..60).map(|n| boxes(&component.detect(n, picture(n)))).collect();
    assert!(reports.iter().filter(|report| !report.is_empty()).count() > 10);
    for report in reports {
        assert!(report.is_empty() || report == [whole], "{report:?}");
    }
}

#[test]
fn a_window_thins_the_reports() {
    let mut component = Running::new(r#"{"eventAggregationWindow": "PT1S"}"#);
    let times: Vec<u64> = (0..120)
        .filter(|n| !component.detect(*n, picture(*n)).is_empty())
        .collect();
    assert!(times.len() > 3, "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{times:?}");
}

#[test]
fn the_signal_gate_gives_the_same_answers_as_its_algorithm_does_natively() {
    use gate::exports::mediagraph::extension::gating::{Action, Cause};
    use gate::mediagraph::extension::types::Observation;

    let (engine, component, mut store) = load("signal-gate");
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    gate::Gate::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host).unwrap();
    let world = gate::Gate::instantiate(&mut store, &component, &linker).unwrap();
    let gating = world.mediagraph_extension_gating();
    let config = r#"{"activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT5S",
        "minimumActivationTime": "PT30S", "maximumActivationTime": "PT60S"}"#;
    let gate = gating
        .gate()
        .call_constructor(&mut store, config)
        .unwrap()
        .unwrap();

    let second = |n: i64| Some(n * gate_core::TICKS_PER_SECOND);
    let settings = gate_core::Settings {
        evaluation_window: second(1),
        signal_offset: second(-5),
        minimum: second(30),
        maximum: second(60),
    };
    let mut native = gate_core::Gate::new(gate_core::Config::new(settings).unwrap());
    assert_eq!(
        gating.gate().call_history(&mut store, gate).unwrap(),
        native.history()
    );
    let mut opened = 0;
    for at in (0..20).map(|n| 1_000_000 * 90_000 + n * 900_000) {
        let observation = Observation {
            timestamp: at,
            origin: "motion".into(),
            inferences: Vec::new(),
        };
        let causes = [
            (Cause::Observed(observation), native.observed(at)),
            (Cause::Elapsed(at + 90_000), native.elapsed(at + 90_000)),
        ];
        for (cause, expected) in causes {
            let decision = gating.gate().call_consider(&mut store, gate, &cause).unwrap();
            assert_eq!(decision.wake, expected.wake);
            let actions = decision.actions.iter().map(|action| match action {
                Action::Open(activation) => (activation.id, activation.span.start, activation.span.end),
                Action::Close(_) => panic!("this gate never closes early"),
            });
            assert!(actions.eq(expected.open.iter().map(|a| (a.id, a.start, a.end))));
            opened += expected.open.len();
        }
    }
    assert!(opened > 10);
}

/// What a component says of itself: its name, and the schema of its configuration.
macro_rules! described {
    ($world:ty, $linker:expr, $store:expr, $component:expr) => {{
        <$world>::add_to_linker::<_, HasSelf<_>>(&mut $linker, |host| host).unwrap();
        let world = <$world>::instantiate(&mut $store, &$component, &$linker).unwrap();
        let about = world.mediagraph_extension_about();
        let about = about.call_describe(&mut $store).unwrap();
        (about.name, about.config_schema)
    }};
}

#[test]
fn each_component_describes_itself_under_its_name_with_a_valid_schema() {
    for builtin in BUILTIN {
        let (engine, component, mut store) = load(builtin.name);
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
        let (name, schema) = match builtin.name {
            "signal-gate" | "label-gate" => described!(gate::Gate, linker, store, component),
            "motion-detector" => described!(detector::Detector, linker, store, component),
            "object-detector" => described!(ModelDetector, linker, store, component),
            _ => described!(processor::Processor, linker, store, component),
        };
        assert_eq!(name, builtin.name);
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        // The two that topologies of LVA use must do with what those say.
        if matches!(builtin.name, "signal-gate" | "motion-detector") {
            assert!(schema.is_valid(&serde_json::json!({})), "{name}");
        }
    }
}
