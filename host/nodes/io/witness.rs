//! What is seen of a camera on its way to whoever records it.
//!
//! Invariant: whoever says something never waits for a disk; see [`Recent`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::media::inference::Observation;
use crate::recording::detections::{Detection, Recent};

/// How long a recording that ends waits for what is still to be said of its last pictures: as long as a gate waits for a detector.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The writing end: one node that says something.
#[derive(Clone, Debug)]
pub struct WitnessSender {
    recent: Arc<Recent>,
    origin: usize,
    hears: Arc<[usize]>,
    /// Held as long as something may be said.
    _speaks: mpsc::Sender<Infallible>,
}

impl WitnessSender {
    /// Takes what was said, at once.
    pub(super) fn observed(&self, observation: &Observation) {
        let detections = observation
            .inferences
            .iter()
            .filter_map(|inference| Detection::of(observation.time, inference));
        self.recent.add(self.origin, &self.hears, detections.collect());
    }
}

/// The reading end: a recorder.
#[derive(Debug)]
pub struct Witnesses {
    recent: Arc<Recent>,
    speak: mpsc::Receiver<Infallible>,
    /// How long an end waits.
    patience: Duration,
}

impl Witnesses {
    /// What was seen of late.
    #[must_use]
    pub fn recent(&self) -> Arc<Recent> {
        Arc::clone(&self.recent)
    }

    /// Waits until nobody says anything more, though not for one who hangs.
    pub async fn fallen_silent(&mut self) {
        // Nothing is ever sent: this ends when all writing ends are gone.
        if tokio::time::timeout(self.patience, self.speak.recv())
            .await
            .is_err()
        {
            tracing::warn!("What was still to be said of the last pictures is not kept with the recording");
        }
    }
}

/// For nodes with these numbers, each with those that it hears.
#[must_use]
pub fn witnesses(speakers: &[(usize, Vec<usize>)]) -> (Vec<WitnessSender>, Witnesses) {
    let recent = Arc::new(Recent::default());
    let (speaks, speak) = mpsc::channel(1);
    let sender = |(origin, hears): &(usize, Vec<usize>)| WitnessSender {
        recent: Arc::clone(&recent),
        origin: *origin,
        hears: hears.as_slice().into(),
        _speaks: speaks.clone(),
    };
    let senders = speakers.iter().map(sender).collect();
    let patience = LAST_WORDS;
    (
        senders,
        Witnesses {
            recent,
            speak,
            patience,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_waits_until_all_have_said_what_they_had_to_say_and_for_none_who_hangs() {
        let (mut senders, mut witnesses) = witnesses(&[(3, vec![]), (4, vec![3])]);
        let (last, hour) = (senders.pop(), Duration::from_secs(3600));
        drop(senders);
        witnesses.patience = hour;
        let early = tokio::time::timeout(Duration::from_millis(20), witnesses.fallen_silent()).await;
        assert!(early.is_err(), "somebody may still speak");
        witnesses.patience = Duration::from_millis(20);
        witnesses.fallen_silent().await;
        witnesses.patience = hour;
        drop(last);
        witnesses.fallen_silent().await;
    }
}
