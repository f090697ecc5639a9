//! One RTSP session: the tracks a client has set up, and their playing (RFC 2326, appendix A).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::Shared;
use super::catalog::{Stream, control};
use super::player::{Lane, Player};
use super::rtp::Sequencer;
use super::sdp::{clock_rate, parameter_sets, payload_type};
use super::transport::Path;

/// Longest RTCP packet that is looked at.
const MAX_REPORT_BYTES: usize = 1500;

/// A session; dropping it stops all that it started.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) stream: Arc<Stream>,
    /// The stream's URL as the client wrote it, with a slash at its end.
    base: String,
    tracks: Vec<Prepared>,
    playing: bool,
    /// When a receiver report last came by UDP, in milliseconds of the monotonic clock.
    heard: Arc<AtomicU64>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

/// A track between SETUP and TEARDOWN.
#[derive(Clone, Debug)]
struct Prepared {
    number: usize,
    path: Path,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Session {
    /// An empty session for a stream.
    pub(super) fn new(stream: Arc<Stream>, base: String) -> Self {
        let stop = CancellationToken::new();
        Self {
            id: Uuid::new_v4().simple().to_string(),
            stream,
            base,
            tracks: Vec::new(),
            playing: false,
            heard: Arc::default(),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        }
    }

    /// PLAY was answered.
    pub(super) fn is_playing(&self) -> bool {
        self.playing
    }

    /// At least one track is set up.
    pub(super) fn is_ready(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// Its packets go within the RTSP connection, whose flow control shows that the client is there.
    pub(super) fn is_interleaved(&self) -> bool {
        self.tracks
            .iter()
            .any(|track| matches!(track.path, Path::Interleaved { .. }))
    }

    /// When the client was last heard by UDP.
    pub(super) fn heard(&self) -> Duration {
        Duration::from_millis(self.heard.load(Ordering::Relaxed))
    }

    /// The next pair of channels that no track but `number` uses.
    pub(super) fn free_channels(&self) -> Option<(u8, u8)> {
        (0..=u8::MAX - 1)
            .step_by(2)
            .map(|rtp| (rtp, rtp + 1))
            .find(|pair| self.are_free(usize::MAX, *pair))
    }

    /// Whether no track but `number` uses these channels.
    pub(super) fn are_free(&self, number: usize, (one, other): (u8, u8)) -> bool {
        let clash = |track: &Prepared| match track.path {
            Path::Interleaved { rtp, rtcp, .. } => {
                [rtp, rtcp].iter().any(|used| *used == one || *used == other)
            }
            Path::Udp { .. } => false,
        };
        one != other
            && !self
                .tracks
                .iter()
                .any(|track| track.number != number && clash(track))
    }

    /// Takes a track in, or gives it a new way; returns its SSRC.
    pub(super) fn prepare(&mut self, number: usize, path: Path, shared: &Arc<Shared>) -> u32 {
        if let Path::Udp { rtcp, .. } = &path {
            let listen = listen(Arc::clone(rtcp), Arc::clone(&self.heard), Arc::clone(shared));
            let stop = self.stop.clone();
            // Owned by the session: ends with its token.
            shared
                .tasks
                .spawn(async move { stop.run_until_cancelled_owned(listen).await });
        }
        let ssrc = fastrand::u32(..);
        self.tracks.retain(|track| track.number != number);
        self.tracks.push(Prepared {
            number,
            path,
            ssrc,
            sequence: fastrand::u16(..),
            timestamp: fastrand::u32(..),
        });
        self.tracks.sort_by_key(|track| track.number);
        ssrc
    }

    /// The value of `RTP-Info` (RFC 2326, section 12.33).
    pub(super) fn rtp_info(&self) -> String {
        let infos = self.tracks.iter().map(|track| {
            let url = format!("{}{}", self.base, control(track.number));
            format!("url={url};seq={};rtptime={}", track.sequence, track.timestamp)
        });
        infos.collect::<Vec<_>>().join(",")
    }

    /// Begins to play from the file's start; again while playing changes nothing.
    pub(super) fn play(&mut self, shared: &Arc<Shared>) {
        if std::mem::replace(&mut self.playing, true) {
            return;
        }
        let player = Player {
            session: self.id.clone(),
            stream: Arc::clone(&self.stream),
            lanes: self.tracks.iter().filter_map(|track| self.lane(track)).collect(),
            rounds: shared.options.loops,
            clock: Arc::clone(&shared.options.clock),
            ledger: shared.ledger.clone(),
        };
        let stop = self.stop.clone();
        // Owned by the session: ends with its token.
        shared
            .tasks
            .spawn(async move { stop.run_until_cancelled_owned(player.run()).await });
    }

    fn lane(&self, prepared: &Prepared) -> Option<Lane> {
        let line = self.stream.program.lines().get(prepared.number)?;
        let track = self.stream.file.tracks().get(line.track)?;
        Some(Lane {
            number: prepared.number,
            path: prepared.path.clone(),
            sequencer: Sequencer::new(payload_type(prepared.number), prepared.ssrc, prepared.sequence),
            base: prepared.timestamp,
            clock_rate: clock_rate(track),
            parameter_sets: parameter_sets(track),
        })
    }
}

/// Notes that the client's receiver reports arrive. Sockets are connected, so that only the client can be heard.
async fn listen(socket: Arc<UdpSocket>, heard: Arc<AtomicU64>, shared: Arc<Shared>) {
    let mut report = [0; MAX_REPORT_BYTES];
    loop {
        match socket.recv(&mut report).await {
            Ok(_) => {
                let now = shared.options.clock.monotonic().as_millis();
                heard.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
            // The client's port is closed, for now or for good: ask again, but not at full speed.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
