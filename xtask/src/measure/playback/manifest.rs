//! How long a host takes to write the manifests of a day, and to say what there is, when its index knows a year.
//!
//! Each request is for another day, so that nothing of it was asked before, and is timed from the connection to its last byte.

use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::Value;

use super::archive::{Archive, Camera, FRAGMENT_S, SEGMENT_S};
use super::http;
use crate::measure::serve::Host;
use crate::measure::{Besides, Context, Reading, fresh_folder, median};

/// Of a manifest.
pub(in crate::measure) const GOAL_MS: f64 = 20.0;
/// Of what there is.
const AVAILABLE_GOAL_MS: f64 = 10.0;
const YEAR: u64 = 365;
/// Days that are asked for.
const ASKED: usize = 20;
const DAY_S: u64 = 86_400;
/// Days of the months from March on.
const MONTHS: [u64; 10] = [31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MARCH: usize = 3;

/// A manifest, and how much of what must be in one of a day.
struct Manifest {
    name: &'static str,
    file: &'static str,
    mark: &'static str,
    count: u64,
}

const MANIFESTS: [Manifest; 3] = [
    Manifest {
        name: "master playlist",
        file: "index.m3u8",
        mark: "#EXT-X-STREAM-INF",
        count: 1,
    },
    Manifest {
        name: "playlist",
        file: "video.m3u8",
        mark: "#EXTINF:",
        count: DAY_S / FRAGMENT_S,
    },
    Manifest {
        name: "DASH manifest",
        file: "manifest.mpd",
        mark: "<SegmentTimeline>",
        count: 1,
    },
];

/// Asks for days of a year, or of so many days as asked.
///
/// # Errors
/// When something does not run, or an answer is not what it must be.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let days = context.rounds.map_or(YEAR, |days| days as u64);
    let folder = fresh_folder("manifest")?;
    let state = folder.join("state");
    let binary = context.host()?;
    let archive = Archive::year(context, &state, &Camera::Small.clip(&folder)?, days)?;
    let host = Host::start(&binary, &state)?;
    let asked = asked(days);
    let mut times: Vec<Vec<f64>> = Vec::new();
    for manifest in &MANIFESTS {
        eprintln!("asking for the {} of {} days", manifest.name, asked.len());
        let one =
            |(from, to, _): &(String, String, String)| ask_manifest(&host, &archive, manifest, from, to);
        times.push(asked.iter().map(one).collect::<Result<_>>()?);
    }
    eprintln!("asking what there is of {} days", asked.len());
    let one = |(from, _, to): &(String, String, String)| ask_available(&host, &archive, from, to);
    let available: Vec<f64> = asked.iter().map(one).collect::<Result<_>>()?;
    drop(host);
    std::fs::remove_dir_all(&folder)?;
    reading(&archive, days, &times, &available)
}

/// Beginnings of days, spread over all of them, with the moments 24 and 25 hours later.
fn asked(days: u64) -> Vec<(String, String, String)> {
    // The last one that has a day behind it.
    let last = days.min(MONTHS.iter().sum()).saturating_sub(1);
    let step = usize::try_from(last).unwrap_or(ASKED).div_ceil(ASKED).max(1);
    let all = (0..last).step_by(step);
    all.filter_map(|day| {
        let (from, to) = (date(day)?, date(day + 1)?);
        Some((
            format!("{from}T00:00:00Z"),
            format!("{to}T00:00:00Z"),
            format!("{to}T01:00:00Z"),
        ))
    })
    .collect()
}

/// The day that comes so many days behind the first of March.
fn date(mut day: u64) -> Option<String> {
    for (month, length) in (MARCH..).zip(MONTHS) {
        if day < length {
            return Some(format!("2026-{month:02}-{:02}", day + 1));
        }
        day -= length;
    }
    None
}

/// Milliseconds.
fn ask_manifest(host: &Host, archive: &Archive, manifest: &Manifest, from: &str, to: &str) -> Result<f64> {
    let target = format!(
        "/assets/{}/{}?startTime={from}&endTime={to}",
        archive.asset, manifest.file
    );
    let began = Instant::now();
    let bytes = http::bytes(host.address(), &target)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    let text = String::from_utf8(bytes)?;
    let found = text.matches(manifest.mark).count() as u64;
    if found != manifest.count {
        bail!(
            "GET {target}: {found} times {}, not {}",
            manifest.mark,
            manifest.count
        );
    }
    Ok(took)
}

/// Milliseconds.
fn ask_available(host: &Host, archive: &Archive, from: &str, to: &str) -> Result<f64> {
    let target = format!(
        "/assets/{}/availableMedia?precision=full&startTime={from}&endTime={to}",
        archive.asset
    );
    let began = Instant::now();
    let text = http::text(host.address(), &target)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    let answer: Value = serde_json::from_str(&text)?;
    let at = |end: &str| {
        let moment = answer.pointer(&format!("/timeRanges/0/{end}"))?.as_str()?;
        crate::time::parse_iso(moment)
    };
    let hours = at("end").unwrap_or(0.0) - at("start").unwrap_or(0.0);
    if (hours - 25.0 * 3600.0).abs() > 1.0 {
        bail!("GET {target}: 25 hours without a hole should be there: {text}");
    }
    Ok(took)
}

fn reading(archive: &Archive, days: u64, times: &[Vec<f64>], available: &[f64]) -> Result<Reading> {
    let worst = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let samples = times
        .iter()
        .map(|times| median(times))
        .collect::<Result<Vec<_>>>()?;
    let told: Vec<String> = MANIFESTS
        .iter()
        .zip(times)
        .zip(&samples)
        .map(|((manifest, times), median)| {
            format!("{} {median:.1} ms, at most {:.1} ms", manifest.name, worst(times))
        })
        .collect();
    let there = median(available)?;
    Ok(Reading {
        value: worst(&samples),
        against: format!(
            "medians of {} days out of {days} in an index of {} segments and {:.0} MB; a day has {} segments and {} fragments; {}; \
             availableMedia {there:.1} ms, at most {:.1} ms",
            available.len(),
            archive.segments,
            archive.index_bytes as f64 / 1e6,
            DAY_S / SEGMENT_S,
            DAY_S / FRAGMENT_S,
            told.join("; "),
            worst(available)
        ),
        samples,
        besides: vec![Besides {
            name: "availableMedia of 25 h",
            value: there,
            unit: "ms",
            goal: AVAILABLE_GOAL_MS,
            met: there <= AVAILABLE_GOAL_MS,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_spread_over_the_year_and_have_one_behind_them() {
        let year = asked(365);
        assert!((18..=ASKED).contains(&year.len()), "{}", year.len());
        assert_eq!(year[0].0, "2026-03-01T00:00:00Z");
        let few = asked(3);
        assert_eq!(few.len(), 2);
        assert_eq!(
            few[1],
            (
                "2026-03-02T00:00:00Z".to_owned(),
                "2026-03-03T00:00:00Z".to_owned(),
                "2026-03-03T01:00:00Z".to_owned()
            )
        );
        assert_eq!(date(31).as_deref(), Some("2026-04-01"));
        assert_eq!(date(305).as_deref(), Some("2026-12-31"));
        assert_eq!(date(306), None);
    }

    #[test]
    fn the_figure_is_that_of_the_slowest_manifest() {
        let times = [vec![1.0], vec![9.0, 30.0, 10.0], vec![2.0]];
        let reading = reading(&Archive::default(), 365, &times, &[11.0]).unwrap();
        assert_eq!((reading.value, reading.besides[0].met), (10.0, false));
    }
}
