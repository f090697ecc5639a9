//! The arithmetic of event-based recording: from when until when does an event let media through?
//!
//! A pure state machine over media time in 90 kHz ticks; it never sees a clock. The caller tells it of events
//! ([`Gate::observed`]) and of the passing of media time ([`Gate::elapsed`]), and gets back which span of media to
//! let through.
//!
//! The rules, with `t1` the (effective) first event of an activation:
//! * An event at a closed gate starts the *evaluation window*, counted in media time from that event. An event that
//!   is told later within the window but happened earlier becomes the first.
//! * When the window ends, the span `[t1 + offset, t1 + minimum)` opens. A negative offset reaches into the past.
//! * Each further event at `tn` no later than the minimum after the one before prolongs it to `tn + minimum`, but
//!   never past `t1 + maximum`. Events of one evaluation window always belong together.
//! * An event at or after `t1 + maximum`, or later than the minimum allows, is the first of a new activation with a
//!   new id. Its span may overlap the one before, because its offset reaches back.
//! * An event told after the window that happened before it is dropped; one that an earlier activation has already
//!   let through changes nothing.
//!
//! Invariants, checked by the property tests: ids rise; no span is longer than `maximum - offset`; the start of an
//! activation never moves; its end never moves back.

#![forbid(unsafe_code)]

mod config;
mod gate;

pub use config::{Config, ConfigError, DEFAULTS, Settings, TICKS_PER_SECOND};
pub use gate::{Activation, Decision, Gate, MAX_GATHERED};
