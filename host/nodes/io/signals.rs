//! What detectors say on its way to gates, processors and message sinks.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::media::MediaTime;
use crate::media::inference::Observation;

/// Signals that wait between two nodes. A detector that is this far ahead of its gate waits for it.
pub const MAX_QUEUED_SIGNALS: usize = 256;

/// One signal.
#[derive(Clone, Debug)]
pub enum Signal {
    /// Something was observed.
    Observed(Arc<Observation>),
    /// Nothing earlier than this will be observed any more.
    Watermark(MediaTime),
}

/// The writing end.
pub type SignalSender = mpsc::Sender<Signal>;
/// The reading end.
pub type SignalReceiver = mpsc::Receiver<Signal>;

/// Makes a queue of signals.
#[must_use]
pub fn channel() -> (SignalSender, SignalReceiver) {
    mpsc::channel(MAX_QUEUED_SIGNALS)
}
