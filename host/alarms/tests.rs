//! Alarms over time: each raised once, each cleared once.

use std::sync::Arc;

use super::*;
use crate::graph::host::{InstanceState, Wanted};
use crate::media::{Clock, ManualClock, Ticks};
use crate::nodes::context::NodeStats;
use crate::recording::retention::KeepStatus;
use crate::recording::upload::{Blocked, StoreHealth};

const SOURCE: &str = "#Microsoft.Media.MediaGraphRtspSource";
const SINK: &str = "#Microsoft.Media.MediaGraphAssetSink";
const GATE: &str = "#Microsoft.Media.MediaGraphSignalGateProcessor";

/// An instance with a camera, perhaps a gate, and a sink; a clock that stands until it is told.
struct World {
    alarms: Alarms,
    clock: Arc<ManualClock>,
    nodes: Vec<(&'static str, Arc<NodeStats>)>,
    state: InstanceState,
    host: HostFacts,
}

impl World {
    fn new(gated: bool) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        let node = |node_type, state| {
            let stats = NodeStats::of(node_type, state);
            stats.set_state(state, &*clock);
            Arc::new(stats)
        };
        let mut nodes = vec![
            ("camera", node(SOURCE, "connecting")),
            ("sink", node(SINK, "idle")),
        ];
        nodes[1].1.set_segment_length(Ticks::from_secs(30));
        if gated {
            let gate = node(GATE, "running");
            gate.set_gate_open(false);
            nodes.push(("gate", gate));
        }
        Self {
            alarms: Alarms::default(),
            clock,
            nodes,
            state: InstanceState::Active,
            host: HostFacts::default(),
        }
    }

    fn node(&self, name: &str) -> &NodeStats {
        &self.nodes.iter().find(|(node, _)| *node == name).unwrap().1
    }

    /// Pictures come for a second; a keyframe among them or not; the sink gets them, and stores them or not.
    fn second(&self, keyframe: bool, to_sink: bool, stored: bool) {
        self.clock.advance(Duration::from_secs(1));
        let (time, now) = (self.clock.media(), self.clock.monotonic());
        let camera = self.node("camera");
        camera.set_state("playing", &*self.clock);
        camera.came(time, now);
        camera.set_rates(25, 100_000, Ticks::from_secs(1));
        if keyframe {
            camera.keyframe(time, now, Some(Ticks::from_secs(1)));
        }
        if to_sink {
            self.node("sink").came(time, now);
        }
        if stored {
            self.node("sink").went(&*self.clock);
        }
    }

    /// The events, as kind and whether it was raised.
    fn look(&self) -> Vec<(String, bool)> {
        let now = Now {
            wall: self.clock.wall(),
            monotonic: self.clock.monotonic(),
        };
        let status = InstanceStatus {
            name: "yard".to_owned(),
            topology_name: "t".to_owned(),
            state: self.state,
            wanted: Wanted::Active,
            since: String::new(),
            nodes: self
                .nodes
                .iter()
                .map(|(name, stats)| stats.status(name, now.monotonic))
                .collect(),
            last_error: None,
        };
        let events = self.alarms.evaluate(&[status], &self.host, now);
        let shown = |event: &Event| {
            (
                event.data["kind"].as_str().unwrap().to_owned(),
                event.event_type == RAISED,
            )
        };
        events.iter().map(shown).collect()
    }

    /// Looks every second for so long; gives what happened and after how many seconds.
    fn watch(&self, seconds: u64, each: impl Fn(&Self)) -> Vec<(u64, String, bool)> {
        let mut all = Vec::new();
        for second in 1..=seconds {
            each(self);
            all.extend(
                self.look()
                    .into_iter()
                    .map(|(kind, raised)| (second, kind, raised)),
            );
        }
        all
    }
}

fn passes(world: &World) {
    world.clock.advance(Duration::from_secs(1));
}

fn told(second: u64, kind: &str, raised: bool) -> (u64, String, bool) {
    (second, kind.to_owned(), raised)
}

#[test]
fn a_camera_that_never_comes_is_silent_once_and_cleared_once() {
    let world = World::new(true);
    let lost = (world.clock.media(), world.clock.monotonic());
    world.node("camera").set_lost(Some(lost));
    assert_eq!(world.watch(120, passes), [told(30, "cameraSilent", true)]);
    let raised = world.alarms.current();
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].id, "cameraSilent/yard/camera");
    assert!(
        raised[0]
            .message
            .contains("has sent nothing since 2026-11-21T10:00:00.000Z"),
        "{}",
        raised[0].message
    );
    assert!(!raised[0].hint.is_empty());
    world.node("camera").set_lost(None);
    // Good for ten seconds on end.
    assert_eq!(
        world.watch(60, |world| world.second(true, false, false)),
        [told(11, "cameraSilent", false)]
    );
    assert!(world.alarms.current().is_empty());
}

#[test]
fn a_camera_that_comes_and_goes_stays_one_alarm() {
    let world = World::new(true);
    world.second(true, false, false);
    assert_eq!(world.watch(40, passes), [told(30, "cameraSilent", true)]);
    for _ in 0..5 {
        // Not long enough to be well, with the seconds after it in which it may only be late.
        assert_eq!(world.watch(4, |world| world.second(true, false, false)), []);
        assert_eq!(world.watch(40, passes), []);
    }
    assert_eq!(world.alarms.current().len(), 1);
}

#[test]
fn pictures_without_a_keyframe_are_an_alarm() {
    let world = World::new(true);
    world.second(true, false, false);
    let events = world.watch(60, |world| world.second(false, false, false));
    assert_eq!(events, [told(30, "noKeyframe", true)]);
    let events = world.watch(20, |world| world.second(true, false, false));
    assert_eq!(events, [told(11, "noKeyframe", false)]);
}

#[test]
fn nothing_stored_for_twice_a_segment_is_an_alarm_while_media_comes() {
    let world = World::new(false);
    world.node("sink").set_state("recording", &*world.clock);
    assert_eq!(world.watch(100, |world| world.second(true, true, true)), []);
    let events = world.watch(100, |world| world.second(true, true, false));
    assert_eq!(events, [told(60, "nothingStored", true)]);
    let events = world.watch(30, |world| world.second(true, true, true));
    assert_eq!(events, [told(11, "nothingStored", false)]);
}

#[test]
fn a_closed_gate_stores_nothing_and_that_is_right() {
    let world = World::new(true);
    assert_eq!(world.watch(300, |world| world.second(true, false, false)), []);
}

#[test]
fn a_continuous_sink_that_media_does_not_reach_is_an_alarm() {
    let world = World::new(false);
    let events = world.watch(100, |world| world.second(true, false, false));
    assert_eq!(events, [told(60, "nothingStored", true)]);
}

#[test]
fn an_instance_that_is_deactivated_takes_its_alarms_with_it() {
    let mut world = World::new(true);
    assert_eq!(world.watch(60, passes), [told(30, "cameraSilent", true)]);
    world.state = InstanceState::Inactive;
    assert_eq!(world.look(), [("cameraSilent".to_owned(), false)]);
    assert!(world.alarms.current().is_empty());
}

#[test]
fn a_disk_is_full_until_there_is_clearly_more_room() {
    let mut world = World::new(true);
    world.state = InstanceState::Inactive;
    let gib = 1 << 30;
    let space = |free| Space {
        free: free * gib / 10,
        total: 100 * gib,
        free_files: Some(1 << 20),
    };
    // Five of a hundred are to stay free.
    world.host.space = Some(space(51));
    assert_eq!(world.watch(60, passes), []);
    world.host.space = Some(space(49));
    assert_eq!(world.watch(60, passes), [told(11, "diskNearlyFull", true)]);
    world.host.space = Some(space(55));
    assert_eq!(world.watch(120, passes), []);
    world.host.space = Some(space(61));
    assert_eq!(world.watch(120, passes), [told(61, "diskNearlyFull", false)]);
    world.host.keep_free = Some(80 * gib);
    assert_eq!(world.watch(60, passes), [told(11, "diskNearlyFull", true)]);
    assert_eq!(keep_free(1000 * gib), KEEP_FREE_MAX);
}

#[test]
fn a_disk_that_stands_at_its_reserve_is_in_order_and_one_with_nothing_left_to_remove_is_not() {
    let mut world = World::new(true);
    world.state = InstanceState::Inactive;
    let keeping = |nothing_left| KeepStatus {
        nothing_left,
        ..KeepStatus::default()
    };
    world.host.space = Some(Space {
        free: 51 << 30,
        total: 1000 << 30,
        free_files: None,
    });
    world.host.keep_free = Some(50 << 30);
    world.host.keeping = Some(keeping(true));
    assert_eq!(world.watch(60, passes), [told(11, "diskNearlyFull", true)]);
    let alarm = world.alarms.current().remove(0);
    assert!(alarm.message.contains("nothing is left"), "{alarm:?}");
    world.host.keeping = Some(keeping(false));
    assert_eq!(world.watch(120, passes), [told(61, "diskNearlyFull", false)]);
}

#[test]
fn what_is_held_and_leaves_no_room_is_an_alarm_of_its_own_at_once() {
    let mut world = World::new(true);
    world.state = InstanceState::Inactive;
    let keeping = |held_full| KeepStatus {
        held_full,
        ..KeepStatus::default()
    };
    world.host.keeping = Some(keeping(false));
    assert_eq!(world.watch(10, passes), []);
    world.host.keeping = Some(keeping(true));
    assert_eq!(world.watch(10, passes), [told(1, "heldFull", true)]);
    let alarm = world.alarms.current().remove(0);
    assert!(alarm.hint.contains("release holds"), "{alarm:?}");
    world.host.keeping = Some(keeping(false));
    assert_eq!(world.watch(120, passes), [told(61, "heldFull", false)]);
    world.host.keeping = Some(KeepStatus {
        nothing_left: true,
        held: true,
        ..KeepStatus::default()
    });
    assert_eq!(world.watch(60, passes), [told(11, "diskNearlyFull", true)]);
    let alarm = world.alarms.current().remove(0);
    assert!(alarm.message.contains("is held"), "{alarm:?}");
}

#[test]
fn a_backlog_that_stays_or_grows_is_an_alarm_and_a_short_one_is_not() {
    let mut world = World::new(true);
    world.state = InstanceState::Inactive;
    world.host.journal.waiting = 3_000;
    assert_eq!(world.watch(10, passes), []);
    world.host.journal.waiting = 0;
    assert_eq!(world.watch(10, passes), []);
    world.host.journal.waiting = 3_000;
    assert_eq!(world.watch(60, passes), [told(16, "eventsBacklog", true)]);
    world.host.journal.waiting = 10;
    assert_eq!(world.watch(120, passes), [told(61, "eventsBacklog", false)]);
}

#[test]
fn a_step_of_the_clock_is_told_for_a_while() {
    let mut world = World::new(true);
    world.state = InstanceState::Inactive;
    assert_eq!(world.watch(10, passes), []);
    world.clock.set_wall("2026-11-21T09:00:00Z".parse().unwrap());
    assert_eq!(world.look(), [("clock".to_owned(), true)]);
    let message = &world.alarms.current()[0].message;
    assert!(
        message.starts_with("the host's clock was set back by 3610.0 s"),
        "{message}"
    );
    assert_eq!(world.watch(700, passes), [told(601, "clock", false)]);
}

#[test]
fn a_store_that_takes_nothing_for_half_a_minute_is_an_alarm_and_so_is_a_recording_that_it_does_not_take() {
    let mut world = World::new(true);
    world.state = InstanceState::Inactive;
    let health = |store: &str| StoreHealth {
        store: store.to_owned(),
        ..StoreHealth::default()
    };
    let since = world.clock.wall();
    let away = StoreHealth {
        paused: Some((since, "no answer within 10 s\nhint: look".to_owned())),
        ..health("cloud")
    };
    world.host.stores = vec![away.clone(), health("local")];
    assert_eq!(world.watch(20, passes), []);
    world.host.stores = vec![health("cloud"), health("local")];
    assert_eq!(
        world.watch(30, passes),
        [],
        "what passes within half a minute needs nobody"
    );
    world.host.stores = vec![away, health("local")];
    assert_eq!(world.watch(100, passes), [told(31, "storeAway", true)]);
    let raised = world.alarms.current();
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].id, "storeAway/cloud");
    assert_eq!(raised[0].store.as_deref(), Some("cloud"));
    assert_eq!(
        raised[0].message,
        "the store `cloud` takes nothing since 2026-11-21T10:00:00.000Z: no answer within 10 s"
    );
    let blocked = |asset: &str| Blocked {
        asset: asset.to_owned(),
        message: "it belongs to the host `other`".to_owned(),
    };
    world.host.stores[0].paused = None;
    world.host.stores[0].blocked = vec![blocked("gate"), blocked("yard")];
    assert_eq!(world.watch(30, passes), [], "it is the same trouble");
    let message = &world.alarms.current()[0].message;
    assert!(
        message.contains("`gate` and 1 more: it belongs to the host `other`"),
        "{message}"
    );
    world.host.stores[0].blocked.clear();
    assert_eq!(world.watch(30, passes), [told(11, "storeAway", false)]);
}

#[test]
fn the_room_of_a_disk_is_known() {
    let space = space(std::path::Path::new("/")).unwrap();
    assert!(space.total > 0 && space.free <= space.total, "{space:?}");
    assert!(super::space(std::path::Path::new("/does/not/exist")).is_err());
}
