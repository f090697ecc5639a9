//! A running host: what a reload changes, what the service manager is told, and a backup of real instances.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::graph::{DRAIN, SOON, START};
use crate::common::process::until;
use crate::common::repository;
use crate::host::Host;
use crate::{mediagraph, text, write};

fn token_file(folder: &Path, name: &str) -> (std::path::PathBuf, String) {
    let made = mediagraph(&["config", "token", "--name", name, "--role", "admin", "--json"]).ended(0);
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let file = write(folder, name, made["token"].as_str().unwrap());
    (file, made["configuration"].as_str().unwrap().to_owned())
}

fn set_topology(host: &Host) {
    let topology = repository("topologies/cvr-asset");
    host.ask(&["topology", "set", text(&topology)]).ended(0);
}

/// An active instance; its camera is away.
fn activate(host: &Host, name: &str) {
    let set = ["instance", "set", name, "--topology", "ContinuousRecording", "-p"];
    host.ask(&[&set[..], &["rtspUrl=rtsp://127.0.0.1:9/never"]].concat())
        .ended(0);
    host.ask(&["instance", "activate", name]).ended(0);
}

fn instances(host: &Host) -> Vec<(String, String)> {
    let list = host.json(&["instance", "list"]);
    let of = |one: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (text(&one["name"]), text(&one["properties"]["state"]))
    };
    list["value"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_reload_revokes_tokens_and_changes_the_policy_and_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (first, first_lines) = token_file(folder.path(), "first");
    let (second, second_lines) = token_file(folder.path(), "second");
    let proxied = "[server]\nbehind_proxy = true\n";
    let config = write(
        folder.path(),
        "mediagraph.toml",
        &format!("{proxied}{first_lines}"),
    );
    let host = Host::start(&folder.path().join("state"), Some(&config)).with_token(&first);
    set_topology(&host);
    activate(&host, "before");
    let running = || host.json(&["instance", "status", "before"])["since"].clone();
    let since = running();
    assert!(since.is_string(), "{since}");

    // A mistake: everything stays as it was.
    write(
        folder.path(),
        "mediagraph.toml",
        &format!("{proxied}{first_lines}[limits]\nmax_instnces = 1\n"),
    );
    host.process.signal("HUP");
    host.process.wait_stderr("everything stays as it was", SOON);
    host.process.wait_stderr("did you mean `max_instances`?", SOON);
    assert_eq!(running(), since);

    // Both tokens, another policy, and something that needs a restart.
    let changed = format!(
        "{proxied}{first_lines}{second_lines}[policy.networks]\ndeny = ['127.0.0.0/8']\n[limits]\nmax_instances = 9\n"
    );
    write(folder.path(), "mediagraph.toml", &changed);
    host.process.signal("HUP");
    host.process
        .wait_stderr("this holds from now on settings=\"tokens, policy\"", SOON);
    host.process
        .wait_stderr("this holds only after a restart settings=\"limits\"", SOON);
    // The instance that runs is not touched by the policy that would refuse it now.
    assert_eq!(running(), since);
    let set = [
        "instance",
        "set",
        "after",
        "--topology",
        "ContinuousRecording",
        "-p",
    ];
    let refused = host.ask(&[&set[..], &["rtspUrl=rtsp://127.0.0.1:9/never"]].concat());
    assert_ne!(refused.code, Some(0));
    assert!(
        refused
            .stderr
            .contains("`policy.networks.deny` holds `127.0.0.0/8`"),
        "{}",
        refused.stderr
    );

    // The first token goes.
    write(
        folder.path(),
        "mediagraph.toml",
        &format!("{proxied}{second_lines}"),
    );
    host.process.signal("HUP");
    until("the first token is refused", SOON, || {
        (host.ask(&["instance", "list"]).code != Some(0)).then_some(())
    });
    let host = host.with_token(&second);
    assert_eq!(
        host.json(&["instance", "status", "before"])["since"],
        since,
        "the graph was disturbed"
    );
    let ended = host.stop();
    let token = std::fs::read_to_string(first).unwrap();
    assert!(!ended.stderr.contains(&token));
}

#[test]
fn components_of_active_graphs_share_the_memory_that_the_policy_allows() {
    let folder = tempfile::tempdir().unwrap();
    // Two built-in components may use 128 MiB each.
    let config = write(
        folder.path(),
        "mediagraph.toml",
        "[policy]\nmax_guest_memory_mib = 300\n",
    );
    let host = Host::start(&folder.path().join("state"), Some(&config));
    let topology = repository("topologies/evr-motion-assets");
    host.ask(&["topology", "set", text(&topology)]).ended(0);
    for name in ["a", "b"] {
        let set = ["instance", "set", name, "--topology", "MotionToAssets", "-p"];
        host.ask(&[&set[..], &["rtspUrl=rtsp://127.0.0.1:9/never"]].concat())
            .ended(0);
    }
    host.ask(&["instance", "activate", "a"]).ended(0);
    let refused = host.ask(&["instance", "activate", "b"]);
    assert_ne!(refused.code, Some(0));
    assert!(
        refused.stderr.contains("`policy.max_guest_memory_mib` is 300"),
        "{}",
        refused.stderr
    );
    host.ask(&["instance", "deactivate", "a"]).ended(0);
    host.ask(&["instance", "activate", "b"]).ended(0);
    host.stop();
}

/// What a host tells its service manager.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn new(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self {
            socket,
            heard: Vec::new(),
        }
    }

    /// Waits until something else is told that begins so; gives everything that was told with it.
    fn hear(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + START;
        let mut message = [0; 4096];
        while Instant::now() < deadline {
            if let Ok(length) = self.socket.recv(&mut message) {
                let told = String::from_utf8(message[..length].to_vec()).unwrap();
                self.heard.push(told.clone());
                if told.starts_with(wanted) {
                    return told;
                }
            }
        }
        panic!("the host did not say `{wanted}` but {:#?}", self.heard);
    }
}

#[test]
fn the_service_manager_is_told_of_start_reload_and_stop_and_the_watchdog_is_fed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let mut manager = Manager::new(&path);
    let mut command = Host::command(&folder.path().join("state"), None);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "500000");
    let host = Host::of(&mut command);
    let ready = manager.hear("READY=1");
    assert!(ready.contains("STATUS="), "{ready}");
    for _ in 0..3 {
        manager.hear("WATCHDOG=1");
    }
    host.process.signal("HUP");
    let reloading = manager.hear("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    let ready = manager.hear("READY=1");
    assert!(ready.contains("STATUS=0 instances"), "{ready}");
    host.process.signal("TERM");
    manager.hear("STOPPING=1");
    let ended = host.process.end(DRAIN);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn a_restored_host_has_the_same_instances_and_those_that_were_active_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let (state, out, restored) = (
        folder.path().join("state"),
        folder.path().join("backup"),
        folder.path().join("restored"),
    );
    let host = Host::start(&state, None);
    set_topology(&host);
    activate(&host, "active");
    activate(&host, "resting");
    host.ask(&["instance", "deactivate", "resting"]).ended(0);
    let expected = instances(&host);
    mediagraph(&["backup", "--state-dir", text(&state), text(&out)]).ended(0);
    host.ask(&["instance", "deactivate", "active"]).ended(0);
    host.stop();

    mediagraph(&["restore", "--state-dir", text(&restored), text(&out)]).ended(0);
    let host = Host::start(&restored, None);
    until("the instances are as they were", START, || {
        (instances(&host) == expected).then_some(())
    });
    let manifest = mediagraph(&["restore", "--check", "--json", text(&out)]).ended(0);
    assert!(manifest.stdout.contains("\"journal.db\""), "{}", manifest.stdout);
    host.stop();
}
