//! The demo of motion: a yard, a graph that records whenever something moves, and how many of the movements it caught.

use anyhow::Result;

use super::score::{Observed, Score, score};
use super::{Arguments, Clip, Event, Plan, output, report, start, verdict};
use crate::clip;
use crate::clip::truth::Truth;
use crate::project;

/// Watched beyond one pass of the clip, so that the last recording is closed by its gate.
const MARGIN_S: f64 = 3.0;
const TOPOLOGY: &str = "topologies/evr-motion-assets/topology.json";

/// Clips as long as what moves: the topology's own values suit a real camera, and would make one clip of several of
/// the demo's movements, which are 6 s apart.
const CLIP_PARAMETERS: [(&str, &str); 3] = [
    ("preRoll", "-PT2S"),
    ("minimumClip", "PT3S"),
    ("maximumClip", "PT1M"),
];

/// Everything that a run of the demo has shown.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event>,
    pub(crate) clips: Vec<Clip>,
    pub(crate) score: Score,
}

/// Runs the demo and prints what came of it.
///
/// # Errors
/// When something did not run, a clip is broken or there is none.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let outcome = observe(arguments, !arguments.json)?;
    if arguments.json {
        report::print_json(&outcome)?;
    } else {
        report::print_text(&outcome, &output(arguments));
    }
    verdict(&outcome.clips)
}

/// Runs the demo; prints events only where `talk` says so.
///
/// # Errors
/// When something did not run.
pub(crate) fn observe(arguments: &Arguments, talk: bool) -> Result<Outcome> {
    let truth = Truth::read(&clip::truth_file())?;
    let shown = start(arguments, talk, |host, state| {
        Ok(Plan {
            host,
            clip: clip::file(),
            topology: project::root().join(TOPOLOGY),
            parameters: arguments.parameters(&CLIP_PARAMETERS),
            state,
            seconds: arguments.seconds.map_or(truth.seconds + MARGIN_S, f64::from),
        })
    })?;
    let observed = Observed {
        sessions: shown.events.iter().filter_map(Event::session_start).collect(),
        end: shown.end,
        inferences: shown.events.iter().filter_map(Event::inference_time).collect(),
        clips: shown.clips.iter().map(|clip| (clip.start, clip.end())).collect(),
    };
    Ok(Outcome {
        score: score(&truth, &observed),
        events: shown.events,
        clips: shown.clips,
    })
}
