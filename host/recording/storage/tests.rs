//! The operating system's files: who may read them, and what survives a power cut.

use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use super::*;

#[test]
fn recordings_are_private_to_their_owner() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("deep/assets");
    Disk.create_dir_all(&dir).unwrap();
    drop(Disk.create_new(&dir.join("new")).unwrap());
    drop(Disk.open(&dir.join("opened")).unwrap());
    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["deep", "deep/assets"].map(mode), [0o700; 2]);
    assert_eq!(["deep/assets/new", "deep/assets/opened"].map(mode), [0o600; 2]);
}

/// Says what is made and synced; does it on the disk.
#[derive(Debug, Default)]
struct Logged(Mutex<Vec<String>>);

impl Logged {
    fn note(&self, what: &str, path: &Path) {
        let name = path.file_name().unwrap().to_string_lossy();
        self.0.lock().unwrap().push(format!("{what} {name}"));
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Storage for Logged {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.note("create", path);
        Disk.create_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note("sync", path);
        Disk.sync_dir(path)
    }
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Disk.create_new(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Disk.open(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.hard_link(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        Disk.remove_dir(path)
    }
}

#[test]
fn each_new_directory_is_safe_in_its_parent_before_anything_is_made_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let base = folder.path().file_name().unwrap().to_string_lossy().into_owned();
    let storage = Logged::default();
    storage.create_dir_all(&root.join("a/b/c")).unwrap();
    let expected = [
        &*format!("sync {base}"),
        "create a",
        "sync root",
        "create b",
        "sync a",
        "create c",
        "sync b",
    ];
    assert_eq!(storage.taken(), expected);
    // One that is there may have been made by somebody who was killed before it was synced.
    storage.create_dir_all(&root.join("a/b")).unwrap();
    assert_eq!(storage.taken(), ["sync a"]);
    fs::write(root.join("file"), "").unwrap();
    assert!(storage.create_dir_all(&root.join("file")).is_err());
    assert!(storage.create_dir_all(&root.join("file/below")).is_err());
}
