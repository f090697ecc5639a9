//! `mediagraph doctor`: whether this host can be trusted to record, line by line, and what to do about what is wrong.

mod looks;
mod models;

pub(in crate::cli) use looks::size;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::table::{Paint, Tone, clean};
use super::{config, print};

/// Look whether this host can be trusted to record, and for how many days there is room
///
/// Looks at the state directory, the disk, the clock, the index of recordings, the stores, the decoder and what runs models; says how fast the
/// recordings of the last day grew and when the disk, or what the configuration allows, is full. Changes nothing, and works
/// beside a running host. The exit code is 1 when there is a problem; a warning is none.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// The state directory of the host
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// The configuration of the host. Without it, the environment variable
    /// `MEDIAGRAPH_CONFIG`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// What was looked at.
    what: &'static str,
    state: State,
    message: String,
    /// What to do; empty when nothing is to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
}

impl Line {
    fn ok(what: &'static str, message: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Ok,
            message: message.into(),
            hint: String::new(),
        }
    }

    fn warning(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Warning,
            hint: hint.into(),
            ..Self::ok(what, message)
        }
    }

    fn problem(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Problem,
            ..Self::warning(what, message, hint)
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When there is a problem; everything was looked at and printed first.
pub async fn run(args: DoctorArgs) -> Outcome {
    let config = config::load(args.config.as_deref())?;
    let state = args.state_dir.clone();
    let looked = tokio::task::spawn_blocking(move || looks::all(&state, &config)).await;
    let lines = looked.map_err(Failure::failed)?;
    let problems = lines.iter().filter(|line| line.state == State::Problem).count();
    if args.json {
        let all = json!({"problems": problems, "value": lines});
        print::stdout(&format!("{all:#}\n"))?;
    } else {
        print::stdout(&text(&lines, Paint::of_stdout()))?;
    }
    match problems {
        0 => Ok(()),
        1 => Err(Failure::failed("there is a problem: see above")),
        many => Err(Failure::failed(format!("there are {many} problems: see above"))),
    }
}

fn text(lines: &[Line], paint: Paint) -> String {
    let width = lines.iter().map(|line| line.what.len()).max().unwrap_or_default();
    let mut out = String::new();
    for line in lines {
        let (tone, word) = match line.state {
            State::Ok => (Tone::Good, "ok     "),
            State::Warning => (Tone::Busy, "warning"),
            State::Problem => (Tone::Bad, "PROBLEM"),
        };
        out.push_str(&format!(
            "{:width$}  {}  {}\n",
            line.what,
            paint.paint(tone, word),
            clean(&line.message)
        ));
        if !line.hint.is_empty() {
            out.push_str(&format!("{:width$}           {}\n", "", clean(&line.hint)));
        }
    }
    out
}
