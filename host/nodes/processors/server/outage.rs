//! Telling what goes wrong with a server: an outage once when it begins and once when it ends, each kind of failure at most
//! once in [`REPEATED_ERROR_INTERVAL`], since what goes wrong with a frame goes wrong with the next.
//!
//! It also keeps how long the server is left alone after a failure.

use std::time::Duration;

use serde_json::json;

use super::error::ServerError;
use crate::nodes::context::{NodeContext, REPEATED_ERROR_INTERVAL};
use crate::nodes::sources::rtsp::backoff::Backoff;

const DOWN: &str = "MediaGraph.Diagnostics.ExtensionDown";
const BACK: &str = "MediaGraph.Diagnostics.ExtensionBack";
const DIAGNOSTICS: &str = "Microsoft.Media.Graph.Diagnostics";

/// The wait after the first failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait that we choose ourselves.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait that a server may ask for.
pub const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(300);
/// Kinds of failures that are remembered.
const MAX_CODES: usize = 32;

/// How a server is.
#[derive(Debug)]
pub struct Outage {
    /// Who is spoken of: its protocol and its URL as they may be shown.
    protocol: &'static str,
    server: String,
    backoff: Backoff,
    /// Since when it is away, on the monotonic clock.
    since: Option<Duration>,
    /// It is left alone until then.
    until: Option<Duration>,
    /// When failures were told last.
    told: Vec<(String, Duration)>,
}

impl Outage {
    /// A server that is there until it fails.
    #[must_use]
    pub fn new(protocol: &'static str, server: String, random: fastrand::Rng) -> Self {
        Self {
            protocol,
            server,
            backoff: Backoff::between(FIRST_WAIT, LONGEST_WAIT, random),
            since: None,
            until: None,
            told: Vec::new(),
        }
    }

    /// How long the server is to be left alone still; none when it may be asked now.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        let left = self.until?.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }

    /// It did not answer, or answered with an error.
    pub fn failed(&mut self, context: &NodeContext, error: &ServerError) {
        self.told_of(context, error);
        if error.is_outage() {
            self.away(context, error);
        }
    }

    /// What was kept up with it is over, whatever the reason.
    pub fn lost(&mut self, context: &NodeContext, error: &ServerError) {
        self.told_of(context, error);
        self.away(context, error);
    }

    fn told_of(&mut self, context: &NodeContext, error: &ServerError) {
        context.error(error);
        self.tell(context, error, context.clock.monotonic());
    }

    fn away(&mut self, context: &NodeContext, error: &ServerError) {
        let now = context.clock.monotonic();
        let wait = match error {
            ServerError::Busy { wait, .. } => (*wait).min(LONGEST_ASKED_WAIT),
            _ => self.backoff.next_wait(),
        };
        self.until = Some(now.saturating_add(wait));
        if self.since.is_none() {
            self.since = Some(now);
            context.state("waiting");
            let message = format!("{error}; it is asked again, the rest of the graph goes on");
            let data = json!({"extension": self.server, "state": "waiting", "code": error.code(), "message": message});
            context.emit(DOWN, data);
        }
    }

    fn tell(&mut self, context: &NodeContext, error: &ServerError, now: Duration) {
        let code = error.code();
        self.told
            .retain(|(_, told)| now.saturating_sub(*told) < REPEATED_ERROR_INTERVAL);
        if self.told.len() >= MAX_CODES || self.told.iter().any(|(known, _)| *known == code) {
            return;
        }
        let data = json!({
            "code": code,
            "errorCode": code,
            "target": self.server,
            "protocol": self.protocol,
            "message": error.to_string(),
        });
        context.emit(&format!("{DIAGNOSTICS}.{}", error.event()), data);
        self.told.push((code, now));
    }

    /// It answered: the next failure is followed by a short wait again.
    pub fn answered(&mut self, context: &NodeContext) {
        self.backoff.reset();
        self.back(context);
    }

    /// It is there again, which says little of how long.
    pub fn back(&mut self, context: &NodeContext) {
        self.until = None;
        let Some(since) = self.since.take() else { return };
        context.state("running");
        let away = context.clock.monotonic().saturating_sub(since);
        let seconds = (away.as_secs_f64() * 10.0).round() / 10.0;
        tracing::info!(server = self.server, seconds, "The server answers again");
        let data = json!({"extension": self.server, "state": "running", "seconds": seconds});
        context.emit(BACK, data);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::{Clock, ManualClock};
    use crate::nodes::testing::context;

    fn types(told: &crate::nodes::testing::Told) -> Vec<String> {
        let name = |one: &str| one.rsplit('.').next().unwrap().to_owned();
        told.events()
            .iter()
            .map(|event| name(&event.event_type))
            .collect()
    }

    #[test]
    fn an_outage_is_told_once_and_the_server_is_left_alone() {
        let clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
        let (context, told) = context(Arc::clone(&clock) as _);
        let mut outage = Outage::new("http", "http://yolo/score".into(), fastrand::Rng::with_seed(7));
        outage.answered(&context);
        assert!(told.events().is_empty());
        for _ in 0..3 {
            outage.failed(&context, &ServerError::Network("connection refused".into()));
            let wait = outage.wait(clock.monotonic()).unwrap();
            clock.advance(wait);
            assert_eq!(outage.wait(clock.monotonic()), None);
        }
        outage.answered(&context);
        assert_eq!(types(&told), ["NetworkError", "ExtensionDown", "ExtensionBack"]);
        assert_eq!(told.events()[0].data["code"], "connectionLost");
    }

    #[test]
    fn what_a_server_asks_for_is_heeded_within_a_bound() {
        let clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
        let (context, _) = context(Arc::clone(&clock) as _);
        let mut outage = Outage::new("http", "http://yolo/score".into(), fastrand::Rng::with_seed(7));
        let busy = |seconds| ServerError::Busy {
            status: 503,
            wait: Duration::from_secs(seconds),
        };
        outage.failed(&context, &busy(7));
        assert_eq!(outage.wait(clock.monotonic()), Some(Duration::from_secs(7)));
        outage.failed(&context, &busy(u64::MAX));
        assert_eq!(outage.wait(clock.monotonic()), Some(LONGEST_ASKED_WAIT));
    }

    #[test]
    fn a_frame_that_fails_is_no_outage_and_is_told_once_a_minute() {
        let clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
        let (context, told) = context(Arc::clone(&clock) as _);
        let mut outage = Outage::new("http", "http://yolo/score".into(), fastrand::Rng::with_seed(7));
        let failed = ServerError::Status {
            status: 500,
            hint: String::new(),
        };
        for _ in 0..61 {
            outage.failed(&context, &failed);
            assert_eq!(outage.wait(clock.monotonic()), None);
            outage.answered(&context);
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(types(&told), ["ProtocolError", "ProtocolError"]);
    }
}
