//! `mediagraph model run`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{FileArgs, backends, bytes, wrong};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print;
use crate::inference::backend::{Backend, Network};
use crate::inference::{Element, Port, Proto, Tensor, Values, elements, shape_text};
use crate::media::{Clock as _, SystemClock};

/// Runs before those that are measured: the first ones fetch memory.
const WARM_UP: u32 = 3;
/// Side of what a model is given that leaves it open.
const ASSUMED_SIDE: u32 = 640;

/// Run a model on made-up numbers, and say how long that takes
///
/// On one thread, as a node of a graph does. The numbers are the same each time.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    file: FileArgs,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    /// What is to run it, by the beginning of its name: `tract` or `onnx`. Without: what a host would take
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// What a side is taken for that the model leaves open; the first one is taken for 1
    #[arg(long, value_name = "N", default_value_t = ASSUMED_SIDE, value_parser = clap::value_parser!(u32).range(1..=4096))]
    side: u32,
}

pub(super) fn run(args: &RunArgs) -> Outcome {
    let path = &args.file.file;
    let (name, network) = load(args)?;
    let inputs: Vec<Tensor> = network
        .inputs()
        .iter()
        .map(|port| made_up(port, args.side))
        .collect::<Result<_, _>>()
        .map_err(|why| wrong(path, &why))?;
    let failed = |why: String| wrong(path, &format!("fails: {why}"));
    let clock = SystemClock::new();
    let mut took = Vec::new();
    let mut outputs = Vec::new();
    for run in 0..WARM_UP.saturating_add(args.runs) {
        let begun = clock.monotonic();
        outputs = network.run(&inputs).map_err(failed)?;
        if run >= WARM_UP {
            took.push(clock.monotonic().saturating_sub(begun));
        }
    }
    took.sort_unstable();
    let shown = report(&name, &took, &inputs, &outputs);
    print::stdout(&if args.file.json {
        format!("{shown:#}\n")
    } else {
        text(&name, &took, &outputs)
    })
}

/// With the backend that was asked for, else the first that takes it.
fn load(args: &RunArgs) -> Result<(String, Box<dyn Network>), Failure> {
    let path = &args.file.file;
    let wanted = |backend: &dyn Backend| {
        let name = backend.name().to_ascii_lowercase();
        let asked = args.backend.as_deref().map(str::to_ascii_lowercase);
        asked.is_none_or(|asked| name.starts_with(&asked))
    };
    let bytes = bytes(path)?;
    let mut why = None;
    for backend in backends().into_iter().filter(|backend| wanted(&**backend)) {
        let proto = Proto::parse(bytes.clone()).map_err(|problem| wrong(path, &problem))?;
        match backend.load(proto) {
            Ok(network) => return Ok((backend.name().to_owned(), network)),
            Err(problem) => why = why.or(Some(wrong(path, &problem))),
        }
    }
    Err(why.unwrap_or_else(|| {
        Failure::usage("nothing of this name runs models here\nhint: `mediagraph doctor` says what does")
    }))
}

/// Numbers of 0 to 255 that look like noise and are the same each time.
fn made_up(port: &Port, side: u32) -> Result<Tensor, String> {
    let sides = port.shape.iter().enumerate();
    let shape: Vec<u32> = sides
        .map(|(place, own)| own.unwrap_or(if place == 0 { 1 } else { side }))
        .collect();
    let count = elements(&shape)?;
    let mut state = 1_u32;
    let mut next = || {
        // Numerical Recipes' generator; the upper bits are the better ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let bytes = (0..count).map(|_| next());
    let values = match port.element {
        Element::Uint8 => Values::Uint8(bytes.collect()),
        Element::Int32 => Values::Int32(bytes.map(i32::from).collect()),
        Element::Int64 => Values::Int64(bytes.map(i64::from).collect()),
        Element::Float32 => Values::Float32(bytes.map(f32::from).collect()),
    };
    Tensor::new(port.name.clone(), shape, values)
}

fn millis(took: &[Duration], part: usize) -> f64 {
    let place = took.len().saturating_sub(1) * part / 4;
    took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3)
}

fn report(name: &str, took: &[Duration], inputs: &[Tensor], outputs: &[Tensor]) -> Value {
    let shapes = |tensors: &[Tensor]| -> Vec<Value> {
        let one = |tensor: &Tensor| json!({"name": tensor.name, "shape": tensor.shape, "element": tensor.values.element().name()});
        tensors.iter().map(one).collect()
    };
    json!({
        "backend": name,
        "runs": took.len(),
        "milliseconds": {"quarter": millis(took, 1), "median": millis(took, 2), "threeQuarters": millis(took, 3)},
        "inputs": shapes(inputs),
        "outputs": shapes(outputs),
    })
}

fn text(name: &str, took: &[Duration], outputs: &[Tensor]) -> String {
    let mut text = format!(
        "{name}: {:.1} ms for one run, on one thread (half of {} runs took {:.1} to {:.1} ms)\n",
        millis(took, 2),
        took.len(),
        millis(took, 1),
        millis(took, 3)
    );
    for output in outputs {
        let nonsense = if output.has_nonsense() {
            ", with numbers that are not finite"
        } else {
            ""
        };
        text.push_str(&format!(
            "`{}` of {} {}{nonsense}\n",
            output.name,
            shape_text(&output.shape),
            output.values.element().name()
        ));
    }
    text
}
