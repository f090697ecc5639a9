//! The journal as others see it: threads that publish, streams that resume, processes that die.

use std::collections::BTreeMap;
use std::process::{Command as Process, Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;
use crate::events::Emitter;
use crate::media::{ManualClock, MediaTime, SystemClock};

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse().unwrap()))
}

fn open(dir: &Path) -> Journal {
    Journal::open(dir, JournalLimits::default(), clock()).unwrap()
}

fn emitter(journal: &Journal, instance: &str, node: &str) -> Emitter {
    let subject = format!("/graphInstances/{instance}/{node}");
    Emitter::new(Arc::new(journal.clone()), "mediagraph", &subject)
}

fn at(second: i64) -> MediaTime {
    MediaTime::from_timestamp(Timestamp::from_second(1_795_255_200 + second).unwrap())
}

/// Page by page, as streams read it.
async fn all(journal: &Journal) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let last = all.last().map_or(0, |entry| entry.id);
        let page = journal.after(last, &Filter::default(), usize::MAX).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn ids(entries: &[Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn what_is_published_is_read_back_and_a_note_is_on_no_stream() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let mut live = journal.subscribe();
    let sink = emitter(&journal, "yard", "sinks/asset");
    sink.emit("A.Started", at(0), json!({"name": "a\u{0}ä\n"}));
    sink.note("A.Note", at(1), json!({}));
    sink.to_output(Some("trucks".into()))
        .emit("A.Inference", at(2), json!([1]));
    journal.flush().await;
    let stored = all(&journal).await;
    assert_eq!(ids(&stored), [1, 3]);
    assert_eq!(stored[0].event.data, json!({"name": "a\u{0}ä\n"}));
    assert_eq!(stored[1].output.as_deref(), Some("trucks"));
    assert_eq!(stored[1].event.output.as_deref(), Some("trucks"));
    for entry in &stored {
        assert_eq!(*live.recv().await.unwrap(), *entry);
    }
    let from = at(0).to_timestamp();
    let both = journal.between("yard", from, at(1).to_timestamp()).await.unwrap();
    assert_eq!(ids(&both), [1, 2]);
    assert!(!both[1].public);
    assert_eq!(journal.oldest_and_newest(), (1, 3));
    assert_eq!(journal.counts().stored, 3);
    assert_eq!(journal.counts().waiting, 0);
}

#[tokio::test]
async fn a_reader_chooses_by_instance_type_output_and_number() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for (instance, output) in [
        ("yard-1", Some("a")),
        ("yard-2", None),
        ("gate", Some("a")),
        ("y[x]", None),
    ] {
        let sink = emitter(&journal, instance, "sinks/s").to_output(output.map(Into::into));
        sink.emit("X.Operational.Started", at(0), Value::Null);
        sink.emit("X.Diagnostics.Lost", at(0), Value::Null);
    }
    journal.publish(Event::of_host("X.Host", at(0), Value::Null));
    journal.flush().await;
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default();
    for (filter, wanted) in [
        (none.clone(), vec![1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (
            Filter {
                instance: some("yard-*"),
                ..none.clone()
            },
            vec![1, 2, 3, 4],
        ),
        (
            Filter {
                instance: some("*"),
                ..none.clone()
            },
            vec![1, 2, 3, 4, 5, 6, 7, 8],
        ),
        (
            Filter {
                instance: some("y[x]"),
                ..none.clone()
            },
            vec![7, 8],
        ),
        (
            Filter {
                instance: some("yard-?"),
                within: some("*2"),
                ..none.clone()
            },
            vec![3, 4],
        ),
        (
            Filter {
                event_type: some("X.Diag"),
                ..none.clone()
            },
            vec![2, 4, 6, 8],
        ),
        (
            Filter {
                output: some("a"),
                instance: some("gate"),
                ..none.clone()
            },
            vec![5, 6],
        ),
    ] {
        let found = journal.after(0, &filter, 100).await.unwrap();
        assert_eq!(ids(&found), wanted, "{filter:?}");
        // The live stream chooses in the same way.
        let stored = all(&journal).await;
        let live = stored.iter().filter(|entry| filter.matches(&entry.event));
        let live: Vec<i64> = live.map(|entry| entry.id).collect();
        assert_eq!(live, wanted, "{filter:?}");
    }
    assert_eq!(ids(&journal.after(7, &none, 1).await.unwrap()), [8]);
    assert!(journal.after(9, &none, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_latest_of_some_types_and_the_names_of_instances_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for (instance, second) in [("b", 0), ("a", 1), ("b", 2), ("b", 3)] {
        let sink = emitter(&journal, instance, "sources/camera");
        sink.emit("Up", at(second), Value::Null);
        sink.emit("Other", at(second), Value::Null);
    }
    journal.flush().await;
    let found = journal.read(|reader| {
        Ok((
            reader.latest("b", at(3).to_timestamp(), &["Up", "Down"], 10)?,
            reader.instances()?,
            reader.oldest()?,
        ))
    });
    let (latest, names, oldest) = found.await.unwrap();
    assert_eq!(ids(&latest), [5, 1]);
    assert_eq!(names, ["a", "b"]);
    assert_eq!(oldest, Some(at(0).to_timestamp()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_thread_keeps_its_order_and_the_stream_has_the_order_of_the_numbers() {
    const THREADS: usize = 4;
    const EACH: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let mut live = journal.subscribe();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let sink = emitter(&journal, "many", &format!("sinks/{thread}"));
            scope.spawn(move || {
                for number in 0..EACH {
                    sink.emit("N", at(0), json!({"number": number}));
                }
            });
        }
    });
    journal.flush().await;
    let stored = all(&journal).await;
    assert_eq!(ids(&stored), (1..=(THREADS * EACH) as i64).collect::<Vec<_>>());
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for entry in &stored {
        let number = next.entry(entry.event.subject.clone()).or_default();
        assert_eq!(entry.event.data["number"], *number);
        *number += 1;
    }
    for entry in stored {
        assert_eq!(*live.recv().await.unwrap(), entry);
    }
}

#[tokio::test]
async fn numbers_go_on_after_a_restart_without_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let journal = open(dir.path());
        emitter(&journal, "yard", "sinks/s").emit("R", at(round), Value::Null);
        assert!(journal.close());
        // Nobody is harmed by what comes too late.
        emitter(&journal, "yard", "sinks/s").emit("Late", at(round), Value::Null);
        assert!(journal.close());
    }
    assert_eq!(ids(&all(&open(dir.path())).await), [1, 2, 3]);
}

#[tokio::test]
async fn what_does_not_fit_is_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let sink = emitter(&journal, "yard", "sinks/s");
    sink.emit("First", at(0), Value::Null);
    journal.flush().await;
    // A stranger holds the database for less than the writer waits.
    let stranger = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sent = MAX_WAITING_EVENTS as u64 + 2_000;
    for _ in 0..sent {
        sink.emit("Flood", at(0), Value::Null);
    }
    stranger.execute_batch("ROLLBACK").unwrap();
    journal.flush().await;
    sink.emit("Last", at(0), Value::Null);
    journal.flush().await;
    let lost = journal.counts().lost;
    assert!(lost > 0);
    let stored = all(&journal).await;
    let told = stored.iter().filter(|entry| entry.event.event_type == LOST);
    let count: u64 = told
        .map(|entry| entry.event.data["count"].as_u64().unwrap())
        .sum();
    assert_eq!(count, lost);
    let of_flood = stored.iter().filter(|entry| entry.event.event_type == "Flood");
    assert_eq!(of_flood.count() as u64 + lost, sent);
    assert_eq!(stored.last().unwrap().event.event_type, "Last");
}

#[tokio::test]
async fn a_damaged_database_is_set_aside_and_numbers_go_on_above_all_that_were_given() {
    let nonsense = "not a database, but long enough to be looked at ".repeat(100);
    for damage in [nonsense, String::new()] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let first = open(dir.path());
        for second in 0..2_000 {
            let data = json!({"text": "x".repeat(50)});
            emitter(&first, "yard", "sinks/s").emit("Before", at(second), data);
        }
        assert!(first.close());
        if damage.is_empty() {
            // The first page is whole, the others are not.
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[4096..].fill(0x5a);
            std::fs::write(&path, bytes).unwrap();
        } else {
            std::fs::write(&path, damage).unwrap();
        }
        let journal = open(dir.path());
        emitter(&journal, "yard", "sinks/s").emit("After", at(0), Value::Null);
        journal.flush().await;
        let stored = all(&journal).await;
        assert_eq!(stored.len(), 1);
        assert!(stored[0].id > 2_000, "{}", stored[0].id);
        assert!(dir.path().join("journal.db.damaged").exists());
    }
}

#[tokio::test]
async fn a_database_that_is_damaged_while_it_is_used_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let sink = emitter(&journal, "yard", "sinks/s");
    sink.emit("Before", at(0), Value::Null);
    journal.flush().await;
    let stranger = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    stranger.execute_batch("DROP TABLE entry").unwrap();
    drop(stranger);
    assert!(journal.after(0, &Filter::default(), 10).await.is_err());
    sink.emit("After", at(0), Value::Null);
    journal.flush().await;
    assert_eq!(ids(&all(&journal).await), [2]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_does_not_stop_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(&dir.path().join("missing"));
    let mut live = journal.subscribe();
    emitter(&journal, "yard", "sinks/s").emit("E", at(0), Value::Null);
    assert_eq!(live.recv().await.unwrap().event.event_type, "E");
    assert_eq!(journal.counts().unstored, 1);
    assert!(journal.after(0, &Filter::default(), 10).await.is_err());
}

const CHILD_DIR: &str = "MEDIAGRAPH_TEST_JOURNAL";
/// How many entries a process has stored before it is killed.
const BEFORE_KILL: usize = 500;

/// Run by `what_was_stored_survives_a_killed_process` in a process of its own; does nothing otherwise.
#[tokio::test]
async fn child_that_publishes_until_it_is_killed() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let clock = Arc::new(SystemClock::new());
    let journal = Journal::open(Path::new(&dir), JournalLimits::default(), clock).unwrap();
    let sink = emitter(&journal, "yard", "sinks/s");
    for number in 0.. {
        sink.emit("N", at(number), json!({"number": number}));
        if number % 100 == 0 {
            journal.flush().await;
        }
    }
}

#[tokio::test]
async fn what_was_stored_survives_a_killed_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    let mut highest = 0;
    for round in 0..3 {
        let mut child = Process::new(std::env::current_exe().unwrap())
            .args(["child_that_publishes_until_it_is_killed", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let seen = wait_for(&path, highest);
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        let journal = open(dir.path());
        emitter(&journal, "yard", "sinks/s").emit("Mine", at(0), json!({"round": round}));
        journal.flush().await;
        let stored = all(&journal).await;
        assert!(
            stored.iter().any(|entry| entry.id == seen),
            "entry {seen} is gone"
        );
        assert!(stored.windows(2).all(|pair| pair[0].id < pair[1].id));
        let of_child = (stored.iter()).filter(|entry| entry.id > highest && entry.event.event_type == "N");
        for (number, entry) in of_child.enumerate() {
            assert_eq!(
                entry.event.data["number"], number,
                "an entry before the last is missing"
            );
        }
        highest = stored.last().unwrap().id;
        assert!(journal.close());
    }
}

/// Waits until another process has stored enough after `highest`; gives the newest number.
fn wait_for(path: &Path, highest: i64) -> i64 {
    for _ in 0..600 {
        if let Ok(reader) = Reader::open(path)
            && let Ok(entries) = reader.after(highest, &Filter::default(), usize::MAX)
            && entries.len() > BEFORE_KILL
        {
            return entries.last().unwrap().id;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the other process stored too little in 30 s");
}
