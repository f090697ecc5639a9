//! From a backup to a state directory.
//!
//! Invariants: everything is checked before anything is touched, and again while it is copied; a directory in use is
//! refused; what is interrupted is refused when the host starts, and can be done again.

use std::fs;
use std::path::Path;

use super::backup::{
    BackupError, DATABASES, Manifest, compare, copy_file, failed, is_ours, make_folder, verify,
};
use super::files::{remove, sync_folder, write_new};
use super::{UNFINISHED, hold};

/// Puts a backup into a state directory. With `force` it may hold something: then topologies, instances, events and
/// components are replaced, and recordings stay.
///
/// # Errors
/// When the backup is damaged, the directory is in use or, without `force`, not empty, or something cannot be written.
pub fn restore(from: &Path, state: &Path, force: bool) -> Result<Manifest, BackupError> {
    let manifest = verify(from)?;
    let (state, _lock) = hold(state)?;
    if !force && !is_empty(&state)? {
        return Err(BackupError::NotEmpty(state));
    }
    write_new(&state.join(UNFINISHED), &manifest.created_at)?;
    clear(&state)?;
    for listed in &manifest.files {
        let target = state.join(&listed.path);
        if let Some(folder) = target.parent()
            && !folder.exists()
        {
            make_folder(folder)?;
        }
        let copied = copy_file(&from.join(&listed.path), &target)?;
        compare(from, listed, &copied)?;
        if let Some(folder) = target.parent() {
            sync_folder(folder)?;
        }
    }
    sync_folder(&state)?;
    let marker = state.join(UNFINISHED);
    remove(&marker).map_err(failed("remove", &marker))?;
    sync_folder(&state)?;
    Ok(manifest)
}

/// Nothing but the lock, which was just taken.
fn is_empty(state: &Path) -> Result<bool, BackupError> {
    for entry in fs::read_dir(state).map_err(failed("read", state))? {
        let name = entry.map_err(failed("read", state))?.file_name();
        if name != "lock" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes away what a backup replaces. The log of an old database must never meet a new one.
fn clear(state: &Path) -> Result<(), BackupError> {
    for database in DATABASES {
        for end in ["", "-wal", "-shm", "-journal"] {
            let path = state.join(format!("{database}{end}"));
            remove(&path).map_err(failed("remove", &path))?;
        }
    }
    let components = state.join("components");
    let Ok(entries) = fs::read_dir(&components) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(failed("read", &components))?;
        if is_ours(&format!("components/{}", entry.file_name().to_string_lossy())) {
            remove(&entry.path()).map_err(failed("remove", &entry.path()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use jiff::Timestamp;
    use rusqlite::Connection;

    use super::super::backup::{MANIFEST, backup};
    use super::super::{FORMAT, REGISTRY, StateDir, StateError};
    use super::*;

    struct Host {
        folder: tempfile::TempDir,
        rows: Connection,
        held: StateDir,
    }

    /// A host at work, with rows in its registry that are in the log alone.
    fn host() -> Host {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("state")).unwrap();
        let rows = Connection::open(state.path().join(REGISTRY)).unwrap();
        let mode: String = rows
            .query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
        rows.execute_batch(
            "PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)",
        )
        .unwrap();
        fs::create_dir_all(state.components()).unwrap();
        fs::write(state.components().join("a.wasm"), "theirs").unwrap();
        fs::write(state.components().join("a.cwasm"), "compiled").unwrap();
        Host {
            folder,
            rows,
            held: state,
        }
    }

    impl Host {
        fn state(&self) -> PathBuf {
            self.folder.path().join("state")
        }

        fn out(&self) -> PathBuf {
            self.folder.path().join("backup")
        }
    }

    fn count(state: &Path) -> i64 {
        let rows = Connection::open(state.join(REGISTRY)).unwrap();
        rows.query_row("SELECT count(*) FROM t", (), |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_host_at_work_is_backed_up_as_it_was_at_one_moment() {
        let host = host();
        // A transaction that is not committed is not part of it, and does not keep it from being made.
        host.rows
            .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (3)")
            .unwrap();
        let manifest = backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH).unwrap();
        host.rows.execute_batch("COMMIT").unwrap();
        let names: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["format", "host-id", REGISTRY, "components/a.wasm"]);
        assert_eq!(verify(&host.out()).unwrap(), manifest);

        let restored = host.folder.path().join("restored");
        restore(&host.out(), &restored, false).unwrap();
        assert_eq!(count(&restored), 2);
        let restored = StateDir::open(&restored).unwrap();
        assert_eq!(restored.host_id(), host.held.host_id());
        assert_eq!(fs::read(restored.components().join("a.wasm")).unwrap(), b"theirs");
        assert!(!restored.components().join("a.cwasm").exists());
    }

    #[test]
    fn a_backup_never_replaces_another_and_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let host = host();
        backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(host.out()), 0o700);
        assert_eq!(mode(host.out().join(REGISTRY)), 0o600);
        let again = backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH);
        assert!(matches!(again, Err(BackupError::There(_))), "{again:?}");
        let nothing = backup(
            host.folder.path(),
            &host.folder.path().join("x"),
            Timestamp::UNIX_EPOCH,
        );
        assert!(
            matches!(nothing, Err(BackupError::NotState { .. })),
            "{nothing:?}"
        );
        assert_eq!(fs::read_dir(host.folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_damaged_backup_is_refused_before_anything_is_touched() {
        let host = host();
        backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH).unwrap();
        let target = host.folder.path().join("restored");
        fs::write(host.out().join("host-id"), "0badcafe\n").unwrap();
        let refused = restore(&host.out(), &target, false).unwrap_err().to_string();
        assert!(
            refused.contains("`host-id` is not what the manifest says"),
            "{refused}"
        );
        assert!(!target.exists());
    }

    #[test]
    fn a_manifest_cannot_name_what_is_outside() {
        let host = host();
        let manifest = backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH).unwrap();
        for path in [
            "../x.wasm",
            "/etc/passwd",
            "components/../lock",
            "components/.x.wasm",
            "lock",
        ] {
            let mut wrong = manifest.clone();
            wrong.files[0].path = path.to_owned();
            fs::write(host.out().join(MANIFEST), serde_json::to_vec(&wrong).unwrap()).unwrap();
            let refused = verify(&host.out()).unwrap_err().to_string();
            assert!(refused.contains("no part of a backup"), "{path}: {refused}");
        }
        let newer = Manifest {
            format: FORMAT + 1,
            ..manifest
        };
        fs::write(host.out().join(MANIFEST), serde_json::to_vec(&newer).unwrap()).unwrap();
        assert!(verify(&host.out()).is_err());
    }

    #[test]
    fn a_directory_in_use_is_refused_and_a_full_one_needs_force_and_keeps_recordings() {
        let host = host();
        backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH).unwrap();
        let in_use = restore(&host.out(), &host.state(), true);
        assert!(
            matches!(in_use, Err(BackupError::State(StateError::InUse { .. }))),
            "{in_use:?}"
        );
        let target = host.folder.path().join("other");
        drop(StateDir::open(&target).unwrap());
        fs::create_dir_all(target.join("assets/gate")).unwrap();
        fs::write(target.join(format!("{REGISTRY}-wal")), "of another database").unwrap();
        let full = restore(&host.out(), &target, false);
        assert!(matches!(full, Err(BackupError::NotEmpty(_))), "{full:?}");
        restore(&host.out(), &target, true).unwrap();
        assert_eq!(count(&target), 2);
        assert!(target.join("assets/gate").is_dir());
    }

    #[test]
    fn half_a_restore_is_refused_until_it_is_done_again() {
        let host = host();
        backup(&host.state(), &host.out(), Timestamp::UNIX_EPOCH).unwrap();
        let target = host.folder.path().join("restored");
        restore(&host.out(), &target, false).unwrap();
        fs::write(target.join(UNFINISHED), "\n").unwrap();
        let refused = StateDir::open(&target).unwrap_err().to_string();
        assert!(refused.contains("mediagraph restore"), "{refused}");
        restore(&host.out(), &target, true).unwrap();
        assert!(StateDir::open(&target).is_ok());
    }
}
