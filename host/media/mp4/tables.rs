//! Sample tables of a finished file: run lengths built sample by sample.
//!
//! Invariant: the tables keep each sample's absolute decode time. A hole becomes a longer sample before it, a
//! late start becomes an empty edit, so tracks stay aligned.

use mp4_atom::{
    Co64, Cslg, Ctts, CttsEntry, Edts, Elst, ElstEntry, Encode, Stsc, StscEntry, Stss, Stsz, StszSamples,
    Stts, SttsEntry,
};

use super::read::Sample;
use crate::media::TrackKind;

/// What `stbl` says of one track, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct TrackTables {
    start: u64,
    next: u64,
    last: Option<(u64, u32)>,
    durations: Vec<SttsEntry>,
    offsets: Vec<CttsEntry>,
    reordered: bool,
    sync: Vec<u32>,
    sizes: Vec<u32>,
    chunks: Vec<u64>,
    runs: Vec<StscEntry>,
    chunk_samples: u32,
}

impl TrackTables {
    /// Adds the next sample of the track, in decoding order.
    pub fn add(&mut self, sample: &Sample) {
        match self.last {
            None => self.start = sample.decode,
            Some((decode, _)) => {
                let stretch = sample.decode.saturating_sub(decode);
                self.push_duration(u32::try_from(stretch).unwrap_or(u32::MAX));
            }
        }
        let adjacent = self.last.is_some() && self.next == sample.offset;
        if !adjacent {
            self.close_chunk();
            self.chunks.push(sample.offset);
        }
        self.chunk_samples = self.chunk_samples.saturating_add(1);
        self.next = sample.offset.saturating_add(u64::from(sample.size));
        self.last = Some((sample.decode, sample.duration));
        self.sizes.push(sample.size);
        if sample.sync {
            self.sync
                .push(u32::try_from(self.sizes.len()).unwrap_or(u32::MAX));
        }
        self.push_offset(sample.composition_offset);
    }

    /// Ends the last sample and the last chunk.
    pub fn finish(&mut self) {
        if let Some((_, duration)) = self.last {
            self.push_duration(duration);
            self.close_chunk();
        }
    }

    /// Moves all samples within the file, once it is known what comes before them.
    pub fn shift(&mut self, bytes: u64) {
        for chunk in &mut self.chunks {
            *chunk = chunk.saturating_add(bytes);
        }
    }

    /// Samples so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Without a sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// From the first decode time to the end of the last sample, in ticks.
    #[must_use]
    pub fn duration(&self) -> u64 {
        self.last.map_or(0, |(decode, duration)| {
            decode
                .saturating_sub(self.start)
                .saturating_add(u64::from(duration))
        })
    }

    /// When the track ends, in ticks since the start of the file.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.duration())
    }

    fn push_duration(&mut self, ticks: u32) {
        match self.durations.last_mut() {
            Some(run) if run.sample_delta == ticks => run.sample_count = run.sample_count.saturating_add(1),
            _ => self.durations.push(SttsEntry {
                sample_count: 1,
                sample_delta: ticks,
            }),
        }
    }

    fn push_offset(&mut self, ticks: i64) {
        self.reordered |= ticks != 0;
        match self.offsets.last_mut() {
            Some(run) if run.sample_offset == ticks => run.sample_count = run.sample_count.saturating_add(1),
            _ => self.offsets.push(CttsEntry {
                sample_count: 1,
                sample_offset: ticks,
            }),
        }
    }

    fn close_chunk(&mut self) {
        let samples = std::mem::take(&mut self.chunk_samples);
        let same = self
            .runs
            .last()
            .is_some_and(|run| run.samples_per_chunk == samples);
        if samples > 0 && !same {
            self.runs.push(StscEntry {
                first_chunk: u32::try_from(self.chunks.len()).unwrap_or(u32::MAX),
                samples_per_chunk: samples,
                sample_description_index: 1,
            });
        }
    }

    /// An empty edit when the track starts after the file does (ISO/IEC 14496-12, 8.6.6).
    pub(super) fn edit_list(&self, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
        if self.start == 0 || self.is_empty() {
            return Ok(());
        }
        let entry = |segment_duration, media_time| ElstEntry {
            segment_duration,
            media_time,
            media_rate: 1.into(),
        };
        Edts {
            elst: Some(Elst {
                entries: vec![entry(self.start, None), entry(self.duration(), Some(0))],
            }),
        }
        .encode(out)
    }

    pub(super) fn encode(&self, kind: TrackKind, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
        Stts {
            entries: self.durations.clone(),
        }
        .encode(out)?;
        if self.reordered {
            Ctts {
                entries: self.offsets.clone(),
            }
            .encode(out)?;
            self.composition_range().encode(out)?;
        }
        if kind == TrackKind::Video && !self.is_empty() {
            Stss {
                entries: self.sync.clone(),
            }
            .encode(out)?;
        }
        Stsc {
            entries: self.runs.clone(),
        }
        .encode(out)?;
        Stsz {
            samples: StszSamples::Different {
                sizes: self.sizes.clone(),
            },
        }
        .encode(out)?;
        Co64 {
            entries: self.chunks.clone(),
        }
        .encode(out)
    }

    // QuickTime wants to be told how far below zero composition offsets go (ISO/IEC 14496-12, 8.6.1.4).
    fn composition_range(&self) -> Cslg {
        let offsets = || self.offsets.iter().map(|run| run.sample_offset);
        let least = offsets().min().unwrap_or(0);
        Cslg {
            composition_to_dts_shift: least.saturating_neg().max(0),
            least_decode_to_display_shift: least,
            greatest_decode_to_display_delta: offsets().max().unwrap_or(0),
            composition_start_time: 0,
            composition_end_time: i64::try_from(self.duration()).unwrap_or(i64::MAX),
        }
    }
}
