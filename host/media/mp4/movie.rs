//! Reading `moov`: tracks, and the sample tables of an ordinary file.

use mp4_atom::{Atom, Co64, Ctts, Elst, Mdhd, Stco, Stsc, Stss, Stsz, StszSamples, Stts, Tkhd, Trex};

use super::boxes;
use super::read::{Defaults, MAX_SAMPLES, Movie, Sample, Track};
use crate::media::TrackKind;

type Broken = String;

/// `bytes` is the body of `moov`; samples must lie within the first `length` bytes of the file.
pub(super) fn movie(bytes: &[u8], length: u64) -> Result<Movie, Broken> {
    let mut movie = Movie::default();
    for child in boxes::children(bytes) {
        let (kind, body) = child?;
        if &kind == b"trak"
            && let Some(track) = track(body)?
        {
            samples(body, track.id, length, &mut movie.samples)?;
            movie.tracks.push(track);
        }
    }
    defaults(bytes, &mut movie.tracks)?;
    if movie.tracks.is_empty() {
        return Err("`moov` has no track of video or audio".into());
    }
    Ok(movie)
}

fn defaults(moov: &[u8], tracks: &mut [Track]) -> Result<(), Broken> {
    let Some(mvex) = boxes::find(moov, b"mvex")? else {
        return Ok(());
    };
    for child in boxes::children(mvex) {
        let (kind, body) = child?;
        if &kind == b"trex" {
            let trex: Trex = decode(body)?;
            for track in tracks.iter_mut().filter(|track| track.id == trex.track_id) {
                track.defaults = Defaults {
                    duration: trex.default_sample_duration,
                    size: trex.default_sample_size,
                    flags: trex.default_sample_flags,
                };
            }
        }
    }
    Ok(())
}

fn decode<T: Atom>(mut body: &[u8]) -> Result<T, Broken> {
    T::decode_body(&mut body).map_err(|error| format!("`{}`: {error}", T::KIND))
}

fn path<'a>(mut bytes: &'a [u8], kinds: &[&[u8; 4]]) -> Result<&'a [u8], Broken> {
    for kind in kinds {
        bytes = boxes::find(bytes, kind)?
            .ok_or_else(|| format!("`{}` is missing", String::from_utf8_lossy(*kind)))?;
    }
    Ok(bytes)
}

fn track(trak: &[u8]) -> Result<Option<Track>, Broken> {
    let header: Tkhd = decode(path(trak, &[b"tkhd"])?)?;
    let media: Mdhd = decode(path(trak, &[b"mdia", b"mdhd"])?)?;
    let handler = path(trak, &[b"mdia", b"hdlr"])?;
    let kind = match handler.get(8..12) {
        Some(b"vide") => TrackKind::Video,
        Some(b"soun") => TrackKind::Audio,
        _ => return Ok(None),
    };
    if media.timescale == 0 {
        return Err("the timescale is 0".into());
    }
    let entries = path(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?
        .get(8..)
        .ok_or("`stsd` is too short")?;
    boxes::children(entries)
        .next()
        .ok_or("there is no sample entry")??;
    let size = entries
        .first_chunk::<4>()
        .map_or(0, |size| u32::from_be_bytes(*size));
    let entry = usize::try_from(size).ok().and_then(|size| entries.get(..size));
    Ok(Some(Track {
        id: header.track_id,
        kind,
        timescale: media.timescale,
        sample_entry: entry.unwrap_or(entries).to_vec(),
        defaults: Defaults::default(),
    }))
}

fn optional<T: Atom>(stbl: &[u8], kind: &[u8; 4]) -> Result<Option<T>, Broken> {
    boxes::find(stbl, kind)?.map(decode).transpose()
}

fn samples(trak: &[u8], track: u32, length: u64, out: &mut Vec<Sample>) -> Result<(), Broken> {
    let stbl = path(trak, &[b"mdia", b"minf", b"stbl"])?;
    let sizes: Stsz = decode(path(stbl, &[b"stsz"])?)?;
    let sizes = sizes_of(&sizes)?;
    if sizes.is_empty() {
        return Ok(());
    }
    let durations: Stts = decode(path(stbl, &[b"stts"])?)?;
    let mut durations = durations
        .entries
        .iter()
        .flat_map(|run| repeat(run.sample_delta, run.sample_count));
    let offsets = optional::<Ctts>(stbl, b"ctts")?.unwrap_or_default();
    let mut offsets = offsets
        .entries
        .iter()
        .flat_map(|run| repeat(run.sample_offset, run.sample_count));
    let sync = optional::<Stss>(stbl, b"stss")?;
    let mut places = places(stbl, &sizes)?.into_iter();
    let mut decode_time = start(trak)?;
    for (number, &size) in (1_u32..).zip(&sizes) {
        let offset = places.next().ok_or("the chunks hold fewer samples than `stsz`")?;
        if offset.checked_add(u64::from(size)).is_none_or(|end| end > length) {
            return Err(format!(
                "sample {number} of track {track} lies outside of the file"
            ));
        }
        let duration = durations.next().ok_or("`stts` has fewer samples than `stsz`")?;
        out.push(Sample {
            track,
            decode: decode_time,
            composition_offset: offsets.next().unwrap_or(0),
            duration,
            size,
            sync: sync
                .as_ref()
                .is_none_or(|sync| sync.entries.binary_search(&number).is_ok()),
            offset,
        });
        decode_time = decode_time
            .checked_add(u64::from(duration))
            .ok_or("decode times overflow")?;
    }
    Ok(())
}

fn repeat<T: Clone>(value: T, count: u32) -> impl Iterator<Item = T> {
    std::iter::repeat_n(value, usize::try_from(count).unwrap_or(usize::MAX))
}

// An empty edit says that the track starts late (ISO/IEC 14496-12, 8.6.6); our files have one timescale.
fn start(trak: &[u8]) -> Result<u64, Broken> {
    let Some(edits) = boxes::find(trak, b"edts")? else {
        return Ok(0);
    };
    let list: Option<Elst> = optional(edits, b"elst")?;
    Ok(list
        .and_then(|list| {
            list.entries
                .first()
                .filter(|edit| edit.media_time.is_none())
                .map(|edit| edit.segment_duration)
        })
        .unwrap_or(0))
}

fn sizes_of(sizes: &Stsz) -> Result<Vec<u32>, Broken> {
    match &sizes.samples {
        StszSamples::Identical { count, .. } if u64::from(*count) > MAX_SAMPLES => {
            Err(format!("more than {MAX_SAMPLES} samples"))
        }
        StszSamples::Identical { count, size } => Ok(repeat(*size, *count).collect()),
        StszSamples::Different { sizes } => Ok(sizes.clone()),
    }
}

fn places(stbl: &[u8], sizes: &[u32]) -> Result<Vec<u64>, Broken> {
    let chunks: Vec<u64> = match optional::<Co64>(stbl, b"co64")? {
        Some(wide) => wide.entries,
        None => optional::<Stco>(stbl, b"stco")?
            .ok_or("`stco` and `co64` are missing")?
            .entries
            .into_iter()
            .map(u64::from)
            .collect(),
    };
    let runs: Stsc = decode(path(stbl, &[b"stsc"])?)?;
    let mut runs = runs.entries.iter().peekable();
    let mut per_chunk = 0;
    let mut places = Vec::with_capacity(sizes.len());
    let mut sizes = sizes.iter();
    for (number, mut offset) in (1_u32..).zip(chunks) {
        if let Some(run) = runs.next_if(|run| run.first_chunk <= number) {
            per_chunk = run.samples_per_chunk;
        }
        for _ in 0..per_chunk {
            let Some(&size) = sizes.next() else {
                return Ok(places);
            };
            places.push(offset);
            offset = offset
                .checked_add(u64::from(size))
                .ok_or("chunk offsets overflow")?;
        }
    }
    Ok(places)
}

/// RFC 6381, for the sample entries that are common.
pub(super) fn codec(entry: &[u8]) -> Option<String> {
    match entry.get(4..8)? {
        kind @ (b"avc1" | b"avc3") => {
            let config = boxes::find(entry.get(86..)?, b"avcC").ok()??;
            let [profile, constraints, level]: [u8; 3] = config.get(1..4)?.try_into().ok()?;
            let kind = String::from_utf8_lossy(kind);
            Some(format!("{kind}.{profile:02X}{constraints:02X}{level:02X}"))
        }
        kind @ (b"hvc1" | b"hev1") => {
            let config = boxes::find(entry.get(86..)?, b"hvcC").ok()??;
            hevc(&String::from_utf8_lossy(kind), config)
        }
        b"mp4a" => {
            let esds: mp4_atom::Esds = decode(boxes::find(entry.get(36..)?, b"esds").ok()??).ok()?;
            Some(format!(
                "mp4a.40.{}",
                esds.es_desc.dec_config.dec_specific?.profile
            ))
        }
        _ => None,
    }
}

/// ISO/IEC 14496-15, annex E.3: profile, the flags of compatible profiles backwards, tier and level, constraints up to
/// the last that is not zero.
fn hevc(kind: &str, config: &[u8]) -> Option<String> {
    let (profile, level) = (*config.get(1)?, *config.get(12)?);
    let compatible = u32::from_be_bytes(config.get(2..6)?.try_into().ok()?).reverse_bits();
    let space = ["", "A", "B", "C"].get(usize::from(profile >> 6))?;
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!("{kind}.{space}{}.{compatible:X}.{tier}{level}", profile & 0x1f);
    let constraints = config.get(6..12)?;
    let used = constraints
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    for byte in constraints.iter().take(used) {
        text.push_str(&format!(".{byte:X}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codec_of_h265_is_told_as_players_want_it() {
        let mut config = vec![1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc("hvc1", &config).unwrap(), "hvc1.1.6.L93.B0");
        config[1] = 0xa2;
        config[8] = 0x0f;
        assert_eq!(hevc("hev1", &config).unwrap(), "hev1.B2.6.H93.B0.0.F");
        assert_eq!(hevc("hvc1", &config[..12]), None);
    }
}
