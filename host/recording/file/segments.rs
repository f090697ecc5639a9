//! A recording that goes on for ever, in files of bounded length.

use std::sync::Arc;

use crate::media::mp4::write::SampleHeader;
use crate::media::{MediaTime, Ticks};
use crate::recording::fragmenter::Fragment;

/// Names the files of one recording.
pub trait FileNames: Send + Sync + std::fmt::Debug {
    /// The path, within the directory, of a file whose media begins at `start`; `.mp4` is appended when it is missing.
    fn name(&self, start: MediaTime) -> String;
}

/// Where a recording is cut into files.
#[derive(Clone, Debug)]
pub struct Segments {
    /// A file ends at the first keyframe that is at least so far from its first moment.
    pub length: Ticks,
    /// Names the second file and all that follow.
    pub names: Arc<dyn FileNames>,
}

/// Cuts a fragment in two: what is decoded before `at`, and the rest. A part without a sample is none.
pub(super) fn split(fragment: &Fragment, at: u64) -> (Option<Fragment>, Option<Fragment>) {
    let mut decode = fragment.start;
    let mut before = 0;
    for sample in &fragment.samples {
        if decode >= at {
            break;
        }
        decode = decode.saturating_add(u64::from(sample.duration));
        before += 1;
    }
    let (first, last) = fragment.samples.split_at(before);
    let (first_data, last_data) = fragment.data.split_at(before.min(fragment.data.len()));
    let head = part(fragment, first, first_data, fragment.start, decode);
    let tail = part(fragment, last, last_data, decode, fragment.end);
    (head, tail)
}

fn part(
    of: &Fragment,
    samples: &[SampleHeader],
    data: &[bytes::Bytes],
    start: u64,
    end: u64,
) -> Option<Fragment> {
    (!samples.is_empty()).then(|| Fragment {
        start,
        end,
        starts_epoch: of.starts_epoch && start == of.start,
        samples: samples.to_vec(),
        data: data.to_vec(),
        bytes: samples.iter().map(|sample| u64::from(sample.size)).sum(),
        format: Arc::clone(&of.format),
    })
}
