//! Decode times of pictures that are shown in another order than they are decoded.
//!
//! RTP carries presentation times only (RFC 6184, section 5.1), MP4 wants decode times that rise. The decode
//! time of the i-th picture in decoding order is the i-th smallest presentation time. It is final once *reorder
//! depth* further pictures have come (`max_num_reorder_frames`, ITU-T H.264, E.2.1): streams without B-frames
//! are not delayed. Composition offsets (presentation minus decode time) may be negative.
//!
//! Invariants: items leave in the order in which they came; decode times rise strictly, even when the input lies.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::PicOrderCntType;
use h264_reader::nal::{Nal, RefNal};

use super::{StreamFormat, TrackKind};

/// The largest reorder depth that H.264 and H.265 allow (`MaxDpbFrames`, ITU-T H.264, A.3.1).
pub const MAX_REORDER_DEPTH: usize = 16;

/// So many pictures are watched before a learned depth is believed.
const LEARNING_PICTURES: usize = 64;

/// An item with the decode time that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// What was pushed.
    pub item: T,
    /// Presentation time, in the ticks of the caller.
    pub presentation: u64,
    /// Decode time, in the same ticks; rises strictly.
    pub decode: u64,
}

/// Gives decode times to the pictures of one track.
#[derive(Debug)]
pub struct DecodeTimes<T> {
    told: Option<usize>,
    learned: usize,
    watched: usize,
    waiting: VecDeque<(T, u64)>,
    smallest: BinaryHeap<Reverse<u64>>,
    recent: VecDeque<u64>,
    last: Option<u64>,
}

impl<T> DecodeTimes<T> {
    /// With the reorder depth if it is known (see [`reorder_depth`]); otherwise it is learned.
    #[must_use]
    pub fn new(depth: Option<usize>) -> Self {
        Self {
            told: depth.map(|depth| depth.min(MAX_REORDER_DEPTH)),
            learned: 0,
            watched: 0,
            waiting: VecDeque::new(),
            smallest: BinaryHeap::new(),
            recent: VecDeque::new(),
            last: None,
        }
    }

    /// Takes the next picture in decoding order; appends to `out` what is settled by it. `closes` says that no
    /// later picture is shown before this one, as with an IDR picture: everything older is settled then, and so is this one.
    pub fn push(&mut self, item: T, presentation: u64, closes: bool, out: &mut Vec<Timed<T>>) {
        if closes {
            self.drain(out);
        }
        self.learn(presentation);
        self.waiting.push_back((item, presentation));
        self.smallest.push(Reverse(presentation));
        let waits = if closes { 0 } else { self.delay() };
        while self.waiting.len() > waits {
            self.settle(out);
        }
    }

    /// Settles everything: the stream ends here.
    pub fn drain(&mut self, out: &mut Vec<Timed<T>>) {
        while !self.waiting.is_empty() {
            self.settle(out);
        }
        self.recent.clear();
    }

    /// How many pictures are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.waiting.len()
    }

    fn delay(&self) -> usize {
        match self.told {
            // A stream that breaks its own promise is believed from then on.
            Some(told) => told.max(self.learned),
            None if self.watched < LEARNING_PICTURES => MAX_REORDER_DEPTH,
            None => self.learned,
        }
    }

    fn learn(&mut self, presentation: u64) {
        let overtaken = self.recent.iter().filter(|&&time| time > presentation).count();
        self.learned = self.learned.max(overtaken.min(MAX_REORDER_DEPTH));
        self.watched = self.watched.saturating_add(1);
        if self.recent.len() == MAX_REORDER_DEPTH {
            self.recent.pop_front();
        }
        self.recent.push_back(presentation);
    }

    fn settle(&mut self, out: &mut Vec<Timed<T>>) {
        let (Some((item, presentation)), Some(Reverse(time))) =
            (self.waiting.pop_front(), self.smallest.pop())
        else {
            return;
        };
        let decode = self.last.map_or(time, |last| time.max(last.saturating_add(1)));
        self.last = Some(decode);
        out.push(Timed {
            item,
            presentation,
            decode,
        });
    }
}

/// The reorder depth that a stream declares, or that follows from its profile; `None` if it must be learned.
#[must_use]
pub fn reorder_depth(format: &StreamFormat) -> Option<usize> {
    if format.kind == TrackKind::Audio {
        return Some(0);
    }
    if !format.codec.starts_with("avc") {
        return None;
    }
    let record = AvcDecoderConfigurationRecord::try_from(format.decoder_config.as_ref()).ok()?;
    let mut depth = Some(0);
    for nal in record.sequence_parameter_sets() {
        let nal = RefNal::new(nal.ok()?, &[], true);
        let sps = h264_reader::nal::sps::SeqParameterSet::from_bits(nal.rbsp_bits()).ok()?;
        depth = depth.zip(depth_of(&sps)).map(|(a, b): (usize, usize)| a.max(b));
    }
    depth
}

fn depth_of(sps: &h264_reader::nal::sps::SeqParameterSet) -> Option<usize> {
    const BASELINE: u8 = 66;
    if sps.profile().profile_idc() == BASELINE || matches!(sps.pic_order_cnt, PicOrderCntType::TypeTwo) {
        // Output order is decoding order (ITU-T H.264, 8.2.1.3; A.2.1 for the profile without B slices).
        return Some(0);
    }
    let restrictions = sps.vui_parameters.as_ref()?.bitstream_restrictions.as_ref()?;
    usize::try_from(restrictions.max_num_reorder_frames).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(depth: Option<usize>, times: &[u64]) -> Vec<Timed<usize>> {
        let mut out = Vec::new();
        let mut decode = DecodeTimes::new(depth);
        for (index, &time) in times.iter().enumerate() {
            decode.push(index, time, index == 0, &mut out);
        }
        decode.drain(&mut out);
        out
    }

    #[test]
    fn a_stream_without_b_frames_is_not_delayed() {
        let mut decode = DecodeTimes::new(Some(0));
        for time in [0_u64, 3000, 6000] {
            let mut out = Vec::new();
            decode.push((), time, false, &mut out);
            assert_eq!(out.len(), 1);
            assert_eq!((out[0].presentation, out[0].decode), (time, time));
        }
    }

    #[test]
    fn a_picture_that_closes_is_settled_when_it_comes_however_many_others_would_wait() {
        let mut decode = DecodeTimes::new(Some(2));
        let mut out = Vec::new();
        for (time, closes) in [(0, true), (9000, false), (3000, false), (12_000, true)] {
            decode.push((), time, closes, &mut out);
        }
        let times: Vec<_> = out
            .iter()
            .map(|timed| (timed.presentation, timed.decode))
            .collect();
        assert_eq!(times, [(0, 0), (9000, 3000), (3000, 9000), (12_000, 12_000)]);
        assert_eq!(decode.held(), 0);
    }

    #[test]
    fn a_pyramid_gets_the_sorted_times_in_decoding_order() {
        let decode: Vec<u64> = run(Some(2), &[0, 4, 2, 1, 3, 8, 6, 5, 7])
            .iter()
            .map(|timed| timed.decode)
            .collect();
        assert_eq!(decode, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn an_unknown_depth_is_learned_and_then_costs_no_more_than_it_must() {
        let mut decode = DecodeTimes::new(None);
        let mut out = Vec::new();
        for index in 0..200_u64 {
            decode.push(index, index * 3000, index % 50 == 0, &mut out);
        }
        assert_eq!(decode.held(), 0);
        assert!(out.windows(2).all(|pair| pair[0].decode < pair[1].decode));
    }

    #[test]
    fn equal_presentation_times_still_give_rising_decode_times() {
        let out = run(Some(0), &[5, 5, 5]);
        assert_eq!(
            out.iter().map(|timed| timed.decode).collect::<Vec<_>>(),
            [5, 6, 7]
        );
    }

    fn reordered() -> impl Strategy<Value = (usize, Vec<u64>)> {
        (0..5_usize, proptest::collection::vec(1..5000_u64, 1..120)).prop_flat_map(|(depth, gaps)| {
            let times: Vec<u64> = gaps
                .iter()
                .scan(0, |sum, gap| {
                    *sum += gap;
                    Some(*sum)
                })
                .collect();
            // A picture may move forward past at most `depth` others: rotate within blocks of depth + 1. The first picture
            // closes: nothing is shown before it.
            let blocks = times[1..].chunks(depth + 1).count();
            (
                Just(depth),
                Just(times),
                proptest::collection::vec(any::<bool>(), blocks),
            )
                .prop_map(|(depth, mut times, turn)| {
                    for (block, turn) in times[1..].chunks_mut(depth + 1).zip(turn) {
                        if turn {
                            block.rotate_right(1);
                        }
                    }
                    (depth, times)
                })
        })
    }

    proptest! {
        #[test]
        fn the_ith_decode_time_is_the_ith_smallest_presentation_time((depth, times) in reordered()) {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            for told in [Some(depth.max(1)), None] {
                let out = run(told, &times);
                prop_assert_eq!(out.iter().map(|timed| timed.item).collect::<Vec<_>>(),
                    (0..times.len()).collect::<Vec<_>>());
                prop_assert_eq!(&out.iter().map(|timed| timed.decode).collect::<Vec<_>>(), &sorted);
            }
        }

        #[test]
        fn decode_times_rise_strictly_whatever_comes(times in proptest::collection::vec(0..1000_u64, 0..100),
                                                      depth in proptest::option::of(0..3_usize)) {
            let out = run(depth, &times);
            prop_assert_eq!(out.len(), times.len());
            prop_assert!(out.windows(2).all(|pair| pair[0].decode < pair[1].decode));
        }
    }
}
