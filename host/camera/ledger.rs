//! A record of every access unit that was sent, so that a test can compare what a recorder kept.
//!
//! One JSON object a line:
//!
//! | member | meaning |
//! |---|---|
//! | `session` | the RTSP session it was sent to |
//! | `path` | the file, as it was given |
//! | `track` | the number of the track in the SDP and in its URL |
//! | `kind` | `video` or `audio` |
//! | `index` | the sample's index within its track of the file, from zero, in decoding order |
//! | `loop` | which time the file is played, from zero |
//! | `rtp_timestamp` | the RTP time stamp |
//! | `sent` | when its first byte was sent, by this machine's clock: microseconds since the Unix epoch |
//! | `key` | decoding can start here |
//! | `sha256` | see [`digest`] |

use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::mpsc;

use crate::media::TrackKind;
use crate::media::demux::nal;
use crate::text::hex;

/// Lines that wait for the disk; then sending waits too, for a ledger with holes is worth nothing.
const MAX_QUEUED_LINES: usize = 64 * 1024;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) session: String,
    pub(super) path: String,
    pub(super) track: usize,
    pub(super) kind: &'static str,
    pub(super) index: usize,
    #[serde(rename = "loop")]
    pub(super) round: u64,
    pub(super) rtp_timestamp: u32,
    pub(super) sent: i64,
    pub(super) key: bool,
    pub(super) sha256: String,
}

/// Where sessions put their lines.
#[derive(Clone, Debug)]
pub(super) struct Ledger(mpsc::Sender<Entry>);

impl Ledger {
    /// Adds a line.
    pub(super) async fn add(&self, entry: Entry) {
        if self.0.send(entry).await.is_err() {
            tracing::error!("the ledger is closed: its file could not be written");
        }
    }
}

/// The task that writes the file.
#[derive(Debug)]
pub(super) struct LedgerWriter {
    lines: mpsc::Receiver<Entry>,
    file: BufWriter<File>,
}

/// Starts a ledger; an existing file is overwritten.
pub(super) async fn create(path: &Path) -> std::io::Result<(Ledger, LedgerWriter)> {
    let file = BufWriter::new(File::create(path).await?);
    let (sender, lines) = mpsc::channel(MAX_QUEUED_LINES);
    Ok((Ledger(sender), LedgerWriter { lines, file }))
}

impl LedgerWriter {
    /// Writes until every [`Ledger`] is dropped; what is written reaches the file whenever no line waits.
    pub(super) async fn run(mut self) -> std::io::Result<()> {
        while let Some(entry) = self.lines.recv().await {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            self.file.write_all(&line).await?;
            if self.lines.is_empty() {
                self.file.flush().await?;
            }
        }
        self.file.flush().await
    }
}

/// The SHA-256 of an access unit in hex. For sound: over the raw AAC frame. For video: over the NAL units of the
/// sample that carry the picture (types 1 to 5) or SEI (type 6), in order, each behind its length in four bytes,
/// big-endian. Parameter sets, delimiters and filler do not count: receivers may move or drop them.
pub(super) fn digest(kind: TrackKind, sample: &[u8]) -> String {
    let mut hash = Sha256::new();
    match kind {
        TrackKind::Audio => hash.update(sample),
        TrackKind::Video => {
            for unit in nal::units(sample).filter(|unit| nal::is_vcl(unit) || nal::kind(unit) == nal::SEI) {
                // A unit comes from a 32-bit length.
                hash.update(u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
                hash.update(unit);
            }
        }
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_do_not_change_the_digest() {
        let plain = [0, 0, 0, 2, 0x06, 1, 0, 0, 0, 2, 0x65, 2];
        let mut with_sets = vec![0, 0, 0, 1, 0x67, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x09];
        with_sets.extend_from_slice(&plain);
        let wanted: String = Sha256::digest(plain)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digest(TrackKind::Video, &with_sets), wanted);
        assert_ne!(digest(TrackKind::Audio, &with_sets), wanted);
    }
}
