//! The box of detections in a segment: `uuid` `ab1cf945-475e-4836-ba62-f5b44db3f8f4`, behind the media. Numbers are big-endian,
//! as everywhere in MP4.
//!
//! ```text
//! u8   version: 1
//! u64  where the segment begins, in ticks of 90 kHz since the Unix epoch
//! u32  detections that were left out because there were too many
//! u16  names, then for each: u8 length in bytes, UTF-8
//! u32  detections, then for each:
//!      i32  its time, in ticks from where the segment begins
//!      u16  its class, as a place in the names
//!      u16  the thing, as a place in the names; 0xFFFF when nobody has named it
//!      u16  how certain it is; 0xFFFF: wholly
//!      u16  left, top, width and height, in fractions of the source picture; 0xFFFF: all of it
//! ```
//! Media is untrusted: whoever can write to the disk can write this. Nothing here trusts a count.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::ops::Range;
use std::sync::Arc;

use super::{Area, Detection, Fraction, MAX_NAME_BYTES};
use crate::media::mp4::user::{find_user_box, user_box};
use crate::media::mp4::{Mp4Error, user};
use crate::media::{MediaTime, Ticks};

/// Says that a box is this one.
pub const BOX_ID: [u8; user::ID] = [
    0xab, 0x1c, 0xf9, 0x45, 0x47, 0x5e, 0x48, 0x36, 0xba, 0x62, 0xf5, 0xb4, 0x4d, 0xb3, 0xf8, 0xf4,
];
/// The detections of one segment: five minutes of 200 a second.
pub const MAX_DETECTIONS: usize = 1 << 16;
/// The different names in one segment.
const MAX_NAMES: usize = 4096;
/// Larger boxes are not read, in bytes: more than all of the above.
pub const MAX_BODY: u64 = 2 << 20;
const VERSION: u8 = 1;
/// Stands where a thing has no name.
const NAMELESS: u16 = u16::MAX;
/// Bytes of a detection.
const ENTRY: usize = 18;

/// What a segment keeps of detections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// By their time.
    pub detections: Vec<Detection>,
    /// How many there were too many.
    pub left_out: u32,
}

/// Why a box cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodingError {
    /// Another version of mediagraph wrote it.
    #[error("it has version {0}, this version of mediagraph knows {VERSION}")]
    Version(u8),
    /// It ends too early, or goes on.
    #[error("its length is not that of what it holds")]
    Length,
    /// More than are ever written.
    #[error("it has too many {0}")]
    TooMany(&'static str),
    /// A name that is none.
    #[error("a name in it is empty, too long, or no UTF-8")]
    Name,
    /// A place in the names where there is none.
    #[error("it refers to a name that it does not have")]
    Reference,
    /// The box around it.
    #[error("{0}")]
    Box(String),
}

/// The names of a box while it is written.
#[derive(Default)]
struct Names<'a> {
    places: HashMap<&'a str, u16>,
    all: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a str) -> Option<u16> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let sound = !name.is_empty() && name.len() <= MAX_NAME_BYTES && self.all.len() < MAX_NAMES;
        let place = u16::try_from(self.all.len()).ok().filter(|_| sound)?;
        self.places.insert(name, place);
        self.all.push(name);
        Some(place)
    }
}

/// The whole box of a segment that begins at `start`; none when there is nothing to keep. What is beyond the bounds counts as left
/// out.
///
/// # Errors
/// Never in practice: the bounds keep it small.
pub fn encode(start: MediaTime, kept: &Kept) -> Result<Option<Vec<u8>>, Mp4Error> {
    let (mut names, mut entries, mut count) = (Names::default(), Vec::new(), 0_u32);
    for one in kept.detections.iter().take(MAX_DETECTIONS) {
        if let Some(entry) = entry(start, one, &mut names) {
            entries.extend_from_slice(&entry);
            count += 1;
        }
    }
    if count == 0 && kept.left_out == 0 {
        return Ok(None);
    }
    let there = u32::try_from(kept.detections.len()).unwrap_or(u32::MAX);
    let left_out = kept.left_out.saturating_add(there.saturating_sub(count));
    let mut body = vec![VERSION];
    body.extend_from_slice(&start.ticks().to_be_bytes());
    body.extend_from_slice(&left_out.to_be_bytes());
    body.extend_from_slice(&(names.all.len() as u16).to_be_bytes());
    for name in names.all {
        body.push(name.len() as u8);
        body.extend_from_slice(name.as_bytes());
    }
    body.extend_from_slice(&count.to_be_bytes());
    body.extend_from_slice(&entries);
    user_box(&BOX_ID, &body).map(Some)
}

fn entry<'a>(start: MediaTime, one: &'a Detection, names: &mut Names<'a>) -> Option<[u8; ENTRY]> {
    let time = i32::try_from(one.time.since(start).0).ok()?;
    let label = names.place(&one.label)?;
    let track = one
        .track
        .as_deref()
        .map_or(Some(NAMELESS), |name| names.place(name))?;
    let [l, t, w, h] = one.area.parts().map(|part| part.0);
    let mut out = [0; ENTRY];
    let (head, tail) = out.split_at_mut(4);
    head.copy_from_slice(&time.to_be_bytes());
    let numbers = [label, track, one.confidence.0, l, t, w, h];
    for (place, number) in tail.as_chunks_mut::<2>().0.iter_mut().zip(numbers) {
        *place = number.to_be_bytes();
    }
    Some(out)
}

/// What stands in the body of a box.
///
/// # Errors
/// When it is not what [`encode`] writes.
pub fn decode(body: &[u8]) -> Result<Kept, CodingError> {
    let mut rest = Rest(body);
    match rest.array::<1>()? {
        [VERSION] => {}
        [other] => return Err(CodingError::Version(other)),
    }
    let start = MediaTime::from_ticks(u64::from_be_bytes(rest.array()?));
    let left_out = u32::from_be_bytes(rest.array()?);
    let names = rest.names()?;
    let count = u32::from_be_bytes(rest.array()?) as usize;
    if count > MAX_DETECTIONS {
        return Err(CodingError::TooMany("detections"));
    }
    let (entries, []) = rest.0.as_chunks::<ENTRY>() else {
        return Err(CodingError::Length);
    };
    if entries.len() != count {
        return Err(CodingError::Length);
    }
    let detections = entries.iter().map(|entry| detection(start, entry, &names));
    Ok(Kept {
        detections: detections.collect::<Result<_, _>>()?,
        left_out,
    })
}

fn detection(start: MediaTime, entry: &[u8; ENTRY], names: &[Arc<str>]) -> Result<Detection, CodingError> {
    let mut rest = Rest(entry);
    let time = i32::from_be_bytes(rest.array()?);
    let (label, track) = (rest.number()?, rest.number()?);
    let confidence = Fraction(rest.number()?);
    let mut fraction = || rest.number().map(Fraction);
    let area = Area::from_parts([fraction()?, fraction()?, fraction()?, fraction()?]);
    let name = |place: u16| {
        let name = names.get(usize::from(place)).cloned();
        name.ok_or(CodingError::Reference)
    };
    Ok(Detection {
        time: start.offset(Ticks(i64::from(time))),
        label: name(label)?,
        track: (track != NAMELESS).then(|| name(track)).transpose()?,
        confidence,
        area,
    })
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodingError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(CodingError::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    fn number(&mut self) -> Result<u16, CodingError> {
        self.array().map(u16::from_be_bytes)
    }

    fn names(&mut self) -> Result<Vec<Arc<str>>, CodingError> {
        let count = usize::from(self.number()?);
        if count > MAX_NAMES {
            return Err(CodingError::TooMany("names"));
        }
        (0..count).map(|_| self.name()).collect()
    }

    fn name(&mut self) -> Result<Arc<str>, CodingError> {
        let [length] = self.array()?;
        let (name, rest) = self
            .0
            .split_at_checked(usize::from(length))
            .ok_or(CodingError::Length)?;
        self.0 = rest;
        match std::str::from_utf8(name) {
            Ok(name) if !name.is_empty() && name.len() <= MAX_NAME_BYTES => Ok(name.into()),
            _ => Err(CodingError::Name),
        }
    }
}

/// The detections of a segment, from its box behind the media, which ends at the start of the range; none when it has no such box.
///
/// # Errors
/// When the file cannot be read, or the box is broken.
pub fn read<R: Read + Seek>(input: &mut R, behind: Range<u64>) -> Result<Kept, CodingError> {
    let found = find_user_box(input, behind, &BOX_ID, MAX_BODY)
        .map_err(|error| CodingError::Box(error.to_string()))?;
    found.map_or_else(|| Ok(Kept::default()), |body| decode(&body))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::tests::seen;
    use super::*;

    /// The header of a `uuid` box.
    const HEADER: usize = 24;
    const START: u64 = 158_400_000_000_000;

    fn body(start: MediaTime, kept: &Kept) -> Vec<u8> {
        encode(start, kept).unwrap().unwrap().split_off(HEADER)
    }

    fn any_detection() -> impl Strategy<Value = Detection> {
        let name = "[a-zä🚚 ]{1,9}";
        let fractions = any::<[u16; 5]>();
        let time = -900_000..27_000_000_i64;
        (time, name, proptest::option::of(name), fractions).prop_map(
            |(time, label, track, [c, l, t, w, h])| Detection {
                time: MediaTime::from_ticks(START).offset(Ticks(time)),
                label: label.into(),
                track: track.map(Into::into),
                confidence: Fraction(c),
                area: Area::from_parts([l, t, w, h].map(Fraction)),
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_kept_is_read_back_as_it_was(
            detections in proptest::collection::vec(any_detection(), 1..50),
            left_out in any::<u32>(),
        ) {
            let kept = Kept { detections, left_out };
            prop_assert_eq!(decode(&body(MediaTime::from_ticks(START), &kept)), Ok(kept));
        }

        #[test]
        fn bytes_of_an_enemy_are_refused_or_read_and_never_more_than_that(
            detections in proptest::collection::vec(any_detection(), 1..9),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = body(MediaTime::from_ticks(START), &Kept { detections, left_out: 0 });
            let cut = cut.index(bytes.len());
            prop_assert!(decode(&bytes[..cut]).is_err(), "cut at {}", cut);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Ok(kept) = decode(&bytes) {
                prop_assert!(kept.detections.len() * ENTRY <= bytes.len());
                prop_assert!(kept.detections.iter().all(|one| !one.label.is_empty()));
            }
        }

        #[test]
        fn noise_is_never_more_than_an_error(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&noise);
            let _ = read(&mut Cursor::new(&noise), 0..noise.len() as u64);
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_is_counted() {
        let start = MediaTime::from_ticks(START);
        let far = seen(start.offset(Ticks::from_secs(30 * 3600)), "late", "", 0.5);
        let mut detections = vec![far];
        detections.extend((0..MAX_NAMES + 10).map(|n| seen(start, &format!("n{n}"), "", 0.5)));
        let kept = decode(&body(
            start,
            &Kept {
                detections,
                left_out: 5,
            },
        ))
        .unwrap();
        assert_eq!((kept.detections.len(), kept.left_out), (MAX_NAMES, 5 + 1 + 10));
        let many = vec![seen(start, "car", "", 0.5); MAX_DETECTIONS + 3];
        let bytes = body(
            start,
            &Kept {
                detections: many,
                left_out: 0,
            },
        );
        assert!((bytes.len() as u64) < MAX_BODY);
        let kept = decode(&bytes).unwrap();
        assert_eq!((kept.detections.len(), kept.left_out), (MAX_DETECTIONS, 3));
    }

    #[test]
    fn a_segment_without_detections_has_no_box_and_another_version_is_named() {
        let start = MediaTime::from_ticks(START);
        assert_eq!(encode(start, &Kept::default()).unwrap(), None);
        let kept = Kept {
            detections: vec![seen(start, "car", "7", 0.5)],
            left_out: 0,
        };
        let mut bytes = body(start, &kept);
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(CodingError::Length));
        bytes[0] = 2;
        assert_eq!(decode(&bytes), Err(CodingError::Version(2)));
    }
}
