//! Telling what was lost: at once when it begins, then at most once in [`LOSS_INTERVAL`], with counts and since when.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::stats::Dropped;
use crate::media::MediaTime;

/// A node tells of losses at most once in this time.
pub const LOSS_INTERVAL: Duration = Duration::from_secs(10);

/// Something that was lost.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Of which kind.
    pub kind: Dropped,
    /// How much.
    pub units: u64,
    /// From when.
    pub start: MediaTime,
    /// Until when.
    pub end: MediaTime,
    /// Why, for people.
    pub message: &'static str,
    /// Which recording lacks it, if one does.
    pub output: Option<String>,
}

impl Loss {
    fn add(&mut self, other: Self) {
        self.units = self.units.saturating_add(other.units);
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        self.message = other.message;
        self.output = other.output.or(self.output.take());
    }

    fn data(&self) -> Value {
        let mut data = json!({
            "dataType": self.kind.name(),
            "units": self.units,
            "start": self.start.iso(),
            "end": self.end.iso(),
            "message": self.message,
        });
        if let (Some(output), Some(data)) = (&self.output, data.as_object_mut()) {
            data.insert("outputLocation".to_owned(), output.as_str().into());
        }
        data
    }
}

/// The losses of one node.
#[derive(Debug, Default)]
pub struct Losses(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// On the monotonic clock.
    told: Option<Duration>,
    /// At most one of each kind.
    waiting: Vec<Loss>,
}

impl Losses {
    /// Adds a loss; gives what is to be told now.
    pub(super) fn add(&self, loss: Loss, now: Duration) -> Vec<Value> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.waiting.iter_mut().find(|waiting| waiting.kind == loss.kind) {
            Some(waiting) => waiting.add(loss),
            None => state.waiting.push(loss),
        }
        state.due(now)
    }

    /// Gives what is to be told now; `at_last` when nothing more will come.
    pub(super) fn tell(&self, now: Duration, at_last: bool) -> Vec<Value> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if at_last {
            state.told = None;
        }
        state.due(now)
    }
}

impl State {
    fn due(&mut self, now: Duration) -> Vec<Value> {
        let due = self
            .told
            .is_none_or(|told| now.saturating_sub(told) >= LOSS_INTERVAL);
        if !due || self.waiting.is_empty() {
            return Vec::new();
        }
        self.told = Some(now);
        self.waiting.drain(..).map(|loss| loss.data()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::at;

    fn loss(second: f64, units: u64) -> Loss {
        Loss {
            kind: Dropped::Media,
            units,
            start: at(second),
            end: at(second + 0.5),
            message: "too slow",
            output: None,
        }
    }

    #[test]
    fn the_first_loss_is_told_at_once_and_the_rest_together() {
        let losses = Losses::default();
        let seconds = Duration::from_secs;
        assert_eq!(losses.add(loss(1.0, 1), seconds(1)).len(), 1);
        assert!(losses.add(loss(2.0, 2), seconds(2)).is_empty());
        assert!(losses.add(loss(3.0, 3), seconds(3)).is_empty());
        assert!(losses.tell(seconds(4), false).is_empty());
        let told = losses.tell(seconds(11), false);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["units"], 5);
        assert_eq!(
            (&told[0]["start"], &told[0]["end"]),
            (&at(2.0).iso().into(), &at(3.5).iso().into())
        );
        assert_eq!(told[0]["dataType"], "media");
        assert!(losses.tell(seconds(60), false).is_empty());
    }

    #[test]
    fn at_the_end_everything_is_told() {
        let losses = Losses::default();
        let now = Duration::from_secs(1);
        losses.add(loss(1.0, 1), now);
        losses.add(loss(2.0, 7), now);
        let told = losses.tell(now, true);
        assert_eq!((told.len(), &told[0]["units"]), (1, &7.into()));
    }
}
