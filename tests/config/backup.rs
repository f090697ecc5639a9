//! Backup beside a host at work, and restore.

use std::path::Path;

use mediagraph::state::FORMAT;
use rusqlite::Connection;

use crate::common::graph::{Graph, START, command};
use crate::{mediagraph, say, text, write};

const URL: (&str, &str) = ("rtspUrl", "rtsp://127.0.0.1:9/never");

/// A database as a host keeps it, with rows that only its log has.
fn database(path: &Path, rows: i64) -> Connection {
    let database = Connection::open(path).unwrap();
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x, y)")
        .unwrap();
    for row in 0..rows {
        database
            .execute("INSERT INTO t VALUES (?1, ?2)", (row, format!("row {row}")))
            .unwrap();
    }
    database
}

fn rows(path: &Path) -> Vec<(i64, String)> {
    let database = Connection::open(path).unwrap();
    let mut query = database.prepare("SELECT x, y FROM t ORDER BY x").unwrap();
    let rows = query.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_host_at_work_is_backed_up_and_the_copy_gives_equal_rows() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (state, out, restored) = (at("state"), at("backup"), at("restored"));
    let graph = Graph::of(&mut command("topologies/cvr-asset", &[URL], &state), &state);
    graph.process().wait_stderr("The graph runs", START);
    // The process that holds the lock is another one, and so is whoever writes: this one.
    let registry = database(&state.join("registry.db"), 50);
    let journal = database(&state.join("journal.db"), 500);
    registry
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1000, 'not committed')")
        .unwrap();
    std::fs::create_dir_all(state.join("components")).unwrap();
    write(&state.join("components"), "mine.wasm", "a component");

    let said = mediagraph(&["backup", "--state-dir", text(&state), text(&out)]).ended(0);
    assert!(said.stdout.contains("--check"), "{}", said.stdout);
    registry.execute_batch("ROLLBACK").unwrap();
    mediagraph(&["restore", "--check", text(&out)]).ended(0);
    mediagraph(&["restore", "--state-dir", text(&restored), text(&out)]).ended(0);
    for name in ["registry.db", "journal.db"] {
        assert_eq!(rows(&restored.join(name)), rows(&state.join(name)), "{name}");
    }
    assert_eq!(rows(&restored.join("registry.db")).len(), 50);
    let same = |name: &str| {
        assert_eq!(
            std::fs::read(restored.join(name)).unwrap(),
            std::fs::read(state.join(name)).unwrap()
        );
    };
    same("host-id");
    same("components/mine.wasm");

    let in_use = mediagraph(&["restore", "--force", "--state-dir", text(&state), text(&out)]).ended(1);
    let holder = format!("in use by process {}", graph.process().id());
    assert!(in_use.stderr.contains(&holder), "{}", in_use.stderr);
    let full = mediagraph(&["restore", "--state-dir", text(&restored), text(&out)]).ended(1);
    assert!(full.stderr.contains("`--force`"), "{}", full.stderr);
    drop((registry, journal));
    graph.stop();
}

#[test]
fn a_backup_that_is_damaged_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (state, out) = (at("state"), at("backup"));
    std::fs::create_dir(&state).unwrap();
    write(&state, "format", &format!("{FORMAT}\n"));
    write(&state, "host-id", "0badcafe\n");
    drop(database(&state.join("registry.db"), 500));
    mediagraph(&["backup", "--state-dir", text(&state), text(&out)]).ended(0);
    let mut bytes = std::fs::read(out.join("registry.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(out.join("registry.db"), bytes).unwrap();
    for arguments in [
        vec!["restore", "--check", text(&out)],
        vec!["restore", "--state-dir", text(&at("restored")), text(&out)],
    ] {
        let told = mediagraph(&arguments).ended(1).stderr;
        assert!(
            told.contains("`registry.db` is not what the manifest says"),
            "{told}"
        );
    }
    assert!(!at("restored").exists());
    let nothing =
        say(crate::common::mediagraph().args(["backup", "--state-dir", text(folder.path()), text(&at("x"))]));
    assert!(nothing.ended(1).stderr.contains("--state-dir"));
}
