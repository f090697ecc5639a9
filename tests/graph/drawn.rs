//! Clips that are drawn and encoded for a test, as what a camera sends of them.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::common::run;

/// The largest RTP payload.
const PAYLOAD: usize = 1_400;
/// Pictures a second of every clip here.
pub(crate) const RATE: usize = 25;
/// How pictures are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    H265,
}

/// Access units in decoding order, none shown before an earlier one.
#[derive(Clone, Debug)]
pub(crate) struct Clip {
    codec: Codec,
    /// NAL units of each, without delimiters and messages.
    pub(crate) units: Vec<Vec<Vec<u8>>>,
}

impl Clip {
    /// A drawn clip, encoded with these arguments.
    pub(crate) fn draw(codec: Codec, size: &str, seconds: u32, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let mut command = Command::new("ffmpeg");
        let drawn = format!("testsrc2=size={size}:rate={RATE}");
        command.args(["-v", "error", "-f", "lavfi", "-i", &drawn]);
        command.args(["-t", &seconds.to_string(), "-pix_fmt", "yuv420p"]);
        match codec {
            Codec::H264 => command.args(["-c:v", "libx264", "-preset", "veryfast", "-bf", "0"]),
            Codec::H265 => command.args(["-c:v", "libx265", "-preset", "ultrafast"]),
        };
        command.args(arguments);
        match codec {
            Codec::H264 => command.args(["-bsf:v", "h264_metadata=aud=insert", "-f", "h264"]),
            Codec::H265 => command.args(["-bsf:v", "hevc_metadata=aud=insert", "-f", "hevc"]),
        };
        run(command.arg(&path));
        Self::read(codec, &path)
    }

    fn read(codec: Codec, path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut units: Vec<Vec<Vec<u8>>> = Vec::new();
        for nal in nals(&bytes) {
            match (codec, kind(codec, nal)) {
                (Codec::H264, 9) | (Codec::H265, 35) => units.push(Vec::new()),
                (Codec::H264, 6) | (Codec::H265, 39 | 40) => {}
                _ => units.last_mut().unwrap().push(nal.to_vec()),
            }
        }
        Self { codec, units }
    }

    /// This clip and then another.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.units.extend(other.units);
        self
    }

    fn is_parameter(&self, nal: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => matches!(kind(self.codec, nal), 7 | 8),
            Codec::H265 => matches!(kind(self.codec, nal), 32..=34),
        }
    }

    fn parameters(&self, wanted: u8) -> String {
        let found = self.units[0].iter().find(|nal| kind(self.codec, nal) == wanted);
        STANDARD.encode(found.unwrap())
    }

    /// As [`crate::common::judge`] tells samples: all but parameter sets, each behind its length.
    pub(crate) fn digest(&self, unit: &[Vec<u8>]) -> String {
        let mut hash = Sha256::new();
        for nal in unit.iter().filter(|nal| !self.is_parameter(nal)) {
            hash.update(u32::try_from(nal.len()).unwrap().to_be_bytes());
            hash.update(nal);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn packets(&self, nal: &[u8]) -> Vec<Vec<u8>> {
        if nal.len() <= PAYLOAD {
            return vec![nal.to_vec()];
        }
        // FU-A (RFC 6184, section 5.8) and FU (RFC 7798, section 4.4.3).
        let (head, kind) = match self.codec {
            Codec::H264 => (vec![nal[0] & 0xe0 | 28], nal[0] & 0x1f),
            Codec::H265 => (vec![nal[0] & 0x81 | 49 << 1, nal[1]], nal[0] >> 1 & 0x3f),
        };
        let parts: Vec<&[u8]> = nal[head.len()..].chunks(PAYLOAD).collect();
        let packet = |(at, part): (usize, &&[u8])| {
            let start = u8::from(at == 0) << 7;
            let end = u8::from(at + 1 == parts.len()) << 6;
            [&head[..], &[start | end | kind], part].concat()
        };
        parts.iter().enumerate().map(packet).collect()
    }

    pub(crate) fn describe(&self, in_band: bool) -> String {
        let (name, sets) = match self.codec {
            Codec::H264 => (
                "H264",
                format!(
                    ";sprop-parameter-sets={},{}",
                    self.parameters(7),
                    self.parameters(8)
                ),
            ),
            Codec::H265 => (
                "H265",
                format!(
                    ";sprop-vps={};sprop-sps={};sprop-pps={}",
                    self.parameters(32),
                    self.parameters(33),
                    self.parameters(34)
                ),
            ),
        };
        let mode = if self.codec == Codec::H264 {
            "packetization-mode=1"
        } else {
            "tx-mode=SRST"
        };
        let sets = if in_band { String::new() } else { sets };
        format!(
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\na=fmtp:96 {mode}{sets}\r\na=control:track0\r\n"
        )
    }
}

fn kind(codec: Codec, nal: &[u8]) -> u8 {
    match codec {
        Codec::H264 => nal[0] & 0x1f,
        Codec::H265 => nal[0] >> 1 & 0x3f,
    }
}

/// What stands between the start codes of a byte stream (ITU-T H.264, annex B).
fn nals(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = bytes
        .windows(3)
        .enumerate()
        .filter(|(_, window)| *window == [0, 0, 1])
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let trimmed = |(start, end): (&usize, usize)| {
        let nal = &bytes[start + 3..end];
        let length = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &nal[..length]
    };
    starts.iter().zip(ends).map(trimmed).collect()
}
