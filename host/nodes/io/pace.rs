//! What happens when a reader is slower than its writer. Decided here alone, for all queues of a graph.
//!
//! Live, nobody waits for a reader: of frames the newest wins, of media whole groups of pictures are left out, and what is
//! left out is counted. In replay nothing is left out: the player hands on a portion of media and waits until the whole
//! graph has finished it ([`InFlight`]), so what stands in the queues is bounded by the portion, and what the graph does
//! does not depend on how fast its parts are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::demand::Asked;
use super::frames::{self, FrameReceiver, FrameSender};
use super::signals::{self, Merge, SignalReceiver, SignalSender};
use super::units::{self, Tracks, UnitReceiver, UnitSender};

/// How the queues of a graph behave.
#[derive(Clone, Debug, Default)]
pub enum Pace {
    /// As media comes: who is too slow loses some.
    #[default]
    Live,
    /// As fast as the slowest: nothing is lost.
    Replay(Arc<InFlight>),
}

impl Pace {
    /// A queue of media.
    #[must_use]
    pub fn units(&self, tracks: Tracks) -> (UnitSender, UnitReceiver) {
        units::queue(tracks, self.busy())
    }

    /// A queue of media for a decode stage.
    #[must_use]
    pub fn units_for_analysis(&self) -> (UnitSender, UnitReceiver) {
        units::queue_for_analysis(self.busy())
    }

    /// A mailbox of frames for a consumer that asks for this, behind filters that let through at most `filter` frames a
    /// second.
    #[must_use]
    pub fn frames(&self, filter: Option<f64>, asked: Asked) -> (FrameSender, FrameReceiver) {
        frames::mailbox(filter, asked, self.busy())
    }

    /// A queue of signals with so many inputs.
    #[must_use]
    pub fn signals(&self, inputs: usize) -> (Vec<SignalSender>, SignalReceiver) {
        signals::channel_of(inputs, self.in_flight())
    }

    /// Puts signals in order. Live, an input that hangs is not waited for for ever; in replay each is, that of messages
    /// from outside, too, since it is known which there are.
    #[must_use]
    pub fn merge(&self, awaited: Vec<bool>) -> Merge {
        match self {
            Self::Live => Merge::of(awaited),
            Self::Replay(_) => Merge::patient(awaited.len()),
        }
    }

    fn in_flight(&self) -> Option<Arc<InFlight>> {
        match self {
            Self::Live => None,
            Self::Replay(in_flight) => Some(Arc::clone(in_flight)),
        }
    }

    fn busy(&self) -> Busy {
        Busy {
            of: self.in_flight(),
            busy: false,
        }
    }
}

/// How many queues of a graph have something in them, or a reader that is at work on what it took out.
///
/// Invariant: a node puts what it makes of something into its outputs before it asks for the next, so the count is zero
/// only when nothing more will happen by itself.
#[derive(Debug, Default)]
pub struct InFlight {
    count: AtomicUsize,
    idle: Notify,
}

impl InFlight {
    /// Something is on its way.
    pub(super) fn add(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// It has been dealt with.
    pub(super) fn done(&self) {
        if self.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.notify_one();
        }
    }

    /// Waits until the graph has nothing left to do. One waits at a time.
    pub async fn idle(&self) {
        while self.count.load(Ordering::SeqCst) > 0 {
            self.idle.notified().await;
        }
    }
}

/// Whether one queue counts in its graph's [`InFlight`]. Stands under the queue's own lock.
#[derive(Debug, Default)]
pub(super) struct Busy {
    of: Option<Arc<InFlight>>,
    busy: bool,
}

impl Busy {
    /// Whether nothing may be left out.
    pub(super) fn keeps_all(&self) -> bool {
        self.of.is_some()
    }

    /// There is something in the queue.
    pub(super) fn begin(&mut self) {
        if let Some(of) = &self.of
            && !std::mem::replace(&mut self.busy, true)
        {
            of.add();
        }
    }

    /// The queue is empty, and its reader asks for more.
    pub(super) fn end(&mut self) {
        if let Some(of) = &self.of
            && std::mem::replace(&mut self.busy, false)
        {
            of.done();
        }
    }

    /// The reader has gone: nobody waits for it any more, and nothing is kept for it.
    pub(super) fn retire(&mut self) {
        self.end();
        self.of = None;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.end();
    }
}
