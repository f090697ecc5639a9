//! One conversation with a camera, from DESCRIBE to its end, as access units on the host's timeline.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use retina::UNIX_EPOCH;
use retina::client::{
    Demuxed, InitialTimestampPolicy, PlayOptions, SetupOptions, TcpTransportOptions, Transport,
};
use retina::codec::{CodecItem, FrameFormat};
use retina::rtcp::ReceivedCompoundPacket;
use tokio::time::timeout;

use super::clock::SessionClock;
use super::connect::{self, Caller, Session, step};
use super::error::CameraError;
use super::formats::{self, Use};
use super::target::Target;
use crate::media::timeline::{Mapped, Timeline};
use crate::media::{AccessUnit, Clock, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind};

/// A second of NTP's 64 bits.
const NTP_SECOND: f64 = 4_294_967_296.0;
/// Broken packets in a row after which the conversation is begun anew.
const MAX_BROKEN_PACKETS: u32 = 100;
/// Jumps of the camera's timestamps after which the conversation is begun anew: each begins new files.
const MAX_JUMPS: u32 = 10;
/// Larger access units are refused: no level of H.264 needs them.
const MAX_UNIT_BYTES: usize = 16 << 20;
/// A track whose first timestamp is this far from the other's is taken to have an origin of its own.
const MAX_TRACK_OFFSET: Ticks = Ticks::from_secs(2);

/// A playing camera.
pub struct CameraSession {
    demuxed: Demuxed,
    sdp: String,
    clock: SessionClock,
    host_clock: Arc<dyn Clock>,
    tracks: Vec<Option<Track>>,
    unsupported: Vec<String>,
    broken: u32,
    jumps: u32,
    clock_ahead: Option<f64>,
}

impl std::fmt::Debug for CameraSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CameraSession")
            .field("tracks", &self.tracks)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Track {
    kind: TrackKind,
    timeline: Timeline,
    format: Option<Arc<StreamFormat>>,
    /// The next unit is the first after something was lost.
    fresh: bool,
}

impl CameraSession {
    /// Talks to the camera until it plays.
    ///
    /// # Errors
    /// Says which step failed and how.
    pub async fn open(target: &Target, caller: &Caller) -> Result<Self, CameraError> {
        Self::open_telling(target, caller, &mut |_| {}).await
    }

    /// As [`CameraSession::open`]; tells each request before it is made.
    ///
    /// # Errors
    /// Says which step failed and how.
    pub async fn open_telling(
        target: &Target,
        caller: &Caller,
        tell: &mut (dyn FnMut(&'static str) + Send),
    ) -> Result<Self, CameraError> {
        tell("DESCRIBE");
        let (session, watch) = connect::describe(target, caller).await?;
        let sdp = String::from_utf8_lossy(session.sdp()).into_owned();
        let (demuxed, tracks, unsupported) = play(session, tell).await.map_err(|error| match watch {
            Some(watch) => watch.told(error),
            None => error,
        })?;
        Ok(Self {
            demuxed,
            sdp,
            clock: SessionClock::new(Arc::clone(&caller.clock)),
            host_clock: Arc::clone(&caller.clock),
            tracks,
            unsupported,
            broken: 0,
            jumps: 0,
            clock_ahead: None,
        })
    }

    /// How far the camera's clock is ahead of the host's, in seconds, as its newest sender report says (RFC 3550,
    /// section 6.4.1). Cheap cameras make it up.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<f64> {
        self.clock_ahead
    }

    /// The session description, as the camera sent it.
    #[must_use]
    pub fn sdp(&self) -> &str {
        &self.sdp
    }

    /// Streams in codecs that are not recorded, such as `audio/pcmu`.
    #[must_use]
    pub fn unsupported(&self) -> &[String] {
        &self.unsupported
    }

    /// The next access unit. Cancel-safe.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn next(&mut self) -> Result<AccessUnit, CameraError> {
        loop {
            let silent = || CameraError::timed_out("PLAY: no pictures came");
            let patience = self.clock.patience().ok_or_else(silent)?;
            let item = timeout(patience, self.demuxed.next()).await;
            let item = item.map_err(|_| silent())?;
            let unit = match item {
                None => return Err(CameraError::Network("the camera ended the session".into())),
                Some(Err(error)) => {
                    self.broken(&error)?;
                    None
                }
                Some(Ok(CodecItem::VideoFrame(frame))) => {
                    let (time, lost) = (frame.timestamp(), frame.loss() > 0);
                    let (key, disposable) = (frame.is_random_access_point(), frame.is_disposable());
                    let (stream, new) = (frame.stream_id(), frame.has_new_parameters());
                    let arrived = Arrived {
                        stream,
                        time,
                        new,
                        lost,
                        key,
                        disposable,
                    };
                    self.unit(&arrived, frame.into_data())
                }
                Some(Ok(CodecItem::AudioFrame(frame))) => {
                    let (stream, time, lost) = (frame.stream_id(), frame.timestamp(), frame.loss() > 0);
                    let arrived = Arrived {
                        stream,
                        time,
                        new: false,
                        lost,
                        key: true,
                        disposable: false,
                    };
                    self.unit(&arrived, frame.data().to_vec())
                }
                Some(Ok(CodecItem::Rtcp(report))) => {
                    self.report(&report);
                    None
                }
                Some(Ok(_)) => None,
            };
            if let Some(unit) = unit {
                self.broken = 0;
                if unit.kind() == TrackKind::Video {
                    self.clock.picture();
                }
                if self.jumps > MAX_JUMPS {
                    return Err(CameraError::Network(format!(
                        "the camera's timestamps jumped {MAX_JUMPS} times"
                    )));
                }
                return Ok(unit);
            }
        }
    }

    fn report(&mut self, report: &ReceivedCompoundPacket) {
        let mut packets = report.pkts();
        let sender = packets.find_map(|packet| packet.as_sender_report().ok().flatten());
        if let Some(sender) = sender {
            let told = sender.ntp_timestamp();
            let since_epoch = told.0.wrapping_sub(UNIX_EPOCH.0) as f64 / NTP_SECOND;
            let now = self.host_clock.wall().as_millisecond() as f64 / 1_000.0;
            self.clock_ahead = Some(since_epoch - now);
        }
    }

    /// A broken packet is not the end (retina goes on with the next); many in a row are.
    fn broken(&mut self, error: &retina::Error) -> Result<(), CameraError> {
        self.broken += 1;
        for track in self.tracks.iter_mut().flatten() {
            track.fresh = true;
        }
        let fatal = error.status_code().is_some() || self.broken >= MAX_BROKEN_PACKETS;
        let told = CameraError::from_retina(error);
        let closed = matches!(&told, CameraError::Network(text) if text.contains("reading from"));
        if fatal || closed { Err(told) } else { Ok(()) }
    }

    fn unit(&mut self, arrived: &Arrived, data: Vec<u8>) -> Option<AccessUnit> {
        let received = self.clock.now();
        let track = self.tracks.get_mut(arrived.stream)?.as_mut()?;
        track.fresh |= arrived.lost;
        if data.is_empty() || data.len() > MAX_UNIT_BYTES {
            track.fresh = true;
            return None;
        }
        if track.format.is_none() || arrived.new {
            let stream = self.demuxed.streams().get(arrived.stream)?;
            match formats::format(stream) {
                Ok(Some(format)) => track.format = Some(format),
                // The camera has not told its parameters yet: the unit could not be decoded.
                Ok(None) => return None,
                Err(error) => {
                    tracing::warn!(%error, "The camera's parameters cannot be used");
                    return None;
                }
            }
        }
        let format = Arc::clone(track.format.as_ref()?);
        let mapped = place(
            &mut track.timeline,
            &mut self.clock.origin,
            &arrived.time,
            received,
        );
        self.jumps += u32::from(mapped.discontinuity);
        Some(AccessUnit {
            time: mapped.time,
            format,
            data: Bytes::from(data),
            random_access: arrived.key,
            disposable: arrived.disposable,
            discontinuity: std::mem::take(&mut track.fresh) | mapped.discontinuity,
        })
    }
}

/// From the description to the first packet.
async fn play(
    mut session: Session,
    tell: &mut (dyn FnMut(&'static str) + Send),
) -> Result<(Demuxed, Vec<Option<Track>>, Vec<String>), CameraError> {
    tell("SETUP");
    let (tracks, unsupported) = set_up(&mut session).await?;
    // Some cameras leave RTP-Info out for one of the tracks.
    let options = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
    tell("PLAY");
    let playing = step("PLAY", session.play(options)).await?;
    let demuxed = playing
        .demuxed()
        .map_err(|error| CameraError::from_retina(&error))?;
    Ok((demuxed, tracks, unsupported))
}

/// Sets up one track of each kind: a second picture or language would need a sink of its own.
async fn set_up(session: &mut Session) -> Result<(Vec<Option<Track>>, Vec<String>), CameraError> {
    let mut tracks: Vec<Option<Track>> = Vec::new();
    let mut unsupported: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(stream) = session.streams().get(index) {
        let rate = stream.clock_rate_hz();
        let taken = |kind: TrackKind| tracks.iter().flatten().any(|track: &Track| track.kind == kind);
        let track = match formats::usage(stream) {
            Use::Track(kind) if !taken(kind) => Some(Track {
                kind,
                timeline: Timeline::new(rate),
                format: None,
                fresh: true,
            }),
            Use::Unsupported(_) => {
                unsupported.push(format!("{}/{}", stream.media(), stream.encoding_name()));
                None
            }
            Use::Track(_) | Use::Ignored => None,
        };
        if track.is_some() {
            let setup = SetupOptions::default()
                .transport(Transport::Tcp(TcpTransportOptions::default()))
                .frame_format(FrameFormat::MP4);
            step("SETUP", session.setup(index, setup)).await?;
        }
        tracks.push(track);
        index += 1;
    }
    if tracks
        .iter()
        .flatten()
        .any(|track| track.kind == TrackKind::Video)
    {
        return Ok((tracks, unsupported));
    }
    Err(CameraError::Format(if unsupported.is_empty() {
        "nothing".into()
    } else {
        unsupported.join(", ")
    }))
}

struct Arrived {
    stream: usize,
    time: retina::Timestamp,
    new: bool,
    lost: bool,
    key: bool,
    disposable: bool,
}

/// Puts a unit on the timeline. The tracks of a session share one origin, the moment that RTP-Info speaks of.
fn place(
    timeline: &mut Timeline,
    origin: &mut Option<MediaTime>,
    time: &retina::Timestamp,
    received: MediaTime,
) -> Mapped {
    let rtp = time.elapsed();
    if !timeline.is_anchored() {
        let elapsed = ticks(rtp, time.clock_rate());
        let from_here = received.offset(Ticks(elapsed.0.saturating_neg()));
        let plausible = elapsed.0.abs() <= MAX_TRACK_OFFSET.0;
        let origin = *origin.get_or_insert(if plausible { from_here } else { received });
        if plausible && received.since(origin.offset(elapsed)).0.abs() <= MAX_TRACK_OFFSET.0 {
            timeline.anchor(0, origin);
        }
    }
    timeline.map(rtp, received)
}

fn ticks(rtp: i64, clock_rate: NonZeroU32) -> Ticks {
    let ticks = i128::from(rtp) * i128::from(TICKS_PER_SECOND) / i128::from(clock_rate.get());
    Ticks(i64::try_from(ticks).unwrap_or(if rtp < 0 { i64::MIN + 1 } else { i64::MAX }))
}
