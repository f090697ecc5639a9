//! What detectors say on its way to gates, processors and message sinks, and its merging into one order.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::pace::InFlight;
use super::witness::WitnessSender;
use crate::media::inference::Observation;
use crate::media::{MediaTime, Ticks};

/// Signals that wait in front of one node. A detector that is this far ahead of its gate waits for it.
pub const MAX_QUEUED_SIGNALS: usize = 256;

/// How far the slowest detector may be behind the media before decisions are made without it.
pub const MAX_LAG: Ticks = Ticks::from_secs(5);

/// One signal.
#[derive(Clone, Debug)]
pub enum Signal {
    /// Something was observed.
    Observed(Arc<Observation>),
    /// Nothing up to this moment will be observed any more.
    Watermark(MediaTime),
}

/// The writing end of one input of a node.
#[derive(Clone, Debug)]
pub struct SignalSender(To);

#[derive(Clone, Debug)]
enum To {
    Node(Queue),
    Recorder(WitnessSender),
}

#[derive(Clone, Debug)]
struct Queue {
    input: usize,
    channel: mpsc::Sender<(usize, Signal)>,
    in_flight: Option<Arc<InFlight>>,
}

impl SignalSender {
    /// To a recorder, which keeps what was seen and is never waited for.
    #[must_use]
    pub fn to_recorder(witness: WitnessSender) -> Self {
        Self(To::Recorder(witness))
    }

    /// Waits for room, then sends. What nobody reads any more is dropped.
    pub async fn send(&self, signal: Signal) {
        match (&self.0, signal) {
            (To::Node(queue), signal) => queue.send(signal).await,
            (To::Recorder(witness), Signal::Observed(observation)) => witness.observed(&observation),
            (To::Recorder(_), Signal::Watermark(_)) => {}
        }
    }
}

impl Queue {
    async fn send(&self, signal: Signal) {
        if let Some(in_flight) = &self.in_flight {
            in_flight.add();
        }
        // The reader is gone only when its node has ended, and then nobody wants the signal.
        if self.channel.send((self.input, signal)).await.is_err()
            && let Some(in_flight) = &self.in_flight
        {
            in_flight.done();
        }
    }
}

/// The reading end: what comes from all inputs, each with its input's number.
#[derive(Debug)]
pub struct SignalReceiver {
    channel: mpsc::Receiver<(usize, Signal)>,
    in_flight: Option<Arc<InFlight>>,
    /// What was read last still counts as being on its way.
    in_hand: bool,
}

impl SignalReceiver {
    /// The next signal; None once all writers are gone and everything was read. Cancel-safe.
    pub async fn recv(&mut self) -> Option<(usize, Signal)> {
        self.dealt_with();
        let signal = self.channel.recv().await;
        self.in_hand = signal.is_some();
        signal
    }

    fn dealt_with(&mut self) {
        if std::mem::take(&mut self.in_hand)
            && let Some(in_flight) = &self.in_flight
        {
            in_flight.done();
        }
    }
}

impl Drop for SignalReceiver {
    fn drop(&mut self) {
        self.channel.close();
        self.dealt_with();
        while self.channel.try_recv().is_ok() {
            self.in_hand = true;
            self.dealt_with();
        }
    }
}

/// Makes the queue in front of a node with so many inputs.
#[must_use]
pub fn channel(inputs: usize) -> (Vec<SignalSender>, SignalReceiver) {
    channel_of(inputs, None)
}

/// As [`channel`]; what is on its way is counted.
pub(super) fn channel_of(
    inputs: usize,
    in_flight: Option<Arc<InFlight>>,
) -> (Vec<SignalSender>, SignalReceiver) {
    let (channel, receiver) = mpsc::channel(MAX_QUEUED_SIGNALS);
    let senders = (0..inputs)
        .map(|input| {
            SignalSender(To::Node(Queue {
                input,
                channel: channel.clone(),
                in_flight: in_flight.clone(),
            }))
        })
        .collect();
    let receiver = SignalReceiver {
        channel: receiver,
        in_flight,
        in_hand: false,
    };
    (senders, receiver)
}

/// Puts the observations of several inputs into one order: by media time, then by input.
///
/// An observation comes out once every input has passed its moment, so that the order does not depend on which
/// detector is faster; the same media gives the same decisions. Only an input more than [`MAX_LAG`] behind the
/// media is not waited for, and an input of messages from outside is never waited for: nobody knows whether
/// one will come, so what it says counts from the moment it is heard.
///
/// A gate also tells how far its media has come ([`Merge::wait_for_media`]): what was observed beyond waits, so that the
/// gate is asked in the same order whether signals or media are faster.
#[derive(Debug)]
pub struct Merge {
    watermarks: Vec<MediaTime>,
    /// Whether an input is waited for.
    awaited: Vec<bool>,
    pending: BTreeMap<(MediaTime, usize, u64), Arc<Observation>>,
    count: u64,
    media: MediaTime,
    /// Observations beyond wait.
    due: MediaTime,
    /// Every input is waited for, however far it is behind.
    patient: bool,
}

impl Merge {
    /// For a node with so many inputs of signals, each of which is waited for.
    #[must_use]
    pub fn new(inputs: usize) -> Self {
        Self::of(vec![true; inputs])
    }

    /// For a node with inputs of which some are not waited for.
    #[must_use]
    pub fn of(awaited: Vec<bool>) -> Self {
        Self {
            watermarks: vec![MediaTime::MIN; awaited.len()],
            awaited,
            pending: BTreeMap::new(),
            count: 0,
            media: MediaTime::MIN,
            due: MediaTime::MAX,
            patient: false,
        }
    }

    /// For a node each of whose inputs is waited for, however far it is behind.
    #[must_use]
    pub fn patient(inputs: usize) -> Self {
        Self {
            patient: true,
            ..Self::new(inputs)
        }
    }

    /// Whether nothing is decided before it is certain what was observed.
    #[must_use]
    pub fn is_patient(&self) -> bool {
        self.patient
    }

    /// Media has come up to here: what was observed later waits until it has come, too.
    pub fn wait_for_media(&mut self, reached: MediaTime) {
        self.due = reached;
    }

    /// Takes a signal.
    pub fn signal(&mut self, input: usize, signal: Signal) {
        let reached = match signal {
            Signal::Observed(observation) => {
                let time = observation.time;
                self.count += 1;
                self.pending.insert((time, input, self.count), observation);
                return;
            }
            Signal::Watermark(time) => time,
        };
        if let Some(watermark) = self.watermarks.get_mut(input) {
            // Not the higher of the two: a timeline that begins anew may begin earlier.
            *watermark = reached;
        }
    }

    /// Whether an input that has come so far begins anew: its timeline was further already.
    #[must_use]
    pub fn goes_back(&self, input: usize, reached: MediaTime) -> bool {
        self.watermarks.get(input).is_some_and(|before| reached < *before)
    }

    /// Tells how far the media has come.
    pub fn media(&mut self, reached: MediaTime) {
        self.media = self.media.max(reached);
    }

    /// Tells that no input will say anything more.
    pub fn finish(&mut self) {
        self.watermarks.fill(MediaTime::MAX);
    }

    /// The timeline begins anew, perhaps earlier: what was said of the old one does not count.
    pub fn restart(&mut self) {
        self.watermarks.fill(MediaTime::MIN);
        self.media = MediaTime::MIN;
    }

    /// Up to where everything that will be observed has been.
    #[must_use]
    pub fn reached(&self) -> MediaTime {
        let inputs = self.watermarks.iter().zip(&self.awaited);
        let awaited = inputs
            .filter(|(_, awaited)| **awaited)
            .map(|(watermark, _)| *watermark);
        let slowest = awaited.min().unwrap_or(MediaTime::MAX);
        if self.patient {
            return slowest;
        }
        slowest.max(self.media.offset(Ticks(-MAX_LAG.0)))
    }

    /// The time of the next observation that is in order.
    #[must_use]
    pub fn next_time(&self) -> Option<MediaTime> {
        let (&(time, ..), _) = self.pending.first_key_value()?;
        (time <= self.reached().min(self.due)).then_some(time)
    }

    /// Takes out the next observation that is in order.
    pub fn pop(&mut self) -> Option<Arc<Observation>> {
        self.next_time()?;
        self.pending.pop_first().map(|(_, observation)| observation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::at;

    fn observed(seconds: f64, origin: &str) -> Signal {
        Signal::Observed(Arc::new(Observation {
            time: at(seconds),
            origin: origin.into(),
            inferences: Vec::new(),
        }))
    }

    fn drain(merge: &mut Merge) -> Vec<String> {
        std::iter::from_fn(|| merge.pop())
            .map(|observation| observation.origin.to_string())
            .collect()
    }

    #[test]
    fn observations_wait_for_the_slower_input() {
        let mut merge = Merge::new(2);
        merge.signal(0, observed(2.0, "fast"));
        merge.signal(0, Signal::Watermark(at(2.0)));
        assert!(merge.pop().is_none());
        merge.signal(1, observed(1.0, "slow"));
        merge.signal(1, observed(2.0, "slow, same moment"));
        merge.signal(1, Signal::Watermark(at(2.5)));
        assert_eq!(drain(&mut merge), ["slow", "fast", "slow, same moment"]);
    }

    #[test]
    fn an_input_that_hangs_is_not_waited_for_longer_than_the_lag() {
        let mut merge = Merge::new(2);
        merge.signal(0, observed(1.0, "alive"));
        merge.signal(0, Signal::Watermark(at(1.0)));
        merge.media(at(5.9));
        assert!(merge.pop().is_none());
        merge.media(at(6.0));
        assert_eq!(drain(&mut merge), ["alive"]);
    }

    #[test]
    fn an_input_of_messages_is_never_waited_for() {
        let mut merge = Merge::of(vec![true, false]);
        merge.signal(0, Signal::Watermark(at(2.0)));
        assert_eq!(merge.reached(), at(2.0));
        merge.signal(1, observed(1.5, "door"));
        merge.signal(0, observed(1.0, "motion"));
        merge.signal(1, observed(2.5, "door, later"));
        assert_eq!(drain(&mut merge), ["motion", "door"]);
        merge.restart();
        merge.signal(0, Signal::Watermark(at(3.0)));
        assert_eq!(drain(&mut merge), ["door, later"]);
    }

    #[test]
    fn without_inputs_or_at_the_end_nothing_is_waited_for() {
        assert_eq!(Merge::new(0).reached(), MediaTime::MAX);
        let mut merge = Merge::new(1);
        merge.signal(0, observed(1.0, "last"));
        merge.finish();
        assert_eq!(drain(&mut merge), ["last"]);
    }

    #[test]
    fn after_a_clock_was_set_back_slower_inputs_are_waited_for_as_before() {
        let mut merge = Merge::new(2);
        merge.media(at(3_600.0));
        merge.signal(0, Signal::Watermark(at(3_600.0)));
        merge.signal(1, Signal::Watermark(at(3_600.0)));
        assert!(merge.goes_back(0, at(2.0)) && !merge.goes_back(0, at(3_600.0)));
        merge.restart();
        assert!(!merge.goes_back(0, at(2.0)));
        // Still under way when the timeline began anew.
        merge.signal(1, Signal::Watermark(at(3_600.1)));
        merge.media(at(2.0));
        merge.signal(0, observed(1.0, "fast"));
        merge.signal(0, Signal::Watermark(at(1.0)));
        merge.signal(1, Signal::Watermark(at(0.5)));
        assert!(merge.pop().is_none(), "input 1 has not passed it");
        merge.signal(1, Signal::Watermark(at(1.0)));
        assert_eq!(drain(&mut merge), ["fast"]);
    }
}
