use sha2::{Digest as _, Sha256};

use super::*;
use crate::recording::storage::Disk;
use crate::recording::storage::failing::Failing;

const ASSET: &str = "gate";
const NAME: &str = "20261120T225535.000000Z-host-1.m4s";

fn writer(host: &str) -> Writer {
    Writer {
        host: host.to_owned(),
    }
}

fn store(root: &Path) -> DirectoryStore {
    DirectoryStore::new(root.join("assets"), Arc::new(Disk))
}

fn file(folder: &Path, name: &str, content: &[u8]) -> Content {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    Content::File {
        path,
        bytes: content.len() as u64,
        sha256: Sha256::digest(content).into(),
    }
}

#[tokio::test]
async fn a_segment_is_put_once_and_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.claim(ASSET, &writer("a")).await.unwrap();
    let content = file(folder.path(), "one", b"picture");
    let put = async || store.put_if_absent(ASSET, NAME, &content).await.unwrap();
    assert_eq!([put().await, put().await], [Put::Created, Put::Already]);
    // As after a crash of which only the copy is left.
    let copy = file(folder.path(), "copy", b"picture");
    assert_eq!(
        store.put_if_absent(ASSET, NAME, &copy).await.unwrap(),
        Put::Already
    );
    assert_eq!(store.get(ASSET, NAME, None).await.unwrap(), &b"picture"[..]);
    assert_eq!(store.get(ASSET, NAME, Some(1..3)).await.unwrap(), &b"ic"[..]);
    let listed = store.list(ASSET).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), listed[0].bytes), (NAME, 7));
    assert_eq!(store.assets().await.unwrap(), [ASSET]);
    store.remove(ASSET, NAME).await.unwrap();
    store.remove(ASSET, NAME).await.unwrap();
    assert_eq!(
        store.get(ASSET, NAME, None).await.unwrap_err().kind,
        StoreErrorKind::NotFound
    );
}

#[tokio::test]
async fn something_else_with_the_name_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.claim(ASSET, &writer("a")).await.unwrap();
    let first = file(folder.path(), "one", b"picture");
    store.put_if_absent(ASSET, NAME, &first).await.unwrap();
    for other in [&b"pictura"[..], b"pic"] {
        let content = file(folder.path(), "other", other);
        let error = store.put_if_absent(ASSET, NAME, &content).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Differs, "{error}");
        assert!(error.message.contains("hint:"), "{error}");
    }
    assert_eq!(store.get(ASSET, NAME, None).await.unwrap(), &b"picture"[..]);
}

#[tokio::test]
async fn one_host_writes_an_asset_until_it_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (store(folder.path()), store(folder.path()));
    one.claim(ASSET, &writer("a")).await.unwrap();
    one.claim(ASSET, &writer("a")).await.unwrap();
    let error = other.claim(ASSET, &writer("b")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::OtherWriter);
    assert!(error.message.contains("hint:"), "{error}");
    drop(one);
    // It died without letting go: only somebody who knows may decide.
    let error = other.claim(ASSET, &writer("b")).await.unwrap_err();
    assert!(
        error.message.contains("remove `") && error.message.contains(".lock`"),
        "{error}"
    );
    let again = store(folder.path());
    again.claim(ASSET, &writer("a")).await.unwrap();
    again.release(ASSET, &writer("a")).await.unwrap();
    other.claim(ASSET, &writer("b")).await.unwrap();
}

#[tokio::test]
async fn no_name_leads_out_of_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    for asset in ["", "..", "a/b", "."] {
        store.claim(asset, &writer("a")).await.unwrap_err();
    }
    store.claim(ASSET, &writer("a")).await.unwrap();
    for name in ["", "..", "a/b", ".lock", "../x", "a\\b", "a\0"] {
        let bytes = Content::Bytes(Bytes::from_static(b"x"));
        store.put_if_absent(ASSET, name, &bytes).await.unwrap_err();
        store.put_index(ASSET, name, Bytes::new()).await.unwrap_err();
        store.get(ASSET, name, None).await.unwrap_err();
        store.remove(ASSET, name).await.unwrap_err();
    }
    assert!(store.list(ASSET).await.unwrap().is_empty());
}

#[test]
fn whichever_step_fails_the_next_try_stores_all_of_it() {
    for linked in [true, false] {
        for operation in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(NAME);
            let content = if linked {
                file(folder.path(), "one", b"picture")
            } else {
                Content::Bytes(Bytes::from_static(b"picture"))
            };
            let storage = Failing::at(operation);
            let first = put::if_absent(&storage, &path, &content);
            assert!(first.is_ok() || storage.has_failed());
            if let Ok(there) = std::fs::read(&path) {
                assert_eq!(there, b"picture", "{linked} {operation}");
            }
            put::if_absent(&Failing::never(), &path, &content).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"picture");
        }
    }
}

#[test]
fn a_cache_that_cannot_be_read_is_not_the_stores_fault() {
    let folder = tempfile::tempdir().unwrap();
    let content = Content::File {
        path: folder.path().join("gone"),
        bytes: 1,
        sha256: [0; 32],
    };
    let error = put::if_absent(&Disk, &folder.path().join(NAME), &content).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Source, "{error}");
}

fn names(done: &[(&'static str, PathBuf)]) -> Vec<(&'static str, String)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    done.iter()
        .map(|(operation, path)| (*operation, name(path)))
        .collect()
}

fn failing(root: &Path) -> (Failing, DirectoryStore) {
    let storage = Failing::never();
    let store = DirectoryStore::new(root.join("assets"), Arc::new(storage.clone()));
    (storage, store)
}

#[tokio::test]
async fn what_is_put_is_synced_before_it_counts_as_put_and_so_are_its_name_and_the_assets() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, store) = failing(folder.path());
    store.claim(ASSET, &writer("a")).await.unwrap();
    // What making the folders synced by itself comes before it.
    let claimed = names(&storage.take_done());
    assert_eq!(claimed.last(), Some(&("sync_dir", "assets".to_owned())));
    let content = file(folder.path(), "one", b"picture");
    store.put_if_absent(ASSET, NAME, &content).await.unwrap();
    let linked = [("hard_link", NAME.to_owned()), ("sync_dir", ASSET.to_owned())];
    assert_eq!(names(&storage.take_done()), linked);
    // Also when it stood there: its name may not have been on the disk yet.
    store.put_if_absent(ASSET, NAME, &content).await.unwrap();
    let again = storage.take_done();
    assert_eq!(names(&again).last(), Some(&("sync_dir", ASSET.to_owned())));
    let init = Content::Bytes(Bytes::from_static(b"init"));
    store.put_if_absent(ASSET, "a-1.video.mp4", &init).await.unwrap();
    let copied = [
        ("sync", "a-1.video.mp4.tmp".to_owned()),
        ("rename", "a-1.video.mp4".to_owned()),
        ("sync_dir", ASSET.to_owned()),
    ];
    assert_eq!(names(&storage.take_done()), copied);
}

#[tokio::test]
async fn playlists_are_synced_when_they_are_settled_and_none_is_made_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, store) = failing(folder.path());
    store.claim(ASSET, &writer("a")).await.unwrap();
    let playlists = ["2026-11-20.m3u8".to_owned(), "index.m3u8".to_owned()];
    for name in &playlists {
        store
            .put_index(ASSET, name, Bytes::from_static(b"#EXTM3U"))
            .await
            .unwrap();
    }
    storage.take_done();
    store.settle(ASSET, &playlists).await.unwrap();
    let [day, index] = playlists.clone();
    let settled = [("sync", day), ("sync", index), ("sync_dir", ASSET.to_owned())];
    assert_eq!(names(&storage.take_done()), settled);
    store.remove(ASSET, &playlists[0]).await.unwrap();
    let error = store.settle(ASSET, &playlists).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert_eq!(store.list(ASSET).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_crash_left_half_written_goes_with_the_next_claim_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let asset = folder.path().join("assets").join(ASSET);
    std::fs::create_dir_all(&asset).unwrap();
    let segment = format!("{NAME}.tmp");
    let ours = [&segment, "a-1.audio.mp4.tmp", "2026-11-20.video.tmp", "index.tmp"];
    let others = [NAME, "index.m3u8", "notes.tmp", "2026-11-20.txt.tmp"];
    for name in ours.iter().chain(&others) {
        std::fs::write(asset.join(name), b"half").unwrap();
    }
    let store = store(folder.path());
    store.claim(ASSET, &writer("a")).await.unwrap();
    for name in ours {
        assert!(!asset.join(name).exists(), "{name}");
    }
    for name in others {
        assert!(asset.join(name).exists(), "{name}");
    }
    // What is written while it is claimed is left alone.
    std::fs::write(asset.join(&segment), b"half").unwrap();
    store.claim(ASSET, &writer("a")).await.unwrap();
    assert!(asset.join(&segment).exists());
}
