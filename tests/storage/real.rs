//! The binary, a camera, and a container.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::azurite::{Azurite, KEY};
use crate::clip::run;
use crate::common;
use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Finished, Graph, SOON, START, command};
use crate::common::host::Host;
use crate::common::host::wire::Request;
use crate::common::process::{Process, until};
use crate::common::{judge, mediagraph, repository};
use crate::proxy::{Mode, Proxy};

const TOPOLOGY: &str = "topologies/cvr-asset";
const DROPPED: &str = "DataDropped";
/// A store is away for half a minute before it is an alarm; alarms are looked at every five seconds.
const ALARM: std::time::Duration = std::time::Duration::from_secs(90);

/// A configuration with a container as the store of all sinks.
pub(crate) fn configuration(folder: &Path, azurite: &Azurite, address: SocketAddr) -> PathBuf {
    let key = folder.join("key");
    std::fs::write(&key, KEY).unwrap();
    let text = format!(
        "[stores.cloud]\nkind = \"azure-blob\"\ncontainer_url = \"{}\"\naccount_key = \"${{file:{}}}\"\n\
         [recording]\nstore = \"cloud\"\n[limits]\ndrain_timeout = \"PT5S\"\n[log]\nlevel = \"trace\"\n",
        azurite.container_at(address),
        key.display()
    );
    common::configuration(folder, &text)
}

pub(crate) fn serve(state: &Path, config: &Path) -> Host {
    let mut command = mediagraph();
    command.args(["serve", "--listen", "127.0.0.1:0", "--state-dir"]);
    command.arg(state).arg("--config").arg(config);
    let process = Process::start("the host", &mut command);
    let address = process.wait_stderr_for("address", START, |lines| {
        let rest = lines
            .iter()
            .find_map(|line| line.split("The host listens url=\"http://").nth(1))?;
        rest.split(['"', '/']).next()?.parse().ok()
    });
    Host { process, address }
}

pub(crate) fn json(host: &Host, path: &str) -> Value {
    host.send(&Request::get(path)).json()
}

pub(crate) fn uploads(host: &Host) -> Value {
    let all = json(host, "/api/uploads");
    let stores = all["value"].as_array().unwrap();
    stores
        .iter()
        .find(|store| store["store"] == "cloud")
        .unwrap()
        .clone()
}

fn segments(azurite: &Azurite) -> usize {
    let names = azurite.names();
    names.iter().filter(|name| name.ends_with(".m4s")).count()
}

/// Records a camera until there is enough of it; gives the asset, and what the graph said to its end.
fn recorded(state: &Path, config: &Path) -> (String, Finished) {
    let camera = Camera::ours(&yard(), &[]);
    let mut command = command(TOPOLOGY, &[("rtspUrl", &camera.url)], state);
    let graph = Graph::of(command.arg("--config").arg(config), state);
    let started = graph.event("RecordingStarted", START);
    graph.recorded(ENOUGH);
    (started.text("outputLocation").to_owned(), graph.stop())
}

#[test]
fn a_camera_is_recorded_to_a_container_and_played_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    azurite.make_public();
    let config = configuration(folder.path(), &azurite, azurite.address);
    let (asset, finished) = recorded(&folder.path().join("state"), &config);
    let available = finished.named("RecordingAvailable");
    assert_eq!(available.len(), 1, "told once, when it stands in the container");
    assert_eq!(available[0].text("outputLocation"), asset);
    assert!(finished.named(DROPPED).is_empty());
    let url = format!("{}/{asset}/index.m3u8", azurite.container_at(azurite.address));
    let counted = run(Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(&url));
    let frames: usize = counted.lines().next().unwrap().trim_matches(',').parse().unwrap();
    assert!(frames >= PICTURES, "{frames}");
    assert!(
        !azurite.names().iter().any(|name| name.ends_with(".lock")),
        "the host has let go of it"
    );
    let said = &finished.ended.stderr;
    for secret in [KEY, "SharedKey"] {
        assert!(!said.contains(secret), "a secret stands in the log");
    }
}

/// Of the clip, with so many pictures at least.
const ENOUGH: u64 = 100_000;
const PICTURES: usize = 50;

#[test]
fn what_a_deactivation_leaves_in_the_cache_is_told_and_goes_up_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    let proxy = Proxy::start(azurite.address);
    let config = configuration(folder.path(), &azurite, proxy.address);
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.path().join("state");
    let host = serve(&state, &config);
    let events = host.events("");
    let topology = std::fs::read_to_string(repository(&format!("{TOPOLOGY}/topology.json"))).unwrap();
    host.method("GraphTopologySet", &topology).with(201);
    host.set_instance(
        "gate",
        "ContinuousRecording",
        &[("rtspUrl".to_owned(), camera.url.clone())],
    )
    .with(201);
    proxy.set(Mode::Freeze);
    host.named("GraphInstanceActivate", "gate").with(200);
    events.wait("gate", "RecordingStarted", 1, START);
    until("two seconds in the cache", SOON, || {
        (crate::common::graph::size(&state.join("files")) >= ENOUGH).then_some(())
    });

    let request = Request::new("POST", "/api/methods/GraphInstanceDeactivate")
        .json(&json!({"@apiVersion": "2.0", "name": "gate"}).to_string());
    let reply = host.send(&request).json();
    assert_eq!(reply["status"], 200, "{reply}");
    let warning = &reply["warnings"][0];
    assert_eq!(warning["code"], "UploadsRemain", "{reply}");
    assert!(
        warning["message"].as_str().unwrap().starts_with("1 segments ("),
        "{reply}"
    );
    let status = uploads(&host);
    assert_eq!(status["backlogSegments"], 1, "{status}");

    until("paused", SOON, || {
        (uploads(&host)["state"] == "paused").then_some(())
    });
    let shown = run(mediagraph().args(["instance", "status", "gate", "--server", &host.url()]));
    assert!(shown.contains("store cloud: paused, 1 segments"), "{shown}");
    assert!(shown.contains("no answer within 10 s"), "{shown}");
    let metrics = host.send(&Request::get("/metrics")).body;
    for figure in [
        "mediagraph_upload_backlog_segments{store=\"cloud\"} 1",
        "mediagraph_store_paused{store=\"cloud\"} 1",
        "mediagraph_upload_errors_total{store=\"cloud\"}",
    ] {
        assert!(metrics.contains(figure), "{figure}\n{metrics}");
    }
    until("the event of it", SOON, || {
        events
            .text()
            .contains("MediaGraph.Diagnostics.StorePaused")
            .then_some(())
    });
    until("the alarm", ALARM, || {
        let raised = json(&host, "/api/alarms");
        let away = raised["value"]
            .as_array()?
            .iter()
            .find(|one| one["kind"] == "storeAway")?;
        assert_eq!(away["id"], "storeAway/cloud", "{away}");
        Some(())
    });
    let shown = run(mediagraph().args(["alarms", "--server", &host.url()]));
    assert!(shown.contains("the store `cloud` takes nothing since"), "{shown}");
    host.stop();
    assert_eq!(segments(&azurite), 0);

    proxy.set(Mode::Pass);
    let host = serve(&state, &config);
    until("everything is in the container", SOON, || {
        let status = uploads(&host);
        (status["backlogSegments"] == 0 && status["uploadedSegments"] == 1).then_some(())
    });
    host.stop();
    assert_eq!(segments(&azurite), 1);
    assert_eq!(
        crate::common::graph::size(&state.join("files")) / 1000,
        0,
        "nothing of it is in the cache"
    );
}

#[test]
fn the_index_is_made_anew_from_the_container_alone() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    let config = configuration(folder.path(), &azurite, azurite.address);
    let state = folder.path().join("state");
    recorded(&state, &config);
    for ending in ["", "-wal", "-shm"] {
        let _not_there = std::fs::remove_file(state.join(format!("index.db{ending}")));
    }
    let check = |more: &[&str]| {
        let mut command = mediagraph();
        command.arg("check").args(more).arg("--state-dir").arg(&state);
        command.arg("--config").arg(&config);
        command
    };
    let made = run(&mut check(&["--rebuild"]));
    assert!(made.contains("1 assets"), "{made}");
    let first = std::fs::read(state.join("index.db")).unwrap();
    run(&mut check(&["--rebuild"]));
    let second = std::fs::read(state.join("index.db")).unwrap();
    assert!(first == second, "the same media gives the same index");
    let sound = run(&mut check(&["--depth", "content"]));
    assert!(sound.contains("sound"), "{sound}");
    let covered = run(mediagraph()
        .args(["coverage", "--json", "--state-dir"])
        .arg(&state));
    let covered: Value = serde_json::from_str(&covered).unwrap();
    let recorded = covered["cameras"][0]["days"][0]["recordedSeconds"]
        .as_f64()
        .unwrap();
    assert!(recorded >= 2.0, "{covered}");
    // And the index knows what the container should have.
    let names = azurite.names();
    azurite.remove(names.iter().find(|name| name.ends_with(".m4s")).unwrap());
    let found = check(&[]).output().unwrap();
    assert_eq!(
        found.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&found.stdout)
    );
    assert!(String::from_utf8_lossy(&found.stdout).contains("the file is missing"));
}

#[test]
fn a_store_in_a_folder_of_another_disk_takes_whole_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let archive = tempfile::tempdir_in("/dev/shm").unwrap();
    let text = format!(
        "[stores.archive]\nkind = \"directory\"\npath = \"{}\"\n[recording]\nstore = \"archive\"\n",
        archive.path().display()
    );
    let config = common::configuration(folder.path(), &text);
    let (asset, finished) = recorded(&folder.path().join("state"), &config);
    assert!(finished.named(DROPPED).is_empty());
    let recording = judge::judged(&archive.path().join(&asset));
    assert!(recording.video().len() >= PICTURES);
}

/// All segments below a folder.
fn segments_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return usize::from(folder.extension().is_some_and(|ending| ending == "m4s"));
    };
    entries.flatten().map(|entry| segments_below(&entry.path())).sum()
}

#[test]
fn what_is_only_in_the_container_is_played_by_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let mut azurite = Azurite::start(&folder.path().join("azurite"));
    let config = configuration(folder.path(), &azurite, azurite.address);
    let state = folder.path().join("state");
    let (asset, _) = recorded(&state, &config);
    assert_eq!(segments_below(&state), 0, "nothing is left in the cache");
    let host = serve(&state, &config);
    let url = format!("{}/assets/{asset}/index.m3u8", host.url());
    let counted = run(Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(&url));
    let frames: usize = counted.lines().next().unwrap().trim_matches(',').parse().unwrap();
    assert!(frames >= PICTURES, "{frames}");
    let start = json(&host, "/assets")["value"][0]["start"]
        .as_str()
        .unwrap()
        .to_owned();
    let picture = format!("/assets/{asset}/frame.jpg?time={start}");
    let head = Request::new("HEAD", &picture).send(host.address);
    assert_eq!(head.status, 200, "{head:?}");
    // While the container is away the playlist is there, and media is an answer that names the store.
    azurite.stop();
    let list = host.send(&Request::get(&format!("/assets/{asset}/video.m3u8")));
    let file = list
        .body
        .lines()
        .find(|line| line.contains(".m4s"))
        .unwrap()
        .to_owned();
    let away = host.send(&Request::get(&format!("/assets/{asset}/{file}")));
    assert_eq!(away.status, 503, "{away:?}");
    assert!(
        away.body.contains("cloud") && away.body.contains(&asset) && !away.body.contains(KEY),
        "{away:?}"
    );
}
