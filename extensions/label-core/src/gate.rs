//! The state machine.

use crate::presence::Presences;
use crate::{Config, Said};

/// Lets media through from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Rises with each activation, from 1.
    pub id: u64,
    /// Ticks since the Unix epoch.
    pub start: u64,
    /// Ticks since the Unix epoch.
    pub end: u64,
}

/// What the caller is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// An activation to stop, and when.
    pub close: Option<(u64, u64)>,
    /// A span to open or, where the id is known, to prolong. Behind `close`.
    pub open: Option<Activation>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    span: Activation,
    /// No end is later.
    hard_end: u64,
    /// Stays open until a stop event.
    held: bool,
}

/// One gate.
#[derive(Debug)]
pub struct Gate {
    config: Config,
    presences: Presences,
    open: Option<Open>,
    last_id: u64,
    /// A stop event came, and the condition has held ever since: when it did so last.
    stopped: Option<u64>,
    time: u64,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            presences: Presences::default(),
            open: None,
            last_id: 0,
            stopped: None,
            time: 0,
        }
    }

    /// How far back in media time a span may begin, in ticks.
    #[must_use]
    pub fn history(&self) -> u64 {
        let condition = self.config.condition.as_ref();
        let dwell = condition.map_or(0, |condition| {
            condition.minimum_dwell.saturating_add(condition.maximum_gap)
        });
        self.config.pre_roll.saturating_add(dwell)
    }

    /// Something was said of the moment `time`.
    pub fn observed(&mut self, time: u64, said: &Said<'_>) -> Decision {
        if time < self.time {
            // Another recording began; what was let through of the old one ends by itself.
            self.presences.clear();
            (self.open, self.stopped) = (None, None);
        }
        self.time = time;
        let config = &self.config;
        let is = |names: &[String]| {
            said.events
                .iter()
                .any(|event| names.iter().any(|name| name.eq_ignore_ascii_case(event)))
        };
        let (start, stop) = (is(&config.start_events), is(&config.stop_events));
        let condition = config.condition.as_ref();
        let matched = condition.and_then(|condition| self.presences.observe(condition, time, &said.things));
        let gap = condition.map_or(0, |condition| condition.maximum_gap);
        if self.stopped.is_some_and(|last| time - last > gap) {
            self.stopped = None;
        }
        let mut decision = Decision::default();
        if stop {
            decision.close = self.close(time);
            self.stopped = Some(time);
        }
        if start {
            self.stopped = None;
            let held = !self.config.stop_events.is_empty();
            decision.open = self.trigger(time, time, held);
        } else if let Some(matched) = matched {
            if let Some(last) = &mut self.stopped {
                *last = time;
            } else {
                decision.open = self.trigger(time, matched.since, false);
            }
        }
        decision
    }

    /// Stops what is open.
    fn close(&mut self, time: u64) -> Option<(u64, u64)> {
        let open = self.open.take()?;
        (open.span.end > time).then_some((open.span.id, time))
    }

    /// Something opens or prolongs. `since` is where a new activation begins, but for the pre-roll.
    fn trigger(&mut self, time: u64, since: u64, held: bool) -> Option<Activation> {
        let wanted = time.saturating_add(self.config.minimum);
        if let Some(open) = &mut self.open
            && time <= open.span.end
            && time < open.hard_end
        {
            open.held |= held;
            let end = if open.held {
                open.hard_end
            } else {
                wanted.min(open.hard_end)
            };
            if end <= open.span.end {
                return None;
            }
            open.span.end = end;
            return Some(open.span);
        }
        self.last_id += 1;
        // What the activation before let through is not let through again for the sake of a thing that was there then.
        let before = self.open.map_or(0, |open| open.span.end);
        let since = if since < before { time } else { since };
        let hard_end = time.saturating_add(self.config.maximum);
        let span = Activation {
            id: self.last_id,
            start: since.saturating_sub(self.config.pre_roll),
            end: if held { hard_end } else { wanted.min(hard_end) },
        };
        self.open = Some(Open { span, hard_end, held });
        Some(span)
    }
}
