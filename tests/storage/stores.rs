//! What a store promises, whatever it is made of.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mediagraph::media::SystemClock;
use mediagraph::recording::storage::Disk;
use mediagraph::recording::store::azure::{AzureSettings, AzureStore, Credential};
use mediagraph::recording::store::{AssetStore, Content, DirectoryStore, Put, StoreErrorKind, Writer};
use sha2::{Digest as _, Sha256};

use crate::azurite::{Azurite, CONTAINER, KEY, sas};
use crate::certificates::Authority;
use crate::proxy::{Mode, Proxy};

const NAME: &str = "20261120T225535.000000Z-host-1.m4s";

fn writer(host: &str) -> Writer {
    Writer {
        host: host.to_owned(),
    }
}

fn azure(settings: &AzureSettings) -> AzureStore {
    AzureStore::new(settings, Arc::new(SystemClock::new())).unwrap()
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

async fn keeps_its_promises(store: &dyn AssetStore, asset: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (writer("one"), writer("other"));
    store.claim(asset, &one).await.unwrap();
    store.claim(asset, &one).await.unwrap();
    let content = file(folder.path(), "segment", b"moving pictures");
    let put = async |content: &Content| store.put_if_absent(asset, NAME, content).await;
    assert_eq!(put(&content).await.unwrap(), Put::Created);
    assert_eq!(put(&content).await.unwrap(), Put::Already);
    for different in [&b"moving pictureS"[..], b"moving"] {
        let content = file(folder.path(), "different", different);
        let error = put(&content).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Differs, "{error}");
        assert!(error.message.contains("hint:"), "{error}");
    }
    let init = Content::Bytes(Bytes::from_static(b"init"));
    let name = "host-1.video.mp4";
    assert_eq!(
        store.put_if_absent(asset, name, &init).await.unwrap(),
        Put::Created
    );
    assert_eq!(
        store.put_if_absent(asset, name, &init).await.unwrap(),
        Put::Already
    );
    for text in ["first", "second"] {
        store
            .put_index(asset, "index.m3u8", Bytes::from_static(text.as_bytes()))
            .await
            .unwrap();
    }
    assert_eq!(
        store.get(asset, "index.m3u8", None).await.unwrap(),
        &b"second"[..]
    );
    assert_eq!(store.get(asset, NAME, Some(7..10)).await.unwrap(), &b"pic"[..]);
    let listed = store.list(asset).await.unwrap();
    let mut listed: Vec<(&str, u64)> = listed.iter().map(|one| (one.name.as_str(), one.bytes)).collect();
    listed.sort_unstable();
    assert_eq!(listed, [(NAME, 15), (name, 4), ("index.m3u8", 6)]);
    assert_eq!(store.assets().await.unwrap(), [asset]);
    for _ in 0..2 {
        store.remove(asset, NAME).await.unwrap();
    }
    let gone = store.get(asset, NAME, None).await.unwrap_err();
    assert_eq!(gone.kind, StoreErrorKind::NotFound, "{gone}");
    let refused = store.claim(asset, &other).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::OtherWriter, "{refused}");
    assert!(
        refused.message.contains("`one`") && refused.message.contains("hint:"),
        "{refused}"
    );
    store.release(asset, &other).await.unwrap();
    store.claim(asset, &other).await.unwrap_err();
    store.release(asset, &one).await.unwrap();
    store.claim(asset, &other).await.unwrap();
}

#[tokio::test]
async fn a_container_keeps_the_promises_of_a_store_with_an_account_key() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path());
    let store = azure(&azurite.settings(azurite.address));
    // Made by the store, and the name of the asset needs an escape or two.
    keeps_its_promises(&store, "Lobby ä 1").await;
    assert_eq!(store.location(), azurite.container_at(azurite.address));
}

#[tokio::test]
async fn a_container_keeps_the_promises_of_a_store_with_a_signature() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path());
    let settings = AzureSettings {
        credential: Credential::Sas(format!("?{}", sas())),
        ..azurite.settings(azurite.address)
    };
    let store = azure(&settings);
    keeps_its_promises(&store, "lobby").await;
    assert!(!format!("{store:?} {settings:?} {}", store.location()).contains("sig="));
}

#[tokio::test]
async fn https_needs_an_authority_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pem = authority.vouch(&["127.0.0.1"], false, &folder.path().join("server.pem"));
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let data = folder.path().join("data");
    let azurite = Azurite::with_tls(&data, &pem);
    let trusting = AzureSettings {
        ca_file: Some(ca),
        ..azurite.settings(azurite.address)
    };
    keeps_its_promises(&azure(&trusting), "lobby").await;
    let strange = azure(&azurite.settings(azurite.address));
    let error = strange.claim("lobby", &writer("one")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(
        error.message.contains("certificate") && error.message.contains("`ca_file`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_signature_are_refused_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path());
    let wrong_key = KEY.replace("Eby8", "AAAA");
    let wrong_sas = format!("{}AAAA", sas());
    let ways = [
        Credential::AccountKey {
            account: crate::azurite::ACCOUNT.to_owned(),
            key: wrong_key.clone(),
        },
        Credential::Sas(wrong_sas.clone()),
    ];
    for credential in ways {
        let settings = AzureSettings {
            credential,
            ..azurite.settings(azurite.address)
        };
        let store = azure(&settings);
        // With a signature the container is not asked after: the first blob says it.
        let claimed = store.claim("lobby", &writer("one")).await;
        let error = claimed.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
        let shown = format!("{error} {error:?} {store:?} {settings:?}");
        assert!(shown.contains(CONTAINER) && shown.contains("hint:"), "{shown}");
        for secret in [&wrong_key[..20], "sig=", "SharedKey"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn trouble_on_the_way_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path());
    let proxy = Proxy::start(azurite.address);
    let settings = AzureSettings {
        credential: Credential::Sas(sas()),
        ..azurite.settings(proxy.address)
    };
    let store = azure(&settings);
    store.claim("lobby", &writer("one")).await.unwrap();
    let content = Content::Bytes(Bytes::from_static(b"moving pictures"));
    let cases = [
        (Mode::Cut, StoreErrorKind::Unreachable, None),
        (Mode::Answer(500, None), StoreErrorKind::Busy, None),
        (Mode::Answer(503, Some(7)), StoreErrorKind::Busy, Some(7)),
        (Mode::Answer(429, Some(90)), StoreErrorKind::Busy, Some(90)),
        (Mode::Answer(403, None), StoreErrorKind::Refused, None),
        (Mode::Lose, StoreErrorKind::Unreachable, None),
        // The one whose answer was lost did arrive.
    ];
    for (mode, kind, wish) in cases {
        proxy.set(mode);
        let error = store.put_if_absent("lobby", NAME, &content).await.unwrap_err();
        assert_eq!(error.kind, kind, "{mode:?}: {error}");
        assert_eq!(error.retry_after.map(|wish| wish.as_secs()), wish, "{mode:?}");
        assert!(!error.message.contains("sig="), "{error}");
    }
    proxy.set(Mode::Pass);
    assert_eq!(
        store.put_if_absent("lobby", NAME, &content).await.unwrap(),
        Put::Already
    );
    proxy.set(Mode::Freeze);
    let error = store.put_if_absent("lobby", NAME, &content).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("no answer within 10 s"), "{error}");
    proxy.set(Mode::Pass);
}

#[tokio::test]
async fn a_folder_keeps_the_promises_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(folder.path().join("assets"), Arc::new(Disk));
    keeps_its_promises(&store, "Lobby ä 1").await;
}

#[tokio::test]
async fn a_folder_on_another_file_system_is_copied_to() {
    let (here, there) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir_in("/dev/shm").unwrap(),
    );
    let store = DirectoryStore::new(there.path().join("assets"), Arc::new(Disk));
    keeps_its_promises(&store, "lobby").await;
    let content = file(here.path(), "segment", b"moving pictures");
    let put = store.put_if_absent("lobby", NAME, &content).await.unwrap();
    assert_eq!(put, Put::Created);
    assert_eq!(
        std::fs::read(there.path().join("assets/lobby").join(NAME)).unwrap(),
        b"moving pictures"
    );
}
