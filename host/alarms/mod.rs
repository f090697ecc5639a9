//! Alarms: what somebody should look at, raised and cleared with hysteresis.
//!
//! [`Alarms::evaluate`] is pure but for what it remembers: it is given how everything is, and the time. [`watch`] calls
//! it every few seconds. Each raise and each clear is an event, once; what is raised now is in [`Alarms::current`].
//!
//! Invariants: an alarm's id is made of its kind, its instance and its node, so the same trouble is the same alarm; an
//! alarm is cleared when what it is about is gone; there are never more alarms than things that can be in alarm.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

mod rules;
mod stores;
mod watch;

pub use rules::{
    BACKLOG_SHARE, CAMERA_SILENT, CLOCK_STEP, HostFacts, KEEP_FREE_MAX, KEEP_FREE_PERCENT, NO_KEYFRAME,
    NOTHING_STORED, keep_free,
};
pub use watch::{EVALUATE_INTERVAL, Watch};

use crate::events::Event;
use crate::graph::host::InstanceStatus;
use crate::media::MediaTime;
pub use crate::recording::retention::{Space, space};

/// The type of the event when an alarm is raised; its data is the [`Alarm`].
pub const RAISED: &str = "MediaGraph.Diagnostics.AlarmRaised";
/// The type of the event when it is cleared; its data is the [`Alarm`], with `seconds`: how long it was raised.
pub const CLEARED: &str = "MediaGraph.Diagnostics.AlarmCleared";

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A camera sends nothing.
    CameraSilent,
    /// A camera sends pictures and no keyframe among them: nothing can be recorded or decoded.
    NoKeyframe,
    /// Media is to be recorded and nothing reaches the disk.
    NothingStored,
    /// Events come faster than they are stored.
    EventsBacklog,
    /// The disk of the state directory is nearly full.
    DiskNearlyFull,
    /// The host's clock was stepped.
    Clock,
    /// A store takes nothing, or not all recordings.
    StoreAway,
    /// What is held leaves no room for what is recorded.
    HeldFull,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CameraSilent,
        Self::NoKeyframe,
        Self::NothingStored,
        Self::EventsBacklog,
        Self::DiskNearlyFull,
        Self::Clock,
        Self::StoreAway,
        Self::HeldFull,
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CameraSilent => "cameraSilent",
            Self::NoKeyframe => "noKeyframe",
            Self::NothingStored => "nothingStored",
            Self::EventsBacklog => "eventsBacklog",
            Self::DiskNearlyFull => "diskNearlyFull",
            Self::Clock => "clock",
            Self::StoreAway => "storeAway",
            Self::HeldFull => "heldFull",
        }
    }

    /// How long trouble must last before it is an alarm, and how long it must be over before the alarm is cleared.
    fn delays(self) -> (Duration, Duration) {
        let seconds = Duration::from_secs;
        match self {
            // These know how long it has been so.
            Self::CameraSilent | Self::NoKeyframe | Self::NothingStored => (Duration::ZERO, seconds(10)),
            Self::EventsBacklog => (seconds(15), seconds(60)),
            Self::DiskNearlyFull => (seconds(10), seconds(60)),
            // Media is being lost: that is told at once.
            Self::HeldFull => (Duration::ZERO, seconds(60)),
            // The queue tries again by itself; what passes within half a minute needs nobody.
            Self::StoreAway => (seconds(30), seconds(10)),
            // A step is over when it has happened; people still want to know of it.
            Self::Clock => (Duration::ZERO, seconds(600)),
        }
    }
}

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Such as `cameraSilent/yard/rtspSource`.
    pub id: String,
    /// What is wrong.
    pub kind: Kind,
    /// Where; none for the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// At which node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Which store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Since when it is raised, ISO 8601.
    pub since: String,
    /// What is wrong, for people.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// What an alarm can be about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) instance: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) store: Option<String>,
}

/// How something is that an alarm can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// As it should be.
    Good,
    /// Between: an alarm stays as it is.
    Between,
    /// In trouble; message and hint.
    Bad(String, &'static str),
}

/// The alarms of a host. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Alarms(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    seen: BTreeMap<Key, Seen>,
    clock: rules::ClockRule,
    lost_events: u64,
}

#[derive(Debug, Default)]
struct Seen {
    bad_since: Option<Duration>,
    good_since: Option<Duration>,
    raised: Option<(Alarm, Duration)>,
}

/// The host's two clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// UTC.
    pub wall: Timestamp,
    /// The clock that is never stepped.
    pub monotonic: Duration,
}

impl Alarms {
    /// Looks at everything; gives the events to publish.
    pub fn evaluate(&self, instances: &[InstanceStatus], host: &HostFacts, now: Now) -> Vec<Event> {
        let mut state = self.state();
        let mut levels = rules::of_instances(instances);
        levels.extend(rules::of_host(host, &mut state.lost_events));
        levels.push(rules::of_clock(&mut state.clock, now));
        let mut events = Vec::new();
        let known: BTreeMap<Key, Level> = levels.into_iter().collect();
        let State { seen, .. } = &mut *state;
        // What is gone is in no trouble any more.
        seen.retain(|key, seen| {
            let stays = known.contains_key(key);
            if !stays && let Some((alarm, since)) = seen.raised.take() {
                events.push(cleared(&alarm, since, now));
            }
            stays
        });
        for (key, level) in known {
            let of_key = seen.entry(key.clone()).or_default();
            events.extend(of_key.look(&key, level, now));
        }
        events
    }

    /// What is raised now, by kind, instance and node.
    #[must_use]
    pub fn current(&self) -> Vec<Alarm> {
        let state = self.state();
        let raised = |seen: &Seen| seen.raised.as_ref().map(|(alarm, _)| alarm.clone());
        state.seen.values().filter_map(raised).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn look(&mut self, key: &Key, level: Level, now: Now) -> Option<Event> {
        let (raise_after, clear_after) = key.kind.delays();
        let held = |since: Duration| now.monotonic.saturating_sub(since);
        match level {
            Level::Between => {
                (self.bad_since, self.good_since) = (None, None);
                None
            }
            Level::Good => {
                self.bad_since = None;
                let since = *self.good_since.get_or_insert(now.monotonic);
                if held(since) < clear_after {
                    return None;
                }
                let (alarm, since) = self.raised.take()?;
                Some(cleared(&alarm, since, now))
            }
            Level::Bad(message, hint) => {
                self.good_since = None;
                let since = *self.bad_since.get_or_insert(now.monotonic);
                if let Some((alarm, _)) = &mut self.raised {
                    alarm.message = message;
                    return None;
                }
                if held(since) < raise_after {
                    return None;
                }
                let alarm = key.alarm(message, hint, now);
                let event = alarm.event(RAISED, now, json!(alarm));
                self.raised = Some((alarm, now.monotonic));
                Some(event)
            }
        }
    }
}

impl Key {
    fn alarm(&self, message: String, hint: &str, now: Now) -> Alarm {
        let parts = [
            Some(self.kind.name()),
            self.instance.as_deref(),
            self.node.as_deref(),
            self.store.as_deref(),
        ];
        Alarm {
            id: parts.into_iter().flatten().collect::<Vec<_>>().join("/"),
            kind: self.kind,
            instance: self.instance.clone(),
            node: self.node.clone(),
            store: self.store.clone(),
            since: MediaTime::from_timestamp(now.wall).iso(),
            message,
            hint: hint.to_owned(),
        }
    }
}

impl Alarm {
    fn event(&self, event_type: &str, now: Now, data: serde_json::Value) -> Event {
        let at = MediaTime::from_timestamp(now.wall);
        Event::about(self.instance.as_deref(), event_type, at, data)
    }
}

fn cleared(alarm: &Alarm, since: Duration, now: Now) -> Event {
    let mut data = json!(alarm);
    if let Some(object) = data.as_object_mut() {
        let seconds = now.monotonic.saturating_sub(since).as_secs();
        object.insert("seconds".to_owned(), seconds.into());
    }
    alarm.event(CLEARED, now, data)
}

#[cfg(test)]
mod tests;
