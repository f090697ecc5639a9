//! Whether fifty viewers cost a recorded picture: four cameras are recorded while some look at them live, some play what is just being
//! recorded and some what was recorded before. Each picture that a camera says it has sent must be in its recording.

mod lost;
mod viewer;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::lost::Lost;
use self::viewer::{Kind, Viewer};
use super::archive::Camera;
use crate::demo::{check_assets, start_camera_with};
use crate::measure::serve::{Host, until};
use crate::measure::{Besides, Context, Reading, fresh_folder, kill9, recordings};
use crate::process::Guard;

const CAMERAS: usize = 4;
const VIEWERS: usize = 50;
/// Of five viewers, two look live, two play what grows, one plays what was.
const KINDS: [Kind; 5] = [
    Kind::Live,
    Kind::Growing,
    Kind::Live,
    Kind::Growing,
    Kind::Recorded,
];
const TOPOLOGY: &str = "xtask/src/measure/record-cost.topology.json";
/// What the topology calls its source and its sink.
const SOURCE: &str = "camera";
const RECORDER: &str = "archive";
/// What its assets are called before the name of the instance.
const PREFIX: &str = "cost-";
/// Pictures that a recorder must have seen before anybody looks: a segment of 30 s, and a little.
const ENOUGH_UNITS: u64 = 1_050;
const STARTED: Duration = Duration::from_secs(120);
/// How long is looked.
const SECONDS: u64 = 60;
/// Of our cameras, in bits a second.
const RATE: f64 = 4e6;
/// A viewer who got less than this part of a camera's bytes did not look.
const KEPT_UP: f64 = 0.8;

/// A camera, and the instance that records it.
struct Recorded {
    name: String,
    ledger: PathBuf,
    camera: Guard,
}

/// Records and looks.
///
/// # Errors
/// When something does not run.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let seconds = context.rounds.map_or(SECONDS, |seconds| seconds as u64);
    let folder = fresh_folder("viewers")?;
    let binary = context.host()?;
    let clip = Camera::Large.clip(&folder)?;
    let state = folder.join("state");
    let mut host = Host::start(&binary, &state)?;
    let cameras = record(&host, &binary, &clip, &folder)?;
    eprintln!("waiting until a segment of each camera is recorded");
    wait(&host, &cameras)?;
    eprintln!("{VIEWERS} viewers for {seconds} s");
    let watched = watch(host.address(), &cameras, Duration::from_secs(seconds))?;
    host.stop()?;
    let mut lost = Vec::new();
    for recorded in cameras {
        // Its ledger is whole when it has ended.
        let (name, ledger) = (recorded.name, recorded.ledger);
        end(recorded.camera)?;
        lost.push(compare(&binary, &state, &name, &ledger)?);
    }
    let unsound = recordings::unsound(&binary, &state)?;
    unsound.iter().for_each(|finding| eprintln!("{finding}"));
    Ok(reading(&watched, &lost, unsound.len(), seconds))
}

fn record(host: &Host, binary: &Path, clip: &Path, folder: &Path) -> Result<Vec<Recorded>> {
    let topology = host.set_topology(TOPOLOGY)?;
    let one = |number: usize| {
        let name = format!("viewed{number}");
        let ledger = folder.join(format!("{name}.jsonl"));
        let (camera, url) = start_camera_with(binary, clip, Some(&ledger))?;
        host.set_instance(&name, &topology, &[("rtspUrl", &url)])?;
        host.instance("GraphInstanceActivate", &name)?;
        Ok(Recorded { name, ledger, camera })
    };
    (0..CAMERAS).map(one).collect()
}

fn wait(host: &Host, cameras: &[Recorded]) -> Result<()> {
    until("segment of every camera", STARTED, || {
        for recorded in cameras {
            let node = host.node(&recorded.name, RECORDER)?;
            if node.get("received").and_then(Value::as_u64).unwrap_or(0) < ENOUGH_UNITS {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
}

/// Every viewer on a thread of its own; gives the bytes that each got.
fn watch(address: SocketAddr, cameras: &[Recorded], length: Duration) -> Result<Vec<(Kind, u64)>> {
    let until = Instant::now() + length;
    let viewers: Vec<Viewer> = (0..VIEWERS)
        .zip(KINDS.iter().cycle())
        .zip(cameras.iter().cycle())
        .map(|((_, kind), recorded)| Viewer {
            kind: *kind,
            address,
            live: format!("/live/{}/{SOURCE}", recorded.name),
            asset: format!("/assets/{PREFIX}{}", recorded.name),
            until,
        })
        .collect();
    std::thread::scope(|scope| {
        let looking: Vec<_> = viewers
            .iter()
            .map(|viewer| scope.spawn(|| viewer.look()))
            .collect();
        let got = looking.into_iter().zip(&viewers).map(|(looking, viewer)| {
            let looked = looking.join().map_err(|_| anyhow::anyhow!("a viewer panicked"))?;
            let bytes = looked.with_context(|| format!("a viewer ({}) was cut off", viewer.kind.name()))?;
            Ok((viewer.kind, bytes))
        });
        got.collect()
    })
}

fn end(mut camera: Guard) -> Result<()> {
    camera.interrupt()?;
    camera.wait(STARTED).map(drop)
}

/// What a camera sent, and what its recording has of it.
fn compare(binary: &Path, state: &Path, name: &str, ledger: &Path) -> Result<Lost> {
    let clips = check_assets(binary, state)?;
    let asset = format!("{PREFIX}{name}");
    if !clips.iter().any(|clip| clip.name == asset) {
        bail!("there is no recording {asset}");
    }
    let samples = recordings::samples(binary, &state.join(recordings::STORE).join(&asset))?;
    let video = samples.into_iter().filter(|sample| sample.track == "video");
    let recorded: Vec<String> = video.map(|sample| sample.sha256).collect();
    let sent = kill9::pictures(&std::fs::read_to_string(ledger)?);
    let sent: Vec<String> = sent.into_iter().map(|sent| sent.sha256).collect();
    Ok(lost::find(&sent, &recorded))
}

fn reading(watched: &[(Kind, u64)], lost: &[Lost], unsound: usize, seconds: u64) -> Reading {
    let whole = RATE / 8.0 * seconds as f64;
    let behind = watched
        .iter()
        .filter(|(_, bytes)| (*bytes as f64) < KEPT_UP * whole)
        .count();
    let sum = |of: fn(&Lost) -> u64| lost.iter().map(of).sum::<u64>();
    let missing = sum(|one| one.missing + one.foreign);
    let told: Vec<String> = [Kind::Live, Kind::Growing, Kind::Recorded]
        .iter()
        .map(|kind| {
            let of: Vec<u64> = watched
                .iter()
                .filter(|(one, _)| one == kind)
                .map(|(_, bytes)| *bytes)
                .collect();
            let least = of.iter().min().map_or(0.0, |least| *least as f64 / whole);
            format!(
                "{} {}, each at least {:.0} percent of its camera",
                of.len(),
                kind.name(),
                least * 100.0
            )
        })
        .collect();
    Reading {
        value: missing as f64,
        against: format!(
            "{} pictures that {} cameras of {} sent, {} recorded; {seconds} s with {} viewers: {}",
            sum(|one| one.sent),
            lost.len(),
            Camera::Large.name(),
            sum(|one| one.recorded),
            watched.len(),
            told.join("; ")
        ),
        samples: lost.iter().map(|one| one.missing as f64).collect(),
        besides: vec![
            Besides::none("viewers who did not keep up", behind),
            Besides::none("recordings unsound", unsound),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_missing_counts_and_so_do_viewers_who_saw_little() {
        let lost = [
            Lost {
                sent: 10,
                recorded: 9,
                missing: 1,
                foreign: 0,
            },
            Lost::default(),
        ];
        let reading = reading(&[(Kind::Live, 30_000_000), (Kind::Recorded, 5)], &lost, 0, 60);
        assert_eq!((reading.value, reading.besides[0].value), (1.0, 1.0));
        assert!(reading.besides[1].met);
    }

    #[test]
    fn fifty_viewers_look_in_all_three_ways() {
        let kinds: Vec<Kind> = KINDS.iter().cycle().take(VIEWERS).copied().collect();
        let of = |kind| kinds.iter().filter(|one| **one == kind).count();
        assert_eq!(
            (of(Kind::Live), of(Kind::Growing), of(Kind::Recorded)),
            (20, 20, 10)
        );
    }
}
