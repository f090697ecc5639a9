//! Matroska (RFC 9559): has no sample table, so the file is read once and the place of each frame is noted.
//!
//! Matroska stamps in units of `TimestampScale`, a millisecond as a rule, and stores no decoding times. Stamps
//! are put back on the grid of the known frame duration where they differ by rounding only; decoding times are
//! the presentation times in rising order, moved so that no picture is shown before it is decoded.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use matroska_demuxer::{Frame, MatroskaFile, TrackEntry, TrackType};

use super::{Index, IndexError, MAX_SAMPLES, Sample, Track, check, damaged, format, nal};
use crate::media::{StreamFormat, TICKS_PER_SECOND, TrackKind};

/// Sound samples in one AAC frame (ISO/IEC 14496-3, `frameLengthFlag` 0).
const AAC_FRAME: u32 = 1024;
/// Longest read of the demuxer that is not a frame's data: an 8-byte integer.
const LONGEST_NUMBER: usize = 8;
const NANOS: i128 = 1_000_000_000;

type Demuxer = MatroskaFile<Noting<BufReader<File>>>;

/// Reads the file from its start.
pub(super) fn index(file: &File) -> Result<Index, IndexError> {
    let file_bytes = file.metadata()?.len();
    let reader = Noting {
        inner: BufReader::new(file.try_clone()?),
        reads: Default::default(),
    };
    let reads = Arc::clone(&reader.reads);
    let mut demuxer = MatroskaFile::open(reader).map_err(|error| damaged(error.to_string()))?;
    let scale = demuxer.info().timestamp_scale().get();
    let mut found = Index {
        tracks: Vec::new(),
        skipped: Vec::new(),
    };
    let mut drafts = Vec::new();
    for entry in demuxer.tracks() {
        match Draft::of(entry) {
            Ok(draft) => drafts.push(draft),
            Err(reason) => found
                .skipped
                .push(format!("track {}: {reason}", entry.track_number())),
        }
    }
    read_frames(&mut demuxer, &reads, &mut drafts)?;
    for draft in drafts {
        match draft.finish(scale) {
            Some(mut track) => {
                check(&mut track.samples, file_bytes)?;
                found.tracks.push(track);
            }
            None => found.skipped.push("an empty track".to_owned()),
        }
    }
    Ok(found)
}

fn read_frames(demuxer: &mut Demuxer, reads: &Reads, drafts: &mut [Draft]) -> Result<(), IndexError> {
    let mut frame = Frame::default();
    let mut budget = MAX_SAMPLES;
    loop {
        lock(reads).clear();
        if !demuxer
            .next_frame(&mut frame)
            .map_err(|error| damaged(error.to_string()))?
        {
            return Ok(());
        }
        let Some(draft) = drafts.iter_mut().find(|draft| draft.number == frame.track) else {
            continue;
        };
        budget = budget
            .checked_sub(1)
            .ok_or_else(|| damaged(format!("more than {MAX_SAMPLES} samples")))?;
        let offset = place(&lock(reads), &frame.data)
            .ok_or_else(|| damaged("a frame that was not read in one piece"))?;
        draft.push(&frame, offset)?;
    }
}

/// A track while its frames are being collected.
struct Draft {
    number: u64,
    format: StreamFormat,
    length_size: u8,
    channels: u16,
    timescale: u32,
    /// In nanoseconds; zero when the file does not say.
    frame_nanos: u64,
    /// What the decoder has to throw away at the start, in nanoseconds (RFC 9559, `CodecDelay`).
    delay_nanos: u64,
    samples: Vec<Sample>,
}

impl Draft {
    fn of(entry: &TrackEntry) -> Result<Self, String> {
        let codec = entry.codec_id();
        if entry
            .content_encodings()
            .is_some_and(|encodings| !encodings.is_empty())
        {
            return Err(format!("{codec}, compressed or encrypted"));
        }
        let config = entry.codec_private().unwrap_or_default();
        let (format, length_size, channels) = match (entry.track_type(), codec) {
            (TrackType::Video, "V_MPEG4/ISO/AVC") => {
                let video = entry.video().ok_or("H.264 without the size of its picture")?;
                let (format, length_size) =
                    format::h264_from_config(config, video.pixel_width().get(), video.pixel_height().get())?;
                (format, length_size, 0)
            }
            (TrackType::Audio, "A_AAC") => {
                let channels = entry.audio().map_or(2, |audio| audio.channels().get());
                let (format, channels) = format::aac_from_config(config, channels)?;
                (format, 4, channels)
            }
            _ => return Err(codec.to_owned()),
        };
        let (timescale, frame_nanos) = match format.kind {
            TrackKind::Video => (
                TICKS_PER_SECOND as u32,
                entry.default_duration().map_or(0, |nanos| nanos.get()),
            ),
            TrackKind::Audio => (
                format.sample_rate,
                u64::from(AAC_FRAME) * NANOS as u64 / u64::from(format.sample_rate),
            ),
        };
        let number = entry.track_number().get();
        Ok(Self {
            number,
            format,
            length_size,
            channels,
            timescale,
            frame_nanos,
            delay_nanos: entry.codec_delay().unwrap_or(0),
            samples: Vec::new(),
        })
    }

    fn push(&mut self, frame: &Frame, offset: u64) -> Result<(), IndexError> {
        let pts = i64::try_from(frame.timestamp).map_err(|_| damaged("a timestamp beyond all time"))?;
        let size = u32::try_from(frame.data.len()).map_err(|_| damaged("a frame beyond all size"))?;
        let key = match self.format.kind {
            TrackKind::Audio => true,
            TrackKind::Video if self.length_size == 4 => {
                nal::units(&frame.data).any(|unit| nal::kind(unit) == nal::IDR)
            }
            TrackKind::Video => frame.is_keyframe.unwrap_or(false),
        };
        self.samples.push(Sample {
            pts,
            dts: 0,
            duration: 0,
            key,
            offset,
            size,
        });
        Ok(())
    }

    /// From the file's timestamps to the track's timescale.
    fn finish(mut self, scale: u64) -> Option<Track> {
        if self.samples.is_empty() {
            return None;
        }
        let ticks = |nanos: i128| {
            let scaled = nanos * i128::from(self.timescale);
            i64::try_from((scaled + NANOS / 2).div_euclid(NANOS)).unwrap_or(i64::MAX)
        };
        let frame = match self.format.kind {
            TrackKind::Audio => i64::from(AAC_FRAME),
            TrackKind::Video => ticks(self.frame_nanos.into()),
        };
        let tolerance = ticks(scale.into()) + 1;
        let raw: Vec<i64> = self
            .samples
            .iter()
            .map(|sample| ticks(i128::from(sample.pts) * i128::from(scale) - i128::from(self.delay_nanos)))
            .collect();
        for (sample, time) in self.samples.iter_mut().zip(retime(&raw, frame, tolerance)) {
            (sample.pts, sample.dts, sample.duration) = time;
        }
        Some(Track {
            format: Arc::new(self.format),
            timescale: self.timescale,
            channels: self.channels,
            samples: self.samples,
            length_size: self.length_size,
        })
    }
}

/// (pts, dts, duration) of frames in decoding order whose stamps were rounded by up to `tolerance`; `frame` is how
/// long one lasts, or zero.
fn retime(raw: &[i64], frame: i64, tolerance: i64) -> Vec<(i64, i64, u32)> {
    let mut order: Vec<(i64, usize)> = raw.iter().copied().zip(0..).collect();
    order.sort_unstable();
    let (mut shown, mut shift, mut last_step) = (vec![(0, 0); raw.len()], 0, frame);
    let mut decoded: Vec<i64> = Vec::with_capacity(raw.len());
    for pair in 0..order.len() {
        let Some(&(stamp, index)) = order.get(pair) else {
            break;
        };
        let snapped = match decoded.last() {
            Some(before) if frame > 0 && (before + frame - stamp).abs() <= tolerance => before + frame,
            _ => stamp,
        };
        decoded.push(snapped);
        if let Some(slot) = shown.get_mut(index) {
            *slot = (snapped, pair);
        }
    }
    for ((pts, _), dts) in shown.iter().zip(&decoded) {
        shift = shift.max(dts - pts);
    }
    let steps: Vec<i64> = decoded
        .iter()
        .zip(decoded.iter().skip(1))
        .map(|(one, next)| next - one)
        .collect();
    let timed = shown.iter().zip(&decoded).map(|((pts, rank), dts)| {
        last_step = if frame > 0 {
            frame
        } else {
            steps.get(*rank).copied().unwrap_or(last_step)
        };
        (*pts, dts - shift, u32::try_from(last_step).unwrap_or(0))
    });
    timed.collect()
}

/// The reads of the demuxer since the list was last cleared.
type Reads = std::sync::Mutex<Vec<Noted>>;

struct Noted {
    offset: u64,
    length: usize,
    head: [u8; LONGEST_NUMBER],
}

fn lock(reads: &Reads) -> std::sync::MutexGuard<'_, Vec<Noted>> {
    reads.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Where the bytes of a frame stand: the read of its length with its content. The demuxer tells no offsets. Its
/// other reads are of numbers; one that has the length and the content of a tiny frame serves just as well.
fn place(reads: &[Noted], data: &[u8]) -> Option<u64> {
    let head = |noted: &Noted| data.iter().zip(&noted.head).all(|(one, other)| one == other);
    reads
        .iter()
        .find(|noted| noted.length == data.len() && head(noted))
        .map(|noted| noted.offset)
}

/// A reader that notes what is read from it.
struct Noting<R> {
    inner: R,
    reads: Arc<Reads>,
}

impl<R: Read + Seek> Read for Noting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let offset = self.inner.stream_position()?;
        self.inner.read_exact(buffer)?;
        let mut head = [0; LONGEST_NUMBER];
        for (to, from) in head.iter_mut().zip(buffer.iter()) {
            *to = *from;
        }
        lock(&self.reads).push(Noted {
            offset,
            length: buffer.len(),
            head,
        });
        Ok(())
    }
}

impl<R: Seek> Seek for Noting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_stamps_return_to_the_grid() {
        // 30 pictures a second in whole milliseconds: 0, 33, 67, 100.
        let timed = retime(&[0, 2970, 6030, 9000], 3000, 91);
        assert_eq!(
            timed.iter().map(|time| time.0).collect::<Vec<_>>(),
            [0, 3000, 6000, 9000]
        );
        assert!(timed.iter().all(|time| time.2 == 3000));
    }

    #[test]
    fn a_real_gap_is_kept() {
        let timed = retime(&[0, 3000, 12_000, 15_000], 3000, 91);
        assert_eq!(
            timed.iter().map(|time| time.0).collect::<Vec<_>>(),
            [0, 3000, 12_000, 15_000]
        );
    }

    #[test]
    fn reordered_pictures_are_decoded_in_time() {
        let timed = retime(&[0, 9000, 3000, 6000, 18_000, 12_000], 3000, 91);
        let decoded: Vec<i64> = timed.iter().map(|time| time.1).collect();
        assert!(decoded.is_sorted());
        assert!(timed.iter().all(|(pts, dts, _)| dts <= pts));
        assert!(
            timed.iter().any(|(pts, dts, _)| dts == pts),
            "no later than needed"
        );
    }

    #[test]
    fn without_a_frame_duration_the_distance_counts() {
        let timed = retime(&[0, 3600, 7200], 0, 91);
        assert_eq!(
            timed.iter().map(|time| time.2).collect::<Vec<_>>(),
            [3600, 3600, 3600]
        );
    }
}
