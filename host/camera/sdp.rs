//! Session descriptions (RFC 8866) with the format parameters of RFC 6184 and RFC 3640.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mp4_atom::{Atom, Avcc};

use super::catalog::{Stream, control};
use crate::media::TrackKind;
use crate::media::demux::Track;
use crate::text::hex;

/// Dynamic payload types (RFC 3551, section 6); the position of the track is added.
const FIRST_PAYLOAD_TYPE: u8 = 96;
/// The RTP clock of video (RFC 6184, section 8.2.1).
pub(super) const VIDEO_CLOCK: u32 = 90_000;

/// The payload type of the track with this number.
pub(super) fn payload_type(number: usize) -> u8 {
    FIRST_PAYLOAD_TYPE.saturating_add(u8::try_from(number).unwrap_or(0)) & 0x7f
}

/// The RTP clock of a track.
pub(super) fn clock_rate(track: &Track) -> u32 {
    match track.kind() {
        TrackKind::Video => VIDEO_CLOCK,
        TrackKind::Audio => track.format.sample_rate,
    }
}

/// SPS and PPS of a track; empty for sound.
pub(super) fn parameter_sets(track: &Track) -> Vec<Vec<u8>> {
    if track.kind() == TrackKind::Audio {
        return Vec::new();
    }
    let config = Avcc::decode_body(&mut &*track.format.decoder_config).unwrap_or_default();
    config
        .sequence_parameter_sets
        .into_iter()
        .chain(config.picture_parameter_sets)
        .collect()
}

/// Describes a stream, as served from `host`.
pub(super) fn describe(stream: &Stream, host: std::net::IpAddr, id: u64) -> String {
    let family = if host.is_ipv4() { "IP4" } else { "IP6" };
    let anywhere = if host.is_ipv4() { "0.0.0.0" } else { "::" };
    let name: String = stream
        .name
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let mut text = format!(
        "v=0\r\no=- {id} 1 IN {family} {host}\r\ns={name}\r\nc=IN {family} {anywhere}\r\nt=0 0\r\n\
         a=tool:mediagraph\r\na=type:broadcast\r\na=control:*\r\na=range:npt=now-\r\n"
    );
    for (number, line) in stream.program.lines().iter().enumerate() {
        if let Some(track) = stream.file.tracks().get(line.track) {
            media(&mut text, number, track);
        }
    }
    text
}

fn media(text: &mut String, number: usize, track: &Track) {
    let (kind, codec, parameters) = match track.kind() {
        TrackKind::Video => ("video", format!("H264/{VIDEO_CLOCK}"), h264(track)),
        TrackKind::Audio => {
            let codec = format!(
                "mpeg4-generic/{}/{}",
                track.format.sample_rate,
                track.channels.max(1)
            );
            ("audio", codec, aac(track))
        }
    };
    let payload = payload_type(number);
    // Writing to a `String` cannot fail.
    let _ = write!(
        text,
        "m={kind} 0 RTP/AVP {payload}\r\na=rtpmap:{payload} {codec}\r\na=fmtp:{payload} {parameters}\r\n\
         a=control:{}\r\n",
        control(number)
    );
}

/// RFC 6184, section 8.1.
fn h264(track: &Track) -> String {
    let sets: Vec<String> = parameter_sets(track)
        .iter()
        .map(|set| STANDARD.encode(set))
        .collect();
    let profile = track.format.codec.trim_start_matches("avc1.");
    format!(
        "packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={}",
        sets.join(",")
    )
}

/// RFC 3640, section 4.1, with the values of AAC-hbr (section 3.3.6). The profile level is that of AAC up to level
/// 2; no receiver is known to look at it.
fn aac(track: &Track) -> String {
    let config = hex(&track.format.decoder_config);
    format!(
        "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config={config}"
    )
}
