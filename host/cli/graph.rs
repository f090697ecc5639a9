//! `mediagraph graph`: draws a topology, or says what would be decoded for whom.

mod plan;

use std::path::PathBuf;

use super::failure::{Failure, Outcome};
use super::load::{self, ParameterArgs};
use super::print;
use super::validate::NO_INSTANCE;
use crate::nodes::TABLE;
use crate::topology::check;

/// Draw a topology as a Mermaid or Graphviz graph
///
/// With `--plan`: says of each camera what would be decoded, who looks at its pictures, and which scales that takes. The
/// components are started for it, since only they know what they want; parameters that are not given may stay without a value.
#[derive(Debug, clap::Args)]
pub struct GraphArgs {
    /// A topology file, or a folder with a `topology.json`
    topology: PathBuf,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// The language of the drawing
    #[arg(long, value_enum, default_value = "mermaid", conflicts_with = "plan")]
    format: Format,
    /// Say what would be decoded and scaled, and for whom, instead of drawing
    #[arg(long)]
    plan: bool,
    /// Print the plan as JSON
    #[arg(long, requires = "plan")]
    json: bool,
    /// Where a host keeps components; it is only looked at
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
}

/// Languages of drawings.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
}

/// Runs the command. Parameters need no values.
///
/// # Errors
/// Exit code 78 when the topology is wrong, 1 when it cannot be read.
pub fn run(args: GraphArgs) -> Outcome {
    if args.plan {
        return super::in_runtime(|| plan::run(args));
    }
    let bindings = args.parameters.bindings()?;
    let doc = load::topology(&args.topology).map_err(|error| error.into_failure(&args.topology))?;
    let checked = check(&doc, &bindings, NO_INSTANCE, TABLE);
    if checked.diagnostics.has_errors() {
        let file = args.topology.display().to_string();
        return Err(Failure::bad_topology(
            checked.diagnostics.render(Some(&file)).trim_end(),
        ));
    }
    print::stdout(&match args.format {
        Format::Mermaid => checked.outline.mermaid(),
        Format::Dot => checked.outline.dot(),
    })
}
