//! The writer without its thread: what goes, when, and what a full disk does.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::events::Filter;
use crate::events::journal::{FILE_NAME, Reader};
use crate::media::steady::AGE_GRACE;
use crate::media::{ManualClock, MediaTime};

const START: &str = "2026-11-21T10:00:00Z";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START.parse().unwrap()))
}

fn writer(dir: &Path, limits: JournalLimits, clock: &Arc<ManualClock>) -> Writer {
    let shared = Arc::new(Shared {
        path: dir.join(FILE_NAME),
        ..Shared::default()
    });
    let live = broadcast::channel(16).0;
    let mut writer = Writer::new(limits, Arc::clone(clock) as _, live, shared);
    writer.open();
    writer
}

fn batch(events: usize) -> Vec<Prepared> {
    let data = |number| json!({"number": number, "text": "x".repeat(100)});
    let event = |number| Event::of_host("N", MediaTime::MIN, data(number));
    (0..events)
        .map(|number| Prepared::new(event(number), true))
        .collect()
}

fn keep(writer: &mut Writer, events: usize) {
    // As if they had been in the queue.
    writer.shared.waiting.fetch_add(events as u64, Ordering::Relaxed);
    writer.keep(batch(events));
}

fn kept(dir: &Path) -> Vec<i64> {
    let reader = Reader::open(&dir.join(FILE_NAME)).unwrap();
    let entries = reader.after(0, &Filter::default(), usize::MAX).unwrap();
    entries.iter().map(|entry| entry.id).collect()
}

#[test]
fn the_oldest_go_when_there_are_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let limits = JournalLimits {
        rows: 100,
        ..JournalLimits::default()
    };
    let mut writer = writer(dir.path(), limits, &clock());
    for _ in 0..10 {
        keep(&mut writer, 60);
    }
    assert_eq!(kept(dir.path()), (501..=600).collect::<Vec<_>>());
    assert_eq!(writer.shared.oldest.load(Ordering::SeqCst), 501);
    assert_eq!(writer.shared.newest.load(Ordering::SeqCst), 600);
}

#[test]
fn the_oldest_go_when_they_take_too_much_of_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let limits = JournalLimits {
        bytes: 200_000,
        ..JournalLimits::default()
    };
    let mut writer = writer(dir.path(), limits, &clock());
    for _ in 0..40 {
        keep(&mut writer, 200);
    }
    writer.keep_house();
    let bytes = writer.shared.bytes.load(Ordering::Relaxed);
    assert!(bytes <= limits.bytes, "{bytes}");
    let kept = kept(dir.path());
    assert_eq!(kept.last(), Some(&8_000));
    assert!(kept.len() > 200, "{}", kept.len());
    let file = std::fs::metadata(dir.path().join(FILE_NAME)).unwrap().len();
    assert!(file < 2 * limits.bytes, "{file}");
}

#[test]
fn the_old_go_once_the_clock_can_be_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let limits = JournalLimits {
        keep: Duration::from_secs(3600),
        ..JournalLimits::default()
    };
    let mut writer = writer(dir.path(), limits, &clock);
    keep(&mut writer, 3);
    // A jump of a year is a mistake until it has lasted.
    clock.set_wall("2027-11-21T10:00:00Z".parse().unwrap());
    clock.advance(HOUSEKEEPING);
    writer.keep_house();
    keep(&mut writer, 2);
    assert_eq!(kept(dir.path()), [1, 2, 3, 4, 5]);
    clock.advance(AGE_GRACE);
    writer.keep_house();
    assert_eq!(kept(dir.path()), [4, 5]);
    clock.advance(limits.keep);
    writer.keep_house();
    assert_eq!(kept(dir.path()), Vec::<i64>::new());
    keep(&mut writer, 1);
    assert_eq!(kept(dir.path()), [6]);
}

#[test]
fn a_full_disk_loses_what_came_meanwhile_and_says_so_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer(dir.path(), JournalLimits::default(), &clock());
    let mut live = writer.live.subscribe();
    keep(&mut writer, 5);
    writer.store.as_mut().unwrap().fill_disk(true);
    for _ in 0..10 {
        keep(&mut writer, 100);
    }
    let unstored = writer.shared.unstored.load(Ordering::Relaxed);
    assert!(unstored >= 900, "{unstored}");
    writer.store.as_mut().unwrap().fill_disk(false);
    keep(&mut writer, 1);
    keep(&mut writer, 1);
    let reader = Reader::open(&dir.path().join(FILE_NAME)).unwrap();
    let stored = reader.after(0, &Filter::default(), usize::MAX).unwrap();
    let told = stored
        .iter()
        .find(|entry| entry.event.event_type == LOST)
        .unwrap();
    assert_eq!(told.event.data["count"], unstored);
    assert_eq!(told.event.data["reason"], "notStored");
    assert_eq!(stored.last().unwrap().id, 1008);
    // The stream had all of them; this subscriber is only too slow for so many.
    assert!(matches!(
        live.try_recv(),
        Err(broadcast::error::TryRecvError::Lagged(_))
    ));
}

#[test]
fn an_endless_event_loses_its_data_and_not_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer(dir.path(), JournalLimits::default(), &clock());
    let data = Value::String("x".repeat(MAX_EVENT_BYTES));
    writer.shared.waiting.fetch_add(1, Ordering::Relaxed);
    writer.keep(vec![Prepared::new(
        Event::of_host("Long", MediaTime::MIN, data),
        true,
    )]);
    let reader = Reader::open(&dir.path().join(FILE_NAME)).unwrap();
    let stored = reader.after(0, &Filter::default(), 10).unwrap();
    assert_eq!(stored[0].event.data["truncated"], true);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Keep(usize),
    Restart,
    Crash,
    Damage,
    Age,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1usize..20).prop_map(Step::Keep),
        2 => Just(Step::Restart),
        2 => Just(Step::Crash),
        1 => Just(Step::Damage),
        2 => Just(Step::Age),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn numbers_rise_whatever_happens(steps in prop::collection::vec(step(), 1..20)) {
        let dir = tempfile::tempdir().unwrap();
        let clock = clock();
        let limits = JournalLimits {
            rows: 50,
            keep: Duration::from_secs(3600),
            ..JournalLimits::default()
        };
        let mut held = writer(dir.path(), limits, &clock);
        let mut given = 0;
        for step in steps {
            match step {
                Step::Keep(events) => {
                    let mut live = held.live.subscribe();
                    for _ in 0..events {
                        keep(&mut held, 1);
                        let entry = live.try_recv().unwrap();
                        prop_assert!(entry.id > given, "{} after {given}", entry.id);
                        given = entry.id;
                    }
                }
                Step::Restart => {
                    held.finish();
                    held = writer(dir.path(), limits, &clock);
                }
                Step::Crash => {
                    drop(held);
                    held = writer(dir.path(), limits, &clock);
                }
                Step::Damage => {
                    held.finish();
                    std::fs::write(dir.path().join(FILE_NAME), "nonsense".repeat(1000)).unwrap();
                    // Numbers begin anew by the clock, which counts faster than events do.
                    clock.advance(Duration::from_secs(1000));
                    held = writer(dir.path(), limits, &clock);
                }
                Step::Age => {
                    clock.advance(limits.keep + AGE_GRACE);
                    held.keep_house();
                }
            }
            let kept = kept(dir.path());
            prop_assert!(kept.len() <= 50);
            prop_assert!(kept.last().is_none_or(|last| *last == given));
        }
    }
}
