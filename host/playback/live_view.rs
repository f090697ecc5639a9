//! What a camera shows now, as a movie without an end: an init segment, then a fragment for each picture, as Media Source Extensions in
//! browsers take it. Without sound.
//!
//! Decode times are media time, so a player that subtracts nothing shows the seconds since 1970. A picture goes out when the next one is
//! there, which tells how long it lasts, and when its decode time is known: as many pictures later as the camera reorders.

use std::sync::Arc;

use bytes::Bytes;

use crate::media::dts::{DecodeTimes, Timed, reorder_depth};
use crate::media::mp4::write::{SampleHeader, fragment_header, init_segment};
use crate::media::mp4::{FLAGS_DEPENDENT, FLAGS_DISPOSABLE, FLAGS_SYNC, Mp4Error};
use crate::media::{AccessUnit, StreamFormat, TrackKind};

type Picture = Timed<Arc<AccessUnit>>;

/// Makes the movie of one viewer.
#[derive(Debug, Default)]
pub struct LiveMovie {
    /// None: until the next picture that needs no other.
    video: Option<Video>,
    sequence: u32,
}

#[derive(Debug)]
struct Video {
    format: Arc<StreamFormat>,
    times: DecodeTimes<Arc<AccessUnit>>,
    waiting: Option<Picture>,
}

impl LiveMovie {
    /// The codec string of what is shown; none before its first picture.
    #[must_use]
    pub fn codec(&self) -> Option<&str> {
        self.video.as_ref().map(|video| video.format.codec.as_str())
    }

    /// Some units went past: it goes on with the next picture that needs no other.
    pub fn missed(&mut self) {
        self.video = None;
    }

    /// Takes the next unit; gives what shall be sent.
    ///
    /// # Errors
    /// When the unit cannot be put into a movie.
    pub fn unit(&mut self, unit: &Arc<AccessUnit>) -> Result<Vec<Bytes>, Mp4Error> {
        let mut out = Vec::new();
        if unit.kind() == TrackKind::Audio {
            return Ok(out);
        }
        let goes_on = |video: &Video| !unit.discontinuity && *video.format == *unit.format;
        if !self.video.as_ref().is_some_and(goes_on) {
            self.video = None;
            if !unit.random_access {
                return Ok(out);
            }
            out.push(init_segment(&unit.format)?.into());
        }
        let video = self.video.get_or_insert_with(|| Video {
            times: DecodeTimes::new(reorder_depth(&unit.format)),
            format: Arc::clone(&unit.format),
            waiting: None,
        });
        let mut settled = Vec::new();
        let closes = unit.random_access && unit.format.codec.starts_with("avc");
        video
            .times
            .push(Arc::clone(unit), unit.time.ticks(), closes, &mut settled);
        for next in settled {
            let until = next.decode;
            if let Some(picture) = video.waiting.replace(next) {
                self.sequence = self.sequence.wrapping_add(1);
                fragment(&picture, until, self.sequence, &mut out)?;
            }
        }
        Ok(out)
    }
}

fn fragment(picture: &Picture, until: u64, sequence: u32, out: &mut Vec<Bytes>) -> Result<(), Mp4Error> {
    let unit = &picture.item;
    let shift = i128::from(picture.presentation) - i128::from(picture.decode);
    let sample = SampleHeader {
        duration: u32::try_from(until.saturating_sub(picture.decode)).unwrap_or(u32::MAX),
        size: u32::try_from(unit.data.len()).unwrap_or(u32::MAX),
        flags: match (unit.random_access, unit.disposable) {
            (true, _) => FLAGS_SYNC,
            (false, true) => FLAGS_DISPOSABLE,
            (false, false) => FLAGS_DEPENDENT,
        },
        composition_offset: i32::try_from(shift).unwrap_or(0),
    };
    let header = fragment_header(TrackKind::Video, sequence, picture.decode, &[sample])?;
    out.push(header.into());
    out.push(unit.data.clone());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaTime;
    use crate::media::mp4::read::{Fragments, movie};

    fn format(width: u32) -> Arc<StreamFormat> {
        let mut entry = vec![0; 86];
        entry[3] = 86;
        entry[4..8].copy_from_slice(b"avc1");
        Arc::new(StreamFormat {
            kind: TrackKind::Video,
            codec: "avc1.64001F".into(),
            sample_entry: entry.into(),
            decoder_config: Bytes::new(),
            width,
            height: 180,
            sample_rate: 0,
        })
    }

    fn unit(format: &Arc<StreamFormat>, number: u64, random_access: bool) -> Arc<AccessUnit> {
        Arc::new(AccessUnit {
            time: MediaTime::from_ticks(1_000_000 + number * 3600),
            format: Arc::clone(format),
            data: Bytes::from(vec![number as u8; 10]),
            random_access,
            disposable: false,
            discontinuity: false,
        })
    }

    fn inits(bytes: &[u8]) -> usize {
        bytes.windows(4).filter(|four| four == b"ftyp").count()
    }

    #[test]
    fn each_picture_is_a_fragment_and_it_begins_with_one_that_needs_no_other() {
        let format = format(320);
        let mut live = LiveMovie::default();
        let mut bytes = Vec::new();
        let mut push = |live: &mut LiveMovie, number, random| {
            let parts = live.unit(&unit(&format, number, random)).unwrap();
            parts.iter().for_each(|part| bytes.extend_from_slice(part));
        };
        push(&mut live, 0, false);
        assert_eq!(live.codec(), None);
        for number in 1..80 {
            push(&mut live, number, number % 25 == 1);
        }
        assert_eq!(live.codec(), Some("avc1.64001F"));
        assert_eq!(inits(&bytes), 1);
        let length = bytes.len() as u64;
        let mut input = std::io::Cursor::new(&bytes);
        let tracks = movie(&mut input, length).unwrap().tracks;
        let fragments: Vec<_> = Fragments::new(input, &tracks, 0..length)
            .map(Result::unwrap)
            .collect();
        let samples: Vec<_> = fragments.iter().flat_map(|fragment| &fragment.samples).collect();
        assert_eq!(fragments.len(), samples.len());
        assert!(samples.len() >= 60, "{}", samples.len());
        assert_eq!((samples[0].decode, samples[0].sync), (1_003_600, true));
        assert!(samples.iter().all(|sample| sample.duration == 3600));
    }

    #[test]
    fn after_a_change_or_a_loss_it_begins_anew() {
        let (small, large) = (format(320), format(640));
        let mut live = LiveMovie::default();
        let mut send = |unit: &Arc<AccessUnit>| live.unit(unit).unwrap().concat();
        assert_eq!(inits(&send(&unit(&small, 0, true))), 1);
        assert_eq!(inits(&send(&unit(&small, 1, false))), 0);
        assert_eq!(send(&unit(&large, 2, false)), b"", "nothing to begin with");
        assert_eq!(inits(&send(&unit(&large, 3, true))), 1);
        let mut lost = AccessUnit::clone(&unit(&large, 4, false));
        lost.discontinuity = true;
        assert_eq!(send(&Arc::new(lost)), b"");
        assert_eq!(send(&unit(&large, 5, false)), b"");
        assert_eq!(inits(&send(&unit(&large, 6, true))), 1);
        live.missed();
        assert_eq!(live.unit(&unit(&large, 7, false)).unwrap().concat(), b"");
    }
}
