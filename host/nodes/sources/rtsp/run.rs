//! The RTSP source at work: connects, hands media on, and connects again for ever.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::ahead::CameraClock;
use super::backoff::Backoff;
use super::connect::Caller;
use super::error::CameraError;
use super::meter::Meter;
use super::outage::Outage;
use super::session::CameraSession;
use super::target::Target;
use crate::media::{AccessUnit, MediaTime, Ticks};
use crate::nodes::context::{Dropped, NodeContext, NodeStats};
use crate::nodes::io::units::{CONTINUOUS, MediaItem, UnitSender};
use crate::nodes::reach::Reach;

/// A session that has brought media for this long is a success: the next failure waits briefly again.
const GOOD_SESSION: Ticks = Ticks::from_secs(10);
/// How long a camera may take to answer TEARDOWN when the graph stops.
const TEARDOWN_TIMEOUT: Duration = Duration::from_secs(2);

const DIAGNOSTICS: &str = "Microsoft.Media.Graph.Diagnostics";

/// An RTSP source.
#[derive(Debug)]
pub struct RtspSource {
    /// Its surroundings.
    pub context: NodeContext,
    /// The camera.
    pub target: Target,
    /// Where it may be.
    pub reach: Arc<dyn Reach>,
    /// Everyone who wants its media.
    pub outputs: Vec<UnitSender>,
}

impl RtspSource {
    /// Runs until the graph is stopped.
    pub async fn run(self) {
        self.run_waiting(Backoff::new(fastrand::Rng::new())).await;
    }

    /// As [`RtspSource::run`], with these waits between attempts.
    pub async fn run_waiting(mut self, mut backoff: Backoff) {
        let caller = Caller::new(Arc::clone(&self.context.clock), Arc::clone(&self.reach));
        let (mut outage, mut camera_clock) = (Outage::default(), CameraClock::default());
        let stop = self.context.stop.clone();
        self.context.stats.viewers.open();
        loop {
            let ended = tokio::select! {
                // First, so that a stop is seen even while media pours in.
                biased;
                () = stop.cancelled() => break,
                ended = self.session(&caller, &mut backoff, &mut outage, &mut camera_clock) => ended,
            };
            let ended = ended.retold(|text| self.target.hide(text));
            self.send(&MediaItem::Lost);
            self.context.state("waiting");
            outage.lost(&self.context, &self.target.shown(), &ended);
            let wait = backoff.next_wait();
            self.report(&ended, backoff.failures(), wait);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
            NodeStats::add(&self.context.stats.reconnects, 1);
        }
        self.context.stats.viewers.close();
        // The camera may allow few sessions: end ours properly, but do not wait for a camera that is gone.
        if tokio::time::timeout(TEARDOWN_TIMEOUT, caller.hang_up())
            .await
            .is_err()
        {
            tracing::debug!("The camera did not answer TEARDOWN");
        }
    }

    /// One session, to its end.
    async fn session(
        &mut self,
        caller: &Caller,
        backoff: &mut Backoff,
        outage: &mut Outage,
        camera_clock: &mut CameraClock,
    ) -> CameraError {
        self.context.state("connecting");
        let mut session = match CameraSession::open(&self.target, caller).await {
            Ok(session) => session,
            Err(error) => return error,
        };
        self.established(&session);
        let (mut first, mut meter) = (None::<MediaTime>, Meter::default());
        loop {
            match session.next().await {
                Ok(unit) => {
                    if first.is_none() {
                        self.context.state("playing");
                        outage.restored(&self.context, &self.target.shown());
                    }
                    let began = *first.get_or_insert(unit.time);
                    meter.unit(&unit, &self.context);
                    if unit.random_access {
                        camera_clock.is(session.clock_ahead(), &self.context, &self.target.shown());
                    }
                    if unit.time.since(began) >= GOOD_SESSION {
                        backoff.reset();
                    }
                    self.unit(unit);
                }
                Err(error) => return error,
            }
        }
    }

    fn unit(&mut self, unit: AccessUnit) {
        NodeStats::add(&self.context.stats.sent, 1);
        let unit = Arc::new(unit);
        self.context.stats.viewers.show(&unit);
        self.send(&MediaItem::Unit {
            recording: CONTINUOUS,
            unit,
        });
    }

    fn send(&mut self, item: &MediaItem) {
        for output in &self.outputs {
            match output.push(item.clone()) {
                0 => {}
                units if output.is_for_analysis() => {
                    let message = "decoding does not keep up with the camera: it goes on at a later keyframe";
                    self.context.lost_now(Dropped::Frames, units, message);
                }
                units => {
                    let message = "a consumer of this source is too slow";
                    self.context.lost_now(Dropped::Media, units, message);
                }
            }
        }
    }

    fn established(&self, session: &CameraSession) {
        tracing::info!(url = %self.target.shown(), "The camera plays");
        let sdp = self.target.hide(session.sdp());
        let data = json!({"sdp": format!("SDP:\n{sdp}")});
        self.context
            .emit(&format!("{DIAGNOSTICS}.MediaSessionEstablished"), data);
        for stream in session.unsupported() {
            let (code, hint) = if stream.starts_with("audio") {
                (
                    "unsupportedAudioFormat",
                    "set the camera's sound to AAC; the rest is recorded",
                )
            } else {
                (
                    "unsupportedVideoFormat",
                    "set it to H.264 or H.265; the rest is recorded",
                )
            };
            self.format_error(code, &format!("`{stream}` is not recorded\nhint: {hint}"));
        }
    }

    fn format_error(&self, code: &str, message: &str) {
        let timestamp = self.context.clock.wall().as_millisecond();
        let data = json!({"code": code, "timestamp": timestamp, "message": message});
        self.context
            .emit(&format!("{DIAGNOSTICS}.MediaFormatError"), data);
    }

    fn report(&self, error: &CameraError, attempt: u32, wait: Duration) {
        self.context.error(error);
        let protocol = error.protocol();
        let code = error.code();
        let data = json!({
            "code": code,
            "errorCode": code,
            "target": self.target.shown(),
            "protocol": protocol,
            "message": error.to_string(),
            "attempt": attempt,
            "retryInSeconds": (wait.as_secs_f64() * 10.0).round() / 10.0,
        });
        for kind in error.events() {
            self.context.emit(&format!("{DIAGNOSTICS}.{kind}"), data.clone());
        }
        if let CameraError::Format(_) = error {
            self.format_error("unsupportedVideoFormat", &error.to_string());
        }
    }
}
