//! `mediagraph explain`: why there is, or is no, clip of a moment.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::client::{Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::print;
use super::site::{self, Site};
use super::table::{Paint, Tone, clean};
use crate::events::journal::{FILE_NAME, Reader};
use crate::explain::{Explanation, Question, Step, Verdict, explain, gather, moment};
use crate::when;

/// Say why there is, or is no, clip of a moment
///
/// Follows the chain from the camera over frames, detectors and gates to the stored recording, as the host's journal
/// has it, and ends in one sentence. TIME is `2026-11-21T14:02:00Z`, `2026-11-21 14:02`, `14:02` (the last one that has
/// passed) or `yesterday 14:02`; without an offset it is meant in the time zone of the host's configuration.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The graph instance
    instance: String,
    /// The moment
    #[arg(long, value_name = "TIME")]
    at: String,
    /// How far before and after it to look, such as `10s` or `2m`
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    window: String,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
    /// Read the journal in this state directory instead of asking a host; works beside a running host
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    state_dir: Option<PathBuf>,
    /// With `--state-dir`: the time zone, such as `Europe/Berlin`; without, that of the configuration in `MEDIAGRAPH_CONFIG`, else UTC
    #[arg(long, value_name = "NAME", requires = "state_dir")]
    time_zone: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
///
/// # Errors
/// When the moment makes no sense, or nobody can be asked.
pub async fn run(args: ExplainArgs) -> Outcome {
    let explanation = match &args.state_dir {
        Some(dir) => offline(&args, dir.join(FILE_NAME)),
        None => online(&args).await,
    }?;
    site::tell(&explanation.notes);
    print::answer(&explanation, args.json, text)
}

async fn online(args: &ExplainArgs) -> Result<Explanation, Failure> {
    let client = args.server.client()?;
    let path = ["api", "explain", args.instance.as_str()];
    let request = Request::get(&path)
        .query("at", Some(&args.at))
        .query("window", Some(&args.window));
    let reply = client.expect("explain that moment", request).await?;
    serde_json::from_value(reply.json()?).map_err(|_| {
        Failure::failed("the host's answer is no explanation\nhint: is it the same version of mediagraph?")
    })
}

fn offline(args: &ExplainArgs, journal: PathBuf) -> Result<Explanation, Failure> {
    let site = Site::offline(args.time_zone.as_deref())?;
    let question = Question {
        instance: args.instance.clone(),
        at: site.at(&args.at)?,
        window: moment::window(&args.window).map_err(Failure::usage)?,
    };
    let reader = Reader::open(&journal).map_err(Failure::failed)?;
    let evidence = gather(&reader, &question).map_err(Failure::failed)?;
    if !evidence.known {
        let mut known = reader.instances().map_err(Failure::failed)?;
        known.truncate(MAX_NAMES);
        let known = match known.as_slice() {
            [] => "it knows none".to_owned(),
            names => format!("it knows `{}`", names.join("`, `")),
        };
        return Err(Failure::failed(format!(
            "the journal knows no graph instance `{}`\nhint: {}",
            clean(&args.instance),
            clean(&known)
        )));
    }
    let mut explanation = explain(&question, &evidence);
    explanation.time_zone = when::name(&site.zone);
    Ok(explanation)
}

/// Names that an error lists.
const MAX_NAMES: usize = 20;

fn text(explanation: &Explanation, paint: Paint) -> String {
    let zone = site::zone_of(&explanation.time_zone);
    let people = |text: &str| clean(&when::for_people(text, &zone));
    let mut out = format!(
        "{} at {}, looked at from {} to {}\n",
        clean(&explanation.instance),
        people(&explanation.at),
        people(&explanation.from),
        people(&explanation.to)
    );
    let width = |of: fn(&Step) -> &str| {
        explanation
            .steps
            .iter()
            .map(|step| clean(of(step)).chars().count())
            .max()
    };
    let (links, nodes) = (width(|step| step.link.name()), width(name));
    for step in &explanation.steps {
        let (tone, mark) = match step.verdict {
            Verdict::Fine => (Tone::Good, "ok"),
            Verdict::Broken => (Tone::Bad, "NO"),
            Verdict::Unknown => (Tone::Busy, "? "),
        };
        let _ = writeln!(
            out,
            "  {:links$}  {:nodes$}  {}  {}",
            step.link.name(),
            clean(name(step)),
            paint.paint(tone, mark),
            people(&step.message),
            links = links.unwrap_or_default(),
            nodes = nodes.unwrap_or_default(),
        );
    }
    let _ = writeln!(out, "\n{}", people(&explanation.conclusion));
    out
}

fn name(step: &Step) -> &str {
    step.node.as_deref().unwrap_or_default()
}
