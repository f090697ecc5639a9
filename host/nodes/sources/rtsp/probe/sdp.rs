//! What a session description offers, and what becomes of it here.

use crate::media::TrackKind;
use crate::nodes::sources::rtsp::formats::{Use, usage_of};

/// Streams that are looked at; a camera has two or three.
const MAX_STREAMS: usize = 16;

/// One stream that a camera offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offered {
    /// Such as `video/h264`.
    pub(super) name: String,
    /// What it is to us.
    pub(super) usage: Use,
    /// What becomes of it, for people.
    pub(super) fate: &'static str,
}

impl Offered {
    /// Whether it makes the camera one that can be recorded.
    pub(super) fn is_picture(&self) -> bool {
        self.usage == Use::Track(TrackKind::Video)
    }
}

/// Names of static payload types (RFC 3551, tables 4 and 5).
fn of_payload_type(number: &str) -> &'static str {
    match number {
        "0" => "pcmu",
        "8" => "pcma",
        "9" => "g722",
        "14" => "mpa",
        "26" => "jpeg",
        "32" => "mpv",
        "33" => "mp2t",
        _ => "unknown",
    }
}

/// Reads the streams of a session description (RFC 8866).
pub(super) fn offered(sdp: &str) -> Vec<Offered> {
    let mut streams: Vec<(String, String)> = Vec::new();
    for line in sdp.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split_whitespace();
            let name = words.next().unwrap_or_default();
            let encoding = of_payload_type(words.nth(2).unwrap_or_default());
            streams.push((name.to_ascii_lowercase(), encoding.to_owned()));
        } else if let (Some(map), Some((_, encoding))) = (line.strip_prefix("a=rtpmap:"), streams.last_mut())
        {
            let named = map
                .split_whitespace()
                .nth(1)
                .and_then(|text| text.split('/').next());
            *encoding = named.unwrap_or_default().to_ascii_lowercase();
        }
    }
    let mut taken = Vec::new();
    let streams = streams.iter().take(MAX_STREAMS);
    let offered = streams.map(|(media, encoding)| {
        let usage = usage_of(media, encoding);
        let again = taken.contains(&usage);
        taken.push(usage);
        Offered {
            name: format!("{media}/{encoding}").escape_debug().to_string(),
            usage,
            fate: fate(usage, encoding, again),
        }
    });
    offered.collect()
}

fn fate(usage: Use, encoding: &str, again: bool) -> &'static str {
    match (usage, encoding) {
        (Use::Track(_), _) if again => "left out: only the first of its kind is taken",
        (Use::Track(TrackKind::Video), "h264") => "recorded, and decoded for detectors",
        (Use::Track(TrackKind::Video), _) => "recorded, not decoded: detectors see nothing of it",
        (Use::Track(TrackKind::Audio), _) => "recorded",
        (Use::Unsupported(_), _) => "not recorded: this codec is not supported",
        (Use::Ignored, _) => "left out: no media",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_is_told_with_what_becomes_of_it() {
        let sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 0 RTP/AVP 0\r\n\
                   m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\nm=video 0 RTP/AVP 98\r\n\
                   a=rtpmap:98 H265/90000\r\nm=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n";
        let told: Vec<(String, &str)> = offered(sdp)
            .into_iter()
            .map(|one| (one.name, one.fate.split([',', ':']).next().unwrap()))
            .collect();
        let expected = [
            ("video/h264", "recorded"),
            ("audio/pcmu", "not recorded"),
            ("audio/mpeg4-generic", "recorded"),
            ("video/h265", "left out"),
            ("application/vnd.onvif.metadata", "left out"),
        ];
        assert_eq!(told, expected.map(|(name, fate)| (name.to_owned(), fate)));
    }

    #[test]
    fn pictures_as_jpeg_cannot_be_recorded() {
        let offered = offered("m=video 0 RTP/AVP 26\r\n");
        assert_eq!(offered[0].name, "video/jpeg");
        assert!(!offered[0].is_picture());
    }
}
