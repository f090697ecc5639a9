//! What a rule lets go, what is held, and what is deleted: in a container as in a folder.

use std::path::Path;
use std::sync::Arc;

use mediagraph::media::{SystemClock, Ticks};
use mediagraph::recording::store::azure::AzureStore;
use mediagraph::state::StateDir;

use crate::azurite::Azurite;
use crate::bench::Bench;
use crate::clip::{Clip, run};
use crate::common::graph::SOON;
use crate::common::host::wire::Request;
use crate::common::mediagraph;
use crate::common::process::until;
use crate::real::{configuration, serve};

const KEYFRAMES: &[&str] = &["-bf", "0", "-g", "25", "-keyint_min", "25", "-b:v", "2M"];

/// So many clips of ten seconds, one after the other, are in the container afterwards.
async fn recorded(azurite: &Azurite, state: &Path, clips: i64) {
    let host = StateDir::open(state).unwrap().host_id().to_owned();
    let clip = Clip::make(KEYFRAMES, false);
    let settings = azurite.settings(azurite.address);
    let store = AzureStore::new(&settings, Arc::new(SystemClock::new())).unwrap();
    let mut bench = Bench::open(state, &host, Arc::new(store));
    bench.run();
    for number in 0..clips {
        bench.record("lobby", &clip.later(Ticks(number * 10 * 90_000)));
    }
    bench.drained().await;
    bench.end().await;
}

/// The names of those in the container, the oldest first.
fn segments(azurite: &Azurite) -> Vec<String> {
    let mut names = azurite.names();
    names.retain(|name| name.ends_with(".m4s"));
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_goes_from_the_container_too_the_oldest_first_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    let state = folder.path().join("state");
    recorded(&azurite, &state, 4).await;
    tokio::task::block_in_place(|| {
        let segments = || segments(&azurite);
        let before = segments();
        assert_eq!(before.len(), 20);
        let config = configuration(folder.path(), &azurite, azurite.address);
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(
            &config,
            format!("{text}[retention]\n\"lob*\" = {{ max_size = \"1MiB\" }}\n"),
        )
        .unwrap();
        let host = serve(&state, &config);
        let events = host.events("");
        until("the oldest are gone", SOON, || {
            (!segments().contains(&before[0])).then_some(())
        });
        let day = azurite
            .names()
            .into_iter()
            .find(|name| name.ends_with(".video.m3u8"))
            .unwrap();
        until("the playlist says so", SOON, || {
            let (there, listed) = (segments(), azurite.text(&day));
            let names = listed.lines().filter(|line| line.ends_with(".m4s")).count();
            (names == there.len()).then_some(())
        });
        let after = segments();
        assert_eq!(before[before.len() - after.len()..], after, "the newest stay");
        assert!(!after.is_empty());
        until("it is told", SOON, || {
            events.text().contains("\"reason\":\"retention\"").then_some(())
        });
        host.stop();
        let covered = run(mediagraph()
            .args(["coverage", "--json", "--since", "30d", "--state-dir"])
            .arg(&state));
        assert!(covered.contains("\"retention\""), "{covered}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_goes_from_the_container_and_what_is_held_stays_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    let state = folder.path().join("state");
    recorded(&azurite, &state, 2).await;
    tokio::task::block_in_place(|| {
        let segments = || segments(&azurite);
        let before = segments();
        assert_eq!(before.len(), 10);
        let config = configuration(folder.path(), &azurite, azurite.address);
        let text = std::fs::read_to_string(&config).unwrap();
        let rule = "[retention]\n\"lob*\" = { max_size = \"1KiB\" }\n";
        let quiet = serve(&state, &config);
        let day = "2026-11-20T12:00:";
        // Each segment has two seconds: the first and the last stay, the sixth is deleted, the others are too much for the rule.
        let held = format!(r#"{{"startTime": "{day}18.5Z", "reason": "case 12"}}"#);
        let held = Request::new("POST", "/assets/lobby/holds").json(&held);
        assert_eq!(quiet.send(&held).status, 201);
        let early = format!(r#"{{"endTime": "{day}00.5Z"}}"#);
        let early = Request::new("POST", "/assets/lobby/holds").json(&early);
        assert_eq!(quiet.send(&early).status, 201);
        let delete = |start: &str, end: &str| {
            let target = format!("/assets/lobby?startTime={day}{start}Z&endTime={day}{end}Z");
            quiet.send(&Request::new("DELETE", &target))
        };
        assert_eq!(delete("10.5", "19").status, 409);
        let deleted = delete("10.5", "11");
        assert_eq!(deleted.status, 200, "{deleted:?}");
        assert_eq!(deleted.json()["segments"], 1);
        until("it is gone", SOON, || {
            (!segments().contains(&before[5])).then_some(())
        });
        assert_eq!(segments().len(), 9, "its neighbours stay");
        quiet.stop();
        std::fs::write(&config, format!("{text}{rule}")).unwrap();
        let host = serve(&state, &config);
        until("what is not held is gone", SOON, || {
            (segments() == [before[0].clone(), before[9].clone()]).then_some(())
        });
        host.stop();
    });
}
