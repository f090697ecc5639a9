//! The fragments of a segment, read from its boxes by hand (ISO/IEC 14496-12).

use anyhow::{Context as _, Result, bail};

/// One fragment of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// Its first moment, in ticks of 90 kHz since the Unix epoch.
    pub(super) start: u64,
    /// Where it ends.
    pub(super) end: u64,
    pub(super) pictures: u64,
}

/// The first track of a file of ours is video, sound stands behind it.
const VIDEO: u32 = 1;
/// Flags of `tfhd`: what stands before the duration of samples.
const BASE_OFFSET: u32 = 0x01;
const DESCRIPTION: u32 = 0x02;
const DURATION: u32 = 0x08;
/// Flags of `trun`.
const DATA_OFFSET: u32 = 0x01;
const FIRST_FLAGS: u32 = 0x04;
const SAMPLE_DURATION: u32 = 0x100;
/// Further members of a sample, of 4 bytes each: its size, its flags, its composition offset.
const SAMPLE_REST: [u32; 3] = [0x200, 0x400, 0x800];

/// The fragments of video in a file.
///
/// # Errors
/// When it is no such file.
pub(super) fn fragments(file: &[u8]) -> Result<Vec<Fragment>> {
    let mut found = Vec::new();
    for (kind, moof) in boxes(file)? {
        if kind == *b"moof" {
            for (kind, traf) in boxes(moof)? {
                if kind == *b"traf" {
                    found.extend(fragment(traf)?);
                }
            }
        }
    }
    Ok(found)
}

fn fragment(traf: &[u8]) -> Result<Option<Fragment>> {
    let inside = boxes(traf)?;
    let of = |wanted: &[u8; 4]| {
        inside
            .iter()
            .find(|(kind, _)| kind == wanted)
            .map(|(_, body)| *body)
    };
    let mut tfhd = Reader(of(b"tfhd").context("a track without `tfhd`")?);
    let flags = tfhd.u32()? & 0xff_ffff;
    if tfhd.u32()? != VIDEO {
        return Ok(None);
    }
    tfhd.skip(if flags & BASE_OFFSET == 0 { 0 } else { 8 })?;
    tfhd.skip(if flags & DESCRIPTION == 0 { 0 } else { 4 })?;
    let usual = if flags & DURATION == 0 { 0 } else { tfhd.u32()? };
    let mut tfdt = Reader(of(b"tfdt").context("a track without `tfdt`")?);
    let start = match tfdt.u32()? >> 24 {
        0 => u64::from(tfdt.u32()?),
        _ => tfdt.u64()?,
    };
    let (mut end, mut pictures) = (start, 0);
    for (kind, body) in &inside {
        if kind == b"trun" {
            let (samples, ticks) = run(body, usual)?;
            pictures += samples;
            end += ticks;
        }
    }
    Ok(Some(Fragment { start, end, pictures }))
}

/// Samples, and how long they are together.
fn run(trun: &[u8], usual: u32) -> Result<(u64, u64)> {
    let mut trun = Reader(trun);
    let flags = trun.u32()? & 0xff_ffff;
    let samples = u64::from(trun.u32()?);
    trun.skip(if flags & DATA_OFFSET == 0 { 0 } else { 4 })?;
    trun.skip(if flags & FIRST_FLAGS == 0 { 0 } else { 4 })?;
    let rest = SAMPLE_REST.iter().filter(|flag| flags & **flag != 0).count() * 4;
    let mut ticks = 0;
    for _ in 0..samples {
        ticks += u64::from(if flags & SAMPLE_DURATION == 0 {
            usual
        } else {
            trun.u32()?
        });
        trun.skip(rest)?;
    }
    Ok((samples, ticks))
}

/// The boxes that stand one behind the other, without their headers.
fn boxes(mut bytes: &[u8]) -> Result<Vec<([u8; 4], &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let mut reader = Reader(bytes);
        let size = reader.u32()? as usize;
        let kind = reader.take(4)?.try_into()?;
        let (head, size) = match size {
            0 => (8, bytes.len()),
            1 => (16, usize::try_from(reader.u64()?)?),
            size => (8, size),
        };
        match (bytes.get(head..size), bytes.get(size..)) {
            (Some(body), Some(rest)) => {
                found.push((kind, body));
                bytes = rest;
            }
            _ => bail!("a box of {size} bytes is cut off"),
        }
    }
    Ok(found)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes).context("a box is too short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn skip(&mut self, bytes: usize) -> Result<()> {
        self.take(bytes).map(drop)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.take(8)?.try_into()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut whole = (body.len() as u32 + 8).to_be_bytes().to_vec();
        whole.extend(kind);
        whole.extend(body);
        whole
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A fragment with a moment and the lengths of its samples.
    fn moof(track: u32, start: u64, samples: &[u32]) -> Vec<u8> {
        let tfhd = boxed(
            b"tfhd",
            &words(&[0x02_0000 | DESCRIPTION | DURATION, track, 1, 3600]),
        );
        let tfdt = boxed(
            b"tfdt",
            &[words(&[1 << 24]), start.to_be_bytes().to_vec()].concat(),
        );
        let mut run = words(&[
            DATA_OFFSET | FIRST_FLAGS | SAMPLE_DURATION | 0x200,
            samples.len() as u32,
            8,
            0,
        ]);
        samples
            .iter()
            .for_each(|ticks| run.extend(words(&[*ticks, 1000])));
        let traf = boxed(b"traf", &[tfhd, tfdt, boxed(b"trun", &run)].concat());
        [
            boxed(b"moof", &[boxed(b"mfhd", &words(&[0, 1])), traf].concat()),
            boxed(b"mdat", b"media"),
        ]
        .concat()
    }

    #[test]
    fn fragments_of_video_are_found_with_their_lengths() {
        let file = [moof(1, 1 << 40, &[3600, 3000]), moof(2, 5, &[1]), moof(1, 7, &[])].concat();
        let fragment = |start, end, pictures| Fragment { start, end, pictures };
        assert_eq!(
            fragments(&file).unwrap(),
            [fragment(1 << 40, (1 << 40) + 6600, 2), fragment(7, 7, 0)]
        );
        assert!(fragments(&file[..file.len() - 1]).is_err());
    }
}
