//! Decoder configurations become [`StreamFormat`]s.

use bytes::Bytes;
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig};
use mp4_atom::{Atom, Audio, Avc1, Avcc, Encode, Esds, Mp4a, Visual};

use crate::media::{StreamFormat, TrackKind, mp4};

/// Object type indication of MPEG-4 audio (ISO/IEC 14496-1, table 5).
const OBJECT_TYPE_AAC: u8 = 0x40;
/// Stream type of audio (ISO/IEC 14496-1, table 6).
const STREAM_TYPE_AUDIO: u8 = 5;
/// Sampling frequencies by index (ISO/IEC 14496-3, table 1.18).
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/// What a whole sample entry box says.
///
/// # Errors
/// When it is none that we know, or is damaged.
pub fn of_sample_entry(entry: &[u8]) -> Result<StreamFormat, String> {
    let (kind, body) = (entry.get(4..8), entry.get(8..).unwrap_or_default());
    let bad = |error: mp4_atom::Error| format!("a sample entry that cannot be read: {error}");
    match kind {
        Some(b"avc1") => h264(Avc1::decode_body(&mut &*body).map_err(bad)?).map(|(format, _)| format),
        Some(b"mp4a") => aac(Mp4a::decode_body(&mut &*body).map_err(bad)?).map(|(format, _)| format),
        Some(b"hvc1" | b"hev1") => h265(entry),
        _ => Err("a sample entry that is neither H.264, H.265 nor AAC".to_owned()),
    }
}

/// H.265 is recorded but not decoded: its sample entry is handed on as it is.
fn h265(entry: &[u8]) -> Result<StreamFormat, String> {
    let codec = mp4::codec(entry).ok_or("H.265 with a bad `hvcC`")?;
    let (config, width, height) = mp4::visual(entry, b"hvcC").ok_or("H.265 with a bad `hvcC`")?;
    Ok(StreamFormat {
        kind: TrackKind::Video,
        codec,
        sample_entry: Bytes::copy_from_slice(entry),
        decoder_config: Bytes::copy_from_slice(config),
        width: width.into(),
        height: height.into(),
        sample_rate: 0,
    })
}

/// H.264 from its sample entry. The returned `length_size` is that of the file; the format says 4.
pub(super) fn h264(mut entry: Avc1) -> Result<(StreamFormat, u8), String> {
    let avcc = &mut entry.avcc;
    if avcc.sequence_parameter_sets.is_empty() || avcc.picture_parameter_sets.is_empty() {
        return Err("H.264 without parameter sets in `avcC`".to_owned());
    }
    let length_size = std::mem::replace(&mut avcc.length_size, 4);
    let codec = format!(
        "avc1.{:02X}{:02X}{:02X}",
        avcc.avc_profile_indication, avcc.profile_compatibility, avcc.avc_level_indication
    );
    let mut config = Vec::new();
    entry
        .avcc
        .encode_body(&mut config)
        .map_err(|error| format!("H.264 with a bad `avcC`: {error}"))?;
    let format = StreamFormat {
        kind: TrackKind::Video,
        codec,
        decoder_config: Bytes::from(config),
        width: entry.visual.width.into(),
        height: entry.visual.height.into(),
        sample_rate: 0,
        sample_entry: boxed(&entry)?,
    };
    Ok((format, length_size))
}

/// H.264 from the payload of `avcC`, as Matroska carries it.
pub(super) fn h264_from_config(config: &[u8], width: u64, height: u64) -> Result<(StreamFormat, u8), String> {
    let avcc =
        Avcc::decode_body(&mut &*config).map_err(|error| format!("H.264 with a bad `avcC`: {error}"))?;
    let side =
        |pixels: u64| u16::try_from(pixels).map_err(|_| format!("picture of {width} x {height} pixels"));
    let visual = Visual {
        data_reference_index: 1,
        width: side(width)?,
        height: side(height)?,
        ..Visual::default()
    };
    h264(Avc1 {
        visual,
        avcc,
        ..Avc1::default()
    })
}

/// AAC from its sample entry, and its channels.
pub(super) fn aac(entry: Mp4a) -> Result<(StreamFormat, u16), String> {
    let decoder = &entry.esds.es_desc.dec_config;
    if decoder.object_type_indication != OBJECT_TYPE_AAC {
        return Err(format!(
            "MPEG audio of object type 0x{:02x}",
            decoder.object_type_indication
        ));
    }
    let config = match &decoder.dec_specific {
        Some(specific) if specific.raw.len() >= 2 => specific.raw.clone(),
        _ => return Err("AAC without its AudioSpecificConfig".to_owned()),
    };
    let parsed = AudioConfig::parse(&config).ok_or("AAC with a bad AudioSpecificConfig")?;
    let channels = if parsed.channels == 0 {
        entry.audio.channel_count
    } else {
        parsed.channels
    };
    let format = StreamFormat {
        kind: TrackKind::Audio,
        codec: format!("mp4a.40.{}", parsed.object_type),
        sample_entry: boxed(&entry)?,
        decoder_config: Bytes::from(config),
        width: 0,
        height: 0,
        sample_rate: parsed.sample_rate,
    };
    Ok((format, channels))
}

/// AAC from its AudioSpecificConfig, as Matroska carries it.
pub(super) fn aac_from_config(config: &[u8], channels: u64) -> Result<(StreamFormat, u16), String> {
    let parsed = AudioConfig::parse(config).ok_or("AAC with a bad AudioSpecificConfig")?;
    let audio = Audio {
        data_reference_index: 1,
        channel_count: u16::try_from(channels).unwrap_or(2),
        sample_size: 16,
        // 16 bits: rates above 65535 Hz cannot be said here and stand in the configuration only.
        sample_rate: u16::try_from(parsed.sample_rate).unwrap_or(0).into(),
    };
    let es_desc = EsDescriptor {
        dec_config: DecoderConfig {
            object_type_indication: OBJECT_TYPE_AAC,
            stream_type: STREAM_TYPE_AUDIO,
            dec_specific: Some(DecoderSpecific {
                raw: config.to_vec(),
                ..DecoderSpecific::default()
            }),
            ..DecoderConfig::default()
        },
        sl_config: SLConfig::default(),
        ..EsDescriptor::default()
    };
    aac(Mp4a {
        audio,
        esds: Esds { es_desc },
        btrt: None,
        taic: None,
    })
}

fn boxed(entry: &impl Encode) -> Result<Bytes, String> {
    let mut bytes = Vec::new();
    entry
        .encode(&mut bytes)
        .map_err(|error| format!("sample entry that cannot be written: {error}"))?;
    Ok(bytes.into())
}

/// The head of an AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1).
struct AudioConfig {
    object_type: u8,
    sample_rate: u32,
    channels: u16,
}

impl AudioConfig {
    fn parse(config: &[u8]) -> Option<Self> {
        let bits = config
            .iter()
            .take(8)
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let mut left = 8 * config.len().min(8) as u32;
        let mut take = |count: u32| {
            left = left.checked_sub(count)?;
            Some((bits >> left) & ((1 << count) - 1))
        };
        let mut object_type = take(5)?;
        if object_type == 31 {
            object_type = 32 + take(6)?;
        }
        let index = take(4)?;
        let sample_rate = if index == 15 {
            u32::try_from(take(24)?).ok()?
        } else {
            *SAMPLE_RATES.get(usize::try_from(index).ok()?)?
        };
        // Channel configuration 7 is 7.1 (table 1.19); zero means "see the program config element".
        let channels = match take(4)? {
            7 => 8,
            channels => u16::try_from(channels).ok()?,
        };
        let object_type = u8::try_from(object_type).ok()?;
        (sample_rate > 0).then_some(Self {
            object_type,
            sample_rate,
            channels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audio_specific_config_gives_rate_and_channels() {
        let (format, channels) = aac_from_config(&[0x12, 0x10], 2).unwrap();
        assert_eq!(
            (format.codec.as_str(), format.sample_rate, channels),
            ("mp4a.40.2", 44_100, 2)
        );
        assert_eq!(&format.sample_entry[4..8], b"mp4a");
        assert_eq!(&format.decoder_config[..], &[0x12, 0x10]);
    }

    #[test]
    fn a_torn_audio_specific_config_is_refused() {
        for config in [&[][..], &[0x12], &[0x17, 0x80], &[0xff]] {
            assert!(aac_from_config(config, 2).is_err(), "{config:?}");
        }
    }
}
