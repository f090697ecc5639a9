//! Sends one session's packets at the pace of the file.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::catalog::Stream;
use super::ledger::{Entry, Ledger, digest};
use super::rtcp::Report;
use super::rtp::Sequencer;
use super::timeline::{Cursor, Turn};
use super::transport::Path;
use crate::media::demux::{DemuxError, nal};
use crate::media::{Clock, TrackKind};

/// Between two sender reports (RFC 3550, section 6.2, asks for 5 s on average).
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// Datagrams sent in one go: 17 KB, a small part of the 212 KB that a receiver's socket holds by default.
const BURST_PACKETS: usize = 12;
/// The pause between two bursts of one picture.
const BURST_PAUSE: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(5);
/// Who sends, for receivers that pair sound and pictures by it.
const CNAME: &str = "mediagraph-camera";

/// One track of the session.
#[derive(Debug)]
pub(super) struct Lane {
    /// Its number in the SDP: the position of its line in the program.
    pub(super) number: usize,
    pub(super) path: Path,
    pub(super) sequencer: Sequencer,
    /// The RTP time stamp of the presentation's start.
    pub(super) base: u32,
    pub(super) clock_rate: u32,
    /// Sent before each IDR picture.
    pub(super) parameter_sets: Vec<Vec<u8>>,
}

/// One session from PLAY to its end.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) session: String,
    pub(super) stream: Arc<Stream>,
    pub(super) lanes: Vec<Lane>,
    pub(super) rounds: Option<u64>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: Option<Ledger>,
}

/// A sample that waits for its time.
struct Loaded {
    turn: Turn,
    data: Bytes,
    sha256: Option<String>,
}

impl Player {
    /// Plays until all rounds are over, then says BYE; drop it to stop before.
    pub(super) async fn run(mut self) {
        let started = self.clock.monotonic();
        if let Err(error) = self.play(started).await {
            tracing::error!(session = self.session, %error, "stream ends");
        }
        self.report(started, true).await;
    }

    async fn play(&mut self, started: Duration) -> Result<(), DemuxError> {
        let mut cursor = Cursor::new(&self.stream.program, self.rounds);
        let mut next_report = Duration::ZERO;
        let mut next = self.load(&mut cursor).await?;
        while let Some(now) = next {
            self.wait(started, now.turn.send_at, &mut next_report).await;
            // Read ahead, so that the disk does not delay the next sample.
            next = self.load(&mut cursor).await?;
            let until = next.as_ref().map_or(now.turn.send_at, |next| next.turn.send_at);
            self.send(now, until.saturating_add(started)).await;
        }
        Ok(())
    }

    /// The next sample of a track that was set up.
    async fn load(&self, cursor: &mut Cursor) -> Result<Option<Loaded>, DemuxError> {
        while let Some(turn) = cursor.advance(&self.stream.program) {
            if !self.lanes.iter().any(|lane| lane.number == turn.line) {
                // Without a lane there is no send to wait for: let others run.
                tokio::task::consume_budget().await;
                continue;
            }
            let Some(line) = self.stream.program.lines().get(turn.line) else {
                continue;
            };
            let (stream, track, kind, hashed) = (
                Arc::clone(&self.stream),
                line.track,
                line.kind,
                self.ledger.is_some(),
            );
            let read = move || {
                let data = stream.file.read_sample(track, turn.sample)?;
                let sha256 = hashed.then(|| digest(kind, &data));
                Ok(Loaded { turn, data, sha256 })
            };
            return match tokio::task::spawn_blocking(read).await {
                Ok(loaded) => loaded.map(Some),
                // Only when the runtime is shutting down.
                Err(_) => Ok(None),
            };
        }
        Ok(None)
    }

    async fn wait(&mut self, started: Duration, due: Duration, next_report: &mut Duration) {
        loop {
            let now = self.clock.monotonic().saturating_sub(started);
            if *next_report <= now {
                self.report(started, false).await;
                *next_report = now.saturating_add(REPORT_EVERY);
            }
            if due <= now {
                return;
            }
            tokio::time::sleep(due.min(*next_report).saturating_sub(now)).await;
        }
    }

    /// One report for each track, all of one moment.
    async fn report(&mut self, started: Duration, bye: bool) {
        let elapsed = self.clock.monotonic().saturating_sub(started);
        let captured = self.stream.program.captured_nanos(elapsed);
        let wall = self.clock.wall();
        for lane in &self.lanes {
            let ticks = captured * i128::from(lane.clock_rate) / 1_000_000_000;
            let report = Report {
                ssrc: lane.sequencer.ssrc(),
                wall,
                timestamp: lane.timestamp(ticks),
                packets: lane.sequencer.packets,
                octets: lane.sequencer.octets,
            };
            lane.path.send_rtcp(report.compound(CNAME, bye)).await;
        }
    }

    async fn send(&mut self, loaded: Loaded, until: Duration) {
        let Loaded { turn, data, sha256 } = loaded;
        let Some(line) = self.stream.program.lines().get(turn.line) else {
            return;
        };
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.number == turn.line) else {
            return;
        };
        let timestamp = lane.timestamp(line.in_clock(turn.pts, lane.clock_rate));
        let packets = match line.kind {
            TrackKind::Audio => lane.sequencer.aac(&data, timestamp),
            TrackKind::Video => lane.picture(&data, timestamp),
        };
        let sent = self.clock.wall().as_microsecond();
        if let Path::Udp { .. } = lane.path {
            let left = until.saturating_sub(self.clock.monotonic());
            spread(&lane.path, &packets, left).await;
        } else {
            lane.path.send_rtp(&packets).await;
        }
        if let (Some(ledger), Some(sha256)) = (&self.ledger, sha256) {
            let entry = Entry {
                session: self.session.clone(),
                path: self.stream.file.path().display().to_string(),
                track: turn.line,
                kind: if line.kind == TrackKind::Video {
                    "video"
                } else {
                    "audio"
                },
                index: turn.sample,
                round: turn.round,
                rtp_timestamp: timestamp,
                sent,
                key: turn.key,
                sha256,
            };
            ledger.add(entry).await;
        }
    }
}

impl Lane {
    fn timestamp(&self, ticks: i128) -> u32 {
        // RTP time stamps wrap (RFC 3550, section 5.1): the lower 32 bits are what is wanted.
        self.base.wrapping_add((ticks & i128::from(u32::MAX)) as u32)
    }

    /// An IDR picture brings its parameter sets along, so that a receiver can start here without the SDP.
    fn picture(&mut self, data: &[u8], timestamp: u32) -> Vec<Vec<u8>> {
        let has = |wanted: u8| nal::units(data).any(|unit| nal::kind(unit) == wanted);
        let sets = if has(nal::IDR) && !has(nal::SPS) {
            self.parameter_sets.as_slice()
        } else {
            &[]
        };
        let sets = sets.iter().map(Vec::as_slice);
        // The delimiter, if there is one, comes before everything (ITU-T H.264, 7.4.1.2.3).
        let delimiter = nal::units(data).take_while(|unit| nal::kind(unit) == nal::AUD);
        let rest = nal::units(data).skip_while(|unit| nal::kind(unit) == nal::AUD);
        self.sequencer.h264(delimiter.chain(sets).chain(rest), timestamp)
    }
}

/// Sends the datagrams of a sample over up to half of the time that is left until the next one: a whole IDR picture
/// at once overflows the receiver's socket.
async fn spread(path: &Path, packets: &[Vec<u8>], left: Duration) {
    let bursts = packets.len().div_ceil(BURST_PACKETS).max(1);
    let share = left / 2 / u32::try_from(bursts).unwrap_or(u32::MAX);
    let pause = share.clamp(*BURST_PAUSE.start(), *BURST_PAUSE.end());
    for (index, burst) in packets.chunks(BURST_PACKETS).enumerate() {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        path.send_rtp(burst).await;
    }
}
