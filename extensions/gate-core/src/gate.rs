//! The state machine.

use crate::Config;

/// Events remembered during one evaluation window; what comes in between two remembered ones is then dropped,
/// which changes nothing unless the window is longer than the maximum.
pub const MAX_GATHERED: usize = 1024;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Spans to open or, where the id is known, to prolong, in order.
    pub open: Vec<Activation>,
    /// Call [`Gate::elapsed`] once media time has passed this moment.
    pub wake: Option<u64>,
}

/// One gate.
#[derive(Debug)]
pub struct Gate {
    config: Config,
    next_id: u64,
    /// The newest activation; it may be over.
    current: Option<Open>,
    evaluating: Option<Evaluation>,
}

/// An activation and the events it rests on.
#[derive(Clone, Copy, Debug)]
struct Open {
    id: u64,
    first: u64,
    last: u64,
}

/// An evaluation window. `events` is sorted and never empty.
#[derive(Debug)]
struct Evaluation {
    deadline: u64,
    events: Vec<u64>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            next_id: 1,
            current: None,
            evaluating: None,
        }
    }

    /// How far back in media time a span may begin, in ticks.
    #[must_use]
    pub fn history(&self) -> u64 {
        self.config.history()
    }

    /// An event happened at media time `at`.
    pub fn observed(&mut self, at: u64) -> Decision {
        let mut open = Vec::new();
        self.finish_window_before(at, &mut open);
        match &mut self.evaluating {
            Some(window) => {
                // What the activation before has let through, or what is too late for it, changes nothing.
                let covered = self.current.map_or(0, |current| self.config.end(current));
                if at >= covered {
                    window.gather(at);
                }
            }
            None => self.observed_outside_window(at, &mut open),
        }
        self.finish_window_at(at, &mut open);
        self.decide(open)
    }

    /// Media time has come to `now`.
    pub fn elapsed(&mut self, now: u64) -> Decision {
        let mut open = Vec::new();
        self.finish_window_at(now, &mut open);
        self.decide(open)
    }

    fn observed_outside_window(&mut self, at: u64, open: &mut Vec<Activation>) {
        let Some(current) = &mut self.current else {
            self.evaluate_from(at);
            return;
        };
        if self.config.belongs(*current, at) {
            let before = self.config.end(*current);
            current.last = current.last.max(at);
            if self.config.end(*current) != before {
                open.extend(self.config.span(*current));
            }
        } else if at >= self.config.end(*current) {
            self.evaluate_from(at);
        }
    }

    fn evaluate_from(&mut self, at: u64) {
        let deadline = at.saturating_add(self.config.evaluation_window.unsigned_abs());
        self.evaluating = Some(Evaluation {
            deadline,
            events: vec![at],
        });
    }

    /// An event after the deadline shows that the window is over, even if the caller has not said so.
    fn finish_window_before(&mut self, at: u64, open: &mut Vec<Activation>) {
        while self
            .evaluating
            .as_ref()
            .is_some_and(|window| window.deadline < at)
        {
            self.finish_window(open);
        }
    }

    fn finish_window_at(&mut self, now: u64, open: &mut Vec<Activation>) {
        let over = |window: &Evaluation| window.deadline <= now;
        // Longer than one round only where what lies beyond the maximum starts a window that is over as well.
        while self.evaluating.as_ref().is_some_and(over) {
            self.finish_window(open);
        }
    }

    /// Opens for the gathered events; those at or past the hard end begin the next window.
    fn finish_window(&mut self, open: &mut Vec<Activation>) {
        let Some(window) = self.evaluating.take() else {
            return;
        };
        let Some(&first) = window.events.first() else {
            return;
        };
        let hard_end = first.saturating_add(self.config.maximum.unsigned_abs());
        let (within, beyond): (Vec<u64>, Vec<u64>) = window.events.iter().partition(|at| **at < hard_end);
        let current = Open {
            id: self.next_id,
            first,
            last: within.last().copied().unwrap_or(first),
        };
        self.next_id += 1;
        open.extend(self.config.span(current));
        self.current = Some(current);
        if let Some(&next) = beyond.first() {
            self.evaluate_from(next);
            if let Some(window) = &mut self.evaluating {
                window.events = beyond;
            }
        }
    }

    fn decide(&self, open: Vec<Activation>) -> Decision {
        Decision {
            open,
            wake: self.evaluating.as_ref().map(|window| window.deadline),
        }
    }
}

impl Evaluation {
    fn gather(&mut self, at: u64) {
        let Err(place) = self.events.binary_search(&at) else {
            return;
        };
        if self.events.len() >= MAX_GATHERED {
            self.make_room(place);
        }
        let place = self.events.partition_point(|event| *event < at);
        self.events.insert(place, at);
    }

    /// The first and the last decide; what lies between matters least.
    fn make_room(&mut self, place: usize) {
        let last = self.events.len().saturating_sub(1);
        let victim = if place > last {
            last
        } else {
            place.clamp(1, last.saturating_sub(1).max(1))
        };
        self.events.remove(victim);
    }
}

impl Config {
    /// Whether an event at `at` prolongs this activation or lies within it.
    fn belongs(&self, open: Open, at: u64) -> bool {
        let hard_end = open.first.saturating_add(self.maximum.unsigned_abs());
        let begin = open.first.min(self.start(open));
        // At exactly the minimum after the last event it still counts: t2 <= t1 + minimum.
        let soft_end = open.last.saturating_add(self.minimum.unsigned_abs());
        at >= begin && at <= soft_end && at < hard_end
    }

    fn start(&self, open: Open) -> u64 {
        open.first.saturating_add_signed(self.signal_offset)
    }

    fn end(&self, open: Open) -> u64 {
        let soft = open.last.saturating_add(self.minimum.unsigned_abs());
        soft.min(open.first.saturating_add(self.maximum.unsigned_abs()))
    }

    /// None while a positive offset leaves nothing to let through.
    fn span(&self, open: Open) -> Option<Activation> {
        let (start, end) = (self.start(open), self.end(open));
        (start < end).then_some(Activation {
            id: open.id,
            start,
            end,
        })
    }
}
