//! What a rule lets go, in a container as in a folder.

use std::sync::Arc;

use mediagraph::media::{SystemClock, Ticks};
use mediagraph::recording::store::azure::AzureStore;
use mediagraph::state::StateDir;

use crate::azurite::Azurite;
use crate::bench::Bench;
use crate::clip::{Clip, run};
use crate::common::graph::SOON;
use crate::common::mediagraph;
use crate::common::process::until;
use crate::real::{configuration, serve};

const KEYFRAMES: &[&str] = &["-bf", "0", "-g", "25", "-keyint_min", "25", "-b:v", "2M"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_goes_from_the_container_too_the_oldest_first_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(&folder.path().join("azurite"));
    let state = folder.path().join("state");
    let host = StateDir::open(&state).unwrap().host_id().to_owned();
    let clip = Clip::make(KEYFRAMES, false);
    let settings = azurite.settings(azurite.address);
    let store = AzureStore::new(&settings, Arc::new(SystemClock::new())).unwrap();
    let mut bench = Bench::open(&state, &host, Arc::new(store));
    bench.run();
    for number in 0..4 {
        bench.record("lobby", &clip.later(Ticks(number * 10 * 90_000)));
    }
    bench.drained().await;
    bench.end().await;
    tokio::task::block_in_place(|| {
        let segments = || {
            let mut names = azurite.names();
            names.retain(|name| name.ends_with(".m4s"));
            names.sort();
            names
        };
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
