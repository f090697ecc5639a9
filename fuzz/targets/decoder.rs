//! Any bytes as H.264 behind start codes: parameter sets, slices and whatever else. No panic leaves the decoder, and no picture is
//! larger than one that may be.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mediagraph::media::decode::{Decoder as _, H264Decoder};
use mediagraph::media::{AccessUnit, MediaTime, StreamFormat, Ticks, TrackKind};

const SLICE_IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
/// More than any camera's picture has, each way.
const MAX_SIDE: u32 = 16_384;

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = H264Decoder::new();
    let (mut sps, mut pps) = (Vec::new(), Vec::new());
    let mut format = stream(&sps, &pps);
    for (number, unit) in units(bytes).enumerate() {
        let kind = unit.first().map_or(0, |first| first & 0x1f);
        match kind {
            SPS => sps = unit.to_vec(),
            PPS => pps = unit.to_vec(),
            _ => {
                let mut data = u32::try_from(unit.len()).unwrap_or(0).to_be_bytes().to_vec();
                data.extend_from_slice(unit);
                let unit = AccessUnit {
                    time: MediaTime::from_ticks(0).offset(Ticks(number as i64 * 3_600)),
                    format: Arc::clone(&format),
                    data: data.into(),
                    random_access: kind == SLICE_IDR,
                    disposable: false,
                    discontinuity: false,
                };
                for picture in decoder.decode(&unit).unwrap_or_default() {
                    let size = picture.size();
                    assert!(size.width <= MAX_SIDE && size.height <= MAX_SIDE, "{size:?}");
                }
                continue;
            }
        }
        format = stream(&sps, &pps);
    }
    decoder.flush();
});

fn units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let start = rest.windows(3).position(|three| three == [0, 0, 1])? + 3;
        rest = rest.get(start..)?;
        let end = rest.windows(3).position(|three| three == [0, 0, 1]).unwrap_or(rest.len());
        let (unit, after) = rest.split_at(end);
        rest = after;
        Some(unit)
    })
}

/// With an `avcC` of these parameter sets (ISO/IEC 14496-15, 5.3.3.1).
fn stream(sps: &[u8], pps: &[u8]) -> Arc<StreamFormat> {
    let mut avcc = vec![1];
    avcc.extend([1, 2, 3].map(|at| sps.get(at).copied().unwrap_or(0)));
    avcc.extend([0xff, 0xe1]);
    for (index, set) in [sps, pps].into_iter().enumerate() {
        if index == 1 {
            avcc.push(1);
        }
        let length = u16::try_from(set.len()).unwrap_or(u16::MAX);
        avcc.extend(length.to_be_bytes());
        avcc.extend_from_slice(set.get(..usize::from(length)).unwrap_or(set));
    }
    Arc::new(StreamFormat {
        kind: TrackKind::Video,
        codec: "avc1.64001F".to_owned(),
        sample_entry: Vec::new().into(),
        decoder_config: avcc.into(),
        width: 0,
        height: 0,
        sample_rate: 0,
    })
}
