//! Access units in, fragments out: cuts, decode times, durations.
//!
//! A fragment is cut at a random access point about every 2 s. Without one for 4 s it is cut where every earlier
//! picture is shown before every later one: then the decode times so far are exactly the presentation times so
//! far, so the highest of both are equal.
//!
//! Invariants: the first sample of an epoch is a random access point; a sample's duration is the distance to the
//! next decode time; sound before the first picture of an epoch is dropped; all that is dropped is counted.

use std::sync::Arc;

use bytes::Bytes;

use crate::media::dts::{DecodeTimes, Timed, reorder_depth};
use crate::media::mp4::write::SampleHeader;
use crate::media::mp4::{FLAGS_DEPENDENT, FLAGS_DISPOSABLE, FLAGS_SYNC};
use crate::media::{AccessUnit, MediaTime, StreamFormat, TICKS_PER_SECOND, TrackKind};

/// A random access point begins a new fragment after so many ticks: 1.5 s, so that a nominal 2 s may jitter.
const FRAGMENT: u64 = 3 * TICKS_PER_SECOND as u64 / 2;
/// Without a random access point the fragment is cut after so many ticks.
const LONGEST_FRAGMENT: u64 = 4 * TICKS_PER_SECOND as u64;
/// A fragment with so many bytes is cut as soon as it may be.
const LARGE_FRAGMENT: u64 = 16 << 20;
/// And with so many at any picture.
const LARGEST_FRAGMENT: u64 = 64 << 20;
/// The most samples of a fragment; keeps `moof` small.
const MAX_SAMPLES: usize = 8192;
/// A step of a track's time beyond this many ticks, either way, is a discontinuity even if nobody said so.
const MAX_STEP: u64 = 30 * TICKS_PER_SECOND as u64;
/// Duration of a sample that no other follows and none precedes: a picture at 25 a second.
const ONLY_SAMPLE: u32 = 3600;
/// Frames of sound have one length; a distance beyond twice of it is a hole.
const AAC_FRAME_SAMPLES: u64 = 1024;

/// A part of one track, ready to be written.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// How it is encoded.
    pub format: Arc<StreamFormat>,
    /// The first decode time, in media ticks.
    pub start: u64,
    /// The end of the last sample.
    pub end: u64,
    /// Media before it is missing, or is encoded in another way: a new epoch begins.
    pub starts_epoch: bool,
    /// Headers of its samples.
    pub samples: Vec<SampleHeader>,
    /// Their bytes, in the same order.
    pub data: Vec<Bytes>,
    /// The sum of their sizes.
    pub bytes: u64,
}

impl Fragment {
    /// What its track carries.
    #[must_use]
    pub fn kind(&self) -> TrackKind {
        self.format.kind
    }

    /// Its first sample is a random access point.
    #[must_use]
    pub fn is_sync(&self) -> bool {
        self.samples
            .first()
            .is_some_and(|sample| sample.flags == FLAGS_SYNC)
    }

    /// Its first moment.
    #[must_use]
    pub fn starts_at(&self) -> MediaTime {
        MediaTime::from_ticks(self.start)
    }

    /// Where the next begins.
    #[must_use]
    pub fn ends_at(&self) -> MediaTime {
        MediaTime::from_ticks(self.end)
    }
}

type Unit = Timed<Arc<AccessUnit>>;

/// Samples of one track that are not yet cut.
#[derive(Debug, Default)]
struct Open {
    samples: Vec<SampleHeader>,
    data: Vec<Bytes>,
    bytes: u64,
    start: u64,
    last_duration: Option<u32>,
    // Waits for the next decode time, which gives it its duration.
    pending: Option<Unit>,
}

impl Open {
    /// Settles the waiting sample: the next one is decoded at `next`.
    fn settle(&mut self, next: u64) {
        if let Some(unit) = self.pending.take() {
            let duration = u32::try_from(next.saturating_sub(unit.decode)).unwrap_or(u32::MAX);
            self.add(&unit, duration);
            self.last_duration = Some(duration);
        }
    }

    /// Settles the waiting sample although nothing follows.
    fn settle_last(&mut self) {
        if let Some(unit) = self.pending.take() {
            let duration = self.last_duration.unwrap_or_else(|| nominal(&unit.item.format));
            self.add(&unit, duration);
        }
    }

    fn add(&mut self, unit: &Unit, duration: u32) {
        if self.samples.is_empty() {
            self.start = unit.decode;
        }
        let size = u32::try_from(unit.item.data.len()).unwrap_or(u32::MAX);
        let shift = i128::from(unit.presentation) - i128::from(unit.decode);
        self.samples.push(SampleHeader {
            duration,
            size,
            flags: flags(&unit.item),
            composition_offset: i32::try_from(shift).unwrap_or(0),
        });
        self.data.push(unit.item.data.clone());
        self.bytes = self.bytes.saturating_add(u64::from(size));
    }

    fn cut(&mut self, format: &Arc<StreamFormat>) -> Option<Fragment> {
        if self.samples.is_empty() {
            return None;
        }
        let samples = std::mem::take(&mut self.samples);
        let length: u64 = samples.iter().map(|sample| u64::from(sample.duration)).sum();
        Some(Fragment {
            format: Arc::clone(format),
            start: self.start,
            end: self.start.saturating_add(length),
            starts_epoch: false,
            samples,
            data: std::mem::take(&mut self.data),
            bytes: std::mem::take(&mut self.bytes),
        })
    }
}

fn flags(unit: &AccessUnit) -> u32 {
    if unit.random_access {
        FLAGS_SYNC
    } else if unit.disposable {
        FLAGS_DISPOSABLE
    } else {
        FLAGS_DEPENDENT
    }
}

fn nominal(format: &StreamFormat) -> u32 {
    if format.sample_rate == 0 {
        return ONLY_SAMPLE;
    }
    let ticks = AAC_FRAME_SAMPLES * TICKS_PER_SECOND as u64 / u64::from(format.sample_rate);
    u32::try_from(ticks).unwrap_or(ONLY_SAMPLE)
}

#[derive(Debug)]
struct Video {
    format: Arc<StreamFormat>,
    times: DecodeTimes<Arc<AccessUnit>>,
    open: Open,
    // Of what has left `times`: decides where a cut is safe.
    highest: u64,
    newest: u64,
}

#[derive(Debug)]
struct Audio {
    format: Arc<StreamFormat>,
    open: Open,
}

/// Cuts the tracks of one recording into fragments.
#[derive(Debug, Default)]
pub struct Fragmenter {
    video: Option<Video>,
    audio: Option<Audio>,
    epoch_start: u64,
    first_of_epoch: bool,
    break_at_next: bool,
    dropped: u64,
}

impl Fragmenter {
    /// Takes the next unit; appends the fragments that it completes.
    pub fn push(&mut self, unit: &Arc<AccessUnit>, out: &mut Vec<Fragment>) {
        match unit.kind() {
            TrackKind::Video => self.push_video(unit, out),
            TrackKind::Audio => self.push_audio(unit, out),
        }
    }

    /// Completes what is open. What follows begins a new epoch.
    pub fn finish(&mut self, out: &mut Vec<Fragment>) {
        if let Some(mut video) = self.video.take() {
            let mut settled = Vec::new();
            video.times.drain(&mut settled);
            for unit in settled {
                self.place(&mut video, unit, out);
            }
            video.open.settle_last();
            self.emit(video.open.cut(&video.format), out);
        }
        if let Some(mut audio) = self.audio.take() {
            audio.open.settle_last();
            self.emit(audio.open.cut(&audio.format), out);
        }
        self.break_at_next = false;
    }

    /// The first moment of what is being cut now.
    #[must_use]
    pub fn since(&self) -> Option<MediaTime> {
        let cutting = self.video.is_some();
        cutting.then(|| MediaTime::from_ticks(self.epoch_start))
    }

    /// Units that were not taken, since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    fn push_video(&mut self, unit: &Arc<AccessUnit>, out: &mut Vec<Fragment>) {
        let time = unit.time.ticks();
        if self.video.as_ref().is_some_and(|video| breaks(video, unit))
            || (self.break_at_next && unit.random_access)
        {
            self.finish(out);
        }
        let Some(mut video) = self.video.take().or_else(|| self.begin(unit)) else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        video.newest = video.newest.max(time);
        let mut settled = Vec::new();
        // An H.264 random access point is an IDR picture; one of H.265 may have leading pictures.
        let closes = unit.random_access && video.format.codec.starts_with("avc");
        video.times.push(Arc::clone(unit), time, closes, &mut settled);
        for unit in settled {
            self.place(&mut video, unit, out);
        }
        self.video = Some(video);
    }

    fn begin(&mut self, unit: &Arc<AccessUnit>) -> Option<Video> {
        if !unit.random_access {
            return None;
        }
        self.epoch_start = unit.time.ticks();
        self.first_of_epoch = true;
        Some(Video {
            times: DecodeTimes::new(reorder_depth(&unit.format)),
            format: Arc::clone(&unit.format),
            open: Open::default(),
            highest: 0,
            newest: 0,
        })
    }

    fn place(&mut self, video: &mut Video, unit: Unit, out: &mut Vec<Fragment>) {
        let last = video.open.pending.as_ref().map(|pending| pending.decode);
        video.open.settle(unit.decode);
        let safe = last.is_some_and(|last| video.highest <= last);
        if must_cut(&video.open, &unit, safe) {
            self.cut_all(video, out);
        }
        video.highest = video.highest.max(unit.presentation);
        video.open.pending = Some(unit);
    }

    fn cut_all(&mut self, video: &mut Video, out: &mut Vec<Fragment>) {
        self.emit(video.open.cut(&video.format), out);
        if let Some(mut audio) = self.audio.take() {
            self.emit(audio.open.cut(&audio.format), out);
            self.audio = Some(audio);
        }
    }

    fn emit(&mut self, fragment: Option<Fragment>, out: &mut Vec<Fragment>) {
        if let Some(mut fragment) = fragment {
            if fragment.kind() == TrackKind::Video {
                fragment.starts_epoch = std::mem::take(&mut self.first_of_epoch);
            }
            out.push(fragment);
        }
    }

    fn push_audio(&mut self, unit: &Arc<AccessUnit>, out: &mut Vec<Fragment>) {
        let time = unit.time.ticks();
        if self.video.is_none() || time < self.epoch_start || self.break_at_next {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let mut audio = self.audio.take().unwrap_or_else(|| Audio {
            format: Arc::clone(&unit.format),
            open: Open::default(),
        });
        if audio.format != unit.format {
            // Another codec needs another init segment, and that an epoch, which begins with a picture.
            self.break_at_next = true;
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.append_audio(&mut audio, unit, out);
        }
        self.audio = Some(audio);
    }

    fn append_audio(&mut self, audio: &mut Audio, unit: &Arc<AccessUnit>, out: &mut Vec<Fragment>) {
        let time = unit.time.ticks();
        let last = audio.open.pending.as_ref().map(|pending| pending.decode);
        if last.is_some_and(|last| time <= last) {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let step = last.map_or(0, |last| time - last);
        if unit.discontinuity || step > 2 * u64::from(nominal(&audio.format)) {
            // A hole: the next fragment's decode time tells where sound goes on.
            audio.open.settle_last();
            self.emit(audio.open.cut(&audio.format), out);
        } else {
            audio.open.settle(time);
        }
        if time.saturating_sub(audio.open.start) >= LONGEST_FRAGMENT
            || audio.open.samples.len() >= MAX_SAMPLES
        {
            // Without pictures nobody else cuts.
            self.emit(audio.open.cut(&audio.format), out);
        }
        audio.open.pending = Some(Timed {
            item: Arc::clone(unit),
            presentation: time,
            decode: time,
        });
    }
}

fn breaks(video: &Video, unit: &AccessUnit) -> bool {
    let format_changed = !Arc::ptr_eq(&video.format, &unit.format) && video.format != unit.format;
    let step = video.newest.abs_diff(unit.time.ticks());
    unit.discontinuity || format_changed || (video.newest > 0 && step > MAX_STEP)
}

fn must_cut(open: &Open, next: &Unit, safe: bool) -> bool {
    let length = next.decode.saturating_sub(open.start);
    let full =
        length >= LONGEST_FRAGMENT || open.bytes >= LARGE_FRAGMENT || open.samples.len() >= MAX_SAMPLES;
    !open.samples.is_empty()
        && ((next.item.random_access && length >= FRAGMENT)
            || (safe && full)
            || open.bytes >= LARGEST_FRAGMENT)
}
