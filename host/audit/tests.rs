use std::time::Duration;

use super::*;
use crate::media::{ManualClock, Ticks};

const NOON: &str = "2026-11-22T12:00:00Z";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOON.parse().unwrap()))
}

fn entry(action: Action, asset: &str) -> Entry {
    Entry {
        who: "guard".into(),
        from: "10.0.0.7".into(),
        action,
        asset: asset.into(),
        store: "local".into(),
        ..Entry::default()
    }
}

fn at(seconds: i64) -> MediaTime {
    MediaTime::from_timestamp(NOON.parse().unwrap()).offset(Ticks::from_secs(seconds))
}

fn between(start: i64, end: i64) -> Looked {
    Looked {
        start: Some(at(start)),
        end: Some(at(end)),
    }
}

const NOTHING_SAID: Looked = Looked {
    start: None,
    end: None,
};

fn all() -> Question {
    Question {
        limit: MAX_PAGE,
        ..Question::default()
    }
}

fn assets(found: &[Entry]) -> Vec<&str> {
    found.iter().map(|entry| entry.asset.as_str()).collect()
}

#[test]
fn entries_are_lines_that_are_read_back_the_newest_first() {
    let state = tempfile::tempdir().unwrap();
    let clock = clock();
    let audit = Audit::new(state.path(), Arc::clone(&clock) as _);
    audit.record(entry(Action::View, "lobby")).unwrap();
    clock.advance(Duration::from_secs(60));
    let mut deleted = entry(Action::Delete, "yard");
    deleted.detail = "3 segments\nand more\u{202e}".into();
    audit.record(deleted).unwrap();
    let found = read(audit.folder(), &all()).unwrap();
    assert_eq!(assets(&found), ["yard", "lobby"]);
    assert_eq!(found[0].time, "2026-11-22T12:01:00.000Z");
    assert_eq!(found[0].detail, "3 segments\u{fffd}and more\u{fffd}");
    let text = std::fs::read_to_string(state.path().join("audit/audit.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert_eq!(
        text.lines().next().unwrap(),
        r#"{"time":"2026-11-22T12:00:00.000Z","who":"guard","from":"10.0.0.7","action":"view","asset":"lobby","store":"local","outcome":"done"}"#
    );
}

#[test]
fn what_came_by_a_link_says_so_and_lines_of_earlier_versions_are_read() {
    let state = tempfile::tempdir().unwrap();
    let audit = Audit::new(state.path(), clock());
    // As it was written before there was a mark for links.
    let earlier = r#"{"time":"2026-11-22T11:00:00.000Z","who":"guard","from":"10.0.0.7","action":"view","asset":"yard","store":"local","outcome":"done"}"#;
    std::fs::create_dir(audit.folder()).unwrap();
    let path = audit.folder().join(FILE);
    std::fs::write(&path, format!("{earlier}\n")).unwrap();
    let linked = Entry {
        by_link: true,
        ..entry(Action::View, "lobby")
    };
    audit.record(linked).unwrap();
    let found = read(audit.folder(), &all()).unwrap();
    assert_eq!(assets(&found), ["lobby", "yard"]);
    assert!(found[0].by_link && !found[1].by_link, "{found:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    let newest = text.lines().last().unwrap();
    assert!(
        newest.contains(r#""who":"guard","byLink":true,"from":"10.0.0.7""#),
        "{newest}"
    );
}

#[test]
fn entries_are_asked_for_by_time_recording_and_number() {
    let state = tempfile::tempdir().unwrap();
    let clock = clock();
    let audit = Audit::new(state.path(), Arc::clone(&clock) as _);
    for asset in ["lobby", "yard", "lobby", "gate"] {
        audit.record(entry(Action::Export, asset)).unwrap();
        clock.advance(Duration::from_secs(60));
    }
    let asked = |question: Question| read(audit.folder(), &question).unwrap();
    let time = |text: &str| Some(text.parse().unwrap());
    let found = asked(Question {
        since: time("2026-11-22T12:01:00Z"),
        until: time("2026-11-22T12:03:00Z"),
        ..all()
    });
    assert_eq!(assets(&found), ["lobby", "yard"]);
    let found = asked(Question {
        asset: Some("lobby".into()),
        ..all()
    });
    assert_eq!(found.len(), 2);
    assert_eq!(assets(&asked(Question { limit: 1, ..all() })), ["gate"]);
    assert!(read(&state.path().join("elsewhere"), &all()).unwrap().is_empty());
}

#[test]
fn a_full_file_is_put_aside_few_are_kept_and_all_of_them_are_read() {
    let state = tempfile::tempdir().unwrap();
    // One line is more than half of it.
    let rotation = Rotation { bytes: 200, kept: 2 };
    let audit = Audit::rotated(state.path(), clock(), rotation);
    for asset in ["1", "2", "3", "4", "5"] {
        audit.record(entry(Action::Hold, asset)).unwrap();
    }
    assert_eq!(assets(&read(audit.folder(), &all()).unwrap()), ["5", "4", "3"]);
    assert!(!audit.folder().join("audit.jsonl.3").exists());
    // As after a restart, with a line that was cut off.
    drop(audit);
    let path = state.path().join("audit/audit.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.truncate(text.len() - 20);
    std::fs::write(&path, text).unwrap();
    let audit = Audit::rotated(state.path(), clock(), rotation);
    audit.record(entry(Action::Hold, "6")).unwrap();
    assert_eq!(assets(&read(audit.folder(), &all()).unwrap()), ["6", "4"]);
}

#[test]
fn whoever_goes_on_looking_is_news_once_in_a_while() {
    let state = tempfile::tempdir().unwrap();
    let clock = clock();
    let audit = Audit::new(state.path(), Arc::clone(&clock) as _);
    let view = entry(Action::View, "lobby");
    assert!(audit.is_news(&view, between(0, 600)));
    for fragment in 0..1000 {
        assert!(!audit.is_news(&view, NOTHING_SAID), "{fragment}");
    }
    assert!(!audit.is_news(&view, between(60, 120)), "a part of it");
    assert!(audit.is_news(&view, between(60, 601)), "more than was told");
    assert!(audit.is_news(&entry(Action::View, "yard"), NOTHING_SAID));
    let mut linked = view.clone();
    linked.by_link = true;
    assert!(
        audit.is_news(&linked, between(0, 600)),
        "somebody who has the link"
    );
    assert!(!audit.is_news(&linked, between(0, 600)));
    let mut other = view.clone();
    other.who = "boss".into();
    assert!(audit.is_news(&other, between(0, 600)));
    other.from = "10.0.0.8".into();
    assert!(audit.is_news(&other, between(0, 600)));
    clock.advance(WINDOW);
    assert!(audit.is_news(&view, NOTHING_SAID), "still looking");
    audit.forget(&view);
    assert!(audit.is_news(&view, NOTHING_SAID), "it could not be written");
}

#[test]
fn a_playlist_that_grows_is_one_view_and_each_file_is_an_export() {
    let state = tempfile::tempdir().unwrap();
    let audit = Audit::new(state.path(), clock());
    let live = Looked {
        start: Some(at(0)),
        end: None,
    };
    let view = entry(Action::View, "lobby");
    assert!(audit.is_news(&view, live));
    assert!(!audit.is_news(&view, live));
    let export = entry(Action::Export, "lobby");
    assert!(audit.is_news(&export, between(0, 600)));
    assert!(
        !audit.is_news(&export, between(0, 600)),
        "a client asks for it in parts"
    );
    assert!(audit.is_news(&export, between(60, 120)));
}

#[test]
fn a_pointer_over_a_timeline_is_an_entry_for_each_hour() {
    let state = tempfile::tempdir().unwrap();
    let audit = Audit::new(state.path(), clock());
    let pictures = |seconds: std::ops::Range<i64>| {
        let news = seconds.filter(|second| {
            let looked = Looked {
                start: Some(at(*second)),
                end: Some(at(*second)),
            };
            audit.is_news(&entry(Action::Snapshot, "lobby"), looked)
        });
        news.count()
    };
    assert_eq!(pictures(0..3600), 1);
    assert_eq!(pictures(0..7200), 1);
}

#[test]
fn what_is_remembered_is_bounded() {
    let state = tempfile::tempdir().unwrap();
    let audit = Audit::new(state.path(), clock());
    for number in 0..2 * MAX_SEEN {
        assert!(audit.is_news(&entry(Action::View, &number.to_string()), NOTHING_SAID));
    }
    let newest = (2 * MAX_SEEN - 1).to_string();
    assert!(!audit.is_news(&entry(Action::View, &newest), NOTHING_SAID));
    assert!(
        audit.is_news(&entry(Action::View, "0"), NOTHING_SAID),
        "told again sooner"
    );
}
