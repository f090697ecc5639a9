//! Components as strangers may send them: real ones with bytes changed, and such as load well and then do anything.
//!
//! What must hold: the host never panics, each call ends within its time, and what a component says has passed all
//! checks before anybody sees it. The first byte says what is made of the rest, see [`made`].
#![no_main]

#[path = "../../tests/common/component.rs"]
#[allow(dead_code, reason = "written for tests; this needs a part")]
mod fixture;

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use fixture::Fixture;
use libfuzzer_sys::fuzz_target;
use mediagraph::extension::{
    CallError, Cause, Detector, Engine, EngineOptions, Extension, Gate, Limits, NodeContext, Processor,
    TracingLog, World,
};
use mediagraph::media::image::{CropSource, FrameView, PixelFormat, Prepared, Size};
use mediagraph::media::inference::{Finding, Inference, Rect};
use mediagraph::media::{MediaTime, SystemClock};
use serde_json::Value;

const LIMITS: Limits = Limits {
    memory_mib: 8,
    call_timeout: Duration::from_millis(50),
    construct_timeout: Duration::from_millis(100),
};
/// What a call may take beyond its time, on a machine that has other work: compiling is not in it.
const SLACK: Duration = Duration::from_secs(2);
/// Calls of each instance.
const CALLS: usize = 3;
/// Statements of one function.
const MAX_STATEMENTS: usize = 60;
/// Characters of a refusal.
const MAX_REFUSAL: usize = 16 << 10;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let options = EngineOptions {
        limits: LIMITS,
        ..EngineOptions::default()
    };
    Engine::new(options).unwrap()
});
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let Some(component) = made(bytes) else { return };
    match ENGINE.load(&component, "fuzz") {
        Err(refused) => assert!(refused.to_string().len() <= MAX_REFUSAL),
        Ok(extension) => RUNTIME.block_on(run(&extension)),
    }
});

/// 0 to 2: a detector, gate or processor with bytes changed; 3 to 5: one whose functions are made of the bytes; else
/// the bytes as they are.
fn made(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = bytes.split_first()?;
    let fixture = match kind % 3 {
        0 => fixture::detector().with_log(),
        1 => fixture::gate(),
        _ => fixture::processor(),
    };
    match kind {
        0..=2 => Some(changed(fixture.bytes(), rest)),
        3..=5 => Some(doing(fixture, rest).bytes()),
        _ => Some(rest.to_vec()),
    }
}

/// Each four bytes: where, and what: a place of 24 bits, and the byte that goes there. One whose place is far
/// behind the end cuts.
fn changed(mut component: Vec<u8>, rest: &[u8]) -> Vec<u8> {
    for patch in rest.chunks_exact(4) {
        let place = usize::from(patch[0]) | usize::from(patch[1]) << 8 | usize::from(patch[2] & 1) << 16;
        match component.get_mut(place) {
            Some(byte) => *byte = patch[3],
            None => component.truncate(place / 4),
        }
    }
    component
}

/// Lets its functions do what the bytes say before they answer.
fn doing(mut fixture: Fixture, rest: &[u8]) -> Fixture {
    let mut source = rest.iter().copied();
    let detector = fixture.world == fixture::World::Detector;
    fixture.extra += "(global $n (mut i32) (i32.const 0))";
    let mut parts = Vec::new();
    for calls in [false, false, detector] {
        parts.push(statements(&mut source, calls));
    }
    let [constructor, ask, act] = parts.try_into().unwrap();
    if fixture.world != fixture::World::Processor {
        fixture.ask = format!("{ask} {}", fixture.ask);
    }
    fixture.constructor = format!("{constructor} {}", fixture.constructor);
    fixture.act = format!("{act} {}", fixture.act);
    fixture
}

fn number(source: &mut impl Iterator<Item = u8>) -> i32 {
    let bytes: [u8; 4] = std::array::from_fn(|_| source.next().unwrap_or(0));
    match bytes[0] % 6 {
        0 => i32::from_le_bytes(bytes),
        1 => i32::from(bytes[1]),
        // Where what the fixture answers stands.
        2 | 3 => 2048 + i32::from(u16::from_le_bytes([bytes[1], bytes[2]]) % 1100),
        4 => i32::from(u16::from_le_bytes([bytes[1], bytes[2]])),
        _ => i32::MAX,
    }
}

/// Ends with an empty stack.
fn statements(source: &mut impl Iterator<Item = u8>, calls: bool) -> String {
    let mut text = String::new();
    let count = usize::from(source.next().unwrap_or(0)) % MAX_STATEMENTS;
    for _ in 0..count {
        let (kind, at, value) = (source.next().unwrap_or(0), number(source), number(source));
        let statement = match kind % 12 {
            0..=3 => format!("(i32.store (i32.const {at}) (i32.const {value}))"),
            4 => format!("(f32.store (i32.const {at}) (f32.reinterpret_i32 (i32.const {value})))"),
            5 => format!("(drop (memory.grow (i32.const {})))", value & 0xff),
            6 => format!("(memory.fill (i32.const {at}) (i32.const {value}) (i32.const {}))", value & 0xffff),
            7 if calls => format!("(call $log (i32.const {}) (i32.const {at}) (i32.const {value}))", kind / 12 % 6),
            8 if calls => format!("(call $pixels (local.get $frame) (i32.const {}))", at & 0xffff),
            9 if calls => format!(
                "(call $crop (local.get $frame) (f32.reinterpret_i32 (i32.const {at})) (f32.const 0) (f32.const 0.5)
                    (f32.const 0.5) (i32.const {value}) (i32.const {}) (i32.const {}) (i32.const 4096))",
                at & 0xff,
                kind / 12 % 5
            ),
            10 => "(loop $again (global.set $n (i32.add (global.get $n) (i32.const 1)))
                (br_if $again (i32.and (global.get $n) (i32.const 0xfff))))"
                .to_owned(),
            11 if value % 7 == 0 => "(loop $for-ever (br $for-ever))".to_owned(),
            _ => continue,
        };
        write!(text, "{statement} ").unwrap();
    }
    text
}

async fn run(extension: &Arc<Extension>) {
    let context = NodeContext {
        node: "fuzz".into(),
        log: Arc::new(TracingLog),
        clock: Arc::new(SystemClock::new()),
        seed: 1,
        models: mediagraph::inference::Bound::default(),
    };
    let begin = Instant::now();
    match extension.world {
        World::Detector => {
            let Ok(mut one) = Detector::new(extension, &context, &Value::Null, LIMITS).await else {
                return in_time(begin, 3);
            };
            for _ in 0..CALLS {
                let answer = one.detect(&frame()).await;
                answer.iter().flatten().for_each(sound);
                if ended(&answer) {
                    break;
                }
            }
        }
        World::Gate => {
            let Ok(mut one) = Gate::new(extension, &context, &Value::Null, LIMITS).await else {
                return in_time(begin, 3);
            };
            for _ in 0..CALLS {
                if ended(&one.consider(&Cause::Elapsed(MediaTime::MIN)).await) {
                    break;
                }
            }
        }
        World::Processor => {
            let Ok(mut one) = Processor::new(extension, &context, &Value::Null, LIMITS).await else {
                return in_time(begin, 3);
            };
            for _ in 0..CALLS {
                if ended(&one.process(&Cause::Elapsed(MediaTime::MIN)).await) {
                    break;
                }
            }
        }
    }
    in_time(begin, 3 + CALLS as u32);
    assert_eq!(ENGINE.memory().used() >> 40, 0, "memory was given back twice");
}

fn in_time(begin: Instant, calls: u32) {
    assert!(begin.elapsed() < LIMITS.construct_timeout * calls + SLACK);
}

/// Whether the instance is of no more use.
fn ended<T>(answer: &Result<T, CallError>) -> bool {
    answer.as_ref().is_err_and(CallError::is_fatal)
}

/// What is said has passed all checks.
fn sound(said: &Inference) {
    let area = match &said.finding {
        Finding::Motion { area } | Finding::Entity { area, .. } => *area,
        Finding::Event { area: Some(area), .. } => *area,
        _ => return,
    };
    for side in [area.l, area.t, area.w, area.h, area.l + area.w, area.t + area.h] {
        assert!((0.0..=1.001).contains(&side), "{area:?}");
    }
}

#[derive(Debug)]
struct Grey;

impl CropSource for Grey {
    fn crop(&self, _: Rect, size: Size, _: PixelFormat) -> Result<Arc<[u8]>, String> {
        Ok(vec![128; (size.width * size.height) as usize].into())
    }
}

fn frame() -> FrameView {
    let size = Size { width: 4, height: 4 };
    FrameView {
        sequence: 1,
        time: MediaTime::from_ticks(143_039_375_044_290),
        source_size: size,
        prepared: Prepared {
            format: PixelFormat::Gray8,
            size,
            content: Rect {
                l: 0.0,
                t: 0.0,
                w: 1.0,
                h: 1.0,
            },
            pixels: (0..16).collect::<Vec<u8>>().into(),
        },
        source: Arc::new(Grey),
        annotations: Arc::new([]),
    }
}
