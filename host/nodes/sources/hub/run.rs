//! The message source at work: each message from outside is one observation.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::events::hub::{EVENT_TIME, HubMessage, HubRegistration};
use crate::media::MediaTime;
use crate::media::inference::{Finding, Inference, Observation};
use crate::nodes::context::{Dropped, NodeContext, NodeStats};
use crate::nodes::io::signals::{Signal, SignalSender};
use crate::nodes::processors::findings::Findings;
use crate::nodes::processors::gate::buffer::MAX_HISTORY;

/// Properties of a message that are handed on; more are left out.
pub const MAX_PROPERTIES: usize = 32;
/// The bytes of a property's name and value together; longer ones are left out.
pub const MAX_PROPERTY_BYTES: usize = 1024;

/// What an observation of a message is called.
const NAME: &str = "hubMessage";

/// A message source.
#[derive(Debug)]
pub struct MessageSource {
    /// Its surroundings.
    pub context: NodeContext,
    /// Brings the messages.
    pub messages: HubRegistration,
    /// Who wants to know.
    pub signals: Vec<SignalSender>,
}

/// What is wrong with the time of a message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum BadTime {
    #[error(
        "a message is left out: its `eventTime` is {0}, further back than any gate holds media ({limit} s)\n\
         hint: send messages when things happen, and check the sender's clock",
        limit = MAX_HISTORY.to_duration().as_secs()
    )]
    TooOld(MediaTime),
    #[error(
        "a message's `eventTime` is not a time: the moment of its receipt is taken\n\
         hint: write it in ISO 8601, such as `2026-01-31T12:00:00Z`"
    )]
    NoTime,
}

impl BadTime {
    /// What is taken instead.
    fn fallback(&self, received: MediaTime) -> Option<MediaTime> {
        matches!(self, Self::NoTime).then_some(received)
    }
}

impl MessageSource {
    /// Runs until the graph is stopped.
    pub async fn run(mut self) {
        self.context.state("listening");
        let stop = self.context.stop.clone();
        let mut findings = Findings::default();
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = self.messages.next() => message,
            };
            let Some(message) = message else { break };
            self.tell_full();
            let received = self.context.clock.media();
            self.context.came(received);
            if let Some(observation) = observation_of(&self.context, &message, received) {
                findings.add(&self.context, observation.time, &observation.inferences);
                self.hand_on(observation).await;
            }
        }
        findings.tell(&self.context);
        self.tell_full();
    }

    async fn hand_on(&self, observation: Observation) {
        let observation = Arc::new(observation);
        NodeStats::add(&self.context.stats.sent, 1);
        self.context.stats.went(&*self.context.clock);
        for output in &self.signals {
            output.send(Signal::Observed(Arc::clone(&observation))).await;
        }
    }

    fn tell_full(&self) {
        let full = self.messages.take_full();
        if full > 0 {
            let message = "more messages came than could wait";
            self.context.lost_now(Dropped::Messages, full, message);
        }
    }
}

/// What a message received at a moment says; none for one that comes too late for any gate.
pub fn observation_of(
    context: &NodeContext,
    message: &HubMessage,
    received: MediaTime,
) -> Option<Observation> {
    let time = match time(message, received) {
        Ok(time) => time,
        Err(error) => {
            context.error(&error);
            error.fallback(received)?
        }
    };
    Some(Observation {
        time,
        origin: Arc::clone(&context.name),
        inferences: vec![Inference::new(Finding::Event {
            name: NAME.to_owned(),
            properties: properties(message),
            area: None,
        })],
    })
}

/// The moment that a message speaks of. Nothing is observed before it happens: a sender whose clock is ahead means now.
fn time(message: &HubMessage, received: MediaTime) -> Result<MediaTime, BadTime> {
    let Some(written) = message.properties.get(EVENT_TIME) else {
        return Ok(received);
    };
    let time: Timestamp = written.parse().map_err(|_| BadTime::NoTime)?;
    let time = MediaTime::from_timestamp(time).min(received);
    if received.since(time) > MAX_HISTORY {
        return Err(BadTime::TooOld(time));
    }
    Ok(time)
}

fn properties(message: &HubMessage) -> BTreeMap<String, String> {
    let fits = |(name, value): &(&String, &String)| name.len() + value.len() <= MAX_PROPERTY_BYTES;
    let all = message.properties.iter().filter(fits).take(MAX_PROPERTIES);
    all.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::hub::HubInputs;
    use crate::media::{Clock, ManualClock};
    use crate::nodes::io::signals;
    use crate::nodes::testing::context;

    const NOON: &str = "2026-01-31T12:00:00Z";

    fn message(time: Option<&str>) -> HubMessage {
        let properties = time.map(|time| (EVENT_TIME.to_owned(), time.to_owned()));
        HubMessage {
            body: "{\"open\": true}".into(),
            properties: properties.into_iter().collect(),
        }
    }

    #[test]
    fn the_time_of_a_message_is_its_own_or_that_of_its_receipt() {
        let received = MediaTime::from_timestamp(NOON.parse().unwrap());
        let of = |written: &str| time(&message(Some(written)), received).map(MediaTime::iso);
        assert_eq!(time(&message(None), received), Ok(received));
        assert_eq!(of("2026-01-31T11:59:57.5Z").unwrap(), "2026-01-31T11:59:57.500Z");
        assert_eq!(
            of("2026-01-31T13:59:57+02:00").unwrap(),
            "2026-01-31T11:59:57.000Z"
        );
        assert_eq!(of("2031-01-31T12:00:00Z").unwrap(), "2026-01-31T12:00:00.000Z");
        assert_eq!(of("noon"), Err(BadTime::NoTime));
        let old = of("2026-01-31T11:00:00Z").unwrap_err();
        assert!(old.to_string().contains("2026-01-31T11:00:00.000Z"), "{old}");
        assert_eq!(
            (old.fallback(received), BadTime::NoTime.fallback(received)),
            (None, Some(received))
        );
    }

    #[tokio::test]
    async fn messages_become_observations_until_the_graph_stops() {
        let clock = Arc::new(ManualClock::new(NOON.parse().unwrap()));
        let (context, told) = context(Arc::clone(&clock) as _);
        let (stop, stats) = (context.stop.clone(), Arc::clone(&context.stats));
        let inputs = HubInputs::default();
        let (signals, mut heard) = signals::channel(1);
        let source = MessageSource {
            context,
            messages: inputs.register("door", "test"),
            signals,
        };
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(source.run());
        inputs.deliver("door", None, message(Some("2026-01-31T11:00:00Z")));
        inputs.deliver("door", None, message(Some("2026-01-31T11:59:58Z")));
        let Some((0, Signal::Observed(observation))) = heard.recv().await else {
            panic!("an observation")
        };
        assert_eq!(observation.time.iso(), "2026-01-31T11:59:58.000Z");
        let json = serde_json::to_value(&observation.inferences).unwrap();
        assert_eq!(
            json[0]["event"]["properties"]["eventTime"],
            "2026-01-31T11:59:58Z"
        );
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        assert!(heard.recv().await.is_none() && inputs.inputs().is_empty());
        let status = stats.status("door", clock.monotonic() + Duration::from_secs(1));
        assert_eq!((status.received, status.sent, status.errors), (2, 1, 1));
        assert_eq!(told.notes()[0].data["found"]["event hubMessage"], 1);
    }
}
