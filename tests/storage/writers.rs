//! One writer per asset: cameras whose recordings get the same name, and hosts that share a store.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::azurite::Azurite;
use crate::common;
use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{SOON, START, size};
use crate::common::host::Host;
use crate::common::process::until;
use crate::common::{judge, topology};
use crate::real::{configuration, serve, uploads};

/// Of the clip, in bytes: about two seconds.
const ENOUGH: u64 = 100_000;
/// Whoever waits for a recording tries again at least once a minute.
const TRIED_AGAIN: Duration = Duration::from_secs(120);

/// Waits until so many bytes of media stand in a state directory.
fn recorded(state: &Path, bytes: u64) {
    until("media on the disk", SOON, || {
        let places = ["cache", "files", "assets"].map(|name| size(&state.join(name)));
        (places.iter().sum::<u64>() >= bytes).then_some(())
    });
}

/// Instances of a topology that records to an asset of this name.
fn set(host: &Host, pattern: &str, instances: &[(&str, &str)]) {
    let mut sink = topology::asset_sink("camera");
    sink["assetNamePattern"] = json!(pattern);
    let document = topology::document("2.0", &[], &[sink]);
    host.method("GraphTopologySet", &document.to_string()).with(201);
    for (name, url) in instances {
        host.set_instance(name, "Test", &[("rtspUrl".to_owned(), (*url).to_owned())])
            .with(201);
    }
}

#[test]
fn two_cameras_whose_recordings_get_the_same_name_are_both_recorded_each_to_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let config = common::configuration(folder.path(), "");
    let host = serve(&state, &config);
    let events = host.events("");
    let cameras = [Camera::ours(&yard(), &[]), Camera::ours(&yard(), &[])];
    // As the pattern of a moment gives the same name in the same second.
    set(
        &host,
        "lobby",
        &[("east", &cameras[0].url), ("west", &cameras[1].url)],
    );
    for name in ["east", "west"] {
        host.named("GraphInstanceActivate", name).with(200);
    }
    let mut assets = Vec::new();
    for name in ["east", "west"] {
        let started = events.wait(name, "RecordingStarted", 1, START);
        assets.push(started[0].text("outputLocation").to_owned());
    }
    recorded(&state, 2 * ENOUGH);
    for name in ["east", "west"] {
        host.named("GraphInstanceDeactivate", name).with(200);
    }
    let said = host.stop().stderr;
    let mut sorted = assets.clone();
    sorted.sort();
    assert_eq!(sorted, ["lobby", "lobby-2"]);
    assert_eq!(
        said.matches("Another recording has this asset").count(),
        1,
        "{said}"
    );
    for asset in assets {
        let recording = judge::judged(&state.join("assets").join(&asset));
        assert_eq!(recording.gaps(), 0);
        assert!(recording.video().len() >= 25, "{asset}");
    }
}

/// Records for a while and deactivates.
fn record(host: &Host, state: &Path) {
    let events = host.events("");
    host.named("GraphInstanceActivate", "gate").with(200);
    events.wait("gate", "RecordingStarted", 1, START);
    recorded(state, ENOUGH);
    host.named("GraphInstanceDeactivate", "gate").with(200);
}

#[test]
fn two_hosts_that_share_a_container_write_a_recording_one_after_the_other_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    let config = configuration(folder.path(), &azurite, azurite.address);
    let [first_state, second_state] = ["first", "second"].map(|name| folder.path().join(name));
    let (first, second) = (serve(&first_state, &config), serve(&second_state, &config));
    let camera = Camera::ours(&yard(), &[]);
    let other = Camera::ours(&yard(), &[]);
    set(&first, "lobby", &[("gate", &camera.url)]);
    set(&second, "lobby", &[("gate", &other.url)]);
    let events = first.events("");
    first.named("GraphInstanceActivate", "gate").with(200);
    events.wait("gate", "RecordingStarted", 1, START);
    recorded(&first_state, ENOUGH);
    // What stands open when a camera goes is uploaded at once, and the recording stays this host's.
    let port = camera.port();
    drop(camera);
    until("the first host uploads", SOON, || {
        (uploads(&first)["uploadedSegments"] == 1).then_some(())
    });
    let camera = Camera::ours_at(&yard(), port, &[]);

    record(&second, &second_state);
    until("the second host is refused", SOON, || {
        let status = uploads(&second);
        let blocked = status["blocked"].as_array()?.first()?.clone();
        let message = blocked["message"].as_str()?.to_owned();
        assert!(message.contains("belongs to the host"), "{status}");
        assert_eq!(status["backlogSegments"], 1, "{status}");
        Some(())
    });
    assert!(second.events("").wait_any("UploadBlocked", SOON), "it is told");
    let of = |azurite: &Azurite| {
        let names = azurite.names();
        names.into_iter().filter(|name| name.ends_with(".m4s")).count()
    };
    assert_eq!(of(&azurite), 1);

    first.named("GraphInstanceDeactivate", "gate").with(200);
    drop(camera);
    let mine = of(&azurite);
    until("the second host goes on", TRIED_AGAIN, || {
        (uploads(&second)["backlogSegments"] == 0).then_some(())
    });
    assert_eq!(of(&azurite), mine + 1);
    first.stop();
    second.stop();
    let names = azurite.names();
    assert!(!names.iter().any(|name| name.ends_with(".lock")), "{names:?}");
    // Each names its segments by itself, so that none can take another's place.
    let mut hosts: Vec<&str> = names
        .iter()
        .filter_map(|name| name.split_once("Z-")?.1.rsplit_once('-').map(|(host, _)| host))
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    assert_eq!(hosts.len(), 2, "{names:?}");
}
