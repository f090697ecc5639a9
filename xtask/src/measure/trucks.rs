//! Whether a clip is recorded of each truck, and of nothing else, on streets that the model has never seen.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{Besides, Context, Reading, fresh_folder};
use crate::clip::encoder::Encoder;
use crate::demo::passages::{Catch, compare};
use crate::demo::{Event, check_assets, trucks};
use crate::project;
use crate::street::bodies::Class;
use crate::street::film::{Part, film};
use crate::street::truth::StreetTruth;
use crate::street::weather::Weather;

/// None of them is among those of the training, nor among those (5 to 11 million) on which it was decided how sure the model must be.
const SEEDS: [u64; 3] = [12_000_000, 13_000_000, 14_000_000];
/// Trucks in each of the six weathers, each on a street of its own.
const TRUCKS: usize = 11;
/// What each seed has at least.
const AT_LEAST: usize = 60;
/// Seconds without a truck before each.
const PAUSE: (f32, f32) = (6.0, 9.0);
const FPS: u32 = 8;
/// The share of trucks to be caught.
pub(super) const GOAL: f64 = 0.95;
/// `replay` begins here, in seconds since the Unix epoch.
const START: (&str, f64) = ("2000-01-01T00:00:00Z", 946_684_800.0);

/// Draws, records and compares.
///
/// # Errors
/// Without `ffmpeg`, or when something does not run.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let folder = fresh_folder("trucks")?;
    let host = context.host()?;
    let topology = folder.join("topology.json");
    trucks::write_topology(&topology)?;
    let mut all = Vec::new();
    let first = context.seed.map(|seed| vec![seed]);
    for seed in first
        .unwrap_or_else(|| SEEDS.to_vec())
        .into_iter()
        .take(context.rounds.unwrap_or(3))
    {
        let one = one(&host, &topology, &folder, seed)?;
        eprintln!("seed {seed}: {}", one.text());
        for line in &one.remarks {
            eprintln!("  {line}");
        }
        all.push(one);
    }
    reading(&all)
}

/// What came of one seed.
struct One {
    catch: Catch,
    /// Clips in which the first that the gate would take for a truck was none, whether or not one came after it.
    misled: usize,
    others: usize,
    remarks: Vec<String>,
}

impl One {
    fn text(&self) -> String {
        format!(
            "{} of {} trucks caught, {} false clips of {} ({} began with something else), {} other vehicles",
            self.catch.caught,
            self.catch.passed,
            self.catch.false_clips.len(),
            self.catch.clips,
            self.misled,
            self.others
        )
    }
}

fn reading(all: &[One]) -> Result<Reading> {
    if all
        .iter()
        .any(|one| one.catch.passed < AT_LEAST || one.others < AT_LEAST)
    {
        bail!("a street is too empty: {AT_LEAST} trucks and as many other vehicles are wanted");
    }
    let sum = |of: fn(&One) -> usize| all.iter().map(of).sum::<usize>() as f64;
    let (caught, passed) = (sum(|one| one.catch.caught), sum(|one| one.catch.passed));
    let false_clips = sum(|one| one.catch.false_clips.len());
    let texts: Vec<String> = all.iter().map(One::text).collect();
    Ok(Reading {
        value: caught / passed.max(1.0),
        against: format!(
            "{}; six weathers and streets each, none seen in training",
            texts.join("; ")
        ),
        samples: all.iter().map(|one| one.catch.share()).collect(),
        besides: vec![Besides {
            name: "clips without a truck",
            value: false_clips,
            unit: "clips",
            goal: 0.0,
            met: false_clips == 0.0,
        }],
    })
}

fn one(host: &Path, topology: &Path, folder: &Path, seed: u64) -> Result<One> {
    let clip = folder.join(format!("{seed}.mp4"));
    eprintln!("drawing the streets of seed {seed}");
    let parts: Vec<Part> = (seed..)
        .zip(Weather::ALL)
        .map(|(seed, weather)| part(seed, weather))
        .collect();
    let encoder = Encoder {
        preset: "veryfast",
        crf: 27,
        ..Encoder::new(FPS)
    };
    let truth = film(&parts, encoder, &clip)?;
    truth.write(&clip.with_extension("truth.json"))?;
    let state = folder.join(format!("{seed}"));
    eprintln!("{:.0} s of video go through the graph", truth.seconds);
    let events = replay(host, topology, &clip, &state)?;
    let assets = check_assets(host, &state)?;
    let clips: Vec<(f64, f64)> = assets.iter().map(crate::demo::Clip::span).collect();
    let wanted = truth.of(Class::Truck).map(|truck| (truck, START.1));
    let catch = compare(wanted, &clips, f64::MAX);
    let vehicles = [Class::Car, Class::Van, Class::Bus];
    Ok(One {
        others: vehicles.iter().map(|class| truth.of(*class).count()).sum(),
        misled: misled(&truth, &events, &clips),
        remarks: remarks(&truth, &catch, &clips),
        catch,
    })
}

fn part(seed: u64, weather: Weather) -> Part {
    Part {
        seed,
        weather,
        trucks: TRUCKS,
        pause: PAUSE,
    }
}

/// A line about each miss and each false clip, to look at.
fn remarks(truth: &StreetTruth, catch: &Catch, clips: &[(f64, f64)]) -> Vec<String> {
    let missed = catch.missed().map(|one| {
        let (start, end) = (one.start - START.1, one.end - START.1);
        format!(
            "missed: {}, {start:.1} s to {end:.1} s, shown {:.2}",
            one.what, one.shown
        )
    });
    let mut all: Vec<String> = missed.collect();
    for (from, to) in catch.false_clips.iter().filter_map(|place| clips.get(*place)) {
        let (from, to) = (from - START.1, to - START.1);
        let there = truth
            .passages
            .iter()
            .filter(|seen| seen.start < to && seen.end > from);
        let vehicles = there.filter(|seen| !matches!(seen.class, Class::Person | Class::Bicycle));
        let names: Vec<&str> = vehicles.map(|seen| seen.what.as_str()).collect();
        all.push(format!("false: {from:.1} s to {to:.1} s: {}", names.join(", ")));
    }
    all
}

/// Clips whose first sure sight was while no truck passed.
fn misled(truth: &StreetTruth, events: &[Event], clips: &[(f64, f64)]) -> usize {
    let sure = |event: &Event| event.confidence().is_some_and(|value| value >= trucks::SURE.1);
    let sights: Vec<f64> = events
        .iter()
        .filter(|event| sure(event))
        .filter_map(Event::inference_time)
        .collect();
    let first = |clip: &(f64, f64)| sights.iter().copied().find(|at| (clip.0..clip.1).contains(at));
    let passing = |at: f64| {
        let mut trucks = truth.of(Class::Truck);
        trucks.any(|truck| (truck.start - 0.2..truck.end + 0.2).contains(&(at - START.1)))
    };
    clips.iter().filter_map(first).filter(|at| !passing(*at)).count()
}

/// Gives the events.
fn replay(host: &Path, topology: &Path, clip: &Path, state: &Path) -> Result<Vec<Event>> {
    let mut command = Command::new(host);
    project::configure(&mut command).arg("replay").arg(topology);
    command.arg("--input").arg(format!("camera={}", clip.display()));
    command
        .args(["--start", START.0, "--json"])
        .arg("--record")
        .arg(state);
    for (name, value) in trucks::parameters() {
        command.args(["-p", &format!("{name}={value}")]);
    }
    command.stdin(Stdio::null());
    let output = command.output().context("cannot run `mediagraph replay`")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().rev().take(20).collect();
        let lines: Vec<&str> = lines.into_iter().rev().collect();
        bail!("the replay ended with {}:\n{}", output.status, lines.join("\n"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(Event::parse).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(passed: usize, caught: usize, false_clips: Vec<usize>) -> One {
        One {
            catch: Catch {
                passed,
                caught,
                clips: caught + false_clips.len(),
                false_clips,
                list: Vec::new(),
            },
            misled: 0,
            others: 99,
            remarks: Vec::new(),
        }
    }

    #[test]
    fn the_share_is_of_all_seeds_and_one_false_clip_is_one_too_many() {
        let reading = reading(&[one(60, 60, vec![]), one(100, 92, vec![3])]).unwrap();
        assert_eq!(reading.value, 0.95);
        assert_eq!(reading.samples, [1.0, 0.92]);
        assert!(!reading.besides[0].met);
    }

    #[test]
    fn an_empty_street_is_no_measurement() {
        assert!(super::reading(&[one(59, 59, vec![])]).is_err());
    }
}
