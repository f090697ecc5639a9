//! Those who look at a source as it plays: people, not nodes. They are no part of the graph.
//!
//! Invariants: the source never waits for them and knows no more of them than whether there are any; nobody looks: nothing is kept. Who
//! does not keep up misses some, and is told so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::media::AccessUnit;

/// Units that wait for those who do not keep up: about two seconds of video with sound.
const MAX_BEHIND: usize = 128;

/// What a source has for them.
#[derive(Debug, Default)]
pub struct Viewers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// It is a source, and runs.
    open: bool,
    sender: Option<broadcast::Sender<Arc<AccessUnit>>>,
}

/// Somebody who looks.
#[derive(Debug)]
pub struct Viewer(broadcast::Receiver<Arc<AccessUnit>>);

/// What somebody sees.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The next unit.
    Unit(Arc<AccessUnit>),
    /// Some went past.
    Missed,
}

impl Viewers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to be seen from now on.
    pub fn open(&self) {
        self.lock().open = true;
    }

    /// There will be nothing more.
    pub fn close(&self) {
        *self.lock() = State::default();
    }

    /// Shows a unit to all who look.
    pub fn show(&self, unit: &Arc<AccessUnit>) {
        let mut state = self.lock();
        let Some(sender) = &state.sender else { return };
        if sender.send(Arc::clone(unit)).is_err() {
            // The last one has gone.
            state.sender = None;
        }
    }

    /// Looks from now on; none where there is nothing to be seen.
    #[must_use]
    pub fn look(&self) -> Option<Viewer> {
        let mut state = self.lock();
        if !state.open {
            return None;
        }
        let sender = state
            .sender
            .get_or_insert_with(|| broadcast::Sender::new(MAX_BEHIND));
        Some(Viewer(sender.subscribe()))
    }
}

impl Viewer {
    /// What comes next; none when there will be nothing more. Cancel-safe.
    pub async fn next(&mut self) -> Option<Seen> {
        match self.0.recv().await {
            Ok(unit) => Some(Seen::Unit(unit)),
            Err(RecvError::Lagged(_)) => Some(Seen::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MediaTime, StreamFormat, TrackKind};

    fn unit(ticks: u64) -> Arc<AccessUnit> {
        Arc::new(AccessUnit {
            time: MediaTime::from_ticks(ticks),
            format: Arc::new(StreamFormat {
                kind: TrackKind::Video,
                codec: String::new(),
                sample_entry: bytes::Bytes::new(),
                decoder_config: bytes::Bytes::new(),
                width: 0,
                height: 0,
                sample_rate: 0,
            }),
            data: bytes::Bytes::new(),
            random_access: true,
            disposable: false,
            discontinuity: false,
        })
    }

    #[tokio::test]
    async fn who_does_not_keep_up_misses_some_and_nobody_waits() {
        let viewers = Viewers::default();
        assert!(viewers.look().is_none(), "no source, or not yet");
        viewers.open();
        viewers.show(&unit(0));
        let mut viewer = viewers.look().unwrap();
        for ticks in 1..=MAX_BEHIND as u64 + 1 {
            viewers.show(&unit(ticks));
        }
        assert!(matches!(viewer.next().await, Some(Seen::Missed)));
        let Some(Seen::Unit(next)) = viewer.next().await else {
            panic!("nothing more");
        };
        assert_eq!(next.time.ticks(), 2);
        drop(viewer);
        let kept = unit(7);
        viewers.show(&kept);
        assert_eq!(Arc::strong_count(&kept), 1, "nothing is kept for nobody");
        let mut viewer = viewers.look().unwrap();
        viewers.close();
        assert!(viewer.next().await.is_none());
    }
}
