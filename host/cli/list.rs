//! `mediagraph list`: what this host knows.

use serde_json::{Value, json};

use super::failure::Outcome;
use super::print;
use super::table::{Cell, Paint, Table};
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
    /// List the commands of this program
    Commands {
        /// As the reference page
        #[arg(long)]
        markdown: bool,
    },
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
pub fn run(args: ListArgs, command: clap::Command) -> Outcome {
    let nodes = match args.what {
        What::Nodes(nodes) => nodes,
        What::Commands { markdown: true } => return print::stdout(&super::reference::markdown(command)),
        What::Commands { markdown: false } => return print::stdout(&super::reference::table(command)),
    };
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
    let mut table = Table::new(&["NAME", "ROLE", "STATUS", "SUMMARY"]);
    for one in TABLE {
        table.row([
            Cell::text(one.name()),
            Cell::text(reference::role(one.class.role())),
            Cell::text(status(one.status)),
            Cell::whole(one.summary),
        ]);
    }
    table.render(Paint::of_stdout())
}
