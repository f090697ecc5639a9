//! `mediagraph list`: what this host knows.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::failure::Outcome;
use super::print;
use crate::nodes::TABLE;
use crate::topology::Status;
use crate::topology::reference;

/// List what this host knows
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(subcommand)]
    what: What,
}

/// What to list.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List the node types
    Nodes(NodesArgs),
}

/// How to list node types.
#[derive(Debug, clap::Args)]
pub struct NodesArgs {
    /// As JSON
    #[arg(long, conflicts_with_all = ["markdown", "schema"])]
    json: bool,
    /// As the reference page
    #[arg(long, conflicts_with = "schema")]
    markdown: bool,
    /// As the JSON Schema of topologies, for editors
    #[arg(long)]
    schema: bool,
}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: ListArgs) -> Outcome {
    let What::Nodes(nodes) = args.what;
    print::stdout(&if nodes.json {
        format!("{:#}\n", json())
    } else if nodes.markdown {
        reference::markdown(TABLE)
    } else if nodes.schema {
        format!("{:#}\n", reference::editor_schema(TABLE))
    } else {
        table()
    })
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Runs => "runs",
        Status::Planned { .. } => "planned",
    }
}

fn json() -> Value {
    let nodes = TABLE.iter().map(|one| {
        let mut node = json!({
            "name": one.name(),
            "names": one.names,
            "role": one.class.role(),
            "since": one.since,
            "status": status(one.status),
            "summary": one.summary,
        });
        if let (Status::Planned { use_instead }, Some(object)) = (one.status, node.as_object_mut()) {
            object.insert("useInstead".to_owned(), use_instead.into());
        }
        node
    });
    Value::Array(nodes.collect())
}

fn table() -> String {
    let width = TABLE.iter().map(|one| one.name().len()).max().unwrap_or(0);
    let mut text = format!("{:width$}  {:9}  {:7}  SUMMARY\n", "NAME", "ROLE", "STATUS");
    for one in TABLE {
        let role = reference::role(one.class.role());
        let _ = writeln!(
            text,
            "{:width$}  {role:9}  {:7}  {}",
            one.name(),
            status(one.status),
            one.summary
        );
    }
    text
}
