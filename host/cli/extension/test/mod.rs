//! `mediagraph extension test`: a component on a recorded clip, without a camera and without a graph.
//!
//! A clip is decoded, brought to what the component wants and shown to it by the code that does so in a running graph,
//! but each frame is shown, however long the last one took. Media time begins at [`START`], and with it every clock and
//! every random number that the component can ask for, so that the same component says the same of the same clip.

mod causes;
mod clip;
mod compare;
mod frames;
mod golden;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use self::compare::Difference;
use self::golden::Golden;
use super::component::{ComponentArgs, Loaded};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print;
use crate::extension::{Limits, NodeContext, TracingLog, World};
use crate::media::{Clock, ManualClock, MediaTime, SystemClock, TICKS_PER_SECOND};

/// Where the time of every clip begins: a whole second, so that frame rates fall on the same frames everywhere.
/// 2000-01-01T00:00:00Z.
const START: MediaTime = MediaTime::from_ticks(946_684_800 * TICKS_PER_SECOND as u64);

/// Differences that are told to people.
const MAX_TOLD: usize = 10;

/// Run a component on a recorded clip and compare what it says with what it should say
///
/// A detector is shown every frame of the clip that it wants, however long it takes. A gate or a processor is told
/// observations, from a JSON file instead of a clip: what `--expect` keeps of a detector is such a file. Without
/// `--expect`, what the component says is printed. What it logs goes to standard error.
///
/// Exit codes: 0 when it says what it should, 1 when not, or when it crashes, 2 for a wrong command line, 78 for a
/// configuration that the component's schema does not allow.
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    component: ComponentArgs,
    /// For a detector: an MP4 or Matroska file with H.264. For a gate or a processor: a JSON file of observations
    clip: PathBuf,
    /// The file that holds what it should say
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write that file: what the component says now is right
    #[arg(long, requires = "expect")]
    update: bool,
    /// How far numbers, such as the sides of a box, may be off
    #[arg(long, value_name = "N", default_value_t = 0.01, value_parser = tolerance)]
    tolerance: f64,
    /// MiB of memory that it may use
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4096))]
    memory_mib: u32,
    /// Seconds that it may take for one frame; a node of a graph gives 1 unless its `limits` say otherwise
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.0..1.0).contains(&number) {
        Ok(number)
    } else {
        Err("expected 0.0 to less than 1.0".to_owned())
    }
}

/// Around a component under test.
#[derive(Debug)]
struct Bench<'a> {
    loaded: &'a Loaded,
    limits: Limits,
    /// Follows the clip.
    clock: Arc<ManualClock>,
    /// The real one, for how long calls take.
    watch: SystemClock,
    slowest: Duration,
}

impl<'a> Bench<'a> {
    fn new(loaded: &'a Loaded, args: &TestArgs) -> Self {
        let limits = Limits {
            memory_mib: args.memory_mib,
            call_timeout: Duration::from_secs(args.timeout),
            ..Limits::default()
        };
        Self {
            loaded,
            limits,
            clock: Arc::new(ManualClock::new(START.to_timestamp())),
            watch: SystemClock::new(),
            slowest: Duration::ZERO,
        }
    }

    fn context(&self) -> NodeContext {
        NodeContext {
            node: "test".into(),
            log: Arc::new(TracingLog),
            clock: Arc::clone(&self.clock) as _,
            seed: 0,
            models: self.loaded.models.clone(),
        }
    }

    /// Lets the clip's time come to here.
    fn reach(&self, time: MediaTime) {
        let ahead = time.since(START).0.max(0).unsigned_abs();
        let nanos = u128::from(ahead) * 1_000_000_000 / u128::from(TICKS_PER_SECOND.unsigned_abs());
        let reached = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.clock.advance(reached.saturating_sub(self.clock.monotonic()));
    }

    /// Waits for a call, and notes how long it took.
    async fn timed<T>(&mut self, call: impl Future<Output = T>) -> T {
        let before = self.watch.monotonic();
        let answer = call.await;
        self.slowest = self.slowest.max(self.watch.monotonic().saturating_sub(before));
        answer
    }
}

pub(super) async fn run(args: &TestArgs) -> Outcome {
    let loaded = args.component.load().await?;
    let mut bench = Bench::new(&loaded, args);
    let said = match loaded.extension.world {
        World::Detector => frames::run(&mut bench, &args.clip).await?,
        World::Gate | World::Processor => causes::run(&mut bench, &args.clip).await?,
    };
    match &args.expect {
        None => print::stdout(&said.text()?),
        Some(file) if args.update => update(file, &said, args.json),
        Some(file) => {
            let expected = Golden::read(file)?;
            let differences = compare::compare(&expected, &said, args.tolerance);
            report(args, file, &said, &differences, bench.slowest)
        }
    }
}

fn update(file: &Path, said: &Golden, json: bool) -> Outcome {
    let written = said.write(file)?;
    let verb = if written { "written" } else { "is as it was" };
    print::stdout(&if json {
        format!(
            "{}\n",
            json!({"written": written, "shown": said.shown, "said": said.said.len()})
        )
    } else {
        format!("`{}` {verb}: {}\n", file.display(), said.summary())
    })
}

fn report(args: &TestArgs, file: &Path, said: &Golden, found: &[Difference], slowest: Duration) -> Outcome {
    let file = file.display();
    if args.json {
        let report = json!({
            "passed": found.is_empty(),
            "shown": said.shown,
            "said": said.said.len(),
            "differences": found,
        });
        print::stdout(&format!("{report:#}\n"))?;
    }
    if found.is_empty() {
        if args.json {
            return Ok(());
        }
        let slowest = slowest.as_millis();
        return print::stdout(&format!(
            "passed: {}; slowest call {slowest} ms\n",
            said.summary()
        ));
    }
    let lines: Vec<String> = found.iter().take(MAX_TOLD).map(ToString::to_string).collect();
    let more = match found.len().saturating_sub(MAX_TOLD) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    Err(Failure::failed(format!(
        "the component does not say what `{file}` expects:\n{}{more}\n\
         hint: if it is right now, run this again with `--update`",
        lines.join("\n")
    )))
}
