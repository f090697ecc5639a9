//! When something is in trouble, and what to do about it.

use std::time::Duration;

use super::{Key, Kind, Level, Now, Space, stores};
use crate::events::journal::{JournalCounts, MAX_WAITING_EVENTS};
use crate::graph::host::{InstanceState, InstanceStatus};
use crate::nodes::context::NodeStatus;
use crate::recording::retention::KeepStatus;
use crate::recording::upload::StoreHealth;

/// A camera that has sent nothing for this long is silent.
pub const CAMERA_SILENT: Duration = Duration::from_secs(30);
/// One that has sent something in this time is there.
const CAMERA_THERE: Duration = Duration::from_secs(5);
/// Pictures without a keyframe for this long, or [`KEYFRAME_INTERVALS`] of the camera's own, are useless.
pub const NO_KEYFRAME: Duration = Duration::from_secs(30);
const KEYFRAME_INTERVALS: f64 = 4.0;
/// A sink that nothing of this node type tells a segment's length of stores something at least this often.
pub const NOTHING_STORED: Duration = Duration::from_secs(60);
/// A sink that media reached in this time is to store it.
const MEDIA_COMES: Duration = Duration::from_secs(10);
/// The share of the places for waiting events that is too much; an eighth is good again.
pub const BACKLOG_SHARE: u64 = 2;
/// The disk is nearly full below so many hundredths, ...
pub const KEEP_FREE_PERCENT: u64 = 5;
/// ... or below so many bytes, whatever is less.
pub const KEEP_FREE_MAX: u64 = 10 << 30;
/// Fewer files than this can still be made: nearly full as well.
const MIN_FREE_FILES: u64 = 1_000;
/// The host's clock is stepped when it moves this much against the clock that is never stepped, between two looks.
pub const CLOCK_STEP: Duration = Duration::from_secs(2);

/// What is to be known of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// How the journal is.
    pub journal: JournalCounts,
    /// The room on the disk of the state directory; none when it cannot be asked.
    pub space: Option<Space>,
    /// Bytes that must stay free; none: [`keep_free`] of the disk.
    pub keep_free: Option<u64>,
    /// How the reserve of recordings is, if something keeps one.
    pub keeping: Option<KeepStatus>,
    /// How the stores are, all of them.
    pub stores: Vec<StoreHealth>,
}

/// What must stay free of a disk of so many bytes when nobody says it.
#[must_use]
pub fn keep_free(total: u64) -> u64 {
    (total / 100 * KEEP_FREE_PERCENT).min(KEEP_FREE_MAX)
}

/// The levels of all nodes of the instances that run.
pub(super) fn of_instances(instances: &[InstanceStatus]) -> Vec<(Key, Level)> {
    let running = instances.iter().filter(|one| one.state == InstanceState::Active);
    running.flat_map(of_instance).collect()
}

fn of_instance(instance: &InstanceStatus) -> Vec<(Key, Level)> {
    let key = |kind, node: &NodeStatus| Key {
        kind,
        instance: Some(instance.name.clone()),
        node: Some(node.node.clone()),
        store: None,
    };
    let gated = instance.nodes.iter().any(|node| node.gate.is_some());
    let source_flows = (instance.nodes.iter()).any(|node| is_source(node) && came_within(node, MEDIA_COMES));
    let mut levels = Vec::new();
    for node in &instance.nodes {
        if is_source(node) {
            levels.push((key(Kind::CameraSilent, node), camera(node)));
            levels.push((key(Kind::NoKeyframe, node), keyframes(node)));
        } else if is_recorder(node) {
            levels.push((
                key(Kind::NothingStored, node),
                stored(node, !gated && source_flows),
            ));
        }
    }
    levels
}

fn is_source(node: &NodeStatus) -> bool {
    // Live Video Analytics' name and Video Analyzer's.
    node.node_type.ends_with("RtspSource")
}

fn is_recorder(node: &NodeStatus) -> bool {
    ["AssetSink", "FileSink", "VideoSink"]
        .iter()
        .any(|name| node.node_type.ends_with(name))
}

fn came_within(node: &NodeStatus, limit: Duration) -> bool {
    node.ages.unit.is_some_and(|age| age < limit)
}

fn camera(node: &NodeStatus) -> Level {
    let silent = match (node.ages.unit, node.ages.lost) {
        (Some(unit), Some(lost)) => unit.max(lost),
        (Some(age), None) | (None, Some(age)) => age,
        // Nothing yet, not even a failure.
        (None, None) => node.ages.state.unwrap_or_default(),
    };
    if silent >= CAMERA_SILENT {
        // Without a number that changes with each look.
        let since = node.lost_since.as_ref().or(node.last_unit.as_ref());
        let since = since.map_or_else(
            || "has never sent anything".to_owned(),
            |since| format!("has sent nothing since {since}"),
        );
        let why = node
            .last_error
            .as_ref()
            .map_or_else(String::new, |error| format!(": {error}"));
        return Level::Bad(
            format!("the camera of node `{}` {since}{why}", node.node),
            "check its power, its network and its password; `mediagraph probe URL` says which step fails",
        );
    }
    if node.ages.lost.is_none() && came_within(node, CAMERA_THERE) {
        Level::Good
    } else {
        Level::Between
    }
}

fn keyframes(node: &NodeStatus) -> Level {
    // A camera that sends sound alone has no keyframes, and one that sends nothing is another alarm.
    if node.frame_rate.is_none() || !came_within(node, MEDIA_COMES) {
        return if node.ages.unit.is_some() {
            Level::Between
        } else {
            Level::Good
        };
    }
    let usual = node.keyframe_interval.unwrap_or_default() * KEYFRAME_INTERVALS;
    let limit = NO_KEYFRAME.max(Duration::try_from_secs_f64(usual).unwrap_or(NO_KEYFRAME));
    // Before the first one, as long as the camera plays.
    let age = node.ages.keyframe.or(node.ages.state).unwrap_or_default();
    if age < limit {
        return Level::Good;
    }
    Level::Bad(
        format!(
            "the camera of node `{}` sends pictures but no keyframe for {} s or more",
            node.node,
            limit.as_secs()
        ),
        "set the camera's keyframe (GOP, I-frame) interval to 1 or 2 seconds; until one comes nothing can be recorded",
    )
}

fn stored(node: &NodeStatus, continuous: bool) -> Level {
    let comes = came_within(node, MEDIA_COMES);
    if !comes && !continuous {
        // The gate is closed, or the camera is away: there is nothing to store.
        return Level::Good;
    }
    let twice = node
        .segment_length
        .and_then(|length| Duration::try_from_secs_f64(2.0 * length).ok());
    let limit = twice.unwrap_or(NOTHING_STORED);
    // What was stored in an earlier recording does not count: then the state changed later.
    let age = match (node.ages.output, node.ages.state) {
        (Some(output), Some(state)) => output.min(state),
        (output, state) => output.or(state).unwrap_or_default(),
    };
    if age < limit {
        return Level::Good;
    }
    let why = node
        .last_error
        .as_ref()
        .map_or_else(String::new, |error| format!(": {error}"));
    Level::Bad(
        format!(
            "node `{}` has stored nothing for {} s or more, although there is media to record{why}",
            node.node,
            limit.as_secs()
        ),
        "see whether its folder can be written and the disk has room; `mediagraph instance status NAME` shows its last error",
    )
}

/// The levels of the host; remembers how many events were lost.
pub(super) fn of_host(host: &HostFacts, lost_before: &mut u64) -> Vec<(Key, Level)> {
    let key = |kind| Key {
        kind,
        instance: None,
        node: None,
        store: None,
    };
    let mut levels = vec![(key(Kind::EventsBacklog), backlog(&host.journal, lost_before))];
    if let Some(space) = host.space {
        levels.push((
            key(Kind::DiskNearlyFull),
            disk(space, host.keep_free, host.keeping),
        ));
    } else if let Some(keeping) = host.keeping.filter(|keeping| keeping.nothing_left) {
        levels.push((key(Kind::DiskNearlyFull), nothing_left(keeping)));
    }
    if let Some(keeping) = host.keeping {
        levels.push((key(Kind::HeldFull), held_full(keeping)));
    }
    levels.extend(stores::levels(&host.stores));
    levels
}

fn backlog(journal: &JournalCounts, lost_before: &mut u64) -> Level {
    let lost = journal.lost.saturating_add(journal.unstored);
    let losing = lost > std::mem::replace(lost_before, lost);
    let places = MAX_WAITING_EVENTS as u64;
    if losing || journal.waiting > places / BACKLOG_SHARE {
        return Level::Bad(
            format!(
                "events come faster than they are stored: {} wait, {lost} are missing",
                journal.waiting
            ),
            "see whether the disk of the state directory is full or slow; fewer frames a second make fewer events",
        );
    }
    if journal.waiting < places / 8 {
        Level::Good
    } else {
        Level::Between
    }
}

/// The disk of a cache may be another than that of the state directory.
fn nothing_left(keeping: KeepStatus) -> Level {
    if keeping.held {
        return Level::Bad(
            "a disk that recordings are on is nearly full, and what is left on it is held".to_owned(),
            "make room on it, or release holds (`mediagraph asset list --holds`): recordings stop when it is full; what is held is never removed",
        );
    }
    Level::Bad(
        "a disk that recordings are on is nearly full, and nothing is left on it that may be removed"
            .to_owned(),
        "make room on it, or move other things away: recordings stop when it is full; what is held is never removed",
    )
}

fn held_full(keeping: KeepStatus) -> Level {
    if !keeping.held_full {
        return Level::Good;
    }
    Level::Bad(
        "what is held fills the cache of something that records: what its camera sends now is lost"
            .to_owned(),
        "let its store take what waits, give its sink more room (`localMediaCacheMaximumSizeMiB`), or release holds (`mediagraph asset list --holds`)",
    )
}

fn disk(space: Space, keep_free: Option<u64>, keeping: Option<KeepStatus>) -> Level {
    if let Some(keeping) = keeping.filter(|keeping| keeping.nothing_left) {
        return nothing_left(keeping);
    }
    let least = keep_free.unwrap_or_else(|| self::keep_free(space.total));
    let few_files = space.free_files.is_some_and(|files| files < MIN_FREE_FILES);
    if space.free < least || few_files {
        let what = if few_files {
            "no more files can be made"
        } else {
            "the disk is nearly full"
        };
        return Level::Bad(
            format!(
                "{what}: {} MiB are free, {} MiB should be",
                space.free >> 20,
                least >> 20
            ),
            "make room, or let file sinks keep less (`maximumSizeMiB`); when it is full nothing is recorded",
        );
    }
    // Where old recordings go for new ones, a disk stands at its reserve for years: that is how it should be.
    if keeping.is_some() || space.free >= least.saturating_add(least / 5) {
        Level::Good
    } else {
        Level::Between
    }
}

/// What the clocks showed when they were last looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClockRule(Option<Now>);

pub(super) fn of_clock(rule: &mut ClockRule, now: Now) -> (Key, Level) {
    let key = Key {
        kind: Kind::Clock,
        instance: None,
        node: None,
        store: None,
    };
    let Some(before) = rule.0.replace(now) else {
        return (key, Level::Good);
    };
    let by_wall = now.wall.duration_since(before.wall);
    let passed = now.monotonic.saturating_sub(before.monotonic);
    let passed = jiff::SignedDuration::try_from(passed).unwrap_or(jiff::SignedDuration::MAX);
    let step = by_wall.saturating_sub(passed);
    if step.unsigned_abs() < CLOCK_STEP {
        return (key, Level::Good);
    }
    let way = if step.is_negative() { "back" } else { "forward" };
    let message = format!(
        "the host's clock was set {way} by {:.1} s",
        step.abs().as_secs_f64()
    );
    let hint = "let NTP keep the clock; recordings and events from before the step carry the old time";
    (key, Level::Bad(message, hint))
}
