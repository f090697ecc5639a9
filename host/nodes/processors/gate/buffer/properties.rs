//! The buffer and the merging of signals against a model: what comes in within a span comes out exactly once, in order.

use proptest::prelude::*;

use super::*;
use crate::media::inference::Observation;
use crate::nodes::io::signals::{Merge, Signal};
use crate::nodes::testing::{at, unit};

/// Pictures 100 ms apart with a key frame every `gop`, in decoding order. With `reordered`, every second picture
/// between key frames is decoded after the one that follows it.
fn camera(count: usize, gop: usize, reordered: bool) -> Vec<Arc<AccessUnit>> {
    let mut order: Vec<usize> = (0..count).collect();
    if reordered {
        for group in order.chunks_mut(gop) {
            for pair in group[1..].chunks_mut(2) {
                pair.reverse();
            }
        }
    }
    let pictures = order
        .into_iter()
        .map(|n| unit(n as f64 / 10.0, n.is_multiple_of(gop)));
    pictures.map(Arc::new).collect()
}

/// One activation: decided at a moment, for a span, and perhaps prolonged before its end.
#[derive(Clone, Debug)]
struct Plan {
    decided: f64,
    start: f64,
    end: f64,
    prolonged: Option<(f64, f64)>,
}

impl Plan {
    /// Tells the buffer what is decided after `before` and up to `known`.
    fn apply(&self, id: u64, before: MediaTime, known: MediaTime, buffer: &mut Buffer) {
        let decisions = [Some((self.decided, self.end)), self.prolonged];
        for (decided, end) in decisions.into_iter().flatten() {
            if before < at(decided) && at(decided) <= known {
                buffer.open(id, at(self.start), at(end));
            }
        }
    }

    /// From the last key frame at or before the start, up to the first picture beyond the end in decoding order.
    fn expected(&self, units: &[Arc<AccessUnit>]) -> Vec<MediaTime> {
        let end = at(self.prolonged.map_or(self.end, |(_, end)| end));
        let first = units
            .iter()
            .rposition(|unit| unit.random_access && unit.time <= at(self.start))
            .unwrap();
        let within = units[first..].iter().map(|unit| unit.time);
        within.take_while(|time| *time < end).collect()
    }
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let prolonged = proptest::option::of((0.0..0.99_f64, 0.5..5.0_f64));
    let plan = (5.0..20.0_f64, -3.0..3.0_f64, 0.5..6.0_f64, prolonged);
    let plan = plan.prop_map(|(decided, ahead, length, prolonged)| {
        let start = decided + ahead;
        let end = start.max(decided) + length;
        Plan {
            decided,
            start,
            end,
            prolonged: prolonged.map(|(part, more)| (decided + (end - decided) * part, end + more)),
        }
    });
    proptest::collection::vec(plan, 1..4)
}

/// What came out of the recording that was asked to begin at `start`, and whether it ended.
fn recorded(items: &[MediaItem], start: MediaTime) -> (Vec<MediaTime>, usize) {
    let begun: Vec<RecordingId> = items
        .iter()
        .filter_map(|item| match item {
            MediaItem::Begin {
                recording,
                start: from,
            } if *from == start => Some(*recording),
            _ => None,
        })
        .collect();
    assert_eq!(begun.len(), 1, "one recording for an activation");
    let units = items.iter().filter_map(|item| match item {
        MediaItem::Unit { recording, unit } if *recording == begun[0] => Some(unit.time),
        _ => None,
    });
    let ends = items
        .iter()
        .filter(|item| matches!(item, MediaItem::End { recording } if *recording == begun[0]));
    (units.collect(), ends.count())
}

proptest! {
    #[test]
    fn a_span_comes_out_whole_once_and_in_order_however_late_its_decisions_are(
        plans in plans(),
        gop in 1..25_usize,
        reordered in any::<bool>(),
        lags in proptest::collection::vec(0..900_u32, 1..9),
    ) {
        let units = camera(400, gop, reordered);
        let (mut buffer, mut out) = (Buffer::new(Ticks::from_secs(4)), Vec::new());
        let mut known = MediaTime::MIN;
        for (n, unit) in units.iter().enumerate() {
            buffer.unit(Arc::clone(unit));
            // Detectors are behind the media by a time that changes, not by whole pictures.
            let lag = f64::from(lags[n % lags.len()]) / 1_000.0;
            let before = known;
            known = known.max(at((n as f64 / 10.0 - lag).max(0.0)));
            for (id, plan) in plans.iter().enumerate() {
                plan.apply(id as u64, before, known, &mut buffer);
            }
            buffer.release(known.min(buffer.reached()), &mut out);
        }
        buffer.lost(&mut out);
        for plan in &plans {
            prop_assert_eq!(recorded(&out, at(plan.start)), (plan.expected(&units), 1), "{:?}", plan);
        }
    }

    #[test]
    fn observations_come_out_once_and_in_order_however_the_signals_of_two_detectors_interleave(
        mut slow in proptest::collection::vec(0..1_000_u32, 0..40),
        mut fast in proptest::collection::vec(0..1_000_u32, 0..40),
        turns in proptest::collection::vec(0..2_usize, 200),
    ) {
        slow.sort_unstable();
        fast.sort_unstable();
        let mut inputs = [slow.into_iter(), fast.into_iter()];
        let count = inputs.iter().map(ExactSizeIterator::len).sum::<usize>();
        let (mut merge, mut got) = (Merge::new(2), Vec::new());
        for input in turns {
            let Some(time) = inputs[input].next() else {
                merge.signal(input, Signal::Watermark(MediaTime::MAX));
                continue;
            };
            let time = at(f64::from(time) / 10.0);
            let observation = Observation { time, origin: input.to_string().into(), inferences: Vec::new() };
            merge.signal(input, Signal::Observed(Arc::new(observation)));
            merge.signal(input, Signal::Watermark(time.offset(Ticks(-1))));
            got.extend(std::iter::from_fn(|| merge.pop()));
        }
        merge.finish();
        got.extend(std::iter::from_fn(|| merge.pop()));
        let order: Vec<_> = got.iter().map(|observation| (observation.time, observation.origin.to_string())).collect();
        prop_assert!(order.is_sorted());
        let left: usize = inputs.iter().map(ExactSizeIterator::len).sum();
        prop_assert_eq!(order.len(), count - left);
    }
}
