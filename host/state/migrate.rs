//! From older layouts to the present one.
//!
//! Invariants: before anything changes, the small files and what steps change stand in `backup-format-N/`; the number in `format` is raised
//! last, so that whatever was interrupted is done again; a layout from the future is left alone.

use std::fs;
use std::path::Path;

use super::backup::{SMALL_FILES, copy_database, copy_file};
use super::files::{read_small, sync_folder, write_new};
use super::{FORMAT, INDEX, REGISTRY, StateError, failed};

type Step = fn(&Path) -> Result<(), StateError>;

/// What leads from each older layout to the next.
const STEPS: &[(u32, Step)] = &[
    // The databases of topologies and events came: they are made when they are first used.
    (1, |_| Ok(())),
    // The index of recordings came: it takes in what stands in `assets/` when it is first opened (`recording::adopt`).
    (2, |_| Ok(())),
    // The index of recordings knows what was seen: it gets the table when it is first opened (`recording::index`).
    (3, |_| Ok(())),
];

/// Gives a new directory the present format, and leads an older one to it.
pub(super) fn bring_up(directory: &Path) -> Result<(), StateError> {
    let path = directory.join("format");
    let Some(found) = read_small(&path)? else {
        return write_new(&path, &FORMAT.to_string());
    };
    let unknown = || StateError::Format {
        path: directory.to_owned(),
        found: found.clone(),
    };
    let mut format: u32 = found.parse().map_err(|_| unknown())?;
    while format != FORMAT {
        let Some((_, step)) = STEPS.iter().find(|(from, _)| *from == format) else {
            return Err(unknown());
        };
        keep_copy(directory, format)?;
        step(directory)?;
        write_new(&path, &(format + 1).to_string())?;
        let copy = format!("backup-format-{format}");
        tracing::info!(from = format, to = format + 1, copy, state = %directory.display(), "The state directory was migrated");
        format += 1;
    }
    Ok(())
}

/// Copies the small files, and the databases that steps change. A copy that is there already was made of the same layout before an interruption.
fn keep_copy(directory: &Path, format: u32) -> Result<(), StateError> {
    let copy = directory.join(format!("backup-format-{format}"));
    if copy.exists() {
        return Ok(());
    }
    let unfinished = directory.join(format!("backup-format-{format}.tmp"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed("remove", &unfinished))?;
    }
    copy_into(directory, &unfinished)
        .and_then(|()| Ok(fs::rename(&unfinished, &copy)?))
        .and_then(|()| Ok(sync_folder(directory)?))
        .map_err(|error| StateError::Copy {
            path: directory.to_owned(),
            from: format,
            why: error.to_string(),
        })
}

fn copy_into(directory: &Path, copy: &Path) -> Result<(), super::BackupError> {
    super::backup::make_folder(copy)?;
    for name in SMALL_FILES {
        let from = directory.join(name);
        if from.exists() {
            copy_file(&from, &copy.join(name))?;
        }
    }
    for name in [REGISTRY, INDEX] {
        let database = directory.join(name);
        if database.exists() {
            copy_database(&database, &copy.join(name))?;
        }
    }
    Ok(sync_folder(copy)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateDir;

    fn of_format_1() -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("format"), "1\n").unwrap();
        fs::write(state.path().join("host-id"), "0badcafe\n").unwrap();
        fs::create_dir_all(state.path().join("assets/gate")).unwrap();
        state
    }

    fn small(path: &Path) -> String {
        read_small(path).unwrap().unwrap()
    }

    #[test]
    fn an_older_directory_is_migrated_after_a_copy_and_keeps_its_id_and_recordings() {
        let state = of_format_1();
        let opened = StateDir::open(state.path()).unwrap();
        assert_eq!(opened.host_id(), "0badcafe");
        assert!(state.path().join("assets/gate").is_dir());
        assert_eq!(small(&state.path().join("format")), FORMAT.to_string());
        let copy = state.path().join("backup-format-1");
        assert_eq!(small(&copy.join("format")), "1");
        assert_eq!(small(&copy.join("host-id")), "0badcafe");
    }

    #[test]
    fn a_migration_that_was_interrupted_is_done_again_and_the_first_copy_stays() {
        let state = of_format_1();
        let tmp = state.path().join("backup-format-1.tmp");
        fs::create_dir(&tmp).unwrap();
        fs::write(tmp.join("format"), "half").unwrap();
        drop(StateDir::open(state.path()).unwrap());
        assert!(!tmp.exists());
        // Interrupted after the copy, before the number was raised.
        fs::write(state.path().join("format"), "1\n").unwrap();
        fs::write(state.path().join("host-id"), "11111111\n").unwrap();
        drop(StateDir::open(state.path()).unwrap());
        let copy = state.path().join("backup-format-1");
        assert_eq!(small(&copy.join("host-id")), "0badcafe");
        assert_eq!(small(&state.path().join("format")), FORMAT.to_string());
    }

    #[test]
    fn the_index_of_recordings_is_copied_before_it_is_brought_up() {
        let state = of_format_1();
        fs::write(state.path().join("format"), "3\n").unwrap();
        let index = rusqlite::Connection::open(state.path().join(INDEX)).unwrap();
        index.execute_batch("CREATE TABLE asset (name TEXT)").unwrap();
        drop(index);
        drop(StateDir::open(state.path()).unwrap());
        assert_eq!(small(&state.path().join("format")), FORMAT.to_string());
        let copy = state.path().join("backup-format-3").join(INDEX);
        let copy = rusqlite::Connection::open(copy).unwrap();
        let assets: i64 = copy
            .query_row("SELECT count(*) FROM asset", [], |row| row.get(0))
            .unwrap();
        assert_eq!(assets, 0);
    }

    #[test]
    fn a_directory_that_cannot_be_copied_is_left_as_it_is() {
        let state = of_format_1();
        // What is no database cannot be copied as one.
        fs::write(
            state.path().join(REGISTRY),
            "not a database, and long enough to be asked",
        )
        .unwrap();
        let error = StateDir::open(state.path()).unwrap_err().to_string();
        assert!(error.contains("nothing was changed"), "{error}");
        assert_eq!(small(&state.path().join("format")), "1");
    }

    #[test]
    fn formats_that_never_were_are_refused_by_name() {
        for format in ["0", "7", "x", ""] {
            let state = tempfile::tempdir().unwrap();
            fs::write(state.path().join("format"), format).unwrap();
            let error = StateDir::open(state.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("has format {format}, this")), "{error}");
        }
    }
}
