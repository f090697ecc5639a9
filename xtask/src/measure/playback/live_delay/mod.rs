//! How far the console's live view is behind a camera: from the moment when the camera sends the first byte of a picture to the moment when
//! Chromium shows it and it has been read from the screen. The picture says itself which it is; the camera's ledger says when it was sent,
//! by the same clock.
//!
//! What a real camera takes from the lens to its socket comes on top of it.

mod numbered;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use self::numbered::{BITS, HEIGHT, make_clip};
use super::{browser, quantile};
use crate::demo::start_camera_with;
use crate::measure::serve::{Host, until};
use crate::measure::{Context, Reading, fresh_folder, median};

/// Of the slowest picture.
pub(in crate::measure) const GOAL_MS: f64 = 2000.0;
/// How often the view is opened, each time between other pictures.
const OPENINGS: usize = 6;
/// How long each is watched.
const SECONDS: u64 = 10;
const TOPOLOGY: &str = "xtask/src/measure/record-cost.topology.json";
const RECORDER: &str = "archive";
const INSTANCE: &str = "glass";
const STARTED: Duration = Duration::from_secs(60);
/// Part of the pictures that must have been read, and of those that were sent meanwhile that must have been shown.
const READ: f64 = 0.98;
const SHOWN: f64 = 0.5;

/// What the script prints; times in milliseconds since the Unix epoch.
#[derive(Debug, Deserialize)]
struct Found {
    openings: Vec<Opening>,
}

#[derive(Debug, Deserialize)]
struct Opening {
    /// The page was asked for.
    asked: f64,
    /// Numbers of pictures, and when they had been read.
    shown: Vec<(Option<u64>, f64)>,
}

/// A line of the camera's ledger.
#[derive(Debug, Deserialize)]
struct Sent {
    kind: String,
    index: u64,
    /// Microseconds since the Unix epoch.
    sent: f64,
}

/// Opens the view [`OPENINGS`] times, or as often as asked.
///
/// # Errors
/// When something does not run, or hardly a picture is shown.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let openings = context.rounds.unwrap_or(OPENINGS);
    let folder = fresh_folder("live-delay")?;
    let binary = context.host()?;
    let (clip, ledger) = (folder.join("numbered.mp4"), folder.join("ledger.jsonl"));
    eprintln!("making a clip whose pictures say which they are");
    make_clip(&clip)?;
    let (mut camera, url) = start_camera_with(&binary, &clip, Some(&ledger))?;
    let mut host = Host::start(&binary, &folder.join("state"))?;
    let topology = host.set_topology(TOPOLOGY)?;
    host.set_instance(INSTANCE, &topology, &[("rtspUrl", &url)])?;
    host.instance("GraphInstanceActivate", INSTANCE)?;
    until("picture from the camera", STARTED, || {
        let received = host
            .node(INSTANCE, RECORDER)?
            .get("received")
            .and_then(Value::as_u64);
        Ok(received.filter(|count| *count > 0).map(drop))
    })?;
    let arguments = [
        "--openings".to_owned(),
        openings.to_string(),
        "--seconds".to_owned(),
        SECONDS.to_string(),
        "--bits".to_owned(),
        BITS.to_string(),
        "--height".to_owned(),
        HEIGHT.to_string(),
        format!("http://{}/#/live/{INSTANCE}", host.address()),
    ];
    let found: Found = browser::run("live.py", &arguments)?;
    host.stop()?;
    camera.interrupt()?;
    camera.wait(STARTED)?;
    reading(&found, &sent(&ledger)?)
}

/// When each picture was sent, in milliseconds since the Unix epoch.
fn sent(ledger: &Path) -> Result<Vec<(u64, f64)>> {
    let text = std::fs::read_to_string(ledger)?;
    let line = |line: &str| -> Result<Sent> {
        serde_json::from_str(line).context("a line of the camera's ledger is not to be read")
    };
    let lines: Vec<Sent> = text.lines().map(line).collect::<Result<_>>()?;
    let video = lines.into_iter().filter(|sent| sent.kind == "video");
    Ok(video.map(|sent| (sent.index, sent.sent / 1e3)).collect())
}

/// How long before `at` a picture was sent: the clip is played again and again, so it is the last time.
fn delay(sent: &[(u64, f64)], number: u64, at: f64) -> Option<f64> {
    let times = sent.iter().rev().filter(|(index, _)| *index == number);
    times.map(|(_, sent)| at - sent).find(|delay| *delay >= 0.0)
}

fn reading(found: &Found, sent: &[(u64, f64)]) -> Result<Reading> {
    let (mut delays, mut slowest, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut read, mut all) = (0, 0);
    for opening in &found.openings {
        let numbers = opening
            .shown
            .iter()
            .filter_map(|(number, at)| Some(((*number)?, *at)));
        let own: Option<Vec<f64>> = numbers.map(|(number, at)| delay(sent, number, at)).collect();
        let own = own.context("a picture was shown that the camera had not sent")?;
        let (Some((_, first)), Some((_, last))) = (opening.shown.first(), opening.shown.last()) else {
            bail!("the view showed nothing");
        };
        let meanwhile = sent.iter().filter(|(_, at)| at >= first && at <= last).count();
        if (own.len() as f64) < SHOWN * meanwhile as f64 {
            bail!("{} pictures were shown while {meanwhile} were sent", own.len());
        }
        read += own.len();
        all += opening.shown.len();
        slowest.push(quantile(&own, 1.0)?);
        firsts.push(first - opening.asked);
        delays.extend(own);
    }
    if (read as f64) < READ * all as f64 {
        bail!("of {all} pictures that were shown, {read} said which they are");
    }
    let middle = median(&delays)?;
    Ok(Reading {
        value: quantile(&delays, 1.0)?,
        against: format!(
            "from the camera's first byte to the picture on the screen of Chromium; the slowest of {read} pictures in {} openings of {SECONDS} s; \
             keyframes every second; median {middle:.0} ms, p95 {:.0} ms; an opened page shows its first picture after {:.0} ms",
            found.openings.len(),
            quantile(&delays, 0.95)?,
            median(&firsts)?
        ),
        samples: slowest,
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_was_sent_the_last_time_before_it_was_shown() {
        let sent = [(0, 1000.0), (1, 1040.0), (0, 61_000.0), (1, 61_040.0)];
        assert_eq!(delay(&sent, 1, 1100.0), Some(60.0));
        assert_eq!(delay(&sent, 0, 61_500.0), Some(500.0));
        assert_eq!(delay(&sent, 2, 61_500.0), None);
        assert_eq!(delay(&sent, 0, 900.0), None);
    }

    fn shown(pictures: &[(Option<u64>, f64)]) -> Found {
        Found {
            openings: vec![Opening {
                asked: 900.0,
                shown: pictures.to_vec(),
            }],
        }
    }

    #[test]
    fn the_slowest_picture_counts() {
        let sent = [(0, 1000.0), (1, 1040.0), (2, 1080.0)];
        let found = shown(&[(Some(0), 1100.0), (Some(1), 1540.0), (Some(2), 1600.0)]);
        let reading = reading(&found, &sent).unwrap();
        assert_eq!(reading.value, 520.0);
        assert!(reading.against.contains("median 500 ms"), "{}", reading.against);
    }

    #[test]
    fn what_cannot_be_read_or_was_not_sent_is_no_result() {
        let sent = [(0, 1000.0)];
        assert!(reading(&shown(&[(None, 1100.0), (Some(0), 1200.0)]), &sent).is_err());
        assert!(reading(&shown(&[(Some(5), 1100.0)]), &sent).is_err());
        assert!(reading(&shown(&[]), &sent).is_err());
    }
}
