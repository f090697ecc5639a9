//! One conversation with a camera, from DESCRIBE to its end, as access units on the host's timeline.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use retina::UNIX_EPOCH;
use retina::client::{
    Credentials, Demuxed, Described, InitialTimestampPolicy, PlayOptions, SessionGroup, SessionOptions,
    SetupOptions, TcpTransportOptions, TeardownPolicy, Tool, Transport,
};
use retina::codec::{CodecItem, FrameFormat};
use retina::rtcp::ReceivedCompoundPacket;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::Url;

use super::clock::SessionClock;
use super::formats::{self, Use};
use super::tls::CameraTls;
use super::{address, tunnel};
use crate::media::timeline::{Mapped, Timeline};
use crate::media::{AccessUnit, Clock, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind};
use crate::nodes::reach::Reach;
use crate::topology::masked::{MASK, masked, named};

/// Each step of the conversation, and each wait for media, takes at most this long.
pub const CAMERA_TIMEOUT: Duration = Duration::from_secs(15);
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

/// Shorter secrets are not looked for in texts: they would be found in ordinary words.
const MIN_HIDDEN_CHARS: usize = 4;
/// How retina's error begins when nobody took the connection.
const NOT_CONNECTED: &str = "Unable to connect";

/// A conversation that has come as far as the description.
type Session = retina::client::Session<Described>;

/// Why a conversation failed or ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CameraError {
    /// The camera refused the user name or password.
    #[error("the camera refused the credentials: {message}")]
    Authentication {
        /// The RTSP status.
        status: u16,
        /// The refusal.
        message: String,
    },
    /// The camera answered with an error.
    #[error("the camera refused: {message}")]
    Protocol {
        /// The RTSP status.
        status: u16,
        /// The answer.
        message: String,
    },
    /// The camera cannot be reached, or went away.
    #[error("{0}")]
    Network(String),
    /// The host does not connect to where the camera is; says which rule it follows.
    #[error("{0}")]
    Refused(String),
    /// No safe connection could be made; says what to do.
    #[error("{0}")]
    Tls(String),
    /// The camera offers nothing that can be recorded.
    #[error("the camera offers no stream that can be recorded, only {0}; H.264 or H.265 video is needed")]
    Format(String),
}

impl CameraError {
    /// What it is called in events.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Authentication { status, .. } | Self::Protocol { status, .. } => status.to_string(),
            Self::Network(_) => "connectionLost".to_owned(),
            Self::Refused(_) => "addressRefused".to_owned(),
            Self::Tls(_) => "tlsFailed".to_owned(),
            Self::Format(_) => "unsupportedVideoFormat".to_owned(),
        }
    }

    /// The diagnostic events that tell of it. A status of the camera is a `ProtocolError`, as Live Video Analytics
    /// had it; one that says who may not come in is told as that, too.
    #[must_use]
    pub fn events(&self) -> &'static [&'static str] {
        match self {
            Self::Authentication { status: 403, .. } => &["ProtocolError", "AuthorizationError"],
            Self::Authentication { .. } => &["ProtocolError", "AuthenticationError"],
            Self::Protocol { .. } => &["ProtocolError"],
            Self::Network(_) | Self::Refused(_) | Self::Tls(_) => &["NetworkError"],
            Self::Format(_) => &[],
        }
    }

    /// The protocol that failed.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        if matches!(self, Self::Tls(_)) {
            "tls"
        } else {
            "rtsp"
        }
    }

    /// The same, told with other words.
    #[must_use]
    pub fn retold(self, tell: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Authentication { status, message } => Self::Authentication {
                status,
                message: tell(&message),
            },
            Self::Protocol { status, message } => Self::Protocol {
                status,
                message: tell(&message),
            },
            Self::Network(message) => Self::Network(tell(&message)),
            Self::Refused(message) => Self::Refused(tell(&message)),
            Self::Tls(message) => Self::Tls(tell(&message)),
            Self::Format(streams) => Self::Format(tell(&streams)),
        }
    }

    fn from_retina(error: &retina::Error) -> Self {
        // Below the first line retina tells which packet it was; that is for the log.
        tracing::debug!(error = %masked(&error.to_string()), "The camera's session failed");
        let message = error.to_string().lines().next().unwrap_or_default().to_owned();
        match error.status_code() {
            Some(status @ (401 | 403)) => Self::Authentication { status, message },
            Some(status) => Self::Protocol { status, message },
            None => Self::Network(message),
        }
    }

    pub(super) fn timed_out(what: &str) -> Self {
        Self::Network(format!(
            "no answer to {what} within {} s",
            CAMERA_TIMEOUT.as_secs()
        ))
    }
}

/// Where a camera is and who asks.
#[derive(Clone)]
pub struct Target {
    /// Without credentials.
    pub url: Url,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// How to connect safely; None speaks in the clear.
    pub tls: Option<CameraTls>,
    /// A secret went into the URL, nobody knows where.
    pub secret: bool,
}

impl Target {
    /// The URL as it may be shown: the values of its query are left out, since many cameras take a password there.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.secret {
            return format!("{}://{MASK}", self.url.scheme());
        }
        let mut url = self.url.clone();
        // As in `prepare`: what cannot have credentials has none.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        if !names.is_empty() {
            let hidden = names.iter().map(|name| (name, "***"));
            url.query_pairs_mut().clear().extend_pairs(hidden);
        }
        masked(url.as_str()).into_owned()
    }

    /// A text that the camera or a library made, without what is not shown: both repeat URLs.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let url = self.url.as_str();
        let mut secrets: Vec<&str> = self
            .url
            .query()
            .filter(|query| query.contains('='))
            .into_iter()
            .collect();
        secrets.extend(named(url).into_iter().filter_map(|range| url.get(range)));
        if self.secret {
            secrets.extend(self.url.query());
            secrets.extend(self.url.host_str());
            secrets.extend(self.url.path().split('/'));
        }
        secrets.extend(self.credentials.as_ref().map(|login| login.password.as_str()));
        secrets.retain(|secret| secret.chars().count() >= MIN_HIDDEN_CHARS);
        // One may hold another.
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        let without = |text: String, secret: &&str| text.replace(secret, MASK);
        secrets.iter().fold(text.to_owned(), without)
    }
}

impl std::fmt::Debug for Target {
    // Written by hand because retina's `Credentials` would show the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.credentials.as_ref().map(|credentials| &credentials.username);
        f.debug_struct("Target")
            .field("url", &self.shown())
            .field("user", &user)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

/// What all conversations of one source share.
#[derive(Clone)]
pub struct Caller {
    /// Ends sessions in the background.
    pub group: Arc<SessionGroup>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Where it may call.
    pub reach: Arc<dyn Reach>,
    /// The ways through TLS.
    pub tunnels: TaskTracker,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("tunnels", &self.tunnels.len())
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// Of a source.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, reach: Arc<dyn Reach>) -> Self {
        Self {
            group: Arc::default(),
            clock,
            reach,
            tunnels: TaskTracker::new(),
        }
    }

    /// Waits until every session is ended. May wait for a camera that does not answer.
    pub async fn hang_up(&self) {
        let _ = self.group.await_teardown().await;
        self.tunnels.close();
        self.tunnels.wait().await;
    }
}

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
        let mut session = match &target.tls {
            Some(tls) => describe_safely(target, tls, caller).await?,
            None => describe_openly(target, caller).await?,
        };
        let sdp = String::from_utf8_lossy(session.sdp()).into_owned();
        tell("SETUP");
        let (tracks, unsupported) = set_up(&mut session).await?;
        // Some cameras leave RTP-Info out for one of the tracks.
        let play = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
        tell("PLAY");
        let playing = step("PLAY", session.play(play)).await?;
        let demuxed = playing
            .demuxed()
            .map_err(|error| CameraError::from_retina(&error))?;
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
        let closed = matches!(CameraError::from_retina(error), CameraError::Network(text) if text.contains("reading from"));
        if fatal || closed {
            Err(CameraError::from_retina(error))
        } else {
            Ok(())
        }
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

fn options(target: &Target, caller: &Caller) -> SessionOptions {
    SessionOptions::default()
        .creds(target.credentials.clone())
        .user_agent(concat!("mediagraph/", env!("CARGO_PKG_VERSION")).to_owned())
        .session_group(Arc::clone(&caller.group))
}

/// Whether retina says goodbye over a new connection, to the address that the camera told (Content-Base).
fn goodbye_elsewhere(session: &Session) -> bool {
    session.tool().is_some_and(Tool::has_live555_tcp_bug)
}

async fn describe_safely(target: &Target, tls: &CameraTls, caller: &Caller) -> Result<Session, CameraError> {
    let url = tunnel::open(&target.url, tls, caller).await?;
    let session = step("DESCRIBE", Session::describe(url, options(target, caller))).await?;
    if goodbye_elsewhere(&session) {
        // That connection would be in the clear.
        return Err(CameraError::Tls(
            "the camera's RTSP server is from before 2017, which is too old to be used with TLS\n\
             hint: look for newer firmware of the camera"
                .to_owned(),
        ));
    }
    Ok(session)
}

async fn describe_openly(target: &Target, caller: &Caller) -> Result<Session, CameraError> {
    let port = target.url.port().unwrap_or(address::RTSP_PORT);
    let addresses = address::addresses(&target.url, port, &*caller.reach).await?;
    let session = describe_any(target, &addresses, || options(target, caller)).await?;
    if !goodbye_elsewhere(&session) {
        return Ok(session);
    }
    // A camera could send the host, and the login, anywhere. It is asked again by one who leaves without goodbye.
    drop(session);
    let silent = || options(target, caller).teardown(TeardownPolicy::Never);
    describe_any(target, &addresses, silent).await
}

/// Asks the first address that takes the connection.
async fn describe_any(
    target: &Target,
    addresses: &[SocketAddr],
    options: impl Fn() -> SessionOptions + Send,
) -> Result<Session, CameraError> {
    let asking = async {
        let mut last = None;
        for address in addresses {
            let Some(url) = address::at(&target.url, *address) else {
                continue;
            };
            match Session::describe(url, options()).await {
                Err(error) if error.to_string().starts_with(NOT_CONNECTED) => last = Some(error),
                described => return described.map_err(|error| CameraError::from_retina(&error)),
            }
        }
        Err(last.map_or_else(
            || CameraError::Network("the URL has no host".to_owned()),
            |error| CameraError::from_retina(&error),
        ))
    };
    let asked = timeout(CAMERA_TIMEOUT, asking).await;
    asked.map_err(|_| CameraError::timed_out("DESCRIBE"))?
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

async fn step<T>(
    method: &'static str,
    work: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, CameraError> {
    match timeout(CAMERA_TIMEOUT, work).await {
        Ok(done) => done.map_err(|error| CameraError::from_retina(&error)),
        Err(_) => Err(CameraError::timed_out(method)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_url_are_not_shown() {
        let target = Target {
            url: Url::parse("rtsp://me:pw@10.0.0.7:554/live?user=admin&password=hunter2&channel=1#x")
                .unwrap(),
            credentials: None,
            tls: None,
            secret: false,
        };
        assert_eq!(
            target.shown(),
            "rtsp://10.0.0.7:554/live?user=***&password=***&channel=***#x"
        );
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn what_a_camera_repeats_is_told_without_secrets() {
        let mut target = Target {
            url: Url::parse("rtsp://camera.example/user=me_password=hunter2/live?token=abcd1234").unwrap(),
            credentials: Some(Credentials {
                username: "admin".to_owned(),
                password: "battery".to_owned(),
            }),
            tls: None,
            secret: false,
        };
        assert_eq!(
            target.shown(),
            "rtsp://camera.example/user=me_password=***/live?token=***"
        );
        let said = "a=control:rtsp://10.0.0.7/user=me_password=hunter2/live?token=abcd1234&x (battery)";
        assert_eq!(
            target.hide(said),
            "a=control:rtsp://10.0.0.7/user=me_password=***/live?***&x (***)"
        );
        target.secret = true;
        assert_eq!(target.shown(), "rtsp://***");
        let error = CameraError::Network("cannot connect to camera.example:554 for /live".to_owned());
        let error = error.retold(|text| target.hide(text));
        assert_eq!(error.to_string(), "cannot connect to ***:554 for /***");
    }

    #[test]
    fn a_refusal_is_told_as_what_live_video_analytics_called_it() {
        let message = String::new;
        let refusal = |status| CameraError::Authentication {
            status,
            message: message(),
        };
        assert_eq!(refusal(401).events(), ["ProtocolError", "AuthenticationError"]);
        assert_eq!(refusal(403).events(), ["ProtocolError", "AuthorizationError"]);
        assert_eq!(refusal(403).code(), "403");
        let missing = CameraError::Protocol {
            status: 404,
            message: message(),
        };
        assert_eq!(
            (missing.events(), missing.code().as_str()),
            (&["ProtocolError"][..], "404")
        );
        let untrusted = CameraError::Tls(message());
        assert_eq!(
            (untrusted.events(), untrusted.protocol()),
            (&["NetworkError"][..], "tls")
        );
    }
}
