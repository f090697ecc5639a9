//! Sample tables (`stbl`) and fragments (`moof`) become lists of samples.

use std::collections::BTreeMap;

use mp4_atom::{Moof, Mvex, Stbl, StszSamples, Traf, Trex, Trun};

use super::{IndexError, MAX_SAMPLES, Sample, damaged};

/// `sample_is_non_sync_sample` of the sample flags (ISO/IEC 14496-12, section 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// Takes `count` samples from what a file may have.
fn spend(budget: &mut usize, count: usize) -> Result<(), IndexError> {
    *budget = budget
        .checked_sub(count)
        .ok_or_else(|| damaged(format!("more than {MAX_SAMPLES} samples")))?;
    Ok(())
}

/// The samples of a track that its `stbl` describes, in media time.
pub(super) fn table(stbl: &Stbl, budget: &mut usize) -> Result<Vec<Sample>, IndexError> {
    let sizes: Box<dyn Iterator<Item = u32>> = match &stbl.stsz.samples {
        StszSamples::Identical { count, size } => Box::new(std::iter::repeat_n(*size, *count as usize)),
        StszSamples::Different { sizes } => Box::new(sizes.iter().copied()),
    };
    spend(budget, sizes.size_hint().0)?;
    let mut chunks = Chunks::new(stbl)?;
    let mut durations = stbl
        .stts
        .entries
        .iter()
        .flat_map(|entry| std::iter::repeat_n(entry.sample_delta, entry.sample_count as usize));
    let mut shifts = stbl
        .ctts
        .iter()
        .flat_map(|list| &list.entries)
        .flat_map(|entry| std::iter::repeat_n(entry.sample_offset, entry.sample_count as usize));
    let mut samples = Vec::new();
    let mut dts = 0_i64;
    for size in sizes {
        let offset = chunks
            .place(size)
            .ok_or_else(|| damaged("`stsc` and `stco` do not cover all samples"))?;
        let duration = durations
            .next()
            .ok_or_else(|| damaged("`stts` does not cover all samples"))?;
        let pts = dts.saturating_add(shifts.next().unwrap_or(0));
        samples.push(Sample {
            pts,
            dts,
            duration,
            key: stbl.stss.is_none(),
            offset,
            size,
        });
        dts = dts.saturating_add(duration.into());
    }
    for number in stbl.stss.iter().flat_map(|list| &list.entries) {
        let index = (*number as usize).wrapping_sub(1);
        if let Some(sample) = samples.get_mut(index) {
            sample.key = true;
        }
    }
    Ok(samples)
}

/// Where each sample lies: chunks in file order, and how many samples each holds.
struct Chunks<'a> {
    offsets: Box<dyn Iterator<Item = u64> + 'a>,
    runs: std::iter::Peekable<std::slice::Iter<'a, mp4_atom::StscEntry>>,
    chunk: u32,
    per_chunk: u32,
    left: u32,
    next: u64,
}

impl<'a> Chunks<'a> {
    fn new(stbl: &'a Stbl) -> Result<Self, IndexError> {
        let offsets: Box<dyn Iterator<Item = u64>> = match (&stbl.stco, &stbl.co64) {
            (Some(short), _) => Box::new(short.entries.iter().map(|offset| u64::from(*offset))),
            (None, Some(long)) => Box::new(long.entries.iter().copied()),
            (None, None) => return Err(damaged("neither `stco` nor `co64`")),
        };
        let runs = stbl.stsc.entries.iter().peekable();
        Ok(Self {
            offsets,
            runs,
            chunk: 0,
            per_chunk: 0,
            left: 0,
            next: 0,
        })
    }

    /// The offset of the next sample, which has `size` bytes.
    fn place(&mut self, size: u32) -> Option<u64> {
        while self.left == 0 {
            self.next = self.offsets.next()?;
            self.chunk = self.chunk.checked_add(1)?;
            if let Some(run) = self.runs.next_if(|run| run.first_chunk <= self.chunk) {
                self.per_chunk = run.samples_per_chunk;
            }
            self.left = self.per_chunk;
        }
        self.left -= 1;
        let offset = self.next;
        self.next = offset.checked_add(size.into())?;
        Some(offset)
    }
}

/// Adds the samples of one movie fragment, which starts at byte `offset`, to their tracks.
pub(super) fn fragment(
    offset: u64,
    moof: &Moof,
    mvex: Option<&Mvex>,
    tracks: &mut BTreeMap<u32, Vec<Sample>>,
    budget: &mut usize,
) -> Result<(), IndexError> {
    // Without a base of its own, a run's data follows that of the run before it (section 8.8.7.1).
    let mut cursor = offset;
    for traf in &moof.traf {
        let id = traf.tfhd.track_id;
        let samples = tracks
            .get_mut(&id)
            .ok_or_else(|| damaged(format!("`moof` of an unknown track {id}")))?;
        let defaults = mvex.and_then(|mvex| mvex.trex.iter().find(|trex| trex.track_id == id));
        let base = traf.tfhd.base_data_offset.unwrap_or(offset);
        let after = samples
            .last()
            .map_or(0, |last| last.dts.saturating_add(last.duration.into()));
        let mut dts = traf.tfdt.as_ref().map_or(after, |start| {
            i64::try_from(start.base_media_decode_time).unwrap_or(i64::MAX)
        });
        for trun in &traf.trun {
            if let Some(shift) = trun.data_offset {
                cursor = base
                    .checked_add_signed(shift.into())
                    .ok_or_else(|| damaged("`trun` points before the start of the file"))?;
            }
            spend(budget, trun.samples.len())?;
            run(
                trun,
                &Defaults::of(traf, defaults),
                &mut cursor,
                &mut dts,
                samples,
            )?;
        }
    }
    Ok(())
}

struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    fn of(traf: &Traf, trex: Option<&Trex>) -> Self {
        let of_trex = |field: fn(&Trex) -> u32| trex.map_or(0, field);
        let head = &traf.tfhd;
        Self {
            duration: head
                .default_sample_duration
                .unwrap_or(of_trex(|t| t.default_sample_duration)),
            size: head
                .default_sample_size
                .unwrap_or(of_trex(|t| t.default_sample_size)),
            flags: head
                .default_sample_flags
                .unwrap_or(of_trex(|t| t.default_sample_flags)),
        }
    }
}

fn run(
    trun: &Trun,
    defaults: &Defaults,
    cursor: &mut u64,
    dts: &mut i64,
    samples: &mut Vec<Sample>,
) -> Result<(), IndexError> {
    for entry in trun.samples.iter() {
        let size = entry.size.unwrap_or(defaults.size);
        let duration = entry.duration.unwrap_or(defaults.duration);
        samples.push(Sample {
            pts: dts.saturating_add(entry.cts.unwrap_or(0)),
            dts: *dts,
            duration,
            key: entry.flags.unwrap_or(defaults.flags) & NON_SYNC == 0,
            offset: *cursor,
            size,
        });
        *dts = dts.saturating_add(duration.into());
        *cursor = cursor
            .checked_add(size.into())
            .ok_or_else(|| damaged("`trun` beyond the end of the file"))?;
    }
    Ok(())
}
