//! A recorded clip: its segments put together, and single pictures out of it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use image::RgbImage;
use re_mp4::{Mp4, Track, TrackKind};
use rusty_h264_decoder::Decoder;

/// A clip of the demo has some hundred KiB.
const MAX_BYTES: usize = 64 << 20;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A clip in memory.
pub(super) struct Tape(Vec<u8>);

impl Tape {
    /// Puts together what the playlists of an asset's video name.
    pub(super) fn read(asset: &Path) -> Result<Self> {
        let mut playlists = Vec::new();
        for entry in std::fs::read_dir(asset).with_context(|| format!("cannot list {}", asset.display()))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".video.m3u8") {
                playlists.push(path);
            }
        }
        playlists.sort();
        let mut bytes = Vec::new();
        for playlist in playlists {
            append(&mut bytes, asset, &std::fs::read_to_string(playlist)?)?;
        }
        if bytes.is_empty() {
            bail!("{} has no video", asset.display());
        }
        Ok(Self(bytes))
    }

    /// All of it as a fragmented MP4 file whose time begins with 0: a recording's begins in 1970, which most players take for
    /// an empty film of half a century.
    pub(super) fn film(&self) -> Vec<u8> {
        let mut film = self.0.clone();
        let times = decode_times(&film, 0, film.len());
        let first = times.iter().map(|(_, time)| *time).min().unwrap_or(0);
        for (at, time) in times {
            if let Some(place) = film.get_mut(at..at + 8) {
                place.copy_from_slice(&(time - first).to_be_bytes());
            }
        }
        film
    }

    /// The picture that is shown so many seconds after the first.
    pub(super) fn picture(&self, second: f64) -> Result<RgbImage> {
        let mp4 = Mp4::read_bytes(&self.0).context("a clip is no MP4 file")?;
        let track = mp4
            .tracks()
            .values()
            .find(|track| track.kind == Some(TrackKind::Video));
        let track = track.context("a clip has no video")?;
        let (mut decoder, mut annex_b) = (Decoder::new(), parameter_sets(track, &mp4)?);
        let first = track
            .samples
            .first()
            .map_or(0, |sample| sample.composition_timestamp);
        let mut last = None;
        for sample in &track.samples {
            let at = (sample.composition_timestamp - first) as f64 / sample.timescale as f64;
            // Half a frame is as near as it gets.
            if at > second + 0.02 && last.is_some() {
                break;
            }
            let data = self.0.get(sample.byte_range()).context("a clip is cut short")?;
            to_annex_b(data, &mut annex_b)?;
            let decoded = decoder.decode(&annex_b);
            annex_b.clear();
            last = decoded
                .map_err(|error| anyhow::anyhow!("a clip cannot be decoded: {error}"))?
                .or(last);
        }
        let frame = last.context("a clip has no picture")?;
        rgb((frame.width, frame.height), [&frame.y, &frame.u, &frame.v])
    }
}

/// The ranges of files that a playlist names, in its order.
fn append(bytes: &mut Vec<u8>, folder: &Path, playlist: &str) -> Result<()> {
    let mut range: Option<(usize, usize)> = None;
    for line in playlist.lines() {
        if let Some(text) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (length, from) = text.split_once('@').context("a byte range without a beginning")?;
            range = Some((from.parse()?, length.parse()?));
        }
        let map = line
            .strip_prefix("#EXT-X-MAP:URI=\"")
            .and_then(|rest| rest.strip_suffix('"'));
        let Some(name) = map.or((!line.is_empty() && !line.starts_with('#')).then_some(line)) else {
            continue;
        };
        let file = std::fs::read(folder.join(name)).with_context(|| format!("cannot read {name}"))?;
        let (from, length) = range.take().unwrap_or((0, file.len()));
        let part = file.get(from..from.saturating_add(length));
        bytes.extend_from_slice(part.with_context(|| format!("{name} is cut short"))?);
        if bytes.len() > MAX_BYTES {
            bail!("a clip has more than {MAX_BYTES} bytes");
        }
    }
    Ok(())
}

/// Where the decode time of each fragment stands, and what it is: `moof`, `traf`, `tfdt` of version 1 (ISO/IEC 14496-12, 8.8.12).
fn decode_times(bytes: &[u8], mut at: usize, end: usize) -> Vec<(usize, u64)> {
    let mut found = Vec::new();
    while let Some((length, rest)) = bytes.get(at..end).and_then(<[u8]>::split_first_chunk::<4>) {
        let long = u32::from_be_bytes(*length) as usize;
        match rest.get(..4) {
            Some(b"moof" | b"traf") => {
                found.extend(decode_times(bytes, at + 8, at.saturating_add(long).min(end)))
            }
            Some(b"tfdt") => {
                let time = rest.get(8..).and_then(<[u8]>::first_chunk::<8>);
                if rest.get(4) == Some(&1)
                    && let Some(time) = time
                {
                    found.push((at + 12, u64::from_be_bytes(*time)));
                }
            }
            _ => {}
        }
        // A box of no length would be read for ever.
        at = at.saturating_add(long.max(8));
    }
    found
}

/// The parameter sets of an `avcC` box (ISO/IEC 14496-15, 5.3.3.1.2) as an Annex B stream.
fn parameter_sets(track: &Track, mp4: &Mp4) -> Result<Vec<u8>> {
    let config = track.raw_codec_config(mp4).context("a clip is not H.264")?;
    sets_of(&config).context("the parameter sets of a clip are cut short")
}

fn sets_of(config: &[u8]) -> Option<Vec<u8>> {
    let mut annex_b = Vec::new();
    let (mut at, masks) = (5, [0x1F_u8, 0xFF]);
    for mask in masks {
        let count = config.get(at)? & mask;
        at += 1;
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([*config.get(at)?, *config.get(at + 1)?]));
            annex_b.extend_from_slice(&START_CODE);
            annex_b.extend_from_slice(config.get(at + 2..at + 2 + length)?);
            at += 2 + length;
        }
    }
    Some(annex_b)
}

/// Units behind their lengths of four bytes, as the recorder writes them, become units behind start codes.
fn to_annex_b(mut data: &[u8], annex_b: &mut Vec<u8>) -> Result<()> {
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let unit = rest.get(..length).context("a picture is cut short")?;
        annex_b.extend_from_slice(&START_CODE);
        annex_b.extend_from_slice(unit);
        data = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// From BT.601 at limited range, which is what the drawn clips have.
fn rgb((width, height): (usize, usize), [y, u, v]: [&[u8]; 3]) -> Result<RgbImage> {
    let half = width.div_ceil(2);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for (row, line) in y.chunks_exact(width.max(1)).enumerate() {
        for (column, luma) in line.iter().enumerate() {
            let chroma = row / 2 * half + column / 2;
            let of = |plane: &[u8]| f32::from(plane.get(chroma).copied().unwrap_or(128)) - 128.0;
            let (y, u, v) = (1.164 * (f32::from(*luma) - 16.0), of(u), of(v));
            let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
            pixels.extend([
                byte(y + 1.596 * v),
                byte(y - 0.392 * u - 0.813 * v),
                byte(y + 2.017 * u),
            ]);
        }
    }
    let (wide, high) = (u32::try_from(width)?, u32::try_from(height)?);
    RgbImage::from_raw(wide, high, pixels).context("a picture is smaller than it says")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::street::bodies::Class;
    use crate::street::{clip, truth::StreetTruth};

    #[test]
    fn the_parts_that_a_playlist_names_are_put_together() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("head.mp4"), "head").unwrap();
        std::fs::write(folder.path().join("one.m4s"), "..one..").unwrap();
        let playlist = "#EXTM3U\n#EXT-X-MAP:URI=\"head.mp4\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:3@2\none.m4s\n#EXT-X-ENDLIST\n";
        std::fs::write(folder.path().join("day.video.m3u8"), playlist).unwrap();
        assert_eq!(Tape::read(folder.path()).unwrap().0, b"headone");
        std::fs::write(
            folder.path().join("day.video.m3u8"),
            playlist.replace("3@2", "9@2"),
        )
        .unwrap();
        assert!(Tape::read(folder.path()).is_err());
    }

    #[test]
    fn a_film_begins_with_its_first_picture() {
        let boxed = |name: &[u8], body: &[u8]| {
            let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
            [&length[..], name, body].concat()
        };
        let fragment = |time: u64| {
            let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], &time.to_be_bytes()[..]].concat());
            [
                boxed(
                    b"moof",
                    &[boxed(b"mfhd", &[7; 8]), boxed(b"traf", &tfdt)].concat(),
                ),
                boxed(b"mdat", b"tfdt"),
            ]
            .concat()
        };
        let tape = Tape([boxed(b"ftyp", b"iso6"), fragment(9_000_000), fragment(9_180_000)].concat());
        let film = tape.film();
        assert_eq!(film.len(), tape.0.len());
        let times = decode_times(&film, 0, film.len());
        let times: Vec<u64> = times.iter().map(|(_, time)| *time).collect();
        assert_eq!(times, [0, 180_000]);
    }

    #[test]
    fn a_picture_of_the_demos_clip_has_its_truck_where_it_should_be() {
        let truth = StreetTruth::read(&clip::truth_file()).unwrap();
        let truck = truth.of(Class::Truck).next().unwrap();
        let tape = Tape(std::fs::read(clip::file()).unwrap());
        let [empty, shown] = [0.0, truck.best].map(|at| tape.picture(at).unwrap());
        let [left, top, width, height] = truck.area;
        // In the middle of the truck nearly all is other than it was, and far from it nothing is.
        let differs = |x: f64, y: f64| {
            let at = ((x * 640.0) as u32, (y * 360.0) as u32);
            let (one, other) = (empty.get_pixel(at.0, at.1), shown.get_pixel(at.0, at.1));
            one.0.iter().zip(other.0).any(|(a, b)| a.abs_diff(b) > 24)
        };
        let inside = (0..100).filter(|at| {
            let (x, y) = (f64::from(at % 10) / 9.0, f64::from(at / 10) / 9.0);
            differs(left + width * (0.2 + 0.6 * x), top + height * (0.2 + 0.6 * y))
        });
        assert!(inside.count() > 80);
    }
}
