//! Components that load well and then misbehave.

use mediagraph::extension::limits::{MAX_LOG_LINE_BYTES, MAX_LOG_LINES_PER_SECOND};
use mediagraph::extension::{CallError, Cause, Detector, Gate, Processor};
use mediagraph::media::MediaTime;
use serde_json::Value;

use crate::fixture::{self, DETECT, Fixture};
use crate::host::{detect, engine, frame, limits, load, node, start, still_works};

const LOOP: &str = "(loop (br 0)) unreachable";

/// A detector that does `what` and then answers as it should.
fn detecting(what: &str) -> Fixture {
    let mut fixture = fixture::detector();
    fixture.act = format!("{what} {DETECT}");
    fixture
}

fn timed_out(error: &CallError) -> bool {
    matches!(error, CallError::TimedOut { .. })
}

#[tokio::test]
async fn an_endless_loop_is_stopped_wherever_it_is() {
    let mut constructing = fixture::detector();
    constructing.constructor = LOOP.into();
    assert!(timed_out(&start(&constructing).await.unwrap_err()));
    let mut asking = fixture::detector();
    asking.ask = LOOP.into();
    assert!(timed_out(&start(&asking).await.unwrap_err()));
    assert!(timed_out(&detect(&detecting(LOOP)).await.unwrap_err()));
    // Also where the host asks for room in its memory, and before anything of it is called.
    let mut allocating = detecting("(call $pixels (local.get $frame) (i32.const 4096))");
    allocating.realloc = LOOP.into();
    assert!(timed_out(&start(&allocating).await.unwrap_err()));
    let mut starting = fixture::detector();
    starting.extra = format!("(func $never {LOOP}) (start $never)");
    let refused = engine()
        .load(&starting.bytes(), "starting")
        .unwrap_err()
        .to_string();
    assert!(refused.contains("gave no answer within"), "{refused}");
    let mut asking = fixture::gate();
    asking.ask = LOOP.into();
    let asked = Gate::new(&load(&asking), &node().context, &Value::Null, limits()).await;
    assert!(timed_out(&asked.unwrap_err()));
    let mut processing = fixture::processor();
    processing.act = LOOP.into();
    let mut processor = Processor::new(&load(&processing), &node().context, &Value::Null, limits())
        .await
        .unwrap();
    let processed = processor.process(&Cause::Elapsed(MediaTime::MIN)).await;
    assert!(timed_out(&processed.unwrap_err()));
    let mut considering = fixture::gate();
    considering.act = LOOP.into();
    let mut gate = Gate::new(&load(&considering), &node().context, &Value::Null, limits())
        .await
        .unwrap();
    assert!(timed_out(
        &gate.consider(&Cause::Elapsed(MediaTime::MIN)).await.unwrap_err()
    ));
    still_works().await;
}

#[tokio::test]
async fn a_sleeper_is_stopped_though_it_computes_nothing() {
    // 1000 s, which no epoch would ever interrupt.
    let sleeper = detecting("(call $sleep (i64.const 1000000000000))").with_sleep();
    assert!(timed_out(&detect(&sleeper).await.unwrap_err()));
    let forever = detecting("(call $sleep (i64.const -1))").with_sleep();
    assert!(timed_out(&detect(&forever).await.unwrap_err()));
    still_works().await;
}

#[tokio::test]
async fn a_guest_that_computes_between_naps_is_stopped() {
    let napper = detecting("(loop (call $sleep (i64.const 1000)) (br 0))").with_sleep();
    let error = detect(&napper).await.unwrap_err();
    // It never drops what it sleeps on, so either the time or the room for handles ends.
    assert!(error.is_fatal(), "{error}");
    still_works().await;
}

#[tokio::test]
async fn crashes_are_named() {
    for (what, says) in [
        ("unreachable", "unreachable"),
        (
            "(drop (i32.div_s (i32.const 1) (i32.sub (i32.const 1) (i32.const 1))))",
            "divide by zero",
        ),
        ("(drop (i32.load (i32.const -4)))", "out of bounds memory access"),
        ("(call $deeper)", "call stack exhausted"),
        ("(call_indirect $nothing (i32.const 0))", "uninitialized element"),
        ("(call_indirect $nothing (i32.const 9))", "undefined element"),
        (
            "(call_indirect $wrong (i32.const 0))",
            "indirect call type mismatch",
        ),
        (
            "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
            "integer overflow",
        ),
        (
            "(drop (i32.trunc_f32_s (f32.const nan)))",
            "invalid conversion to integer",
        ),
        (
            "(drop (table.get $nothing (i32.const 9)))",
            "out of bounds table access",
        ),
        (
            "(memory.fill (i32.const -4) (i32.const 0) (i32.const 8))",
            "out of bounds memory access",
        ),
    ] {
        let mut crashing = detecting(what);
        crashing.extra = "(func $deeper (call $deeper)) (table $nothing 1 funcref)
            (func $number (result i32) (i32.const 1)) (table $wrong funcref (elem $number))"
            .into();
        let error = detect(&crashing).await.unwrap_err();
        let CallError::Trap(text) = &error else {
            panic!("{what}: {error}")
        };
        assert!(text.contains(says), "{what}: {text}");
        assert!(error.is_fatal());
    }
    still_works().await;
}

#[tokio::test]
async fn a_frame_that_is_kept_is_a_crash() {
    let mut keeper = fixture::detector();
    keeper.act = "(i32.const 2432)".into();
    let error = detect(&keeper).await.unwrap_err();
    assert!(
        error.to_string().contains("borrow handles still remain"),
        "{error}"
    );
    still_works().await;
}

#[tokio::test]
async fn memory_ends_at_the_cap() {
    // Grows by one page until refused, then says how it felt.
    let mut grower = detecting(
        "(loop $more (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))
         (if (i32.ne (memory.size) (i32.const 256)) (then unreachable))",
    );
    assert_eq!(
        detect(&grower).await.unwrap().len(),
        1,
        "16 MiB are 256 pages, and not one more"
    );
    grower.act =
        "(if (i32.eq (i32.const -1) (memory.grow (i32.const 60000))) (then unreachable)) (i32.const 0)"
            .into();
    let error = detect(&grower).await.unwrap_err();
    assert!(
        matches!(error, CallError::OutOfMemory { limit_mib: 16, .. }),
        "{error}"
    );
    let mut greedy = fixture::detector();
    greedy.extra = "(memory $big 1000)".into();
    let text = engine().load(&greedy.bytes(), "greedy").unwrap_err().to_string();
    assert!(text.contains("ran out of memory (limit 16 MiB)"), "{text}");
    still_works().await;
}

#[tokio::test]
async fn tables_end_at_the_cap() {
    let mut grower = detecting(
        "(if (i32.ne (i32.const -1) (table.grow $t (ref.null func) (i32.const 100000000))) (then (return (i32.const 0))))
         (if (i32.eq (i32.const -1) (table.grow $t (ref.null func) (i32.const 1000))) (then unreachable))",
    );
    grower.extra = "(table $t 0 funcref)".into();
    assert_eq!(detect(&grower).await.unwrap().len(), 1);
    still_works().await;
}

/// Bytes of an `f32`, as a signed number.
fn bits(value: f32) -> i32 {
    value.to_bits().cast_signed()
}

#[tokio::test]
async fn bad_answers_are_refused_before_anyone_sees_them() {
    let store = |at: u32, value: i32| format!("(i32.store (i32.const {at}) (i32.const {value}))");
    for (what, says) in [
        // The box of the motion.
        (store(2568, bits(f32::NAN)), "not within the picture"),
        (store(2572, bits(f32::INFINITY)), "not within the picture"),
        (store(2576, bits(-0.5)), "not within the picture"),
        (store(2576, bits(0.9)), "not within the picture"),
        // A list of 2^28 inferences, and one that is there but too long to copy.
        (store(2440, 1 << 28), "bad answer"),
        (store(2440, 1_000_000), "bad answer"),
        // Beyond the end of memory, and not aligned.
        (store(2436, -8), "bad answer"),
        (store(2436, 2561), "bad answer"),
        // Cases that do not exist: of the result, of the finding, of an option.
        (store(2432, 7), "bad answer"),
        (store(2560, 99), "bad answer"),
        (store(2560 + 64, 2), "bad answer"),
        // A subtype that is not UTF-8, and one of 2 GiB.
        (
            format!(
                "{}{}{}{}",
                store(4096, -1),
                store(2624, 1),
                store(2628, 4096),
                store(2632, 4)
            ),
            "bad answer",
        ),
        (
            format!("{}{}{}", store(2624, 1), store(2628, 0), store(2632, i32::MAX)),
            "bad answer",
        ),
        // One of 17 KiB.
        (
            format!(
                "{}{}{}",
                store(2624, 1),
                store(2628, 32768),
                store(2632, 17 << 10)
            ),
            "bytes in one string",
        ),
        // 257 empty extensions.
        (
            format!("{}{}", store(2560 + 108, 32768), store(2560 + 112, 257)),
            "257 properties",
        ),
    ] {
        let error = detect(&detecting(&what)).await.unwrap_err();
        assert!(matches!(error, CallError::BadResult(_)), "{what}: {error}");
        assert!(error.to_string().contains(says), "{what}: {error}");
    }
    still_works().await;
}

#[tokio::test]
async fn more_inferences_than_the_cap_are_refused_by_count() {
    // Far enough up the heap to be zero: 1001 motions at the origin, of 120 bytes each.
    let many = detecting(
        "(i32.store (i32.const 2436) (i32.const 0x1_1000)) (drop (memory.grow (i32.const 2))) (i32.store (i32.const 2440) (i32.const 1001))",
    );
    let error = detect(&many).await.unwrap_err();
    assert!(
        error.to_string().contains("1001 inferences; at most 1000"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_request_for_input_is_refused() {
    for (at, value, says) in [
        (2312, 0, "a size is 0x4"),
        (2312, 100_000, "a size is 100000x4"),
        (2324, 1, "max-rate is 0"),
        (2304, 9, "bad answer"),
    ] {
        let mut asking = fixture::detector();
        asking.ask = format!("(i32.store (i32.const {at}) (i32.const {value})) (i32.const 2304)");
        let error = start(&asking).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let mut odd = fixture::detector();
    odd.ask = "(i32.store (i32.const 2304) (i32.const 3)) (i32.store (i32.const 2312) (i32.const 3)) (i32.const 2304)".into();
    assert!(
        start(&odd)
            .await
            .unwrap_err()
            .to_string()
            .contains("i420 of 3x4 does not exist")
    );
}

#[tokio::test]
async fn a_gate_cannot_end_before_it_begins() {
    let mut backwards = fixture::gate();
    backwards.act = "(i64.store (i32.const 2864) (i64.const 99)) (i32.const 2816)".into();
    let mut gate = Gate::new(&load(&backwards), &node().context, &Value::Null, limits())
        .await
        .unwrap();
    let error = gate.consider(&Cause::Elapsed(MediaTime::MIN)).await.unwrap_err();
    assert!(
        error.to_string().contains("ends at 20 before it starts at 99"),
        "{error}"
    );
}

#[tokio::test]
async fn a_storm_of_log_lines_is_cut() {
    let storm = detecting(
        "(local $n i32) (loop $again (call $log (i32.const 2) (i32.const 4096) (i32.const 4000))
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5000))))",
    )
    .with_log();
    let node = node();
    let extension = load(&storm);
    let mut detector = Detector::new(&extension, &node.context, &Value::Null, limits())
        .await
        .unwrap();
    // Whether 5000 lines fit into the time does not matter here.
    let _ = detector.detect(&frame()).await;
    let lines = node.lines.0.lock().unwrap();
    assert_eq!(lines.len(), MAX_LOG_LINES_PER_SECOND as usize);
    assert!(lines.iter().all(|(_, line)| line.len() <= 3 * MAX_LOG_LINE_BYTES));
}

#[tokio::test]
async fn crops_are_budgeted_and_checked() {
    let crop = |times: u32, width: u32, left: f32| {
        let mut fixture = detecting(&format!(
            "(local $n i32) (loop $again
                (call $crop (local.get $frame) (f32.const {left}) (f32.const 0) (f32.const 0.5) (f32.const 0.5)
                    (i32.const {width}) (i32.const 4) (i32.const 0) (i32.const 4096))
                (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {times}))))
            (if (i32.load8_u (i32.const 4096)) (then (call $drop-frame (local.get $frame)) (return (i32.const 4096))))"
        ));
        fixture.name = "cropper".into();
        fixture
    };
    assert_eq!(detect(&crop(256, 4, 0.0)).await.unwrap().len(), 1);
    for (fixture, says) in [
        (crop(257, 4, 0.0), "at most 256 crops"),
        (crop(1, 9_000, 0.0), "a size is 9000x4"),
        (crop(1, 4, 0.9), "the area of the crop is not within the picture"),
        (
            crop(1, 4, f32::NAN),
            "the area of the crop is not within the picture",
        ),
    ] {
        let text = detect(&Fixture {
            act: fixture.act.replace("NaN", "nan"),
            ..fixture
        })
        .await
        .unwrap_err()
        .to_string();
        assert!(text.starts_with("the extension refused"), "{text}");
        assert!(text.contains(says), "{says}: {text}");
    }
}

/// A detector that shows what `number` gives, six bits in each side of its box.
fn showing(number: &str) -> Fixture {
    let store = |at: u32| {
        format!(
            "(f32.store (i32.const {at}) (f32.div
                (f32.convert_i32_u (i32.and (i32.const 63) (i32.wrap_i64 {number}))) (f32.const 256)))"
        )
    };
    detecting(&[2568, 2572, 2576, 2580].map(store).concat()).with_numbers()
}

#[tokio::test]
async fn random_numbers_follow_from_the_seed() {
    let extension = load(&showing("(call $random)"));
    let mut said = Vec::new();
    for seed in [1, 1, 2] {
        let context = mediagraph::extension::NodeContext {
            seed,
            models: mediagraph::inference::Bound::default(),
            ..node().context
        };
        let mut detector = Detector::new(&extension, &context, &Value::Null, limits())
            .await
            .unwrap();
        said.push((
            detector.detect(&frame()).await.unwrap(),
            detector.detect(&frame()).await.unwrap(),
        ));
    }
    assert_eq!(said[0], said[1]);
    assert_ne!(said[0], said[2]);
    assert_ne!(said[0].0, said[0].1, "the numbers must differ from each other");
}

#[tokio::test]
async fn the_clock_shows_the_time_of_the_frame() {
    let nanoseconds = frame().time.to_timestamp().as_nanosecond();
    let punctual = detecting(&format!(
        "(if (i64.ne (call $now) (i64.const {nanoseconds})) (then unreachable))"
    ))
    .with_numbers();
    assert_eq!(detect(&punctual).await.unwrap().len(), 1);
}
